//! What is put into the assistant's queue: a conversation in which a customer waits. Which message and whether it is time
//! is read from the table, so that a job that comes twice, late or out of order does no harm.

use domain::ids::{ContactId, TenantId};
use serde::{Deserialize, Serialize};

/// The envelope's version. An assistant refuses what it does not know instead of guessing.
const VERSION: u8 = 1;

/// A conversation in which a customer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssistantJob {
    /// Whose.
    pub tenant: TenantId,
    /// With whom.
    pub contact: ContactId,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    tenant: TenantId,
    contact: ContactId,
}

/// The text is no job of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a job of the assistant's queue: {0}")]
pub struct NotAJob(String);

impl AssistantJob {
    /// As it goes into the queue.
    #[must_use]
    pub fn encode(&self) -> String {
        // Ids always serialise.
        let Self { tenant, contact } = *self;
        serde_json::to_string(&Wire { v: VERSION, tenant, contact }).unwrap_or_default()
    }

    /// Reads it back.
    ///
    /// # Errors
    /// Another text, or another version.
    pub fn decode(text: &str) -> Result<Self, NotAJob> {
        let Wire { v, tenant, contact } =
            serde_json::from_str(text).map_err(|error| NotAJob(error.to_string()))?;
        if v != VERSION {
            return Err(NotAJob(format!("version {v}")));
        }
        Ok(Self { tenant, contact })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    #[test]
    fn a_job_reads_back_and_nothing_else_does() {
        let job = AssistantJob {
            tenant: TenantId::from_ulid(derived_ulid(1, &["t"])),
            contact: ContactId::from_ulid(derived_ulid(2, &["c"])),
        };
        assert_eq!(AssistantJob::decode(&job.encode()), Ok(job));
        for other in ["", "{}", "null", &job.encode().replace("\"v\":1", "\"v\":2")] {
            assert!(AssistantJob::decode(other).is_err(), "{other}");
        }
    }
}
