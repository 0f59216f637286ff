//! First touches of leads: made with the lead, planned once, found by the sweeper when their planner died.

use super::due::Due;
use super::happenings::{Happening, item_of};
use super::outbox::NewSend;
use super::outbox_items::{entry_item, lane_item, lane_order, send_item};
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Names, StoreError, Update, Values, n, refused, s};
use super::{Store, keys};
use crate::aws::{Effort, Service};
use domain::ids::{ContactId, LeadId, MessageId, TenantId};
use domain::language::Language;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long after a lead was made the sweeper looks after its first touch, in milliseconds.
const STALE_MS: u64 = 60_000;

/// Where a first touch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TouchState {
    /// Nobody has looked at it yet, or something is in the way.
    Waiting,
    /// It is a message.
    Drafted,
}

impl TouchState {
    /// The name in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Drafted => "drafted",
        }
    }
}

/// What is known about a first touch when its lead is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTouch {
    /// What the person's message speaks.
    pub said: Option<Language>,
    /// What the form spoke that they filled in.
    pub form: Option<Language>,
    /// The trace of the enquiry.
    pub trace_id: Uuid,
}

/// A first touch as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// Whose.
    pub lead: LeadId,
    /// With whom.
    pub contact: ContactId,
    /// Where it stands.
    pub state: TouchState,
    /// The message it became.
    pub message: Option<MessageId>,
    /// What is in the way, as JSON.
    pub why: Option<String>,
    /// How often it was looked at in vain.
    pub looks: u32,
    /// What the person's message speaks.
    pub said: Option<Language>,
    /// What the form spoke that they filled in.
    pub form: Option<Language>,
    /// The trace that the lead came in with.
    pub trace_id: Uuid,
    /// How often it was changed.
    pub revision: u64,
}

#[derive(Serialize, Deserialize)]
struct TouchItem {
    pk: String,
    sk: String,
    contact: ContactId,
    state: TouchState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    msg: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(default)]
    looks: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said: Option<Language>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    form: Option<Language>,
    trace: Uuid,
    #[serde(default)]
    rev: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpk: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsk: Option<String>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "Attributes", default)]
    attributes: Item,
}

/// The first touch of a lead that is being made.
pub(super) fn touch_item(
    action: &'static str,
    tenant: TenantId,
    lead: LeadId,
    contact: ContactId,
    new: NewTouch,
    at: Millis,
) -> Result<Item, StoreError> {
    let key = keys::touch(tenant, lead);
    let item = TouchItem {
        pk: key.pk,
        sk: key.sk,
        contact,
        state: TouchState::Waiting,
        msg: None,
        why: None,
        looks: 0,
        said: new.said,
        form: new.form,
        trace: new.trace_id,
        rev: 0,
        dpk: Some(keys::touches_due(keys::touch_shard(lead))),
        dsk: Some(keys::touch_due_sort(at.plus_ms(STALE_MS), tenant, lead)),
    };
    serde_dynamo::to_item(item).map_err(|error| StoreError::corrupt(action, "TOUCH", error))
}

pub(super) fn read(lead: LeadId, item: Item) -> Result<Touch, StoreError> {
    let item: TouchItem = serde_dynamo::from_item(item)
        .map_err(|error| StoreError::corrupt("read first touch", "TOUCH", error))?;
    Ok(Touch {
        lead,
        contact: item.contact,
        state: item.state,
        message: item.msg,
        why: item.why,
        looks: item.looks,
        said: item.said,
        form: item.form,
        trace_id: item.trace,
        revision: item.rev,
    })
}

