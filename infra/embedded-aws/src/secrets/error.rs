//! The errors of Secrets Manager as the service types them.

use crate::protocol::ApiError;

pub(super) fn no_secret() -> ApiError {
    ApiError::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

pub(super) fn no_value(what: &str) -> ApiError {
    ApiError::new(
        "ResourceNotFoundException",
        format!("Secrets Manager can't find the specified secret value for {what}"),
    )
}

pub(super) fn exists(message: impl Into<String>) -> ApiError {
    ApiError::new("ResourceExistsException", message)
}

pub(super) fn request(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidRequestException", message)
}

pub(super) fn parameter(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterException", message)
}
