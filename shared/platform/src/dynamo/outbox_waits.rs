//! What messages wait for beside the provider: a turn on a slow number, room in the messaging limit, a release after
//! conservative mode.

use super::outbox::{NewSend, SendRecord};
use super::outbox_items::{json, lane_item};
use super::transact::{Condition, Transaction};
use super::wire::{Item, Names, Query, StoreError, Values, n, s};
use super::{Store, keys, timeline};
use domain::failure::Failure;
use domain::ids::{MessageId, TenantId};
use domain::outbound::{HeldFor, STALE_MS, SendState, look_again_at};
use domain::provider::Provider;
use domain::time::Millis;
use ulid::Ulid;

impl Store {
    /// Gives a queued message its turn on a slow number. It keeps its place in the lane, so that nothing overtakes it.
    /// False when it has moved on or was given another turn meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn give_turn(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        why: &Failure,
        turn: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "give a turn";
        let mut values = Values::from([
            (":queued", s(SendState::Queued.as_str())),
            (":turn", n(turn.unix_ms())),
            (":why", s(json(ACTION, why)?)),
            (":dsk", s(keys::send_due_sort(look_again_at(Some(turn), now), tenant, record.id))),
        ]);
        // Another sender may have given it one meanwhile.
        let mut condition = "#state = :queued AND attribute_not_exists(turn)";
        if let Some(was) = record.turn {
            values.insert(":was", n(was.unix_ms()));
            condition = "#state = :queued AND turn = :was";
        }
        let set = "SET turn = :turn, not_before = :turn, failure = :why, dsk = :dsk";
        let names = Names::from([("#state", "state")]);
        let key = keys::send(tenant, record.id);
        Ok(self.crm.update(ACTION, key, set, Some(condition), names, values).await?.is_ok())
    }

    /// Has a queued message wait until `until`, at the place in its lane that this time gives it: what is accepted later
    /// and may go earlier does not wait behind it. False when it has moved on.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn defer_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        why: &Failure,
        until: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "defer a send";
        let order = later_order(record.order, until);
        let mut all = Transaction::default();
        all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET not_before = :until, failure = :why, dsk = :dsk, lane = :lane REMOVE turn",
            Condition::of(
                "#state = :queued AND lane = :was",
                [
                    (":queued", s(SendState::Queued.as_str())),
                    (":until", n(until.unix_ms())),
                    (":why", s(json(ACTION, why)?)),
                    (":dsk", s(keys::send_due_sort(look_again_at(Some(until), now), tenant, record.id))),
                    (":lane", s(order)),
                    (":was", s(record.order)),
                ],
            )
            .named([("#state", "state")]),
        );
        if order != record.order {
            let old = keys::lane(tenant, record.contact, record.order);
            all.delete(&self.crm.name, old, Condition::default());
            let place = lane_item(keys::lane(tenant, record.contact, order), record.id);
            all.put(&self.crm.name, place, Condition::default());
        }
        Ok(all.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// A queued message need not wait any longer. False when it has moved on.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn hurry_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let Some(not_before) = record.not_before else { return Ok(false) };
        let values = Values::from([
            (":queued", s(SendState::Queued.as_str())),
            (":was", n(not_before.unix_ms())),
            (":dsk", s(keys::send_due_sort(now.plus_ms(STALE_MS), tenant, record.id))),
        ]);
        let set = "SET dsk = :dsk REMOVE not_before, turn, failure";
        let condition = Some("#state = :queued AND not_before = :was");
        let names = Names::from([("#state", "state")]);
        let key = keys::send(tenant, record.id);
        Ok(self.crm.update("hurry a send", key, set, condition, names, values).await?.is_ok())
    }

    /// The messages that conservative mode holds on a number, in the order accepted, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable, or a key makes no sense.
    pub async fn held_sends(
        &self,
        tenant: TenantId,
        provider: Provider,
        number: &str,
        limit: u32,
    ) -> Result<Vec<MessageId>, StoreError> {
        const ACTION: &str = "list held sends";
        let query = Query {
            table_name: &self.crm.name,
            index_name: Some(keys::DUE),
            key_condition_expression: "dpk = :pk AND begins_with(dsk, :number)",
            expression_attribute_values: Values::from([
                (":pk", s(keys::held_sends(tenant))),
                (":number", s(keys::held_on(provider, number))),
            ]),
            scan_index_forward: true,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: false,
        };
        let page = self.crm.query(ACTION, &query).await?;
        let of = |item: &Item| timeline::key_of(item).as_ref().and_then(keys::message_of);
        let corrupt = || StoreError::corrupt(ACTION, "HELD", "not a send's key");
        page.items.iter().map(|item| of(item).map(|(_, id)| id).ok_or_else(corrupt)).collect()
    }
}

/// Where the sparse index lists a new message: among those that the sweeper looks at, or among those that conservative
/// mode holds; nowhere when the caller holds it.
pub(super) fn place_in_index(tenant: TenantId, send: &NewSend) -> Option<(String, String)> {
    match send.hold {
        None => {
            let due = look_again_at(send.not_before, send.accepted_at);
            let sort = keys::send_due_sort(due, tenant, send.id);
            Some((keys::sends_due(keys::send_shard(send.id)), sort))
        }
        // The sweeper releases what nobody did by then.
        Some(HeldFor::FirstTouch) => send
            .release_at
            .map(|at| (keys::sends_due(keys::send_shard(send.id)), keys::send_due_sort(at, tenant, send.id))),
        Some(HeldFor::Caller) => None,
        Some(HeldFor::ConservativeMode) => {
            Some((keys::held_sends(tenant), keys::held_sort(send.provider, &send.number, send.id)))
        }
    }
}

/// A place in the lane by a later time. Messages that are put off until the same time keep their order: where they stood
/// is the first half of what tells them apart.
fn later_order(was: Ulid, until: Millis) -> Ulid {
    if was.timestamp_ms() >= until.unix_ms() {
        return was;
    }
    let stood = u128::from(was.timestamp_ms()) << 32;
    Ulid::from_parts(until.unix_ms(), stood | (was.random() & u128::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_put_off_until_the_same_time_keep_their_order() {
        let until = Millis::from_unix_ms(1_800_000_900_000);
        let first = Ulid::from_parts(1_800_000_000_000, u128::from(u64::MAX));
        let second = Ulid::from_parts(1_800_000_000_001, 0);
        let (first_later, second_later) = (later_order(first, until), later_order(second, until));
        assert!(first_later < second_later);
        assert_eq!(first_later.timestamp_ms(), until.unix_ms());
        assert_eq!(later_order(first_later, until), first_later, "it stands there already");
    }
}
