//! `GET /v1/audit`

use axum::extract::State;
use crm::audit::{AuditFilter, entries};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{AuditEntry, AuditHead};
use platform::http::{Admin, Caller, Data, Listing, Page, Pagination, Params, Problem};
use serde::Serialize;

/// The longest action, actor or target, in characters.
const LONGEST: usize = 200;

/// A page of the log, with where the log ends: who keeps that can tell later whether entries were taken away.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AuditLog))]
pub(crate) struct Log {
    items: Vec<AuditEntry>,
    pagination: Pagination,
    head: AuditHead,
}

/// Lists the audit log, newest first.
///
/// Entries are chained by their hashes (docs/audit.md).
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/audit", operation_id = "list_audit_entries", tag = "audit",
    security(("api_key" = ["admin"])),
    params(
        ("action" = Option<String>, Query, description = "What was done, such as `api_key.create`."),
        ("actor" = Option<String>, Query, description = "Who did it: a key's id or `system`."),
        ("target" = Option<String>, Query, description = "What it was done to."),
        ("since" = Option<Millis>, Query, description = "At or after this instant."),
        ("until" = Option<Millis>, Query, description = "Before this instant."),
    ),
    responses((status = 200, description = "A page of the log, with its end.", body = Log)),
))]
pub(crate) async fn get(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Log>, Problem> {
    let params = params.only(&["limit", "cursor", "action", "actor", "target", "since", "until"])?;
    let text = |text: &str| (!text.is_empty() && text.chars().count() <= LONGEST).then(|| text.to_owned());
    let time = |text: &str| Millis::parse(text).ok();
    let filter = AuditFilter {
        action: params.read("action", "an action, such as `api_key.create`", text)?,
        actor: params.read("actor", "a key's id, or `system`", text)?,
        target: params.read("target", "the id of what was changed", text)?,
        since: params.read("since", "a time, such as 2026-01-31T08:00:00Z", time)?,
        until: params.read("until", "a time, such as 2026-01-31T08:00:00Z", time)?,
    };
    let listing = Listing::read(&platform, &caller, &params, "audit").await?;
    let before = listing.after(|text| text.parse::<u64>().ok())?;
    // First the end: an entry that is written meanwhile is then not missing from a log that claims to hold it.
    let head = platform.store.audit_head(caller.tenant()).await?;
    let found = entries(&platform.store, caller.tenant(), &filter, before, listing.limit).await?;
    let next = found.next.map(|seq| seq.to_string());
    let Page { items, pagination } = listing.page(found.items, next.as_deref())?;
    Ok(Data::ok(Log { items, pagination, head }))
}
