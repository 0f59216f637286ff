//! Forged, cut, joined, old and foreign credentials: none gets in.

use crate::kit::sample;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use hmac::{Hmac, KeyInit, Mac};
use providers::signature::{Accepted, BadCredential, Presented, Secret, token_matches, verify, verify_meta};
use rstest::rstest;
use sha2::Sha256;

const NOW: Millis = Millis::from_unix_ms(1_793_520_000_000);
const BODY: &str = sample!("meta/text_arabic.json");

fn hmac(secret: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    for part in parts {
        mac.update(part);
    }
    hex::encode(mac.finalize().into_bytes())
}

fn secrets(list: &[&str]) -> Vec<Secret> {
    list.iter().map(|text| Secret::new(*text)).collect()
}

fn accepted() -> Accepted {
    Accepted {
        app_secrets: secrets(&["app-now", "app-before"]),
        dialog360_secrets: secrets(&["platform"]),
        header_secrets: secrets(&["header"]),
        url_tokens: secrets(&["token-now", "token-before"]),
        relay_secrets: secrets(&["relay-now", "relay-before"]),
    }
}

fn check(
    provider: Provider,
    presented: &Presented<'_>,
    accepted: &Accepted,
) -> Result<AuthStrength, BadCredential> {
    let verified = verify(provider, presented, accepted, BODY.as_bytes(), NOW)?;
    assert_eq!(verified.bytes(), BODY.as_bytes());
    Ok(verified.strength())
}

fn meta(header: &str) -> Result<AuthStrength, BadCredential> {
    check(Provider::Meta, &Presented { hub_signature: Some(header), ..Presented::default() }, &accepted())
}

#[test]
fn the_published_vector_of_the_algorithm_holds() {
    // RFC 4231, test case 2.
    let header = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let body = b"what do ya want for nothing?";
    assert_eq!(verify_meta(&["Jefe"], Some(header), body), Ok(AuthStrength::Signature));
}

#[rstest]
fn metas_signature_is_good_with_the_current_and_the_previous_secret(
    #[values("app-now", "app-before")] secret: &str,
) {
    assert_eq!(meta(&format!("sha256={}", hmac(secret, &[BODY.as_bytes()]))), Ok(AuthStrength::Signature));
}

#[test]
fn no_forged_signature_of_meta_gets_in() {
    let body = BODY.as_bytes();
    let good = hmac("app-now", &[body]);
    let reprinted = serde_json::from_str::<serde_json::Value>(BODY).unwrap().to_string();
    let unescaped = BODY.replace("\\/", "/");
    assert_ne!(unescaped, BODY);
    let prefix = &body[..body.len() - 1];
    let forged = [
        String::new(),
        "sha256".to_owned(),
        "sha256=".to_owned(),
        good.clone(),
        format!("sha1={good}"),
        format!("sha1={}", &good[..40]),
        format!("SHA256={good}"),
        format!("Sha256={good}"),
        format!("sha256:{good}"),
        format!("sha256 = {good}"),
        format!("sha256= {good}"),
        format!(" sha256={good}"),
        format!("sha256={good} "),
        format!("sha256={good}\n"),
        format!("sha256=\"{good}\""),
        format!("sha256=0x{good}"),
        format!("sha256={}", good.to_uppercase()),
        format!("sha256={}", &good[..62]),
        format!("sha256={}", &good[..63]),
        format!("sha256={good}0"),
        format!("sha256={good}00"),
        format!("sha256={good},sha256={good}"),
        format!("sha256={},sha256={good}", "0".repeat(64)),
        format!("sha256={good},"),
        format!("sha256=sha256={good}"),
        format!("sha256={}", "0".repeat(64)),
        format!("sha256={}", "g".repeat(64)),
        format!("sha256={}", "ｆ".repeat(64)),
        format!("sha256={}{}", if good.starts_with('0') { "1" } else { "0" }, &good[1..]),
        format!("sha256={}{}", &good[..63], if good.ends_with('0') { "1" } else { "0" }),
        format!("sha256={}", hmac("", &[body])),
        format!("sha256={}", hmac("app-old", &[body])),
        format!("sha256={}", hmac("APP-NOW", &[body])),
        format!("sha256={}", hmac("app-now\n", &[body])),
        format!("sha256={}", hmac("app-now", &[b""])),
        format!("sha256={}", hmac("app-now", &[prefix])),
        format!("sha256={}", hmac("app-now", &[body, b"\n"])),
        format!("sha256={}", hmac("app-now", &[reprinted.as_bytes()])),
        format!("sha256={}", hmac("app-now", &[unescaped.as_bytes()])),
        format!("sha256={}", hmac("app-now", &[b"\xef\xbb\xbf", body])),
        format!("sha256={}", hmac("platform", &[body])),
    ];
    for header in &forged {
        assert_eq!(meta(header), Err(BadCredential), "{header}");
    }
    assert!(forged.len() >= 40);
}

