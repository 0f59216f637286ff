//! Erasure: nothing of the person is left anywhere, nothing old brings them back, and there is a proof.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::desk::{Desk, MESSAGES, text_of};
use e2e::receiver::Receiver;
use e2e::{Answer, World};
use local::Options;
use platform::aws::Service;
use serde_json::{Value, json};
use std::path::Path;

const CUSTOMER: &str = "971505553141";
const OTHER: &str = "971507772222";
const NAME: &str = "Zafira Kestrelname";
const SAID: &str = "kestrel31 my passport is here";
const ANSWERED: &str = "kestrel32 thank you";
const NOTE: &str = "kestrel33 called about the villa";
const FILE: &[u8] = b"\xff\xd8\xff\xe0 kestrel34 a picture of a passport";
const EMAIL: &str = "kestrel35@example.com";
const HELD: &str = "kestrel36 not sent yet";
const AGREED: &str = "kestrel37 said that offers are welcome";
/// What must lie nowhere.
const PLANTED: [&str; 10] = [
    CUSTOMER,
    "50 555 3141",
    "Kestrelname",
    "kestrel31",
    "kestrel32",
    "kestrel33",
    "kestrel34",
    "kestrel35",
    "kestrel36",
    "kestrel37",
];

fn found(text: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    let is_in = |one: &&&str| lower.contains(&one.to_lowercase()) || text.contains(&STANDARD.encode(one));
    PLANTED.iter().filter(is_in).copied().collect()
}

/// Everything that the tables hold, by table.
pub(crate) async fn dump(world: &World) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, table) in &world.stack.ready().tables {
        let mut start = Value::Null;
        loop {
            let mut input = json!({"TableName": table});
            if !start.is_null() {
                input["ExclusiveStartKey"] = start;
            }
            let page = world.aws(Service::DynamoDb, "Scan", &input).await;
            let items = page["Items"].as_array().cloned().unwrap_or_default();
            all.extend(items.into_iter().map(|item| (name.clone(), unpacked(item))));
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
    }
    all
}

/// What is packed, in clear.
fn unpacked(mut item: Value) -> Value {
    for name in ["rawz", "z"] {
        let Some(packed) = item[name]["B"].as_str().and_then(|text| STANDARD.decode(text).ok()) else {
            continue;
        };
        if let Ok(bytes) = miniz_oxide::inflate::decompress_to_vec(&packed) {
            item[name] = json!(String::from_utf8_lossy(&bytes));
        }
    }
    item
}

fn files(dir: &Path, each: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, each);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            each(&path, &String::from_utf8_lossy(&bytes));
        }
    }
}

pub(crate) async fn erases(desk: &Desk<'_>, contact: &str, key: &str) -> Answer {
    let bearer = format!("Bearer {}", desk.tenant.keys.live_admin);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
    desk.world.send("POST", &format!("/v1/contacts/{contact}/erasure"), &headers, "").await
}

async fn erasure(desk: &Desk<'_>, id: &str) -> Value {
    let answer = desk.world.get(&format!("/v1/erasures/{id}"), &desk.tenant.keys.live_admin).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

/// The sweeps until an erasure is complete, with the time that it takes.
pub(crate) async fn completed(desk: &Desk<'_>, id: &str) -> Value {
    for _ in 0..10 {
        desk.world.stack.sweep().await.unwrap();
        desk.world.settled().await;
        let shown = erasure(desk, id).await;
        if shown["state"] == "complete" {
            return shown;
        }
        desk.world.advance(60).await;
    }
    panic!("it never was complete: {}", erasure(desk, id).await);
}

/// What the person does and what is done about them; the conversation.
async fn lives(desk: &Desk<'_>) -> String {
    let world = desk.world;
    desk.hears(CUSTOMER, json!({"text": SAID, "name": NAME})).await;
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"kind": "image", "bytes": STANDARD.encode(FILE), "name": NAME})).await;
    let talk = desk.conversation(CUSTOMER, "and more kestrel31").await;
    let picture = desk.all(&format!("/v1/conversations/{talk}/messages")).await;
    let picture = picture.iter().find(|one| one["kind"] == "image").unwrap();
    let file = desk.get(&format!("/v1/whatsapp/media/{}", text_of(picture, "id"))).await;
    assert_eq!((file.status.as_u16(), &file.bytes[..]), (200, FILE));
    assert_eq!(desk.sends(&json!({"conversation_id": talk, "text": ANSWERED})).await["status"], "read");
    let held = desk.says(&json!({"conversation_id": talk, "text": HELD, "hold": true})).await;
    assert_eq!(held.status, 202);
    let contact = desk.contact_of(&talk).await;
    let bearer = format!("Bearer {}", desk.key());
    let lead = json!({"name": NAME, "phone": format!("+{CUSTOMER}"), "email": EMAIL, "source": "website",
        "external_id": "kest-1", "message": SAID, "attributes": {"note": NOTE}});
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "lead-1"),
    ];
    let made = world.send("POST", "/v1/leads", &headers, lead.to_string()).await;
    assert!(made.status.is_success(), "{:?}", made.json());
    let path = format!("/v1/leads/{}/timeline", text_of(&made.data(), "id"));
    let note = desk.post(&path, &json!({"type": "note", "data": {"text": NOTE}})).await;
    assert!(note.status.is_success(), "{:?}", note.json());
    let wording = json!({"purpose": "marketing", "state": "granted", "wording": AGREED, "language": "en",
        "source": "open house"});
    assert_eq!(desk.post(&format!("/v1/contacts/{contact}/consents"), &wording).await.status, 201);
    talk
}

