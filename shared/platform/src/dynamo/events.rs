//! The event log: everything that did not simply apply, with its payload, until it is settled and after.

use super::wire::{AttributeValue, Item, Names, Refused, StoreError, Values, n, s};
use super::{Store, keys};
use domain::ids::{EventId, TenantId};
use domain::lead::FeedKind;
use domain::parked::EventState;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use serde::Serialize;
use uuid::Uuid;

/// Payload bytes per item, after packing: an item holds 400 KB.
const CHUNK: usize = 350_000;

/// What an event is, whatever its state.
#[derive(Debug, Clone, Copy)]
pub struct EventEntry<'a> {
    /// Its id.
    pub id: EventId,
    /// Who sent it.
    pub provider: Provider,
    /// The source of leads that sent it, in place of a provider.
    pub feed: Option<FeedKind>,
    /// Whether Chatwoot sent it, in place of a provider.
    pub chatwoot: bool,
    /// How the webhook proved where it came from.
    pub auth_strength: AuthStrength,
    /// When we received it.
    pub received_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The body, byte for byte.
    pub payload: &'a [u8],
}

/// An event as stored, without its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its id.
    pub id: EventId,
    /// Where it stands.
    pub state: EventState,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it is here, in words for an admin.
    pub reason: String,
    /// When the queue tries again.
    pub next_at: Option<Millis>,
    /// Who sent it.
    pub provider: Provider,
    /// The source of leads that sent it, in place of a provider.
    pub feed: Option<FeedKind>,
    /// Whether Chatwoot sent it, in place of a provider.
    pub chatwoot: bool,
    /// How the webhook proved where it came from.
    pub auth_strength: AuthStrength,
    /// When we received it.
    pub received_at: Millis,
    /// When its state last moved.
    pub updated_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// Whether a person may have seen it: then it stays in the log when it is settled.
    pub shown: bool,
    pub(super) chunks: usize,
}

impl LogEntry {
    /// How many items hold its payload.
    #[must_use]
    pub const fn chunks(&self) -> usize {
        self.chunks
    }
}

/// Events, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventPage {
    /// The events.
    pub events: Vec<LogEntry>,
    /// Whether there are older ones.
    pub more: bool,
}

/// The result of moving an event from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It moved.
    Yes,
    /// It stands elsewhere, or is gone.
    No(Option<EventState>),
}

/// Where an event goes next.
#[derive(Debug, Clone, Copy)]
struct Step<'a> {
    state: EventState,
    attempts: u32,
    reason: &'a str,
    next_at: Option<Millis>,
    /// When the sweeper must look at it; parked events wait for a person instead.
    due_at: Option<Millis>,
    now: Millis,
}

impl Store {
    /// Marks an event as being tried, before it is tried; `due_at` is when the sweeper may take it for dead.
    ///
    /// # Errors
    /// The tables are unreachable.
    pub async fn mark_attempting(
        &self,
        tenant: TenantId,
        event: EventEntry<'_>,
        attempts: u32,
        now: Millis,
        due_at: Millis,
    ) -> Result<(), StoreError> {
        let reason = "being tried";
        let step = Step {
            state: EventState::Attempting,
            attempts,
            reason,
            next_at: None,
            due_at: Some(due_at),
            now,
        };
        self.log(tenant, event, step).await
    }

    /// Marks an event as failed for a passing reason; the queue tries again at `next_at`.
    ///
    /// # Errors
    /// The tables are unreachable.
    #[expect(clippy::too_many_arguments, reason = "the facts of one attempt")]
    pub async fn mark_retrying(
        &self,
        tenant: TenantId,
        event: EventEntry<'_>,
        attempts: u32,
        reason: &str,
        next_at: Millis,
        now: Millis,
        due_at: Millis,
    ) -> Result<(), StoreError> {
        let step = Step {
            state: EventState::Retrying,
            attempts,
            reason,
            next_at: Some(next_at),
            due_at: Some(due_at),
            now,
        };
        self.log(tenant, event, step).await
    }

