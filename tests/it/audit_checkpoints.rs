//! The sealed ends of audit logs: whatever is done to the table afterwards shows.

use crm::audit::{BrokenAt, verify, whole};
use crm::audit_checkpoints::{Checked, NotChecked, check};
use domain::ids::TenantId;
use e2e::World;
use platform::Platform;
use platform::aws::Service;
use platform::checkpoints::Sealed;
use platform::dynamo::{AuditEntry, AuditHead};
use serde_json::{Value, json};
use std::time::Duration;

const HOUR_S: u64 = 60 * 60;
const PATIENCE: Duration = Duration::from_secs(20);

/// A tenant with a log of that many entries, sealed.
async fn sealed(world: &World, count: u64) -> (Platform, TenantId) {
    let (platform, tenant) = (world.platform(), TenantId::parse(&world.tenant("meta").id).unwrap());
    grown(world, count).await;
    next_hour(world, &platform, tenant, count).await;
    (platform, tenant)
}

/// Lets an hour pass, and waits until the log's end is sealed; whether the schedule or this sweep does it is open.
async fn next_hour(world: &World, platform: &Platform, tenant: TenantId, seq: u64) {
    world.advance(HOUR_S + 1).await;
    world.stack.sweep().await.unwrap();
    let newest = async || {
        let proven = platform.checkpoints.as_ref().unwrap().proven(Sealed::Audit, tenant).await.unwrap();
        proven.last().map_or(0, |newest| newest.seq)
    };
    let waiting = async {
        while newest().await != seq {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "the end {seq} was never sealed");
}

async fn grown(world: &World, count: u64) {
    let admin = world.tenant("meta").keys.live_admin;
    for _entry in 0..count {
        let body = json!({"name": "one more", "role": "viewer", "environment": "live"});
        assert_eq!(world.post("/v1/api-keys", &admin, &body).await.status, 201);
    }
}

async fn checked(platform: &Platform, tenant: TenantId) -> Result<Checked, NotChecked> {
    check(&platform.store, platform.checkpoints.as_ref().unwrap(), tenant).await
}

async fn broken(platform: &Platform, tenant: TenantId) -> BrokenAt {
    match checked(platform, tenant).await {
        Err(NotChecked::Broken(broken)) => broken,
        other => panic!("not found out: {other:?}"),
    }
}

fn key(tenant: TenantId, seq: u64) -> Value {
    json!({"pk": {"S": format!("T#{tenant}#AUD")}, "sk": {"S": format!("A#{seq:020}")}})
}

async fn delete(world: &World, tenant: TenantId, seq: u64) {
    let input = json!({"TableName": world.stack.ready().tables["crm"], "Key": key(tenant, seq)});
    world.aws(Service::DynamoDb, "DeleteItem", &input).await;
}

/// Writes an entry past us, at its own place.
async fn write(world: &World, tenant: TenantId, entry: &AuditEntry) {
    let mut item = key(tenant, entry.seq);
    for (name, value) in json!(entry).as_object().unwrap() {
        item[name] = match value {
            Value::Number(number) => json!({"N": number.to_string()}),
            other => json!({"S": other.as_str().unwrap()}),
        };
    }
    let input = json!({"TableName": world.stack.ready().tables["crm"], "Item": item});
    world.aws(Service::DynamoDb, "PutItem", &input).await;
}

async fn move_head(world: &World, tenant: TenantId, head: &AuditHead) {
    let input = json!({
        "TableName": world.stack.ready().tables["crm"],
        "Key": {"pk": {"S": format!("T#{tenant}#AUD")}, "sk": {"S": "HEAD"}},
        "UpdateExpression": "SET seq = :s, #h = :h", "ExpressionAttributeNames": {"#h": "hash"},
        "ExpressionAttributeValues": {":s": {"N": head.seq.to_string()}, ":h": {"S": head.hash}},
    });
    world.aws(Service::DynamoDb, "UpdateItem", &input).await;
}

fn head(entries: &[AuditEntry]) -> AuditHead {
    let last = entries.last().unwrap();
    AuditHead { seq: last.seq, hash: last.hash.clone() }
}

/// The same log about somebody else, with every hash made anew: sound by itself.
fn rewritten(entries: &[AuditEntry]) -> Vec<AuditEntry> {
    let mut all: Vec<AuditEntry> = Vec::new();
    for entry in entries {
        let previous = all.last().map_or_else(|| "0".repeat(64), |last| last.hash.clone());
        let mut entry = AuditEntry { actor: "key_somebody_else".into(), previous, ..entry.clone() };
        entry.hash = entry.expected_hash();
        all.push(entry);
    }
    all
}

#[tokio::test]
async fn an_end_is_sealed_once_an_hour_while_the_log_grows_and_a_sound_log_stays_sound() {
    let world = World::start().await;
    let (platform, tenant) = sealed(&world, 3).await;
    let first = checked(&platform, tenant).await.unwrap();
    assert_eq!((first.entries, first.newest.as_ref().unwrap().seq), (3, 3));
    grown(&world, 2).await;
    world.stack.sweep().await.unwrap();
    let within = checked(&platform, tenant).await.unwrap();
    assert_eq!((within.entries, within.newest), (5, first.newest), "not within the hour");
    next_hour(&world, &platform, tenant, 5).await;
    let second = checked(&platform, tenant).await.unwrap();
    assert_eq!(second.checkpoints, first.checkpoints + 1);
    next_hour(&world, &platform, tenant, 5).await;
    assert_eq!(checked(&platform, tenant).await.unwrap(), second, "nothing new");
}

#[tokio::test]
async fn an_edited_entry_and_two_that_changed_places_show() {
    let world = World::start().await;
    let (platform, tenant) = sealed(&world, 6).await;
    let log = whole(&platform.store, tenant).await.unwrap();
    write(&world, tenant, &AuditEntry { actor: "key_x".into(), ..log[2].clone() }).await;
    assert_eq!(broken(&platform, tenant).await, BrokenAt::Edited(3));
    write(&world, tenant, &AuditEntry { seq: 3, ..log[3].clone() }).await;
    write(&world, tenant, &AuditEntry { seq: 4, ..log[2].clone() }).await;
    assert_eq!(broken(&platform, tenant).await, BrokenAt::Edited(3));
    for entry in &log[2..4] {
        write(&world, tenant, entry).await;
    }
    assert!(checked(&platform, tenant).await.is_ok(), "as it was");
}

#[tokio::test]
async fn the_last_ten_entries_do_not_disappear_with_the_head_moved_back() {
    let world = World::start().await;
    let (platform, tenant) = sealed(&world, 14).await;
    let log = whole(&platform.store, tenant).await.unwrap();
    for seq in 5..=14 {
        delete(&world, tenant, seq).await;
    }
    move_head(&world, tenant, &head(&log[..4])).await;
    let cut = whole(&platform.store, tenant).await.unwrap();
    assert_eq!(verify(&cut, Some(&head(&cut))), Ok(()), "the table alone tells nothing");
    assert!(matches!(broken(&platform, tenant).await, BrokenAt::End { last: 4, .. }));
    // Filled up to the same length with other entries, it is still another log.
    grown(&world, 10).await;
    assert!(matches!(broken(&platform, tenant).await, BrokenAt::End { last: 14, .. }));
}

#[tokio::test]
async fn a_whole_log_written_anew_shows_and_sealing_the_new_one_does_not_help() {
    let world = World::start().await;
    let (platform, tenant) = sealed(&world, 5).await;
    let other = rewritten(&whole(&platform.store, tenant).await.unwrap());
    for entry in &other {
        write(&world, tenant, entry).await;
    }
    move_head(&world, tenant, &head(&other)).await;
    let found = whole(&platform.store, tenant).await.unwrap();
    assert_eq!(verify(&found, Some(&head(&found))), Ok(()), "the table alone tells nothing");
    assert!(matches!(broken(&platform, tenant).await, BrokenAt::End { last: 5, .. }));
    grown(&world, 1).await;
    next_hour(&world, &platform, tenant, 6).await;
    assert!(matches!(broken(&platform, tenant).await, BrokenAt::End { last: 6, .. }));
}
