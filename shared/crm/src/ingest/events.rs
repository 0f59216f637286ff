//! One event at a time: which writes it takes, in which order.

use super::consents;
use super::contact::{self, LeadSeed, Seen};
use super::escalate;
use super::health;
use super::templates;
use super::tenants::Facts;
use super::{Delivery, IngestError};
use crate::assistant;
use crate::chatwoot;
use crate::dispatch::{self, Confirmed};
use crate::events::{Emitter, message_received, message_step, note_window};
use crate::health::hear_failure;
use crate::privacy::grave;
use domain::identity::Person;
use domain::ids::{ContactId, EventId, MessageId, derived_ulid};
use domain::inbound;
use domain::message::{Content, Direction};
use domain::receipt::Receipt;
use domain::time::Millis;
use domain::window;
use platform::dynamo::{EventEntry, InboundMove, NewEntry, Recorded, StatusUpdate, Store};
use providers::event::{Echo, Event, EventKind, InboundMessage, MessageBody, Status};
use providers::health::number_news;
use providers::templates::template_change;
use sha2::{Digest, Sha256};

/// What every event of one delivery shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) store: &'a Store,
    pub(super) delivery: Delivery<'a>,
    pub(super) facts: &'a Facts,
    pub(super) emitter: Emitter<'a>,
    pub(super) now: Millis,
}

