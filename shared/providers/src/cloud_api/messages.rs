//! Messages a customer sent, and echoes of messages the business sent from elsewhere.

use super::content;
use super::people::{Contacts, is_nobody, person};
use super::system;
use crate::event::{Echo, EventKind, InboundMessage, MessageBody};
use crate::wire::{Number, Text, Why, lossy, object, object_str};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A message as it stands in `messages`, `message_echoes` and, without the ids, in `edit.message`.
///
/// The parts stay raw until `type` has said which one counts.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) from: Text<'a>,
    #[serde(borrow)]
    pub(super) from_user_id: Text<'a>,
    #[serde(borrow)]
    pub(super) from_parent_user_id: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
    #[serde(borrow)]
    to_user_id: Text<'a>,
    #[serde(borrow)]
    to_parent_user_id: Text<'a>,
    #[serde(borrow)]
    group_id: Text<'a>,
    timestamp: Number,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) context: Option<&'a RawValue>,
    /// On echoes only: what our own send carried.
    #[serde(borrow)]
    biz_opaque_callback_data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) referral: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) errors: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) image: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) video: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) audio: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) voice: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) document: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) sticker: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) location: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) contacts: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) interactive: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) button: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reaction: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) order: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) edit: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) revoke: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) system: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) unsupported: Option<&'a RawValue>,
}

/// Reads one of `messages`.
pub(super) fn inbound(contacts: &Contacts, raw: &RawValue) -> Result<EventKind, Why> {
    let message: Message<'_> = object(raw)?;
    let id = message.id.required("id")?.to_owned();
    let sent_at = message.timestamp.required_instant()?;
    let identity_change = system::identity_change(&message)?;
    let named = person(&message.from, &message.from_user_id, &message.from_parent_user_id);
    let mut sender = contacts.complete_or_only(named);
    if is_nobody(&sender) {
        // `user_changed_user_id` may leave out `from` and brings no `contacts`.
        sender = identity_change.as_ref().map(|change| change.previous.clone()).unwrap_or_default();
    }
    if is_nobody(&sender) {
        return Err(Why::new("nobody sent it: `from` and `from_user_id` are missing"));
    }
    let group = message.group_id.owned();
    let body = content::body(&message)?;
    Ok(EventKind::Message(Box::new(InboundMessage { id, sent_at, sender, group, body, identity_change })))
}

/// Reads one of `message_echoes`. The contacts beside it may be the business itself, so only an equal id pairs.
pub(super) fn echo(contacts: &Contacts, raw: &RawValue) -> Result<EventKind, Why> {
    let message: Message<'_> = object(raw)?;
    let id = message.id.required("id")?.to_owned();
    let sent_at = message.timestamp.required_instant()?;
    let recipient = contacts.complete(person(&message.to, &message.to_user_id, &message.to_parent_user_id));
    let group = message.group_id.owned();
    if is_nobody(&recipient) && group.is_none() {
        return Err(Why::new("it was sent to nobody: `to` and `to_user_id` are missing"));
    }
    let body = content::body(&message)?;
    let our_id = lossy(message.biz_opaque_callback_data);
    Ok(EventKind::Echo(Box::new(Echo { id, sent_at, recipient, group, body, our_id })))
}

/// Reads a stored message or echo again.
pub(crate) fn message_body(raw: &str) -> Result<MessageBody, Why> {
    content::body(&object_str(raw)?)
}
