//! How often each caller asked for each operation: what a request costs on AWS can be counted here.

use crate::faults::Call;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts by caller (a function's name; empty for who gives none), then by `service.operation`.
pub type Calls = BTreeMap<String, BTreeMap<String, u64>>;

/// The counts since the services were opened.
#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<Calls>);

impl Counted {
    /// Counts a call.
    pub(crate) fn count(&self, call: &Call<'_>) {
        let operation = format!("{}.{}", call.service.as_str(), call.operation);
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = calls.entry(call.caller.unwrap_or_default().to_owned()).or_default();
        *caller.entry(operation).or_default() += 1;
    }

    /// All counts.
    pub(crate) fn all(&self) -> Calls {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
