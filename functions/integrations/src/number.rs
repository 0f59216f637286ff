//! `GET /v1/integrations/whatsapp`, and `GET`, `PUT`, `DELETE /v1/integrations/whatsapp/{provider}`

use crate::problem::problem;
use crate::select::{Numbers, provider};
use crate::{World, body};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use crm::integrations::{
    Card, Connected, Disconnected, Outside, ShownOnce, card, cards, connect, disconnect, empty_card,
};
use crm::send::By;
use crm::templates::Synced;
use domain::number::ConnectionStatus;
use domain::provider::Provider;
use domain::time::Millis;
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, Listing, NoBody, Page, Params, PathId, Problem, Viewer};
use serde::Serialize;
use serde_json::{Map, Value};

/// Lists the connected numbers.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/integrations/whatsapp", operation_id = "list_integrations", tag = "integrations",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "A page of numbers.", body = Page<Card>)),
))]
pub(crate) async fn list(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
) -> Result<Data<Page<Card>>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    let listing = Listing::read(&platform, &caller, &params, "integrations").await?;
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let items = all(outside, &caller, None).await?;
    // Pages of numbers are a formality: a tenant has a handful.
    let begin = listing.after(|text| text.parse::<usize>().ok())?.unwrap_or(0);
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let end = begin.saturating_add(limit);
    let next = (items.len() > end).then(|| end.to_string());
    let shown = items.into_iter().skip(begin).take(limit).collect();
    Ok(Data::ok(listing.page(shown, next.as_deref())?))
}

/// The cards of a tenant's numbers; a sandbox has one that says what it is.
async fn all(
    outside: Outside<'_>,
    caller: &Caller<Viewer>,
    only: Option<Provider>,
) -> Result<Vec<Card>, Problem> {
    let numbers = Numbers::read(outside.platform, caller.tenant()).await?;
    if numbers.sandbox {
        let provider = only.unwrap_or(Provider::Sandbox);
        return Ok(vec![empty_card(outside, caller.tenant(), provider, ConnectionStatus::Demo)]);
    }
    Ok(cards(outside, caller.tenant(), &numbers.facts, only, caller.now()).await?)
}

/// One card, or with several numbers and none named all of them.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Integrations))]
#[serde(untagged)]
pub(crate) enum Shown {
    One(Box<Card>),
    Several { items: Vec<Card> },
}

/// Shows the number of a provider, or all where several are connected and none is named.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/integrations/whatsapp/{provider}", operation_id = "get_integration", tag = "integrations",
    security(("api_key" = ["viewer"])),
    params(
        ("provider" = Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
    ),
    responses((status = 200, description = "The number, or several.", body = Shown)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
) -> Result<Data<Shown>, Problem> {
    let params = params.only(&["number"])?;
    let provider = provider(&path)?;
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let mut cards = all(outside, &caller, Some(provider)).await?;
    if let Some(wanted) = params.get("number") {
        cards.retain(|card| card.number.as_deref().unwrap_or("-") == wanted);
        if cards.is_empty() {
            return Err(Problem::NotFound);
        }
    }
    if cards.is_empty() {
        cards.push(empty_card(outside, caller.tenant(), provider, ConnectionStatus::NotConfigured));
    }
    Ok(Data::ok(match (cards.len(), cards.pop()) {
        (1, Some(card)) => Shown::One(Box::new(card)),
        (_, last) => {
            cards.extend(last);
            Shown::Several { items: cards }
        }
    }))
}

/// A card right after its settings were saved.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SavedIntegration))]
pub(crate) struct SavedCard {
    #[serde(flatten)]
    card: Card,
    /// What will not work although the credentials are right.
    warnings: Vec<String>,
    /// What reading the templates did.
    #[serde(skip_serializing_if = "Option::is_none")]
    templates: Option<Synced>,
    /// Secrets that were made just now; a repeated answer is without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_once: Option<ShownOnce>,
}

/// The answer after a save: with what is shown once, and without it for whoever repeats the request.
pub(crate) async fn saved(
    outside: Outside<'_>,
    by: By,
    connected: Connected,
    now: Millis,
) -> Result<Response, Problem> {
    let card = card(outside, by.tenant, &connected.integration, now).await?;
    let Connected { new, shown_once, warnings, templates, .. } = connected;
    let kept = SavedCard { card, warnings, templates, shown_once: None };
    let data = |card| if new { Data::created(card) } else { Data::ok(card) };
    if shown_once.is_empty() {
        return Ok(data(kept).into_response());
    }
    let shown = SavedCard { shown_once: Some(shown_once), ..kept.clone() };
    Ok(data(shown).shown_once(data(kept)))
}

/// Connects a number, or changes its settings.
///
/// The provider is asked before anything is saved.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/integrations/whatsapp/{provider}", operation_id = "connect_integration", tag = "integrations",
    security(("api_key" = ["admin"])),
    params(("provider" = Provider, Path, description = "The provider; `sandbox` is none.")),
    request_body(content = body::ConnectNumber, example = json!({
        "phone_number_id": "106540352242922",
        "waba_id": "102290129340398",
        "access_token": "EAAG-a-token-of-a-system-user"
    })),
    responses(
        (status = 201, description = "Connected.", body = SavedCard),
        (status = 200, description = "Changed.", body = SavedCard),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn put(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let provider = provider(&path)?;
    let credentials = body::read(provider, body)?;
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let by = by(&caller);
    let connected = connect(outside, by, &credentials, caller.now()).await.map_err(problem)?;
    saved(outside, by, connected, caller.now()).await
}

/// Disconnects a number.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/integrations/whatsapp/{provider}", operation_id = "disconnect_integration", tag = "integrations",
    security(("api_key" = ["admin"])),
    params(
        ("provider" = Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
    ),
    responses((status = 200, description = "It is disconnected.", body = Disconnected)),
))]
pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
    NoBody: NoBody,
) -> Result<Data<Disconnected>, Problem> {
    let params = params.only(&["number"])?;
    let provider = provider(&path)?;
    let numbers = Numbers::read(&platform, caller.tenant()).await?;
    let integration = numbers.one(provider, &params)?.ok_or(Problem::NotFound)?;
    let others = numbers.facts.integrations.iter();
    let others: Vec<_> = others.filter(|one| one.sort_key() != integration.sort_key()).cloned().collect();
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let done = disconnect(outside, by(&caller), integration, &others, caller.now()).await;
    done.map(Data::ok).map_err(problem)
}

/// Who asks, for the use cases.
pub(crate) fn by<R>(caller: &Caller<R>) -> By {
    By { tenant: caller.tenant(), key: Some(caller.principal.key_id), trace_id: caller.call.trace_id }
}
