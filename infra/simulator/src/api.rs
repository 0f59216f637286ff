//! The way of every API call: read, judged by the rules, answered, noted, followed by its statuses.

use crate::account::{Kind, Line};
use crate::behaviour::{After, Effect, Plan, Refusal, Subject};
use crate::cloud::error::GraphError;
use crate::journal::Answered;
use crate::statuses::Taken;
use crate::wire::{Call, Reply};
use crate::{Simulator, cut, dialog360, faults, graph, llm, ultramsg};
use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::Request;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The longest request: a document of 100 MB with its form.
const LONGEST: usize = 101 * 1024 * 1024;
/// How long a call that is never answered holds its connection.
const SILENCE: Duration = Duration::from_secs(120);

/// What a provider makes of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    /// Whether credentials and content type were right.
    pub(crate) headers_ok: bool,
    /// The message that was taken, and its id.
    pub(crate) taken: Option<(String, Taken)>,
}

impl Outcome {
    /// An answer to right credentials.
    pub(crate) const fn of(reply: Reply) -> Self {
        Self { reply, headers_ok: true, taken: None }
    }

    /// An answer to wrong credentials, or to a wrong content type.
    pub(crate) const fn badly_headed(reply: Reply) -> Self {
        Self { reply, headers_ok: false, taken: None }
    }

    /// A refusal of the Graph API.
    pub(crate) fn refused(error: &GraphError) -> Self {
        let reply = Reply::json(error.status, &error.body());
        if error.code == 190 { Self::badly_headed(reply) } else { Self::of(reply) }
    }
}

/// What a call is about: its number, its operation, its recipient.
pub(crate) struct About {
    pub(crate) line: Option<Arc<Line>>,
    pub(crate) operation: &'static str,
    pub(crate) to: Option<String>,
}

pub(crate) async fn serve(sim: Simulator, kind: Kind, request: Request<Body>) -> Response {
    let Some(call) = read(&sim, kind, request).await else {
        let reply = Reply::json(413, &json!({"error": {"message": "The request is too large.", "code": 1}}));
        return cut::whole(reply);
    };
    let about = match kind {
        Kind::Meta => graph::about(&sim, &call),
        Kind::Dialog360 => dialog360::about(&sim, &call),
        Kind::Ultramsg => ultramsg::about(&sim, &call),
        Kind::Llm => llm::about(&call),
    };
    let subject = Subject {
        tenant_id: about.line.as_ref().map(|line| line.account.tenant_id.clone()),
        to: about.to,
        operation: about.operation,
    };
    let noted = (subject.operation == "send" && kind != Kind::Llm)
        .then(|| sim.journal().note(&call, subject.tenant_id.clone(), subject.to.clone()));
    if subject.operation == "chat" {
        sim.questions().note(&call);
    }
    let plan = judged(&sim, &call, &subject);
    if !plan.delay.is_zero() {
        tokio::time::sleep(plan.delay).await;
    }
    let after = match plan.effect {
        None => None,
        Some(Effect::After(after)) => Some(after),
        Some(Effect::Hang) => {
            silence(&sim).await;
            return cut::reset();
        }
        Some(Effect::ResetBefore) => return cut::reset(),
        Some(Effect::Refuse(refusal)) => {
            let reply = refusal_of(kind, &refusal);
            note_answer(&sim, noted, &Outcome::of(reply.clone()));
            return cut::whole(reply);
        }
        Some(Effect::RejectToken) => {
            let reply = token_refused(kind);
            note_answer(&sim, noted, &Outcome::badly_headed(reply.clone()));
            return cut::whole(reply);
        }
    };
    let mut outcome = match kind {
        Kind::Meta => graph::answer(&sim, &call).await,
        Kind::Dialog360 => dialog360::answer(&sim, &call),
        Kind::Ultramsg => ultramsg::answer(&sim, &call),
        Kind::Llm => Outcome::of(llm::answer(&call)),
    };
    outcome = sim.limited(outcome, call.now_ms);
    match &after {
        Some(After::Status(status)) => {
            outcome.reply = Reply { status: *status, body: bytes::Bytes::new(), ..outcome.reply };
        }
        Some(After::Body(body)) => outcome.reply.body = bytes::Bytes::from(body.clone()),
        Some(After::Reset | After::Hang | After::Cut(_)) | None => {}
    }
    note_answer(&sim, noted, &outcome);
    if let (Some(number), Some(After::Reset | After::Hang)) = (noted, &after) {
        // Taken or not, nothing of the answer leaves.
        sim.journal().complete(number, |sent| sent.answer = None);
    }
    if let Some((_, taken)) = outcome.taken.take() {
        let playing = sim.play(taken);
        if sim.behaviour().statuses.before_answer {
            playing.await;
        } else {
            tokio::spawn(playing);
        }
    }
    match after {
        None | Some(After::Status(_) | After::Body(_)) => cut::whole(outcome.reply),
        Some(After::Reset) => cut::reset(),
        Some(After::Cut(bytes)) => cut::after(outcome.reply, bytes),
        Some(After::Hang) => {
            silence(&sim).await;
            cut::reset()
        }
    }
}

