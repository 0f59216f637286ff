//! The door for the providers: prove where a body came from, put it into the queue, say 200.
//!
//! Nothing else happens here: no parse, no table write. What cannot be stored is answered 503, so that the provider
//! sends it again; what proves nothing is answered 401, always in the same words.

pub mod answer;
mod credentials;
mod desk;
mod feeds;
pub mod gateway;
mod handshake;
mod intake;
mod kept;
mod keyring;
pub mod request;
mod split;

use answer::Answer;
use credentials::{Credentials, Denied};
use desk::Desk;
use domain::ids::TenantId;
use domain::lead::FeedKind;
use domain::provider::Provider;
use domain::time::Millis;
use feeds::Feeds;
use intake::Provenance;
use platform::Platform;
use platform::clock::SharedClock;
use platform::queue::Queue;
use providers::signature::VerifiedBody;
use request::{DeskRoute, FeedRoute, Request, Route};
use std::sync::Once;
use std::time::Duration;
use uuid::Uuid;

/// Meta sends 3 MB at most.
const BODY_LIMIT: usize = 3_500_000;
/// The providers hang up after five seconds, and Lambda ends this function then: say no while someone listens.
const BUDGET: Duration = Duration::from_secs(4);

/// The webhook endpoint.
#[derive(Debug)]
pub struct Webhook {
    credentials: Credentials,
    feeds: Feeds,
    desk: Desk,
    inbound: Queue,
    clock: SharedClock,
    single_tenant: Option<TenantId>,
    warm_once: Once,
}

impl Webhook {
    /// Builds the endpoint; no I/O.
    #[must_use]
    pub fn new(platform: Platform) -> Self {
        Self {
            inbound: platform.inbound.clone(),
            clock: platform.clock.clone(),
            single_tenant: platform.single_tenant,
            warm_once: Once::new(),
            feeds: Feeds::new(&platform),
            desk: Desk::new(&platform),
            credentials: Credentials::new(platform),
        }
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<'_>) -> Answer {
        let now = self.clock.now();
        let trace_id = trace_id(now);
        let answer = match Route::parse(request.path, request.query) {
            None => self.handle_feed(&request, trace_id, now).await,
            Some(route) => match request.method {
                "POST" => {
                    let received = self.receive(&request, &route, trace_id, now);
                    match tokio::time::timeout(BUDGET, received).await {
                        Ok(answer) => answer,
                        Err(late) => unavailable(&late, trace_id),
                    }
                }
                "GET" => self.shake_hands(&request, &route, trace_id, now).await,
                _ => Answer::method_not_allowed(trace_id),
            },
        };
        answer.with_trace_id(trace_id)
    }

    /// Opens the connections that the first event needs, side by side and while its credentials are looked up. Not
    /// before: a cold start has an event waiting, so connecting during init would only delay it, and an environment
    /// that was started ahead would find its connections closed by then.
    fn warm(&self) {
        let (inbound, credentials) = (self.inbound.clone(), self.credentials.warm());
        tokio::spawn(async move {
            tokio::join!(inbound.connect(), credentials);
        });
    }

    async fn receive(&self, request: &Request<'_>, route: &Route<'_>, trace_id: Uuid, now: Millis) -> Answer {
        let headers = &request.headers;
        if headers.content_encoding.as_deref().is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
        {
            return Answer::unsupported_media_type(trace_id);
        }
        if request.body.len() > BODY_LIMIT {
            return Answer::payload_too_large(trace_id);
        }
        let presented = headers.presented(route.url_token());
        self.warm_once.call_once(|| self.warm());
        let admitted = match route.tenant(self.single_tenant) {
            Some(tenant) => {
                let admitted = self.credentials.verify(tenant, &presented, &request.body, now).await;
                admitted.map(|(provider, body)| (tenant, provider, body))
            }
            None => Err(Denied::Refused),
        };
        let (tenant, provider, body) = match admitted {
            Ok(admitted) => admitted,
            Err(Denied::Refused) => {
                tracing::info!(alarm = "webhook_refused", %trace_id, "refused a webhook");
                return Answer::unauthorized(trace_id);
            }
            Err(Denied::Unavailable(error)) => return unavailable(&error, trace_id),
        };
        let provenance =
            Provenance { tenant, provider, feed: None, chatwoot: false, received_at: now, trace_id };
        match intake::store(&self.inbound, &provenance, body).await {
            Ok(()) => Answer::accepted(trace_id),
            Err(error) => unavailable(&error, trace_id),
        }
    }

