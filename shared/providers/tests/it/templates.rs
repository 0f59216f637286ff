//! Templates: pages of both spellings, refusals, and what webhooks say about one.

use crate::kit::{AT, only, read, sample};
use domain::provider::Provider;
use domain::template::{Button, Category, Header, ParameterFormat, TemplateState};
use providers::event::EventKind;
use providers::templates::{Changed, PageError, TemplatePage, list_request, page, template_change};
use serde_json::{Value, json};

fn listed(more: Value) -> Value {
    let mut template = json!({"id": "1", "name": "viewing", "language": "en", "status": "APPROVED",
        "category": "UTILITY", "components": [{"type": "BODY", "text": "Hi {{1}}"}]});
    for (name, value) in more.as_object().unwrap() {
        template[name] = value.clone();
    }
    template
}

fn meta(body: &Value) -> Result<TemplatePage, PageError> {
    page(Provider::Meta, 200, body.to_string().as_bytes(), None)
}

fn one(more: Value) -> providers::templates::Reported {
    let mut page = meta(&json!({"data": [listed(more)]})).unwrap();
    assert_eq!(page.unreadable, Vec::<String>::new());
    page.templates.remove(0)
}

#[test]
fn a_page_is_asked_for_where_the_provider_keeps_it() {
    let request = list_request(Provider::Meta, "215589313241560883", "EAAx", Some("a b&c")).unwrap();
    let uri = request.uri().to_string();
    assert!(uri.starts_with("/v26.0/215589313241560883/message_templates?fields=id%2Cname"), "{uri}");
    assert!(uri.ends_with("&limit=100&after=a+b%26c"), "{uri}");
    assert_eq!(request.headers()["authorization"], "Bearer EAAx");
    assert!(!format!("{request:?}").contains("EAAx"));

    let request = list_request(Provider::Dialog360, "-", "key", None).unwrap();
    assert_eq!(request.uri().to_string(), "/v1/configs/templates?limit=100&offset=0");
    assert_eq!(request.headers()["d360-api-key"], "key");

    for (provider, account, secret) in [
        (Provider::Meta, "../me", "EAAx"),
        (Provider::Meta, "", "EAAx"),
        (Provider::Meta, "1", "EAAx\r\nHost: x"),
        (Provider::Ultramsg, "1", "t"),
        (Provider::Sandbox, "1", "t"),
    ] {
        assert!(list_request(provider, account, secret, None).is_err(), "{provider} {account}");
    }
}

#[test]
fn meta_pages_until_there_is_no_next() {
    let paging = json!({"cursors": {"before": "A", "after": "B"}, "next": "https://graph.facebook.com/x"});
    let first = meta(&json!({"data": [listed(json!({}))], "paging": paging})).unwrap();
    assert_eq!((first.templates.len(), first.next.as_deref()), (1, Some("B")));
    let paging =
        json!({"next": "https://graph.facebook.com/v26.0/1/message_templates?limit=100&after=Q%3D%3D"});
    let bare = meta(&json!({"data": [], "paging": paging})).unwrap();
    assert_eq!(bare.next.as_deref(), Some("Q=="));
    let last = meta(&json!({"data": [], "paging": {"cursors": {"after": "C"}}})).unwrap();
    assert_eq!(last.next, None);
}

#[test]
fn dialog360_pages_by_offset() {
    let at = |count: usize, total: Value, after: Option<&str>| {
        let list: Vec<Value> = (0..count).map(|_| listed(json!({"status": "approved"}))).collect();
        let body = json!({"waba_templates": list, "total": total}).to_string();
        page(Provider::Dialog360, 200, body.as_bytes(), after).unwrap()
    };
    assert_eq!(at(100, json!(250), None).next.as_deref(), Some("100"));
    assert_eq!(at(100, json!(250), Some("100")).next.as_deref(), Some("200"));
    assert_eq!(at(50, json!(250), Some("200")).next, None);
    assert_eq!(at(0, json!(250), Some("200")).next, None, "an empty page ends the list whatever it promises");
    assert_eq!(at(100, Value::Null, None).next.as_deref(), Some("100"));
    assert_eq!(at(99, Value::Null, None).next, None);
    assert_eq!(at(1, json!(1), None).templates[0].state, TemplateState::Approved);
}

