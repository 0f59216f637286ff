//! Templates written here: drafts, lint, submission, review, starter packs, sandbox twins (A35, F6).

use domain::ids::TenantId;
use e2e::{Answer, World};
use platform::Platform;
use platform::clock::SystemClock;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) const LIST: &str = "/v1/whatsapp/templates";

pub(crate) async fn call(world: &World, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.send(method, &format!("{LIST}{path}"), &headers, body).await
}

pub(crate) async fn done(world: &World, method: &str, path: &str, key: &str, body: &Value) -> Value {
    let answer = call(world, method, path, key, body).await;
    assert!(answer.status.is_success(), "{method} {path}: {:?}", answer.json());
    answer.data()
}

/// The status, code and findings of a refusal.
pub(crate) fn refused(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let findings = answer.json()["error"]["details"]["findings"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = findings.iter().map(|one| (text(&one["field"]), text(&one["code"]))).collect();
    (answer.status.as_u16(), answer.code(), findings)
}

pub(crate) fn handover(name: &str) -> Value {
    json!({"name": name, "category": "utility", "languages": {
        "en": {"body": "Hello {{client_name}}, your keys are ready at {{office_name}} from tomorrow on.",
            "examples": {"client_name": "Omar", "office_name": "Marina Plaza"}},
        "ar": {"body": "مرحباً {{client_name}}، مفاتيحكم جاهزة في {{office_name}} ابتداءً من يوم غد.",
            "examples": {"client_name": "عمر", "office_name": "مارينا بلازا"}}}})
}

pub(crate) fn one(name: &str) -> Value {
    json!({"name": name, "language": "en", "category": "utility", "body": "Our office is closed on Friday."})
}

pub(crate) fn id(template: &Value) -> String {
    template["id"].as_str().unwrap().to_owned()
}

/// How many templates Meta has whose names hold this.
async fn at_meta(world: &World, name: &str) -> usize {
    let meta = world.tenant("meta").meta.unwrap();
    let path = format!("/_sim/graph/v26.0/{}/message_templates?name={name}", meta.waba_id);
    let bearer = format!("Bearer {}", meta.token);
    let answer = world.send("GET", &path, &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.json()["data"].as_array().unwrap().len()
}

/// Meta judges a template, and tells so.
pub(crate) async fn judged(world: &World, tenant: &str, name: &str, language: &str, more: Value) {
    let mut change = json!({"tenant_id": tenant, "name": name, "language": language});
    change.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.behave(json!({"templates": [change]})).await;
    world.settled().await;
}

pub(crate) async fn status_of(world: &World, key: &str, id: &str) -> Value {
    done(world, "GET", &format!("/{id}"), key, &Value::Null).await["status"].clone()
}

#[tokio::test]
async fn a_draft_is_submitted_reviewed_and_sent() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    let made = done(&world, "POST", "", &keys.live_agent, &handover("key_handover")).await;
    let drafts = made["templates"].as_array().unwrap();
    assert_eq!(drafts.len(), 2);
    for draft in drafts {
        assert_eq!((&draft["status"], &draft["provider"]), (&json!("draft"), &json!("meta")));
        assert_eq!(draft["draft"]["findings"], json!([]));
        assert_eq!(draft["variables"], json!(["client_name", "office_name"]));
        assert!(draft["draft"]["examples"]["client_name"].is_string());
    }
    assert_eq!(at_meta(&world, "key_handover").await, 0);
    let listed = world.all(&format!("{LIST}?status=draft"), &keys.live_viewer).await;
    assert_eq!(listed.len(), 2);

    // Submitting is for admins; a draft is not sent.
    let [english, arabic] =
        ["en", "ar"].map(|code| id(drafts.iter().find(|draft| draft["language"] == code).unwrap()));
    let path = format!("/{english}/submit");
    assert_eq!(call(&world, "POST", &path, &keys.live_agent, &Value::Null).await.status, 403);
    let send = json!({"to": "+971501112233", "template": {"name": "key_handover", "language": "en",
        "variables": {"client_name": "Sara", "office_name": "Marina"}}});
    let early = world.post("/v1/whatsapp/messages", &keys.live_agent, &send).await;
    assert_eq!((early.status.as_u16(), early.code().as_str()), (422, "template_not_approved"));
    assert_eq!(early.json()["error"]["details"]["state"], "draft");

    for id in [&english, &arabic] {
        let submitted = done(&world, "POST", &format!("/{id}/submit"), &keys.live_admin, &Value::Null).await;
        assert_eq!((&submitted["status"], &submitted["category"]), (&json!("pending"), &json!("utility")));
    }
    let again = call(&world, "POST", &path, &keys.live_admin, &Value::Null).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (409, "conflict"));

    // The review is an event; until it comes, nothing moves.
    assert_eq!(status_of(&world, &keys.live_viewer, &english).await, "pending");
    judged(&world, &tenant.id, "key_handover", "en", json!({"status": "APPROVED"})).await;
    assert_eq!(status_of(&world, &keys.live_viewer, &english).await, "approved");
    let rejected = json!({"status": "REJECTED", "reason": "INVALID_FORMAT"});
    judged(&world, &tenant.id, "key_handover", "ar", rejected).await;
    let row = done(&world, "GET", &format!("/{arabic}"), &keys.live_viewer, &Value::Null).await;
    assert_eq!((&row["status"], &row["rejected_reason"]), (&json!("rejected"), &json!("INVALID_FORMAT")));

    let sent = world.post("/v1/whatsapp/messages", &keys.live_agent, &send).await;
    assert_eq!(sent.status, 202, "{:?}", sent.json());

    // What was submitted is in the audit log, once for each.
    let store = Platform::new(&world.config(), Arc::new(SystemClock)).unwrap().store;
    let log = store.audit_entries(TenantId::parse(&tenant.id).unwrap(), None, 10).await.unwrap();
    let told: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.target.as_str())).collect();
    assert_eq!(told, [("template.submit", arabic.as_str()), ("template.submit", english.as_str())]);
}

