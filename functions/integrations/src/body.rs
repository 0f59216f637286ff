//! What an admin gives to connect a number: known fields only, each in a form that a request to the provider can hold.

use crm::integrations::Credentials;
use domain::provider::Provider;
use domain::redacted::Redacted;
use platform::http::Problem;
use serde_json::{Map, Value};

/// The longest secret of a provider, in characters.
const LONGEST: usize = 1024;
/// A secret of ours with fewer characters could be guessed.
const SHORTEST_SECRET: usize = 8;

/// What connects a number, as the OpenAPI document describes it: the fields of the provider in the path.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a body is read field by field, so that errors name fields; this is its shape")]
pub(crate) enum ConnectNumber {
    /// Meta's Cloud API.
    Meta(ConnectMeta),
    /// 360dialog.
    Dialog360(ConnectDialog360),
    /// UltraMsg.
    Ultramsg(ConnectUltramsg),
}

/// A number of Meta's Cloud API.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape of a body that is read field by field")]
pub(crate) struct ConnectMeta {
    #[schema(pattern = "^[0-9]{1,32}$")]
    phone_number_id: String,
    #[schema(pattern = "^[0-9]{1,32}$")]
    waba_id: String,
    #[schema(pattern = "^[!-~]{1,1024}$")]
    access_token: String,
    #[schema(pattern = "^[!-~]{8,1024}$")]
    app_secret: Option<String>,
    #[schema(pattern = "^[!-~]{8,1024}$")]
    verify_token: Option<String>,
}

/// A number of 360dialog's.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape of a body that is read field by field")]
pub(crate) struct ConnectDialog360 {
    #[schema(pattern = "^[!-~]{1,1024}$")]
    api_key: String,
    #[schema(pattern = "^[!-~]{8,1024}$")]
    webhook_secret: Option<String>,
}

/// An instance of UltraMsg.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the shape of a body that is read field by field")]
pub(crate) struct ConnectUltramsg {
    #[schema(pattern = "^(instance)?[A-Za-z0-9]{1,32}$")]
    instance_id: String,
    #[schema(pattern = "^[!-~]{1,1024}$")]
    token: String,
}

/// Reads the body of a `PUT`.
///
/// # Errors
/// The first field that cannot be what it is, by name.
pub(crate) fn read(provider: Provider, body: Map<String, Value>) -> Result<Credentials, Problem> {
    let known: &[&str] = match provider {
        Provider::Meta => &["phone_number_id", "waba_id", "access_token", "app_secret", "verify_token"],
        Provider::Dialog360 => &["api_key", "webhook_secret"],
        Provider::Ultramsg => &["instance_id", "token"],
        Provider::Sandbox => return Err(Problem::NotFound),
    };
    if let Some(unknown) = body.keys().find(|name| !known.contains(&name.as_str())) {
        let name: String = unknown.chars().take(64).collect();
        return Err(Problem::invalid(
            name,
            format!("There is no such field; known are {}.", known.join(", ")),
        ));
    }
    let mut fields = Fields(body);
    Ok(match provider {
        Provider::Meta => Credentials::Meta {
            phone_number_id: fields.id("phone_number_id")?,
            waba_id: fields.id("waba_id")?,
            access_token: fields.secret("access_token")?,
            app_secret: fields.own_secret("app_secret")?,
            verify_token: fields.own_secret("verify_token")?,
        },
        Provider::Dialog360 => Credentials::Dialog360 {
            api_key: fields.secret("api_key")?,
            webhook_secret: fields.own_secret("webhook_secret")?,
        },
        Provider::Ultramsg => Credentials::Ultramsg {
            instance_id: fields.instance("instance_id")?,
            token: fields.secret("token")?,
        },
        Provider::Sandbox => return Err(Problem::NotFound),
    })
}

struct Fields(Map<String, Value>);

