//! What people do with a message that is held: change it, stop its clock. And the clock, when it is not stopped.

use super::outbox::{SendPart, SendRecord};
use super::outbox_items::{json, lane_item};
use super::transact::{Condition, Transaction};
use super::wire::{StoreError, n, s};
use super::{Store, keys};
use domain::ids::TenantId;
use domain::outbound::{HeldFor, SendState, look_again_at};
use domain::time::Millis;
use ulid::Ulid;

impl Store {
    /// Changes what a held message says. False when it is not held any more, or was changed meanwhile: what is sent is
    /// what its last change says.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn edit_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        part: &SendPart,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "edit send";
        let mut all = Transaction::default();
        let untouched = if record.revision == 0 {
            "#state = :held AND (attribute_not_exists(rev) OR rev = :rev)"
        } else {
            "#state = :held AND rev = :rev"
        };
        let values = [
            (":held", s(SendState::Held.as_str())),
            (":part", s(json(ACTION, part)?)),
            (":rev", n(record.revision)),
            (":next", n(record.revision + 1)),
            (":now", n(now.unix_ms())),
        ];
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET part = :part, rev = :next, updated = :now",
            Condition::of(untouched, values).named([("#state", "state")]),
        );
        Ok(all.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// Keeps a message until a person releases it: one whose clock runs, or that waits for its turn. False when it is too
    /// late.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn hold_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let why = if record.touch.is_some() { HeldFor::FirstTouch } else { HeldFor::Caller };
        let why = serde_dynamo::to_attribute_value(why)
            .map_err(|error| StoreError::corrupt("hold send", "SEND", error))?;
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET #state = :held, held_for = :why, updated = :now REMOVE release_at, turn, failure, dpk, dsk",
            Condition::of(
                "#state IN (:held, :queued)",
                [
                    (":held", s(SendState::Held.as_str())),
                    (":queued", s(SendState::Queued.as_str())),
                    (":why", why),
                    (":now", n(now.unix_ms())),
                ],
            )
            .named([("#state", "state")]),
        );
        all.delete(&self.crm.name, keys::lane(tenant, record.contact, record.order), Condition::default());
        Ok(all.commit(&self.crm.aws, "hold send").await?.is_ok())
    }

    /// Lets a held message go because its time came. False when somebody stopped its clock, let it go or took it back.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn release_due_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        order: Ulid,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let Some(release_at) = record.release_at else { return Ok(false) };
        let due = look_again_at(record.not_before, now);
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET #state = :queued, lane = :lane, updated = :now, dpk = :dpk, dsk = :dsk \
             REMOVE held_for, release_at, failure, turn",
            Condition::of(
                "#state = :held AND release_at = :at",
                [
                    (":held", s(SendState::Held.as_str())),
                    (":queued", s(SendState::Queued.as_str())),
                    (":at", n(release_at.unix_ms())),
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
        Ok(all.commit(&self.crm.aws, "release send").await?.is_ok())
    }
}
