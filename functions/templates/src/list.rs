//! `GET /v1/whatsapp/templates`

use axum::Extension;
use axum::extract::State;
use crm::read::{Template, TemplateFilter, templates};
use crm::templates::{SyncError, owner, sync_if_never};
use domain::template::{Category, TemplateState};
use platform::Platform;
use platform::http::{Caller, Data, Listing, Page, Params, Problem, Viewer};
use platform::transport::Transport;
use ulid::Ulid;

/// The longest name or language that can be registered, in characters.
const LONGEST: usize = 512;

pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
) -> Result<Data<Page<Template>>, Problem> {
    let params = params.only(&["limit", "cursor", "name", "language", "status", "category"])?;
    let text = |text: &str| (!text.is_empty() && text.chars().count() <= LONGEST).then(|| text.to_owned());
    let states = "`approved`, `pending`, `rejected`, `paused`, `disabled`, `in_appeal` or `deleted`";
    let filter = TemplateFilter {
        name: params.read("name", "a template's name", text)?,
        language: params.read("language", "a language code, such as `en_US`", text)?,
        status: params.read("status", states, TemplateState::parse)?,
        category: params.read("category", "`utility`, `marketing` or `authentication`", Category::parse)?,
    };
    let listing = Listing::read(&platform, &caller, &params, "templates").await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let tenant = owner(&platform.store, caller.tenant()).await?;
    // A sandbox twin never makes a provider be called.
    if tenant == caller.tenant() {
        first_sync(&platform, &transport, &caller).await;
    }
    let found = templates(&platform.store, tenant, &filter, after, listing.limit).await?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}

/// Reads the templates of a tenant whose lists nobody has read yet; whatever goes wrong, the list is what is known.
async fn first_sync(platform: &Platform, transport: &Transport, caller: &Caller<Viewer>) {
    match sync_if_never(platform, transport, caller.tenant(), caller.now()).await {
        Ok(()) | Err(SyncError::NotConfigured) => {}
        Err(error) => {
            let error = platform::telemetry::chain(&error);
            tracing::warn!(tenant.id = %caller.tenant(), "the first sync of templates failed: {error}");
        }
    }
}
