//! The reading side: pages, filters, and replaying many events.

use e2e::{Answer, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn every(world: &World, path: &str, key: &str) -> Vec<Value> {
    let (mut items, mut at) = (Vec::new(), path.to_owned());
    loop {
        let answer = world.get(&at, key).await;
        assert_eq!(answer.status, 200, "{at}: {:?}", answer.json());
        items.extend(answer.items());
        let Some(cursor) = next(&answer) else { return items };
        at = format!("{path}{}cursor={cursor}", if path.contains('?') { '&' } else { '?' });
    }
}

async fn write(world: &World, n: u64, wamid: &str, at: u64, text: &str) {
    let body = world.meta_body().text(&format!("97150{n:07}"), wamid, at, text).json().to_string();
    assert_eq!(world.from_meta(body).await.status, 200);
}

fn next(answer: &Answer) -> Option<String> {
    let pagination = &answer.data()["pagination"];
    assert_eq!(pagination["has_more"].as_bool().unwrap(), pagination["next_cursor"].is_string());
    pagination["next_cursor"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn what_happens_while_somebody_pages_through_the_inbox_costs_and_repeats_nobody() {
    for age in [0, 3 * 3600] {
        let world = World::start().await;
        let key = world.tenant("meta").keys.live_viewer;
        let now = world.now_s();
        for n in 0..30 {
            // Two messages each, interleaved, so that conversations are met again on later pages.
            write(&world, n, &format!("wamid.A{n}"), now - age - 100 - n, "hello").await;
            write(&world, n, &format!("wamid.B{n}"), now - age - 200 - n, "hello again").await;
        }
        world.settled().await;
        let before: BTreeSet<String> =
            ids(&every(&world, "/v1/conversations?limit=100", &key).await).into_iter().collect();
        assert_eq!(before.len(), 30);

        let mut seen = Vec::new();
        let mut path = "/v1/conversations?limit=7".to_owned();
        let mut page = 0;
        loop {
            let answer = world.get(&path, &key).await;
            seen.extend(ids(&answer.items()));
            let Some(cursor) = next(&answer) else { break };
            path = format!("/v1/conversations?limit=7&cursor={cursor}");
            // One that was shown, one that was not yet, and a new one; an edit of one that was shown.
            let at = world.now_s();
            write(&world, 1, &format!("wamid.S{page}"), at, "me again").await;
            write(&world, 28 - page, &format!("wamid.U{page}"), at, "and me").await;
            write(&world, 100 + page, &format!("wamid.N{page}"), at, "new here").await;
            let edit = json!({"from": "971500000002", "id": format!("wamid.E{page}"), "timestamp": at.to_string(), "type": "edit",
                "edit": {"original_message_id": "wamid.A2", "message": {"type": "text", "text": {"body": "x"}}}});
            assert_eq!(
                world
                    .from_meta(world.meta_body().message("971500000002", edit).json().to_string())
                    .await
                    .status,
                200
            );
            world.settled().await;
            page += 1;
        }
        let unique: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(unique.len(), seen.len(), "{age}: somebody twice");
        let missing: Vec<_> = before.difference(&unique).collect();
        assert!(missing.is_empty(), "{age}: {missing:?} were skipped");
        assert!(page >= 4);
    }
}

#[tokio::test]
async fn a_full_last_page_has_no_cursor_and_messages_page_without_gaps() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let now = world.now_s();
    for n in 0..10 {
        write(&world, 5, &format!("wamid.{n}"), now - n, &format!("text {n}")).await;
    }
    world.settled().await;
    let id = ids(&every(&world, "/v1/conversations", &key).await)[0].clone();
    let answer = world.get(&format!("/v1/conversations/{id}/messages?limit=10"), &key).await;
    assert_eq!((answer.items().len(), next(&answer)), (10, None));
    let texts = |items: &[Value]| {
        items.iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let expected: Vec<String> = (0..10).map(|n| format!("text {n}")).collect();
    assert_eq!(texts(&answer.items()), expected);
    let one = world.get(&format!("/v1/conversations/{id}/messages?limit=3"), &key).await;
    let cursor = next(&one).unwrap();
    write(&world, 5, "wamid.new", world.now_s() + 1, "newer").await;
    world.settled().await;
    let rest = world.get(&format!("/v1/conversations/{id}/messages?limit=100&cursor={cursor}"), &key).await;
    assert_eq!(texts(&rest.items()), expected[3..]);
    // A cursor belongs to its list.
    let lead = ids(&every(&world, "/v1/leads", &key).await)[0].clone();
    assert_eq!(world.get(&format!("/v1/leads/{lead}/timeline?cursor={cursor}"), &key).await.status, 400);
    assert_eq!(every(&world, &format!("/v1/leads/{lead}/timeline?limit=4"), &key).await.len(), 11);
    let raw = world.get(&format!("/v1/conversations/{id}/messages?include=raw&limit=1"), &key).await.items();
    assert_eq!(raw[0]["raw"]["text"]["body"], "newer");
    assert_eq!(
        world.get(&format!("/v1/conversations/{id}/messages?include=x"), &key).await.json()["error"]["field"],
        "include"
    );
}

#[tokio::test]
async fn filters_hold_on_every_page() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let now = world.now_s();
    for n in 0..12 {
        write(
            &world,
            n,
            &format!("wamid.{n}"),
            now - n,
            if n % 3 == 0 { "مرحبا كيف الحال" } else { "how much is it" },
        )
        .await;
    }
    world.settled().await;
    assert_eq!(every(&world, "/v1/conversations?language=ar&limit=2", &key).await.len(), 4);
    assert_eq!(every(&world, "/v1/conversations?language=en&limit=3", &key).await.len(), 8);
    assert_eq!(every(&world, "/v1/conversations?unread=true&limit=5", &key).await.len(), 12);
    assert_eq!(every(&world, "/v1/conversations?unread=false", &key).await.len(), 0);
    assert_eq!(every(&world, "/v1/leads?source=whatsapp&status=new&limit=5", &key).await.len(), 12);
    assert_eq!(every(&world, "/v1/leads?source=whatsapp_ad", &key).await.len(), 0);
    let middle = every(&world, "/v1/leads", &key).await[5]["created_at"].as_str().unwrap().to_owned();
    assert_eq!(every(&world, &format!("/v1/leads?created_after={middle}&limit=2"), &key).await.len(), 5);
    assert_eq!(every(&world, "/v1/events?state=applied&provider=meta&limit=5", &key).await.len(), 12);
    assert_eq!(every(&world, "/v1/events?state=applied&provider=ultramsg", &key).await.len(), 0);
}

#[tokio::test]
async fn many_parked_events_are_replayed_in_one_request_and_each_has_its_result() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    for n in 0..5 {
        world.from_meta(format!(r#"{{"object":"page","n":{n}}}"#)).await;
    }
    world.from_meta("not json").await;
    write(&world, 1, "wamid.1", world.now_s(), "hi").await;
    world.settled().await;
    let list = world.get("/v1/events?state=parked", &keys.live_viewer).await;
    let parked = ids(&list.items());
    assert_eq!(parked.len(), 6);
    assert_eq!(list.data()["lag"]["parked"], 6);
    assert_eq!(list.data()["lag"]["oldest_event_id"], parked[5].as_str());
    let odd = world.get(&format!("/v1/events/{}", parked[0]), &keys.live_viewer).await.data();
    assert_eq!(odd["payload"], "not json");
    let applied = ids(&every(&world, "/v1/events?state=applied", &keys.live_viewer).await)[0].clone();
    assert_eq!(
        world.get(&format!("/v1/events/{applied}"), &keys.live_viewer).await.data()["payload"]["id"],
        "wamid.1"
    );
    let refused = world.post(&format!("/v1/events/{applied}/replay"), &keys.live_admin, &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conflict"), "{:?}", refused.json());

    assert_eq!(
        world.post("/v1/events/replay", &keys.live_agent, &json!({"state": "parked"})).await.status,
        403
    );
    let bad = world
        .post("/v1/events/replay", &keys.live_admin, &json!({"state": "parked", "tenant_id": "x"}))
        .await;
    assert_eq!((bad.status.as_u16(), bad.json()["error"]["field"].as_str()), (400, Some("tenant_id")));
    let body = json!({"ids": [parked[0], "evt_nonsense", applied, parked[0]]});
    let some = world.post("/v1/events/replay", &keys.live_admin, &body).await;
    assert_eq!(some.status, 202, "{:?}", some.json());
    let results: Vec<&str> = some.json()["data"]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| match one["result"].as_str().unwrap() {
            "queued" => "queued",
            "not_found" => "not_found",
            "not_parked" => "not_parked",
            _ => "other",
        })
        .collect();
    assert_eq!(results, ["queued", "not_found", "not_found"]);
    world.settled().await;
    let all = world
        .post(
            "/v1/events/replay",
            &keys.live_admin,
            &json!({"state": "parked", "provider": "meta", "limit": 3}),
        )
        .await;
    assert_eq!(all.data()["queued"], 3, "{:?}", all.json());
    world.settled().await;
    // They cannot be understood any better, so they are parked again.
    assert_eq!(every(&world, "/v1/events?state=parked", &keys.live_viewer).await.len(), 6);
}

#[tokio::test]
async fn requests_are_refused_in_the_documented_order() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let event = "/v1/events/evt_nonsense/replay";
    let bearer = |key: &str| format!("Bearer {key}");
    let large = "x".repeat(300_000);
    for (key, path, content_type, body, status) in [
        ("nonsense", event, "text/plain", large.as_str(), 401),
        (keys.live_agent.as_str(), event, "text/plain", large.as_str(), 403),
        (keys.live_admin.as_str(), event, "text/plain", large.as_str(), 413),
        (keys.live_admin.as_str(), event, "text/plain", "x", 415),
        (keys.live_admin.as_str(), event, "application/json", "[]", 400),
        (keys.live_admin.as_str(), event, "application/json", "{}", 404),
        (keys.live_admin.as_str(), event, "application/json", "", 404),
        (keys.live_admin.as_str(), "/v1/events/replay", "application/json", "", 400),
        (keys.live_admin.as_str(), "/v1/events/replay", "text/plain", "{}", 415),
    ] {
        let answer = world
            .send(
                "POST",
                path,
                &[("authorization", &bearer(key)), ("content-type", content_type)],
                body.to_owned(),
            )
            .await;
        assert_eq!(answer.status, status, "{path} {content_type}: {:?}", answer.json());
    }
    let query = world.send("GET", &format!("/v1/conversations?api_key={}", keys.live_admin), &[], "").await;
    assert_eq!(
        (query.status.as_u16(), query.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer")),
        (401, true)
    );
    for path in ["/v1/conversations/", "/v1/conversations/%ff", "/v1/leads/lead_%00", "/nothing", "/v1", "/"]
    {
        assert_eq!(world.get(path, &keys.live_admin).await.code(), "not_found", "{path}");
    }
    let head =
        world.send("HEAD", "/v1/conversations", &[("authorization", &bearer(&keys.live_viewer))], "").await;
    assert_eq!(head.status, 200);
    for method in ["OPTIONS", "PUT", "PATCH"] {
        let answer = world.send(method, "/v1/conversations", &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "method_not_allowed"), "{method}");
        assert!(answer.headers["allow"].to_str().unwrap().contains("GET"));
    }
}
