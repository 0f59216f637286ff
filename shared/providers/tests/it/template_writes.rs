//! Templates made, changed and deleted: the requests as golden JSON, the answers and what refusals mean.

use domain::provider::Provider;
use domain::template::draft::Words;
use domain::template::{Category, TemplateState};
use http::Request;
use providers::templates::{
    New, Refusal, RefusalKind, WriteError, create_request, delete_request, edit_request, written,
};
use serde_json::{Value, json};

fn words(json: Value) -> Words {
    serde_json::from_value(json).unwrap()
}

fn named() -> Words {
    words(json!({
        "header": {"format": "text", "text": "For {{client}}"},
        "body": "Hello {{client}}, we meet at {{time}} as agreed.",
        "footer": "See you",
        "buttons": [{"type": "quick_reply", "text": "Yes"},
            {"type": "url", "text": "Map", "url": "https://x.ae/{{1}}", "example": "https://x.ae/7"},
            {"type": "phone_number", "text": "Call", "phone_number": "+97143334444"},
            {"type": "copy_code", "example": "SAVE10"}, {"type": "request_contact_info"}],
        "examples": {"client": "Sara", "time": "11:00"},
    }))
}

fn new(words: &Words) -> New<'_> {
    New { name: "viewing", language: "en", category: Category::Utility, words }
}

fn body<T: AsRef<[u8]>>(request: &Request<T>) -> Value {
    serde_json::from_slice(request.body().as_ref()).unwrap()
}

#[test]
fn a_template_is_made_with_an_example_for_everything() {
    let words = named();
    let request = create_request(Provider::Meta, "215589", "EAAx", new(&words)).unwrap();
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        ("POST", "/v26.0/215589/message_templates")
    );
    assert_eq!(request.headers()["authorization"], "Bearer EAAx");
    assert!(!format!("{request:?}").contains("EAAx"));
    let expected = json!({
        "name": "viewing", "language": "en", "category": "UTILITY", "parameter_format": "NAMED",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "For {{client}}",
                "example": {"header_text_named_params": [{"param_name": "client", "example": "Sara"}]}},
            {"type": "BODY", "text": "Hello {{client}}, we meet at {{time}} as agreed.",
                "example": {"body_text_named_params": [{"param_name": "client", "example": "Sara"},
                    {"param_name": "time", "example": "11:00"}]}},
            {"type": "FOOTER", "text": "See you"},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"},
                {"type": "URL", "text": "Map", "url": "https://x.ae/{{1}}", "example": ["https://x.ae/7"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+97143334444"},
                {"type": "COPY_CODE", "example": "SAVE10"}, {"type": "REQUEST_CONTACT_INFO"}]},
        ],
    });
    assert_eq!(body(&request), expected);
    let at_360dialog = create_request(Provider::Dialog360, "-", "key", new(&words)).unwrap();
    assert_eq!(at_360dialog.uri(), "/v1/configs/templates");
    assert_eq!(at_360dialog.headers()["d360-api-key"], "key");
    assert_eq!(body(&at_360dialog), expected);
}

#[test]
fn numbered_variables_are_given_in_order_and_files_by_their_handle() {
    let words = words(json!({
        "header": {"format": "text", "text": "For {{1}}", "example": "Sara"},
        "body": "At {{2}} we meet {{1}} there.", "examples": {"1": "one", "2": "two"},
    }));
    let made = body(&create_request(Provider::Meta, "1", "t", new(&words)).unwrap());
    assert_eq!(made["parameter_format"], "POSITIONAL");
    assert_eq!(made["components"][0]["example"], json!({"header_text": ["Sara"]}));
    assert_eq!(made["components"][1]["example"], json!({"body_text": [["one", "two"]]}));
    for (format, name) in [("image", "IMAGE"), ("video", "VIDEO"), ("document", "DOCUMENT")] {
        let words =
            self::words(json!({"header": {"format": format, "header_handle": "4::x"}, "body": "Hello"}));
        let made = body(&create_request(Provider::Meta, "1", "t", new(&words)).unwrap());
        let expected = json!({"type": "HEADER", "format": name, "example": {"header_handle": ["4::x"]}});
        assert_eq!(made["components"], json!([expected, {"type": "BODY", "text": "Hello"}]));
    }
}

#[test]
fn an_edit_names_the_category_only_when_it_changes_and_a_deletion_its_language() {
    let words = words(json!({"body": "Hello"}));
    let edit = edit_request(Provider::Meta, "77", "t", None, &words).unwrap();
    assert_eq!(edit.uri(), "/v26.0/77");
    assert_eq!(
        body(&edit),
        json!({"parameter_format": "POSITIONAL", "components": [{"type": "BODY", "text": "Hello"}]})
    );
    let edit = edit_request(Provider::Meta, "77", "t", Some(Category::Marketing), &words).unwrap();
    assert_eq!(body(&edit)["category"], "MARKETING");
    let gone = delete_request(Provider::Meta, "1", "t", "viewing", "77").unwrap();
    assert_eq!(
        (gone.method().as_str(), gone.uri().to_string().as_str()),
        ("DELETE", "/v26.0/1/message_templates?name=viewing&hsm_id=77")
    );
    let gone = delete_request(Provider::Dialog360, "1", "t", "viewing", "").unwrap();
    assert_eq!(gone.uri(), "/v1/configs/templates/viewing");
}

