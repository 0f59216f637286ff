//! What agents write in Chatwoot: sent like any other message, once; what may not be sent is said back to them.

use super::{chatwoot_key, note};
use crate::ingest::IngestError;
use crate::send::{By, Draft, Schedule, SendError, Target, accept};
use domain::ids::{ContactId, MessageId, TenantId, derived_ulid};
use domain::outgoing::Outgoing;
use domain::permit::SendPurpose;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::Setting;
use platform::transport::Transport;
use providers::chatwoot::{Reply, Told, parse};
use ulid::Ulid;
use uuid::Uuid;

/// One verified webhook of Chatwoot.
#[derive(Debug, Clone, Copy)]
pub struct ChatwootDelivery<'a> {
    /// Whose, by the verified route.
    pub tenant: TenantId,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The bytes.
    pub body: &'a [u8],
}

/// Applies a webhook. Safe to call again with the same body: a message of an agent goes out once.
///
/// # Errors
/// It could not be applied, for a passing or a lasting reason.
pub async fn take(
    platform: &Platform,
    transport: &Transport,
    delivery: ChatwootDelivery<'_>,
    now: Millis,
) -> Result<(), IngestError> {
    let permanent = |reason: String| IngestError::Permanent { reason };
    let reply = match parse(delivery.body).map_err(permanent)? {
        Told::Reply(reply) => reply,
        Told::Nothing(why) => {
            tracing::debug!("a webhook of Chatwoot is not for us: {why}");
            return Ok(());
        }
    };
    let (store, tenant) = (&platform.store, delivery.tenant);
    let desk = store.chatwoot(tenant).await?;
    let desk =
        desk.ok_or_else(|| permanent("Chatwoot is not connected; connect it and replay".to_owned()))?;
    if (desk.account_id, desk.inbox_id) != (reply.account_id, reply.inbox_id) {
        // A webhook of the account tells of all its inboxes.
        return Ok(());
    }
    let contact = store.chatwoot_conversation(tenant, reply.conversation).await?;
    let contact = contact.ok_or_else(|| {
        permanent(format!(
            "the conversation {} of Chatwoot was not handed over from here",
            reply.conversation
        ))
    })?;
    let id = message_id(tenant, &reply);
    // A person answers: no bot does.
    store.set_conversation(tenant, contact, Setting::Status("human"), id.ulid()).await?;
    if reply.attachments > 0 {
        let text = "Files are not carried over to WhatsApp; send them from the CRM.".to_owned();
        refuse(platform, tenant, contact, &reply, "files", text, now).await?;
    }
    if reply.content.trim().is_empty() {
        return Ok(());
    }
    let draft = Draft {
        target: Target::Conversation(contact.conversation()),
        content: Outgoing::Text { body: reply.content.clone(), preview_url: false },
        reply_to: None,
        purpose: SendPurpose::Service,
        confirm_language: false,
        number: None,
        once: None,
        first_touch: false,
    };
    let by = By { tenant, key: Some(chatwoot_key()), trace_id: delivery.trace_id };
    let why = match accept(platform, transport, by, &draft, Schedule::default(), id, now).await {
        Ok(_) => return Ok(()),
        Err(SendError::Store(error)) => return Err(error.into()),
        Err(SendError::Contact(error)) => return Err(error),
        Err(SendError::Templates(error)) => return Err(IngestError::Transient { reason: error.to_string() }),
        Err(SendError::Refused { reasons, .. }) => {
            reasons.first().map(crate::send::Reason::message).unwrap_or_default()
        }
        Err(SendError::Invalid(error)) => error.message,
        Err(error @ (SendError::NotFound | SendError::NotYet { .. })) => error.to_string(),
    };
    refuse(platform, tenant, contact, &reply, "refused", format!("Not sent to the customer: {why}"), now)
        .await
}

async fn refuse(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    reply: &Reply,
    what: &str,
    text: String,
    now: Millis,
) -> Result<(), IngestError> {
    let order = derived_ulid(reply.at.unix_ms(), &[&reply.message.to_string(), what]);
    Ok(note(platform, tenant, contact, order, text, now).await?)
}

/// Our id of what an agent wrote: the same however often it is told, and in the order of Chatwoot's ids within one second.
fn message_id(tenant: TenantId, reply: &Reply) -> MessageId {
    let (account, message) = (reply.account_id.to_string(), reply.message.to_string());
    let own = derived_ulid(0, &[&tenant.to_string(), "chatwoot", &account, &message]).random() & 0xFFFF;
    let random = (u128::from(reply.message) << 16 | own) & ((1 << 80) - 1);
    MessageId::from_ulid(Ulid::from_parts(reply.at.unix_ms(), random))
}
