//! `Idempotency-Key`: the first answer is given again for a day, effects happen once, whoever dies (I-10, I-11).

use e2e::desk::{Desk, MESSAGES, text_of};
use e2e::{Answer, World};
use futures_util::future::join_all;
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";
const DAY: u64 = 24 * 3600;

/// Posts with keys: the API's and the request's.
async fn keyed(world: &World, path: &str, bearer: &str, key: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {bearer}");
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
    world.send("POST", path, &headers, body.to_owned()).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

/// The texts that the business sent in a conversation.
async fn texts(desk: &Desk<'_>, conversation: &str) -> Vec<String> {
    let all = desk.all(&format!("/v1/conversations/{conversation}/messages")).await;
    let ours = all.iter().filter(|one| one["direction"] == "outbound");
    ours.filter_map(|one| one["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_mutating_route_answers_a_repetition_with_its_first_answer() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let admin = desk.tenant.keys.live_admin.clone();
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    let contact = desk.contact_of(&conversation).await;
    let text = |text: &str| json!({"conversation_id": conversation, "text": text});
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut body = text("held");
        body["hold"] = json!(true);
        held.push(text_of(&desk.says(&body).await.data(), "id"));
    }
    world.behave(json!({"rules": [{"match": {"operation": "send"}, "times": 1, "action": {"reset_before": true}}]})).await;
    let open = desk.sends(&text("open")).await;
    assert_eq!(open["status"], "uncertain", "{open}");
    world.stack.simulator().behave_well();
    let unknown = json!({"object": "whatsapp_business_account", "entry": "nonsense"}).to_string();
    assert_eq!(world.from_meta(&unknown).await.status, 200);
    world.settled().await;
    let parked = world.get("/v1/events?state=parked", &admin).await.items();
    let event = text_of(&parked[0], "id");

    let message = |id: &str, does: &str| format!("{MESSAGES}/{id}/{does}");
    let consent = json!({"purpose": "marketing", "state": "revoked"});
    let routes = [
        (MESSAGES.to_owned(), text("sent"), 202),
        (message(&held[0], "release"), json!({}), 200),
        (message(&held[1], "cancel"), json!({}), 200),
        (message(&text_of(&open, "id"), "resend"), json!({}), 200),
        (format!("/v1/contacts/{contact}/consents"), consent, 201),
        ("/v1/whatsapp/templates/sync".to_owned(), json!({}), 200),
        (format!("/v1/events/{event}/replay"), json!({}), 202),
        ("/v1/events/replay".to_owned(), json!({"ids": [event]}), 202),
    ];
    for (path, body, status) in &routes {
        let first = keyed(&world, path, &admin, "the-key", &body.to_string()).await;
        assert_eq!(first.status.as_u16(), *status, "{path}: {:?}", first.json());
        assert!(!is_replayed(&first));
        world.settled().await;
        let second = keyed(&world, path, &admin, "the-key", &body.to_string()).await;
        assert_eq!((second.status, &second.bytes), (first.status, &first.bytes), "{path}");
        assert!(is_replayed(&second), "{path}");
        assert_eq!(second.headers["content-type"], "application/json");
        // The same route by its other name is the same request.
        let alias = keyed(&world, &format!("/api{path}"), &admin, "the-key", &body.to_string()).await;
        assert!(is_replayed(&alias) && alias.bytes == first.bytes, "{path}");
        let mut other = body.clone();
        other["x"] = json!(1);
        let refused = keyed(&world, path, &admin, "the-key", &other.to_string()).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conflict"), "{path}");
        world.settled().await;
    }
    let bearer = format!("Bearer {admin}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/pdf"),
        ("idempotency-key", "the-key"),
    ];
    let upload = |file: &'static [u8]| world.send("POST", "/v1/whatsapp/media", &headers, file);
    let (first, second) = (upload(b"%PDF-1.7\n%%EOF\n").await, upload(b"%PDF-1.7\n%%EOF\n").await);
    assert_eq!((first.status.as_u16(), &first.bytes), (201, &second.bytes), "{:?}", first.json());
    assert!(is_replayed(&second));
    assert_eq!(upload(b"%PDF-1.7\nother\n%%EOF\n").await.status, 409);

    let mut said = texts(&desk, &conversation).await;
    said.sort();
    assert_eq!(said, ["held", "held", "open", "sent"]);
    let sent: Vec<_> = desk.sent().iter().map(|one| text_of(&one["body"]["text"], "body")).collect();
    assert_eq!(sent, ["open", "sent", "held", "open"], "once each, the uncertain one again when told to");
    assert_eq!(desk.all(&format!("/v1/contacts/{contact}/consents")).await.len(), 1);
}

#[tokio::test]
async fn a_key_belongs_to_a_tenant_a_route_a_body_and_a_day() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    let key = desk.key().to_owned();
    let body = format!(r#"{{"conversation_id":"{conversation}","text":"one"}}"#);
    let turned = format!("{{ \"text\": \"one\",\n \"conversation_id\": \"{conversation}\" }}");
    let first = keyed(&world, MESSAGES, &key, "k", &body).await;
    assert_eq!(first.status, 202, "{:?}", first.json());
    world.settled().await;
    let again = keyed(&world, MESSAGES, &key, "k", &turned).await;
    assert!(is_replayed(&again) && again.bytes == first.bytes, "the order of members does not count");
    // Another key of the same tenant is the same tenant.
    assert!(is_replayed(&keyed(&world, MESSAGES, &desk.tenant.keys.live_admin, "k", &body).await));

    let other = world.desk("dialog360");
    let theirs = other.conversation(CUSTOMER, "Hello, is it free?").await;
    let body_of_theirs = json!({"conversation_id": theirs, "text": "one"}).to_string();
    let unrelated = keyed(&world, MESSAGES, other.key(), "k", &body_of_theirs).await;
    assert_eq!((unrelated.status.as_u16(), is_replayed(&unrelated)), (202, false));
    let sandbox = json!({"to": "+971501234567", "text": "one"}).to_string();
    let test = keyed(&world, MESSAGES, &desk.tenant.keys.test_admin, "k", &sandbox).await;
    assert_eq!((test.status.as_u16(), is_replayed(&test)), (202, false), "{:?}", test.json());
    let contact = desk.contact_of(&conversation).await;
    let consent = json!({"purpose": "marketing", "state": "revoked"}).to_string();
    let route = keyed(&world, &format!("/v1/contacts/{contact}/consents"), &key, "k", &consent).await;
    assert_eq!((route.status.as_u16(), is_replayed(&route)), (201, false));
    // What the key may not do is not answered from what it once did.
    let viewer = keyed(&world, MESSAGES, &desk.tenant.keys.live_viewer, "k", &body).await;
    assert_eq!(viewer.status, 403, "{:?}", viewer.json());
    world.settled().await;
    assert_eq!((desk.sent().len(), other.sent().len()), (1, 1));

    world.advance(DAY - 60).await;
    assert!(is_replayed(&keyed(&world, MESSAGES, &key, "k", &body).await));
    world.advance(61).await;
    desk.hears(CUSTOMER, json!({"text": "Still interested"})).await;
    let anew = keyed(&world, MESSAGES, &key, "k", &body).await;
    assert_eq!((anew.status.as_u16(), is_replayed(&anew)), (202, false), "{:?}", anew.json());
    assert_ne!(anew.data()["id"], first.data()["id"]);
    world.settled().await;
    assert_eq!(desk.sent().len(), 2);
}

#[tokio::test]
async fn what_was_decided_is_kept_and_what_can_be_corrected_is_not() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let key = desk.key().to_owned();
    let to = "+971501234567";
    let post = |body: Value| {
        let (world, key) = (&world, &key);
        async move { keyed(world, MESSAGES, key, "k", &body.to_string()).await }
    };
    // 400 and 404 are forgotten: the same key takes the corrected request.
    for (body, status) in [
        (json!({"to": "0501234567", "text": "x"}), 400),
        (json!({"to": to, "text": ""}), 400),
        (json!({"conversation_id": "conv_x", "text": "x"}), 404),
        (json!([]), 400),
    ] {
        let answer = post(body).await;
        assert_eq!((answer.status.as_u16(), is_replayed(&answer)), (status, false), "{:?}", answer.json());
    }
    // A rule's no stays the answer for the day, byte for byte, also after the customer wrote.
    let closed = json!({"to": to, "text": "x"});
    let refused = post(closed.clone()).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "outside_24h_window"));
    desk.conversation(CUSTOMER, "مرحبا، هل الفيلا متاحة؟").await;
    let again = post(closed.clone()).await;
    assert!(is_replayed(&again) && again.bytes == refused.bytes, "{:?}", again.json());
    let fresh = keyed(&world, MESSAGES, &key, "k2", &closed.to_string()).await;
    assert_eq!(fresh.status, 202, "{:?}", fresh.json());
    // 409 asks for a correction.
    let english = json!({"to": to, "template": {"name": "contract_ready", "language": "en"}});
    let mismatch = keyed(&world, MESSAGES, &key, "k3", &english.to_string()).await;
    assert_eq!((mismatch.status.as_u16(), mismatch.code().as_str()), (409, "language_mismatch"));
    let mut confirmed = english.clone();
    confirmed["confirm_language"] = json!(true);
    assert_eq!(keyed(&world, MESSAGES, &key, "k3", &confirmed.to_string()).await.status, 202);

    let long = "k".repeat(256);
    for bad in ["", long.as_str(), "tab\tbed"] {
        let answer = keyed(&world, MESSAGES, &key, bad, &closed.to_string()).await;
        let json = answer.json();
        assert_eq!(
            (answer.status.as_u16(), &json["error"]["field"]),
            (400, &json!("Idempotency-Key")),
            "{bad:?}: {json}"
        );
    }
    assert_eq!(keyed(&world, MESSAGES, &key, &"k".repeat(255), &closed.to_string()).await.status, 202);
    let unsigned = keyed(&world, MESSAGES, "hdr_live_x", "k", &closed.to_string()).await;
    assert_eq!(unsigned.status, 401);
}

