//! What an operator does with a conversation: who answers, who works on it, read marks, the typing indicator.

use crate::credentials::{secret, sender};
use crate::desk::keeper;
use crate::read::{self, ConversationStatus, Facts, Family};
use domain::ids::{ConversationId, TenantId};
use domain::message::Direction;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Entry, Setting, StoreError};
use platform::telemetry::chain;
use platform::transport::Transport;
use providers::outbound::mark_read;
use serde::Serialize;
use ulid::Ulid;

/// How many of the newest messages are looked through for the customer's last one.
const LOOKED_AT: u32 = 50;

/// What an operator changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Who answers.
    pub status: Option<ConversationStatus>,
    /// Who works on it; an empty name is nobody.
    pub assignee: Option<String>,
    /// Everything up to now was read.
    pub read: bool,
    /// The customer sees that somebody types, for at most 25 seconds; marks as read as well.
    pub typing: bool,
}

/// Whether the customer was told that the messages were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReadReceipt {
    /// They were.
    Sent,
    /// The provider cannot, or there is nothing to tell.
    NotSupported,
    /// The provider did not take it; the inbox has its read mark all the same.
    Failed,
}

/// The conversation after the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ChangedConversation))]
pub struct Changed {
    /// The conversation.
    #[serde(flatten)]
    pub conversation: read::Conversation,
    /// What became of the read receipt, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_receipt: Option<ReadReceipt>,
}

/// Changes a conversation; `None` when there is no such conversation.
///
/// # Errors
/// The table did not answer.
pub async fn change(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    id: ConversationId,
    change: &Change,
    now: Millis,
) -> Result<Option<Changed>, StoreError> {
    let store = &platform.store;
    let Some(family) = Family::read(store, tenant, id.contact()).await? else { return Ok(None) };
    let items = store.conversations(tenant, &family.ids()).await?;
    let (Some(contact), Some(facts)) = (keeper(&items, &family), Facts::of(items.iter())) else {
        return Ok(None);
    };
    let order = Ulid::from_parts(now.unix_ms(), id.ulid().random());
    if let Some(status) = change.status {
        store.set_conversation(tenant, contact, Setting::Status(status.as_str()), order).await?;
    }
    if let Some(assignee) = &change.assignee {
        store.set_conversation(tenant, contact, Setting::Assignee(assignee), order).await?;
    }
    let mut read_receipt = None;
    if change.read || change.typing {
        if let Some((up_to, _)) = facts.last_inbound() {
            store.mark_read(tenant, contact, up_to).await?;
        }
        read_receipt = Some(tell(platform, transport, tenant, &family, change.typing).await?);
    }
    let shown = read::conversation(store, tenant, id, now).await?;
    Ok(shown.map(|conversation| Changed { conversation, read_receipt }))
}

/// Tells the provider that the customer's latest message was read. A read receipt is a courtesy: when it fails, the
/// change stands.
async fn tell(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    family: &Family,
    typing: bool,
) -> Result<ReadReceipt, StoreError> {
    let mut newest: Option<Entry> = None;
    for contact in family.ids() {
        let page = platform.store.timeline(tenant, contact, None, LOOKED_AT).await?;
        let inbound = page.entries.into_iter().find(|entry| entry.direction == Direction::Inbound);
        newest = newest.into_iter().chain(inbound).max_by_key(|entry| entry.id);
    }
    let Some(entry) = newest else { return Ok(ReadReceipt::NotSupported) };
    if platform.store.consents(tenant, &family.ids()).await?.restricted_at.is_some() {
        // Nothing at all leaves for a person whose data is kept and not used.
        return Ok(ReadReceipt::NotSupported);
    }
    let facts = platform.store.tenant_facts(tenant).await?;
    let integration = facts.integrations.into_iter().find(|one| {
        one.number.provider == entry.provider && (one.number_id() == "-" || one.number_id() == entry.number)
    });
    let Some(integration) = integration else { return Ok(ReadReceipt::NotSupported) };
    let secret = match secret(platform, tenant, &integration).await {
        Ok(Some(secret)) => secret,
        Ok(None) => return Ok(ReadReceipt::NotSupported),
        Err(error) => {
            tracing::warn!("a read receipt was not sent: {}", chain(&error));
            return Ok(ReadReceipt::Failed);
        }
    };
    let sender = sender(&integration.number, &secret);
    let Some(request) = mark_read(&sender, &entry.provider_message_id, typing) else {
        return Ok(ReadReceipt::NotSupported);
    };
    Ok(match transport.call(entry.provider, request).await {
        Ok(answer) if answer.status().is_success() => ReadReceipt::Sent,
        Ok(answer) => {
            tracing::warn!("a read receipt was refused with {}", answer.status());
            ReadReceipt::Failed
        }
        Err(error) => {
            tracing::warn!("a read receipt was not sent: {error}");
            ReadReceipt::Failed
        }
    })
}
