//! What fills a template's header.

use super::Mismatch;
use super::text::{refusal, variables};
use super::values::Values;
use crate::message::MediaKind;
use crate::outgoing::{FieldError, HeaderValue, MediaSource, check_document_name, check_media_source};
use crate::template::{FilledHeader, Header, Parameter, ParameterFormat, Template};

/// Fills the header; `None` when it takes nothing.
pub(super) fn fill(
    template: &Template,
    given: Option<&HeaderValue>,
    values: &Values<'_>,
) -> Result<Option<FilledHeader>, Mismatch> {
    match (&template.header, given) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(wrong("template.header", "The template has no header.")),
        (Some(Header::Text { text }), given) => text_header(template, text, given, values),
        (Some(Header::Image), Some(HeaderValue::Image(source))) => media(MediaKind::Image, source, None),
        (Some(Header::Video), Some(HeaderValue::Video(source))) => media(MediaKind::Video, source, None),
        (Some(Header::Document), Some(HeaderValue::Document { source, filename })) => {
            media(MediaKind::Document, source, filename.as_deref())
        }
        (Some(Header::Image), _) => Err(wrong("template.header", "The header needs an `image`.")),
        (Some(Header::Video), _) => Err(wrong("template.header", "The header needs a `video`.")),
        (Some(Header::Document), _) => Err(wrong("template.header", "The header needs a `document`.")),
        (Some(Header::Location), _) => {
            Err(wrong("template.header", "Templates with a place on top cannot be sent from here."))
        }
    }
}

fn text_header(
    template: &Template,
    text: &str,
    given: Option<&HeaderValue>,
    values: &Values<'_>,
) -> Result<Option<FilledHeader>, Mismatch> {
    let names = variables(text);
    let name = match (names.as_slice(), given) {
        ([], None) => return Ok(None),
        ([], Some(_)) => return Err(wrong("template.header", "The header takes no value.")),
        ([name], _) => name,
        _ => {
            return Err(wrong(
                "template.header",
                "The header has more than one variable; WhatsApp fills one.",
            ));
        }
    };
    match template.parameter_format {
        ParameterFormat::Named => match (given, values.get(name)) {
            (None, Some(value)) => {
                let parameter = Parameter { name: Some(name.clone()), text: value.to_owned() };
                Ok(Some(FilledHeader::Text(parameter)))
            }
            (None, None) => Err(wrong("template.variables", format!("`{name}` is missing."))),
            (Some(_), _) => {
                let message = format!("The header's variable `{name}` is filled by `template.variables`.");
                Err(wrong("template.header", message))
            }
        },
        ParameterFormat::Positional => match given {
            Some(HeaderValue::Text(value)) => match refusal(value) {
                Some(message) => Err(wrong("template.header.text", message)),
                None => Ok(Some(FilledHeader::Text(Parameter { name: None, text: value.clone() }))),
            },
            Some(HeaderValue::Image(_) | HeaderValue::Video(_) | HeaderValue::Document { .. }) | None => {
                Err(wrong("template.header", "The header needs a `text` for its variable."))
            }
        },
    }
}

fn media(
    kind: MediaKind,
    source: &MediaSource,
    filename: Option<&str>,
) -> Result<Option<FilledHeader>, Mismatch> {
    let field = format!("template.header.{}", kind.as_str());
    let refused = |error: FieldError| wrong(&error.field, error.message);
    check_media_source(&field, source).map_err(refused)?;
    if let Some(name) = filename {
        check_document_name(&format!("{field}.filename"), name).map_err(refused)?;
    }
    let filename = filename.map(str::to_owned);
    Ok(Some(FilledHeader::Media { kind, source: source.clone(), filename }))
}

fn wrong(field: &str, message: impl Into<String>) -> Mismatch {
    Mismatch { parameter: "header".to_owned(), field: field.to_owned(), message: message.into() }
}
