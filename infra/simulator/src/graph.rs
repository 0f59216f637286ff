//! Meta's Graph API.

use crate::Simulator;
use crate::account::{Kind, Line, Provider};
use crate::api::{About, Outcome};
use crate::callbacks::is_loopback;
use crate::cloud::error::{Checked, GraphError};
use crate::cloud::{media, message, profile, send, template_create};
use crate::uploads;
use crate::wire::{Call, Reply};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::sync::Arc;

/// The versions that are answered.
const VERSIONS: std::ops::RangeInclusive<u32> = 21..=26;
/// The app of every token.
const APP: &str = "100000000000001";
const SCOPES: [&str; 2] = ["whatsapp_business_messaging", "whatsapp_business_management"];

/// What a call is about, credentials aside.
pub(crate) fn about(sim: &Simulator, call: &Call) -> About {
    let path = call.path();
    let id = path.get(1).copied().unwrap_or_default();
    let named = sim.lines().into_iter().find(|line| {
        line.kind() == Kind::Meta
            && !id.is_empty()
            && [&line.phone_number_id, &line.waba_id].contains(&&id.to_owned())
    });
    let line = named.or_else(|| owner(sim, call));
    let mut to = None;
    let operation = match path.as_slice() {
        [_, _, "messages" | "marketing_messages"] => {
            let body = call.json().unwrap_or_default();
            to = message::recipient(&body);
            if body.get("status").is_some() { "read" } else { "send" }
        }
        [_, _, "media"] => "media",
        [_, _, "message_templates"] => "templates",
        [_, _, "subscribed_apps" | "register" | "whatsapp_business_profile"] => "account",
        [one, two, ..] if media::ATTACHMENTS == [*one, *two] => "media",
        [_, id, ..] if line.as_ref().is_some_and(|line| line.desk().media.contains_key(*id)) => "media",
        [_, id, ..] if line.as_ref().is_some_and(|line| has_template(line, id)) => "templates",
        _ if call.method == Method::GET => "status",
        _ => "account",
    };
    About { line, operation, to }
}

fn has_template(line: &Line, id: &str) -> bool {
    line.desk().templates.iter().any(|one| one.id == id)
}

/// The number that a token opens.
fn owner(sim: &Simulator, call: &Call) -> Option<Arc<Line>> {
    let bearer = Some(call.bearer()).filter(|token| !token.is_empty());
    let given = bearer.or_else(|| uploads::oauth(call)).or_else(|| call.asked("access_token"))?;
    sim.lines()
        .into_iter()
        .find(|line| matches!(&line.account.provider, Provider::Meta { token, .. } if token == given))
}

/// The refusal of a token.
pub(crate) fn token_refused() -> Reply {
    let error = GraphError::token("Error validating access token: The session has been invalidated.");
    Reply::json(error.status, &error.body())
}

