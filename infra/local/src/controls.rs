//! The controls under `/_local`, which exist on no deployment: status, clock, sweep, faults, calls.

use crate::envelope::Problem;
use crate::functions::Function;
use crate::invocations::Invocations;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use crm::sweep::Swept;
use embedded_aws::faults::Rule;
use embedded_aws::{Calls, EmbeddedAws, Faults, StackClock};
use platform::aws::{Aws, AwsError, Effort, Service};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use simulator::Simulator;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// A clock moved further than this has been mistyped: ten years.
const FARTHEST: u64 = 10 * 366 * 24 * 3600;

/// What the controls move.
#[derive(Clone)]
pub(crate) struct Controls {
    pub(crate) embedded: EmbeddedAws,
    pub(crate) invocations: Invocations,
    pub(crate) clock: StackClock,
    pub(crate) faults: Faults,
    /// The stack's own client.
    pub(crate) aws: Aws,
    /// Full names of queues and tables, by short name.
    pub(crate) names: Arc<BTreeMap<String, String>>,
    /// Full names of the queues that others redrive to.
    pub(crate) dead_letters: Arc<Vec<String>>,
    /// The full name of the table of events.
    pub(crate) crm_table: Arc<str>,
    /// The last count of parked events.
    pub(crate) parked: Arc<AtomicU64>,
    /// The functions that run on a schedule, held while one runs: of each, one at a time.
    pub(crate) scheduled: Arc<Mutex<Vec<Arc<Function>>>>,
    /// The providers, whose webhooks may still be on their way.
    pub(crate) simulator: Simulator,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Messages that can be received now.
    pub visible: u64,
    /// Messages that are received and neither deleted nor visible again.
    pub in_flight: u64,
    /// Messages that wait.
    pub delayed: u64,
}

/// How busy the stack is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// No message waits or is worked on, dead letters aside, no function runs, no simulated provider has a webhook to
    /// post.
    pub idle: bool,
    /// The queues by short name.
    pub queues: BTreeMap<String, Depth>,
    /// How many events of all tenants are parked.
    pub parked: u64,
}

/// What a sweep did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// The sweeper's own report.
    pub sweeper: Swept,
    /// Items deleted because their time to live was over.
    pub expired: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Scan<'a> {
    table_name: &'a str,
    index_name: &'a str,
    select: &'a str,
    filter_expression: &'a str,
    expression_attribute_values: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusive_start_key: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Scanned {
    count: u64,
    last_evaluated_key: Option<Value>,
}

impl Controls {
    /// Whether nothing waits and nothing runs, and how full the queues are.
    pub(crate) fn depths(&self) -> (bool, BTreeMap<String, Depth>) {
        let mut idle = self.simulator.idle() && self.invocations.count() == 0;
        let mut queues = BTreeMap::new();
        for depth in self.embedded.queue_depths() {
            let short = self.names.iter().find(|(_, name)| **name == depth.name);
            let shown = short.map_or(depth.name.as_str(), |(short, _)| short.as_str());
            let found = Depth { visible: depth.visible, in_flight: depth.in_flight, delayed: depth.delayed };
            let empty = found == Depth { visible: 0, in_flight: 0, delayed: 0 };
            idle &= empty || self.dead_letters.contains(&depth.name);
            queues.insert(shown.to_owned(), found);
        }
        // A message may have become an invocation, or an invocation a message, between the two looks; and either a call
        // that a provider will tell of.
        (idle && self.invocations.count() == 0 && self.simulator.idle(), queues)
    }

    /// How busy the stack is. While a fault keeps the events from being counted, `parked` is the last count.
    pub(crate) async fn status(&self) -> Status {
        match self.count_parked().await {
            Ok(parked) => self.parked.store(parked, Ordering::Relaxed),
            Err(error) => tracing::debug!(%error, "the parked events cannot be counted"),
        }
        let (idle, queues) = self.depths();
        Status { idle, queues, parked: self.parked.load(Ordering::Relaxed) }
    }

    /// Counts the parked events of all tenants: a scan of the sparse index that only the local stack may do.
    async fn count_parked(&self) -> Result<u64, AwsError> {
        let mut parked = 0;
        let mut start = None;
        loop {
            let input = Scan {
                table_name: &self.crm_table,
                index_name: "due",
                select: "COUNT",
                filter_expression: "contains(dpk, :parked)",
                expression_attribute_values: json!({":parked": {"S": "#PARKED"}}),
                exclusive_start_key: start,
            };
            let page: Scanned = self.aws.call(Service::DynamoDb, "Scan", &input, Effort::Once).await?;
            parked += page.count;
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(parked);
            }
        }
    }

    /// Runs every scheduled function once, and expires items.
    pub(crate) async fn sweep(&self) -> Result<SweepReport, String> {
        let mut report = SweepReport { sweeper: Swept::default(), expired: 0 };
        let scheduled = self.scheduled.lock().await;
        for function in scheduled.iter() {
            match function.sweep(&self.invocations).await {
                Some(Ok(Ok(swept))) => report.sweeper = swept,
                Some(Ok(Err(error))) => return Err(error.to_string()),
                Some(Err(ended)) => return Err(format!("the sweeper {ended}")),
                None => {}
            }
        }
        let embedded = self.embedded.clone();
        let expired = tokio::task::spawn_blocking(move || embedded.sweep_ttl()).await;
        report.expired = expired.map_err(|error| error.to_string())?;
        if report.sweeper.erasures.complete > 0 {
            // What DynamoDB and SQS delete is gone; the files of this stack keep it until they are written anew.
            let embedded = self.embedded.clone();
            let written = tokio::task::spawn_blocking(move || embedded.compact()).await;
            written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        }
        Ok(report)
    }
}

pub(crate) async fn status(State(controls): State<Controls>) -> Json<Status> {
    Json(controls.status().await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

pub(crate) async fn clock(State(controls): State<Controls>, body: Bytes) -> Result<Json<Value>, Problem> {
    let advance: Advance = read(&body)?;
    if advance.advance_seconds > FARTHEST {
        return Err(Problem::invalid("advance_seconds may be at most ten years."));
    }
    controls.clock.advance(Duration::from_secs(advance.advance_seconds));
    let now = u64::try_from(controls.clock.now_ms()).unwrap_or_default();
    Ok(Json(json!({"now": domain::time::Millis::from_unix_ms(now)})))
}

pub(crate) async fn sweep(State(controls): State<Controls>) -> Response {
    match controls.sweep().await {
        Ok(report) => Json(report).into_response(),
        Err(error) => Problem::unavailable(format!("The sweep did not end well: {error}")).into_response(),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
}

/// What each function asked of the AWS services since the start.
pub(crate) async fn calls(State(controls): State<Controls>) -> Json<Calls> {
    Json(controls.embedded.calls())
}

/// Replaces all rules. A table or a queue may be given by its short name.
pub(crate) async fn faults(State(controls): State<Controls>, body: Bytes) -> Result<Json<Rules>, Problem> {
    let Rules { mut rules } = read(&body)?;
    for rule in &mut rules {
        if let Some(table) = &mut rule.table
            && let Some(full) = controls.names.get(table)
        {
            table.clone_from(full);
        }
    }
    controls.faults.set(rules.clone());
    Ok(Json(Rules { rules }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::invalid(format!("The body is not as expected: {error}.")))
}
