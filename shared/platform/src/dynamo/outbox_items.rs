//! The items of messages on their way out: the message, its place on the timeline, its place in the lane.

use super::keys;
use super::outbox::{NewSend, Once, SendRecord};
use super::outbox_waits::place_in_index;
use super::wire::{AttributeValue, Item, Key, StoreError, n, s};
use domain::ids::{ContactId, KeyId, LeadId, MessageId, TenantId};
use domain::outbound::{HeldFor, SendState};
use domain::permit::SendPurpose;
use domain::provider::Provider;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use ulid::Ulid;
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct SendItem {
    pk: String,
    sk: String,
    contact: ContactId,
    recipient: String,
    provider: Provider,
    num: String,
    part: String,
    purpose: SendPurpose,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    confirmed: bool,
    state: SendState,
    lane: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_for: Option<HeldFor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    touch: Option<LeadId>,
    #[serde(default)]
    rev: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fence: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until: Option<u64>,
    #[serde(default)]
    attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wamid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<u64>,
    accepted: u64,
    updated: u64,
    trace: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<KeyId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    asks: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relied: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpk: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsk: Option<String>,
}

/// The message itself.
pub(super) fn send_item(action: &'static str, tenant: TenantId, send: &NewSend) -> Result<Item, StoreError> {
    let order = lane_order(send.id, send.not_before);
    let state = if send.hold.is_some() { SendState::Held } else { SendState::Queued };
    let key = keys::send(tenant, send.id);
    let (dpk, dsk) = place_in_index(tenant, send).unzip();
    let item = SendItem {
        pk: key.pk,
        sk: key.sk,
        contact: send.contact,
        recipient: json(action, &send.recipient)?,
        provider: send.provider,
        num: send.number.clone(),
        part: json(action, &send.part)?,
        purpose: send.purpose,
        confirmed: send.confirm_language,
        state,
        lane: order.to_string(),
        held_for: send.hold,
        release_at: send.release_at.map(Millis::unix_ms),
        touch: send.touch,
        rev: 0,
        turn: None,
        not_before: send.not_before.map(Millis::unix_ms),
        fence: None,
        lease_until: None,
        attempts: 0,
        wamid: None,
        failure: None,
        sent_at: None,
        accepted: send.accepted_at.unix_ms(),
        updated: send.accepted_at.unix_ms(),
        trace: send.trace_id,
        key: send.key,
        asks: send.once == Some(Once::OptInRequest),
        relied: None,
        dpk,
        dsk,
    };
    serde_dynamo::to_item(item).map_err(|error| StoreError::corrupt(action, "SEND", error))
}

/// A message's place in its lane: by when it may go.
pub(super) fn lane_order(id: MessageId, not_before: Option<Millis>) -> Ulid {
    let ms = not_before.map_or(0, Millis::unix_ms).max(id.ulid().timestamp_ms());
    Ulid::from_parts(ms, id.ulid().random())
}

pub(super) fn lane_item(key: Key, message: MessageId) -> Item {
    let attributes = [("pk", s(key.pk)), ("sk", s(key.sk)), ("msg", s(message))];
    item_of(attributes)
}

fn item_of<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    let named = attributes.map(|(name, value)| (name.to_owned(), value));
    Item::from(HashMap::from(named))
}

/// The message's place on the timeline; what it says and where it stands is read from the message itself.
pub(super) fn entry_item(tenant: TenantId, send: &NewSend) -> Item {
    let key = keys::timeline(tenant, send.contact, send.id.ulid());
    let attributes = [
        ("pk", s(key.pk)),
        ("sk", s(key.sk)),
        ("gpk", s(keys::timelines_by_time(tenant))),
        ("gsk", s(keys::traced_sort(send.id.ulid(), send.trace_id))),
        ("kind", s(send.part.content.kind())),
        ("dir", s("out")),
        ("provider", s(send.provider)),
        ("num", s(&send.number)),
        ("wamid", s(send.id)),
        ("recv", n(send.accepted_at.unix_ms())),
        ("trace", s(send.trace_id)),
        ("raw", s("{}")),
        ("ours", AttributeValue::Bool(true)),
    ];
    item_of(attributes)
}

pub(super) fn json<T: Serialize>(action: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::corrupt(action, "SEND", error))
}

pub(super) fn read(item: Item) -> Result<SendRecord, StoreError> {
    const ACTION: &str = "read send";
    let item: SendItem =
        serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt(ACTION, "SEND", error))?;
    let key = Key { pk: item.pk, sk: item.sk };
    let corrupt = |why: String| StoreError::corrupt(ACTION, &key.pk, why);
    let failure = item.failure.as_deref().map(serde_json::from_str).transpose();
    let relied = item.relied.as_deref().map(serde_json::from_str).transpose();
    let (_, id) = keys::message_of(&key).ok_or_else(|| corrupt("not a send's key".to_owned()))?;
    Ok(SendRecord {
        id,
        contact: item.contact,
        recipient: serde_json::from_str(&item.recipient).map_err(|error| corrupt(error.to_string()))?,
        provider: item.provider,
        number: item.num,
        part: serde_json::from_str(&item.part).map_err(|error| corrupt(error.to_string()))?,
        purpose: item.purpose,
        confirm_language: item.confirmed,
        asks: item.asks,
        relied: relied.map_err(|error| corrupt(error.to_string()))?,
        state: item.state,
        order: Ulid::from_string(&item.lane).map_err(|error| corrupt(error.to_string()))?,
        held_for: item.held_for,
        release_at: item.release_at.map(Millis::from_unix_ms),
        touch: item.touch,
        revision: item.rev,
        not_before: item.not_before.map(Millis::from_unix_ms),
        turn: item.turn.map(Millis::from_unix_ms),
        fence: item.fence,
        lease_until: item.lease_until.map(Millis::from_unix_ms),
        attempts: item.attempts,
        provider_message_id: item.wamid,
        failure: failure.map_err(|error| corrupt(error.to_string()))?,
        sent_at: item.sent_at.map(Millis::from_unix_ms),
        accepted_at: Millis::from_unix_ms(item.accepted),
        updated_at: Millis::from_unix_ms(item.updated),
        key: item.key,
        trace_id: item.trace,
    })
}