/// Answers a call.
pub(crate) async fn answer(sim: &Simulator, call: &Call) -> Outcome {
    let path = call.path();
    if let [one, two, ..] = path.as_slice()
        && media::ATTACHMENTS == [*one, *two]
    {
        return media::download(owner(sim, call).as_deref(), call);
    }
    let [version, rest @ ..] = path.as_slice() else { return Outcome::refused(&GraphError::path("")) };
    if !is_version(version) {
        return Outcome::refused(&GraphError::path(&path.join("/")));
    }
    if let (&Method::GET, ["debug_token"]) = (&call.method, rest) {
        return debug_token(sim, call);
    }
    let Some(line) = owner(sim, call) else {
        return Outcome::refused(&GraphError::token("Authentication Error"));
    };
    let [id, edge @ ..] = rest else { return Outcome::refused(&GraphError::path(&path.join("/"))) };
    let on_number = *id == line.phone_number_id;
    let on_account = *id == line.waba_id;
    match (call.method.as_str(), edge) {
        ("POST", ["messages"]) if on_number => send::send(&line, call, false),
        ("POST", ["marketing_messages"]) if on_number => send::send(&line, call, true),
        ("POST", ["media"]) if on_number => media::upload(&line, call),
        ("POST", ["register"]) if on_number => register(call),
        ("GET", ["whatsapp_business_profile"]) if on_number => profile::read(&line, call),
        ("POST", ["whatsapp_business_profile"]) if on_number => profile::change(&line, call),
        ("GET", []) if on_number => number(&line, call),
        ("GET", []) if on_account => business_account(&line, call),
        ("POST", []) if on_number => phone_settings(sim, &line, call).await,
        ("GET", ["phone_numbers"]) if on_account => {
            let fields = number_fields(&line);
            Outcome::of(Reply::json(200, &json!({"data": [fields], "paging": {"cursors": {}}})))
        }
        ("GET", ["message_templates"]) if on_account => template_create::list(sim, &line, call),
        ("POST", ["message_templates"]) if on_account => template_create::create(&line, call),
        ("DELETE", ["message_templates"]) if on_account => template_create::delete(&line, call),
        ("GET", ["subscribed_apps"]) if on_account => Outcome::of(Reply::json(200, &subscriptions(&line))),
        ("POST", ["subscribed_apps"]) if on_account => subscribe(sim, &line, call).await,
        ("DELETE", ["subscribed_apps"]) if on_account => {
            let mut desk = line.desk();
            desk.subscribed = false;
            desk.override_url = None;
            done()
        }
        ("GET", []) => match media::describe(&line, id, &sim.own_url("graph"), call.now_ms) {
            Some(described) => Outcome::of(Reply::json(200, &described)),
            None => refused_object(id, call),
        },
        ("DELETE", []) if media::delete(&line, id) => done(),
        ("POST", []) if id.starts_with(uploads::SESSION) => uploads::finish(&line, id, call),
        // The only app there is.
        ("POST", ["uploads"]) if *id == APP => uploads::begin(&line, call),
        ("POST", []) if has_template(&line, id) => template_create::edit(&line, id, call),
        ("POST", ["unpause"]) if has_template(&line, id) => template_create::unpause(&line, id),
        _ => refused_object(id, call),
    }
}

fn done() -> Outcome {
    Outcome::of(Reply::json(200, &json!({"success": true})))
}

fn refused_object(id: &str, call: &Call) -> Outcome {
    Outcome::refused(&GraphError::no_object(id, call.method.as_str()))
}

fn is_version(version: &str) -> bool {
    let number = version.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0"));
    number.and_then(|number| number.parse().ok()).is_some_and(|number| VERSIONS.contains(&number))
}

fn debug_token(sim: &Simulator, call: &Call) -> Outcome {
    let given = Some(call.bearer()).filter(|token| !token.is_empty()).or_else(|| call.asked("access_token"));
    let secret = given.and_then(|given| given.split_once('|')).map(|(_, secret)| secret);
    let known = owner(sim, call).is_some()
        || sim.lines().iter().any(|line| {
            matches!(&line.account.provider, Provider::Meta { app_secret, .. } if Some(&**app_secret) == secret)
        });
    if !known {
        return Outcome::refused(&GraphError::token("Authentication Error"));
    }
    let Some(input) = call.asked("input_token") else {
        return Outcome::refused(&GraphError::invalid("The parameter input_token is required."));
    };
    let found = sim
        .lines()
        .into_iter()
        .find(|line| matches!(&line.account.provider, Provider::Meta { token, .. } if token == input));
    let data = match found {
        Some(line) => {
            let missing = line.desk().missing_scopes.clone();
            let scopes: Vec<_> =
                SCOPES.iter().filter(|scope| !missing.iter().any(|one| one == *scope)).collect();
            let granular: Vec<_> =
                scopes.iter().map(|scope| json!({"scope": scope, "target_ids": [line.waba_id]})).collect();
            json!({"app_id": APP, "type": "SYSTEM_USER", "application": "Hadar", "is_valid": true,
                "expires_at": 0, "data_access_expires_at": 0, "issued_at": 1_700_000_000, "scopes": scopes,
                "granular_scopes": granular, "user_id": "122100000000001"})
        }
        None => json!({"is_valid": false, "scopes": [],
            "error": {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}}),
    };
    Outcome::of(Reply::json(200, &json!({"data": data})))
}