#[test]
fn every_part_of_a_template_is_read() {
    let read = one(json!({
        "parameter_format": "NAMED", "category": "MARKETING", "quality_score": {"score": "GREEN", "date": 1},
        "rejected_reason": "NONE",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "From {{agency}}", "example": {"header_text": ["x"]}},
            {"type": "BODY", "text": "مرحبا {{name}}"},
            {"type": "FOOTER", "text": "Reply STOP"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Yes"},
                {"type": "URL", "text": "Open", "url": "https://x.ae/{{1}}", "example": ["https://x.ae/1"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+971"},
                {"type": "COPY_CODE", "example": "SAVE"},
                {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"},
                {"type": "FLOW", "text": "Book", "flow_id": 5},
                {"type": "REQUEST_CONTACT_INFO"}]}]}));
    assert_eq!((read.category, read.parameter_format), (Category::Marketing, ParameterFormat::Named));
    assert_eq!(read.header, Some(Header::Text { text: "From {{agency}}".into() }));
    assert_eq!((read.body.as_str(), read.footer.as_deref()), ("مرحبا {{name}}", Some("Reply STOP")));
    assert_eq!(
        read.buttons,
        [
            Button::QuickReply { text: "Yes".into() },
            Button::Url { text: "Open".into(), url: "https://x.ae/{{1}}".into() },
            Button::PhoneNumber { text: "Call".into() },
            Button::CopyCode,
            Button::Otp,
            Button::Flow { text: "Book".into() },
            Button::Other { name: "REQUEST_CONTACT_INFO".into() },
        ]
    );
    assert_eq!((read.quality.as_deref(), read.rejected_reason), (Some("GREEN"), None));
}

#[rstest::rstest]
#[case("APPROVED", TemplateState::Approved)]
#[case("approved", TemplateState::Approved)]
#[case("pending", TemplateState::Pending)]
#[case("submitted", TemplateState::Pending)]
#[case("REJECTED", TemplateState::Rejected)]
#[case("PAUSED", TemplateState::Paused)]
#[case("DISABLED", TemplateState::Disabled)]
#[case("IN_APPEAL", TemplateState::InAppeal)]
#[case("PENDING_DELETION", TemplateState::Deleted)]
#[case("WHATEVER_COMES_NEXT", TemplateState::Disabled)]
fn a_status_is_read_and_an_unknown_one_cannot_be_sent(#[case] status: &str, #[case] expected: TemplateState) {
    assert_eq!(one(json!({"status": status})).state, expected);
}

#[test]
fn what_is_not_said_or_not_known_is_taken_on_the_safe_side() {
    let unknown = one(json!({"status": "WHATEVER", "category": "SOMETHING_NEW"}));
    assert_eq!(unknown.rejected_reason.as_deref(), Some("the provider reports the status WHATEVER"));
    assert_eq!(unknown.category, Category::Marketing);
    let named = one(json!({"components": [{"type": "BODY", "text": "{{a}}"}]}));
    assert_eq!(named.parameter_format, ParameterFormat::Named);
    assert_eq!(one(json!({})).parameter_format, ParameterFormat::Positional);
    assert_eq!(one(json!({"quality_score": "green"})).quality.as_deref(), Some("GREEN"));
    assert_eq!(one(json!({"quality_score": {}})).quality, None);
    let carousel =
        one(json!({"components": [{"type": "BODY", "text": "x"}, {"type": "CAROUSEL", "cards": []}]}));
    assert_eq!(carousel.state, TemplateState::Disabled);
    assert!(carousel.rejected_reason.unwrap().contains("carousel"));
    let film = one(json!({"components": [{"type": "HEADER", "format": "GIF"}]}));
    assert_eq!(film.state, TemplateState::Disabled);
}

#[test]
fn one_template_that_cannot_be_read_costs_no_other() {
    let broken = json!({"id": "2", "language": "en"});
    let page =
        meta(&json!({"data": [listed(json!({})), broken, 7, listed(json!({"language": "ar"}))]})).unwrap();
    assert_eq!(page.templates.len(), 2);
    assert_eq!(page.unreadable, ["data[1]: `name` is missing", "data[2]: expected an object"]);
}

#[rstest::rstest]
#[case(401, json!({"error": {"message": "Error validating access token", "type": "OAuthException", "code": 190}}),
    Some(190), "Error validating access token")]
#[case(400, json!({"error": {"message": "(#100) x", "error_user_msg": "Pick another.", "code": 100}}), Some(100), "Pick another.")]
#[case(401, json!({"meta": {"http_code": 401, "developer_message": "Invalid api key", "success": false}}), None, "Invalid api key")]
#[case(403, json!({"detail": "forbidden"}), None, "forbidden")]
#[case(404, json!({"errors": [{"code": 1006, "title": "Resource not found", "details": "no such"}]}), Some(1006), "no such")]
#[case(502, json!("<html>"), None, "the provider gave no reason")]
fn a_refusal_says_why(
    #[case] status: u16,
    #[case] body: Value,
    #[case] code: Option<i64>,
    #[case] message: &str,
) {
    for provider in [Provider::Meta, Provider::Dialog360] {
        let error = page(provider, status, body.to_string().as_bytes(), None).unwrap_err();
        assert_eq!(error, PageError::Refused { status, code, message: message.to_owned() });
    }
}

