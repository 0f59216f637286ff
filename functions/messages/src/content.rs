//! The one content of a send body.

use crate::body::SendBody;
use domain::message::MediaKind;
use domain::outgoing::{
    ButtonValue, HeaderValue, MediaSource, Outgoing, OutgoingMedia, TemplateUse, Variables,
};
use platform::http::Problem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A file, by its address or by its id.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SendMedia))]
#[serde(deny_unknown_fields)]
pub(crate) struct MediaBody {
    kind: MediaKind,
    url: Option<String>,
    id: Option<String>,
    caption: Option<String>,
    filename: Option<String>,
}

/// An emoji on one of our messages or of the customer's; an empty one takes it away.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SendReaction))]
#[serde(deny_unknown_fields)]
pub(crate) struct ReactionBody {
    message_id: String,
    emoji: Option<String>,
}

/// Reads the content.
pub(crate) fn read(body: SendBody) -> Result<Outgoing, Problem> {
    let given = [
        ("text", body.text.is_some()),
        ("template", body.template.is_some()),
        ("media", body.media.is_some()),
        ("interactive", body.interactive.is_some()),
        ("location", body.location.is_some()),
        ("contacts", body.contacts.is_some()),
        ("reaction", body.reaction.is_some()),
    ];
    let mut names = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name);
    let first = names.next();
    if let (Some(first), Some(second)) = (first, names.next()) {
        return Err(Problem::invalid(second, format!("Give one content: `{first}` is given as well.")));
    }
    let beside = [
        ("language", body.language.is_some()),
        ("variables", body.variables.is_some()),
        ("preview_url", body.preview_url),
    ];
    for (name, given) in beside {
        let belongs = if name == "preview_url" { "text" } else { "template" };
        if given && first != Some(belongs) {
            return Err(Problem::invalid(name, format!("It belongs to `{belongs}`.")));
        }
    }
    if let Some(text) = body.text {
        return Ok(Outgoing::Text { body: text, preview_url: body.preview_url });
    }
    if let Some(template) = body.template {
        return template_use(template, body.language, body.variables).map(Outgoing::Template);
    }
    if let Some(media) = body.media {
        return media_of(media).map(Outgoing::Media);
    }
    if let Some(interactive) = body.interactive {
        return Ok(Outgoing::Interactive { interactive });
    }
    if let Some(location) = body.location {
        return Ok(Outgoing::Location(location));
    }
    if let Some(contacts) = body.contacts {
        return Ok(Outgoing::Contacts { contacts });
    }
    if let Some(reaction) = body.reaction {
        let emoji = reaction.emoji.filter(|emoji| !emoji.is_empty());
        return Ok(Outgoing::Reaction { target: reaction.message_id, emoji });
    }
    let kinds = "text, template, media, interactive, location, contacts, reaction";
    Err(Problem::invalid("text", format!("Say what to send: one of {kinds}.")))
}

fn media_of(media: MediaBody) -> Result<OutgoingMedia, Problem> {
    let source = source("media", "", media.url, media.id)?;
    let (media_kind, caption, filename) = (media.kind, media.caption, media.filename);
    Ok(OutgoingMedia { media_kind, source, caption, filename })
}

/// Where a file is, from an object that must have one of `url` and `id`.
fn source(
    object: &str,
    member: &str,
    url: Option<String>,
    id: Option<String>,
) -> Result<MediaSource, Problem> {
    let dot = if member.is_empty() { "" } else { "." };
    let field = |name: &str| format!("{object}{dot}{member}.{name}");
    match (url, id) {
        (Some(url), None) => Ok(MediaSource::Url(url)),
        (None, Some(id)) => Ok(MediaSource::Id(id)),
        (Some(_), Some(_)) => Err(Problem::invalid(field("id"), "Give either `url` or `id`.")),
        (None, None) => Err(Problem::invalid(field("url"), "Give a `url` or the `id` of an upload.")),
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SendTemplate))]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateBody {
    name: String,
    language: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Variables>))]
    variables: Option<Value>,
    header: Option<HeaderBody>,
    #[serde(default)]
    buttons: Vec<ButtonValue>,
}

