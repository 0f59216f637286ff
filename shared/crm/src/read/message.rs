//! A message as the API shows it: read again from the provider's own JSON, with what came to it afterwards.

mod parts;
mod translations;

pub use translations::Translation;
pub(crate) use translations::{source_of, spoken};

pub(super) use parts::{Button, Reaction, ReactionBy, System, Target, Unsupported};

use super::conversation::NumberName;
use super::family::Family;
use super::{Slice, content, sent, timeline};
use domain::failure::Failure;
use domain::ids::{ContactId, ConversationId, LeadId, MessageId, TenantId};
use domain::message::{Content, Direction, Location, Media, Referral, ReplyContext, ReportedError};
use domain::outbound::HeldFor;
use domain::outgoing::TemplateUse;
use domain::permit::SendPurpose;
use domain::provider::Provider;
use domain::receipt::Receipts;
use domain::time::Millis;
use domain::window::clamped;
use platform::dynamo::{Annex, Entry, SendRecord, Store, StoreError};
use providers::event::MessageBody;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use ulid::Ulid;
use uuid::Uuid;

/// A message.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation it is in.
    pub conversation_id: ConversationId,
    /// Whom it is from or to.
    pub contact_id: ContactId,
    /// Their lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<LeadId>,
    /// Which way it went.
    pub direction: Direction,
    /// What it is.
    pub kind: String,
    /// Its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// Its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Its contact cards, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Value>,
    /// Its answer to an interactive message, or the interactive message that we sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<Value>,
    /// The template that we sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateUse>,
    /// Its answer to a template's button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button: Option<Button>,
    /// The reaction that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    /// Its catalogue order, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Value>,
    /// What WhatsApp itself tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    /// What could not be carried, or is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<Unsupported>,
    /// The message that this edit or revocation changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// When it was last edited; what is shown is the newest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Millis>,
    /// When it was taken back; what it said is not shown any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Millis>,
    /// What each side reacted with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionBy>,
    /// What it says in other languages, as far as somebody asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<Translation>,
    /// What it answers or passes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<ReplyContext>,
    /// The ad that led here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<Referral>,
    /// What the provider could not deliver, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ReportedError>,
    /// Why a message of ours failed, waits or is uncertain, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Where it stands: `received`; for a message of ours its own state, then the highest receipt that came.
    pub status: &'static str,
    /// When each receipt came.
    pub statuses: Receipts,
    /// What it costs, as the provider reports it with the first of delivered and read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Value>,
    /// What a message of ours is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<SendPurpose>,
    /// Why a message of ours is held, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_for: Option<HeldFor>,
    /// When a message of ours is released by itself, while it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Millis>,
    /// How often a message of ours was changed, while it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// When a message of ours goes at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Millis>,
    /// How often a message of ours was begun to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Whether it was recorded in the sandbox and left for nowhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// Who carried it.
    pub provider: Provider,
    /// The number of ours it was on.
    pub number: NumberName,
    /// The provider's id of it; absent until the provider has told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    /// When it was sent by the provider's clock, but not after it was received.
    pub created_at: Millis,
    /// When we received it.
    pub received_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The provider's JSON, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<serde_json::Value>))]
    pub raw: Option<Raw>,
}

/// Something a provider sent, as it is.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Raw {
    /// JSON, byte for byte.
    Json(Box<RawValue>),
    /// Anything else.
    Text(String),
}

impl Raw {
    pub(super) fn of(text: String) -> Self {
        RawValue::from_string(text.clone()).map_or(Self::Text(text), Self::Json)
    }
}

/// Whose a message is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) contact: ContactId,
    pub(super) lead: Option<LeadId>,
}

impl Owner {
    pub(super) async fn of(store: &Store, tenant: TenantId, family: &Family) -> Result<Self, StoreError> {
        let leads = store.leads(tenant, &family.possible_leads()).await?;
        Ok(Self { contact: family.id(), lead: family.lead(&leads).map(|lead| lead.id) })
    }
}

