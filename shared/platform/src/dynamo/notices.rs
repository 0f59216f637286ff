//! Service windows about to close, for tenants who want to be told: one small item for each contact, moved by every
//! message.

use super::due::Due;
use super::wire::{AttributeValue, Item, Names, StoreError, Values, n, s};
use super::{Store, keys, timeline};
use domain::ids::{ContactId, TenantId};
use domain::time::Millis;

/// A window that is about to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowNotice {
    /// Whose.
    pub tenant: TenantId,
    /// With whom.
    pub contact: ContactId,
    /// When somebody is to be told.
    pub at: Millis,
}

impl Store {
    /// Somebody is to be told at `at`, unless a later time is noted already.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_window(&self, notice: WindowNotice) -> Result<(), StoreError> {
        let WindowNotice { tenant, contact, at } = notice;
        self.crm
            .update(
                "note window",
                keys::window_notice(tenant, contact),
                "SET at_ms = :at, dpk = :dpk, dsk = :dsk",
                Some("attribute_not_exists(at_ms) OR at_ms < :at"),
                Names::new(),
                Values::from([
                    (":at", n(at.unix_ms())),
                    (":dpk", s(keys::WINDOWS_DUE)),
                    (":dsk", s(keys::window_due_sort(at, tenant, contact))),
                ]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Somebody was told, unless a later time was noted meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn told_of_window(&self, notice: WindowNotice) -> Result<(), StoreError> {
        self.crm
            .update(
                "told of window",
                keys::window_notice(notice.tenant, notice.contact),
                "REMOVE dpk, dsk",
                Some("at_ms = :at"),
                Names::new(),
                Values::from([(":at", n(notice.at.unix_ms()))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Windows of any tenant that somebody is to be told of by `now`, longest overdue first.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn due_windows(&self, now: Millis, limit: u32) -> Result<Vec<WindowNotice>, StoreError> {
        const ACTION: &str = "list due windows";
        let due = Due { action: ACTION, partition: keys::WINDOWS_DUE, before: now.plus_ms(1), limit };
        let page = self.due(due).await?;
        let of = |item: &Item| {
            let (tenant, contact) = timeline::key_of(item).as_ref().and_then(keys::tenant_contact_of)?;
            let Some(AttributeValue::S(due)) = item.get("dsk") else { return None };
            let at = due.split('#').next()?.parse().ok().map(Millis::from_unix_ms)?;
            Some(WindowNotice { tenant, contact, at })
        };
        let corrupt = || StoreError::corrupt(ACTION, "WINDOWS", "not a notice's key");
        page.iter().map(|item| of(item).ok_or_else(corrupt)).collect()
    }
}
