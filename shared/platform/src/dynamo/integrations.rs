//! Connecting numbers: what is on trial, what is connected, and which tenant a number belongs to.

use super::tenants::{Integration, with_key};
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Names, StoreError, Values, n, s};
use super::{Store, keys};
use domain::ids::TenantId;
use domain::provider::Provider;

/// What came of connecting a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connected {
    /// It is connected.
    Yes,
    /// It belongs to another tenant.
    Taken,
    /// Somebody else changed its settings meanwhile.
    Changed,
}

impl Store {
    /// Keeps a number's new secrets on trial: webhooks prove themselves with them, nothing else sees them.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_trial(&self, tenant: TenantId, integration: &Integration) -> Result<(), StoreError> {
        const ACTION: &str = "save a number on trial";
        let key = keys::trial(tenant, integration.number.provider, integration.number_id());
        let item = with_key(integration, key.pk, key.sk, ACTION)?;
        self.crm.put(ACTION, item, None).await?.ok();
        Ok(())
    }

    /// Forgets what is on trial for a number.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn drop_trial(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
    ) -> Result<(), StoreError> {
        self.crm.delete("drop a number on trial", &keys::trial(tenant, provider, number)).await
    }

    /// The tenant that a number belongs to, by what it is claimed under.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn number_owner(
        &self,
        provider: Provider,
        claim: &str,
    ) -> Result<Option<TenantId>, StoreError> {
        const ACTION: &str = "look up a number's tenant";
        let item = self.crm.get(ACTION, &keys::number_owner(provider, claim), true).await?;
        let Some(item) = item else { return Ok(None) };
        let owner = match item.get("tenant") {
            Some(AttributeValue::S(text)) => TenantId::parse(text).ok(),
            _ => None,
        };
        owner.map(Some).ok_or_else(|| StoreError::corrupt(ACTION, claim, "it names no tenant"))
    }

    /// Connects a number, in place of `old` if it was connected before: its settings, its claims and the end of its
    /// trial hold together or not at all. A number belongs to one tenant.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn connect_number(
        &self,
        tenant: TenantId,
        integration: &Integration,
        old: Option<&Integration>,
    ) -> Result<Connected, StoreError> {
        const ACTION: &str = "connect a number";
        let (provider, number) = (integration.number.provider, integration.number_id());
        let key = keys::integration(tenant, provider, number);
        let item = with_key(integration, key.pk, key.sk, ACTION)?;
        let mut all = Transaction::default();
        let unchanged = match old {
            None => Condition::absent(),
            Some(old) => same_revision(old.revision),
        };
        let settings = all.put(&self.crm.name, item, unchanged);
        for claim in &integration.about.claims {
            let key = keys::number_owner(provider, claim);
            let mut item = serde_dynamo::Item::default();
            item.insert("pk".to_owned(), s(key.pk));
            item.insert("sk".to_owned(), s(key.sk));
            item.insert("tenant".to_owned(), s(tenant));
            all.put(&self.crm.name, item, ours_or_free(tenant));
        }
        let given_up = old.into_iter().flat_map(|old| &old.about.claims);
        for claim in given_up.filter(|claim| !integration.about.claims.contains(claim)) {
            all.delete(&self.crm.name, keys::number_owner(provider, claim), ours_or_free(tenant));
        }
        all.delete(&self.crm.name, keys::trial(tenant, provider, number), Condition::default());
        Ok(match all.commit(&self.crm.aws, ACTION).await? {
            Ok(()) => Connected::Yes,
            Err(cancelled) if cancelled.refused(settings) => Connected::Changed,
            Err(_) => Connected::Taken,
        })
    }

    /// Takes a number away with its secrets and its claims; false when its settings were changed meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn disconnect_number(
        &self,
        tenant: TenantId,
        integration: &Integration,
    ) -> Result<bool, StoreError> {
        let (provider, number) = (integration.number.provider, integration.number_id());
        let mut all = Transaction::default();
        let key = keys::integration(tenant, provider, number);
        all.delete(&self.crm.name, key, same_revision(integration.revision));
        for claim in &integration.about.claims {
            all.delete(&self.crm.name, keys::number_owner(provider, claim), ours_or_free(tenant));
        }
        all.delete(&self.crm.name, keys::trial(tenant, provider, number), Condition::default());
        Ok(all.commit(&self.crm.aws, "disconnect a number").await?.is_ok())
    }

    /// Keeps what a look at a number found, unless its settings were changed meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_look_at_number(
        &self,
        tenant: TenantId,
        integration: &Integration,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "keep a look at a number";
        let about = serde_dynamo::to_attribute_value(&integration.about)
            .map_err(|error| StoreError::corrupt(ACTION, integration.number_id(), error))?;
        self.crm
            .update(
                ACTION,
                keys::integration(tenant, integration.number.provider, integration.number_id()),
                "SET about = :about",
                Some("attribute_exists(pk) AND (revision = :revision OR (attribute_not_exists(revision) AND :revision = :none))"),
                Names::new(),
                Values::from([(":about", about), (":revision", n(integration.revision)), (":none", n(0))]),
            )
            .await?
            .ok();
        Ok(())
    }
}

/// The settings are still those that were read; items of before there were revisions have none.
fn same_revision(revision: u64) -> Condition {
    Condition::of(
        "attribute_exists(pk) AND (revision = :revision OR (attribute_not_exists(revision) AND :revision = :none))",
        [(":revision", n(revision)), (":none", n(0))],
    )
}

fn ours_or_free(tenant: TenantId) -> Condition {
    Condition::of("attribute_not_exists(pk) OR tenant = :tenant", [(":tenant", s(tenant))])
}
