//! Leases: schedules fire at least once, so what must not run twice at a time takes one.

use super::wire::{Names, StoreError, Values, n, s};
use super::{Store, keys};
use domain::time::Millis;

impl Store {
    /// Takes a named lease until `until` for `owner`; false when somebody else holds it. `expires_at` is in seconds,
    /// as the table's time-to-live wants it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn take_lease(
        &self,
        name: &str,
        owner: &str,
        now: Millis,
        until: Millis,
    ) -> Result<bool, StoreError> {
        let values = Values::from([
            (":owner", s(owner)),
            (":until", n(until.unix_ms())),
            (":now", n(now.unix_ms())),
            (":ttl", n(until.unix_ms() / 1000 + 3600)),
        ]);
        let taken = self
            .ephemeral
            .update(
                "take lease",
                keys::lease(name),
                "SET #owner = :owner, #until = :until, expires_at = :ttl",
                Some("attribute_not_exists(#until) OR #until < :now OR #owner = :owner"),
                Names::from([("#owner", "owner"), ("#until", "until")]),
                values,
            )
            .await?;
        Ok(taken.is_ok())
    }
}