#[test]
fn without_header_or_without_secret_nothing_of_meta_gets_in() {
    let signed = format!("sha256={}", hmac("", &[BODY.as_bytes()]));
    let presented = Presented { hub_signature: Some(&signed), ..Presented::default() };
    for app_secrets in [vec![], secrets(&[""])] {
        let accepted = Accepted { app_secrets, ..accepted() };
        assert_eq!(check(Provider::Meta, &presented, &accepted), Err(BadCredential));
    }
    assert_eq!(check(Provider::Meta, &Presented::default(), &accepted()), Err(BadCredential));
}

#[test]
fn meta_is_never_let_in_by_a_token() {
    let presented =
        Presented { header_secret: Some("header"), url_token: Some("token-now"), ..Presented::default() };
    assert_eq!(check(Provider::Meta, &presented, &accepted()), Err(BadCredential));
}

#[rstest]
#[case::arabic_escapes(r#"{"body":"\u0645\u0631\u062d\u0628\u0627"}"#)]
#[case::arabic_plain("{\"body\":\"مرحبا\"}")]
#[case::slashes(r#"{"url":"https:\/\/example.com\/a"}"#)]
#[case::emoji(r#"{"body":"\ud83c\udfe0 🏠"}"#)]
#[case::line_ends("{\r\n\"a\":1\r\n}\r\n")]
#[case::byte_order_mark("\u{feff}{}")]
#[case::twice_the_same_key(r#"{"a":1,"a":2}"#)]
#[case::empty("")]
#[case::no_json("\0\u{1}")]
fn the_bytes_are_hashed_as_they_came(#[case] body: &str) {
    let header = format!("sha256={}", hmac("app-now", &[body.as_bytes()]));
    assert!(verify_meta(&["app-now"], Some(&header), body.as_bytes()).is_ok());
    assert!(verify_meta(&["app-now"], Some(&header), format!("{body} ").as_bytes()).is_err());
}

#[test]
fn the_strongest_credential_of_360dialog_decides_alone() {
    let good = hmac("platform", &[BODY.as_bytes()]);
    let prefixed = format!("sha256={good}");
    let bad = "0".repeat(64);
    let upper = good.to_uppercase();
    let all = |signature, header, token| Presented {
        dialog360_signature: signature,
        header_secret: header,
        url_token: token,
        ..Presented::default()
    };
    let ok = |strength| Ok(strength);
    for (presented, expected) in [
        (all(Some(good.as_str()), None, None), ok(AuthStrength::Signature)),
        (all(Some(prefixed.as_str()), Some("wrong"), Some("wrong")), ok(AuthStrength::Signature)),
        (all(Some(bad.as_str()), Some("header"), Some("token-now")), Err(BadCredential)),
        (all(Some(upper.as_str()), None, None), Err(BadCredential)),
        (all(Some(""), Some("header"), None), Err(BadCredential)),
        (all(None, Some("header"), None), ok(AuthStrength::Header)),
        (all(None, Some("header"), Some("wrong")), ok(AuthStrength::Header)),
        (all(None, Some("wrong"), Some("token-now")), Err(BadCredential)),
        (all(None, None, Some("token-before")), ok(AuthStrength::UrlToken)),
        (all(None, None, Some("wrong")), Err(BadCredential)),
        (all(None, None, None), Err(BadCredential)),
    ] {
        assert_eq!(check(Provider::Dialog360, &presented, &accepted()), expected);
    }
    let direct = Accepted { dialog360_secrets: vec![], ..accepted() };
    let presented = all(Some(good.as_str()), Some("header"), None);
    assert_eq!(check(Provider::Dialog360, &presented, &direct), Ok(AuthStrength::Header));
    let only_token = Accepted { header_secrets: secrets(&[""]), ..direct };
    let presented = all(None, Some(""), Some("token-now"));
    assert_eq!(check(Provider::Dialog360, &presented, &only_token), Ok(AuthStrength::UrlToken));
}

