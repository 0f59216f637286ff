//! `GET /v1/leads`

use axum::extract::State;
use crm::read::{Lead, LeadFilter, leads};
use domain::lead::{LeadSource, LeadStatus};
use domain::time::Millis;
use platform::Platform;
use platform::http::{Caller, Data, Known, Listing, Page, Params, Problem, Viewer};
use ulid::Ulid;

/// The longest text to look for, in characters.
const LONGEST_TEXT: usize = 128;
/// What a time looks like.
const TIME: &str = "a time as in RFC 3339, such as `2026-01-31T08:00:00Z`";

/// Lists leads, newest first.
///
/// Filters narrow the list; a cursor belongs to the filters it was given with.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/leads", operation_id = "list_leads", tag = "leads",
    security(("api_key" = ["viewer"])),
    params(
        ("source" = Option<String>, Query, description = "Where they came from, such as `bayut`."),
        ("status" = Option<LeadStatus>, Query, description = "Where they stand."),
        ("score_min" = Option<u8>, Query, description = "The lowest score, 0 to 100."),
        ("created_after" = Option<Millis>, Query, description = "Made at or after this instant."),
        ("created_before" = Option<Millis>, Query, description = "Made before this instant."),
        ("assigned_to" = Option<String>, Query, description = "Who works them; empty for nobody."),
        ("has_whatsapp" = Option<bool>, Query, description = "Whether they have written on WhatsApp."),
        ("area" = Option<String>, Query, description = "The area they look in."),
        ("q" = Option<String>, Query, description = "A part of a name, a phone number or an e-mail address."),
    ),
    responses((status = 200, description = "A page of leads.", body = Page<Lead>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<Lead>>, Problem> {
    let params = params.only(&[
        "limit",
        "cursor",
        "source",
        "status",
        "score_min",
        "created_after",
        "created_before",
        "assigned_to",
        "has_whatsapp",
        "area",
        "q",
    ])?;
    let filter = filter(&params)?;
    let listing = Listing::read(&platform, &caller, &params, "leads").await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let found = leads(&platform.store, caller.tenant(), filter, after, listing.limit, caller.now()).await?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}

fn filter(params: &Known) -> Result<LeadFilter, Problem> {
    let statuses = "`new`, `contacted`, `qualified`, `viewing`, `negotiation`, `won` or `lost`";
    let time = |text: &str| Millis::parse(text).ok();
    let text = |text: &str| {
        let text = text.trim();
        (1..=LONGEST_TEXT).contains(&text.chars().count()).then(|| text.to_owned())
    };
    let anybody = |text: &str| (text.chars().count() <= LONGEST_TEXT).then(|| text.trim().to_owned());
    Ok(LeadFilter {
        source: params.read("source", "a source, such as `bayut`", LeadSource::parse)?,
        status: params.read("status", statuses, LeadStatus::parse)?,
        score_min: params.read("score_min", "0 to 100", |text| text.parse().ok().filter(|n| *n <= 100))?,
        created_after: params.read("created_after", TIME, time)?,
        created_before: params.read("created_before", TIME, time)?,
        assigned_to: params.read("assigned_to", "a name of at most 128 characters, or nothing", anybody)?,
        has_whatsapp: params.flag("has_whatsapp")?,
        area: params.read("area", "1 to 128 characters", text)?,
        q: params.read("q", "1 to 128 characters", text)?,
    })
}
