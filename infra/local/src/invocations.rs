//! The invocations that are running: counted, ended at their timeout, and killed on demand as a process would be.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// What runs, by invocation. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invocations {
    running: Arc<Mutex<Running>>,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    tasks: HashMap<u64, (String, AbortHandle)>,
}

/// An invocation that gave no answer. Its environment is gone, but for a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ended {
    /// Somebody killed it.
    #[error("was killed")]
    Killed,
    /// It ran for longer than the template allows.
    #[error("timed out")]
    TimedOut,
    /// It panicked.
    #[error("panicked")]
    Panicked,
}

impl Invocations {
    /// Runs one invocation of `function` to its end.
    ///
    /// The work runs in a task of its own, so that a panic or a kill ends it alone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        function: &str,
        timeout: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Ended> {
        let task = tokio::spawn(tokio::time::timeout(timeout, work));
        let _entry = Entry { id: self.enter(function, task.abort_handle()), of: self };
        match task.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Ended::TimedOut),
            Err(error) if error.is_panic() => Err(Ended::Panicked),
            Err(_) => Err(Ended::Killed),
        }
    }

    /// Kills what runs of `function`; says how many that were. What it had begun outside stays as it is.
    pub(crate) fn kill(&self, function: &str) -> usize {
        let running = self.locked();
        let victims = running.tasks.values().filter(|(name, _)| name == function);
        victims.map(|(_, task)| task.abort()).count()
    }

    /// How many run now.
    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until none runs, at most for `patience`; what is left then is killed.
    pub(crate) async fn drain(&self, patience: Duration) {
        let mut count = self.count.subscribe();
        if tokio::time::timeout(patience, count.wait_for(|count| *count == 0)).await.is_err() {
            let running = self.locked();
            for (function, task) in running.tasks.values() {
                tracing::warn!(%function, "{function} was cut off at the stop");
                task.abort();
            }
        }
    }

    fn enter(&self, function: &str, task: AbortHandle) -> u64 {
        let mut running = self.locked();
        running.next += 1;
        let id = running.next;
        running.tasks.insert(id, (function.to_owned(), task));
        self.count.send_replace(running.tasks.len());
        id
    }

    fn locked(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the running. Whoever waits for an invocation may go away; then it is killed.
struct Entry<'a> {
    id: u64,
    of: &'a Invocations,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut running = self.of.locked();
        if let Some((_, task)) = running.tasks.remove(&self.id) {
            task.abort();
        }
        self.of.count.send_replace(running.tasks.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn an_answer_comes_back_and_nothing_stays_registered() {
        let invocations = Invocations::default();
        assert_eq!(invocations.run("f", LONG, async { 7 }).await, Ok(7));
        assert_eq!(invocations.count(), 0);
    }

    #[tokio::test]
    async fn a_kill_ends_the_named_function_and_no_other() {
        let invocations = Invocations::default();
        let start = |name: &'static str| {
            let invocations = invocations.clone();
            tokio::spawn(async move { invocations.run(name, LONG, std::future::pending::<()>()).await })
        };
        let (victim, bystander) = (start("processor"), start("webhook"));
        invocations.count.subscribe().wait_for(|count| *count == 2).await.unwrap();
        assert_eq!(invocations.kill("processor"), 1);
        assert_eq!(victim.await.unwrap(), Err(Ended::Killed));
        assert_eq!(invocations.count(), 1);
        bystander.abort();
        invocations.count.subscribe().wait_for(|count| *count == 0).await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_and_a_timeout_are_told_apart() {
        let invocations = Invocations::default();
        let work = async { assert_eq!(1, 2, "a fault in the function") };
        assert_eq!(invocations.run("f", LONG, work).await, Err(Ended::Panicked));
        let work = std::future::pending::<()>();
        assert_eq!(invocations.run("f", Duration::from_millis(10), work).await, Err(Ended::TimedOut));
    }

    #[tokio::test]
    async fn draining_waits_for_what_ends_and_cuts_off_what_does_not() {
        let invocations = Invocations::default();
        let stuck = tokio::spawn({
            let invocations = invocations.clone();
            async move { invocations.run("f", LONG, std::future::pending::<()>()).await }
        });
        invocations.count.subscribe().wait_for(|count| *count == 1).await.unwrap();
        invocations.drain(Duration::from_millis(20)).await;
        assert_eq!(stuck.await.unwrap(), Err(Ended::Killed));
    }
}
