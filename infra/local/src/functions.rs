//! The functions, in this process: each with its own configuration, client and caches, as Lambda would run it.

use crate::envelope::Problem;
use crate::invocations::{Ended, Invocations};
use crate::options::StartError;
use crate::source::Environment;
use crate::template;
use assistant::Assistant;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crm::sweep::Swept;
use dispatcher::Dispatcher;
use http::{HeaderValue, Request, StatusCode};
use platform::Platform;
use platform::bucket::Bucket;
use platform::clock::SharedClock;
use platform::config::Config;
use platform::courier::Courier;
use platform::dynamo::StoreError;
use platform::transport::Transport;
use processor::Processor;
use sender::Sender;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// A function that runs here.
#[derive(Debug)]
pub(crate) struct Function {
    /// The name of its binary.
    pub(crate) name: String,
    /// The longest an invocation may take.
    pub(crate) timeout: Duration,
    code: Code,
}

#[derive(Debug)]
enum Code {
    Webhook(Arc<webhook::Webhook>),
    Api(Router),
    Processor(Platform, Transport),
    Sender(Platform, Transport, Bucket),
    Dispatcher(Platform, Courier),
    Assistant(Platform, Courier),
    Sweeper(Platform, Transport, Bucket),
}

impl Function {
    /// Starts the function that the template describes; `test_key` is filled in where the API is tried out.
    pub(crate) fn start(
        described: &template::Function,
        config: &Config,
        clock: &SharedClock,
        test_key: Option<&str>,
    ) -> Result<Self, StartError> {
        let platform = || {
            Platform::new(config, clock.clone())
                .map_err(|error| StartError::set_up(format!("the function {}", described.id), &error))
        };
        let transport = || {
            Transport::new(config).map_err(|error| {
                let error = std::io::Error::other(error);
                StartError::set_up(format!("the function {}", described.id), &error)
            })
        };
        let courier = || {
            Courier::new(config).map_err(|error| {
                let error = std::io::Error::other(error);
                StartError::set_up(format!("the function {}", described.id), &error)
            })
        };
        let bucket = || {
            Bucket::new(config)
                .map_err(|error| StartError::set_up(format!("the function {}", described.id), &error))
        };
        let code = match described.binary.as_str() {
            "webhook" => Code::Webhook(Arc::new(webhook::Webhook::new(platform()?))),
            "conversations" => Code::Api(conversations::router(platform()?, transport()?, courier()?)),
            "leads" => Code::Api(leads::router(platform()?, transport()?)),
            "templates" => Code::Api(templates::router(platform()?, transport()?)),
            "media" => Code::Api(media::router(platform()?, bucket()?, transport()?)),
            "api-keys" => Code::Api(api_keys::router(platform()?)),
            "event-log" => Code::Api(event_log::router(platform()?)),
            "transfer" => Code::Api(transfer::router(platform()?, bucket()?)),
            "messages" => Code::Api(messages::router(platform()?, transport()?, courier()?)),
            "docs" => Code::Api(docs::router(test_key.map(str::to_owned))),
            "consents" => Code::Api(consents::router(platform()?)),
            "privacy" => Code::Api(privacy::router(platform()?)),
            "integrations" => {
                let settings = integrations::Settings::of(config);
                Code::Api(integrations::router(platform()?, transport()?, courier()?, settings))
            }
            "endpoints" => Code::Api(endpoints::router(platform()?, config.allow_loopback_endpoints)),
            "dispatcher" => Code::Dispatcher(platform()?, courier()?),
            "assistant" => Code::Assistant(platform()?, courier()?),
            "sender" => Code::Sender(platform()?, transport()?, bucket()?),
            "sweeper" => Code::Sweeper(platform()?, transport()?, bucket()?),
            "processor" => Code::Processor(platform()?, transport()?),
            other => {
                let problem = format!("{}: the local stack has no function {other}", described.id);
                return Err(StartError::Template(problem));
            }
        };
        Ok(Self { name: described.binary.clone(), timeout: described.timeout, code })
    }

