//! What cannot be sent is refused before anything is stored: which field, which code, and nothing left behind.

use e2e::World;
use e2e::desk::{Desk, MESSAGES, text_of};
use serde_json::{Map, Value, json};

const CUSTOMER: &str = "971501234567";
const ABSENT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Posts each body to `messages` and to `preflight`: both refuse it alike, and nothing is stored or sent.
async fn refused(desk: &Desk<'_>, rows: &[(Value, u16, &str, &str)]) {
    let before = (desk.stored().await, desk.sent().len());
    for (body, status, code, field) in rows {
        for answer in [desk.says(body).await, desk.preflight(body).await] {
            let json = answer.json();
            assert_eq!(
                (answer.status.as_u16(), json["error"]["code"].as_str()),
                (*status, Some(*code)),
                "{body}: {json}"
            );
            assert_eq!(json["error"]["field"].as_str().unwrap_or_default(), *field, "{body}: {json}");
            assert!(json["error"]["message"].as_str().is_some_and(|text| text.len() > 8), "{json}");
            assert!(json["data"].is_null() && json["error"]["trace_id"].is_string(), "{json}");
        }
    }
    desk.world.settled().await;
    assert_eq!((desk.stored().await, desk.sent().len()), before);
}

fn to(body: Value) -> Value {
    let mut all = json!({"to": format!("+{CUSTOMER}")});
    all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    all
}

#[tokio::test]
async fn a_recipient_is_one_and_complete() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let foreign = world.desk("dialog360").conversation("971509999999", "Hello").await;
    let lead = text_of(&desk.all("/v1/leads").await[0], "id");
    let bad = |body: Value, field| (body, 400, "validation_error", field);
    let absent = |body: Value| (body, 404, "not_found", "");
    let mut rows = vec![
        bad(json!({"text": "x"}), "to"),
        bad(json!({"to": "+971501234567", "conversation_id": conversation, "text": "x"}), "to"),
        bad(json!({"lead_id": lead, "conversation_id": conversation, "text": "x"}), "conversation_id"),
        bad(json!({"lead_id": lead, "to": "+971501234567", "text": "x"}), "to"),
        bad(json!({"to": 971_501_234_567_i64, "text": "x"}), "to"),
        bad(json!({"conversation_id": [conversation], "text": "x"}), "conversation_id"),
        absent(json!({"conversation_id": foreign, "text": "x"})),
        absent(json!({"conversation_id": format!("conv_{ABSENT}"), "text": "x"})),
        absent(json!({"conversation_id": "conv_", "text": "x"})),
        absent(json!({"conversation_id": "", "text": "x"})),
        absent(json!({"conversation_id": lead, "text": "x"})),
        absent(json!({"lead_id": format!("lead_{ABSENT}"), "text": "x"})),
        absent(json!({"lead_id": "nonsense", "text": "x"})),
        absent(json!({"lead_id": conversation, "text": "x"})),
        absent(json!({"conversation_id": conversation, "text": "x", "reply_to": format!("msg_{ABSENT}")})),
        absent(json!({"conversation_id": conversation, "text": "x", "reply_to": "wamid.HBg"})),
        // What is wrong with the body comes before what is not there.
        bad(json!({"conversation_id": "conv_", "text": ""}), "text"),
    ];
    for phone in [
        "",
        "+",
        "971501234567",
        "0501234567",
        "+9710501234567",
        "+971 050 123 4567",
        "+971 50 123 4567",
        "00971501234567",
        "+97150123456",
        "+9715012345678",
        "+999123456789",
        "+971501234567 ",
        "\u{2b}٩٧١٥٠١٢٣٤٥٦٧",
        "971501234567@c.us",
    ] {
        rows.push(bad(json!({"to": phone, "text": "x"}), "to"));
    }
    refused(&desk, &rows).await;
}

