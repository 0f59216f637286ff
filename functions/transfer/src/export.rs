//! `GET /v1/export`

use axum::Extension;
use axum::extract::State;
use crm::transfer::{ExportError, Position, page};
use platform::Platform;
use platform::bucket::Bucket;
use platform::http::{Admin, Caller, Listing, Ndjson, Params, Problem};
use serde_json::json;

/// Gives everything of the tenant as lines of JSON, a page at a time.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/export", operation_id = "export_tenant", tag = "export",
    security(("api_key" = ["admin"])),
    params(("cursor" = Option<String>, Query, description = "`next_cursor` of the last line of the page before.")),
    responses((status = 200, description = "A page; its last line is `{\"kind\": \"end\"}` with the next cursor.", body = Vec<u8>, content_type = "application/x-ndjson")),
))]
pub(crate) async fn get(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(bucket): Extension<Bucket>,
    params: Params,
) -> Result<Ndjson, Problem> {
    let params = params.only(&["cursor"])?;
    let listing = Listing::read(&platform, &caller, &params, "export").await?;
    let after = listing.after(Position::parse)?;
    if after.is_none() {
        // Who took everything is known before it is given.
        caller.note(&platform.store, "tenant.export", &caller.tenant().to_string()).await?;
    }
    let from = after.unwrap_or_else(Position::start);
    let given = page(&platform.store, &bucket, caller.tenant(), &from).await;
    let (records, next) = given.map_err(|error| match error {
        ExportError::Store(error) => Problem::from(error),
        ExportError::Bucket(error) => error.into(),
    })?;
    let next = next.map(|position| position.text());
    let page = listing.page(Vec::<()>::new(), next.as_deref())?;
    let mut lines = Vec::new();
    for record in &records {
        serde_json::to_writer(&mut lines, record).map_err(Problem::internal)?;
        lines.push(b'\n');
    }
    let end = json!({"kind": "end", "records": records.len(), "next_cursor": page.pagination.next_cursor});
    lines.extend(format!("{end}\n").into_bytes());
    Ok(Ndjson(lines))
}
