//! The steps of an erasure: each takes a page of one kind of place and may be done again.

use super::needles::{Left, Needles};
use crate::media::FILE_KINDS;
use crate::transfer::{forget_unfinished, has_come};
use domain::identity::Identity;
use domain::ids::{ContactId, LeadId, MessageId, TenantId};
use domain::outbound::SendState;
use domain::parked::EventState;
use domain::time::Millis;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use platform::Platform;
use platform::bucket::{Bucket, BucketError, ObjectKey};
use platform::checkpoints::CheckpointError;
use platform::dynamo::{Erasure, ErasureStage, PersonalItem, PersonalKind, StoreError};
use ulid::Ulid;

/// How many items one step looks at.
const PAGE: u32 = 100;
/// How many are worked on at a time.
const AT_A_TIME: usize = 8;
/// How long before the request something may have been received that was still being written then, in milliseconds.
const BEFORE_MS: u64 = 15 * 60 * 1000;
/// The words in the event log.
const ERASED: &str = "the person it was about was erased";
/// What a repeated request is answered whose answer was about somebody who was erased since.
const ANSWER_INSTEAD: &str = r#"{"data":null,"error":{"code":"not_found","message":"What this request made was about a person who was erased since.","trace_id":"00000000-0000-0000-0000-000000000000"}}"#;

/// A step was not done; the next sweep does it.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bucket did not answer.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// KMS did not answer.
    #[error(transparent)]
    Seal(#[from] CheckpointError),
}

/// What a step works with.
pub(super) struct Step<'a> {
    platform: &'a Platform,
    bucket: &'a Bucket,
    tenant: TenantId,
    needles: Needles,
    now: Millis,
}

/// What was done to one item of a contact's partition.
enum Done {
    Gone,
    /// It is kept for now: it must not go yet.
    Waits,
    /// It is about a lead that the erasure must know.
    GoneWithLead(LeadId),
    GoneWithFile,
}

impl<'a> Step<'a> {
    /// Of one erasure.
    pub(super) fn of(
        platform: &'a Platform,
        bucket: &'a Bucket,
        tenant: TenantId,
        erasure: &Erasure,
        now: Millis,
    ) -> Self {
        Self { platform, bucket, tenant, needles: needles(erasure), now }
    }

    /// Does what its stage is about, a page of it, and moves the erasure on.
    pub(super) async fn take(&self, erasure: &mut Erasure) -> Result<(), StepError> {
        match erasure.stage {
            ErasureStage::Names => self.names(erasure).await,
            ErasureStage::Contacts => self.contacts(erasure).await,
            ErasureStage::Leads => self.leads(erasure).await,
            ErasureStage::Deliveries => self.deliveries(erasure).await,
            ErasureStage::Events => self.events(erasure).await,
            ErasureStage::Groups => self.groups(erasure).await,
            ErasureStage::Answers => self.answers(erasure).await,
            ErasureStage::Done => Ok(()),
        }
    }

    async fn names(&self, erasure: &mut Erasure) -> Result<(), StepError> {
        for name in erasure.names.iter().filter_map(|name| Identity::parse_spelled(name)) {
            self.platform.store.forget_identity(self.tenant, &name, &erasure.family).await?;
        }
        // First of all what makes the rows of the ledger unreadable, which nobody may delete.
        for contact in erasure.family.clone() {
            let there = self.platform.store.destroy_data_key(self.tenant, contact).await?;
            count(erasure, "data_keys", u64::from(there));
        }
        let graves = u64::try_from(erasure.graves.len()).unwrap_or(u64::MAX);
        erasure.counts.insert("identities".to_owned(), graves);
        // Nothing says whose the parts of an unfinished import are.
        forget_unfinished(self.bucket, self.tenant).await?;
        self.lone_files().await?;
        next(erasure, ErasureStage::Contacts);
        Ok(())
    }

    /// Removes files that an import brought and whose messages have not come: nothing says whose they are either.
    async fn lone_files(&self) -> Result<(), StepError> {
        let (bucket, tenant) = (self.bucket, self.tenant);
        loop {
            let lone = bucket.lone(tenant).await?;
            if lone.is_empty() {
                return Ok(());
            }
            let looked_at = stream::iter(lone).map(|message| async move {
                if !has_come(&self.platform.store, tenant, message).await? {
                    bucket.delete(&ObjectKey::of_message(tenant, message)).await?;
                }
                Ok::<_, StepError>(bucket.delete(&ObjectKey::of_lone(tenant, message)).await?)
            });
            looked_at.buffer_unordered(AT_A_TIME).try_collect::<()>().await?;
        }
    }

