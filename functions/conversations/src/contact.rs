//! `GET /v1/contacts/{id}`

use axum::extract::State;
use crm::read::{Contact, contact};
use domain::ids::ContactId;
use platform::Platform;
use platform::http::{Caller, Data, Params, PathId, Problem, Viewer};

/// Shows a contact.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/contacts/{id}", operation_id = "get_contact", tag = "contacts",
    security(("api_key" = ["viewer"])),
    params(("id" = ContactId, Path, description = "The contact.")),
    responses((status = 200, description = "The contact.", body = Contact)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Contact>, Problem> {
    params.only(&[])?;
    let id = id.parse(ContactId::parse)?;
    let found = contact(&platform.store, caller.tenant(), id, caller.now()).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