    /// Parks an event: it waits for a person.
    ///
    /// # Errors
    /// The tables are unreachable.
    pub async fn park_event(
        &self,
        tenant: TenantId,
        event: EventEntry<'_>,
        attempts: u32,
        reason: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let step = Step { state: EventState::Parked, attempts, reason, next_at: None, due_at: None, now };
        self.log(tenant, event, step).await
    }

    /// Keeps an event that has nothing to apply, on purpose.
    ///
    /// # Errors
    /// The tables are unreachable.
    pub async fn keep_ignored(
        &self,
        tenant: TenantId,
        event: EventEntry<'_>,
        reason: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let step = Step { state: EventState::Ignored, attempts: 1, reason, next_at: None, due_at: None, now };
        self.log(tenant, event, step).await
    }

    async fn log(&self, tenant: TenantId, event: EventEntry<'_>, step: Step<'_>) -> Result<(), StoreError> {
        let packed = miniz_oxide::deflate::compress_to_vec(event.payload, 6);
        let chunks: Vec<&[u8]> = packed.chunks(CHUNK).collect();
        // The payload first: an entry without its payload could never be replayed.
        for (index, chunk) in chunks.iter().enumerate() {
            let key = keys::event_payload(tenant, event.id, index);
            let item = Item::from(std::collections::HashMap::from([
                ("pk".to_owned(), AttributeValue::S(key.pk)),
                ("sk".to_owned(), AttributeValue::S(key.sk)),
                ("z".to_owned(), AttributeValue::B(chunk.to_vec())),
            ]));
            self.crm.put("keep event payload", item, None).await?.ok();
        }
        let mut expression = String::from(
            "SET gpk = :gpk, gsk = :gsk, #state = :state, attempts = :attempts, reason = :reason, provider = :provider, \
             #auth = :auth, recv = :recv, updated = :now, trace = :trace, chunks = :chunks",
        );
        let mut values = Values::from([
            (":gpk", s(keys::events_by_time(tenant))),
            (":gsk", s(event.id.ulid())),
            (":state", s(step.state.as_str())),
            (":attempts", n(u64::from(step.attempts))),
            (":reason", s(step.reason)),
            (":provider", s(event.provider)),
            (":auth", to_attribute(&event.auth_strength)?),
            (":recv", n(event.received_at.unix_ms())),
            (":now", n(step.now.unix_ms())),
            (":trace", s(event.trace_id)),
            (":chunks", n(chunks.len() as u64)),
        ]);
        if let Some(feed) = event.feed {
            expression.push_str(", feed = :feed");
            values.insert(":feed", s(feed));
        }
        if event.chatwoot {
            expression.push_str(", chatwoot = :chatwoot");
            values.insert(":chatwoot", AttributeValue::Bool(true));
        }
        let mut names = Names::from([("#state", "state"), ("#auth", "auth")]);
        let mut removed = Vec::new();
        match step.next_at {
            Some(at) => {
                expression.push_str(", next_at = :next");
                values.insert(":next", n(at.unix_ms()));
            }
            None => removed.push("next_at"),
        }
        if matches!(step.state, EventState::Parked | EventState::Ignored) {
            expression.push_str(", shown = :yes");
            values.insert(":yes", AttributeValue::Bool(true));
        }
        due(&mut expression, &mut removed, &mut values, tenant, event.id, step.state, step.due_at);
        if !removed.is_empty() {
            expression.push_str(" REMOVE ");
            expression.push_str(&removed.join(", "));
        }
        names.retain(|name, _| expression.contains(name));
        self.crm
            .update("log event", keys::event(tenant, event.id), &expression, None, names, values)
            .await?
            .ok();
        Ok(())
    }

