//! Everything of a tenant leaves as lines of JSON and makes an equal tenant.

use crate::{erasure, first_touch};
use domain::tenant::Plan;
use e2e::receiver::Receiver;
use e2e::{Answer, World};
use local::Options;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is not imported: it names the tenant, its secrets or its own past.
const OWN: [&str; 5] = ["tenant", "number", "lead_source", "audit", "end"];
/// Somebody who is erased.
const GONE: &str = "+971501110009";

/// Every page of an export.
pub(crate) async fn pages(world: &World, key: &str) -> Vec<String> {
    let mut pages = Vec::new();
    let mut path = "/v1/export".to_owned();
    loop {
        let page = world.get(&path, key).await;
        assert_eq!(page.status, 200, "{:?}", page.json());
        assert_eq!(page.headers["content-type"], "application/x-ndjson");
        let text = String::from_utf8(page.bytes.to_vec()).unwrap();
        let end: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        pages.push(text);
        match end["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/export?cursor={cursor}"),
            None => return pages,
        }
    }
}

pub(crate) fn lines(pages: &[String]) -> Vec<Value> {
    pages.iter().flat_map(|page| page.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The records that an import takes, without what it makes anew.
fn comparable(pages: &[String]) -> BTreeSet<String> {
    let waits = |line: &Value| line["kind"] == "first_touch" && line["data"]["state"] == "waiting";
    let is_taken = |line: &Value| !OWN.contains(&line["kind"].as_str().unwrap()) && !waits(line);
    let taken = lines(pages).into_iter().filter(is_taken);
    let equal = taken.map(|mut line| {
        match line["kind"].as_str().unwrap() {
            "form" => {
                line["sk"] = Value::Null;
                line["data"]["id"] = Value::Null;
            }
            "endpoint" => {
                for field in ["enabled", "disabled_at", "disabled_reason"] {
                    line["data"].as_object_mut().unwrap().remove(field);
                }
            }
            _ => {}
        }
        line.to_string()
    });
    equal.collect()
}

/// What one has and the other lacks.
fn differences(one: &[String], other: &[String]) -> Vec<String> {
    comparable(one).symmetric_difference(&comparable(other)).cloned().collect()
}

pub(crate) async fn import(world: &World, key: &str, page: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    world.send("POST", "/v1/import", &headers, page.to_owned()).await
}

/// A tenant to which something of every kind happened.
async fn lived_in() -> World {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let keys = world.tenant("meta").keys;
    world.register(&keys.live_admin, "http://127.0.0.1:9/hooks", &["ping"]).await;
    assert_eq!(world.get("/v1/whatsapp/templates", &keys.live_viewer).await.status, 200);
    for (n, phone) in ["971501110001", "971501110002"].into_iter().enumerate() {
        let id = format!("wamid.EXPORT{n}");
        let text = "مرحبا ".repeat(if n == 0 { 1 } else { 200 });
        let body = world.meta_body().text(phone, &id, world.now_s(), &text).json();
        assert_eq!(world.from_meta(body.to_string()).await.status, 200);
        world.settled().await;
        world.advance(1).await;
    }
    let reply = json!({"to": "+971501110001", "text": "Hello"});
    let sent = world.post("/v1/whatsapp/messages", &keys.live_agent, &reply).await;
    assert_eq!(sent.status, 202, "{:?}", sent.json());
    let lead = json!({
        "name": "Aisha", "phone": "0559876543", "email": "aisha@example.com", "source": "bayut",
        "external_id": "b-1", "attributes": {"pets": true},
        "consent": {"wording": "Send me offers", "language": "en"},
    });
    let lead = world.post("/v1/leads", &keys.live_agent, &lead).await.data();
    let path = format!("/v1/leads/{}/timeline", lead["id"].as_str().unwrap());
    let note = json!({"type": "note", "data": {"text": "called"}});
    assert!(world.post(&path, &keys.live_agent, &note).await.status.is_success());
    let form = world.tenant("meta").form_id.unwrap();
    let path = format!("/v1/forms/{form}/submissions");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = "name=Omar&phone=0501110003&consent=on";
    assert_eq!(world.send("POST", &path, &headers, body).await.status, 202);
    world.settled().await;
    // A group, a body that waits for a person, what was decided about persons, a first touch, what a receiver was told.
    let group = json!({"from": "971501110001", "group_id": "group-1", "id": "wamid.GROUP1", "type": "text",
        "timestamp": world.now_s().to_string(), "text": {"body": "to all of you"}});
    let body = world.meta_body().message("971501110001", group).json();
    assert_eq!(world.from_meta(body.to_string()).await.status, 200);
    assert_eq!(world.from_meta("{\"entry\": ".to_owned()).await.status, 200);
    let retention = json!({"messages_days": 3_000});
    assert_eq!(world.call("PUT", "/v1/retention", &keys.live_admin, &retention).await.status, 200);
    let desk = world.desk("meta");
    let touching = first_touch::set(&desk, json!({"first_touch": first_touch::settings(json!({}))})).await;
    assert_eq!(touching.status, 200, "{:?}", touching.json());
    let lead = first_touch::lead(&desk, "+971501110005", json!({})).await;
    world.settled().await;
    first_touch::until(&desk, &lead, "sent").await;
    let receiver = Receiver::start().await;
    let (endpoint, _) = world.register(&keys.live_admin, &receiver.url, &["*"]).await;
    world.advance(61).await;
    let another = json!({"name": "Sara", "phone": "0501110006"});
    assert_eq!(world.post("/v1/leads", &keys.live_agent, &another).await.status, 201);
    world.settled().await;
    let path = format!("/v1/webhooks/endpoints/{endpoint}");
    let bearer = format!("Bearer {}", keys.live_admin);
    assert_eq!(world.send("DELETE", &path, &[("authorization", &*bearer)], "").await.status, 200);
    world.settled().await;
    world
}

#[tokio::test]
async fn an_export_makes_an_equal_tenant_and_a_second_import_changes_nothing() {
    let world = lived_in().await;
    let admin = world.tenant("meta").keys.live_admin;
    let out = pages(&world, &admin).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines(&out) {
        *counts.entry(line["kind"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    for kind in [
        "tenant",
        "number",
        "endpoint",
        "form",
        "template",
        "audit",
        "lead",
        "contact",
        "identity",
        "conversation",
        "standing",
        "consent",
        "message",
        "send",
        "annex",
        "happening",
        "group_message",
        "event",
        "event_part",
        "delivery",
        "first_touch",
        "privacy",
    ] {
        assert!(counts.contains_key(kind), "{kind}: {counts:?}");
    }
    assert_eq!((counts["lead"], counts["contact"], counts["message"]), (6, 6, 5), "{counts:?}");
    assert!(!out.concat().contains("sealed") && !out.concat().contains("whsec_"));

    let shop = world.shop("Another brokerage", Plan::Enterprise).await;
    for page in &out {
        let done = import(&world, &shop.admin, page).await;
        assert_eq!(done.status, 200, "{:?}", done.json());
    }
    let there = pages(&world, &shop.admin).await;
    assert_eq!(differences(&there, &out), Vec::<String>::new());
    for page in &out {
        let again = import(&world, &shop.admin, page).await;
        assert_eq!(
            (again.status.as_u16(), &again.data()["imported"]),
            (200, &json!(0)),
            "{:?}",
            again.json()
        );
    }
    assert_eq!(differences(&pages(&world, &shop.admin).await, &out), Vec::<String>::new());
    let first = pages(&world, &admin).await;
    assert_eq!(differences(&first, &out), Vec::<String>::new(), "the first is as it was");

    // The copy is alive: the same lists, and the same person is found again.
    let shown = |items: Vec<Value>| -> BTreeSet<String> {
        items.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    for list in ["/v1/leads", "/v1/conversations"] {
        let own = shown(world.all(list, &admin).await);
        assert!(!own.is_empty());
        assert_eq!(shown(world.all(list, &shop.viewer).await), own, "{list}");
    }
    let again = json!({"name": "Aisha", "phone": "0559876543"});
    let again = world.post("/v1/leads", &shop.agent, &again).await;
    assert_eq!((again.status.as_u16(), &again.data()["duplicate"]), (200, &json!(true)));
    let endpoints = world.all("/v1/webhooks/endpoints", &shop.viewer).await;
    assert_eq!((endpoints.len(), &endpoints[0]["status"]), (1, &json!("disabled")));
    let settings = async |key: &str| world.get("/v1/settings", key).await.data();
    let (here, there) = (settings(&admin).await, settings(&shop.admin).await);
    for set in ["first_touch", "consent", "escalation", "pricing", "assignment"] {
        assert_eq!(there[set], here[set], "{set}");
    }
    assert_eq!(world.get("/v1/retention", &shop.admin).await.data()["messages_days"], 3_000);
    let parked = world.all("/v1/events?state=parked", &shop.admin).await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    let body = world.get(&format!("/v1/events/{}", parked[0]["id"].as_str().unwrap()), &shop.admin).await;
    assert_eq!(body.status, 200, "{:?}", body.json());
}

#[tokio::test]
async fn who_was_erased_does_not_come_back_with_an_old_export() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let keys = desk.tenant.keys.clone();
    let gone = desk.conversation(GONE.trim_start_matches('+'), "forget me, please").await;
    let stays = desk.conversation("971501110001", "hello").await;
    assert_eq!(world.from_meta(format!("{{\"entry\": \"{GONE}")).await.status, 200);
    world.settled().await;
    let old = pages(&world, &keys.live_admin).await;
    assert!(old.concat().contains(GONE) && old.concat().contains("event_part"));
    let contact = desk.contact_of(&gone).await;
    let begun = erasure::erases(&desk, &contact, "erase").await;
    erasure::completed(&desk, begun.data()["id"].as_str().unwrap()).await;

    let mut skipped = 0;
    for page in &old {
        let done = import(&world, &keys.live_admin, page).await;
        assert_eq!((done.status.as_u16(), &done.data()["imported"]), (200, &json!(0)), "{:?}", done.json());
        skipped += done.data()["skipped"].as_u64().unwrap();
    }
    assert!(skipped > 6, "{skipped}");
    let now = pages(&world, &keys.live_admin).await.concat();
    assert!(!now.contains(GONE) && !now.contains("forget me"), "{now}");
    let left = world.all("/v1/conversations", &keys.live_viewer).await;
    assert_eq!((left.len(), &left[0]["id"]), (1, &json!(stays)));
}

#[tokio::test]
async fn a_broken_line_is_named_and_nothing_of_its_page_is_written() {
    let world = World::start().await;
    let shop = world.shop("Empty", Plan::Enterprise).await;
    let ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let good =
        json!({"kind": "contact", "pk": format!("#C#{ulid}"), "sk": "CONTACT", "data": {"created_at": 5}});
    let with = |change: Value| {
        let mut line = good.clone();
        line.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        line.to_string()
    };
    for broken in [
        "{".to_owned(),
        "[]".to_owned(),
        with(json!({"kind": "nonsense"})),
        with(json!({"kind": "lead"})),
        with(json!({"pk": ""})),
        with(json!({"pk": "", "sk": "PROFILE"})),
        with(json!({"kind": "chatwoot", "pk": "in", "sk": "CHATWOOT"})),
        with(json!({"kind": "tenant", "pk": "", "sk": "PROFILE"})),
        with(json!({"kind": "event", "pk": format!("#EV#{ulid}"), "sk": "EV"})),
        with(json!({"kind": "event_part", "pk": format!("#EV#{ulid}"), "sk": "P#000"})),
        with(json!({"kind": "delivery", "pk": format!("#DV#{ulid}"), "sk": "DLV"})),
        with(json!({"kind": "first_touch", "pk": format!("#L#{ulid}"), "sk": "TOUCH"})),
        with(json!({"kind": "privacy", "pk": "", "sk": "PRIVACY", "data": {"settings": "{"}})),
        with(json!({"pk": "#KEYS", "sk": "KEY#1"})),
        with(json!({"pk": "#C#nonsense"})),
        with(json!({"tenant_id": "tnt_1"})),
        with(json!({"data": {"created_at": "x", "gpk": "T#other"}})),
        with(json!({"kind": "message", "sk": format!("E#{ulid}")})),
        with(json!({"kind": "consent", "sk": "CL#1"})),
    ] {
        let refused = import(&world, &shop.admin, &format!("{good}\n\n{broken}\n")).await;
        let seen = refused.json();
        assert_eq!(
            (refused.status.as_u16(), &seen["error"]["field"]),
            (400, &json!("line 3")),
            "{broken}: {seen}"
        );
    }
    assert!(lines(&pages(&world, &shop.admin).await).iter().all(|line| line["kind"] != "contact"));
    let headers = [("authorization", &*format!("Bearer {}", shop.admin)), ("content-type", "text/plain")];
    assert_eq!(world.send("POST", "/v1/import", &headers, good.to_string()).await.status, 415);
}

#[tokio::test]
async fn only_admins_take_everything_out_or_in_and_the_log_says_so() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    for low in [&keys.live_agent, &keys.live_viewer] {
        assert_eq!(world.get("/v1/export", low).await.status, 403);
        assert_eq!(import(&world, low, "").await.status, 403);
    }
    pages(&world, &keys.live_admin).await;
    assert_eq!(import(&world, &keys.live_admin, " \n").await.status, 400, "a page is missing");
    assert_eq!(import(&world, &keys.live_admin, "{\"kind\": \"end\"}").await.status, 200);
    let log = world.all("/v1/audit", &keys.live_admin).await;
    let said = |action: &str| log.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!((said("tenant.export"), said("tenant.import")), (1, 1));
    let foreign = world.get("/v1/export?cursor=nonsense", &keys.live_admin).await;
    assert_eq!((foreign.status.as_u16(), &foreign.json()["error"]["field"]), (400, &json!("cursor")));
}
