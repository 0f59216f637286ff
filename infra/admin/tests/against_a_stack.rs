//! Every command against the embedded services of a running stack.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may panic"
)]

use admin::{AdminError, Args, run};
use clap::Parser as _;
use crm::audit::BrokenAt;
use domain::access::ApiKey;
use domain::consent::{ConsentState, Purpose};
use domain::ids::{ConsentId, ContactId, TenantId, derived_ulid};
use domain::ledger_file::page;
use domain::time::Millis;
use local::{Options, Stack};
use platform::Platform;
use platform::aws::{Aws, Effort, Service};
use platform::clock::{Clock as _, SystemClock};
use platform::config::Config;
use platform::dynamo::{NewConsent, SealedItem, Wording};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Runs a command line; `input` is what is typed.
async fn admin(stack: &Stack, line: &[&str], input: &str) -> Result<String, AdminError> {
    let endpoint = stack.ready().aws_endpoint_url.clone();
    let fixed = ["admin", "--stage", "local", "--endpoint-url", &endpoint];
    let args = Args::try_parse_from(fixed.iter().chain(line)).unwrap();
    let mut out = Vec::new();
    run(args, &mut input.as_bytes(), &mut out, SystemClock.now()).await?;
    Ok(String::from_utf8(out).unwrap())
}

fn config(stack: &Stack) -> Config {
    Config::of_stage("local", Some(&stack.ready().aws_endpoint_url)).unwrap()
}

fn platform(stack: &Stack) -> Platform {
    Platform::new(&config(stack), Arc::new(SystemClock)).unwrap()
}

async fn aws(stack: &Stack, service: Service, operation: &'static str, input: &Value) -> Value {
    let aws = Aws::new(&config(stack).aws, "tests").unwrap();
    aws.call(service, operation, input, Effort::Standard).await.unwrap()
}

/// What follows a word on its line.
fn after<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(word))
        .unwrap_or_else(|| panic!("no {word} in {text}"))
        .trim()
}

#[tokio::test]
async fn a_new_tenant_has_a_twin_and_an_admin_key_that_opens_it() {
    let stack = Stack::start(Options { demo: false, ..Options::default() }).await.unwrap();
    let line = ["tenant", "create", "--name", "Palm Homes", "--plan", "growth", "--language", "ar"];
    let said = admin(&stack, &line, "").await.unwrap();
    let store = platform(&stack).store;
    let id = TenantId::parse(after(&said, "tenant")).unwrap();
    let tenant = store.tenant_facts(id).await.unwrap().tenant.unwrap();
    assert_eq!((tenant.name.as_str(), tenant.plan.as_str()), ("Palm Homes", "growth"));
    assert_eq!(tenant.sandbox.unwrap().to_string(), after(&said, "sandbox"));
    let key = ApiKey::parse(after(&said, "key")).unwrap();
    let record = store.api_key(&key.digest()).await.unwrap().unwrap();
    assert_eq!((record.tenant, record.limits().key), (id, 300));

    let listed = admin(&stack, &["tenant", "list"], "").await.unwrap();
    assert_eq!(listed.lines().count(), 1, "the twin is not listed: {listed}");
    assert!(listed.contains(&id.to_string()) && listed.contains("parked 0"), "{listed}");

    admin(&stack, &["tenant", "plan", &id.to_string(), "enterprise"], "").await.unwrap();
    assert_eq!(store.api_key(&key.digest()).await.unwrap().unwrap().limits().key, 1_000);
    let more = admin(&stack, &["tenant", "admin-key", &id.to_string()], "").await.unwrap();
    assert!(ApiKey::parse(after(&more, "key")).is_some());
    let log = store.audit_entries(id, None, 10).await.unwrap();
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["api_key.create", "tenant.plan"]);
    assert!(log.iter().all(|entry| entry.actor == "platform"));

    let nobody = ["tenant", "plan", "tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "growth"];
    assert!(matches!(admin(&stack, &nobody, "").await, Err(AdminError::NoTenant(_))));
}

#[tokio::test]
async fn the_status_names_every_queue_and_a_redrive_empties_the_dead_letters() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let url = stack.ready().queues["inbound-dlq"].clone();
    let message = json!({"QueueUrl": url, "MessageBody": "not an envelope of ours"});
    aws(&stack, Service::Sqs, "SendMessage", &message).await;
    let status = admin(&stack, &["status"], "").await.unwrap();
    assert_eq!(status.matches("tnt_").count(), 3, "{status}");
    for queue in stack.ready().queues.keys() {
        assert!(status.lines().any(|line| line.starts_with(queue)), "{queue}: {status}");
    }
    let depth = status.lines().find(|line| line.starts_with("inbound-dlq")).unwrap();
    assert!(depth.contains("waiting 1"), "{depth}");

    let said = admin(&stack, &["redrive", "inbound-dlq"], "").await.unwrap();
    assert!(said.contains("about 1"), "{said}");
    let arn = format!("arn:aws:sqs:me-central-1:000000000000:{}", url.rsplit('/').next().unwrap());
    let tasks = aws(&stack, Service::Sqs, "ListMessageMoveTasks", &json!({"SourceArn": arn})).await;
    assert_eq!(tasks["Results"].as_array().unwrap().len(), 1, "{tasks}");
    for wrong in ["inbound", "nothing-dlq"] {
        let refused = admin(&stack, &["redrive", wrong], "").await;
        assert!(matches!(refused, Err(AdminError::NoDeadLetters(_))), "{wrong}: {refused:?}");
    }
}

