//! Exactly one first touch for each lead, whatever dies on the way, and who works on it.

use crate::first_touch::{agreed, desk, enquiry, lead, set, shown, until};
use crm::provision;
use domain::access::{Environment, Role};
use domain::ids::TenantId;
use e2e::World;
use e2e::desk::{Desk, text_of};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many leads are captured at once.
const LEADS: usize = 300;
/// How many of them enquire again.
const AGAIN: usize = 100;
/// More calls than it takes to plan and send a first touch.
const FARTHEST: usize = 60;
/// How many stacks share the calls of one way to die.
const LANES: usize = 4;

fn sent_by_number(desk: &Desk<'_>) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for sent in desk.sent() {
        *all.entry(text_of(&sent["body"], "to")).or_default() += 1;
    }
    all
}

/// Moves the clock until nothing is hidden in a queue any more.
async fn come_to_rest(world: &World) {
    for _ in 0..20 {
        if world.stack.wait_idle(Duration::from_millis(120)).await {
            return;
        }
        world.stack.clock().advance(Duration::from_secs(61));
    }
    panic!("the stack did not come to rest");
}

#[tokio::test]
async fn a_lead_whose_maker_dies_before_the_queue_knows_is_found_by_the_sweeper() {
    let world = World::start().await;
    let desk = desk(&world, json!({})).await;
    let lost = json!({"service": "sqs", "operation": "SendMessage", "caller": "leads", "action": "error"});
    world.faults(json!([lost])).await;
    let id = lead(&desk, "+971501234501", json!({})).await;
    world.settled().await;
    assert_eq!(shown(&desk, &id).await["first_touch"]["state"], "planned");
    world.faults(json!([])).await;
    world.advance(61).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    until(&desk, &id, "sent").await;
    assert_eq!(desk.sent().len(), 1);

    // It dies before the consent is written down: the repeated request brings what is missing.
    let died = json!({"service": "dynamodb", "operation": "TransactWriteItems", "caller": "leads", "table": "consents",
        "action": "crash", "times": 1});
    world.faults(json!([died])).await;
    let bearer = format!("Bearer {}", desk.key());
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "l1")];
    let body = enquiry("+971501234502", json!({})).to_string();
    let first = world.send("POST", "/v1/leads", &headers, body.clone()).await;
    world.faults(json!([])).await;
    world.advance(61).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(desk.sent().len(), if first.status.is_success() { 2 } else { 1 });
    let again = world.send("POST", "/v1/leads", &headers, body).await;
    assert!(again.status.is_success(), "{:?}", again.json());
    world.settled().await;
    until(&desk, &text_of(&again.data(), "id"), "sent").await;
    assert_eq!(desk.sent().len(), 2);
}

/// Leads whose sender dies at every `LANES`th of its calls; how many were left uncertain.
async fn every_call(action: &str, lane: usize) -> u32 {
    let world = World::start().await;
    world.behave(json!({"statuses": {"play": []}})).await;
    let desk = desk(&world, json!({})).await;
    assert_eq!(set(&desk, json!({"assignment": {"agents": ["sara", "omar"]}})).await.status, 200);
    let mut open = 0;
    for after in (lane..FARTHEST).step_by(LANES) {
        let phone = format!("+9715012{after:05}");
        let rule = json!({"service": "dynamodb", "operation": "*", "caller": "sender", "action": action,
            "after": after, "times": 1});
        world.faults(json!([rule])).await;
        let id = lead(&desk, &phone, json!({})).await;
        let mut state = String::new();
        for _ in 0..8 {
            world.stack.wait_idle(Duration::from_millis(120)).await;
            state = text_of(&shown(&desk, &id).await["first_touch"], "state");
            if state == "sent" || state == "uncertain" {
                break;
            }
            world.stack.clock().advance(Duration::from_secs(61));
            let _swept = world.stack.sweep().await;
        }
        let struck = world.stack.faults().rules().iter().all(|rule| rule.times == Some(0));
        world.faults(json!([])).await;
        come_to_rest(&world).await;
        let sent = sent_by_number(&desk).get(&phone).copied().unwrap_or_default();
        match state.as_str() {
            "sent" => assert_eq!(sent, 1, "{action} {after}"),
            "uncertain" => {
                assert!(sent <= 1, "{action} {after}");
                open += 1;
            }
            other => panic!("{action} {after}: {other}"),
        }
        assert!(shown(&desk, &id).await["assigned_to"].is_string(), "{action} {after}: nobody works on it");
        if !struck {
            assert!(after >= 15, "planning, drafting, claiming, settling: only {after} calls");
            return open;
        }
    }
    panic!("it takes more than {FARTHEST} calls");
}

