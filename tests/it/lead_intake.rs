//! Leads that sources hand over: proven, queued, applied once.

use bytes::Bytes;
use e2e::{Answer, World, hmac_hex};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local::Options;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A server that answers by path, and what it was asked.
struct Portal {
    url: String,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Portal {
    async fn start(answer: impl Fn(&str, usize) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                let service = service_fn(move |request: Request<Incoming>| {
                    let path = request.uri().path_and_query().unwrap().to_string();
                    let key =
                        request.headers().get("authorization").map(|key| key.to_str().unwrap().to_owned());
                    let before = seen.lock().unwrap().len();
                    seen.lock().unwrap().push((path.clone(), key.unwrap_or_default()));
                    let (status, body) = answer(&path, before);
                    let response =
                        Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap();
                    async move { Ok::<_, Infallible>(response) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn put(world: &World, source: &str, key: &str, body: &Value) -> Answer {
    let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
    world.send("PUT", &format!("/v1/integrations/leads/{source}"), &headers, body.to_string()).await
}

async fn connected(world: &World, source: &str, body: Value) -> Value {
    let answer = put(world, source, &world.tenant("meta").keys.live_admin, &body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

async fn push(world: &World, source: &str, query: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let path = format!("/v1/webhooks/leads/{}/{source}{query}", world.tenant("meta").id);
    world.send("POST", &path, headers, body.to_owned()).await
}

async fn leads(world: &World) -> Vec<Value> {
    world.settled().await;
    world.all("/v1/leads", &world.tenant("meta").keys.live_viewer).await
}

#[tokio::test]
async fn each_source_proves_itself_in_its_own_way_and_nobody_else_gets_in() {
    let world = World::start().await;
    connected(
        &world,
        "property_finder",
        json!({"secret": "pf-secret-1", "signature_header": "X-PF-Signature"}),
    )
    .await;
    let bayut = connected(&world, "bayut", json!({"api_key": "bayut-key-1"})).await;
    let site = connected(&world, "website", json!({})).await;
    let (bayut, site) = (bayut["token"].as_str().unwrap(), site["token"].as_str().unwrap());
    let pf =
        json!({"id": 1, "channel": "whatsapp", "listing": {"reference": "PF-7"}, "sender": {"name": "Omar",
        "contacts": [{"type": "phone", "value": "050 111 0001"}]}})
        .to_string();
    let listing = json!([{"lead_id": 2, "lead_target": "listing", "inquirer_details": {"name": "Sara", "cell": "00971501110002",
        "message": "still free?"}, "listing_details": {"listing_reference": "B-7"}}])
    .to_string();
    let own =
        json!({"name": "Aisha", "email": "aisha@example.com", "budget_aed": 900_000, "utm_source": "Google"})
            .to_string();

    let signature = hmac_hex("pf-secret-1", pf.as_bytes());
    let stamp = world.now_s();
    let signed = format!("t={stamp},v1={}", hmac_hex(site, format!("{stamp}.{own}").as_bytes()));
    let token = format!("?token={bayut}");
    type Push<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, &'a str);
    let good: [Push<'_>; 3] = [
        ("property_finder", "", vec![("x-pf-signature", &signature)], &pf),
        ("bayut", &token, vec![], &listing),
        ("website", "", vec![("x-hadar-signature", &signed)], &own),
    ];
    let mut refusals = Vec::new();
    for (source, query, headers, body) in &good {
        for (query, headers, body) in [
            ("", vec![], body.to_string()),
            (
                "?token=wrong",
                vec![("x-pf-signature", "00"), ("x-hadar-signature", "t=1,v1=00")],
                body.to_string(),
            ),
            (*query, headers.clone(), format!("{body} ")),
        ] {
            if !query.is_empty() && query.len() > 20 {
                continue; // A token proves the sender, not the bytes.
            }
            let refused = push(&world, source, query, &headers, &body).await;
            assert_eq!(refused.status, 401, "{source}");
            let mut json = refused.json();
            json["error"]["trace_id"] = json!(null);
            refusals.push(json);
        }
        let taken = push(&world, source, query, headers, body).await;
        assert_eq!((taken.status.as_u16(), &taken.json()["ok"]), (200, &json!(true)), "{source}");
    }
    // Not connected, no such source, no such tenant: the same words.
    for path in [
        format!("/v1/webhooks/leads/{}/dubizzle", world.tenant("meta").id),
        format!("/v1/webhooks/leads/{}/zillow", world.tenant("meta").id),
        "/v1/webhooks/leads/tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV/bayut".to_owned(),
        format!("/v1/webhooks/leads/{}/bayut", world.tenant("dialog360").id),
    ] {
        let refused = world.send("POST", &format!("{path}{token}"), &[], listing.clone()).await;
        assert_eq!(refused.status, 401, "{path}");
        let mut json = refused.json();
        json["error"]["trace_id"] = json!(null);
        refusals.push(json);
    }
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");

    let leads = leads(&world).await;
    assert_eq!(leads.len(), 3, "{leads:?}");
    let of = |source: &str| leads.iter().find(|lead| lead["source"] == source).unwrap().clone();
    assert_eq!(
        (&of("property_finder")["phone"], &of("property_finder")["external_id"]),
        (&json!("+971501110001"), &json!("1"))
    );
    assert_eq!(of("property_finder")["attributes"]["listing_reference"], "PF-7");
    assert_eq!((&of("bayut")["phone"], &of("bayut")["name"]), (&json!("+971501110002"), &json!("Sara")));
    assert_eq!(
        (&of("website")["budget_aed"], &of("website")["utm"]["source"]),
        (&json!(900_000), &json!("google"))
    );
    let path = format!("/v1/leads/{}/timeline", of("bayut")["id"].as_str().unwrap());
    let events = world.all(&path, &world.tenant("meta").keys.live_viewer).await;
    assert_eq!(
        (&events[0]["type"], &events[0]["data"]["message"]),
        (&json!("lead.created"), &json!("still free?"))
    );
    assert_eq!(events[0]["actor"], "bayut");
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_one_lead_and_what_cannot_be_read_is_parked_and_replayed() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let site = connected(&world, "website", json!({})).await;
    let token = format!("?token={}", site["token"].as_str().unwrap());
    let body = json!({"id": "enquiry-1", "name": "Aisha", "phone": "0501110001"}).to_string();
    for _ in 0..5 {
        assert_eq!(push(&world, "website", &token, &[], &body).await.status, 200);
    }
    assert_eq!(leads(&world).await.len(), 1);
    for odd in ["not json", "[]", r#"{"name":"nobody"}"#, r#"{"name":"A","phone":"12"}"#] {
        assert_eq!(push(&world, "website", &token, &[], odd).await.status, 200, "{odd}");
    }
    assert_eq!(leads(&world).await.len(), 1);
    let parked = world.all("/v1/events?state=parked", &keys.live_admin).await;
    assert_eq!(parked.len(), 4, "{parked:?}");
    for event in &parked {
        assert_eq!((&event["lead_source"], &event["provider"]), (&json!("website"), &Value::Null), "{event}");
        let path = format!("/v1/events/{}/replay", event["id"].as_str().unwrap());
        assert_eq!(world.post(&path, &keys.live_admin, &json!({})).await.status, 202);
    }
    world.settled().await;
    assert_eq!(world.all("/v1/events?state=parked", &keys.live_admin).await.len(), 4);
}

#[tokio::test]
async fn a_lead_of_meta_is_fetched_after_its_webhook_and_tried_again_when_meta_is_busy() {
    let meta = Portal::start(|path, before| {
        if before == 0 {
            return (500, "{}".to_owned());
        }
        let id = path.split('?').next().unwrap().rsplit('/').next().unwrap();
        let lead = json!({"id": id, "created_time": "2026-05-15T08:42:11+0000", "form_id": "333", "field_data": [
            {"name": "full_name", "values": ["Aisha Khan"]}, {"name": "phone_number", "values": ["+971501110001"]},
            {"name": "which_project", "values": ["Marina Vista"]}]});
        (200, lead.to_string())
    })
    .await;
    let world = World::start_with(Options { meta_url: Some(meta.url.clone()), ..Options::default() }).await;
    let settings = json!({"page_id": "444", "access_token": "page-token-1", "app_secret": "app-secret-1", "verify_token": "verify-me-1"});
    let shown = connected(&world, "meta_lead_ads", settings).await;
    assert!(!shown.to_string().contains("page-token-1") && shown["status"] == "live", "{shown}");

    let path = format!("/v1/webhooks/leads/{}/meta_lead_ads", world.tenant("meta").id);
    let handshake =
        |token: &str| format!("{path}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
    let answer = world.send("GET", &handshake("verify-me-1"), &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.bytes.as_ref()), (200, b"1158201444".as_slice()));
    assert_eq!(world.send("GET", &handshake("other"), &[], "").await.status, 403);

    let body =
        json!({"object": "page", "entry": [{"id": "444", "time": 1, "changes": [{"field": "leadgen", "value":
        {"leadgen_id": "555", "page_id": "444", "form_id": "333", "created_time": 1_747_298_531}}]}]})
        .to_string();
    let signature = format!("sha256={}", hmac_hex("app-secret-1", body.as_bytes()));
    let headers = [("x-hub-signature-256", signature.as_str())];
    assert_eq!(push(&world, "meta_lead_ads", "", &headers, &body).await.status, 200);
    // The first fetch met a busy Meta; the record waits its seconds.
    for _ in 0..20 {
        if meta.asked().len() >= 2 {
            break;
        }
        world.advance(5).await;
        tokio::task::yield_now().await;
        world.stack.wait_idle(std::time::Duration::from_millis(500)).await;
    }
    let leads = leads(&world).await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    assert_eq!((&leads[0]["name"], &leads[0]["external_id"]), (&json!("Aisha Khan"), &json!("555")));
    assert_eq!(leads[0]["attributes"]["which_project"], "Marina Vista");
    let asked = meta.asked();
    assert!(asked[0].0.starts_with("/v26.0/555?") && asked[0].1 == "Bearer page-token-1", "{asked:?}");
    // Meta delivers at least once.
    assert_eq!(push(&world, "meta_lead_ads", "", &headers, &body).await.status, 200);
    world.settled().await;
    assert_eq!(world.all("/v1/leads", &world.tenant("meta").keys.live_viewer).await.len(), 1);
}

#[tokio::test]
async fn portals_are_asked_every_minute_and_everything_they_repeat_is_one_lead() {
    let bayut = Portal::start(|path, before| {
        if before >= 6 {
            return (200, "<!DOCTYPE html><html>Sign in</html>".to_owned());
        }
        let lead = |id: u32| json!({"lead_id": id, "inquirer_details": {"name": "S", "cell": format!("+97150111000{id}")}});
        let leads = if path.contains("type=email") { vec![lead(1), lead(2)] } else { Vec::new() };
        (200, json!(leads).to_string())
    })
    .await;
    let world = World::start_with(Options { bayut_url: Some(bayut.url.clone()), ..Options::default() }).await;
    connected(&world, "bayut", json!({"api_key": "bayut-key-1"})).await;
    world.stack.sweep().await.unwrap();
    assert_eq!(leads(&world).await.len(), 2);
    let asked = bayut.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[0].0.starts_with("/api-v7/stats/website-client-leads?type=email&timestamp="), "{asked:?}");
    assert_eq!(asked[0].1, "Bearer bayut-key-1");
    world.advance(61).await;
    world.stack.sweep().await.unwrap();
    assert_eq!(leads(&world).await.len(), 2);
    world.advance(61).await;
    world.stack.sweep().await.unwrap();
    let admin = world.tenant("meta").keys.live_admin;
    let shown = world.get("/v1/integrations/leads/bayut", &admin).await.data();
    assert_eq!(shown["status"], "unauthorized", "{shown}");
    assert_eq!(leads(&world).await.len(), 2);
}

/// Somebody who takes connections and never says a word.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    url
}

#[tokio::test]
async fn a_portal_that_never_answers_is_asked_later_and_keeps_no_other_waiting() {
    let dubizzle = Portal::start(|path, _| {
        let lead = json!({"lead_id": 9, "inquirer_details": {"name": "S", "cell": "+971501110009"}});
        let leads = if path.contains("type=email") { vec![lead] } else { Vec::new() };
        (200, json!(leads).to_string())
    })
    .await;
    let urls = Options {
        bayut_url: Some(silent().await),
        dubizzle_url: Some(dubizzle.url.clone()),
        ..Options::default()
    };
    let world = World::start_with(urls).await;
    connected(&world, "bayut", json!({"api_key": "bayut-key-1"})).await;
    connected(&world, "dubizzle", json!({"api_key": "dubizzle-key-1"})).await;
    world.stack.sweep().await.unwrap();
    assert_eq!(leads(&world).await.len(), 1);
    let admin = world.tenant("meta").keys.live_admin;
    let shown = async |source: &str| {
        world.get(&format!("/v1/integrations/leads/{source}"), &admin).await.data()["status"].clone()
    };
    assert_eq!((shown("bayut").await, shown("dubizzle").await), (json!("unreachable"), json!("live")));
}

#[tokio::test]
async fn sources_are_connected_by_admins_with_what_they_need_and_keep_their_secrets() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    for (source, body, field) in [
        ("bayut", json!({}), "api_key"),
        ("meta_lead_ads", json!({"page_id": "444"}), "access_token"),
        ("property_finder", json!({}), "secret"),
        ("property_finder", json!({"secret": "12345678", "signature_header": "x-other"}), "signature_header"),
        ("website", json!({"api_key": "12345678"}), "api_key"),
        ("website", json!({"token": "short"}), "token"),
        ("website", json!({"tenant_id": "tnt_1"}), "tenant_id"),
    ] {
        let answer = put(&world, source, &keys.live_admin, &body).await;
        assert_eq!(answer.json()["error"]["field"], field, "{source}: {:?}", answer.json());
    }
    assert_eq!(put(&world, "zillow", &keys.live_admin, &json!({})).await.status, 404);
    assert_eq!(put(&world, "website", &keys.live_agent, &json!({})).await.status, 403);
    let none = world.get("/v1/integrations/leads/website", &keys.live_viewer).await.data();
    assert_eq!(none["status"], "not_configured");
    let made = connected(&world, "website", json!({})).await;
    let token = made["token"].as_str().unwrap();
    let shown = world.get("/v1/integrations/leads/website", &keys.live_viewer).await.data();
    assert!(!shown.to_string().contains(token) && shown["status"] == "live", "{shown}");
    assert_eq!(shown["secrets"]["token"], token[token.len() - 4..]);
    let headers = [("authorization", &*format!("Bearer {}", keys.live_admin))];
    let path = "/v1/integrations/leads/website";
    assert_eq!(world.send("DELETE", path, &headers, "").await.status, 200);
    assert_eq!(world.send("DELETE", path, &headers, "").await.status, 404);
}

#[tokio::test]
async fn a_sources_token_is_shown_once_and_its_changes_are_in_the_audit_log() {
    let world = World::start().await;
    let admin = world.tenant("meta").keys.live_admin;
    let bearer = format!("Bearer {admin}");
    let headers =
        [("authorization", &*bearer), ("content-type", "application/json"), ("idempotency-key", "site-1")];
    let path = "/v1/integrations/leads/website";
    let first = world.send("PUT", path, &headers, "{}").await;
    let token = first.data()["token"].as_str().unwrap().to_owned();
    let again = world.send("PUT", path, &headers, "{}").await;
    assert_eq!(
        (again.status.as_u16(), &again.headers["idempotency-replayed"]),
        (200, &"true".parse().unwrap())
    );
    assert_eq!(again.data()["token"], Value::Null, "{:?}", again.json());
    let scan = json!({"TableName": world.stack.ready().tables["ephemeral"]});
    let kept = world.aws(platform::aws::Service::DynamoDb, "Scan", &scan).await;
    assert!(kept["Count"].as_u64().unwrap() > 0 && !kept.to_string().contains(&token));
    assert_eq!(world.send("DELETE", path, &headers[..1], "").await.status, 200);
    let log = world.all("/v1/audit?target=website", &admin).await;
    let actions: Vec<_> = log.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["lead_source.disconnect", "lead_source.connect"]);
}