#[test]
fn what_cannot_be_part_of_a_request_makes_none() {
    let words = words(json!({"body": "Hello"}));
    for (provider, account, secret) in [
        (Provider::Meta, "../me", "t"),
        (Provider::Meta, "1", "t\r\nHost: x"),
        (Provider::Ultramsg, "1", "t"),
        (Provider::Sandbox, "1", "t"),
    ] {
        assert!(create_request(provider, account, secret, new(&words)).is_err(), "{provider} {account}");
        assert!(delete_request(provider, account, secret, "a", "1").is_err(), "{provider} {account}");
        assert!(edit_request(provider, account, secret, None, &words).is_err(), "{provider} {account}");
    }
    assert!(edit_request(Provider::Dialog360, "1", "t", None, &words).is_err());
    for name in ["a/b", "", "a?x=1", "أ"] {
        assert!(delete_request(Provider::Meta, "1", "t", name, "1").is_err(), "{name}");
        assert!(delete_request(Provider::Dialog360, "1", "t", name, "1").is_err(), "{name}");
    }
}

#[test]
fn an_answer_says_id_state_and_category() {
    let told =
        written(200, br#"{"id":"572279198452421","status":"PENDING","category":"MARKETING"}"#).unwrap();
    assert_eq!(told.provider_template_id.as_deref(), Some("572279198452421"));
    assert_eq!((told.state, told.category), (Some(TemplateState::Pending), Some(Category::Marketing)));
    let told = written(201, br#"{"id":7,"status":"submitted","success":true}"#).unwrap();
    assert_eq!((told.provider_template_id.as_deref(), told.category), (Some("7"), None));
    assert!(written(200, b"").is_ok() && written(200, br#"{"meta":{"success":true}}"#).is_ok());
    assert!(matches!(written(200, br#"{"success":false}"#), Err(WriteError::Refused(_))));
    for bad in [&b"<html>"[..], b"[]", b"\xff", b"\"x\""] {
        assert!(matches!(written(200, bad), Err(WriteError::Unreadable(_))), "{bad:?}");
    }
}

fn refusal(status: u16, body: &Value) -> Refusal {
    match written(status, body.to_string().as_bytes()) {
        Err(WriteError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[rstest::rstest]
#[case(2_388_040, RefusalKind::Content { field: "body" })]
#[case(2_388_072, RefusalKind::Content { field: "body" })]
#[case(2_388_293, RefusalKind::Content { field: "body" })]
#[case(2_388_299, RefusalKind::Content { field: "body" })]
#[case(2_388_043, RefusalKind::Content { field: "examples" })]
#[case(2_388_047, RefusalKind::Content { field: "header" })]
#[case(2_388_073, RefusalKind::Content { field: "footer" })]
#[case(2_388_019, RefusalKind::Full)]
#[case(2_388_023, RefusalKind::NameBlocked)]
#[case(2_388_024, RefusalKind::Exists)]
#[case(2_388_026, RefusalKind::NotEditable)]
#[case(2_593_002, RefusalKind::Absent)]
#[case(1, RefusalKind::Content { field: "template" })]
fn a_subcode_says_what_is_wrong(#[case] subcode: i64, #[case] kind: RefusalKind) {
    let refusal = refusal(
        400,
        &json!({"error": {"code": 100, "error_subcode": subcode, "message": "Invalid parameter",
            "error_user_msg": "The body is too long."}}),
    );
    assert_eq!((refusal.kind(), refusal.message.as_str()), (kind, "The body is too long."));
    assert_eq!((refusal.code, refusal.subcode), (Some(100), Some(subcode)));
}

#[rstest::rstest]
#[case(401, json!({"error": {"code": 190, "message": "x"}}), RefusalKind::Credentials)]
#[case(400, json!({"error": {"code": 200, "message": "x"}}), RefusalKind::Credentials)]
#[case(401, json!({"meta": {"developer_message": "Invalid api key"}}), RefusalKind::Credentials)]
#[case(429, json!({}), RefusalKind::Busy)]
#[case(400, json!({"error": {"code": 80008, "message": "x"}}), RefusalKind::Busy)]
#[case(500, json!({"error": {"code": 1, "message": "x"}}), RefusalKind::Failed)]
#[case(404, json!({"meta": {"developer_message": "Not found"}}), RefusalKind::Absent)]
fn status_and_code_say_the_rest(#[case] status: u16, #[case] body: Value, #[case] kind: RefusalKind) {
    assert_eq!(refusal(status, &body).kind(), kind, "{body}");
}
