//! `GET /v1/forms/{id}/definition` and `POST /v1/forms/{id}/submissions`: for visitors, without a key.

use crate::problem::{field, problem};
use axum::Extension;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use crm::forms::{self, AddressError, PublicForm, Refusal, Submission, find, submit};
use domain::form::NotTaken;
use domain::ids::{FormId, TenantId};
use platform::Platform;
use platform::dynamo::Form;
use platform::http::{
    Code, Data, Params, PathId, Problem, Submitted, Visitor, preflight, readable_from, see_other,
};
use platform::transport::Transport;
use serde::Serialize;

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

/// What a visitor is told: nothing about the lead, and the same whatever was filled in.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FormSubmissionTaken))]
pub(crate) struct Taken {
    received: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<String>,
}

pub(crate) async fn options(State(platform): State<Platform>, visitor: Visitor, id: PathId) -> Response {
    let allowed = async {
        let (_, form) = known(&platform, id).await?;
        admitted(&form, &visitor)
    };
    match allowed.await {
        Ok(()) => readable_from(visitor.origin.as_deref(), preflight("GET, POST, OPTIONS")),
        Err(problem) => problem.into_response(),
    }
}

/// Shows what a page must show of a form; needs no key.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/forms/{id}/definition", operation_id = "get_form_definition", tag = "forms",
    security(()),
    params(("id" = FormId, Path, description = "The form.")),
    responses((status = 200, description = "What the form asks.", body = PublicForm)),
))]
pub(crate) async fn definition(
    State(platform): State<Platform>,
    visitor: Visitor,
    params: Params,
    id: PathId,
) -> Response {
    let shown = async {
        params.only(&[])?;
        let (_, form) = known(&platform, id).await?;
        admitted(&form, &visitor)?;
        Ok::<_, Problem>(Data::ok(PublicForm::from(&form)))
    };
    match shown.await {
        Ok(form) => readable_from(visitor.origin.as_deref(), form),
        Err(problem) => problem.into_response(),
    }
}

/// Takes what a visitor filled in; needs no key.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/forms/{id}/submissions", operation_id = "submit_form", tag = "forms",
    security(()),
    params(
        ("id" = FormId, Path, description = "The form."),
        ("Idempotency-Key" = Option<String>, Header, description = "Names one enquiry for a day."),
    ),
    request_body(content(
        (BTreeMap<String, Value> = "application/json", example = json!({"name": "Aisha Khan", "phone": "+971501234567"})),
        (BTreeMap<String, String> = "application/x-www-form-urlencoded", example = json!({"name": "Aisha Khan", "phone": "+971501234567"})),
    ), description = "The fields that the form asks for, by name; beside them `consent`, `consent_version`, `language`."),
    responses(
        (status = 202, description = "It was taken.", body = Taken),
        (status = 303, description = "It was taken; the browser goes on to the form's `redirect_url`."),
        (status = 403, description = ""),
        (status = 409, description = ""),
        (status = 413, description = ""),
        (status = 415, description = ""),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn post(
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    visitor: Visitor,
    params: Params,
    id: PathId,
    request: Request,
) -> Response {
    let (tenant, form) = match known(&platform, id).await {
        Ok(found) => found,
        Err(problem) => return problem.into_response(),
    };
    // From here on the page may read why; a page of a foreign origin may not.
    match take(&platform, &transport, &visitor, params, (tenant, &form), request).await {
        Ok(answer) => readable_from(visitor.origin.as_deref(), answer),
        Err(problem) if admitted(&form, &visitor).is_ok() => {
            readable_from(visitor.origin.as_deref(), problem)
        }
        Err(problem) => problem.into_response(),
    }
}

async fn take(
    platform: &Platform,
    transport: &Transport,
    visitor: &Visitor,
    params: Params,
    (tenant, form): (TenantId, &Form),
    request: Request,
) -> Result<Response, Problem> {
    let address = forms::address(platform, tenant, visitor.address).await.map_err(uncounted)?;
    let key = visitor.key.as_deref();
    let (trace_id, now) = (visitor.call.trace_id, visitor.call.now);
    let submission = Submission { tenant, form, address: &address, key, trace_id, now };
    if let Some(seconds) = submission.count(platform).await.map_err(Problem::unavailable)? {
        let message = "Too many submissions from this address; wait for the next minute.";
        let mut refused = Problem::refused(Code::RateLimited, message);
        refused.retry_after_s = Some(seconds);
        return Err(refused.into());
    }
    admitted(form, visitor)?;
    params.only(&[])?;
    if key.is_some_and(|key| !(1..=LONGEST_KEY).contains(&key.len())) {
        let message = format!("Expected 1 to {LONGEST_KEY} characters.");
        return Err(Problem::invalid("Idempotency-Key", message));
    }
    let Submitted { values, by_navigation } = Submitted::from_request(request, &()).await?;
    submit(platform, transport, submission, values).await.map_err(refused)?;
    let redirect_url = form.definition.redirect_url.clone();
    match redirect_url.as_deref() {
        Some(url) if by_navigation => see_other(url),
        Some(_) | None => Ok(Data::accepted(Taken { received: true, redirect_url }).into_response()),
    }
}

async fn known(platform: &Platform, id: PathId) -> Result<(TenantId, Form), Problem> {
    let id = id.parse(FormId::parse)?;
    find(platform, id).await?.ok_or(Problem::NotFound)
}

/// A page of a foreign origin may not use the form. What says no origin is no browser, or a link that was followed.
fn admitted(form: &Form, visitor: &Visitor) -> Result<(), Problem> {
    if visitor.origin.as_deref().is_none_or(|origin| form.definition.admits(origin)) {
        return Ok(());
    }
    let message = "Pages of this origin may not use this form; see its `allowed_origins`.";
    Err(Problem::refused(Code::Forbidden, message).into())
}

/// Who cannot be counted does not pass.
fn uncounted(error: AddressError) -> Problem {
    Problem::unavailable(error)
}

fn refused(refusal: Refusal) -> Problem {
    let conflict = |message: String| Problem::Conflict { message, retry_after_s: None };
    match refusal {
        Refusal::Answers(NotTaken::Field(error)) => field(error),
        Refusal::Answers(NotTaken::Outdated(version)) => conflict(format!(
            "The page showed another version of the words beside the box; they are version {version} now. Reload it."
        )),
        Refusal::Disabled => conflict("This form takes no enquiries at the moment.".to_owned()),
        Refusal::OtherBody => conflict("This `Idempotency-Key` came with another body before.".to_owned()),
        Refusal::Lead(error) => problem(error),
        Refusal::Store(error) => error.into(),
    }
}
