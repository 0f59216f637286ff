//! `Idempotency-Key` on every mutating route, as one layer (I-10, I-11, R37).
//!
//! The first answer is kept for 24 hours per tenant. What makes a repeated request harmless even when the first one
//! died half-way is the [`Seed`]: a handler derives the ids of everything it makes from it, so a second run finds the
//! first one's effects instead of making them again (docs/adr/0009).

use super::auth::authenticate;
use super::edge::Call;
use super::envelope::{Enveloped, KeptInstead, failure};
use super::problem::Problem;
use crate::Platform;
use crate::dynamo::{Begun, StoredAnswer};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::access::{Environment, Principal};
use domain::ids::{ContactId, ConversationId, LeadId, derived_ulid};
use domain::time::Millis;
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::sync::Arc;
use ulid::Ulid;
use uuid::Uuid;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// A request that has not been answered after this long died, in milliseconds: longer than a function may run.
const LEASE_MS: u64 = 20_000;
/// The largest request body that is compared, in bytes: what Lambda takes.
const REQUEST_LIMIT: usize = 6 * 1024 * 1024;
/// The largest answer that is kept, in bytes: an item holds 400 KB.
const ANSWER_LIMIT: usize = 200_000;

/// How long it is known whom an answer is about, in milliseconds: longer than the table keeps the answer.
const ABOUT_KEPT_MS: u64 = 9 * 24 * 60 * 60 * 1000;
/// How many contacts and leads of one answer are noted.
const NAMED: usize = 50;

/// What the ids of everything that a request makes are derived from: the same for every run of one request.
#[derive(Debug, Clone)]
pub struct Seed {
    /// When the request was first made.
    pub first_at: Millis,
    digest: Arc<str>,
}

impl Seed {
    /// The id of one thing that the request makes; `what` tells several apart.
    #[must_use]
    pub fn ulid(&self, what: &str) -> Ulid {
        derived_ulid(self.first_at.unix_ms(), &[&self.digest, what])
    }
}

impl<S: Sync> FromRequestParts<S> for Seed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        if let Some(seed) = parts.extensions.get::<Self>() {
            return Ok(seed.clone());
        }
        // Without a key every request is another one.
        let call = parts.extensions.get::<Call>();
        let (first_at, trace) =
            call.map_or((Millis::from_unix_ms(0), Uuid::new_v4()), |call| (call.now, call.trace_id));
        Ok(Self { first_at, digest: trace.to_string().into() })
    }
}

/// The layer. Reads pass untouched, and so does whatever carries no key.
pub(super) async fn idempotent(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    let mutating = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    if !mutating || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match around(&platform, request, next).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    }
}

async fn around(platform: &Platform, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let principal = authenticate(&mut parts, platform).await?;
    let key = key_of(&parts.headers)?;
    let call = parts.extensions.get::<Call>().copied();
    let call = call.ok_or_else(|| Problem::internal("a route outside `serve`"))?;
    let body = to_bytes(body, REQUEST_LIMIT).await;
    let body = body.map_err(|_| Problem::PayloadTooLarge { limit: REQUEST_LIMIT })?;
    let digest = digest(&principal, &parts, &key);
    let owner = Uuid::new_v4();
    let lease = call.now.plus_ms(LEASE_MS);
    let begun = platform
        .store
        .begin_idempotent(principal.tenant, &digest, &request_hash(&parts, &body), owner, call.now, lease)
        .await?;
    let first_at = match begun {
        Begun::Yes { first_at } => first_at,
        // The answer may say what only that role may know, such as a new key.
        Begun::Answered(answer) if principal.role < answer.role => {
            return Err(Problem::Forbidden { required: answer.role });
        }
        Begun::Answered(answer) => return Ok(replayed(&answer)),
        Begun::OtherBody => {
            let message =
                "This Idempotency-Key was used with another request in the last 24 hours; use a new key.";
            return Err(Problem::Conflict { message: message.to_owned(), retry_after_s: None });
        }
        Begun::Running { until } => {
            let left = u32::try_from(until.since(call.now).div_ceil(1000)).unwrap_or(1).max(1);
            let message = "A request with this Idempotency-Key is being worked on; ask again for its answer.";
            return Err(Problem::Conflict { message: message.to_owned(), retry_after_s: Some(left) });
        }
    };
    parts.extensions.insert(Seed { first_at, digest: digest.as_str().into() });
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    let run = Run {
        digest: &digest,
        owner,
        is_repeated: first_at < call.now,
        trace_id: call.trace_id,
        now: call.now,
    };
    finish(platform, &principal, &run, answer).await
}

