//! Sending an uncertain message again: an admin's decision, written down, which may reach the customer twice; and what
//! the provider reports in between.

use crate::outbox::{platform, recovered, reported, taken, tenant_id};
use domain::outbound::SendState;
use e2e::World;
use e2e::desk::{Desk, MESSAGES, text_of};
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

/// A message that the provider took, without anybody here knowing.
async fn uncertain<'w>(world: &'w World) -> (Desk<'w>, String) {
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    world
        .behave(json!({"statuses": {"play": []},
            "rules": [{"match": {"operation": "send"}, "times": 1, "action": {"accept_then_reset": true}}]}))
        .await;
    let shown = desk.sends(&json!({"conversation_id": conversation, "text": "It is."})).await;
    assert_eq!(shown["status"], "uncertain", "{shown}");
    (desk, text_of(&shown, "id"))
}

async fn moves(desk: &Desk<'_>, id: &str, verb: &str, key: &str) -> e2e::Answer {
    let key = format!("Bearer {key}");
    desk.world.send("POST", &format!("{MESSAGES}/{id}/{verb}"), &[("authorization", &key)], "").await
}

/// How often the provider took a message.
fn times(desk: &Desk<'_>, id: &str) -> usize {
    taken(desk).get(id).map_or(0, Vec::len)
}

/// The sender reaches no table: what is queued stays so.
async fn stop_sender(world: &World, stopped: bool) {
    let rule = json!({"service": "dynamodb", "operation": "*", "caller": "sender", "action": "error"});
    world.faults(if stopped { json!([rule]) } else { json!([]) }).await;
}

#[tokio::test]
async fn only_an_admin_may_send_again_only_what_is_uncertain_and_it_is_in_the_audit_log() {
    let world = World::start().await;
    let (desk, id) = uncertain(&world).await;
    let keys = desk.tenant.keys.clone();
    let audit = async || platform(&world).store.audit_entries(tenant_id(&desk), None, 10).await.unwrap();
    for key in [&keys.live_agent, &keys.live_viewer] {
        let refused = moves(&desk, &id, "resend", key).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (403, "forbidden".to_owned()));
    }
    assert!(audit().await.is_empty());
    assert_eq!(times(&desk, &id), 1);

    let again = moves(&desk, &id, "resend", &keys.live_admin).await;
    assert_eq!(again.status, 200, "{:?}", again.json());
    world.settled().await;
    assert_eq!(times(&desk, &id), 2, "the customer may have it twice: a person wanted it");
    let entries = audit().await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!((&*entries[0].action, &entries[0].target), ("message.resend", &id));
    assert!(entries[0].actor.starts_with("key_"), "{entries:?}");

    let shown = desk.message(&id).await;
    assert_eq!((&shown["status"], &shown["attempts"]), (&json!("sent"), &json!(2)), "{shown}");
    let refused = moves(&desk, &id, "resend", &keys.live_admin).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "conflict".to_owned()));
    assert_eq!(audit().await.len(), 1, "what was not done is not written down");
    // The first call's late report changes nothing that the second one settled.
    let second = text_of(&shown, "provider_message_id");
    reported(&world, &taken(&desk)[&id], &["delivered"]).await;
    let shown = desk.message(&id).await;
    assert_eq!((&*text_of(&shown, "provider_message_id"), &shown["status"]), (&*second, &json!("delivered")));
}

#[tokio::test]
async fn a_report_that_comes_before_the_second_call_makes_it_unnecessary() {
    let world = World::start().await;
    let (desk, id) = uncertain(&world).await;
    stop_sender(&world, true).await;
    assert_eq!(moves(&desk, &id, "resend", &desk.tenant.keys.live_admin).await.status, 200);
    let body = reports(&world, &desk, &id, "delivered");
    assert_eq!(world.from_meta(body.to_string()).await.status, 200);
    desk.until(&id, |message| message["status"] == "delivered").await;
    stop_sender(&world, false).await;
    let found = recovered(&desk, std::slice::from_ref(&id)).await;
    assert_eq!(found[0].state, SendState::Sent);
    assert_eq!(times(&desk, &id), 1);
}

#[tokio::test]
async fn a_report_that_the_first_call_failed_does_not_keep_the_second_from_going() {
    let world = World::start().await;
    let (desk, id) = uncertain(&world).await;
    stop_sender(&world, true).await;
    assert_eq!(moves(&desk, &id, "resend", &desk.tenant.keys.live_admin).await.status, 200);
    let body = reports(&world, &desk, &id, "failed");
    assert_eq!(world.from_meta(body.to_string()).await.status, 200);
    stop_sender(&world, false).await;
    let found = recovered(&desk, std::slice::from_ref(&id)).await;
    assert_eq!(found[0].state, SendState::Sent);
    assert_eq!(times(&desk, &id), 2);
    assert_eq!(desk.message(&id).await["status"], "sent", "the second call's");
}

#[tokio::test]
async fn what_was_to_be_sent_again_and_was_taken_back_is_sent_when_the_provider_says_so() {
    let world = World::start().await;
    let (desk, id) = uncertain(&world).await;
    stop_sender(&world, true).await;
    assert_eq!(moves(&desk, &id, "resend", &desk.tenant.keys.live_admin).await.status, 200);
    assert_eq!(moves(&desk, &id, "cancel", desk.key()).await.status, 200);
    stop_sender(&world, false).await;
    let found = recovered(&desk, std::slice::from_ref(&id)).await;
    assert_eq!(found[0].state, SendState::Cancelled);
    reported(&world, &taken(&desk)[&id], &["sent", "delivered"]).await;
    let shown = desk.message(&id).await;
    assert_eq!(shown["status"], "delivered", "the customer has it: {shown}");
    assert_eq!(times(&desk, &id), 1);
}

/// One status of the first call.
fn reports(world: &World, desk: &Desk<'_>, id: &str, status: &str) -> Value {
    let call = taken(desk)[id][0].clone();
    let mut body =
        world.meta_body().status(call["provider_message_id"].as_str().unwrap(), status, world.now_s()).json();
    body["entry"][0]["changes"][0]["value"]["statuses"][0]["biz_opaque_callback_data"] =
        call["body"]["biz_opaque_callback_data"].clone();
    body
}

#[tokio::test]
async fn a_report_that_the_first_call_failed_says_nothing_of_the_second_that_is_under_way() {
    let world = World::start().await;
    let (desk, id) = uncertain(&world).await;
    world.behave(json!({"rules": [{"match": {"operation": "send"}, "action": {"delay_ms": 400}}]})).await;
    assert_eq!(moves(&desk, &id, "resend", &desk.tenant.keys.live_admin).await.status, 200);
    desk.until(&id, |message| message["status"] == "sending").await;
    let body = reports(&world, &desk, &id, "failed");
    assert_eq!(world.from_meta(body.to_string()).await.status, 200);
    world.settled().await;
    let shown = desk.message(&id).await;
    assert_eq!(shown["status"], "sent", "{shown}");
    let second = &taken(&desk)[&id][1]["provider_message_id"];
    assert_eq!(&shown["provider_message_id"], second);
}