#[tokio::test]
async fn a_content_is_one_and_of_its_own_fields_only() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.conversation(CUSTOMER, "Hello").await;
    let bad = |body: Value, field: &'static str| (to(body), 400, "validation_error", field);
    let url = "https://files.example.ae/a.jpg";
    let buttons = |ids: &[&str]| -> Vec<Value> {
        ids.iter().enumerate().map(|(n, id)| json!({"id": id, "title": format!("Choice {n}")})).collect()
    };
    let section = |rows: usize| -> Value {
        let rows: Vec<Value> =
            (0..rows).map(|n| json!({"id": n.to_string(), "title": format!("Row {n}")})).collect();
        json!({"type": "list", "body": "Which?", "button": "Choose", "sections": [{"rows": rows}]})
    };
    let button = |more: Value| {
        let mut asked = json!({"type": "buttons", "body": "Which?", "buttons": buttons(&["a"])});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"interactive": asked})
    };
    let rows = [
        bad(json!({}), "text"),
        bad(json!({"text": null}), "text"),
        bad(json!({"text": ""}), "text"),
        bad(json!({"text": " \n\t\u{a0}"}), "text"),
        bad(json!({"text": "x".repeat(4097)}), "text"),
        bad(json!({"text": "ع".repeat(4097)}), "text"),
        bad(json!({"text": 5}), "text"),
        bad(json!({"text": "x", "media": {"kind": "image", "url": url}}), "media"),
        bad(json!({"template": "contract_ready", "text": "x"}), "template"),
        bad(json!({"text": "x", "tenant_id": "tnt_x"}), "tenant_id"),
        bad(json!({"text": "x", "status": "sent"}), "status"),
        bad(json!({"text": "x", "purpose": "spam"}), "purpose"),
        bad(json!({"text": "x", "hold": "yes"}), "hold"),
        bad(json!({"text": "x", "not_before": "soon"}), "not_before"),
        bad(json!({"text": "x", "not_before": 1_800_000_000}), "not_before"),
        bad(json!({"text": "x", "variables": ["a"]}), "variables"),
        bad(json!({"text": "x", "language": "en"}), "language"),
        bad(json!({"location": {"latitude": 25, "longitude": 55}, "preview_url": true}), "preview_url"),
        bad(json!({"media": {"kind": "image", "url": url, "name": "a"}}), "media.name"),
        bad(json!({"media": {"kind": "picture", "url": url}}), "media.kind"),
        bad(json!({"media": {"kind": "image"}}), "media.url"),
        bad(json!({"media": {"kind": "image", "url": url, "id": "1"}}), "media.id"),
        bad(json!({"media": {"kind": "audio", "url": url, "caption": "x"}}), "media.caption"),
        bad(json!({"media": {"kind": "voice", "url": url, "caption": "x"}}), "media.caption"),
        bad(json!({"media": {"kind": "sticker", "url": url, "caption": "x"}}), "media.caption"),
        bad(json!({"media": {"kind": "image", "url": url, "caption": "x".repeat(1025)}}), "media.caption"),
        bad(json!({"media": {"kind": "image", "url": url, "filename": "a.jpg"}}), "media.filename"),
        bad(
            json!({"media": {"kind": "document", "url": url, "filename": "../../etc/passwd"}}),
            "media.filename",
        ),
        bad(json!({"media": {"kind": "document", "url": url, "filename": "C:\\a.pdf"}}), "media.filename"),
        bad(json!({"media": {"kind": "document", "url": url, "filename": "a\r\nX: y"}}), "media.filename"),
        bad(
            json!({"interactive": {"type": "buttons", "body": "?", "buttons": buttons(&["a", "b", "c", "d"])}}),
            "interactive.buttons",
        ),
        bad(
            json!({"interactive": {"type": "buttons", "body": "?", "buttons": buttons(&["a", "a"])}}),
            "interactive.buttons[1].id",
        ),
        bad(json!({"interactive": {"type": "buttons", "body": "?", "buttons": []}}), "interactive.buttons"),
        bad(
            json!({"interactive": {"type": "buttons", "body": "?", "buttons": [{"id": "a", "title": "x".repeat(21)}]}}),
            "interactive.buttons[0].title",
        ),
        bad(json!({"interactive": section(11)}), "interactive.sections"),
        bad(json!({"interactive": section(0)}), "interactive.sections[0].rows"),
        bad(json!({"interactive": {"type": "carousel", "body": "?"}}), "interactive.type"),
        bad(button(json!({"colour": "red"})), "interactive"),
        bad(
            json!({"interactive": {"type": "cta_url", "body": "?", "display_text": "Open", "url": "http://example.ae"}}),
            "interactive.url",
        ),
        bad(json!({"location": {"latitude": 91, "longitude": 0}}), "location.latitude"),
        bad(json!({"location": {"latitude": 0, "longitude": -180.5}}), "location.longitude"),
        bad(json!({"location": {"latitude": 0, "longitude": 0, "zoom": 3}}), "location.zoom"),
        bad(json!({"contacts": []}), "contacts"),
        bad(json!({"contacts": [{"name": {"first_name": "Sara"}}]}), "contacts[0].name.formatted_name"),
        bad(json!({"reaction": {"message_id": format!("msg_{ABSENT}"), "emoji": "👍👍"}}), "reaction.emoji"),
        bad(json!({"reaction": {"message_id": format!("msg_{ABSENT}"), "emoji": "ok"}}), "reaction.emoji"),
        bad(json!({"reaction": {"emoji": "👍"}}), "reaction"),
        (
            to(json!({"reaction": {"message_id": format!("msg_{ABSENT}"), "emoji": "👍"}})),
            404,
            "not_found",
            "",
        ),
        (to(json!({"reaction": {"message_id": "wamid.HBg", "emoji": "👍"}})), 404, "not_found", ""),
        bad(json!({"template": 5}), "template"),
        bad(json!({"template": {"language": "en"}}), "template"),
        bad(json!({"template": {"name": ""}}), "template.name"),
        bad(json!({"template": {"name": "contract_ready", "vars": {}}}), "template.vars"),
        bad(json!({"template": {"name": "contract_ready", "variables": "x"}}), "template.variables"),
        bad(
            json!({"template": {"name": "contract_ready", "variables": {"a": ["b"]}}}),
            "template.variables.a",
        ),
        bad(
            json!({"template": {"name": "contract_ready", "header": {"image": {"url": url, "x": 1}}}}),
            "template.header.image.x",
        ),
        bad(
            json!({"template": {"name": "contract_ready", "header": {"document": {"url": url, "x": 1}}}}),
            "template.header.document.x",
        ),
        bad(
            json!({"template": {"name": "contract_ready", "header": {"image": {}}}}),
            "template.header.image.url",
        ),
        bad(
            json!({"template": {"name": "contract_ready", "buttons": [{"index": 0, "value": "x", "y": 1}]}}),
            "template.buttons[0].y",
        ),
        bad(json!({"template": {"name": "contract_ready", "language": "en"}, "language": "en"}), "language"),
    ];
    refused(&desk, &rows).await;
}

