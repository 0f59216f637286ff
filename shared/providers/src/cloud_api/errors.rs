//! Errors inside webhooks, of messages, statuses and the number itself.

use super::people::Contacts;
use crate::event::EventKind;
use crate::wire::{Number, Text, Why, items, object};
use domain::message::ReportedError;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One error. The longer text is `error_data.details` today and was `details` beside the title before.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Reported<'a> {
    code: Number,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    details: Text<'a>,
    #[serde(borrow)]
    error_data: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorData<'a> {
    #[serde(borrow)]
    details: Text<'a>,
}

/// Reads one error.
fn reported(raw: &RawValue) -> Result<ReportedError, Why> {
    let error: Reported<'_> = object(raw)?;
    let data: ErrorData<'_> = error.error_data.and_then(|raw| object(raw).ok()).unwrap_or_default();
    Ok(ReportedError {
        code: error.code.whole(),
        title: error.title.owned().or_else(|| error.message.owned()),
        details: data.details.owned().or_else(|| error.details.owned()),
    })
}

/// Reads the `errors` of a message or status.
pub(super) fn list(raw: Option<&RawValue>) -> Result<Vec<ReportedError>, Why> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    items(raw)?.into_iter().map(reported).collect::<Result<_, _>>().map_err(|why| why.inside("errors"))
}

/// Reads one of `value.errors`: about the number, not about a message.
pub(super) fn out_of_band(_: &Contacts, raw: &RawValue) -> Result<EventKind, Why> {
    Ok(EventKind::Error(reported(raw)?))
}