/// A template by its name alone, or as an object: what the OpenAPI document says of it.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(as = SendTemplateGiven)]
#[serde(untagged)]
#[expect(dead_code, reason = "read by hand, so that errors name fields; this is its shape")]
pub(crate) enum TemplateGiven {
    /// The name; what fills it stands beside it.
    Name(String),
    /// The template with what fills it.
    Use(TemplateBody),
}

/// What fills a header: one of a text and a file.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SendTemplateHeader))]
#[serde(rename_all = "lowercase")]
pub(crate) enum HeaderBody {
    Text(String),
    Image(FileBody),
    Video(FileBody),
    Document(FileBody),
}

/// A file of a header, by its address or by its id; a document may have a name.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SendTemplateFile))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileBody {
    url: Option<String>,
    id: Option<String>,
    filename: Option<String>,
}

fn header(given: HeaderBody) -> Result<HeaderValue, Problem> {
    let named = |kind: &str, file: FileBody| match file.filename {
        None => source("template.header", kind, file.url, file.id),
        Some(_) => {
            let field = format!("template.header.{kind}.filename");
            Err(Problem::invalid(field, "Only documents are shown with a name."))
        }
    };
    Ok(match given {
        HeaderBody::Text(text) => HeaderValue::Text(text),
        HeaderBody::Image(file) => HeaderValue::Image(named("image", file)?),
        HeaderBody::Video(file) => HeaderValue::Video(named("video", file)?),
        HeaderBody::Document(file) => HeaderValue::Document {
            source: source("template.header", "document", file.url, file.id)?,
            filename: file.filename,
        },
    })
}

/// A template by name alone, with what fills it beside it, or as an object that holds both.
fn template_use(
    template: Value,
    language: Option<String>,
    beside: Option<Value>,
) -> Result<TemplateUse, Problem> {
    let template = match template {
        Value::String(name) => {
            let variables = variables(beside, "variables")?;
            return Ok(TemplateUse { name, language, variables, header: None, buttons: Vec::new() });
        }
        Value::Object(members) => Value::Object(members),
        _ => return Err(Problem::invalid("template", "Expected a name, or an object with a `name`.")),
    };
    for (name, given) in [("language", language.is_some()), ("variables", beside.is_some())] {
        if given {
            return Err(Problem::invalid(name, format!("Give it inside the template: `template.{name}`.")));
        }
    }
    let body: TemplateBody = serde_path_to_error::deserialize(template).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "template".to_owned() } else { format!("template.{path}") };
        Problem::invalid(field, error.into_inner().to_string())
    })?;
    Ok(TemplateUse {
        name: body.name,
        language: body.language,
        variables: variables(body.variables, "template.variables")?,
        header: body.header.map(header).transpose()?,
        buttons: body.buttons,
    })
}

/// Variables by name or by order; numbers and yes/no are taken as they are written.
pub(crate) fn variables(given: Option<Value>, field: &str) -> Result<Variables, Problem> {
    match given {
        None | Some(Value::Null) => Ok(Variables::default()),
        Some(Value::Object(members)) => named(members, field),
        Some(Value::Array(values)) => {
            let texts = values.into_iter().enumerate();
            let texts =
                texts.map(|(n, value)| scalar(value).ok_or_else(|| no_text(&format!("{field}[{n}]"))));
            texts.collect::<Result<_, _>>().map(Variables::Positional)
        }
        Some(_) => Err(Problem::invalid(field.to_owned(), "Expected an object of names or a list of texts.")),
    }
}

fn named(members: Map<String, Value>, field: &str) -> Result<Variables, Problem> {
    let pairs = members.into_iter().map(|(name, value)| match scalar(value) {
        Some(text) => Ok((name, text)),
        None => Err(no_text(&format!("{field}.{name}"))),
    });
    pairs.collect::<Result<_, _>>().map(Variables::Named)
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn no_text(field: &str) -> Problem {
    Problem::invalid(field.to_owned(), "Expected a text.")
}
