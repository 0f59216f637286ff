//! Carrying over: one worker for each conversation empties its line in order. A call whose outcome is open is looked for
//! before it is made again.

use super::connect::secret;
use super::line::enqueue;
use super::words::{summary, words};
use crate::fence::fence;
use crate::read;
use bytes::Bytes;
use domain::ids::{ContactId, EventId, MessageId, TenantId};
use domain::message::Direction;
use domain::time::Millis;
use http::Request;
use platform::Platform;
use platform::courier::Courier;
use platform::dynamo::{Chatwoot, ChatwootItem, ChatwootPlace, ChatwootThread, Happening, StoreError};
use platform::telemetry::chain;
use platform::vault::VaultError;
use providers::chatwoot::{Answer, Connection, NewContact, NewMessage, answer, holds};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many things one job carries over before it puts the rest back.
const AT_MOST: usize = 20;
/// After this long a job puts the rest back, in milliseconds.
const LONG_MS: u64 = 5_000;
/// How long a worker holds a conversation, in milliseconds: longer than its function may run.
const LEASE_MS: u64 = 120_000;
/// A job may come this much early, in milliseconds.
const EARLY_MS: u64 = 250;
/// The waits after failures in a row, in milliseconds; the last one again and again.
const WAITS_MS: [u64; 4] = [1_000, 5_000, 30_000, 300_000];
/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 512 * 1024;
/// How many conversations one sweep looks at.
const SWEPT: u32 = 200;

/// A line could not be worked on; the queue tries again.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

