//! The one place that reads the clock.

use domain::time::Millis;
use std::fmt::Debug;
use std::sync::Arc;

/// Tells the time. Real implementations: the system's clock, and the local stack's, which can be advanced.
pub trait Clock: Debug + Send + Sync {
    /// The instant now. Read once per request or record and passed down.
    fn now(&self) -> Millis;
}

/// A clock shared by everything in one process.
pub type SharedClock = Arc<dyn Clock>;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis::from_unix_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
