//! `POST /v1/import`

use axum::Extension;
use axum::extract::State;
use crm::transfer::{ImportError, Imported, Line, import, objection};
use platform::Platform;
use platform::bucket::Bucket;
use platform::dynamo::Record;
use platform::http::{Admin, Caller, Code, Data, FileBody, Params, Problem};
use serde_json::Value;

/// The most a page may have, in bytes: what a function is given.
const LIMIT: usize = 5 * 1024 * 1024;

/// Takes a page of an export in; what is there already stays as it is.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/import", operation_id = "import_tenant", tag = "export",
    security(("api_key" = ["admin"])),
    request_body(content = Vec<u8>, content_type = "application/x-ndjson"),
    responses((status = 200, description = "What became of the records.", body = Imported)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(bucket): Extension<Bucket>,
    params: Params,
    body: FileBody<LIMIT>,
) -> Result<Data<Imported>, Problem> {
    params.only(&[])?;
    let kind = body.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(kind.as_str(), "application/x-ndjson" | "application/ndjson") {
        return Err(Problem::UnsupportedMediaType);
    }
    if body.bytes.trim_ascii().is_empty() {
        return Err(Problem::invalid("body", "Expected a page of an export."));
    }
    let tenant = caller.tenant();
    let mut lines = Vec::new();
    for (index, line) in body.bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let number = index + 1;
        let broken = |why: String| Problem::invalid(named(number), why);
        let value: Value = serde_json::from_slice(line).map_err(|error| broken(error.to_string()))?;
        if value.get("kind").is_some_and(|kind| kind == "end") {
            continue;
        }
        let record: Record = serde_json::from_value(value).map_err(|error| broken(error.to_string()))?;
        if let Some(why) = objection(&platform, tenant, &record) {
            return Err(broken(format!("This cannot be such a record: {why}.")));
        }
        lines.push(Line { number, record });
    }
    caller.note(&platform.store, "tenant.import", &caller.tenant().to_string()).await?;
    import(&platform, &bucket, tenant, lines, caller.now()).await.map(Data::ok).map_err(of_import)
}

fn named(line: usize) -> String {
    format!("line {line}")
}

fn of_import(error: ImportError) -> Problem {
    match error {
        ImportError::Store(error) => error.into(),
        ImportError::Endpoint(error) => Problem::unavailable(error),
        ImportError::Bucket(error) => error.into(),
        ImportError::Misfit { line } => {
            let message = "The parts of this file that came do not make the file that the line names. They were \
                           removed: send all parts of the file again.";
            let mut refused = Problem::refused(Code::Conflict, message);
            refused.field = Some(named(line));
            refused.into()
        }
    }
}
