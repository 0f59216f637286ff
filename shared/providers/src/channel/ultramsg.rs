//! WhatsApp by UltraMsg, which drives WhatsApp Web: no templates, no buttons, no uploads by id, and people are phone
//! numbers (providers.md 4.1). A template is sent as the words it renders to (R15, R16).

use super::{Channel, Line};
use crate::capability::{Capabilities, NotCarried, TemplateSupport};
use crate::event::{MessageBody, NotUnderstood, Parsed};
use crate::outbound::answer::not_accepted;
use crate::outbound::{Outcome, Send, ultramsg_answer};
use crate::{outbound, ultramsg};
use bytes::Bytes;
use domain::failure::Failure;
use http::{Request, Response};

pub(super) struct Ultramsg;

const CARRIES: Capabilities = Capabilities {
    text: true,
    template: TemplateSupport::RenderedAsText,
    image: true,
    video: true,
    audio: true,
    voice: true,
    document: true,
    sticker: true,
    location: true,
    contact_cards: 1,
    interactive_buttons: false,
    interactive_list: false,
    interactive_cta_url: false,
    interactive_flow: false,
    reaction: true,
    reply: true,
    mark_as_read: false,
    typing: false,
    media_by_id: false,
    media_by_url: true,
    bsuid_recipients: false,
};

impl Channel for Ultramsg {
    fn name(&self) -> &'static str {
        "UltraMsg"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CARRIES
    }

    fn events(&self, text: &str) -> Result<Parsed, NotUnderstood> {
        ultramsg::parse(text)
    }

    fn message_body(&self, raw: &str) -> Result<MessageBody, NotUnderstood> {
        ultramsg::message_body(raw).map_err(|why| NotUnderstood(why.into_reason()))
    }

    fn compose(&self, line: &Line<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
        outbound::ultramsg::request(self.name(), line, send)
    }

    fn mark_read(&self, _: &Line<'_>, _: &str, _: bool) -> Option<Request<Bytes>> {
        None
    }

    fn outcome(&self, answer: &Response<Bytes>) -> Outcome {
        match ultramsg_answer::accepted(answer) {
            Some(accepted) => Outcome::Accepted(accepted),
            None => not_accepted(ultramsg_answer::verdict(answer), answer),
        }
    }

    fn refusal(&self, answer: &Response<Bytes>) -> Failure {
        ultramsg_answer::verdict(answer).failure
    }
}
