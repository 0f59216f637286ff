//! Credentials at the edge: the handshake, signatures, tokens, keys.

use e2e::World;
use e2e::hmac_hex;

#[tokio::test]
async fn the_handshake_echoes_the_bare_challenge_and_nothing_else() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let token = tenant.meta.unwrap().verify_token;
    let path = |mode: &str, token: &str, challenge: &str| {
        format!(
            "/v1/webhooks/whatsapp/{}?hub.mode={mode}&hub.verify_token={token}&hub.challenge={challenge}",
            tenant.id
        )
    };
    let good = world.send("GET", &path("subscribe", &token, "1158201444"), &[], "").await;
    assert_eq!(good.status, 200, "{:?}", good.bytes);
    assert_eq!(&good.bytes[..], b"1158201444");
    assert!(good.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(good.headers["x-content-type-options"], "nosniff");

    for bad in [
        path("subscribe", "wrong", "1"),
        path("unsubscribe", &token, "1"),
        path("subscribe", &token, "%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
        path("subscribe", &token, ""),
        path("subscribe", "", "1"),
        format!("/v1/webhooks/whatsapp/{}", tenant.id),
    ] {
        let answer = world.send("GET", &bad, &[], "").await;
        assert!(answer.status.is_client_error(), "{bad}: {}", answer.status);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("script"), "{bad}");
    }
}

#[tokio::test]
async fn every_bad_credential_gets_one_and_the_same_401_and_stores_nothing() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let secret = tenant.meta.clone().unwrap().app_secret;
    let other_secret = "0".repeat(64);
    let body = world.meta_body().text("971501234567", "wamid.401", world.now_s(), "hi").json().to_string();
    let good = hmac_hex(&secret, body.as_bytes());
    let path = format!("/v1/webhooks/whatsapp/{}", tenant.id);
    let signature = |text: String| vec![("x-hub-signature-256".to_owned(), text)];
    let unknown = "/v1/webhooks/whatsapp/tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned();
    let foreign = format!("/v1/webhooks/whatsapp/{}", world.tenant("dialog360").id);
    let cases: Vec<(String, Vec<(String, String)>)> = vec![
        (path.clone(), vec![]),
        (path.clone(), signature(String::new())),
        (path.clone(), signature(good.clone())),
        (path.clone(), signature(format!("sha1={good}"))),
        (path.clone(), signature(format!("sha256={}", good.to_uppercase()))),
        (path.clone(), signature(format!("sha256={}", &good[..63]))),
        (path.clone(), signature(format!("sha256={good}0"))),
        (path.clone(), signature(format!("sha256= {good}"))),
        (path.clone(), signature(format!("sha256={good},sha256={good}"))),
        (path.clone(), signature(format!("sha256={}", hmac_hex(&other_secret, body.as_bytes())))),
        (path.clone(), signature(format!("sha256={}", hmac_hex(&secret, &body.as_bytes()[1..])))),
        (path.clone(), signature(format!("sha256={}", hmac_hex("", body.as_bytes())))),
        (path.clone(), vec![("x-hub-signature".to_owned(), format!("sha1={}", &good[..40]))]),
        (format!("{path}?token={secret}"), vec![]),
        (format!("{path}/{secret}"), vec![]),
        (unknown.clone(), signature(format!("sha256={good}"))),
        (unknown, vec![]),
        (foreign, signature(format!("sha256={good}"))),
        ("/v1/webhooks/whatsapp/nonsense".to_owned(), signature(format!("sha256={good}"))),
        (
            "/api/webhooks/whatsapp".to_owned(),
            signature(format!("sha256={}", hmac_hex(&other_secret, body.as_bytes()))),
        ),
    ];
    let mut seen: Option<serde_json::Value> = None;
    for (path, headers) in cases {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = world.send("POST", &path, &headers, body.clone()).await;
        assert_eq!(answer.status, 401, "{path} {headers:?}");
        let mut json = answer.json();
        // Only the trace differs from one refusal to the next.
        json["error"]["trace_id"] = serde_json::Value::Null;
        json["trace_id"] = serde_json::Value::Null;
        assert_eq!(seen.get_or_insert_with(|| json.clone()), &json, "{path}");
    }
    world.settled().await;
    assert!(world.all("/v1/conversations", &tenant.keys.live_admin).await.is_empty());
    assert!(world.all("/v1/events", &tenant.keys.live_admin).await.is_empty());
    let accepted = world.from_meta(body).await;
    assert_eq!(accepted.status, 200);
}

