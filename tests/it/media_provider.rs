//! Files from a provider that is slow, wrong or hostile (T16, T26).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::ids::{MessageId, TenantId};
use e2e::{Answer, World};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use local::Options;
use platform::bucket::{Bucket, ObjectKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 the garden \xff\xd9";

/// One answer of the provider: status, a header, body.
type Reply = (u16, Option<(&'static str, String)>, Vec<u8>);

/// A Graph API that answers look-ups and downloads as it is told.
struct Meta {
    url: String,
    /// Path and query, and `Authorization`, of every request.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Meta {
    /// `answer` gets the path and how often it was asked for before.
    async fn start(answer: impl Fn(&str, &str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (answer, own_url, seen) = (Arc::new(answer), url.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, url, seen) = (Arc::clone(&answer), own_url.clone(), Arc::clone(&seen));
                let service = service_fn(move |request: Request<Incoming>| {
                    let path = request.uri().path_and_query().unwrap().to_string();
                    let token = request.headers().get("authorization");
                    let token = token.map_or("", |value| value.to_str().unwrap()).to_owned();
                    let before = seen.lock().unwrap().iter().filter(|(other, _)| *other == path).count();
                    seen.lock().unwrap().push((path.clone(), token));
                    let (status, header, body) = answer(&url, path.split('?').next().unwrap(), before);
                    let mut response = Response::builder().status(status);
                    if let Some((name, value)) = header {
                        response = response.header(name, value);
                    }
                    let response = response.body(Full::new(Bytes::from(body))).unwrap();
                    async move { Ok::<_, Infallible>(response) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, asked }
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(asked, _)| asked.starts_with(path)).count()
    }
}

/// A look-up's answer that leads to `url`.
fn link(url: &str, bytes: &[u8]) -> Reply {
    let body = json!({"messaging_product": "whatsapp", "url": url, "mime_type": "image/jpeg",
        "sha256": hex::encode(Sha256::digest(bytes)), "file_size": bytes.len(), "id": "77"});
    (200, None, body.to_string().into_bytes())
}

/// A stack whose Meta is `meta`, and a message with a photo of which the webhook gives the digest of `announced`.
async fn photo(meta: &Meta, announced: &[u8]) -> (World, String) {
    let world = World::start_with(Options { meta_url: Some(meta.url.clone()), ..Options::default() }).await;
    let sha256 = STANDARD.encode(Sha256::digest(announced));
    let message = json!({"from": "971501112233", "id": "wamid.photo", "timestamp": world.now_s().to_string(),
        "type": "image", "image": {"id": "77", "mime_type": "image/jpeg", "sha256": sha256}});
    assert_eq!(
        world.from_meta(world.meta_body().message("971501112233", message).json().to_string()).await.status,
        200
    );
    world.settled().await;
    let key = world.tenant("meta").keys.live_viewer;
    let conversation = world.get("/v1/conversations", &key).await.items()[0]["id"].clone();
    let path = format!("/v1/conversations/{}/messages", conversation.as_str().unwrap());
    let id = world.get(&path, &key).await.items()[0]["id"].as_str().unwrap().to_owned();
    (world, id)
}

async fn file(world: &World, message: &str) -> Answer {
    world.get(&format!("/v1/whatsapp/media/{message}"), &world.tenant("meta").keys.live_viewer).await
}

async fn is_kept(world: &World, message: &str) -> bool {
    let tenant = TenantId::parse(&world.tenant("meta").id).unwrap();
    let key = ObjectKey::of_message(tenant, MessageId::parse(message).unwrap());
    Bucket::new(&world.config()).unwrap().facts(&key).await.unwrap().is_some()
}

#[tokio::test]
async fn an_address_that_has_ended_is_asked_for_again_once() {
    let meta = Meta::start(|url, path, before| match path {
        "/file" if before == 0 => (404, None, b"gone".to_vec()),
        "/file" => (200, None, JPEG.to_vec()),
        _ => link(&format!("{url}/file"), JPEG),
    })
    .await;
    let (world, message) = photo(&meta, JPEG).await;
    let answer = file(&world, &message).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.as_ref()), (200, JPEG), "{:?}", answer.json());
    assert_eq!((meta.asked("/file"), meta.asked("/v")), (2, 2));
    let token = format!("Bearer {}", world.tenant("meta").meta.unwrap().token);
    assert!(meta.asked.lock().unwrap().iter().all(|(_, authorization)| *authorization == token));
}

#[tokio::test]
async fn an_address_that_never_works_is_given_up_after_the_second() {
    let meta = Meta::start(|url, path, _| match path {
        "/file" => (404, None, Vec::new()),
        _ => link(&format!("{url}/file"), JPEG),
    })
    .await;
    let (world, message) = photo(&meta, JPEG).await;
    assert_eq!(file(&world, &message).await.status, 404);
    assert_eq!(meta.asked("/file"), 2);
}

#[tokio::test]
async fn a_file_that_is_not_the_one_announced_is_refused_and_not_kept() {
    let serve = |claimed: &'static [u8]| {
        Meta::start(move |url, path, _| match path {
            "/file" => (200, None, JPEG.to_vec()),
            _ => link(&format!("{url}/file"), claimed),
        })
    };
    // By the webhook's digest, then by the look-up's.
    for (announced, claimed) in [(&b"another"[..], JPEG), (JPEG, &b"another"[..])] {
        let meta = serve(claimed).await;
        let (world, message) = photo(&meta, announced).await;
        let answer = file(&world, &message).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "service_unavailable"));
        let said = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(said.contains("another file"), "{said}");
        assert!(!is_kept(&world, &message).await);
    }
}

