//! Templates that exist: edits within the provider's limits, deletion, copies, reviews whose webhook was lost.

use crate::template_drafts::{LIST, call, done, handover, id, judged, one, refused, status_of};
use domain::time::Millis;
use e2e::World;
use platform::Platform;
use platform::clock::SystemClock;
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn drafts_are_edited_by_agents_and_registered_templates_by_admins_within_limits() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    let made = done(&world, "POST", "", &keys.live_agent, &one("opening_hours")).await;
    let id = id(&made["templates"][0]);
    let path = format!("/{id}");
    let edit = |body: &str| json!({"body": body});
    let row = done(&world, "PATCH", &path, &keys.live_agent, &edit("We are closed on {{day}}")).await;
    let findings = row["draft"]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|found| found["code"] == "variable_trailing"), "{findings:?}");
    let row = done(
        &world,
        "PATCH",
        &path,
        &keys.live_agent,
        &json!({"body": "We are closed on Friday.", "footer": "Your office"}),
    )
    .await;
    assert_eq!((&row["draft"]["findings"], &row["footer"]), (&json!([]), &json!("Your office")));
    let row = done(&world, "PATCH", &path, &keys.live_agent, &json!({"footer": null})).await;
    assert_eq!(row["footer"], Value::Null);
    assert_eq!(call(&world, "PATCH", &path, &keys.live_viewer, &edit("x")).await.status, 403);
    assert_eq!(call(&world, "PATCH", &path, &keys.live_agent, &json!({})).await.status, 400);

    done(&world, "POST", &format!("{path}/submit"), &keys.live_admin, &Value::Null).await;
    let pending = call(&world, "PATCH", &path, &keys.live_admin, &edit("Other words.")).await;
    assert_eq!(pending.status, 409);
    judged(&world, &tenant.id, "opening_hours", "en", json!({"status": "REJECTED", "reason": "x"})).await;

    // A rejected one is corrected and reviewed again, even in another category.
    assert_eq!(call(&world, "PATCH", &path, &keys.live_agent, &edit("Other words.")).await.status, 403);
    let again = json!({"body": "We are open on Sunday.", "category": "marketing"});
    let row = done(&world, "PATCH", &path, &keys.live_admin, &again).await;
    assert_eq!((&row["status"], &row["category"]), (&json!("pending"), &json!("marketing")));
    assert_eq!((&row["body"], &row["rejected_reason"]), (&json!("We are open on Sunday."), &Value::Null));

    // An approved one keeps its category and rests for a day between edits.
    judged(&world, &tenant.id, "opening_hours", "en", json!({"status": "APPROVED"})).await;
    let moved = call(&world, "PATCH", &path, &keys.live_admin, &json!({"category": "utility"})).await;
    assert_eq!(moved.status, 409);
    let soon = call(&world, "PATCH", &path, &keys.live_admin, &edit("We are open on Monday.")).await;
    assert_eq!(soon.status, 409);
    assert!(soon.headers.contains_key("retry-after"));
    world.advance(24 * 3600 + 1).await;
    let (status, _, findings) =
        refused(&call(&world, "PATCH", &path, &keys.live_admin, &edit("{{1}} is open.")).await);
    assert_eq!(status, 422);
    assert!(findings.contains(&("body".to_owned(), "variable_leading".to_owned())), "{findings:?}");
    for round in 0..8 {
        let row =
            done(&world, "PATCH", &path, &keys.live_admin, &edit(&format!("We moved {round} times."))).await;
        assert_eq!(row["status"], "pending", "{round}");
        judged(&world, &tenant.id, "opening_hours", "en", json!({"status": "APPROVED"})).await;
        world.advance(24 * 3600 + 1).await;
    }
    done(&world, "PATCH", &path, &keys.live_admin, &edit("We moved nine times.")).await;
    judged(&world, &tenant.id, "opening_hours", "en", json!({"status": "APPROVED"})).await;
    world.advance(24 * 3600 + 1).await;
    let eleventh = call(&world, "PATCH", &path, &keys.live_admin, &edit("We moved again.")).await;
    assert_eq!(eleventh.status, 409, "{:?}", eleventh.json());
    let wait: u64 = eleventh.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((19 * 24 * 3600..21 * 24 * 3600).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_template_is_deleted_in_its_language_by_an_admin_and_a_draft_by_an_agent() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    let made = done(&world, "POST", "?submit=true", &keys.live_admin, &handover("to_delete")).await;
    let [arabic, english] = [0, 1].map(|at| id(&made["templates"][at]));
    let path = format!("/{english}");
    assert_eq!(call(&world, "DELETE", &path, &keys.live_agent, &Value::Null).await.status, 403);
    let gone = done(&world, "DELETE", &path, &keys.live_admin, &Value::Null).await;
    assert_eq!(gone["status"], "deleted");
    assert_eq!(done(&world, "DELETE", &path, &keys.live_admin, &Value::Null).await["status"], "deleted");
    // The other language is there still, at the provider too.
    let synced = done(&world, "POST", "/sync", &keys.live_agent, &json!({})).await;
    assert_eq!(synced["removed"], 0, "{synced}");
    assert_eq!(status_of(&world, &keys.live_viewer, &arabic).await, "pending");

    let draft = done(&world, "POST", "", &keys.live_agent, &one("never_sent")).await;
    let path = format!("/{}", id(&draft["templates"][0]));
    assert_eq!(done(&world, "DELETE", &path, &keys.live_agent, &Value::Null).await["status"], "deleted");
    assert_eq!(
        call(&world, "POST", &format!("{path}/submit"), &keys.live_admin, &Value::Null).await.status,
        409
    );
    // The name of a draft is free again at once.
    let again = done(&world, "POST", "", &keys.live_agent, &one("never_sent")).await;
    assert_eq!(again["templates"][0]["status"], "draft");

    // The name of a registered one is not, and the provider says so.
    done(&world, "DELETE", &format!("/{arabic}"), &keys.live_admin, &Value::Null).await;
    let blocked = call(&world, "POST", "?submit=true", &keys.live_admin, &handover("to_delete")).await;
    assert_eq!((blocked.status.as_u16(), blocked.code().as_str()), (409, "conflict"));
    assert!(blocked.json()["error"]["message"].as_str().unwrap().contains("30 days"));
}

