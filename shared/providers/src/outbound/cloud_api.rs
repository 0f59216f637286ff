//! Requests of the Cloud API: Meta's own, and 360dialog's, which take the same body at another door.

use super::cloud_content::Content;
use super::{Send, Sender, path_part, sensitive, unusable};
use crate::capability::NotCarried;
use bytes::Bytes;
use domain::outgoing::Outgoing;
use domain::provider::Provider;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde::Serialize;

/// The Graph API's current version (29 July 2026).
const VERSION: &str = "v26.0";

const D360_API_KEY: HeaderName = HeaderName::from_static("d360-api-key");

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

pub(super) fn request(sender: &Sender<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
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
    post(sender, &message).ok_or_else(|| unusable(sender.provider))
}

pub(super) fn mark_read(
    sender: &Sender<'_>,
    provider_message_id: &str,
    typing: bool,
) -> Option<Request<Bytes>> {
    let mark = ReadMark {
        messaging_product: "whatsapp",
        status: "read",
        message_id: provider_message_id,
        typing_indicator: typing.then_some(Typing { kind: "text" }),
    };
    post(sender, &mark)
}

fn post(sender: &Sender<'_>, body: &impl Serialize) -> Option<Request<Bytes>> {
    let body = serde_json::to_vec(body).ok()?;
    let mut request = call(sender, Method::POST, &of_number(sender, "messages")?, Bytes::from(body))?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(request)
}

/// The path of something that belongs to the number: `messages`, `media`.
pub(super) fn of_number(sender: &Sender<'_>, what: &str) -> Option<String> {
    match sender.provider {
        Provider::Meta => Some(format!("/{VERSION}/{}/{what}", sender.phone_number_id.and_then(path_part)?)),
        Provider::Dialog360 => Some(format!("/{what}")),
        Provider::Ultramsg | Provider::Sandbox => None,
    }
}

/// The path of a file's description.
pub(super) fn of_media(sender: &Sender<'_>, id: &str) -> Option<String> {
    let id = path_part(id)?;
    match sender.provider {
        Provider::Meta => {
            let number = sender.phone_number_id.and_then(path_part)?;
            Some(format!("/{VERSION}/{id}?phone_number_id={number}"))
        }
        Provider::Dialog360 => Some(format!("/{id}")),
        Provider::Ultramsg | Provider::Sandbox => None,
    }
}

/// A request with the number's credential.
pub(super) fn call(sender: &Sender<'_>, method: Method, uri: &str, body: Bytes) -> Option<Request<Bytes>> {
    let (name, value) = match sender.provider {
        Provider::Meta => (AUTHORIZATION, sensitive(&format!("Bearer {}", sender.secret))?),
        Provider::Dialog360 => (D360_API_KEY, sensitive(sender.secret)?),
        Provider::Ultramsg | Provider::Sandbox => return None,
    };
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse::<Uri>().ok()?;
    request.headers_mut().insert(name, value);
    Some(request)
}
