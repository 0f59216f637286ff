//! The sparse index of what somebody must look at: every kind is asked for alike.

use super::wire::{Item, Key, Query, StoreError, Values, s};
use super::{Store, keys, timeline};
use domain::time::Millis;

/// What is asked for: one partition of the index, as far as it is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due<'a> {
    /// What is being done, for errors.
    pub(super) action: &'static str,
    /// The partition.
    pub(super) partition: &'a str,
    /// What was due before this.
    pub(super) before: Millis,
    /// At most so many.
    pub(super) limit: u32,
}

impl Store {
    /// The entries that are due, longest overdue first.
    pub(super) async fn due(&self, due: Due<'_>) -> Result<Vec<Item>, StoreError> {
        let values = Values::from([(":pk", s(due.partition)), (":now", s(keys::due_before(due.before)))]);
        self.due_page(due.action, "dpk = :pk AND dsk < :now", values, due.limit).await
    }

    /// What the keys of the entries name; an error when one names nothing of the kind.
    pub(super) async fn due_by_key<T>(
        &self,
        due: Due<'_>,
        of: fn(&Key) -> Option<T>,
    ) -> Result<Vec<T>, StoreError> {
        let named = |item: &Item| timeline::key_of(item).as_ref().and_then(of);
        let corrupt = || StoreError::corrupt(due.action, due.partition, "a key of another kind");
        self.due(due).await?.iter().map(|item| named(item).ok_or_else(corrupt)).collect()
    }

    /// Entries of the index by any condition on its keys.
    pub(super) async fn due_page(
        &self,
        action: &'static str,
        condition: &str,
        values: Values,
        limit: u32,
    ) -> Result<Vec<Item>, StoreError> {
        let query = Query {
            table_name: &self.crm.name,
            index_name: Some(keys::DUE),
            key_condition_expression: condition,
            expression_attribute_values: values,
            scan_index_forward: true,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: false,
        };
        Ok(self.crm.query(action, &query).await?.items)
    }
}
