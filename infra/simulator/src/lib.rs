//! The other side of the wire: Meta's Graph API, 360dialog, UltraMsg and a language model, on this machine and as
//! picky as the real ones.
//!
//! Nothing here knows Hadar's crates: what the providers demand is written down a second time, so that a mistake of
//! ours meets a refusal and not its own reflection. Everything is kept in memory; nothing but this machine is called.

mod account;
mod api;
mod behaviour;
mod callbacks;
mod change;
mod chatwoot;
mod cloud;
mod controls;
mod customers;
mod cut;
mod demo;
mod desk;
mod dialog360;
pub mod faults;
mod graph;
mod ids;
mod journal;
mod limits;
mod llm;
mod media;
mod memory;
mod ogg;
mod people;
mod statuses;
mod ultramsg;
mod uploads;
mod wire;

pub use account::{Account, Provider};
pub use journal::{Answered, Sent};

use account::Line;
use axum::Router;
use behaviour::Behaviour;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use journal::Journal;
use memory::{Memory, Wrote};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::{fmt, io};
use tokio::sync::watch;

/// Says what time it is, in milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What a simulator is made of.
#[derive(Clone)]
pub struct Setup {
    /// The numbers that the providers know.
    pub accounts: Vec<Account>,
    /// The front door's root, such as `http://127.0.0.1:8787`: webhooks are posted under it, and the simulator itself
    /// is at `/_sim` of it.
    pub front_url: String,
    /// The stack's clock.
    pub clock: Clock,
    /// The stack's faults.
    pub faults: faults::Judge,
    /// A file that keeps who wrote when over restarts; everything else is in memory.
    pub memory: Option<PathBuf>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Setup");
        shown.field("accounts", &self.accounts).field("front_url", &self.front_url).finish_non_exhaustive()
    }
}

/// The simulated providers. Clones are the same simulator.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

struct Shared {
    lines: RwLock<Vec<Arc<Line>>>,
    front_url: RwLock<String>,
    clock: Clock,
    judge: faults::Judge,
    journal: Mutex<Journal>,
    behaviour: Mutex<Behaviour>,
    /// Webhooks that are on their way.
    pending: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    client: Client<HttpConnector, Full<Bytes>>,
    memory: Memory,
    /// Who was written to first, by portfolio.
    reached: Mutex<limits::Reached>,
    /// The desk of people.
    chatwoot: Mutex<chatwoot::Desk>,
    /// What the language model was asked.
    questions: Mutex<journal::Questions>,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("idle", &self.idle()).finish_non_exhaustive()
    }
}