    /// A page of the partition of one of the contacts; the cursor names the contact and the item above.
    async fn contacts(&self, erasure: &mut Erasure) -> Result<(), StepError> {
        let (place, below) = match erasure.cursor.as_deref().and_then(|cursor| cursor.split_once('|')) {
            Some((place, below)) => (place.parse().unwrap_or(0), Some(below.to_owned())),
            None => (0_usize, None),
        };
        let Some(contact) = erasure.family.get(place).copied() else {
            next(erasure, ErasureStage::Leads);
            return Ok(());
        };
        let below = below.filter(|below| !below.is_empty());
        let items = self.platform.store.personal_items(self.tenant, contact, below.as_deref(), PAGE).await?;
        let Some(last) = items.last().map(|item| item.sort.clone()) else {
            erasure.cursor = Some(format!("{}|", place + 1));
            return Ok(());
        };
        let round = erasure.round;
        let done: Vec<(PersonalKind, Done)> = stream::iter(items)
            .map(|item| async move {
                let done = self.personal(contact, &item, round).await?;
                Ok::<_, StepError>((item.kind, done))
            })
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await?;
        for (kind, done) in done {
            match done {
                Done::Waits => {
                    erasure.look_again |= !matches!(kind, PersonalKind::Standing);
                    continue;
                }
                Done::GoneWithLead(lead) if !erasure.leads.contains(&lead) => erasure.leads.push(lead),
                Done::GoneWithFile => count(erasure, "media", 1),
                Done::Gone | Done::GoneWithLead(_) => {}
            }
            let name = match kind {
                PersonalKind::Message { .. } => "messages",
                PersonalKind::Happening { .. } => "timeline",
                PersonalKind::LanePlace => "pending_sends",
                PersonalKind::Conversation => "conversations",
                PersonalKind::Contact => "contacts",
                PersonalKind::Thread { .. } | PersonalKind::Standing | PersonalKind::Other => continue,
            };
            count(erasure, name, 1);
        }
        erasure.cursor = Some(format!("{place}|{last}"));
        Ok(())
    }

    /// One item, with everything that belongs to it alone and is found through it only: that goes first.
    async fn personal(&self, contact: ContactId, item: &PersonalItem, round: u8) -> Result<Done, StepError> {
        let (store, tenant) = (&self.platform.store, self.tenant);
        let mut done = Done::Gone;
        match &item.kind {
            // It keeps what waits from being sent until nothing waits any more.
            PersonalKind::Standing => return Ok(Done::Waits),
            PersonalKind::Message { id, provider_message_id, kind, ours } => {
                if *ours && let Some(send) = store.send(tenant, *id).await? {
                    if send.state == SendState::Sending && round == 1 {
                        // A provider is being called: what it is called comes with the answer.
                        return Ok(Done::Waits);
                    }
                    if let Some(name) = &send.provider_message_id {
                        store.erase_annex(tenant, name).await?;
                    }
                    store.delete_send(tenant, *id).await?;
                }
                store.erase_annex(tenant, provider_message_id).await?;
                if self.file(*id, kind).await? {
                    done = Done::GoneWithFile;
                }
            }
            PersonalKind::Happening { lead } => {
                if let Some(lead) = lead {
                    done = Done::GoneWithLead(*lead);
                }
            }
            PersonalKind::Thread { conversation } => {
                if let Some(conversation) = conversation {
                    store.forget_chatwoot_conversation(tenant, *conversation).await?;
                }
            }
            PersonalKind::LanePlace
            | PersonalKind::Conversation
            | PersonalKind::Contact
            | PersonalKind::Other => {}
        }
        store.delete_personal_item(tenant, contact, item).await?;
        Ok(done)
    }

    /// Removes a message's file, if its kind may have one; whether there was one.
    async fn file(&self, message: MessageId, kind: &str) -> Result<bool, StepError> {
        if !FILE_KINDS.contains(&kind) {
            return Ok(false);
        }
        let key = ObjectKey::of_message(self.tenant, message);
        let there = self.bucket.facts(&key).await?.is_some();
        self.bucket.delete(&key).await?;
        Ok(there)
    }

    async fn leads(&self, erasure: &mut Erasure) -> Result<(), StepError> {
        for lead in erasure.leads.clone() {
            let gone = self.platform.store.delete_lead(self.tenant, lead).await?;
            count(erasure, "leads", u64::from(gone));
        }
        next(erasure, ErasureStage::Deliveries);
        Ok(())
    }

