//! What a customer withdraws or agrees to by what they write, press or choose at the provider.

use super::IngestError;
use super::contact::{self, Seen};
use super::events::Context;
use crate::consent::{self, Answer, Stop, Withdrawal};
use crate::events::consent_changed;
use crate::health::{count_opt_out, has_opted_out};
use domain::consent::{ConsentState, Purpose};
use domain::ids::{ContactId, MessageId, derived_ulid};
use domain::keywords;
use domain::language;
use domain::message::Content;
use domain::time::Millis;
use domain::window;
use providers::event::{InboundMessage, Preference, Status};

/// 131050: the customer stopped marketing messages (providers.md 2.2).
const STOPPED_MARKETING: i64 = 131_050;

/// Writes a withdrawal down when a message is nothing but a stop word, and an agreement when it is nothing but a yes that
/// answers a ticked box. Any other message costs nothing here.
pub(super) async fn by_keyword(
    context: &Context<'_>,
    number: &str,
    contact: ContactId,
    id: MessageId,
    message: &InboundMessage,
    received_at: Millis,
) -> Result<(), IngestError> {
    let Some(words) = said(&message.body.content) else { return Ok(()) };
    let delivery = context.delivery;
    if keywords::agrees(words) {
        let event = id.to_string();
        let answer = Answer {
            contact,
            at: window::clamped(message.sent_at, received_at),
            now: context.now,
            words,
            language: language::detect(words).map(language::Language::as_str),
            event: &event,
            trace_id: delivery.trace_id,
        };
        if let Some(row) = consent::answered(context.store, delivery.tenant, answer).await? {
            consent_changed(context.emitter, contact, &row, Some(received_at)).await?;
        }
        return Ok(());
    }
    let Some(purpose) = keywords::revocation(words) else { return Ok(()) };
    let withdrawal = Withdrawal {
        purpose,
        at: last_moment(message.sent_at, received_at),
        now: context.now,
        wording: Some(words),
        language: language::detect(words).map(language::Language::as_str),
        source: "inbound_keyword",
        event: &id.to_string(),
        trace_id: delivery.trace_id,
    };
    let again = has_opted_out(context.store, delivery.tenant, contact).await?;
    let row = consent::withdraw(context.store, delivery.tenant, contact, withdrawal).await?;
    opted_out(context, number, again).await;
    consent_changed(context.emitter, contact, &row, Some(received_at)).await?;
    Ok(())
}

/// Answers who withdrew marketing by a message, once its conversation is there to answer in.
pub(super) async fn confirm(
    context: &Context<'_>,
    contact: ContactId,
    id: MessageId,
    message: &InboundMessage,
) -> Result<(), IngestError> {
    let Some(words) = said(&message.body.content) else { return Ok(()) };
    if keywords::revocation(words) != Some(Purpose::Marketing) {
        return Ok(());
    }
    let stop = Stop {
        tenant: context.delivery.tenant,
        contact,
        message: id,
        language: language::detect(words),
        trace_id: context.delivery.trace_id,
    };
    consent::confirm_stop(context.emitter.platform, stop, context.now).await
}

/// The last moment that a provider's timestamp can mean. Providers tell whole seconds, we know milliseconds: a withdrawal
/// in the second of an agreement came after it. When this copy of the event was received must not move it, or each copy
/// would be a row of its own.
fn last_moment(told: Millis, received_at: Millis) -> Millis {
    window::clamped(told, received_at).plus_ms(999)
}

/// What a person says with a message: words, or the button they pressed.
pub(super) fn said(content: &Content) -> Option<&str> {
    match content {
        Content::Text { body } => Some(body),
        Content::Button { text, .. } => text.as_deref(),
        Content::Interactive(reply) => reply.title.as_deref(),
        Content::Media(..)
        | Content::Location(_)
        | Content::Contacts(_)
        | Content::Reaction { .. }
        | Content::Order(_)
        | Content::Edit { .. }
        | Content::Revoke { .. }
        | Content::System { .. }
        | Content::Unsupported { .. }
        | Content::Unknown { .. } => None,
    }
}

/// Writes down what a person chose about marketing in WhatsApp's own settings; what it came to, in words.
pub(super) async fn by_preference(
    context: &Context<'_>,
    number: &str,
    preference: &Preference,
    raw: &str,
) -> Result<String, IngestError> {
    let delivery = context.delivery;
    let state = match (preference.category.as_str(), preference.value.as_str()) {
        ("marketing_messages", "stop") => ConsentState::Revoked,
        ("marketing_messages", "resume" | "signup") => ConsentState::Granted,
        (category, value) => return Ok(format!("kept: {category} {value}")),
    };
    let order = derived_ulid(preference.at.unix_ms(), &[raw]);
    let seen = Seen {
        tenant: delivery.tenant,
        person: &preference.person,
        order,
        at: preference.at,
        received_at: delivery.received_at,
        lead: None,
    };
    let contact = contact::resolve(context.emitter.platform, seen).await?;
    let at = match state {
        ConsentState::Granted | ConsentState::Pending => window::clamped(preference.at, delivery.received_at),
        ConsentState::Revoked => last_moment(preference.at, delivery.received_at),
    };
    let choice = Withdrawal {
        purpose: Purpose::Marketing,
        at,
        now: context.now,
        wording: None,
        language: None,
        source: "provider_preference",
        event: raw,
        trace_id: delivery.trace_id,
    };
    let again =
        state == ConsentState::Granted || has_opted_out(context.store, delivery.tenant, contact).await?;
    let row = consent::event(context.store, delivery.tenant, contact, state, choice).await?;
    opted_out(context, number, again).await;
    consent_changed(context.emitter, contact, &row, Some(delivery.received_at)).await?;
    Ok(format!("followed: marketing messages {}", state.as_str()))
}

/// Writes a withdrawal down when a status says that its recipient stopped marketing.
pub(super) async fn by_status(
    context: &Context<'_>,
    number: &str,
    contact: ContactId,
    message: MessageId,
    status: &Status,
) -> Result<(), IngestError> {
    if status.errors.iter().all(|error| error.code != STOPPED_MARKETING) {
        return Ok(());
    }
    let at = last_moment(status.at.unwrap_or(context.delivery.received_at), context.delivery.received_at);
    let trace = context.delivery.trace_id;
    let tenant = context.delivery.tenant;
    let again = has_opted_out(context.store, tenant, contact).await?;
    let row = consent::revoked_at_provider(context.store, tenant, contact, message, trace, at).await?;
    opted_out(context, number, again).await;
    consent_changed(context.emitter, contact, &row, Some(context.delivery.received_at)).await?;
    Ok(())
}

/// Counts an opt-out of a number's customers, the first of each.
async fn opted_out(context: &Context<'_>, number: &str, again: bool) {
    if !again {
        let delivery = context.delivery;
        count_opt_out(context.store, delivery.tenant, delivery.provider, number, context.now).await;
    }
}
