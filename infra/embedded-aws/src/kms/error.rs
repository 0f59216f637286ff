//! The errors of KMS as the service types them.

use http::StatusCode;

use crate::protocol::ApiError;

pub(super) fn not_found(message: String) -> ApiError {
    ApiError::new("NotFoundException", message)
}

pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

pub(super) fn missing(member: &str) -> ApiError {
    validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

pub(super) fn invalid_ciphertext() -> ApiError {
    ApiError::new("InvalidCiphertextException", "")
}

pub(super) fn incorrect_key() -> ApiError {
    ApiError::new(
        "IncorrectKeyException",
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )
}

pub(super) fn disabled(arn: &str) -> ApiError {
    ApiError::new("DisabledException", format!("{arn} is disabled."))
}

pub(super) fn invalid_state(arn: &str, state: &str) -> ApiError {
    ApiError::new("KMSInvalidStateException", format!("{arn} is {state}."))
}

pub(super) fn invalid_usage(arn: &str, usage: &str, operation: &str) -> ApiError {
    let message = format!("{arn} key usage is {usage} which is not valid for {operation}.");
    ApiError::new("InvalidKeyUsageException", message)
}

pub(super) fn invalid_mac() -> ApiError {
    ApiError::new("KMSInvalidMacException", "")
}

pub(super) fn unsupported(message: impl Into<String>) -> ApiError {
    ApiError::new("UnsupportedOperationException", message)
}

pub(super) fn internal(message: &str) -> ApiError {
    ApiError::new("KMSInternalException", message).status(StatusCode::INTERNAL_SERVER_ERROR)
}
