//! `?wait=1` on a provider's webhook, on this machine only: the answer waits until the body was applied, and says what
//! came of it (D47, D48).

use crate::controls::Controls;
use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::ids::TenantId;
use domain::provider::Provider;
use domain::time::Millis;
use http_body_util::BodyExt as _;
use platform::dynamo::{Annex, Store};
use providers::event::EventKind;
use serde_json::{Map, Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How often it is looked whether everything was applied, and how many times.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 500;
/// How far ahead a customer's clock may be.
const AHEAD_MS: u64 = 24 * 60 * 60 * 1000;

/// A body whose sender waits for what comes of it.
pub(crate) struct Waited {
    tenant: TenantId,
    messages: usize,
    statuses: Vec<String>,
    /// What was known of the messages that the statuses are about.
    before: Vec<(String, Annex)>,
}

impl Waited {
    /// Looks at a body before it is taken; `None` when nobody waits.
    pub(crate) async fn begin(store: &Store, query: Option<&str>, tenant: &str, body: &[u8]) -> Option<Self> {
        if !query.unwrap_or_default().split('&').any(|pair| pair == "wait=1") {
            return None;
        }
        let tenant = TenantId::parse(tenant).ok()?;
        // The path does not say who posts; the shapes have nothing in common.
        let events = [Provider::Dialog360, Provider::Ultramsg]
            .into_iter()
            .filter_map(|provider| providers::parse(provider, body).ok())
            .map(|parsed| parsed.events)
            .find(|events| !events.is_empty())
            .unwrap_or_default();
        let mut waited = Self { tenant, messages: 0, statuses: Vec::new(), before: Vec::new() };
        for event in events {
            match event.kind {
                EventKind::Message(_) | EventKind::Echo(_) => waited.messages += 1,
                EventKind::Status(status) => waited.statuses.push(status.id),
                _ => {}
            }
        }
        waited.before = waited.known(store).await;
        Some(waited)
    }

    async fn known(&self, store: &Store) -> Vec<(String, Annex)> {
        let mut ids: Vec<&str> = self.statuses.iter().map(String::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        store.annexes(self.tenant, &ids).await.unwrap_or_default()
    }

    /// Waits, ten seconds at most, and adds to an answer what is stored by then: `received` and `stored` messages,
    /// `statuses` and how many were `updated`.
    pub(crate) async fn end(self, controls: &Controls, store: &Store, answer: Response) -> Response {
        let (parts, body) = answer.into_parts();
        let Ok(body) = body.collect().await else { return parts.status.into_response() };
        let mut said: Map<String, Value> = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let trace: Option<Uuid> =
            said.get("trace_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
        for _ in 0..LOOKS {
            if controls.depths().0 {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        let until =
            Millis::from_unix_ms(u64::try_from(controls.clock.now_ms()).unwrap_or(0)).plus_ms(AHEAD_MS);
        let stored = match trace {
            Some(trace) => {
                store.messages_of_trace(self.tenant, trace, Millis::from_unix_ms(0), until).await.ok()
            }
            None => None,
        };
        let after = self.known(store).await;
        let updated = after.iter().filter(|known| !self.before.contains(known)).count();
        let counts = [
            ("received", self.messages),
            ("stored", stored.map_or(0, |found| found.messages.len())),
            ("statuses", self.statuses.len()),
            ("updated", updated),
        ];
        said.extend(counts.map(|(name, count)| (name.to_owned(), json!(count))));
        (parts.status, Json(said)).into_response()
    }
}
