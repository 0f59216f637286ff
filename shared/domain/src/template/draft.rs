//! What a person writes to have a template registered: the words with the examples that the review asks for.

use super::contract::variables;
use super::{Button, Header, ParameterFormat, Template};
use crate::redacted::Redacted;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// A template in one language, as written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplateWords))]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// What stands on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderWords>,
    /// The words, with variables in double braces.
    pub body: String,
    /// The small line below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// The buttons, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonWords>,
    /// An example for every variable of the body, and of a header whose variable has a name.
    #[serde(default, deserialize_with = "named", skip_serializing_if = "BTreeMap::is_empty")]
    pub examples: BTreeMap<String, String>,
}

/// Examples by the names of their variables. No variable has an empty name, and no table keeps one.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    given_examples(deserializer).map(Option::unwrap_or_default)
}

/// As in [`Words::examples`], where they may be left out.
///
/// # Errors
/// An example without a name.
pub fn given_examples<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let examples = Option::<BTreeMap<String, String>>::deserialize(deserializer)?;
    if examples.as_ref().is_some_and(|examples| examples.contains_key("")) {
        return Err(D::Error::custom("an example has the name of its variable"));
    }
    Ok(examples)
}

/// What stands on top, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase", tag = "format", deny_unknown_fields)]
pub enum HeaderWords {
    /// A line of text with at most one variable.
    Text {
        /// The line.
        text: String,
        /// An example of its variable, when that is `{{1}}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        example: Option<String>,
    },
    /// A picture.
    Image {
        /// The handle of a sample, from the provider's upload of samples.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header_handle: Option<String>,
    },
    /// A film.
    Video {
        /// The handle of a sample, from the provider's upload of samples.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header_handle: Option<String>,
    },
    /// A document.
    Document {
        /// The handle of a sample, from the provider's upload of samples.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header_handle: Option<String>,
    },
    /// A place.
    Location {},
}

/// A button, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "type", deny_unknown_fields)]
pub enum ButtonWords {
    /// Answers with its text.
    QuickReply {
        /// What it says.
        text: String,
    },
    /// Opens a link.
    Url {
        /// What it says.
        text: String,
        /// The link; one that ends in `{{1}}` takes its end with every send.
        url: String,
        /// An example of the whole link, when it takes its end with every send.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        example: Option<String>,
    },
    /// Calls a number.
    PhoneNumber {
        /// What it says.
        text: String,
        /// The number, in E.164.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        phone_number: Redacted<String>,
    },
    /// Copies a code, given with every send.
    CopyCode {
        /// An example of the code.
        example: String,
    },
    /// Asks the customer for the phone number.
    RequestContactInfo {},
}

impl HeaderWords {
    /// The handle of the sample of a file; `None` for a line or a place.
    #[must_use]
    pub fn handle(&self) -> Option<&str> {
        match self {
            Self::Image { header_handle }
            | Self::Video { header_handle }
            | Self::Document { header_handle } => header_handle.as_deref(),
            Self::Text { .. } | Self::Location {} => None,
        }
    }

    /// The header as a send sees it.
    #[must_use]
    pub fn plain(&self) -> Header {
        match self {
            Self::Text { text, .. } => Header::Text { text: text.clone() },
            Self::Image { .. } => Header::Image,
            Self::Video { .. } => Header::Video,
            Self::Document { .. } => Header::Document,
            Self::Location {} => Header::Location,
        }
    }
}

impl ButtonWords {
    /// What the button says; `None` where the provider writes it.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::QuickReply { text } | Self::Url { text, .. } | Self::PhoneNumber { text, .. } => Some(text),
            Self::CopyCode { .. } | Self::RequestContactInfo {} => None,
        }
    }

    /// The button as a send sees it.
    #[must_use]
    pub fn plain(&self) -> Button {
        match self {
            Self::QuickReply { text } => Button::QuickReply { text: text.clone() },
            Self::Url { text, url, .. } => Button::Url { text: text.clone(), url: url.clone() },
            Self::PhoneNumber { text, .. } => Button::PhoneNumber { text: text.clone() },
            Self::CopyCode { .. } => Button::CopyCode,
            Self::RequestContactInfo {} => Button::Other { name: CONTACT_INFO.to_owned() },
        }
    }
}

/// The name under which providers list the button that asks for the phone number.
const CONTACT_INFO: &str = "REQUEST_CONTACT_INFO";

