//! `system` messages that say a person is known by another number or id now.

use super::messages::Message;
use super::people::{is_nobody, person};
use crate::wire::{Text, Why, object};
use domain::identity::{Bsuid, IdentityChange, Person};
use domain::phone::Phone;
use serde::Deserialize;

/// The `system` object.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct System<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) body: Text<'a>,
    #[serde(borrow)]
    wa_id: Text<'a>,
    /// Its name before Graph API v12.
    #[serde(borrow)]
    new_wa_id: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow)]
    parent_user_id: Text<'a>,
    /// The number before the change, in some versions.
    #[serde(borrow)]
    customer: Text<'a>,
}

/// The change a `system` message reports; `None` for other messages, and when one side stays unknown.
///
/// The number before is in `from`, the one after in `system.wa_id`. User ids may stand only in the words
/// (`User X changed from <old> to <new>`), except the new one, which is `system.user_id` (Meta webhooks, 2026).
pub(super) fn identity_change(message: &Message<'_>) -> Result<Option<IdentityChange>, Why> {
    let Some(raw) = message.system.filter(|_| message.kind.get() == Some("system")) else { return Ok(None) };
    let system: System<'_> = object(raw).map_err(|why| why.inside("system"))?;
    if !matches!(system.kind.get(), Some("user_changed_number" | "user_changed_user_id")) {
        return Ok(None);
    }
    let after = if system.wa_id.get().is_some() { &system.wa_id } else { &system.new_wa_id };
    let mut current = person(after, &system.user_id, &system.parent_user_id);
    let before = if message.from.get().is_some() { &message.from } else { &system.customer };
    let mut previous = person(before, &message.from_user_id, &message.from_parent_user_id);
    let (old, new) = system.body.get().and_then(told_in_words).unwrap_or_default();
    add(&mut current, new);
    if previous.bsuid.is_some() && previous.bsuid == current.bsuid {
        // The ids beside the message are already the new ones.
        previous.bsuid = None;
    }
    add(&mut previous, old);
    let known = !is_nobody(&previous) && !is_nobody(&current) && previous != current;
    Ok(known.then_some(IdentityChange { previous, current }))
}

/// The two ids of `User X changed from <old> to <new>`. X is the person's own words and may hold anything.
fn told_in_words(body: &str) -> Option<(&str, &str)> {
    let (_, ids) = body.rsplit_once(" changed from ")?;
    let (old, new) = ids.split_once(" to ")?;
    Some((old.trim(), new.trim_end_matches('.').trim()))
}

fn add(person: &mut Person, id: &str) {
    if person.bsuid.is_none() {
        person.bsuid = Bsuid::parse(id);
    }
    if person.phone.is_none() {
        person.phone = Phone::from_wa_id(id).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: &str) -> Option<IdentityChange> {
        identity_change(&serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn a_changed_number_names_the_old_and_the_new_one() {
        for key in ["wa_id", "new_wa_id"] {
            let json = format!(
                r#"{{"type":"system","from":"971501111111","system":{{"type":"user_changed_number","{key}":"971502222222"}}}}"#
            );
            let change = change(&json).unwrap();
            assert_eq!(change.previous.phone, Phone::from_wa_id("971501111111").ok(), "{key}");
            assert_eq!(change.current.phone, Phone::from_wa_id("971502222222").ok(), "{key}");
        }
    }

    #[test]
    fn a_name_full_of_the_same_words_does_not_hide_the_ids() {
        let json = r#"{"type":"system","system":{"type":"user_changed_user_id","user_id":"AE.2",
            "body":"User I changed from x to y changed from AE.1 to AE.2"}}"#;
        let change = change(json).unwrap();
        assert_eq!(
            (change.previous.bsuid, change.current.bsuid),
            (Bsuid::parse("AE.1"), Bsuid::parse("AE.2"))
        );
    }

    #[test]
    fn the_new_id_beside_the_message_is_not_taken_for_the_old_one() {
        let json = r#"{"type":"system","from":"971501111111","from_user_id":"AE.2","system":{"user_id":"AE.2",
            "type":"user_changed_user_id","wa_id":"971502222222","body":"User X changed from AE.1 to AE.2"}}"#;
        let change = change(json).unwrap();
        assert_eq!(change.previous.bsuid, Bsuid::parse("AE.1"));
        assert_eq!(change.current.bsuid, Bsuid::parse("AE.2"));
    }

    #[test]
    fn a_security_code_notice_changes_nobody() {
        let json = r#"{"type":"system","from":"971501111111","system":{"type":"customer_identity_changed"}}"#;
        assert_eq!(change(json), None);
    }
}
