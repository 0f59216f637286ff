//! Which of a tenant's numbers carries a conversation, after numbers took each other's place.
//!
//! A number that took another's place says so in its settings (`replaces`). Conversations keep the number their customer
//! wrote to; what is sent follows the replacements from there, so a roll-back is the removal of an entry.

use domain::consent::{ConsentState, Consents};
use domain::provider::Provider;
use domain::time::Millis;
use platform::dynamo::{Integration, Replaced};

/// How many replacements in a row are followed.
const AT_MOST: usize = 16;

/// A number, as items name it.
pub(crate) type Carried = (Provider, String);

fn is(integration: &Integration, provider: Provider, number: &str) -> bool {
    // A channel that was connected without a name carries whatever number its webhooks name.
    let unnamed = integration.number_id() == "-";
    integration.number.provider == provider && (unnamed || integration.number_id() == number)
}

/// The number that took the place of another one last, with the entry that says so.
fn successor<'i>(
    all: &'i [Integration],
    (provider, number): (Provider, &str),
) -> Option<(&'i Integration, &'i Replaced)> {
    let takes = |one: &'i Integration| {
        let of_it = move |entry: &&Replaced| {
            entry.provider == provider && entry.number == number && !is(one, provider, number)
        };
        one.about.replaces.iter().filter(of_it).map(move |entry| (one, entry))
    };
    all.iter().flat_map(takes).max_by_key(|(_, entry)| entry.at)
}

/// Where a number's conversations go now: itself while nothing took its place.
fn end<'i>(all: &'i [Integration], from: &'i Integration) -> &'i Integration {
    let mut at = from;
    for _ in 0..AT_MOST {
        match successor(all, (at.number.provider, at.number_id())) {
            Some((next, _)) => at = next,
            None => break,
        }
    }
    at
}

/// The number that new conversations go out on: the one connected first, or what took its place; one that works goes
/// before one that does not.
pub(crate) fn primary(all: &[Integration]) -> Option<&Integration> {
    let rank = |one: &&Integration| {
        let begun = one.about.replaces.iter().filter_map(|entry| entry.connected_at);
        (one.status != "live", begun.chain(one.about.connected_at).min())
    };
    let stands = |one: &&Integration| end(all, one).sort_key() == one.sort_key();
    all.iter().filter(stands).min_by_key(rank)
}

/// The number that a conversation goes out on: the one its customer wrote to or what took its place, else the primary.
pub(crate) fn carrier<'i>(all: &'i [Integration], carried: Option<&Carried>) -> Option<&'i Integration> {
    let of_it = carried.and_then(|(provider, number)| {
        let same = all.iter().find(|one| is(one, *provider, number)).map(|one| end(all, one));
        // Taken away since; what took its place remembers it.
        same.or_else(|| successor(all, (*provider, number)).map(|(next, _)| end(all, next)))
    });
    of_it.or_else(|| primary(all))
}

/// Which number took the place of this one.
pub(crate) fn replaced_by<'i>(all: &'i [Integration], one: &'i Integration) -> Option<&'i Integration> {
    Some(end(all, one)).filter(|last| last.sort_key() != one.sort_key())
}

/// Since when customers of a conversation are written to from another phone number than the one they wrote to; `None`
/// when it is the same.
pub(crate) fn changed_since(
    via: &Integration,
    carried: Option<&Carried>,
    last_inbound: Option<Millis>,
) -> Option<Millis> {
    let changes = via.about.replaces.iter().filter(|entry| entry.changed);
    let concerns = |entry: &&Replaced| match carried {
        // Who never wrote agreed to hear from the number of that time.
        None => true,
        Some((provider, number)) if is(via, *provider, number) => {
            // The same channel with another SIM: what was written since was written to the new one.
            is(via, entry.provider, &entry.number) && last_inbound.is_none_or(|at| at < entry.at)
        }
        Some((provider, number)) => entry.provider == *provider && entry.number == *number,
    };
    changes.filter(concerns).map(|entry| entry.at).max()
}

