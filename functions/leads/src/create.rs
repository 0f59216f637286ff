//! `POST /v1/leads`

use crate::problem::{field, problem};
use axum::extract::State;
use crm::consent;
use crm::leads::{By, Captured, Enquiry, capture, tell_captured};
use domain::consent::{ConsentState, Purpose};
use domain::email::Email;
use domain::ids::ConsentId;
use domain::language::Language;
use domain::lead::{self, Attributes, LeadSource, MOST_BEDROOMS, Utm};
use domain::message::Referral;
use domain::phone::Phone;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{NewConsent, Wording};
use platform::http::{Agent, Caller, Data, JsonBody, Params, Problem, Seed};
use serde::Deserialize;

/// Where a number without a country code is dialled.
const HOME: &str = "AE";
/// The longest id of a source, in characters.
const LONGEST_ID: usize = 256;
/// The longest message or wording, in characters.
const LONGEST_TEXT: usize = 4_096;
/// The largest referral, in bytes as JSON.
const LARGEST_REFERRAL: usize = 8 * 1024;

/// A lead, as a program hands it over.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreateLead))]
#[serde(deny_unknown_fields)]
pub(crate) struct LeadBody {
    #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 200))]
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    source: Option<String>,
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    utm_source: Option<String>,
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    utm_medium: Option<String>,
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    utm_campaign: Option<String>,
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    utm_term: Option<String>,
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    utm_content: Option<String>,
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    utm_id: Option<String>,
    #[cfg_attr(feature = "openapi", schema(maximum = 1_000_000_000_000_u64))]
    budget_aed: Option<u64>,
    #[cfg_attr(feature = "openapi", schema(maximum = 50))]
    bedrooms: Option<u8>,
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    area: Option<String>,
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    handover_horizon: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>))]
    attributes: Option<Attributes>,
    #[cfg_attr(feature = "openapi", schema(max_length = 4096))]
    message: Option<String>,
    /// What the person speaks, where nothing they wrote says so.
    language: Option<Language>,
    consent: Option<ConsentGiven>,
    referral: Option<Referral>,
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    external_id: Option<String>,
}

/// What the person agreed to when they handed over their details.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct ConsentGiven {
    #[serde(default = "marketing")]
    purpose: Purpose,
    #[serde(default = "granted")]
    state: ConsentState,
    wording: Option<String>,
    language: Option<String>,
    source: Option<String>,
    occurred_at: Option<Millis>,
}

const fn marketing() -> Purpose {
    Purpose::Marketing
}

const fn granted() -> ConsentState {
    ConsentState::Granted
}

/// Makes a lead, or finds the one this person has.
///
/// A person is known by phone number and e-mail address. A second enquiry of the same person answers 200 with the lead
/// that is there and `duplicate: true`.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/leads", operation_id = "create_lead", tag = "leads",
    security(("api_key" = ["agent"])),
    request_body(content = LeadBody, example = json!({
        "name": "Aisha Khan",
        "phone": "+971501234567",
        "email": "aisha@example.com",
        "source": "website",
        "utm_source": "google",
        "utm_campaign": "marina-2026",
        "budget_aed": 2400000,
        "bedrooms": 2,
        "area": "Dubai Marina",
        "handover_horizon": "6 months",
        "attributes": {
            "nationality": "IN"
        },
        "message": "Is the two-bedroom still available?",
        "consent": {
            "purpose": "marketing",
            "state": "granted",
            "wording": "Send me offers on WhatsApp.",
            "language": "en",
            "source": "website form"
        },
        "external_id": "form-7781"
    })),
    responses(
        (status = 201, description = "The new lead.", body = Captured),
        (status = 200, description = "The lead that was there already.", body = Captured),
    ),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    seed: Seed,
    JsonBody(body): JsonBody<LeadBody>,
) -> Result<Data<Captured>, Problem> {
    params.only(&[])?;
    let consent = body.consent.as_ref().map(|given| check(given, caller.now())).transpose()?;
    let enquiry = read(&body, seed.first_at)?;
    let actor = caller.principal.key_id.to_string();
    let by = By {
        tenant: caller.tenant(),
        actor: &actor,
        trace_id: caller.call.trace_id,
        mark: seed.ulid("lead"),
    };
    let captured = capture(&platform, by, &enquiry, caller.now()).await.map_err(problem)?;
    if let Some(given) = consent {
        let consent = NewConsent {
            id: ConsentId::from_ulid(seed.ulid("consent")),
            purpose: given.purpose,
            state: given.state,
            occurred_at: given.occurred_at.unwrap_or(seed.first_at),
            recorded_at: seed.first_at,
            wording: given.wording.as_deref().map(Wording::Said),
            language: given.language.as_deref(),
            version: None,
            ip_hash: None,
            collected_by: None,
            confirms: None,
            source: given.source.as_deref().unwrap_or("api"),
            actor: &actor,
            trace_id: caller.call.trace_id,
        };
        consent::write_down(&platform.store, caller.tenant(), captured.lead.contact_id, &consent).await?;
    }
    tell_captured(&platform, by, &captured, caller.now()).await?;
    Ok(if captured.duplicate { Data::ok(captured) } else { Data::created(captured) })
}

