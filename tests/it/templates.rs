//! Templates: read from the providers, moved by their webhooks, found for a send (A22, F6).

use crate::number_health::viewing;
use crm::templates::{SyncError, for_send, sync};
use domain::ids::TenantId;
use domain::template::TemplateState;
use domain::time::Millis;
use e2e::{Answer, World};
use platform::Platform;
use platform::clock::SystemClock;
use platform::config::{Config, ProviderRoots};
use platform::transport::Transport;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const LIST: &str = "/v1/whatsapp/templates";

async fn synced(world: &World, key: &str) -> Value {
    let answer = world.post(&format!("{LIST}/sync"), key, &json!({})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.data()
}

/// The rows of one name, by language.
async fn named(world: &World, key: &str, name: &str) -> Vec<Value> {
    let mut rows = world.all(&format!("{LIST}?name={name}"), key).await;
    rows.sort_by_key(|row| row["language"].as_str().map(str::to_owned));
    rows
}

/// Calls Meta's side of the simulator, as a person in the Business Manager would.
async fn at_meta(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let meta = world.tenant("meta").meta.unwrap();
    let base = world.stack.ready().sim_url.replace(&world.stack.ready().base_url, "");
    let path = format!("{base}/graph/v26.0/{}/{path}", meta.waba_id);
    let bearer = format!("Bearer {}", meta.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let answer = world.send(method, &path, &headers, body.to_string()).await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.json());
    answer
}

async fn behave(world: &World, behaviour: Value) {
    let base = world.stack.ready().sim_url.replace(&world.stack.ready().base_url, "");
    let headers = [("content-type", "application/json")];
    let answer = world.send("PUT", &format!("{base}/behaviour"), &headers, behaviour.to_string()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    world.settled().await;
}

/// What a function of this stack is wired to.
fn outside(world: &World) -> (Platform, Transport) {
    let sim = &world.stack.ready().sim_url;
    let config = Config {
        tokens_key_id: "alias/hadar-local-tokens".to_owned(),
        providers: ProviderRoots {
            meta: format!("{sim}/graph"),
            dialog360: format!("{sim}/360dialog"),
            ultramsg: format!("{sim}/ultramsg"),
            ..ProviderRoots::default()
        },
        ..world.config()
    };
    (Platform::new(&config, Arc::new(SystemClock)).unwrap(), Transport::new(&config).unwrap())
}

fn now(world: &World) -> Millis {
    Millis::from_unix_ms(world.now_s() * 1000)
}

#[tokio::test]
async fn the_first_list_reads_every_template_of_the_provider() {
    let world = World::start().await;
    let meta = world.tenant("meta").keys;
    let rows = world.all(LIST, &meta.live_viewer).await;
    assert!(rows.len() >= 25, "{}", rows.len());
    let viewing = named(&world, &meta.live_viewer, "viewing_confirmation").await;
    let [arabic, english] = viewing.as_slice() else { panic!("{viewing:?}") };
    assert_eq!((&arabic["language"], &english["language"]), (&json!("ar"), &json!("en")));
    assert_eq!(english["variables"], json!(["agent_name", "property_name", "viewing_time"]));
    assert_eq!(english["parameter_format"], "named");
    assert_eq!((&english["status"], &english["category"]), (&json!("approved"), &json!("utility")));
    assert_eq!((&english["provider"], &english["drifted_from"]), (&json!("meta"), &Value::Null));

    let one = world.get(&format!("{LIST}/{}", english["id"].as_str().unwrap()), &meta.live_viewer).await;
    assert_eq!(&one.data(), english);
    let paused = world.all(&format!("{LIST}?status=paused"), &meta.live_viewer).await;
    assert!(!paused.is_empty() && paused.iter().all(|row| row["status"] == "paused"));
    let authentication =
        world.all(&format!("{LIST}?category=authentication&language=en"), &meta.live_viewer).await;
    assert!(
        !authentication.is_empty() && authentication.iter().all(|row| row["category"] == "authentication")
    );

    // The other numbers: 360dialog has the same demo, UltraMsg has no templates.
    let dialog360 = world.all(LIST, &world.tenant("dialog360").keys.live_viewer).await;
    assert_eq!(dialog360.len(), rows.len());
    assert!(dialog360.iter().all(|row| row["provider"] == "dialog360"));
    let ultramsg = world.tenant("ultramsg").keys;
    assert_eq!(world.all(LIST, &ultramsg.live_viewer).await, Vec::<Value>::new());
    let refused = world.post(&format!("{LIST}/sync"), &ultramsg.live_agent, &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "not_configured"));
}

#[tokio::test]
async fn three_pages_are_all_listed_after_a_sync_and_what_is_gone_is_marked() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    for number in 0..200 {
        let template = json!({"name": format!("notice_{number:03}"), "language": "en", "category": "UTILITY",
            "components": [{"type": "BODY", "text": "Our office moves next week."}]});
        at_meta(&world, "POST", "message_templates", &template).await;
    }
    let done = synced(&world, &keys.live_agent).await;
    let seen = done["seen"].as_u64().unwrap();
    assert!(seen >= 225, "{done}");
    assert_eq!((&done["changed"], &done["removed"]), (&json!(seen), &json!(0)));
    let rows = world.all(LIST, &keys.live_viewer).await;
    let ids: BTreeSet<_> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(u64::try_from(ids.len()).unwrap(), seen);
    let names: BTreeSet<_> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
    assert!((0..200).all(|number| names.contains(format!("notice_{number:03}").as_str())));

    let again = synced(&world, &keys.live_agent).await;
    assert_eq!(again, json!({"seen": seen, "changed": 0, "removed": 0}));

    at_meta(&world, "DELETE", "message_templates?name=notice_007", &Value::Null).await;
    let fewer = synced(&world, &keys.live_agent).await;
    assert_eq!(fewer, json!({"seen": seen - 1, "changed": 0, "removed": 1}));
    assert_eq!(named(&world, &keys.live_viewer, "notice_007").await[0]["status"], "deleted");
}

