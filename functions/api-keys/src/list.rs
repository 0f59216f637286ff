//! `GET /v1/api-keys`

use crate::problem::problem;
use axum::extract::State;
use crm::api_keys::{By, KeyView, list};
use domain::access::Environment;
use domain::ids::KeyId;
use platform::Platform;
use platform::http::{Admin, Caller, Data, Listing, Page, Params, Problem};

/// Lists API keys, oldest first, live ones before those of the sandbox.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api-keys", operation_id = "list_api_keys", tag = "api_keys",
    security(("api_key" = ["admin"])),
    params(("environment" = Option<Environment>, Query, description = "Live keys or those of the sandbox.")),
    responses((status = 200, description = "A page of keys, without the keys themselves.", body = Page<KeyView>)),
))]
pub(crate) async fn get(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<KeyView>>, Problem> {
    let params = params.only(&["limit", "cursor", "environment"])?;
    let environment = params.read("environment", "`live` or `test`", environment_of)?;
    let listing = Listing::read(&platform, &caller, &params, "api-keys").await?;
    let after = listing.after(|text| {
        let (environment, id) = text.split_once(' ')?;
        Some((environment_of(environment)?, KeyId::parse(id).ok()?.ulid()))
    })?;
    let by = By::new(&caller.principal, caller.now(), caller.call.trace_id);
    let (items, next) = list(&platform, &by, environment, after, listing.limit).await.map_err(problem)?;
    let next = next.map(|(environment, ulid)| format!("{} {}", name(environment), KeyId::from_ulid(ulid)));
    Ok(Data::ok(listing.page(items, next.as_deref())?))
}

fn environment_of(text: &str) -> Option<Environment> {
    [Environment::Live, Environment::Test].into_iter().find(|environment| name(*environment) == text)
}

const fn name(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => "live",
        Environment::Test => "test",
    }
}
