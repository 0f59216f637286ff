//! Every kind of message through every provider: in its shape on the wire, or refused with what to send instead.

use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";
const FILE: &str = "https://files.example.ae/plans/villa.bin";

/// What a provider is asked, or the field that it cannot carry.
type Wire = Result<Value, &'static str>;

struct Kind {
    /// The content of the send body.
    body: Value,
    /// On Meta and 360dialog: `type` and the object of that name.
    cloud: Value,
    /// On UltraMsg: the last part of the path and the fields, the usual ones aside.
    ultramsg: Wire,
}

fn kind(body: Value, cloud: Value, ultramsg: Wire) -> Kind {
    Kind { body, cloud, ultramsg }
}

fn plain() -> Vec<Kind> {
    let file = |kind: &str, cloud: Value, form: Value| {
        let body = json!({"media": {"kind": kind, "url": FILE}});
        self::kind(body, cloud, Ok(form))
    };
    let card = json!({"name": {"formatted_name": "Sara Ali", "first_name": "Sara"}, "phones": [{"phone": "+97143334444"}]});
    vec![
        kind(
            json!({"text": "See https://example.ae", "preview_url": true}),
            json!({"type": "text", "text": {"body": "See https://example.ae", "preview_url": true}}),
            Ok(json!({"path": "chat", "body": "See https://example.ae"})),
        ),
        kind(
            json!({"text": "\u{645}\u{631}\u{62d}\u{628}\u{627} 👋"}),
            json!({"type": "text", "text": {"body": "\u{645}\u{631}\u{62d}\u{628}\u{627} 👋", "preview_url": false}}),
            Ok(json!({"path": "chat", "body": "\u{645}\u{631}\u{62d}\u{628}\u{627} 👋"})),
        ),
        kind(
            json!({"media": {"kind": "image", "url": FILE, "caption": "The view"}}),
            json!({"type": "image", "image": {"link": FILE, "caption": "The view"}}),
            Ok(json!({"path": "image", "image": FILE, "caption": "The view"})),
        ),
        file(
            "video",
            json!({"type": "video", "video": {"link": FILE}}),
            json!({"path": "video", "video": FILE}),
        ),
        file(
            "audio",
            json!({"type": "audio", "audio": {"link": FILE}}),
            json!({"path": "audio", "audio": FILE}),
        ),
        file(
            "voice",
            json!({"type": "audio", "audio": {"link": FILE, "voice": true}}),
            json!({"path": "voice", "audio": FILE}),
        ),
        file(
            "sticker",
            json!({"type": "sticker", "sticker": {"link": FILE}}),
            json!({"path": "sticker", "sticker": FILE}),
        ),
        kind(
            json!({"media": {"kind": "document", "url": FILE, "filename": "Villa plan.pdf", "caption": "Plan"}}),
            json!({"type": "document", "document": {"link": FILE, "filename": "Villa plan.pdf", "caption": "Plan"}}),
            Ok(
                json!({"path": "document", "document": FILE, "filename": "Villa plan.pdf", "caption": "Plan"}),
            ),
        ),
        kind(
            json!({"location": {"latitude": 25.0801, "longitude": 55.1403, "name": "Marina Gate", "address": "Dubai Marina"}}),
            json!({"type": "location", "location":
                {"latitude": 25.0801, "longitude": 55.1403, "name": "Marina Gate", "address": "Dubai Marina"}}),
            Ok(
                json!({"path": "location", "lat": "25.0801", "lng": "55.1403", "address": "Marina Gate\nDubai Marina"}),
            ),
        ),
        kind(
            json!({"contacts": [card]}),
            json!({"type": "contacts", "contacts": [card]}),
            Ok(json!({"path": "vcard"})),
        ),
        kind(
            json!({"contacts": [card, card]}),
            json!({"type": "contacts", "contacts": [card, card]}),
            Err("contacts"),
        ),
    ]
}

