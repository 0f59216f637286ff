//! What the product says by itself, in words: only where the rule lets it, and some of it once per contact.

use super::accept::{By, Schedule, Words, put_in_lane};
use super::evaluate::{Asked, Found, decide};
use super::situation::Situation;
use super::{Reason, SendError};
use domain::ids::{ContactId, KeyId, MessageId, TenantId};
use domain::outgoing::{Outgoing, check};
use domain::permit::{Refusal, SendPurpose};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Once, SendPart};
use uuid::Uuid;

/// To whom, and of which they get one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    /// Whose customer.
    pub(crate) tenant: TenantId,
    /// Who.
    pub(crate) contact: ContactId,
    /// What they get one of, if so.
    pub(crate) once: Option<Once>,
    /// In whose name, where that is not the product's own.
    pub(crate) key: Option<KeyId>,
    /// The message's id, determined by what it answers.
    pub(crate) id: MessageId,
    /// The trace of what it answers.
    pub(crate) trace_id: Uuid,
}

/// Says words to a contact, unless `words` has none or they had theirs. The same id again says nothing new.
///
/// # Errors
/// [`SendError`]; then nothing was stored.
pub(crate) async fn say_as(
    platform: &Platform,
    said: Said,
    words: impl FnOnce(&Situation) -> Option<String>,
    now: Millis,
) -> Result<(), SendError> {
    let Said { tenant, contact, once, key, id, trace_id } = said;
    let situation = Situation::of_contact(&platform.store, tenant, Some(contact), None).await?;
    let Some(body) = words(&situation) else { return Ok(()) };
    let content = Outgoing::Text { body, preview_url: false };
    check(&content)?;
    let asked = Asked {
        replies: false,
        purpose: SendPurpose::Service,
        confirm_language: false,
        first_touch: false,
        asks_for_opt_in: false,
    };
    let decided = decide(&situation, &content, &Found::FreeForm, asked, now);
    let permit = decided.map_err(|reasons| SendError::Refused { reasons, instead: Vec::new() })?;
    let Some(route) = &situation.route else {
        let reasons = vec![Reason::Rule { refusal: Refusal::NotConfigured, words: None }];
        return Err(SendError::Refused { reasons, instead: Vec::new() });
    };
    let words = Words {
        part: SendPart { content, filled: None, reply_to: None },
        permit,
        confirm_language: false,
        once,
    };
    let by = By { tenant, key, trace_id };
    put_in_lane(platform, by, &situation, route, contact, words, Schedule::default(), id, now).await
}
