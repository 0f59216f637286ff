//! Bodies nobody should send: each costs at most itself.

use crate::kit::{self, content, message, phone, sample, text};
use domain::message::Content;
use domain::provider::Provider;
use providers::event::{EventKind, Parsed};
use rstest::rstest;
use std::fmt::Write;

pub(crate) const FILES: &[(&str, &str)] = &[
    ("meta/lead_form_page_event.json", sample!("meta/lead_form_page_event.json")),
    ("meta/text_cut_in_emoji.json", sample!("meta/text_cut_in_emoji.json")),
];

fn refused(provider: Provider, body: impl AsRef<[u8]>) -> String {
    providers::parse(provider, body.as_ref()).unwrap_err().0
}

/// One message of the fewest words, in Meta's envelope.
fn with_messages(messages: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{
        "metadata":{{"phone_number_id":"2"}},"messages":[{messages}]}}}}]}}]}}"#
    )
}

fn plain(id: &str, body: &str) -> String {
    format!(
        r#"{{"from":"971501234567","id":"{id}","timestamp":"1700000000","type":"text","text":{{"body":"{body}"}}}}"#
    )
}

fn reasons(parsed: &Parsed) -> Vec<(&str, &str)> {
    parsed.unreadable.iter().map(|part| (part.path.as_str(), part.reason.as_str())).collect()
}

#[test]
fn a_page_event_is_refused_with_its_name() {
    let why = refused(Provider::Meta, sample!("meta/lead_form_page_event.json"));
    assert_eq!(why, "`object` is `page`, not `whatsapp_business_account`: not a WhatsApp webhook");
}

#[rstest]
#[case::empty("", "the body is empty")]
#[case::spaces("  \r\n ", "the body is empty")]
#[case::null("null", "the body: expected an object")]
#[case::list("[]", "the body: expected an object")]
#[case::no_entry("{}", "no `entry`")]
#[case::null_entry(r#"{"object":"whatsapp_business_account","entry":null}"#, "no `entry`")]
#[case::entry_is_text(r#"{"object":"whatsapp_business_account","entry":"x"}"#, "`entry`: expected a list")]
#[case::another_object_without_entry(r#"{"object":"instagram"}"#, "`object` is `instagram`")]
#[case::no_object(r#"{"entry":[]}"#, "`object` is missing")]
#[case::object_in_capitals(r#"{"object":"WHATSAPP_BUSINESS_ACCOUNT","entry":[]}"#, "`object` is `WHATSAPP")]
#[case::cut(r#"{"object":"whatsapp_business_account","entry":[{"#, "EOF while parsing")]
#[case::twice(r#"{"object":"a","object":"b"}"#, "duplicate field `object`")]
#[case::two_bodies(r#"{"entry":[]}{"entry":[]}"#, "trailing characters")]
fn what_is_no_webhook_is_refused_in_words(#[case] body: &str, #[case] why: &str) {
    for provider in [Provider::Meta, Provider::Dialog360] {
        let reason = refused(provider, body);
        assert!(reason.contains(why), "{reason}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for provider in Provider::ALL {
        assert_eq!(refused(provider, b"{\"a\":\"\xff\"}"), "the body is not UTF-8 text (byte 6)");
    }
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_no_obstacle() {
    let body = format!("\u{feff}{}\r\n", with_messages(&plain("a", "مرحبا\\r\\n")));
    let parsed = providers::parse(Provider::Meta, body.as_bytes()).unwrap();
    assert_eq!(content(parsed), text("مرحبا\r\n"));
}

#[test]
fn half_a_surrogate_in_the_words_costs_the_message_and_not_its_neighbours() {
    let broken = kit::read(Provider::Meta, sample!("meta/text_cut_in_emoji.json"));
    assert_eq!(broken.events, []);
    let [(path, reason)] = <[_; 1]>::try_from(reasons(&broken)).unwrap();
    assert_eq!(path, "entry[0].changes[0].value.messages[0]");
    assert!(
        reason.starts_with("text: ") && reason.contains("surrogate") || reason.contains("hex escape"),
        "{reason}"
    );

    let body = with_messages(&[plain("a", "x"), plain("b", "\\ud83d"), plain("c", "y")].join(","));
    let parsed = kit::read(Provider::Meta, &body);
    assert_eq!((parsed.events.len(), parsed.unreadable.len()), (2, 1));
    assert!(parsed.unreadable[0].raw.contains("\\ud83d"));
}

#[rstest]
#[case::no_id(r#"{"from":"971501234567","timestamp":"1","type":"text"}"#, "`id` is missing")]
#[case::empty_id(r#"{"id":"","from":"971501234567","timestamp":"1","type":"text"}"#, "`id` is missing")]
#[case::no_time(r#"{"id":"a","from":"971501234567","type":"text"}"#, "`timestamp` is missing")]
#[case::zero(r#"{"id":"a","timestamp":0}"#, "`timestamp` 0 is out of range")]
#[case::negative(r#"{"id":"a","timestamp":"-5"}"#, "`timestamp` -5 is out of range")]
#[case::huge(
    r#"{"id":"a","timestamp":1000000000000000000}"#,
    "`timestamp` 1000000000000000000 is out of range"
)]
#[case::exponent(r#"{"id":"a","timestamp":1e18}"#, "`timestamp` is not Unix seconds")]
#[case::words(r#"{"id":"a","timestamp":"yesterday"}"#, "`timestamp` is not Unix seconds")]
#[case::nobody(
    r#"{"id":"a","timestamp":"1700000000","type":"text","text":{"body":"x"}}"#,
    "nobody sent it: `from` and `from_user_id` are missing"
)]
#[case::no_type(r#"{"id":"a","from":"1","timestamp":"1700000000"}"#, "`type` is missing")]
#[case::no_words(r#"{"id":"a","from":"1","timestamp":"1700000000","type":"text"}"#, "`text` is missing")]
#[case::no_body(
    r#"{"id":"a","from":"1","timestamp":"1700000000","type":"text","text":{}}"#,
    "text: `text.body` is missing"
)]
#[case::no_target(
    r#"{"id":"a","from":"1","timestamp":"1700000000","type":"reaction","reaction":{"emoji":"x"}}"#,
    "`reaction.message_id` is missing"
)]
#[case::words_in_a_list(
    r#"{"id":"a","from":"1","timestamp":"1700000000","type":"text","text":["secret"]}"#,
    "text: expected an object"
)]
#[case::a_list(r#"["a","1"]"#, "expected an object")]
#[case::a_number("7", "expected an object")]
#[case::twice(r#"{"id":"a","id":"b"}"#, "duplicate field `id` at line 1 column 14")]
#[case::a_list_as_id(r#"{"id":["a"]}"#, "invalid type: sequence, expected text at line 1 column 7")]
fn a_message_that_cannot_be_read_says_why_and_leaves_its_neighbours(#[case] broken: &str, #[case] why: &str) {
    let body = with_messages(&[plain("a", "x"), broken.to_owned(), plain("c", "y")].join(","));
    let parsed = kit::read(Provider::Meta, &body);
    assert_eq!(parsed.events.len(), 2, "{parsed:?}");
    let reason = why.trim_start_matches("text: `text.body`");
    let [(path, given)] = <[_; 1]>::try_from(reasons(&parsed)).unwrap();
    assert_eq!(path, "entry[0].changes[0].value.messages[1]");
    assert!(given.ends_with(reason), "{given}");
    assert_eq!(parsed.unreadable[0].raw, broken);
}

