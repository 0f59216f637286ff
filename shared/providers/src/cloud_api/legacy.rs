//! 360dialog's older On-Premise shape: the lists stand at the root, without `entry` and without the number's id.
//!
//! Which number it is must come from the URL. Types differ little: `voice` beside `audio`, `link` beside `id`, error
//! texts in `details` (360dialog documentation and recorded bodies).

use super::envelope::{Place, Reader, Value};
use super::people::Contacts;
use super::{errors, messages, statuses};
use crate::event::{Account, NotUnderstood, Parsed};
use crate::wire::object_str;

/// Reads a body of that shape. False when it is none.
pub(super) fn read(text: &str, parsed: &mut Parsed) -> Result<bool, NotUnderstood> {
    let value: Value<'_> = object_str(text).map_err(|why| NotUnderstood(why.into_reason()))?;
    if value.messages.is_none() && value.statuses.is_none() && value.errors.is_none() {
        return Ok(false);
    }
    let account = Account::default();
    let contacts = Contacts::default();
    let mut reader = Reader { place: Place::Root, account, notified_at: None, contacts, parsed };
    reader.people(value.contacts);
    reader.each("messages", value.messages, messages::inbound);
    reader.each("statuses", value.statuses, statuses::status);
    reader.each("errors", value.errors, errors::out_of_band);
    Ok(true)
}
