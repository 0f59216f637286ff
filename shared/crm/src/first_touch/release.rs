//! Letting a first touch go when its clock runs out, and handing it to a person instead.

use super::{ACTOR, note};
use crate::events::{Emitter, Receiver, conversation_updated};
use crate::read::{self, ConversationStatus, Facts, Family};
use crate::send::{By, Moved, queue_errand};
use domain::ids::{ContactId, EventId, MessageId, TenantId, derived_ulid};
use domain::outbound::SendState;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Happening, Setting, Store, StoreError};
use platform::queue::outbound::Errand;
use serde_json::json;
use ulid::Ulid;

/// Lets a held first touch go, if its time came and nobody stepped in; the conversation whose lane is to be emptied then.
/// Safe to run at any time and twice at once.
///
/// # Errors
/// The table did not answer; the sweeper does the rest.
pub async fn release_due(
    platform: &Platform,
    tenant: TenantId,
    id: MessageId,
    now: Millis,
) -> Result<Option<ContactId>, StoreError> {
    let store = &platform.store;
    let Some(record) = store.send(tenant, id).await? else { return Ok(None) };
    if record.state == SendState::Queued {
        // Somebody let it go; whoever asks now may be a second run of that.
        return Ok(Some(record.contact));
    }
    let (SendState::Held, Some(at)) = (record.state, record.release_at) else { return Ok(None) };
    if at > now {
        let errand = Some(Errand::Release(id));
        queue_errand(platform, tenant, record.contact, errand, Some(at), now).await;
        return Ok(None);
    }
    if is_handed_over(store, tenant, record.contact).await? {
        // A person answers now: it waits for them.
        if store.hold_send(tenant, &record, now).await? {
            let data = json!({"message_id": id, "reason": "conversation_with_a_person"});
            let happening = Happening {
                id: EventId::from_ulid(derived_ulid(at.unix_ms(), &[&id.to_string(), "held"])),
                contact: record.contact,
                lead: record.touch,
                kind: "lead.first_touch.held".to_owned(),
                actor: ACTOR.to_owned(),
                recorded_at: now,
                trace_id: record.trace_id,
                data,
            };
            store.record_happening(tenant, &happening).await?;
        }
        return Ok(None);
    }
    let order = Store::lane_end(id, now);
    if !store.release_due_send(tenant, &record, order, now).await? {
        return Ok(None);
    }
    store.note_outbound(tenant, record.contact, order).await?;
    Ok(Some(record.contact))
}

async fn is_handed_over(store: &Store, tenant: TenantId, contact: ContactId) -> Result<bool, StoreError> {
    let family = Family::read(store, tenant, contact).await?;
    let ids = family.map_or_else(|| vec![contact], |family| family.ids());
    let conversations = store.conversations(tenant, &ids).await?;
    Ok(Facts::of(conversations.iter()).is_some_and(|facts| facts.is_handed_over()))
}

/// Hands the conversation of a held or queued message to a person: the message waits for them, the conversation is
/// `human`.
///
/// # Errors
/// The table did not answer.
pub async fn hand_off(
    platform: &Platform,
    by: By,
    id: MessageId,
    begun: Millis,
    now: Millis,
) -> Result<Moved, StoreError> {
    let store = &platform.store;
    let Some(record) = store.send(by.tenant, id).await? else { return Ok(Moved::NotFound) };
    if !store.hold_send(by.tenant, &record, now).await? {
        let state = store.send(by.tenant, id).await?.map(|record| record.state);
        return Ok(state.map_or(Moved::NotFound, Moved::No));
    }
    note(platform, by, &record, "handed_off", begun).await?;
    // The draft makes the conversation, so that it is in the inbox of the person it is handed to.
    store.note_outbound(by.tenant, record.contact, id.ulid()).await?;
    let order = Ulid::from_parts(now.unix_ms(), id.ulid().random());
    let human = Setting::Status(ConversationStatus::Human.as_str());
    store.set_conversation(by.tenant, record.contact, human, order).await?;
    let conversation = record.contact.conversation();
    if let Some(shown) = read::conversation(store, by.tenant, conversation, now).await? {
        let receivers = Receiver::read(platform, by.tenant).await?;
        let (tenant, trace_id) = (by.tenant, by.trace_id);
        let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id, now };
        conversation_updated(emitter, &shown, &format!("{id} handed off"), begun).await?;
    }
    Ok(Moved::Yes)
}
