//! A message that we sent, as the API shows it: what was accepted, where it stands, and what the provider reported.

use super::message::{Message, Owner, Reaction, blank, reactions};
use domain::failure::Failure;
use domain::message::{Location, Media, ReplyContext, ReportedError};
use domain::outbound::SendState;
use domain::outgoing::{MediaSource, Outgoing, OutgoingMedia};
use domain::provider::Provider;
use domain::receipt::Receipts;
use domain::time::Millis;
use platform::dynamo::{Annex, Entry, SendRecord};
use providers::outbound::failure_of_code;
use std::collections::HashMap;

/// A message of ours with its receipts.
pub(super) fn show(
    owner: Owner,
    entry: &Entry,
    send: SendRecord,
    annexes: &HashMap<String, Annex>,
) -> Message {
    let nothing = Annex::default();
    let annex = send.provider_message_id.as_ref().and_then(|id| annexes.get(id)).unwrap_or(&nothing);
    let reported: Vec<ReportedError> =
        annex.errors.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let mut message = Message {
        status: status(send.state, &annex.receipts),
        statuses: statuses(&annex.receipts, send.sent_at),
        error: error(&send, &reported),
        errors: reported,
        cost: annex.pricing.as_deref().and_then(|json| serde_json::from_str(json).ok()),
        purpose: Some(send.purpose),
        held_for: send.held_for.filter(|_| send.state == SendState::Held),
        release_at: send.release_at.filter(|_| send.state == SendState::Held),
        version: Some(send.revision).filter(|_| send.state == SendState::Held),
        not_before: send.not_before,
        attempts: Some(send.attempts),
        simulated: send.provider == Provider::Sandbox,
        revoked_at: annex.revoked_at,
        reactions: reactions(annex),
        context: send.part.reply_to.map(|id| ReplyContext { id: Some(id), ..ReplyContext::default() }),
        provider_message_id: send.provider_message_id,
        ..blank(owner, entry)
    };
    if annex.revoked_at.is_none() {
        say(send.part.content, send.part.filled.map(|filled| filled.rendered), &mut message);
    }
    message
}

/// Where it stands: what the provider reported wins over our own state, for it is later.
fn status(state: SendState, receipts: &Receipts) -> &'static str {
    receipts.status().map_or(state.as_str(), |receipt| receipt.as_str())
}

fn statuses(receipts: &Receipts, taken_at: Option<Millis>) -> Receipts {
    let mut shown = receipts.implied();
    shown.sent_at = shown.sent_at.or(taken_at);
    shown
}

/// What is wrong: as the provider reported it later, else as its answer said.
fn error(send: &SendRecord, reported: &[ReportedError]) -> Option<Failure> {
    // A status without a code says nothing that the table knows.
    let later = reported.iter().find(|error| error.code != 0);
    let later =
        later.map(|error| failure_of_code(error.code, error.title.as_deref(), error.details.as_deref()));
    later.or_else(|| send.failure.clone())
}

fn say(content: Outgoing, rendered: Option<String>, message: &mut Message) {
    match content {
        Outgoing::Text { body, .. } => message.text = Some(body),
        Outgoing::Template(used) => {
            message.text = rendered;
            message.template = Some(used);
        }
        Outgoing::Media(OutgoingMedia { source, caption, filename, .. }) => {
            let (id, url) = match source {
                MediaSource::Id(id) => (Some(id), None),
                MediaSource::Url(url) => (None, Some(url)),
            };
            message.media = Some(Media { id, url, caption, filename, ..Media::default() });
        }
        Outgoing::Interactive { interactive } => message.interactive = serde_json::to_value(interactive).ok(),
        Outgoing::Location(place) => {
            message.location = Some(Location {
                latitude: Some(place.latitude),
                longitude: Some(place.longitude),
                name: place.name,
                address: place.address,
                url: None,
            });
        }
        Outgoing::Contacts { contacts } => message.contacts = Some(contacts.into()),
        Outgoing::Reaction { target, emoji } => {
            message.reaction = Some(Reaction { provider_message_id: target, emoji });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_reports_wins_over_our_own_state() {
        let at = Millis::from_unix_ms(1_700_000_000_000);
        let none = Receipts::default();
        let delivered = Receipts { delivered_at: Some(at), ..none };
        let failed = Receipts { failed_at: Some(at), ..delivered };
        for (state, receipts, expected) in [
            (SendState::Queued, none, "queued"),
            (SendState::Held, none, "held"),
            (SendState::Uncertain, none, "uncertain"),
            (SendState::Uncertain, delivered, "delivered"),
            (SendState::Sent, none, "sent"),
            (SendState::Sent, delivered, "delivered"),
            (SendState::Sent, failed, "failed"),
            (SendState::Failed, none, "failed"),
            (SendState::Cancelled, none, "cancelled"),
        ] {
            assert_eq!(status(state, &receipts), expected, "{state:?}");
        }
        assert_eq!(statuses(&none, Some(at)).sent_at, Some(at));
    }
}
