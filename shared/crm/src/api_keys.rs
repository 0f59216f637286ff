//! API keys as their tenant's admins manage them: made, listed, changed, rotated, revoked; each change with its entry in
//! the audit log, in one transaction.
//!
//! A live admin manages the tenant's live keys and the test keys of its sandbox twin; a test admin the test keys alone.
//! Every change is in the log of whoever made it.

mod reach;
mod view;

pub use view::{KeyStatus, KeyView};

use domain::access::{ApiKey, Environment, Principal, Role};
use domain::address_range::AddressRange;
use domain::ids::{KeyId, TenantId};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{ApiKeyRecord, KeyEdit, KeyEdited, KeyMade, KeyRevoked, NewAuditEntry, StoreError};
use reach::{Reach, another_admin, endless_admin, opens_everything};
use ulid::Ulid;
use uuid::Uuid;
use view::view;

/// How often a change that met another one is tried.
const TRIES: u32 = 3;

/// Who changes a key, when, in which request.
#[derive(Debug, Clone)]
pub struct By {
    principal: Principal,
    actor: String,
    now: Millis,
    trace_id: Uuid,
}

/// What a new key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Which data it opens.
    pub environment: Environment,
    /// When it ends.
    pub expires_at: Option<Millis>,
    /// From where it may be used; from anywhere when empty.
    pub allowed_ips: Vec<AddressRange>,
}

/// A key that was just made, with its text.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The key as it is shown from now on.
    pub view: KeyView,
    /// Its text, for the one answer that shows it.
    pub key: ApiKey,
}

/// What cannot be done with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
    /// There is no such key, for this caller.
    #[error("no such key")]
    NotFound,
    /// A test key cannot reach live data, by whatever way.
    #[error("a test key manages test keys only")]
    TestOnly,
    /// The state of things does not allow it; the words are for the caller.
    #[error("{0}")]
    Conflict(String),
}

/// Makes a key. `id` is the same for every run of one request, so that it makes one key.
///
/// # Errors
/// As [`KeyError`] says.
pub async fn create(platform: &Platform, by: &By, id: Ulid, wanted: &Wanted) -> Result<NewKey, KeyError> {
    if by.principal.environment == Environment::Test && wanted.environment == Environment::Live {
        return Err(KeyError::TestOnly);
    }
    for _ in 0..TRIES {
        let reach = Reach::of(&platform.store, by).await?;
        let key = fresh(wanted.environment)?;
        let record = ApiKeyRecord {
            id: KeyId::from_ulid(id),
            tenant: reach.tenant_of(wanted.environment)?,
            role: wanted.role,
            environment: wanted.environment,
            name: wanted.name.clone(),
            last4: key.last4().to_owned(),
            created_at: by.now,
            expires_at: wanted.expires_at,
            revoked_at: None,
            allowed_ips: wanted.allowed_ips.clone(),
            last_used_at: None,
            replaces: None,
            replaced_by: None,
            plan: reach.own.plan,
            rate_per_minute: None,
        };
        let target = record.id.to_string();
        let log = Some(by.entry("api_key.create", &target));
        match platform.store.create_api_key(&key.digest(), &record, log).await? {
            KeyMade::Yes => return Ok(NewKey { view: view(&record, by.now), key }),
            KeyMade::Taken => return Err(lost(record.id)),
            KeyMade::PlanMoved => {}
        }
    }
    Err(KeyError::Conflict("The tenant's plan is being changed; try again.".to_owned()))
}

/// The caller's keys, newest first: the live ones, then the test ones.
///
/// # Errors
/// As [`KeyError`] says.
pub async fn list(
    platform: &Platform,
    by: &By,
    environment: Option<Environment>,
    after: Option<(Environment, Ulid)>,
    limit: u32,
) -> Result<(Vec<KeyView>, Option<(Environment, Ulid)>), KeyError> {
    let reach = Reach::of(&platform.store, by).await?;
    let room = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found: Vec<KeyView> = Vec::new();
    for one in [Environment::Live, Environment::Test] {
        let passed = after.is_some_and(|(at, _)| at == Environment::Test && one == Environment::Live);
        if passed || environment.is_some_and(|wanted| wanted != one) {
            continue;
        }
        let Ok(tenant) = reach.tenant_of(one) else { continue };
        let before = after.filter(|(at, _)| *at == one).map(|(_, ulid)| ulid);
        // One more than there is room for tells whether there is another page.
        let wanted = u32::try_from(room.saturating_sub(found.len())).unwrap_or(limit).saturating_add(1);
        let keys = platform.store.api_keys(tenant, before, wanted).await?;
        found.extend(keys.iter().map(|key| view(&key.record, by.now)));
        if found.len() > room {
            break;
        }
    }
    let more = found.len() > room;
    found.truncate(room);
    let next = found.last().filter(|_| more).map(|last| (last.environment, last.id.ulid()));
    Ok((found, next))
}

/// One key.
///
/// # Errors
/// As [`KeyError`] says.
pub async fn find(platform: &Platform, by: &By, id: KeyId) -> Result<KeyView, KeyError> {
    let reach = Reach::of(&platform.store, by).await?;
    Ok(view(&reach.find(&platform.store, id).await?.record, by.now))
}