#[tokio::test]
async fn webhooks_pause_a_template_and_move_its_category() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let key = &tenant.keys.live_admin;
    synced(&world, key).await;
    let change = |more: Value| {
        let mut change = json!({"tenant_id": tenant.id, "name": "viewing_confirmation", "language": "en"});
        change.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"templates": [change]})
    };
    behave(&world, change(json!({"status": "PAUSED", "quality": "RED"}))).await;
    behave(&world, change(json!({"category": "MARKETING"}))).await;
    let rows = named(&world, key, "viewing_confirmation").await;
    let [arabic, english] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((&english["status"], &english["quality"]), (&json!("paused"), &json!("RED")));
    assert_eq!((&english["category"], &english["drifted_from"]), (&json!("marketing"), &json!("utility")));
    assert!(english["rejected_reason"].as_str().unwrap().contains("paused for 3 hours"));
    assert_eq!((&arabic["status"], &arabic["category"]), (&json!("approved"), &json!("utility")));

    // The webhooks stay readable, and a sync that finds the same moves nothing.
    let log = world.all("/v1/events?state=ignored", key).await;
    let reason = "followed: the template `viewing_confirmation` in `en` is reported as PAUSED";
    assert!(
        log.iter().any(|event| event["reason"].as_str().is_some_and(|said| said.starts_with(reason))),
        "{log:?}"
    );
    synced(&world, key).await;
    let english = &named(&world, key, "viewing_confirmation").await[1];
    assert_eq!((&english["status"], &english["drifted_from"]), (&json!("paused"), &json!("utility")));
}

