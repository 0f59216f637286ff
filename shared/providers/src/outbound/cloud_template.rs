//! A filled-in template in the Cloud API's JSON.

use super::cloud_content::File;
use crate::capability::NotCarried;
use domain::message::MediaKind;
use domain::template::{ButtonParameter, Filled, FilledButton, FilledHeader, Parameter as Text};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Template<'a> {
    name: &'a str,
    language: Language<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct Language<'a> {
    code: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Component<'a> {
    Header { parameters: [Parameter<'a>; 1] },
    Body { parameters: Vec<Parameter<'a>> },
    Button { sub_type: ButtonParameter, index: String, parameters: [Parameter<'a>; 1] },
}

/// The kinds of parameters, each named by its `type`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Parameter<'a> {
    Text {
        /// Only for templates with named variables; positional ones go by order.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter_name: Option<&'a str>,
        text: &'a str,
    },
    Image {
        image: File<'a>,
    },
    Video {
        video: File<'a>,
    },
    Document {
        document: File<'a>,
    },
    Payload {
        payload: &'a str,
    },
    CouponCode {
        coupon_code: &'a str,
    },
    Action {
        action: FlowAction<'a>,
    },
}

#[derive(Serialize)]
struct FlowAction<'a> {
    flow_token: &'a str,
}

impl<'a> Template<'a> {
    /// The template as it is sent.
    pub(super) fn of(filled: &'a Filled) -> Result<Self, NotCarried> {
        let mut components = Vec::with_capacity(2 + filled.buttons.len());
        if let Some(value) = &filled.header {
            components.push(Component::Header { parameters: [header(value)?] });
        }
        if !filled.body.is_empty() {
            components.push(Component::Body { parameters: filled.body.iter().map(text).collect() });
        }
        components.extend(filled.buttons.iter().map(button));
        Ok(Self { name: &filled.name, language: Language { code: &filled.language }, components })
    }
}

fn text(parameter: &Text) -> Parameter<'_> {
    Parameter::Text { parameter_name: parameter.name.as_deref(), text: &parameter.text }
}

fn header(value: &FilledHeader) -> Result<Parameter<'_>, NotCarried> {
    let (kind, source, filename) = match value {
        FilledHeader::Text(parameter) => return Ok(text(parameter)),
        FilledHeader::Media { kind, source, filename } => (kind, source, filename.as_deref()),
    };
    match kind {
        MediaKind::Image => Ok(Parameter::Image { image: File::at(source, None) }),
        MediaKind::Video => Ok(Parameter::Video { video: File::at(source, None) }),
        MediaKind::Document => Ok(Parameter::Document { document: File::at(source, filename) }),
        MediaKind::Audio | MediaKind::Voice | MediaKind::Sticker => Err(NotCarried::new(
            "A template's header cannot be a sound or a sticker.",
            "template.header",
            "Give a picture, a film or a document.",
        )),
    }
}

fn button(button: &FilledButton) -> Component<'_> {
    let value = button.value.as_str();
    let parameter = match button.sub_type {
        ButtonParameter::Url => Parameter::Text { parameter_name: None, text: value },
        ButtonParameter::QuickReply => Parameter::Payload { payload: value },
        ButtonParameter::CopyCode => Parameter::CouponCode { coupon_code: value },
        ButtonParameter::Flow => Parameter::Action { action: FlowAction { flow_token: value } },
    };
    // The index is a text on the wire.
    Component::Button { sub_type: button.sub_type, index: button.index.to_string(), parameters: [parameter] }
}