#[tokio::test]
async fn a_template_is_filled_exactly() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let phone = json!(format!("+{CUSTOMER}"));
    let row = |template: Value, code, field: &'static str| {
        (json!({"to": phone, "template": template}), 422, code, field)
    };
    let mismatch = "template_param_mismatch";
    let viewing =
        |variables: Value| json!({"name": "viewing_confirmation", "language": "en", "variables": variables});
    let all = json!({"agent_name": "Sara", "property_name": "Marina", "viewing_time": "11:00"});
    let with = |name: &str, value: Value| {
        let mut map: Map<String, Value> = all.as_object().unwrap().clone();
        map.insert(name.to_owned(), value);
        viewing(Value::Object(map))
    };
    let without = |name: &str| {
        let mut map: Map<String, Value> = all.as_object().unwrap().clone();
        map.remove(name);
        viewing(Value::Object(map))
    };
    let rows = [
        row(without("viewing_time"), mismatch, "template.variables.viewing_time"),
        row(with("colour", json!("red")), mismatch, "template.variables.colour"),
        row(with("agent_name", json!("")), mismatch, "template.variables.agent_name"),
        row(with("agent_name", json!("   ")), mismatch, "template.variables.agent_name"),
        row(with("agent_name", json!("x".repeat(1100))), mismatch, "template.variables"),
        row(viewing(json!(["Sara", "Marina"])), mismatch, "template.variables"),
        row(viewing(json!(["Sara", "Marina", "11:00", "x"])), mismatch, "template.variables"),
        row(
            json!({"name": "contract_ready", "language": "en", "variables": ["x"]}),
            mismatch,
            "template.variables",
        ),
        row(json!({"name": "no_such_template", "language": "en"}), "template_not_approved", "template.name"),
        row(
            json!({"name": "viewing_confirmation", "language": "fr", "variables": all}),
            "template_not_approved",
            "template.name",
        ),
        row(json!({"name": "pending_offer", "language": "en"}), "template_not_approved", "template.name"),
        row(json!({"name": "rejected_offer", "language": "en"}), "template_not_approved", "template.name"),
        row(json!({"name": "paused_offer", "language": "en"}), "template_not_approved", "template.name"),
        row(
            json!({"name": "area_summary", "language": "en", "variables": ["Marina", "12"]}),
            "do_not_contact",
            "",
        ),
    ];
    let before = desk.stored().await;
    for (body, status, code, field) in &rows {
        let answer = desk.says(body).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status.as_u16(), &error["code"]), (*status, &json!(code)), "{body}: {error}");
        assert!(error["field"].as_str().unwrap_or_default().starts_with(field), "{body}: {error}");
        match *code {
            "template_param_mismatch" => {
                assert_eq!(error["details"]["legacy_code"], "ERROR_TEMPLATE_PARAM_MISMATCH");
                assert!(error["details"]["parameter"].is_string(), "{error}");
            }
            "template_not_approved" => assert!(error["details"]["state"].is_string(), "{error}"),
            _ => assert_eq!(error["details"]["reason"], "no_marketing_opt_in"),
        }
        let asked = desk.preflight(body).await;
        assert_eq!(
            (asked.status.as_u16(), &asked.data()["code"]),
            (200, &json!(code)),
            "{body}: {:?}",
            asked.json()
        );
    }
    assert_eq!((desk.stored().await, desk.sent().len()), (before, 0));
}