#[rstest]
#[case::entry_without_changes(r#"{"id":"1"}"#, "entry[0]", "`changes` is missing")]
#[case::changes_is_a_number(r#"{"id":"1","changes":7}"#, "entry[0]", "changes: expected a list")]
#[case::change_is_text(r#"{"id":"1","changes":["x"]}"#, "entry[0].changes[0]", "expected an object")]
#[case::no_field(r#"{"id":"1","changes":[{"value":{}}]}"#, "entry[0].changes[0]", "`field` is missing")]
#[case::no_value(
    r#"{"id":"1","changes":[{"field":"messages"}]}"#,
    "entry[0].changes[0]",
    "`value` is missing"
)]
#[case::value_is_text(
    r#"{"id":"1","changes":[{"field":"messages","value":"x"}]}"#,
    "entry[0].changes[0]",
    "value: expected an object"
)]
#[case::messages_is_text(
    r#"{"id":"1","changes":[{"field":"messages","value":{"messages":"x"}}]}"#,
    "entry[0].changes[0].value.messages",
    "expected a list"
)]
fn a_broken_level_leaves_the_other_entries(#[case] broken: &str, #[case] path: &str, #[case] why: &str) {
    let whole = with_messages(&plain("a", "x"));
    let body = whole.replacen("\"entry\":[", &format!("\"entry\":[{broken},"), 1);
    let parsed = kit::read(Provider::Meta, &body);
    assert_eq!(parsed.events.len(), 1);
    assert_eq!(reasons(&parsed), [(path, why)]);
}