#[tokio::test]
async fn at_360dialog_a_name_goes_with_all_its_languages_and_is_not_edited() {
    let world = World::start().await;
    let keys = world.tenant("dialog360").keys;
    let made = done(&world, "POST", "?submit=true", &keys.live_admin, &handover("at_dialog")).await;
    let ids: Vec<String> = made["templates"].as_array().unwrap().iter().map(id).collect();
    assert!(made["templates"].as_array().unwrap().iter().all(|row| row["status"] == "pending"));
    let tenant = world.tenant("dialog360").id;
    judged(&world, &tenant, "at_dialog", "en", json!({"status": "REJECTED", "reason": "x"})).await;
    let path = format!("/{}", ids[1]);
    let edited = call(&world, "PATCH", &path, &keys.live_admin, &json!({"body": "Other words."})).await;
    assert_eq!(edited.status, 409, "{:?}", edited.json());
    assert_eq!(call(&world, "DELETE", &path, &keys.live_admin, &Value::Null).await.status, 409);
    done(&world, "DELETE", &format!("{path}?all_languages=true"), &keys.live_admin, &Value::Null).await;
    for id in &ids {
        assert_eq!(status_of(&world, &keys.live_viewer, id).await, "deleted");
    }
}

#[tokio::test]
async fn a_copy_has_another_name_or_language_and_may_be_customised_and_submitted_at_once() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    let source = world.all(&format!("{LIST}?name=viewing_confirmation&language=en"), &keys.live_viewer).await;
    let path = format!("/{}/clone", id(&source[0]));
    let copy = done(&world, "POST", &path, &keys.live_agent, &json!({"name": "viewing_friendly"})).await;
    assert_eq!((&copy["status"], &copy["language"]), (&json!("draft"), &json!("en")));
    assert_eq!((&copy["body"], &copy["category"]), (&source[0]["body"], &source[0]["category"]));
    assert_ne!(copy["id"], source[0]["id"]);
    // Lists tell no examples, so the copy of a foreign template lacks them.
    let findings = copy["draft"]["findings"].as_array().unwrap();
    assert!(
        !findings.is_empty() && findings.iter().all(|found| found["code"] == "example_missing"),
        "{findings:?}"
    );

    let taken = call(&world, "POST", &path, &keys.live_agent, &json!({"name": "viewing_friendly"})).await;
    assert_eq!((taken.status.as_u16(), &taken.data()["id"]), (201, &copy["id"]));
    let other = json!({"name": "viewing_friendly", "body": "Other words."});
    assert_eq!(call(&world, "POST", &path, &keys.live_agent, &other).await.status, 409);
    assert_eq!(call(&world, "POST", &path, &keys.live_agent, &json!({"name": "Bad Name"})).await.status, 422);
    let all = json!({"name": "viewing_short", "language": "en_GB", "header": null, "footer": null, "buttons": [],
        "body": "Hello, your viewing is on {{day}} with our team.", "examples": {"day": "Sunday"}, "submit": true});
    assert_eq!(call(&world, "POST", &path, &keys.live_agent, &all).await.status, 403);
    let submitted = done(&world, "POST", &path, &keys.live_admin, &all).await;
    assert_eq!((&submitted["status"], &submitted["language"]), (&json!("pending"), &json!("en_GB")));
}