fn register(call: &Call) -> Outcome {
    let body = call.json().unwrap_or_default();
    let pin = body.get("pin").and_then(Value::as_str).unwrap_or_default();
    if body.get("messaging_product").and_then(Value::as_str) != Some("whatsapp") {
        return Outcome::refused(&GraphError::invalid("The parameter messaging_product is required."));
    }
    if pin.len() != 6 || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Outcome::refused(&GraphError::invalid("Param pin must be 6 characters long."));
    }
    done()
}

/// The proof that a caller who has the token has the secret of its app too.
fn proof_of(app_secret: &str, token: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()) else { return String::new() };
    mac.update(token.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// All that is known of a number.
/// Fields of a number that exist and have no value here: Graph leaves those out of its answer (pywa 4.5 asks for them).
const WITHOUT_VALUE: [&str; 16] = [
    "account_mode",
    "certificate",
    "conversational_automation",
    "country_code",
    "country_dial_code",
    "eligibility_for_api_business_global_search",
    "is_official_business_account",
    "is_on_biz_app",
    "is_pin_enabled",
    "is_preverified_number",
    "last_onboarded_time",
    "new_certificate",
    "new_name_status",
    "quality_score",
    "search_visibility",
    "webhook_configuration",
];

fn number_fields(line: &Line) -> Map<String, Value> {
    let desk = line.desk();
    let (digits, last) = line.display.split_at(line.display.len().saturating_sub(4));
    let shown = format!(
        "+{} {}",
        digits.strip_prefix("971").map_or(digits.to_owned(), |rest| format!("971 {rest}")),
        last
    );
    let fields = json!({
        "id": line.phone_number_id,
        "display_phone_number": shown,
        "verified_name": "Hadar Demo",
        "name_status": desk.name_status,
        "status": "CONNECTED",
        "quality_rating": desk.quality,
        "code_verification_status": desk.code_verification,
        "throughput": {"level": "STANDARD"},
        "platform_type": "CLOUD_API",
        "whatsapp_business_manager_messaging_limit": desk.limit,
        "messaging_limit_tier": desk.limit,
        "health_status": {"can_send_message": "AVAILABLE", "entities": [
            {"entity_type": "PHONE_NUMBER", "id": line.phone_number_id, "can_send_message": "AVAILABLE"},
            {"entity_type": "WABA", "id": line.waba_id, "can_send_message": "AVAILABLE"},
        ]},
    });
    if let Value::Object(fields) = fields { fields } else { Map::new() }
}

fn number(line: &Line, call: &Call) -> Outcome {
    if let (Some(proof), Provider::Meta { app_secret, token, .. }) =
        (call.asked("appsecret_proof"), &line.account.provider)
        && proof != proof_of(app_secret, token)
    {
        return Outcome::refused(&GraphError::invalid(
            "Invalid appsecret_proof provided in the API argument",
        ));
    }
    let all = number_fields(line);
    let usual =
        "verified_name,code_verification_status,display_phone_number,quality_rating,platform_type,throughput";
    let mut shown = Map::new();
    for field in call.asked("fields").unwrap_or(usual).split(',').map(str::trim).chain(["id"]) {
        if WITHOUT_VALUE.contains(&field) {
            continue;
        }
        let Some(value) = all.get(field) else {
            let message = format!(
                "Tried accessing nonexisting field ({field}) on node type (WhatsAppBusinessPhoneNumber)"
            );
            return Outcome::refused(&GraphError::invalid(message));
        };
        shown.insert(field.to_owned(), value.clone());
    }
    Outcome::of(Reply::json(200, &Value::Object(shown)))
}

/// A business account; the usual fields when none are asked for.
fn business_account(line: &Line, call: &Call) -> Outcome {
    let verification = line.desk().business_verification.clone();
    let all = json!({
        "id": line.waba_id,
        "name": "Hadar Demo",
        "currency": "AED",
        "timezone_id": "1",
        "message_template_namespace": "hadar_demo",
        "account_review_status": "APPROVED",
        "business_verification_status": verification,
        "ownership_type": "CLIENT_OWNED",
        "owner_business_info": {"name": "Hadar Demo", "id": "100000000000002"},
    });
    let usual = "name,currency,timezone_id,message_template_namespace";
    let mut shown = Map::new();
    for field in call.asked("fields").unwrap_or(usual).split(',').map(str::trim).chain(["id"]) {
        let Some(value) = all.get(field) else {
            let message =
                format!("Tried accessing nonexisting field ({field}) on node type (WhatsAppBusinessAccount)");
            return Outcome::refused(&GraphError::invalid(message));
        };
        shown.insert(field.to_owned(), value.clone());
    }
    Outcome::of(Reply::json(200, &Value::Object(shown)))
}

fn subscriptions(line: &Line) -> Value {
    let desk = line.desk();
    if !desk.subscribed {
        return json!({"data": []});
    }
    let app =
        json!({"link": "https://www.facebook.com/games/?app_id=100000000000001", "name": "Hadar", "id": APP});
    let mut entry = json!({"whatsapp_business_api_data": app});
    if let (Some(fields), Some((url, _))) = (entry.as_object_mut(), &desk.override_url) {
        fields.insert("override_callback_uri".into(), json!(url));
    }
    json!({"data": [entry]})
}

/// Subscribes the app; with a URL of its own after a handshake, without one back on the app's.
async fn subscribe(sim: &Simulator, line: &Line, call: &Call) -> Outcome {
    let body = call.json().unwrap_or_default();
    let set = match override_of(&body) {
        Ok(None) => None,
        Ok(Some(set)) => Some(set),
        Err(error) => return Outcome::refused(&error),
    };
    if let Some((url, token)) = &set
        && let Err(error) = verified(sim, url, token).await
    {
        return Outcome::refused(&error);
    }
    let mut desk = line.desk();
    desk.subscribed = true;
    desk.override_url = set;
    drop(desk);
    done()
}

/// `POST /{phone_id}`: a URL of the number's own.
async fn phone_settings(sim: &Simulator, line: &Line, call: &Call) -> Outcome {
    let body = call.json().unwrap_or_default();
    let Some(configuration) = body.get("webhook_configuration") else {
        return Outcome::refused(&GraphError::invalid("The parameter webhook_configuration is required."));
    };
    match override_of(configuration) {
        Err(error) => return Outcome::refused(&error),
        Ok(None) => line.desk().override_url = None,
        Ok(Some((url, token))) => {
            if let Err(error) = verified(sim, &url, &token).await {
                return Outcome::refused(&error);
            }
            line.desk().override_url = Some((url, token));
        }
    }
    done()
}

fn override_of(body: &Value) -> Checked<Option<(String, String)>> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (text("override_callback_uri"), text("verify_token")) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(GraphError::invalid("The parameter verify_token is required.")),
        (Some(url), Some(_)) if url.chars().count() > 200 => {
            Err(GraphError::invalid("Param override_callback_uri must be at most 200 characters long."))
        }
        (Some(url), Some(token)) => Ok(Some((url.to_owned(), token.to_owned()))),
    }
}

async fn verified(sim: &Simulator, url: &str, token: &str) -> Checked {
    let reachable = url.parse::<http::Uri>().is_ok_and(|uri| is_loopback(&uri));
    if reachable && sim.handshake(url, token).await {
        return Ok(());
    }
    let why = if reachable {
        "the challenge did not come back with status 200"
    } else {
        "the simulator reaches this machine only"
    };
    let message = format!(
        "(#2200) Callback verification failed with the following errors: HTTP Status Code = 0; HTTP Message = {why}"
    );
    Err(GraphError { status: 400, code: 2200, subcode: None, message, details: None })
}
