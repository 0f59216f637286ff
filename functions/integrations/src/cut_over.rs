//! `POST /v1/integrations/whatsapp/{provider}/cut-over` and `.../roll-back`

use crate::World;
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
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    from: Option<From>,
    same_number: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    provider: String,
    number: Option<String>,
}

impl Body {
    fn read(self, numbers: &Numbers) -> Result<CutOverFrom, Problem> {
        let number = match self.from {
            None => None,
            Some(From { provider, number }) => {
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

pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    Extension(world): Extension<World>,
    headers: HeaderMap,
    params: Params,
    path: PathId,
    OptionalBody(body): OptionalBody<Body>,
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
