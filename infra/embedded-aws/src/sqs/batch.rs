//! What all batches share: their shape is checked first, then every entry succeeds or fails alone.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::error;
use crate::protocol::ApiError;

const MAX_ENTRIES: usize = 10;

/// Checks the entries as a whole.
pub(super) fn check<E>(
    entries: Option<Vec<E>>,
    shape: &str,
    id: impl Fn(&E) -> &str,
) -> Result<Vec<E>, ApiError> {
    let entries = entries.unwrap_or_default();
    if entries.is_empty() {
        let message = format!("There should be at least one {shape}RequestEntry in the request.");
        return Err(error::batch("EmptyBatchRequest", message));
    }
    if entries.len() > MAX_ENTRIES {
        let message = format!(
            "Maximum number of entries per request are {MAX_ENTRIES}. You have sent {}.",
            entries.len()
        );
        return Err(error::batch("TooManyEntriesInBatchRequest", message));
    }
    let mut seen = HashSet::new();
    for entry in &entries {
        let id = id(entry);
        let well_formed = !id.is_empty()
            && id.len() <= 80
            && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !well_formed {
            let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It \
                           can be at most 80 letters long.";
            return Err(error::batch("InvalidBatchEntryId", message));
        }
        if !seen.insert(id) {
            return Err(error::batch("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
        }
    }
    Ok(entries)
}

/// The answer of a batch, entry by entry.
#[derive(Default)]
pub(super) struct Outcomes {
    successful: Vec<Value>,
    failed: Vec<Value>,
}

impl Outcomes {
    pub(super) fn add(&mut self, id: &str, outcome: Result<Value, ApiError>) {
        match outcome {
            Ok(mut entry) => {
                if let Some(fields) = entry.as_object_mut() {
                    fields.insert("Id".to_owned(), json!(id));
                }
                self.successful.push(entry);
            }
            Err(error) => self.failed.push(json!({
                "Id": id,
                "SenderFault": error.is_sender_fault(),
                "Code": error.batch_code(),
                "Message": error.message(),
            })),
        }
    }

    /// Lists that are empty are left out, as the service does.
    pub(super) fn answer(self) -> Value {
        let mut answer = serde_json::Map::new();
        if !self.successful.is_empty() {
            answer.insert("Successful".to_owned(), Value::Array(self.successful));
        }
        if !self.failed.is_empty() {
            answer.insert("Failed".to_owned(), Value::Array(self.failed));
        }
        Value::Object(answer)
    }
}