#[tokio::test]
async fn what_the_review_would_refuse_is_all_told_before_anybody_is_asked() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    for (name, language) in [("Key-Handover", "en"), ("key_handover", "english")] {
        let body = json!({"name": name, "language": language, "category": "utility", "body": "Hi"});
        let (status, code, findings) = refused(&call(&world, "POST", "", &keys.live_agent, &body).await);
        assert_eq!((status, code.as_str(), findings.len()), (422, "template_invalid", 1));
    }
    // A draft may be as wrong as it likes; what is wrong with it is told.
    let wrong = json!({"name": "wrong", "language": "en", "category": "marketing",
        "body": "{{client_name}} {{time}}", "footer": "Bye {{1}}",
        "header": {"format": "image"}, "buttons": [{"type": "quick_reply", "text": "x".repeat(30)}]});
    let made = done(&world, "POST", "", &keys.live_agent, &wrong).await;
    let draft = &made["templates"][0];
    let told = draft["draft"]["findings"].as_array().unwrap().len();
    let answer =
        call(&world, "POST", &format!("/{}/submit", id(draft)), &keys.live_admin, &Value::Null).await;
    let (status, code, findings) = refused(&answer);
    assert_eq!((status, code.as_str(), findings.len()), (422, "template_invalid", told));
    let expected = [
        ("header.header_handle", "example_missing"),
        ("body", "variable_leading"),
        ("body", "variable_trailing"),
        ("body", "variables_adjacent"),
        ("body", "too_many_variables"),
        ("footer", "variable_not_allowed"),
        ("examples.client_name", "example_missing"),
        ("examples.time", "example_missing"),
        ("buttons[0].text", "too_long"),
    ];
    let found: BTreeSet<_> = findings.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
    assert!(expected.iter().all(|one| found.contains(one)), "{found:?}");
    assert_eq!(status_of(&world, &keys.live_viewer, &id(draft)).await, "draft");

    // In one call nothing is kept of a template that would be refused, and languages must agree.
    let mut uneven = handover("uneven");
    uneven["languages"]["ar"]["body"] = json!("مرحباً {{client_name}}، مفاتيحكم جاهزة ابتداءً من يوم غد.");
    uneven["languages"]["ar"]["examples"] = json!({"client_name": "عمر"});
    assert_eq!(call(&world, "POST", "?submit=true", &keys.live_agent, &uneven).await.status, 403);
    let (status, _, findings) =
        refused(&call(&world, "POST", "?submit=true", &keys.live_admin, &uneven).await);
    let of = |language: &str| (format!("languages.{language}.body"), "parity_variables".to_owned());
    assert_eq!((status, findings), (422, vec![of("ar"), of("en")]));
    assert!(world.all(&format!("{LIST}?name=uneven"), &keys.live_viewer).await.is_empty());
    assert_eq!(at_meta(&world, "wrong").await + at_meta(&world, "uneven").await, 0);

    for (body, field) in [
        (json!({"name": "a", "language": "en", "category": "service", "body": "x"}), "category"),
        (json!({"name": "a", "category": "utility", "body": "x"}), "language"),
        (json!({"name": "a", "language": "en", "category": "utility", "body": "x", "colour": 1}), "colour"),
    ] {
        let answer = call(&world, "POST", "", &keys.live_agent, &body).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["field"]),
            (400, &json!(field)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn the_provider_may_refuse_move_the_category_or_be_silent() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    let rule = |action: Value| {
        json!({"rules": [{"match": {"operation": "templates", "tenant_id": tenant.id}, "times": 1,
            "action": action}]})
    };
    done(&world, "GET", "", &keys.live_viewer, &Value::Null).await;
    let made = done(&world, "POST", "", &keys.live_agent, &one("office_notice")).await;
    let path = format!("/{}/submit", id(&made["templates"][0]));

    // A fault of the provider leaves a draft, and the same call may be made again.
    world.behave(rule(json!({"error": {"status": 500}}))).await;
    let failed = call(&world, "POST", &path, &keys.live_admin, &Value::Null).await;
    assert_eq!((failed.status.as_u16(), failed.code().as_str()), (503, "service_unavailable"));
    // Another admin is asked to wait, for the answer may still come.
    let busy = call(&world, "POST", &path, &keys.live_admin, &Value::Null).await;
    assert_eq!((busy.status.as_u16(), busy.code().as_str()), (409, "conflict"));
    world.advance(31).await;
    let taken = done(&world, "POST", &path, &keys.live_admin, &Value::Null).await;
    assert_eq!(taken["status"], "pending");

    // A refusal of what only the provider knows is told as a finding.
    let double = done(&world, "POST", "", &keys.live_agent, &one("office_news")).await;
    let path = format!("/{}/submit", id(&double["templates"][0]));
    let body = json!({"error": {"message": "Invalid parameter", "code": 100, "error_subcode": 2_388_293,
        "error_user_msg": "Too many variables for its length."}});
    world.behave(rule(json!({"error": {"status": 400, "body": body.to_string()}}))).await;
    let (status, code, findings) =
        refused(&call(&world, "POST", &path, &keys.live_admin, &Value::Null).await);
    assert_eq!((status, code.as_str()), (422, "template_invalid"));
    assert_eq!(findings, [("body".to_owned(), "refused_by_provider".to_owned())]);
    // It is a draft again, at once.
    assert_eq!(done(&world, "POST", &path, &keys.live_admin, &Value::Null).await["status"], "pending");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_found_by_the_next_run() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    done(&world, "GET", "", &keys.live_viewer, &Value::Null).await;
    let made = done(&world, "POST", "", &keys.live_agent, &one("lost_answer")).await;
    let path = format!("/{}/submit", id(&made["templates"][0]));
    world
        .behave(json!({"rules": [{"match": {"operation": "templates", "tenant_id": tenant.id}, "times": 1,
            "action": {"accept_then_reset": true}}]}))
        .await;
    let lost = call(&world, "POST", &path, &keys.live_admin, &Value::Null).await;
    assert_eq!(lost.status, 503, "{:?}", lost.json());
    world.advance(31).await;
    assert_eq!(done(&world, "POST", &path, &keys.live_admin, &Value::Null).await["status"], "pending");
}