/// An agreement needs the words that were shown and their language.
fn check(given: &ConsentGiven, now: Millis) -> Result<&ConsentGiven, Problem> {
    if given.state == ConsentState::Pending {
        return Err(Problem::invalid("consent.state", "Expected `granted` or `revoked`."));
    }
    let needed = given.state == ConsentState::Granted;
    for (name, text, most, needed) in [
        ("consent.wording", &given.wording, LONGEST_TEXT, needed),
        ("consent.language", &given.language, 16, needed),
        ("consent.source", &given.source, 128, false),
    ] {
        let length = text.as_deref().map_or(0, |text| text.trim().chars().count());
        if (needed || text.is_some()) && !(1..=most).contains(&length) {
            return Err(Problem::invalid(name, format!("Expected 1 to {most} characters.")));
        }
    }
    if given.occurred_at.is_some_and(|at| at > now) {
        return Err(Problem::invalid("consent.occurred_at", "It cannot have happened later than now."));
    }
    Ok(given)
}

fn read(body: &LeadBody, received_at: Millis) -> Result<Enquiry, Problem> {
    let name = body.name.as_deref().ok_or_else(|| Problem::invalid("name", "A lead has a name."))?;
    let name = lead::name(name).map_err(field)?;
    let phone = body.phone.as_deref().map(|text| phone(text, "phone")).transpose()?;
    let email = body.email.as_deref().map(email).transpose()?;
    if phone.is_none() && email.is_none() {
        return Err(Problem::invalid("phone", "A lead has a phone number or an e-mail address."));
    }
    let utm = Utm {
        source: body.utm_source.clone(),
        medium: body.utm_medium.clone(),
        campaign: body.utm_campaign.clone(),
        term: body.utm_term.clone(),
        content: body.utm_content.clone(),
        id: body.utm_id.clone(),
    };
    let utm = utm.normalised().map_err(field)?;
    let referral = body.referral.clone();
    if referral
        .as_ref()
        .is_some_and(|ad| serde_json::to_string(ad).map_or(0, |json| json.len()) > LARGEST_REFERRAL)
    {
        return Err(Problem::invalid("referral", format!("At most {LARGEST_REFERRAL} bytes are kept.")));
    }
    let attributes = body.attributes.clone().unwrap_or_default();
    Ok(Enquiry {
        source: source(body.source.as_deref(), utm.source.as_deref())?,
        name: Some(name),
        phone,
        email,
        utm,
        budget_fils: body.budget_aed.map(lead::budget).transpose().map_err(field)?,
        bedrooms: body.bedrooms.map(bedrooms).transpose()?,
        area: body.area.as_deref().map(lead::area).transpose().map_err(field)?,
        handover_horizon: body.handover_horizon.as_deref().map(lead::horizon).transpose().map_err(field)?,
        attributes: lead::merged(&Attributes::new(), &attributes).map_err(field)?,
        referral,
        external_id: text("external_id", body.external_id.as_deref(), LONGEST_ID)?,
        language: body.language.or_else(|| of_consent(body)),
        opt_in: None,
        message: text("message", body.message.as_deref(), LONGEST_TEXT)?,
        enquired_at: None,
        received_at,
    })
}

/// The language of the words that the person agreed to.
fn of_consent(body: &LeadBody) -> Option<Language> {
    Language::parse(body.consent.as_ref()?.language.as_deref()?)
}

fn source(given: Option<&str>, tagged: Option<&str>) -> Result<LeadSource, Problem> {
    let text = given.or(tagged).unwrap_or("api");
    LeadSource::parse(text).ok_or_else(|| Problem::invalid("source", "Expected 1 to 64 characters."))
}

fn phone(text: &str, field: &'static str) -> Result<Phone, Problem> {
    let problem = |_| {
        let message =
            "Expected a complete phone number, such as `+971501110001` or, in the UAE, `0501110001`.";
        Problem::invalid(field, message)
    };
    Phone::normalise(text, HOME).map_err(problem)
}

/// An e-mail address.
///
/// # Errors
/// 400 that names `email`.
pub(crate) fn email(text: &str) -> Result<Email, Problem> {
    Email::parse(text).map_err(|_| Problem::invalid("email", "Expected an e-mail address."))
}

/// A count of bedrooms.
///
/// # Errors
/// 400 that names `bedrooms`.
pub(crate) fn bedrooms(count: u8) -> Result<u8, Problem> {
    let fits = count <= MOST_BEDROOMS;
    fits.then_some(count)
        .ok_or_else(|| Problem::invalid("bedrooms", format!("Expected 0 to {MOST_BEDROOMS}; 0 is a studio.")))
}

fn text(name: &'static str, given: Option<&str>, most: usize) -> Result<Option<String>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let given = given.trim();
    if given.is_empty() || given.chars().count() > most {
        return Err(Problem::invalid(name, format!("Expected 1 to {most} characters.")));
    }
    Ok(Some(given.to_owned()))
}
