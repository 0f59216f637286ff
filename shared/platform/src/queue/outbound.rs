//! What is put into the outbound queue: a conversation that has something to send. Which message goes next is read
//! from its lane, so that a job that comes twice, late or out of order does no harm.

use domain::ids::{ContactId, LeadId, MessageId, TenantId};
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

/// A job: a conversation whose lane is to be emptied, and what must be done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboundJob {
    /// The conversation.
    pub lane: LaneJob,
    /// What comes first.
    pub first: Option<Errand>,
}

/// What must be done before a lane is emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// A lead is to be first written to.
    Touch(LeadId),
    /// A held message's time has come.
    Release(MessageId),
}

/// A sender that knows no errands empties the lane alone; the sweeper finds the rest.
#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    tenant: TenantId,
    contact: ContactId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    touch: Option<LeadId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<MessageId>,
}

/// The text is no job of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a job of the outbound queue: {0}")]
pub struct NotAJob(String);

impl OutboundJob {
    /// As it goes into the queue.
    #[must_use]
    pub fn encode(&self) -> String {
        let (touch, release) = match self.first {
            Some(Errand::Touch(lead)) => (Some(lead), None),
            Some(Errand::Release(message)) => (None, Some(message)),
            None => (None, None),
        };
        let LaneJob { tenant, contact } = self.lane;
        let wire = Wire { v: VERSION, tenant, contact, touch, release };
        // Ids and a number always serialise.
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
        let lane = LaneJob { tenant: wire.tenant, contact: wire.contact };
        let first = wire.touch.map(Errand::Touch).or(wire.release.map(Errand::Release));
        Ok(Self { lane, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    #[test]
    fn a_job_reads_back_and_nothing_else_does() {
        let ulid = derived_ulid(1, &["t"]);
        let lane = LaneJob { tenant: TenantId::from_ulid(ulid), contact: ContactId::from_ulid(ulid) };
        let (lead, message) = (LeadId::from_ulid(ulid), MessageId::from_ulid(ulid));
        for first in [None, Some(Errand::Touch(lead)), Some(Errand::Release(message))] {
            let job = OutboundJob { lane, first };
            assert_eq!(OutboundJob::decode(&job.encode()), Ok(job));
        }
        let job = OutboundJob { lane, first: None };
        assert!(!job.encode().contains("touch"), "as it was before there were errands");
        for other in ["", "{}", "null", &job.encode().replace("\"v\":1", "\"v\":2")] {
            assert!(OutboundJob::decode(other).is_err(), "{other}");
        }
    }
}
