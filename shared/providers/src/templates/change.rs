//! What a webhook says about one template.

use super::read::{button, category, format_of, header, quality, reason_of, shortened, state};
use crate::wire::{Text, Why, items, lossy, object, object_str};
use domain::template::{Button, Category, Header, ParameterFormat, TemplateState};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A change of one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateChange {
    /// The provider's id of it.
    pub provider_template_id: Option<String>,
    /// Its registered name.
    pub name: String,
    /// Its language code.
    pub language: String,
    /// What changed.
    pub changed: Changed,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Where it stands.
    State {
        /// The event as reported.
        event: String,
        /// What it means; `None` for a warning or an event we do not know, which moves nothing.
        state: Option<TemplateState>,
        /// Why, for the admin.
        reason: Option<String>,
    },
    /// How well it is received: `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    Quality(String),
    /// What it counts as from now on.
    Category(Category),
    /// What it says. A header that is a file stays.
    Words {
        /// The line on top, when there is one.
        header: Option<Header>,
        /// The words.
        body: String,
        /// The line below.
        footer: Option<String>,
        /// The buttons, when they are reported.
        buttons: Option<Vec<Button>>,
        /// How the words address their variables.
        parameter_format: ParameterFormat,
    },
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Value<'a> {
    #[serde(borrow)]
    message_template_id: Text<'a>,
    #[serde(borrow)]
    message_template_name: Text<'a>,
    #[serde(borrow)]
    message_template_language: Text<'a>,
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
    #[serde(borrow)]
    rejection_info: Option<&'a RawValue>,
    #[serde(borrow)]
    other_info: Option<&'a RawValue>,
    #[serde(borrow)]
    new_quality_score: Option<&'a RawValue>,
    #[serde(borrow)]
    new_category: Text<'a>,
    #[serde(borrow)]
    message_template_title: Option<&'a RawValue>,
    #[serde(borrow)]
    message_template_element: Option<&'a RawValue>,
    #[serde(borrow)]
    message_template_footer: Option<&'a RawValue>,
    #[serde(borrow)]
    message_template_buttons: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Info<'a> {
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
    #[serde(borrow)]
    recommendation: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ChangedButton<'a> {
    #[serde(borrow)]
    message_template_button_type: Text<'a>,
    #[serde(borrow)]
    message_template_button_text: Option<&'a RawValue>,
    #[serde(borrow)]
    message_template_button_url: Text<'a>,
}

/// Reads the value of a webhook field that is about a template; `None` for every other field and for a value that
/// names no template or no change.
#[must_use]
pub fn template_change(field: &str, raw: &str) -> Option<TemplateChange> {
    let read = match field {
        "message_template_status_update" => status,
        "message_template_quality_update" => new_quality,
        "template_category_update" => new_category,
        "message_template_components_update" => words,
        _ => return None,
    };
    let value: Value<'_> = object_str(raw.trim()).ok()?;
    Some(TemplateChange {
        provider_template_id: value.message_template_id.owned(),
        name: value.message_template_name.owned()?,
        language: value.message_template_language.owned()?,
        changed: read(&value)?,
    })
}

fn status(value: &Value<'_>) -> Option<Changed> {
    let event = value.event.get()?;
    let info: Info<'_> =
        value.rejection_info.or(value.other_info).and_then(|raw| object(raw).ok()).unwrap_or_default();
    let reason = lossy(value.reason).and_then(|reason| reason_of(&reason));
    let told = [reason, lossy(info.reason).or_else(|| lossy(info.description)), lossy(info.recommendation)];
    let told: Vec<String> = told.into_iter().flatten().collect();
    let state = state(event).filter(|_| !event.eq_ignore_ascii_case("flagged"));
    let reason = (!told.is_empty()).then(|| told.join(" ").chars().take(1_000).collect());
    Some(Changed::State { event: shortened(event), state, reason })
}

fn new_quality(value: &Value<'_>) -> Option<Changed> {
    quality(value.new_quality_score).map(Changed::Quality)
}

/// `correct_category` announces a later change, which is reported again when it comes.
fn new_category(value: &Value<'_>) -> Option<Changed> {
    value.new_category.get().map(|new| Changed::Category(category(new)))
}

fn words(value: &Value<'_>) -> Option<Changed> {
    let body = lossy(value.message_template_element)?;
    let title = lossy(value.message_template_title);
    let header = title.and_then(|title| header("TEXT", Some(title)).ok());
    let buttons = value.message_template_buttons.and_then(|list| {
        let read = |raw| {
            let changed: ChangedButton<'_> = object(raw)?;
            let kind = changed.message_template_button_type.required("message_template_button_type")?;
            let text = lossy(changed.message_template_button_text);
            Ok::<_, Why>(button(kind, text, changed.message_template_button_url.owned()))
        };
        items(list).ok()?.into_iter().map(read).collect::<Result<Vec<_>, _>>().ok()
    });
    let parameter_format = format_of(header.as_ref(), &body);
    let footer = lossy(value.message_template_footer);
    Some(Changed::Words { header, body, footer, buttons, parameter_format })
}