#[tokio::test]
async fn one_request_with_one_key_makes_one_template() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let bearer = format!("Bearer {}", keys.live_admin);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "template-1"),
    ];
    let body = handover("once_only").to_string();
    let path = format!("{LIST}?submit=true");
    let first = world.send("POST", &path, &headers, body.clone()).await;
    assert_eq!(first.status, 201, "{:?}", first.json());
    assert!(first.data()["templates"].as_array().unwrap().iter().all(|row| row["status"] == "pending"));
    let second = world.send("POST", &path, &headers, body).await;
    assert_eq!((second.status.as_u16(), second.data()), (201, first.data()));
    let other = call(&world, "POST", "", &keys.live_admin, &handover("once_only")).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (409, "conflict"));

    // A creation that made its draft and found the provider down goes on under its key.
    let key = [headers[0], headers[1], ("idempotency-key", "template-2")];
    let failing =
        json!({"match": {"operation": "templates"}, "times": 1, "action": {"error": {"status": 500}}});
    world.behave(json!({"rules": [failing]})).await;
    let body = one("second_try").to_string();
    assert_eq!(world.send("POST", &path, &key, body.clone()).await.status, 503);
    world.advance(31).await;
    let second = world.send("POST", &path, &key, body).await;
    assert_eq!(second.status, 201, "{:?}", second.json());
    assert_eq!(second.data()["templates"][0]["status"], "pending");
}

