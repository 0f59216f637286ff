//! What the provider reports of a message, in every order, with repetitions, early, late or not at all.

use crate::outbox::{accepted, platform, tenant_id};
use crm::ingest::{Delivery, Ingest};
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use e2e::World;
use e2e::desk::Desk;
use serde_json::{Value, json};
use uuid::Uuid;

const CUSTOMER: &str = "971501234567";
const STATUSES: [&str; 4] = ["sent", "delivered", "read", "failed"];

/// All orders of a list.
fn orders(list: &[usize]) -> Vec<Vec<usize>> {
    let Some((first, rest)) = list.split_first() else { return vec![vec![]] };
    let shorter = orders(rest);
    let insert = |order: &Vec<usize>, at: usize| [&order[..at], &[*first], &order[at..]].concat();
    shorter.iter().flat_map(|order| (0..=order.len()).map(move |at| insert(order, at))).collect()
}

/// Applies statuses of a message in exactly this order, as the processor would.
struct Reports {
    ingest: Ingest,
    now: Millis,
}

impl Reports {
    fn of(world: &World) -> Self {
        Self { ingest: Ingest::new(platform(world)), now: Millis::from_unix_ms(world.now_s() * 1_000) }
    }

    async fn play(&self, desk: &Desk<'_>, sent: &Value, statuses: &[&str]) {
        for status in statuses {
            let id = sent["provider_message_id"].as_str().unwrap();
            let nth = STATUSES.iter().position(|one| one == status).unwrap_or(STATUSES.len()) as u64;
            let mut body = desk.world.meta_body().status(id, status, self.now.unix_ms() / 1_000 + nth).json();
            let shown = &mut body["entry"][0]["changes"][0]["value"]["statuses"][0];
            shown["biz_opaque_callback_data"] = sent["body"]["biz_opaque_callback_data"].clone();
            if *status == "failed" {
                shown["errors"] = json!([{"code": 131_026, "title": "Message undeliverable"}]);
            }
            let body = body.to_string();
            let delivery = Delivery {
                tenant: tenant_id(desk),
                provider: Provider::Meta,
                auth_strength: AuthStrength::Signature,
                received_at: self.now,
                trace_id: Uuid::from_u128(1),
                body: body.as_bytes(),
            };
            self.ingest.apply(delivery, self.now).await.unwrap();
        }
    }
}

/// What a viewer sees of a message, without what differs by design.
async fn seen(desk: &Desk<'_>, id: &str) -> Value {
    let shown = desk.message(id).await;
    let mut statuses = shown["statuses"].clone();
    // When our own call was answered differs from message to message.
    if let Some(at) = statuses.as_object_mut() {
        at.remove("sent_at");
    }
    json!({"status": shown["status"], "statuses": statuses, "error": shown["error"], "errors": shown["errors"]})
}

#[tokio::test]
async fn every_order_of_four_statuses_with_repetitions_ends_equal_and_failed_stays() {
    let world = World::start().await;
    world.behave(json!({"statuses": {"play": []}})).await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let orders = orders(&[0, 1, 2, 3]);
    assert_eq!(orders.len(), 24);
    let texts: Vec<String> = orders.iter().map(|order| format!("{order:?}")).collect();
    let ids = accepted(&desk, &conversation, &texts).await;
    world.settled().await;
    let reports = Reports::of(&world);
    let mut ends = Vec::new();
    for (order, (id, sent)) in orders.iter().zip(ids.iter().zip(desk.sent())) {
        let mut played: Vec<&str> = order.iter().map(|n| STATUSES[*n]).collect();
        // Each once more, in another order.
        played.extend(order.iter().rev().map(|n| STATUSES[*n]));
        played.insert(2, played[0]);
        reports.play(&desk, &sent, &played).await;
        ends.push((order, seen(&desk, id).await));
    }
    for (order, end) in &ends {
        assert_eq!(end, &ends[0].1, "{order:?}");
    }
    let end = &ends[0].1;
    assert_eq!(
        (&end["status"], &end["error"]["code"]),
        (&json!("failed"), &json!("recipient_undeliverable")),
        "{end}"
    );
    for kept in ["delivered_at", "read_at", "failed_at"] {
        assert!(end["statuses"][kept].is_string(), "{kept}: {end}");
    }
}