/// Changes a key's name, addresses or end.
///
/// # Errors
/// As [`KeyError`] says; of a tenant's admin keys one has no end.
pub async fn edit(platform: &Platform, by: &By, id: KeyId, edit: &KeyEdit) -> Result<KeyView, KeyError> {
    let reach = Reach::of(&platform.store, by).await?;
    let found = reach.find(&platform.store, id).await?;
    let target = id.to_string();
    if found.record.replaced_by.is_some() && edit.expires_at.is_some() {
        let message = "This key was rotated and ends with its overlap; revoke it to end it now.";
        return Err(KeyError::Conflict(message.to_owned()));
    }
    let ends = matches!(edit.expires_at, Some(Some(_))) && found.record.expires_at.is_none();
    for _ in 0..TRIES {
        let survivor = if ends && opens_everything(&found.record, by.now) {
            let other = endless_admin(&platform.store, found.record.tenant, id, by.now).await?;
            Some(other.ok_or_else(|| {
                let message = "This is the tenant's last admin key without an end; make another one first.";
                KeyError::Conflict(message.to_owned())
            })?)
        } else {
            None
        };
        let log = by.entry("api_key.edit", &target);
        match platform.store.edit_api_key(&found, edit, survivor.as_deref(), log).await? {
            KeyEdited::Yes => return Ok(view(&reach.find(&platform.store, id).await?.record, by.now)),
            KeyEdited::Revoked => {
                return Err(KeyError::Conflict("A revoked key cannot be changed.".to_owned()));
            }
            // The key that was to stay was revoked or given an end: look again.
            KeyEdited::SurvivorGone => {}
        }
    }
    Err(KeyError::Conflict("Other admin keys are being changed; try again.".to_owned()))
}

/// Revokes a key, for good; revoking it again changes nothing.
///
/// # Errors
/// As [`KeyError`] says; the last admin key of a tenant cannot be revoked.
pub async fn revoke(platform: &Platform, by: &By, id: KeyId) -> Result<KeyView, KeyError> {
    let reach = Reach::of(&platform.store, by).await?;
    let target = id.to_string();
    for _ in 0..TRIES {
        let mut found = reach.find(&platform.store, id).await?;
        if found.record.revoked_at.is_some() {
            return Ok(view(&found.record, by.now));
        }
        let survivor = if opens_everything(&found.record, by.now) {
            let other = another_admin(&platform.store, found.record.tenant, id, by.now).await?;
            Some(other.ok_or_else(|| {
                let message = "This is the tenant's last admin key; make or rotate to another one first.";
                KeyError::Conflict(message.to_owned())
            })?)
        } else {
            None
        };
        let log = by.entry("api_key.revoke", &target);
        match platform.store.revoke_api_key(&found, by.now, survivor.as_deref(), log).await? {
            KeyRevoked::Now => {
                found.record.revoked_at = Some(by.now);
                return Ok(view(&found.record, by.now));
            }
            // By somebody else, or with the key that was to stay: look again.
            KeyRevoked::Before | KeyRevoked::SurvivorGone => {}
        }
    }
    Err(KeyError::Conflict("Other admin keys are being revoked; try again.".to_owned()))
}

/// Makes a key that takes the place of another one: same name, role, environment and addresses, the same time to live.
/// The old one stays good for `overlap_ms`.
///
/// # Errors
/// As [`KeyError`] says.
pub async fn rotate(
    platform: &Platform,
    by: &By,
    id: KeyId,
    new_id: Ulid,
    overlap_ms: u64,
) -> Result<NewKey, KeyError> {
    let reach = Reach::of(&platform.store, by).await?;
    let old = reach.find(&platform.store, id).await?;
    let new_id = KeyId::from_ulid(new_id);
    if old.record.replaced_by == Some(new_id) {
        return Err(lost(new_id));
    }
    if !old.record.is_good(by.now) || old.record.replaced_by.is_some() {
        let message = "Only an active key can be rotated; this one is revoked, expired or rotated already.";
        return Err(KeyError::Conflict(message.to_owned()));
    }
    let key = fresh(old.record.environment)?;
    let lifetime = old.record.expires_at.map(|at| at.since(old.record.created_at));
    let record = ApiKeyRecord {
        id: new_id,
        last4: key.last4().to_owned(),
        created_at: by.now,
        expires_at: lifetime.map(|ms| by.now.plus_ms(ms)),
        last_used_at: None,
        replaces: Some(id),
        ..old.record.clone()
    };
    let overlap = by.now.plus_ms(overlap_ms);
    let ends_at = old.record.expires_at.map_or(overlap, |at| at.min(overlap));
    let target = id.to_string();
    let log = by.entry("api_key.rotate", &target);
    if platform.store.rotate_api_key(&old.digest, ends_at, &key.digest(), &record, log).await? {
        return Ok(NewKey { view: view(&record, by.now), key });
    }
    Err(KeyError::Conflict("This key was revoked or rotated at the same moment.".to_owned()))
}

impl By {
    /// Who asked in a request.
    #[must_use]
    pub fn new(principal: &Principal, now: Millis, trace_id: Uuid) -> Self {
        Self { principal: principal.clone(), actor: principal.key_id.to_string(), now, trace_id }
    }

    fn entry<'a>(&'a self, action: &'a str, target: &'a str) -> (TenantId, NewAuditEntry<'a>) {
        let Self { actor, now, trace_id, .. } = self;
        let entry = NewAuditEntry { at: *now, actor, action, target, trace_id: *trace_id };
        (self.principal.tenant, entry)
    }
}

fn fresh(environment: Environment) -> Result<ApiKey, KeyError> {
    let mut random = [0u8; 64];
    getrandom::fill(&mut random).map_err(|_| KeyError::Random)?;
    Ok(ApiKey::from_random(environment, &random))
}

/// A first run of the request made the key and died before it could show it.
fn lost(id: KeyId) -> KeyError {
    KeyError::Conflict(format!(
        "An earlier run of this request made {id}, whose text cannot be shown any more; rotate it, or revoke it."
    ))
}
