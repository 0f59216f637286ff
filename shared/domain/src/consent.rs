//! Consent: what a contact agreed to or withdrew, by the time it happened; a revocation wins a tie (I-9).

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What a consent is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConsentPurpose))]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Offers and campaigns: nothing goes out without a recorded opt-in.
    Marketing,
    /// Everything on WhatsApp: a revocation bars every message.
    Channel,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Marketing, Self::Channel];

    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Channel => "channel",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// What the latest consent event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ConsentState {
    /// Agreed.
    Granted,
    /// Withdrawn.
    Revoked,
    /// A box was ticked; it counts once the person confirms it.
    Pending,
}

impl ConsentState {
    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Revoked => "revoked",
            Self::Pending => "pending",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Granted, Self::Revoked, Self::Pending].into_iter().find(|state| state.as_str() == text)
    }
}

/// One purpose's standing: the state and when it came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConsentStanding))]
pub struct Standing {
    /// Agreed or withdrawn.
    pub state: ConsentState,
    /// When it happened.
    pub at: Millis,
}

impl Standing {
    /// Which of two standings holds: the later one; of two at the same moment the revocation.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let rank = |one: Self| (one.at, one.state == ConsentState::Revoked);
        if rank(other) > rank(self) { other } else { self }
    }
}

/// What a contact's consents allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Consents {
    /// Offers and campaigns.
    pub marketing: Option<Standing>,
    /// Everything.
    pub channel: Option<Standing>,
    /// When marketing was last asked for and not confirmed. Apart from the standing, because it moves none: it takes no
    /// agreement away and undoes no withdrawal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketing_asked_at: Option<Millis>,
    /// When the one message that asks the person to confirm it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketing_requested_at: Option<Millis>,
    /// When the latest withdrawal was confirmed to the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketing_stop_confirmed_at: Option<Millis>,
    /// Since when their data is kept and not used: nothing may be sent, what they write is still recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted_at: Option<Millis>,
}

impl Consents {
    /// Joins a standing in; order and repetition change nothing.
    #[must_use]
    pub fn with(mut self, purpose: Purpose, standing: Standing) -> Self {
        if standing.state == ConsentState::Pending {
            if purpose == Purpose::Marketing {
                self.marketing_asked_at = self.marketing_asked_at.max(Some(standing.at));
            }
            return self;
        }
        let slot = match purpose {
            Purpose::Marketing => &mut self.marketing,
            Purpose::Channel => &mut self.channel,
        };
        *slot = Some(slot.map_or(standing, |known| known.join(standing)));
        self
    }

    /// Joins a restriction in: of several contacts that are one person, the first to be restricted restricts all.
    #[must_use]
    pub fn restricted(mut self, since: Option<Millis>) -> Self {
        self.restricted_at = match (self.restricted_at, since) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self
    }

    /// Whether every message is barred.
    #[must_use]
    pub fn bars_everything(&self) -> bool {
        self.restricted_at.is_some()
            || self.channel.is_some_and(|standing| standing.state == ConsentState::Revoked)
    }

    /// Whether marketing was asked for and waits for the person's word: neither agreed to, nor withdrawn since.
    #[must_use]
    pub fn awaits_marketing(&self) -> bool {
        let Some(asked) = self.marketing_asked_at else { return false };
        !self.bars_everything()
            && match self.marketing {
                None => true,
                Some(Standing { state: ConsentState::Granted, .. }) => false,
                Some(Standing { at, .. }) => asked > at,
            }
    }

    /// Whether the person may be asked to confirm a ticked box: once ever, and never after they decided.
    #[must_use]
    pub fn may_be_asked(&self) -> bool {
        self.marketing_asked_at.is_some()
            && self.marketing.is_none()
            && self.marketing_requested_at.is_none()
            && !self.bars_everything()
    }

    /// Whether marketing messages are allowed.
    #[must_use]
    pub fn allows_marketing(&self) -> bool {
        !self.bars_everything()
            && self.marketing.is_some_and(|standing| standing.state == ConsentState::Granted)
    }
}

/// An event of one purpose, as far as an answer is held against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What it said.
    pub state: ConsentState,
    /// When it happened.
    pub at: Millis,
}