impl Fields {
    /// A text; `None` when it is absent or `null`.
    fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(Problem::invalid(name, "Expected a text."))
            }
        }
    }

    fn required(&mut self, name: &'static str) -> Result<String, Problem> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Problem::invalid(name, "This field is required."))
    }

    /// An id of Meta's: digits.
    fn id(&mut self, name: &'static str) -> Result<String, Problem> {
        let text = self.required(name)?;
        if text.len() > 32 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::invalid(name, "Expected an id of Meta's: digits only."));
        }
        Ok(text)
    }

    /// UltraMsg's instance, with or without its prefix.
    fn instance(&mut self, name: &'static str) -> Result<String, Problem> {
        let text = self.required(name)?;
        let plain = text.strip_prefix("instance").unwrap_or(&text);
        if plain.is_empty() || plain.len() > 32 || !plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Problem::invalid(name, "Expected an instance's id, such as `instance41580`."));
        }
        Ok(plain.to_owned())
    }

    /// What opens a provider's API.
    fn secret(&mut self, name: &'static str) -> Result<Redacted<String>, Problem> {
        let text = self.required(name)?;
        visible(name, &text)?;
        Ok(Redacted::new(text))
    }

    /// What webhooks are proven with.
    fn own_secret(&mut self, name: &'static str) -> Result<Option<Redacted<String>>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        visible(name, &text)?;
        if text.len() < SHORTEST_SECRET {
            let message = format!("Expected at least {SHORTEST_SECRET} characters.");
            return Err(Problem::invalid(name, message));
        }
        Ok(Some(Redacted::new(text)))
    }
}

/// No blank, no line break, nothing that a header could not hold. The value is not repeated.
fn visible(name: &'static str, text: &str) -> Result<(), Problem> {
    if text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Problem::invalid(
        name,
        format!("Expected at most {LONGEST} visible ASCII characters, without blanks and line breaks."),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(provider: Provider, body: Value) -> String {
        let Value::Object(body) = body else { panic!("not an object") };
        let refused = read(provider, body).unwrap_err();
        assert!(!refused.message().contains("s3cret"), "{}", refused.message());
        refused.field().unwrap_or_default().to_owned()
    }

    #[test]
    fn each_field_that_is_wrong_is_named() {
        let meta = json!({"phone_number_id": "1", "waba_id": "2", "access_token": "EAAs3cret"});
        let with = |name: &str, value: Value| {
            let mut body = meta.clone();
            body[name] = value;
            body
        };
        for (name, value) in [
            ("phone_number_id", json!("")),
            ("phone_number_id", json!("+97145550100")),
            ("waba_id", json!(5)),
            ("waba_id", Value::Null),
            ("access_token", json!("EAA\ns3cret")),
            ("access_token", json!("EAA s3cret")),
            ("access_token", json!("s3cret".repeat(400))),
            ("app_secret", json!("s3cret")),
            ("verify_token", json!("مرحبا مرحبا")),
            ("status", json!("live")),
            ("tenant_id", json!("tnt_1")),
        ] {
            assert_eq!(field(Provider::Meta, with(name, value)), name);
        }
        assert_eq!(field(Provider::Ultramsg, json!({"token": "s3cret"})), "instance_id");
        assert_eq!(field(Provider::Ultramsg, json!({"instance_id": "41580"})), "token");
        assert_eq!(field(Provider::Ultramsg, json!({"instance_id": "../x", "token": "t"})), "instance_id");
        assert_eq!(field(Provider::Dialog360, json!({})), "api_key");
        assert_eq!(field(Provider::Dialog360, json!({"api_key": "k", "token": "s3cret"})), "token");
    }

    #[test]
    fn what_is_right_is_taken_and_an_instance_loses_its_prefix() {
        let Value::Object(body) = json!({"instance_id": "instance41580", "token": "t"}) else { panic!() };
        match read(Provider::Ultramsg, body).unwrap() {
            Credentials::Ultramsg { instance_id, token } => {
                assert_eq!((instance_id.as_str(), token.expose().as_str()), ("41580", "t"));
            }
            other => panic!("{other:?}"),
        }
    }
}
