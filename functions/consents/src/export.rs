//! `GET /v1/consents/export`

use axum::extract::State;
use crm::consent::export;
use domain::ledger_file::page;
use platform::Platform;
use platform::http::{Admin, Caller, Listing, Ndjson, Params, Problem};

/// Gives the tenant's whole consent ledger as lines of JSON with its chain, a page at a time.
///
/// The pages one after the other are a file that `admin consents verify --file` checks without us.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/consents/export", operation_id = "export_consents", tag = "contacts",
    security(("api_key" = ["admin"])),
    params(("cursor" = Option<String>, Query, description = "`next_cursor` of the last line of the page before.")),
    responses((status = 200, description = "A page: the first begins with `{\"kind\": \"ledger\"}`, each ends with `{\"kind\": \"end\"}` and the next cursor.", body = Vec<u8>, content_type = "application/x-ndjson")),
))]
pub(crate) async fn get(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Ndjson, Problem> {
    let params = params.only(&["cursor"])?;
    let listing = Listing::read(&platform, &caller, &params, "consents/export").await?;
    let after = listing.after(|text| text.parse::<u64>().ok())?;
    if after.is_none() {
        // Who took everything is known before it is given.
        caller.note(&platform.store, "consent.export", &caller.tenant().to_string()).await?;
    }
    let found = export(&platform.store, caller.tenant(), after).await?;
    let next = found.next.map(|seq| seq.to_string());
    let next = listing.page(Vec::<()>::new(), next.as_deref())?.pagination.next_cursor;
    let lines = page(caller.tenant(), found.head.as_ref(), &found.rows, next.as_deref());
    lines.map(Ndjson).map_err(Problem::internal)
}
