//! Leads that sources hand over: applied from the queue, pulled from portals, their credentials kept.

mod agreed;
mod feeds;
mod pull;

pub use feeds::{FeedError, FeedSettings, FeedView, connect_feed, disconnect_feed, show_feed};
pub use pull::pull;

use self::agreed::agreed;
use crate::first_touch;
use crate::ingest::IngestError;
use crate::leads::{By, Enquiry, LeadError, capture, tell_captured};
use domain::email::Email;
use domain::ids::{TenantId, derived_ulid};
use domain::language::Language;
use domain::lead::{self, Attributes, FeedKind, LeadSource, Utm};
use domain::phone::Phone;
use domain::time::Millis;
use platform::Platform;
use platform::telemetry::chain;
use platform::transport::Transport;
use providers::leads::{Fetched, LeadRef, RawLead, Told, fetch_request, fetched, parse};
use serde_json::json;
use uuid::Uuid;

/// Where a number without a country code is dialled.
const HOME: &str = "AE";
/// The longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 4_096;
/// The longest id of a source, in characters.
const LONGEST_ID: usize = 256;

/// One verified body of a source of leads.
#[derive(Debug, Clone, Copy)]
pub struct FeedDelivery<'a> {
    /// Whose, by the verified route.
    pub tenant: TenantId,
    /// Which source.
    pub kind: FeedKind,
    /// When it was received.
    pub received_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The bytes.
    pub body: &'a [u8],
}

/// Applies everything a body tells. Safe to call again with the same body.
///
/// # Errors
/// What could not be applied, after everything that could was; a passing reason wins over a lasting one.
pub async fn apply(
    platform: &Platform,
    transport: &Transport,
    delivery: FeedDelivery<'_>,
    now: Millis,
) -> Result<(), IngestError> {
    let parsed = parse(delivery.kind, delivery.body)
        .map_err(|error| IngestError::Permanent { reason: error.to_string() })?;
    let mut reasons = parsed.unreadable;
    let mut later = None;
    for told in parsed.told {
        let lead = match told {
            Told::Lead(lead) => Ok(*lead),
            Told::Reference(reference) => fetch(platform, transport, delivery, &reference).await,
        };
        let applied = match lead {
            Ok(lead) => one(platform, delivery, lead, now).await,
            Err(error) => Err(error),
        };
        match applied {
            // Nothing is kept of what is about somebody who was erased since.
            Ok(()) | Err(IngestError::Erased) => {}
            Err(transient @ IngestError::Transient { .. }) => later = Some(transient),
            Err(IngestError::Permanent { reason }) => reasons.push(reason),
        }
    }
    match (later, reasons.is_empty()) {
        (Some(transient), _) => Err(transient),
        (None, true) => Ok(()),
        (None, false) => Err(IngestError::Permanent { reason: reasons.join("; ") }),
    }
}

/// Fetches a lead that Meta only named.
async fn fetch(
    platform: &Platform,
    transport: &Transport,
    delivery: FeedDelivery<'_>,
    reference: &LeadRef,
) -> Result<RawLead, IngestError> {
    let permanent = |reason: &str| IngestError::Permanent { reason: reason.to_owned() };
    let feed = platform.store.feed(delivery.tenant, delivery.kind).await?;
    let feed = feed.ok_or_else(|| permanent("Meta Lead Ads is not connected; connect it and replay"))?;
    if let (Some(own), Some(named)) = (&feed.page_id, &reference.page_id)
        && own != named
    {
        return Err(permanent("the lead was left on a page that is not this tenant's"));
    }
    let token = feeds::open(platform, delivery.tenant, &feed, "access_token").await;
    let token = token.map_err(|error| IngestError::Transient { reason: chain(&error) })?;
    let token = token.ok_or_else(|| permanent("there is no page token to fetch the lead with"))?;
    let request = fetch_request(&reference.leadgen_id, &token);
    let request = request.ok_or_else(|| permanent("no request can hold the page token"))?;
    let answer = transport.call(domain::provider::Provider::Meta, request).await;
    // Reading again does no harm, whatever became of the first call.
    let answer = answer.map_err(|error| IngestError::Transient { reason: error.to_string() })?;
    match fetched(reference, &answer) {
        Fetched::Lead(lead) => Ok(*lead),
        Fetched::Refused(reason) => Err(IngestError::Permanent { reason }),
        Fetched::Later(reason) => Err(IngestError::Transient { reason }),
    }
}

