//! What counts as taken, and what leaves it open.

use crate::outbound_failures::answer;
use bytes::Bytes;
use domain::provider::Provider;
use http::Response;
use proptest::prelude::*;
use providers::outbound::{Accepted, Outcome, media_answer, outcome, refusal, uploaded};

const CLOUD: [Provider; 2] = [Provider::Meta, Provider::Dialog360];

fn accepted(provider: Provider, body: &str) -> Accepted {
    match outcome(provider, &answer(200, body)) {
        Outcome::Accepted(accepted) => accepted,
        other => panic!("{body}: {other:?}"),
    }
}

fn why_open(provider: Provider, status: u16, body: &str) -> String {
    match outcome(provider, &answer(status, body)) {
        Outcome::Uncertain { reason } => reason,
        other => panic!("{provider} {status} {body}: {other:?}"),
    }
}

#[test]
fn the_cloud_api_gives_its_id_and_how_it_knows_the_customer() {
    let body = r#"{"messaging_product":"whatsapp","contacts":[{"input":"+16505551234","wa_id":"16505551234"}],"messages":[{"id":"wamid.A","message_status":"accepted"}]}"#;
    for provider in CLOUD {
        let expected = Accepted {
            provider_message_id: Some("wamid.A".to_owned()),
            wa_id: Some("16505551234".to_owned()),
            ..Accepted::default()
        };
        assert_eq!(accepted(provider, body), expected);
    }
    let hidden =
        r#"{"contacts":[{"input":"AE.1","wa_id":"","user_id":"AE.1"}],"messages":[{"id":"wamid.A"}]}"#;
    let read = accepted(Provider::Meta, hidden);
    assert_eq!((read.wa_id, read.user_id.as_deref()), (None, Some("AE.1")));
    // The older gateway's answer.
    let older = r#"{"messages":[{"id":"gBGGFlA5FpafAgkOuJbRq54qwbM"}],"meta":{"api_status":"stable","version":"2.53"}}"#;
    assert!(accepted(Provider::Dialog360, older).provider_message_id.is_some());
}

#[test]
fn an_odd_neighbour_does_not_cost_the_id() {
    for body in [
        r#"{"contacts":7,"messages":[{"id":"wamid.A","message_status":5}]}"#,
        r#"{"contacts":[],"messages":[{"id":"wamid.A"},{"id":"wamid.B"}],"new":null}"#,
    ] {
        assert_eq!(accepted(Provider::Meta, body).provider_message_id.as_deref(), Some("wamid.A"), "{body}");
    }
}

