//! `GET` and `PATCH /v1/integrations/whatsapp/{provider}/profile`: what customers see of the business behind a number.

use crate::World;
use crate::number::by;
use crate::problem::{no_profile, problem};
use crate::select::{Numbers, provider};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use crm::integrations::{
    BusinessProfile, IntegrationError, ProfileChange, VERTICALS, business_profile, change_business_profile,
};
use domain::provider::Provider;
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, Params, PathId, Problem, Viewer};
use serde::Deserialize;

/// The longest texts, in characters, and how many sites there may be.
const LONGEST_ABOUT: usize = 139;
const LONGEST_ADDRESS: usize = 256;
const LONGEST_DESCRIPTION: usize = 512;
const LONGEST_EMAIL: usize = 128;
const LONGEST_SITE: usize = 256;
const MOST_SITES: usize = 2;
/// Meta says nothing of a handle's length; what it makes has some hundred characters.
const LONGEST_HANDLE: usize = 2_048;

/// What changes; what is not named stays, an empty text or list takes away.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBusinessProfile {
    /// The line under the name; it cannot be taken away.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 139))]
    about: Option<String>,
    /// Where the business is.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    address: Option<String>,
    /// What it does.
    #[cfg_attr(feature = "openapi", schema(max_length = 512))]
    description: Option<String>,
    /// Where it reads e-mail.
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    email: Option<String>,
    /// Its sites: addresses with `https://` or `http://`, of at most 256 characters each.
    #[cfg_attr(feature = "openapi", schema(max_items = 2))]
    websites: Option<Vec<String>>,
    /// Its industry, in Meta's words, such as `PROF_SERVICES`.
    vertical: Option<String>,
    /// What Meta's resumable upload answered for a picture.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[!-~]{1,2048}$"))]
    profile_picture_handle: Option<String>,
}

/// The profile behind a number, as its provider shows it now.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/integrations/whatsapp/{provider}/profile", operation_id = "get_business_profile",
    tag = "integrations",
    security(("api_key" = ["viewer"])),
    params(
        ("provider" = Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
    ),
    responses(
        (status = 200, description = "The profile.", body = BusinessProfile),
        (status = 409, description = ""),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
) -> Result<Data<BusinessProfile>, Problem> {
    let params = params.only(&["number"])?;
    let provider = carried(provider(&path)?)?;
    let numbers = Numbers::read(&platform, caller.tenant()).await?;
    if numbers.sandbox {
        return Err(problem(IntegrationError::Sandbox));
    }
    let integration = numbers.one(provider, &params)?.ok_or(Problem::NotFound)?;
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    business_profile(outside, by(&caller), integration).await.map(Data::ok).map_err(problem)
}

/// Changes the fields of the profile that are named.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/integrations/whatsapp/{provider}/profile", operation_id = "update_business_profile",
    tag = "integrations",
    security(("api_key" = ["admin"])),
    params(
        ("provider" = Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
    ),
    request_body(content = ChangeBusinessProfile, example = json!({"about": "Homes by the sea"})),
    responses(
        (status = 200, description = "The profile as the provider shows it now.", body = BusinessProfile),
        (status = 409, description = ""),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn patch(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
    JsonBody(body): JsonBody<ChangeBusinessProfile>,
) -> Result<Data<BusinessProfile>, Problem> {
    let params = params.only(&["number"])?;
    let provider = carried(provider(&path)?)?;
    let change = read(body)?;
    let numbers = Numbers::read(&platform, caller.tenant()).await?;
    if numbers.sandbox {
        return Err(problem(IntegrationError::Sandbox));
    }
    let integration = numbers.one(provider, &params)?.ok_or(Problem::NotFound)?;
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let changed = change_business_profile(outside, by(&caller), integration, &change, caller.now()).await;
    changed.map(Data::ok).map_err(problem)
}

/// A provider with profiles; whether a number of it is connected makes no difference to the others.
fn carried(provider: Provider) -> Result<Provider, Problem> {
    match provider {
        Provider::Meta | Provider::Dialog360 => Ok(provider),
        Provider::Ultramsg | Provider::Sandbox => Err(no_profile()),
    }
}

fn read(body: ChangeBusinessProfile) -> Result<ProfileChange, Problem> {
    let change = ProfileChange {
        about: text("about", body.about, 1, LONGEST_ABOUT)?,
        address: text("address", body.address, 0, LONGEST_ADDRESS)?,
        description: text("description", body.description, 0, LONGEST_DESCRIPTION)?,
        email: email(body.email)?,
        websites: body.websites.map(sites).transpose()?,
        vertical: body.vertical,
        profile_picture_handle: body.profile_picture_handle,
    };
    if change.vertical.as_ref().is_some_and(|vertical| !VERTICALS.contains(&vertical.as_str())) {
        return Err(Problem::invalid("vertical", format!("Expected one of {}.", VERTICALS.join(", "))));
    }
    if let Some(handle) = &change.profile_picture_handle
        && (handle.is_empty()
            || handle.len() > LONGEST_HANDLE
            || !handle.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        let message = "Expected the handle that Meta's resumable upload answered, such as `4::aW1hZ2U...`.";
        return Err(Problem::invalid("profile_picture_handle", message));
    }
    if change == ProfileChange::default() {
        let message = "Expected at least one of `about`, `address`, `description`, `email`, `websites`, `vertical`, \
                       `profile_picture_handle`.";
        return Err(Problem::invalid("body", message));
    }
    Ok(change)
}

fn text(
    name: &'static str,
    text: Option<String>,
    least: usize,
    most: usize,
) -> Result<Option<String>, Problem> {
    let Some(text) = text.map(|text| text.trim().to_owned()) else { return Ok(None) };
    let odd = text.chars().any(|c| c.is_control() && c != '\n');
    if odd || !(least..=most).contains(&text.chars().count()) {
        return Err(Problem::invalid(name, format!("Expected {least} to {most} characters.")));
    }
    Ok(Some(text))
}

fn email(given: Option<String>) -> Result<Option<String>, Problem> {
    let Some(address) = text("email", given, 0, LONGEST_EMAIL)? else { return Ok(None) };
    let parts = address.rsplit_once('@');
    let well = parts.is_some_and(|(local, host)| !local.is_empty() && host.contains('.'));
    if address.is_empty() || (well && !address.contains(char::is_whitespace)) {
        return Ok(Some(address));
    }
    Err(Problem::invalid(
        "email",
        "Expected an e-mail address, such as `sales@example.ae`, or an empty text.",
    ))
}

fn sites(given: Vec<String>) -> Result<Vec<String>, Problem> {
    if given.len() > MOST_SITES {
        return Err(Problem::invalid("websites", format!("Expected at most {MOST_SITES} sites.")));
    }
    for (nth, site) in given.iter().enumerate() {
        let address = site.parse::<Uri>().ok();
        let scheme = address.as_ref().and_then(Uri::scheme_str);
        let well = matches!(scheme, Some("http" | "https"))
            && address.as_ref().and_then(Uri::host).is_some_and(|host| !host.is_empty());
        if !well || site.chars().count() > LONGEST_SITE {
            let message = format!(
                "Expected an address with https:// or http://, of at most {LONGEST_SITE} characters."
            );
            return Err(Problem::invalid(format!("websites[{nth}]"), message));
        }
    }
    Ok(given)
}
