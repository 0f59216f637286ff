//! The claim of a message: one sender at a time, and only while the facts that the permit was given for still hold
//! (I-12, I-13).

use super::outbox::{Relied, SendRecord};
use super::outbox_items::json;
use super::transact::{Cancelled, Condition, Transaction};
use super::wire::{StoreError, n, s};
use super::{Store, keys};
use domain::consent::{ConsentState, Consents, Purpose, Standing};
use domain::ids::{ContactId, TenantId};
use domain::outbound::SendState;
use domain::permit::{Permit, earliest_inbound};
use domain::provider::Provider;
use domain::time::Millis;

/// What a claim demands beside the message's own state.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Names this attempt.
    pub fence: &'a str,
    /// Until when it holds the message.
    pub lease_until: Millis,
    /// The rule's leave, checked again against what is stored now.
    pub permit: Permit,
    /// All contacts that are this person.
    pub family: &'a [ContactId],
    /// Where the person stood, over all of them, when the permit was given.
    pub consents: Consents,
    /// What the permit rests on, to be kept with the message.
    pub relied: &'a Relied,
    /// The conversation that holds the window open.
    pub window_of: Option<ContactId>,
    /// Now.
    pub now: Millis,
}

/// Why a claim was refused: look again and decide anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimRefused {
    /// The message is not queued any more, or not yet due.
    NotQueued,
    /// Consent, window, tenant or number are not what the permit was given for.
    FactsChanged,
}

impl Store {
    /// Claims a queued message for one provider call, if at this very moment consent, window, tenant and number still
    /// are what the permit was given for (I-13).
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn claim_send(
        &self,
        tenant: TenantId,
        record: &SendRecord,
        claim: &Claim<'_>,
    ) -> Result<Result<(), ClaimRefused>, StoreError> {
        const ACTION: &str = "claim send";
        let mut all = Transaction::default();
        let now = claim.now.unix_ms();
        let message = all.update(
            &self.crm.name,
            keys::send(tenant, record.id),
            "SET #state = :sending, fence = :fence, lease_until = :lease, attempts = attempts + :one, \
             updated = :now, dpk = :dpk, dsk = :dsk, relied = :relied REMOVE failure, turn",
            Condition::of(
                "#state = :queued AND (attribute_not_exists(not_before) OR not_before <= :now)",
                [
                    (":sending", s(SendState::Sending.as_str())),
                    (":queued", s(SendState::Queued.as_str())),
                    (":fence", s(claim.fence)),
                    (":lease", n(claim.lease_until.unix_ms())),
                    (":one", n(1)),
                    (":now", n(now)),
                    (":relied", s(json(ACTION, claim.relied)?)),
                    (":dpk", s(keys::sends_due(keys::send_shard(record.id)))),
                    (":dsk", s(keys::send_due_sort(claim.lease_until, tenant, record.id))),
                ],
            )
            .named([("#state", "state")]),
        );
        for contact in claim.family {
            let channel = and_not_restricted(not_revoked_since(claim.consents.channel));
            all.check(&self.crm.name, keys::consent(tenant, *contact, Purpose::Channel), channel);
            if claim.permit.needs_opt_in() {
                let marketing = not_revoked_since(claim.consents.marketing);
                all.check(&self.crm.name, keys::consent(tenant, *contact, Purpose::Marketing), marketing);
            }
        }
        if let Some(contact) = claim.window_of.filter(|_| claim.permit.needs_window()) {
            let open =
                Condition::of("in_at > :earliest", [(":earliest", n(earliest_inbound(claim.now).unix_ms()))]);
            all.check(&self.crm.name, keys::conversation(tenant, contact), open);
        }
        all.check(&self.crm.name, keys::profile(tenant), Condition::of("attribute_exists(pk)", []));
        if record.provider != Provider::Sandbox {
            let live =
                Condition::of("#status = :live", [(":live", s("live"))]).named([("#status", "status")]);
            all.check(&self.crm.name, keys::integration(tenant, record.provider, &record.number), live);
        }
        let done = all.commit(&self.crm.aws, ACTION).await?;
        Ok(done.map_err(|cancelled: Cancelled| {
            if cancelled.refused(message) { ClaimRefused::NotQueued } else { ClaimRefused::FactsChanged }
        }))
    }
}

/// Nothing was withdrawn but before the agreement that the permit rests on: of two contacts that are one person, one
/// may have withdrawn what the other agreed to later.
fn not_revoked_since(standing: Option<Standing>) -> Condition {
    let granted = standing.filter(|standing| standing.state == ConsentState::Granted);
    let at = granted.map_or(0, |standing| standing.at.unix_ms());
    Condition::of(
        "attribute_not_exists(#state) OR #state <> :no OR #at < :granted",
        [(":no", s(ConsentState::Revoked.as_str())), (":granted", n(at))],
    )
    .named([("#state", "state"), ("#at", "at")])
}

/// Nothing goes to a person whose data is kept and not used.
fn and_not_restricted(mut condition: Condition) -> Condition {
    let rest = condition.expression.unwrap_or_default();
    condition.expression = Some(format!("({rest}) AND attribute_not_exists(restricted_at)"));
    condition
}
