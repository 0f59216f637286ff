//! `GET /v1/webhooks/deliveries`, `GET /v1/webhooks/deliveries/{id}` and `POST .../redeliver`

use crate::problem::switched_off;
use axum::extract::State;
use crm::deliver::{self, Redelivered};
use crm::read::{self, Delivery, DeliveryFilter, deliveries};
use domain::ids::{DeliveryId, EndpointId};
use domain::webhook::{DeliveryStatus, EventType};
use platform::Platform;
use platform::http::{Admin, Caller, Data, Listing, NoBody, Page, Params, PathId, Problem, Viewer};
use ulid::Ulid;

/// When an attempt that is under way is over, in seconds.
const ATTEMPT_S: u32 = 15;

/// Lists deliveries, newest first.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/webhooks/deliveries", operation_id = "list_deliveries", tag = "webhooks",
    security(("api_key" = ["viewer"])),
    params(
        ("endpoint_id" = Option<EndpointId>, Query, description = "Of this endpoint."),
        ("status" = Option<DeliveryStatus>, Query, description = "Where they stand."),
        ("event_type" = Option<String>, Query, description = "Of this type, such as `lead.created`."),
    ),
    responses((status = 200, description = "A page of deliveries.", body = Page<Delivery>)),
))]
pub(crate) async fn list(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<Delivery>>, Problem> {
    let params = params.only(&["limit", "cursor", "endpoint_id", "status", "event_type"])?;
    let statuses = "`pending`, `succeeded`, `exhausted` or `cancelled`";
    let filter = DeliveryFilter {
        endpoint: params
            .read("endpoint_id", "an endpoint's id, such as `we_…`", |text| EndpointId::parse(text).ok())?,
        status: params.read("status", statuses, DeliveryStatus::parse)?,
        event_type: params.read("event_type", "a type of the catalogue", EventType::parse)?,
    };
    let listing = Listing::read(&platform, &caller, &params, "webhooks/deliveries").await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let found = deliveries(&platform.store, caller.tenant(), filter, after, listing.limit).await?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}

/// Shows a delivery with its attempts and its body.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/webhooks/deliveries/{id}", operation_id = "get_delivery", tag = "webhooks",
    security(("api_key" = ["viewer"])),
    params(("id" = DeliveryId, Path, description = "The delivery.")),
    responses((status = 200, description = "The delivery.", body = Delivery)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Delivery>, Problem> {
    params.only(&[])?;
    let id = id.parse(DeliveryId::parse)?;
    let found = read::delivery(&platform.store, caller.tenant(), id).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}

/// Delivers once more, under the same id.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/webhooks/deliveries/{id}/redeliver", operation_id = "redeliver_delivery", tag = "webhooks",
    security(("api_key" = ["admin"])),
    params(("id" = DeliveryId, Path, description = "The delivery.")),
    responses((status = 202, description = "The delivery, under way.", body = Delivery)),
))]
pub(crate) async fn redeliver(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    NoBody: NoBody,
) -> Result<Data<Delivery>, Problem> {
    params.only(&[])?;
    let id = id.parse(DeliveryId::parse)?;
    let tenant = caller.tenant();
    platform.store.delivery(tenant, id).await?.ok_or(Problem::NotFound)?;
    caller.note(&platform.store, "delivery.redeliver", &id.to_string()).await?;
    match deliver::redeliver(&platform, tenant, id, caller.now()).await? {
        Redelivered::Yes => {}
        Redelivered::NotFound => return Err(Problem::NotFound),
        Redelivered::NoReceiver => return Err(switched_off()),
        Redelivered::Busy => {
            let message = "The delivery is being tried at this moment.".to_owned();
            return Err(Problem::Conflict { message, retry_after_s: Some(ATTEMPT_S) });
        }
    }
    let found = read::delivery(&platform.store, tenant, id).await?;
    found.map(Data::accepted).ok_or(Problem::NotFound)
}
