//! The functions' clock is the stack's, which can be moved.

use domain::time::Millis;
use embedded_aws::StackClock;
use platform::clock::{Clock, SharedClock};
use std::sync::Arc;

#[derive(Debug)]
struct LocalClock(StackClock);

impl Clock for LocalClock {
    fn now(&self) -> Millis {
        Millis::from_unix_ms(u64::try_from(self.0.now_ms()).unwrap_or_default())
    }
}

/// The stack's clock as functions ask for it.
pub(crate) fn shared(clock: StackClock) -> SharedClock {
    Arc::new(LocalClock(clock))
}
