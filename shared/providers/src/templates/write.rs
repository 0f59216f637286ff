//! Making, changing and deleting a template at its provider (providers.md 2.4 and 3).

use super::read::{category, state};
use super::{D360_API_KEY, Refusal, Unusable, VERSION, hidden, is_plain};
use crate::wire::{Text, object_str};
use bytes::Bytes;
use domain::provider::Provider;
use domain::template::contract::variables;
use domain::template::draft::{ButtonWords, HeaderWords, Words};
use domain::template::{Category, ParameterFormat, TemplateState};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Uri};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A template to register.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// The name.
    pub name: &'a str,
    /// The language code.
    pub language: &'a str,
    /// What it is for.
    pub category: Category,
    /// What it says, with examples.
    pub words: &'a Words,
}

/// What a provider says about a template it took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// The provider's id of it.
    pub provider_template_id: Option<String>,
    /// Where it stands; `None` when it does not say, or says something we do not know.
    pub state: Option<TemplateState>,
    /// What it counts as, which may differ from what was asked.
    pub category: Option<Category>,
}

/// A template was not taken, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The provider refuses, in a well-formed answer.
    #[error("{} (status {})", .0.message, .0.status)]
    Refused(Refusal),
    /// The answer makes no sense: whether it was taken is not known.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

/// Registers a template. `account` is Meta's business account id; 360dialog knows it by its key.
///
/// # Errors
/// The account or the secret cannot be part of a request, or the provider has no templates.
pub fn create_request(
    provider: Provider,
    account: &str,
    secret: &str,
    new: New<'_>,
) -> Result<Request<Bytes>, Unusable> {
    let path = match provider {
        Provider::Meta if is_plain(account) => format!("/{VERSION}/{account}/message_templates"),
        Provider::Dialog360 => "/v1/configs/templates".to_owned(),
        Provider::Meta | Provider::Ultramsg | Provider::Sandbox => return Err(Unusable(provider)),
    };
    let body = json!({
        "name": new.name,
        "language": new.language,
        "category": category_name(new.category),
        "parameter_format": format_name(new.words),
        "components": components(new.words),
    });
    request(provider, Method::POST, &path, secret, Some(&body))
}

/// Puts other words into a registered template, which is reviewed again. 360dialog has no such call. `category` is
/// given only when it changes, which an approved template's may not.
///
/// # Errors
/// The id or the secret cannot be part of a request, or the provider edits no templates.
pub fn edit_request(
    provider: Provider,
    provider_template_id: &str,
    secret: &str,
    category: Option<Category>,
    words: &Words,
) -> Result<Request<Bytes>, Unusable> {
    let path = match provider {
        Provider::Meta if is_plain(provider_template_id) => format!("/{VERSION}/{provider_template_id}"),
        Provider::Meta | Provider::Dialog360 | Provider::Ultramsg | Provider::Sandbox => {
            return Err(Unusable(provider));
        }
    };
    let mut body = json!({"parameter_format": format_name(words), "components": components(words)});
    if let (Some(category), Some(fields)) = (category, body.as_object_mut()) {
        fields.insert("category".to_owned(), category_name(category).into());
    }
    request(provider, Method::POST, &path, secret, Some(&body))
}

/// Deletes a template: at Meta the language that `provider_template_id` names, at 360dialog every language of the name.
///
/// # Errors
/// The account, the name, the id or the secret cannot be part of a request, or the provider has no templates.
pub fn delete_request(
    provider: Provider,
    account: &str,
    secret: &str,
    name: &str,
    provider_template_id: &str,
) -> Result<Request<Bytes>, Unusable> {
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let path = match provider {
        Provider::Meta if plain && is_plain(account) && is_plain(provider_template_id) => {
            format!("/{VERSION}/{account}/message_templates?name={name}&hsm_id={provider_template_id}")
        }
        Provider::Dialog360 if plain => format!("/v1/configs/templates/{name}"),
        Provider::Meta | Provider::Dialog360 | Provider::Ultramsg | Provider::Sandbox => {
            return Err(Unusable(provider));
        }
    };
    request(provider, Method::DELETE, &path, secret, None)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    external_id: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    category: Text<'a>,
    success: Option<bool>,
}

/// Reads the answer to any of the three requests.
///
/// # Errors
/// A refusal, or an answer that makes no sense.
pub fn written(status: u16, body: &[u8]) -> Result<Written, WriteError> {
    let text =
        std::str::from_utf8(body).map_err(|_| WriteError::Unreadable("it is not UTF-8".to_owned()))?.trim();
    if !(200..300).contains(&status) {
        return Err(WriteError::Refused(Refusal::read(status, text)));
    }
    if text.is_empty() {
        return Ok(Written::default());
    }
    let answer: Answer<'_> =
        object_str(text).map_err(|why: crate::wire::Why| WriteError::Unreadable(why.into_reason()))?;
    // Meta answers some failures with 200 and `success`.
    if answer.success == Some(false) {
        return Err(WriteError::Refused(Refusal::read(status, text)));
    }
    Ok(Written {
        provider_template_id: answer.id.owned().or_else(|| answer.external_id.owned()),
        state: answer.status.get().and_then(state),
        category: answer.category.get().map(category),
    })
}