/// One message, by its id alone; `None` when there is none.
///
/// # Errors
/// The table did not answer.
pub async fn message(
    store: &Store,
    tenant: TenantId,
    id: MessageId,
    with_raw: bool,
) -> Result<Option<Message>, StoreError> {
    // What we sent is found by its id at once; the index follows the table within moments.
    let contact = match store.send(tenant, id).await? {
        Some(send) => Some(send.contact),
        None => store.find_message(tenant, id).await?.map(|at| at.contact),
    };
    let Some(contact) = contact else { return Ok(None) };
    message_of(store, tenant, contact, id, with_raw).await
}

/// One message of a contact; `None` when there is none.
///
/// # Errors
/// The table did not answer.
pub(crate) async fn message_of(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    id: MessageId,
    with_raw: bool,
) -> Result<Option<Message>, StoreError> {
    let Some(entry) = store.entry(tenant, contact, id).await? else { return Ok(None) };
    let Some(family) = Family::read(store, tenant, contact).await? else { return Ok(None) };
    let owner = Owner::of(store, tenant, &family).await?;
    Ok(shown(store, tenant, owner, vec![entry], with_raw).await?.pop())
}

/// The messages of a conversation, newest first; `None` when there is no such conversation.
///
/// # Errors
/// The table did not answer.
pub async fn conversation_messages(
    store: &Store,
    tenant: TenantId,
    id: ConversationId,
    after: Option<Ulid>,
    limit: u32,
    with_raw: bool,
) -> Result<Option<Slice<Message>>, StoreError> {
    let Some(family) = Family::read(store, tenant, id.contact()).await? else { return Ok(None) };
    let page = timeline::union(store, tenant, &family.ids(), after, limit).await?;
    if page.entries.is_empty()
        && after.is_none()
        && store.conversations(tenant, &family.ids()).await?.is_empty()
    {
        return Ok(None);
    }
    let owner = Owner::of(store, tenant, &family).await?;
    let next = timeline::next(&page);
    let items = shown(store, tenant, owner, page.entries, with_raw).await?;
    Ok(Some(Slice { items, next }))
}

/// Messages of one person as they are shown, in the order given.
pub(super) async fn shown(
    store: &Store,
    tenant: TenantId,
    owner: Owner,
    entries: Vec<Entry>,
    with_raw: bool,
) -> Result<Vec<Message>, StoreError> {
    let ours: Vec<MessageId> = entries.iter().filter(|entry| entry.ours).map(|entry| entry.id).collect();
    let sends = store.sends(tenant, &ours).await?;
    let mut sends: HashMap<MessageId, SendRecord> = sends.into_iter().map(|send| (send.id, send)).collect();
    let read: Vec<(Entry, Option<MessageBody>)> = entries
        .into_iter()
        .map(|entry| {
            // What was once understood stays readable; should it not, the rest of the message is shown.
            let body = providers::message_body(entry.provider, &entry.raw).ok();
            (entry, body)
        })
        .collect();
    // An edit says what the message says now, so it must know whether that was taken back.
    let edited = read.iter().filter_map(|(_, body)| match body.as_ref().map(|body| &body.content) {
        Some(Content::Edit { target, .. }) => Some(target.as_str()),
        _ => None,
    });
    let taken = sends.values().filter_map(|send| send.provider_message_id.as_deref());
    let told =
        read.iter().filter(|(entry, _)| !entry.ours).map(|(entry, _)| entry.provider_message_id.as_str());
    let ids: Vec<&str> = told.chain(edited).chain(taken).collect();
    let annexes: HashMap<String, Annex> = store.annexes(tenant, &ids).await?.into_iter().collect();
    let show = |(mut entry, body): (Entry, Option<MessageBody>)| {
        let known = std::mem::take(&mut entry.translations);
        let mut message = match sends.remove(&entry.id) {
            Some(send) => sent::show(owner, &entry, send, &annexes),
            None => show(owner, entry, body, &annexes, with_raw),
        };
        message.translations = translations::current(known, &message);
        message
    };
    Ok(read.into_iter().map(show).collect())
}