#[test]
fn metas_own_signature_proves_nothing_for_360dialog() {
    let header = format!("sha256={}", hmac("app-now", &[BODY.as_bytes()]));
    let presented = Presented { hub_signature: Some(&header), ..Presented::default() };
    assert_eq!(check(Provider::Dialog360, &presented, &accepted()), Err(BadCredential));
}

fn relay(header: &str) -> Result<AuthStrength, BadCredential> {
    let presented = Presented { hadar_signature: Some(header), ..Presented::default() };
    check(Provider::Ultramsg, &presented, &accepted())
}

fn v1(secret: &str, t: &str) -> String {
    hmac(secret, &[t.as_bytes(), b".", BODY.as_bytes()])
}

#[test]
fn a_relay_signs_with_either_secret_within_five_minutes() {
    for t in ["1793520000", "1793519700", "1793520300"] {
        for secret in ["relay-now", "relay-before"] {
            assert_eq!(relay(&format!("t={t},v1={}", v1(secret, t))), Ok(AuthStrength::Signature), "{t}");
        }
    }
    let (t, zero) = ("1793520000", "0".repeat(64));
    let good = v1("relay-now", t);
    for header in [
        format!("t={t},v1={zero},v1={good}"),
        format!("v1={good},t={t}"),
        format!("t={t}, v1={good}"),
        format!("t={t},v2=abc,v1={good}"),
    ] {
        assert_eq!(relay(&header), Ok(AuthStrength::Signature), "{header}");
    }
}

#[test]
fn no_forged_relay_gets_in() {
    let t = "1793520000";
    let (good, zero) = (v1("relay-now", t), "0".repeat(64));
    let forged = [
        String::new(),
        good.clone(),
        format!("v1={good}"),
        format!("t={t}"),
        format!("t=,v1={good}"),
        format!("t={t},v1="),
        format!("t={t},v1={}", good.to_uppercase()),
        format!("t={t},v1=sha256={good}"),
        format!("t={t},v1={}", &good[..63]),
        format!("t={t},v1={zero}"),
        format!("t={t},v0={good}"),
        format!("t={t};v1={good}"),
        format!("t={t},v1={good},t={t}"),
        format!("t={t},{good}"),
        format!("t=+{t},v1={}", v1("relay-now", "+1793520000")),
        format!("t=1793519699,v1={}", v1("relay-now", "1793519699")),
        format!("t=1793520301,v1={}", v1("relay-now", "1793520301")),
        format!("t=1793520000000,v1={}", v1("relay-now", "1793520000000")),
        format!("t=1793520001,v1={good}"),
        format!("t={t},v1={}", hmac("relay-now", &[BODY.as_bytes()])),
        format!("t={t},v1={}", v1("", t)),
        format!("t={t},v1={}", v1("token-now", t)),
        format!("t={t},v1={zero},v1={zero},v1={zero},v1={zero},v1={good}"),
    ];
    for header in &forged {
        assert_eq!(relay(header), Err(BadCredential), "{header}");
    }
}

#[test]
fn a_bad_relay_signature_is_not_made_good_by_the_token() {
    let presented = Presented {
        hadar_signature: Some("t=1,v1=00"),
        url_token: Some("token-now"),
        ..Presented::default()
    };
    assert_eq!(check(Provider::Ultramsg, &presented, &accepted()), Err(BadCredential));
    let unsigned = Presented { hadar_signature: None, ..presented };
    assert_eq!(check(Provider::Ultramsg, &unsigned, &accepted()), Ok(AuthStrength::UrlToken));
}

#[rstest]
#[case::none(None)]
#[case::empty(Some(""))]
#[case::another(Some("token"))]
#[case::longer(Some("token-now "))]
#[case::capitals(Some("TOKEN-NOW"))]
#[case::the_header_secret(Some("header"))]
fn ultramsg_without_its_token_stays_out(#[case] url_token: Option<&str>) {
    let presented = Presented { url_token, header_secret: Some("header"), ..Presented::default() };
    assert_eq!(check(Provider::Ultramsg, &presented, &accepted()), Err(BadCredential));
}

#[test]
fn an_empty_token_matches_nothing_not_even_an_empty_secret() {
    assert!(!token_matches("", &[""]));
    assert!(!token_matches::<&str>("a", &[]));
    assert!(token_matches("b", &["a", "", "b"]));
}

#[test]
fn secrets_do_not_print() {
    let printed = format!("{:?}", accepted());
    assert!(!printed.contains("app-now") && !printed.contains("token-now"), "{printed}");
}
