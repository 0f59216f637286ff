//! How a message on its way out moves from one state to the next. Each move names the state and the attempt it comes
//! from, so that a late answer, a second sender or a person change nothing that has moved on.

use super::outbox::SendRecord;
use super::outbox_items::{json, lane_item};
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Names, StoreError, Values, n, s};
use super::{Store, keys};
use domain::failure::Failure;
use domain::ids::{MessageId, TenantId};
use domain::outbound::{SendState, UNCERTAIN_MS, look_again_at};
use domain::time::Millis;
use ulid::Ulid;

/// What a provider call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It was taken.
    Sent {
        /// The provider's id of it, when the answer names it.
        provider_message_id: Option<String>,
    },
    /// It was refused for good.
    Failed(Failure),
    /// Whether it was taken is open.
    Uncertain(Failure),
    /// It was refused for now.
    Waits {
        /// Why.
        failure: Failure,
        /// Until when.
        not_before: Millis,
    },
}

/// What the provider says, by a status or an echo with our id, of a message that it took.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The provider's id of it.
    pub provider_message_id: &'a str,
    /// The attempt it speaks of, when it says so.
    pub fence: Option<&'a str>,
    /// It took the message and could not deliver it.
    pub failed: bool,
    /// When.
    pub at: Millis,
}

