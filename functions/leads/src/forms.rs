//! `GET`, `POST /v1/forms` and `GET`, `PATCH`, `DELETE /v1/forms/{id}`

use crate::problem::field;
use axum::extract::State;
use crm::forms::{self, FormError, FormView};
use domain::form::{ConsentBox, Definition, FormField, FormStatus};
use domain::ids::FormId;
use domain::language::Language;
use platform::Platform;
use platform::http::{Admin, Caller, Data, JsonBody, Listing, NoBody, Page, Params, PathId, Problem, Seed};
use serde::{Deserialize, Deserializer, Serialize};

/// What changes; what is not named stays, `null` takes away.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UpdateForm))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBody {
    name: Option<String>,
    status: Option<FormStatus>,
    allowed_origins: Option<Vec<String>>,
    fields: Option<Vec<FormField>>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ConsentBox>))]
    consent: Option<Option<ConsentBox>>,
    default_language: Option<Language>,
    source: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    redirect_url: Option<Option<String>>,
}

/// A form that is gone.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DeletedForm))]
pub(crate) struct Deleted {
    id: FormId,
    deleted: bool,
}

/// Tells `null` from an absent field.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Lists the forms.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/forms", operation_id = "list_forms", tag = "forms",
    security(("api_key" = ["admin"])),
    responses((status = 200, description = "A page of forms.", body = Page<FormView>)),
))]
pub(crate) async fn list(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Page<FormView>>, Problem> {
    let params = params.only(&["limit", "cursor"])?;
    let listing = Listing::read(&platform, &caller, &params, "forms").await?;
    let after = listing.after(|text| FormId::parse(text).ok())?;
    let mut found = platform.store.forms(caller.tenant()).await?;
    found.retain(|form| after.is_none_or(|after| form.id > after));
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|form| form.id.to_string());
    let found = found.into_iter().map(FormView::from).collect();
    Ok(Data::ok(listing.page(found, next.as_deref())?))
}

/// Makes a form.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/forms", operation_id = "create_form", tag = "forms",
    security(("api_key" = ["admin"])),
    request_body(content = Definition, example = json!({"name": "Villas", "allowed_origins": ["https://example.ae"], "fields": [{"name": "name", "required": true}, {"name": "phone", "required": true}]})),
    responses((status = 201, description = "The form.", body = FormView)),
))]
pub(crate) async fn post(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    seed: Seed,
    JsonBody(body): JsonBody<Definition>,
) -> Result<Data<FormView>, Problem> {
    params.only(&[])?;
    let definition = body.checked().map_err(field)?;
    let id = FormId::from_ulid(seed.ulid("form"));
    // In the audit log before it is done: what happened is then never missing there.
    caller.note(&platform.store, "form.create", &id.to_string()).await?;
    let made = forms::create(&platform, caller.tenant(), id, definition, seed.first_at).await;
    made.map(Data::created).map_err(problem)
}

/// Shows a form.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/forms/{id}", operation_id = "get_form", tag = "forms",
    security(("api_key" = ["admin"])),
    params(("id" = FormId, Path, description = "The form.")),
    responses((status = 200, description = "The form.", body = FormView)),
))]
pub(crate) async fn get(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<FormView>, Problem> {
    params.only(&[])?;
    let id = id.parse(FormId::parse)?;
    let found = platform.store.form(caller.tenant(), id).await?;
    found.map(|form| Data::ok(form.into())).ok_or(Problem::NotFound)
}

/// Changes a form.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/forms/{id}", operation_id = "update_form", tag = "forms",
    security(("api_key" = ["admin"])),
    params(("id" = FormId, Path, description = "The form.")),
    request_body(content = ChangeBody, example = json!({"status": "disabled"})),
    responses((status = 200, description = "The form as it is now.", body = FormView)),
))]
pub(crate) async fn patch(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Data<FormView>, Problem> {
    params.only(&[])?;
    let (tenant, id) = (caller.tenant(), id.parse(FormId::parse)?);
    let form = platform.store.form(tenant, id).await?.ok_or(Problem::NotFound)?;
    let mut wanted = form.definition;
    body.apply(&mut wanted);
    wanted.checked().map_err(field)?;
    // In the audit log before it is done: what happened is then never missing there.
    caller.note(&platform.store, "form.update", &id.to_string()).await?;
    let changed = forms::change(&platform, tenant, id, caller.now(), |form| body.apply(form)).await;
    changed.map_err(problem)?.map(Data::ok).ok_or(Problem::NotFound)
}

/// Deletes a form.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/forms/{id}", operation_id = "delete_form", tag = "forms",
    security(("api_key" = ["admin"])),
    params(("id" = FormId, Path, description = "The form.")),
    responses((status = 200, description = "It is gone.", body = Deleted)),
))]
pub(crate) async fn delete(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    NoBody: NoBody,
) -> Result<Data<Deleted>, Problem> {
    params.only(&[])?;
    let (tenant, id) = (caller.tenant(), id.parse(FormId::parse)?);
    platform.store.form(tenant, id).await?.ok_or(Problem::NotFound)?;
    // In the audit log before it is done: what happened is then never missing there.
    caller.note(&platform.store, "form.delete", &id.to_string()).await?;
    platform.store.delete_form(tenant, id).await?;
    Ok(Data::ok(Deleted { id, deleted: true }))
}

impl ChangeBody {
    fn apply(&self, form: &mut Definition) {
        fn set<T: Clone>(slot: &mut T, given: Option<&T>) {
            if let Some(given) = given {
                slot.clone_from(given);
            }
        }
        set(&mut form.name, self.name.as_ref());
        set(&mut form.status, self.status.as_ref());
        set(&mut form.allowed_origins, self.allowed_origins.as_ref());
        set(&mut form.fields, self.fields.as_ref());
        set(&mut form.consent, self.consent.as_ref());
        set(&mut form.default_language, self.default_language.as_ref());
        set(&mut form.source, self.source.as_ref());
        set(&mut form.redirect_url, self.redirect_url.as_ref());
    }
}

fn problem(error: FormError) -> Problem {
    match error {
        FormError::Field(error) => field(error),
        FormError::TooMany => Problem::Conflict { message: format!("{error}."), retry_after_s: None },
        FormError::Contended => Problem::unavailable(error),
        FormError::Store(error) => error.into(),
    }
}
