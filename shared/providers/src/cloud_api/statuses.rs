//! Receipts for messages we sent, and the ringing of calls, which come in the same list.

use super::errors;
use super::people::{Contacts, person};
use crate::event::{EventKind, Status};
use crate::wire::{Number, Text, Why, object};
use domain::receipt::Receipt;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    timestamp: Number,
    #[serde(borrow)]
    recipient_id: Text<'a>,
    #[serde(borrow)]
    recipient_user_id: Text<'a>,
    #[serde(borrow)]
    recipient_parent_user_id: Text<'a>,
    /// Another spelling of the same, in one entry of Meta's change log.
    #[serde(borrow)]
    parent_recipient_user_id: Text<'a>,
    #[serde(borrow)]
    recipient_type: Text<'a>,
    #[serde(borrow)]
    recipient_participant_id: Text<'a>,
    #[serde(borrow)]
    recipient_participant_user_id: Text<'a>,
    #[serde(borrow)]
    recipient_participant_parent_user_id: Text<'a>,
    #[serde(borrow)]
    biz_opaque_callback_data: Text<'a>,
    #[serde(borrow)]
    pricing: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
    /// On-Premise only.
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LegacyMessage<'a> {
    #[serde(borrow)]
    recipient_id: Text<'a>,
}

/// Reads one of `statuses`. Values we do not know (`deleted`, `RINGING`) are kept without a receipt.
pub(super) fn status(contacts: &Contacts, raw: &RawValue) -> Result<EventKind, Why> {
    let status: Wire<'_> = object(raw)?;
    let id = status.id.required("id")?.to_owned();
    let reported = status.status.required("status")?.to_owned();
    let at = status.timestamp.instant()?;
    let legacy: LegacyMessage<'_> = status.message.and_then(|raw| object(raw).ok()).unwrap_or_default();
    let recipient = if status.recipient_type.get() == Some("group") {
        // `recipient_id` is the group; the receipt is one member's.
        person(
            &status.recipient_participant_id,
            &status.recipient_participant_user_id,
            &status.recipient_participant_parent_user_id,
        )
    } else {
        let to = [&status.recipient_id, &legacy.recipient_id].into_iter().find(|id| id.get().is_some());
        let parents = [&status.recipient_parent_user_id, &status.parent_recipient_user_id];
        let parent = parents.into_iter().find(|id| id.get().is_some());
        let none = Text::default();
        person(to.unwrap_or(&none), &status.recipient_user_id, parent.unwrap_or(&none))
    };
    let is_call = status.kind.get() == Some("call");
    let receipt = Receipt::parse(&reported).filter(|_| !is_call);
    Ok(EventKind::Status(Box::new(Status {
        id,
        receipt,
        reported,
        at,
        recipient: contacts.complete_or_only(recipient),
        our_id: status.biz_opaque_callback_data.owned(),
        pricing: status.pricing.map(|raw| raw.get().to_owned()),
        errors: errors::list(status.errors)?,
    })))
}
