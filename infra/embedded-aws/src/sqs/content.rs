//! What a message may contain: characters, attributes, size.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::api::{Attribute, Attributes, OutgoingMessage};
use super::{attributes, error};
use crate::protocol::ApiError;

/// A message, and a batch of messages, hold this much: body and attributes together.
pub(super) const MAX_BYTES: usize = 1_048_576;
/// A message carries at most this many attributes.
const MAX_ATTRIBUTES: usize = 10;
const MAX_NAME: usize = 256;

/// A message that may be sent.
pub(super) struct Checked {
    pub(super) body: String,
    pub(super) attributes: Attributes,
    pub(super) system_attributes: Attributes,
    pub(super) group_id: Option<String>,
    pub(super) delay_seconds: Option<i64>,
    pub(super) bytes: usize,
}

impl Checked {
    pub(super) fn check(message: OutgoingMessage) -> Result<Self, ApiError> {
        let body = message
            .message_body
            .filter(|body| !body.is_empty())
            .ok_or_else(|| error::missing("MessageBody"))?;
        allowed(&body)?;
        if message.message_deduplication_id.is_some() {
            return Err(error::invalid(
                "Value for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter \
                 that is not valid for this queue type.",
            ));
        }
        if let Some(delay) = message.delay_seconds
            && !attributes::DELAY.contains(&delay)
        {
            return Err(error::invalid(format!(
                "Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
            )));
        }
        let attributes = message.message_attributes.unwrap_or_default();
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(error::invalid(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
                attributes.len()
            )));
        }
        let mut bytes = body.len();
        for (name, attribute) in &attributes {
            bytes += check_attribute(name, attribute)?;
        }
        let system_attributes = message.message_system_attributes.unwrap_or_default();
        for (name, attribute) in &system_attributes {
            if name != "AWSTraceHeader" || attribute.data_type != "String" {
                return Err(error::invalid(format!("Message system attribute name '{name}' is invalid.")));
            }
        }
        Ok(Self {
            body,
            attributes,
            system_attributes,
            group_id: message.message_group_id,
            delay_seconds: message.delay_seconds,
            bytes,
        })
    }

    /// The trace header it carries.
    pub(super) fn trace_header(&self) -> Option<&str> {
        self.system_attributes.get("AWSTraceHeader")?.string_value.as_deref()
    }
}

/// The bytes of a binary attribute.
pub(super) fn binary(attribute: &Attribute) -> Option<Vec<u8>> {
    if !attribute.data_type.starts_with("Binary") {
        return None;
    }
    attribute.binary_value.as_deref().and_then(|text| STANDARD.decode(text).ok())
}

/// XML's characters: what SQS accepts in text.
fn allowed(text: &str) -> Result<(), ApiError> {
    let refused = text.chars().find(|character| {
        !matches!(character,
            '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
    });
    refused.map_or(Ok(()), |character| Err(error::invalid_contents(character)))
}

/// Checks one attribute; gives its size.
fn check_attribute(name: &str, attribute: &Attribute) -> Result<usize, ApiError> {
    let well_named = !name.is_empty()
        && name.len() <= MAX_NAME
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !["aws.", "amazon."].iter().any(|taken| name.to_ascii_lowercase().starts_with(taken));
    if !well_named {
        return Err(error::invalid(format!("Message (user) attribute name '{name}' is invalid.")));
    }
    let kind = attribute.data_type.split('.').next().unwrap_or_default();
    let empty = || {
        error::invalid(format!(
            "Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
        ))
    };
    let value = match kind {
        "String" | "Number" => {
            let text = attribute.string_value.as_deref().filter(|text| !text.is_empty()).ok_or_else(empty)?;
            allowed(text)?;
            if kind == "Number" && text.parse::<f64>().is_err() {
                return Err(error::invalid(format!(
                    "Can't cast the value of message (user) attribute '{name}' to a number."
                )));
            }
            text.len()
        }
        "Binary" => binary(attribute).filter(|bytes| !bytes.is_empty()).ok_or_else(empty)?.len(),
        _ => {
            return Err(error::invalid(format!(
                "The type of message (user) attribute '{name}' is invalid. You must use only the following \
                 supported type prefixes: Binary, Number, String."
            )));
        }
    };
    Ok(name.len() + attribute.data_type.len() + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_xml_characters_are_allowed() {
        assert!(allowed("line\tone\r\nمرحبا 😀 \u{FFFD}").is_ok());
        for refused in ["\u{0}", "\u{8}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
            assert!(allowed(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn an_attribute_counts_its_name_type_and_value() {
        let attribute = serde_json::from_str(r#"{"DataType":"Binary","BinaryValue":"AP8="}"#).unwrap();
        assert_eq!(check_attribute("bin", &attribute).unwrap(), 3 + 6 + 2);
        let odd = serde_json::from_str(r#"{"DataType":"Map","StringValue":"x"}"#).unwrap();
        assert!(check_attribute("bin", &odd).is_err());
    }
}
