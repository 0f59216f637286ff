//! From a verified webhook body to conversations, receipts and leads.
//!
//! Every step is keyed by its event and safe to run again; a delivery runs all of them and is acknowledged last. So a
//! crash anywhere costs a redelivery and nothing else, and order does not matter.

mod consents;
mod contact;
mod escalate;
mod events;
mod health;
mod templates;
mod tenants;

pub(crate) use contact::{of_identity as contact_of_identity, of_phone as contact_of_phone};

use crate::events::Emitter;
use domain::ids::TenantId;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use futures_util::StreamExt as _;
use platform::Platform;
use platform::dynamo::StoreError;
use tenants::TenantCache;
use uuid::Uuid;

/// How many events of one body are worked on at a time: a body may hold 1,000, and each is a few round trips.
const AT_A_TIME: usize = 8;

/// How many reasons a parked body lists before it only counts.
const REASONS_SHOWN: usize = 5;

/// One verified webhook body.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Whose, by the verified route.
    pub tenant: TenantId,
    /// Who sent it.
    pub provider: Provider,
    /// How it proved where it came from.
    pub auth_strength: AuthStrength,
    /// When it was received.
    pub received_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The bytes.
    pub body: &'a [u8],
}

/// A delivery did not simply apply. Whatever of it could be applied was.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Trying again later may help.
    #[error("{reason}")]
    Transient {
        /// In words for an admin.
        reason: String,
    },
    /// Only a person can help.
    #[error("{reason}")]
    Permanent {
        /// In words for an admin.
        reason: String,
    },
    /// It is about somebody who was erased after it happened: nothing of it is kept.
    #[error("it is about somebody who was erased since")]
    Erased,
}

impl From<StoreError> for IngestError {
    fn from(error: StoreError) -> Self {
        let reason = platform::telemetry::chain(&error);
        if error.is_transient() { Self::Transient { reason } } else { Self::Permanent { reason } }
    }
}

/// Applies webhook bodies. One per process: it remembers tenants for a minute.
#[derive(Debug)]
pub struct Ingest {
    platform: Platform,
    tenants: TenantCache,
}

impl Ingest {
    /// Wires the use case; no I/O.
    #[must_use]
    pub fn new(platform: Platform) -> Self {
        Self { platform, tenants: TenantCache::default() }
    }

    /// Applies everything a body reports. Safe to call again with the same body, at any time, at the same time.
    ///
    /// # Errors
    /// What could not be applied, after everything that could was; a passing reason wins over a lasting one, because
    /// trying again finds the lasting one again.
    pub async fn apply(&self, delivery: Delivery<'_>, now: Millis) -> Result<(), IngestError> {
        let parsed = providers::parse(delivery.provider, delivery.body)
            .map_err(|error| IngestError::Permanent { reason: error.to_string() })?;
        let accounts = parsed.events.iter().map(|event| &event.account);
        let (tenant, provider) = (delivery.tenant, delivery.provider);
        let facts = self.tenants.get(&self.platform, tenant, provider, accounts, now).await?;
        let emitter = Emitter {
            platform: &self.platform,
            tenant: delivery.tenant,
            receivers: &facts.receivers,
            trace_id: delivery.trace_id,
            now,
        };
        let context = events::Context { store: &self.platform.store, delivery, facts: &facts, emitter, now };
        let steps: Vec<_> = parsed.events.iter().map(|event| context.apply(event)).collect();
        let results: Vec<Result<(), IngestError>> =
            futures_util::stream::iter(steps).buffer_unordered(AT_A_TIME).collect().await;
        let mut reasons: Vec<String> =
            parsed.unreadable.iter().map(|part| format!("{}: {}", part.path, part.reason)).collect();
        for result in results {
            match result {
                Ok(()) | Err(IngestError::Erased) => {}
                Err(transient @ IngestError::Transient { .. }) => return Err(transient),
                Err(IngestError::Permanent { reason }) => reasons.push(reason),
            }
        }
        if reasons.is_empty() { Ok(()) } else { Err(IngestError::Permanent { reason: summary(&reasons) }) }
    }
}

fn summary(reasons: &[String]) -> String {
    let shown = reasons.iter().take(REASONS_SHOWN).cloned().collect::<Vec<_>>().join("; ");
    let rest = reasons.len().saturating_sub(REASONS_SHOWN);
    if rest == 0 { shown } else { format!("{shown}; and {rest} more") }
}
