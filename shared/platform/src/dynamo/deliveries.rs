//! Deliveries of customer webhooks: one event to one receiver, its bytes written once, every attempt noted.

use super::due::Due;
use super::wire::{AttributeValue, Item, Key, Names, StoreError, Values, n, s};
use super::{Store, keys, timeline};
use domain::ids::{DeliveryId, EndpointId, EventId, TenantId};
use domain::time::Millis;
use domain::webhook::DeliveryStatus;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use uuid::Uuid;

/// How many attempts are kept; a delivery that is redelivered again and again forgets its oldest.
const ATTEMPTS_KEPT: usize = 40;

/// A delivery to make.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery<'a> {
    /// Its id: the event's and the receiver's together.
    pub id: DeliveryId,
    /// To whom.
    pub endpoint: EndpointId,
    /// Of what.
    pub event: EventId,
    /// The event's type.
    pub event_type: &'a str,
    /// The bytes, as every attempt sends them.
    pub body: &'a str,
    /// When it was made.
    pub created_at: Millis,
    /// The trace of what happened.
    pub trace_id: Uuid,
}

/// An attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Millis,
    /// The receiver's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Why there is no status, or why the status is a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The beginning of what the receiver said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_excerpt: Option<String>,
}

/// A delivery as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// To whom.
    pub endpoint: EndpointId,
    /// Of what.
    pub event: EventId,
    /// The event's type.
    pub event_type: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// The bytes.
    pub body: String,
    /// How many of the waits of its round it has had.
    pub step: u32,
    /// When its round began: when it was made, or asked for again.
    pub round_at: Millis,
    /// When it is to be tried; absent once it is settled.
    pub next_at: Option<Millis>,
    /// Which attempt holds it.
    pub fence: Option<String>,
    /// Until when.
    pub lease_until: Option<Millis>,
    /// The attempts, the oldest first.
    pub attempts: Vec<DeliveryAttempt>,
    /// When it was made.
    pub created_at: Millis,
    /// The trace of what happened.
    pub trace_id: Uuid,
    /// Where it stands among the others, by time.
    pub position: Ulid,
}

/// Deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// The last position looked at, for the next page.
    pub last: Option<Ulid>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Where a delivery goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryMove {
    /// It is settled.
    Settled(DeliveryStatus),
    /// It is tried again.
    Waits {
        /// How many of the waits of its round it has had then.
        step: u32,
        /// When.
        at: Millis,
        /// When the sweeper must look at it.
        due: Millis,
    },
}

#[derive(Serialize, Deserialize)]
struct DeliveryItem {
    pk: String,
    sk: String,
    gpk: String,
    gsk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpk: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsk: Option<String>,
    we: EndpointId,
    ev: EventId,
    kind: String,
    state: DeliveryStatus,
    body: String,
    step: u32,
    round: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fence: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until: Option<u64>,
    attempts: Vec<DeliveryAttempt>,
    created: u64,
    trace: Uuid,
}

