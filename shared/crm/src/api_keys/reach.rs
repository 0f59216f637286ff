//! Whose keys a caller manages, and which of them a tenant must keep.

use super::{By, KeyError};
use domain::access::{Environment, Role};
use domain::ids::{KeyId, TenantId};
use domain::tenant::Tenant;
use domain::time::Millis;
use platform::dynamo::{ApiKeyRecord, ListedKey, Store, StoreError};

/// How many keys are read at once.
const AT_ONCE: u32 = 100;

/// Whose keys a caller manages.
pub(super) struct Reach {
    /// The caller's own tenant; the twin itself for a test key.
    pub(super) own: Tenant,
    environment: Environment,
}

impl Reach {
    pub(super) async fn of(store: &Store, by: &By) -> Result<Self, KeyError> {
        let tenant = by.principal.tenant;
        let own = store.tenant_facts_now(tenant).await?.tenant;
        let own = own.ok_or_else(|| StoreError::missing("read tenant", tenant))?;
        Ok(Self { own, environment: by.principal.environment })
    }

    /// The tenant whose data keys of an environment open.
    pub(super) fn tenant_of(&self, environment: Environment) -> Result<TenantId, KeyError> {
        match (self.environment, environment) {
            (Environment::Live, Environment::Live) | (Environment::Test, Environment::Test) => {
                Ok(self.own.id)
            }
            (Environment::Live, Environment::Test) => self
                .own
                .sandbox
                .ok_or_else(|| KeyError::Conflict("This tenant has no sandbox for test keys.".to_owned())),
            (Environment::Test, Environment::Live) => Err(KeyError::TestOnly),
        }
    }

    pub(super) async fn find(&self, store: &Store, id: KeyId) -> Result<ListedKey, KeyError> {
        for tenant in [Some(self.own.id), self.own.sandbox].into_iter().flatten() {
            if let Some(found) = store.api_key_by_id(tenant, id).await? {
                return Ok(found);
            }
        }
        Err(KeyError::NotFound)
    }
}

/// Whether a key is one of those of which a tenant must keep one.
pub(super) fn opens_everything(record: &ApiKeyRecord, now: Millis) -> bool {
    record.role == Role::Admin
        && record.environment == Environment::Live
        && record.replaced_by.is_none()
        && record.is_good(now)
}

/// The digest of another live admin key of a tenant.
pub(super) async fn another_admin(
    store: &Store,
    tenant: TenantId,
    than: KeyId,
    now: Millis,
) -> Result<Option<String>, KeyError> {
    admin(store, tenant, than, |record| opens_everything(record, now)).await
}

/// The same, of those without an end.
pub(super) async fn endless_admin(
    store: &Store,
    tenant: TenantId,
    than: KeyId,
    now: Millis,
) -> Result<Option<String>, KeyError> {
    admin(store, tenant, than, |record| opens_everything(record, now) && record.expires_at.is_none()).await
}

async fn admin(
    store: &Store,
    tenant: TenantId,
    than: KeyId,
    fits: impl Fn(&ApiKeyRecord) -> bool,
) -> Result<Option<String>, KeyError> {
    let mut before = None;
    loop {
        let keys = store.api_keys(tenant, before, AT_ONCE).await?;
        let Some(last) = keys.last() else { return Ok(None) };
        before = Some(last.record.id.ulid());
        let mut others = keys.into_iter().filter(|key| key.record.id != than && fits(&key.record));
        if let Some(other) = others.next() {
            return Ok(Some(other.digest));
        }
    }
}
