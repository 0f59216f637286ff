//! A number takes another one's place, and gives it back. Both stay connected and go on receiving; what was queued
//! before goes out on the number it was queued for.

use super::{IntegrationError, Outside, audit, check};
use crate::numbers::{primary, replaced_by};
use crate::send::By;
use domain::number::ConnectionStatus;
use domain::provider::Provider;
use domain::time::Millis;
use platform::dynamo::{Connected as Saved, Integration, Replaced};

/// What a cut-over or roll-back left.
#[derive(Debug, Clone)]
pub struct CutOver {
    /// The number's settings as they are now.
    pub integration: Integration,
    /// What customers and admins have to know.
    pub warnings: Vec<String>,
}

/// What an admin says about a cut-over.
#[derive(Debug, Clone, Default)]
pub struct CutOverFrom {
    /// The number to be replaced; without one it is the primary number.
    pub number: Option<(Provider, String)>,
    /// Whether both are the same phone number, where the providers do not tell.
    pub same_number: Option<bool>,
}

/// Sends conversations of another number through this one from now on, after a look whether it works. Doing it again
/// changes nothing.
///
/// # Errors
/// [`IntegrationError::NotReady`] when it does not work; [`IntegrationError::NotReplaceable`] when there is nothing to
/// replace, or the other one replaces this one; the table or KMS did not answer.
pub async fn cut_over(
    outside: Outside<'_>,
    by: By,
    to: &Integration,
    all: &[Integration],
    from: &CutOverFrom,
    now: Millis,
) -> Result<CutOver, IntegrationError> {
    let old = match &from.number {
        Some((provider, number)) => {
            let named = |one: &&Integration| one.number.provider == *provider && one.number_id() == number;
            all.iter()
                .find(named)
                .ok_or(IntegrationError::NotReplaceable("The number to replace is not connected."))?
        }
        None => match primary(all) {
            Some(first) if first.sort_key() != to.sort_key() => first,
            // It is done already, or there is nothing else.
            _ if to.about.replaces.iter().any(|entry| other(to, entry)) => {
                return Ok(CutOver { integration: to.clone(), warnings: Vec::new() });
            }
            _ => {
                return Err(IntegrationError::NotReplaceable(
                    "This is the number that messages go out on already, and none is named that it is to replace.",
                ));
            }
        },
    };
    if old.sort_key() == to.sort_key() {
        return Err(IntegrationError::NotReplaceable("A number cannot take its own place."));
    }
    if replaced_by(all, old).is_some_and(|last| last.sort_key() == to.sort_key()) {
        return Ok(CutOver { integration: to.clone(), warnings: Vec::new() });
    }
    if replaced_by(all, to).is_some() {
        return Err(IntegrationError::NotReplaceable(
            "Another number took this one's place; roll that back instead.",
        ));
    }
    let checked = check(outside, by.tenant, to, now).await?;
    if checked.status != ConnectionStatus::Live {
        return Err(IntegrationError::NotReady { status: checked.status, message: checked.message });
    }
    let (changed, warnings) = compared(old, to, from.same_number);
    let entry = |provider, number: &str, connected_at, changed| Replaced {
        provider,
        number: number.to_owned(),
        connected_at,
        at: now,
        changed,
    };
    let mut made = to.clone();
    for earlier in &old.about.replaces {
        if other(old, earlier) {
            let changed = changed || earlier.changed;
            made.about.replaces.push(entry(earlier.provider, &earlier.number, earlier.connected_at, changed));
        }
    }
    made.about.replaces.push(entry(old.number.provider, old.number_id(), old.about.connected_at, changed));
    save(outside, by, &mut made, to, "integration.cut_over", now).await?;
    Ok(CutOver { integration: made, warnings })
}

/// Takes the latest cut-over to this number back. Without one, nothing changes.
///
/// # Errors
/// [`IntegrationError::NotReplaceable`] when no number that was replaced is connected any more; the table did not
/// answer.
pub async fn roll_back(
    outside: Outside<'_>,
    by: By,
    to: &Integration,
    all: &[Integration],
    now: Millis,
) -> Result<CutOver, IntegrationError> {
    let Some(latest) = to.about.replaces.iter().filter(|entry| other(to, entry)).map(|entry| entry.at).max()
    else {
        return Ok(CutOver { integration: to.clone(), warnings: Vec::new() });
    };
    let undone = |entry: &Replaced| other(to, entry) && entry.at == latest;
    let connected = |entry: &Replaced| {
        all.iter().any(|one| one.number.provider == entry.provider && one.number_id() == entry.number)
    };
    if !to.about.replaces.iter().any(|entry| undone(entry) && connected(entry)) {
        return Err(IntegrationError::NotReplaceable(
            "The number that was replaced is not connected any more; connect it again first.",
        ));
    }
    let mut made = to.clone();
    made.about.replaces.retain(|entry| !undone(entry));
    save(outside, by, &mut made, to, "integration.roll_back", now).await?;
    Ok(CutOver { integration: made, warnings: Vec::new() })
}

/// Whether an entry is about another number, not about a SIM before this one's.
fn other(of: &Integration, entry: &Replaced) -> bool {
    entry.provider != of.number.provider || entry.number != of.number_id()
}

/// Whether customers see another phone number, and what to say about it.
fn compared(old: &Integration, new: &Integration, said: Option<bool>) -> (bool, Vec<String>) {
    match (phone(old), phone(new)) {
        (Some(one), Some(two)) if one == two => (false, Vec::new()),
        (Some(one), Some(two)) => (
            true,
            vec![format!(
                "The phone number changes from +{one} to +{two}. Customers agreed to hear from the old one: offers to \
                 them are refused (`needs_reoptin`) until they write to the new one or agree again, and free-form \
                 messages until they write to the new one."
            )],
        ),
        _ if said == Some(true) => (false, Vec::new()),
        _ => (
            true,
            vec![
                "The providers do not tell whether both are the same phone number, so it counts as another one: \
                 customers have to agree again before offers (`needs_reoptin`). If it is the same, roll back and say \
                 `\"same_number\": true`."
                    .to_owned(),
            ],
        ),
    }
}

/// The digits of the phone number that customers see.
fn phone(integration: &Integration) -> Option<String> {
    let shown = integration.about.facts.display_phone_number.as_deref();
    let digits: String = shown.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    integration.about.linked_phone.clone().or_else(|| Some(digits).filter(|digits| !digits.is_empty()))
}

async fn save(
    outside: Outside<'_>,
    by: By,
    new: &mut Integration,
    old: &Integration,
    action: &str,
    now: Millis,
) -> Result<(), IntegrationError> {
    new.revision += 1;
    match outside.platform.store.connect_number(by.tenant, new, Some(old)).await? {
        Saved::Yes => audit(outside.platform, by, action, new, now).await.map_err(Into::into),
        Saved::Taken | Saved::Changed => Err(IntegrationError::Changed),
    }
}

/// Notes that the instance is linked to another phone than before: its customers agreed to hear from that one.
pub(super) fn swapped_sim(integration: &mut Integration, now: Millis) {
    let entry = Replaced {
        provider: integration.number.provider,
        number: integration.number_id().to_owned(),
        connected_at: None,
        at: now,
        changed: true,
    };
    integration
        .about
        .replaces
        .retain(|known| known.provider != entry.provider || known.number != entry.number);
    integration.about.replaces.push(entry);
}