impl Store {
    /// The first touch of a lead, by a consistent read; `None` for a lead that gets none.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn touch(&self, tenant: TenantId, lead: LeadId) -> Result<Option<Touch>, StoreError> {
        const ACTION: &str = "read first touch";
        let Some(item) = self.crm.get(ACTION, &keys::touch(tenant, lead), true).await? else {
            return Ok(None);
        };
        read(lead, item).map(Some)
    }

    /// Makes a first touch the message that it becomes, with its place on the timeline, what the timeline says about it
    /// and, unless it is held, its place in the lane. False when somebody else looked at it meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn draft_touch(
        &self,
        tenant: TenantId,
        touch: &Touch,
        send: &NewSend,
        happening: &Happening,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "draft first touch";
        let mut all = Transaction::default();
        let values = [
            (":drafted", s(TouchState::Drafted.as_str())),
            (":msg", s(send.id)),
            (":rev", n(touch.revision)),
            (":next", n(touch.revision + 1)),
            (":waiting", s(TouchState::Waiting.as_str())),
        ];
        all.update(
            &self.crm.name,
            keys::touch(tenant, touch.lead),
            "SET #state = :drafted, msg = :msg, rev = :next REMOVE why, dpk, dsk",
            Condition::of("#state = :waiting AND rev = :rev", values).named([("#state", "state")]),
        );
        all.put(&self.crm.name, send_item(ACTION, tenant, send)?, Condition::absent());
        all.put(&self.crm.name, entry_item(tenant, send), Condition::absent());
        if send.hold.is_none() {
            let order = lane_order(send.id, send.not_before);
            let place = lane_item(keys::lane(tenant, send.contact, order), send.id);
            all.put(&self.crm.name, place, Condition::default());
        }
        all.put(&self.crm.name, item_of(tenant, happening), Condition::default());
        Ok(all.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// Notes what is in the way of a first touch and when it is looked at again, with what the timeline says about it when
    /// that is new. False when somebody else looked at it meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn keep_touch_waiting(
        &self,
        tenant: TenantId,
        touch: &Touch,
        why: &str,
        look_at: Option<Millis>,
        happening: Option<&Happening>,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "keep first touch waiting";
        let mut values = vec![
            (":why", s(why)),
            (":rev", n(touch.revision)),
            (":next", n(touch.revision + 1)),
            (":looks", n(u64::from(touch.looks) + 1)),
            (":waiting", s(TouchState::Waiting.as_str())),
        ];
        let mut expression = "SET why = :why, rev = :next, looks = :looks".to_owned();
        match look_at {
            Some(at) => {
                values.push((":dpk", s(keys::touches_due(keys::touch_shard(touch.lead)))));
                values.push((":dsk", s(keys::touch_due_sort(at, tenant, touch.lead))));
                expression.push_str(", dpk = :dpk, dsk = :dsk");
            }
            None => expression.push_str(" REMOVE dpk, dsk"),
        }
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::touch(tenant, touch.lead),
            &expression,
            Condition::of("#state = :waiting AND rev = :rev", values).named([("#state", "state")]),
        );
        if let Some(happening) = happening {
            all.put(&self.crm.name, item_of(tenant, happening), Condition::default());
        }
        Ok(all.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// First touches of any tenant that somebody must look at, longest overdue first, at most `limit` of one shard.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn due_touches(
        &self,
        shard: u8,
        now: Millis,
        limit: u32,
    ) -> Result<Vec<(TenantId, LeadId)>, StoreError> {
        const ACTION: &str = "list due first touches";
        let due = Due { action: ACTION, partition: &keys::touches_due(shard), before: now, limit };
        self.due_by_key(due, keys::touch_of).await
    }

    /// A due first touch was put on the queue; it is looked after again at `at`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn look_after_touch(
        &self,
        tenant: TenantId,
        lead: LeadId,
        at: Millis,
    ) -> Result<(), StoreError> {
        let values = Values::from([(":dsk", s(keys::touch_due_sort(at, tenant, lead)))]);
        let (key, set) = (keys::touch(tenant, lead), "SET dsk = :dsk");
        let there = Some("attribute_exists(dsk)");
        self.crm.update("look after first touch", key, set, there, Names::new(), values).await?.ok();
        Ok(())
    }

    /// How many shards [`Store::due_touches`] has.
    #[must_use]
    pub const fn touch_shards() -> u8 {
        keys::TOUCH_SHARDS
    }

    /// The number of turns that a pool of agents has had, this one included, less one.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn next_in_pool(&self, tenant: TenantId, agents: &[String]) -> Result<u64, StoreError> {
        const ACTION: &str = "take a turn for a lead";
        let input = Update {
            table_name: &self.crm.name,
            key: keys::pool(tenant, agents),
            update_expression: "ADD turns :one",
            condition_expression: None,
            expression_attribute_names: Names::new(),
            expression_attribute_values: Values::from([(":one", n(1))]),
            return_values_on_condition_check_failure: "NONE",
            return_values: "UPDATED_NEW",
        };
        let done =
            self.crm.aws.call::<_, Counted>(Service::DynamoDb, "UpdateItem", &input, Effort::Standard).await;
        let counted = refused(ACTION, done)?.ok();
        let turns = counted.and_then(|counted| match counted.attributes.get("turns") {
            Some(AttributeValue::N(turns)) => turns.parse::<u64>().ok(),
            _ => None,
        });
        turns
            .map(|turns| turns.saturating_sub(1))
            .ok_or_else(|| StoreError::corrupt(ACTION, "POOL", "no turns"))
    }
}
