//! Which of a tenant's numbers a request is about: the provider in its path, and `?number=` where there are several.

use domain::ids::TenantId;
use domain::provider::Provider;
use platform::Platform;
use platform::dynamo::{Integration, TenantFacts};
use platform::http::{Known, PathId, Problem};

/// The provider in the path; the sandbox is none.
pub(crate) fn provider(path: &PathId) -> Result<Provider, Problem> {
    let provider = path.parse(|text| Provider::parse(text).ok_or(()))?;
    if provider == Provider::Sandbox { Err(Problem::NotFound) } else { Ok(provider) }
}

/// The tenant's numbers of a provider.
pub(crate) struct Numbers {
    pub(crate) facts: TenantFacts,
    /// Whether the tenant is a sandbox twin, which has no numbers of its own.
    pub(crate) sandbox: bool,
}

impl Numbers {
    pub(crate) async fn read(platform: &Platform, tenant: TenantId) -> Result<Self, Problem> {
        let facts = platform.store.tenant_facts_now(tenant).await?;
        let sandbox = facts.tenant.as_ref().is_some_and(|tenant| tenant.sandbox_of.is_some());
        Ok(Self { facts, sandbox })
    }

    pub(crate) fn of(&self, provider: Provider) -> Vec<&Integration> {
        self.facts.integrations.iter().filter(|one| one.number.provider == provider).collect()
    }

    /// The number that `?number=` names, or the only one; `None` when none is connected and none is named.
    ///
    /// # Errors
    /// A number that is not connected is not found; with several, one must be named.
    pub(crate) fn one(&self, provider: Provider, params: &Known) -> Result<Option<&Integration>, Problem> {
        let numbers = self.of(provider);
        match (params.get("number"), numbers.as_slice()) {
            (Some(wanted), _) => {
                let found = numbers.into_iter().find(|one| one.number_id() == wanted);
                found.map(Some).ok_or(Problem::NotFound)
            }
            (None, []) => Ok(None),
            (None, [only]) => Ok(Some(only)),
            (None, _) => Err(Problem::invalid(
                "number",
                "Several numbers of this provider are connected: name one with `?number=`.",
            )),
        }
    }
}
