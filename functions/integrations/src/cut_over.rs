//! `POST /v1/integrations/whatsapp/{provider}/cut-over` and `.../roll-back`

use crate::World;
#[cfg(feature = "openapi")]
use crate::number::SavedCard;
use crate::number::{by, saved};
use crate::problem::problem;
use crate::select::{Numbers, provider};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use crm::integrations::{Connected, CutOver, CutOverFrom, ShownOnce, cut_over, roll_back};
use domain::provider::Provider;
use platform::Platform;
use platform::http::{Admin, Caller, NoBody, OptionalBody, Params, PathId, Problem};
use serde::Deserialize;

/// Which number is replaced.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CutOver))]
#[serde(deny_unknown_fields)]
pub(crate) struct CutOverBody {
    /// The number whose place it takes; the one that is primary unless named.
    from: Option<ReplacedNumber>,
    /// Whether customers see the same phone number as before; needed where the providers do not tell.
    same_number: Option<bool>,
}

/// The number whose place another takes.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct ReplacedNumber {
    /// Its provider.
    #[cfg_attr(feature = "openapi", schema(value_type = Provider))]
    provider: String,
    /// Its id among the tenant's numbers, where the provider has several.
    number: Option<String>,
}

impl CutOverBody {
    fn read(self, numbers: &Numbers) -> Result<CutOverFrom, Problem> {
        let number = match self.from {
            None => None,
            Some(ReplacedNumber { provider, number }) => {
                let known = Provider::parse(&provider).filter(|one| *one != Provider::Sandbox);
                let provider = known.ok_or_else(|| {
                    Problem::invalid("from.provider", "Expected meta, dialog360 or ultramsg.")
                })?;
                let number = match (number, numbers.of(provider).as_slice()) {
                    (Some(number), _) => number,
                    (None, [only]) => only.number_id().to_owned(),
                    (None, []) => {
                        return Err(Problem::invalid(
                            "from.provider",
                            "No number of this provider is connected.",
                        ));
                    }
                    (None, _) => {
                        let message = "Several numbers of this provider are connected: name one.";
                        return Err(Problem::invalid("from.number", message));
                    }
                };
                Some((provider, number))
            }
        };
        Ok(CutOverFrom { number, same_number: self.same_number })
    }
}

/// Has a number take another one's place: new messages of every conversation go out on it.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/integrations/whatsapp/{provider}/cut-over", operation_id = "cut_over_integration",
    tag = "integrations",
    security(("api_key" = ["admin"])),
    params(
        ("provider" = Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
    ),
    request_body(content = Option<CutOverBody>, example = json!({"from": {"provider": "ultramsg"}})),
    responses(
        (status = 200, description = "It is primary now.", body = SavedCard),
        (status = 409, description = ""),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
    OptionalBody(body): OptionalBody<CutOverBody>,
) -> Result<Response, Problem> {
    let params = params.only(&["number"])?;
    let provider = provider(&path)?;
    let numbers = Numbers::read(&platform, caller.tenant()).await?;
    let integration = numbers.one(provider, &params)?.ok_or(Problem::NotFound)?;
    let from = body.read(&numbers)?;
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let (by, now, all) = (by(&caller), caller.now(), &numbers.facts.integrations);
    let done = cut_over(outside, by, integration, all, &from, now).await.map_err(problem)?;
    saved(outside, by, shown(done), now).await
}

/// Gives a number its place back.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/integrations/whatsapp/{provider}/roll-back", operation_id = "roll_back_integration",
    tag = "integrations",
    security(("api_key" = ["admin"])),
    params(
        ("provider" = Provider, Path, description = "The provider; `sandbox` is none."),
        ("number" = Option<String>, Query, description = "Which number, where several of the provider are connected."),
    ),
    responses(
        (status = 200, description = "The number before it is primary again.", body = SavedCard),
        (status = 409, description = ""),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn roll(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
    NoBody: NoBody,
) -> Result<Response, Problem> {
    let params = params.only(&["number"])?;
    let provider = provider(&path)?;
    let numbers = Numbers::read(&platform, caller.tenant()).await?;
    let integration = numbers.one(provider, &params)?.ok_or(Problem::NotFound)?;
    let public = world.public_url(&headers);
    let outside = world.outside(&platform, &public);
    let (by, now, all) = (by(&caller), caller.now(), &numbers.facts.integrations);
    let done = roll_back(outside, by, integration, all, now).await.map_err(problem)?;
    saved(outside, by, shown(done), now).await
}

fn shown(done: CutOver) -> Connected {
    let CutOver { integration, warnings } = done;
    Connected { integration, new: false, shown_once: ShownOnce::default(), warnings, templates: None }
}