/// Whether a person must agree again before offers are sent: the number changed, and neither did they write to the new
/// one nor agree since.
pub(crate) fn needs_reoptin(
    via: &Integration,
    carried: Option<&Carried>,
    last_inbound: Option<Millis>,
    consents: &Consents,
) -> bool {
    let Some(since) = changed_since(via, carried, last_inbound) else { return false };
    if carried.is_none() && consents.marketing.is_none() {
        // Nobody to ask again: nothing was ever agreed.
        return false;
    }
    !consents.marketing.is_some_and(|one| one.state == ConsentState::Granted && one.at >= since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::consent::{Purpose, Standing};
    use domain::tenant::Number;
    use platform::dynamo::About;
    use std::collections::BTreeMap;

    const fn at(ms: u64) -> Millis {
        Millis::from_unix_ms(ms)
    }

    fn number(provider: Provider, id: &str, connected: u64) -> Integration {
        let (phone_number_id, instance_id) = match provider {
            Provider::Ultramsg => (None, Some(id.to_owned())),
            _ => (Some(id.to_owned()), None),
        };
        Integration {
            number: Number { provider, phone_number_id, waba_id: None, instance_id },
            status: "live".to_owned(),
            broken_reason: None,
            sealed: BTreeMap::new(),
            versions: BTreeMap::new(),
            revision: 1,
            about: About { connected_at: Some(at(connected)), ..About::default() },
        }
    }

    fn takes(mut new: Integration, old: &Integration, when: u64, changed: bool) -> Integration {
        new.about.replaces.push(Replaced {
            provider: old.number.provider,
            number: old.number_id().to_owned(),
            connected_at: old.about.connected_at,
            at: at(when),
            changed,
        });
        new
    }

    fn name(one: Option<&Integration>) -> &str {
        one.map_or("none", Integration::number_id)
    }

    #[test]
    fn a_conversation_stays_on_its_number_until_another_took_its_place() {
        let (old, new, third) = (
            number(Provider::Ultramsg, "7", 1),
            number(Provider::Meta, "1", 2),
            number(Provider::Meta, "9", 3),
        );
        let carried = (Provider::Ultramsg, "7".to_owned());
        let on_third = (Provider::Meta, "9".to_owned());
        let before = [new.clone(), third.clone(), old.clone()];
        assert_eq!(name(primary(&before)), "7", "the first connected, not the first by name");
        assert_eq!(name(carrier(&before, Some(&carried))), "7");
        let after = [takes(new.clone(), &old, 10, true), third.clone(), old.clone()];
        assert_eq!(name(primary(&after)), "1");
        assert_eq!(name(carrier(&after, Some(&carried))), "1");
        assert_eq!(name(carrier(&after, Some(&on_third))), "9", "others stay where they are");
        assert_eq!(name(replaced_by(&after, &after[2])), "1");
        let gone = [after[0].clone(), third.clone()];
        assert_eq!(name(carrier(&gone, Some(&carried))), "1", "the old one was taken away");
        let again = [after[0].clone(), takes(third, &after[0], 20, true), old];
        assert_eq!(name(carrier(&again, Some(&carried))), "9", "and so on");
    }

    #[test]
    fn two_numbers_in_place_of_each_other_end_somewhere() {
        let (one, two) = (number(Provider::Meta, "1", 1), number(Provider::Meta, "2", 2));
        let both = [takes(one.clone(), &two, 10, false), takes(two, &one, 20, false)];
        assert!(carrier(&both, Some(&(Provider::Meta, "1".to_owned()))).is_some());
    }

    #[test]
    fn who_wrote_to_another_phone_must_agree_again_until_they_write_or_agree() {
        let old = number(Provider::Ultramsg, "7", 1);
        let new = takes(number(Provider::Meta, "1", 2), &old, 10, true);
        let moved = takes(number(Provider::Meta, "1", 2), &old, 10, false);
        let swapped = takes(old.clone(), &old, 10, true);
        let (on_old, on_new) = ((Provider::Ultramsg, "7".to_owned()), (Provider::Meta, "1".to_owned()));
        let agreed = |when| {
            let state = ConsentState::Granted;
            Consents::default().with(Purpose::Marketing, Standing { state, at: at(when) })
        };
        let none = Consents::default();
        for (via, carried, wrote, consents, flagged) in [
            (&new, Some(&on_old), Some(5), none, true),
            (&new, Some(&on_old), Some(15), agreed(5), true),
            (&new, Some(&on_old), Some(5), agreed(11), false),
            (&new, Some(&on_new), Some(15), agreed(5), false),
            (&new, None, None, agreed(5), true),
            (&new, None, None, agreed(10), false),
            (&new, None, None, none, false),
            (&moved, Some(&on_old), Some(5), agreed(5), false),
            (&old, Some(&on_old), Some(5), agreed(5), false),
            (&swapped, Some(&on_old), Some(5), agreed(5), true),
            (&swapped, Some(&on_old), Some(15), agreed(5), false),
        ] {
            let found = needs_reoptin(via, carried, wrote.map(at), &consents);
            assert_eq!(found, flagged, "{carried:?} wrote {wrote:?}, {consents:?}");
        }
    }
}