#[tokio::test]
async fn a_sender_that_dies_at_any_call_sends_a_first_touch_at_most_once_and_loses_none() {
    let lanes =
        ["crash", "crash_after"].into_iter().flat_map(|action| (0..LANES).map(move |lane| (action, lane)));
    let open: Vec<u32> = join_all(lanes.map(|(action, lane)| every_call(action, lane))).await;
    // Who dies between claim and settlement leaves it open: each way of dying once, and again in a lane whose calls came in
    // another order because two workers looked at a lead. None is open for any other reason.
    let open: u32 = open.iter().sum();
    assert!((2..=2 * u32::try_from(LANES).unwrap()).contains(&open), "{open}");
}

#[tokio::test]
async fn hundreds_of_leads_with_duplicates_among_them_are_each_written_to_once() {
    let world = World::start().await;
    world.behave(json!({"statuses": {"play": []}})).await;
    let desk = desk(&world, json!({})).await;
    assert_eq!(set(&desk, json!({"assignment": {"agents": ["a", "b", "c"]}})).await.status, 200);
    let platform = world.platform();
    let tenant = TenantId::parse(&desk.tenant.id).unwrap();
    let now = platform.clock.now();
    let key = provision::metered_api_key(
        &platform,
        tenant,
        Role::Agent,
        Environment::Live,
        "many",
        Some(1_000_000),
        now,
    );
    let key = key.await.unwrap().expose().to_owned();
    let phone = |n: usize| format!("+97150{n:07}");
    let bodies: Vec<Value> =
        (0..LEADS + AGAIN).map(|n| enquiry(&phone(n % LEADS), json!({"consent": agreed()}))).collect();
    let (world_ref, key_ref) = (&world, key.as_str());
    let made: Vec<u16> = futures_util::stream::iter(bodies)
        .map(|body| async move { world_ref.post("/v1/leads", key_ref, &body).await.status.as_u16() })
        .buffer_unordered(16)
        .collect()
        .await;
    let count = |status: u16| made.iter().filter(|one| **one == status).count();
    assert_eq!((count(201), count(200)), (LEADS, AGAIN), "{made:?}");
    world.settled().await;
    let sent = sent_by_number(&desk);
    let wrong: Vec<_> = (0..LEADS).filter(|n| sent.get(&phone(*n)) != Some(&1)).collect();
    assert!(wrong.is_empty() && sent.len() == LEADS, "{wrong:?}");
    let mut owners: BTreeMap<String, usize> = BTreeMap::new();
    for lead in world.all("/v1/leads", &key).await {
        *owners.entry(text_of(&lead, "assigned_to")).or_default() += 1;
    }
    assert_eq!(owners.values().sum::<usize>(), LEADS);
    let (least, most) = (owners.values().min().unwrap(), owners.values().max().unwrap());
    assert!(owners.len() == 3 && most - least <= 6, "in turn: {owners:?}");
}

#[tokio::test]
async fn who_works_on_a_lead_is_named_by_the_rules_and_a_person_who_comes_again_keeps_them() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let rules = json!({"rules": [
        {"areas": ["Dubai Marina"], "agents": ["layla"]},
        {"languages": ["ar"], "agents": ["omar"]}], "agents": ["sara", "ziad"]});
    assert_eq!(set(&desk, json!({"assignment": rules})).await.status, 200);
    let owner = async |id: &str| {
        world.settled().await;
        shown(&desk, id).await["assigned_to"].clone()
    };
    let marina = lead(&desk, "+971501234501", json!({"area": "dubai marina"})).await;
    assert_eq!(owner(&marina).await, "layla");
    let arabic = lead(&desk, "+971501234502", json!({"message": "مرحبا"})).await;
    assert_eq!(owner(&arabic).await, "omar");
    let mut others = Vec::new();
    for n in 3..7 {
        let id = lead(&desk, &format!("+97150123450{n}"), json!({})).await;
        others.push(owner(&id).await);
    }
    assert_eq!(others, ["sara", "ziad", "sara", "ziad"]);
    // First touch is off: nobody is written to, and the lead says so.
    assert!(desk.sent().is_empty());
    let timeline = desk.all(&format!("/v1/leads/{marina}/timeline")).await;
    let kinds: Vec<_> = timeline.iter().map(|event| text_of(event, "type")).collect();
    assert_eq!(kinds, ["lead.assigned", "lead.created"]);
    assert_eq!(shown(&desk, &marina).await["first_touch"]["reason"], "switched_off");

    // A closed lead's person comes again, looks elsewhere, and keeps who they know.
    let path = format!("/v1/leads/{marina}");
    assert_eq!(world.call("PATCH", &path, desk.key(), &json!({"status": "lost"})).await.status, 200);
    let again = lead(&desk, "+971501234501", json!({"area": "Deira"})).await;
    assert_ne!(again, marina);
    assert_eq!(owner(&again).await, "layla");
    // A person's word stays.
    let body = json!({"assigned_to": "mona"});
    assert_eq!(world.call("PATCH", &format!("/v1/leads/{again}"), desk.key(), &body).await.status, 200);
    assert_eq!(lead(&desk, "+971501234501", json!({"area": "Dubai Marina"})).await, again);
    assert_eq!(owner(&again).await, "mona");
}

