//! The one clock of a local stack: the machine's time plus an offset that tests and operators move.
//!
//! The offset lives in memory only: a stack that is started again is back on the machine's time, whatever was
//! stored while the clock was ahead. What is durable (visibility deadlines, deletion dates) is absolute.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// The stack's time. Clones share one offset.
#[derive(Clone, Debug)]
pub struct StackClock {
    offset_ms: Arc<watch::Sender<i64>>,
}

impl Default for StackClock {
    fn default() -> Self {
        Self::new()
    }
}

impl StackClock {
    /// A clock that shows the machine's time until it is moved.
    pub fn new() -> Self {
        Self { offset_ms: Arc::new(watch::Sender::new(0)) }
    }

    /// Milliseconds since the Unix epoch, offset included.
    pub fn now_ms(&self) -> i64 {
        wall_ms().saturating_add(*self.offset_ms.borrow())
    }

    /// Moves the clock forward and wakes everything that waits on it.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.send_modify(|offset| *offset = offset.saturating_add(by));
    }

    /// Replaces the offset (milliseconds, may be negative) and wakes everything that waits on the clock.
    pub fn set_offset(&self, offset_ms: i64) {
        self.offset_ms.send_replace(offset_ms);
    }

    /// The present offset from the machine's time, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        *self.offset_ms.borrow()
    }

    /// A receiver that changes whenever the clock is moved: subscribe, look at `now_ms`, then await
    /// `changed()`.
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.offset_ms.subscribe()
    }

    /// Waits until the clock shows `at_ms`, by the passing of time or because it was moved there.
    pub async fn sleep_until(&self, at_ms: i64) {
        let mut changes = self.changes();
        loop {
            let now = self.now_ms();
            if now >= at_ms {
                return;
            }
            let left = Duration::from_millis(at_ms.saturating_sub(now).unsigned_abs());
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                moved = changes.changed() => {
                    if moved.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the stack's clock is the one place that reads the machine's time"
)]
fn wall_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_offset() {
        let clock = StackClock::new();
        let before = clock.now_ms();
        clock.clone().advance(Duration::from_secs(3600));
        assert!(clock.now_ms() - before >= 3_600_000);
        clock.set_offset(0);
        assert!(clock.now_ms() - before < 60_000);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved() {
        let clock = StackClock::new();
        let at = clock.now_ms() + 3_600_000;
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(at).await }
        });
        clock.advance(Duration::from_secs(3600));
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.unwrap().unwrap();
    }
}