#[rstest]
#[case::object_value(r#"{"field":"tomorrow","value":{"event":"X","event":"Y"}}"#)]
#[case::list_value(r#"{"field":"tomorrow","value":[1,2]}"#)]
#[case::no_value(r#"{"field":"tomorrow"}"#)]
fn a_field_of_tomorrow_is_kept_whatever_its_shape(#[case] change: &str) {
    let body =
        format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{change}]}}]}}"#);
    assert_eq!(kit::account(kit::read(Provider::Meta, &body)), ("tomorrow".to_owned(), None));
}

#[test]
fn numbers_as_text_and_text_as_numbers_both_read() {
    let one = r#"{"from":971501234567,"id":17,"timestamp":1700000000,"type":"text","text":{"body":5}}"#;
    let message = message(kit::read(Provider::Meta, &with_messages(one)));
    assert_eq!((message.id.as_str(), message.sender.phone), ("17", phone("971501234567")));
    assert_eq!(message.body.content, text("5"));
}

#[test]
fn a_thousand_messages_of_a_thousand_people_are_a_thousand_events() {
    let (mut contacts, mut messages) = (String::new(), String::new());
    for n in 0..1000 {
        let comma = if n == 0 { "" } else { "," };
        let backwards = 971_500_000_999_u64 - n;
        write!(contacts, r#"{comma}{{"wa_id":"{backwards}","profile":{{"name":"{backwards}"}}}}"#).unwrap();
        let from = 971_500_000_000_u64 + n;
        write!(
            messages,
            r#"{comma}{{"from":"{from}","id":"{n}","timestamp":"1700000000","type":"text","text":{{"body":"x"}}}}"#
        )
        .unwrap();
    }
    let body = with_messages(&messages).replacen(
        "\"messages\":",
        &format!("\"contacts\":[{contacts}],\"messages\":"),
        1,
    );
    let parsed = providers::parse(Provider::Meta, body.as_bytes()).unwrap();
    assert_eq!(parsed.events.len(), 1000);
    for event in parsed.events {
        let EventKind::Message(message) = event.kind else { panic!("not a message") };
        assert_eq!(message.sender.name.as_deref(), Some(message.sender.phone.unwrap().wa_id()));
    }
}

#[rstest]
#[case(127, true)]
#[case(128, false)]
#[case(129, false)]
#[case(100_000, false)]
fn a_deep_card_costs_itself_and_no_stack(#[case] depth: usize, #[case] readable: bool) {
    let card = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep = format!(
        r#"{{"from":"971501234567","id":"a","timestamp":1700000000,"type":"contacts","contacts":{card}}}"#
    );
    let body = with_messages(&[deep, plain("b", "y")].join(","));
    let parsed = kit::read(Provider::Meta, &body);
    assert_eq!((parsed.events.len(), parsed.unreadable.len()), if readable { (2, 0) } else { (1, 1) });
}

#[test]
fn depth_where_nobody_looks_is_no_obstacle() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let one = plain("a", "x").replacen('{', &format!("{{\"new\":{deep},"), 1);
    assert_eq!(content(kit::read(Provider::Meta, &with_messages(&one))), text("x"));
}

#[test]
fn edits_inside_edits_end_at_the_first() {
    let mut inner = r#"{"type":"text","text":{"body":"x"}}"#.to_owned();
    for _ in 0..60 {
        inner = format!(r#"{{"type":"edit","edit":{{"original_message_id":"a","message":{inner}}}}}"#);
    }
    let one = format!(r#"{{"from":"971501234567","id":"z","timestamp":1700000000,{}"#, &inner[1..]);
    let Content::Edit { content, .. } = content(kit::read(Provider::Meta, &with_messages(&one))) else {
        panic!("not an edit")
    };
    assert_eq!(*content, Content::Unknown { message_type: "edit".to_owned() });
}

#[test]
fn text_that_plays_tricks_with_direction_and_zeroes_is_kept() {
    let words = "مَرْحَبًا \u{202e}abc\u{202c} \u{200f}";
    let one = plain("a", &format!("{words}\\u0000\\/"));
    assert_eq!(content(kit::read(Provider::Meta, &with_messages(&one))), text(&format!("{words}\0/")));
}

#[test]
fn sixty_four_kilobytes_of_text_are_a_message() {
    let words = "س".repeat(32 * 1024);
    assert_eq!(content(kit::read(Provider::Meta, &with_messages(&plain("a", &words)))), text(&words));
}

#[test]
fn an_empty_phone_equals_none() {
    let one = r#"{"from":"","from_user_id":"AE.1","id":"a","timestamp":"1700000000","type":"text","text":{"body":""}}"#;
    let message = message(kit::read(Provider::Meta, &with_messages(one)));
    assert_eq!((message.sender.phone, message.sender.bsuid), (None, kit::bsuid("AE.1")));
    assert_eq!(message.body.content, text(""));
}
