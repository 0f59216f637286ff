//! `POST /v1/contacts/{id}/erasure`, `GET /v1/erasures` and `GET /v1/erasures/{id}`

use axum::extract::State;
use crm::privacy::grave::GraveError;
use crm::privacy::{EraseError, ErasureView, erase};
use domain::ids::{ContactId, ErasureId};
use platform::Platform;
use platform::http::{Admin, Caller, Data, Listing, NoBody, Page, Params, PathId, Problem};

/// Destroys everything about a contact.
///
/// From the answer on nothing is sent and nothing old comes back; what is there is destroyed within minutes, and the
/// erasure then carries its certificate. Asked for again, it is the same erasure.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/contacts/{id}/erasure", operation_id = "erase_contact", tag = "privacy",
    security(("api_key" = ["admin"])),
    params(("id" = ContactId, Path, description = "The contact.")),
    responses((status = 202, description = "The erasure.", body = ErasureView)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    _: NoBody,
) -> Result<Data<ErasureView>, Problem> {
    params.only(&[])?;
    let id = id.parse(ContactId::parse)?;
    let actor = caller.principal.key_id.to_string();
    let trace_id = caller.call.trace_id;
    let begun = erase(&platform, caller.tenant(), id, &actor, trace_id, caller.now()).await;
    let begun = begun.map_err(|error| match error {
        EraseError::Store(error) | EraseError::Grave(GraveError::Store(error)) => Problem::from(error),
        EraseError::Grave(error) => Problem::unavailable(error),
    })?;
    begun.map(|erasure| Data::accepted(erasure.into())).ok_or(Problem::NotFound)
}

/// Shows an erasure, with its certificate once nothing is left.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/erasures/{id}", operation_id = "get_erasure", tag = "privacy",
    security(("api_key" = ["admin"])),
    params(("id" = ErasureId, Path, description = "The erasure.")),
    responses((status = 200, description = "The erasure.", body = ErasureView)),
))]
pub(crate) async fn get(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<ErasureView>, Problem> {
    params.only(&[])?;
    let id = id.parse(ErasureId::parse)?;
    let found = platform.store.erasure(caller.tenant(), id).await?;
    found.map(|erasure| Data::ok(erasure.into())).ok_or(Problem::NotFound)
}

/// Lists erasures, by when the contact was first known.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/erasures", operation_id = "list_erasures", tag = "privacy",
    security(("api_key" = ["admin"])),
    responses((status = 200, description = "A page of erasures.", body = Page<ErasureView>)),
))]
pub(crate) async fn list(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<ErasureView>>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    let listing = Listing::read(&platform, &caller, &params, "erasures").await?;
    let after = listing.after(|text| ErasureId::parse(text).ok())?;
    let mut found = platform.store.erasures(caller.tenant(), after, listing.limit + 1).await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|erasure| erasure.id.to_string());
    let items = found.into_iter().map(ErasureView::from).collect();
    Ok(Data::ok(listing.page(items, next.as_deref())?))
}