/// Why a worker stops before its line is empty.
#[derive(Debug)]
enum Stop {
    Store(StoreError),
    /// The status of the connection, and words for an admin.
    Later(&'static str, String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Calls those who should have looked at their line.
///
/// # Errors
/// The table did not answer; the next sweep does the rest.
pub async fn sweep(platform: &Platform, now: Millis) -> Result<u32, StoreError> {
    let due = platform.store.due_chatwoot_threads(now, SWEPT).await?;
    let count = due.len();
    for (tenant, contact) in due {
        enqueue(platform, tenant, contact, 0).await;
    }
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Carries over what waits in a conversation.
///
/// # Errors
/// A part of ours does not answer.
pub async fn carry(
    platform: &Platform,
    courier: &Courier,
    tenant: TenantId,
    contact: ContactId,
) -> Result<(), CarryError> {
    let (store, now) = (&platform.store, platform.clock.now());
    let Some(desk) = store.chatwoot(tenant).await? else { return rest(platform, tenant, contact, now).await };
    let Some(thread) = store.chatwoot_thread(tenant, contact).await? else { return Ok(()) };
    if thread.next_at.is_some_and(|at| at > now.plus_ms(EARLY_MS)) {
        return Ok(());
    }
    let fence = fence().map_err(|_| CarryError::Random)?;
    if !store.claim_chatwoot_thread(tenant, contact, &fence, now.plus_ms(LEASE_MS), now).await? {
        // Whoever has it looks at the line again before it lets go.
        return Ok(());
    }
    let attempts = thread.attempts;
    let mut worker = Worker { platform, courier, tenant, contact, desk, token: String::new(), thread };
    let stopped = match Box::pin(worker.work(now)).await {
        Ok(()) => None,
        Err(Stop::Store(error)) => {
            // The queue brings it back, or the lease's end does.
            store.release_chatwoot_thread(tenant, contact, &fence, attempts, Some(now)).await?;
            return Err(error.into());
        }
        Err(Stop::Later(status, words)) => Some((status, words)),
    };
    let (desk, now) = (&worker.desk, platform.clock.now());
    if let Some((status, words)) = stopped {
        let nth = usize::try_from(attempts).unwrap_or(usize::MAX).min(WAITS_MS.len() - 1);
        let wait_ms = WAITS_MS.get(nth).copied().unwrap_or(300_000);
        tracing::warn!(%tenant, attempt = attempts + 1, "a conversation waits to be carried over: {words}");
        store.note_chatwoot(tenant, desk.saved_at, status, &words).await?;
        let next_at = now.plus_ms(wait_ms);
        store
            .release_chatwoot_thread(tenant, contact, &fence, attempts.saturating_add(1), Some(next_at))
            .await?;
        enqueue(platform, tenant, contact, wait_ms).await;
        return Ok(());
    }
    if desk.status != "live" {
        store.note_chatwoot(tenant, desk.saved_at, "live", "").await?;
    }
    store.release_chatwoot_thread(tenant, contact, &fence, 0, None).await?;
    // What came in line while it was let go found it held.
    if store.next_chatwoot_item(tenant, contact).await?.is_some() {
        store.wake_chatwoot_thread(tenant, contact, now).await?;
        enqueue(platform, tenant, contact, 0).await;
    }
    Ok(())
}

/// Nobody is to look at a conversation until something happens in it: there is no Chatwoot any more.
async fn rest(
    platform: &Platform,
    tenant: TenantId,
    contact: ContactId,
    now: Millis,
) -> Result<(), CarryError> {
    let fence = fence().map_err(|_| CarryError::Random)?;
    let store = &platform.store;
    if store.claim_chatwoot_thread(tenant, contact, &fence, now.plus_ms(LEASE_MS), now).await? {
        store.release_chatwoot_thread(tenant, contact, &fence, 0, None).await?;
    }
    Ok(())
}

struct Worker<'a> {
    platform: &'a Platform,
    courier: &'a Courier,
    tenant: TenantId,
    contact: ContactId,
    desk: Chatwoot,
    token: String,
    thread: ChatwootThread,
}

/// What became of one thing.
enum Carried {
    Done,
    Refused(String),
    /// The conversation or the contact is gone from Chatwoot.
    Gone,
}

impl Worker<'_> {
    async fn work(&mut self, began: Millis) -> Result<(), Stop> {
        let store = &self.platform.store;
        let opened = secret(self.platform, self.tenant, &self.desk, "api_access_token").await;
        self.token = match opened {
            Ok(token) => token.map(|token| token.to_string()).unwrap_or_default(),
            Err(VaultError::Transient(error)) => return Err(Stop::Later("error", chain(&error))),
            Err(VaultError::Tampered(_)) => {
                return Err(Stop::Later(
                    "unauthorized",
                    "the access token cannot be opened; save it anew".to_owned(),
                ));
            }
        };
        for _ in 0..AT_MOST {
            if self.platform.clock.now().since(began) > LONG_MS {
                return Ok(());
            }
            let Some(place) = store.next_chatwoot_item(self.tenant, self.contact).await? else {
                return Ok(());
            };
            let mut carried = self.one(&place).await?;
            if matches!(carried, Carried::Gone) {
                // Deleted by somebody there: begun anew, once.
                self.learn(ChatwootThread { conversation: None, ..self.thread.clone() }).await?;
                carried = self.one(&place).await?;
            }
            match carried {
                Carried::Done => {}
                Carried::Refused(words) => self.write_down(&place, &words).await?,
                Carried::Gone => {
                    self.learn(ChatwootThread {
                        attempts: self.thread.attempts,
                        ..ChatwootThread::default()
                    })
                    .await?;
                    return Err(Stop::Later("error", "the contact is not in Chatwoot any more".to_owned()));
                }
            }
            store.leave_chatwoot_item(self.tenant, self.contact, place.order).await?;
        }
        Ok(())
    }

    /// One thing, into a conversation that is made when there is none.
    async fn one(&mut self, place: &ChatwootPlace) -> Result<Carried, Stop> {
        let Some((content, incoming, private, external_id)) = self.said(place).await? else {
            return Ok(Carried::Done);
        };
        let conversation = match self.thread.conversation {
            Some(id) => id,
            None => match self.conversation().await? {
                Some(id) => id,
                None => return Ok(Carried::Gone),
            },
        };
        if place.tried {
            match self.call(self.connection().messages(conversation)).await? {
                Answer::Done(messages) if holds(&messages, &external_id) => return Ok(Carried::Done),
                Answer::Missing => return Ok(Carried::Gone),
                Answer::Done(_) | Answer::Refused(_) | Answer::Unauthorized | Answer::Later(_) => {}
            }
        }
        self.platform.store.try_chatwoot_item(self.tenant, self.contact, place.order).await?;
        let new = NewMessage { content: &content, incoming, private, external_id: &external_id };
        Ok(match self.call(self.connection().make_message(conversation, new)).await? {
            Answer::Missing => Carried::Gone,
            Answer::Refused(words) => Carried::Refused(words),
            Answer::Done(_) | Answer::Unauthorized | Answer::Later(_) => Carried::Done,
        })
    }

    /// What a place says there: words, whether the customer's, whether for agents only, and our name of it.
    async fn said(&self, place: &ChatwootPlace) -> Result<Option<(String, bool, bool, String)>, Stop> {
        let (store, tenant) = (&self.platform.store, self.tenant);
        Ok(match &place.item {
            ChatwootItem::Note { text } => Some((text.clone(), false, true, place.order.to_string())),
            ChatwootItem::Handoff => {
                let event = EventId::from_ulid(place.order);
                let now = self.platform.clock.now();
                let found = Box::pin(read::handoff(store, tenant, self.contact.conversation(), now)).await?;
                found.map(|handoff| (summary(&handoff), false, true, event.to_string()))
            }
            ChatwootItem::Message => {
                let id = MessageId::from_ulid(place.order);
                let own = read::message_of(store, tenant, self.contact, id, false).await?;
                // Recorded under a contact that was joined into this one.
                let message = match own {
                    Some(message) => Some(message),
                    None => read::message(store, tenant, id, false).await?,
                };
                message.map(|message| {
                    (words(&message), message.direction == Direction::Inbound, false, id.to_string())
                })
            }
        })
    }

    /// Makes the conversation; `None` when the contact is not there any more.
    async fn conversation(&mut self) -> Result<Option<u64>, Stop> {
        let now = self.platform.clock.now();
        let shown =
            read::conversation(&self.platform.store, self.tenant, self.contact.conversation(), now).await?;
        let about = json!({
            "hadar_conversation_id": self.contact.conversation(),
            "hadar_lead_id": shown.as_ref().and_then(|one| one.lead_id),
            "language": shown.as_ref().and_then(|one| one.language),
            "provider": shown.as_ref().and_then(|one| one.provider),
        });
        let (contact, source_id) = match (self.thread.contact, self.thread.source_id.clone()) {
            (Some(contact), Some(source_id)) => (contact, source_id),
            _ => self.person(shown.as_ref().map(|one| &one.contact), &about).await?,
        };
        let connection = self.connection();
        // One that an attempt made and did not live to note.
        let known = match self.call(connection.conversations(contact)).await? {
            Answer::Done(all) => connection.own_conversation(&all),
            Answer::Missing => return Ok(None),
            Answer::Refused(_) | Answer::Unauthorized | Answer::Later(_) => None,
        };
        let id = match known {
            Some(id) => id,
            None => match self.call(connection.make_conversation(contact, &source_id, &about)).await? {
                Answer::Done(made) => {
                    made.get("id").and_then(Value::as_u64).ok_or_else(|| odd("a conversation"))?
                }
                Answer::Missing => return Ok(None),
                Answer::Refused(words) => return Err(Stop::Later("error", words)),
                Answer::Unauthorized | Answer::Later(_) => return Err(odd("a conversation")),
            },
        };
        self.learn(ChatwootThread { conversation: Some(id), ..self.thread.clone() }).await?;
        Ok(Some(id))
    }

    /// Makes the contact, or finds the one that is there.
    async fn person(
        &mut self,
        known: Option<&read::ContactBrief>,
        about: &Value,
    ) -> Result<(u64, String), Stop> {
        let identifier = self.contact.to_string();
        let phone = known.and_then(|known| known.phone.as_deref());
        let name = known.and_then(|known| known.name.as_deref().or(known.username.as_deref()));
        let name = name.or(phone).unwrap_or("WhatsApp customer");
        let connection = self.connection();
        let new = NewContact { identifier: &identifier, name, phone, attributes: about };
        let made = match self.call(connection.make_contact(new)).await? {
            Answer::Done(made) => {
                let id = made.pointer("/payload/contact/id").and_then(Value::as_u64);
                let source_id = made.pointer("/payload/contact_inbox/source_id").and_then(Value::as_str);
                id.zip(source_id.map(str::to_owned)).ok_or_else(|| odd("a contact"))?
            }
            Answer::Refused(words) => match self.found(&[phone, Some(&identifier)]).await? {
                Some(found) => found,
                None => return Err(Stop::Later("error", format!("the contact is refused: {words}"))),
            },
            Answer::Missing => {
                return Err(Stop::Later("error", "the account or the inbox is not there".to_owned()));
            }
            Answer::Unauthorized | Answer::Later(_) => return Err(odd("a contact")),
        };
        let (contact, source_id) = made.clone();
        self.learn(ChatwootThread {
            contact: Some(contact),
            source_id: Some(source_id),
            ..self.thread.clone()
        })
        .await?;
        Ok(made)
    }

    /// A contact that is there already, known in the inbox from now on.
    async fn found(&self, by: &[Option<&str>]) -> Result<Option<(u64, String)>, Stop> {
        let connection = self.connection();
        for text in by.iter().flatten() {
            let Answer::Done(found) = self.call(connection.find_contact(text)).await? else { continue };
            let all = found.get("payload").and_then(Value::as_array).cloned().unwrap_or_default();
            let same = |one: &&Value| {
                let is = |name: &str| one.get(name).and_then(Value::as_str) == Some(*text);
                is("phone_number") || is("identifier")
            };
            let Some(contact) = all.iter().find(same) else { continue };
            let Some(id) = contact.get("id").and_then(Value::as_u64) else { continue };
            if let Some(source_id) = connection.source_id(contact) {
                return Ok(Some((id, source_id)));
            }
            if let Answer::Done(admitted) = self.call(connection.admit_contact(id)).await?
                && let Some(source_id) = admitted.get("source_id").and_then(Value::as_str)
            {
                return Ok(Some((id, source_id.to_owned())));
            }
        }
        Ok(None)
    }

    fn connection(&self) -> Connection<'_> {
        Connection { account_id: self.desk.account_id, inbox_id: self.desk.inbox_id, token: &self.token }
    }

