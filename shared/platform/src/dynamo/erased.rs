//! What an erasure and the end of retention take away, item by item. Each step is one that may be done again.

use super::events::LogEntry;
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Key, Names, Query, StoreError, Values, n, s};
use super::{Store, keys, leads, timeline};
use domain::consent::Purpose;
use domain::identity::Identity;
use domain::ids::{ContactId, DeliveryId, LeadId, MessageId, TenantId};
use domain::time::Millis;
use std::collections::HashMap;
use ulid::Ulid;

/// Payload bytes per item, after packing: an item holds 400 KB.
const CHUNK: usize = 350_000;

/// What an item of a contact's partition is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonalKind {
    /// A message.
    Message {
        /// Its id.
        id: MessageId,
        /// The provider's id of it.
        provider_message_id: String,
        /// Its kind as the API names it.
        kind: String,
        /// Whether we sent it through the API.
        ours: bool,
    },
    /// A call, a note, a change of a lead.
    Happening {
        /// The lead it is about.
        lead: Option<LeadId>,
    },
    /// The place of a message in the lane.
    LanePlace,
    /// The conversation in Chatwoot.
    Thread {
        /// Chatwoot's id of it.
        conversation: Option<u64>,
    },
    /// The conversation's state.
    Conversation,
    /// The contact itself.
    Contact,
    /// Where the person stands on a purpose: it keeps messages from being sent, so it goes last.
    Standing,
    /// Anything else.
    Other,
}

/// An item of a contact's partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalItem {
    /// Its sort key.
    pub sort: String,
    /// What it is.
    pub kind: PersonalKind,
}

/// A message of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMessage {
    /// The partition it lies in.
    pub(super) partition: String,
    /// Its id.
    pub id: MessageId,
    /// The provider's id of it.
    pub provider_message_id: String,
    /// Its kind as the API names it.
    pub kind: String,
    /// The provider's JSON.
    pub raw: String,
}

