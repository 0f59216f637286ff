//! Delivery receipts: the status shown is a pure function of the set of receipts, whatever their order.

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What a provider reports about a message we sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receipt {
    /// Left the provider.
    Sent,
    /// Reached the phone.
    Delivered,
    /// Was read.
    Read,
    /// A voice note was played.
    Played,
    /// Will not arrive.
    Failed,
}

impl Receipt {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sent, Self::Delivered, Self::Read, Self::Played, Self::Failed];

    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|receipt| receipt.as_str() == text)
    }
}

/// The earliest time of each receipt that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipts {
    /// When it left the provider.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sent_at: Option<Millis>,
    /// When it reached the phone; `read` implies it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivered_at: Option<Millis>,
    /// When it was read; `played` implies it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read_at: Option<Millis>,
    /// When a voice note was first played.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub played_at: Option<Millis>,
    /// When it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failed_at: Option<Millis>,
}

impl Receipts {
    /// Joins one receipt in; the earliest time of each kind stays.
    #[must_use]
    pub fn with(mut self, receipt: Receipt, at: Millis) -> Self {
        let slot = match receipt {
            Receipt::Sent => &mut self.sent_at,
            Receipt::Delivered => &mut self.delivered_at,
            Receipt::Read => &mut self.read_at,
            Receipt::Played => &mut self.played_at,
            Receipt::Failed => &mut self.failed_at,
        };
        *slot = Some(slot.map_or(at, |known| known.min(at)));
        self
    }

    /// The status to show: `failed` wins, else the highest that came; `None` when nothing came yet.
    #[must_use]
    pub fn status(&self) -> Option<Receipt> {
        [
            (self.failed_at, Receipt::Failed),
            (self.played_at, Receipt::Played),
            (self.read_at, Receipt::Read),
            (self.delivered_at, Receipt::Delivered),
            (self.sent_at, Receipt::Sent),
        ]
        .into_iter()
        .find_map(|(at, receipt)| at.map(|_| receipt))
    }

    /// The same receipts with what they imply filled in: played implies read, read implies delivered.
    #[must_use]
    pub fn implied(mut self) -> Self {
        self.read_at = self.read_at.or(self.played_at);
        self.delivered_at = self.delivered_at.or(self.read_at);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(n: u64) -> Millis {
        Millis::from_unix_ms(1_000 * n)
    }

    #[test]
    fn a_late_delivered_receipt_never_hides_read() {
        let receipts = Receipts::default().with(Receipt::Read, at(5)).with(Receipt::Delivered, at(3));
        assert_eq!(receipts.status(), Some(Receipt::Read));
    }

    #[test]
    fn failed_is_final_and_a_late_delivered_keeps_its_time() {
        let receipts = Receipts::default().with(Receipt::Failed, at(2)).with(Receipt::Delivered, at(3));
        assert_eq!(receipts.status(), Some(Receipt::Failed));
        assert_eq!(receipts.delivered_at, Some(at(3)));
    }

    #[test]
    fn read_without_delivered_sets_delivered() {
        let receipts = Receipts::default().with(Receipt::Read, at(7)).implied();
        assert_eq!(receipts.delivered_at, Some(at(7)));
    }

    fn receipts() -> impl Strategy<Value = Vec<(Receipt, u64)>> {
        let one = (prop::sample::select(Receipt::ALL.to_vec()), 0u64..8);
        prop::collection::vec(one, 0..7)
    }

    proptest! {
        #[test]
        fn any_order_and_any_duplication_of_receipts_gives_the_same_result(
            (set, shuffled) in receipts().prop_flat_map(|set| {
                let twice = [set.clone(), set.clone()].concat();
                (Just(set), Just(twice).prop_shuffle())
            })
        ) {
            let fold = |list: &[(Receipt, u64)]| {
                list.iter().fold(Receipts::default(), |all, (receipt, n)| all.with(*receipt, at(*n)))
            };
            prop_assert_eq!(fold(&set), fold(&shuffled));
            prop_assert_eq!(fold(&set).status(), fold(&shuffled).status());
        }
    }
}
