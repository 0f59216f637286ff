//! The receiver conformance kit: it passes the documented verifier and finds what faulty receivers do wrong (F14).

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use crm::deliver::{Finding, PROMPT, check_receiver};
use domain::time::Millis;
use e2e::verify::verify;
use platform::config::{AwsConfig, Config};
use platform::courier::Courier;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NOW_S: u64 = 1_790_000_000;

/// What a receiver does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    VerifiesNothing,
    TakesWhatIsNotSigned,
    LooksAtNoTime,
    RefusesOnlyWhatIsOld,
    LooksAtTheFirstSignature,
    LooksAtTheLastSignature,
    ComparesTheFirstCharacters,
    TakesAnyVersion,
    ParsesBeforeItVerifies,
    FailsOnRepeats,
    RefusesUnknownTypes,
    RefusesUnknownFields,
    InsistsOnOrder,
    TakesOnlySmallBodies,
    CrashesOnOddHeaders,
    SendsElsewhere,
    TakesItsTime,
}

/// The header as a faulty receiver understands it.
fn understood(fault: Fault, header: &str) -> String {
    let signatures: Vec<&str> = header.split(',').skip(1).collect();
    let t = header.split(',').next().unwrap_or_default();
    match fault {
        Fault::LooksAtTheFirstSignature => format!("{t},{}", signatures.first().unwrap_or(&"")),
        Fault::LooksAtTheLastSignature => format!("{t},{}", signatures.last().unwrap_or(&"")),
        Fault::TakesAnyVersion => header.replace("v0=", "v1="),
        _ => header.to_owned(),
    }
}

fn genuine(fault: Fault, header: &str, body: &[u8]) -> bool {
    let header = understood(fault, header);
    let t = header.strip_prefix("t=").and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0);
    match fault {
        Fault::VerifiesNothing => true,
        Fault::TakesWhatIsNotSigned if header.is_empty() => true,
        Fault::LooksAtNoTime => verify(SECRET, &header, body, t),
        Fault::RefusesOnlyWhatIsOld => verify(SECRET, &header, body, NOW_S.max(t)),
        Fault::ComparesTheFirstCharacters => {
            let own = e2e::hmac_hex(SECRET, &[t.to_string().as_bytes(), b".", body].concat());
            let given = header.split("v1=").skip(1);
            NOW_S.abs_diff(t) <= 300 && given.into_iter().any(|one| one.get(..16) == own.get(..16))
        }
        Fault::ParsesBeforeItVerifies => {
            let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
            verify(SECRET, &header, parsed.to_string().as_bytes(), NOW_S)
        }
        _ => verify(SECRET, &header, body, NOW_S),
    }
}

fn answer(fault: Fault, seen: &Mutex<HashSet<String>>, headers: &HeaderMap, body: &[u8]) -> StatusCode {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let header = text("x-hadar-signature");
    if fault == Fault::CrashesOnOddHeaders && header.contains("now") {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    if fault == Fault::TakesOnlySmallBodies && body.len() > 65_536 {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    if !genuine(fault, header, body) {
        return StatusCode::UNAUTHORIZED;
    }
    let event: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut seen = seen.lock().unwrap();
    let new = seen.insert(text("x-hadar-delivery").to_owned());
    match fault {
        Fault::FailsOnRepeats if !new => StatusCode::INTERNAL_SERVER_ERROR,
        Fault::RefusesUnknownTypes if event["type"] == "something.new" => StatusCode::BAD_REQUEST,
        Fault::RefusesUnknownFields if event["data"].get("brand_new").is_some() => StatusCode::BAD_REQUEST,
        Fault::InsistsOnOrder if event["data"]["status"] == "delivered" => StatusCode::CONFLICT,
        Fault::SendsElsewhere => StatusCode::TEMPORARY_REDIRECT,
        _ => StatusCode::NO_CONTENT,
    }
}

async fn checked(fault: Fault, prompt: Duration) -> Vec<Finding> {
    let seen: Arc<Mutex<HashSet<String>>> = Arc::default();
    let take = move |headers: HeaderMap, body: Bytes| {
        let seen = Arc::clone(&seen);
        async move {
            if fault == Fault::TakesItsTime && body.len() > 65_536 {
                tokio::time::sleep(2 * prompt).await;
            }
            answer(fault, &seen, &headers, &body)
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
    let config = Config::of_stage("kit", Some("http://127.0.0.1:9")).unwrap();
    let aws = AwsConfig { ca_bundle: None, ..config.aws.clone() };
    let courier = Courier::new(&Config { allow_loopback_endpoints: true, aws, ..config }).unwrap();
    check_receiver(&courier, &url, SECRET, Millis::from_unix_ms(NOW_S * 1_000), "run", prompt).await
}

fn failed(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().filter(|finding| !finding.passed).map(|finding| finding.name).collect()
}

#[tokio::test]
async fn a_receiver_with_the_documented_verifier_passes_every_check() {
    let findings = checked(Fault::None, PROMPT).await;
    assert_eq!(failed(&findings), [""; 0], "{findings:?}");
    assert!(findings.len() >= 20, "{findings:?}");
}

#[tokio::test]
async fn each_faulty_receiver_fails_the_check_of_its_fault() {
    for (fault, check) in [
        (Fault::VerifiesNothing, "another secret"),
        (Fault::VerifiesNothing, "a changed byte"),
        (Fault::TakesWhatIsNotSigned, "no signature"),
        (Fault::LooksAtNoTime, "signed ten minutes ago"),
        (Fault::RefusesOnlyWhatIsOld, "signed ten minutes ahead"),
        (Fault::LooksAtTheFirstSignature, "two signatures, the second is good"),
        (Fault::LooksAtTheLastSignature, "two signatures, the first is good"),
        (Fault::ComparesTheFirstCharacters, "half a signature"),
        (Fault::TakesAnyVersion, "a scheme of another version"),
        (Fault::ParsesBeforeItVerifies, "bytes that no JSON library would write"),
        (Fault::FailsOnRepeats, "the same delivery again"),
        (Fault::RefusesUnknownTypes, "an event type that it does not know"),
        (Fault::RefusesUnknownFields, "a field that did not exist before"),
        (Fault::InsistsOnOrder, "that it was delivered, afterwards"),
        (Fault::TakesOnlySmallBodies, "a hundred thousand characters"),
        (Fault::CrashesOnOddHeaders, "a signature that is none"),
        (Fault::SendsElsewhere, "a good delivery"),
    ] {
        let findings = checked(fault, PROMPT).await;
        assert!(failed(&findings).contains(&check), "{fault:?}: {findings:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_takes_its_time_fails_where_it_does() {
    let findings = checked(Fault::TakesItsTime, Duration::from_secs(1)).await;
    assert!(failed(&findings).contains(&"a hundred thousand characters"), "{findings:?}");
}
