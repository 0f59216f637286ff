//! From an operation's name and JSON body to the engine's typed call.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Runs one operation on a JSON body.
pub(super) type Run = fn(&Database, &[u8]) -> Result<String, DynoxideError>;

macro_rules! operations {
    ($given:expr, $($name:literal => $method:ident),+ $(,)?) => {
        match $given {
            $($name => Some(|database, body| write(&database.$method(read(body)?)?)),)+
            _ => None,
        }
    };
}

/// The engine's call for an operation; `None` for one it does not have.
pub(super) fn operation(name: &str) -> Option<Run> {
    operations!(name,
        "CreateTable" => create_table,
        "DeleteTable" => delete_table,
        "DescribeTable" => describe_table,
        "ListTables" => list_tables,
        "UpdateTable" => update_table,
        "PutItem" => put_item,
        "GetItem" => get_item,
        "DeleteItem" => delete_item,
        "UpdateItem" => update_item,
        "Query" => query,
        "Scan" => scan,
        "BatchGetItem" => batch_get_item,
        "BatchWriteItem" => batch_write_item,
        "TransactWriteItems" => transact_write_items,
        "TransactGetItems" => transact_get_items,
        "ListStreams" => list_streams,
        "DescribeStream" => describe_stream,
        "GetShardIterator" => get_shard_iterator,
        "GetRecords" => get_records,
        "UpdateTimeToLive" => update_time_to_live,
        "DescribeTimeToLive" => describe_time_to_live,
        "ExecuteStatement" => execute_statement,
        "ExecuteTransaction" => execute_transaction,
        "BatchExecuteStatement" => batch_execute_statement,
        "TagResource" => tag_resource,
        "UntagResource" => untag_resource,
        "ListTagsOfResource" => list_tags_of_resource,
    )
}

/// The service wraps request validation of the three single writes in an envelope, and only there.
pub(super) fn worded_for(operation: &str, error: DynoxideError) -> DynoxideError {
    match (operation, error) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        (_, DynoxideError::EnvelopedValidation(message)) => DynoxideError::ValidationException(message),
        ("ExecuteStatement", DynoxideError::ConditionalCheckFailedException(message, Some(item))) => {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        (_, error) => error,
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| misread(&error.to_string()))
}

fn write<T: Serialize>(response: &T) -> Result<String, DynoxideError> {
    serde_json::to_string(response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The engine's request types say in a prefix of their message which error a bad value is.
fn misread(message: &str) -> DynoxideError {
    let plain = message.split(" at line ").next().unwrap_or(message);
    for (marker, kind) in [
        ("SERIALIZATION_AS_READ:", DynoxideError::SerializationException as fn(String) -> DynoxideError),
        ("SERIALIZATION:", DynoxideError::SerializationException),
        ("VALIDATION_AS_READ:", DynoxideError::ValidationException),
        ("VALIDATION_REQUEST:", DynoxideError::EnvelopedValidation),
        ("VALIDATION:", DynoxideError::ValidationException),
    ] {
        if let Some(worded) = plain.strip_prefix(marker) {
            return kind(worded.to_owned());
        }
    }
    if plain.contains("empty AttributeValue") {
        return DynoxideError::ValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
                .to_owned(),
        );
    }
    let validation = ["missing field", "unknown variant", "invalid type: null", "Supplied AttributeValue"];
    if validation.iter().any(|part| plain.contains(part)) {
        DynoxideError::ValidationException(plain.to_owned())
    } else {
        DynoxideError::SerializationException(plain.to_owned())
    }
}
