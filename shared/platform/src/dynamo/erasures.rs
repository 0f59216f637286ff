//! Erasures of contacts: how far each has come, and the graves that keep what is old from coming back.

use super::audit::NewAuditEntry;
use super::due::Due;
use super::tenants::with_key;
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Key, Names, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::consent::Purpose;
use domain::ids::{ContactId, ErasureId, LeadId, TenantId};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What is worked on next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureStage {
    /// What the person is found by.
    Names,
    /// Everything in the partitions of the contacts.
    Contacts,
    /// The leads.
    Leads,
    /// Deliveries of customer webhooks.
    Deliveries,
    /// Bodies in the event log.
    Events,
    /// Messages in groups.
    Groups,
    /// Answers kept for repeated requests.
    Answers,
    /// Nothing is left to do.
    Done,
}

/// The proof of an erasure: exactly what was sealed, and the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureProof {
    /// When nothing was left.
    pub completed_at: Millis,
    /// What is sealed, line by line.
    pub text: String,
    /// SHA-256 of it, in hex.
    pub hash: String,
    /// KMS's HMAC-SHA-256 over it, in base64; absent where nobody may seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

/// An erasure as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// Whom it is about, by the id that stayed.
    pub contact: ContactId,
    /// All contacts that were this person.
    pub family: Vec<ContactId>,
    /// Their leads.
    pub leads: Vec<LeadId>,
    /// Every identity in clear, until the work is done: bodies are searched for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The keyed hashes of the identities.
    pub graves: Vec<String>,
    /// When the first event about the person was received: nothing older can be about them.
    pub known_since: Millis,
    /// When it was asked for.
    pub requested_at: Millis,
    /// The key that asked.
    pub requested_by: String,
    /// In which request.
    pub trace_id: Uuid,
    /// Which time through: the second finds what was being written during the first.
    pub round: u8,
    /// What is worked on next.
    pub stage: ErasureStage,
    /// How far into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether something was met in this round that must be looked at again.
    #[serde(default)]
    pub look_again: bool,
    /// How much was destroyed, by kind.
    pub counts: BTreeMap<String, u64>,
    /// The proof, once it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ErasureProof>,
    /// How often it was saved.
    pub revision: u64,
}

/// What is left of an identity of somebody who was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grave {
    /// What happened up to then must not bring the person back.
    pub erased_at: Millis,
    /// When the person had withdrawn the channel, if so: whoever is made anew under this identity is barred.
    pub barred_at: Option<Millis>,
}

