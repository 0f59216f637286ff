//! Bad input: never a 5xx, never a panic, never a lost neighbour.

use e2e::World;
use e2e::hmac_hex;
use serde_json::{Value, json};

/// Signed bodies of every odd shape are answered 200: what can be applied is, the rest is parked with a reason.
#[tokio::test]
async fn signed_bodies_of_every_odd_shape_are_stored_and_answered() {
    let world = World::start().await;
    let now = world.now_s();
    let text = |id: &str, at: Value| {
        let mut body = world.meta_body().text("971501234567", id, now, "x").json();
        body["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = at;
        body.to_string()
    };
    let deep = |n: usize| {
        format!("{{\"object\":\"whatsapp_business_account\",\"x\":{}{}}}", "[".repeat(n), "]".repeat(n))
    };
    let mut odd: Vec<(String, Vec<u8>)> = vec![
        ("empty".into(), vec![]),
        ("null".into(), b"null".to_vec()),
        ("array".into(), b"[]".to_vec()),
        ("object".into(), b"{}".to_vec()),
        ("text".into(), b"hello".to_vec()),
        ("wrong object".into(), br#"{"object":"page","entry":[]}"#.to_vec()),
        ("no entry".into(), br#"{"object":"whatsapp_business_account"}"#.to_vec()),
        ("not utf-8".into(), vec![0xff, 0xfe, 0x00]),
        ("byte order mark".into(), [b"\xef\xbb\xbf".to_vec(), text("wamid.BOM", json!(now.to_string())).into_bytes()].concat()),
        ("nul".into(), b"{\"object\":\"\\u0000\"}".to_vec()),
        ("lone surrogate".into(), text("wamid.SUR", json!(now.to_string())).replace("\"x\"", "\"\\ud800\"").into_bytes()),
        ("noncharacter".into(), text("wamid.NON", json!(now.to_string())).replace("\"x\"", "\"\u{fffe}\u{ffff}\"").into_bytes()),
        ("duplicate keys".into(), br#"{"object":"whatsapp_business_account","object":"page","entry":[],"entry":[]}"#.to_vec()),
        ("timestamp 0".into(), text("wamid.T0", json!("0")).into_bytes()),
        ("timestamp negative".into(), text("wamid.T1", json!(-5)).into_bytes()),
        ("timestamp huge".into(), text("wamid.T2", json!("1000000000000000000")).into_bytes()),
        ("timestamp words".into(), text("wamid.T3", json!("yesterday")).into_bytes()),
        ("timestamp integer".into(), text("wamid.T4", json!(now)).into_bytes()),
        ("timestamp in ms".into(), text("wamid.T5", json!((now * 1000).to_string())).into_bytes()),
        ("wamid empty".into(), text("", json!(now.to_string())).into_bytes()),
        ("wamid 4 KB".into(), text(&"w".repeat(4096), json!(now.to_string())).into_bytes()),
        ("text 64 KB".into(), text("wamid.BIG", json!(now.to_string())).replace("\"x\"", &format!("\"{}\"", "ع".repeat(32_768))).into_bytes()),
        ("unknown field".into(), br#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"new_thing","value":{"a":1}}]}]}"#.to_vec()),
    ];
    for n in [127, 128, 129, 100_000] {
        odd.push((format!("depth {n}"), deep(n).into_bytes()));
    }
    for (name, body) in &odd {
        let answer = world.from_meta(body).await;
        assert_eq!(answer.status, 200, "{name}: {:?}", answer.json());
    }
    // A neighbour behind all of them is applied.
    let last = world.meta_body().text("971509999999", "wamid.LAST", now, "still here").json().to_string();
    assert_eq!(world.from_meta(last).await.status, 200);
    world.settled().await;

    let admin = world.tenant("meta").keys.live_admin;
    let parked = world.all("/v1/events?state=parked", &admin).await;
    assert!(!parked.is_empty());
    for event in &parked {
        assert!(event["reason"].as_str().is_some_and(|reason| reason.len() > 10), "{event}");
    }
    let conversations = world.all("/v1/conversations", &admin).await;
    assert!(conversations.iter().any(|one| one["contact"]["phone"] == "+971509999999"), "{conversations:?}");
}

#[tokio::test]
async fn one_bad_message_does_not_lose_its_neighbours_and_the_body_is_parked_with_its_place() {
    let world = World::start().await;
    let now = world.now_s();
    let mut body = world.meta_body();
    for n in 0..9 {
        body = body.text(&format!("97150000000{n}"), &format!("wamid.N{n}"), now, "hi");
    }
    let mut json = body.json();
    json["entry"][0]["changes"][0]["value"]["messages"][4] =
        json!({"id": "wamid.N4", "type": "text", "timestamp": {}});
    assert_eq!(world.from_meta(json.to_string()).await.status, 200);
    world.settled().await;

    let admin = world.tenant("meta").keys.live_admin;
    assert_eq!(world.all("/v1/conversations", &admin).await.len(), 8);
    let parked = world.all("/v1/events?state=parked", &admin).await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert!(parked[0]["reason"].as_str().unwrap().contains("messages[4]"), "{}", parked[0]);
}

#[tokio::test]
async fn a_body_of_a_thousand_messages_and_one_of_three_megabytes_arrive_whole() {
    let world = World::start().await;
    let now = world.now_s();
    let mut thousand = world.meta_body();
    for n in 0..1000 {
        thousand = thousand.text("971501234567", &format!("wamid.K{n}"), now - n, "one of a thousand");
    }
    assert_eq!(world.from_meta(thousand.json().to_string()).await.status, 200);
    // Hex digits of digests do not compress well: this one has to be split.
    let mut large = world.meta_body();
    for n in 0..50 {
        let noise: String = (0..900).map(|k| hmac_hex("noise", format!("{n}.{k}").as_bytes())).collect();
        large = large.text("971507654321", &format!("wamid.L{n}"), now - n, &noise);
    }
    let large = large.json().to_string();
    assert!(large.len() > 2_800_000 && large.len() < 3_500_000, "{}", large.len());
    assert_eq!(world.from_meta(large).await.status, 200);
    world.settled().await;

    let key = world.tenant("meta").keys.live_admin;
    assert!(world.all("/v1/events?state=parked", &key).await.is_empty());
    let conversations = world.all("/v1/conversations", &key).await;
    assert_eq!(conversations.len(), 2);
    for conversation in conversations {
        let expected = if conversation["contact"]["phone"] == "+971501234567" { 1000 } else { 50 };
        let id = conversation["id"].as_str().unwrap();
        assert_eq!(world.all(&format!("/v1/conversations/{id}/messages"), &key).await.len(), expected);
    }
}

#[tokio::test]
async fn a_body_above_the_cap_is_refused_before_anything_is_verified() {
    let world = World::start().await;
    let answer = world.from_meta(vec![b' '; 3_600_000]).await;
    assert_eq!(answer.status, 413, "{:?}", answer.json());
}

#[tokio::test]
async fn lists_refuse_what_they_do_not_know_and_name_the_parameter() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_admin;
    for n in 0..3 {
        let body = world.meta_body().text(
            &format!("97150000000{n}"),
            &format!("wamid.P{n}"),
            world.now_s() - n,
            "hi",
        );
        world.from_meta(body.json().to_string()).await;
    }
    world.settled().await;
    let first = world.get("/v1/conversations?limit=1", &key).await;
    let cursor = first.data()["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    let other = world.tenant("dialog360").keys.live_admin;
    let mut flipped = cursor.clone().into_bytes();
    flipped[10] = if flipped[10] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let short = &cursor[..cursor.len() - 3];

    for (path, field) in [
        ("/v1/conversations?limit=101".to_owned(), "limit"),
        ("/v1/conversations?limit=0".to_owned(), "limit"),
        ("/v1/conversations?limit=ten".to_owned(), "limit"),
        ("/v1/conversations?limit=-1".to_owned(), "limit"),
        ("/v1/conversations?colour=red".to_owned(), "colour"),
        ("/v1/events?state=lost".to_owned(), "state"),
        ("/v1/leads?created_after=yesterday".to_owned(), "created_after"),
        (format!("/v1/conversations?cursor={flipped}"), "cursor"),
        (format!("/v1/conversations?cursor={short}"), "cursor"),
        ("/v1/conversations?cursor=%00".to_owned(), "cursor"),
        (format!("/v1/leads?cursor={cursor}"), "cursor"),
        (format!("/v1/conversations?language=ar&cursor={cursor}"), "cursor"),
    ] {
        let answer = world.get(&path, &key).await;
        assert_eq!(answer.status, 400, "{path}: {:?}", answer.json());
        assert_eq!(answer.code(), "validation_error", "{path}");
        assert_eq!(answer.json()["error"]["field"], field, "{path}");
        assert!(answer.json()["error"]["trace_id"].is_string());
    }
    let foreign = world.get(&format!("/v1/conversations?cursor={cursor}"), &other).await;
    assert_eq!(foreign.status, 400);
    let next = world.get(&format!("/v1/conversations?limit=1&cursor={cursor}"), &key).await;
    assert_eq!(next.status, 200);
    assert_ne!(next.items()[0]["id"], first.items()[0]["id"]);
}