#[tokio::test]
async fn a_rotated_secret_is_new_and_the_one_before_it_stays_good() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let before = platform(&stack).secrets.get().await.unwrap();
    let said = admin(&stack, &["rotate", "meta-app-secret"], "brand-new\n").await.unwrap();
    assert!(!said.contains("brand-new"), "{said}");
    let now = platform(&stack).secrets.get().await.unwrap();
    assert_eq!(now.meta_app_secrets.len(), 2);
    assert_eq!(now.meta_app_secrets[0].expose(), "brand-new");
    assert_eq!(now.meta_app_secrets[1], before.meta_app_secrets[0]);
    assert_eq!(now.cursor_keys, before.cursor_keys, "what was not rotated is as it was");

    // A second rotation would end the first one's previous value.
    assert!(matches!(admin(&stack, &["rotate", "cursor-key"], "").await, Err(AdminError::TooSoon)));
    admin(&stack, &["rotate", "cursor-key", "--force"], "").await.unwrap();
    let later = platform(&stack).secrets.get().await.unwrap();
    assert_eq!(later.cursor_keys.len(), 2);
    assert_eq!(later.cursor_keys[1], before.cursor_keys[0]);
    assert!(matches!(admin(&stack, &["rotate", "meta-verify-token"], "\n").await, Err(AdminError::NoValue)));
}

#[tokio::test]
async fn a_consent_ledger_is_checked_in_its_table_and_as_a_file_whose_flipped_byte_is_named_by_row() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let tenant = stack.ready().tenants[0].id.clone();
    let id = TenantId::parse(&tenant).unwrap();
    let store = platform(&stack).store;
    for n in 1..=3u64 {
        let event = ConsentId::from_ulid(derived_ulid(n, &["event"]));
        let consent = NewConsent {
            id: event,
            purpose: Purpose::Marketing,
            state: ConsentState::Granted,
            occurred_at: Millis::from_unix_ms(1_700_000_000_000 + n),
            recorded_at: Millis::from_unix_ms(1_700_000_000_000 + n),
            wording: Some(Wording::Said("Send me offers")),
            language: Some("en"),
            version: None,
            ip_hash: None,
            collected_by: None,
            confirms: None,
            source: "paper",
            actor: "system",
            trace_id: uuid::Uuid::from_u128(event.ulid().into()),
        };
        let contact = ContactId::from_ulid(derived_ulid(n, &["contact"]));
        store.record_consent(id, contact, &consent).await.unwrap();
    }
    let said = admin(&stack, &["consents", "verify", &tenant], "").await.unwrap();
    assert!(said.starts_with("3 rows, unbroken"), "{said}");
    let head = after(&said, "head").to_owned();

    let rows = store.ledger_rows(id, 0, 10).await.unwrap();
    let file = std::env::temp_dir().join(format!("ledger-{tenant}.ndjson"));
    let written = page(id, Some(&store.ledger_head(id).await.unwrap()), &rows, None).unwrap();
    std::fs::write(&file, &written).unwrap();
    let path = file.to_str().unwrap();
    let said = admin(&stack, &["consents", "verify", "--file", path, "--head", &head], "").await.unwrap();
    assert!(said.contains(&tenant) && said.contains("3 rows, unbroken"), "{said}");
    let mut flipped = written.clone();
    let first = written.iter().position(|byte| *byte == b'\n').unwrap();
    flipped[first + 40] ^= 1;
    std::fs::write(&file, &flipped).unwrap();
    let broken = admin(&stack, &["consents", "verify", "--file", path], "").await.unwrap_err().to_string();
    assert!(broken.contains("line 2"), "{broken}");
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(
        admin(&stack, &["consents", "verify", "--file", path], "").await,
        Err(AdminError::File(..))
    ));

    let row = &rows[1];
    let key = json!({"pk": {"S": format!("T#{tenant}#C#{}", row.contact_id.ulid())},
        "sk": {"S": format!("CL#{:013}#{}", row.occurred_at.unix_ms(), row.id.ulid())}});
    let edit = json!({"TableName": stack.ready().tables["consents"], "Key": key,
        "UpdateExpression": "SET actor = :a", "ExpressionAttributeValues": {":a": {"S": "contact"}}});
    aws(&stack, Service::DynamoDb, "UpdateItem", &edit).await;
    let broken = admin(&stack, &["consents", "verify", &tenant], "").await.unwrap_err().to_string();
    assert!(broken.contains("row 2") && broken.contains(&row.id.to_string()), "{broken}");
}

