//! The envelope: `entry[]`, `changes[]`, `value`, cut into parts that are then read one by one.
//!
//! Each level keeps the next one as raw text, so a part that cannot be read costs nobody else anything, and `raw` is
//! what was received. Entries, fields and numbers mix freely in one body (Meta webhooks overview, 2026).

use super::people::Contacts;
use super::{errors, fields, legacy, messages, statuses};
use crate::event::{Account, Event, EventKind, NotUnderstood, Parsed, Unreadable};
use crate::wire::{Number, Text, Why, items, lossy, object, object_str};
use domain::time::Millis;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The root shapes a provider sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// Only Meta's envelope.
    Envelope,
    /// Also 360dialog's older On-Premise shape without envelope.
    EnvelopeOrLegacy,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    object: Text<'a>,
    #[serde(borrow)]
    entry: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    changes: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Change<'a> {
    #[serde(borrow)]
    field: Text<'a>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// The lists a `value` may hold, whatever its field.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Value<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) contacts: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) messages: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) statuses: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) errors: Option<&'a RawValue>,
    #[serde(borrow)]
    message_echoes: Option<&'a RawValue>,
    #[serde(borrow)]
    user_preferences: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id_update: Option<&'a RawValue>,
    #[serde(borrow)]
    calls: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    phone_number_id: Text<'a>,
}

/// Reads a whole body.
pub(crate) fn parse(text: &str, root: Root) -> Result<Parsed, NotUnderstood> {
    let body: Body<'_> = object_str(text).map_err(|why| not_understood(why, "the body"))?;
    let mut parsed = Parsed::default();
    let Some(entries) = body.entry else {
        let known = root == Root::EnvelopeOrLegacy && legacy::read(text, &mut parsed)?;
        let what = body.object.get().map(shortened);
        return match what {
            _ if known => Ok(parsed),
            Some(what) if what != OBJECT => Err(wrong_object(&what)),
            _ => Err(NotUnderstood("the body has no `entry`: not a WhatsApp webhook".to_owned())),
        };
    };
    match body.object.get() {
        Some(OBJECT) => {}
        Some(other) => return Err(wrong_object(&shortened(other))),
        None => return Err(NotUnderstood(format!("`object` is missing; expected `{OBJECT}`"))),
    }
    let entries = items(entries).map_err(|why| not_understood(why, "`entry`"))?;
    for (e, raw) in entries.into_iter().enumerate() {
        if let Err(why) = read_entry(e, raw, &mut parsed) {
            refuse(&mut parsed, format!("entry[{e}]"), why, raw);
        }
    }
    Ok(parsed)
}

/// What every WhatsApp webhook names as its `object`.
const OBJECT: &str = "whatsapp_business_account";

fn wrong_object(what: &str) -> NotUnderstood {
    NotUnderstood(format!("`object` is `{what}`, not `{OBJECT}`: not a WhatsApp webhook"))
}

fn not_understood(why: Why, part: &str) -> NotUnderstood {
    NotUnderstood(why.inside(part).into_reason())
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

fn refuse(parsed: &mut Parsed, path: String, why: Why, raw: &RawValue) {
    parsed.unreadable.push(Unreadable { path, reason: why.into_reason(), raw: raw.get().to_owned() });
}

fn read_entry(e: usize, raw: &RawValue, parsed: &mut Parsed) -> Result<(), Why> {
    let entry: Entry<'_> = object(raw)?;
    let changes = entry.changes.ok_or_else(|| Why::missing("changes"))?;
    let changes = items(changes).map_err(|why| why.inside("changes"))?;
    for (c, raw) in changes.into_iter().enumerate() {
        if let Err(why) = read_change(e, c, &entry, raw, parsed) {
            refuse(parsed, format!("entry[{e}].changes[{c}]"), why, raw);
        }
    }
    Ok(())
}

fn read_change(
    e: usize,
    c: usize,
    entry: &Entry<'_>,
    raw: &RawValue,
    parsed: &mut Parsed,
) -> Result<(), Why> {
    let change: Change<'_> = object(raw)?;
    let field = change.field.required("field")?;
    let detailed =
        matches!(field, "messages" | "calls" | "smb_message_echoes" | "user_preferences" | "user_id_update");
    let value: Value<'_> = match change.value.map(object) {
        Some(Ok(value)) => value,
        Some(Err(why)) if detailed => return Err(why.inside("value")),
        None if detailed => return Err(Why::missing("value")),
        // What an account field means is read from its raw text; it may have any shape.
        Some(Err(_)) | None => Value::default(),
    };
    let number: Option<Metadata<'_>> = value.metadata.and_then(|raw| object(raw).ok());
    let account = Account {
        waba_id: entry.id.owned(),
        phone_number_id: number.and_then(|number| number.phone_number_id.owned()),
        instance_id: None,
    };
    // A strange time is nobody's loss: messages have their own.
    let time = entry.time.and_then(|raw| serde_json::from_str::<Number>(raw.get()).ok());
    let notified_at = time.and_then(|time| time.instant().ok().flatten());
    let place = Place::Change(e, c);
    let mut reader = Reader { place, account, notified_at, contacts: Contacts::default(), parsed };
    let told = detailed && reader.detailed(&value);
    if !told {
        let kept = change.value.unwrap_or(raw).get().to_owned();
        let kind = EventKind::Account { field: field.to_owned(), event: lossy(value.event) };
        reader.parsed.events.push(Event { account: reader.account, kind, notified_at, raw: kept });
    }
    Ok(())
}

