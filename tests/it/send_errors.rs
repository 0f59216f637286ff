//! What providers refuse, code by code: what the message says afterwards, and what happens to the number, the lane and
//! the consents (providers.md 2.2, D35-D43).

use domain::ids::TenantId;
use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};

/// What a refusal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// The message failed; nothing else.
    Failed,
    /// The message waits at least this long, in seconds.
    Waits(u64),
    /// The number stops until a person repairs it; the message waits for that.
    Broken,
    /// The message failed, and marketing is withdrawn.
    Revoked,
    /// It is open whether the message was taken.
    Uncertain,
}
use Effect::{Broken, Failed, Revoked, Uncertain, Waits};

/// The provider's code and what becomes of the message: our code and the effect.
const CODES: &[(i64, &str, Effect)] = &[
    (0, "integration_unauthorized", Broken),
    (190, "integration_unauthorized", Broken),
    (3, "integration_permission_missing", Broken),
    (10, "integration_permission_missing", Broken),
    (200, "integration_permission_missing", Broken),
    (299, "integration_permission_missing", Broken),
    (131_005, "integration_permission_missing", Broken),
    (33, "invalid_parameter", Failed),
    (100, "invalid_parameter", Failed),
    (4, "provider_rate_limited", Waits(5)),
    (80_007, "provider_rate_limited", Waits(5)),
    (130_429, "provider_rate_limited", Waits(5)),
    (133_016, "provider_rate_limited", Waits(5)),
    (131_056, "recipient_rate_limited", Waits(6)),
    (131_048, "spam_rate_limited", Waits(3600)),
    (131_064, "messaging_limit_reduced", Waits(3600)),
    (132_069, "flow_throttled", Waits(5)),
    (368, "account_blocked", Broken),
    (131_031, "account_locked", Broken),
    (130_497, "recipient_country_restricted", Broken),
    (131_042, "payment_problem", Broken),
    (1, "outcome_unknown", Uncertain),
    (2, "outcome_unknown", Uncertain),
    (131_000, "outcome_unknown", Uncertain),
    (131_016, "outcome_unknown", Uncertain),
    (131_057, "outcome_unknown", Uncertain),
    (131_008, "missing_parameter", Failed),
    (131_009, "invalid_parameter", Failed),
    (131_021, "recipient_is_sender", Failed),
    (131_037, "display_name_not_approved", Failed),
    (131_045, "number_not_verified", Failed),
    (133_010, "number_not_registered", Failed),
    (131_026, "recipient_undeliverable", Failed),
    (131_030, "recipient_not_allowed", Failed),
    (131_047, "outside_24h_window", Failed),
    (131_049, "marketing_limit_reached", Failed),
    (131_050, "do_not_contact", Revoked),
    (131_051, "message_type_unsupported", Failed),
    (131_052, "media_download_failed", Failed),
    (131_053, "media_upload_failed", Waits(5)),
    (130_472, "recipient_in_experiment", Failed),
    (131_062, "recipient_phone_needed", Failed),
    (131_063, "marketing_not_enabled", Failed),
    (132_000, "template_param_mismatch", Failed),
    (132_001, "template_not_approved", Failed),
    (132_005, "template_text_too_long", Failed),
    (132_007, "template_policy_violation", Failed),
    (132_008, "template_param_mismatch", Failed),
    (132_012, "template_param_mismatch", Failed),
    (132_015, "template_paused", Waits(3600)),
    (132_016, "template_not_approved", Failed),
    (132_068, "flow_blocked", Failed),
    (135_000, "provider_generic_error", Failed),
    (137_000, "recipient_identity_changed", Failed),
    (199_999, "provider_refused", Failed),
];

/// Words of the provider that no message of ours may consist of.
const SAID: &str = "(#0) Qwx blorp";

/// A customer whose window is open.
async fn customer(desk: &Desk<'_>, number: usize) -> String {
    let phone = format!("97150{:07}", 1_000_000 + number);
    desk.hears(&phone, json!({"text": "Hello, is it free?"})).await;
    phone
}

/// The statuses of the tenant's numbers; those that are broken work again afterwards.
async fn repair(world: &World, tenant: &str) -> Vec<String> {
    let (platform, id) = (world.platform(), TenantId::parse(tenant).unwrap());
    let mut found = Vec::new();
    for mut integration in platform.store.tenant_facts(id).await.unwrap().integrations {
        found.push(integration.status.clone());
        if integration.status != "live" {
            assert!(integration.broken_reason.as_ref().is_some_and(|reason| reason.len() > 20));
            integration.status = "live".to_owned();
            integration.broken_reason = None;
            platform.store.save_integration(id, &integration).await.unwrap();
        }
    }
    found
}