impl Store {
    /// Ends an attempt; false when the message has moved on without it (a status settled it, a person wants it sent
    /// again). What the provider said for good also ends the uncertainty that a lease left when it ran out meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn settle_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        fence: &str,
        settlement: &Settlement,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "settle send";
        let mut values = vec![
            (":sending", s(SendState::Sending.as_str())),
            (":fence", s(fence)),
            (":now", n(now.unix_ms())),
        ];
        let due = |at: Millis| s(keys::send_due_sort(at, tenant, record.id));
        let mut from = "#state = :sending AND fence = :fence";
        let (state, rest, leaves) = match settlement {
            Settlement::Sent { provider_message_id } => {
                let mut rest = "sent_at = :now REMOVE dpk, dsk, failure, lease_until".to_owned();
                if let Some(id) = provider_message_id {
                    values.push((":wamid", s(id)));
                    rest = format!("wamid = :wamid, {rest}");
                }
                (SendState::Sent, rest, true)
            }
            Settlement::Failed(failure) => {
                values.push((":failure", s(json(ACTION, failure)?)));
                (SendState::Failed, "failure = :failure REMOVE dpk, dsk, lease_until".to_owned(), true)
            }
            Settlement::Uncertain(failure) => {
                values.push((":failure", s(json(ACTION, failure)?)));
                values.push((":dsk", due(now.plus_ms(UNCERTAIN_MS))));
                (SendState::Uncertain, "failure = :failure, dsk = :dsk REMOVE lease_until".to_owned(), true)
            }
            Settlement::Waits { failure, not_before } => {
                values.push((":failure", s(json(ACTION, failure)?)));
                values.push((":not_before", n(not_before.unix_ms())));
                values.push((":dsk", due(look_again_at(Some(*not_before), now))));
                let rest =
                    "failure = :failure, not_before = :not_before, dsk = :dsk REMOVE fence, lease_until";
                (SendState::Queued, rest.to_owned(), false)
            }
        };
        if matches!(settlement, Settlement::Sent { .. } | Settlement::Failed(_)) {
            from = "#state IN (:sending, :uncertain) AND fence = :fence";
            values.push((":uncertain", s(SendState::Uncertain.as_str())));
        }
        values.push((":state", s(state.as_str())));
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            &format!("SET #state = :state, updated = :now, {rest}"),
            Condition::of(from, values).named([("#state", "state")]),
        );
        if leaves {
            let place = keys::lane(tenant, record.contact, record.order);
            all.delete(&self.crm.name, place, Condition::default());
        }
        Ok(all.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// Refuses a queued message before any call: the facts changed while it waited. False when it has moved on.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn refuse_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        failure: &Failure,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "refuse send";
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET #state = :failed, updated = :now, failure = :failure REMOVE dpk, dsk",
            Condition::of(
                "#state = :queued",
                [
                    (":queued", s(SendState::Queued.as_str())),
                    (":failed", s(SendState::Failed.as_str())),
                    (":failure", s(json(ACTION, failure)?)),
                    (":now", n(now.unix_ms())),
                ],
            )
            .named([("#state", "state")]),
        );
        all.delete(&self.crm.name, keys::lane(tenant, record.contact, record.order), Condition::default());
        Ok(all.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// Leaves a queued message where it is and says why and when to look again: its number is broken, or the sweeper
    /// has just put its conversation on the queue.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn postpone_send(
        &self,
        tenant: TenantId,
        id: MessageId,
        failure: Option<&Failure>,
        due_at: Millis,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "postpone send";
        let mut values = Values::from([
            (":queued", s(SendState::Queued.as_str())),
            (":dsk", s(keys::send_due_sort(due_at, tenant, id))),
        ]);
        let mut expression = "SET dsk = :dsk".to_owned();
        if let Some(failure) = failure {
            values.insert(":failure", s(json(ACTION, failure)?));
            expression.push_str(", failure = :failure");
        }
        self.crm
            .update(
                ACTION,
                keys::send(tenant, id),
                &expression,
                Some("#state = :queued"),
                Names::from([("#state", "state")]),
                values,
            )
            .await?
            .ok();
        Ok(())
    }

    /// Marks an attempt whose lease ran out as `uncertain`: its sender died, before or after the provider took the
    /// message. Never back to queued. False when it has moved on.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn expire_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        failure: &Failure,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "expire send";
        let Some(fence) = &record.fence else { return Ok(false) };
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET #state = :uncertain, updated = :now, failure = :failure, dsk = :dsk REMOVE lease_until",
            Condition::of(
                "#state = :sending AND fence = :fence AND lease_until <= :now",
                [
                    (":sending", s(SendState::Sending.as_str())),
                    (":uncertain", s(SendState::Uncertain.as_str())),
                    (":fence", s(fence)),
                    (":failure", s(json(ACTION, failure)?)),
                    (":now", n(now.unix_ms())),
                    (":dsk", s(keys::send_due_sort(now.plus_ms(UNCERTAIN_MS), tenant, record.id))),
                ],
            )
            .named([("#state", "state")]),
        );
        all.delete(&self.crm.name, keys::lane(tenant, record.contact, record.order), Condition::default());
        Ok(all.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// The provider reports a message with our id. True when that settled what was open: an attempt, and, once there was
    /// one, a message that waits to be sent again, was taken back or was refused then, for the customer has it. A report
    /// that an attempt failed speaks of that attempt alone.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn confirm_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        report: Report<'_>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "confirm send";
        let mut values = vec![
            (":sending", s(SendState::Sending.as_str())),
            (":uncertain", s(SendState::Uncertain.as_str())),
            (":sent", s(SendState::Sent.as_str())),
            (":wamid", s(report.provider_message_id)),
            (":at", n(report.at.unix_ms())),
            (":now", n(now.unix_ms())),
        ];
        let mut from = "#state IN (:sending, :uncertain)".to_owned();
        if let (true, Some(fence)) = (report.failed, report.fence) {
            from.push_str(" AND fence = :fence");
            values.push((":fence", s(fence)));
        }
        from.push_str(" OR (#state = :sent AND attribute_not_exists(wamid))");
        if !report.failed {
            from.push_str(" OR (#state IN (:queued, :cancelled, :refused) AND attempts > :never)");
            values.extend([
                (":queued", s(SendState::Queued.as_str())),
                (":cancelled", s(SendState::Cancelled.as_str())),
                (":refused", s(SendState::Failed.as_str())),
                (":never", n(0)),
            ]);
        }
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET #state = :sent, wamid = :wamid, sent_at = if_not_exists(sent_at, :at), updated = :now \
             REMOVE dpk, dsk, failure, lease_until",
            Condition::of(from, values).named([("#state", "state")]),
        );
        all.delete(&self.crm.name, keys::lane(tenant, record.contact, record.order), Condition::default());
        Ok(all.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// Puts a held message, or an uncertain one that a person wants sent again, into the lane. False when it is not in
    /// that state.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn queue_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        from: SendState,
        order: Ulid,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let due = look_again_at(record.not_before, now);
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET #state = :queued, lane = :lane, updated = :now, dpk = :dpk, dsk = :dsk \
             REMOVE fence, lease_until, failure, held_for, release_at, turn",
            Condition::of(
                "#state = :from",
                [
                    (":from", s(from.as_str())),
                    (":queued", s(SendState::Queued.as_str())),
                    (":lane", s(order)),
                    (":now", n(now.unix_ms())),
                    (":dpk", s(keys::sends_due(keys::send_shard(record.id)))),
                    (":dsk", s(keys::send_due_sort(due, tenant, record.id))),
                ],
            )
            .named([("#state", "state")]),
        );
        let place = lane_item(keys::lane(tenant, record.contact, order), record.id);
        all.put(&self.crm.name, place, Condition::default());
        Ok(all.commit(&self.crm.aws, "queue send").await?.is_ok())
    }

    /// Takes a message back that was not sent yet. False when it is too late.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn cancel_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET #state = :cancelled, updated = :now REMOVE dpk, dsk, failure, held_for, release_at",
            Condition::of(
                "#state IN (:held, :queued)",
                [
                    (":held", s(SendState::Held.as_str())),
                    (":queued", s(SendState::Queued.as_str())),
                    (":cancelled", s(SendState::Cancelled.as_str())),
                    (":now", n(now.unix_ms())),
                ],
            )
            .named([("#state", "state")]),
        );
        all.delete(&self.crm.name, keys::lane(tenant, record.contact, record.order), Condition::default());
        Ok(all.commit(&self.crm.aws, "cancel send").await?.is_ok())
    }

    /// Notes that a person must look at a message that stayed uncertain for a day; the sweeper leaves it alone then.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn give_up_on_send(
        &self,
        tenant: TenantId,
        id: MessageId,
        failure: &Failure,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "give up on send";
        let values: Values = [
            (":uncertain", s(SendState::Uncertain.as_str())),
            (":failure", s(json(ACTION, failure)?)),
            (":now", n(now.unix_ms())),
        ]
        .into_iter()
        .collect::<std::collections::HashMap<&'static str, AttributeValue>>();
        let given_up = self
            .crm
            .update(
                ACTION,
                keys::send(tenant, id),
                "SET failure = :failure, updated = :now REMOVE dpk, dsk",
                Some("#state = :uncertain AND attribute_exists(dsk)"),
                Names::from([("#state", "state")]),
                values,
            )
            .await?;
        Ok(given_up.is_ok())
    }

    /// A new place at the end of a lane.
    #[must_use]
    pub fn lane_end(id: MessageId, now: Millis) -> Ulid {
        Ulid::from_parts(now.unix_ms(), id.ulid().random())
    }
}