#[tokio::test]
async fn fifty_twins_have_one_effect_on_each_kind_of_route() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    let contact = desk.contact_of(&conversation).await;
    let held =
        desk.says(&json!({"conversation_id": conversation, "text": "held", "hold": true})).await.data();
    let routes = [
        (MESSAGES.to_owned(), json!({"conversation_id": conversation, "text": "one"}), 202),
        (format!("{MESSAGES}/{}/release", text_of(&held, "id")), json!({}), 200),
        (
            format!("/v1/contacts/{contact}/consents"),
            json!({"purpose": "marketing", "state": "revoked"}),
            201,
        ),
    ];
    for (path, body, status) in &routes {
        let body = body.to_string();
        let twins = join_all((0..50).map(|_| keyed(&world, path, desk.key(), "twin", &body))).await;
        let (done, running): (Vec<_>, Vec<_>) =
            twins.iter().partition(|twin| twin.status.as_u16() == *status);
        assert!(!done.is_empty() && done.iter().all(|twin| twin.bytes == done[0].bytes), "{path}");
        assert_eq!(done.iter().filter(|twin| !is_replayed(twin)).count(), 1, "{path}: one is the first");
        for twin in running {
            assert_eq!((twin.status.as_u16(), twin.code().as_str()), (409, "conflict"), "{:?}", twin.json());
            let wait: u32 = twin.headers["retry-after"].to_str().unwrap().parse().unwrap();
            // The lease of 20 s of a twin that began a moment later.
            assert!((1..=21).contains(&wait), "{wait}");
        }
        world.settled().await;
    }
    assert_eq!(desk.sent().len(), 2);
    assert_eq!(desk.all(&format!("/v1/contacts/{contact}/consents")).await.len(), 1);
}

