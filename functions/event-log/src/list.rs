//! `GET /v1/events`

use axum::extract::State;
use crm::read::{EventFilter, EventView, Lag, LoggedState, events, lag};
use domain::provider::Provider;
use platform::Platform;
use platform::http::{Caller, Data, Listing, Page, Pagination, Params, Problem, Viewer};
use serde::Serialize;
use ulid::Ulid;

/// A page of the log, with how far the inbox is behind.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EventLog))]
pub(crate) struct Log {
    items: Vec<EventView>,
    pagination: Pagination,
    lag: Lag,
}

/// Lists the event log, newest first.
///
/// What did not simply apply, why, and how far the inbox is behind.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/events", operation_id = "list_events", tag = "events",
    security(("api_key" = ["viewer"])),
    params(
        ("state" = Option<LoggedState>, Query, description = "Where they stand."),
        ("provider" = Option<Provider>, Query, description = "Who sent them."),
    ),
    responses((status = 200, description = "A page of the log.", body = Log)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Log>, Problem> {
    let params = params.only(&["limit", "cursor", "state", "provider"])?;
    let states = "`retrying`, `attempting`, `parked`, `replaying`, `replayed`, `ignored` or `applied`";
    let filter = EventFilter {
        state: params.read("state", states, LoggedState::parse)?,
        provider: params.read("provider", "`meta`, `dialog360` or `ultramsg`", Provider::parse)?,
    };
    let listing = Listing::read(&platform, &caller, &params, "events").await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let found = events(&platform.store, caller.tenant(), filter, after, listing.limit).await?;
    let next = found.next.map(|position| position.to_string());
    let Page { items, pagination } = listing.page(found.items, next.as_deref())?;
    let lag = lag(&platform.store, caller.tenant(), caller.now()).await?;
    Ok(Data::ok(Log { items, pagination, lag }))
}
