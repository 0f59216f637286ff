//! `GET` and `POST /v1/contacts/{id}/consents`

use axum::extract::State;
use crm::consent::{self, Position};
use crm::events::{Emitter, Receiver, consent_changed};
use domain::consent::{ConsentState, Purpose};
use domain::ids::{ConsentId, ContactId};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{ConsentRow, NewConsent, Wording};
use platform::http::{Agent, Caller, Data, JsonBody, Listing, Page, Params, PathId, Problem, Seed, Viewer};
use serde::Deserialize;

/// The longest wording, in characters.
const LONGEST_WORDING: usize = 4_096;
/// The longest source, in characters.
const LONGEST_SOURCE: usize = 128;

/// Something a contact agreed to or withdrew, as a person or a program writes it down.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RecordConsent))]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentBody {
    purpose: Purpose,
    state: Recorded,
    wording: Option<String>,
    language: Option<String>,
    source: Option<String>,
    occurred_at: Option<Millis>,
}

/// What may be written down by hand: only a form makes a consent that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RecordedConsentState))]
#[serde(rename_all = "lowercase")]
enum Recorded {
    /// Agreed.
    Granted,
    /// Withdrawn.
    Revoked,
}

/// Lists what a contact agreed to and withdrew, newest first.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/contacts/{id}/consents", operation_id = "list_contact_consents", tag = "contacts",
    security(("api_key" = ["viewer"])),
    params(("id" = ContactId, Path, description = "The contact.")),
    responses((status = 200, description = "A page of the ledger.", body = Page<ConsentRow>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Page<ConsentRow>>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    let list = format!("contacts/{}/consents", id.text());
    let listing = Listing::read(&platform, &caller, &params, &list).await?;
    let after = listing.after(Position::parse)?;
    let id = id.parse(ContactId::parse)?;
    let found = consent::rows(&platform.store, caller.tenant(), id, after, listing.limit).await?;
    let found = found.ok_or(Problem::NotFound)?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}

/// Writes down that a contact agreed or withdrew.
///
/// An agreement needs `wording`, `language` and `source`; a withdrawal needs nothing.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/contacts/{id}/consents", operation_id = "record_contact_consent", tag = "contacts",
    security(("api_key" = ["agent"])),
    params(("id" = ContactId, Path, description = "The contact.")),
    request_body(content = ConsentBody, example = json!({
        "purpose": "marketing",
        "state": "granted",
        "wording": "Send me offers on WhatsApp.",
        "language": "en",
        "source": "open house"
    })),
    responses((status = 201, description = "The row of the ledger.", body = ConsentRow)),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<ConsentBody>,
) -> Result<Data<ConsentRow>, Problem> {
    params.only(&[])?;
    let occurred_at = body.occurred_at.unwrap_or(seed.first_at);
    check(&body, occurred_at, caller.now())?;
    let id = id.parse(ContactId::parse)?;
    let actor = caller.principal.key_id.to_string();
    let consent = NewConsent {
        id: ConsentId::from_ulid(seed.ulid("consent")),
        purpose: body.purpose,
        state: match body.state {
            Recorded::Granted => ConsentState::Granted,
            Recorded::Revoked => ConsentState::Revoked,
        },
        occurred_at,
        recorded_at: seed.first_at,
        wording: body.wording.as_deref().map(Wording::Said),
        language: body.language.as_deref(),
        version: None,
        ip_hash: None,
        collected_by: None,
        confirms: None,
        source: body.source.as_deref().unwrap_or("api"),
        actor: &actor,
        trace_id: caller.call.trace_id,
    };
    let written = consent::write_down(&platform.store, caller.tenant(), id, &consent).await?;
    let written = written.ok_or(Problem::NotFound)?;
    let (tenant, trace_id) = (caller.tenant(), caller.call.trace_id);
    let receivers = Receiver::read(&platform, tenant).await?;
    let emitter = Emitter { platform: &platform, tenant, receivers: &receivers, trace_id, now: caller.now() };
    consent_changed(emitter, id, &written, None).await?;
    Ok(Data::created(written))
}

/// An agreement needs the words that were shown, their language and where; a withdrawal must be as easy as that.
fn check(body: &ConsentBody, occurred_at: Millis, now: Millis) -> Result<(), Problem> {
    if body.state == Recorded::Granted {
        for (field, given) in
            [("wording", &body.wording), ("language", &body.language), ("source", &body.source)]
        {
            if given.as_deref().is_none_or(|text| text.trim().is_empty()) {
                return Err(Problem::invalid(
                    field,
                    "An agreement is recorded with wording, language and source.",
                ));
            }
        }
    }
    let limits = [
        ("wording", &body.wording, LONGEST_WORDING),
        ("language", &body.language, 16),
        ("source", &body.source, LONGEST_SOURCE),
    ];
    for (field, given, most) in limits {
        if given.as_deref().is_some_and(|text| text.chars().count() > most) {
            return Err(Problem::invalid(field, format!("At most {most} characters are kept.")));
        }
    }
    if occurred_at > now {
        return Err(Problem::invalid("occurred_at", "It cannot have happened later than now."));
    }
    Ok(())
}