#[tokio::test]
async fn settings_that_cannot_be_are_named_and_each_is_switched_off_alone() {
    let world = World::start().await;
    let desk = desk(&world, json!({"sources": {"Bayut.com": {"language": "ar"}}})).await;
    let path = "/v1/settings";
    let before = world.get(path, desk.key()).await.data();
    assert_eq!(before["first_touch"]["sources"]["bayut"]["language"], "ar", "{before}");
    assert_eq!(before["assignment"], Value::Null);
    let good = json!({"en": {"name": "office_hours"}});
    for (body, field) in [
        (json!({"first_touch": {}}), "first_touch.templates"),
        (json!({"first_touch": {"templates": good, "grace_seconds": 21}}), "first_touch.grace_seconds"),
        (json!({"first_touch": {"templates": good, "mode": "later"}}), "first_touch.mode"),
        (
            json!({"first_touch": {"templates": {"en": {"name": "x", "variables": ["{name}"]}}}}),
            "first_touch.templates.en.variables.0",
        ),
        (json!({"assignment": {}}), "assignment.agents"),
        (json!({"assignment": {"agents": ["a"], "rules": [{"agents": ["b"]}]}}), "assignment.rules[0]"),
    ] {
        let refused = set(&desk, body.clone()).await;
        let shown = (refused.status.as_u16(), refused.json()["error"]["field"].clone());
        assert_eq!(shown, (400, json!(field)), "{body}: {:?}", refused.json());
    }
    assert_eq!(world.get(path, desk.key()).await.data(), before);
    let changed = set(&desk, json!({"assignment": {"agents": ["sara"]}, "first_touch": null})).await;
    assert_eq!((changed.status.as_u16(), &changed.data()["first_touch"]), (200, &Value::Null));
    assert_eq!(changed.data()["assignment"]["sticky"], true);
    let audit = world.all("/v1/audit?action=settings.change", &desk.tenant.keys.live_admin).await;
    assert_eq!(audit[0]["target"], "first_touch,assignment");
    assert_eq!(set(&desk, json!({"assignment": null})).await.data()["assignment"], Value::Null);
    let id = lead(&desk, "+971501234501", json!({})).await;
    world.settled().await;
    assert_eq!(shown(&desk, &id).await["first_touch"], Value::Null, "nothing is planned any more");
}

#[tokio::test]
async fn the_sandbox_calls_nobody_and_a_provider_without_templates_needs_an_open_window() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let test = &desk.tenant.keys.test_admin;
    let synced = world.post("/v1/whatsapp/templates/sync", &desk.tenant.keys.live_admin, &json!({})).await;
    assert!(synced.status.is_success(), "{:?}", synced.json());
    let settings = json!({"first_touch": {"mode": "auto", "templates": {"en": {"name": "office_hours"}}}});
    assert_eq!(world.call("PATCH", "/v1/settings", test, &settings).await.status, 200);
    let made = world.post("/v1/leads", test, &enquiry("+971501234501", json!({}))).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    world.settled().await;
    let path = format!("/v1/leads/{}", text_of(&made.data(), "id"));
    let touch = world.get(&path, test).await.data()["first_touch"].clone();
    assert_eq!(touch["state"], "sent", "{touch}");
    let message =
        world.get(&format!("/v1/whatsapp/messages/{}", text_of(&touch, "message_id")), test).await.data();
    assert_eq!((&message["simulated"], &message["provider"]), (&json!(true), &json!("sandbox")));
    assert!(desk.sent().is_empty());

    let desk = world.desk("ultramsg");
    let draft = json!({"name": "welcome_note", "language": "en", "category": "utility", "submit": true,
        "body": "Thank you, we will answer you soon."});
    let made = world.post("/v1/whatsapp/templates", &desk.tenant.keys.live_admin, &draft).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    let settings = json!({"first_touch": {"mode": "auto", "templates": {"en": {"name": "welcome_note"}}}});
    assert_eq!(set(&desk, settings).await.status, 200);
    let id = lead(&desk, "+971501234501", json!({})).await;
    world.settled().await;
    let touch = until(&desk, &id, "waiting").await;
    assert_eq!(touch["reason"], "outside_24h_window", "{touch}");
    assert!(desk.sent().is_empty());
}
