//! The client against a server that misbehaves on demand.

use super::*;
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone, Copy)]
enum Act {
    Answer(u16, &'static str),
    /// Answers, then closes the connection without having announced it.
    AnswerAndClose(u16, &'static str),
    /// Closes without an answer.
    Close,
    Hang,
    /// Answers with this `Date`.
    Dated(&'static str, u16, &'static str),
}

struct Server {
    url: String,
    /// Requests as received, head and body.
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<u32>>,
}

async fn serve(acts: Vec<Act>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let connections = Arc::new(Mutex::new(0));
    let acts = Arc::new(Mutex::new(acts.into_iter()));
    let server = Server { url, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            *connections.lock().unwrap() += 1;
            tokio::spawn(converse(stream, Arc::clone(&seen), Arc::clone(&acts)));
        }
    });
    server
}

async fn converse(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
    acts: Arc<Mutex<std::vec::IntoIter<Act>>>,
) {
    loop {
        let Some(request) = read_request(&mut stream).await else { return };
        seen.lock().unwrap().push(request);
        let act = acts.lock().unwrap().next().unwrap_or(Act::Answer(200, "{}"));
        let (status, body, date, close) = match act {
            Act::Answer(status, body) => (status, body, "", false),
            Act::AnswerAndClose(status, body) => (status, body, "", true),
            Act::Dated(date, status, body) => (status, body, date, false),
            Act::Close => return,
            Act::Hang => return std::future::pending().await,
        };
        let answer =
            format!("HTTP/1.1 {status} X\r\nDate: {date}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        if close {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return Some(text);
            }
        }
    }
}

fn client(server: &Server) -> Aws {
    let config = AwsConfig {
        region: "me-central-1".into(),
        endpoint_url: Some(server.url.clone()),
        ca_bundle: None,
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: domain::redacted::Redacted::new("secret".into()),
        session_token: Some(domain::redacted::Redacted::new("session".into())),
    };
    Aws::new(&config, "tests").unwrap()
}

async fn ask(aws: &Aws, effort: Effort) -> Result<Value, AwsError> {
    aws.call(Service::DynamoDb, "GetItem", &json!({"TableName": "crm"}), effort).await
}

const THROTTLED: Act = Act::Answer(400, r#"{"__type":"x#ThrottlingException","message":"slow down"}"#);

#[tokio::test]
async fn a_call_carries_what_the_json_protocol_asks_for() {
    let server = serve(vec![]).await;
    let aws = client(&server);
    ask(&aws, Effort::Standard).await.unwrap();
    let _: Value = aws.call(Service::Kms, "Decrypt", &json!({}), Effort::Once).await.unwrap();
    let seen = server.seen.lock().unwrap();
    assert!(
        seen[0].starts_with("POST / HTTP/1.1\r\n") && seen[0].ends_with(r#"{"TableName":"crm"}"#),
        "{}",
        seen[0]
    );
    for line in [
        "x-amz-target: DynamoDB_20120810.GetItem",
        "content-type: application/x-amz-json-1.0",
        "user-agent: hadar/tests",
        "x-amz-security-token: session",
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, ",
    ] {
        assert!(seen[0].contains(line), "{line} in {}", seen[0]);
    }
    assert!(seen[1].contains("x-amz-target: TrentService.Decrypt"), "{}", seen[1]);
    assert!(seen[1].contains("content-type: application/x-amz-json-1.1"), "{}", seen[1]);
    assert!(seen[1].contains("/me-central-1/kms/aws4_request"), "{}", seen[1]);
}

#[tokio::test]
async fn one_connection_serves_call_after_call() {
    let server = serve(vec![]).await;
    let aws = client(&server);
    tokio::join!(aws.connect(Service::Sqs), aws.connect(Service::DynamoDb), async {
        ask(&aws, Effort::Standard).await.unwrap();
    });
    for _ in 0..5 {
        ask(&aws, Effort::Standard).await.unwrap();
    }
    assert_eq!(*server.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_kept_connection_closed_by_the_peer_costs_no_attempt() {
    let server = serve(vec![Act::AnswerAndClose(200, "{}"), Act::AnswerAndClose(200, "{}")]).await;
    let aws = client(&server);
    for _ in 0..3 {
        ask(&aws, Effort::Once).await.unwrap();
    }
    assert_eq!(*server.connections.lock().unwrap(), 3);
    assert_eq!(server.seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn throttling_and_outages_are_tried_three_times() {
    let server = serve(vec![THROTTLED, Act::Answer(500, ""), Act::Answer(200, r#"{"ok":1}"#)]).await;
    assert_eq!(ask(&client(&server), Effort::Standard).await.unwrap(), json!({"ok": 1}));
    let server = serve(vec![THROTTLED; 4]).await;
    let error = ask(&client(&server), Effort::Standard).await.unwrap_err();
    assert_eq!(error.code(), Some("ThrottlingException"));
    assert_eq!(server.seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn the_limiter_tries_once() {
    let server = serve(vec![THROTTLED; 2]).await;
    assert!(ask(&client(&server), Effort::Once).await.unwrap_err().is_transient());
    assert_eq!(server.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let server = serve(vec![Act::Answer(400, r#"{"__type":"ValidationException","Message":"odd"}"#)]).await;
    let error = ask(&client(&server), Effort::Standard).await.unwrap_err();
    assert_eq!(error.to_string(), "ValidationException (400): odd");
    assert_eq!(server.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_is_tried_again() {
    let server = serve(vec![Act::Close, Act::Close]).await;
    ask(&client(&server), Effort::Standard).await.unwrap();
    assert_eq!(server.seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_after_two_seconds_and_five_in_all() {
    let server = serve(vec![Act::Hang; 3]).await;
    let aws = client(&server);
    let started = std::time::Instant::now();
    assert!(matches!(ask(&aws, Effort::Once).await, Err(AwsError::TimedOut)));
    assert!(started.elapsed() < Duration::from_millis(2500));
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_by_the_services_date_once() {
    const SKEWED: &str = r#"{"__type":"x#InvalidSignatureException","message":"Signature expired"}"#;
    let server = serve(vec![Act::Dated("Sat, 21 Nov 2099 04:45:09 GMT", 400, SKEWED)]).await;
    let aws = client(&server);
    ask(&aws, Effort::Once).await.unwrap();
    assert!(server.seen.lock().unwrap()[1].contains("x-amz-date: 20991121T"));

    let refusing = Act::Dated("", 403, SKEWED);
    let server = serve(vec![refusing; 5]).await;
    ask(&client(&server), Effort::Standard).await.unwrap_err();
    assert_eq!(server.seen.lock().unwrap().len(), 2, "a wrong secret is not a wrong clock");
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_malformed_and_an_empty_one_is_not() {
    let server = serve(vec![Act::Answer(200, "<html>"), Act::Answer(200, "")]).await;
    let aws = client(&server);
    assert!(matches!(ask(&aws, Effort::Standard).await, Err(AwsError::Malformed(_))));
    assert_eq!(ask(&aws, Effort::Standard).await.unwrap(), json!({}));
}

#[test]
fn an_endpoint_that_is_not_an_origin_is_refused() {
    for url in ["", "localhost", "ftp://h", "http://", "http://h/path", "http://u:p@h", "http://h/?q"] {
        assert!(matches!(Origin::new(url, None, None), Err(AwsError::Config(_))), "{url}");
    }
    assert!(Origin::new("https://[::1]:8443", None, None).is_ok());
}
