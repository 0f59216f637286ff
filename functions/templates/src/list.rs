//! `GET /v1/whatsapp/templates`

use axum::Extension;
use axum::extract::State;
use crm::read::{Template, TemplateFilter, templates};
use crm::templates::{SyncError, owner, sync_if_never};
use domain::ids::TenantId;
use domain::template::{Category, TemplateState};
use platform::Platform;
use platform::dynamo::StoreError;
use platform::http::{Caller, Data, Listing, Page, Params, Problem, Viewer};
use platform::transport::Transport;
use ulid::Ulid;

/// The longest name or language that can be registered, in characters.
const LONGEST: usize = 512;

/// Lists templates.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/whatsapp/templates", operation_id = "list_templates", tag = "templates",
    security(("api_key" = ["viewer"])),
    params(
        ("name" = Option<String>, Query, description = "Of this name."),
        ("language" = Option<String>, Query, description = "In this language, such as `en_US`."),
        ("status" = Option<TemplateState>, Query, description = "Where they stand."),
        ("category" = Option<Category>, Query, description = "Of this category."),
    ),
    responses((status = 200, description = "A page of templates.", body = Page<Template>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
) -> Result<Data<Page<Template>>, Problem> {
    let params = params.only(&["limit", "cursor", "name", "language", "status", "category"])?;
    let text = |text: &str| (!text.is_empty() && text.chars().count() <= LONGEST).then(|| text.to_owned());
    let states = "`draft`, `approved`, `pending`, `rejected`, `paused`, `disabled`, `in_appeal` or `deleted`";
    let filter = TemplateFilter {
        name: params.read("name", "a template's name", text)?,
        language: params.read("language", "a language code, such as `en_US`", text)?,
        status: params.read("status", states, TemplateState::parse)?,
        category: params.read("category", "`utility`, `marketing` or `authentication`", Category::parse)?,
    };
    let listing = Listing::read(&platform, &caller, &params, "templates").await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let tenants = seen_by(&platform, caller.tenant()).await?;
    first_sync(&platform, &transport, &caller).await?;
    let found = templates(&platform.store, &tenants, &filter, after, listing.limit).await?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}

/// Whose templates a tenant sees: its own, and a sandbox twin also those of its live tenant.
pub(crate) async fn seen_by(platform: &Platform, tenant: TenantId) -> Result<Vec<TenantId>, StoreError> {
    let live = owner(&platform.store, tenant).await?;
    Ok(if live == tenant { vec![tenant] } else { vec![tenant, live] })
}

/// Reads the templates of a tenant whose lists nobody has read yet; whatever goes wrong at the provider, the list is
/// what is known. A sandbox twin never makes a provider be called.
pub(crate) async fn first_sync<R>(
    platform: &Platform,
    transport: &Transport,
    caller: &Caller<R>,
) -> Result<(), StoreError> {
    if owner(&platform.store, caller.tenant()).await? != caller.tenant() {
        return Ok(());
    }
    match sync_if_never(platform, transport, caller.tenant(), caller.now()).await {
        Ok(()) | Err(SyncError::NotConfigured) => {}
        Err(error) => {
            let error = platform::telemetry::chain(&error);
            tracing::warn!(tenant.id = %caller.tenant(), "the first sync of templates failed: {error}");
        }
    }
    Ok(())
}