/// Where a `value` stands in the body.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// In the envelope.
    Change(usize, usize),
    /// The body is the value.
    Root,
}

impl Place {
    fn path(self, list: &str, index: Option<usize>) -> String {
        let index = index.map(|i| format!("[{i}]")).unwrap_or_default();
        match self {
            Self::Change(e, c) => format!("entry[{e}].changes[{c}].value.{list}{index}"),
            Self::Root => format!("{list}{index}"),
        }
    }
}

/// Reads the lists of one `value` into events.
pub(super) struct Reader<'p> {
    pub(super) place: Place,
    pub(super) account: Account,
    pub(super) notified_at: Option<Millis>,
    pub(super) contacts: Contacts,
    pub(super) parsed: &'p mut Parsed,
}

impl Reader<'_> {
    /// Reads every list we know. False when the value holds something else, to be kept whole.
    fn detailed(&mut self, value: &Value<'_>) -> bool {
        let before = self.told();
        self.people(value.contacts);
        self.each("messages", value.messages, messages::inbound);
        self.each("statuses", value.statuses, statuses::status);
        self.each("message_echoes", value.message_echoes, messages::echo);
        self.each("user_preferences", value.user_preferences, fields::preference);
        self.each("user_id_update", value.user_id_update, fields::user_id_update);
        self.each("errors", value.errors, errors::out_of_band);
        self.told() > before && value.calls.is_none()
    }

    fn told(&self) -> usize {
        self.parsed.events.len() + self.parsed.unreadable.len()
    }

    /// Reads the people the other lists refer to. One that cannot be read costs a name, not a message.
    pub(super) fn people(&mut self, list: Option<&RawValue>) {
        for (i, raw) in self.list("contacts", list).into_iter().enumerate() {
            if let Err(why) = self.contacts.add(raw) {
                refuse(self.parsed, self.place.path("contacts", Some(i)), why, raw);
            }
        }
    }

    /// Reads each element of a list on its own.
    pub(super) fn each(
        &mut self,
        key: &str,
        list: Option<&RawValue>,
        read: impl Fn(&Contacts, &RawValue) -> Result<EventKind, Why>,
    ) {
        for (i, raw) in self.list(key, list).into_iter().enumerate() {
            match read(&self.contacts, raw) {
                Ok(kind) => {
                    let (account, notified_at) = (self.account.clone(), self.notified_at);
                    let event = Event { account, kind, notified_at, raw: raw.get().to_owned() };
                    self.parsed.events.push(event);
                }
                Err(why) => refuse(self.parsed, self.place.path(key, Some(i)), why, raw),
            }
        }
    }

    fn list<'r>(&mut self, key: &str, list: Option<&'r RawValue>) -> Vec<&'r RawValue> {
        let Some(raw) = list else { return Vec::new() };
        items(raw).unwrap_or_else(|why| {
            refuse(self.parsed, self.place.path(key, None), why, raw);
            Vec::new()
        })
    }
}