#[tokio::test]
async fn a_sound_audit_log_is_confirmed_and_a_broken_one_is_told_by_its_place() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let tenant = stack.ready().tenants[0].id.clone();
    let id = TenantId::parse(&tenant).unwrap();
    let now = Millis::from_unix_ms(SystemClock.now().unix_ms());
    for _time in 0..3 {
        crm::provision::admin_key(&platform(&stack), id, "one more", now).await.unwrap();
    }
    let said = admin(&stack, &["audit", "verify", &tenant], "").await.unwrap();
    assert!(said.starts_with("3 entries, unbroken"), "{said}");
    let head = after(&said, "head").to_owned();
    admin(&stack, &["audit", "verify", &tenant, "--head", &head], "").await.unwrap();

    // Whoever cuts the log and moves its head back is found by the head that somebody kept.
    let (table, pk) = (&stack.ready().tables["crm"], format!("T#{tenant}#AUD"));
    let log = platform(&stack).store.audit_entries(id, None, 10).await.unwrap();
    let cut = json!({"TableName": table, "Key": {"pk": {"S": pk}, "sk": {"S": format!("A#{:020}", 3)}}});
    aws(&stack, Service::DynamoDb, "DeleteItem", &cut).await;
    let moved = json!({
        "TableName": table, "Key": {"pk": {"S": pk}, "sk": {"S": "HEAD"}},
        "UpdateExpression": "SET seq = :s, #h = :h", "ExpressionAttributeNames": {"#h": "hash"},
        "ExpressionAttributeValues": {":s": {"N": "2"}, ":h": {"S": log[1].hash}},
    });
    let broken = admin(&stack, &["audit", "verify", &tenant], "").await;
    assert!(matches!(broken, Err(AdminError::Broken(_, BrokenAt::End { last: 2, known: 3 }))), "{broken:?}");
    aws(&stack, Service::DynamoDb, "UpdateItem", &moved).await;
    admin(&stack, &["audit", "verify", &tenant], "").await.unwrap();
    let broken = admin(&stack, &["audit", "verify", &tenant, "--head", &head], "").await;
    assert!(matches!(broken, Err(AdminError::Broken(_, BrokenAt::End { last: 2, known: 3 }))), "{broken:?}");
}

#[tokio::test]
async fn secrets_are_wrapped_anew_tenant_by_tenant_and_a_run_is_continued_where_it_ended() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let sealed = async || {
        let mut all = Vec::new();
        for tenant in &stack.ready().tenants {
            let id = TenantId::parse(&tenant.id).unwrap();
            all.extend(platform(&stack).store.sealed_items(id).await.unwrap());
        }
        all
    };
    // The key that visitors' addresses are hashed with is one of them.
    let id = TenantId::parse(&stack.ready().tenants[0].id).unwrap();
    let hashed = async || crm::forms::address(&platform(&stack), id, None).await.unwrap();
    let hash = hashed().await;
    let before = sealed().await;
    assert!(before.len() >= 4, "{before:?}");
    let first = admin(&stack, &["rewrap", "--limit", "2"], "").await.unwrap();
    let last = first.lines().last().unwrap().rsplit(' ').next().unwrap();
    assert_eq!(first.lines().count(), 3, "{first}");
    let rest = admin(&stack, &["rewrap", "--after", last], "").await.unwrap();
    assert!(rest.ends_with("That was the last tenant.\n"), "{rest}");
    let after = sealed().await;
    let values = |items: &[SealedItem]| {
        items.iter().flat_map(|item| item.values.values().cloned()).collect::<Vec<_>>()
    };
    assert!(values(&before).iter().zip(values(&after)).all(|(old, new)| *old != new), "each is wrapped anew");
    assert_eq!(hashed().await, hash);
    // With the key switched off nothing is done, and it says where.
    let described =
        aws(&stack, Service::Kms, "DescribeKey", &json!({"KeyId": "alias/hadar-local-tokens"})).await;
    let key = json!({"KeyId": described["KeyMetadata"]["KeyId"]});
    aws(&stack, Service::Kms, "DisableKey", &key).await;
    let refused = admin(&stack, &["rewrap"], "").await.unwrap_err();
    assert!(matches!(refused, AdminError::Rewrap(..)), "{refused}");
    assert_eq!(sealed().await, after);
}

