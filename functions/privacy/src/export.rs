//! `GET /v1/contacts/{id}/export`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse as _, Response};
use crm::privacy::export::{ExportFrom, ExportedRecord, export, readable};
use domain::ids::ContactId;
use platform::Platform;
use platform::dynamo::NewAuditEntry;
use platform::http::{Admin, Caller, Data, Listing, Page, Params, PathId, Problem, Readable};

/// Gives everything about a contact, a page at a time.
///
/// As JSON, or with `format=html` (or `Accept: text/html`) as a page that people read. The export is in the audit log
/// before it is given.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/contacts/{id}/export", operation_id = "export_contact", tag = "privacy",
    security(("api_key" = ["admin"])),
    params(
        ("id" = ContactId, Path, description = "The contact."),
        ("format" = Option<String>, Query, description = "`json` or `html`; `json` unless the caller accepts HTML only."),
    ),
    responses((status = 200, description = "A page of records.", body = Page<ExportedRecord>)),
))]
pub(crate) async fn get(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let params = params.only(&["limit", "cursor", "format"])?;
    let format = params.read("format", "`json` or `html`", |text| match text {
        "json" => Some(false),
        "html" => Some(true),
        _ => None,
    })?;
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let as_page = format.unwrap_or_else(|| accepts.trim_start().starts_with("text/html"));
    let list = format!("contacts/{}/export", id.text());
    let listing = Listing::read(&platform, &caller, &params, &list).await?;
    let after = listing.after(ExportFrom::parse)?;
    let id = id.parse(ContactId::parse)?;
    let tenant = caller.tenant();
    let from = after.unwrap_or(ExportFrom::Person);
    if after.is_none() && platform.store.contact(tenant, id).await?.is_some() {
        // Who took everything is known before it is given.
        let (actor, target) = (caller.principal.key_id.to_string(), id.to_string());
        let trace_id = caller.call.trace_id;
        let entry = NewAuditEntry {
            at: caller.now(),
            actor: &actor,
            action: "contact.export",
            target: &target,
            trace_id,
        };
        platform.store.append_audit(tenant, entry).await?;
    }
    let found = export(&platform.store, tenant, id, from, listing.limit, caller.now()).await?;
    let found = found.ok_or(Problem::NotFound)?;
    let next = found.next.map(ExportFrom::text);
    let page = listing.page(found.records, next.as_deref())?;
    if as_page {
        let next = page.pagination.next_cursor.as_deref();
        return Ok(Readable(readable(&page.items, id, next, caller.now())).into_response());
    }
    Ok(Data::ok(page).into_response())
}