#[test]
fn an_answer_that_is_no_list_is_unreadable() {
    for body in ["", "[]", "{}", "{\"data\": 5}", "\u{feff}", "{\"data\": [], \"paging\": {\"next\": \"x\"}}"]
    {
        let read = page(Provider::Meta, 200, body.as_bytes(), None);
        assert!(matches!(read, Err(PageError::Unreadable(_))), "{body}: {read:?}");
    }
    assert!(page(Provider::Dialog360, 200, &[0xff], None).is_err());
    assert!(page(Provider::Ultramsg, 200, b"{}", None).is_err());
}

/// The change that a sample webhook reports.
fn change(body: &str) -> providers::templates::TemplateChange {
    let event = only(read(Provider::Meta, body));
    assert_eq!(event.notified_at, Some(AT));
    let EventKind::Account { field, .. } = &event.kind else { panic!("{event:?}") };
    template_change(field, &event.raw).unwrap()
}

#[test]
fn a_rejection_carries_its_reasons() {
    let change = change(sample!("meta/template_rejected.json"));
    assert_eq!(change.provider_template_id.as_deref(), Some("1689556908129835"));
    assert_eq!((change.name.as_str(), change.language.as_str()), ("viewing_reminder", "ar"));
    let reason = "INVALID_FORMAT Variables stand next to each other. Put words between them.";
    let state = Some(TemplateState::Rejected);
    assert_eq!(
        change.changed,
        Changed::State { event: "REJECTED".into(), state, reason: Some(reason.into()) }
    );
}

#[test]
fn a_recategorisation_names_the_new_category() {
    let change = change(sample!("meta/template_recategorised.json"));
    assert_eq!(change.changed, Changed::Category(Category::Marketing));
}

fn told(field: &str, more: Value) -> Option<Changed> {
    let mut value = json!({"message_template_id": 7, "message_template_name": "viewing",
        "message_template_language": "en_US"});
    for (name, given) in more.as_object().unwrap() {
        value[name] = given.clone();
    }
    template_change(field, &value.to_string()).map(|change| change.changed)
}

#[test]
fn a_warning_moves_nothing() {
    for event in ["FLAGGED", "SOMETHING_NEW"] {
        let changed = told("message_template_status_update", json!({"event": event, "reason": "NONE"}));
        assert_eq!(changed, Some(Changed::State { event: event.into(), state: None, reason: None }));
    }
}

#[test]
fn quality_and_words_are_read() {
    let quality = told(
        "message_template_quality_update",
        json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"}),
    );
    assert_eq!(quality, Some(Changed::Quality("RED".into())));
    let words = told(
        "message_template_components_update",
        json!({"message_template_title": "Viewing", "message_template_element": "Hi {{name}}",
            "message_template_footer": "Bye", "message_template_buttons": [
                {"message_template_button_type": "URL", "message_template_button_text": "Open",
                    "message_template_button_url": "https://x.ae/{{1}}"}]}),
    );
    assert_eq!(
        words,
        Some(Changed::Words {
            header: Some(Header::Text { text: "Viewing".into() }),
            body: "Hi {{name}}".into(),
            footer: Some("Bye".into()),
            buttons: Some(vec![Button::Url { text: "Open".into(), url: "https://x.ae/{{1}}".into() }]),
            parameter_format: ParameterFormat::Named,
        })
    );
}

#[test]
fn other_fields_and_nameless_values_are_no_changes() {
    assert_eq!(told("account_update", json!({"event": "DISABLED_UPDATE"})), None);
    assert_eq!(told("template_category_update", json!({"correct_category": "MARKETING"})), None);
    assert_eq!(told("message_template_status_update", json!({})), None);
    assert_eq!(told("message_template_components_update", json!({"message_template_title": "x"})), None);
    for raw in ["", "7", "[]", "{}", "{\"event\": \"PAUSED\"}", "{\"message_template_name\": {}}"] {
        assert_eq!(template_change("message_template_status_update", raw), None, "{raw}");
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), status in 100u16..600) {
        for provider in [Provider::Meta, Provider::Dialog360] {
            let _ = page(provider, status, &bytes, Some("x"));
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = template_change("message_template_status_update", text);
        }
    }
}
