//! Pointing a number's webhooks at us, and taking that back when what follows does not come about.

use super::call::{No, call, unusable};
use super::{Outside, Rejection};
use domain::ids::TenantId;
use domain::number::ConnectionStatus;
use domain::provider::Provider;
use domain::tenant::Number;
use platform::dynamo::Integration;
use providers::account::dialog360::WebhookSetting;
use providers::account::{dialog360, meta, ultramsg};
use std::time::Duration;

/// How long pointing a number's webhooks at us may take in all.
const PATIENCE: Duration = Duration::from_secs(8);

/// How to take it back.
#[derive(Debug)]
pub(super) enum Undo {
    /// There is nothing to take back, or nothing that would be better.
    Nothing,
    /// Meta: end the subscription.
    Unsubscribe,
    /// 360dialog: where they went before.
    Restore(WebhookSetting),
    /// UltraMsg: the address before, empty for none.
    Address(String),
}

/// What pointing needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pointing<'a> {
    pub(super) tenant: TenantId,
    pub(super) number: &'a Number,
    /// What opens the provider's API.
    pub(super) access: &'a str,
    /// What webhooks prove themselves with.
    pub(super) secret: &'a str,
    /// Whether the account's webhooks are ours already, for this number or another.
    pub(super) ours_already: bool,
}

/// Points the number's webhooks at us. On a refusal everything is as it was.
pub(super) async fn point(outside: Outside<'_>, pointing: Pointing<'_>) -> Result<Undo, Rejection> {
    let mut undo = Undo::Nothing;
    let done = tokio::time::timeout(PATIENCE, try_to_point(outside, pointing, &mut undo)).await;
    let failed = match done {
        Ok(Ok(())) => return Ok(undo),
        Ok(Err(rejection)) => rejection,
        Err(_late) => No::late().reject(pointing.number.provider, field(pointing.number.provider)),
    };
    take_back(outside, pointing, undo).await;
    Err(failed)
}

/// The field that a refusal of the webhook is about: what names the account whose webhooks they are.
const fn field(provider: Provider) -> &'static str {
    match provider {
        Provider::Meta => "waba_id",
        Provider::Dialog360 => "api_key",
        Provider::Ultramsg | Provider::Sandbox => "instance_id",
    }
}

async fn try_to_point(
    outside: Outside<'_>,
    pointing: Pointing<'_>,
    undo: &mut Undo,
) -> Result<(), Rejection> {
    let Pointing { tenant, number, access, secret, ours_already } = pointing;
    let provider = number.provider;
    let url = outside.webhook_url(tenant);
    let refuse = |no: No| no.reject(provider, field(provider));
    match provider {
        Provider::Meta => {
            if url.chars().count() > meta::LONGEST_CALLBACK {
                let message =
                    "Our webhook address is longer than Meta takes; a shorter public address is needed.";
                return Err(Rejection::said(field(provider), message));
            }
            let waba = number.waba_id.as_deref().unwrap_or_default();
            let request = meta::subscribe_request(waba, access, &url, secret).map_err(unusable)?;
            // From here on it may be subscribed, whatever the answer says.
            if !ours_already {
                *undo = Undo::Unsubscribe;
            }
            let answer = call(outside, provider, access, request).await;
            let answer = answer.map_err(|no| if no.open { refuse(no) } else { refused_by_meta(&no) })?;
            if !meta::is_done(&answer) {
                return Err(refuse(No::odd(answer.status().as_u16())));
            }
        }
        Provider::Dialog360 => {
            let ask = dialog360::webhook_request(access).map_err(unusable)?;
            let before = call(outside, provider, access, ask).await.map_err(refuse)?;
            if let Some(before) = dialog360::webhook_setting(&before) {
                *undo = Undo::Restore(before);
            }
            let setting = dialog360::our_setting(&url, secret);
            let request = dialog360::set_webhook_request(access, &setting).map_err(unusable)?;
            call(outside, provider, access, request).await.map_err(refuse)?;
        }
        Provider::Ultramsg => {
            let instance = number.instance_id.as_deref().unwrap_or_default();
            let ask = ultramsg::settings_request(instance, access).map_err(unusable)?;
            let before = call(outside, provider, access, ask).await.map_err(refuse)?;
            *undo = Undo::Address(ultramsg::webhook_url(&before).unwrap_or_default());
            let url = format!("{url}/{secret}");
            let request = ultramsg::set_webhook_request(instance, access, &url).map_err(unusable)?;
            call(outside, provider, access, request).await.map_err(refuse)?;
        }
        Provider::Sandbox => {}
    }
    Ok(())
}

fn refused_by_meta(no: &No) -> Rejection {
    let said = no.words.as_deref().map(|words| format!(" It says: {words}")).unwrap_or_default();
    let message = match no.status {
        ConnectionStatus::Unauthorized => {
            "Meta does not let this access token subscribe to the account. The system user needs full control of the \
             WhatsApp Business Account."
                .to_owned()
        }
        _ => format!("Meta refuses to send the account's webhooks to our address.{said}"),
    };
    Rejection {
        status: no.status,
        http_status: no.http_status,
        code: no.code,
        ..Rejection::said("waba_id", message)
    }
}

/// Takes it back, as far as the provider lets us.
pub(super) async fn take_back(outside: Outside<'_>, pointing: Pointing<'_>, undo: Undo) {
    let Pointing { number, access, .. } = pointing;
    let instance = number.instance_id.as_deref().unwrap_or_default();
    let request = match &undo {
        Undo::Nothing => return,
        Undo::Unsubscribe => meta::unsubscribe_request(number.waba_id.as_deref().unwrap_or_default(), access),
        Undo::Restore(setting) => dialog360::set_webhook_request(access, setting),
        Undo::Address(url) => ultramsg::set_webhook_request(instance, access, url),
    };
    let Ok(request) = request else { return };
    let called = tokio::time::timeout(PATIENCE, call(outside, number.provider, access, request)).await;
    if !matches!(called, Ok(Ok(_))) {
        tracing::warn!(provider = %number.provider, "a webhook setting could not be taken back");
    }
}

/// Ends a number's webhooks for good; whether the provider said yes.
pub(super) async fn end(outside: Outside<'_>, number: &Number, access: &str) -> bool {
    let request = match number.provider {
        Provider::Meta => meta::unsubscribe_request(number.waba_id.as_deref().unwrap_or_default(), access),
        Provider::Ultramsg => {
            ultramsg::set_webhook_request(number.instance_id.as_deref().unwrap_or_default(), access, "")
        }
        // 360dialog has a call to set an address and none to take it away.
        Provider::Dialog360 | Provider::Sandbox => return false,
    };
    let Ok(request) = request else { return false };
    let called = tokio::time::timeout(PATIENCE, call(outside, number.provider, access, request)).await;
    matches!(called, Ok(Ok(_)))
}

/// Whether the webhooks of a number's account are this tenant's already, through a number that is connected.
pub(super) fn account_is_ours(connected: &[Integration], number: &Number) -> bool {
    connected.iter().any(|one| {
        one.number.provider == number.provider
            && one.number.waba_id.is_some()
            && one.number.waba_id == number.waba_id
    })
}
