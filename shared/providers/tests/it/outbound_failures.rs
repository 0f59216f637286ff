//! Every error code of the providers, in both shapes in which it comes (D35-D43).

use bytes::Bytes;
use domain::failure::FailureClass::{
    self, IntegrationBroken as Broken, Permanent, Retry, RetryOnce, RetryRecipient, RevokeConsent,
    TemplatePaused,
};
use domain::provider::Provider;
use http::Response;
use providers::outbound::{Outcome, failure_of_code, outcome, refusal};

/// What a send comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sending {
    Refused,
    Open,
}
use Sending::{Open, Refused};

/// The codes, ours, the class, what a send comes to, the wait.
type Expected = (&'static [i64], &'static str, FailureClass, Sending, Option<u32>);

const CODES: &[Expected] = &[
    (&[0, 190], "integration_unauthorized", Broken, Refused, None),
    (&[3, 10, 200, 210, 299, 131005], "integration_permission_missing", Broken, Refused, None),
    (&[33, 100, 131009], "invalid_parameter", Permanent, Refused, None),
    (&[131008], "missing_parameter", Permanent, Refused, None),
    (&[4, 80007, 130429, 133016], "provider_rate_limited", Retry, Refused, None),
    (&[131056], "recipient_rate_limited", RetryRecipient, Refused, Some(6)),
    (&[131048], "spam_rate_limited", Retry, Refused, Some(3600)),
    (&[131064], "messaging_limit_reduced", Retry, Refused, Some(3600)),
    (&[368], "account_blocked", Broken, Refused, None),
    (&[131031], "account_locked", Broken, Refused, None),
    (&[130497], "recipient_country_restricted", Broken, Refused, None),
    (&[131042], "payment_problem", Broken, Refused, None),
    (&[1, 2, 131000, 131016, 131057], "provider_unavailable", Retry, Open, None),
    (&[131021], "recipient_is_sender", Permanent, Refused, None),
    (&[131045], "number_not_verified", Permanent, Refused, None),
    (&[131037], "display_name_not_approved", Permanent, Refused, None),
    (&[133010], "number_not_registered", Permanent, Refused, None),
    (&[131026], "recipient_undeliverable", Permanent, Refused, None),
    (&[131030], "recipient_not_allowed", Permanent, Refused, None),
    (&[131047], "outside_24h_window", Permanent, Refused, None),
    (&[131049], "marketing_limit_reached", Permanent, Refused, None),
    (&[131050], "do_not_contact", RevokeConsent, Refused, None),
    (&[131051], "message_type_unsupported", Permanent, Refused, None),
    (&[131052], "media_download_failed", Permanent, Refused, None),
    (&[131053], "media_upload_failed", RetryOnce, Refused, None),
    (&[130472], "recipient_in_experiment", Permanent, Refused, None),
    (&[131062], "recipient_phone_needed", Permanent, Refused, None),
    (&[131063], "marketing_not_enabled", Permanent, Refused, None),
    (&[132000, 132008, 132012], "template_param_mismatch", Permanent, Refused, None),
    (&[132001, 132016], "template_not_approved", Permanent, Refused, None),
    (&[132015], "template_paused", TemplatePaused, Refused, None),
    (&[132005], "template_text_too_long", Permanent, Refused, None),
    (&[132007], "template_policy_violation", Permanent, Refused, None),
    (&[132068], "flow_blocked", Permanent, Refused, None),
    (&[132069], "flow_throttled", Retry, Refused, None),
    (&[135000], "provider_generic_error", Permanent, Refused, None),
    (&[137000], "recipient_identity_changed", Permanent, Refused, None),
    (
        &[2388019, 2388023, 2388024, 2388040, 2388047, 2388073, 2388293, 2388299],
        "template_invalid",
        Permanent,
        Refused,
        None,
    ),
    // The On-Premise API's, which 360dialog's gateway and its older webhooks name.
    (&[470], "outside_24h_window", Permanent, Refused, None),
    (&[471], "spam_rate_limited", Retry, Refused, Some(3600)),
    (&[472], "recipient_in_experiment", Permanent, Refused, None),
    (&[1013, 1026], "recipient_undeliverable", Permanent, Refused, None),
    (&[1005], "integration_unauthorized", Broken, Refused, None),
    (&[1006, 1008, 1009], "invalid_parameter", Permanent, Refused, None),
    (&[1014, 1016], "provider_unavailable", Retry, Open, None),
    (&[1015], "provider_rate_limited", Retry, Refused, None),
    (&[2000, 2012], "template_param_mismatch", Permanent, Refused, None),
    (&[2001], "template_not_approved", Permanent, Refused, None),
];

