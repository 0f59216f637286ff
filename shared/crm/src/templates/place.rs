//! Where a template belongs, and who writes it.

use super::SyncError;
use super::send::owner;
use super::sync::account_of;
use domain::ids::{KeyId, TemplateId, TenantId};
use domain::provider::Provider;
use domain::template::Template;
use domain::template::lint::Finding;
use domain::time::Millis;
use platform::dynamo::{Integration, NewAuditEntry, Store, StoreError, TemplateRow, TenantFacts};
use uuid::Uuid;

/// The account of templates that never leave a sandbox.
const SANDBOX: &str = "sandbox";

/// Who wants a template written.
#[derive(Debug, Clone)]
pub struct Author {
    /// Whose templates.
    pub tenant: TenantId,
    /// With which key.
    pub key: KeyId,
    /// Whether the key may submit and delete.
    pub admin: bool,
    /// The request's trace.
    pub trace_id: Uuid,
    /// What names the request: the same for every run of it.
    pub run: String,
    /// When it came.
    pub now: Millis,
}

/// A template was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no such template.
    #[error("there is no such template")]
    NotFound,
    /// Only an admin may.
    #[error("the role is too low")]
    NeedsAdmin,
    /// Where it stands forbids it.
    #[error("{message}")]
    Forbidden {
        /// Why, and what to do.
        message: String,
        /// When it may be done, in seconds.
        retry_after_s: Option<u32>,
    },
    /// The review would refuse it, or the provider did.
    #[error("the template has {} faults", .0.len())]
    Invalid(Vec<Finding>),
    /// A number, the table, the vault or the provider.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        Self::Sync(error.into())
    }
}

impl WriteError {
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden { message: message.into(), retry_after_s: None }
    }
}

/// The account that a template is written for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) provider: Provider,
    pub(super) account: String,
}

impl Place {
    pub(super) fn of(template: &Template) -> Self {
        Self { provider: template.provider, account: template.account.clone() }
    }

    pub(super) fn has(&self, template: &Template) -> bool {
        template.provider == self.provider && template.account == self.account
    }
}

/// Whether nobody outside reviews templates there: UltraMsg sends them as words (R16), a sandbox sends nothing.
pub(super) const fn is_local(provider: Provider) -> bool {
    match provider {
        Provider::Ultramsg | Provider::Sandbox => true,
        Provider::Meta | Provider::Dialog360 => false,
    }
}

/// The account for a new template: that of the number asked for, else of the first number whose provider has
/// templates, else of an UltraMsg number.
pub(super) fn place(facts: &TenantFacts, number: Option<&str>) -> Result<Place, WriteError> {
    if facts.tenant.as_ref().is_some_and(|tenant| tenant.sandbox_of.is_some()) {
        return Ok(Place { provider: Provider::Sandbox, account: SANDBOX.to_owned() });
    }
    let home = |integration: &Integration| {
        let provider = integration.number.provider;
        let account = match provider {
            Provider::Ultramsg => Some(integration.number_id().to_owned()),
            Provider::Meta | Provider::Dialog360 | Provider::Sandbox => account_of(integration),
        };
        account.map(|account| Place { provider, account })
    };
    let wanted = |integration: &&Integration| number.is_none_or(|number| integration.number_id() == number);
    let mut places: Vec<Place> = facts.integrations.iter().filter(wanted).filter_map(home).collect();
    // Stable: among equals the first stays first.
    places.sort_by_key(|place| is_local(place.provider));
    places.into_iter().next().ok_or(WriteError::Sync(SyncError::NotConfigured))
}

/// A template of the author's own tenant. A sandbox twin sees those of its live tenant and changes none.
pub(super) async fn own(store: &Store, author: &Author, id: TemplateId) -> Result<TemplateRow, WriteError> {
    if let Some(row) = store.template(author.tenant, id).await? {
        return Ok(row);
    }
    let live = owner(store, author.tenant).await?;
    if live != author.tenant && store.template(live, id).await?.is_some() {
        return Err(WriteError::forbidden(
            "A test key changes no template of its live tenant; clone it, and change the copy.",
        ));
    }
    Err(WriteError::NotFound)
}

/// The number through which an account is reached.
pub(super) fn reached_by<'a>(facts: &'a TenantFacts, place: &Place) -> Option<&'a Integration> {
    facts.integrations.iter().find(|integration| {
        integration.number.provider == place.provider
            && account_of(integration).as_deref() == Some(place.account.as_str())
    })
}

/// Writes down that somebody does something to a template.
pub(super) async fn audit(
    store: &Store,
    author: &Author,
    action: &str,
    template: &Template,
) -> Result<(), StoreError> {
    let (actor, target) = (author.key.to_string(), template.id.to_string());
    let entry =
        NewAuditEntry { at: author.now, actor: &actor, action, target: &target, trace_id: author.trace_id };
    store.append_audit(author.tenant, entry).await.map(drop)
}
