//! The layers around a handler, without any platform behind it.

use super::super::envelope::Data;
use super::*;
use axum::body::Body;
use axum::http::Method;
use axum::middleware::from_fn;
use axum::routing::get;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const NOW: Millis = Millis::from_unix_ms(1_700_000_000_000);

/// What this test's routes would say if they were to go away; ours has none today.
const DEPRECATED: &[Deprecated] = &[Deprecated {
    method: Some(&Method::GET),
    route: "/things/{id}",
    since: NOW,
    sunset: Millis::from_unix_ms(1_710_000_000_000),
    guide: "https://example.com/things",
}];

fn app() -> Router {
    let routes = Router::new()
        .route("/things", get(|| async { Data::ok(json!({ "n": 1 })) }))
        .route(
            "/things/{id}",
            get(|| async { Data::accepted(json!({})) }).post(|| async { Problem::NotFound }),
        )
        .route("/panics", get(panics))
        .route("/busy", get(|| async { Problem::unavailable("connection refused by 10.0.0.1") }));
    Router::new()
        .nest("/v1", routes.clone())
        .nest("/api/v1", routes)
        .fallback(|| async { Problem::NotFound })
        .layer(from_fn(|request, next| {
            around(Call { trace_id: trace_id(NOW), now: NOW }, DEPRECATED, request, next)
        }))
}

async fn panics() -> Data<Value> {
    panic!("on purpose")
}

async fn ask(method: Method, path: &str) -> (Response, String) {
    let request = Request::builder().method(method).uri(path).header("x-trace-id", "not-ours");
    let (parts, body) = app().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (Response::from_parts(parts, Body::empty()), body)
}

#[tokio::test]
async fn every_answer_has_the_envelope_a_trace_id_and_the_safe_headers() {
    for (method, path, status, code) in [
        (Method::GET, "/v1/things", 200, None),
        (Method::GET, "/api/v1/things", 200, None),
        (Method::GET, "/v1/things/1", 202, None),
        (Method::POST, "/v1/things/1", 404, Some("not_found")),
        (Method::POST, "/v1/things", 405, Some("method_not_allowed")),
        (Method::OPTIONS, "/v1/things", 405, Some("method_not_allowed")),
        (Method::GET, "/v1/things/", 404, Some("not_found")),
        (Method::GET, "/v1/things//", 404, Some("not_found")),
        (Method::GET, "//v1/things", 404, Some("not_found")),
        (Method::GET, "/v1", 404, Some("not_found")),
        (Method::GET, "/", 404, Some("not_found")),
        (Method::GET, "/things", 404, Some("not_found")),
        (Method::GET, "/v2/things", 404, Some("not_found")),
        (Method::DELETE, "/nowhere", 404, Some("not_found")),
        (Method::GET, "/v1/panics", 500, Some("internal_error")),
        (Method::GET, "/v1/busy", 503, Some("service_unavailable")),
    ] {
        let (response, body) = ask(method.clone(), path).await;

        assert_eq!(response.status().as_u16(), status, "{method} {path}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        let trace = Uuid::parse_str(header("x-trace-id").unwrap()).unwrap();
        assert_eq!(trace.get_version_num(), 7);
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
        assert_eq!(header("cache-control"), Some("no-store"));
        assert!(header("strict-transport-security").is_some());
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        match code {
            Some(code) => {
                assert_eq!(body["data"], Value::Null);
                assert_eq!(body["error"]["code"], code);
                assert_eq!(body["error"]["trace_id"], trace.to_string());
                assert!(body["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
            }
            None => assert_eq!(body["error"], Value::Null),
        }
    }
}

#[tokio::test]
async fn a_route_that_goes_away_says_so_and_no_other_does() {
    for (method, path, says) in [
        (Method::GET, "/v1/things/1", true),
        (Method::GET, "/api/v1/things/2", true),
        (Method::POST, "/v1/things/1", false),
        (Method::GET, "/v1/things", false),
        (Method::GET, "/v1/nothing", false),
    ] {
        let (response, _) = ask(method.clone(), path).await;
        let found = ["deprecation", "sunset", "link"].map(|name| response.headers().contains_key(name));
        assert_eq!(found, [says; 3], "{method} {path}");
    }
}

#[tokio::test]
async fn a_405_names_the_methods_that_are_allowed() {
    let (response, _) = ask(Method::DELETE, "/v1/things/1").await;
    let mut allowed: Vec<&str> =
        response.headers()["allow"].to_str().unwrap().split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    for path in ["/v1/things", "/v1/busy", "/nowhere"] {
        let (get, body) = ask(Method::GET, path).await;
        let (head, nothing) = ask(Method::HEAD, path).await;
        assert_eq!(head.status(), get.status());
        assert_eq!(head.headers()["content-type"], "application/json");
        assert_eq!(head.headers()["content-length"], body.len().to_string(), "{path}");
        assert_eq!(nothing, "", "{path}");
    }
}

#[tokio::test]
async fn what_broke_stays_in_the_log() {
    let (response, body) = ask(Method::GET, "/v1/busy").await;
    assert!(!body.contains("10.0.0.1"), "{body}");
    assert_eq!(response.headers()["retry-after"], "2");
    let (_, body) = ask(Method::GET, "/v1/panics").await;
    assert!(!body.contains("on purpose"), "{body}");
}

#[test]
fn a_trace_id_carries_the_time_of_its_request() {
    let earlier = trace_id(NOW);
    let later = trace_id(NOW.plus_ms(1));
    assert!(earlier < later);
    assert_ne!(trace_id(NOW), earlier);
}
