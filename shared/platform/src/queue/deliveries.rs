//! What is put into the deliveries queue: a delivery to try, or a receiver that missed something. What to send and
//! whether it is time is read from the table, so that a job that comes twice, late or out of order does no harm.

use domain::ids::{ContactId, DeliveryId, EndpointId, TenantId};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// The envelope's version. A dispatcher refuses what it does not know instead of guessing.
const VERSION: u8 = 1;

/// Something for the dispatcher to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum DeliveryJob {
    /// Try a delivery, if it is time.
    Deliver {
        /// Whose.
        tenant: TenantId,
        /// To whom.
        endpoint: EndpointId,
        /// Which.
        delivery: DeliveryId,
    },
    /// Carry over to Chatwoot what waits in a conversation.
    Chatwoot {
        /// Whose.
        tenant: TenantId,
        /// With whom.
        contact: ContactId,
    },
    /// Begin everything anew that a receiver did not take.
    Recover {
        /// Whose.
        tenant: TenantId,
        /// To whom.
        endpoint: EndpointId,
        /// Since when.
        since: Millis,
        /// Only what is older than this position is left to do; absent at the beginning.
        #[serde(default, with = "position")]
        before: Option<Ulid>,
    },
}

/// A position as text.
mod position {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use ulid::Ulid;

    pub(super) fn serialize<S: Serializer>(at: &Option<Ulid>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Ulid>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Ulid::from_string(&text).map_err(serde::de::Error::custom)).transpose()
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u8,
    #[serde(flatten)]
    job: DeliveryJob,
}

/// The text is no job of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a job of the deliveries queue: {0}")]
pub struct NotAJob(String);

impl DeliveryJob {
    /// Whose job it is.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        match self {
            Self::Deliver { tenant, .. } | Self::Recover { tenant, .. } | Self::Chatwoot { tenant, .. } => {
                *tenant
            }
        }
    }

    /// As it goes into the queue.
    #[must_use]
    pub fn encode(&self) -> String {
        // Ids, numbers and times always serialise.
        serde_json::to_string(&Wire { v: VERSION, job: *self }).unwrap_or_default()
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
        Ok(wire.job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    #[test]
    fn a_job_reads_back_and_nothing_else_does() {
        let tenant = TenantId::from_ulid(derived_ulid(1, &["t"]));
        let endpoint = EndpointId::from_ulid(derived_ulid(2, &["e"]));
        let delivery = DeliveryId::from_ulid(derived_ulid(3, &["d"]));
        let since = Millis::from_unix_ms(1_700_000_000_000);
        for job in [
            DeliveryJob::Deliver { tenant, endpoint, delivery },
            DeliveryJob::Chatwoot { tenant, contact: ContactId::from_ulid(derived_ulid(4, &["c"])) },
            DeliveryJob::Recover { tenant, endpoint, since, before: None },
            DeliveryJob::Recover { tenant, endpoint, since, before: Some(delivery.ulid()) },
        ] {
            assert_eq!(DeliveryJob::decode(&job.encode()), Ok(job));
            for other in ["", "{}", "null", &job.encode().replace("\"v\":1", "\"v\":2")] {
                assert!(DeliveryJob::decode(other).is_err(), "{other}");
            }
        }
    }
}