/// Reads a request to its end: an answer that comes earlier would cut it off.
async fn read_request(stream: &mut tokio::net::TcpStream) {
    let (mut request, mut part) = (Vec::new(), [0; 16_384]);
    loop {
        let head = request.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head {
            let said = String::from_utf8_lossy(request.get(..head).unwrap_or_default()).to_ascii_lowercase();
            let length = said.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
            if request.len() >= head + 4 + length {
                return;
            }
        }
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => request.extend(part.iter().take(read)),
            _ => return,
        }
    }
}

#[tokio::test]
async fn a_receiver_is_checked_without_a_stack_and_its_secret_is_read_from_the_input() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                read_request(&mut stream).await;
                stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
            });
        }
    });
    let check = async |url: &str, input: &str| {
        let args = ["admin", "check-receiver", "--allow-loopback", "--url", url];
        let args = Args::try_parse_from(args).unwrap();
        let mut out = Vec::new();
        let done = run(args, &mut input.as_bytes(), &mut out, SystemClock.now()).await;
        (done, String::from_utf8(out).unwrap())
    };
    let (none, _) = check(&url, "\n").await;
    assert!(matches!(none, Err(AdminError::NoValue)), "{none:?}");
    let (done, said) = check(&url, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").await;
    assert!(matches!(&done, Err(AdminError::Receiver(why)) if why.ends_with("checks failed")), "{done:?}");
    assert!(said.contains("pass  a good delivery:"), "{said}");
    assert!(said.contains("FAIL  another secret: expected 4xx"), "{said}");
    assert!(!said.contains("whsec_"), "{said}");
}

/// A table like another one, with the items it has now: what a restore makes.
async fn restored(stack: &Stack, from: &str, to: &str) {
    let described = aws(stack, Service::DynamoDb, "DescribeTable", &json!({"TableName": from})).await;
    let table = &described["Table"];
    let indexes: Vec<Value> = table["GlobalSecondaryIndexes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|index| {
            json!({"IndexName": index["IndexName"], "KeySchema": index["KeySchema"], "Projection": index["Projection"]})
        })
        .collect();
    let made = json!({"TableName": to, "BillingMode": "PAY_PER_REQUEST", "KeySchema": table["KeySchema"],
        "AttributeDefinitions": table["AttributeDefinitions"], "GlobalSecondaryIndexes": indexes});
    aws(stack, Service::DynamoDb, "CreateTable", &made).await;
    let mut start = Value::Null;
    loop {
        let mut input = json!({"TableName": from});
        if !start.is_null() {
            input["ExclusiveStartKey"] = start;
        }
        let page = aws(stack, Service::DynamoDb, "Scan", &input).await;
        for item in page["Items"].as_array().unwrap() {
            aws(stack, Service::DynamoDb, "PutItem", &json!({"TableName": to, "Item": item})).await;
        }
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return;
        }
    }
}

#[tokio::test]
async fn an_erasure_is_done_again_on_a_table_that_was_restored_from_before_it() {
    let stack = Stack::start(Options::default()).await.unwrap();
    let tenant = stack.ready().tenants[0].clone();
    let id = TenantId::parse(&tenant.id).unwrap();
    stack
        .simulator()
        .customer_writes("971505559999", json!({"tenant_id": tenant.id, "text": "forget me"}))
        .await
        .unwrap();
    assert!(stack.wait_idle(std::time::Duration::from_secs(30)).await);
    let crm = config(&stack).crm_table;
    restored(&stack, &crm, "crm-restored").await;
    let phone = domain::identity::Identity::Phone(domain::phone::Phone::from_wa_id("971505559999").unwrap());
    let known = platform(&stack).store.known_identity(id, &phone, true).await.unwrap().unwrap();
    let now = SystemClock.now();
    let begun =
        crm::privacy::erase(&platform(&stack), id, known.contact, "key", uuid::Uuid::nil(), now).await;
    assert!(begun.unwrap().is_some());

    let line = ["--crm-table", "crm-restored", "erase-again", "--from", &crm];
    let said = admin(&stack, &line, "").await.unwrap();
    assert_eq!(said.trim(), "1 erasures, 1 of them begun again: the sweeper completes them");
    let there = Config { crm_table: "crm-restored".to_owned(), ..config(&stack) };
    let store = Platform::new(&there, Arc::new(SystemClock)).unwrap().store;
    assert_eq!(store.known_identity(id, &phone, true).await.unwrap(), None);
    assert_eq!(store.due_erasures(now.plus_ms(1_000), 10).await.unwrap(), [(id, known.contact.erasure())]);
    let graves = store.erasure(id, known.contact.erasure()).await.unwrap().unwrap().graves;
    assert_eq!(store.graves(id, &graves).await.unwrap().len(), graves.len());
    // Again, and nothing is begun twice.
    admin(&stack, &line, "").await.unwrap();
    assert_eq!(store.erasures(id, None, 10).await.unwrap().len(), 1);
}
