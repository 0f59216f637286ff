//! A customer says STOP while a thousand marketing messages are on their way to them.

use crate::outbox::{platform, records, taken, tenant_id};
use domain::consent::ConsentState;
use domain::ids::ContactId;
use domain::outbound::SendState;
use e2e::World;
use e2e::desk::{Desk, text_of};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const SENDS: usize = 1_000;
/// Whom they are for; each says STOP.
const CUSTOMERS: usize = 5;

fn phone(n: usize) -> String {
    format!("9715012340{n:02}")
}

/// What the API answers on a consent that is written down.
async fn agrees(desk: &Desk<'_>, contact: &str, purpose: &str, state: &str) {
    let consent =
        json!({"purpose": purpose, "state": state, "wording": "I agree", "language": "en", "source": "form"});
    let answer = desk.world.post(&format!("/v1/contacts/{contact}/consents"), desk.key(), &consent).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
}

fn offer(conversation: &str) -> Value {
    let template = json!({"name": "area_summary", "language": "en", "variables": ["Dubai Marina", "12"]});
    json!({"conversation_id": conversation, "template": template})
}

/// Waits until a contact's withdrawal is committed.
async fn withdrawn(desk: &Desk<'_>, contact: &str) {
    let (store, contact) = (platform(desk.world).store, ContactId::parse(contact).unwrap());
    for _ in 0..5_000 {
        let consents = store.consents(tenant_id(desk), &[contact]).await.unwrap();
        if consents.marketing.is_some_and(|standing| standing.state == ConsentState::Revoked) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the withdrawal never came");
}

#[tokio::test]
async fn no_marketing_message_is_dispatched_after_stop_was_written_down() {
    let world = World::start().await;
    let desk = world.desk("meta");
    world.behave(json!({"statuses": {"play": []}})).await;
    // Who withdraws is not answered here: this is about what was on its way.
    let bearer = format!("Bearer {}", desk.tenant.keys.live_admin);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let quiet = json!({"consent": {"opt_out_confirmation": {"enabled": false}}}).to_string();
    assert_eq!(world.send("PATCH", "/v1/settings", &headers, quiet).await.status, 200);
    let mut people = Vec::new();
    for n in 0..CUSTOMERS {
        let conversation = desk.conversation(&phone(n), "Tell me more about the marina").await;
        let contact = desk.contact_of(&conversation).await;
        agrees(&desk, &contact, "marketing", "granted").await;
        people.push((phone(n), conversation, contact));
    }
    // The lists of templates are there before: this is not about reading them for the first time.
    let synced = world.post("/v1/whatsapp/templates/sync", &desk.tenant.keys.live_admin, &json!({})).await;
    assert_eq!(synced.status, 200, "{:?}", synced.json());
    // Two keys: a thousand requests are more than one may make in a minute.
    let keys = [&desk.tenant.keys.live_agent, &desk.tenant.keys.live_admin];
    let (people, world) = (&people, &world);
    let sends = (0..SENDS).map(|n| async move {
        let (_, conversation, _) = &people[n % CUSTOMERS];
        world.post("/v1/whatsapp/messages", keys[n % 2], &offer(conversation)).await
    });
    let sending = futures_util::stream::iter(sends).buffer_unordered(16).collect::<Vec<_>>();
    // Each customer says STOP at another moment; what is queued when it is written down must never go.
    let stops = people.iter().enumerate().map(|(n, (phone, _, contact))| {
        let desk = &desk;
        async move {
            while taken(desk).values().filter(|calls| calls[0]["to"] == phone.as_str()).count() < 5 + 10 * n {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            let stop = json!({"tenant_id": desk.tenant.id, "text": "STOP"});
            world.stack.simulator().customer_writes(phone, stop).await.unwrap();
            withdrawn(desk, contact).await;
            let path = format!("/v1/conversations/conv_{}/messages", contact.trim_start_matches("ctc_"));
            let queued = world.all(&path, &desk.tenant.keys.live_viewer).await.into_iter();
            queued.filter(|one| one["status"] == "queued").map(|one| text_of(&one, "id")).collect::<Vec<_>>()
        }
    });
    let (answers, queued) = futures_util::future::join(sending, futures_util::future::join_all(stops)).await;
    world.settled().await;

    let (mut ids, mut refused) = (Vec::new(), 0);
    for answer in &answers {
        match answer.status.as_u16() {
            202 => ids.push(text_of(&answer.data(), "id")),
            422 => {
                assert_eq!(answer.code(), "do_not_contact", "{:?}", answer.json());
                refused += 1;
            }
            other => panic!("{other}: {:?}", answer.json()),
        }
    }
    let taken = taken(&desk);
    let queued: BTreeSet<String> = queued.into_iter().flatten().collect();
    let late: Vec<&String> = queued.iter().filter(|id| taken.contains_key(*id)).collect();
    assert!(late.is_empty(), "dispatched after the withdrawal: {late:?}");
    let (mut sent, mut failed) = (0, 0);
    for record in records(&desk, &ids).await {
        let was_taken = taken.get(&record.id.to_string());
        match record.state {
            SendState::Sent => {
                assert_eq!(was_taken.map(Vec::len), Some(1), "{record:?}");
                sent += 1;
            }
            SendState::Failed => {
                assert_eq!(record.failure.map(|failure| failure.code).as_deref(), Some("do_not_contact"));
                assert_eq!(was_taken, None, "{} was sent and failed", record.id);
                failed += 1;
            }
            SendState::Held
            | SendState::Queued
            | SendState::Sending
            | SendState::Uncertain
            | SendState::Cancelled => panic!("{record:?}"),
        }
    }
    assert_eq!(sent + failed + refused, SENDS);
    assert!(sent >= 5 * CUSTOMERS && queued.len() >= CUSTOMERS, "{sent} {failed} {refused} {}", queued.len());
}

#[tokio::test]
async fn after_stop_answers_stay_possible_and_a_withdrawn_channel_bars_everything() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(&phone(0), "hello").await;
    let contact = desk.contact_of(&conversation).await;
    agrees(&desk, &contact, "marketing", "granted").await;
    desk.hears(&phone(0), json!({"text": "STOP"})).await;
    let refused = desk.says(&offer(&conversation)).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "do_not_contact".to_owned()));
    let answer = json!({"conversation_id": conversation, "text": "Understood."});
    assert_eq!(desk.sends(&answer).await["status"], "read");
    let variables = json!({"agent_name": "Sara", "property_name": "Marina Gate", "viewing_time": "5 pm"});
    let utility = json!({"name": "viewing_confirmation", "language": "en", "variables": variables});
    let shown = desk.sends(&json!({"conversation_id": conversation, "template": utility})).await;
    assert_eq!(shown["status"], "read", "{shown}");

    // What waits when the channel is withdrawn does not go either.
    let limited = json!({"times": 1, "match": {"operation": "send"}, "action": {"error": {"code": 131_056}}});
    world.behave(json!({"rules": [limited]})).await;
    let waiting = text_of(&desk.says(&answer).await.data(), "id");
    desk.until(&waiting, |message| message["error"].is_object()).await;
    agrees(&desk, &contact, "channel", "revoked").await;
    world.advance(30).await;
    let failed = desk.until(&waiting, |message| message["status"] == "failed").await;
    assert_eq!(failed["error"]["code"], "do_not_contact", "{failed}");
    for body in [answer, offer(&conversation), json!({"conversation_id": conversation, "template": utility})]
    {
        let refused = desk.says(&body).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (422, "do_not_contact".to_owned()), "{body}");
    }
    // The STOP was answered, too.
    assert_eq!(taken(&desk).len(), 3);
}