#[tokio::test]
async fn webhooks_that_come_late_or_about_nothing_known_move_nothing() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let key = &tenant.keys.live_admin;
    let waba = tenant.meta.unwrap().waba_id;
    synced(&world, key).await;
    let event = |name: &str, event: &str, at_s: u64| {
        let value = json!({"event": event, "message_template_name": name, "message_template_language": "en",
            "reason": "NONE"});
        json!({"object": "whatsapp_business_account", "entry": [{"id": waba, "time": at_s,
            "changes": [{"field": "message_template_status_update", "value": value}]}]})
        .to_string()
    };
    let at = world.now_s();
    for body in [
        event("contract_ready", "DISABLED", at + 2),
        event("contract_ready", "PAUSED", at + 1),
        event("no_such_template", "APPROVED", at),
    ] {
        assert_eq!(world.from_meta(&body).await.status, 200);
        world.settled().await;
    }
    assert_eq!(named(&world, key, "contract_ready").await[1]["status"], "disabled");
    let log = world.all("/v1/events?state=ignored", key).await;
    let told = |part: &str| log.iter().any(|event| event["reason"].as_str().unwrap().contains(part));
    assert!(told("`contract_ready` in `en` is reported as PAUSED, but something newer is known"), "{log:?}");
    assert!(told("`no_such_template` in `en` is reported as APPROVED, but is not known here"), "{log:?}");
}

#[tokio::test]
async fn a_sandbox_twin_shows_the_templates_of_its_live_tenant_and_calls_nobody() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    assert_eq!(world.all(LIST, &keys.test_admin).await, Vec::<Value>::new());
    let live = world.all(LIST, &keys.live_viewer).await;
    assert_eq!(world.all(LIST, &keys.test_admin).await, live);
    let id = live[0]["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("{LIST}/{id}"), &keys.test_admin).await.data(), live[0]);
    let refused = world.post(&format!("{LIST}/sync"), &keys.test_admin, &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conflict"));
    // Another tenant's template is nobody's.
    let foreign = world.get(&format!("{LIST}/{id}"), &world.tenant("dialog360").keys.live_admin).await;
    assert_eq!(foreign.status, 404);
}

#[tokio::test]
async fn wrong_filters_are_named_and_a_provider_that_refuses_is_no_fault_of_ours() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let keys = &tenant.keys;
    for (query, field) in [
        ("status=APPROVED", "status"),
        ("category=service", "category"),
        ("name=", "name"),
        ("limit=0", "limit"),
        ("lang=en", "lang"),
    ] {
        let answer = world.get(&format!("{LIST}?{query}"), &keys.live_viewer).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["field"]),
            (400, &json!(field)),
            "{query}"
        );
    }
    assert_eq!(world.get(&format!("{LIST}/tpl_x"), &keys.live_viewer).await.status, 404);
    assert_eq!(world.post(&format!("{LIST}/sync"), &keys.live_viewer, &json!({})).await.status, 403);

    behave(
        &world,
        json!({"rules": [{"match": {"operation": "templates"}, "action": {"reject_token": true}}]}),
    )
    .await;
    let refused = world.post(&format!("{LIST}/sync"), &keys.live_agent, &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "service_unavailable"));
    let details = &refused.json()["error"]["details"];
    assert_eq!((&details["source"], &details["provider_status"]), (&json!("provider"), &json!(401)));
    // The list is what is known; the provider is asked again a little later.
    assert_eq!(world.all(LIST, &keys.live_viewer).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_send_finds_a_template_by_its_name_and_syncs_when_it_must() {
    let world = World::start().await;
    let (platform, transport) = outside(&world);
    let tenant = TenantId::parse(&world.tenant("meta").id).unwrap();
    let find = |tenant, name: &'static str, now| for_send(&platform, &transport, tenant, name, now);
    let at = now(&world);

    let rows = find(tenant, "area_summary", at).await.unwrap();
    let languages: BTreeSet<_> = rows.iter().map(|row| row.language.as_str()).collect();
    assert_eq!(languages, BTreeSet::from(["ar", "en"]));
    // As registered, although the name ends in a language; then without it.
    let registered = find(tenant, "viewing_confirmation_en", at).await.unwrap();
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0].name, "viewing_confirmation_en");
    let suffixed = find(tenant, "area_summary_ar", at).await.unwrap();
    assert_eq!((suffixed.len(), suffixed[0].name.as_str()), (1, "area_summary"));
    assert_eq!(suffixed[0].language, "ar");

    // A new template is found once the lists are over a minute old.
    let template = json!({"name": "brand_new", "language": "en", "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Welcome to our new office."}]});
    at_meta(&world, "POST", "message_templates", &template).await;
    assert_eq!(find(tenant, "brand_new", at.plus_ms(60_000)).await.unwrap(), []);
    let found = find(tenant, "brand_new", at.plus_ms(60_001)).await.unwrap();
    assert_eq!((found.len(), found[0].state), (1, TemplateState::Pending));

    let sandbox = TenantId::parse(&world.tenant("meta").sandbox_id).unwrap();
    assert_eq!(find(sandbox, "area_summary", at).await.unwrap(), rows);
    let ultramsg = TenantId::parse(&world.tenant("ultramsg").id).unwrap();
    assert_eq!(find(ultramsg, "area_summary", at).await.unwrap(), []);
    let refused = sync(&platform, &transport, sandbox, at).await;
    assert!(matches!(refused, Err(SyncError::NotConfigured)), "{refused:?}");
}