/// One run of a request under a key.
struct Run<'a> {
    digest: &'a str,
    owner: Uuid,
    /// Whether an earlier run ended without an answer that was kept.
    is_repeated: bool,
    trace_id: Uuid,
    now: Millis,
}

/// Keeps the answer when something was decided, forgets the request when nothing was, and leaves it to the next run when
/// that is open.
async fn finish(
    platform: &Platform,
    principal: &Principal,
    run: &Run<'_>,
    answer: Response,
) -> Result<Response, Problem> {
    let Run { digest, owner, is_repeated, trace_id, .. } = *run;
    let problem = answer.extensions().get::<Arc<Problem>>().cloned();
    let answer = match &problem {
        Some(problem) if kept(problem.code().status()) => {
            let mut rendered = failure(problem, trace_id);
            rendered.extensions_mut().insert(Enveloped);
            rendered
        }
        _ => answer,
    };
    let enveloped = answer.extensions().get::<Enveloped>().is_some();
    if !kept(answer.status()) || !enveloped {
        let store = &platform.store;
        // What an earlier run did is as open as what a fault of ours interrupted.
        let ended = if is_repeated || is_open(answer.status(), problem.as_deref()) {
            store.release_idempotent(principal.tenant, digest, owner).await
        } else {
            store.forget_idempotent(principal.tenant, digest, owner).await
        };
        if let Err(error) = ended {
            tracing::warn!(trace.id = %trace_id, "an idempotency key stays taken until its lease ends: {error}");
        }
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
    let kept = parts.extensions.get::<KeptInstead>().map_or(&body, |KeptInstead(kept)| kept);
    if let (true, Ok(text)) = (kept.len() <= ANSWER_LIMIT, std::str::from_utf8(kept)) {
        let answer = StoredAnswer {
            status: parts.status.as_u16(),
            body: text.to_owned(),
            trace_id: trace_id.to_string(),
            role: principal.role,
        };
        // Whom it is about is noted first: an erasure must find every answer that is kept.
        for about in named_in(text) {
            let expires = run.now.plus_ms(ABOUT_KEPT_MS).unix_ms() / 1000;
            platform.store.note_answer_about(principal.tenant, about, digest, expires).await?;
        }
        // What was done is done: the caller gets its answer, and a repetition finds the effects by their ids.
        if let Err(error) = platform.store.finish_idempotent(principal.tenant, digest, owner, &answer).await {
            tracing::warn!(trace.id = %trace_id, "an answer could not be kept: {error}");
        }
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// The contacts and leads that an answer names; a conversation has its contact's.
fn named_in(answer: &str) -> Vec<Ulid> {
    let mut named: Vec<Ulid> = [ContactId::PREFIX, ConversationId::PREFIX, LeadId::PREFIX]
        .iter()
        .flat_map(|prefix| answer.split(prefix).skip(1))
        .filter_map(|rest| Ulid::from_string(rest.get(..26)?).ok())
        .collect();
    named.sort_unstable();
    named.dedup();
    named.truncate(NAMED);
    named
}

/// Answers that are given again: what was done, and what a rule refused. Everything else had no effect and may be
/// corrected under the same key.
fn kept(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::UNPROCESSABLE_ENTITY
}

/// Whether a part of the request may have been done: a fault of ours came in between. A rule's "no" did nothing.
fn is_open(status: StatusCode, problem: Option<&Problem>) -> bool {
    status.is_server_error() && !matches!(problem, Some(Problem::Refused(_)))
}

fn replayed(answer: &StoredAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response.extensions_mut().insert(Enveloped);
    response
}

/// 1 to 255 printable ASCII characters, once.
fn key_of(headers: &HeaderMap) -> Result<String, Problem> {
    let mut given = headers.get_all(KEY).iter();
    let text = match (given.next(), given.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    };
    let printable = text.filter(|text| {
        (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    });
    printable.map(str::to_owned).ok_or_else(|| {
        Problem::invalid("Idempotency-Key", "Expected one key of 1 to 255 printable ASCII characters.")
    })
}

fn digest(principal: &Principal, parts: &Parts, key: &str) -> String {
    let environment = match principal.environment {
        Environment::Live => "live",
        Environment::Test => "test",
    };
    let path = parts
        .extensions
        .get::<axum::extract::OriginalUri>()
        .map_or_else(|| parts.uri.path(), |uri| uri.path());
    // `/api/v1` is `/v1` by another name.
    let path = path.strip_prefix("/api").unwrap_or(path);
    let mut hash = Sha256::new();
    for part in [environment, parts.method.as_str(), path, key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// A digest of what is asked for: the order of a JSON object's members does not count (C19).
fn request_hash(parts: &Parts, body: &Bytes) -> String {
    let mut hash = Sha256::new();
    hash.update(parts.uri.query().unwrap_or_default().as_bytes());
    hash.update([0]);
    // Objects of `serde_json` keep their members sorted.
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(value) => hash.update(value.to_string().as_bytes()),
        Err(_not_json) => hash.update(body),
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(body: &'static str) -> String {
        let (parts, ()) = http::Request::post("/v1/leads").body(()).unwrap().into_parts();
        request_hash(&parts, &Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn the_order_of_members_and_blanks_do_not_make_another_request_and_values_do() {
        assert_eq!(hash(r#"{"a":1,"b":{"c":2,"d":3}}"#), hash("{ \"b\": {\"d\":3,\"c\":2}, \"a\": 1 }"));
        assert_ne!(hash(r#"{"a":1}"#), hash(r#"{"a":2}"#));
        assert_ne!(hash(r#"{"a":[1,2]}"#), hash(r#"{"a":[2,1]}"#));
        assert_ne!(hash("x"), hash("y"));
    }

    #[test]
    fn an_answer_names_contacts_and_leads_by_every_kind_of_id() {
        let contact = ContactId::from_ulid(derived_ulid(5, &["c"]));
        let lead = LeadId::from_ulid(derived_ulid(6, &["l"]));
        let text = format!(
            "{{\"id\":\"msg_x\",\"a\":\"{contact}\",\"b\":\"{}\",\"c\":\"{lead}\"}}",
            contact.conversation()
        );
        assert_eq!(named_in(&text), [contact.ulid(), lead.ulid()]);
        assert_eq!(named_in("ctc_ conv_0 lead_"), []);
    }

    #[test]
    fn a_key_is_one_printable_text() {
        let headers = |values: &[&'static [u8]]| -> HeaderMap {
            values.iter().map(|value| (KEY, HeaderValue::from_bytes(value).unwrap())).collect()
        };
        assert_eq!(key_of(&headers(&[b"order-1"])).unwrap(), "order-1");
        for bad in [&headers(&[b""]), &headers(&[b"a", b"b"]), &headers(&["é".as_bytes()])] {
            assert_eq!(key_of(bad).unwrap_err().field(), Some("Idempotency-Key"));
        }
        let long: &'static [u8] = Box::leak(vec![b'a'; 256].into_boxed_slice());
        assert!(key_of(&headers(&[long])).is_err());
    }

    #[test]
    fn only_a_fault_of_ours_leaves_it_open_what_was_done() {
        for (problem, open) in [
            (Problem::unavailable("x"), true),
            (Problem::internal("x"), true),
            (Problem::refused(super::super::code::Code::NotConfigured, "x").into(), false),
            (Problem::NotFound, false),
        ] {
            assert_eq!(is_open(problem.code().status(), Some(&problem)), open, "{problem:?}");
        }
        assert!(is_open(StatusCode::INTERNAL_SERVER_ERROR, None), "a panic");
    }

    #[test]
    fn what_had_no_effect_is_not_kept() {
        for status in [200, 201, 202, 422] {
            assert!(kept(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [400, 401, 403, 404, 409, 413, 415, 429, 500, 503] {
            assert!(!kept(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }
}