fn request(
    provider: Provider,
    method: Method,
    path: &str,
    secret: &str,
    body: Option<&Value>,
) -> Result<Request<Bytes>, Unusable> {
    let unusable = Unusable(provider);
    let uri: Uri = path.parse().map_err(|_| unusable)?;
    let (header, secret) = match provider {
        Provider::Meta => (AUTHORIZATION, hidden(&format!("Bearer {secret}"))),
        Provider::Dialog360 => (D360_API_KEY, hidden(secret)),
        Provider::Ultramsg | Provider::Sandbox => return Err(unusable),
    };
    let request = Request::builder().method(method).uri(uri).header(header, secret.ok_or(unusable)?);
    let request = match body {
        Some(body) => request.header(CONTENT_TYPE, "application/json").body(Bytes::from(body.to_string())),
        None => request.body(Bytes::new()),
    };
    request.map_err(|_| unusable)
}

const fn category_name(category: Category) -> &'static str {
    match category {
        Category::Marketing => "MARKETING",
        Category::Utility => "UTILITY",
        Category::Authentication => "AUTHENTICATION",
    }
}

fn format_name(words: &Words) -> &'static str {
    match words.parameter_format() {
        ParameterFormat::Named => "NAMED",
        ParameterFormat::Positional => "POSITIONAL",
    }
}

fn components(words: &Words) -> Vec<Value> {
    let format = words.parameter_format();
    let header = words.header.as_ref().map(|header| header_component(header, format, words));
    let mut body = json!({"type": "BODY", "text": words.body});
    example(&mut body, body_example(format, words));
    let footer = words.footer.as_ref().map(|text| json!({"type": "FOOTER", "text": text}));
    let buttons: Vec<Value> = words.buttons.iter().map(button).collect();
    let buttons = (!buttons.is_empty()).then(|| json!({"type": "BUTTONS", "buttons": buttons}));
    [header, Some(body), footer, buttons].into_iter().flatten().collect()
}

fn example(component: &mut Value, example: Option<Value>) {
    if let (Some(example), Some(fields)) = (example, component.as_object_mut()) {
        fields.insert("example".to_owned(), example);
    }
}

fn header_component(header: &HeaderWords, format: ParameterFormat, words: &Words) -> Value {
    let (name, handle) = match header {
        HeaderWords::Text { text, example: own } => {
            let mut component = json!({"type": "HEADER", "format": "TEXT", "text": text});
            let names = variables(text);
            let given = match format {
                ParameterFormat::Named => Some(json!({"header_text_named_params": named(&names, words)})),
                ParameterFormat::Positional => own.as_ref().map(|own| json!({"header_text": [own]})),
            };
            example(&mut component, given.filter(|_| !names.is_empty()));
            return component;
        }
        HeaderWords::Location {} => return json!({"type": "HEADER", "format": "LOCATION"}),
        HeaderWords::Image { header_handle } => ("IMAGE", header_handle),
        HeaderWords::Video { header_handle } => ("VIDEO", header_handle),
        HeaderWords::Document { header_handle } => ("DOCUMENT", header_handle),
    };
    let mut component = json!({"type": "HEADER", "format": name});
    example(&mut component, handle.as_ref().map(|handle| json!({"header_handle": [handle]})));
    component
}

/// The examples of a body, by name or in the order of the numbers.
fn body_example(format: ParameterFormat, words: &Words) -> Option<Value> {
    let mut names = variables(&words.body);
    if names.is_empty() {
        return None;
    }
    Some(match format {
        ParameterFormat::Named => json!({"body_text_named_params": named(&names, words)}),
        ParameterFormat::Positional => {
            names.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
            let examples: Vec<&str> = names.iter().map(|name| of(words, name)).collect();
            json!({"body_text": [examples]})
        }
    })
}

fn named(names: &[String], words: &Words) -> Vec<Value> {
    names.iter().map(|name| json!({"param_name": name, "example": of(words, name)})).collect()
}

fn of<'a>(words: &'a Words, name: &str) -> &'a str {
    words.examples.get(name).map(String::as_str).unwrap_or_default()
}

fn button(button: &ButtonWords) -> Value {
    let fields: Vec<(&str, Value)> = match button {
        ButtonWords::QuickReply { text } => {
            vec![("type", "QUICK_REPLY".into()), ("text", text.as_str().into())]
        }
        ButtonWords::Url { text, url, example } => {
            let mut fields =
                vec![("type", "URL".into()), ("text", text.as_str().into()), ("url", url.as_str().into())];
            fields.extend(example.as_ref().map(|example| ("example", json!([example]))));
            fields
        }
        ButtonWords::PhoneNumber { text, phone_number } => vec![
            ("type", "PHONE_NUMBER".into()),
            ("text", text.as_str().into()),
            ("phone_number", phone_number.expose().as_str().into()),
        ],
        ButtonWords::CopyCode { example } => {
            vec![("type", "COPY_CODE".into()), ("example", example.as_str().into())]
        }
        ButtonWords::RequestContactInfo {} => vec![("type", "REQUEST_CONTACT_INFO".into())],
    };
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
