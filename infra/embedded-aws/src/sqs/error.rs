//! The errors of SQS as the service types them.

use crate::protocol::ApiError;

pub(super) fn no_such_queue() -> ApiError {
    ApiError::sqs(
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "The specified queue does not exist.",
    )
}

pub(super) fn queue_exists(attribute: &str) -> ApiError {
    ApiError::sqs(
        "QueueNameExists",
        "QueueAlreadyExists",
        format!("A queue already exists with the same name and a different value for attribute {attribute}"),
    )
}

pub(super) fn unsupported(message: &str) -> ApiError {
    ApiError::sqs("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", message)
}

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    coral("InvalidParameterValueException", "InvalidParameterValue", message)
}

pub(super) fn missing(parameter: &str) -> ApiError {
    coral(
        "MissingRequiredParameterException",
        "MissingParameter",
        format!("The request must contain the parameter {parameter}."),
    )
}

pub(super) fn invalid_attribute_name(name: &str) -> ApiError {
    ApiError::sqs("InvalidAttributeName", "InvalidAttributeName", format!("Unknown Attribute {name}."))
}

pub(super) fn invalid_attribute_value(name: &str) -> ApiError {
    ApiError::sqs(
        "InvalidAttributeValue",
        "InvalidAttributeValue",
        format!("Invalid value for the parameter {name}."),
    )
}

pub(super) fn invalid_contents(character: char) -> ApiError {
    ApiError::sqs(
        "InvalidMessageContents",
        "InvalidMessageContents",
        format!(
            "Invalid binary character '#x{:X}' was found in the message body, the set of allowed characters is \
             #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
            u32::from(character)
        ),
    )
}

pub(super) fn bad_receipt_handle() -> ApiError {
    ApiError::sqs("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
}

pub(super) fn not_in_flight(handle: &str) -> ApiError {
    invalid(format!(
        "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available \
         for visibility timeout change."
    ))
}

pub(super) fn batch(shape: &str, message: impl Into<String>) -> ApiError {
    let query = match shape {
        "EmptyBatchRequest" => "AWS.SimpleQueueService.EmptyBatchRequest",
        "TooManyEntriesInBatchRequest" => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "BatchEntryIdsNotDistinct" => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "InvalidBatchEntryId" => "AWS.SimpleQueueService.InvalidBatchEntryId",
        _ => "AWS.SimpleQueueService.BatchRequestTooLong",
    };
    ApiError::sqs(shape, query, message)
}

pub(super) fn resource_not_found(message: &str) -> ApiError {
    ApiError::sqs("ResourceNotFoundException", "ResourceNotFoundException", message)
}

fn coral(shape: &str, query: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::coral(shape, query, message)
}