    /// Settles an event that was applied: one that nobody saw leaves the log, one that was parked becomes `replayed`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn settle_event(&self, tenant: TenantId, id: EventId, now: Millis) -> Result<(), StoreError> {
        let Some(entry) = self.event(tenant, id).await? else { return Ok(()) };
        if entry.shown {
            self.crm
                .update(
                    "settle event",
                    keys::event(tenant, id),
                    "SET #state = :state, updated = :now, reason = :reason REMOVE dpk, dsk, next_at",
                    None,
                    Names::from([("#state", "state")]),
                    Values::from([
                        (":state", s(EventState::Replayed.as_str())),
                        (":now", n(now.unix_ms())),
                        (":reason", s("applied after it was tried again")),
                    ]),
                )
                .await?
                .ok();
            return Ok(());
        }
        self.crm.delete("settle event", &keys::event(tenant, id)).await?;
        for chunk in 0..entry.chunks {
            self.crm.delete("settle event", &keys::event_payload(tenant, id, chunk)).await?;
        }
        Ok(())
    }

    /// Moves a parked event to `replaying`; of two callers one wins. `due_at` is when the sweeper gives it back.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn begin_replay(
        &self,
        tenant: TenantId,
        id: EventId,
        now: Millis,
        due_at: Millis,
    ) -> Result<Moved, StoreError> {
        self.move_event(tenant, id, &[EventState::Parked], EventState::Replaying, None, now, Some(due_at))
            .await
    }

    /// Parks an event that stands in one of `from`, keeping its payload and attempts.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn park_again(
        &self,
        tenant: TenantId,
        id: EventId,
        from: &[EventState],
        reason: &str,
        now: Millis,
    ) -> Result<Moved, StoreError> {
        self.move_event(tenant, id, from, EventState::Parked, Some(reason), now, None).await
    }

    #[expect(clippy::too_many_arguments, reason = "one private move behind two public ones")]
    async fn move_event(
        &self,
        tenant: TenantId,
        id: EventId,
        from: &[EventState],
        to: EventState,
        reason: Option<&str>,
        now: Millis,
        due_at: Option<Millis>,
    ) -> Result<Moved, StoreError> {
        const FROM: [&str; 4] = [":f0", ":f1", ":f2", ":f3"];
        let mut values = Values::from([
            (":state", s(to.as_str())),
            (":now", n(now.unix_ms())),
            (":yes", AttributeValue::Bool(true)),
        ]);
        let mut allowed = Vec::new();
        for (state, name) in from.iter().zip(FROM) {
            values.insert(name, s(state.as_str()));
            allowed.push(name);
        }
        let mut expression = String::from("SET #state = :state, updated = :now, shown = :yes");
        if let Some(reason) = reason {
            expression.push_str(", reason = :reason");
            values.insert(":reason", s(reason));
        }
        let mut removed = vec!["next_at"];
        due(&mut expression, &mut removed, &mut values, tenant, id, to, due_at);
        expression.push_str(" REMOVE ");
        expression.push_str(&removed.join(", "));
        let condition = format!("#state IN ({})", allowed.join(", "));
        let moved = self
            .crm
            .update(
                "move event",
                keys::event(tenant, id),
                &expression,
                Some(&condition),
                Names::from([("#state", "state")]),
                values,
            )
            .await?;
        Ok(match moved {
            Ok(()) => Moved::Yes,
            Err(Refused(old)) => Moved::No(old.and_then(|item| match item.get("state") {
                Some(AttributeValue::S(state)) => EventState::parse(state),
                _ => None,
            })),
        })
    }
}

/// Puts an event into the index of what is due, among the parked, or takes it out.
fn due(
    expression: &mut String,
    removed: &mut Vec<&'static str>,
    values: &mut Values,
    tenant: TenantId,
    id: EventId,
    state: EventState,
    due_at: Option<Millis>,
) {
    let place = match (state, due_at) {
        (EventState::Parked, _) => Some((keys::parked_events(tenant), id.ulid().to_string())),
        (_, Some(at)) => Some((keys::DUE_PARTITION.to_owned(), keys::due_sort(at, tenant, id))),
        (_, None) => None,
    };
    match place {
        Some((partition, sort)) => {
            expression.push_str(", dpk = :dpk, dsk = :dsk");
            values.insert(":dpk", AttributeValue::S(partition));
            values.insert(":dsk", AttributeValue::S(sort));
        }
        None => removed.extend(["dpk", "dsk"]),
    }
}

fn to_attribute<T: Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value)
        .map_err(|error| StoreError::corrupt("log event", "attribute", error))
}
