//! Where the first touch of a lead stands, as the API shows it.

use super::plan::Why;
use crate::read::{self, Lead};
use domain::ids::{LeadId, MessageId, TenantId};
use domain::outbound::SendState;
use domain::time::Millis;
use platform::dynamo::{Store, StoreError, TouchState};
use serde::Serialize;

/// Where the first touch of a lead stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FirstTouch))]
pub struct FirstTouchView {
    /// `planned` (it is about to be looked at), `waiting` (something is in the way), or where its message stands: `held`,
    /// `queued`, `sending`, `sent`, `failed`, `uncertain`, `discarded`.
    pub state: &'static str,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// When it is released by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Millis>,
    /// When it goes at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Millis>,
    /// The code of what is in the way, or of what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What would make it possible.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub would_help: Vec<String>,
}

/// A lead with its first touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeadDetail {
    /// The lead.
    #[serde(flatten)]
    pub lead: Lead,
    /// Its first touch; `null` for a lead that gets none.
    pub first_touch: Option<FirstTouchView>,
}

/// One lead with its first touch; `None` when there is no such lead.
///
/// # Errors
/// The table did not answer.
pub async fn lead_detail(
    store: &Store,
    tenant: TenantId,
    id: LeadId,
    now: Millis,
) -> Result<Option<LeadDetail>, StoreError> {
    let Some(lead) = read::lead(store, tenant, id, now).await? else { return Ok(None) };
    let first_touch = view(store, tenant, lead.id).await?;
    Ok(Some(LeadDetail { lead, first_touch }))
}

async fn view(store: &Store, tenant: TenantId, lead: LeadId) -> Result<Option<FirstTouchView>, StoreError> {
    let Some(touch) = store.touch(tenant, lead).await? else { return Ok(None) };
    let nothing = FirstTouchView {
        state: "planned",
        message_id: None,
        release_at: None,
        not_before: None,
        reason: None,
        message: None,
        would_help: Vec::new(),
    };
    let record = match touch.message {
        Some(message) if touch.state == TouchState::Drafted => store.send(tenant, message).await?,
        Some(_) | None => None,
    };
    let Some(record) = record else {
        let why = touch.why.as_deref().and_then(|json| serde_json::from_str::<Why>(json).ok());
        return Ok(Some(match why {
            None => nothing,
            Some(why) => FirstTouchView {
                state: "waiting",
                reason: Some(why.code),
                message: Some(why.message),
                would_help: why.helps,
                ..nothing
            },
        }));
    };
    let waits = matches!(record.state, SendState::Held | SendState::Queued);
    Ok(Some(FirstTouchView {
        state: match record.state {
            SendState::Cancelled => "discarded",
            state => state.as_str(),
        },
        message_id: Some(record.id),
        release_at: record.release_at.filter(|_| record.state == SendState::Held),
        not_before: record.not_before.filter(|_| waits),
        reason: record.failure.as_ref().map(|failure| failure.code.clone()),
        message: record.failure.map(|failure| failure.message),
        would_help: Vec::new(),
    }))
}