#[tokio::test]
async fn a_send_that_knows_no_template_and_reaches_no_provider_says_so() {
    let world = World::start().await;
    let (platform, transport) = outside(&world);
    let tenant = TenantId::parse(&world.tenant("meta").id).unwrap();
    behave(
        &world,
        json!({"rules": [{"match": {"operation": "templates"}, "times": 1,
        "action": {"error": {"status": 500}}}]}),
    )
    .await;
    let find = |now| for_send(&platform, &transport, tenant, "area_summary", now);
    let at = now(&world);
    let failed = find(at).await;
    assert!(matches!(failed, Err(SyncError::Refused { status: 500, .. })), "{failed:?}");
    let resting = find(at.plus_ms(1_000)).await;
    assert!(matches!(resting, Err(SyncError::JustFailed)), "{resting:?}");
    assert_eq!(find(at.plus_ms(10_001)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_burst_of_first_messages_waits_for_one_reading_of_the_lists() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let slow = json!({"match": {"operation": "templates"}, "action": {"delay_ms": 400}});
    behave(&world, json!({"rules": [slow]})).await;
    let bodies: Vec<Value> = (10..40).map(|n| viewing(&json!({"to": format!("+9715022200{n}")}))).collect();
    let all = futures_util::future::join_all(bodies.iter().map(|body| desk.says(body))).await;
    for answer in all {
        assert_eq!(answer.status, 202, "{:?}", answer.json());
    }
}

#[tokio::test]
async fn a_template_is_not_called_unknown_while_nobody_could_read_the_list() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let refusal =
        json!({"match": {"operation": "templates"}, "action": {"error": {"status": 429, "code": 4}}});
    behave(&world, json!({"rules": [refusal]})).await;
    let body = json!({"to": "+971501234567", "template": {"name": "contract_ready", "language": "en"}});
    for path in ["/v1/whatsapp/messages", "/v1/whatsapp/preflight"] {
        // Asked, then a moment after it came to nothing.
        for _ in 0..2 {
            let answer = world.post(path, &keys.live_agent, &body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (503, "service_unavailable"),
                "{path}"
            );
            assert!(answer.headers.contains_key("retry-after"), "{path}");
        }
    }
    behave(&world, json!({"rules": []})).await;
    world.advance(11).await;
    let answer = world.post("/v1/whatsapp/messages", &keys.live_agent, &body).await;
    assert_eq!(answer.status, 202, "{:?}", answer.json());
}

#[tokio::test]
async fn two_sends_that_meet_at_the_first_reading_of_the_list_are_both_told_the_truth() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let slow = json!({"match": {"operation": "templates"}, "times": 1, "action": {"delay_ms": 300}});
    behave(&world, json!({"rules": [slow]})).await;
    let body = |n: u32| json!({"to": format!("+97150123456{n}"), "template": {"name": "contract_ready", "language": "en"}});
    let (one, two) = (body(1), body(2));
    let path = "/v1/whatsapp/messages";
    let (one, two) =
        tokio::join!(world.post(path, &keys.live_agent, &one), world.post(path, &keys.live_agent, &two));
    for answer in [&one, &two] {
        assert!([202, 503].contains(&answer.status.as_u16()), "{:?}", answer.json());
    }
    assert!(one.status == 202 || two.status == 202);
}