/// Repeats a request as a patient client does until it is answered with this status.
async fn repeated(world: &World, path: &str, bearer: &str, key: &str, body: &str, status: u16) -> Answer {
    for _ in 0..10 {
        let answer = keyed(world, path, bearer, key, body).await;
        if answer.status.as_u16() == status {
            return answer;
        }
        let waits = answer.headers.get("retry-after").and_then(|wait| wait.to_str().ok()?.parse().ok());
        let later = [409, 500, 502, 503].contains(&answer.status.as_u16());
        assert!(later, "{path} {key}: {} {:?}", answer.status, answer.json());
        world.advance(waits.unwrap_or(1)).await;
    }
    panic!("{path} {key}: never {status}");
}

#[tokio::test]
async fn wherever_a_handler_dies_a_repetition_leaves_one_effect() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    let contact = desk.contact_of(&conversation).await;
    let ledger = format!("/v1/contacts/{contact}/consents");
    let bearer = desk.tenant.keys.live_admin.clone();
    let mut expected = Vec::new();
    let mut consents = 0;
    let mut struck = 0;
    for action in ["crash", "crash_after", "drop_after", "error"] {
        for nth in 0..14 {
            let name = format!("{action} {nth}");
            // `error` with 400 is none that the client tries again by itself.
            let mut fault =
                json!({"service": "dynamodb", "operation": "*", "action": action, "after": nth, "times": 1});
            fault["caller"] = json!("messages");
            if action == "error" {
                fault["status"] = json!(400);
            }
            world.faults(json!([fault])).await;
            let body = json!({"conversation_id": conversation, "text": name}).to_string();
            let first = keyed(&world, MESSAGES, &bearer, &name, &body).await;
            struck += usize::from(first.status != 202);
            world.faults(json!([])).await;
            let done = repeated(&world, MESSAGES, &bearer, &name, &body, 202).await;
            if first.status == 202 {
                assert_eq!(first.bytes, done.bytes, "{name}");
            }
            expected.push(name);
        }
        for nth in 0..8 {
            let name = format!("{action} {nth}");
            let mut fault =
                json!({"service": "dynamodb", "operation": "*", "action": action, "after": nth, "times": 1});
            fault["caller"] = json!("consents");
            if action == "error" {
                fault["status"] = json!(400);
            }
            world.faults(json!([fault])).await;
            let body = json!({"purpose": "channel", "state": "granted", "wording": name, "language": "en", "source": "x"}).to_string();
            let _first = keyed(&world, &ledger, &bearer, &name, &body).await;
            world.faults(json!([])).await;
            repeated(&world, &ledger, &bearer, &name, &body, 201).await;
            consents += 1;
        }
        world.advance(61).await;
        let _swept = world.stack.sweep().await;
        world.settled().await;
    }
    assert!(struck >= 20, "the faults must hit: {struck}");
    let mut said = texts(&desk, &conversation).await;
    said.sort();
    expected.sort();
    assert_eq!(said, expected, "each is there once");
    let mut sent: Vec<_> = desk.sent().iter().map(|one| text_of(&one["body"]["text"], "body")).collect();
    sent.sort();
    assert_eq!(sent, expected, "each is sent once");
    assert_eq!(desk.all(&ledger).await.len(), consents);
}