/// Sends one text that the provider answers as the rule says, and holds what came of it against the table.
async fn row(desk: &Desk<'_>, number: usize, action: Value, code: &str, effect: Effect) -> Value {
    // A new minute for the limit of requests, and nothing of the row before is waited for any more.
    desk.world.advance(130).await;
    let phone = customer(desk, number).await;
    let rule = json!({"match": {"to": phone, "operation": "send"}, "action": action});
    desk.world.behave(json!({"rules": [rule]})).await;
    let before = desk.sent().len();
    let begun_s = desk.world.now_s();
    let answer = desk.says(&json!({"to": format!("+{phone}"), "text": "It is."})).await;
    assert_eq!(answer.status, 202, "{action}: {:?}", answer.json());
    let id = text_of(&answer.data(), "id");
    let message = desk.until(&id, |one| one["error"].is_object()).await;
    let shown = format!("{action}: {message}");

    let error = &message["error"];
    assert_eq!(error["code"], code, "{shown}");
    let words = text_of(error, "message");
    assert!(
        words.len() > 20 && !words.starts_with(SAID) && words.ends_with(|c: char| !c.is_whitespace()),
        "{shown}"
    );
    assert_eq!(desk.sent().len(), before + 1, "one call: {shown}");
    let expected = match effect {
        Failed | Revoked => "failed",
        Waits(_) | Broken => "queued",
        Uncertain => "uncertain",
    };
    assert_eq!(message["status"], expected, "{shown}");
    if let Waits(seconds) = effect {
        let until: domain::time::Millis = serde_json::from_value(message["not_before"].clone()).unwrap();
        let waits = (until.unix_ms() / 1000).saturating_sub(begun_s);
        assert!((seconds.saturating_sub(1)..=seconds + 10).contains(&waits), "{waits} s: {shown}");
    }
    let contact = text_of(&message, "contact_id");
    let ledger = desk.all(&format!("/v1/contacts/{contact}/consents")).await;
    let revoked: Vec<_> = ledger.iter().map(|row| (row["purpose"].as_str(), row["state"].as_str())).collect();
    let expected = if effect == Revoked { vec![(Some("marketing"), Some("revoked"))] } else { vec![] };
    assert_eq!(revoked, expected, "{shown}");
    let numbers = repair(desk.world, &desk.tenant.id).await;
    assert_eq!(numbers, [if effect == Broken { "broken" } else { "live" }], "{shown}");
    if expected_to_wait(effect) {
        // Nobody shall try it again while the next row is looked at.
        let cancelled = desk.post(&format!("/v1/whatsapp/messages/{id}/cancel"), &json!({})).await;
        assert_eq!(cancelled.data()["status"], "cancelled", "{:?}", cancelled.json());
    }
    message
}

fn expected_to_wait(effect: Effect) -> bool {
    matches!(effect, Waits(_) | Broken)
}

#[tokio::test]
async fn each_code_of_the_graph_api_has_its_effect_and_words_to_act_on() {
    let world = World::start().await;
    let desk = world.desk("meta");
    for (number, (code, ours, effect)) in CODES.iter().enumerate() {
        let error = json!({"error": {"code": code, "message": SAID, "details": "Zorp glib."}});
        let message = row(&desk, number, error, ours, *effect).await;
        if *effect != Uncertain {
            assert_eq!(message["error"]["provider_code"], json!(code), "{message}");
            let said = text_of(&message["error"], "provider_message");
            assert_eq!(said, format!("{SAID}: Zorp glib."), "{message}");
        }
    }
}