impl Store {
    /// Items of a contact's partition below a sort key (all when absent), the last first, at most `limit`: what was sent
    /// and said goes before what leads to it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn personal_items(
        &self,
        tenant: TenantId,
        contact: ContactId,
        below: Option<&str>,
        limit: u32,
    ) -> Result<Vec<PersonalItem>, StoreError> {
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk < :below",
            expression_attribute_values: Values::from([
                (":pk", s(keys::contact_partition(tenant, contact))),
                (":below", s(below.unwrap_or("~"))),
            ]),
            scan_index_forward: false,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.crm.query("list what belongs to a contact", &query).await?;
        Ok(page.items.iter().filter_map(personal).collect())
    }

    /// Deletes an item of a contact's partition.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_personal_item(
        &self,
        tenant: TenantId,
        contact: ContactId,
        item: &PersonalItem,
    ) -> Result<(), StoreError> {
        let key = Key { pk: keys::contact_partition(tenant, contact), sk: item.sort.clone() };
        self.crm.delete("delete what belongs to a contact", &key).await
    }

    /// Deletes a message on its way out.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_send(&self, tenant: TenantId, id: MessageId) -> Result<(), StoreError> {
        self.crm.delete("delete a send", &keys::send(tenant, id)).await
    }

    /// Deletes where a person stands on a purpose.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_standing(
        &self,
        tenant: TenantId,
        contact: ContactId,
        purpose: Purpose,
    ) -> Result<(), StoreError> {
        self.crm.delete("delete a standing", &keys::consent(tenant, contact, purpose)).await
    }

    /// Makes an identity name nobody, unless it names somebody outside `family` by now.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn forget_identity(
        &self,
        tenant: TenantId,
        identity: &Identity,
        family: &[ContactId],
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "forget an identity";
        let Some(known) = self.known_identity(tenant, identity, true).await? else { return Ok(false) };
        if !family.contains(&known.contact) {
            return Ok(false);
        }
        let mut one = Transaction::default();
        let same = Condition::of("contact = :contact", [(":contact", s(known.contact))]);
        one.delete(&self.crm.name, keys::identity(tenant, identity), same);
        Ok(one.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// Deletes a lead; false when there was none. What its source calls the enquiry stays as a digest: the same enquiry,
    /// delivered or pulled again, makes no new lead.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_lead(&self, tenant: TenantId, id: LeadId) -> Result<bool, StoreError> {
        const ACTION: &str = "delete a lead";
        let key = keys::lead(tenant, id);
        let Some(item) = self.crm.get(ACTION, &key, true).await? else { return Ok(false) };
        let lead = leads::read(item)?;
        if let Some(external_id) = &lead.card.external_id {
            let enquiry = keys::enquiry(tenant, &lead.source, external_id);
            let yes = Values::from([(":yes", AttributeValue::Bool(true))]);
            let there = Some("attribute_exists(pk)");
            self.crm.update(ACTION, enquiry, "SET gone = :yes", there, Names::new(), yes).await?.ok();
        }
        self.crm.delete(ACTION, &keys::touch(tenant, id)).await?;
        self.crm.delete(ACTION, &key).await?;
        Ok(true)
    }

    /// Forgets whose a conversation in Chatwoot was.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn forget_chatwoot_conversation(
        &self,
        tenant: TenantId,
        conversation: u64,
    ) -> Result<(), StoreError> {
        let key = keys::chatwoot_conversation(tenant, conversation);
        self.crm.delete("forget a conversation in Chatwoot", &key).await
    }

    /// Deletes a delivery of a customer webhook.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_delivery(&self, tenant: TenantId, id: DeliveryId) -> Result<(), StoreError> {
        self.crm.delete("delete a delivery", &keys::delivery(tenant, id)).await
    }

    /// Puts another body in the place of an event's, with the words for why; without a body it is `ignored` from now on.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn replace_event_payload(
        &self,
        tenant: TenantId,
        entry: &LogEntry,
        payload: Option<&[u8]>,
        reason: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "replace an event's body";
        let packed = miniz_oxide::deflate::compress_to_vec(payload.unwrap_or_default(), 6);
        let chunks: Vec<&[u8]> = packed.chunks(CHUNK).collect();
        for (index, chunk) in chunks.iter().enumerate() {
            let key = keys::event_payload(tenant, entry.id, index);
            let item = Item::from(HashMap::from([
                ("pk".to_owned(), AttributeValue::S(key.pk)),
                ("sk".to_owned(), AttributeValue::S(key.sk)),
                ("z".to_owned(), AttributeValue::B(chunk.to_vec())),
            ]));
            self.crm.put(ACTION, item, None).await?.ok();
        }
        let mut expression = String::from("SET chunks = :chunks, updated = :now");
        let mut names = Names::new();
        let mut values = Values::from([(":chunks", n(chunks.len() as u64)), (":now", n(now.unix_ms()))]);
        if payload.is_none() {
            expression.push_str(", #state = :ignored, reason = :reason REMOVE dpk, dsk, next_at");
            names.insert("#state", "state");
            values.insert(":ignored", s(domain::parked::EventState::Ignored.as_str()));
            values.insert(":reason", s(reason));
        }
        let key = keys::event(tenant, entry.id);
        let there = Some("attribute_exists(pk)");
        self.crm.update(ACTION, key, &expression, there, names, values).await?.ok();
        for chunk in chunks.len()..entry.chunks {
            self.crm.delete(ACTION, &keys::event_payload(tenant, entry.id, chunk)).await?;
        }
        Ok(())
    }

    /// A tenant's messages of groups older than `before` (all when absent), newest first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn group_messages(
        &self,
        tenant: TenantId,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<(Vec<GroupMessage>, bool), StoreError> {
        const ACTION: &str = "list messages of groups";
        let page = self.crm.newest_first(ACTION, keys::groups_by_time(tenant), before, limit).await?;
        let found: Vec<Key> = page.items.iter().filter_map(timeline::key_of).collect();
        let items = self.crm.batch_get(ACTION, &found).await?;
        let read = items.into_iter().map(timeline::read_of_group);
        let mut all: Vec<GroupMessage> = read.collect::<Result<_, _>>()?;
        all.sort_by_key(|message| std::cmp::Reverse(message.id));
        Ok((all, page.last_evaluated_key.is_some()))
    }

    /// Deletes a message of a group.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_group_message(&self, message: &GroupMessage) -> Result<(), StoreError> {
        let sk = keys::timeline_sort(message.id.ulid());
        self.crm.delete("delete a message of a group", &Key { pk: message.partition.clone(), sk }).await
    }

    /// Notes that an answer kept for repeated requests is about a contact or its lead.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_answer_about(
        &self,
        tenant: TenantId,
        about: Ulid,
        digest: &str,
        expires_s: u64,
    ) -> Result<(), StoreError> {
        let key = keys::answer_about(tenant, about, digest);
        let item = Item::from(HashMap::from([
            ("pk".to_owned(), AttributeValue::S(key.pk)),
            ("sk".to_owned(), AttributeValue::S(key.sk)),
            ("expires_at".to_owned(), n(expires_s)),
        ]));
        self.ephemeral.put("note whom an answer is about", item, None).await?.ok();
        Ok(())
    }

    /// Puts `instead` in the place of every answer kept about a contact or its lead; says how many.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn erase_answers(
        &self,
        tenant: TenantId,
        about: Ulid,
        instead: &str,
    ) -> Result<u64, StoreError> {
        const ACTION: &str = "erase kept answers";
        let mut erased = 0;
        loop {
            let query = Query {
                table_name: &self.ephemeral.name,
                index_name: None,
                key_condition_expression: "pk = :pk",
                expression_attribute_values: Values::from([(":pk", s(keys::answers_about(tenant, about)))]),
                scan_index_forward: true,
                limit: Some(100),
                exclusive_start_key: None,
                consistent_read: true,
            };
            let page = self.ephemeral.query(ACTION, &query).await?;
            let found: Vec<Key> = page.items.iter().filter_map(timeline::key_of).collect();
            if found.is_empty() {
                return Ok(erased);
            }
            for key in found {
                let answered = self.ephemeral.update(
                    ACTION,
                    keys::idempotency(tenant, &key.sk),
                    "SET answer = :instead, #status = :status",
                    Some("attribute_exists(answer)"),
                    Names::from([("#status", "status")]),
                    Values::from([(":instead", s(instead)), (":status", n(404))]),
                );
                erased += u64::from(answered.await?.is_ok());
                self.ephemeral.delete(ACTION, &key).await?;
            }
        }
    }

    /// Forgets that a person was written to first.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn forget_reached(&self, tenant: TenantId, contact: ContactId) -> Result<(), StoreError> {
        self.ephemeral.delete("forget a person written to", &keys::reached(tenant, contact)).await
    }
}