impl Context<'_> {
    /// Applies one event. Of one about somebody who was erased since, the event log keeps that it came, and nothing else.
    pub(super) async fn apply(&self, event: &Event) -> Result<(), IngestError> {
        match self.applied(event).await {
            Err(IngestError::Erased) => {
                let reason = IngestError::Erased.to_string();
                self.keep_bytes(event.raw.as_bytes(), b"", &reason).await
            }
            other => other,
        }
    }

    async fn applied(&self, event: &Event) -> Result<(), IngestError> {
        let delivery = self.delivery;
        let Some(number) = self.facts.number(delivery.provider, &event.account) else {
            let account = &event.account;
            let named = account.phone_number_id.as_deref().or(account.instance_id.as_deref());
            return Err(IngestError::Permanent {
                reason: format!(
                    "the number {} of account {} is not connected to this tenant; connect it and replay",
                    named.unwrap_or("(unnamed)"),
                    account.waba_id.as_deref().unwrap_or("(unnamed)"),
                ),
            });
        };
        if let (Some(retention), Some(sent_at)) = (self.facts.retention_ms, sent_at(&event.kind))
            && self.now.since(sent_at) > retention
        {
            return self.keep(event, "older than the tenant's retention").await;
        }
        match &event.kind {
            EventKind::Message(message) => self.message(number, message, &event.raw).await,
            EventKind::Echo(echo) => self.echo(number, echo, &event.raw).await,
            EventKind::Status(status) => self.status(number, status, event).await,
            EventKind::IdentityChanged(change, at) => {
                let order = derived_ulid(at.unix_ms(), &[&event.raw]);
                contact::follow(
                    self.emitter.platform,
                    delivery.tenant,
                    change,
                    order,
                    *at,
                    delivery.received_at,
                )
                .await?;
                self.keep(event, "followed: the person is known by a new identity").await
            }
            EventKind::Preference(preference) => {
                let reason = consents::by_preference(self, number, preference, &event.raw).await?;
                self.keep(event, &reason).await
            }
            EventKind::Error(error) => {
                let title = error.title.as_deref().or(error.details.as_deref()).unwrap_or("no text");
                self.keep(event, &format!("kept: the provider reports error {}: {title}", error.code)).await
            }
            EventKind::Account { field, event: name } => {
                let reason = match (template_change(field, &event.raw), number_news(field, &event.raw)) {
                    (Some(change), _) => {
                        let became = templates::follow(self.emitter, delivery, event, &change).await?;
                        format!("{became} ({field})")
                    }
                    (None, Some(news)) => health::follow(self, event, field, &news).await?,
                    (None, None) => format!("kept: {field} {}", name.as_deref().unwrap_or_default()),
                };
                self.keep(event, &reason).await
            }
        }
    }

    async fn message(&self, number: &str, message: &InboundMessage, raw: &str) -> Result<(), IngestError> {
        let tenant = self.delivery.tenant;
        let id = inbound::message_id(tenant, number, &message.id, message.sent_at);
        let entry = self.entry(id, Direction::Inbound, &message.body, number, &message.id, raw);
        if let Some(group) = &message.group {
            self.living(&message.sender, message.sent_at).await?;
            self.store.record_group_message(tenant, group, entry).await?;
            return Ok(());
        }
        let lead = message.body.content.opens_window().then(|| LeadSeed {
            source: if message.body.referral.is_some() { "whatsapp_ad" } else { "whatsapp" },
            referral: message.body.referral.as_ref().and_then(|ad| serde_json::to_string(ad).ok()),
            created_at: window::clamped(message.sent_at, self.delivery.received_at),
            trace_id: self.delivery.trace_id,
            emitter: self.emitter,
        });
        let seen = Seen {
            tenant,
            person: &message.sender,
            order: id.ulid(),
            at: message.sent_at,
            received_at: self.delivery.received_at,
            lead: lead.as_ref(),
        };
        let contact = contact::resolve(self.emitter.platform, seen).await?;
        if let Some(change) = &message.identity_change {
            contact::follow(
                self.emitter.platform,
                tenant,
                change,
                id.ulid(),
                message.sent_at,
                self.delivery.received_at,
            )
            .await?;
        }
        let (received_at, known_since) = match self.store.record_message(tenant, contact, entry).await? {
            Recorded::New => (self.delivery.received_at, None),
            Recorded::Duplicate { received_at } => (received_at, Some(received_at)),
        };
        self.mark_target(id, Direction::Inbound, &message.body, message.sent_at, raw).await?;
        consents::by_keyword(self, number, contact, id, message, received_at).await?;
        if let Some(by) = inbound::conversation_move(id, &message.body.content, message.sent_at, received_at)
        {
            let by = InboundMove {
                order: by.order,
                at: by.at,
                language: by.language,
                provider: self.delivery.provider,
                number,
            };
            self.store.move_conversation(tenant, contact, by).await?;
            note_window(self.emitter, contact, by.at).await?;
            escalate::by_words(self, contact, id, &message.body.content, received_at).await?;
            self.have_answered(contact, id, &message.body.content, received_at).await?;
        }
        consents::confirm(self, contact, id, message).await?;
        self.carry_over(contact, id).await?;
        message_received(self.emitter, contact, id, known_since).await?;
        Ok(())
    }

    /// Notes that a customer waits for the assistant, where it answers by itself; nobody is asked anything here.
    async fn have_answered(
        &self,
        contact: ContactId,
        id: MessageId,
        content: &Content,
        received_at: Millis,
    ) -> Result<(), IngestError> {
        if self.facts.assistant {
            let (platform, delivery) = (self.emitter.platform, self.delivery);
            let message = (id, content, delivery.trace_id);
            let noted = assistant::wait_for_answer(
                platform,
                delivery.tenant,
                contact,
                message,
                received_at,
                self.now,
            );
            Box::pin(noted).await?;
        }
        Ok(())
    }

    /// Has Chatwoot told of a message, where its conversation is carried over.
    async fn carry_over(&self, contact: ContactId, id: MessageId) -> Result<(), IngestError> {
        if self.facts.chatwoot {
            let platform = self.emitter.platform;
            Box::pin(chatwoot::mirror(platform, self.delivery.tenant, contact, id, self.now)).await?;
        }
        Ok(())
    }

    /// What a person wrote to a group before they were erased stays away, too: no contact leads to it.
    async fn living(&self, person: &Person, at: Millis) -> Result<(), IngestError> {
        let identities = person.identities();
        grave::barred_since(self.emitter.platform, self.delivery.tenant, &identities, at).await.map(drop)
    }

    /// A message the business sent from elsewhere: outbound on the timeline; it never opens the window.
    async fn echo(&self, number: &str, echo: &Echo, raw: &str) -> Result<(), IngestError> {
        let tenant = self.delivery.tenant;
        let id = inbound::message_id(tenant, number, &echo.id, echo.sent_at);
        let entry = self.entry(id, Direction::Outbound, &echo.body, number, &echo.id, raw);
        if let Some(group) = &echo.group {
            self.store.record_group_message(tenant, group, entry).await?;
            return Ok(());
        }
        if let Some(echoed) = &echo.our_id
            && let Confirmed::Ours(_) =
                dispatch::confirm(self.store, tenant, echoed, &echo.id, false, echo.sent_at, self.now).await?
        {
            // Our own send reported back: it is on the timeline already.
            return Ok(());
        }
        let seen = Seen {
            tenant,
            person: &echo.recipient,
            order: id.ulid(),
            at: echo.sent_at,
            received_at: self.delivery.received_at,
            lead: None,
        };
        let contact = contact::resolve(self.emitter.platform, seen).await?;
        self.store.record_message(tenant, contact, entry).await?;
        self.carry_over(contact, id).await?;
        self.mark_target(id, Direction::Outbound, &echo.body, echo.sent_at, raw).await?;
        if echo.body.content.opens_window() {
            let at = window::clamped(echo.sent_at, self.delivery.received_at);
            let order = ulid::Ulid::from_parts(at.unix_ms(), id.ulid().random());
            self.store.note_outbound(tenant, contact, order).await?;
        }
        Ok(())
    }

    /// Edits, revocations and reactions change another message, which may not be here yet.
    async fn mark_target(
        &self,
        id: MessageId,
        by: Direction,
        body: &MessageBody,
        at: Millis,
        raw: &str,
    ) -> Result<(), IngestError> {
        let tenant = self.delivery.tenant;
        match &body.content {
            Content::Edit { target, .. } => self.store.join_edit(tenant, target, id.ulid(), raw).await?,
            Content::Revoke { target } => self.store.join_revocation(tenant, target, at).await?,
            Content::Reaction { target, emoji } => {
                self.store.join_reaction(tenant, target, by, id.ulid(), emoji.as_deref()).await?;
            }
            Content::Text { .. }
            | Content::Media(..)
            | Content::Location(_)
            | Content::Contacts(_)
            | Content::Interactive(_)
            | Content::Button { .. }
            | Content::Order(_)
            | Content::System { .. }
            | Content::Unsupported { .. }
            | Content::Unknown { .. } => {}
        }
        Ok(())
    }

    async fn status(&self, number: &str, status: &Status, event: &Event) -> Result<(), IngestError> {
        let Some(receipt) = status.receipt else {
            return self.keep(event, &format!("kept: status {}", status.reported)).await;
        };
        let errors =
            (!status.errors.is_empty()).then(|| serde_json::to_string(&status.errors).ok()).flatten();
        let update = StatusUpdate {
            receipt,
            at: status.at.unwrap_or(self.delivery.received_at),
            pricing: status.pricing.as_deref(),
            errors: errors.as_deref(),
            our_id: status.our_id.as_deref(),
        };
        let tenant = self.delivery.tenant;
        self.store.join_receipt(tenant, &status.id, update).await?;
        let Some(echoed) = &status.our_id else { return Ok(()) };
        let failed = receipt == Receipt::Failed;
        let confirmed =
            dispatch::confirm(self.store, tenant, echoed, &status.id, failed, update.at, self.now).await?;
        match confirmed {
            Confirmed::Ours(record) => {
                let (contact, id) = (record.contact, record.id);
                for error in &status.errors {
                    let platform = self.emitter.platform;
                    hear_failure(platform, tenant, &record, Some(error.code), update.at, self.now).await;
                }
                consents::by_status(self, number, contact, id, status).await?;
                if receipt == Receipt::Sent && record.key != Some(chatwoot::chatwoot_key()) {
                    self.carry_over(contact, id).await?;
                }
                message_step(self.emitter, contact, id, receipt, update.at, None).await?;
                Ok(())
            }
            Confirmed::NotOurs => Ok(()),
        }
    }

    /// Keeps an event raw in the event log, once.
    async fn keep(&self, event: &Event, reason: &str) -> Result<(), IngestError> {
        self.keep_bytes(event.raw.as_bytes(), event.raw.as_bytes(), reason).await
    }

    /// Keeps `payload` in the place of `raw`, once for each `raw`.
    async fn keep_bytes(&self, raw: &[u8], payload: &[u8], reason: &str) -> Result<(), IngestError> {
        let delivery = self.delivery;
        let digest = hex::encode(Sha256::digest(raw));
        let candidate = EventId::from_ulid(derived_ulid(delivery.received_at.unix_ms(), &[&digest]));
        let id = self.store.first_sight(delivery.tenant, raw, candidate).await?;
        let entry = EventEntry {
            id,
            provider: delivery.provider,
            feed: None,
            chatwoot: false,
            auth_strength: delivery.auth_strength,
            received_at: delivery.received_at,
            trace_id: delivery.trace_id,
            payload,
        };
        self.store.keep_ignored(delivery.tenant, entry, reason, self.now).await?;
        Ok(())
    }

    fn entry<'b>(
        &self,
        id: MessageId,
        direction: Direction,
        body: &MessageBody,
        number: &'b str,
        provider_message_id: &'b str,
        raw: &'b str,
    ) -> NewEntry<'b> {
        NewEntry {
            id,
            direction,
            kind: body.content.kind(),
            provider: self.delivery.provider,
            number,
            provider_message_id,
            received_at: self.delivery.received_at,
            trace_id: self.delivery.trace_id,
            raw,
        }
    }
}

/// When an event happened, for retention.
fn sent_at(kind: &EventKind) -> Option<Millis> {
    match kind {
        EventKind::Message(message) => Some(message.sent_at),
        EventKind::Echo(echo) => Some(echo.sent_at),
        EventKind::Status(status) => status.at,
        EventKind::IdentityChanged(_, at) => Some(*at),
        EventKind::Preference(preference) => Some(preference.at),
        EventKind::Error(_) | EventKind::Account { .. } => None,
    }
}
