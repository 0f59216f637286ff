//! API keys: found by the digest of their text before anybody is known, and listed by their tenant through a pointer.
//! What a key may do lies under the digest alone, so that a request reads one item.

use super::audit::NewAuditEntry;
use super::key_outcomes::{KeyEdited, KeyMade, KeyRevoked};
use super::tenants::with_key;
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Names, Query, StoreError, Values, s};
use super::{Store, keys};
use domain::access::{Environment, Role};
use domain::address_range::AddressRange;
use domain::ids::{KeyId, TenantId};
use domain::rate::Limits;
use domain::tenant::Plan;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;
use ulid::Ulid;

/// How long noting a use may hold a request up.
const NOTING: Duration = Duration::from_millis(500);

/// An API key as stored: everything but the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRecord {
    /// Its id.
    pub id: KeyId,
    /// Whose data it opens: the tenant itself, or its sandbox twin for a test key.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// Live or test.
    pub environment: Environment,
    /// What people call it.
    pub name: String,
    /// Its last four characters.
    pub last4: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Millis>,
    /// When it was revoked, for good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked_at: Option<Millis>,
    /// From where it may be used; from anywhere when empty.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub allowed_ips: Vec<AddressRange>,
    /// When it was last used, to the hour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_used_at: Option<Millis>,
    /// The key whose place it takes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaces: Option<KeyId>,
    /// The key that takes its place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaced_by: Option<KeyId>,
    /// What its tenant pays for: kept here, so that a request needs no second read to know its limit.
    #[serde(default)]
    pub plan: Plan,
    /// Another limit than the plan's, in requests per minute. No route sets it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rate_per_minute: Option<u32>,
}

impl ApiKeyRecord {
    /// How often it may ask.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.rate_per_minute.map_or_else(|| Limits::of(self.plan), Limits::for_key)
    }

    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn is_good(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}

/// A key as its tenant's list finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// What it is stored under; never shown.
    pub digest: String,
    /// The key.
    pub record: ApiKeyRecord,
}

/// What is changed of a key; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyEdit {
    /// What people call it.
    pub name: Option<String>,
    /// From where it may be used.
    pub allowed_ips: Option<Vec<AddressRange>>,
    /// When it ends; `Some(None)`: never.
    pub expires_at: Option<Option<Millis>>,
}

impl Store {
    /// Makes a key, under the digest of its text and in its tenant's list; with its entry in `log`, the audit log of the
    /// tenant named there, but for the keys that a tenant is made with.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn create_api_key(
        &self,
        digest: &str,
        record: &ApiKeyRecord,
        log: Option<(TenantId, NewAuditEntry<'_>)>,
    ) -> Result<KeyMade, StoreError> {
        let [own, pointer] = key_items(digest, record)?;
        let change = || {
            let mut all = Transaction::default();
            all.put(&self.crm.name, own.clone(), Condition::absent());
            all.put(&self.crm.name, pointer.clone(), Condition::absent());
            all.check(&self.crm.name, keys::profile(record.tenant), has_plan(record.plan));
            all
        };
        let done = match log {
            Some((tenant, entry)) => self.audited(tenant, entry, change).await?.map(drop),
            None => change().commit(&self.crm.aws, "make api key").await?,
        };
        Ok(match done {
            Ok(()) => KeyMade::Yes,
            Err(refused) if refused.refused(0) || refused.refused(1) => KeyMade::Taken,
            Err(_) => KeyMade::PlanMoved,
        })
    }

