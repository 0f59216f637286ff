//! The first answer to a request with an idempotency key, kept for 24 hours (I-10, I-11).

use super::wire::{AttributeValue, Item, Names, Refused, StoreError, Values, n, s};
use super::{Store, keys};
use domain::access::Role;
use domain::ids::TenantId;
use domain::time::Millis;
use uuid::Uuid;

/// How long an answer is kept, in milliseconds.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;
/// How much longer the table keeps the item before it expires it, in seconds: reads compare the time themselves.
const TTL_SLACK_S: u64 = 7 * 24 * 60 * 60;

/// An answer to give again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
    /// The trace of the first request, which the body may name.
    pub trace_id: String,
    /// The role it was given to; a lower one may not see it.
    pub role: Role,
}

/// What a request with an idempotency key found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the first, or takes over from one that died: its effects must carry ids derived from this moment.
    Yes {
        /// When the first request with this key came.
        first_at: Millis,
    },
    /// It was answered before.
    Answered(StoredAnswer),
    /// The same key came with another body.
    OtherBody,
    /// The first one is still being worked on.
    Running {
        /// When it counts as dead.
        until: Millis,
    },
}

impl Store {
    /// Begins a request under an idempotency key, unless one was begun or answered in the last 24 hours.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn begin_idempotent(
        &self,
        tenant: TenantId,
        digest: &str,
        request_hash: &str,
        owner: Uuid,
        now: Millis,
        lease_until: Millis,
    ) -> Result<Begun, StoreError> {
        const ACTION: &str = "begin idempotent request";
        let expires = now.plus_ms(KEPT_MS);
        let values = Values::from([
            (":hash", s(request_hash)),
            (":owner", s(owner)),
            (":now", n(now.unix_ms())),
            (":lease", n(lease_until.unix_ms())),
            (":until", n(expires.unix_ms())),
            (":ttl", n(expires.unix_ms() / 1000 + TTL_SLACK_S)),
        ]);
        let fresh = "SET req = :hash, #owner = :owner, first_at = :now, lease = :lease, #until = :until, \
                     expires_at = :ttl REMOVE answer, #status, trace";
        let names = Names::from([("#owner", "owner"), ("#until", "until"), ("#status", "status")]);
        let begun = self
            .ephemeral
            .update(
                ACTION,
                keys::idempotency(tenant, digest),
                fresh,
                Some("attribute_not_exists(pk) OR #until <= :now"),
                names,
                values.clone(),
            )
            .await?;
        let old = match begun {
            Ok(()) => return Ok(Begun::Yes { first_at: now }),
            Err(Refused(old)) => old.unwrap_or_default(),
        };
        let known = read(&old).ok_or_else(|| StoreError::corrupt(ACTION, digest, "not a request"))?;
        if known.owner == owner.to_string() {
            // Our own write, whose answer got lost.
            return Ok(Begun::Yes { first_at: known.first_at });
        }
        if known.request_hash != request_hash {
            return Ok(Begun::OtherBody);
        }
        if let Some(answer) = known.answer {
            return Ok(Begun::Answered(answer));
        }
        if known.lease > now {
            return Ok(Begun::Running { until: known.lease });
        }
        // The first one died; its effects carry ids derived from its first moment, so they are not made twice.
        let taken = self
            .ephemeral
            .update(
                ACTION,
                keys::idempotency(tenant, digest),
                "SET #owner = :owner, lease = :lease",
                Some("#owner = :dead AND attribute_not_exists(answer)"),
                Names::from([("#owner", "owner")]),
                Values::from([
                    (":owner", s(owner)),
                    (":lease", n(lease_until.unix_ms())),
                    (":dead", s(&known.owner)),
                ]),
            )
            .await?;
        Ok(match taken {
            Ok(()) => Begun::Yes { first_at: known.first_at },
            Err(_) => Begun::Running { until: lease_until },
        })
    }

    /// Keeps the answer to a request that was begun.
    ///
    /// # Errors
    /// The table is unreachable; then the request may be made again and finds its effects.
    pub async fn finish_idempotent(
        &self,
        tenant: TenantId,
        digest: &str,
        owner: Uuid,
        answer: &StoredAnswer,
    ) -> Result<(), StoreError> {
        self.ephemeral
            .update(
                "finish idempotent request",
                keys::idempotency(tenant, digest),
                "SET answer = :answer, #status = :status, trace = :trace, #role = :role",
                Some("#owner = :owner AND attribute_not_exists(answer)"),
                Names::from([("#owner", "owner"), ("#status", "status"), ("#role", "role")]),
                Values::from([
                    (":role", s(answer.role.as_str())),
                    (":answer", s(&answer.body)),
                    (":status", n(u64::from(answer.status))),
                    (":trace", s(&answer.trace_id)),
                    (":owner", s(owner)),
                ]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Lets the next run of a request take over at once: this one ended without knowing what it did. The record stays, so
    /// that the next run makes everything under the same ids.
    ///
    /// # Errors
    /// The table is unreachable; then the next run waits until the lease ends.
    pub async fn release_idempotent(
        &self,
        tenant: TenantId,
        digest: &str,
        owner: Uuid,
    ) -> Result<(), StoreError> {
        self.ephemeral
            .update(
                "release idempotent request",
                keys::idempotency(tenant, digest),
                "SET lease = :zero",
                Some("#owner = :owner AND attribute_not_exists(answer)"),
                Names::from([("#owner", "owner")]),
                Values::from([(":zero", n(0)), (":owner", s(owner))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Forgets a request that had no effect, so that the key can be used again.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn forget_idempotent(
        &self,
        tenant: TenantId,
        digest: &str,
        owner: Uuid,
    ) -> Result<(), StoreError> {
        // Expired, not deleted: this needs no permission to delete.
        self.ephemeral
            .update(
                "forget idempotent request",
                keys::idempotency(tenant, digest),
                "SET #until = :zero",
                Some("#owner = :owner AND attribute_not_exists(answer)"),
                Names::from([("#owner", "owner"), ("#until", "until")]),
                Values::from([(":zero", n(0)), (":owner", s(owner))]),
            )
            .await?
            .ok();
        Ok(())
    }
}

struct Known {
    request_hash: String,
    owner: String,
    first_at: Millis,
    lease: Millis,
    answer: Option<StoredAnswer>,
}

fn read(item: &Item) -> Option<Known> {
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    };
    let number = |name: &str| match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse::<u64>().ok(),
        _ => None,
    };
    let answer = text("answer").zip(number("status")).and_then(|(body, status)| {
        let role = text("role").and_then(|role| Role::parse(&role)).unwrap_or(Role::Admin);
        Some(StoredAnswer { status: u16::try_from(status).ok()?, body, trace_id: text("trace")?, role })
    });
    Some(Known {
        request_hash: text("req")?,
        owner: text("owner")?,
        first_at: Millis::from_unix_ms(number("first_at")?),
        lease: Millis::from_unix_ms(number("lease")?),
        answer,
    })
}
