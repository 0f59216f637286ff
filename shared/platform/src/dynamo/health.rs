//! How numbers stand with their customers, and how many people they may write to first.

use super::audit::NewAuditEntry;
use super::due::Due;
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Names, StoreError, Values, n, s};
use super::{Store, keys};
use domain::health::{MessagingLimit, NumberHealth, Told};
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::time::Millis;
use serde::{Deserialize, Serialize};

/// How a number stands, as kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthRecord {
    /// Who carries it.
    pub provider: Provider,
    /// The number, as its settings are named.
    #[serde(rename = "num")]
    pub number: String,
    /// What is known.
    #[serde(default)]
    pub health: NumberHealth,
    /// Until when a change is still carried through to the messages that wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settling_until: Option<Millis>,
    /// How often it was written.
    #[serde(default)]
    pub revision: u64,
}

impl HealthRecord {
    /// A number of which nothing is known.
    #[must_use]
    pub fn unknown(provider: Provider, number: &str) -> Self {
        let health = NumberHealth::default();
        Self { provider, number: number.to_owned(), health, settling_until: None, revision: 0 }
    }
}

impl Store {
    /// How a number stands, by a consistent read.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn number_health(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
    ) -> Result<Option<HealthRecord>, StoreError> {
        let key = keys::number_health(tenant, provider, number);
        self.crm.get("read a number's health", &key, true).await?.map(read_health).transpose()
    }

    /// Keeps how a number stands, to be looked at again at `due`, unless it was written since it was read (`revision`):
    /// false then. With an entry in the audit log, both or neither.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_number_health(
        &self,
        tenant: TenantId,
        record: &HealthRecord,
        due: Millis,
        entry: Option<NewAuditEntry<'_>>,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "keep a number's health";
        let key = keys::number_health(tenant, record.provider, &record.number);
        let next = HealthRecord { revision: record.revision + 1, ..record.clone() };
        let mut item: Item =
            serde_dynamo::to_item(&next).map_err(|error| StoreError::corrupt(ACTION, &key.sk, error))?;
        let sort = keys::health_due_sort(due, tenant, record.provider, &record.number);
        for (name, value) in
            [("pk", key.pk), ("sk", key.sk), ("dpk", keys::HEALTH_DUE.to_owned()), ("dsk", sort)]
        {
            item.insert(name.to_owned(), AttributeValue::S(value));
        }
        let change = || {
            let same = match record.revision {
                0 => Condition::absent(),
                revision => Condition::of("revision = :revision", [(":revision", n(revision))]),
            };
            let mut all = Transaction::default();
            all.put(&self.crm.name, item.clone(), same);
            all
        };
        match entry {
            Some(entry) => Ok(self.audited(tenant, entry, change).await?.is_ok()),
            None => Ok(change().commit(&self.crm.aws, ACTION).await?.is_ok()),
        }
    }

    /// Has the sweeper look at a number at `at`, if nothing is known of it yet.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn watch_number(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
        at: Millis,
    ) -> Result<(), StoreError> {
        self.save_number_health(tenant, &HealthRecord::unknown(provider, number), at, None).await.map(drop)
    }

    /// Forgets when to look at a number: it is not connected any more. How it stands is kept, so that connecting it
    /// again is no way out.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn leave_number_alone(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
    ) -> Result<(), StoreError> {
        let key = keys::number_health(tenant, provider, number);
        let there = Some("attribute_exists(pk)");
        let gone = "REMOVE dpk, dsk";
        let (names, values) = (Names::new(), Values::new());
        self.crm.update("leave a number alone", key, gone, there, names, values).await?.ok();
        Ok(())
    }

    /// Numbers of any tenant that are to be looked at by `now`, longest overdue first.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn due_numbers(
        &self,
        now: Millis,
        limit: u32,
    ) -> Result<Vec<(TenantId, Provider, String)>, StoreError> {
        const ACTION: &str = "list numbers to look at";
        let due = Due { action: ACTION, partition: keys::HEALTH_DUE, before: now.plus_ms(1), limit };
        self.due_by_key(due, keys::number_of).await
    }

    /// Takes the look at a number that is due, and has the next one made at `next`; false when somebody else took it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn take_look_at_number(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
        now: Millis,
        next: Millis,
    ) -> Result<bool, StoreError> {
        let values = Values::from([
            (":now", s(keys::due_before(now.plus_ms(1)))),
            (":next", s(keys::health_due_sort(next, tenant, provider, number))),
        ]);
        let key = keys::number_health(tenant, provider, number);
        let set = "SET dsk = :next";
        let taken =
            self.crm.update("take a look at a number", key, set, Some("dsk < :now"), Names::new(), values);
        Ok(taken.await?.is_ok())
    }

    /// Keeps the messaging limit of a tenant's numbers as it was at `at`, unless something newer is known; true when another
    /// one was known before.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_messaging_limit(
        &self,
        tenant: TenantId,
        limit: MessagingLimit,
        at: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "keep a messaging limit";
        let values = || Values::from([(":limit", s(limit)), (":at", n(at.unix_ms()))]);
        let key = || keys::limit(tenant);
        let set = "SET people = :limit, told_at = :at";
        let moves = "told_at < :at AND people <> :limit";
        if self.crm.update(ACTION, key(), set, Some(moves), Names::new(), values()).await?.is_ok() {
            return Ok(true);
        }
        let first = "attribute_not_exists(pk) OR (told_at < :at AND people = :limit)";
        self.crm.update(ACTION, key(), set, Some(first), Names::new(), values()).await?.ok();
        Ok(false)
    }
}

pub(super) fn read_health(item: Item) -> Result<HealthRecord, StoreError> {
    serde_dynamo::from_item(item)
        .map_err(|error| StoreError::corrupt("read a number's health", "HEALTH", error))
}

pub(super) fn read_limit(item: &Item) -> Option<Told<MessagingLimit>> {
    match (item.get("people")?, item.get("told_at")?) {
        (AttributeValue::S(limit), AttributeValue::N(at)) => {
            Some(Told { value: MessagingLimit::parse(limit)?, at: Millis::from_unix_ms(at.parse().ok()?) })
        }
        _ => None,
    }
}