#[tokio::test]
async fn a_webhook_may_prove_itself_in_each_way_its_provider_has() {
    let world = World::start().await;
    let body = e2e::bodies::MetaBody::of("1", "2")
        .text("971501234567", "wamid.W", world.now_s(), "hi")
        .json()
        .to_string();
    let tenant = world.tenant("dialog360");
    let token = tenant.dialog360.unwrap().webhook_token;
    let path = format!("/v1/webhooks/whatsapp/{}", tenant.id);
    for (path, headers) in [
        (path.clone(), vec![("x-hadar-webhook-secret", token.as_str())]),
        (path.clone(), vec![("X-Mandato-Webhook-Secret", token.as_str())]),
        (format!("{path}?token={token}"), vec![]),
        (format!("{path}/{token}"), vec![]),
        (format!("/api{path}/{token}"), vec![]),
    ] {
        assert_eq!(world.send("POST", &path, &headers, body.clone()).await.status, 200, "{path}");
    }

    let tenant = world.tenant("ultramsg");
    let ultramsg = tenant.ultramsg.unwrap();
    let path = format!("/v1/webhooks/whatsapp/{}", tenant.id);
    let chat = e2e::bodies::ultramsg_chat(&ultramsg.instance_id, "971501234567", "A", world.now_s(), "hi")
        .to_string();
    let sign =
        |t: u64| format!("t={t},v1={}", hmac_hex(&ultramsg.webhook_token, format!("{t}.{chat}").as_bytes()));
    let (fresh, stale) = (sign(world.now_s()), sign(world.now_s() - 301));
    assert_eq!(world.send("POST", &path, &[("x-hadar-signature", &fresh)], chat.clone()).await.status, 200);
    assert_eq!(world.send("POST", &path, &[("x-hadar-signature", &stale)], chat.clone()).await.status, 401);
}

#[tokio::test]
async fn other_methods_and_encoded_bodies_are_refused_by_name() {
    let world = World::start().await;
    let path = format!("/v1/webhooks/whatsapp/{}", world.tenant("meta").id);
    let answer = world.send("PUT", &path, &[], "").await;
    assert_eq!(answer.status, 405);
    assert!(answer.headers["allow"].to_str().unwrap().contains("POST"));
    let answer = world.send("POST", &path, &[("content-encoding", "gzip")], "x").await;
    assert_eq!(answer.status, 415);
}

#[tokio::test]
async fn the_queue_being_down_is_a_503_that_providers_repeat() {
    let world = World::start().await;
    let body = world.meta_body().text("971501234567", "wamid.503", world.now_s(), "hi").json().to_string();
    assert_eq!(world.from_meta(body.clone()).await.status, 200);
    world.settled().await;
    let down = serde_json::json!({"rules": [{"service": "sqs", "operation": "SendMessage", "action": "error", "status": 503}]});
    assert_eq!(
        world
            .send("PUT", "/_local/faults", &[("content-type", "application/json")], down.to_string())
            .await
            .status,
        200
    );
    let answer = world.from_meta(body.clone()).await;
    assert_eq!(answer.status, 503, "{:?}", answer.json());
    assert!(answer.headers.contains_key("retry-after"));
    let up = serde_json::json!({"rules": []});
    world.send("PUT", "/_local/faults", &[("content-type", "application/json")], up.to_string()).await;
    assert_eq!(world.from_meta(body).await.status, 200);
}

#[tokio::test]
async fn keys_are_refused_by_the_documented_codes_and_every_answer_has_an_envelope_and_a_trace() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_viewer;
    let typo = format!("{}{}", &key[..key.len() - 1], if key.ends_with('a') { 'b' } else { 'a' });
    let unknown = {
        let mut random = [7u8; 64];
        random[0] = 9;
        domain::access::ApiKey::from_random(domain::access::Environment::Live, &random).expose().to_owned()
    };
    for (header, code) in [
        (String::new(), "unauthorized"),
        ("Bearer".to_owned(), "unauthorized"),
        (format!("Basic {key}"), "unauthorized"),
        (format!("Bearer {typo}"), "unauthorized"),
        ("Bearer hdr_live_short".to_owned(), "unauthorized"),
        (format!("Bearer {unknown}"), "invalid_api_key"),
    ] {
        let headers: Vec<(&str, &str)> =
            if header.is_empty() { vec![] } else { vec![("authorization", header.as_str())] };
        let answer = world.send("GET", "/v1/conversations", &headers, "").await;
        assert_eq!(answer.status, 401, "{header}");
        assert_eq!(answer.code(), code, "{header}");
    }
    let bearer = format!("Bearer {key}");
    let auth = [("authorization", bearer.as_str())];
    for (method, path, status, code) in [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("DELETE", "/v1/conversations", 405, "method_not_allowed"),
        ("GET", "/v1/conversations/conv_nonsense", 404, "not_found"),
        ("GET", "/v1/conversations/conv_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "not_found"),
        ("GET", "/v1/leads/lead_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "not_found"),
        ("GET", "/v1/events/evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "not_found"),
        ("GET", "/v1/contacts/ctc_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "not_found"),
        ("GET", "/v1/whatsapp/messages/msg_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404, "not_found"),
        ("POST", "/v1/events/evt_01ARZ3NDEKTSV4RRFFQ69G5FAV/replay", 403, "forbidden"),
    ] {
        let answer = world.send(method, path, &auth, "").await;
        assert_eq!(answer.status, status, "{method} {path}: {:?}", answer.json());
        let json = answer.json();
        assert_eq!(json["error"]["code"], code, "{method} {path}");
        assert!(json["data"].is_null());
        assert_eq!(
            json["error"]["trace_id"].as_str().unwrap(),
            answer.headers["x-trace-id"].to_str().unwrap()
        );
    }
    let answer = world.get("/api/v1/conversations", &key).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json()["error"].is_null());
    assert_eq!(answer.data()["pagination"]["limit"], 25);
    assert!(answer.data()["pagination"]["next_cursor"].is_null());
}