    /// Answers a request of a source of leads.
    async fn handle_feed(&self, request: &Request<'_>, trace_id: Uuid, now: Millis) -> Answer {
        if let Some(route) = DeskRoute::parse(request.path, request.query) {
            return self.handle_desk(request, &route, trace_id, now).await;
        }
        let Some(route) = FeedRoute::parse(request.path, request.query) else {
            return Answer::not_found(trace_id);
        };
        match request.method {
            "POST" => {
                let received = self.receive_leads(request, &route, trace_id, now);
                match tokio::time::timeout(BUDGET, received).await {
                    Ok(answer) => answer,
                    Err(late) => unavailable(&late, trace_id),
                }
            }
            "GET" => {
                let tokens = match (route.tenant, route.kind) {
                    (Some(tenant), Some(FeedKind::MetaLeadAds)) => {
                        self.feeds.verify_tokens(tenant, now).await
                    }
                    _ => Err(Denied::Refused),
                };
                handshake_answer(tokens.and_then(|tokens| handshake::told(&tokens, request.query)), trace_id)
            }
            _ => Answer::method_not_allowed(trace_id),
        }
    }

    async fn receive_leads(
        &self,
        request: &Request<'_>,
        route: &FeedRoute<'_>,
        trace_id: Uuid,
        now: Millis,
    ) -> Answer {
        let headers = &request.headers;
        if headers.content_encoding.as_deref().is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
        {
            return Answer::unsupported_media_type(trace_id);
        }
        if request.body.len() > BODY_LIMIT {
            return Answer::payload_too_large(trace_id);
        }
        self.warm_once.call_once(|| self.warm());
        let admitted = match (route.tenant, route.kind) {
            (Some(tenant), Some(kind)) => {
                let token = route.url_token.as_deref();
                let body = self.feeds.verify(tenant, kind, headers, token, &request.body, now).await;
                body.map(|body| (tenant, Some(kind), body))
            }
            _ => Err(Denied::Refused),
        };
        self.keep(admitted, trace_id, now).await
    }

    /// Answers a webhook of Chatwoot.
    async fn handle_desk(
        &self,
        request: &Request<'_>,
        route: &DeskRoute<'_>,
        trace_id: Uuid,
        now: Millis,
    ) -> Answer {
        if request.method != "POST" {
            return Answer::only_post(trace_id);
        }
        let headers = &request.headers;
        if headers.content_encoding.as_deref().is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
        {
            return Answer::unsupported_media_type(trace_id);
        }
        if request.body.len() > BODY_LIMIT {
            return Answer::payload_too_large(trace_id);
        }
        self.warm_once.call_once(|| self.warm());
        let received = async {
            let admitted = match route.tenant {
                Some(tenant) => {
                    let token = route.url_token.as_deref();
                    let body = self.desk.verify(tenant, headers, token, &request.body, now).await;
                    body.map(|body| (tenant, None, body))
                }
                None => Err(Denied::Refused),
            };
            self.keep(admitted, trace_id, now).await
        };
        match tokio::time::timeout(BUDGET, received).await {
            Ok(answer) => answer,
            Err(late) => unavailable(&late, trace_id),
        }
    }

    /// Puts a body of a source of leads, or without one of Chatwoot, into the queue.
    async fn keep(
        &self,
        admitted: Result<(TenantId, Option<FeedKind>, VerifiedBody<'_>), Denied>,
        trace_id: Uuid,
        now: Millis,
    ) -> Answer {
        let (tenant, feed, body) = match admitted {
            Ok(admitted) => admitted,
            Err(Denied::Refused) => {
                tracing::info!(alarm = "webhook_refused", %trace_id, "refused a webhook");
                return Answer::unauthorized(trace_id);
            }
            Err(Denied::Unavailable(error)) => return unavailable(&error, trace_id),
        };
        let (provider, chatwoot) = (Provider::Sandbox, feed.is_none());
        let provenance = Provenance { tenant, provider, feed, chatwoot, received_at: now, trace_id };
        match intake::store(&self.inbound, &provenance, body).await {
            Ok(()) => Answer::accepted(trace_id),
            Err(error) => unavailable(&error, trace_id),
        }
    }

    async fn shake_hands(
        &self,
        request: &Request<'_>,
        route: &Route<'_>,
        trace_id: Uuid,
        now: Millis,
    ) -> Answer {
        let tenant = route.tenant(self.single_tenant);
        let answer = handshake::answer(&self.credentials, tenant, request.query, now).await;
        handshake_answer(answer, trace_id)
    }
}

fn handshake_answer(answer: Result<String, Denied>, trace_id: Uuid) -> Answer {
    match answer {
        Ok(challenge) => Answer::challenge(challenge),
        Err(Denied::Refused) => Answer::handshake_refused(),
        Err(Denied::Unavailable(error)) => unavailable(&error, trace_id),
    }
}

/// Logs the whole chain, once, and answers that the provider should come again.
fn unavailable(error: &dyn std::error::Error, trace_id: Uuid) -> Answer {
    tracing::error!(%trace_id, error = %platform::telemetry::chain(error), "a webhook could not be taken");
    Answer::unavailable(trace_id)
}

/// A UUID v7 of this instant: it sorts with the event it names.
fn trace_id(now: Millis) -> Uuid {
    let mut random = [0; 10];
    // Without randomness the id is still of this millisecond; a webhook is not lost over it.
    getrandom::fill(&mut random).ok();
    uuid::Builder::from_unix_timestamp_millis(now.unix_ms(), &random).into_uuid()
}
