//! The consent ledger: a chain that holds under many writers and through erasure, and shows what was done to it.

use crate::forms;
use crm::consent::{LedgerNotChecked, check};
use domain::consent::{ConsentState, Purpose};
use domain::ids::{ConsentId, ContactId, TenantId, derived_ulid};
use domain::ledger::{BrokenRow, LedgerHead, LedgerRow, verify};
use domain::ledger_file::{BrokenFile, verify_file};
use domain::time::Millis;
use e2e::World;
use e2e::desk::{Desk, text_of};
use futures_util::future::join_all;
use platform::Platform;
use platform::aws::Service;
use platform::checkpoints::Sealed;
use platform::dynamo::{NewConsent, Store, Wording};
use serde_json::{Value, json};
use uuid::Uuid;

fn at(n: u64) -> Millis {
    Millis::from_unix_ms(1_700_000_000_000 + n * 1000)
}

fn someone(n: u64) -> ContactId {
    ContactId::from_ulid(derived_ulid(n, &["contact"]))
}

fn event(n: u64, state: ConsentState) -> NewConsent<'static> {
    NewConsent {
        id: ConsentId::from_ulid(derived_ulid(at(n).unix_ms(), &["event", &n.to_string()])),
        purpose: Purpose::Marketing,
        state,
        occurred_at: at(n),
        recorded_at: at(1_000),
        wording: Some(Wording::Said("أرسلوا لي العروض")),
        language: Some("ar"),
        version: None,
        ip_hash: None,
        collected_by: None,
        confirms: None,
        source: "test",
        actor: "contact",
        trace_id: Uuid::nil(),
    }
}

