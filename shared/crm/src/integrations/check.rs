//! A look at a number: read-only calls, at most ten seconds, seven results (D13-D22).

use super::call::{No, call};
use super::connect::swapped;
use super::cut_over::swapped_sim;
use super::probe::business_verification;
use super::{LOOK, Outside};
use crate::credentials::{self, secret_name};
use crate::health::{Heard, hear_or_warn, is_rated, report};
use domain::ids::TenantId;
use domain::number::{ConnectionStatus, LastCheck, NumberFacts};
use domain::provider::Provider;
use domain::time::Millis;
use platform::dynamo::Integration;
use platform::vault::VaultError;
use providers::account::{dialog360, meta, ultramsg};
use serde::Serialize;
use uuid::Uuid;

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = IntegrationCheck))]
pub struct Checked {
    /// Who carries the number.
    pub provider: Provider,
    /// The number; absent for a channel without a name, and where none is connected.
    pub number: Option<String>,
    /// How the connection stands.
    pub status: ConnectionStatus,
    /// In a sentence, with what to do.
    pub message: String,
    /// The provider's HTTP status, where it answered.
    pub http_status: Option<u16>,
    /// The name that customers see, when the provider tells.
    pub verified_name: Option<String>,
    /// The number's quality, when the provider tells.
    pub quality_rating: Option<String>,
    /// How many people a day may be written to first, when the provider tells.
    pub messaging_limit: Option<String>,
    /// Whether the instance is linked to another phone than when it was saved.
    pub number_changed: bool,
    /// When.
    pub checked_at: Millis,
    /// Whether nothing can be sent until a person does something: the provider says so itself.
    #[serde(skip)]
    pub stopped: bool,
}

impl Checked {
    /// A look without a call: a sandbox, or no number.
    #[must_use]
    pub fn without_call(provider: Provider, status: ConnectionStatus, message: &str, now: Millis) -> Self {
        Self {
            provider,
            number: None,
            status,
            message: message.to_owned(),
            http_status: None,
            verified_name: None,
            quality_rating: None,
            messaging_limit: None,
            number_changed: false,
            checked_at: now,
            stopped: false,
        }
    }
}

/// What a provider showed.
struct Seen {
    http_status: u16,
    facts: NumberFacts,
    linked_phone: Option<String>,
    /// Why it does not work although the provider answered, if so.
    trouble: Option<Trouble>,
}

struct Trouble {
    sentence: String,
    passes: bool,
}

/// Looks at a number and keeps what was found for its card. Sends nothing.
///
/// # Errors
/// KMS did not answer.
pub async fn check(
    outside: Outside<'_>,
    tenant: TenantId,
    integration: &Integration,
    now: Millis,
) -> Result<Checked, VaultError> {
    let provider = integration.number.provider;
    let vault = &outside.platform.vault;
    let access = match credentials::open(vault, tenant, integration, secret_name(provider)).await {
        Ok(access) => access,
        Err(VaultError::Tampered(_)) => None,
        Err(error @ VaultError::Transient(_)) => return Err(error),
    };
    let mut noted = integration.clone();
    let mut told = NumberFacts::default();
    let mut checked = Checked {
        number: Some(integration.number_id().to_owned()).filter(|number| number != "-"),
        ..Checked::without_call(provider, ConnectionStatus::Live, "", now)
    };
    match access {
        None => {
            checked.status = ConnectionStatus::Unauthorized;
            "What opens the number at its provider is not saved or does not open; save it again."
                .clone_into(&mut checked.message);
        }
        Some(access) => {
            let looked = tokio::time::timeout(LOOK, look(outside, integration, &access)).await;
            match looked.unwrap_or_else(|_late| Err(No::late())) {
                Ok(seen) => {
                    told = seen.facts.clone();
                    read(&mut checked, &mut noted, seen);
                }
                Err(no) => {
                    checked.status = no.status;
                    checked.stopped = matches!(
                        no.status,
                        ConnectionStatus::Unauthorized | ConnectionStatus::NotProvisioned
                    );
                    checked.message = no.sentence(provider);
                    checked.http_status = no.http_status;
                }
            }
        }
    }
    if is_rated(provider) {
        // Of what the provider told just now; when it told nothing, the time that has passed may still tell.
        let (report, limit) = report(&told);
        let number = integration.number_id();
        let trace_id = Uuid::new_v4();
        let heard =
            Heard { tenant, provider, number, report: &report, limit, at: now, asked: true, trace_id };
        hear_or_warn(outside.platform, heard, now).await;
    }
    let last = LastCheck { at: now, status: checked.status, message: checked.message.clone() };
    noted.about.last_check = Some(last);
    if let Err(error) = outside.platform.store.note_look_at_number(tenant, &noted).await {
        tracing::warn!("what a look at a number found was not kept: {error}");
    }
    Ok(checked)
}