#[tokio::test]
async fn missing_statuses_leave_the_highest_that_came_and_read_implies_delivered() {
    let world = World::start().await;
    world.behave(json!({"statuses": {"play": []}})).await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let cases: [(&[&str], &str); 6] = [
        (&[], "sent"),
        (&["delivered"], "delivered"),
        (&["read"], "read"),
        (&["read", "sent"], "read"),
        (&["played", "sent"], "played"),
        (&["failed", "delivered"], "failed"),
    ];
    let texts: Vec<String> = cases.iter().map(|(played, _)| format!("{played:?}")).collect();
    let ids = accepted(&desk, &conversation, &texts).await;
    world.settled().await;
    let reports = Reports::of(&world);
    for ((played, status), (id, sent)) in cases.iter().zip(ids.iter().zip(desk.sent())) {
        reports.play(&desk, &sent, played).await;
        let shown = desk.message(id).await;
        assert_eq!(shown["status"], *status, "{played:?}: {shown}");
        let read = ["read", "played"].contains(status);
        assert_eq!(
            shown["statuses"]["delivered_at"].is_string(),
            read || played.contains(&"delivered"),
            "{shown}"
        );
        assert!(shown["statuses"]["sent_at"].is_string(), "{shown}");
    }
}

#[tokio::test]
async fn statuses_that_come_before_the_answer_of_the_send_are_not_lost() {
    let world = World::start().await;
    for provider in ["meta", "dialog360", "ultramsg"] {
        world.behave(json!({"statuses": {"before_answer": true, "copies": 2, "shuffle": true}})).await;
        let desk = world.desk(provider);
        let conversation = desk.conversation(CUSTOMER, "hello").await;
        let shown = desk.sends(&json!({"conversation_id": conversation, "text": "It is."})).await;
        assert_eq!(shown["status"], "read", "{provider}: {shown}");
        assert!(shown["provider_message_id"].is_string(), "{provider}: {shown}");
        assert_eq!(desk.sent().len(), 1, "{provider}");
    }
}

#[tokio::test]
async fn a_reaction_is_noted_also_when_its_status_overtakes_the_answer() {
    let world = World::start().await;
    world.behave(json!({"statuses": {"before_answer": true}})).await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let theirs = desk.newest(&conversation).await["id"].clone();
    let reaction =
        json!({"conversation_id": conversation, "reaction": {"message_id": theirs, "emoji": "👍"}});
    desk.sends(&reaction).await;
    let shown = desk.message(theirs.as_str().unwrap()).await;
    assert!(shown["reactions"].to_string().contains("👍"), "{shown}");
}

#[tokio::test]
async fn a_voice_note_that_was_listened_to_is_played() {
    let world = World::start().await;
    world.behave(json!({"statuses": {"play": ["sent", "delivered", "read", "played"]}})).await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let media = json!({"kind": "audio", "url": "https://example.ae/greeting.ogg"});
    let shown = desk.sends(&json!({"conversation_id": conversation, "media": media})).await;
    assert_eq!(shown["status"], "played", "{shown}");
    assert!(shown["statuses"]["played_at"].is_string(), "{shown}");
}

#[tokio::test]
async fn an_echo_of_our_own_message_on_ultramsg_is_no_second_message() {
    let world = World::start().await;
    let desk = world.desk("ultramsg");
    let conversation = desk.conversation(CUSTOMER, "hello").await;
    let shown = desk.sends(&json!({"conversation_id": conversation, "text": "It is."})).await;
    let timeline = world.all(&format!("/v1/conversations/{conversation}/messages"), desk.key()).await;
    assert_eq!(timeline.len(), 2, "{timeline:?}");
    assert_eq!(timeline[0]["id"], shown["id"]);
    let told = shown["provider_message_id"].as_str().unwrap();
    assert!(told.starts_with("true_"), "the id that the echo gave: {shown}");
}
