//! The sandbox: it takes whatever the Cloud API takes, and calls nobody.

use super::{Channel, Line, cloud_api};
use crate::capability::{Capabilities, NotCarried};
use crate::event::{MessageBody, NotUnderstood, Parsed};
use crate::outbound::{Outcome, Send, refusals};
use bytes::Bytes;
use domain::failure::Failure;
use http::{Request, Response};

pub(super) struct Sandbox;

impl Channel for Sandbox {
    fn name(&self) -> &'static str {
        "The sandbox"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &cloud_api::CARRIES
    }

    fn events(&self, _: &str) -> Result<Parsed, NotUnderstood> {
        Err(NotUnderstood("the sandbox sends no webhooks".to_owned()))
    }

    fn message_body(&self, _: &str) -> Result<MessageBody, NotUnderstood> {
        Err(NotUnderstood("the sandbox receives no messages".to_owned()))
    }

    fn compose(&self, _: &Line<'_>, _: &Send<'_>) -> Result<Request<Bytes>, NotCarried> {
        Err(NotCarried::new(
            "The sandbox calls nobody: what is sent there is recorded.",
            "provider",
            "Use a live key to reach a customer.",
        ))
    }

    fn mark_read(&self, _: &Line<'_>, _: &str, _: bool) -> Option<Request<Bytes>> {
        None
    }

    fn outcome(&self, _: &Response<Bytes>) -> Outcome {
        // It cannot be called, so nothing that claims to be its answer proves anything.
        Outcome::Uncertain {
            reason: "The sandbox answers no calls: what became of this one is open.".to_owned(),
        }
    }

    fn refusal(&self, answer: &Response<Bytes>) -> Failure {
        refusals::by_status(answer.status(), answer, None).failure
    }
}