async fn look(outside: Outside<'_>, integration: &Integration, access: &str) -> Result<Seen, No> {
    let number = &integration.number;
    let provider = number.provider;
    // What was saved was sent once; what cannot be is a fault of the item.
    let unusable = |_| No { open: false, ..No::odd(0) };
    let ask = |request| call(outside, provider, access, request);
    match provider {
        Provider::Meta => {
            let id = number.phone_number_id.as_deref().unwrap_or_default();
            let answer = ask(meta::number_request(id, access).map_err(unusable)?).await?;
            let waba = number.waba_id.as_deref().unwrap_or_default();
            let facts = NumberFacts {
                business_verification: business_verification(outside, waba, access).await,
                ..meta::number_facts(&answer).unwrap_or_default()
            };
            Ok(Seen { http_status: answer.status().as_u16(), facts, linked_phone: None, trouble: None })
        }
        Provider::Dialog360 => {
            let path = outside.dialog360_probe_path;
            let answer = ask(dialog360::probe_request(path, access).map_err(unusable)?).await?;
            let facts = dialog360::channel_facts(&answer).facts;
            Ok(Seen { http_status: answer.status().as_u16(), facts, linked_phone: None, trouble: None })
        }
        Provider::Ultramsg => {
            let id = number.instance_id.as_deref().unwrap_or_default();
            let answer = ask(ultramsg::status_request(id, access).map_err(unusable)?).await?;
            let http_status = answer.status().as_u16();
            let state = ultramsg::instance_state(&answer).ok_or_else(|| No::odd(http_status))?;
            if let Some(trouble) = state.trouble() {
                let sentence = format!("{trouble} (HTTP {http_status}, state {})", state.name());
                let trouble = Trouble { sentence, passes: state.passes() };
                let facts = NumberFacts::default();
                return Ok(Seen { http_status, facts, linked_phone: None, trouble: Some(trouble) });
            }
            let answer = ask(ultramsg::me_request(id, access).map_err(unusable)?).await?;
            let phone = ultramsg::linked_phone(&answer);
            let facts = NumberFacts {
                display_phone_number: phone.as_ref().map(|phone| format!("+{}", phone.digits)),
                verified_name: phone.as_ref().and_then(|phone| phone.name.clone()),
                ..NumberFacts::default()
            };
            Ok(Seen { http_status, facts, linked_phone: phone.map(|phone| phone.digits), trouble: None })
        }
        Provider::Sandbox => Err(No::odd(0)),
    }
}

/// What was seen, in the answer and for the card.
fn read(checked: &mut Checked, noted: &mut Integration, seen: Seen) {
    let provider = checked.provider;
    checked.http_status = Some(seen.http_status);
    if let Some(trouble) = seen.trouble {
        checked.status = ConnectionStatus::Error;
        checked.message = trouble.sentence;
        checked.stopped = !trouble.passes;
        return;
    }
    let live = No { status: ConnectionStatus::Live, ..No::odd(seen.http_status) };
    let mut sentences = vec![live.sentence(provider)];
    sentences.extend(seen.facts.warnings());
    if let (Some(before), Some(phone)) = (&noted.about.linked_phone, &seen.linked_phone)
        && before != phone
    {
        noted.about.linked_phone_before = Some(before.clone());
        swapped_sim(noted, checked.checked_at);
    }
    let about = &mut noted.about;
    about.linked_phone = seen.linked_phone.or(about.linked_phone.take());
    if let Some(before) = &about.linked_phone_before {
        checked.number_changed = true;
        sentences.push(swapped(before));
    }
    if noted.status != "live" {
        let reason = noted.broken_reason.as_deref().unwrap_or("its connection was broken");
        sentences.push(format!("Sending is stopped: {reason} Save the number again to go on."));
    }
    checked.verified_name.clone_from(&seen.facts.verified_name);
    checked.quality_rating.clone_from(&seen.facts.quality_rating);
    checked.messaging_limit.clone_from(&seen.facts.messaging_limit);
    checked.message = sentences.join(" ");
    noted.about.facts = std::mem::take(&mut noted.about.facts).joined(seen.facts);
}
