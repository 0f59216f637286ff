//! The front door: names the call, asks the faults, hands it to its service.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, Request, StatusCode, request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use serde_json::Value;

use crate::EmbeddedAws;
use crate::faults::{Call, Effect, Service};
use crate::protocol::{self, Answer, Api, ApiError};
use crate::s3;

/// DynamoDB takes 16 MB, the others less.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// How long a call that is never answered holds its connection.
const SILENCE: Duration = Duration::from_secs(120);

/// How a fault rule has a call answered that it keeps from its service.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Failed(StatusCode),
    Throttled,
}

/// The connection must be closed without an answer. A hyper service that returns this as its error does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed without an answer, as a fault rule says")]
pub struct ConnectionDropped;

impl EmbeddedAws {
    /// Serves one request. `Err` means: close the connection without answering (a fault rule's doing), which
    /// a
    /// hyper service does by returning the error; an axum handler cannot, so give it a listener of its own
    /// with
    /// [`EmbeddedAws::serve`].
    pub async fn handle<B>(&self, request: Request<B>) -> Result<Answer, ConnectionDropped>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let to_s3 = s3::is_meant(&parts);
        let limit = if to_s3 { s3::MAX_BODY } else { MAX_BODY };
        let Ok(body) = Limited::new(body, limit).collect().await else {
            if to_s3 {
                return Ok(s3::too_large());
            }
            let error =
                ApiError::new("RequestEntityTooLarge", "The request body is too large or was cut off.");
            return Ok(error.status(StatusCode::PAYLOAD_TOO_LARGE).answer(None));
        };
        let body = body.to_bytes();
        if to_s3 {
            return self.serve_s3(&parts, body).await;
        }
        match named(&parts) {
            Ok((api, operation)) => self.serve_call(api, operation, &parts.headers, body).await,
            Err(error) => Ok(error.answer(None)),
        }
    }

    async fn serve_s3(&self, parts: &request::Parts, body: Bytes) -> Result<Answer, ConnectionDropped> {
        let named = match self.s3().named(parts) {
            Ok(named) => named,
            Err(refused) => return Ok(*refused),
        };
        let (operation, buckets) = (named.operation(), [named.bucket().to_owned()]);
        let call = Call {
            service: Service::S3,
            operation,
            tables: &buckets,
            body: &body,
            caller: caller(&parts.headers),
        };
        let refused = |refusal| match refusal {
            Refusal::Failed(status) => s3::failed(status),
            Refusal::Throttled => s3::throttled(),
        };
        self.under_faults(&call, refused, self.s3().call(named, parts, body.clone())).await
    }

    async fn serve_call(
        &self,
        api: Api,
        operation: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Answer, ConnectionDropped> {
        if !self.faults().is_armed() {
            let (service, caller) = (api.into(), caller(headers));
            self.counted().count(&Call { service, operation, tables: &[], body: &[], caller });
            return Ok(self.dispatch(api, operation, headers, body).await);
        }
        let tables = touched(api, &body);
        let call =
            Call { service: api.into(), operation, tables: &tables, body: &body, caller: caller(headers) };
        let refused = |refusal| match refusal {
            Refusal::Failed(status) => api.failed(status).answer(Some(api)),
            Refusal::Throttled => api.throttled().answer(Some(api)),
        };
        self.under_faults(&call, refused, self.dispatch(api, operation, headers, body.clone())).await
    }

    /// Serves a call as the fault rules say; what is not awaited has no effect.
    async fn under_faults(
        &self,
        call: &Call<'_>,
        refused: impl Fn(Refusal) -> Answer,
        served: impl Future<Output = Answer>,
    ) -> Result<Answer, ConnectionDropped> {
        self.counted().count(call);
        let verdict = self.faults().decide(call);
        if !verdict.delay.is_zero() {
            tokio::time::sleep(verdict.delay).await;
        }
        match verdict.effect {
            None => Ok(served.await),
            Some(Effect::Error { status }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Ok(refused(Refusal::Failed(status)))
            }
            Some(Effect::Throttle) => Ok(refused(Refusal::Throttled)),
            Some(Effect::Timeout) => {
                tokio::time::sleep(SILENCE).await;
                Err(ConnectionDropped)
            }
            Some(Effect::DropBefore) => Err(ConnectionDropped),
            Some(Effect::DropAfter) => {
                served.await;
                Err(ConnectionDropped)
            }
            Some(Effect::CrashAfter) => {
                served.await;
                self.faults().crash(call.caller);
                Err(ConnectionDropped)
            }
        }
    }

    async fn dispatch(&self, api: Api, operation: &str, headers: &HeaderMap, body: Bytes) -> Answer {
        let outcome = match api {
            Api::DynamoDb => return self.dynamo().call(operation, body).await,
            Api::Sqs => self.sqs().call(operation, &body, host(headers)).await,
            Api::Kms => self.kms().call(operation, &body),
            Api::Secrets => self.secrets().call(operation, &body),
        };
        match outcome {
            Ok(value) => protocol::success(api, &value),
            Err(error) => error.answer(Some(api)),
        }
    }
}

