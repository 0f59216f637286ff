//! Webhooks about templates move the templates we know; the event itself is kept either way.

use super::{Delivery, IngestError};
use crate::events::{Emitter, template_status};
use crate::templates::{Applied, SyncError, apply_change};
use domain::webhook::EventType;
use platform::dynamo::Told;
use providers::event::Event;
use providers::templates::{Changed, TemplateChange};

/// Applies a change and says what came of it, for the event log.
pub(super) async fn follow(
    emitter: Emitter<'_>,
    delivery: Delivery<'_>,
    event: &Event,
    change: &TemplateChange,
) -> Result<String, IngestError> {
    let received_at = delivery.received_at;
    let told = Told { event_at: event.notified_at.unwrap_or(received_at), received_at };
    let store = &emitter.platform.store;
    let applied =
        apply_change(store, delivery.tenant, delivery.provider, &event.account, change, told).await?;
    if let Changed::State { event, .. } = &change.changed {
        tell(emitter, delivery, change, told, event).await?;
    }
    let template = format!("the template `{}` in `{}`", change.name, change.language);
    let what = match &change.changed {
        Changed::State { event, .. } => format!("is reported as {event}"),
        Changed::Quality(quality) => format!("has the quality {quality}"),
        Changed::Category(_) => "has a new category".to_owned(),
        Changed::Words { .. } => "has new words".to_owned(),
    };
    Ok(match applied {
        Applied::Moved => format!("followed: {template} {what}"),
        Applied::Stale => format!("kept: {template} {what}, but something newer is known"),
        Applied::Nothing => format!("kept: {template} {what}"),
        Applied::Unknown => format!("kept: {template} {what}, but is not known here; a sync brings it"),
    })
}

/// Tells of the templates whose state is what this webhook said, also when an earlier delivery of it moved them.
async fn tell(
    emitter: Emitter<'_>,
    delivery: Delivery<'_>,
    change: &TemplateChange,
    told: Told,
    state: &str,
) -> Result<(), IngestError> {
    if !emitter.wants(EventType::TemplateStatus) {
        return Ok(());
    }
    for row in emitter.platform.store.templates_named(delivery.tenant, &change.name).await? {
        if row.template.language == change.language && row.heard.state == Some(told) {
            template_status(emitter, row.template.id, state, told.event_at).await?;
        }
    }
    Ok(())
}

impl From<SyncError> for IngestError {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Store(error) => error.into(),
            error @ (SyncError::NotConfigured
            | SyncError::Unusable { .. }
            | SyncError::Vault(_)
            | SyncError::Unreachable { .. }
            | SyncError::Refused { .. }
            | SyncError::Unreadable { .. }
            | SyncError::JustFailed
            | SyncError::Contended) => Self::Transient { reason: platform::telemetry::chain(&error) },
        }
    }
}
