//! Taking a message: stored with its place in the lane, then its conversation is put on the queue.

use super::evaluate::{Draft, Target, evaluate};
use super::preflight::sendable_instead;
use super::situation::{Route, Situation};
use super::{Reason, SendError};
use crate::health::hold;
use crate::ingest::contact_of_phone;
use domain::ids::{ContactId, KeyId, MessageId, TenantId};
use domain::outbound::QUEUE_DELAY_MS;
use domain::outbound::SendState;
use domain::permit::{Permit, Refusal};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Accepted, NewSend, Once, SendPart, SendRecord, StoreError};
use platform::queue::outbound::{Errand, LaneJob, OutboundJob};
use platform::transport::Transport;
use std::time::Duration;
use uuid::Uuid;

/// How often a waiting caller's message is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct By {
    /// Whose message.
    pub tenant: TenantId,
    /// With which key; absent for what the product sends by itself.
    pub key: Option<KeyId>,
    /// In which request.
    pub trace_id: Uuid,
}

impl By {
    /// Who that is in an audit log.
    #[must_use]
    pub fn actor(&self) -> String {
        self.key.map_or_else(|| "system".to_owned(), |key| key.to_string())
    }
}

/// When a message may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    /// Whether a person must release it.
    pub hold: bool,
    /// Not before.
    pub not_before: Option<Millis>,
}

/// A message that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Its id.
    pub id: MessageId,
    /// Whom it is for.
    pub contact: ContactId,
}

/// Accepts a message under an id that the request determines: a second run of the same request finds the first one's.
///
/// # Errors
/// [`SendError`]; then nothing was stored.
pub async fn accept(
    platform: &Platform,
    transport: &Transport,
    by: By,
    draft: &Draft,
    schedule: Schedule,
    id: MessageId,
    now: Millis,
) -> Result<Taken, SendError> {
    let store = &platform.store;
    // Only a request that was begun before can have left a message.
    if id.ulid().timestamp_ms() < now.unix_ms()
        && let Some(record) = store.send(by.tenant, id).await?
    {
        // The run that stored it may have died before it told the conversation and the queue.
        if record.state == SendState::Queued {
            announce(platform, by.tenant, record.contact, id, record.not_before, now).await?;
        }
        return Ok(Taken { id, contact: record.contact });
    }
    let evaluated = evaluate(platform, transport, by.tenant, draft, now).await?;
    let situation = evaluated.situation;
    let permit = match evaluated.verdict {
        Ok(permit) => permit,
        Err(reasons) => {
            let instead = sendable_instead(platform, transport, by.tenant, &reasons, &situation, now).await?;
            return Err(SendError::Refused { reasons, instead });
        }
    };
    let Some(route) = &situation.route else {
        let refusal = Refusal::NotConfigured;
        let reasons = vec![Reason::Rule { refusal, words: None }];
        return Err(SendError::Refused { reasons, instead: Vec::new() });
    };
    let contact = contact(platform, by.tenant, draft, &situation, now).await?;
    let words =
        Words { part: evaluated.part, permit, confirm_language: draft.confirm_language, once: draft.once };
    put_in_lane(platform, by, &situation, route, contact, words, schedule, id, now).await?;
    Ok(Taken { id, contact })
}

/// What is said, with the leave to say it.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) part: SendPart,
    pub(super) permit: Permit,
    pub(super) confirm_language: bool,
    pub(super) once: Option<Once>,
}

/// Stores a message with its place in the lane, and tells the queue.
#[expect(clippy::too_many_arguments, reason = "a message has that many sides")]
pub(super) async fn put_in_lane(
    platform: &Platform,
    by: By,
    situation: &Situation,
    route: &Route,
    contact: ContactId,
    words: Words,
    schedule: Schedule,
    id: MessageId,
    now: Millis,
) -> Result<(), SendError> {
    let hold = hold(situation, route, &words.part.content, schedule.hold);
    let send = NewSend {
        id,
        contact,
        recipient: situation.recipient.clone(),
        provider: route.provider,
        number: route.number.clone(),
        part: words.part,
        purpose: words.permit.purpose(),
        confirm_language: words.confirm_language,
        hold,
        release_at: None,
        touch: None,
        not_before: schedule.not_before.filter(|at| *at > now),
        accepted_at: now,
        key: by.key,
        once: words.once,
        trace_id: by.trace_id,
    };
    match platform.store.accept_send(by.tenant, &send).await? {
        Accepted::Already if words.once.is_some() && platform.store.send(by.tenant, id).await?.is_none() => {
            // They had theirs by another message.
            return Ok(());
        }
        Accepted::New | Accepted::Already => {}
    }
    if hold.is_none() {
        announce(platform, by.tenant, contact, id, send.not_before, now).await?;
    }
    Ok(())
}

/// Tells the conversation and the queue of a message that was stored; safe to repeat.
async fn announce(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    id: MessageId,
    not_before: Option<Millis>,
    now: Millis,
) -> Result<(), StoreError> {
    platform.store.note_outbound(tenant, contact, id.ulid()).await?;
    enqueue(platform, tenant, contact, not_before, now).await;
    Ok(())
}

/// The contact a message is recorded with, made when it is new.
async fn contact(
    platform: &Platform,
    tenant: TenantId,
    draft: &Draft,
    situation: &Situation,
    now: Millis,
) -> Result<ContactId, SendError> {
    match (situation.family.first(), &draft.target) {
        (Some(contact), _) => Ok(*contact),
        (None, Target::Phone(phone)) => Ok(contact_of_phone(platform, tenant, phone, now).await?),
        (None, Target::Lead(_) | Target::Conversation(_) | Target::Contact(_)) => Err(SendError::NotFound),
    }
}

/// Puts a conversation on the queue. Should the queue not take it, the sweeper does it within a minute: the message is
/// stored, so the caller's answer stays true.
pub(crate) async fn enqueue(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    not_before: Option<Millis>,
    now: Millis,
) {
    queue_errand(platform, tenant, contact, None, not_before, now).await;
}

/// As [`enqueue`], with something to be done before.
pub(crate) async fn queue_errand(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    first: Option<Errand>,
    not_before: Option<Millis>,
    now: Millis,
) {
    let wait_ms = not_before.map_or(0, |at| at.since(now));
    if wait_ms > QUEUE_DELAY_MS {
        // The sweeper finds it in time.
        return;
    }
    let job = OutboundJob { lane: LaneJob { tenant, contact }, first };
    let wait = Duration::from_millis(wait_ms);
    if let Err(error) = platform.outbound.send_later(&tenant.to_string(), &job.encode(), wait).await {
        tracing::warn!("a conversation was not put on the queue, the sweeper will: {error}");
    }
}

/// Waits until a message is settled, at most `patience`; the message as it stands then.
///
/// # Errors
/// The table did not answer.
pub async fn settled(
    platform: &Platform,
    tenant: TenantId,
    id: MessageId,
    patience: Duration,
) -> Result<Option<SendRecord>, StoreError> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let record = platform.store.send(tenant, id).await?;
        let done = record.as_ref().is_none_or(|record| record.state.is_settled());
        if done || tokio::time::Instant::now() + LOOK_EVERY > deadline {
            return Ok(record);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