pub(crate) fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

/// An error as Graph gives it and as the older gateway does.
fn shapes(code: i64) -> [String; 3] {
    [
        format!(
            r#"{{"error":{{"message":"(#{code}) Title","type":"OAuthException","code":{code},"error_data":{{"messaging_product":"whatsapp","details":"Why."}},"fbtrace_id":"A"}}}}"#
        ),
        format!(
            r#"{{"errors":[{{"code":{code},"title":"(#{code}) Title","details":"Why."}}],"meta":{{"api_status":"stable"}}}}"#
        ),
        format!(r#"{{"error":[{{"code":"{code}","title":"(#{code}) Title","details":"Why."}}]}}"#),
    ]
}

#[test]
fn every_code_means_the_same_whatever_the_status_and_shape() {
    for &(codes, ours, class, send, wait) in CODES {
        for &code in codes {
            let title = format!("(#{code}) Title");
            let expected = failure_of_code(code, Some(&title), Some("Why."));
            assert_eq!((expected.code.as_str(), expected.class), (ours, class), "{code}");
            assert_eq!((expected.provider_code, expected.retry_after_s), (Some(code), wait), "{code}");
            assert_eq!(expected.provider_message, Some(format!("{title}: Why.")));
            for (status, body) in
                [200, 400, 403, 404, 500, 503].into_iter().flat_map(|s| shapes(code).map(|b| (s, b)))
            {
                for provider in [Provider::Meta, Provider::Dialog360] {
                    let answer = answer(status, &body);
                    assert_eq!(refusal(provider, &answer), expected, "{status} {body}");
                    match (outcome(provider, &answer), send) {
                        (Outcome::Refused(failure), Refused) => assert_eq!(failure, expected),
                        (Outcome::Uncertain { reason }, Open) => assert!(reason.contains("Why."), "{reason}"),
                        (other, _) => panic!("{code} with {status}: {other:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn every_sentence_says_what_happened_and_what_to_do() {
    for &(codes, ..) in CODES {
        for &code in codes {
            let said = failure_of_code(code, None, None).message;
            let parts = said.split_inclusive(['.', ';', ':']).count();
            assert!(parts >= 2 && said.ends_with('.'), "{code}: {said}");
            assert!(!said.contains("  ") && said.len() <= 250, "{code}: {said}");
        }
    }
}

#[test]
fn a_code_we_do_not_know_is_refused_with_the_providers_words() {
    let failure = failure_of_code(131_999, Some("New rule"), Some("Nobody knows."));
    assert_eq!((failure.code.as_str(), failure.class), ("provider_refused", Permanent));
    assert_eq!(
        failure.message,
        "The provider refused the message. The provider says: New rule: Nobody knows."
    );
    assert_eq!(failure.provider_code, Some(131_999));
    let [graph, ..] = shapes(131_999);
    for status in [400, 403, 404, 422] {
        let Outcome::Refused(failure) = outcome(Provider::Meta, &answer(status, &graph)) else {
            panic!("{status}")
        };
        assert_eq!(
            (failure.code.as_str(), failure.provider_code),
            ("provider_refused", Some(131_999)),
            "{status}"
        );
    }
    for (status, code) in [(401, "integration_unauthorized"), (429, "provider_rate_limited")] {
        assert_eq!(refusal(Provider::Meta, &answer(status, &graph)).code, code);
    }
    for status in [200, 302, 408, 500, 503] {
        assert!(
            matches!(outcome(Provider::Meta, &answer(status, &graph)), Outcome::Uncertain { .. }),
            "{status}"
        );
    }
}

#[test]
fn what_graph_calls_transient_is_open_unless_its_code_says_otherwise() {
    let body = |code: i64| format!(r#"{{"error":{{"message":"m","code":{code},"is_transient":true}}}}"#);
    let unknown = outcome(Provider::Meta, &answer(400, &body(131_999)));
    assert!(matches!(unknown, Outcome::Uncertain { .. }), "{unknown:?}");
    for (code, ours) in [(130_429, "provider_rate_limited"), (131_047, "outside_24h_window")] {
        let Outcome::Refused(failure) = outcome(Provider::Meta, &answer(500, &body(code))) else {
            panic!("{code}")
        };
        assert_eq!(failure.code, ours);
    }
}

#[test]
fn the_subcode_of_a_template_says_more_than_its_code() {
    let body = r#"{"error":{"message":"Invalid parameter","code":100,"error_subcode":2388023,"error_user_title":"t","error_user_msg":"The template is being deleted."}}"#;
    let failure = refusal(Provider::Meta, &answer(400, body));
    assert_eq!((failure.code.as_str(), failure.provider_code), ("template_invalid", Some(2_388_023)));
    assert!(
        failure.message.ends_with("Invalid parameter: The template is being deleted."),
        "{}",
        failure.message
    );
    let other = body.replace("2388023", "2494010");
    assert_eq!(refusal(Provider::Meta, &answer(400, &other)).code, "invalid_parameter");
}

#[test]
fn without_a_code_the_status_and_the_gateways_words_decide() {
    let cases: &[(u16, &str, &str, FailureClass)] = &[
        (
            401,
            r#"{"meta":{"http_code":401,"developer_message":"Invalid api key","success":false}}"#,
            "integration_unauthorized",
            Broken,
        ),
        (403, r#"{"detail":"Forbidden"}"#, "integration_unauthorized", Broken),
        (403, "", "integration_unauthorized", Broken),
        (
            404,
            r#"{"meta":{"http_code":404,"developer_message":"No number","success":false}}"#,
            "integration_not_provisioned",
            Broken,
        ),
        (404, "<html>nothing here</html>", "integration_not_provisioned", Broken),
        (402, r#"{"detail":"pay"}"#, "payment_problem", Broken),
        (429, "", "provider_rate_limited", Retry),
        (400, r#"{"detail":"display name is not approved"}"#, "provider_refused", Permanent),
        (400, r#"{"error":"Bad request"}"#, "provider_refused", Permanent),
        (413, r#"{"message":"too large"}"#, "provider_refused", Permanent),
        (400, "garbage \u{0} {", "provider_refused", Permanent),
        // The gateway writes the status into a body of its own.
        (
            200,
            r#"{"meta":{"http_code":401,"developer_message":"Invalid api key","success":false}}"#,
            "integration_unauthorized",
            Broken,
        ),
    ];
    for &(status, body, code, class) in cases {
        let Outcome::Refused(failure) = outcome(Provider::Dialog360, &answer(status, body)) else {
            panic!("{status} {body}")
        };
        assert_eq!((failure.code.as_str(), failure.class), (code, class), "{status} {body}");
    }
    let words = |body| refusal(Provider::Dialog360, &answer(400, body)).message;
    assert!(words(r#"{"detail":"display name is not approved"}"#).ends_with("display name is not approved"));
    assert!(words("{").contains("may not be verified") && words("{").contains("24 hours"));
}

#[test]
fn a_wait_that_the_provider_asks_for_is_kept() {
    let waiting = |status: u16, body: &str, after: &str| {
        let mut answer = answer(status, body);
        answer.headers_mut().insert("retry-after", after.parse().unwrap());
        refusal(Provider::Dialog360, &answer).retry_after_s
    };
    let [rate, ..] = shapes(130_429);
    let [spam, ..] = shapes(131_048);
    let [window, ..] = shapes(131_047);
    assert_eq!(waiting(429, "", "17"), Some(17));
    assert_eq!(waiting(400, &rate, "30"), Some(30));
    assert_eq!(waiting(400, &spam, "30"), Some(3600));
    assert_eq!(waiting(400, &window, "30"), None);
    assert_eq!(waiting(429, "", "4294967295"), Some(86_400));
    for odd in ["soon", "-1", "1.5", "Fri, 31 Dec 2027 23:59:59 GMT", "99999999999"] {
        assert_eq!(waiting(429, "", odd), None, "{odd}");
    }
}

#[test]
fn a_providers_words_are_cut_at_500_characters() {
    let long = "م".repeat(2000);
    let failure = failure_of_code(131_999, Some(&long), Some(&long));
    assert_eq!(failure.provider_message.unwrap().chars().count(), 500);
    let same = failure_of_code(131_026, Some("Undeliverable"), Some("Undeliverable"));
    assert_eq!(same.provider_message.as_deref(), Some("Undeliverable"));
    assert_eq!(failure_of_code(131_026, Some(" "), None).provider_message, None);
}

#[test]
fn ultramsg_refuses_in_words_often_with_200() {
    let cases: &[(&str, &str, FailureClass)] = &[
        (
            r#"{"error":"Wrong token. Please provide token as a GET parameter."}"#,
            "integration_unauthorized",
            Broken,
        ),
        (r#"{"error":"Instance not found"}"#, "integration_not_provisioned", Broken),
        (
            r#"{"error":"Your instance has been Stopped due to non-payment. You can renew it."}"#,
            "payment_problem",
            Broken,
        ),
        (r#"{"error":"instance is stopped"}"#, "integration_disconnected", Broken),
        (r#"{"error":"unknown"}"#, "provider_refused", Permanent),
        (
            r#"{"error":[{"to":"is not a valid number"},{"body":"payment is stopped"}]}"#,
            "provider_refused",
            Permanent,
        ),
        (r#"{"error":{"to":["empty"]}}"#, "provider_refused", Permanent),
        (r#"{"error":7}"#, "provider_refused", Permanent),
        (r#"{"sent":"false","message":"blocked","id":3}"#, "provider_refused", Permanent),
        (r#"{"sent":false}"#, "provider_refused", Permanent),
    ];
    for &(body, code, class) in cases {
        for status in [200, 400] {
            let Outcome::Refused(failure) = outcome(Provider::Ultramsg, &answer(status, body)) else {
                panic!("{status} {body}")
            };
            assert_eq!((failure.code.as_str(), failure.class), (code, class), "{status} {body}");
            assert_eq!(failure.provider_code, None);
        }
    }
    let fields = refusal(Provider::Ultramsg, &answer(200, r#"{"error":[{"to":"is not valid"}]}"#));
    assert_eq!(fields.message, "UltraMsg refused the message. The provider says: to: is not valid");
    for (status, code) in [
        (404, "integration_not_provisioned"),
        (401, "integration_unauthorized"),
        (429, "provider_rate_limited"),
    ] {
        let Outcome::Refused(failure) = outcome(Provider::Ultramsg, &answer(status, "")) else {
            panic!("{status}")
        };
        assert_eq!(failure.code, code);
    }
    // A clear text is clear with any status; an unclear one with 5xx is not.
    let clear = outcome(Provider::Ultramsg, &answer(500, r#"{"error":"Wrong token."}"#));
    assert!(matches!(clear, Outcome::Refused(_)), "{clear:?}");
    let unclear = outcome(Provider::Ultramsg, &answer(500, r#"{"error":"Internal"}"#));
    assert!(matches!(unclear, Outcome::Uncertain { .. }), "{unclear:?}");
}
