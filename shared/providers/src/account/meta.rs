//! Meta: what a token may do, the numbers of a business account, one number, and where its webhooks go.

use super::{Unusable, build, get, json, path_part, text};
use bytes::Bytes;
use domain::number::NumberFacts;
use domain::provider::Provider;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::AUTHORIZATION;
use http::{Method, Request, Response};
use serde_json::{Value, json as object};
use sha2::Sha256;

/// The Graph API's current version (29 July 2026).
pub(super) const VERSION: &str = "v26.0";
/// What a token must be able to do (A19).
pub const SCOPES: [&str; 2] = ["whatsapp_business_messaging", "whatsapp_business_management"];
/// The longest address that Meta takes for an account's own webhook, in characters.
pub const LONGEST_CALLBACK: usize = 200;
/// What we ask about a number.
const FIELDS: &str = "display_phone_number,verified_name,name_status,status,quality_rating,\
    code_verification_status,throughput,platform_type,whatsapp_business_manager_messaging_limit";

const UNUSABLE: Unusable = Unusable(Provider::Meta);

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

/// Asks what a token may do; the token speaks for itself.
///
/// # Errors
/// No request can hold the token.
pub fn token_request(token: &str) -> Result<Request<Bytes>, Unusable> {
    let query = serde_urlencoded::to_string([("input_token", token)]).map_err(|_| UNUSABLE)?;
    let path = format!("/{VERSION}/debug_token?{query}");
    get(&path, Some((AUTHORIZATION, &bearer(token)))).ok_or(UNUSABLE)
}

/// What a token may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenFacts {
    /// Whether Meta takes it.
    pub valid: bool,
    /// The scopes it lacks.
    pub missing: Vec<&'static str>,
    /// When it ends, in Unix seconds; `None` for never.
    pub expires_at: Option<i64>,
}

/// Reads what a token may do; `None` when the answer does not say.
#[must_use]
pub fn token_facts(answer: &Response<Bytes>) -> Option<TokenFacts> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let data = body.get("data")?;
    let list = |name: &str| data.get(name).and_then(Value::as_array).into_iter().flatten();
    let granular = list("granular_scopes").filter_map(|one| one.get("scope")?.as_str());
    let granted: Vec<&str> = list("scopes").filter_map(Value::as_str).chain(granular).collect();
    Some(TokenFacts {
        valid: data.get("is_valid").and_then(Value::as_bool)?,
        missing: SCOPES.into_iter().filter(|scope| !granted.contains(scope)).collect(),
        expires_at: data.get("expires_at").and_then(Value::as_i64).filter(|at| *at > 0),
    })
}

/// Asks for a page of a business account's numbers.
///
/// # Errors
/// No request can hold the account's id or the token.
pub fn numbers_request(waba: &str, token: &str, after: Option<&str>) -> Result<Request<Bytes>, Unusable> {
    let waba = path_part(waba).ok_or(UNUSABLE)?;
    let mut query = vec![("fields", "id"), ("limit", "100")];
    query.extend(after.map(|after| ("after", after)));
    let query = serde_urlencoded::to_string(query).map_err(|_| UNUSABLE)?;
    let path = format!("/{VERSION}/{waba}/phone_numbers?{query}");
    get(&path, Some((AUTHORIZATION, &bearer(token)))).ok_or(UNUSABLE)
}

/// The ids of a page of numbers, and where the next page begins.
#[must_use]
pub fn numbers(answer: &Response<Bytes>) -> Option<(Vec<String>, Option<String>)> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let ids = body.get("data")?.as_array()?.iter().filter_map(|one| text(one, "/id")).collect();
    let more = body.pointer("/paging/next").and_then(Value::as_str).is_some();
    let after = body.pointer("/paging/cursors/after").and_then(Value::as_str).filter(|_| more);
    Some((ids, after.map(str::to_owned)))
}

/// Asks about a business account: whether the business behind it is verified.
///
/// # Errors
/// No request can hold the account's id or the token.
pub fn account_request(waba: &str, token: &str) -> Result<Request<Bytes>, Unusable> {
    let waba = path_part(waba).ok_or(UNUSABLE)?;
    let path = format!("/{VERSION}/{waba}?fields=id,business_verification_status");
    get(&path, Some((AUTHORIZATION, &bearer(token)))).ok_or(UNUSABLE)
}

/// Where the verification of the business stands; `None` when the account does not tell.
#[must_use]
pub fn business_verification(answer: &Response<Bytes>) -> Option<String> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    text(&body, "/business_verification_status")
}

/// Asks about one number.
///
/// # Errors
/// No request can hold the number's id or the token.
pub fn number_request(phone_number_id: &str, token: &str) -> Result<Request<Bytes>, Unusable> {
    let id = path_part(phone_number_id).ok_or(UNUSABLE)?;
    let path = format!("/{VERSION}/{id}?fields={FIELDS}");
    get(&path, Some((AUTHORIZATION, &bearer(token)))).ok_or(UNUSABLE)
}