    /// The key with this digest, by a consistent read: a revocation holds from the next request on.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn api_key(&self, digest: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        let item = self.crm.get("look up api key", &keys::api_key(digest), true).await?;
        item.map(|item| record_of(item, "look up api key")).transpose()
    }

    /// A tenant's key by its id, by consistent reads.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn api_key_by_id(&self, tenant: TenantId, id: KeyId) -> Result<Option<ListedKey>, StoreError> {
        let pointer = self.crm.get("find api key", &keys::api_key_pointer(tenant, id), true).await?;
        let Some(digest) = pointer.as_ref().and_then(digest_of) else { return Ok(None) };
        Ok(self.api_key(&digest).await?.map(|record| ListedKey { digest, record }))
    }

    /// A tenant's keys before an id (all when absent), newest first, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn api_keys(
        &self,
        tenant: TenantId,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<Vec<ListedKey>, StoreError> {
        const ACTION: &str = "list api keys";
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk BETWEEN :low AND :high",
            expression_attribute_values: Values::from([
                (":pk", s(keys::api_keys_partition(tenant))),
                (":low", s(keys::KEY_SORT)),
                // `!` and `$` sort before and after everything that an id is made of.
                (":high", s(before.map_or_else(|| "KEY$".to_owned(), keys::api_keys_before))),
            ]),
            scan_index_forward: false,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let digests: Vec<String> =
            self.crm.query(ACTION, &query).await?.items.iter().filter_map(digest_of).collect();
        let wanted: Vec<_> = digests.iter().map(|digest| keys::api_key(digest)).collect();
        let mut found = HashMap::with_capacity(wanted.len());
        for item in self.crm.batch_get(ACTION, &wanted).await? {
            let Some(AttributeValue::S(pk)) = item.get("pk").cloned() else { continue };
            found.insert(pk, record_of(item, ACTION)?);
        }
        let listed = digests.into_iter().filter_map(|digest| {
            let record = found.remove(&keys::api_key(&digest).pk)?;
            Some(ListedKey { digest, record })
        });
        Ok(listed.collect())
    }

    /// Revokes a key, for good. With a `survivor`, the digest of another key, only while that one is neither revoked nor
    /// replaced.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn revoke_api_key(
        &self,
        key: &ListedKey,
        at: Millis,
        survivor: Option<&str>,
        log: (TenantId, NewAuditEntry<'_>),
    ) -> Result<KeyRevoked, StoreError> {
        let done = self
            .audited(log.0, log.1, || {
                let mut all = Transaction::default();
                all.update(
                    &self.crm.name,
                    keys::api_key(&key.digest),
                    "SET revoked_at = :at",
                    Condition::of(
                        "attribute_exists(pk) AND attribute_not_exists(revoked_at)",
                        [(":at", s(at))],
                    ),
                );
                if let Some(survivor) = survivor {
                    let stays = "attribute_exists(pk) AND attribute_not_exists(revoked_at) AND \
                                 attribute_not_exists(replaced_by)";
                    all.check(&self.crm.name, keys::api_key(survivor), Condition::of(stays, []));
                }
                self.also_keys_changed(key.record.tenant, &mut all);
                all
            })
            .await?;
        Ok(match done {
            Ok(_) => KeyRevoked::Now,
            Err(refused) if refused.refused(0) => KeyRevoked::Before,
            Err(_) => KeyRevoked::SurvivorGone,
        })
    }

    /// Changes what is not fixed about a key, if another one, `survivor`, stays without an end.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn edit_api_key(
        &self,
        key: &ListedKey,
        edit: &KeyEdit,
        survivor: Option<&str>,
        log: (TenantId, NewAuditEntry<'_>),
    ) -> Result<KeyEdited, StoreError> {
        const ACTION: &str = "edit api key";
        let (mut set, mut remove, mut values) = (Vec::new(), "", Vec::new());
        if let Some(name) = &edit.name {
            set.push("#name = :name");
            values.push((":name", s(name)));
        }
        if let Some(ranges) = &edit.allowed_ips {
            set.push("allowed_ips = :ranges");
            let ranges = serde_dynamo::to_attribute_value(ranges)
                .map_err(|error| StoreError::corrupt(ACTION, "AK", error))?;
            values.push((":ranges", ranges));
        }
        match edit.expires_at {
            Some(Some(at)) => {
                set.push("expires_at = :ends");
                values.push((":ends", s(at)));
            }
            Some(None) => remove = " REMOVE expires_at",
            None => {}
        }
        // An expression may not be empty, and a name may not go unused.
        set.push("id = id");
        let expression = format!("SET {}{remove}", set.join(", "));
        let done = self
            .audited(log.0, log.1, || {
                let condition = "attribute_exists(pk) AND attribute_not_exists(revoked_at)";
                let mut condition = Condition::of(condition, values.clone());
                if edit.name.is_some() {
                    condition = condition.named([("#name", "name")]);
                }
                let mut all = Transaction::default();
                all.update(&self.crm.name, keys::api_key(&key.digest), &expression, condition);
                if let Some(survivor) = survivor {
                    let stays = "attribute_exists(pk) AND attribute_not_exists(revoked_at) AND \
                                 attribute_not_exists(replaced_by) AND attribute_not_exists(expires_at)";
                    all.check(&self.crm.name, keys::api_key(survivor), Condition::of(stays, []));
                }
                self.also_keys_changed(key.record.tenant, &mut all);
                all
            })
            .await?;
        Ok(match done {
            Ok(_) => KeyEdited::Yes,
            Err(refused) if refused.refused(0) => KeyEdited::Revoked,
            Err(_) => KeyEdited::SurvivorGone,
        })
    }

    /// Makes a key that takes the place of another one, which ends at `ends_at`; false when that one is revoked or was
    /// replaced before, or the new one's id is taken.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn rotate_api_key(
        &self,
        old: &str,
        ends_at: Millis,
        digest: &str,
        record: &ApiKeyRecord,
        log: (TenantId, NewAuditEntry<'_>),
    ) -> Result<bool, StoreError> {
        let [own, pointer] = key_items(digest, record)?;
        let done = self
            .audited(log.0, log.1, || {
                let mut all = Transaction::default();
                all.put(&self.crm.name, own.clone(), Condition::absent());
                all.put(&self.crm.name, pointer.clone(), Condition::absent());
                all.update(
                    &self.crm.name,
                    keys::api_key(old),
                    "SET expires_at = :ends, replaced_by = :new",
                    Condition::of(
                        "attribute_exists(pk) AND attribute_not_exists(revoked_at) AND \
                         attribute_not_exists(replaced_by)",
                        [(":ends", s(ends_at)), (":new", s(record.id))],
                    ),
                );
                self.also_keys_changed(record.tenant, &mut all);
                all
            })
            .await?;
        Ok(done.is_ok())
    }

    /// Notes that a key was used, unless that was noted since `before`. Half a second at most.
    ///
    /// # Errors
    /// The table is unreachable or slow; the use is noted another time.
    pub async fn note_api_key_use(
        &self,
        digest: &str,
        now: Millis,
        before: Millis,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "note the use of an api key";
        let noted = self.crm.update(
            ACTION,
            keys::api_key(digest),
            "SET last_used_at = :now",
            Some("attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at < :before)"),
            Names::new(),
            Values::from([(":now", s(now)), (":before", s(before))]),
        );
        match tokio::time::timeout(NOTING, noted).await {
            Ok(noted) => noted.map(drop),
            Err(_late) => Err(StoreError::aws(ACTION)(crate::aws::AwsError::TimedOut)),
        }
    }

    /// Gives a key another plan's limit.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn set_api_key_plan(&self, digest: &str, plan: Plan) -> Result<(), StoreError> {
        let moved = self.crm.update(
            "set the plan of an api key",
            keys::api_key(digest),
            "SET #plan = :plan",
            Some("attribute_exists(pk)"),
            Names::from([("#plan", "plan")]),
            Values::from([(":plan", s(plan.as_str()))]),
        );
        moved.await.map(drop)
    }
}

/// The tenant still has this plan, or is not there at all.
fn has_plan(plan: Plan) -> Condition {
    Condition::of("attribute_not_exists(pk) OR #plan = :plan", [(":plan", s(plan.as_str()))])
        .named([("#plan", "plan")])
}

/// The key under its digest, and the pointer to it in its tenant's list.
fn key_items(digest: &str, record: &ApiKeyRecord) -> Result<[Item; 2], StoreError> {
    let key = keys::api_key(digest);
    let pointer = keys::api_key_pointer(record.tenant, record.id);
    let pointer = [("pk", pointer.pk), ("sk", pointer.sk), ("digest", digest.to_owned())]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    Ok([with_key(record, key.pk, key.sk, "make api key")?, pointer.collect::<HashMap<_, _>>().into()])
}

fn record_of(item: Item, action: &'static str) -> Result<ApiKeyRecord, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt(action, "AK", error))
}

fn digest_of(item: &Item) -> Option<String> {
    match item.get("digest")? {
        AttributeValue::S(digest) => Some(digest.clone()),
        _ => None,
    }
}