fn interactive() -> Vec<Kind> {
    let of = |asked: Value, wire: Value| {
        let cloud = json!({"type": "interactive", "interactive": wire});
        kind(json!({"interactive": asked}), cloud, Err("interactive.type"))
    };
    vec![
        of(
            json!({"type": "buttons", "body": "Saturday at 11?", "header": "Viewing", "footer": "Marina Gate Realty",
                "buttons": [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "Another day"}]}),
            json!({"type": "button", "header": {"type": "text", "text": "Viewing"}, "body": {"text": "Saturday at 11?"},
                "footer": {"text": "Marina Gate Realty"}, "action": {"buttons": [
                    {"type": "reply", "reply": {"id": "yes", "title": "Yes"}},
                    {"type": "reply", "reply": {"id": "no", "title": "Another day"}}]}}),
        ),
        of(
            json!({"type": "list", "body": "Which area?", "button": "Choose",
                "sections": [{"title": "Dubai", "rows": [{"id": "marina", "title": "Marina", "description": "By the sea"}]},
                    {"title": "Abu Dhabi", "rows": [{"id": "yas", "title": "Yas"}]}]}),
            json!({"type": "list", "body": {"text": "Which area?"}, "action": {"button": "Choose",
                "sections": [{"title": "Dubai", "rows": [{"id": "marina", "title": "Marina", "description": "By the sea"}]},
                    {"title": "Abu Dhabi", "rows": [{"id": "yas", "title": "Yas"}]}]}}),
        ),
        of(
            json!({"type": "cta_url", "body": "The floor plan", "display_text": "Open", "url": "https://example.ae/p"}),
            json!({"type": "cta_url", "body": {"text": "The floor plan"}, "action": {"name": "cta_url",
                "parameters": {"display_text": "Open", "url": "https://example.ae/p"}}}),
        ),
        of(
            json!({"type": "flow", "body": "Tell us more", "flow_id": "4711", "flow_cta": "Start", "flow_token": "t-1",
                "screen": "BUDGET", "data": {"area": "Marina"}}),
            json!({"type": "flow", "body": {"text": "Tell us more"}, "action": {"name": "flow", "parameters":
                {"flow_message_version": "3", "flow_token": "t-1", "flow_id": "4711", "flow_cta": "Start",
                    "flow_action": "navigate", "flow_action_payload": {"screen": "BUDGET", "data": {"area": "Marina"}}}}}),
        ),
    ]
}

fn templates() -> Vec<Kind> {
    let values =
        json!({"agent_name": "Sara", "property_name": "Marina Vista", "viewing_time": "Saturday 11:00"});
    let named = json!([{"type": "body", "parameters": [
        {"type": "text", "parameter_name": "agent_name", "text": "Sara"},
        {"type": "text", "parameter_name": "property_name", "text": "Marina Vista"},
        {"type": "text", "parameter_name": "viewing_time", "text": "Saturday 11:00"}]}]);
    let of = |body: Value, name: &str, components: Value| {
        let mut template = json!({"name": name, "language": {"code": "en"}});
        if components != json!([]) {
            template["components"] = components;
        }
        kind(body, json!({"type": "template", "template": template}), Err("-"))
    };
    vec![
        of(
            json!({"template": {"name": "viewing_confirmation", "language": "en", "variables": values}}),
            "viewing_confirmation",
            named.clone(),
        ),
        of(
            json!({"template": {"name": "viewing_confirmation", "language": "en",
                "variables": ["Sara", "Marina Vista", "Saturday 11:00"]}}),
            "viewing_confirmation",
            named.clone(),
        ),
        of(
            json!({"template": "viewing_confirmation_en", "variables": values}),
            "viewing_confirmation_en",
            named,
        ),
        of(
            json!({"template": {"name": "area_summary", "language": "en", "variables": ["Dubai Marina", 12]}}),
            "area_summary",
            json!([{"type": "body", "parameters": [
                {"type": "text", "text": "Dubai Marina"}, {"type": "text", "text": "12"}]}]),
        ),
        of(
            json!({"template": {"name": "listing_share", "language": "en", "variables": {"price": "AED 1,450,000"},
                "header": {"image": {"url": FILE}}, "buttons": [{"index": 0, "value": "mg-204"}]}}),
            "listing_share",
            json!([{"type": "header", "parameters": [{"type": "image", "image": {"link": FILE}}]},
                {"type": "body", "parameters": [{"type": "text", "parameter_name": "price", "text": "AED 1,450,000"}]},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "mg-204"}]}]),
        ),
        of(json!({"template": {"name": "contract_ready", "language": "en"}}), "contract_ready", json!([])),
        of(
            json!({"template": {"name": "login_code", "language": "en", "variables": ["482913"]}}),
            "login_code",
            json!([{"type": "body", "parameters": [{"type": "text", "text": "482913"}]},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "482913"}]}]),
        ),
    ]
}

