//! 360dialog: Meta's envelope, and the older shape without one.

use crate::kit::{self, content, message, phone, samples, status, text};
use domain::message::{Content, MediaKind};
use domain::provider::Provider;
use domain::receipt::Receipt;
use providers::event::{Account, EventKind};

samples! { Provider::Dialog360;
    metas_envelope_is_passed_on_unchanged("dialog360/text.json") |parsed| {
        assert_eq!(content(parsed), text("مساء الخير"));
    };
    receipts_are_metas("dialog360/status_delivered.json") |parsed| {
        assert_eq!(status(parsed).receipt, Some(Receipt::Delivered));
    };
    the_older_shape_has_no_number_of_its_own("dialog360/legacy_text.json") |parsed| {
        assert_eq!(parsed.events[0].account, Account::default());
        let message = message(parsed);
        assert_eq!(message.body.content, text("السلام عليكم"));
        assert_eq!(message.sender.phone, phone("971501234567"));
        assert_eq!(message.sender.name.as_deref(), Some("سارة"));
    };
    an_older_voice_note_has_a_type_of_its_own("dialog360/legacy_voice.json") |parsed| {
        let Content::Media(MediaKind::Voice, media) = content(parsed) else { panic!("not a voice note") };
        assert_eq!(media.url.as_deref(), Some("https://media.example/b1cf2a6b"));
    };
    an_older_unknown_message_has_its_details_beside_the_title("dialog360/legacy_unknown.json") |parsed| {
        let body = message(parsed).body;
        assert_eq!(body.content, Content::Unsupported { original_type: None });
        assert_eq!(body.errors[0].details.as_deref(), Some("Message type is not currently supported"));
    };
    an_older_failure_names_its_recipient_inside("dialog360/legacy_status_failed.json") |parsed| {
        let status = status(parsed);
        assert_eq!((status.receipt, status.errors[0].code), (Some(Receipt::Failed), 470));
        assert_eq!(status.recipient.phone, phone("971501234567"));
    };
    a_deleted_message_is_no_receipt("dialog360/legacy_status_deleted.json") |parsed| {
        let status = status(parsed);
        assert_eq!((status.receipt, status.reported.as_str()), (None, "deleted"));
    };
    an_older_error_of_the_number_is_an_event("dialog360/legacy_error.json") |parsed| {
        let EventKind::Error(error) = kit::only(parsed).kind else { panic!("not an error") };
        assert_eq!((error.code, error.details.as_deref()), (1005, Some("Number is not registered")));
    };
}

#[test]
fn meta_itself_never_sends_the_older_shape() {
    let body = kit::sample!("dialog360/legacy_text.json");
    let refused = providers::parse(Provider::Meta, body.as_bytes()).unwrap_err();
    assert_eq!(refused.0, "the body has no `entry`: not a WhatsApp webhook");
}
