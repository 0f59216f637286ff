//! The API's description: `GET /openapi.json`, Swagger UI at `GET /developers/api-docs`, and a Postman collection.
//!
//! The document is the committed one, which a test holds against the handlers, so that this function needs none of them.
//! Nothing here knows a tenant or a secret: whoever tries the API out brings a key. A deployment never shows one; the
//! local stack fills in the key of its demo sandbox.

mod postman;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::Value;
use swagger_ui_dist::{ApiDefinition, OpenApiSource, generate_routes};

/// Where the page is.
const PAGE: &str = "/developers/api-docs";
/// Where the parts of Swagger UI are.
const PARTS: &str = "/developers/api-docs/assets";
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// Scripts, styles and calls of this origin only. Swagger UI sets styles in the page and draws its marks from data.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

/// The routes, ready to serve; `test_key` is filled in on the page.
pub fn router(test_key: Option<String>) -> Router {
    let settings = serde_json::json!({ "test_key": test_key }).to_string();
    let parts = generate_routes(ApiDefinition {
        uri_prefix: PARTS,
        api_definition: OpenApiSource::Uri("/openapi.json"),
        title: Some("Hadar API"),
    });
    Router::new()
        .route("/openapi.json", get(|| async { typed("application/json", DOCUMENT) }))
        .route(PAGE, get(|| async { typed("text/html; charset=utf-8", include_str!("../assets/page.html")) }))
        .route(
            &format!("{PAGE}/page.js"),
            get(|| async { typed("text/javascript; charset=utf-8", include_str!("../assets/page.js")) }),
        )
        .route(&format!("{PAGE}/settings.json"), get(|| async move { typed("application/json", settings) }))
        .route(&format!("{PAGE}/postman.json"), get(|| async { collection() }))
        .merge(parts)
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response() })
        .layer(from_fn(always))
}

/// The Postman collection; made when it is asked for, which is seldom.
fn collection() -> Response {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    typed("application/json", format!("{:#}", postman::collection(&document)))
}

fn typed(content_type: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The headers of every answer. Swagger UI's own page is left out: it runs a script inside the page.
async fn always(request: Request, next: Next) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    let mut answer = if path == PARTS {
        (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response()
    } else {
        next.run(request).await
    };
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED && !answer.headers().contains_key(ALLOW) {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
    }
    for (name, value) in ALWAYS {
        answer.headers_mut().insert(name, value);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    async fn ask(key: Option<&str>, path: &str) -> (Response<()>, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, body) = router(key.map(str::to_owned)).oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test]
    async fn everything_the_page_loads_is_served_from_here_and_nothing_else_may_run() {
        let (page, html) = ask(None, PAGE).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert!(
            !html.contains("http://") && !html.contains("https://") && !html.contains("<script>"),
            "{html}"
        );
        let loaded = html.split(['"']).filter(|text| text.starts_with("/developers/"));
        let loaded: Vec<&str> = loaded.collect();
        assert_eq!(loaded.len(), 3, "{html}");
        for path in loaded.into_iter().chain(["/openapi.json", "/developers/api-docs/settings.json"]) {
            let (answer, text) = ask(None, path).await;
            assert!(answer.status() == StatusCode::OK && !text.is_empty(), "{path}");
            let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert!(header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
        }
    }

    #[tokio::test]
    async fn a_deployment_shows_no_key_and_the_local_stack_its_demo_key() {
        let (_, settings) = ask(None, "/developers/api-docs/settings.json").await;
        assert_eq!(settings, r#"{"test_key":null}"#);
        let (_, settings) = ask(Some("hdr_test_x"), "/developers/api-docs/settings.json").await;
        assert_eq!(settings, r#"{"test_key":"hdr_test_x"}"#);
    }

    #[tokio::test]
    async fn what_is_not_there_is_404_and_a_page_with_a_script_inside_is_not_there() {
        for path in [PARTS, "/developers/api-docs/assets/", "/developers/api-docs/none"] {
            assert_eq!(ask(None, path).await.0.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