/// The rules of the simulator decide before those of the stack.
fn judged(sim: &Simulator, call: &Call, subject: &Subject) -> Plan {
    let plan = sim.behaviour().plan(call, subject);
    if plan.effect.is_some() {
        return plan;
    }
    let verdict = sim.faults(&faults::ApiCall {
        is_llm: call.kind == Kind::Llm,
        operation: subject.operation,
        body: &call.body,
        caller: call.caller(),
    });
    let refuse = |refusal| Some(Effect::Refuse(refusal));
    let effect = match verdict.effect {
        None => None,
        Some(faults::Effect::Error { status }) => {
            refuse(Refusal { status: Some(status), ..Refusal::default() })
        }
        Some(faults::Effect::Throttle) => refuse(Refusal {
            status: Some(429),
            code: Some(130_429),
            retry_after: Some(1),
            ..Refusal::default()
        }),
        Some(faults::Effect::Timeout) => Some(Effect::Hang),
        Some(faults::Effect::DropBefore) => Some(Effect::ResetBefore),
        Some(faults::Effect::DropAfter) => Some(Effect::After(After::Reset)),
    };
    Plan { delay: plan.delay + verdict.delay, effect }
}

async fn read(sim: &Simulator, kind: Kind, request: Request<Body>) -> Option<Call> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LONGEST).await.ok()?;
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let query = serde_urlencoded::from_str(parts.uri.query().unwrap_or_default()).unwrap_or_default();
    Some(Call {
        kind,
        method: parts.method,
        segments: path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
        target: format!("/{path}"),
        query,
        headers: parts.headers,
        body,
        now_ms: sim.now_ms(),
    })
}

fn note_answer(sim: &Simulator, noted: Option<u64>, outcome: &Outcome) {
    let Some(number) = noted else { return };
    sim.journal().complete(number, |sent| {
        sent.headers_ok = outcome.headers_ok;
        sent.answer = Some(Answered { status: outcome.reply.status, body: outcome.reply.shown() });
        if let Some((id, _)) = &outcome.taken {
            sent.accepted = true;
            sent.provider_message_id = Some(id.clone());
        }
    });
}

/// Waits as one waits for an answer that never comes; a stopped simulator waits no longer.
async fn silence(sim: &Simulator) {
    tokio::select! {
        () = tokio::time::sleep(SILENCE) => {}
        () = sim.stopped() => {}
    }
}

/// A refusal in the shape of the provider.
fn refusal_of(kind: Kind, refusal: &Refusal) -> Reply {
    let usual = refusal.code.map(GraphError::title_of);
    let status = refusal.status.or(usual.as_ref().map(|(status, _)| *status)).unwrap_or(500);
    let message = refusal.message.clone().or(usual.map(|(_, title)| title));
    let message = message.unwrap_or_else(|| "An unknown error has occurred.".to_owned());
    let mut reply = match kind {
        Kind::Meta => graph_refusal(status, &message, refusal),
        Kind::Dialog360 if refusal.code.is_some() => graph_refusal(status, &message, refusal),
        Kind::Dialog360 => dialog360::gateway_refusal(status, &message),
        Kind::Ultramsg => Reply::json(status, &json!({"error": message})),
        Kind::Llm => llm::refusal(status, &message),
    };
    if let Some(body) = &refusal.body {
        reply.body = bytes::Bytes::from(body.clone());
    }
    reply.retry_after = refusal.retry_after;
    reply
}

fn graph_refusal(status: u16, message: &str, refusal: &Refusal) -> Reply {
    let error = GraphError {
        status,
        code: refusal.code.unwrap_or(if status == 429 { 130_429 } else { 131_000 }),
        subcode: refusal.subcode,
        message: message.to_owned(),
        details: refusal.details.clone(),
    };
    Reply::json(status, &error.body())
}

fn token_refused(kind: Kind) -> Reply {
    match kind {
        Kind::Meta => graph::token_refused(),
        Kind::Dialog360 => dialog360::gateway_refusal(401, dialog360::BAD_KEY),
        Kind::Ultramsg => ultramsg::wrong_token(),
        Kind::Llm => llm::refusal(401, "Incorrect API key provided."),
    }
}