/// Bodies that wait for a person: one about this person and another, one that nobody can read.
async fn parks(desk: &Desk<'_>) {
    let world = desk.world;
    let strange = e2e::bodies::MetaBody::of("999000", "888000")
        .text(CUSTOMER, "wamid.strange1", world.now_s(), SAID)
        .text(OTHER, "wamid.strange2", world.now_s(), "somebody else's words");
    world.from_meta(strange.json().to_string()).await;
    world.from_meta(format!("{{\"entry\": \"{NAME} {CUSTOMER} {SAID}\", ")).await;
    world.settled().await;
    let parked = world.all("/v1/events?state=parked", &desk.tenant.keys.live_admin).await;
    assert_eq!(parked.len(), 2, "{parked:?}");
}

/// Everything about the person comes out, as JSON and as a page, and that it did is in the audit log.
async fn everything_is_given_out(desk: &Desk<'_>, contact: &str) {
    let admin = &desk.tenant.keys.live_admin;
    let path = format!("/v1/contacts/{contact}/export");
    let all = desk.world.all(&path, admin).await;
    let of = |kind: &str| all.iter().filter(|one| one["kind"] == kind).count();
    for (kind, least) in [
        ("contact", 1),
        ("identity", 2),
        ("lead", 1),
        ("conversation", 1),
        ("consent", 1),
        ("message", 5),
        ("file", 1),
        ("event", 2),
        ("delivery", 5),
    ] {
        assert!(of(kind) >= least, "{kind}: {} of {}", of(kind), all.len());
    }
    let text = json!(all).to_string();
    for planted in
        ["Kestrelname", "kestrel31", "kestrel32", "kestrel33", EMAIL, "kestrel36", "kestrel37", CUSTOMER]
    {
        assert!(text.contains(planted), "{planted}");
    }
    let page = desk.world.get(&format!("{path}?format=html"), admin).await;
    let html = String::from_utf8_lossy(&page.bytes).into_owned();
    assert!(html.starts_with("<!doctype html>") && html.contains("Kestrelname"), "{html}");
    assert_eq!(desk.get(&path).await.status, 403);
    let audit = desk.world.all("/v1/audit?action=contact.export", admin).await;
    assert_eq!(audit.len(), 2, "{audit:?}");
}

