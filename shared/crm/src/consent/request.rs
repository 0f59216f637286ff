//! Asking who ticked a form's box to confirm it: by one template, once ever (A33, R14).

use crate::leads::{By, NewHappening, happen};
use crate::read::Family;
use crate::send::{self, Draft, Reason, Schedule, SendError, Target};
use domain::consent::{ConsentState, Consents};
use domain::ids::{ContactId, LeadId, MessageId, derived_ulid};
use domain::language::Language;
use domain::outgoing::{Outgoing, TemplateUse, Variables};
use domain::permit::SendPurpose;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Once, StoreError};
use platform::transport::Transport;
use serde_json::{Map, Value, json};

/// What the timeline says when nobody was asked.
const NOT_SENT: &str = "consent.opt_in_request.not_sent";

/// Who ticked a box.
#[derive(Debug, Clone, Copy)]
pub struct Requester<'a> {
    /// On whose form, in which request.
    pub by: By<'a>,
    /// Who.
    pub contact: ContactId,
    /// The lead it made.
    pub lead: LeadId,
    /// The language of the words beside the box.
    pub language: Language,
    /// When.
    pub at: Millis,
}

/// Asks the person to confirm the box. When that cannot be, the lead's timeline says why, and what would help.
///
/// # Errors
/// The tables did not answer; the same submission again makes up for it.
pub async fn request_opt_in(
    platform: &Platform,
    transport: &Transport,
    asked: Requester<'_>,
    now: Millis,
) -> Result<(), StoreError> {
    let Requester { by, contact, lead, language, at } = asked;
    let parts = [by.mark.to_string(), "opt-in request".to_owned()];
    let id = MessageId::from_ulid(derived_ulid(at.unix_ms(), &parts.each_ref().map(String::as_str)));
    let store = &platform.store;
    let Some(family) = Family::fresh(store, by.tenant, contact).await? else { return Ok(()) };
    let consents = store.consents(by.tenant, &family.ids()).await?;
    // After the standing, so that what a twin of this run stored meanwhile is seen. A run that died may have stored the
    // message and not told the queue: accepting it again does.
    let known = store.send(by.tenant, id).await?;
    if known.is_none()
        && let Some(needless) = needless(&consents)
    {
        return not_sent(platform, asked, needless, now).await;
    }
    let tenant = store.tenant_facts(by.tenant).await?.tenant;
    let tenant = tenant.ok_or_else(|| StoreError::missing("read tenant", by.tenant))?;
    let Some((name, language)) = tenant.consent.opt_in_template(language, tenant.default_language) else {
        let why = Needless {
            code: "not_configured",
            message: "No template to ask for the confirmation is set.",
            remedy: "Name one under `consent.opt_in_request` with PATCH /v1/settings.",
        };
        return not_sent(platform, asked, why, now).await;
    };
    let draft = Draft {
        target: Target::Lead(lead),
        content: Outgoing::Template(TemplateUse {
            name: name.to_owned(),
            language: Some(language.as_str().to_owned()),
            variables: Variables::default(),
            header: None,
            buttons: Vec::new(),
        }),
        reply_to: None,
        purpose: SendPurpose::Marketing,
        confirm_language: true,
        number: None,
        once: Some(Once::OptInRequest),
        first_touch: false,
    };
    let from = send::By { tenant: by.tenant, key: None, trace_id: by.trace_id };
    match send::accept(platform, transport, from, &draft, Schedule::default(), id, now).await {
        Ok(_) => Ok(()),
        Err(SendError::Store(error)) => Err(error),
        Err(SendError::Refused { reasons, .. }) => refused(platform, asked, &reasons, now).await,
        Err(other) => {
            let message = platform::telemetry::chain(&other);
            let why = Needless {
                code: "not_possible",
                message: &message,
                remedy: "Check the template and the number; the next submission asks again.",
            };
            not_sent(platform, asked, why, now).await
        }
    }
}

/// Why nobody is asked.
#[derive(Debug, Clone, Copy)]
struct Needless<'a> {
    code: &'a str,
    message: &'a str,
    remedy: &'a str,
}

/// Why a person need not or must not be asked.
fn needless(consents: &Consents) -> Option<Needless<'static>> {
    let decided = consents.marketing.map(|standing| standing.state);
    if consents.may_be_asked() {
        None
    } else if consents.bars_everything() || decided == Some(ConsentState::Revoked) {
        Some(Needless {
            code: "withdrawn",
            message: "The person withdrew before; who refused is not asked again.",
            remedy: "They may say yes here themselves, or their agreement is recorded with its words.",
        })
    } else if decided.is_some() {
        Some(Needless {
            code: "already_agreed",
            message: "The person agreed already.",
            remedy: "Nothing is to be done.",
        })
    } else {
        Some(Needless {
            code: "already_asked",
            message: "The person was asked before; nobody is asked twice.",
            remedy: "They may still say yes, or their agreement is recorded with its words.",
        })
    }
}

async fn refused(
    platform: &Platform,
    asked: Requester<'_>,
    reasons: &[Reason],
    now: Millis,
) -> Result<(), StoreError> {
    let Some(first) = reasons.first() else { return Ok(()) };
    let (code, message) = (first.code(), first.message());
    let remedy = "When that is put right, the next submission asks; or record the agreement with its words.";
    not_sent(platform, asked, Needless { code, message: &message, remedy }, now).await
}

async fn not_sent(
    platform: &Platform,
    asked: Requester<'_>,
    why: Needless<'_>,
    now: Millis,
) -> Result<(), StoreError> {
    let Requester { by, lead, at, .. } = asked;
    let mark = derived_ulid(at.unix_ms(), &[&by.mark.to_string(), NOT_SENT]);
    let Needless { code, message, remedy } = why;
    let data = json!({"reason": code, "message": message, "remedy": remedy});
    let data = match data {
        Value::Object(data) => data,
        _ => Map::new(),
    };
    let new = NewHappening { kind: NOT_SENT.to_owned(), at, data };
    happen(&platform.store, By { mark, ..by }, lead, new, now).await.map(drop)
}
