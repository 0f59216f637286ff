//! A channel that is no WhatsApp: SMS through a gateway. It lives in the tests alone and shows what a channel takes.
//!
//! The wire is Twilio's: forms come in and go out, answers are JSON with a `sid` or with a `code`. One field is from
//! elsewhere: Twilio does not say when a message was written, Vonage does (`timestamp`, Unix seconds).

use bytes::Bytes;
use domain::failure::{Failure, FailureClass};
use domain::identity::Person;
use domain::message::{Content, ReportedError};
use domain::outgoing::Outgoing;
use domain::phone::Phone;
use domain::receipt::Receipt;
use domain::time::Millis;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, Uri};
use providers::capability::{Capabilities, NotCarried, TemplateSupport};
use providers::channel::{Channel, Line};
use providers::event::{
    Account, Event, EventKind, InboundMessage, MessageBody, NotUnderstood, Parsed, Status, Unreadable,
};
use providers::outbound::{Accepted, Outcome, Send};
use serde_json::Value;

pub(crate) struct Sms;

/// Words, and nothing else.
const CARRIES: Capabilities = Capabilities {
    text: true,
    template: TemplateSupport::RenderedAsText,
    image: false,
    video: false,
    audio: false,
    voice: false,
    document: false,
    sticker: false,
    location: false,
    contact_cards: 0,
    interactive_buttons: false,
    interactive_list: false,
    interactive_cta_url: false,
    interactive_flow: false,
    reaction: false,
    reply: false,
    mark_as_read: false,
    typing: false,
    media_by_id: false,
    media_by_url: false,
    bsuid_recipients: false,
};