/// The ticked box that a yes confirms: the latest of the events before it that nothing was decided after. Providers tell
/// whole seconds, so that a yes in the second of the box came after it.
///
/// `events` are those of the purpose and the person, in any order; the place of the box among them is answered.
#[must_use]
pub fn confirmed_by(events: &[Event], yes_at: Millis) -> Option<usize> {
    let told = yes_at.plus_ms(999);
    let asked = events.iter().enumerate();
    let asked = asked.filter(|(_, one)| one.state == ConsentState::Pending && one.at <= told);
    let (place, asked) = asked.max_by_key(|(_, one)| one.at)?;
    let decided = events.iter().any(|one| match one.state {
        ConsentState::Pending => false,
        // At the moment of the box the withdrawal wins, the agreement makes the answer needless.
        ConsentState::Revoked | ConsentState::Granted => one.at >= asked.at && one.at <= yes_at,
    });
    (!decided).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_yes_confirms_the_box_that_nothing_was_decided_after() {
        use ConsentState::{Granted, Pending, Revoked};
        for (events, yes_at, confirmed) in [
            (vec![], 5_000, None),
            (vec![(Pending, 1_000)], 5_000, Some(0)),
            (vec![(Pending, 9_000)], 5_000, None),
            (vec![(Pending, 5_700)], 5_000, Some(0)),
            (vec![(Pending, 6_000)], 5_000, None),
            (vec![(Pending, 1_000), (Revoked, 2_000)], 5_000, None),
            (vec![(Pending, 1_000), (Granted, 2_000)], 5_000, None),
            (vec![(Pending, 1_000), (Revoked, 1_000)], 5_000, None),
            // A withdrawal that came after the yes does not make it no yes; it wins all the same.
            (vec![(Pending, 1_000), (Revoked, 7_000)], 5_000, Some(0)),
            (vec![(Revoked, 1_000), (Pending, 2_000)], 5_000, Some(1)),
            (vec![(Pending, 2_000), (Pending, 3_000), (Revoked, 1_000)], 5_000, Some(1)),
        ] {
            let events: Vec<Event> =
                events.into_iter().map(|(state, at)| Event { state, at: Millis::from_unix_ms(at) }).collect();
            assert_eq!(confirmed_by(&events, Millis::from_unix_ms(yes_at)), confirmed, "{events:?}");
        }
    }

    #[test]
    fn a_person_is_asked_once_and_never_after_they_decided() {
        use ConsentState::{Granted, Pending, Revoked};
        let fold = |events: &[(ConsentState, u64)]| {
            events.iter().fold(Consents::default(), |all, (state, at)| {
                all.with(Purpose::Marketing, standing(*state, *at))
            })
        };
        assert!(!fold(&[]).may_be_asked());
        assert!(fold(&[(Pending, 1)]).may_be_asked());
        assert!(!fold(&[(Pending, 1), (Granted, 2)]).may_be_asked());
        assert!(!fold(&[(Revoked, 1), (Pending, 2)]).may_be_asked());
        let asked =
            Consents { marketing_requested_at: Some(Millis::from_unix_ms(3)), ..fold(&[(Pending, 1)]) };
        assert!(!asked.may_be_asked() && asked.awaits_marketing());
        let barred = fold(&[(Pending, 1)]).with(Purpose::Channel, standing(Revoked, 2));
        assert!(!barred.may_be_asked());
    }

    fn standing(state: ConsentState, n: u64) -> Standing {
        Standing { state, at: Millis::from_unix_ms(n) }
    }

    #[test]
    fn a_revocation_wins_a_tie_and_an_older_yes_does_not_undo_a_newer_stop() {
        let (yes, no) = (standing(ConsentState::Granted, 5), standing(ConsentState::Revoked, 5));
        assert_eq!(yes.join(no), no);
        assert_eq!(no.join(yes), no);
        assert_eq!(no.join(standing(ConsentState::Granted, 4)), no);
        assert_eq!(no.join(standing(ConsentState::Granted, 6)).state, ConsentState::Granted);
    }

    #[test]
    fn a_channel_revocation_bars_marketing_too_and_a_marketing_one_bars_nothing_else() {
        let granted = Consents::default().with(Purpose::Marketing, standing(ConsentState::Granted, 1));
        assert!(granted.allows_marketing() && !granted.bars_everything());
        let barred = granted.with(Purpose::Channel, standing(ConsentState::Revoked, 2));
        assert!(barred.bars_everything() && !barred.allows_marketing());
        let stopped = granted.with(Purpose::Marketing, standing(ConsentState::Revoked, 2));
        assert!(!stopped.allows_marketing() && !stopped.bars_everything());
    }

    #[test]
    fn a_ticked_box_allows_nothing_takes_nothing_away_and_undoes_no_withdrawal() {
        use ConsentState::{Granted, Pending, Revoked};
        for (events, allowed, awaited) in [
            (vec![(Pending, 1)], false, true),
            (vec![(Granted, 1), (Pending, 2)], true, false),
            (vec![(Pending, 1), (Granted, 2)], true, false),
            (vec![(Pending, 1), (Revoked, 1)], false, false),
            (vec![(Pending, 1), (Revoked, 2)], false, false),
            (vec![(Revoked, 1), (Pending, 2)], false, true),
            (vec![(Granted, 1), (Revoked, 2), (Pending, 3)], false, true),
        ] {
            let fold = events.iter().fold(Consents::default(), |all, (state, at)| {
                all.with(Purpose::Marketing, standing(*state, *at))
            });
            assert_eq!((fold.allows_marketing(), fold.awaits_marketing()), (allowed, awaited), "{events:?}");
            let barred = fold.with(Purpose::Channel, standing(Revoked, 9));
            assert!(!barred.allows_marketing() && !barred.awaits_marketing());
        }
    }

    proptest! {
        #[test]
        fn any_order_of_consent_events_ends_equal(
            (events, shuffled) in prop::collection::vec((any::<bool>(), 0usize..3, 0u64..4), 0..8)
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
        ) {
            let fold = |events: &[(bool, usize, u64)]| {
                events.iter().fold(Consents::default(), |all, (channel, state, at)| {
                    let purpose = if *channel { Purpose::Channel } else { Purpose::Marketing };
                    let states = [ConsentState::Granted, ConsentState::Revoked, ConsentState::Pending];
                    all.with(purpose, standing(states[*state], *at))
                })
            };
            prop_assert_eq!(fold(&events), fold(&shuffled));
        }
    }
}
