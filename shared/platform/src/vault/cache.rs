//! Data keys in memory: few, for minutes, and never across tenants. Five minutes is how long a key that was cut off
//! in KMS can still open anything.

use super::seal::DataKey;
use domain::ids::TenantId;
use domain::time::Millis;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

const LIFETIME_MS: u64 = 5 * 60 * 1000;
const USES: u32 = 1000;
const ENTRIES: usize = 100;

/// Oldest first.
#[derive(Default)]
pub(super) struct Cache(VecDeque<Entry>);

struct Entry {
    tenant: TenantId,
    purpose: String,
    wrapped: Arc<[u8]>,
    key: Arc<DataKey>,
    since: Millis,
    uses: u32,
}

impl Entry {
    fn is_for(&self, tenant: TenantId, purpose: &str) -> bool {
        self.tenant == tenant && self.purpose == purpose
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} data keys", self.0.len())
    }
}

impl Cache {
    /// The newest data key of this tenant and purpose, and how KMS wrapped it.
    pub(super) fn for_sealing(
        &mut self,
        tenant: TenantId,
        purpose: &str,
        now: Millis,
    ) -> Option<(Arc<DataKey>, Arc<[u8]>)> {
        let entry = self.find(now, |entry| entry.is_for(tenant, purpose))?;
        Some((Arc::clone(&entry.key), Arc::clone(&entry.wrapped)))
    }

    /// The data key that KMS wrapped as `wrapped` for this tenant and purpose.
    pub(super) fn for_opening(
        &mut self,
        tenant: TenantId,
        purpose: &str,
        wrapped: &[u8],
        now: Millis,
    ) -> Option<Arc<DataKey>> {
        let entry = self.find(now, |entry| entry.is_for(tenant, purpose) && *entry.wrapped == *wrapped)?;
        Some(Arc::clone(&entry.key))
    }

    pub(super) fn put(
        &mut self,
        tenant: TenantId,
        purpose: &str,
        wrapped: &[u8],
        key: &Arc<DataKey>,
        now: Millis,
    ) {
        self.0.retain(|entry| !(entry.is_for(tenant, purpose) && *entry.wrapped == *wrapped));
        while self.0.len() >= ENTRIES {
            self.0.pop_front();
        }
        let (purpose, wrapped, key) = (purpose.to_owned(), wrapped.into(), Arc::clone(key));
        self.0.push_back(Entry { tenant, purpose, wrapped, key, since: now, uses: 1 });
    }

    fn find(&mut self, now: Millis, wanted: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        // A clock set back must not make a key live longer, so an age is measured in both directions.
        self.0.retain(|entry| {
            now.since(entry.since).max(entry.since.since(now)) < LIFETIME_MS && entry.uses < USES
        });
        let entry = self.0.iter_mut().rev().find(|entry| wanted(entry))?;
        entry.uses += 1;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;
    use proptest::prelude::{any, prop_assert, proptest};
    use std::collections::HashMap;

    const NOW: Millis = Millis::from_unix_ms(1_747_298_531_103);

    fn tenant(name: &str) -> TenantId {
        TenantId::from_ulid(derived_ulid(1, &[name]))
    }

    fn with_one_key() -> Cache {
        let mut cache = Cache::default();
        cache.put(tenant("a"), "integration", b"w", &Arc::new(DataKey::of([7; 32])), NOW);
        cache
    }

    #[test]
    fn a_key_serves_its_own_tenant_and_purpose_only() {
        let mut cache = with_one_key();
        assert!(cache.for_opening(tenant("a"), "integration", b"w", NOW).is_some());
        assert!(cache.for_sealing(tenant("a"), "integration", NOW).is_some());
        assert!(cache.for_opening(tenant("b"), "integration", b"w", NOW).is_none());
        assert!(cache.for_opening(tenant("a"), "endpoint", b"w", NOW).is_none());
        assert!(cache.for_opening(tenant("a"), "integration", b"x", NOW).is_none());
        assert!(cache.for_sealing(tenant("b"), "integration", NOW).is_none());
    }

    #[test]
    fn a_key_is_gone_after_five_minutes_or_a_thousand_uses() {
        let found =
            |cache: &mut Cache, now| cache.for_opening(tenant("a"), "integration", b"w", now).is_some();
        let mut cache = with_one_key();
        assert!(found(&mut cache, NOW.plus_ms(LIFETIME_MS - 1)));
        assert!(!found(&mut cache, NOW.plus_ms(LIFETIME_MS)));
        assert!(cache.0.is_empty(), "and not only hidden");
        let mut cache = with_one_key();
        let uses = (0..2000).take_while(|_| found(&mut cache, NOW)).count();
        assert_eq!(uses, 999, "making it was the first use");
    }

    #[test]
    fn no_more_than_a_hundred_keys_are_kept() {
        let mut cache = with_one_key();
        for number in 0..150_u8 {
            cache.put(tenant("b"), "p", &[number], &Arc::new(DataKey::of([number; 32])), NOW);
        }
        assert_eq!(cache.0.len(), ENTRIES);
        assert!(cache.for_opening(tenant("a"), "integration", b"w", NOW).is_none());
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(20))]
        #[test]
        fn however_tenants_take_turns_each_gets_a_key_of_its_own(
            steps in proptest::collection::vec((0..4_u8, 0..2_u8, any::<bool>(), 0..90_000_u64), 500),
        ) {
            // Two tenants' keys may be wrapped into the same bytes: the wrapping alone must never find a key.
            let mut cache = Cache::default();
            let mut made: HashMap<(u8, u8), Arc<DataKey>> = HashMap::new();
            let mut now = NOW;
            for (who, wrapped, seals, later) in steps {
                now = now.plus_ms(later);
                let owner = tenant(&who.to_string());
                let found = if seals {
                    cache.for_sealing(owner, "integration", now).map(|(key, wrapped)| (key, wrapped[0]))
                } else {
                    cache.for_opening(owner, "integration", &[wrapped], now).map(|key| (key, wrapped))
                };
                match found {
                    Some((key, wrapped)) => prop_assert!(Arc::ptr_eq(&key, &made[&(who, wrapped)])),
                    None => {
                        let key = Arc::new(DataKey::of([who * 2 + wrapped; 32]));
                        cache.put(owner, "integration", &[wrapped], &key, now);
                        made.insert((who, wrapped), key);
                    }
                }
            }
        }
    }
}