#[tokio::test]
async fn after_an_erasure_no_plaintext_of_the_person_is_left_anywhere_and_a_proof_is() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = Some(dir.path().to_path_buf());
    let world =
        World::start_with(Options { data_dir, allow_loopback_endpoints: true, ..Options::default() }).await;
    let desk = world.desk("meta");
    let receiver = Receiver::start().await;
    let endpoint = json!({"url": receiver.url, "events": ["*"]});
    assert_eq!(
        world.post("/v1/webhooks/endpoints", &desk.tenant.keys.live_admin, &endpoint).await.status,
        201
    );
    let talk = lives(&desk).await;
    let contact = desk.contact_of(&talk).await;
    desk.conversation(OTHER, "I am somebody else").await;
    parks(&desk).await;
    let planted = dump(&world).await.iter().map(|(_, item)| found(&item.to_string()).len()).sum::<usize>();
    assert!(planted > 20, "{planted}");

    everything_is_given_out(&desk, &contact).await;
    let begun = erases(&desk, &contact, "erase-1").await;
    assert_eq!(begun.status, 202, "{:?}", begun.json());
    let id = text_of(&begun.data(), "id");
    let again = erases(&desk, &contact, "erase-2").await;
    assert_eq!((again.status.as_u16(), text_of(&again.data(), "id")), (202, id.clone()));
    let refused = desk.says(&json!({"conversation_id": talk, "text": "one more"})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "do_not_contact".to_owned()));
    let done = completed(&desk, &id).await;

    for (table, item) in dump(&world).await {
        assert_eq!(found(&item.to_string()), Vec::<&str>::new(), "{table}: {item}");
    }
    let mut looked = 0;
    files(dir.path(), &mut |path, text| {
        looked += 1;
        assert_eq!(found(text), Vec::<&str>::new(), "{}", path.display());
    });
    assert!(looked >= 3, "{looked} files");

    let destroyed = &done["destroyed"];
    for kind in
        ["messages", "leads", "contacts", "media", "deliveries", "events", "answers", "timeline", "data_keys"]
    {
        assert!(destroyed[kind].as_u64() > Some(0), "{kind}: {destroyed}");
    }
    let certificate = &done["certificate"];
    let text = text_of(certificate, "text");
    assert!(text.contains(&contact) && text.contains(done["identity_hashes"][0].as_str().unwrap()), "{text}");
    assert_eq!(text_of(certificate, "hash"), sha256(&text));
    let keys = world.platform().checkpoints;
    assert!(keys.is_none() || keys.unwrap().proves(&text, &text_of(certificate, "mac")).await.unwrap());
    assert_eq!(desk.get(&format!("/v1/contacts/{contact}")).await.status, 404);
    assert_eq!(desk.get(&format!("/v1/conversations/{talk}")).await.status, 404);
    // Somebody else's part of the same body can still be replayed, and the rest of the tenant is as it was.
    assert_eq!(desk.all("/v1/conversations").await.len(), 1);
    let parked = world.all("/v1/events?state=parked", &desk.tenant.keys.live_admin).await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    let audit = world.all("/v1/audit", &desk.tenant.keys.live_admin).await;
    let actions: Vec<&str> = audit.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"contact.erase") && actions.contains(&"contact.erased"), "{actions:?}");
    // A repeated request does not bring back what it made.
    let bearer = format!("Bearer {}", desk.key());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "lead-1"),
    ];
    let lead = json!({"name": NAME, "phone": format!("+{CUSTOMER}"), "email": EMAIL, "source": "website",
        "external_id": "kest-1", "message": SAID, "attributes": {"note": NOTE}});
    let replayed = world.send("POST", "/v1/leads", &headers, lead.to_string()).await;
    assert_eq!(replayed.status, 404, "{:?}", replayed.json());
}

#[tokio::test]
async fn old_events_do_not_bring_the_person_back_and_a_new_message_makes_somebody_new() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let at = world.now_s();
    let old = world.meta_body().text(CUSTOMER, "wamid.OLD1", at, SAID).json().to_string();
    assert_eq!(world.from_meta(&old).await.status, 200);
    world.settled().await;
    let talk = text_of(&desk.all("/v1/conversations").await[0], "id");
    let contact = desk.contact_of(&talk).await;
    let sent = desk.sends(&json!({"conversation_id": talk, "text": ANSWERED})).await;
    let wamid = text_of(&sent, "provider_message_id");
    world.advance(5).await;
    let begun = erases(&desk, &contact, "e").await;
    completed(&desk, &text_of(&begun.data(), "id")).await;

    // What was on its way, what is replayed, what comes late: messages, statuses, an echo, another old message.
    let never = world.meta_body().text(CUSTOMER, "wamid.OLD2", at + 1, "kestrel31 again").json().to_string();
    let echo =
        world.meta_body().echo(CUSTOMER, "wamid.OLD3", at + 2, "kestrel32 from the phone").json().to_string();
    let status = world.meta_body().status(&wamid, "read", at + 3).json().to_string();
    for body in [&old, &never, &echo, &status, &old] {
        assert_eq!(world.from_meta(body).await.status, 200);
        world.settled().await;
    }
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(desk.all("/v1/conversations").await, Vec::<Value>::new());
    assert_eq!(desk.all("/v1/leads").await, Vec::<Value>::new());
    assert_eq!(desk.get(&format!("/v1/contacts/{contact}")).await.status, 404);
    assert_eq!(desk.get(&format!("{MESSAGES}/{}", text_of(&sent, "id"))).await.status, 404);
    for (table, item) in dump(&world).await {
        assert_eq!(found(&item.to_string()), Vec::<&str>::new(), "{table}: {item}");
    }

    let fresh = desk.conversation(CUSTOMER, "Hello, it is me").await;
    assert_ne!(fresh, talk);
    assert_eq!(desk.all(&format!("/v1/conversations/{fresh}/messages")).await.len(), 1);
    assert_eq!(desk.sends(&json!({"conversation_id": fresh, "text": "Welcome"})).await["status"], "read");
}