#[tokio::test]
async fn a_foreign_template_is_nobodys() {
    let world = World::start().await;
    let made = done(&world, "POST", "", &world.tenant("meta").keys.live_agent, &one("ours_alone")).await;
    let path = format!("/{}", id(&made["templates"][0]));
    let other = world.tenant("dialog360").keys;
    for key in [&other.live_admin, &other.test_admin] {
        for (method, path, body) in [
            ("GET", path.clone(), Value::Null),
            ("PATCH", path.clone(), json!({"body": "x"})),
            ("DELETE", path.clone(), Value::Null),
            ("POST", format!("{path}/submit"), Value::Null),
            ("POST", format!("{path}/clone"), json!({"name": "stolen"})),
            ("POST", "/tpl_x/submit".to_owned(), Value::Null),
        ] {
            let answer = call(&world, method, &path, key, &body).await;
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_sweeper_asks_after_reviews_whose_webhook_was_lost() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    let made = done(&world, "POST", "?submit=true", &keys.live_admin, &one("quiet_review")).await;
    let id = id(&made["templates"][0]);
    // The list no longer has it, and no webhook says so; nor does it have the demo's own offer under review.
    let meta = tenant.meta.as_ref().unwrap();
    let bearer = format!("Bearer {}", meta.token);
    for name in ["quiet_review", "pending_offer"] {
        let path = format!("/_sim/graph/v26.0/{}/message_templates?name={name}", meta.waba_id);
        assert_eq!(world.send("DELETE", &path, &[("authorization", &bearer)], "").await.status, 200);
    }
    let sweep = async || {
        let answer = world.send("POST", "/_local/sweep", &[], "").await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
    };
    let store = Platform::new(&world.config(), Arc::new(SystemClock)).unwrap().store;
    let later = Millis::from_unix_ms((world.now_s() + 7 * 24 * 3600) * 1000);
    sweep().await;
    assert_eq!(status_of(&world, &keys.live_viewer, &id).await, "pending");
    assert_eq!(store.due_template_polls(later, 10).await.unwrap().len(), 1);

    // A list that cannot be read is read again later.
    let refuse =
        json!({"rules": [{"match": {"operation": "templates"}, "action": {"error": {"status": 500}}}]});
    world.behave(refuse).await;
    world.advance(10 * 60 + 1).await;
    sweep().await;
    assert_eq!(status_of(&world, &keys.live_viewer, &id).await, "pending");
    assert_eq!(store.due_template_polls(later, 10).await.unwrap().len(), 1);
    world.behave(json!({"rules": []})).await;
    world.advance(30 * 60 + 1).await;
    sweep().await;
    assert_eq!(status_of(&world, &keys.live_viewer, &id).await, "deleted");
    // Nothing is under review any more, so nobody is asked.
    assert_eq!(store.due_template_polls(later, 10).await.unwrap(), []);
}

#[tokio::test]
async fn lists_and_events_about_another_template_leave_a_draft_alone() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    let made = done(&world, "POST", "", &keys.live_agent, &one("still_a_draft")).await;
    let id = id(&made["templates"][0]);
    done(&world, "POST", "/sync", &keys.live_agent, &json!({})).await;
    let value = json!({"event": "APPROVED", "message_template_id": 77, "message_template_name": "still_a_draft",
        "message_template_language": "en", "reason": "NONE"});
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": tenant.meta.as_ref().unwrap().waba_id,
        "time": world.now_s(), "changes": [{"field": "message_template_status_update", "value": value}]}]});
    assert_eq!(world.from_meta(body.to_string()).await.status, 200);
    world.settled().await;
    assert_eq!(status_of(&world, &keys.live_viewer, &id).await, "draft");
}