/// Something that keeps the simulator from being idle, until it is dropped.
pub(crate) struct Pending(Arc<AtomicUsize>);

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Simulator {
    /// Providers that know these accounts.
    ///
    /// # Errors
    /// The file of the memory cannot be used.
    pub fn new(setup: Setup) -> io::Result<Self> {
        let (memory, remembered) = match &setup.memory {
            Some(file) => Memory::open(file)?,
            None => (Memory::default(), Vec::new()),
        };
        let lines = setup.accounts.into_iter().enumerate();
        let lines = lines.map(|(nth, account)| Arc::new(Line::new(account, nth))).collect();
        let shared = Shared {
            lines: RwLock::new(lines),
            front_url: RwLock::new(setup.front_url),
            clock: setup.clock,
            judge: setup.faults,
            journal: Mutex::default(),
            behaviour: Mutex::default(),
            pending: Arc::default(),
            stop: watch::Sender::new(false),
            client: Client::builder(TokioExecutor::new()).build_http(),
            memory,
            reached: Mutex::default(),
            chatwoot: Mutex::default(),
            questions: Mutex::default(),
        };
        let sim = Self { shared: Arc::new(shared) };
        for wrote in remembered {
            if let Ok(line) = sim.line_of(&wrote.tenant_id) {
                line.desk().people.remember(wrote.who, wrote.at_ms);
            }
        }
        Ok(sim)
    }

    /// The providers' APIs and the controls, to be nested under `/_sim`.
    pub fn router(&self) -> Router {
        controls::router(self.clone())
    }

    /// Says where the front door is, when that is known late.
    pub fn set_front_url(&self, url: &str) {
        url.clone_into(&mut self.shared.front_url.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// One more account, or another one in place of the one that this tenant had at the same provider.
    pub fn connect(&self, account: Account) {
        let mut lines = self.shared.lines.write().unwrap_or_else(PoisonError::into_inner);
        let kind = account.provider.kind();
        let same = |line: &Arc<Line>| line.account.tenant_id == account.tenant_id && line.kind() == kind;
        let known = lines.iter().position(same);
        let line = Arc::new(Line::new(account, known.unwrap_or(lines.len())));
        match known.and_then(|at| lines.get_mut(at)) {
            Some(place) => *place = line,
            None => lines.push(line),
        }
    }

    /// What the providers were asked to send, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.journal().all()
    }

    /// What the language model was asked, in order: `{at, key, body}`.
    #[must_use]
    pub fn asked(&self) -> Vec<serde_json::Value> {
        self.questions().all()
    }

    /// Whether no webhook is on its way.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.shared.pending.load(Ordering::Acquire) == 0
    }

    /// Forgets everything: what was sent, rules, customers, files, changed templates.
    pub fn reset(&self) {
        self.journal().clear();
        self.behave_well();
        self.reached().clear();
        *self.chatwoot() = chatwoot::Desk::default();
        self.questions().clear();
        let mut lines = self.shared.lines.write().unwrap_or_else(PoisonError::into_inner);
        for (nth, line) in lines.iter_mut().enumerate() {
            *line = Arc::new(Line::new(line.account.clone(), nth));
        }
    }

    /// No rules, and the usual statuses.
    pub fn behave_well(&self) {
        *self.behaviour() = Behaviour::default();
    }

    /// Ends what hangs, and posts no further webhook.
    pub fn stop(&self) {
        self.shared.stop.send_replace(true);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.shared.stop.borrow()
    }

    pub(crate) async fn stopped(&self) {
        let mut stop = self.shared.stop.subscribe();
        let _gone = stop.wait_for(|stop| *stop).await;
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.shared.clock)()
    }

    pub(crate) fn lines(&self) -> Vec<Arc<Line>> {
        self.shared.lines.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn line_of(&self, tenant_id: &str) -> Result<Arc<Line>, String> {
        self.line_at(tenant_id, None)
    }

    /// The tenant's account at a provider; without one the account that was opened last.
    pub(crate) fn line_at(&self, tenant_id: &str, provider: Option<&str>) -> Result<Arc<Line>, String> {
        let theirs = |line: &Arc<Line>| {
            line.account.tenant_id == tenant_id && provider.is_none_or(|name| line.kind().name() == name)
        };
        let found = self.lines().into_iter().rev().find(theirs);
        found.ok_or_else(|| match provider {
            Some(provider) => format!("No account of {provider} belongs to the tenant {tenant_id}."),
            None => format!("No account belongs to the tenant {tenant_id}."),
        })
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.shared.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.shared.behaviour.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reached(&self) -> MutexGuard<'_, limits::Reached> {
        self.shared.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn chatwoot(&self) -> MutexGuard<'_, chatwoot::Desk> {
        self.shared.chatwoot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn questions(&self) -> MutexGuard<'_, journal::Questions> {
        self.shared.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self, call: &faults::ApiCall<'_>) -> faults::Verdict {
        (self.shared.judge)(call)
    }

    pub(crate) fn pending(&self) -> Pending {
        self.shared.pending.fetch_add(1, Ordering::AcqRel);
        Pending(Arc::clone(&self.shared.pending))
    }

    pub(crate) fn client(&self) -> &Client<HttpConnector, Full<Bytes>> {
        &self.shared.client
    }

    /// Somebody wrote to a number at this time: the window is open.
    pub(crate) fn wrote(&self, line: &Line, digits: Option<&str>, user_id: Option<&str>, at_ms: i64) {
        line.desk().people.wrote(digits, user_id, at_ms);
        for key in [digits, user_id].into_iter().flatten() {
            let tenant_id = line.account.tenant_id.clone();
            self.shared.memory.note(&Wrote { tenant_id, who: memory::digest(key), at_ms });
        }
    }

    fn front_url(&self) -> String {
        self.shared.front_url.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The URL of a part of the simulator.
    pub(crate) fn own_url(&self, part: &str) -> String {
        format!("{}/_sim/{part}", self.front_url())
    }

    /// Where an account's webhooks go.
    pub(crate) fn webhook_url(&self, line: &Line) -> String {
        let url = &line.account.webhook_url;
        if url.contains("://") { url.clone() } else { format!("{}{url}", self.front_url()) }
    }
}