    /// Answers an HTTP request.
    pub(crate) async fn answer(&self, request: Request<Bytes>, invocations: &Invocations) -> Response {
        let answered = match &self.code {
            Code::Webhook(webhook) => {
                let webhook = Arc::clone(webhook);
                invocations.run(&self.name, self.timeout, async move { post(&webhook, request).await }).await
            }
            Code::Api(router) => {
                let served = router.clone().oneshot(request.map(Body::from));
                let work = async move {
                    let Ok(response) = served.await;
                    response
                };
                invocations.run(&self.name, self.timeout, work).await
            }
            Code::Processor(..)
            | Code::Sender(..)
            | Code::Dispatcher(..)
            | Code::Assistant(..)
            | Code::Sweeper(..) => {
                return Problem::not_found().into_response();
            }
        };
        answered.unwrap_or_else(|ended| {
            tracing::warn!(function = %self.name, "an invocation of {} {ended}", self.name);
            match ended {
                Ended::TimedOut => {
                    Problem::unavailable("The function did not answer in time.").into_response()
                }
                Ended::Killed | Ended::Panicked => Problem::internal().into_response(),
            }
        })
    }

    /// What makes cold environments of a function that a queue feeds; `None` for every other function.
    pub(crate) fn environment(&self) -> Option<Box<dyn Fn() -> Environment + Send + Sync>> {
        match &self.code {
            Code::Processor(platform, transport) => {
                let (platform, transport) = (platform.clone(), transport.clone());
                Some(Box::new(move || {
                    let processor = Arc::new(Processor::new(platform.clone(), transport.clone()));
                    Arc::new(move |event| {
                        let processor = Arc::clone(&processor);
                        Box::pin(async move { processor.handle(event).await })
                    })
                }))
            }
            Code::Sender(platform, transport, bucket) => {
                let (platform, transport, bucket) = (platform.clone(), transport.clone(), bucket.clone());
                Some(Box::new(move || {
                    let sender = Arc::new(Sender::new(platform.clone(), transport.clone(), bucket.clone()));
                    Arc::new(move |event| {
                        let sender = Arc::clone(&sender);
                        Box::pin(async move { sender.handle(event).await })
                    })
                }))
            }
            Code::Dispatcher(platform, courier) => {
                let (platform, courier) = (platform.clone(), courier.clone());
                Some(Box::new(move || {
                    let dispatcher = Arc::new(Dispatcher::new(platform.clone(), courier.clone()));
                    Arc::new(move |event| {
                        let dispatcher = Arc::clone(&dispatcher);
                        Box::pin(async move { dispatcher.handle(event).await })
                    })
                }))
            }
            Code::Assistant(platform, courier) => {
                let (platform, courier) = (platform.clone(), courier.clone());
                Some(Box::new(move || {
                    let assistant = Arc::new(Assistant::new(platform.clone(), courier.clone()));
                    Arc::new(move |event| {
                        let assistant = Arc::clone(&assistant);
                        Box::pin(async move { assistant.handle(event).await })
                    })
                }))
            }
            Code::Webhook(_) | Code::Api(_) | Code::Sweeper(..) => None,
        }
    }

    /// Runs a sweep; `None` for every function but the sweeper.
    ///
    /// The owner of the lease is this stack, so that a sweep asked for by hand need not wait for the last one's lease.
    pub(crate) async fn sweep(
        &self,
        invocations: &Invocations,
    ) -> Option<Result<Result<Swept, StoreError>, Ended>> {
        let Code::Sweeper(platform, transport, bucket) = &self.code else { return None };
        let (platform, transport, bucket) = (platform.clone(), transport.clone(), bucket.clone());
        let work = async move { sweeper::sweep(&platform, &transport, &bucket, "local stack").await };
        Some(invocations.run(&self.name, self.timeout, work).await)
    }
}

/// The webhook has a request and an answer of its own: API Gateway's part is to translate.
async fn post(webhook: &webhook::Webhook, request: Request<Bytes>) -> Response {
    let (parts, body) = request.into_parts();
    let request = webhook::request::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: webhook::request::Headers::from_map(&parts.headers),
        body: Cow::Borrowed(&body),
    };
    let answer = webhook.handle(request).await;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        // A header that HTTP cannot carry would be refused by API Gateway as well.
        if let Ok(value) = HeaderValue::try_from(value.as_ref()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
