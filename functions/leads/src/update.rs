//! `PATCH /v1/leads/{id}`

use crate::create::{bedrooms, email};
use crate::problem::{field, problem};
use axum::extract::State;
use crm::leads::{By, LeadPatch, change, tell_changed};
use crm::read::Lead;
use domain::ids::LeadId;
use domain::lead::{self, Attributes, LeadStatus};
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Params, PathId, Problem, Seed};
use serde::{Deserialize, Deserializer};

/// What changes; what is not named stays, `null` empties.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UpdateLead))]
#[serde(deny_unknown_fields)]
pub(crate) struct LeadPatchBody {
    status: Option<LeadStatus>,
    #[serde(default, alias = "assignee", deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    assigned_to: Option<Option<String>>,
    name: Option<String>,
    email: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    budget_aed: Option<Option<u64>>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u8>))]
    bedrooms: Option<Option<u8>>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    area: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    handover_horizon: Option<Option<String>>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>))]
    attributes: Option<Attributes>,
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Changes a lead.
///
/// What is not named stays; `null` empties. Attributes are merged by name, and `null` takes one away.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/leads/{id}", operation_id = "update_lead", tag = "leads",
    security(("api_key" = ["agent"])),
    params(("id" = LeadId, Path, description = "The lead.")),
    request_body(content = LeadPatchBody, example = json!({
        "status": "qualified",
        "assigned_to": "Omar",
        "bedrooms": 3,
        "attributes": {
            "viewing": "Saturday"
        }
    })),
    responses((status = 200, description = "The lead as it is now.", body = Lead)),
))]
pub(crate) async fn patch(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<LeadPatchBody>,
) -> Result<Data<Lead>, Problem> {
    params.only(&[])?;
    let patch = read(body)?;
    let id = id.parse(LeadId::parse)?;
    let actor = caller.principal.key_id.to_string();
    let by = By {
        tenant: caller.tenant(),
        actor: &actor,
        trace_id: caller.call.trace_id,
        mark: seed.ulid("change"),
    };
    let changed = change(&platform.store, by, id, &patch, seed.first_at).await.map_err(problem)?;
    let changed = changed.ok_or(Problem::NotFound)?;
    if changed.differs {
        tell_changed(&platform, by, &changed.lead, caller.now()).await?;
    }
    Ok(Data::ok(changed.lead))
}

fn read(body: LeadPatchBody) -> Result<LeadPatch, Problem> {
    let patch = LeadPatch {
        status: body.status,
        assigned_to: each(body.assigned_to, |name| lead::assignee(&name).map_err(field))?,
        name: body.name.as_deref().map(lead::name).transpose().map_err(field)?,
        email: body.email.as_deref().map(email).transpose()?,
        budget_fils: each(body.budget_aed, |aed| lead::budget(aed).map_err(field))?,
        bedrooms: each(body.bedrooms, bedrooms)?,
        area: each(body.area, |area| lead::area(&area).map_err(field))?,
        handover_horizon: each(body.handover_horizon, |text| lead::horizon(&text).map_err(field))?,
        attributes: body.attributes.unwrap_or_default(),
    };
    if patch == LeadPatch::default() {
        return Err(Problem::invalid(
            "body",
            "Say what changes: status, assigned_to, name, email, budget_aed, bedrooms, area, handover_horizon, attributes.",
        ));
    }
    Ok(patch)
}

/// Reads what is given and not `null`.
fn each<T, U>(
    given: Option<Option<T>>,
    read: impl FnOnce(T) -> Result<U, Problem>,
) -> Result<Option<Option<U>>, Problem> {
    given.map(|value| value.map(read).transpose()).transpose()
}