#[tokio::test]
async fn a_starter_pack_becomes_drafts_that_can_be_submitted_as_they_are() {
    let world = World::start().await;
    let packs = done(&world, "GET", "/packs", &world.tenant("meta").keys.live_viewer, &Value::Null).await;
    let templates = packs["packs"][0]["templates"].as_array().unwrap().clone();
    assert_eq!((&packs["packs"][0]["pack"], templates.len()), (&json!("real_estate"), 5));
    assert!(
        templates.iter().all(|one| one["languages"]["ar"].is_object() && one["languages"]["en"].is_object())
    );

    // The Meta tenant has three of the names already.
    let keys = world.tenant("meta").keys;
    let install = "/packs/real_estate/install";
    assert_eq!(call(&world, "POST", install, &keys.live_viewer, &Value::Null).await.status, 403);
    assert_eq!(call(&world, "POST", "/packs/law/install", &keys.live_agent, &Value::Null).await.status, 404);
    let installed = done(&world, "POST", install, &keys.live_agent, &Value::Null).await;
    assert_eq!(installed["skipped"], json!(["viewing_confirmation", "area_summary", "listing_share"]));
    let drafts = installed["templates"].as_array().unwrap();
    assert_eq!(drafts.len(), 4);
    for draft in drafts {
        assert_eq!((&draft["status"], &draft["draft"]["findings"]), (&json!("draft"), &json!([])));
        let path = format!("/{}/submit", id(draft));
        let submitted = done(&world, "POST", &path, &keys.live_admin, &Value::Null).await;
        assert_eq!(submitted["status"], "pending", "{submitted}");
    }
    let again = done(&world, "POST", install, &keys.live_agent, &Value::Null).await;
    assert_eq!((again["skipped"].as_array().unwrap().len(), &again["templates"]), (5, &json!([])));

    // UltraMsg reviews nothing: all ten are approved here as soon as they are submitted, and sent as words.
    let keys = world.tenant("ultramsg").keys;
    let installed = done(&world, "POST", install, &keys.live_agent, &Value::Null).await;
    let drafts = installed["templates"].as_array().unwrap();
    assert_eq!((drafts.len(), &installed["skipped"]), (10, &json!([])));
    for draft in drafts {
        let path = format!("/{}/submit", id(draft));
        let submitted = done(&world, "POST", &path, &keys.live_admin, &Value::Null).await;
        assert_eq!((&submitted["status"], &submitted["provider"]), (&json!("approved"), &json!("ultramsg")));
    }
}

#[tokio::test]
async fn a_sandbox_has_templates_of_its_own_and_nothing_leaves_it() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    let live = world.all(LIST, &keys.live_viewer).await;
    let made = done(&world, "POST", "?submit=true", &keys.test_admin, &handover("only_here")).await;
    for row in made["templates"].as_array().unwrap() {
        assert_eq!((&row["status"], &row["provider"]), (&json!("approved"), &json!("sandbox")));
    }
    assert_eq!(at_meta(&world, "only_here").await, 0);
    assert_eq!(world.all(LIST, &keys.live_viewer).await, live);
    let mut both = Vec::new();
    let mut next = format!("{LIST}?limit=7");
    loop {
        let page = world.get(&next, &keys.test_admin).await.data();
        both.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["pagination"]["next_cursor"].as_str() else { break };
        next = format!("{LIST}?limit=7&cursor={cursor}");
    }
    assert_eq!(both.len(), live.len() + 2);
    let ids: BTreeSet<String> = both.iter().map(id).collect();
    assert_eq!(ids.len(), both.len());

    // Those of the live tenant are read, copied, and not touched.
    let path = format!("/{}", id(&live[0]));
    for (method, path, body) in [
        ("PATCH", path.clone(), json!({"body": "x"})),
        ("DELETE", path.clone(), Value::Null),
        ("POST", format!("{path}/submit"), Value::Null),
    ] {
        assert_eq!(call(&world, method, &path, &keys.test_admin, &body).await.status, 409, "{method} {path}");
    }
    let copy =
        done(&world, "POST", &format!("{path}/clone"), &keys.test_admin, &json!({"name": "a_copy"})).await;
    assert_eq!((&copy["status"], &copy["provider"]), (&json!("draft"), &json!("sandbox")));
    let send = json!({"to": "+971501112233", "template": {"name": "only_here", "language": "en",
        "variables": {"client_name": "Sara", "office_name": "Marina"}}});
    let sent = world.post("/v1/whatsapp/messages", &keys.test_admin, &send).await;
    assert_eq!(sent.status, 202, "{:?}", sent.json());
}

#[tokio::test]
async fn an_example_without_a_name_is_refused_and_not_kept() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let body = json!({"name": "nameless", "category": "utility", "language": "en", "body": "Hello {{name}}, welcome.",
        "examples": {"": "Sara"}});
    let answer = world.post(LIST, &keys.live_agent, &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "validation_error"),
        "{:?}",
        answer.json()
    );
    assert_eq!(answer.json()["error"]["field"], "examples", "{:?}", answer.json());
    assert_eq!(world.all(&format!("{LIST}?name=nameless"), &keys.live_agent).await, Vec::<Value>::new());
}
