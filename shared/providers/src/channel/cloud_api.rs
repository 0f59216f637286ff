//! WhatsApp by the Cloud API, at Meta and at 360dialog.

use super::{Channel, Line};
use crate::capability::{Capabilities, NotCarried, TemplateSupport};
use crate::cloud_api::{self, Root};
use crate::event::{MessageBody, NotUnderstood, Parsed};
use crate::outbound::answer::{accepted_by_cloud_api, not_accepted};
use crate::outbound::cloud_api::{Host, mark_read, request};
use crate::outbound::{Outcome, Send, refusals};
use bytes::Bytes;
use domain::failure::Failure;
use http::{Request, Response};

/// The Cloud API at one of its hosts.
pub(super) struct CloudApi(pub(super) Host);

pub(super) const CARRIES: Capabilities = Capabilities {
    text: true,
    template: TemplateSupport::Native,
    image: true,
    video: true,
    audio: true,
    voice: true,
    document: true,
    sticker: true,
    location: true,
    contact_cards: 257,
    interactive_buttons: true,
    interactive_list: true,
    interactive_cta_url: true,
    interactive_flow: true,
    reaction: true,
    reply: true,
    mark_as_read: true,
    typing: true,
    media_by_id: true,
    media_by_url: true,
    bsuid_recipients: true,
};

impl Channel for CloudApi {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CARRIES
    }

    fn events(&self, text: &str) -> Result<Parsed, NotUnderstood> {
        let root = match self.0 {
            Host::Meta => Root::Envelope,
            Host::Dialog360 => Root::EnvelopeOrLegacy,
        };
        cloud_api::parse(text, root)
    }

    fn message_body(&self, raw: &str) -> Result<MessageBody, NotUnderstood> {
        cloud_api::message_body(raw).map_err(|why| NotUnderstood(why.into_reason()))
    }

    fn compose(&self, line: &Line<'_>, send: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
        request(self.0, line, send)
    }

    fn mark_read(&self, line: &Line<'_>, provider_message_id: &str, typing: bool) -> Option<Request<Bytes>> {
        mark_read(self.0, line, provider_message_id, typing)
    }

    fn outcome(&self, answer: &Response<Bytes>) -> Outcome {
        match accepted_by_cloud_api(answer) {
            Some(accepted) => Outcome::Accepted(accepted),
            None => not_accepted(refusals::cloud_api(answer), answer),
        }
    }

    fn refusal(&self, answer: &Response<Bytes>) -> Failure {
        refusals::cloud_api(answer).failure
    }
}
