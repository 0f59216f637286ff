//! `GET /v1/webhooks/event-types`

use crm::events::{EventTypeView, catalogue};
use platform::http::{Caller, Data, Params, Problem, Viewer};
use serde::Serialize;

/// The catalogue.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct EventTypes {
    items: Vec<EventTypeView>,
}

/// Lists the types of events, each with its schema and a sample.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/webhooks/event-types", operation_id = "list_event_types", tag = "webhooks",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "The catalogue.", body = EventTypes)),
))]
pub(crate) async fn get(_: Caller<Viewer>, params: Params) -> Result<Data<EventTypes>, Problem> {
    params.only(&[])?;
    catalogue().map(|items| Data::ok(EventTypes { items })).map_err(Problem::internal)
}