    async fn deliveries(&self, erasure: &mut Erasure) -> Result<(), StepError> {
        let store = &self.platform.store;
        let page = store.deliveries_by_time(self.tenant, position(erasure), PAGE).await?;
        let about = |body: &str| self.needles.are_in(body);
        for delivery in page.deliveries.iter().filter(|delivery| about(&delivery.body)) {
            store.delete_delivery(self.tenant, delivery.id).await?;
            count(erasure, "deliveries", 1);
        }
        let last = page.last.filter(|_| page.more);
        move_on(erasure, last, ErasureStage::Events);
        Ok(())
    }

    async fn events(&self, erasure: &mut Erasure) -> Result<(), StepError> {
        let store = &self.platform.store;
        let page = store.events_by_time(self.tenant, position(erasure), PAGE).await?;
        let mut last = None;
        for entry in &page.events {
            last = last.into_iter().chain([entry.id.ulid()]).min();
            let Ok(payload) = store.event_payload(self.tenant, entry).await else {
                // Being written at this moment: the second time through finds it.
                erasure.look_again |= entry.chunks() > 0;
                continue;
            };
            let left = self.needles.taken_out_of(&payload);
            if left == Left::All {
                continue;
            }
            match entry.state {
                EventState::Attempting | EventState::Retrying | EventState::Replaying => {
                    // The queue has it still and would write it down again; it ends within its few tries.
                    erasure.look_again = true;
                    continue;
                }
                EventState::Parked | EventState::Replayed | EventState::Ignored => {}
            }
            let payload = match &left {
                Left::Some(rest) => Some(rest.as_slice()),
                Left::All | Left::Nothing => None,
            };
            store.replace_event_payload(self.tenant, entry, payload, ERASED, self.now).await?;
            count(erasure, "events", 1);
        }
        let last = last.filter(|_| page.more);
        move_on(erasure, last, ErasureStage::Groups);
        Ok(())
    }

    async fn groups(&self, erasure: &mut Erasure) -> Result<(), StepError> {
        let store = &self.platform.store;
        let (messages, more) = store.group_messages(self.tenant, position(erasure), PAGE).await?;
        for message in messages.iter().filter(|message| self.needles.are_in(&message.raw)) {
            store.erase_annex(self.tenant, &message.provider_message_id).await?;
            let file = self.file(message.id, &message.kind).await?;
            store.delete_group_message(message).await?;
            count(erasure, "group_messages", 1);
            count(erasure, "media", u64::from(file));
        }
        let last = messages.last().map(|message| message.id.ulid()).filter(|_| more);
        move_on(erasure, last, ErasureStage::Answers);
        Ok(())
    }

    async fn answers(&self, erasure: &mut Erasure) -> Result<(), StepError> {
        let store = &self.platform.store;
        let mut about: Vec<Ulid> = erasure.family.iter().map(|contact| contact.ulid()).collect();
        about.extend(erasure.leads.iter().map(|lead| lead.ulid()));
        about.sort_unstable();
        about.dedup();
        for about in about {
            let erased = store.erase_answers(self.tenant, about, ANSWER_INSTEAD).await?;
            count(erasure, "answers", erased);
        }
        for contact in &erasure.family {
            store.forget_reached(self.tenant, *contact).await?;
        }
        next(erasure, ErasureStage::Done);
        Ok(())
    }
}

fn needles(erasure: &Erasure) -> Needles {
    let names: Vec<Identity> =
        erasure.names.iter().filter_map(|name| Identity::parse_spelled(name)).collect();
    let ids = erasure.family.iter().map(|contact| contact.ulid());
    let ids = ids.chain(erasure.leads.iter().map(|lead| lead.ulid())).map(|ulid| ulid.to_string());
    Needles::new(&names, ids.collect())
}

fn count(erasure: &mut Erasure, kind: &str, more: u64) {
    if more > 0 {
        *erasure.counts.entry(kind.to_owned()).or_default() += more;
    }
}

fn next(erasure: &mut Erasure, stage: ErasureStage) {
    erasure.stage = stage;
    erasure.cursor = None;
}

/// Where the page of an index by time begins.
fn position(erasure: &Erasure) -> Option<Ulid> {
    erasure.cursor.as_deref().and_then(|cursor| Ulid::from_string(cursor).ok())
}

/// Goes on below `last`, unless that is older than anything about the person can be.
fn move_on(erasure: &mut Erasure, last: Option<Ulid>, after: ErasureStage) {
    let floor = match erasure.round {
        1 => erasure.known_since.unix_ms().saturating_sub(BEFORE_MS),
        _ => erasure.requested_at.unix_ms().saturating_sub(BEFORE_MS),
    };
    match last.filter(|last| last.timestamp_ms() >= floor) {
        Some(last) => erasure.cursor = Some(last.to_string()),
        None => next(erasure, after),
    }
}