fn personal(item: &Item) -> Option<PersonalItem> {
    let key = timeline::key_of(item)?;
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    };
    let kind = if let Some(entry) = keys::entry_of(&key) {
        PersonalKind::Message {
            id: MessageId::from_ulid(entry),
            provider_message_id: text("wamid").unwrap_or_default(),
            kind: text("kind").unwrap_or_default(),
            ours: matches!(item.get("ours"), Some(AttributeValue::Bool(true))),
        }
    } else if keys::happening_of(&key).is_some() {
        PersonalKind::Happening { lead: text("lead").and_then(|id| LeadId::parse(&id).ok()) }
    } else if key.sk.starts_with(keys::LANE) {
        PersonalKind::LanePlace
    } else if key.sk == keys::CHATWOOT_THREAD {
        let conversation = match item.get("conversation") {
            Some(AttributeValue::N(number)) => number.parse().ok(),
            _ => None,
        };
        PersonalKind::Thread { conversation }
    } else if key.sk.starts_with("CONSENT#") {
        PersonalKind::Standing
    } else {
        match key.sk.as_str() {
            "CONV" => PersonalKind::Conversation,
            "CONTACT" => PersonalKind::Contact,
            _ => PersonalKind::Other,
        }
    };
    Some(PersonalItem { sort: key.sk, kind })
}
