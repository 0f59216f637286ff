//! Sealed secrets where somebody meddles with the table, and while the key service opens none.

use crate::outbox::texts;
use crm::rewrap::{Rewrapped, rewrap};
use domain::ids::TenantId;
use domain::tenant::Plan;
use e2e::desk::{MESSAGES, text_of};
use e2e::receiver::Receiver;
use e2e::{Shop, World};
use platform::aws::Service;
use platform::dynamo::Integration;
use serde_json::{Value, json};
use std::time::Duration;

const CUSTOMER: &str = "971501234567";

async fn number(shop: &Shop<'_>) -> Integration {
    let facts =
        shop.world.platform().store.tenant_facts_now(TenantId::parse(&shop.id).unwrap()).await.unwrap();
    facts.integrations.into_iter().next().unwrap()
}

async fn save(shop: &Shop<'_>, number: &Integration) {
    let tenant = TenantId::parse(&shop.id).unwrap();
    shop.world.platform().store.save_integration(tenant, number).await.unwrap();
}

/// Sends a text into the shop's conversation with the customer; the message as soon as it says why it waits, or is sent.
async fn sends(shop: &Shop<'_>) -> Value {
    let conversation = &shop.world.all("/v1/conversations", &shop.viewer).await[0];
    let body = json!({"conversation_id": conversation["id"], "text": "hello"});
    let answer = shop.world.post(MESSAGES, &shop.agent, &body).await;
    assert_eq!(answer.status, 202, "{:?}", answer.json());
    let path = format!("{MESSAGES}/{}", text_of(&answer.data(), "id"));
    for _ in 0..500 {
        let message = shop.world.get(&path, &shop.viewer).await.data();
        if message["error"].is_object() || message["status"] == "sent" || message["status"] == "read" {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the message neither went nor said why");
}

#[tokio::test]
async fn a_secret_moved_to_another_tenant_field_or_version_opens_nothing_and_stops_the_number() {
    let world = World::start().await;
    let other = world.shop("other", Plan::Starter).await;
    other.connect(&other.account("ultramsg", "11310001")).await;
    let foreign = number(&other).await.sealed["token"].clone();
    for moved in ["tenant", "field", "version"] {
        let mark = match moved {
            "tenant" => "11310002",
            "field" => "11310003",
            _ => "11310004",
        };
        let shop = world.shop(moved, Plan::Starter).await;
        let account = shop.account("ultramsg", mark);
        shop.connect(&account).await;
        let before = number(&shop).await;
        assert_eq!(shop.connect(&account).await.status, 200);
        shop.hears(CUSTOMER, "hello").await;
        let saved = number(&shop).await;
        let mut meddled = saved.clone();
        let stolen = match moved {
            "tenant" => foreign.clone(),
            "field" => saved.sealed["webhook_secret"].clone(),
            _ => before.sealed["token"].clone(),
        };
        meddled.sealed.insert("token".to_owned(), stolen);
        save(&shop, &meddled).await;
        let waits = sends(&shop).await;
        assert_eq!(
            (&waits["status"], &waits["error"]["code"]),
            (&json!("queued"), &json!("integration_broken")),
            "{moved}: {waits}"
        );
        world.settled().await;
        let card = shop.card("ultramsg").await;
        assert_eq!(card["status"], "broken", "{moved}: {card}");
        assert!(!card.to_string().contains("ultratoken"), "{moved}: {card}");
        // Saving the settings again repairs it, and what waited goes.
        assert_eq!(shop.connect(&account).await.status, 200, "{moved}");
        world.settled().await;
        let path = format!("{MESSAGES}/{}", text_of(&waits, "id"));
        assert_ne!(world.get(&path, &shop.viewer).await.data()["status"], "queued", "{moved}");
    }
}

#[tokio::test]
async fn wrapped_anew_every_secret_opens_as_before_and_a_second_run_harms_nothing() {
    let options = local::Options { allow_loopback_endpoints: true, ..local::Options::default() };
    let world = World::start_with(options).await;
    let shop = world.shop("rewrap", Plan::Starter).await;
    shop.connect(&shop.account("ultramsg", "11320001")).await;
    shop.hears(CUSTOMER, "hello").await;
    let receiver = Receiver::start().await;
    world.register(&shop.admin, &receiver.url, &["*"]).await;
    let tenant = TenantId::parse(&shop.id).unwrap();
    let platform = world.platform();
    let before = platform.store.sealed_items(tenant).await.unwrap();
    let values: usize = before.iter().map(|item| item.values.len()).sum();
    assert_eq!((before.len(), values), (2, 3), "token, webhook secret, receiver: {before:?}");
    for _ in 0..2 {
        let done = rewrap(&platform, tenant).await.unwrap();
        assert_eq!(done, Rewrapped { done: 3, moved: 0, damaged: 0 });
    }
    let after = platform.store.sealed_items(tenant).await.unwrap();
    for (old, new) in before.iter().zip(&after) {
        assert!(old.values.keys().eq(new.values.keys()));
        assert!(old.values.iter().all(|(name, value)| new.values[name] != *value), "{old:?}");
        // A writer who read before is not overwritten, nor does it overwrite.
        assert!(!platform.store.replace_sealed(tenant, old, &old.values).await.unwrap());
    }
    // Nobody may remember the old wrapping: the data keys are asked for anew.
    world.advance(301).await;
    assert_eq!(shop.hears(CUSTOMER, "again").await, 1);
    let sent = sends(&shop).await;
    assert!(sent["error"].is_null(), "{sent}");
    // A value that does not open stays, is counted, and does not keep the others from being done.
    let mut meddled = number(&shop).await;
    let stolen = meddled.sealed["token"].replacen('A', "B", 3);
    meddled.sealed.insert("token".to_owned(), stolen.clone());
    save(&shop, &meddled).await;
    let done = rewrap(&platform, tenant).await.unwrap();
    assert_eq!((done.done, done.damaged), (2, 1), "{done:?}");
    assert_eq!(number(&shop).await.sealed["token"], stolen);
}

#[tokio::test]
async fn while_the_key_is_switched_off_sends_wait_known_webhooks_go_on_and_all_recover() {
    let world = World::start().await;
    let desk = world.desk("meta");
    // The webhook knows Meta's secret now; nobody knows 360dialog's, and the sender knows none.
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let described =
        world.aws(Service::Kms, "DescribeKey", &json!({"KeyId": "alias/hadar-local-tokens"})).await;
    let key = json!({"KeyId": described["KeyMetadata"]["KeyId"]});
    world.aws(Service::Kms, "DisableKey", &key).await;

    let said = desk.says(&json!({"conversation_id": conversation, "text": "waits"})).await;
    assert_eq!(said.status, 202, "{:?}", said.json());
    let id = text_of(&said.data(), "id");
    let waits = desk.until(&id, |message| message["error"].is_object()).await;
    assert_eq!(
        (&waits["status"], &waits["error"]["code"], &waits["attempts"]),
        (&json!("queued"), &json!("key_service_unavailable"), &json!(0)),
        "{waits}"
    );
    assert!(desk.sent().is_empty());
    let body = world.meta_body().text("wamid.kms1", CUSTOMER, world.now_s(), "still heard");
    assert_eq!(world.from_meta(body.json().to_string()).await.status, 200, "a cached secret goes on");
    let body = json!({"object": "whatsapp_business_account", "entry": []}).to_string();
    let refused = world.from_dialog360(&body).await;
    assert_eq!(refused.status, 503, "not 401: the provider must come again: {:?}", refused.json());
    assert!(refused.headers.contains_key("retry-after"));
    // Not for a minute alone: it still waits after many tries, and is neither failed nor uncertain.
    for _ in 0..4 {
        world.advance(31).await;
        world.stack.sweep().await.unwrap();
        desk.until(&id, |message| message["status"] == "queued").await;
    }
    world.aws(Service::Kms, "EnableKey", &key).await;
    world.advance(31).await;
    desk.until(&id, |message| message["status"] == "read").await;
    assert_eq!(texts(&desk), ["waits"], "once");
    assert_eq!(desk.message(&id).await["error"], Value::Null);
    assert_eq!(world.from_dialog360(&body).await.status, 200);
}
