//! The AWS JSON wire protocols: what a request names, and how answers and errors look.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A complete answer.
pub(crate) type Answer = Response<Full<Bytes>>;

/// A service behind the one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    DynamoDb,
    Sqs,
    Kms,
    Secrets,
}

impl Api {
    /// Splits `X-Amz-Target` into the service and its operation.
    pub(crate) fn from_target(target: &str) -> Option<(Self, &str)> {
        let (service, operation) = target.split_once('.')?;
        let api = match service {
            "DynamoDB_20120810" | "DynamoDBStreams_20120810" => Self::DynamoDb,
            "AmazonSQS" => Self::Sqs,
            "TrentService" => Self::Kms,
            "secretsmanager" => Self::Secrets,
            _ => return None,
        };
        Some((api, operation))
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::DynamoDb | Self::Sqs => "application/x-amz-json-1.0",
            Self::Kms | Self::Secrets => "application/x-amz-json-1.1",
        })
    }

    /// What this service answers when it throttles.
    pub(crate) fn throttled(self) -> ApiError {
        match self {
            Self::DynamoDb => ApiError::new(
                "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded. \
                 Consider increasing your provisioning level with the UpdateTable API.",
            ),
            Self::Sqs => ApiError::sqs("RequestThrottled", "RequestThrottled", "Request is throttled."),
            Self::Kms => ApiError::new(
                "ThrottlingException",
                "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
            ),
            Self::Secrets => ApiError::new("ThrottlingException", "Rate exceeded"),
        }
    }

    /// What this service answers when it fails inside.
    pub(crate) fn failed(self, status: StatusCode) -> ApiError {
        let (kind, message) = match self {
            Self::DynamoDb => {
                ("com.amazonaws.dynamodb.v20120810#InternalServerError", "Internal server error")
            }
            Self::Sqs => ("com.amazonaws.sqs#InternalFailure", "The request processing has failed."),
            Self::Kms => ("KMSInternalException", "The request was rejected because of an internal error."),
            Self::Secrets => ("InternalServiceError", "An error occurred on the server side."),
        };
        let error = ApiError::new(kind, message).status(status);
        if self == Self::Sqs { error.query("InternalFailure", "Receiver") } else { error }
    }
}

/// An error as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    kind: Cow<'static, str>,
    message: String,
    query: Option<(Cow<'static, str>, &'static str)>,
}

impl ApiError {
    /// A client error (HTTP 400) of this `__type`.
    pub(crate) fn new(kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: kind.into(), message: message.into(), query: None }
    }

    /// An SQS error with its older name from the query protocol, which SDKs read from `x-amzn-query-error`.
    pub(crate) fn sqs(shape: &str, query: &'static str, message: impl Into<String>) -> Self {
        Self::new(format!("com.amazonaws.sqs#{shape}"), message).query(query, "Sender")
    }

    /// An SQS error that the service's own model does not name.
    pub(crate) fn coral(shape: &str, query: &'static str, message: impl Into<String>) -> Self {
        Self::new(format!("com.amazon.coral.service#{shape}"), message).query(query, "Sender")
    }

    /// The answer to an operation that is not emulated: never a pretended success.
    pub(crate) fn unknown_operation(named: &str) -> Self {
        Self::new(
            "UnknownOperationException",
            format!("{named} is not emulated by the local stack; it was refused and nothing was done."),
        )
    }

    /// The answer to a body that is not the JSON the operation takes.
    pub(crate) fn serialization(cause: &impl std::fmt::Display) -> Self {
        Self::new("com.amazon.coral.service#SerializationException", cause.to_string())
    }

    /// A failure of the stack itself.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new("InternalFailure", message)
            .status(StatusCode::INTERNAL_SERVER_ERROR)
            .query("InternalFailure", "Receiver")
    }

    /// The same error with another HTTP status.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    fn query(mut self, code: impl Into<Cow<'static, str>>, fault: &'static str) -> Self {
        self.query = Some((code.into(), fault));
        self
    }

    /// The code a batch entry reports.
    pub(crate) fn batch_code(&self) -> &str {
        match &self.query {
            Some((code, _)) => code,
            None => &self.kind,
        }
    }

    /// Whether the caller is to blame.
    pub(crate) fn is_sender_fault(&self) -> bool {
        self.status.is_client_error()
    }

    /// The text for people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Writes the error as `api` writes its own.
    pub(crate) fn answer(&self, api: Option<Api>) -> Answer {
        let text = if api == Some(Api::Secrets) { "Message" } else { "message" };
        let body = json!({ "__type": self.kind, text: self.message }).to_string();
        let mut response = json_answer(api, self.status, body.into());
        if let Some((code, fault)) = &self.query
            && let Ok(value) = HeaderValue::from_str(&format!("{code};{fault}"))
        {
            response.headers_mut().insert("x-amzn-query-error", value);
        }
        response
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "the local stack's database refused an operation");
        Self::internal(format!("the local stack's database: {error}"))
    }
}

/// Reads an operation's input; an empty body counts as `{}`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ApiError::serialization(&error))
}

/// A success.
pub(crate) fn success(api: Api, body: &Value) -> Answer {
    json_answer(Some(api), StatusCode::OK, body.to_string().into())
}

/// An answer with the headers every AWS JSON service sends.
pub(crate) fn json_answer(api: Option<Api>, status: StatusCode, body: Bytes) -> Answer {
    let checksum = (api == Some(Api::DynamoDb)).then(|| crc32fast::hash(&body));
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        api.map_or(HeaderValue::from_static("application/x-amz-json-1.1"), Api::content_type),
    );
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if let Some(checksum) = checksum {
        headers.insert(HeaderName::from_static("x-amz-crc32"), HeaderValue::from(checksum));
    }
    response
}

/// A time as AWS JSON writes it: Unix seconds with a fraction.
pub(crate) fn epoch_seconds(ms: i64) -> Value {
    let whole = ms.div_euclid(1000);
    match ms.rem_euclid(1000) {
        0 => json!(whole),
        fraction => {
            // Three decimals survive a double until far beyond any date used here.
            serde_json::from_str(&format!("{whole}.{fraction:03}")).unwrap_or_else(|_| json!(whole))
        }
    }
}
