//! Answering: one worker for each conversation at a time asks the model and sends what may be sent.
//!
//! What is about to be sent is written down with its id before it is accepted, and a turn ends only after: whoever goes on
//! after a crash sends the same message, which is accepted once.

use super::ask::{AskError, Failure, ask};
use super::assistant_key;
use super::hold::ask_to_wait;
use super::talk::Talk;
use super::wait::enqueue;
use crate::desk::{BotVerdict, Cause, hand_off, may_bot_answer};
use crate::events::Emitter;
use crate::fence::fence;
use crate::send::{Said, SendError, Situation, say_as};
use domain::assistant::{
    Decision, Failed, Next, Waiting, after, burst_is_over, decide, instructions, replies_in_window,
};
use domain::ids::{ContactId, MessageId, TenantId, derived_ulid};
use domain::language::Language;
use domain::time::Millis;
use domain::window::{ServiceWindow, WINDOW_MS};
use platform::Platform;
use platform::courier::Courier;
use platform::dynamo::{Assistant, AssistantDraft, AssistantTurn, StoreError, TurnEnd, Wanted};
use platform::queue::assistant::AssistantJob;
use platform::vault::VaultError;
use ulid::Ulid;
use uuid::Uuid;

/// How long a worker holds a conversation, in milliseconds: longer than its function may run.
const LEASE_MS: u64 = 120_000;
/// A job may come this much early, in milliseconds.
const EARLY_MS: u64 = 250;
/// So long a customer who writes on may put off their own answer, in milliseconds.
const PATIENCE_MS: u64 = 30_000;
/// When a part of ours that did not answer is tried again, in milliseconds.
const AGAIN_MS: u64 = 5_000;

/// A customer could not be answered; the queue and the sweeper try again.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The model's key could not be opened now.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The message could not be held against the rules.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

impl From<AskError> for AnswerError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Store(error) => Self::Store(error),
            AskError::Vault(error) => Self::Vault(error),
        }
    }
}

/// A conversation that a worker holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) platform: &'a Platform,
    pub(super) tenant: TenantId,
    pub(super) contact: ContactId,
    pub(super) fence: &'a str,
}

/// How a worker leaves a conversation.
#[derive(Debug)]
enum Left {
    /// Everything up to here is done.
    Ended(Ulid, TurnEnd),
    /// To be tried again: after so many failures, so many of them unusable answers, at this time.
    Again { failures: (u32, u32), at: Millis },
}

/// The id of a message of the assistant.
pub(super) fn minted(contact: ContactId, order: Ulid, what: &str, now: Millis) -> MessageId {
    let parts = [contact.to_string(), order.to_string()];
    let [contact, order] = parts.each_ref().map(String::as_str);
    MessageId::from_ulid(derived_ulid(now.unix_ms(), &["assistant", contact, order, what]))
}

/// Answers the customer of a conversation, if one waits and it is time.
///
/// # Errors
/// A part of ours does not answer; nothing is lost or sent twice by trying again.
pub async fn answer(platform: &Platform, courier: &Courier, job: AssistantJob) -> Result<(), AnswerError> {
    let AssistantJob { tenant, contact } = job;
    let (store, now) = (&platform.store, platform.clock.now());
    let waits =
        |turn: &AssistantTurn| turn.wanted.filter(|wanted| turn.done.is_none_or(|done| wanted.order > done));
    let Some(turn) = store.assistant_turn(tenant, contact).await? else { return Ok(()) };
    if waits(&turn).is_none() || !is_time(&turn, now) {
        return Ok(());
    }
    let fence = fence().map_err(|_| AnswerError::Random)?;
    if !store.claim_assistant_turn(tenant, contact, &fence, now.plus_ms(LEASE_MS), now).await? {
        // Whoever has it sees what came meanwhile before it lets go.
        return Ok(());
    }
    let place = Place { platform, tenant, contact, fence: &fence };
    // As it is now that nobody else changes it.
    let turn = store.assistant_turn(tenant, contact).await?.unwrap_or_default();
    let failures = (turn.failures, turn.unusable);
    let left = match waits(&turn) {
        Some(wanted) => Box::pin(work(place, courier, &turn, wanted)).await,
        None => {
            let done = turn.done.unwrap_or_default();
            Ok(Left::Ended(done, TurnEnd::Silent))
        }
    };
    let now = platform.clock.now();
    match left {
        Ok(Left::Ended(order, end)) => {
            if !store.end_assistant_turn(tenant, contact, &fence, order, end, now).await? {
                enqueue(platform, job, 0).await;
            }
            Ok(())
        }
        Ok(Left::Again { failures, at }) => {
            store.retry_assistant_turn(tenant, contact, &fence, failures, at).await?;
            enqueue(platform, job, at.since(now)).await;
            Ok(())
        }
        Err(error) => {
            // Should this fail as well, the lease's end gives it back.
            store.retry_assistant_turn(tenant, contact, &fence, failures, now.plus_ms(AGAIN_MS)).await?;
            Err(error)
        }
    }
}

