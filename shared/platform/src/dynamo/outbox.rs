//! Messages on their way out: accepted with their timeline entry and their place in the conversation's lane in one
//! transaction, then read by their id or by whose turn it is.

use super::due::Due;
use super::outbox_items::{entry_item, lane_item, lane_order, read, send_item};
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Key, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::consent::Purpose;
use domain::failure::Failure;
use domain::identity::Bsuid;
use domain::ids::{ContactId, KeyId, LeadId, MessageId, TenantId};
use domain::ledger::LedgerHead;
use domain::outbound::{HeldFor, SendState};
use domain::outgoing::Outgoing;
use domain::permit::SendPurpose;
use domain::phone::Phone;
use domain::provider::Provider;
use domain::template::Filled;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use uuid::Uuid;

/// A message of which a contact gets one and no second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// The request to confirm a ticked box: one ever.
    OptInRequest,
    /// The confirmation of a withdrawal: one per withdrawal of somebody who had agreed or never said.
    StopConfirmation,
}

impl Once {
    /// Where it is noted, beside where the contact stands on marketing.
    pub(super) const fn attribute(self) -> &'static str {
        match self {
            Self::OptInRequest => "requested_at",
            Self::StopConfirmation => "confirmed_at",
        }
    }
}

/// What the leave to send a message rested on, at the moment of its claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relied {
    /// When.
    pub at: Millis,
    /// Where the consent ledger ended: what the contact had agreed to is in the rows up to there.
    pub head: LedgerHead,
    /// All contacts that were this person.
    pub contacts: Vec<ContactId>,
    /// What the message counted as.
    pub purpose: SendPurpose,
    /// The contact whose message held the window open, and when that was, where the window counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<(ContactId, Millis)>,
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutRecipient {
    /// The number, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// The business-scoped user id, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bsuid: Option<Bsuid>,
}

/// What a message says, as it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendPart {
    /// The content.
    pub content: Outgoing,
    /// The template, filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filled: Option<Filled>,
    /// The provider's id of the message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// A message to accept.
#[derive(Debug, Clone)]
pub struct NewSend {
    /// Its id.
    pub id: MessageId,
    /// Whom it is for.
    pub contact: ContactId,
    /// By which address.
    pub recipient: OutRecipient,
    /// Who carries it.
    pub provider: Provider,
    /// The number it goes out on: Meta's phone number id, UltraMsg's instance, `-` for a channel without a name.
    pub number: String,
    /// What it says.
    pub part: SendPart,
    /// What it is for.
    pub purpose: SendPurpose,
    /// Whether the caller insisted on the template's language.
    pub confirm_language: bool,
    /// Why a person must release it, if so.
    pub hold: Option<HeldFor>,
    /// When it is released by itself, where it is.
    pub release_at: Option<Millis>,
    /// The lead whose first touch it is.
    pub touch: Option<LeadId>,
    /// Not to be sent before.
    pub not_before: Option<Millis>,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// The key that sent it; absent for what the product says by itself.
    pub key: Option<KeyId>,
    /// Of which the contact gets one and no second, if so.
    pub once: Option<Once>,
    /// The trace of the request.
    pub trace_id: Uuid,
}

/// Whether a message was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It was.
    New,
    /// An earlier run of the same request accepted it, or the contact had theirs already.
    Already,
}

/// A message on its way out, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SendRecord {
    /// Its id.
    pub id: MessageId,
    /// Whom it is for.
    pub contact: ContactId,
    /// By which address.
    pub recipient: OutRecipient,
    /// Who carries it.
    pub provider: Provider,
    /// The number it goes out on.
    pub number: String,
    /// What it says.
    pub part: SendPart,
    /// What it is for.
    pub purpose: SendPurpose,
    /// Whether the caller insisted on the template's language.
    pub confirm_language: bool,
    /// Whether it asks the contact to confirm a ticked box.
    pub asks: bool,
    /// What the leave to send it rested on; absent until it was claimed.
    pub relied: Option<Relied>,
    /// Where it stands.
    pub state: SendState,
    /// Its place in the lane.
    pub order: Ulid,
    /// Why it is held, while it is.
    pub held_for: Option<HeldFor>,
    /// When it is released by itself, while it is held.
    pub release_at: Option<Millis>,
    /// The lead whose first touch it is.
    pub touch: Option<LeadId>,
    /// How often its content was changed.
    pub revision: u64,
    /// Not to be sent before.
    pub not_before: Option<Millis>,
    /// Its turn on a number that sends slowly.
    pub turn: Option<Millis>,
    /// Which attempt holds it.
    pub fence: Option<String>,
    /// Until when.
    pub lease_until: Option<Millis>,
    /// How often it was claimed.
    pub attempts: u32,
    /// The provider's id of it, once known.
    pub provider_message_id: Option<String>,
    /// Why it failed, waits or is uncertain.
    pub failure: Option<Failure>,
    /// When the provider took it.
    pub sent_at: Option<Millis>,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// When its state last moved.
    pub updated_at: Millis,
    /// The key that sent it; absent where nobody asked for it.
    pub key: Option<KeyId>,
    /// The trace of the request.
    pub trace_id: Uuid,
}

