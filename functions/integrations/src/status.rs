//! `GET /v1/status`: for everybody, without a key.

use crate::World;
use axum::Extension;
use axum::extract::State;
use crm::status::{Status, status};
use platform::Platform;
use platform::http::{Call, Data, Params, Problem};
use std::sync::{Arc, Mutex, PoisonError};

/// How long an answer is given again, in milliseconds: whoever asks often does not reach the table.
const KEPT_MS: u64 = 10_000;

/// The latest answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latest(Arc<Mutex<Option<Status>>>);

/// Shows how the platform and its providers are doing; needs no key.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/status", operation_id = "get_status", tag = "status",
    security(()),
    responses((status = 200, description = "How everything is doing.", body = Status)),
))]
pub(crate) async fn get(
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    Extension(call): Extension<Call>,
    params: Params,
) -> Result<Data<Status>, Problem> {
    params.only(&[])?;
    let now = call.now;
    let latest = world.latest();
    let known = latest.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(known) = known.filter(|known| now.since(known.checked_at) < KEPT_MS) {
        return Ok(Data::ok(known));
    }
    let found = status(&platform, now).await;
    *latest.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
    Ok(Data::ok(found))
}
