//! A page of a list of templates.

use super::read::reported;
use super::{PER_PAGE, Refusal, Reported};
use crate::wire::{Number, Text, Why, items, object, object_str};
use domain::provider::Provider;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A page of templates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplatePage {
    /// The templates.
    pub templates: Vec<Reported>,
    /// Why others on the page could not be read.
    pub unreadable: Vec<String>,
    /// Where the next page begins; absent on the last.
    pub next: Option<String>,
}

/// An answer is no page of templates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The provider refuses, in a well-formed answer.
    #[error("{message} (status {status}{})", .code.map(|code| format!(", code {code}")).unwrap_or_default())]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The provider's code, when it gives one.
        code: Option<i64>,
        /// What it says, for the admin.
        message: String,
    },
    /// The answer makes no sense.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MetaList<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    paging: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Paging<'a> {
    #[serde(borrow)]
    next: Text<'a>,
    #[serde(borrow)]
    cursors: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cursors<'a> {
    #[serde(borrow)]
    after: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Dialog360List<'a> {
    #[serde(borrow)]
    waba_templates: Option<&'a RawValue>,
    total: Number,
}

/// Reads the answer to [`super::list_request`]; `after` is what was asked with.
///
/// # Errors
/// A refusal, or an answer that is no list.
pub fn page(
    provider: Provider,
    status: u16,
    body: &[u8],
    after: Option<&str>,
) -> Result<TemplatePage, PageError> {
    let text = std::str::from_utf8(body).map_err(|_| PageError::Unreadable("it is not UTF-8".to_owned()))?;
    let text = text.trim();
    if !(200..300).contains(&status) {
        let Refusal { status, code, message, .. } = Refusal::read(status, text);
        return Err(PageError::Refused { status, code, message });
    }
    let unreadable = |why: Why| PageError::Unreadable(why.into_reason());
    match provider {
        Provider::Meta => meta(text).map_err(unreadable),
        Provider::Dialog360 => dialog360(text, after).map_err(unreadable),
        Provider::Ultramsg | Provider::Sandbox => {
            Err(PageError::Unreadable("this provider has no templates".to_owned()))
        }
    }
}

fn meta(text: &str) -> Result<TemplatePage, Why> {
    let list: MetaList<'_> = object_str(text)?;
    let mut page = read_all(list.data, "data")?;
    let paging: Paging<'_> = list.paging.map(object).transpose()?.unwrap_or_default();
    // The last page has cursors too; only `next` says that there is more.
    if let Some(next) = paging.next.get() {
        let cursors: Cursors<'_> = paging.cursors.map(object).transpose()?.unwrap_or_default();
        let after = cursors.after.owned().or_else(|| after_in(next));
        page.next = Some(after.ok_or_else(|| Why::missing("paging.cursors.after"))?);
    }
    Ok(page)
}

/// The cursor in the address of the next page. The address itself is never called: it holds the token, and it is the
/// provider that is configured that we talk to.
fn after_in(next: &str) -> Option<String> {
    let (_, query) = next.split_once('?')?;
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).ok()?;
    pairs.into_iter().find_map(|(name, value)| (name == "after" && !value.is_empty()).then_some(value))
}

fn dialog360(text: &str, after: Option<&str>) -> Result<TemplatePage, Why> {
    let list: Dialog360List<'_> = object_str(text)?;
    let mut page = read_all(list.waba_templates, "waba_templates")?;
    let offset: u64 = after.and_then(|after| after.parse().ok()).unwrap_or_default();
    let count = u64::try_from(page.templates.len() + page.unreadable.len()).unwrap_or_default();
    let end = offset.saturating_add(count);
    let more = match list.total {
        Number::Whole(total) => u64::try_from(total).is_ok_and(|total| end < total),
        Number::Absent | Number::Fraction(_) | Number::NotOne => count >= PER_PAGE,
    };
    page.next = (more && count > 0).then(|| end.to_string());
    Ok(page)
}

fn read_all(list: Option<&RawValue>, name: &str) -> Result<TemplatePage, Why> {
    let list = list.ok_or_else(|| Why::missing(name))?;
    let mut page = TemplatePage::default();
    for (at, raw) in items(list).map_err(|why| why.inside(name))?.into_iter().enumerate() {
        match reported(raw) {
            Ok(template) => page.templates.push(template),
            Err(why) => page.unreadable.push(why.inside(&format!("{name}[{at}]")).into_reason()),
        }
    }
    Ok(page)
}
