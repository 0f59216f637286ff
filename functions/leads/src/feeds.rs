//! `GET`, `PUT` and `DELETE /v1/integrations/leads/{source}`

use axum::extract::State;
use axum::response::Response;
use crm::intake::{FeedError, FeedSettings, FeedView, connect_feed, disconnect_feed, show_feed};
use domain::lead::FeedKind;
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, NoBody, Params, PathId, Problem, Viewer};
use platform::vault::VaultError;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The longest secret, in bytes.
const LONGEST_SECRET: usize = 2_048;
/// The parts of names by which the header of a signature is told.
const SIGNATURE_NAMES: [&str; 4] = ["signature", "hmac", "digest", "sha256"];

/// What connects a source; which of them a source takes is in docs/leads.md.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConnectLeadSource))]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedBody {
    page_id: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    access_token: Option<Zeroizing<String>>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    app_secret: Option<Zeroizing<String>>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    verify_token: Option<Zeroizing<String>>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    secret: Option<Zeroizing<String>>,
    signature_header: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    api_key: Option<Zeroizing<String>>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    token: Option<Zeroizing<String>>,
}

/// Shows how a source of leads is connected.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/integrations/leads/{source}", operation_id = "get_lead_source", tag = "integrations",
    security(("api_key" = ["viewer"])),
    params(("source" = FeedKind, Path, description = "The source of leads.")),
    responses((status = 200, description = "The connection.", body = FeedView)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    source: PathId,
) -> Result<Data<FeedView>, Problem> {
    params.only(&[])?;
    let kind = kind_of(&source)?;
    Ok(Data::ok(show_feed(&platform, caller.tenant(), kind).await?))
}

/// Connects a source of leads.
///
/// Which fields a source takes is in docs/leads.md.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/integrations/leads/{source}", operation_id = "connect_lead_source", tag = "integrations",
    security(("api_key" = ["admin"])),
    params(("source" = FeedKind, Path, description = "The source of leads.")),
    request_body(content = FeedBody, example = json!({"token": "a-long-random-token"})),
    responses((status = 200, description = "The connection; `token` and `webhook_path` say where the source posts.", body = FeedView)),
))]
pub(crate) async fn put(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    source: PathId,
    JsonBody(body): JsonBody<FeedBody>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let kind = kind_of(&source)?;
    let settings = read(kind, body)?;
    // In the audit log before it is done: what happened is then never missing there.
    caller.note(&platform.store, "lead_source.connect", kind.as_str()).await?;
    let connected = connect_feed(&platform, caller.tenant(), kind, settings, caller.now()).await;
    let connected = connected.map_err(problem)?;
    let kept = Data::ok(FeedView { token: None, ..connected.clone() });
    Ok(Data::ok(connected).shown_once(kept))
}

/// Disconnects a source of leads.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/integrations/leads/{source}", operation_id = "disconnect_lead_source", tag = "integrations",
    security(("api_key" = ["admin"])),
    params(("source" = FeedKind, Path, description = "The source of leads.")),
    responses((status = 200, description = "What is left.", body = FeedView)),
))]
pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    source: PathId,
    NoBody: NoBody,
) -> Result<Data<FeedView>, Problem> {
    params.only(&[])?;
    let kind = kind_of(&source)?;
    platform.store.feed(caller.tenant(), kind).await?.ok_or(Problem::NotFound)?;
    // In the audit log before it is done: what happened is then never missing there.
    caller.note(&platform.store, "lead_source.disconnect", kind.as_str()).await?;
    disconnect_feed(&platform, caller.tenant(), kind).await?;
    Ok(Data::ok(show_feed(&platform, caller.tenant(), kind).await?))
}

fn kind_of(source: &PathId) -> Result<FeedKind, Problem> {
    source.parse(|text| FeedKind::parse(text).ok_or(()))
}

fn read(kind: FeedKind, body: FeedBody) -> Result<FeedSettings, Problem> {
    let taken: &[&str] = match kind {
        FeedKind::MetaLeadAds => &["page_id", "access_token", "app_secret", "verify_token"],
        FeedKind::PropertyFinder => &["secret", "signature_header"],
        FeedKind::Bayut | FeedKind::Dubizzle => &["api_key", "token"],
        FeedKind::Website => &["token"],
    };
    let refused = |field: &'static str| Problem::invalid(field, "This source takes no such field.");
    let mut settings = FeedSettings::default();
    for (name, secret) in [
        ("access_token", body.access_token),
        ("app_secret", body.app_secret),
        ("verify_token", body.verify_token),
        ("secret", body.secret),
        ("api_key", body.api_key),
        ("token", body.token),
    ] {
        let Some(secret) = secret else { continue };
        if !taken.contains(&name) {
            return Err(refused(name));
        }
        let fits =
            (8..=LONGEST_SECRET).contains(&secret.len()) && secret.bytes().all(|b| b.is_ascii_graphic());
        if !fits {
            let message =
                format!("Expected 8 to {LONGEST_SECRET} printable ASCII characters without blanks.");
            return Err(Problem::invalid(name, message));
        }
        settings.secrets.push((name, secret));
    }
    if let Some(page_id) = body.page_id {
        if !taken.contains(&"page_id") {
            return Err(refused("page_id"));
        }
        if !(1..=32).contains(&page_id.len()) || !page_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Problem::invalid("page_id", "Expected the page's id in digits."));
        }
        settings.page_id = Some(page_id);
    }
    if let Some(header) = body.signature_header {
        if !taken.contains(&"signature_header") {
            return Err(refused("signature_header"));
        }
        settings.signature_header = Some(header_name(&header)?);
    }
    Ok(settings)
}

/// The name of a header that can be told as one of a signature.
fn header_name(text: &str) -> Result<String, Problem> {
    let name = text.to_ascii_lowercase();
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && SIGNATURE_NAMES.iter().any(|part| name.contains(part));
    fits.then_some(name).ok_or_else(|| {
        Problem::invalid(
            "signature_header",
            "Expected a header's name that holds `signature`, `hmac`, `digest` or `sha256`.",
        )
    })
}

fn problem(error: FeedError) -> Problem {
    match error {
        FeedError::Missing(field) => Problem::invalid(field, "This source cannot be connected without it."),
        FeedError::Store(error) => error.into(),
        FeedError::Vault(error @ VaultError::Transient(_)) => Problem::unavailable(error),
        FeedError::Vault(error @ VaultError::Tampered(_)) => Problem::internal(error),
        FeedError::Random(error) => Problem::internal(error),
    }
}
