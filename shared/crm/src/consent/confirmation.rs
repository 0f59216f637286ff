//! Answering who withdrew: once, inside the window, in their language.

use crate::ingest::IngestError;
use crate::send::{Said, SendError, say_as};
use domain::consent::ConsentState;
use domain::ids::{ContactId, MessageId, TenantId, derived_ulid};
use domain::language::Language;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::Once;
use uuid::Uuid;

/// The message by which somebody withdrew.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// Whose customer.
    pub(crate) tenant: TenantId,
    /// Who.
    pub(crate) contact: ContactId,
    /// Our id of the message.
    pub(crate) message: MessageId,
    /// What it is written in.
    pub(crate) language: Option<Language>,
    /// The trace it came with.
    pub(crate) trace_id: Uuid,
}

/// Answers a withdrawal, unless the person was answered since they last agreed. Outside the window nothing is said.
///
/// # Errors
/// What did not answer; the same again makes up for it.
pub(crate) async fn confirm_stop(platform: &Platform, stop: Stop, now: Millis) -> Result<(), IngestError> {
    let Stop { tenant, contact, message, language, trace_id } = stop;
    let standing = platform.store.consents(tenant, &[contact]).await?;
    let withdrawn = standing.marketing.is_some_and(|one| one.state == ConsentState::Revoked);
    if !withdrawn || standing.bars_everything() || standing.marketing_stop_confirmed_at.is_some() {
        return Ok(());
    }
    let id = MessageId::from_ulid(derived_ulid(
        message.ulid().timestamp_ms(),
        &["opt-out confirmation", &contact.to_string(), &message.to_string()],
    ));
    let said = Said { tenant, contact, once: Some(Once::StopConfirmation), key: None, id, trace_id };
    let words = |situation: &crate::send::Situation| {
        let settings = &situation.tenant.consent.opt_out_confirmation;
        let language = language.or(situation.language).unwrap_or(situation.tenant.default_language);
        settings.enabled.then(|| settings.words(language).to_owned())
    };
    match say_as(platform, said, words, now).await {
        Ok(()) | Err(SendError::Refused { .. } | SendError::NotFound) => Ok(()),
        Err(SendError::Store(error)) => Err(error.into()),
        Err(other) => Err(IngestError::Permanent { reason: platform::telemetry::chain(&other) }),
    }
}
