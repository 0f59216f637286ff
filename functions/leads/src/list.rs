//! `GET /v1/leads`

use axum::extract::State;
use crm::read::{Lead, LeadFilter, LeadSource, LeadStatus, leads};
use domain::time::Millis;
use platform::Platform;
use platform::http::{Caller, Data, Listing, Page, Params, Problem, Viewer};
use ulid::Ulid;

pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<Lead>>, Problem> {
    let params = params.only(&["limit", "cursor", "source", "status", "created_after"])?;
    let filter = LeadFilter {
        source: params.read("source", "`whatsapp` or `whatsapp_ad`", LeadSource::parse)?,
        status: params.read("status", "`new`", LeadStatus::parse)?,
        created_after: params.read(
            "created_after",
            "a time as in RFC 3339, such as `2026-01-31T08:00:00Z`",
            |text| Millis::parse(text).ok(),
        )?,
    };
    let listing = Listing::read(&platform, &caller, &params, "leads").await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let found = leads(&platform.store, caller.tenant(), filter, after, listing.limit).await?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}
