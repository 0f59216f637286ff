//! What the processor must know of a tenant, remembered for a minute so that a message costs no read for it.

use crate::events::Receiver;
use domain::escalation::Rules;
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::tenant::Number;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::StoreError;
use providers::event::Account;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How long facts are trusted, in milliseconds.
const FRESH_MS: u64 = 60_000;
/// How many tenants are remembered.
const CAPACITY: usize = 10_000;

/// What routing and retention need of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    numbers: Vec<Number>,
    /// How long events are taken, in milliseconds.
    pub(super) retention_ms: Option<u64>,
    /// A single-tenant deployment without a registered number: every number is this tenant's.
    any_number: bool,
    /// Who is to be told.
    pub(super) receivers: Vec<Receiver>,
    /// When a customer is to talk to a person.
    pub(super) escalation: Rules,
    /// Whether conversations are carried over to Chatwoot.
    pub(super) chatwoot: bool,
    /// Whether the assistant answers by itself.
    pub(super) assistant: bool,
}

impl Facts {
    /// The tenant's number that an event happened on, by its own id; `None` when it is not this tenant's (T5).
    pub(super) fn number<'a>(&'a self, provider: Provider, account: &'a Account) -> Option<&'a str> {
        let named = account.phone_number_id.as_deref().or(account.instance_id.as_deref());
        let carrier = self.numbers.iter().find(|number| {
            number.carries(
                provider,
                account.phone_number_id.as_deref(),
                account.waba_id.as_deref(),
                account.instance_id.as_deref(),
            )
        });
        match carrier {
            Some(number) => {
                let own = number.phone_number_id.as_deref().or(number.instance_id.as_deref());
                Some(own.or(named).unwrap_or("-"))
            }
            None if self.any_number => Some(named.unwrap_or("-")),
            None => None,
        }
    }
}

/// Facts by tenant.
#[derive(Debug, Default)]
pub(super) struct TenantCache {
    known: Mutex<HashMap<TenantId, (Millis, Arc<Facts>)>>,
}

impl TenantCache {
    /// The facts of a tenant; those that are remembered only if they have a number for each of these events. One that was
    /// connected within the minute has messages already.
    pub(super) async fn get(
        &self,
        platform: &Platform,
        tenant: TenantId,
        provider: Provider,
        mut accounts: impl Iterator<Item = &Account> + Send,
        now: Millis,
    ) -> Result<Arc<Facts>, StoreError> {
        let known = self.lock().get(&tenant).cloned();
        let known = known.filter(|(read_at, _)| now.since(*read_at) < FRESH_MS);
        if let Some((_, facts)) = known
            && accounts.all(|account| facts.number(provider, account).is_some())
        {
            return Ok(facts);
        }
        let stored = platform.store.tenant_facts_now(tenant).await?;
        let kept = platform.store.privacy_settings(tenant).await?.retention;
        let any_number = platform.single_tenant == Some(tenant) && stored.integrations.is_empty();
        let facts = Arc::new(Facts {
            numbers: stored.integrations.into_iter().map(|integration| integration.number).collect(),
            escalation: stored
                .tenant
                .as_ref()
                .map(|tenant| Rules::of(&tenant.escalation))
                .unwrap_or_default(),
            chatwoot: stored.chatwoot,
            assistant: stored.assistant,
            // What is older than messages are kept would be deleted as soon as it came.
            retention_ms: [
                stored.tenant.as_ref().and_then(|tenant| tenant.retention_days),
                kept.messages_days,
            ]
            .into_iter()
            .flatten()
            .min()
            .map(|days| u64::from(days) * 24 * 60 * 60 * 1000),
            any_number,
            receivers: Receiver::of(&stored.endpoints),
        });
        let mut known = self.lock();
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(tenant, (now, Arc::clone(&facts)));
        Ok(facts)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, (Millis, Arc<Facts>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
