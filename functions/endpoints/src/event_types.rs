//! `GET /v1/webhooks/event-types`

use crm::events::{EventTypeView, catalogue};
use platform::http::{Caller, Data, Params, Problem, Viewer};
use serde::Serialize;

/// The catalogue.
#[derive(Debug, Serialize)]
pub(crate) struct EventTypes {
    items: Vec<EventTypeView>,
}

pub(crate) async fn get(_: Caller<Viewer>, params: Params) -> Result<Data<EventTypes>, Problem> {
    params.only(&[])?;
    catalogue().map(|items| Data::ok(EventTypes { items })).map_err(Problem::internal)
}