/// Whether the customer is quiet, and the wait after a failure is over.
fn is_time(turn: &AssistantTurn, now: Millis) -> bool {
    let (Some(since), Some(due)) = (turn.since, turn.due_at) else { return true };
    let early = now.plus_ms(EARLY_MS);
    if turn.failures > 0 { early >= due } else { burst_is_over(since, due, early) }
}

/// What is known about a conversation before it is answered.
struct Look {
    waiting: Waiting,
    situation: Situation,
    talk: Talk,
    language: Language,
}

async fn look(
    place: Place<'_>,
    turn: &AssistantTurn,
    wanted: Wanted,
    assistant: Option<&Assistant>,
    now: Millis,
) -> Result<Option<Look>, StoreError> {
    let (store, tenant, contact) = (&place.platform.store, place.tenant, place.contact);
    let id = contact.conversation();
    let (situation, verdict, talk) = futures_util::future::try_join3(
        Situation::of_contact(store, tenant, Some(contact), None),
        may_bot_answer(store, tenant, id, now),
        Talk::read(store, tenant, id),
    )
    .await?;
    let Some(talk) = talk else { return Ok(None) };
    let done = turn.done.map_or(0, |done| done.timestamp_ms());
    let message = Millis::from_unix_ms(wanted.order.timestamp_ms());
    let given_back = situation.conversation.as_ref().and_then(|facts| facts.given_back_at());
    let waiting = Waiting {
        wanted: assistant.is_some_and(|assistant| assistant.settings.auto_reply),
        with_a_person: verdict != BotVerdict::May,
        window_open: ServiceWindow::at(situation.window_opened_at(), now).open,
        barred: situation.consents.bars_everything() || situation.consents.restricted_at.is_some(),
        stopped: talk.stopped_since(Millis::from_unix_ms(done)),
        answered: talk.answered_since(store, tenant, message).await?,
        replies: replies_in_window(turn.replies, turn.last_reply, message, given_back),
        most_replies: assistant.map_or(0, |assistant| assistant.settings.max_replies),
    };
    let language = situation.language.unwrap_or(situation.tenant.default_language);
    Ok(Some(Look { waiting, situation, talk, language }))
}

async fn work(
    place: Place<'_>,
    courier: &Courier,
    turn: &AssistantTurn,
    wanted: Wanted,
) -> Result<Left, AnswerError> {
    let (platform, tenant) = (place.platform, place.tenant);
    let (store, now) = (&platform.store, platform.clock.now());
    let silent = Left::Ended(wanted.order, TurnEnd::Silent);
    if let Some(draft) = &turn.draft
        && store.send(tenant, draft.id).await?.is_some()
    {
        // It was sent, and whoever sent it died before they said so.
        let end = TurnEnd::Answered { replies: turn.replies + 1, at: now };
        return Ok(Left::Ended(draft.order, end));
    }
    let assistant = store.assistant(tenant).await?;
    let Some(before) = look(place, turn, wanted, assistant.as_ref(), now).await? else { return Ok(silent) };
    let Some(assistant) = assistant else { return Ok(silent) };
    match decide(&before.waiting) {
        Decision::Answer => {}
        Decision::Silence => {
            if turn.failures > 0 && !before.waiting.window_open && !before.waiting.with_a_person {
                let why = "The assistant could not answer while the window was open.";
                leave_to_a_person(place, &before.situation, wanted, why, now).await?;
            }
            return Ok(silent);
        }
        Decision::EnoughReplies => {
            let why = format!(
                "The assistant answered {} times in this conversation's window; that is as often as it may.",
                before.waiting.replies
            );
            leave_to_a_person(place, &before.situation, wanted, &why, now).await?;
            return Ok(silent);
        }
    }
    let draft = turn.draft.as_ref().filter(|draft| draft.order == wanted.order);
    let text = match draft {
        Some(draft) => Ok(draft.text.clone()),
        None => {
            let told = instructions(before.language, assistant.settings.instructions.as_deref());
            let conversation = (told.as_str(), before.talk.turns.as_slice());
            ask(platform, courier, tenant, &assistant, conversation, before.language).await?
        }
    };
    // The call took seconds: what stood in no one's way may do so now.
    let now = platform.clock.now();
    let Some(look) = look(place, turn, wanted, Some(&assistant), now).await? else { return Ok(silent) };
    if decide(&look.waiting) != Decision::Answer {
        return Ok(silent);
    }
    let text = match text {
        Ok(text) => text,
        Err(failure) => return fail(place, turn, wanted, &assistant, &look, failure, now).await,
    };
    if draft.is_none() {
        let meanwhile = store.assistant_turn(tenant, place.contact).await?.unwrap_or_default();
        let newer = meanwhile.wanted.is_some_and(|newest| newest.order > wanted.order);
        if newer && turn.since.is_some_and(|since| now.since(since) < PATIENCE_MS) {
            // The customer wrote on: one answer to all of it.
            let at = meanwhile.due_at.unwrap_or(now);
            return Ok(Left::Again { failures: (0, 0), at });
        }
    }
    let id = match draft {
        Some(draft) => draft.id,
        None => {
            let id = minted(place.contact, wanted.order, "reply", now);
            let new = AssistantDraft { order: wanted.order, id, text: text.clone() };
            if !store.draft_assistant_reply(tenant, place.contact, place.fence, &new).await? {
                return Ok(silent);
            }
            id
        }
    };
    if let Some(why) = say(place, id, wanted.trace_id, text, now).await? {
        tracing::warn!(tenant.id = %tenant, "an answer of the assistant is not sent: {why}");
        return Ok(silent);
    }
    let end = TurnEnd::Answered { replies: look.waiting.replies + 1, at: now };
    Ok(Left::Ended(wanted.order, end))
}

