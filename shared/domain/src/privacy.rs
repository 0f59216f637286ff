//! What a tenant decides about the data of persons: how long it is kept, and where it is sent.

use serde::{Deserialize, Serialize};

/// The longest that anything is kept by a rule, in days: ten years.
const LONGEST_DAYS: u32 = 3_650;
/// How many transfers are written down at most.
const MOST_TRANSFERS: usize = 100;
/// The longest text of a transfer, in characters.
const LONGEST_TEXT: usize = 500;

/// How long what is kept, in days; `null` is for ever. The consent ledger and the audit log are kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Messages with their files, receipts and reactions, and messages of groups.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3650))]
    pub messages_days: Option<u32>,
    /// What happened beside messages: calls, notes, changes of leads.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3650))]
    pub timeline_days: Option<u32>,
    /// The event log with its bodies, parked events among them.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3650))]
    pub events_days: Option<u32>,
    /// Deliveries of customer webhooks with their bodies.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3650))]
    pub deliveries_days: Option<u32>,
}

impl Retention {
    /// The first field that cannot be what it is.
    #[must_use]
    pub fn objection(&self) -> Option<&'static str> {
        let days = [
            ("messages_days", self.messages_days),
            ("timeline_days", self.timeline_days),
            ("events_days", self.events_days),
            ("deliveries_days", self.deliveries_days),
        ];
        let wrong = |days: Option<u32>| days.is_some_and(|days| !(1..=LONGEST_DAYS).contains(&days));
        days.into_iter().find(|(_, days)| wrong(*days)).map(|(field, _)| field)
    }
}

/// A transfer of data as a tenant writes it down: one of its own, or what the law allows one that is known by itself by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TransferEntry))]
#[serde(deny_unknown_fields)]
pub struct TransferNote {
    /// The id of a transfer that is known by itself, such as `meta`; or a name of the tenant's own.
    pub id: String,
    /// Who receives it; may be left out for one that is known by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Where that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// What the law allows it by, such as consent or a contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
}

/// Everything that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PrivacySettings {
    /// How long what is kept.
    pub retention: Retention,
    /// Where data is sent, as written down.
    pub transfers: Vec<TransferNote>,
}

/// Why transfers cannot be written down so: the field and the words; `None` when they can.
#[must_use]
pub fn objection_to_transfers(notes: &[TransferNote]) -> Option<(String, String)> {
    if notes.len() > MOST_TRANSFERS {
        return Some(("entries".to_owned(), format!("At most {MOST_TRANSFERS} entries.")));
    }
    for (place, note) in notes.iter().enumerate() {
        let texts = [
            ("id", Some(&note.id)),
            ("recipient", note.recipient.as_ref()),
            ("region", note.region.as_ref()),
            ("purpose", note.purpose.as_ref()),
            ("legal_basis", note.legal_basis.as_ref()),
        ];
        for (field, text) in texts {
            let wrong = |text: &String| text.trim().is_empty() || text.chars().count() > LONGEST_TEXT;
            if text.is_some_and(wrong) {
                let words = format!("Expected 1 to {LONGEST_TEXT} characters.");
                return Some((format!("entries.{place}.{field}"), words));
            }
        }
        if notes.iter().take(place).any(|other| other.id == note.id) {
            return Some((format!("entries.{place}.id"), "This id is there twice.".to_owned()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(id: &str) -> TransferNote {
        TransferNote { id: id.to_owned(), recipient: None, region: None, purpose: None, legal_basis: None }
    }

    #[test]
    fn days_are_one_to_ten_years_or_for_ever() {
        assert_eq!(Retention::default().objection(), None);
        assert_eq!(Retention { events_days: Some(1), ..Retention::default() }.objection(), None);
        assert_eq!(
            Retention { events_days: Some(0), ..Retention::default() }.objection(),
            Some("events_days")
        );
        let longer = Retention { messages_days: Some(3_651), ..Retention::default() };
        assert_eq!(longer.objection(), Some("messages_days"));
    }

    #[test]
    fn a_transfer_has_a_name_of_its_own_and_texts_that_say_something() {
        assert_eq!(objection_to_transfers(&[note("meta"), note("crm")]), None);
        let field = |notes: &[TransferNote]| objection_to_transfers(notes).map(|(field, _)| field);
        assert_eq!(field(&[note("meta"), note("meta")]).as_deref(), Some("entries.1.id"));
        assert_eq!(field(&[note(" ")]).as_deref(), Some("entries.0.id"));
        let blank = TransferNote { region: Some(String::new()), ..note("a") };
        assert_eq!(field(&[blank]).as_deref(), Some("entries.0.region"));
        assert_eq!(field(&vec![note("a"); 101]).as_deref(), Some("entries"));
    }
}