/// The service and operation of a request; signatures are not verified, but must be there.
fn named(parts: &request::Parts) -> Result<(Api, &str), ApiError> {
    let presigned = parts.uri.query().is_some_and(|query| query.contains("X-Amz-Signature"));
    if !parts.headers.contains_key(AUTHORIZATION) && !presigned {
        let error = ApiError::new("MissingAuthenticationTokenException", "Missing Authentication Token");
        return Err(error.status(StatusCode::FORBIDDEN));
    }
    let Some(target) = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()) else {
        let form = parts
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form"));
        let hint = if form { " (the query protocol; use a client that speaks AWS JSON)" } else { "" };
        return Err(ApiError::unknown_operation(&format!("{} {}{hint}", parts.method, parts.uri.path())));
    };
    Api::from_target(target).ok_or_else(|| ApiError::unknown_operation(target))
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost")
}

/// The function's name in `User-Agent: ... hadar/<function> ...`.
fn caller(headers: &HeaderMap) -> Option<&str> {
    let agent = headers.get(USER_AGENT)?.to_str().ok()?;
    agent.split_ascii_whitespace().find_map(|product| product.strip_prefix("hadar/"))
}

/// The tables a DynamoDB body names, or the queue of an SQS body.
fn touched(api: Api, body: &[u8]) -> Vec<String> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if api == Api::Sqs {
        let url = text(body.get("QueueUrl").or_else(|| body.get("QueueName")));
        return url.iter().filter_map(|url| url.rsplit('/').next()).map(str::to_owned).collect();
    }
    let mut tables: Vec<String> = text(body.get("TableName")).into_iter().collect();
    if let Some(requests) = body.get("RequestItems").and_then(Value::as_object) {
        tables.extend(requests.keys().cloned());
    }
    for item in body.get("TransactItems").and_then(Value::as_array).into_iter().flatten() {
        tables.extend(
            item.as_object().into_iter().flatten().filter_map(|(_, part)| text(part.get("TableName"))),
        );
    }
    tables
}

impl From<Api> for Service {
    fn from(api: Api) -> Self {
        match api {
            Api::DynamoDb => Self::DynamoDb,
            Api::Sqs => Self::Sqs,
            Api::Kms => Self::Kms,
            Api::Secrets => Self::SecretsManager,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_touches_every_table_it_names() {
        let body = br#"{"TransactItems":[{"Put":{"TableName":"crm"}},{"Update":{"TableName":"consents"}}]}"#;
        assert_eq!(touched(Api::DynamoDb, body), ["crm", "consents"]);
        assert_eq!(touched(Api::DynamoDb, br#"{"RequestItems":{"ephemeral":[]}}"#), ["ephemeral"]);
        assert_eq!(touched(Api::Sqs, br#"{"QueueUrl":"http://x/000000000000/inbound"}"#), ["inbound"]);
    }

    #[test]
    fn the_caller_is_a_product_of_the_user_agent() {
        let mut headers = HeaderMap::new();
        assert_eq!(caller(&headers), None);
        headers.insert(USER_AGENT, "aws-thin/1 hadar/sender".parse().unwrap());
        assert_eq!(caller(&headers), Some("sender"));
    }
}