fn show(
    owner: Owner,
    entry: Entry,
    body: Option<MessageBody>,
    annexes: &HashMap<String, Annex>,
    with_raw: bool,
) -> Message {
    let nothing = Annex::default();
    let annex = annexes.get(&entry.provider_message_id).unwrap_or(&nothing);
    let (content, context, referral, errors) = match body {
        Some(body) => (Some(body.content), body.context, body.referral, body.errors),
        None => (None, None, None, Vec::new()),
    };
    let target_revoked_at = match &content {
        Some(Content::Edit { target, .. }) => annexes.get(target).and_then(|annex| annex.revoked_at),
        _ => None,
    };
    let revoked_at = annex.revoked_at.or(target_revoked_at);
    let edit = annex.edited.as_ref().filter(|_| revoked_at.is_none());
    let status = match entry.direction {
        Direction::Inbound => "received",
        Direction::Outbound => annex.receipts.status().map_or("sent", |receipt| receipt.as_str()),
    };
    let refused =
        annex.errors.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let mut message = Message {
        edited_at: edit.map(|edit| Millis::from_unix_ms(edit.order.timestamp_ms())),
        revoked_at,
        reactions: reactions(annex),
        context,
        referral,
        errors: if errors.is_empty() { refused } else { errors },
        status,
        statuses: annex.receipts.implied(),
        cost: annex.pricing.as_deref().and_then(|json| serde_json::from_str(json).ok()),
        provider_message_id: Some(entry.provider_message_id.clone()),
        ..blank(owner, &entry)
    };
    if let (Some(content), None) = (content, revoked_at) {
        let edit = edit.and_then(|edit| providers::message_body(entry.provider, &edit.raw).ok());
        let content = match edit {
            Some(edit) => content::edited(content, edit.content),
            None => content,
        };
        content::show(content, &mut message);
    }
    if with_raw {
        message.raw = Some(Raw::of(entry.raw));
    }
    message
}

/// A message of which nothing is known but where it lies.
pub(super) fn blank(owner: Owner, entry: &Entry) -> Message {
    let sent_at = Millis::from_unix_ms(entry.id.ulid().timestamp_ms());
    Message {
        id: entry.id,
        conversation_id: owner.contact.conversation(),
        contact_id: owner.contact,
        lead_id: owner.lead,
        direction: entry.direction,
        kind: entry.kind.clone(),
        text: None,
        media: None,
        location: None,
        contacts: None,
        interactive: None,
        template: None,
        button: None,
        reaction: None,
        order: None,
        system: None,
        unsupported: None,
        target: None,
        edited_at: None,
        revoked_at: None,
        reactions: Vec::new(),
        translations: Vec::new(),
        context: None,
        referral: None,
        errors: Vec::new(),
        error: None,
        status: "received",
        statuses: Receipts::default(),
        cost: None,
        purpose: None,
        held_for: None,
        release_at: None,
        version: None,
        not_before: None,
        attempts: None,
        simulated: entry.provider == Provider::Sandbox,
        provider: entry.provider,
        number: NumberName::of(entry.provider, &entry.number),
        provider_message_id: None,
        created_at: clamped(sent_at, entry.received_at),
        received_at: entry.received_at,
        trace_id: entry.trace_id,
        raw: None,
    }
}

pub(super) fn reactions(annex: &Annex) -> Vec<ReactionBy> {
    let sides = [(Direction::Inbound, &annex.reaction_in), (Direction::Outbound, &annex.reaction_out)];
    let emoji = |(direction, reacted): (Direction, &Option<platform::dynamo::Reacted>)| {
        let reacted = reacted.as_ref()?;
        let at = Millis::from_unix_ms(reacted.order.timestamp_ms());
        Some(ReactionBy { direction, emoji: reacted.emoji.clone()?, at })
    };
    sides.into_iter().filter_map(emoji).collect()
}

#[cfg(test)]
mod tests;
