//! Lead forms: defined by admins, shown to and filled in by visitors of a tenant's pages.

mod address;
mod submit;

pub(crate) use address::FORM_PURPOSE;
pub use address::{Address, AddressError, address};
pub use submit::{Refusal, Submission, submit};

use domain::form::{Definition, FormField, Texts};
use domain::ids::{FormId, TenantId};
use domain::language::Language;
use domain::lead::FieldError;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Form, StoreError};
use serde::Serialize;

/// How many forms a tenant may have.
pub const AT_MOST: usize = 50;
/// How often a write that met another one is tried.
const TRIES: u32 = 5;

/// A form cannot be made or changed so.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// Something it says.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// There are enough.
    #[error("a tenant has at most {AT_MOST} forms; delete one first")]
    TooMany,
    /// Somebody else changed it all the while.
    #[error("the form was changed by somebody else all the while")]
    Contended,
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A form as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Form))]
pub struct FormView {
    /// Its id.
    pub id: FormId,
    /// What it asks, and where.
    #[serde(flatten)]
    pub definition: Definition,
    /// Where visitors send it, below the address of the API.
    pub submit_path: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
}

impl From<Form> for FormView {
    fn from(form: Form) -> Self {
        let Form { id, definition, created_at, updated_at, .. } = form;
        Self { id, definition, submit_path: format!("/v1/forms/{id}/submissions"), created_at, updated_at }
    }
}

/// A form as its visitors see it: what to show, nothing of whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublicForm {
    /// Its id.
    pub id: FormId,
    /// Whether it takes enquiries.
    pub enabled: bool,
    /// The language of a visitor who says none.
    pub default_language: Language,
    /// What it asks.
    pub fields: Vec<FormField>,
    /// The box that asks for consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<PublicConsent>,
    /// The name of a field that is sent empty and shown to nobody.
    pub trap: &'static str,
}

/// The box that asks for consent, as visitors see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublicConsent {
    /// Whether it must be ticked.
    pub required: bool,
    /// To be sent back as `consent_version`.
    pub version: String,
    /// The words beside it.
    pub wording: Texts,
}

impl From<&Form> for PublicForm {
    fn from(form: &Form) -> Self {
        let Definition { status, fields, consent, default_language, .. } = &form.definition;
        let consent = consent.as_ref().map(|consent| PublicConsent {
            required: consent.required,
            version: consent.version.clone(),
            wording: consent.wording.clone(),
        });
        Self {
            id: form.id,
            enabled: *status == domain::form::FormStatus::Enabled,
            default_language: *default_language,
            fields: fields.clone(),
            consent,
            trap: domain::form::TRAP,
        }
    }
}

/// A form and whose it is, by its id alone.
///
/// # Errors
/// The table did not answer.
pub async fn find(platform: &Platform, id: FormId) -> Result<Option<(TenantId, Form)>, StoreError> {
    let Some(tenant) = platform.store.form_owner(id).await? else { return Ok(None) };
    Ok(platform.store.form(tenant, id).await?.map(|form| (tenant, form)))
}

/// Makes a form under an id that the request determines: a second run of the same request finds the first one's.
///
/// # Errors
/// [`FormError`]; then nothing was made.
pub async fn create(
    platform: &Platform,
    tenant: TenantId,
    id: FormId,
    definition: Definition,
    now: Millis,
) -> Result<FormView, FormError> {
    let definition = definition.checked()?;
    let others = platform.store.forms(tenant).await?;
    if let Some(made) = others.iter().find(|form| form.id == id) {
        return Ok(made.clone().into());
    }
    if others.len() >= AT_MOST {
        return Err(FormError::TooMany);
    }
    let form = Form { id, definition, created_at: now, updated_at: now, revision: 0 };
    if !platform.store.save_form(tenant, &form).await? {
        return Err(FormError::Contended);
    }
    Ok(form.into())
}

/// Changes a form; `None` when there is none.
///
/// # Errors
/// [`FormError`]; then nothing changed.
pub async fn change(
    platform: &Platform,
    tenant: TenantId,
    id: FormId,
    now: Millis,
    change: impl Fn(&mut Definition),
) -> Result<Option<FormView>, FormError> {
    for _ in 0..TRIES {
        let Some(mut form) = platform.store.form(tenant, id).await? else { return Ok(None) };
        change(&mut form.definition);
        form.definition = form.definition.checked()?;
        form.updated_at = now;
        if platform.store.save_form(tenant, &form).await? {
            return Ok(Some(form.into()));
        }
    }
    Err(FormError::Contended)
}
