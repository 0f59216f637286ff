//! `POST /v1/consents/import`

use axum::extract::State;
use crm::consent::{ConsentsImported, IMPORTED_AT_MOST, ImportRow, RowError, import};
use domain::consent::{ConsentState, Purpose};
use domain::ids::ContactId;
use domain::phone::Phone;
use domain::time::Millis;
use platform::Platform;
use platform::http::{Admin, Caller, Data, FileBody, Params, Problem};
use serde::Deserialize;
use serde_json::Value;

/// The most a request may have, in bytes.
const LIMIT: usize = 5 * 1024 * 1024;
/// The longest wording, in characters.
const LONGEST_WORDING: usize = 4_096;

/// A row as it is given.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConsentImportRow))]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Who, by our id; this or `phone`.
    contact_id: Option<String>,
    /// Who, in E.164.
    phone: Option<String>,
    /// What it is for, `marketing` or `channel`; `marketing` unless told.
    purpose: Option<String>,
    /// `granted` or `revoked`.
    state: Option<String>,
    /// When it happened, such as 2026-01-10T08:30:00Z.
    occurred_at: Option<String>,
    /// The exact words; needed for `granted`.
    wording: Option<String>,
    /// Their language; needed for `granted`.
    language: Option<String>,
    /// Which version of them.
    version: Option<String>,
    /// Where it was taken down.
    source: Option<String>,
    /// By whom.
    collected_by: Option<String>,
}

/// Rows as they are given.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConsentImport))]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// 1 to 1,000 of them.
    rows: Vec<Row>,
}

/// Writes down agreements and withdrawals that were taken down elsewhere.
///
/// Each row says who, where, when, by whom and with which words. A row with a value that cannot be taken is named and keeps
/// no other one from being taken; the same row again changes nothing. JSON that does not have the shape of rows is refused
/// as a whole; of lines, only the one that is none.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/consents/import", operation_id = "import_consents", tag = "contacts",
    security(("api_key" = ["admin"])),
    request_body(content(
        (Given = "application/json", example = json!({"rows": [{
            "phone": "+971501234567",
            "state": "granted",
            "occurred_at": "2026-01-10T08:30:00Z",
            "wording": "Send me offers on WhatsApp.",
            "language": "en",
            "source": "open house, Dubai Marina",
            "collected_by": "reception"
        }]})),
        (Vec<u8> = "application/x-ndjson"),
    )),
    responses((status = 200, description = "What became of the rows.", body = ConsentsImported)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    body: FileBody<LIMIT>,
) -> Result<Data<ConsentsImported>, Problem> {
    params.only(&[])?;
    let given = rows(&body)?;
    if given.is_empty() || given.len() > IMPORTED_AT_MOST {
        return Err(Problem::invalid("body", format!("Expected 1 to {IMPORTED_AT_MOST} rows.")));
    }
    let (mut taken, mut errors) = (Vec::with_capacity(given.len()), Vec::new());
    for (index, row) in given.into_iter().enumerate() {
        match row.and_then(|row| read(row, index + 1, caller.now())) {
            Ok(row) => taken.push(row),
            Err((field, message)) => errors.push(RowError {
                row: index + 1,
                code: "validation_error",
                field: field.map(str::to_owned),
                message,
            }),
        }
    }
    // Who brought them is known before they are there.
    caller.note(&platform.store, "consent.import", &caller.tenant().to_string()).await?;
    let actor = caller.principal.key_id.to_string();
    let (tenant, trace_id) = (caller.tenant(), caller.call.trace_id);
    let mut all = import(&platform, tenant, taken, &actor, trace_id, caller.now()).await?;
    all.failed += u32::try_from(errors.len()).unwrap_or(u32::MAX);
    all.errors.extend(errors);
    all.errors.sort_by_key(|error| error.row);
    Ok(Data::ok(all))
}

type NotRead = (Option<&'static str>, String);

/// The rows of a body: `rows` of a JSON object, or a line of JSON each.
fn rows(body: &FileBody<LIMIT>) -> Result<Vec<Result<Row, NotRead>>, Problem> {
    if let Some(given) = body.json::<Given>() {
        return Ok(given?.rows.into_iter().map(Ok).collect());
    }
    let kind = body.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-ndjson" | "application/ndjson" => {
            let lines = body.bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            let lines = lines.filter(|line| !line.is_empty());
            Ok(lines
                .map(|line| serde_json::from_slice(line).map_err(|error| (None, error.to_string())))
                .collect())
        }
        _ => Err(Problem::UnsupportedMediaType),
    }
}

fn read(row: Row, number: usize, now: Millis) -> Result<ImportRow, NotRead> {
    let wrong = |field: &'static str, why: &str| (Some(field), why.to_owned());
    let text = |field: &'static str, given: Option<String>, most: usize, needed: bool| {
        let given = given.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let length = given.as_ref().map_or(0, |text| text.chars().count());
        if (needed && length == 0) || length > most {
            return Err((Some(field), format!("Expected 1 to {most} characters.")));
        }
        Ok(given)
    };
    let contact = row.contact_id.as_deref().map(ContactId::parse).transpose();
    let contact = contact.map_err(|_| wrong("contact_id", "Expected the id of a contact."))?;
    let phone = row.phone.as_deref().map(Phone::parse_e164).transpose();
    let phone =
        phone.map_err(|_| wrong("phone", "Expected a complete number in E.164, such as +971501234567."))?;
    if contact.is_some() == phone.is_some() {
        return Err(wrong("contact_id", "Expected `contact_id` or `phone`, and not both."));
    }
    let purpose = row.purpose.as_deref().map_or(Some(Purpose::Marketing), Purpose::parse);
    let purpose = purpose.ok_or_else(|| wrong("purpose", "Expected `marketing` or `channel`."))?;
    let state = row.state.as_deref().and_then(ConsentState::parse);
    let state = state.filter(|state| *state != ConsentState::Pending);
    let state = state.ok_or_else(|| wrong("state", "Expected `granted` or `revoked`."))?;
    let at = row.occurred_at.map(Value::String).and_then(|at| serde_json::from_value::<Millis>(at).ok());
    let occurred_at =
        at.ok_or_else(|| wrong("occurred_at", "Expected a time such as 2026-01-10T08:30:00Z."))?;
    if occurred_at > now {
        return Err(wrong("occurred_at", "It cannot have happened later than now."));
    }
    let agreed = state == ConsentState::Granted;
    Ok(ImportRow {
        number,
        contact,
        phone,
        purpose,
        state,
        occurred_at,
        wording: text("wording", row.wording, LONGEST_WORDING, agreed)?,
        language: text("language", row.language, 16, agreed)?,
        version: text("version", row.version, 64, false)?,
        source: text("source", row.source, 128, true)?.unwrap_or_default(),
        collected_by: text("collected_by", row.collected_by, 128, true)?.unwrap_or_default(),
    })
}