impl Store {
    /// Accepts a message: the message, its place on the timeline and, unless it is held, its place in the lane, all or
    /// nothing.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn accept_send(&self, tenant: TenantId, send: &NewSend) -> Result<Accepted, StoreError> {
        const ACTION: &str = "accept message";
        let mut all = Transaction::default();
        let message = all.put(&self.crm.name, send_item(ACTION, tenant, send)?, Condition::absent());
        all.put(&self.crm.name, entry_item(tenant, send), Condition::absent());
        if send.hold.is_none() {
            let order = lane_order(send.id, send.not_before);
            let place = lane_item(keys::lane(tenant, send.contact, order), send.id);
            all.put(&self.crm.name, place, Condition::default());
        }
        let once = send.once.map(|once| {
            let noted = once.attribute();
            let first = Condition::of(
                format!("attribute_not_exists({noted})"),
                [(":at", n(send.accepted_at.unix_ms()))],
            );
            let standing = keys::consent(tenant, send.contact, Purpose::Marketing);
            all.update(&self.crm.name, standing, &format!("SET {noted} = :at"), first)
        });
        match all.commit(&self.crm.aws, ACTION).await? {
            Ok(()) => Ok(Accepted::New),
            Err(cancelled) if cancelled.refused(message) => Ok(Accepted::Already),
            Err(cancelled) if once.is_some_and(|once| cancelled.refused(once)) => Ok(Accepted::Already),
            Err(_) => {
                Err(StoreError::corrupt(ACTION, &send.id.to_string(), "a timeline entry without a message"))
            }
        }
    }

    /// One message on its way out, by a consistent read.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn send(&self, tenant: TenantId, id: MessageId) -> Result<Option<SendRecord>, StoreError> {
        self.crm.get("read send", &keys::send(tenant, id), true).await?.map(read).transpose()
    }

    /// Messages on their way out; absent ones are left out.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn sends(&self, tenant: TenantId, ids: &[MessageId]) -> Result<Vec<SendRecord>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Key> = ids.iter().map(|id| keys::send(tenant, *id)).collect();
        self.crm.batch_get("read sends", &keys).await?.into_iter().map(read).collect()
    }

    /// The message whose turn it is in a conversation, with its place.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn lane_head(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Option<(Ulid, MessageId)>, StoreError> {
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND begins_with(sk, :lane)",
            expression_attribute_values: Values::from([
                (":pk", s(keys::contact_partition(tenant, contact))),
                (":lane", s(keys::LANE)),
            ]),
            scan_index_forward: true,
            limit: Some(1),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.crm.query("read lane", &query).await?;
        let Some(item) = page.items.into_iter().next() else { return Ok(None) };
        let (Some(AttributeValue::S(sort)), Some(AttributeValue::S(message))) =
            (item.get("sk"), item.get("msg"))
        else {
            return Err(StoreError::corrupt("read lane", "OUT", "no message"));
        };
        let order = sort.strip_prefix(keys::LANE).and_then(|order| Ulid::from_string(order).ok());
        let place = order.zip(MessageId::parse(message).ok());
        place.map(Some).ok_or_else(|| StoreError::corrupt("read lane", sort, "not a place in a lane"))
    }

    /// Takes a message out of its lane, whatever became of it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn leave_lane(
        &self,
        tenant: TenantId,
        contact: ContactId,
        order: Ulid,
    ) -> Result<(), StoreError> {
        self.crm.delete("leave lane", &keys::lane(tenant, contact, order)).await
    }

    /// Messages of any tenant that the sweeper must look at, longest overdue first, at most `limit` of one shard.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn due_sends(
        &self,
        shard: u8,
        now: Millis,
        limit: u32,
    ) -> Result<Vec<(TenantId, MessageId)>, StoreError> {
        let due = Due { action: "list due sends", partition: &keys::sends_due(shard), before: now, limit };
        self.due_by_key(due, keys::message_of).await
    }

    /// How many shards [`Store::due_sends`] has.
    #[must_use]
    pub const fn send_shards() -> u8 {
        keys::SEND_SHARDS
    }
}
