//! The platform's secrets: a new value, with the one before it still good.

use crate::command::SecretName;
use crate::{AdminError, Desk};
use platform::aws::{Effort, Service};
use serde_json::{Map, Value, json};
use std::io::BufRead;
use uuid::Uuid;

/// Cursors and replayed webhooks are at most this old, in seconds: so long must a previous value stay good.
const DAY_S: f64 = 24.0 * 60.0 * 60.0;

pub(crate) async fn rotate(
    desk: &mut Desk<'_>,
    name: SecretName,
    force: bool,
    input: &mut dyn BufRead,
) -> Result<(), AdminError> {
    let id = desk.config.platform_secret_id.clone();
    let value = match name {
        SecretName::CursorKey => {
            let mut random = [0u8; 32];
            getrandom::fill(&mut random).map_err(|_| crm::provision::ProvisionError::Random)?;
            hex::encode(random)
        }
        SecretName::MetaAppSecret | SecretName::MetaVerifyToken | SecretName::Dialog360PlatformSecret => {
            line(input)?
        }
    };
    if !force && rotated_today(desk, &id).await? {
        return Err(AdminError::TooSoon);
    }
    let mut all = current(desk, &id).await?;
    all.insert(name.field().to_owned(), Value::String(value));
    let put = json!({
        "SecretId": id,
        "ClientRequestToken": Uuid::new_v4().to_string(),
        "SecretString": Value::Object(all).to_string(),
    });
    call(desk, "PutSecretValue", &put).await?;
    desk.say(&format!(
        "{} has a new value; the one before it stays good until the next rotation.",
        name.field()
    ))?;
    desk.say("Every function knows it within five minutes.")
}

/// One line that is not empty and holds nothing that a header could not.
fn line(input: &mut dyn BufRead) -> Result<String, AdminError> {
    let mut line = String::new();
    input.read_line(&mut line).map_err(|_| AdminError::NoValue)?;
    let value = line.trim();
    if value.is_empty() || value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(AdminError::NoValue);
    }
    Ok(value.to_owned())
}

/// Whether there is a previous version that is younger than a day: this rotation would end it.
async fn rotated_today(desk: &Desk<'_>, id: &str) -> Result<bool, AdminError> {
    let described = call(desk, "DescribeSecret", &json!({"SecretId": id})).await?;
    let stages = described.get("VersionIdsToStages").and_then(Value::as_object);
    let rotated = stages.is_some_and(|versions| {
        versions.values().filter_map(Value::as_array).flatten().any(|stage| stage == "AWSPREVIOUS")
    });
    let changed = described.get("LastChangedDate").and_then(Value::as_f64).unwrap_or_default();
    // Seconds since 1970 fit a double to the microsecond for centuries.
    let now = std::time::Duration::from_millis(desk.now.unix_ms()).as_secs_f64();
    Ok(rotated && now - changed < DAY_S)
}

async fn current(desk: &Desk<'_>, id: &str) -> Result<Map<String, Value>, AdminError> {
    let read = call(desk, "GetSecretValue", &json!({"SecretId": id})).await?;
    let text = read.get("SecretString").and_then(Value::as_str).unwrap_or_default();
    // The parser's words would quote the secret.
    serde_json::from_str(text).map_err(|_| AdminError::OddSecret(id.to_owned()))
}

async fn call(desk: &Desk<'_>, operation: &'static str, input: &Value) -> Result<Value, AdminError> {
    Ok(desk.aws.call(Service::SecretsManager, operation, input, Effort::Standard).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_without_blanks() {
        assert_eq!(line(&mut "s3cret\n".as_bytes()).unwrap(), "s3cret");
        assert_eq!(line(&mut "  s3cret\r\nmore".as_bytes()).unwrap(), "s3cret");
        for bad in ["", "\n", "two words\n", "a\tb\n", "a\u{0}b\n"] {
            assert!(line(&mut bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
