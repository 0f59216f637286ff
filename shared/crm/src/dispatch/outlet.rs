//! What the tenant's receivers are told while a message goes out.

use crate::chatwoot::{chatwoot_key, mirror, note};
use crate::events::{BrokenNumber, Emitter, Receiver, consent_changed, integration_broken, message_step};
use crate::send::Route;
use domain::failure::Failure;
use domain::ids::{TenantId, derived_ulid};
use domain::receipt::Receipt;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{ConsentRow, SendRecord, StoreError};

/// Tells about one message.
#[derive(Debug)]
pub(super) struct Outlet<'a> {
    pub(super) platform: &'a Platform,
    pub(super) tenant: TenantId,
    pub(super) record: &'a SendRecord,
    pub(super) receivers: Vec<Receiver>,
    /// Whether conversations are carried over to Chatwoot.
    pub(super) chatwoot: bool,
}

impl Outlet<'_> {
    fn emitter(&self, now: Millis) -> Emitter<'_> {
        Emitter {
            platform: self.platform,
            tenant: self.tenant,
            receivers: &self.receivers,
            trace_id: self.record.trace_id,
            now,
        }
    }

    /// The provider took it.
    pub(super) async fn sent(&self, now: Millis) -> Result<(), StoreError> {
        let Self { record, .. } = self;
        // What an agent wrote there is there.
        if self.chatwoot && record.key != Some(chatwoot_key()) {
            mirror(self.platform, self.tenant, record.contact, record.id, now).await?;
        }
        message_step(self.emitter(now), record.contact, record.id, Receipt::Sent, now, None).await
    }

    /// It will not be sent.
    pub(super) async fn failed(&self, failure: &Failure, now: Millis) -> Result<(), StoreError> {
        let Self { record, .. } = self;
        if self.chatwoot && record.key == Some(chatwoot_key()) {
            let text = format!("Not sent to the customer: {}", failure.message);
            let order = derived_ulid(record.id.ulid().timestamp_ms(), &[&record.id.to_string(), "failed"]);
            note(self.platform, self.tenant, record.contact, order, text, now).await?;
        }
        let emitter = self.emitter(now);
        message_step(emitter, record.contact, record.id, Receipt::Failed, now, Some(failure)).await
    }

    /// The provider says that its recipient withdrew.
    pub(super) async fn revoked(&self, row: &ConsentRow, now: Millis) -> Result<(), StoreError> {
        consent_changed(self.emitter(now), self.record.contact, row, None).await
    }

    /// Its number cannot be used until somebody repairs it.
    pub(super) async fn broken(&self, route: &Route, reason: &str, now: Millis) -> Result<(), StoreError> {
        let Some(integration) = &route.integration else { return Ok(()) };
        let broken = BrokenNumber {
            provider: route.provider,
            number: &route.number,
            status: "broken",
            broken_reason: reason,
        };
        integration_broken(self.emitter(now), &broken, integration.revision).await
    }
}