#[tokio::test]
async fn a_files_address_is_public_and_https() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.conversation(CUSTOMER, "Hello").await;
    let mut addresses: Vec<String> = [
        "http://files.example.ae/a.jpg",
        "ftp://files.example.ae/a.jpg",
        "file:///etc/passwd",
        "gopher://x.example.ae/",
        "",
        "files.example.ae/a.jpg",
        "//files.example.ae/a.jpg",
        "https://",
        "https:///a.jpg",
        "HTTPS://127.0.0.1/",
        "https://user@files.example.ae/a.jpg",
        "https://files.example.ae\\@127.0.0.1/",
        "https://files.example.ae/a\tb.jpg",
        "javascript:alert(1)",
        "https://files.example.ae:22/a.jpg",
        "https://files.example.ae:9001/a.jpg",
        "https://127.0.0.1#@files.example.ae/",
    ]
    .map(str::to_owned)
    .to_vec();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "169.254.169.254",
        "169.254.79.129",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "192.0.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
        "metadata.internal",
        "printer.local",
        "127.0.0.1:443",
    ] {
        addresses.push(format!("https://{host}/a.jpg"));
    }
    let rows: Vec<_> = addresses
        .iter()
        .map(|url| {
            (to(json!({"media": {"kind": "image", "url": url}})), 400, "validation_error", "media.url")
        })
        .collect();
    refused(&desk, &rows).await;
}

#[tokio::test]
async fn a_body_is_one_json_object_of_at_most_256_kilobytes() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let bearer = format!("Bearer {}", desk.key());
    let text = to(json!({"text": "x"})).to_string();
    let large = to(json!({"text": "x".repeat(300 * 1024)})).to_string();
    let json_type = "application/json";
    let rows: [(&str, &str, u16, &str); 11] = [
        ("", json_type, 400, "validation_error"),
        ("{", json_type, 400, "validation_error"),
        ("null", json_type, 400, "validation_error"),
        ("[]", json_type, 400, "validation_error"),
        ("[{\"to\":\"+971501234567\",\"text\":\"x\"}]", json_type, 400, "validation_error"),
        ("\"text\"", json_type, 400, "validation_error"),
        ("{\"to\":\"+971501234567\",\"text\":\"a\",\"text\":\"b\"}", json_type, 400, "validation_error"),
        ("{\"to\":\"+971501234567\",\"text\":\"\\ud800\"}", json_type, 400, "validation_error"),
        (&large, json_type, 413, "payload_too_large"),
        (&text, "text/plain", 415, "unsupported_media_type"),
        (&text, "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
    ];
    for path in [MESSAGES, "/v1/whatsapp/preflight", "/api/v1/whatsapp/messages"] {
        for (body, content_type, status, code) in &rows {
            let headers = [("authorization", bearer.as_str()), ("content-type", *content_type)];
            let answer = world.send("POST", path, &headers, (*body).to_owned()).await;
            let start: String = body.chars().take(40).collect();
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (*status, *code), "{path} {start}");
        }
        let query = desk.post(&format!("{path}?dry_run=1"), &to(json!({"text": "x"}))).await;
        assert_eq!(
            (query.status.as_u16(), &query.json()["error"]["field"]),
            (400, &json!("dry_run")),
            "{path}"
        );
    }
    assert_eq!((desk.stored().await, desk.sent().len()), ((0, 0), 0));
}