impl Store {
    /// The sealed key that identities of erased persons are hashed with; absent when nobody was ever erased.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn grave_key(&self, tenant: TenantId) -> Result<Option<String>, StoreError> {
        let item = self.crm.get("read the key of graves", &keys::grave_key(tenant), true).await?;
        Ok(item.as_ref().and_then(sealed))
    }

    /// Keeps it; answers the one that is kept, which is another's when that was faster.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn keep_grave_key(&self, tenant: TenantId, new: String) -> Result<String, StoreError> {
        self.keep_key("keep the key of graves", keys::grave_key(tenant), new).await
    }

    async fn keep_key(&self, action: &'static str, key: Key, new: String) -> Result<String, StoreError> {
        let item = Item::from(std::collections::HashMap::from([
            ("pk".to_owned(), s(&key.pk)),
            ("sk".to_owned(), s(&key.sk)),
            ("sealed".to_owned(), s(&new)),
        ]));
        let absent = Some(("attribute_not_exists(pk)", Names::new(), Values::new()));
        match self.crm.put(action, item, absent).await? {
            Ok(()) => Ok(new),
            Err(_) => {
                let kept = self.crm.get(action, &key, true).await?;
                kept.as_ref().and_then(sealed).ok_or_else(|| StoreError::missing(action, &key.sk))
            }
        }
    }

    /// Leaves a grave for an identity; a later erasure moves its time on.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn dig_grave(&self, tenant: TenantId, hash: &str, grave: Grave) -> Result<(), StoreError> {
        let mut values = Values::from([(":at", n(grave.erased_at.unix_ms()))]);
        let mut expression = String::from("SET erased_at = :at");
        if let Some(barred) = grave.barred_at {
            values.insert(":barred", n(barred.unix_ms()));
            expression.push_str(", barred_at = :barred");
        }
        let later = Some("attribute_not_exists(erased_at) OR erased_at < :at");
        let key = keys::grave(tenant, hash);
        self.crm.update("dig a grave", key, &expression, later, Names::new(), values).await?.ok();
        Ok(())
    }

    /// The graves of these identities, by their keyed hashes; those without one are left out.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn graves(&self, tenant: TenantId, hashes: &[String]) -> Result<Vec<Grave>, StoreError> {
        let mut found = Vec::new();
        for hash in hashes {
            // One by one and consistently: an erasure of a moment ago must be seen.
            let item = self.crm.get("look for a grave", &keys::grave(tenant, hash), true).await?;
            found.extend(item.as_ref().and_then(|item| {
                let at = |name: &str| match item.get(name) {
                    Some(AttributeValue::N(ms)) => ms.parse().ok().map(Millis::from_unix_ms),
                    _ => None,
                };
                Some(Grave { erased_at: at("erased_at")?, barred_at: at("barred_at") })
            }));
        }
        Ok(found)
    }

    /// Begins an erasure, with an entry in the audit log and a restriction that stops every send at once; false when it
    /// was begun before.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn begin_erasure(
        &self,
        tenant: TenantId,
        erasure: &Erasure,
        entry: NewAuditEntry<'_>,
    ) -> Result<bool, StoreError> {
        let item = erasure_item(tenant, erasure, Some(erasure.requested_at))?;
        let begun = self.audited(tenant, entry, || {
            let mut all = Transaction::default();
            all.put(&self.crm.name, item.clone(), Condition::absent());
            all.update(
                &self.crm.name,
                keys::consent(tenant, erasure.contact, Purpose::Channel),
                "SET restricted_at = if_not_exists(restricted_at, :at)",
                Condition {
                    values: Values::from([(":at", n(erasure.requested_at.unix_ms()))]),
                    ..Condition::default()
                },
            );
            all
        });
        Ok(begun.await?.is_ok())
    }

    /// One erasure.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn erasure(&self, tenant: TenantId, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        let item = self.crm.get("read an erasure", &keys::erasure(tenant, id), true).await?;
        item.map(read).transpose()
    }

    /// A tenant's erasures after one (from the first when absent), by the age of the contact, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn erasures(
        &self,
        tenant: TenantId,
        after: Option<ErasureId>,
        limit: u32,
    ) -> Result<Vec<Erasure>, StoreError> {
        let low = after.map_or_else(|| keys::ERASURE_SORT.to_owned(), |id| keys::erasure(tenant, id).sk);
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk > :low",
            expression_attribute_values: Values::from([
                (":pk", s(keys::erasure_partition(tenant))),
                (":low", s(low)),
            ]),
            scan_index_forward: true,
            limit: Some(limit.saturating_add(1)),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.crm.query("list erasures", &query).await?;
        let own = page.items.into_iter().filter(|item| sealed(item).is_none());
        own.take(usize::try_from(limit).unwrap_or(usize::MAX)).map(read).collect()
    }

    /// Saves how far an erasure has come, if nobody else saved it since it was read; the sweeper goes on at `due`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_erasure(
        &self,
        tenant: TenantId,
        erasure: &Erasure,
        due: Millis,
    ) -> Result<bool, StoreError> {
        let item = erasure_item(tenant, erasure, Some(due))?;
        let before = n(erasure.revision.saturating_sub(1));
        let same = Some(("revision = :before", Names::new(), Values::from([(":before", before)])));
        Ok(self.crm.put("save an erasure", item, same).await?.is_ok())
    }

    /// Writes down that an erasure is complete, with its proof and an entry in the audit log; false when somebody else
    /// saved it since it was read.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn finish_erasure(
        &self,
        tenant: TenantId,
        erasure: &Erasure,
        entry: NewAuditEntry<'_>,
    ) -> Result<bool, StoreError> {
        let item = erasure_item(tenant, erasure, None)?;
        let finished = self.audited(tenant, entry, || {
            let mut all = Transaction::default();
            let before = n(erasure.revision.saturating_sub(1));
            all.put(&self.crm.name, item.clone(), Condition::of("revision = :before", [(":before", before)]));
            all
        });
        Ok(finished.await?.is_ok())
    }

    /// Erasures of any tenant that are to be worked on by `now`, longest overdue first.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn due_erasures(
        &self,
        now: Millis,
        limit: u32,
    ) -> Result<Vec<(TenantId, ErasureId)>, StoreError> {
        const ACTION: &str = "list due erasures";
        let due = Due { action: ACTION, partition: keys::ERASURES_DUE, before: now.plus_ms(1), limit };
        self.due_by_key(due, keys::erasure_of).await
    }

    /// Restricts the use of a contact's data, or lifts that on all contacts that are the person, with an entry in the audit
    /// log. Restricted again, the first time stays.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn restrict_contact(
        &self,
        tenant: TenantId,
        contact: ContactId,
        at: Millis,
        entry: NewAuditEntry<'_>,
    ) -> Result<(), StoreError> {
        let done = self.audited(tenant, entry, || {
            let mut all = Transaction::default();
            all.update(
                &self.crm.name,
                keys::consent(tenant, contact, Purpose::Channel),
                "SET restricted_at = if_not_exists(restricted_at, :at)",
                Condition { values: Values::from([(":at", n(at.unix_ms()))]), ..Condition::default() },
            );
            all
        });
        done.await?.ok();
        Ok(())
    }

    /// Lifts the restriction of all contacts that are one person, with an entry in the audit log.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn lift_restriction(
        &self,
        tenant: TenantId,
        family: &[ContactId],
        entry: NewAuditEntry<'_>,
    ) -> Result<(), StoreError> {
        let done = self.audited(tenant, entry, || {
            let mut all = Transaction::default();
            for contact in family {
                let key = keys::consent(tenant, *contact, Purpose::Channel);
                all.update(&self.crm.name, key, "REMOVE restricted_at", Condition::default());
            }
            all
        });
        done.await?.ok();
        Ok(())
    }

    /// Bars a contact that was made anew under an identity whose owner had withdrawn the channel before being erased.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn bar_channel(
        &self,
        tenant: TenantId,
        contact: ContactId,
        at: Millis,
    ) -> Result<(), StoreError> {
        let values = Values::from([(":at", n(at.unix_ms())), (":revoked", s("revoked"))]);
        let newer = Some("attribute_not_exists(#at) OR #at < :at");
        let names = Names::from([("#state", "state"), ("#at", "at")]);
        let key = keys::consent(tenant, contact, Purpose::Channel);
        self.crm
            .update("bar a channel", key, "SET #state = :revoked, #at = :at", newer, names, values)
            .await?
            .ok();
        Ok(())
    }
}

fn sealed(item: &Item) -> Option<String> {
    match item.get("sealed") {
        Some(AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    }
}

fn erasure_item(tenant: TenantId, erasure: &Erasure, due: Option<Millis>) -> Result<Item, StoreError> {
    let key = keys::erasure(tenant, erasure.id);
    let mut item = with_key(erasure, key.pk, key.sk, "save an erasure")?;
    if let Some(due) = due {
        item.insert("dpk".to_owned(), s(keys::ERASURES_DUE));
        item.insert("dsk".to_owned(), s(keys::erasure_due_sort(due, tenant, erasure.id)));
    }
    Ok(item)
}

fn read(item: Item) -> Result<Erasure, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read an erasure", "ERA", error))
}
