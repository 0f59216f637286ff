//! The one thread that owns the queues' database. It takes what is waiting, runs it in one transaction,
//! commits, and
//! only then answers: a group commit, so many senders share one write.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use super::state::State;
use crate::data_dir::OpenError;
use crate::protocol::ApiError;

/// Jobs that share a commit at most, so that nobody waits long for the others.
const GROUP: usize = 256;

type Answer = Box<dyn FnOnce(bool) + Send>;
type Job = Box<dyn FnOnce(&mut State) -> Answer + Send>;

/// A handle to the thread; dropping it waits until the database is closed.
pub(super) struct Worker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(state: State) -> Result<Self, OpenError> {
        let (jobs, waiting) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sqs-store".to_owned())
            .spawn(move || work(state, &waiting))
            .map_err(OpenError::Thread)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `job` on the state; its answer comes after the commit. A job whose caller has left is not run.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut State) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (answer, answered) = oneshot::channel();
        self.submit(Box::new(move |state| {
            let outcome = if answer.is_closed() { Err(stopped()) } else { state.guarded(job) };
            Box::new(move |committed| drop(answer.send(settled(outcome, committed))))
        }))?;
        answered.await.map_err(|_| stopped())?
    }

    /// `run` for a caller outside the runtime.
    pub(super) fn run_blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut State) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.submit(Box::new(move |state| {
            let outcome = state.guarded(job);
            Box::new(move |committed| drop(answer.send(settled(outcome, committed))))
        }))?;
        answered.recv().map_err(|_| stopped())?
    }

    fn submit(&self, job: Job) -> Result<(), ApiError> {
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(stopped)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the queue thread had stopped");
        }
    }
}

fn work(mut state: State, waiting: &Receiver<Job>) {
    // Move tasks of the last run go on at once.
    let mut pause = Some(Duration::ZERO);
    loop {
        let first = match pause {
            None => match waiting.recv() {
                Ok(job) => Some(job),
                Err(_) => return,
            },
            Some(pause) => match waiting.recv_timeout(pause) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            },
        };
        let mut answers: Vec<Answer> = Vec::new();
        let began = state.begin();
        let mut next = first;
        while let Some(job) = next.take() {
            answers.push(job(&mut state));
            if answers.len() < GROUP {
                next = waiting.try_recv().ok();
            }
        }
        pause = state.step_moves();
        let committed = began && state.commit();
        for answer in answers {
            answer(committed);
        }
    }
}

fn settled<T>(outcome: Result<T, ApiError>, committed: bool) -> Result<T, ApiError> {
    if committed { outcome } else { Err(ApiError::internal("the queues could not be written")) }
}

fn stopped() -> ApiError {
    ApiError::internal("the queues are closed")
}
