//! A small cache: bounded in number and in age.

use domain::ids::TenantId;
use domain::time::Millis;
use std::collections::HashMap;

/// Values by tenant.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    values: HashMap<TenantId, (Millis, T)>,
    lifetime_ms: u64,
    capacity: usize,
}

impl<T: Clone> Kept<T> {
    pub(crate) fn new(lifetime_ms: u64, capacity: usize) -> Self {
        Self { values: HashMap::new(), lifetime_ms, capacity }
    }

    /// The value, unless it is too old.
    pub(crate) fn get(&self, tenant: TenantId, now: Millis) -> Option<T> {
        let (since, value) = self.values.get(&tenant)?;
        self.is_fresh(*since, now).then(|| value.clone())
    }

    /// Keeps a value; the oldest goes when there are too many.
    pub(crate) fn put(&mut self, tenant: TenantId, value: T, now: Millis) {
        if self.values.len() >= self.capacity && !self.values.contains_key(&tenant) {
            let oldest = self.values.iter().min_by_key(|(_, (since, _))| *since).map(|(tenant, _)| *tenant);
            if let Some(oldest) = oldest {
                self.values.remove(&oldest);
            }
        }
        self.values.insert(tenant, (now, value));
    }

    /// An age counts in both directions: a clock set back must not make a value live longer.
    fn is_fresh(&self, since: Millis, now: Millis) -> bool {
        now.since(since).max(since.since(now)) < self.lifetime_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    const NOW: Millis = Millis::from_unix_ms(1_747_298_531_103);

    fn tenant(number: usize) -> TenantId {
        TenantId::from_ulid(derived_ulid(1, &[&number.to_string()]))
    }

    #[test]
    fn a_value_ends_with_its_lifetime() {
        let mut kept = Kept::new(1000, 10);
        kept.put(tenant(1), 'a', NOW);
        assert_eq!(kept.get(tenant(1), NOW.plus_ms(999)), Some('a'));
        assert_eq!(kept.get(tenant(1), NOW.plus_ms(1000)), None);
        assert_eq!(kept.get(tenant(1), Millis::from_unix_ms(NOW.unix_ms() - 1000)), None);
        assert_eq!(kept.get(tenant(2), NOW), None);
    }

    #[test]
    fn the_oldest_value_makes_room() {
        let mut kept = Kept::new(1000, 3);
        for number in 0..5 {
            kept.put(tenant(number), number, NOW.plus_ms(number as u64));
        }
        kept.put(tenant(4), 40, NOW.plus_ms(9));
        let left: Vec<_> = (0..5).filter_map(|number| kept.get(tenant(number), NOW)).collect();
        assert_eq!(left, [2, 3, 40]);
    }
}
