//! Proving what an admin gives before anything is saved: read-only calls, each "no" with its field and what to do.

use super::call::{No, call, unusable};
use super::{Credentials, Outside, Rejection};
use domain::number::{ConnectionStatus, NumberFacts};
use domain::provider::Provider;
use domain::setup::Onboarding;
use domain::tenant::Number;
use domain::time::Millis;
use providers::account::{dialog360, meta, ultramsg};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How long a question may take that nothing depends on.
const ASIDE: Duration = Duration::from_secs(2);
/// How many pages of a business account's numbers are read.
const AT_MOST_PAGES: usize = 20;

/// A number that its provider confirms.
#[derive(Debug, Clone)]
pub(super) struct Proven {
    /// Its ids.
    pub(super) number: Number,
    /// What the provider says about it.
    pub(super) facts: NumberFacts,
    /// What it is claimed under.
    pub(super) claims: Vec<String>,
    /// The phone that UltraMsg's instance is linked to.
    pub(super) linked_phone: Option<String>,
    /// What will not work although the credentials are right.
    pub(super) warnings: Vec<String>,
}

/// What a number is claimed under, so that it belongs to one tenant: its own id, and for 360dialog the channel's key too,
/// because not every channel names its number.
pub(crate) fn claims(number: &Number, api_key: Option<&str>) -> Vec<String> {
    let id = number.phone_number_id.as_ref().or(number.instance_id.as_ref()).cloned();
    let half = |key: &str| hex::encode(Sha256::digest(key.as_bytes()).get(..16).unwrap_or_default());
    let key = api_key.filter(|_| number.provider == Provider::Dialog360);
    id.into_iter().chain(key.map(|key| format!("key-{}", half(key)))).collect()
}

/// Asks the provider about everything that was given.
pub(super) async fn probe(
    outside: Outside<'_>,
    credentials: &Credentials,
    now: Millis,
) -> Result<Proven, Rejection> {
    let proven = match credentials {
        Credentials::Meta { phone_number_id, waba_id, access_token, app_secret, .. } => {
            let token = access_token.expose();
            let mut seen = Onboarding::default();
            let proven = of_meta(outside, phone_number_id, waba_id, token, now, &mut seen).await;
            let proven = proven.map_err(|rejection| rejection.with_setup(&seen))?;
            if let Some(secret) = app_secret {
                of_one_app(outside, phone_number_id, token, secret.expose()).await?;
            }
            proven
        }
        Credentials::Dialog360 { api_key, .. } => of_dialog360(outside, api_key.expose()).await?,
        Credentials::Ultramsg { instance_id, token } => {
            of_ultramsg(outside, instance_id, token.expose()).await?
        }
    };
    Ok(Proven { warnings: [proven.warnings, proven.facts.warnings()].concat(), ..proven })
}

async fn of_meta(
    outside: Outside<'_>,
    phone_number_id: &str,
    waba_id: &str,
    token: &str,
    now: Millis,
    seen: &mut Onboarding,
) -> Result<Proven, Rejection> {
    let ask = |request| call(outside, Provider::Meta, token, request);
    let refuse = |field| move |no: No| no.reject(Provider::Meta, field);
    let answer = ask(meta::token_request(token).map_err(unusable)?).await.map_err(refuse("access_token"))?;
    let odd = No::odd(answer.status().as_u16());
    let facts = meta::token_facts(&answer).ok_or_else(|| odd.reject(Provider::Meta, "access_token"))?;
    let now_s = i64::try_from(now.unix_ms() / 1000).unwrap_or(i64::MAX);
    if !facts.valid || facts.expires_at.is_some_and(|at| at <= now_s) {
        let message = "Meta says that this access token is not valid any more. Make a system user's token that does \
                       not expire, and save it here.";
        let status = ConnectionStatus::Unauthorized;
        return Err(Rejection { status, ..Rejection::said("access_token", message) });
    }
    if !facts.missing.is_empty() {
        let message = format!(
            "The access token lacks the permission {}. Make one with whatsapp_business_messaging and \
             whatsapp_business_management.",
            facts.missing.join(" and ")
        );
        let status = ConnectionStatus::Unauthorized;
        return Err(Rejection { status, ..Rejection::said("access_token", message) });
    }
    seen.token = true;
    seen.business_verification = business_verification(outside, waba_id, token).await;
    seen.account = seen.business_verification.is_some();
    numbers_contain(outside, waba_id, phone_number_id, token, seen).await?;
    let request = meta::number_request(phone_number_id, token).map_err(unusable)?;
    let answer = ask(request).await.map_err(refuse("phone_number_id"))?;
    let mut warnings = Vec::new();
    if let Some(at) = facts.expires_at {
        let days = (at - now_s) / 86_400;
        warnings.push(format!("The access token expires in {days} days; a system user's token need not."));
    }
    let number = Number {
        provider: Provider::Meta,
        phone_number_id: Some(phone_number_id.to_owned()),
        waba_id: Some(waba_id.to_owned()),
        instance_id: None,
    };
    Ok(Proven {
        claims: claims(&number, None),
        number,
        facts: NumberFacts {
            business_verification: seen.business_verification.clone(),
            ..meta::number_facts(&answer).unwrap_or_default()
        },
        linked_phone: None,
        warnings,
    })
}