/// Asks for a number with a proof that the token and the app secret are of one app; Meta refuses a wrong proof.
///
/// # Errors
/// No request can hold the number's id or the token.
pub fn proof_request(
    phone_number_id: &str,
    token: &str,
    app_secret: &str,
) -> Result<Request<Bytes>, Unusable> {
    let id = path_part(phone_number_id).ok_or(UNUSABLE)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()).map_err(|_| UNUSABLE)?;
    mac.update(token.as_bytes());
    let proof = hex::encode(mac.finalize().into_bytes());
    let path = format!("/{VERSION}/{id}?fields=id&appsecret_proof={proof}");
    get(&path, Some((AUTHORIZATION, &bearer(token)))).ok_or(UNUSABLE)
}

/// What Meta says about a number.
#[must_use]
pub fn number_facts(answer: &Response<Bytes>) -> Option<NumberFacts> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    body.is_object().then(|| facts(&body))
}

/// What an object in Meta's words says about a number.
pub(super) fn facts(body: &Value) -> NumberFacts {
    NumberFacts {
        display_phone_number: text(body, "/display_phone_number"),
        verified_name: text(body, "/verified_name"),
        name_status: text(body, "/name_status"),
        quality_rating: text(body, "/quality_rating"),
        messaging_limit: text(body, "/whatsapp_business_manager_messaging_limit")
            .or_else(|| text(body, "/messaging_limit_tier")),
        throughput: text(body, "/throughput/level"),
        connection: text(body, "/status"),
        verification: text(body, "/code_verification_status"),
        business_verification: None,
    }
}

/// Points a business account's webhooks at us: Meta asks the address for the verify token at once.
///
/// # Errors
/// No request can hold the account's id or the token.
pub fn subscribe_request(
    waba: &str,
    token: &str,
    callback: &str,
    verify_token: &str,
) -> Result<Request<Bytes>, Unusable> {
    let body = json(&object!({"override_callback_uri": callback, "verify_token": verify_token}));
    subscription(Method::POST, waba, token, body)
}

/// Takes a business account's webhooks away from us.
///
/// # Errors
/// As [`subscribe_request`].
pub fn unsubscribe_request(waba: &str, token: &str) -> Result<Request<Bytes>, Unusable> {
    subscription(Method::DELETE, waba, token, None)
}

fn subscription(
    method: Method,
    waba: &str,
    token: &str,
    body: Option<(http::HeaderValue, Bytes)>,
) -> Result<Request<Bytes>, Unusable> {
    let waba = path_part(waba).ok_or(UNUSABLE)?;
    let path = format!("/{VERSION}/{waba}/subscribed_apps");
    build(method, &path, Some((AUTHORIZATION, &bearer(token))), body).ok_or(UNUSABLE)
}

/// Whether Meta says that it is done.
#[must_use]
pub fn is_done(answer: &Response<Bytes>) -> bool {
    let body = serde_json::from_slice::<Value>(answer.body()).unwrap_or_default();
    answer.status().is_success() && body.get("success").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Response<Bytes> {
        Response::new(Bytes::from(body.to_owned()))
    }

    #[test]
    fn a_token_names_the_scopes_it_lacks() {
        let facts = |body: &str| token_facts(&answer(body));
        let both = r#"{"data":{"is_valid":true,"expires_at":0,"scopes":["whatsapp_business_messaging"],
            "granular_scopes":[{"scope":"whatsapp_business_management","target_ids":["1"]}]}}"#;
        assert_eq!(facts(both), Some(TokenFacts { valid: true, ..TokenFacts::default() }));
        let one =
            r#"{"data":{"is_valid":true,"expires_at":9,"scopes":["whatsapp_business_messaging","email"]}}"#;
        assert_eq!(facts(one).unwrap().missing, ["whatsapp_business_management"]);
        assert_eq!(facts(one).unwrap().expires_at, Some(9));
        assert!(!facts(r#"{"data":{"is_valid":false,"scopes":[]}}"#).unwrap().valid);
        for odd in ["", "[]", "{}", r#"{"data":{}}"#, r#"{"data":[]}"#, r#"{"data":{"is_valid":"yes"}}"#] {
            assert_eq!(facts(odd), None, "{odd}");
        }
    }

    #[test]
    fn numbers_come_in_pages() {
        let page = r#"{"data":[{"id":"1"},{"x":1},{"id":"2"}],"paging":{"cursors":{"after":"c"},"next":"https://x"}}"#;
        assert_eq!(numbers(&answer(page)), Some((vec!["1".into(), "2".into()], Some("c".into()))));
        let last = r#"{"data":[],"paging":{"cursors":{"after":"c"}}}"#;
        assert_eq!(numbers(&answer(last)), Some((vec![], None)));
        assert_eq!(numbers(&answer("{}")), None);
    }

    #[test]
    fn what_no_request_can_hold_is_refused() {
        assert!(token_request("a\nb").is_err());
        assert!(numbers_request("../x", "t", None).is_err());
        assert!(number_request("", "t").is_err());
        let asked = token_request("a&b").unwrap();
        assert_eq!(asked.uri().query(), Some("input_token=a%26b"));
        assert!(format!("{asked:?}").contains("Sensitive"));
    }
}