impl Store {
    /// Makes a delivery that is due now, once; false when it was made before. The sweeper looks at it at `due`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn add_delivery(
        &self,
        tenant: TenantId,
        new: &NewDelivery<'_>,
        due: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "add delivery";
        let key = keys::delivery(tenant, new.id);
        let position = Ulid::from_parts(new.created_at.unix_ms(), new.id.ulid().random());
        let item = DeliveryItem {
            pk: key.pk,
            sk: key.sk,
            gpk: keys::deliveries_by_time(tenant),
            gsk: keys::traced_sort(position, new.trace_id),
            dpk: Some(keys::deliveries_due(keys::delivery_shard(new.id))),
            dsk: Some(keys::delivery_due_sort(due, tenant, new.id)),
            we: new.endpoint,
            ev: new.event,
            kind: new.event_type.to_owned(),
            state: DeliveryStatus::Pending,
            body: new.body.to_owned(),
            step: 0,
            round: new.created_at.unix_ms(),
            next_at: Some(new.created_at.unix_ms()),
            fence: None,
            lease_until: None,
            attempts: Vec::new(),
            created: new.created_at.unix_ms(),
            trace: new.trace_id,
        };
        let item = serde_dynamo::to_item(item).map_err(|error| StoreError::corrupt(ACTION, "DLV", error))?;
        let absent = ("attribute_not_exists(pk)", Names::new(), Values::new());
        Ok(self.crm.put(ACTION, item, Some(absent)).await?.is_ok())
    }

    /// One delivery, by a consistent read.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn delivery(&self, tenant: TenantId, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.crm.get("read delivery", &keys::delivery(tenant, id), true).await?.map(read).transpose()
    }

    /// A tenant's deliveries older than `before` (all when absent), newest first.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn deliveries_by_time(
        &self,
        tenant: TenantId,
        before: Option<Ulid>,
        limit: u32,
    ) -> Result<DeliveryPage, StoreError> {
        const ACTION: &str = "list deliveries";
        let page = self.crm.newest_first(ACTION, keys::deliveries_by_time(tenant), before, limit).await?;
        let found: Vec<Key> = page.items.iter().filter_map(timeline::key_of).collect();
        let items = self.crm.batch_get(ACTION, &found).await?;
        let mut deliveries: Vec<Delivery> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        deliveries.sort_by_key(|delivery| std::cmp::Reverse(delivery.position));
        let last = deliveries.last().map(|delivery| delivery.position);
        Ok(DeliveryPage { deliveries, last, more: page.last_evaluated_key.is_some() })
    }

    /// One attempt holds a delivery whose time has come, until `lease_until`; false when it is settled, waits, or is
    /// held by another.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn claim_delivery(
        &self,
        tenant: TenantId,
        id: DeliveryId,
        fence: &str,
        now: Millis,
        lease_until: Millis,
    ) -> Result<bool, StoreError> {
        let values = Values::from([
            (":pending", s(DeliveryStatus::Pending.as_str())),
            (":fence", s(fence)),
            (":now", n(now.unix_ms())),
            (":lease", n(lease_until.unix_ms())),
            (":dsk", s(keys::delivery_due_sort(lease_until, tenant, id))),
        ]);
        let claimed = self
            .crm
            .update(
                "claim delivery",
                keys::delivery(tenant, id),
                "SET fence = :fence, lease_until = :lease, dsk = :dsk",
                Some(
                    "#state = :pending AND next_at <= :now AND (attribute_not_exists(fence) OR lease_until <= :now)",
                ),
                Names::from([("#state", "state")]),
                values,
            )
            .await?;
        Ok(claimed.is_ok())
    }

    /// What an attempt came to; false when it does not hold the delivery any more.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn settle_delivery(
        &self,
        tenant: TenantId,
        delivery: &Delivery,
        fence: &str,
        attempt: DeliveryAttempt,
        to: &DeliveryMove,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "settle delivery";
        let from = (delivery.attempts.len() + 1).saturating_sub(ATTEMPTS_KEPT);
        let attempts: Vec<&DeliveryAttempt> = delivery.attempts.iter().chain([&attempt]).skip(from).collect();
        let attempts = serde_dynamo::to_attribute_value(attempts)
            .map_err(|error| StoreError::corrupt(ACTION, "DLV", error))?;
        let more = vec![(":fence", s(fence)), (":attempts", attempts)];
        self.move_delivery(ACTION, tenant, delivery.id, "attempts = :attempts, ", "fence = :fence", more, to)
            .await
    }

    /// Settles or puts off a delivery that nobody is trying; false when somebody is, or it is settled.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn put_off_delivery(
        &self,
        tenant: TenantId,
        id: DeliveryId,
        to: &DeliveryMove,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let free = "#state = :pending AND (attribute_not_exists(fence) OR lease_until <= :now)";
        let more = vec![(":pending", s(DeliveryStatus::Pending.as_str())), (":now", n(now.unix_ms()))];
        self.move_delivery("put off delivery", tenant, id, "", free, more, to).await
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one expression")]
    async fn move_delivery(
        &self,
        action: &'static str,
        tenant: TenantId,
        id: DeliveryId,
        sets: &str,
        condition: &str,
        more: Vec<(&'static str, AttributeValue)>,
        to: &DeliveryMove,
    ) -> Result<bool, StoreError> {
        let mut values: Values = more.into_iter().collect();
        let expression = match to {
            DeliveryMove::Settled(status) => {
                values.insert(":state", s(status.as_str()));
                format!("SET {sets}#state = :state REMOVE fence, lease_until, next_at, dpk, dsk")
            }
            DeliveryMove::Waits { step, at, due } => {
                values.insert(":state", s(DeliveryStatus::Pending.as_str()));
                values.insert(":step", n(u64::from(*step)));
                values.insert(":next", n(at.unix_ms()));
                values.insert(":dsk", s(keys::delivery_due_sort(*due, tenant, id)));
                format!(
                    "SET {sets}#state = :state, step = :step, next_at = :next, dsk = :dsk REMOVE fence, lease_until"
                )
            }
        };
        let names = Names::from([("#state", "state")]);
        let key = keys::delivery(tenant, id);
        Ok(self.crm.update(action, key, &expression, Some(condition), names, values).await?.is_ok())
    }

    /// Begins a delivery anew, whatever became of it; false when it is being tried at this moment, or is gone.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn restart_delivery(
        &self,
        tenant: TenantId,
        id: DeliveryId,
        now: Millis,
        due: Millis,
    ) -> Result<bool, StoreError> {
        let values = Values::from([
            (":pending", s(DeliveryStatus::Pending.as_str())),
            (":zero", n(0)),
            (":now", n(now.unix_ms())),
            (":dpk", s(keys::deliveries_due(keys::delivery_shard(id)))),
            (":dsk", s(keys::delivery_due_sort(due, tenant, id))),
        ]);
        let restarted = self
            .crm
            .update(
                "restart delivery",
                keys::delivery(tenant, id),
                "SET #state = :pending, step = :zero, round = :now, next_at = :now, dpk = :dpk, dsk = :dsk \
                 REMOVE fence, lease_until",
                Some("attribute_exists(pk) AND (attribute_not_exists(fence) OR lease_until <= :now)"),
                Names::from([("#state", "state")]),
                values,
            )
            .await?;
        Ok(restarted.is_ok())
    }

    /// Deliveries of any tenant that the sweeper must look at, longest overdue first, at most `limit` of one shard.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn due_deliveries(
        &self,
        shard: u8,
        now: Millis,
        limit: u32,
    ) -> Result<Vec<(TenantId, DeliveryId)>, StoreError> {
        const ACTION: &str = "list due deliveries";
        let due =
            Due { action: ACTION, partition: &keys::deliveries_due(shard), before: now.plus_ms(1), limit };
        self.due_by_key(due, keys::delivery_of).await
    }

    /// How many shards [`Store::due_deliveries`] has.
    #[must_use]
    pub const fn delivery_shards() -> u8 {
        keys::DELIVERY_SHARDS
    }
}

pub(super) fn read(item: Item) -> Result<Delivery, StoreError> {
    const ACTION: &str = "read delivery";
    let item: DeliveryItem =
        serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt(ACTION, "DLV", error))?;
    let key = Key { pk: item.pk, sk: item.sk };
    let corrupt = |why: &str| StoreError::corrupt(ACTION, &key.pk, why);
    let (_, id) = keys::delivery_of(&key).ok_or_else(|| corrupt("not a delivery's key"))?;
    let position = item.gsk.split('#').next().and_then(|text| Ulid::from_string(text).ok());
    Ok(Delivery {
        id,
        endpoint: item.we,
        event: item.ev,
        event_type: item.kind,
        status: item.state,
        body: item.body,
        step: item.step,
        round_at: Millis::from_unix_ms(item.round),
        next_at: item.next_at.map(Millis::from_unix_ms),
        fence: item.fence,
        lease_until: item.lease_until.map(Millis::from_unix_ms),
        attempts: item.attempts,
        created_at: Millis::from_unix_ms(item.created),
        trace_id: item.trace,
        position: position.ok_or_else(|| corrupt("no position"))?,
    })
}
