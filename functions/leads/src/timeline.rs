//! `GET /v1/leads/{id}/timeline`

use axum::extract::State;
use crm::read::{TimelineEvent, lead_timeline};
use domain::ids::LeadId;
use platform::Platform;
use platform::http::{Caller, Data, Listing, Page, Params, PathId, Problem, Viewer};
use ulid::Ulid;

pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Page<TimelineEvent>>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    // A cursor of another lead is as foreign as one of another list.
    let list = format!("leads/{}/timeline", id.text());
    let listing = Listing::read(&platform, &caller, &params, &list).await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let id = id.parse(LeadId::parse)?;
    let found = lead_timeline(&platform.store, caller.tenant(), id, after, listing.limit).await?;
    let found = found.ok_or(Problem::NotFound)?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}