#[tokio::test]
async fn a_person_who_is_two_contacts_and_agreed_again_after_a_stop_is_sent_to() {
    let world = World::start().await;
    let desk = world.desk("meta");
    // The same person by number and by a business-scoped id, joined when both are seen.
    let by_number = desk.conversation(&phone(0), "hello").await;
    let contact = desk.contact_of(&by_number).await;
    let user = "AE.1349120000";
    desk.hears(&phone(1), json!({"text": "hi", "user_id": user, "hide_phone": true})).await;
    let other = world.all("/v1/conversations", desk.key()).await;
    let other = other.iter().find(|one| one["id"] != by_number.as_str()).unwrap();
    let other = text_of(other, "contact_id");
    agrees(&desk, &other, "marketing", "revoked").await;
    world.advance(5).await;
    agrees(&desk, &contact, "marketing", "granted").await;
    desk.hears(&phone(0), json!({"text": "it is me", "user_id": user})).await;
    let store = platform(&world).store;
    let family = store.contact_family(tenant_id(&desk), ContactId::parse(&contact).unwrap()).await.unwrap();
    assert_eq!(family.len(), 2, "they are one person");
    let shown = desk.sends(&offer(&by_number)).await;
    assert_eq!(shown["status"], "read", "{shown}");
}

/// Claims take long: what is written meanwhile comes after the rule said yes.
async fn slow_claim(world: &World) {
    let slow = json!({"service": "dynamodb", "operation": "TransactWriteItems", "caller": "sender",
        "contains": "attempts + :one", "action": "latency", "ms": 600, "times": 1});
    world.faults(json!([slow])).await;
}

/// Waits until the sender has decided to send and its claim is under way.
async fn claiming(world: &World) {
    while world.stack.faults().rules().iter().any(|rule| rule.times != Some(0)) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_withdrawal_between_the_decision_and_the_claim_refuses_the_claim() {
    for purpose in ["marketing", "channel"] {
        let world = World::start().await;
        let desk = world.desk("meta");
        let conversation = desk.conversation(&phone(0), "hello").await;
        let contact = desk.contact_of(&conversation).await;
        agrees(&desk, &contact, "marketing", "granted").await;
        world.advance(1).await;
        slow_claim(&world).await;
        let id = text_of(&desk.says(&offer(&conversation)).await.data(), "id");
        claiming(&world).await;
        agrees(&desk, &contact, purpose, "revoked").await;
        world.settled().await;
        let failed = desk.message(&id).await;
        assert_eq!(failed["error"]["code"], "do_not_contact", "{purpose}: {failed}");
        assert_eq!(
            (&failed["status"], &failed["attempts"]),
            (&json!("failed"), &json!(0)),
            "{purpose}: {failed}"
        );
        assert!(desk.sent().is_empty(), "{purpose}: {:?}", desk.sent());
    }
}

#[tokio::test]
async fn a_number_that_breaks_between_the_decision_and_the_claim_refuses_the_claim() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(&phone(0), "hello").await;
    slow_claim(&world).await;
    let id =
        text_of(&desk.says(&json!({"conversation_id": conversation, "text": "hello"})).await.data(), "id");
    claiming(&world).await;
    let store = platform(&world).store;
    let number = store.tenant_facts(tenant_id(&desk)).await.unwrap().integrations.remove(0);
    assert!(store.break_integration(tenant_id(&desk), &number, "its token was refused").await.unwrap());
    world.settled().await;
    let waits = desk.message(&id).await;
    assert_eq!((&waits["status"], &waits["attempts"]), (&json!("queued"), &json!(0)), "{waits}");
    assert_eq!(waits["error"]["code"], "integration_broken", "{waits}");
    assert!(desk.sent().is_empty());
}
