//! `POST` and `DELETE /v1/contacts/{id}/restriction`

use axum::extract::State;
use crm::privacy::{lift, restrict};
use crm::read::Contact;
use domain::ids::ContactId;
use platform::Platform;
use platform::http::{Admin, Caller, Data, NoBody, Params, PathId, Problem};

/// Keeps a contact's data and stops using it.
///
/// Nothing is sent to the contact by any way until the restriction is lifted; what they write is still recorded.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/contacts/{id}/restriction", operation_id = "restrict_contact", tag = "privacy",
    security(("api_key" = ["admin"])),
    params(("id" = ContactId, Path, description = "The contact.")),
    responses((status = 200, description = "The contact; `consent.restricted_at` says since when.", body = Contact)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    _: NoBody,
) -> Result<Data<Contact>, Problem> {
    params.only(&[])?;
    let id = id.parse(ContactId::parse)?;
    let actor = caller.principal.key_id.to_string();
    let trace_id = caller.call.trace_id;
    let found = restrict(&platform.store, caller.tenant(), id, &actor, trace_id, caller.now()).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}

/// Lifts the restriction of a contact.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/contacts/{id}/restriction", operation_id = "lift_contact_restriction", tag = "privacy",
    security(("api_key" = ["admin"])),
    params(("id" = ContactId, Path, description = "The contact.")),
    responses((status = 200, description = "The contact.", body = Contact)),
))]
pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    _: NoBody,
) -> Result<Data<Contact>, Problem> {
    params.only(&[])?;
    let id = id.parse(ContactId::parse)?;
    let actor = caller.principal.key_id.to_string();
    let trace_id = caller.call.trace_id;
    let found = lift(&platform.store, caller.tenant(), id, &actor, trace_id, caller.now()).await?;
    found.map(Data::ok).ok_or(Problem::NotFound)
}
