//! The audit log: what admins changed, in a chain that shows what was done to it.

use crm::audit::{BrokenAt, verify, whole};
use domain::ids::TenantId;
use e2e::World;
use futures_util::future::join_all;
use platform::aws::Service;
use platform::dynamo::{AuditEntry, AuditHead};
use serde_json::{Value, json};

const KEYS: &str = "/v1/api-keys";

async fn new_key(world: &World, admin: &str) -> String {
    let body = json!({"name": "one more", "role": "viewer", "environment": "live"});
    let made = world.post(KEYS, admin, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    made.data()["id"].as_str().unwrap().to_owned()
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_change_of_a_key_is_an_entry_and_what_was_refused_is_none() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    assert!(world.all("/v1/audit", &admin).await.is_empty());
    let id = new_key(&world, &admin).await;
    let bearer = format!("Bearer {admin}");
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let path = format!("{KEYS}/{id}");
    world.send("PATCH", &path, &headers, json!({"name": "other"}).to_string()).await;
    let rotated = world.post(&format!("{path}/rotate"), &admin, &json!({})).await;
    for _time in 0..2 {
        assert_eq!(world.send("DELETE", &path, &headers, "").await.status, 200);
    }
    assert_eq!(world.send("PATCH", &path, &headers, json!({"name": "x"}).to_string()).await.status, 409);

    let log = world.all("/v1/audit", &admin).await;
    assert_eq!(actions(&log), ["api_key.revoke", "api_key.rotate", "api_key.edit", "api_key.create"]);
    assert!(log.iter().all(|entry| entry["target"] == json!(id)), "{log:?}");
    assert_eq!(log[1]["trace_id"], rotated.headers["x-trace-id"].to_str().unwrap());
    assert_eq!(log[0]["previous"], log[1]["hash"]);
    let by = log[0]["actor"].as_str().unwrap();
    assert!(by.starts_with("key_"), "{by}");

    let count = async |filter: &str| world.all(&format!("/v1/audit?{filter}"), &admin).await.len();
    assert_eq!(count("action=api_key.rotate").await, 1);
    assert_eq!(count(&format!("actor={by}&target={id}")).await, 4);
    assert_eq!(count("target=key_01ARZ3NDEKTSV4RRFFQ69G5FAV").await, 0);
    let at = log[1]["at"].as_str().unwrap();
    assert_eq!(count(&format!("since={at}")).await + count(&format!("until={at}")).await, 4);
    for bad in ["since=yesterday", "action=", "seq=1"] {
        assert_eq!(world.get(&format!("/v1/audit?{bad}"), &admin).await.status, 400, "{bad}");
    }
    let keys = world.tenant("meta").keys;
    for key in [&keys.live_agent, &keys.live_viewer] {
        assert_eq!(world.get("/v1/audit", key).await.status, 403);
    }
    for other in [&keys.test_admin, &world.tenant("dialog360").keys.live_admin] {
        assert!(world.all("/v1/audit", other).await.is_empty());
    }
}

#[tokio::test]
async fn the_chain_holds_under_many_writers_and_pages_without_gaps() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let made: Vec<String> = join_all((0..12).map(|_| new_key(&world, &admin))).await;
    let (mut log, mut cursor) = (Vec::new(), String::new());
    let mut head = None;
    loop {
        let page = world.get(&format!("/v1/audit?limit=5{cursor}"), &admin).await.data();
        head = head.or_else(|| Some(page["head"].clone()));
        log.extend(page["items"].as_array().unwrap().clone());
        // Entries that come meanwhile are newer than the page.
        if log.len() == 5 {
            new_key(&world, &admin).await;
        }
        match page["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(log.len(), made.len(), "{log:?}");
    log.reverse();
    let entries: Vec<AuditEntry> = serde_json::from_value(json!(log)).unwrap();
    let head: AuditHead = serde_json::from_value(head.unwrap()).unwrap();
    assert_eq!(
        verify(&entries, Some(&head)),
        Ok(()),
        "the API's answers alone are enough to check the chain"
    );
}

#[tokio::test]
async fn an_edit_and_missing_entries_in_the_table_are_found() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    for _key in 0..6 {
        new_key(&world, &tenant.keys.live_admin).await;
    }
    let (platform, id) = (world.platform(), TenantId::parse(&tenant.id).unwrap());
    let head = platform.store.audit_head(id).await.unwrap();
    assert_eq!(verify(&whole(&platform.store, id).await.unwrap(), Some(&head)), Ok(()));
    let table = world.stack.ready().tables["crm"].clone();
    let key = |seq: u64| json!({"pk": {"S": format!("T#{id}#AUD")}, "sk": {"S": format!("A#{seq:020}")}});
    let edit = json!({
        "TableName": table, "Key": key(3), "UpdateExpression": "SET actor = :a",
        "ExpressionAttributeValues": {":a": {"S": "key_somebody_else"}},
    });
    world.aws(Service::DynamoDb, "UpdateItem", &edit).await;
    assert_eq!(verify(&whole(&platform.store, id).await.unwrap(), None), Err(BrokenAt::Edited(3)));
    world.aws(Service::DynamoDb, "DeleteItem", &json!({"TableName": table, "Key": key(3)})).await;
    assert_eq!(verify(&whole(&platform.store, id).await.unwrap(), None), Err(BrokenAt::Gap(2)));
    for seq in 3..=6 {
        world.aws(Service::DynamoDb, "DeleteItem", &json!({"TableName": table, "Key": key(seq)})).await;
    }
    let cut = whole(&platform.store, id).await.unwrap();
    assert_eq!(verify(&cut, Some(&head)), Err(BrokenAt::End { last: 2, known: 6 }));
}
