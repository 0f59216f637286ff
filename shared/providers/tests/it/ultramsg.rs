//! UltraMsg: one event a body, JSON or form.

use crate::kit::{self, AT, account, content, echo, message, phone, samples, status, text};
use domain::message::{Content, MediaKind};
use domain::provider::Provider;
use domain::receipt::Receipt;
use providers::event::EventKind;
use rstest::rstest;

samples! { Provider::Ultramsg;
    a_chat_arrives_with_its_sender_and_instance("ultramsg/chat.json") |parsed| {
        assert_eq!(parsed.events[0].account.instance_id.as_deref(), Some("41580"));
        let message = message(parsed);
        assert_eq!(message.id, "false_971501234567@c.us_3EB001");
        assert_eq!((message.sent_at, message.body.content), (AT, text("أريد موعد معاينة غداً")));
        assert_eq!(message.sender.phone, phone("971501234567"));
        assert_eq!(message.sender.name.as_deref(), Some("سارة"));
    };
    prefixes_of_event_and_instance_are_cut("ultramsg/chat_prefixed.json") |parsed| {
        assert_eq!(parsed.events[0].account.instance_id.as_deref(), Some("41580"));
        assert_eq!(content(parsed), text("Hello"));
    };
    a_quoted_message_is_the_one_answered("ultramsg/chat_reply_forwarded.json") |parsed| {
        let context = message(parsed).body.context.unwrap();
        assert_eq!(context.id.as_deref(), Some("true_971501234567@c.us_3EB0OUT1"));
        assert!(context.forwarded);
    };
    an_images_body_is_its_caption("ultramsg/image.json") |parsed| {
        let Content::Media(MediaKind::Image, media) = content(parsed) else { panic!("not an image") };
        assert_eq!(media.url.as_deref(), Some("https://s3.example/41580/04.jpg"));
        assert_eq!(media.caption.as_deref(), Some("هذه هي"));
    };
    a_ptt_is_a_voice_note("ultramsg/ptt.json") |parsed| {
        let Content::Media(MediaKind::Voice, media) = content(parsed) else { panic!("not a voice note") };
        assert_eq!((media.url.as_deref(), media.caption), (Some("https://s3.example/41580/05.oga"), None));
    };
    a_documents_body_is_its_name_and_the_file_may_come_later("ultramsg/document.json") |parsed| {
        let Content::Media(MediaKind::Document, media) = content(parsed) else { panic!("not a document") };
        assert_eq!((media.filename.as_deref(), media.url), (Some("contract.pdf"), None));
    };
    a_places_body_is_a_picture_and_no_address("ultramsg/location.json") |parsed| {
        let Content::Location(place) = content(parsed) else { panic!("not a place") };
        assert_eq!((place.latitude, place.longitude), (Some(25.0805), Some(55.1403)));
        assert_eq!((place.name.as_deref(), place.address), (Some("Dubai Marina"), None));
    };
    a_vcard_is_a_contact("ultramsg/vcard.json") |parsed| {
        let Content::Contacts(cards) = content(parsed) else { panic!("not contacts") };
        assert!(cards[0]["vcard"].as_str().unwrap().contains("971557654321"));
    };
    a_revocation_is_an_event_beside_the_message_it_takes_back("ultramsg/revoked.json") |parsed| {
        let message = message(parsed);
        let target = "false_971501234567@c.us_3EB001".to_owned();
        assert_eq!(message.id, format!("{target}:revoked"));
        assert_eq!(message.body.content, Content::Revoke { target });
    };
    a_type_of_tomorrow_is_a_message_too("ultramsg/poll.json") |parsed| {
        assert_eq!(content(parsed), Content::Unknown { message_type: "poll_creation".to_owned() });
    };
    a_group_message_is_its_members("ultramsg/group_chat.json") |parsed| {
        let message = message(parsed);
        assert_eq!(message.group.as_deref(), Some("120363041234567890@g.us"));
        assert_eq!(message.sender.phone, phone("971501234567"));
    };
    a_hidden_number_is_an_opaque_person("ultramsg/hidden_number.json") |parsed| {
        let sender = message(parsed).sender;
        assert_eq!((sender.phone, sender.opaque.as_deref()), (None, Some("183746501928374@lid")));
    };
    a_receipt_without_time_says_so("ultramsg/ack_device.json") |parsed| {
        let status = status(parsed);
        assert_eq!((status.receipt, status.at), (Some(Receipt::Delivered), None));
        assert_eq!(status.id, "true_971501234567@c.us_3EB0OUT1");
        assert_eq!(status.our_id.as_deref(), Some("msg_01JCXPTB6QS9QK5S4D93GZ2T7N"));
        assert_eq!(status.recipient.phone, phone("971501234567"));
    };
    a_receipt_may_be_a_number("ultramsg/ack_number.json") |parsed| {
        let status = status(parsed);
        assert_eq!((status.receipt, status.reported.as_str(), status.at), (Some(Receipt::Read), "3", Some(AT)));
    };
    a_pending_message_has_no_receipt_yet("ultramsg/ack_pending.json") |parsed| {
        let status = status(parsed);
        assert_eq!((status.receipt, status.our_id), (None, None));
    };
    what_the_business_wrote_on_its_phone_is_an_echo("ultramsg/create_from_phone.json") |parsed| {
        let echo = echo(parsed);
        assert_eq!((echo.our_id, echo.recipient.phone), (None, phone("971501234567")));
        // `pushname` is the business's own name here.
        assert_eq!((echo.recipient.name, echo.body.content), (None, text("سأرسل لك العقد")));
    };
    what_we_sent_comes_back_with_our_id("ultramsg/create_by_us.json") |parsed| {
        assert_eq!(echo(parsed).our_id.as_deref(), Some("msg_01JCXPTB6QS9QK5S4D93GZ2T7N"));
    };
    a_reaction_names_its_message("ultramsg/reaction.json") |parsed| {
        let target = "true_971501234567@c.us_3EB0OUT1".to_owned();
        assert_eq!(content(parsed), Content::Reaction { target, emoji: Some("❤️".to_owned()) });
    };
    a_late_file_is_kept("ultramsg/download_media.json") |parsed| {
        assert!(parsed.events[0].raw.contains("05.oga"));
        assert_eq!(account(parsed), ("message_download_media".to_owned(), None));
    };
}