async fn one(
    platform: &Platform,
    delivery: FeedDelivery<'_>,
    raw: RawLead,
    now: Millis,
) -> Result<(), IngestError> {
    let agreed = agreed(platform, delivery, &raw).await?;
    let enquiry = enquiry(delivery.kind, raw, delivery.received_at)
        .map_err(|reason| IngestError::Permanent { reason })?;
    // What makes it one enquiry: the source's id of it, else who asked and the trace of the delivery.
    let trace = delivery.trace_id.to_string();
    let who = enquiry.phone.as_ref().map(Phone::e164).or(enquiry.email.as_ref().map(Email::as_str));
    let mark = match &enquiry.external_id {
        Some(id) => derived_ulid(delivery.received_at.unix_ms(), &[delivery.kind.as_str(), id]),
        None => derived_ulid(delivery.received_at.unix_ms(), &[&trace, who.unwrap_or_default()]),
    };
    let source = delivery.kind.as_str();
    let by = By { tenant: delivery.tenant, actor: source, trace_id: delivery.trace_id, mark };
    if let Some(id) = &enquiry.external_id
        && let Some(lead) = platform.store.lead_of_enquiry(delivery.tenant, source, id).await?
        && let Some(lead) = platform.store.lead(delivery.tenant, lead).await?
    {
        // Delivered or pulled before; the process that took it may have died before it wrote down what came with it.
        let known = platform.store.consents(delivery.tenant, &[lead.contact]).await?;
        for one in agreed.iter().filter(|one| !one.is_known(&known, lead.created_at)) {
            one.write(platform, by, lead.contact, now).await?;
        }
        return Ok(first_touch::begin(platform, delivery.tenant, lead.id, now).await?);
    }
    let captured = capture(platform, by, &enquiry, now).await.map_err(|error| match error {
        LeadError::Field(error) => IngestError::Permanent { reason: error.to_string() },
        LeadError::Person(error) => error,
        LeadError::Store(error) => error.into(),
        LeadError::Busy => IngestError::Transient { reason: LeadError::Busy.to_string() },
    })?;
    for one in &agreed {
        one.write(platform, by, captured.lead.contact_id, now).await?;
    }
    Ok(tell_captured(platform, by, &captured, now).await?)
}

/// A source's words as an enquiry. A number that is none is kept as an attribute when an address is there: a portal's
/// typing error must not cost a lead.
fn enquiry(kind: FeedKind, raw: RawLead, received_at: Millis) -> Result<Enquiry, String> {
    let phone = raw.phone.as_deref().map(|text| Phone::normalise(text, HOME)).transpose();
    let email = raw.email.as_deref().map(Email::parse).transpose();
    let mut attributes = raw.attributes;
    if phone.is_err() {
        attributes.insert("phone_as_given".to_owned(), json!(raw.phone));
    }
    if email.is_err() {
        attributes.insert("email_as_given".to_owned(), json!(raw.email));
    }
    let (phone, email) = (phone.ok().flatten(), email.ok().flatten());
    if phone.is_none() && email.is_none() {
        return Err("neither a phone number nor an e-mail address that can be used".to_owned());
    }
    let tag = |name: &str| raw.utm.iter().find(|(tag, _)| tag == name).map(|(_, value)| value.clone());
    let utm = Utm {
        source: tag("utm_source"),
        medium: tag("utm_medium"),
        campaign: tag("utm_campaign"),
        term: tag("utm_term"),
        content: tag("utm_content"),
        id: tag("utm_id"),
    };
    let source = LeadSource::parse(kind.as_str()).ok_or("a source without a name")?;
    let language = attributes.get("language").and_then(|given| Language::parse(given.as_str()?));
    let cut = |text: String, most: usize| text.chars().take(most).collect::<String>();
    Ok(Enquiry {
        name: raw.name.as_deref().and_then(|name| lead::name(name).ok()),
        phone,
        email,
        source,
        utm: utm.normalised().unwrap_or_default(),
        budget_fils: raw.budget_aed.and_then(|aed| lead::budget(aed).ok()),
        bedrooms: raw.bedrooms.filter(|count| *count <= lead::MOST_BEDROOMS),
        area: raw.area.as_deref().and_then(|area| lead::area(area).ok()),
        handover_horizon: raw.handover_horizon.as_deref().and_then(|text| lead::horizon(text).ok()),
        attributes: lead::merged(&Attributes::new(), &attributes).map_err(|error| error.to_string())?,
        referral: None,
        external_id: raw.external_id.map(|id| cut(id, LONGEST_ID)),
        language,
        opt_in: None,
        message: raw.message.map(|text| cut(text, LONGEST_MESSAGE)),
        enquired_at: raw.at,
        received_at,
    })
}