/// The decoded fields of a webhook; an empty one is as good as none.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(text: &str) -> Result<Self, NotUnderstood> {
        let fields = serde_urlencoded::from_str(text);
        let form = fields.map(Self).map_err(|_| NotUnderstood("the body is no form".to_owned()))?;
        match form.get("MessageSid") {
            Some(_) => Ok(form),
            None => Err(NotUnderstood("the form has no `MessageSid`: not an SMS webhook".to_owned())),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> Result<&str, String> {
        self.get(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    fn phone(&self, name: &str) -> Result<Phone, String> {
        Phone::from_wa_id(self.required(name)?).map_err(|_| format!("`{name}` is no phone number"))
    }

    fn instant(&self) -> Result<Option<Millis>, String> {
        let Some(text) = self.get("Timestamp") else { return Ok(None) };
        let seconds = text.parse().map_err(|_| "`Timestamp` is not Unix seconds".to_owned())?;
        let at = Millis::from_provider(seconds).map_err(|_| "`Timestamp` is out of range".to_owned())?;
        Ok(Some(at))
    }

    fn body(&self) -> Result<MessageBody, String> {
        let body = self.required("Body")?.to_owned();
        Ok(MessageBody { content: Content::Text { body }, context: None, referral: None, errors: Vec::new() })
    }

    fn message(&self) -> Result<EventKind, String> {
        Ok(EventKind::Message(Box::new(InboundMessage {
            id: self.required("MessageSid")?.to_owned(),
            sent_at: self.instant()?.ok_or("`Timestamp` is missing")?,
            sender: Person { phone: Some(self.phone("From")?), ..Person::default() },
            group: None,
            body: self.body()?,
            identity_change: None,
        })))
    }

    fn status(&self, reported: &str) -> Result<EventKind, String> {
        let receipt = match reported {
            "undelivered" => Some(Receipt::Failed),
            // `queued` and `sending` are on the gateway's side still.
            other => Receipt::parse(other),
        };
        let code = self.get("ErrorCode").and_then(|code| code.parse().ok());
        let title = self.get("ErrorMessage").map(str::to_owned);
        Ok(EventKind::Status(Box::new(Status {
            id: self.required("MessageSid")?.to_owned(),
            receipt,
            reported: reported.to_owned(),
            at: self.instant()?,
            recipient: Person { phone: Some(self.phone("To")?), ..Person::default() },
            our_id: None,
            pricing: None,
            errors: code.map(|code| ReportedError { code, title, details: None }).into_iter().collect(),
        })))
    }
}

impl Channel for Sms {
    fn name(&self) -> &'static str {
        "SMS"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CARRIES
    }

    fn events(&self, text: &str) -> Result<Parsed, NotUnderstood> {
        let form = Form::read(text)?;
        let (kind, ours) = match form.get("MessageStatus") {
            Some(reported) => (form.status(reported), form.get("From")),
            None => (form.message(), form.get("To")),
        };
        let account = Account {
            phone_number_id: ours.map(str::to_owned),
            instance_id: form.get("AccountSid").map(str::to_owned),
            ..Account::default()
        };
        let (raw, mut parsed) = (text.to_owned(), Parsed::default());
        match kind {
            Ok(kind) => parsed.events.push(Event { account, kind, notified_at: None, raw }),
            Err(reason) => parsed.unreadable.push(Unreadable { path: String::new(), reason, raw }),
        }
        Ok(parsed)
    }

    fn message_body(&self, raw: &str) -> Result<MessageBody, NotUnderstood> {
        Form::read(raw)?.body().map_err(NotUnderstood)
    }

    fn compose(&self, line: &Line<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
        let words = match (send.content, send.filled) {
            (Outgoing::Text { body, .. }, _) => body,
            (Outgoing::Template(_), Some(filled)) => &filled.rendered,
            (Outgoing::Template(_), None) => {
                return Err(no("The template is not filled in.", "template", "Send it with its variables."));
            }
            _ => return Err(no("SMS cannot carry this.", "kind", "Send a text.")),
        };
        let phone =
            send.recipient.phone.ok_or_else(|| no("There is no phone number.", "to", "Ask for it."))?;
        post(line, phone, words)
            .ok_or_else(|| no("The stored id and secret cannot be used.", "provider", "Enter them again."))
    }

    fn mark_read(&self, _: &Line<'_>, _: &str, _: bool) -> Option<Request<Bytes>> {
        None
    }

    fn outcome(&self, answer: &Response<Bytes>) -> Outcome {
        let said = said(answer);
        let status = answer.status();
        if let (true, Some(sid)) = (status.is_success(), said["sid"].as_str().filter(|sid| !sid.is_empty())) {
            return Outcome::Accepted(Accepted {
                provider_message_id: Some(sid.to_owned()),
                ..Accepted::default()
            });
        }
        // Only a refusal in the gateway's own words is one; 408 says that it gave up waiting.
        if status.is_client_error() && status.as_u16() != 408 && said["code"].is_i64() {
            return Outcome::Refused(self.refusal(answer));
        }
        Outcome::Uncertain { reason: format!("The gateway answered {status}: whether it took it is open.") }
    }

    fn refusal(&self, answer: &Response<Bytes>) -> Failure {
        let said = said(answer);
        let (code, class, message) = match answer.status().as_u16() {
            401 | 403 => (
                "integration_unauthorized",
                FailureClass::IntegrationBroken,
                "The gateway refused the key. An admin has to enter a new one.",
            ),
            429 => (
                "provider_rate_limited",
                FailureClass::Retry,
                "The gateway takes no more for now. It is tried again later.",
            ),
            400..=499 if said["code"].is_i64() => (
                "provider_refused",
                FailureClass::Permanent,
                "The gateway refused the message. Correct it and send it again.",
            ),
            _ => (
                "provider_unavailable",
                FailureClass::Retry,
                "The gateway gave no proper answer. Look whether it took effect.",
            ),
        };
        Failure {
            code: code.to_owned(),
            message: message.to_owned(),
            class,
            provider_code: said["code"].as_i64(),
            provider_message: said["message"].as_str().map(|said| said.chars().take(500).collect()),
            retry_after_s: None,
        }
    }
}

fn no(what: &str, field: &str, alternative: &str) -> NotCarried {
    NotCarried { what: what.to_owned(), field: field.to_owned(), alternative: alternative.to_owned() }
}

fn said(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_default()
}

fn post(line: &Line<'_>, to: &Phone, words: &str) -> Option<Request<Bytes>> {
    let account = line.account_id.filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric()))?;
    let fields = [("To", to.e164()), ("From", line.number_id?), ("Body", words)];
    let mut request = Request::new(Bytes::from(serde_urlencoded::to_string(fields).ok()?));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("/2010-04-01/Accounts/{account}/Messages.json").parse::<Uri>().ok()?;
    let mut key = HeaderValue::from_str(&format!("Bearer {}", line.secret)).ok()?;
    key.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, key);
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, form);
    Some(request)
}