#[test]
fn a_form_carries_the_same_event_in_its_field_data() {
    let json = kit::sample!("ultramsg/chat.json");
    let form = serde_urlencoded::to_string([("data", json)]).unwrap();
    let parsed = providers::parse(Provider::Ultramsg, form.as_bytes()).unwrap();
    assert_eq!(parsed, providers::parse(Provider::Ultramsg, json.as_bytes()).unwrap());
}

#[test]
fn a_form_may_carry_the_inner_object_and_the_rest_beside_it() {
    let whole: serde_json::Value = serde_json::from_str(kit::sample!("ultramsg/chat.json")).unwrap();
    let inner = whole["data"].to_string();
    let fields =
        [("event_type", "message_received"), ("instanceId", "instance41580"), ("data", inner.as_str())];
    let form = serde_urlencoded::to_string(fields).unwrap();
    let parsed = providers::parse(Provider::Ultramsg, form.as_bytes()).unwrap();
    assert_eq!(parsed.events[0].raw, inner);
    assert_eq!(parsed.events[0].account.instance_id.as_deref(), Some("41580"));
    let body = providers::message_body(Provider::Ultramsg, &inner).unwrap();
    assert_eq!(body.content, text("أريد موعد معاينة غداً"));
    assert_eq!(message(parsed).body, body);
}

#[rstest]
#[case::message_received("message_received", "false", false)]
#[case::received_from_ourselves("message_received", "true", true)]
#[case::created_by_the_customer("message_create", "false", false)]
#[case::created_without_a_word_about_it("message_create", "null", true)]
fn the_direction_is_what_from_me_says(#[case] event: &str, #[case] from_me: &str, #[case] outgoing: bool) {
    let body = format!(
        r#"{{"event_type":"{event}","instanceId":1,"data":{{"id":"3EB0","from":"971501111111@c.us",
        "to":"971502222222@c.us","type":"chat","body":"Hi","fromMe":{from_me},"time":"1700000000"}}}}"#
    );
    let kind = kit::only(kit::read(Provider::Ultramsg, &body)).kind;
    assert_eq!(matches!(kind, EventKind::Echo(_)), outgoing, "{kind:?}");
}

#[rstest]
#[case::object(r#""reaction":{"msgId":"true_1","emoji":"X"}"#, "true_1", Some("X"))]
#[case::quoted(r#""quotedMsg":{"id":"true_1"},"body":"X""#, "true_1", Some("X"))]
#[case::only_an_id(r#""emoji":"X""#, "false_9", Some("X"))]
#[case::taken_away(r#""msgId":"true_1","reaction":"""#, "true_1", None)]
fn reactions_are_read_in_every_shape_integrations_know(
    #[case] rest: &str,
    #[case] target: &str,
    #[case] emoji: Option<&str>,
) {
    let body = format!(
        r#"{{"event_type":"message_reaction","data":{{"id":"false_9","from":"971501111111@c.us","fromMe":false,
        "time":1700000000,{rest}}}}}"#
    );
    let target = target.to_owned();
    let emoji = emoji.map(str::to_owned);
    assert_eq!(content(kit::read(Provider::Ultramsg, &body)), Content::Reaction { target, emoji });
}

#[rstest]
#[case::empty_id(
    r#"{"event_type":"message_received","data":{"id":"","from":"1@c.us","type":"chat","time":1700000000}}"#,
    "`id` is missing"
)]
#[case::no_time(
    r#"{"event_type":"message_received","data":{"id":"a","from":"1@c.us","type":"chat"}}"#,
    "`timestamp` is missing"
)]
#[case::no_type(
    r#"{"event_type":"message_received","data":{"id":"a","from":"1@c.us","time":1700000000}}"#,
    "`type` is missing"
)]
#[case::no_sender(
    r#"{"event_type":"message_received","data":{"id":"a","type":"chat","time":1700000000}}"#,
    "`from` is missing"
)]
#[case::no_member(
    r#"{"event_type":"message_received","data":{"id":"a","from":"1@g.us","type":"chat","time":1700000000}}"#,
    "`author` is missing"
)]
#[case::no_data(r#"{"event_type":"message_received"}"#, "`data` is missing")]
#[case::data_is_text(r#"{"event_type":"message_ack","data":"x"}"#, "expected an object")]
fn what_cannot_be_read_is_kept_with_a_reason(#[case] body: &str, #[case] reason: &str) {
    let parsed = kit::read(Provider::Ultramsg, body);
    assert_eq!(parsed.events, []);
    assert_eq!((parsed.unreadable[0].reason.as_str(), parsed.unreadable[0].raw.as_str()), (reason, body));
}

#[rstest]
#[case::no_event_type("{}")]
#[case::a_list("[]")]
#[case::metas_body(r#"{"object":"whatsapp_business_account","entry":[]}"#)]
#[case::a_form_without_data("a=b&c=d")]
#[case::a_form_with_no_json("data=hello")]
#[case::plain_text("hello")]
fn what_is_no_webhook_of_theirs_is_refused_in_words(#[case] body: &str) {
    assert!(!providers::parse(Provider::Ultramsg, body.as_bytes()).unwrap_err().0.is_empty());
}
