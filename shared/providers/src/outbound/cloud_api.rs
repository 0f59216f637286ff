//! Requests of the Cloud API: Meta's own, and 360dialog's, which take the same body at another door.

use super::cloud_content::Content;
use super::{Send, path_part, sensitive, unusable};
use crate::capability::NotCarried;
use crate::channel::Line;
use bytes::Bytes;
use domain::outgoing::Outgoing;
use domain::provider::Provider;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde::Serialize;

/// The Graph API's current version (29 July 2026).
const VERSION: &str = "v26.0";

const D360_API_KEY: HeaderName = HeaderName::from_static("d360-api-key");

/// Who hosts the Cloud API.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Meta,
    Dialog360,
}

impl Host {
    /// The host that a provider is, if it is one.
    pub(super) const fn of(provider: Provider) -> Option<Self> {
        match provider {
            Provider::Meta => Some(Self::Meta),
            Provider::Dialog360 => Some(Self::Dialog360),
            Provider::Ultramsg | Provider::Sandbox => None,
        }
    }

    /// The name a person knows it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "WhatsApp",
            Self::Dialog360 => "360dialog",
        }
    }
}

/// A message. `to` wins where both are given, so only one is (providers.md 1.3).
#[derive(Serialize)]
struct Message<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
    #[serde(flatten)]
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
    biz_opaque_callback_data: String,
}

#[derive(Serialize)]
struct Context<'a> {
    message_id: &'a str,
}

#[derive(Serialize)]
struct ReadMark<'a> {
    messaging_product: &'static str,
    status: &'static str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typing_indicator: Option<Typing>,
}

#[derive(Serialize)]
struct Typing {
    #[serde(rename = "type")]
    kind: &'static str,
}

pub(crate) fn request(host: Host, line: &Line<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
    // Without the `+` Meta may put the sender's own country code in front (its documentation of phone numbers).
    let to = send.recipient.phone.map(|phone| phone.e164());
    let recipient = send.recipient.bsuid.filter(|_| to.is_none()).map(|bsuid| bsuid.as_str());
    if to.is_none() && recipient.is_none() {
        return Err(NotCarried::new(
            "The customer has neither a phone number nor a WhatsApp user id.",
            "to",
            "Write to a customer who has one of them.",
        ));
    }
    // A reaction with a context is refused: what it reacts to is its context.
    let quoted = send.reply_to.filter(|_| !matches!(send.content, Outgoing::Reaction { .. }));
    let message = Message {
        messaging_product: "whatsapp",
        recipient_type: "individual",
        to,
        recipient,
        content: Content::of(send)?,
        context: quoted.map(|message_id| Context { message_id }),
        biz_opaque_callback_data: format!("{}.{}", send.message_id, send.fence),
    };
    post(host, line, &message).ok_or_else(|| unusable(host.name()))
}

pub(crate) fn mark_read(
    host: Host,
    line: &Line<'_>,
    provider_message_id: &str,
    typing: bool,
) -> Option<Request<Bytes>> {
    let mark = ReadMark {
        messaging_product: "whatsapp",
        status: "read",
        message_id: provider_message_id,
        typing_indicator: typing.then_some(Typing { kind: "text" }),
    };
    post(host, line, &mark)
}

fn post(host: Host, line: &Line<'_>, body: &impl Serialize) -> Option<Request<Bytes>> {
    let body = serde_json::to_vec(body).ok()?;
    let mut request = call(host, line, Method::POST, &of_number(host, line, "messages")?, Bytes::from(body))?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(request)
}

/// The path of something that belongs to the number: `messages`, `media`.
pub(super) fn of_number(host: Host, line: &Line<'_>, what: &str) -> Option<String> {
    match host {
        Host::Meta => Some(format!("/{VERSION}/{}/{what}", line.number_id.and_then(path_part)?)),
        Host::Dialog360 => Some(format!("/{what}")),
    }
}

/// The path of a file's description.
pub(super) fn of_media(host: Host, line: &Line<'_>, id: &str) -> Option<String> {
    let id = path_part(id)?;
    match host {
        Host::Meta => {
            let number = line.number_id.and_then(path_part)?;
            Some(format!("/{VERSION}/{id}?phone_number_id={number}"))
        }
        Host::Dialog360 => Some(format!("/{id}")),
    }
}

/// A request with the number's credential.
pub(super) fn call(
    host: Host,
    line: &Line<'_>,
    method: Method,
    uri: &str,
    body: Bytes,
) -> Option<Request<Bytes>> {
    let (name, value) = match host {
        Host::Meta => (AUTHORIZATION, sensitive(&format!("Bearer {}", line.secret))?),
        Host::Dialog360 => (D360_API_KEY, sensitive(line.secret)?),
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse::<Uri>().ok()?;
    request.headers_mut().insert(name, value);
    Some(request)
}