impl Words {
    /// How the variables are addressed: by name as soon as one has a name.
    #[must_use]
    pub fn parameter_format(&self) -> ParameterFormat {
        let named = |text: &str| variables(text).iter().any(|name| !is_number(name));
        let above = match &self.header {
            Some(HeaderWords::Text { text, .. }) => named(text),
            Some(
                HeaderWords::Image { .. }
                | HeaderWords::Video { .. }
                | HeaderWords::Document { .. }
                | HeaderWords::Location {},
            )
            | None => false,
        };
        if above || named(&self.body) { ParameterFormat::Named } else { ParameterFormat::Positional }
    }

    /// Puts these words into a template.
    pub fn put_into(&self, template: &mut Template) {
        template.parameter_format = self.parameter_format();
        template.header = self.header.as_ref().map(HeaderWords::plain);
        template.body.clone_from(&self.body);
        template.footer.clone_from(&self.footer);
        template.buttons = self.buttons.iter().map(ButtonWords::plain).collect();
    }

    /// Whether a template says exactly this.
    #[must_use]
    pub fn are_in(&self, template: &Template) -> bool {
        let mut same = template.clone();
        self.put_into(&mut same);
        same == *template
    }

    /// The words of a template that was registered elsewhere, as far as they can be written here: without examples,
    /// handles and phone numbers, and without the buttons that only other tools make.
    #[must_use]
    pub fn of(template: &Template) -> Self {
        let header = template.header.as_ref().map(|header| match header {
            Header::Text { text } => HeaderWords::Text { text: text.clone(), example: None },
            Header::Image => HeaderWords::Image { header_handle: None },
            Header::Video => HeaderWords::Video { header_handle: None },
            Header::Document => HeaderWords::Document { header_handle: None },
            Header::Location => HeaderWords::Location {},
        });
        let buttons = template.buttons.iter().filter_map(|button| match button {
            Button::QuickReply { text } => Some(ButtonWords::QuickReply { text: text.clone() }),
            Button::Url { text, url } => {
                Some(ButtonWords::Url { text: text.clone(), url: url.clone(), example: None })
            }
            Button::PhoneNumber { text } => Some(ButtonWords::PhoneNumber {
                text: text.clone(),
                phone_number: Redacted::new(String::new()),
            }),
            Button::CopyCode => Some(ButtonWords::CopyCode { example: String::new() }),
            Button::Other { name } if name == CONTACT_INFO => Some(ButtonWords::RequestContactInfo {}),
            Button::Otp | Button::Flow { .. } | Button::Other { .. } => None,
        });
        Self {
            header,
            body: template.body.clone(),
            footer: template.footer.clone(),
            buttons: buttons.collect(),
            examples: BTreeMap::new(),
        }
    }
}

pub(super) fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::sample::template;

    fn words(json: &str) -> Words {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn words_go_into_a_template_and_come_out_without_their_examples() {
        let written = words(
            r#"{"header":{"format":"text","text":"Hi {{name}}"},"body":"Come at {{time}} please","footer":"Bye",
                "buttons":[{"type":"quick_reply","text":"Yes"},
                    {"type":"url","text":"See","url":"https://x.ae/{{1}}","example":"https://x.ae/7"},
                    {"type":"phone_number","text":"Call","phone_number":"+97143334444"},
                    {"type":"copy_code","example":"SAVE"},{"type":"request_contact_info"}],
                "examples":{"name":"Sara","time":"11:00"}}"#,
        );
        let mut row = template("x");
        assert!(!written.are_in(&row));
        written.put_into(&mut row);
        assert!(written.are_in(&row));
        assert_eq!(row.parameter_format, ParameterFormat::Named);
        let read = Words::of(&row);
        assert!(read.are_in(&row));
        assert_eq!((read.buttons.len(), read.examples.len()), (5, 0));
        let again = words(&serde_json::to_string(&written).unwrap());
        assert_eq!(again, written);
    }

    #[test]
    fn a_phone_number_stays_out_of_debug_output_and_unknown_fields_are_refused() {
        let button: ButtonWords =
            serde_json::from_str(r#"{"type":"phone_number","text":"Call","phone_number":"+97143334444"}"#)
                .unwrap();
        assert!(!format!("{button:?}").contains("3334444"));
        for bad in [
            r#"{"body":"x","colour":"red"}"#,
            r#"{"body":"x","header":{"format":"text","text":"x","size":1}}"#,
            r#"{"body":"x","buttons":[{"type":"quick_reply","text":"x","url":"y"}]}"#,
            r#"{"body":"x","buttons":[{"type":"otp"}]}"#,
        ] {
            assert!(serde_json::from_str::<Words>(bad).is_err(), "{bad}");
        }
    }
}