#[test]
fn a_template_on_trial_is_held() {
    for (status, held) in [("accepted", false), ("held_for_quality_assessment", true), ("paused", true)] {
        let body = format!(r#"{{"messages":[{{"id":"wamid.A","message_status":"{status}"}}]}}"#);
        assert_eq!(accepted(Provider::Meta, &body).held_for_quality, held, "{status}");
    }
}

#[test]
fn ultramsg_gives_a_number_in_its_queue() {
    for body in [
        r#"{"sent":"true","message":"ok","id":58431}"#,
        r#"{"sent":true,"message":"ok","id":"58431"}"#,
        r#"{"sent":"true","message":"ok","id":58431,"error":""}"#,
    ] {
        let expected = Accepted { queue_id: Some("58431".to_owned()), ..Accepted::default() };
        assert_eq!(accepted(Provider::Ultramsg, body), expected, "{body}");
    }
}

#[test]
fn an_odd_success_leaves_it_open() {
    for provider in CLOUD {
        for body in [
            "",
            " ",
            "{}",
            "[]",
            "null",
            "<html>ok</html>",
            r#"{"messages":[]}"#,
            r#"{"messages":[{}]}"#,
            r#"{"messages":[{"id":""}]}"#,
            r#"{"messages":[{"id":7}]}"#,
            r#"{"messages":{"id":"wamid.A"}}"#,
            r#"{"success":true}"#,
            r#"{"messages":[{"id":"wamid.A"}]"#,
            r#"{"sent":"true","message":"ok","id":58431}"#,
        ] {
            why_open(provider, 200, body);
        }
    }
    for body in [
        "",
        "{}",
        r#"{"sent":"true"}"#,
        r#"{"sent":"true","id":null}"#,
        r#"{"sent":"true","id":""}"#,
        r#"{"id":5}"#,
        r#"{"sent":"true","id":5,"error":"Wrong token"}"#,
        r#"{"messages":[{"id":"wamid.A"}]}"#,
    ] {
        why_open(Provider::Ultramsg, 200, body);
    }
}

#[test]
fn a_redirect_a_fault_and_a_given_up_wait_leave_it_open() {
    let taken = r#"{"messages":[{"id":"wamid.A"}],"sent":"true","id":5}"#;
    for provider in Provider::ALL {
        for status in [301, 302, 307, 408, 500, 502, 503, 504, 555, 599] {
            for body in ["", "Bad gateway", "{}", r#"{"meta":{"http_code":500,"success":false}}"#, taken] {
                why_open(provider, status, body);
            }
        }
    }
    why_open(
        Provider::Dialog360,
        400,
        r#"{"meta":{"http_code":555,"developer_message":"upstream","success":false}}"#,
    );
    why_open(Provider::Sandbox, 200, taken);
}

#[test]
fn why_it_is_open_is_said() {
    assert_eq!(
        why_open(Provider::Meta, 502, ""),
        "The provider answered HTTP 502 and nothing else. Whether it took the message is open."
    );
    assert_eq!(
        why_open(Provider::Meta, 200, "<html>"),
        "The provider answered HTTP 200 and something that is no answer to a message. Whether it took the message is \
         open."
    );
    let transient = r#"{"error":{"message":"(#131016) Service unavailable","code":131016}}"#;
    assert!(why_open(Provider::Meta, 500, transient).contains("HTTP 500: (#131016) Service unavailable."));
}

#[test]
fn an_acceptance_prints_nobodys_number() {
    let body = r#"{"contacts":[{"wa_id":"971501234567","user_id":"AE.73"}],"messages":[{"id":"wamid.A"}]}"#;
    let printed = format!("{:?}", outcome(Provider::Meta, &answer(200, body)));
    assert!(
        printed.contains("wamid.A") && !printed.contains("97150") && !printed.contains("AE.73"),
        "{printed}"
    );
}

/// Answers, whole and with pieces swapped.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"error\"",
        "\"errors\"",
        "\"meta\"",
        "\"http_code\"",
        "\"success\"",
        "\"code\"",
        "131047",
        "-1",
        "1e400",
        "\"\\ud800\"",
        "\"messages\"",
        "\"id\"",
        "\"sent\"",
        "\"true\"",
        "null",
        "false",
        "\"detail\"",
        "\"media\"",
        "\"url\"",
        "\"https://a.example/b?c\"",
        "99999999999999999999",
        "\"message\"",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn no_answer_panics_and_none_is_taken_without_an_id(status in 100u16..=999, body in body(), after in "[ -~]{0,12}") {
        let answer = Response::builder().status(status).header("retry-after", after).body(Bytes::from(body)).unwrap();
        for provider in Provider::ALL.into_iter().chain([Provider::Sandbox]) {
            match outcome(provider, &answer) {
                Outcome::Accepted(accepted) => {
                    prop_assert!(answer.status().is_success());
                    prop_assert!(accepted.provider_message_id.is_some() || accepted.queue_id.is_some());
                }
                Outcome::Refused(failure) => prop_assert_eq!(failure, refusal(provider, &answer)),
                Outcome::Uncertain { reason } => prop_assert!(reason.ends_with("is open.")),
            }
            let failure = refusal(provider, &answer);
            prop_assert!(failure.provider_message.is_none_or(|said| said.chars().count() <= 500));
            prop_assert!(failure.retry_after_s.is_none_or(|wait| wait <= 86_400));
            let _ = (media_answer(provider, &answer), uploaded(provider, &answer));
        }
    }
}