async fn whole(store: &Store, tenant: TenantId) -> Vec<LedgerRow> {
    let mut all: Vec<LedgerRow> = Vec::new();
    loop {
        let page = store.ledger_rows(tenant, all.last().map_or(0, |row| row.seq), 100).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn opened(world: &World) -> (Platform, TenantId) {
    (world.platform(), TenantId::parse(&world.tenant("meta").id).unwrap())
}

/// The whole export, by pages.
pub(crate) async fn exported(desk: &Desk<'_>) -> Vec<u8> {
    let (mut file, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/consents/export{cursor}");
        let page = desk.world.get(&path, &desk.tenant.keys.live_admin).await;
        assert_eq!(page.status, 200, "{path}");
        let last = page.bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap().to_vec();
        file.extend_from_slice(&page.bytes);
        match serde_json::from_slice::<Value>(&last).unwrap()["next_cursor"].as_str() {
            Some(next) => cursor = format!("?cursor={next}"),
            None => return file,
        }
    }
}

#[tokio::test]
async fn a_hundred_writers_in_two_processes_lose_nothing_and_the_same_event_is_one_row() {
    let world = World::start().await;
    let (one, tenant) = opened(&world);
    let other = world.platform();
    let writes = (0..200u64).map(|n| {
        let (store, state) = (if n % 2 == 0 { &one.store } else { &other.store }, ConsentState::Granted);
        async move {
            // Every event comes twice.
            store.record_consent(tenant, someone(n / 2 % 10), &event(n / 2, state)).await
        }
    });
    for done in join_all(writes).await {
        done.unwrap();
    }
    let rows = whole(&one.store, tenant).await;
    assert_eq!(rows.len(), 100);
    let head = one.store.ledger_head(tenant).await.unwrap();
    assert_eq!(verify(tenant, &rows, Some(&head)).unwrap().head().seq, 100);
    assert!(rows.iter().all(|row| row.personal.as_ref().unwrap().wording.is_some()));
}

#[tokio::test]
async fn an_older_event_changes_the_ledger_and_not_the_standing() {
    let world = World::start().await;
    let (platform, tenant) = opened(&world);
    let (store, contact) = (&platform.store, someone(1));
    for (n, state) in [(5, ConsentState::Revoked), (3, ConsentState::Granted), (1, ConsentState::Granted)] {
        assert!(store.record_consent(tenant, contact, &event(n, state)).await.unwrap().new);
    }
    let standing = store.consents(tenant, &[contact]).await.unwrap().marketing.unwrap();
    assert_eq!((standing.state, standing.at), (ConsentState::Revoked, at(5)));
    let again = store.record_consent(tenant, contact, &event(3, ConsentState::Granted)).await.unwrap();
    assert_eq!((again.new, again.row.seq), (false, 2));
    assert_eq!(whole(store, tenant).await.len(), 3);
}

async fn put(world: &World, table: &str, key: &Value, change: &str, values: Value) {
    let input = json!({"TableName": world.stack.ready().tables[table], "Key": key,
        "UpdateExpression": change, "ExpressionAttributeValues": values});
    world.aws(Service::DynamoDb, "UpdateItem", &input).await;
}

async fn delete(world: &World, table: &str, key: &Value) {
    let input = json!({"TableName": world.stack.ready().tables[table], "Key": key});
    world.aws(Service::DynamoDb, "DeleteItem", &input).await;
}

fn row_key(tenant: TenantId, row: &LedgerRow) -> Value {
    let sort = format!("CL#{:013}#{}", row.occurred_at.unix_ms(), row.id.ulid());
    json!({"pk": {"S": format!("T#{tenant}#C#{}", row.contact_id.ulid())}, "sk": {"S": sort}})
}

fn data_key(tenant: TenantId, contact: ContactId) -> Value {
    json!({"pk": {"S": format!("T#{tenant}#C#{}", contact.ulid())}, "sk": {"S": "KEY"}})
}

async fn item(world: &World, table: &str, key: &Value) -> Value {
    let input = json!({"TableName": world.stack.ready().tables[table], "Key": key});
    world.aws(Service::DynamoDb, "GetItem", &input).await["Item"].clone()
}

async fn checked(platform: &Platform, tenant: TenantId) -> Result<(u64, u64), LedgerNotChecked> {
    let checkpoints = platform.checkpoints.as_ref().unwrap();
    let found = check(&platform.store, checkpoints, tenant, None).await?;
    Ok((found.rows, found.erased))
}

async fn broken(platform: &Platform, tenant: TenantId) -> BrokenRow {
    match checked(platform, tenant).await {
        Err(LedgerNotChecked::Broken(broken)) => broken,
        other => panic!("not found out: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_done_to_the_tables_is_named_by_row_and_erasure_is_not_damage() {
    let world = World::start().await;
    let (platform, tenant) = opened(&world);
    for n in 1..=6 {
        platform
            .store
            .record_consent(tenant, someone(n % 2), &event(n, ConsentState::Granted))
            .await
            .unwrap();
    }
    assert_eq!(checked(&platform, tenant).await.unwrap(), (6, 0));
    let rows = whole(&platform.store, tenant).await;
    // An operator's consent is forged, and put back.
    let edited = BrokenRow::Edited { seq: 3, id: rows[2].id };
    put(&world, "consents", &row_key(tenant, &rows[2]), "SET actor = :a", json!({":a": {"S": "key_x"}}))
        .await;
    assert_eq!(broken(&platform, tenant).await, edited);
    put(&world, "consents", &row_key(tenant, &rows[2]), "SET actor = :a", json!({":a": {"S": "contact"}}))
        .await;
    // The words of another row, and a key that is not the one.
    let sealed =
        async |row: &LedgerRow| item(&world, "consents", &row_key(tenant, row)).await["sealed"].clone();
    let (own, foreign) = (sealed(&rows[2]).await, sealed(&rows[4]).await);
    put(&world, "consents", &row_key(tenant, &rows[2]), "SET sealed = :a", json!({":a": foreign})).await;
    assert_eq!(broken(&platform, tenant).await, edited);
    put(&world, "consents", &row_key(tenant, &rows[2]), "SET sealed = :a", json!({":a": own})).await;
    let (key, other) = (data_key(tenant, someone(1)), data_key(tenant, someone(0)));
    let (own, foreign) = (item(&world, "crm", &key).await, item(&world, "crm", &other).await);
    put(&world, "crm", &key, "SET data_key = :a", json!({":a": foreign["data_key"]})).await;
    assert_eq!(broken(&platform, tenant).await, BrokenRow::Edited { seq: 1, id: rows[0].id });
    put(&world, "crm", &key, "SET data_key = :a", json!({":a": own["data_key"]})).await;
    assert_eq!(checked(&platform, tenant).await.unwrap(), (6, 0));
    // A destroyed key is an erasure: nobody reads the rows of this contact any more, and the chain holds.
    delete(&world, "crm", &key).await;
    assert_eq!(checked(&platform, tenant).await.unwrap(), (6, 3));
    let left = whole(&platform.store, tenant).await;
    let readable: Vec<u64> = left.iter().filter(|row| row.personal.is_some()).map(|row| row.seq).collect();
    assert_eq!(readable, [2, 4, 6]);
    // A row taken out, then the end with the table's own head moved back after it was sealed.
    delete(&world, "consents", &row_key(tenant, &rows[5])).await;
    assert_eq!(broken(&platform, tenant).await, BrokenRow::End { last: 5, known: 6 });
    let place = json!({"pk": {"S": format!("T#{tenant}#LEDGER")}, "sk": {"S": format!("L#{:020}", 6)}});
    delete(&world, "consents", &place).await;
    delete(&world, "consents", &row_key(tenant, &rows[1])).await;
    assert_eq!(broken(&platform, tenant).await, BrokenRow::Gap(1));
}

#[tokio::test]
async fn the_end_is_sealed_every_hour_so_that_a_cut_ledger_shows() {
    let world = World::start().await;
    let (platform, tenant) = opened(&world);
    for n in 1..=4 {
        platform.store.record_consent(tenant, someone(1), &event(n, ConsentState::Granted)).await.unwrap();
    }
    world.advance(3_601).await;
    world.stack.sweep().await.unwrap();
    let sealed = async {
        loop {
            let proven =
                platform.checkpoints.as_ref().unwrap().proven(Sealed::Consents, tenant).await.unwrap();
            if proven.last().is_some_and(|newest| newest.seq == 4) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), sealed).await.expect("it is sealed");
    let rows = whole(&platform.store, tenant).await;
    delete(&world, "consents", &row_key(tenant, &rows[3])).await;
    let place = json!({"pk": {"S": format!("T#{tenant}#LEDGER")}, "sk": {"S": format!("L#{:020}", 4)}});
    delete(&world, "consents", &place).await;
    let head = json!({"pk": {"S": format!("T#{tenant}#LEDGER")}, "sk": {"S": "HEAD"}});
    let values = json!({":s": {"N": "3"}, ":h": {"S": rows[2].hash}});
    let input = json!({"TableName": world.stack.ready().tables["crm"], "Key": head,
        "UpdateExpression": "SET seq = :s, #h = :h", "ExpressionAttributeNames": {"#h": "hash"},
        "ExpressionAttributeValues": values});
    world.aws(Service::DynamoDb, "UpdateItem", &input).await;
    assert_eq!(verify(tenant, &rows[..3], Some(&rows[2].head())).map(|_| ()), Ok(()), "sound by itself");
    assert_eq!(broken(&platform, tenant).await, BrokenRow::End { last: 3, known: 4 });
}

#[tokio::test]
async fn an_export_of_several_pages_is_checked_without_us_and_is_in_the_audit_log() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let (platform, tenant) = opened(&world);
    for n in 1..=510 {
        platform
            .store
            .record_consent(tenant, someone(n % 7), &event(n, ConsentState::Granted))
            .await
            .unwrap();
    }
    let file = exported(&desk).await;
    let sound = verify_file(&file, None).unwrap();
    assert_eq!((sound.tenant, sound.rows), (tenant, 510));
    let mut flipped = file.clone();
    let line = flipped.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(99).unwrap().0;
    flipped[line + 60] ^= 1;
    match verify_file(&flipped, None) {
        Err(BrokenFile::Line { line, .. } | BrokenFile::Row { line, .. }) => assert_eq!(line, 101),
        other => panic!("{other:?}"),
    }
    let audit = world.all("/v1/audit?action=consent.export", &desk.tenant.keys.live_admin).await;
    assert_eq!(audit.len(), 1);
    for key in [&desk.tenant.keys.live_agent, &desk.tenant.keys.live_viewer] {
        assert_eq!(world.get("/v1/consents/export", key).await.status, 403);
    }
    let foreign = world.tenant("dialog360").keys.live_admin;
    let foreign = world.get("/v1/consents/export", &foreign).await.bytes;
    assert_eq!(verify_file(&foreign, None).unwrap().rows, 0);
    assert_eq!(world.get("/v1/consents/export?cursor=x", &desk.tenant.keys.live_admin).await.status, 400);
}

#[tokio::test]
async fn each_message_shows_what_its_leave_rested_on() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation("971501234567", "Hello").await;
    let contact = desk.contact_of(&conversation).await;
    let evidence = async |message: &Value| {
        let path = format!("/v1/whatsapp/messages/{}/evidence", text_of(message, "id"));
        let answer = desk.get(&path).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        answer.data()
    };
    let answer = desk.sends(&json!({"conversation_id": conversation, "text": "Hello!"})).await;
    let shown = evidence(&answer).await;
    assert_eq!(
        (&shown["verdict"]["basis"], &shown["rows"], &shown["head"]["seq"]),
        (&json!("service_window"), &json!([]), &json!(0))
    );
    assert_eq!(shown["service_window"]["contact_id"], json!(contact));

    let path = format!("/v1/contacts/{contact}/consents");
    let agreed = json!({"purpose": "marketing", "state": "granted", "wording": "Send me offers", "language": "en",
        "source": "open house"});
    let row = desk.post(&path, &agreed).await.data();
    let offer = json!({"conversation_id": conversation, "text": "A new listing", "purpose": "marketing"});
    let sent = desk.sends(&offer).await;
    world.advance(2).await;
    assert_eq!(desk.post(&path, &json!({"purpose": "marketing", "state": "revoked"})).await.status, 201);
    let shown = evidence(&sent).await;
    assert_eq!(shown["verdict"]["basis"], "marketing_opt_in", "{shown}");
    assert_eq!((&shown["verdict"]["allowed"], &shown["relied_on"]), (&json!(true), &json!([row["id"]])));
    let rows = shown["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "what came later is no part of it");
    assert_eq!(
        (&rows[0]["as_written"], &rows[0]["personal"]["wording"]),
        (&json!(true), &json!("Send me offers"))
    );
    assert_eq!((&shown["head"]["seq"], &shown["head_now"]["seq"]), (&json!(1), &json!(2)));
    assert_eq!(shown["head"]["hash"], row["hash"]);
    let head: LedgerHead = serde_json::from_value(shown["head"].clone()).unwrap();
    assert_eq!(verify_file(&exported(&desk).await, Some(&head)).unwrap().rows, 2);

    // What arrived has no verdict; what is foreign or absent is nobody's.
    let inbound = desk.all(&format!("/v1/conversations/{conversation}/messages")).await;
    let inbound = inbound.iter().find(|one| one["direction"] == "inbound").unwrap();
    assert_eq!(evidence(inbound).await.get("verdict"), None);
    let foreign = world.tenant("dialog360").keys.live_admin;
    let path = format!("/v1/whatsapp/messages/{}/evidence", text_of(&sent, "id"));
    assert_eq!(world.get(&path, &foreign).await.status, 404);
}

#[tokio::test]
async fn the_address_of_a_visitor_is_nowhere_in_the_ledger() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let made = forms::form(&world, json!({})).await;
    assert_eq!(forms::fill(&world, &made, &[forms::JSON, forms::PAGE], forms::aisha()).await.status, 202);
    let text = String::from_utf8(exported(&desk).await).unwrap();
    assert!(text.contains("ip_hash") && !text.contains("127.0.0.1"), "{text}");
}