/// What was asked of a Cloud API, without what every message has; that is looked at here.
fn cloud_wire(sent: &Value, message: &Value) -> Value {
    let mut body = sent["body"].as_object().cloned().unwrap();
    assert_eq!(body.remove("messaging_product"), Some(json!("whatsapp")));
    assert_eq!(body.remove("recipient_type"), Some(json!("individual")));
    assert_eq!(
        body.remove("to").and_then(|to| Some(to.as_str()?.replace('+', ""))).as_deref(),
        Some(CUSTOMER)
    );
    let ours = body.remove("biz_opaque_callback_data").unwrap_or_default();
    let (id, fence) = ours.as_str().unwrap().split_once('.').unwrap();
    assert_eq!(Some(id), message["id"].as_str());
    assert!(!fence.is_empty());
    // One may be reached by the number and by the user id; the number is what we knew first.
    let _user_id = body.remove("recipient");
    Value::Object(body)
}

/// What was asked of UltraMsg, without what every message has.
fn form(sent: &Value, message: &Value) -> Value {
    let mut body = sent["body"].as_object().cloned().unwrap();
    // The simulator keeps the token for itself.
    assert!(!body.contains_key("token"));
    assert_eq!(body.remove("referenceId"), Some(message["id"].clone()));
    let to = body.remove("to");
    let path = sent["path"].as_str().unwrap();
    assert!(to.is_some() || path.ends_with("/reaction"), "{sent}");
    body.insert("path".to_owned(), json!(path.rsplit('/').next().unwrap()));
    Value::Object(body)
}

/// Sends and gives the one thing that the provider was asked, which it must have taken.
async fn asked(desk: &Desk<'_>, body: &Value) -> (Value, Value) {
    let before = desk.sent().len();
    let message = desk.sends(body).await;
    let sent = desk.sent().split_off(before);
    let [sent] = sent.as_slice() else { panic!("{body}: {sent:?}") };
    assert_eq!(sent["accepted"], true, "{body}: {sent}");
    assert!(
        ["sent", "delivered", "read"].contains(&message["status"].as_str().unwrap()),
        "{body}: {message}"
    );
    assert_eq!(message["error"], Value::Null, "{message}");
    (sent.clone(), message)
}

#[tokio::test]
async fn every_kind_reaches_meta_and_360dialog_in_the_shape_of_the_cloud_api() {
    let world = World::start().await;
    for provider in ["meta", "dialog360"] {
        let desk = world.desk(provider);
        let conversation = desk.conversation(CUSTOMER, "Hello, is the villa free?").await;
        let contact = desk.contact_of(&conversation).await;
        let consent = json!({"purpose": "marketing", "state": "granted", "wording": "Send me offers", "language": "en",
            "source": "form"});
        let agreed = desk.post(&format!("/v1/contacts/{contact}/consents"), &consent).await;
        assert_eq!(agreed.status, 201, "{:?}", agreed.json());
        for kind in plain().into_iter().chain(interactive()).chain(templates()) {
            let mut body = kind.body.clone();
            body["conversation_id"] = json!(conversation);
            let (sent, message) = asked(&desk, &body).await;
            assert_eq!(cloud_wire(&sent, &message), kind.cloud, "{provider} {body}");
            assert_eq!(message["provider"], provider);
        }
    }
}

