//! When a tenant's templates are asked after again because some are under review and their webhook may be lost.

use super::due::Due;
use super::wire::{Names, StoreError, Values, s};
use super::{Store, keys};
use domain::ids::TenantId;
use domain::time::Millis;

impl Store {
    /// Has the sweeper read the tenant's lists at `at`, unless it is to earlier.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn arm_template_poll(&self, tenant: TenantId, at: Millis) -> Result<(), StoreError> {
        let values =
            Values::from([(":pk", s(keys::TEMPLATES_DUE)), (":at", s(keys::templates_due_sort(at, tenant)))]);
        let condition = Some("attribute_not_exists(dsk) OR dsk > :at");
        let key = keys::template_sync(tenant);
        let set = "SET dpk = :pk, dsk = :at";
        self.crm.update("arm template poll", key, set, condition, Names::new(), values).await?.ok();
        Ok(())
    }

    /// The tenants whose lists are due at `now`, longest overdue first, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn due_template_polls(&self, now: Millis, limit: u32) -> Result<Vec<TenantId>, StoreError> {
        let due =
            Due { action: "list due template polls", partition: keys::TEMPLATES_DUE, before: now, limit };
        self.due_by_key(due, keys::templates_of).await
    }

    /// Takes a poll that is due, and has the next one made at `next`; false when somebody else took it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn take_template_poll(
        &self,
        tenant: TenantId,
        now: Millis,
        next: Millis,
    ) -> Result<bool, StoreError> {
        let values = Values::from([
            (":now", s(keys::due_before(now))),
            (":next", s(keys::templates_due_sort(next, tenant))),
        ]);
        let key = keys::template_sync(tenant);
        let taken = self
            .crm
            .update("take template poll", key, "SET dsk = :next", Some("dsk < :now"), Names::new(), values)
            .await?;
        Ok(taken.is_ok())
    }

    /// Nothing is under review any more: the poll at `next` is not needed, unless somebody asked for an earlier one.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn disarm_template_poll(&self, tenant: TenantId, next: Millis) -> Result<(), StoreError> {
        let values = Values::from([(":next", s(keys::templates_due_sort(next, tenant)))]);
        let key = keys::template_sync(tenant);
        let condition = Some("dsk = :next");
        let remove = "REMOVE dpk, dsk";
        self.crm.update("disarm template poll", key, remove, condition, Names::new(), values).await?.ok();
        Ok(())
    }
}