/// Where the verification of the business stands. Nothing depends on it but a sentence, so that no answer, or a late
/// one, is no refusal.
pub(super) async fn business_verification(
    outside: Outside<'_>,
    waba_id: &str,
    token: &str,
) -> Option<String> {
    let request = meta::account_request(waba_id, token).ok()?;
    let asking = call(outside, Provider::Meta, token, request);
    let answer = tokio::time::timeout(ASIDE, asking).await.ok()?.ok()?;
    meta::business_verification(&answer)
}

/// Webhooks are signed with the secret of the token's app: with another one every one of them would be refused.
async fn of_one_app(
    outside: Outside<'_>,
    phone_number_id: &str,
    token: &str,
    app_secret: &str,
) -> Result<(), Rejection> {
    let request = meta::proof_request(phone_number_id, token, app_secret).map_err(unusable)?;
    let Err(no) = call(outside, Provider::Meta, token, request).await else { return Ok(()) };
    if no.open || no.status == ConnectionStatus::RateLimited {
        return Err(no.reject(Provider::Meta, "app_secret"));
    }
    let message = "This app secret is not of the app that the access token was made with. Take it from that app's \
                   basic settings.";
    Err(Rejection {
        status: no.status,
        http_status: no.http_status,
        code: no.code,
        ..Rejection::said("app_secret", message)
    })
}

/// A token that names no business account proves nothing about this one, so its numbers are read.
async fn numbers_contain(
    outside: Outside<'_>,
    waba_id: &str,
    phone_number_id: &str,
    token: &str,
    seen: &mut Onboarding,
) -> Result<(), Rejection> {
    let mut after: Option<String> = None;
    for _page in 0..AT_MOST_PAGES {
        let request = meta::numbers_request(waba_id, token, after.as_deref()).map_err(unusable)?;
        let answer = call(outside, Provider::Meta, token, request).await.map_err(|no| match no.status {
            ConnectionStatus::Unauthorized | ConnectionStatus::NotProvisioned | ConnectionStatus::Error => {
                let message = "This access token does not open this WhatsApp Business Account. Check the account's \
                               id, and that it is assigned to the token's system user.";
                Rejection {
                    status: no.status,
                    http_status: no.http_status,
                    code: no.code,
                    ..Rejection::said("waba_id", message)
                }
            }
            _ => no.reject(Provider::Meta, "waba_id"),
        })?;
        let odd = No::odd(answer.status().as_u16());
        let (ids, more) = meta::numbers(&answer).ok_or_else(|| odd.reject(Provider::Meta, "waba_id"))?;
        seen.account = true;
        if ids.iter().any(|id| id == phone_number_id) {
            return Ok(());
        }
        if more.is_none() || more == after {
            break;
        }
        after = more;
    }
    let message = "This WhatsApp Business Account has no number with this id. Take the phone number id, not the \
                   number itself, from WhatsApp Manager.";
    let status = ConnectionStatus::NotProvisioned;
    Err(Rejection { status, ..Rejection::said("phone_number_id", message) })
}

async fn of_dialog360(outside: Outside<'_>, key: &str) -> Result<Proven, Rejection> {
    let request = dialog360::probe_request(outside.dialog360_probe_path, key).map_err(unusable)?;
    let answer = call(outside, Provider::Dialog360, key, request).await;
    let found = dialog360::channel_facts(&answer.map_err(|no| no.reject(Provider::Dialog360, "api_key"))?);
    let mut warnings = Vec::new();
    if found.blocked {
        warnings.push(
            "WhatsApp says that this number cannot send now; see its health in 360dialog's hub.".to_owned(),
        );
    }
    let number = Number {
        provider: Provider::Dialog360,
        phone_number_id: found.phone_number_id,
        waba_id: found.waba_id,
        instance_id: None,
    };
    Ok(Proven {
        claims: claims(&number, Some(key)),
        number,
        facts: found.facts,
        linked_phone: None,
        warnings,
    })
}

async fn of_ultramsg(outside: Outside<'_>, instance: &str, token: &str) -> Result<Proven, Rejection> {
    let ask = |request| call(outside, Provider::Ultramsg, token, request);
    let refuse = |no: No| {
        let unknown = no.status == ConnectionStatus::NotProvisioned;
        no.reject(Provider::Ultramsg, if unknown { "instance_id" } else { "token" })
    };
    let answer = ask(ultramsg::status_request(instance, token).map_err(unusable)?).await.map_err(refuse)?;
    let odd = No::odd(answer.status().as_u16());
    let state =
        ultramsg::instance_state(&answer).ok_or_else(|| odd.reject(Provider::Ultramsg, "instance_id"))?;
    if let Some(message) = state.trouble() {
        return Err(Rejection::said("instance_id", message));
    }
    let answer = ask(ultramsg::me_request(instance, token).map_err(unusable)?).await.map_err(refuse)?;
    let phone = ultramsg::linked_phone(&answer);
    let facts = NumberFacts {
        display_phone_number: phone.as_ref().map(|phone| format!("+{}", phone.digits)),
        verified_name: phone.as_ref().and_then(|phone| phone.name.clone()),
        connection: Some("CONNECTED".to_owned()),
        ..NumberFacts::default()
    };
    let number = Number {
        provider: Provider::Ultramsg,
        phone_number_id: None,
        waba_id: None,
        instance_id: Some(ultramsg::plain_instance(instance).to_owned()),
    };
    Ok(Proven {
        claims: claims(&number, None),
        number,
        facts,
        linked_phone: phone.map(|phone| phone.digits),
        warnings: Vec::new(),
    })
}