#[tokio::test]
async fn ultramsg_gets_forms_and_what_it_cannot_carry_is_refused_with_what_to_send_instead() {
    let world = World::start().await;
    let desk = world.desk("ultramsg");
    let conversation = desk.conversation(CUSTOMER, "Hello, is the villa free?").await;
    let mut refused = 0;
    for kind in plain().into_iter().chain(interactive()) {
        let mut body = kind.body.clone();
        body["conversation_id"] = json!(conversation);
        match kind.ultramsg {
            Ok(expected) => {
                let (sent, message) = asked(&desk, &body).await;
                let mut form = form(&sent, &message);
                if expected["path"] == "vcard" {
                    let card = form.as_object_mut().unwrap().remove("vcard").unwrap();
                    assert!(card.as_str().unwrap().contains("FN:Sara Ali"), "{card}");
                }
                assert_eq!(form, expected, "{body}");
            }
            Err(field) => {
                let before = (desk.sent().len(), desk.stored().await);
                for answer in [desk.says(&body).await, desk.preflight(&body).await] {
                    let json = answer.json();
                    let no = if answer.status == 200 { &json["data"]["reasons"][0] } else { &json["error"] };
                    assert_eq!(
                        (&no["code"], &no["field"]),
                        (&json!("unsupported_by_provider"), &json!(field)),
                        "{json}"
                    );
                    assert!(
                        no["details"]["alternative"].as_str().is_some_and(|text| text.len() > 10),
                        "{json}"
                    );
                }
                assert_eq!((desk.sent().len(), desk.stored().await), before, "{body}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 5);
}

#[tokio::test]
async fn an_uploaded_file_is_sent_by_its_id_through_each_provider() {
    let world = World::start().await;
    for provider in ["meta", "dialog360", "ultramsg"] {
        let desk = world.desk(provider);
        let conversation = desk.conversation(CUSTOMER, "Send me the plan").await;
        let bearer = format!("Bearer {}", desk.key());
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/pdf")];
        let path = "/v1/whatsapp/media?filename=plan.pdf";
        let uploaded = world.send("POST", path, &headers, &b"%PDF-1.7\n%%EOF\n"[..]).await;
        assert!(uploaded.status.is_success(), "{provider}: {:?}", uploaded.json());
        let id = text_of(&uploaded.data(), "id");
        let body = json!({"conversation_id": conversation, "media": {"kind": "document", "id": id, "filename": "plan.pdf"}});
        let (sent, message) = asked(&desk, &body).await;
        assert_eq!(message["media"]["id"], json!(id), "{message}");
        let document = &sent["body"]["document"];
        let by_id_or_link =
            document["id"].is_string() || document["link"].is_string() || document.is_string();
        assert!(by_id_or_link, "{provider}: {sent}");
    }
    // An id that is nobody's is refused by Meta, and UltraMsg knows no ids at all.
    let desk = world.desk("ultramsg");
    let body = json!({"to": format!("+{CUSTOMER}"), "media": {"kind": "image", "id": "1234567890"}});
    let refused = desk.says(&body).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "unsupported_by_provider"));
    assert_eq!(refused.json()["error"]["field"], "media.id");
}

#[tokio::test]
async fn reactions_and_quoted_replies_name_the_providers_own_id() {
    let world = World::start().await;
    for provider in ["meta", "dialog360", "ultramsg"] {
        let desk = world.desk(provider);
        let theirs = desk.hears(CUSTOMER, json!({"text": "Is the villa free?"})).await[0].clone();
        let conversation = desk.conversation(CUSTOMER, "And the pool?").await;
        let path = format!("/v1/conversations/{conversation}/messages");
        let all = desk.all(&path).await;
        let first = all.iter().find(|one| one["provider_message_id"] == json!(theirs)).unwrap();
        let id = text_of(first, "id");

        for emoji in ["👍🏽", ""] {
            let reaction = json!({"message_id": id, "emoji": emoji});
            let (sent, message) =
                asked(&desk, &json!({"conversation_id": conversation, "reaction": reaction})).await;
            if provider == "ultramsg" {
                assert_eq!(
                    form(&sent, &message),
                    json!({"path": "reaction", "msgId": theirs, "emoji": emoji})
                );
            } else {
                let wire = json!({"type": "reaction", "reaction": {"message_id": theirs, "emoji": emoji}});
                assert_eq!(cloud_wire(&sent, &message), wire, "{provider}");
            }
            let reacted = desk.message(&id).await;
            let shown: Vec<&str> = reacted["reactions"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["emoji"].as_str())
                .collect();
            assert_eq!(shown, if emoji.is_empty() { vec![] } else { vec![emoji] }, "{provider}: {reacted}");
        }

        let (sent, message) =
            asked(&desk, &json!({"conversation_id": conversation, "text": "Yes", "reply_to": id})).await;
        let quoted = if provider == "ultramsg" {
            &sent["body"]["msgId"]
        } else {
            &sent["body"]["context"]["message_id"]
        };
        assert_eq!(quoted, &json!(theirs), "{provider}: {sent}");
        assert_eq!(message["context"]["provider_message_id"], json!(theirs), "{provider}: {message}");
    }
}
