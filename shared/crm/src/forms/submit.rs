//! A visitor sends a form: one enquiry, however often they click.

use super::Address;
use crate::consent::{self, Requester, request_opt_in};
use crate::leads::{By, Captured, Enquiry, LeadError, capture, tell_captured};
use domain::consent::{ConsentState, Purpose};
use domain::form::{Answers, FormStatus, NotTaken, read};
use domain::ids::{ConsentId, TenantId, derived_ulid};
use domain::lead::LeadSource;
use domain::rate::Window;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{FirstSeen, Form, NewConsent, OptInRequest, StoreError, Wording};
use platform::transport::Transport;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How many submissions of one household a form takes in a minute.
const PER_MINUTE: u32 = 10;
/// How long the same body is the same click, in milliseconds.
const SAME_CLICK_MS: u64 = 60_000;
/// How long an idempotency key holds, in milliseconds.
const KEY_HOLDS_MS: u64 = 24 * 60 * 60 * 1_000;

/// A submission, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// Whose form.
    pub tenant: TenantId,
    /// Which.
    pub form: &'a Form,
    /// From where.
    pub address: &'a Address,
    /// The `Idempotency-Key`.
    pub key: Option<&'a str>,
    /// In which request.
    pub trace_id: Uuid,
    /// When.
    pub now: Millis,
}

/// Why a submission is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// What was filled in.
    #[error(transparent)]
    Answers(#[from] NotTaken),
    /// The form takes none.
    #[error("the form is disabled")]
    Disabled,
    /// The idempotency key belongs to another body.
    #[error("the key came with another body")]
    OtherBody,
    /// The lead could not be written.
    #[error(transparent)]
    Lead(#[from] LeadError),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Submission<'_> {
    /// Counts a submission; when the minute is full, in how many seconds the next one begins.
    ///
    /// # Errors
    /// The table did not answer; then it must not pass.
    pub async fn count(&self, platform: &Platform) -> Result<Option<u32>, StoreError> {
        let window = Window::of(self.now);
        let (id, household) = (self.form.id, &self.address.household);
        let counted = platform.store.count_submission(self.tenant, id, household, window, PER_MINUTE).await?;
        Ok((!counted).then(|| window.seconds_left(self.now)))
    }

    /// What makes it one submission, and a digest of what it says.
    fn digests(&self, values: &Map<String, Value>) -> (String, String) {
        let body = hex::encode(Sha256::digest(Value::Object(values.clone()).to_string()));
        let name = match self.key {
            Some(key) => format!("key\n{key}"),
            None => format!("body\n{body}"),
        };
        (hex::encode(Sha256::digest(name)), body)
    }
}

/// Takes a submission: a lead as any other, and the ticked box as a consent that waits for the person's word, for which
/// they are asked. The same again is the same enquiry. What fills the trap is taken and dropped.
///
/// # Errors
/// [`Refusal`].
pub async fn submit(
    platform: &Platform,
    transport: &Transport,
    submission: Submission<'_>,
    values: Map<String, Value>,
) -> Result<(), Refusal> {
    let Submission { tenant, form, trace_id, now, .. } = submission;
    let (name, body) = submission.digests(&values);
    let Some(answers) = read(&form.definition, values)? else { return Ok(()) };
    if form.definition.status == FormStatus::Disabled {
        return Err(Refusal::Disabled);
    }
    let holds = if submission.key.is_some() { KEY_HOLDS_MS } else { SAME_CLICK_MS };
    let seen =
        platform.store.first_submission(tenant, form.id, &name, &body, now, now.plus_ms(holds)).await?;
    let FirstSeen::At(first_at) = seen else { return Err(Refusal::OtherBody) };
    let source = format!("form:{}", form.id);
    let mark = derived_ulid(first_at.unix_ms(), &[&source, &name]);
    let by = By { tenant, actor: &source, trace_id, mark };
    let enquiry = enquiry(form, &answers, &source, first_at);
    let captured = capture(platform, by, &enquiry, now).await?;
    asked(platform, submission, &answers, &captured, by, first_at).await?;
    tell_captured(platform, by, &captured, now).await?;
    if let (Some(agreed), Some(_)) = (&answers.agreed, &answers.phone) {
        let (contact, lead) = (captured.lead.contact_id, captured.lead.id);
        let requester = Requester { by, contact, lead, language: agreed.language, at: first_at };
        request_opt_in(platform, transport, requester, now).await?;
    }
    Ok(())
}

/// Writes down that the box was ticked.
async fn asked(
    platform: &Platform,
    submission: Submission<'_>,
    answers: &Answers,
    captured: &Captured,
    by: By<'_>,
    at: Millis,
) -> Result<(), StoreError> {
    let Some(agreed) = &answers.agreed else { return Ok(()) };
    let consent = NewConsent {
        id: ConsentId::from_ulid(derived_ulid(at.unix_ms(), &[&by.mark.to_string(), "consent"])),
        purpose: Purpose::Marketing,
        state: ConsentState::Pending,
        occurred_at: at,
        recorded_at: at,
        wording: Some(Wording::Shown(&agreed.wording)),
        language: Some(agreed.language.as_str()),
        version: Some(&agreed.version),
        ip_hash: Some(&submission.address.exact),
        collected_by: None,
        confirms: None,
        source: by.actor,
        actor: "contact",
        trace_id: by.trace_id,
    };
    consent::write_down(&platform.store, by.tenant, captured.lead.contact_id, &consent).await?;
    Ok(())
}

fn enquiry(form: &Form, answers: &Answers, source: &str, at: Millis) -> Enquiry {
    let opt_in = answers.agreed.as_ref().filter(|_| answers.phone.is_some()).map(|agreed| OptInRequest {
        wording: agreed.wording.clone(),
        language: agreed.language.as_str().to_owned(),
        source: source.to_owned(),
        at,
    });
    let Answers { name, phone, email, utm, .. } = answers.clone();
    Enquiry {
        name: Some(name),
        phone,
        email,
        source: LeadSource::parse(&form.definition.source).unwrap_or_else(LeadSource::website),
        utm,
        budget_fils: answers.budget_fils,
        bedrooms: answers.bedrooms,
        area: answers.area.clone(),
        handover_horizon: answers.handover_horizon.clone(),
        attributes: answers.attributes.clone(),
        referral: None,
        external_id: None,
        language: Some(answers.language),
        opt_in,
        message: answers.message.clone(),
        enquired_at: None,
        received_at: at,
    }
}