#[tokio::test]
async fn wherever_a_release_a_cancel_or_a_resend_dies_its_repetition_says_what_was_done() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello, is it free?").await;
    let bearer = desk.tenant.keys.live_admin.clone();
    let mut released = Vec::new();
    for action in ["crash_after", "error"] {
        for nth in 0..10 {
            for does in ["release", "cancel"] {
                let name = format!("{does} {action} {nth}");
                let body = json!({"conversation_id": conversation, "text": name, "hold": true});
                let id = text_of(&desk.says(&body).await.data(), "id");
                let mut fault = json!({"service": "dynamodb", "operation": "*", "action": action, "after": nth, "times": 1,
                    "caller": "messages"});
                if action == "error" {
                    fault["status"] = json!(400);
                }
                world.faults(json!([fault])).await;
                let path = format!("{MESSAGES}/{id}/{does}");
                let _first = keyed(&world, &path, &bearer, &name, "").await;
                world.faults(json!([])).await;
                let done = repeated(&world, &path, &bearer, &name, "", 200).await;
                if does == "cancel" {
                    assert_eq!(done.data()["status"], "cancelled", "{name}");
                } else {
                    assert_ne!(done.data()["status"], "held", "{name}");
                    released.push(name);
                }
            }
        }
    }
    world.advance(61).await;
    let _swept = world.stack.sweep().await;
    world.settled().await;
    let mut sent: Vec<_> = desk.sent().iter().map(|one| text_of(&one["body"]["text"], "body")).collect();
    sent.sort();
    released.sort();
    assert_eq!(sent, released, "what was released is sent once, what was cancelled never");
}