/// No answer: the customer is asked to wait, and the model again later, or a person is to answer.
async fn fail(
    place: Place<'_>,
    turn: &AssistantTurn,
    wanted: Wanted,
    assistant: &Assistant,
    look: &Look,
    failure: Failure,
    now: Millis,
) -> Result<Left, AnswerError> {
    ask_to_wait(place, turn, wanted, assistant, look.language, now).await?;
    let failures = turn.failures.saturating_add(1);
    let unusable = turn.unusable.saturating_add(u32::from(failure.failed == Failed::Unusable));
    let closes = look.situation.window_opened_at().map_or(now, |at| at.plus_ms(WINDOW_MS));
    let why = match after(failure.failed, failures, unusable) {
        Next::Again { wait_ms } if now.plus_ms(wait_ms) < closes => {
            let at = now.plus_ms(wait_ms);
            return Ok(Left::Again { failures: (failures, unusable), at });
        }
        Next::Again { .. } => "The assistant could not answer while the window was open.".to_owned(),
        Next::GiveUp => format!("The assistant gave up: {}.", failure.words),
    };
    leave_to_a_person(place, &look.situation, wanted, &why, now).await?;
    Ok(Left::Ended(wanted.order, TurnEnd::Silent))
}

/// Hands the conversation to a person, with the reason.
async fn leave_to_a_person(
    place: Place<'_>,
    situation: &Situation,
    wanted: Wanted,
    why: &str,
    now: Millis,
) -> Result<(), StoreError> {
    let emitter = Emitter {
        platform: place.platform,
        tenant: place.tenant,
        receivers: &situation.receivers,
        trace_id: wanted.trace_id,
        now,
    };
    // The time of the message: whoever does this again names the same event.
    let contact = place.contact.to_string();
    let order = wanted.order.to_string();
    let mark = derived_ulid(wanted.order.timestamp_ms(), &["assistant", &contact, &order, "handoff"]);
    hand_off(emitter, place.contact, Cause::Assistant(why), mark).await?;
    Ok(())
}

/// Sends words as every message is sent; why they may not be, if so.
pub(super) async fn say(
    place: Place<'_>,
    id: MessageId,
    trace_id: Uuid,
    words: String,
    now: Millis,
) -> Result<Option<String>, AnswerError> {
    let (tenant, contact) = (place.tenant, place.contact);
    let said = Said { tenant, contact, once: None, key: Some(assistant_key()), id, trace_id };
    match Box::pin(say_as(place.platform, said, |_| Some(words), now)).await {
        Ok(()) => Ok(None),
        Err(SendError::Refused { reasons, .. }) => {
            Ok(Some(reasons.first().map(crate::send::Reason::message).unwrap_or_default()))
        }
        Err(SendError::Invalid(error)) => Ok(Some(error.message)),
        Err(error @ (SendError::NotFound | SendError::NotYet { .. })) => Ok(Some(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
