//! The fields beside `messages` whose contents we act on: marketing preferences and changed user ids.
//!
//! All others (templates, quality, limits, account, calls, history, user names, what comes next) are kept whole by
//! [`super::envelope`] under their field's name.

use super::people::{Contacts, is_nobody, person};
use crate::event::{EventKind, Preference};
use crate::wire::{Number, Text, Why, object};
use domain::identity::IdentityChange;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    wa_id: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow)]
    parent_user_id: Text<'a>,
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    timestamp: Number,
}

/// Reads one of `user_preferences`.
pub(super) fn preference(contacts: &Contacts, raw: &RawValue) -> Result<EventKind, Why> {
    let choice: Choice<'_> = object(raw)?;
    let person = contacts.complete_or_only(person(&choice.wa_id, &choice.user_id, &choice.parent_user_id));
    if is_nobody(&person) {
        return Err(Why::new("nobody chose it: `wa_id` and `user_id` are missing"));
    }
    Ok(EventKind::Preference(Box::new(Preference {
        person,
        category: choice.category.required("category")?.to_owned(),
        value: choice.value.required("value")?.to_owned(),
        at: choice.timestamp.required_instant()?,
    })))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Update<'a> {
    #[serde(borrow)]
    wa_id: Text<'a>,
    #[serde(borrow)]
    user_id: BeforeAfter<'a>,
    #[serde(borrow)]
    parent_user_id: BeforeAfter<'a>,
    timestamp: Number,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct BeforeAfter<'a> {
    #[serde(borrow)]
    previous: Text<'a>,
    #[serde(borrow)]
    current: Text<'a>,
}

/// Reads one of `user_id_update`. The phone, when it is there, is the current one.
pub(super) fn user_id_update(contacts: &Contacts, raw: &RawValue) -> Result<EventKind, Why> {
    let update: Update<'_> = object(raw)?;
    update.user_id.previous.required("user_id.previous")?;
    update.user_id.current.required("user_id.current")?;
    let previous = person(&Text::default(), &update.user_id.previous, &update.parent_user_id.previous);
    let current = person(&update.wa_id, &update.user_id.current, &update.parent_user_id.current);
    let change = IdentityChange { previous, current: contacts.complete(current) };
    Ok(EventKind::IdentityChanged(Box::new(change), update.timestamp.required_instant()?))
}