#[tokio::test]
async fn who_had_withdrawn_the_channel_stays_barred_when_they_are_made_anew() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let talk = desk.conversation(CUSTOMER, "Hello").await;
    let contact = desk.contact_of(&talk).await;
    let stop = json!({"purpose": "channel", "state": "revoked"});
    assert_eq!(desk.post(&format!("/v1/contacts/{contact}/consents"), &stop).await.status, 201);
    let begun = erases(&desk, &contact, "e").await;
    completed(&desk, &text_of(&begun.data(), "id")).await;
    let template =
        json!({"to": format!("+{CUSTOMER}"), "template": {"name": "hello_world", "language": "en_US"}});
    let first = desk.says(&template).await;
    let second = desk.says(&template).await;
    assert!(desk.sent().is_empty(), "{:?} {:?}", first.json(), second.json());
    let fresh = desk.conversation(CUSTOMER, "me again").await;
    let refused = desk.says(&json!({"conversation_id": fresh, "text": "offer"})).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "do_not_contact".to_owned()));
}

#[tokio::test]
async fn an_erasure_that_dies_anywhere_is_completed_by_a_later_sweep() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let talk = desk.conversation(CUSTOMER, SAID).await;
    let contact = desk.contact_of(&talk).await;
    assert_eq!(desk.sends(&json!({"conversation_id": talk, "text": ANSWERED})).await["status"], "read");
    let begun = erases(&desk, &contact, "e").await;
    let id = text_of(&begun.data(), "id");
    for skipped in 0..12 {
        // The sweeper's writes end somewhere else each time.
        world
            .faults(json!([
                {"service": "dynamodb", "operation": "DeleteItem", "caller": "sweeper", "action": "drop_after", "times": 1},
                {"service": "dynamodb", "operation": "PutItem", "caller": "sweeper", "action": "error", "status": 400,
                    "probability": f64::from(skipped % 3) / 3.0},
            ]))
            .await;
        let _may_fail = world.stack.sweep().await;
    }
    world.faults(json!([])).await;
    let done = completed(&desk, &id).await;
    assert!(done["certificate"]["hash"].is_string(), "{done}");
    for (table, item) in dump(&world).await {
        assert_eq!(found(&item.to_string()), Vec::<&str>::new(), "{table}: {item}");
    }
}

#[tokio::test]
async fn only_an_admin_erases_and_an_absent_contact_is_not_found() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let absent = "/v1/contacts/ctc_01ARZ3NDEKTSV4RRFFQ69G5FAV/erasure";
    assert_eq!(world.post(absent, &desk.tenant.keys.live_agent, &json!({})).await.status, 403);
    let bearer = format!("Bearer {}", desk.tenant.keys.live_admin);
    let answer = world.send("POST", absent, &[("authorization", bearer.as_str())], "").await;
    assert_eq!(answer.status, 404, "{:?}", answer.json());
    let talk = desk.conversation(CUSTOMER, "Hello").await;
    let contact = desk.contact_of(&talk).await;
    let other = world.desk("ultramsg");
    assert_eq!(erases(&other, &contact, "x").await.status, 404);
    assert_eq!(world.all("/v1/erasures", &other.tenant.keys.live_admin).await, Vec::<Value>::new());
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(text.as_bytes()))
}
