//! What is put into the outbound queue: a conversation that has something to send. Which message goes next is read
//! from its lane, so that a job that comes twice, late or out of order does no harm.

use domain::ids::{ContactId, TenantId};
use serde::{Deserialize, Serialize};

/// The envelope's version. A sender refuses what it does not know instead of guessing.
const VERSION: u8 = 1;

/// A conversation whose lane is to be emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneJob {
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
#[error("not a job of the outbound queue: {0}")]
pub struct NotAJob(String);

impl LaneJob {
    /// As it goes into the queue.
    #[must_use]
    pub fn encode(&self) -> String {
        let wire = Wire { v: VERSION, tenant: self.tenant, contact: self.contact };
        // Two ids and a number always serialise.
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads it back.
    ///
    /// # Errors
    /// Another text, or another version.
    pub fn decode(text: &str) -> Result<Self, NotAJob> {
        let wire: Wire = serde_json::from_str(text).map_err(|error| NotAJob(error.to_string()))?;
        if wire.v != VERSION {
            return Err(NotAJob(format!("version {}", wire.v)));
        }
        Ok(Self { tenant: wire.tenant, contact: wire.contact })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    #[test]
    fn a_job_reads_back_and_nothing_else_does() {
        let job = LaneJob {
            tenant: TenantId::from_ulid(derived_ulid(1, &["t"])),
            contact: ContactId::from_ulid(derived_ulid(2, &["c"])),
        };
        assert_eq!(LaneJob::decode(&job.encode()), Ok(job));
        for other in ["", "{}", "null", &job.encode().replace("\"v\":1", "\"v\":2")] {
            assert!(LaneJob::decode(other).is_err(), "{other}");
        }
    }
}
