//! One template of a list, and the parts that webhooks share with it.

use super::Reported;
use crate::wire::{Text, Why, items, lossy, object};
use domain::template::contract::variables;
use domain::template::{Button, Category, Header, ParameterFormat, TemplateState};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Listed<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    external_id: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    language: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    category: Text<'a>,
    #[serde(borrow)]
    parameter_format: Text<'a>,
    #[serde(borrow)]
    components: Option<&'a RawValue>,
    #[serde(borrow)]
    quality_score: Option<&'a RawValue>,
    #[serde(borrow)]
    rejected_reason: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Component<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    format: Text<'a>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    buttons: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListedButton<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Text<'a>,
}

/// What a template's components say.
#[derive(Default)]
struct Said {
    header: Option<Header>,
    body: String,
    footer: Option<String>,
    buttons: Vec<Button>,
    /// A part that a send would have to fill in a way we do not know.
    beyond: Option<String>,
}

/// Reads one template of a list.
pub(super) fn reported(raw: &RawValue) -> Result<Reported, Why> {
    let listed: Listed<'_> = object(raw)?;
    let name = listed.name.required("name")?.to_owned();
    let language = listed.language.required("language")?.to_owned();
    let said = components(listed.components).map_err(|why| why.inside("components"))?;
    let status = listed.status.required("status")?;
    let mut reason = lossy(listed.rejected_reason).and_then(|reason| reason_of(&reason));
    let mut state = state(status);
    if state.is_none() && reason.is_none() {
        reason = Some(format!("the provider reports the status {}", shortened(status)));
    }
    if let Some(part) = said.beyond {
        state = Some(TemplateState::Disabled);
        reason = Some(format!("it has a part that cannot be sent from here: {part}"));
    }
    Ok(Reported {
        provider_template_id: listed.id.owned().or_else(|| listed.external_id.owned()),
        category: category(listed.category.get().unwrap_or_default()),
        state: state.unwrap_or(TemplateState::Disabled),
        parameter_format: match listed.parameter_format.get() {
            Some(format) if format.eq_ignore_ascii_case("named") => ParameterFormat::Named,
            Some(_) => ParameterFormat::Positional,
            None => format_of(said.header.as_ref(), &said.body),
        },
        name,
        language,
        header: said.header,
        body: said.body,
        footer: said.footer,
        buttons: said.buttons,
        quality: quality(listed.quality_score),
        rejected_reason: reason,
    })
}

fn components(raw: Option<&RawValue>) -> Result<Said, Why> {
    let mut said = Said::default();
    for raw in raw.map(items).transpose()?.unwrap_or_default() {
        let component: Component<'_> = object(raw)?;
        let text = lossy(component.text);
        let kind = component.kind.required("type")?.to_ascii_uppercase();
        match kind.as_str() {
            "HEADER" => match header(component.format.get().unwrap_or("TEXT"), text) {
                Ok(header) => said.header = Some(header),
                Err(format) => said.beyond = Some(format!("a header of the format {format}")),
            },
            "BODY" => said.body = text.unwrap_or_default(),
            "FOOTER" => said.footer = text,
            "BUTTONS" => said.buttons = buttons(component.buttons)?,
            // What these are filled with is not part of our send body.
            "CAROUSEL" | "LIMITED_TIME_OFFER" | "ORDER_DETAILS" | "TAP_TARGET_CONFIGURATION" => {
                said.beyond = Some(kind.to_ascii_lowercase());
            }
            // Settings of a template, such as `CALL_PERMISSION_REQUEST`, take no parameter.
            _ => {}
        }
    }
    Ok(said)
}

/// A header by its format; the format when we do not know it.
pub(super) fn header(format: &str, text: Option<String>) -> Result<Header, String> {
    match format.to_ascii_uppercase().as_str() {
        "TEXT" => Ok(Header::Text { text: text.unwrap_or_default() }),
        "IMAGE" => Ok(Header::Image),
        "VIDEO" => Ok(Header::Video),
        "DOCUMENT" => Ok(Header::Document),
        "LOCATION" => Ok(Header::Location),
        other => Err(shortened(other)),
    }
}

fn buttons(raw: Option<&RawValue>) -> Result<Vec<Button>, Why> {
    let list = raw.map(items).transpose()?.unwrap_or_default();
    let read = |raw| {
        let listed: ListedButton<'_> = object(raw)?;
        Ok(button(listed.kind.required("type")?, lossy(listed.text), listed.url.owned()))
    };
    list.into_iter().map(read).collect::<Result<_, _>>().map_err(|why: Why| why.inside("buttons"))
}

/// A button by its type.
pub(super) fn button(kind: &str, text: Option<String>, url: Option<String>) -> Button {
    let text = text.unwrap_or_default();
    match kind.to_ascii_uppercase().as_str() {
        "QUICK_REPLY" => Button::QuickReply { text },
        "URL" => Button::Url { text, url: url.unwrap_or_default() },
        "PHONE_NUMBER" => Button::PhoneNumber { text },
        "COPY_CODE" => Button::CopyCode,
        "OTP" => Button::Otp,
        "FLOW" => Button::Flow { text },
        other => Button::Other { name: shortened(other) },
    }
}

/// How variables are addressed, when nobody says so: by name as soon as one has a name.
pub(super) fn format_of(header: Option<&Header>, body: &str) -> ParameterFormat {
    let mut names = variables(body);
    if let Some(Header::Text { text }) = header {
        names.extend(variables(text));
    }
    let named = names.iter().any(|name| !name.bytes().all(|b| b.is_ascii_digit()));
    if named { ParameterFormat::Named } else { ParameterFormat::Positional }
}

/// A status of a list or of a webhook; `None` for one we do not know.
pub(super) fn state(status: &str) -> Option<TemplateState> {
    Some(match status.to_ascii_uppercase().as_str() {
        // Flagged is a warning: the template is sent still.
        "APPROVED" | "REINSTATED" | "UNPAUSED" | "ACTIVE" | "FLAGGED" => TemplateState::Approved,
        "PENDING" | "SUBMITTED" | "REQUESTED" | "CREATED" | "IN_REVIEW" => TemplateState::Pending,
        "REJECTED" => TemplateState::Rejected,
        "PAUSED" => TemplateState::Paused,
        "DISABLED" | "LIMIT_EXCEEDED" | "ARCHIVED" | "LOCKED" => TemplateState::Disabled,
        "IN_APPEAL" | "APPEAL_REQUESTED" => TemplateState::InAppeal,
        "PENDING_DELETION" | "DELETED" => TemplateState::Deleted,
        _ => return None,
    })
}

/// A category, those of 2022 included.
pub(super) fn category(text: &str) -> Category {
    match text.to_ascii_uppercase().as_str() {
        "UTILITY" | "TRANSACTIONAL" => Category::Utility,
        "AUTHENTICATION" | "OTP" => Category::Authentication,
        // Whatever comes next must not be sent to people who gave no opt-in.
        _ => Category::Marketing,
    }
}

/// A quality, as a word or in an object; "not known" is none.
pub(super) fn quality(raw: Option<&RawValue>) -> Option<String> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Score<'a> {
        #[serde(borrow)]
        score: Text<'a>,
    }
    let raw = raw?;
    let word = match lossy(Some(raw)) {
        Some(word) => word,
        None => object::<Score<'_>>(raw).ok()?.score.owned()?,
    };
    Some(shortened(&word.to_ascii_uppercase()))
}

/// Meta says `NONE` where there is no reason.
pub(super) fn reason_of(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && !text.eq_ignore_ascii_case("none")).then(|| text.to_owned())
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