#[tokio::test]
async fn the_token_follows_no_address_out_of_metas_hosts() {
    for url in [
        "https://evil.example/x",
        "https://lookaside.fbsbx.com.evil.example/x",
        "https://lookaside.fbsbx.com@evil.example/x",
        "http://lookaside.fbsbx.com/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/x",
        "https://lookaside.fbsbx.com:25/x",
        "file:///etc/passwd",
        "gopher://x/",
    ] {
        let meta = Meta::start(move |_, _, _| link(url, JPEG)).await;
        let (world, message) = photo(&meta, JPEG).await;
        let answer = file(&world, &message).await;
        assert_eq!(answer.status, 503, "{url}: {:?}", answer.json());
        assert_eq!(answer.json()["error"]["details"]["provider"], "meta", "{url}");
        assert!(!is_kept(&world, &message).await, "{url}");
    }
}

#[tokio::test]
async fn odd_answers_of_a_provider_are_no_files() {
    type Odd = (&'static str, fn(&str) -> Reply, fn(&str) -> Reply, u16);
    let fine: fn(&str) -> Reply = |url| link(&format!("{url}/file"), JPEG);
    let file_there: fn(&str) -> Reply = |_| (200, None, JPEG.to_vec());
    let odd: [Odd; 8] = [
        (
            "a redirect is not followed",
            fine,
            |url| (302, Some(("location", format!("{url}/elsewhere"))), vec![]),
            503,
        ),
        ("an empty file", fine, |_| (200, None, vec![]), 503),
        ("an error page", fine, |_| (500, None, b"<html>".to_vec()), 503),
        ("a refusal in a success", fine, |_| (200, None, b"{\"error\":\"no\"}".to_vec()), 503),
        ("a file without an end", fine, |_| (200, None, vec![0xff; 17 << 20]), 503),
        ("a look-up that is no JSON", |_| (200, None, b"<html>".to_vec()), file_there, 503),
        ("a look-up without an address", |_| (200, None, b"{\"id\":\"77\"}".to_vec()), file_there, 503),
        (
            "a size beyond everything",
            |url| {
                (
                    200,
                    None,
                    json!({"url": format!("{url}/file"), "file_size": 1u64 << 40}).to_string().into_bytes(),
                )
            },
            file_there,
            404,
        ),
    ];
    for (what, look_up, download, expected) in odd {
        let meta = Meta::start(move |url, path, _| match path {
            "/file" => download(url),
            "/elsewhere" => (200, None, JPEG.to_vec()),
            _ => look_up(url),
        })
        .await;
        let (world, message) = photo(&meta, JPEG).await;
        let answer = file(&world, &message).await;
        assert_eq!(answer.status.as_u16(), expected, "{what}: {:?}", answer.json());
        assert!(!is_kept(&world, &message).await, "{what}");
        assert_eq!(meta.asked("/elsewhere"), 0, "{what}");
    }
}
