//! `GET` and `PATCH /v1/settings`: what holds for the whole tenant.

use crate::escalation::ChangeEscalation;
use axum::extract::State;
use crm::settings::{Settings, change, settings};
use domain::consent_settings::ConsentSettings;
use domain::language::Language;
use domain::lead::FieldError;
use domain::price::{Currency, MAX_MARKUP_PERCENT, Pricing};
use domain::routing::{Assignment, FirstTouch};
use platform::Platform;
use platform::dynamo::{NewAuditEntry, SettingsChange};
use platform::http::{Admin, Caller, Data, JsonBody, Params, Problem, Viewer};
use serde::{Deserialize, Deserializer};

/// The longest name, in characters.
const LONGEST_NAME: usize = 120;
/// The longest retention, in days: ten years.
const LONGEST_RETENTION: u32 = 3_650;

/// What changes; what is not named stays.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeSettings {
    /// What the business calls itself.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 120))]
    name: Option<String>,
    /// What customers are answered in when nothing else says.
    default_language: Option<Language>,
    /// How long events of providers are taken, in days; `null` is for ever.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u32>, minimum = 1, maximum = 3650))]
    retention_days: Option<Option<u32>>,
    /// Whether contacts who opted in may be written to outside the window on UltraMsg.
    cold_text: Option<bool>,
    /// How price estimates are made.
    pricing: Option<ChangePricing>,
    /// How consents and withdrawals are confirmed; what is not named in it goes back to what it is at first.
    consent: Option<ConsentSettings>,
    /// When customers are to talk to a person.
    escalation: Option<ChangeEscalation>,
    /// How leads are first written to; what is not named has its usual value. `null` switches it off.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<FirstTouch>))]
    first_touch: Option<Option<FirstTouch>>,
    /// Who gets new leads. `null` is nobody.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Assignment>))]
    assignment: Option<Option<Assignment>>,
}

/// How price estimates are made; what is not named goes back to the list.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct ChangePricing {
    /// The currency of estimates.
    #[serde(default)]
    currency: Currency,
    /// What a reseller adds to the list price, in per cent.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    markup_percent: u8,
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// The settings of the tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/settings", operation_id = "get_settings", tag = "integrations",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "The settings.", body = Settings)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Settings>, Problem> {
    params.only(&[])?;
    Ok(Data::ok(settings(&platform.store, caller.tenant()).await?))
}

/// Changes the settings of the tenant that are named.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/settings", operation_id = "update_settings", tag = "integrations",
    security(("api_key" = ["admin"])),
    request_body(content = ChangeSettings, example = json!({"default_language": "ar"})),
    responses((status = 200, description = "The settings as they are now.", body = Settings)),
))]
pub(crate) async fn patch(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    JsonBody(body): JsonBody<ChangeSettings>,
) -> Result<Data<Settings>, Problem> {
    params.only(&[])?;
    let escalation = body.escalation.as_ref().map(ChangeEscalation::checked).transpose()?;
    let mut wanted = read(body)?;
    if let Some(escalation) = escalation {
        let known = platform.store.tenant_facts_now(caller.tenant()).await?.tenant;
        wanted.escalation = Some(escalation.on(known.map(|tenant| tenant.escalation).unwrap_or_default()));
    }
    let actor = caller.principal.key_id.to_string();
    let target = named(&wanted).join(",");
    let entry = NewAuditEntry {
        at: caller.now(),
        actor: &actor,
        action: "settings.change",
        target: &target,
        trace_id: caller.call.trace_id,
    };
    Ok(Data::ok(change(&platform.store, caller.tenant(), &wanted, entry).await?))
}

fn read(body: ChangeSettings) -> Result<SettingsChange, Problem> {
    let name = body.name.map(|name| name.trim().to_owned());
    if let Some(name) = &name
        && (name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control))
    {
        return Err(Problem::invalid(
            "name",
            format!("Expected 1 to {LONGEST_NAME} characters on one line."),
        ));
    }
    if let Some(Some(days)) = body.retention_days
        && !(1..=LONGEST_RETENTION).contains(&days)
    {
        let message = format!("Expected 1 to {LONGEST_RETENTION} days, or null for ever.");
        return Err(Problem::invalid("retention_days", message));
    }
    let pricing = match body.pricing {
        Some(pricing) if pricing.markup_percent > MAX_MARKUP_PERCENT => {
            let message = format!("Expected 0 to {MAX_MARKUP_PERCENT}.");
            return Err(Problem::invalid("pricing.markup_percent", message));
        }
        pricing => pricing
            .map(|pricing| Pricing { currency: pricing.currency, markup_percent: pricing.markup_percent }),
    };
    if let Some((field, message)) = body.consent.as_ref().and_then(ConsentSettings::objection) {
        return Err(Problem::invalid(format!("consent.{field}"), message));
    }
    let change = SettingsChange {
        escalation: None,
        name,
        default_language: body.default_language,
        retention_days: body.retention_days,
        cold_text: body.cold_text,
        pricing,
        consent: body.consent,
        first_touch: body.first_touch.map(first_touch).transpose()?,
        assignment: body.assignment.map(assignment).transpose()?,
    };
    if change == SettingsChange::default() && body.escalation.is_none() {
        let message = "Expected at least one of `name`, `default_language`, `retention_days`, `cold_text`, \
                       `pricing`, `consent`, `escalation`, `first_touch`, `assignment`.";
        return Err(Problem::invalid("body", message));
    }
    Ok(change)
}

fn first_touch(given: Option<FirstTouch>) -> Result<Option<FirstTouch>, Problem> {
    given.map(FirstTouch::checked).transpose().map_err(wrong)
}

fn assignment(given: Option<Assignment>) -> Result<Option<Assignment>, Problem> {
    given.map(Assignment::checked).transpose().map_err(wrong)
}

fn wrong(error: FieldError) -> Problem {
    Problem::invalid(error.field, error.message)
}

/// The names of the settings that change.
fn named(change: &SettingsChange) -> Vec<&'static str> {
    [
        ("name", change.name.is_some()),
        ("default_language", change.default_language.is_some()),
        ("retention_days", change.retention_days.is_some()),
        ("cold_text", change.cold_text.is_some()),
        ("pricing", change.pricing.is_some()),
        ("consent", change.consent.is_some()),
        ("escalation", change.escalation.is_some()),
        ("first_touch", change.first_touch.is_some()),
        ("assignment", change.assignment.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, changes)| changes.then_some(name))
    .collect()
}