#[tokio::test]
async fn gateways_old_shapes_and_http_itself_are_read_too() {
    let world = World::start().await;
    let desk = world.desk("dialog360");
    let body = |status: u16, body: Value| json!({"error": {"status": status, "body": body.to_string()}});
    let on_premise = |status: u16, code: i64| {
        body(
            status,
            json!({"errors": [{"code": code, "title": SAID, "details": "Zorp"}], "meta": {"version": "2"}}),
        )
    };
    let gateway = |status: u16| json!({"error": {"status": status, "message": SAID}});
    let template = json!({"error": {"message": SAID, "code": 100, "error_subcode": 2_388_073}});
    let rows = [
        (gateway(401), "integration_unauthorized", Broken),
        (gateway(403), "integration_unauthorized", Broken),
        (gateway(404), "integration_not_provisioned", Broken),
        (gateway(400), "provider_refused", Failed),
        (gateway(500), "outcome_unknown", Uncertain),
        (gateway(555), "outcome_unknown", Uncertain),
        (
            json!({"error": {"status": 429, "message": SAID, "retry_after": 120}}),
            "provider_rate_limited",
            Waits(120),
        ),
        (body(400, json!({"detail": SAID})), "provider_refused", Failed),
        (body(402, json!({"detail": SAID})), "payment_problem", Broken),
        (body(400, Value::Null), "provider_refused", Failed),
        (on_premise(400, 470), "outside_24h_window", Failed),
        (on_premise(400, 1013), "recipient_undeliverable", Failed),
        (on_premise(404, 1006), "invalid_parameter", Failed),
        (on_premise(401, 1005), "integration_unauthorized", Broken),
        (on_premise(429, 471), "spam_rate_limited", Waits(3600)),
        (body(400, template), "template_invalid", Failed),
        (json!({"reject_token": true}), "integration_unauthorized", Broken),
        (json!({"reset_before": true}), "outcome_unknown", Uncertain),
        (json!({"accept_then_status": 500}), "outcome_unknown", Uncertain),
        (json!({"accept_with_body": ""}), "outcome_unknown", Uncertain),
        (json!({"accept_with_body": "<html>502 Bad Gateway</html>"}), "outcome_unknown", Uncertain),
    ];
    world.behave(json!({"statuses": {"play": []}})).await;
    for (number, (action, code, effect)) in rows.into_iter().enumerate() {
        row(&desk, number, action, code, effect).await;
    }
}

#[tokio::test]
async fn ultramsgs_refusals_come_with_200_and_are_refusals_all_the_same() {
    let world = World::start().await;
    let desk = world.desk("ultramsg");
    let said = |error: Value| json!({"error": {"status": 200, "body": json!({"error": error}).to_string()}});
    let unpaid = "Your instance has been Stopped due to non-payment. Please renew.";
    let rows = [
        (
            said(json!("Wrong token. Please provide token as a GET parameter.")),
            "integration_unauthorized",
            Broken,
        ),
        (said(json!("Instance not found")), "integration_not_provisioned", Broken),
        (said(json!(unpaid)), "payment_problem", Broken),
        (said(json!([{"to": "is invalid"}])), "provider_refused", Failed),
        (said(json!(SAID)), "provider_refused", Failed),
        (json!({"error": {"status": 404, "body": "{}"}}), "integration_not_provisioned", Broken),
        (json!({"error": {"status": 429, "body": "{}"}}), "provider_rate_limited", Waits(5)),
        (json!({"error": {"status": 500, "body": "oops"}}), "outcome_unknown", Uncertain),
        (json!({"reject_token": true}), "integration_unauthorized", Broken),
        (json!({"accept_with_body": r#"{"sent":"true","error":"what?"}"#}), "outcome_unknown", Uncertain),
        (json!({"accept_then_cut_after_bytes": 5}), "outcome_unknown", Uncertain),
    ];
    world.behave(json!({"statuses": {"play": []}})).await;
    for (number, (action, code, effect)) in rows.into_iter().enumerate() {
        row(&desk, number, action, code, effect).await;
    }
}

#[tokio::test]
async fn a_message_that_was_taken_may_fail_later_with_the_same_codes() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let rows = [
        (131_026, "recipient_undeliverable", Failed),
        (131_047, "outside_24h_window", Failed),
        (131_049, "marketing_limit_reached", Failed),
        (131_050, "do_not_contact", Revoked),
        (130_472, "recipient_in_experiment", Failed),
        (132_015, "template_paused", Failed),
    ];
    for (number, (code, ours, effect)) in rows.into_iter().enumerate() {
        let phone = customer(&desk, number).await;
        let failed = json!({"code": code, "title": SAID, "details": "Zorp"});
        world.behave(json!({"statuses": {"play": ["sent"], "failed": failed}})).await;
        let message = desk.sends(&json!({"to": format!("+{phone}"), "text": "It is."})).await;
        assert_eq!(message["status"], "failed", "{code}: {message}");
        assert_eq!(message["error"]["code"], ours, "{code}: {message}");
        assert!(!text_of(&message["error"], "message").starts_with(SAID), "{message}");
        assert!(
            message["statuses"]["sent_at"].is_string() && message["statuses"]["failed_at"].is_string(),
            "{message}"
        );
        let path = format!("/v1/contacts/{}/consents", text_of(&message, "contact_id"));
        let ledger = desk.all(&path).await;
        assert_eq!(ledger.len(), usize::from(effect == Revoked), "{code}: {ledger:?}");
    }
    assert_eq!(repair(&world, &desk.tenant.id).await, ["live"]);
}