    /// One call; what concerns the connection and not the thing that is carried stops the worker.
    async fn call(&self, request: Option<Request<Bytes>>) -> Result<Answer, Stop> {
        let request = request
            .ok_or_else(|| Stop::Later("unauthorized", "no request can hold the access token".to_owned()))?;
        let called = self.courier.call(&self.desk.base_url, request, ANSWER_LIMIT).await;
        let response = called.map_err(|error| Stop::Later("unreachable", error.0))?;
        match answer(&response) {
            Answer::Unauthorized => {
                Err(Stop::Later("unauthorized", "Chatwoot refuses the access token".to_owned()))
            }
            Answer::Later(words) => Err(Stop::Later("unreachable", words)),
            other @ (Answer::Done(_) | Answer::Missing | Answer::Refused(_)) => Ok(other),
        }
    }

    async fn learn(&mut self, thread: ChatwootThread) -> Result<(), StoreError> {
        self.platform.store.learn_chatwoot_thread(self.tenant, self.contact, &thread).await?;
        self.thread = thread;
        Ok(())
    }

    /// What Chatwoot will never take stays here, and says so.
    async fn write_down(&self, place: &ChatwootPlace, why: &str) -> Result<(), StoreError> {
        let now = self.platform.clock.now();
        let mark = domain::ids::derived_ulid(now.unix_ms(), &[&place.order.to_string(), "not carried"]);
        let happening = Happening {
            id: EventId::from_ulid(mark),
            contact: self.contact,
            lead: None,
            kind: "conversation.not_carried".to_owned(),
            actor: "chatwoot".to_owned(),
            recorded_at: now,
            trace_id: Uuid::nil(),
            data: json!({"message_id": MessageId::from_ulid(place.order), "reason": why}),
        };
        self.platform.store.record_happening(self.tenant, &happening).await?;
        Ok(())
    }
}

fn odd(what: &str) -> Stop {
    Stop::Later("error", format!("Chatwoot answered without {what}"))
}
