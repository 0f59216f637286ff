//! Answers of the provider that end at every byte, never come, or say nothing: each message is taken once, stays
//! uncertain, and settles when the provider reports it.

use crate::outbox::{accepted, at_most_once, recovered, reported, settles_late, taken};
use domain::outbound::SendState;
use e2e::World;
use e2e::desk::{Desk, text_of};
use local::Options;
use serde_json::{Value, json};

/// How many conversations a test spreads its messages over.
const CONVERSATIONS: usize = 12;

async fn conversations(desk: &Desk<'_>) -> Vec<String> {
    desk.world.behave(json!({"statuses": {"play": []}})).await;
    let mut all = Vec::new();
    for n in 0..CONVERSATIONS {
        all.push(desk.conversation(&format!("9715012345{n:02}"), "Is it free?").await);
    }
    all
}

/// Accepts that many texts, spread over the conversations.
async fn spread(desk: &Desk<'_>, conversations: &[String], count: usize) -> Vec<String> {
    let share = count.div_ceil(conversations.len());
    let lanes = conversations.iter().enumerate().map(|(lane, conversation)| async move {
        let first = lane * share;
        let texts: Vec<String> = (first..count.min(first + share)).map(|n| format!("message {n}")).collect();
        accepted(desk, conversation, &texts).await
    });
    futures_util::future::join_all(lanes).await.concat()
}

#[tokio::test]
async fn an_answer_that_ends_at_any_of_its_bytes_leaves_the_message_uncertain_and_a_report_settles_it() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversations = conversations(&desk).await;
    let whole = accepted(&desk, &conversations[0], &["whole".to_owned()]).await;
    assert_eq!(
        recovered(&desk, &whole).await[0].state,
        SendState::Sent,
        "a complete answer settles by itself"
    );
    let length = desk.sent()[0]["answer"]["body"].to_string().len();
    assert!(length > 100, "{length}");

    let cut = |bytes: usize| json!({"times": 1, "action": {"accept_then_cut_after_bytes": bytes}});
    world.behave(json!({"rules": (0..length).map(cut).collect::<Vec<Value>>()})).await;
    let ids = spread(&desk, &conversations, length).await;
    assert_eq!(ids.len(), length);
    world.settled().await;
    let found = recovered(&desk, &ids).await;
    at_most_once(&desk, &found);
    for record in &found {
        assert_eq!(record.state, SendState::Uncertain, "{record:?}");
        assert_eq!(record.provider_message_id, None);
        assert!(taken(&desk).contains_key(&record.id.to_string()), "every one was taken");
    }
    assert_eq!(desk.sent().len(), length + 1, "one request each");
    settles_late(&desk, &[whole, ids].concat()).await;
}

#[tokio::test]
async fn silence_resets_and_answers_that_say_nothing_leave_the_message_uncertain_and_are_not_asked_again() {
    let options = Options { provider_timeout_ms: Some(300), ..Options::default() };
    let world = World::start_with(options).await;
    for provider in ["meta", "dialog360", "ultramsg"] {
        world.stack.simulator().reset();
        let desk = world.desk(provider);
        world.behave(json!({"statuses": {"play": []}})).await;
        let conversation = desk.conversation("971501234567", "Is it free?").await;
        let cases = [
            (json!({"hang": true}), 0),
            (json!({"reset_before": true}), 0),
            (json!({"accept_then_hang": true}), 1),
            (json!({"accept_then_reset": true}), 1),
            (json!({"accept_then_status": 500}), 1),
            (json!({"accept_then_status": 204}), 1),
            (json!({"accept_with_body": ""}), 1),
            (json!({"accept_with_body": "{\"messages\":[]}"}), 1),
            (json!({"accept_with_body": "<html>gateway</html>"}), 1),
        ];
        let rule = |(action, _): &(Value, usize)| json!({"match": {"operation": "send"}, "times": 1, "action": action});
        world.behave(json!({"rules": cases.iter().map(rule).collect::<Vec<Value>>()})).await;
        let texts: Vec<String> = cases.iter().map(|(action, _)| action.to_string()).collect();
        let ids = accepted(&desk, &conversation, &texts).await;
        world.settled().await;
        let found = recovered(&desk, &ids).await;
        at_most_once(&desk, &found);
        let was_taken = taken(&desk);
        for (record, (action, times)) in found.iter().zip(&cases) {
            assert_eq!(record.state, SendState::Uncertain, "{provider} {action}: {record:?}");
            assert_eq!(
                usize::from(was_taken.contains_key(&record.id.to_string())),
                *times,
                "{provider} {action}"
            );
        }
        assert_eq!(desk.sent().len(), cases.len(), "{provider}: one request each");
        let first = desk.message(&ids[0]).await;
        assert_eq!(first["error"]["code"], "outcome_unknown", "{first}");
        if provider == "meta" {
            settles_late(&desk, &ids).await;
        }
    }
}

#[tokio::test]
async fn what_is_never_reported_is_named_in_the_event_log_after_a_day_and_a_report_still_settles_it() {
    let world = World::start().await;
    let desk = world.desk("meta");
    world.behave(json!({"statuses": {"play": []}})).await;
    let conversation = desk.conversation("971501234567", "Is it free?").await;
    world.behave(json!({"rules": [{"action": {"accept_then_reset": true}}]})).await;
    let ids = accepted(&desk, &conversation, &["It is.".to_owned()]).await;
    recovered(&desk, &ids).await;
    let about = |events: &[Value]| events.iter().filter(|event| event.to_string().contains(&ids[0])).count();
    for (hours, expected) in [(23, 0), (2, 1), (1, 1)] {
        world.advance(hours * 3_600).await;
        world.stack.sweep().await.unwrap();
        let events = world.all("/v1/events", &desk.tenant.keys.live_admin).await;
        assert_eq!(about(&events), expected, "{hours}: {events:?}");
    }
    let shown = desk.message(&ids[0]).await;
    assert_eq!(
        (&shown["status"], &shown["error"]["code"]),
        (&json!("uncertain"), &json!("uncertain_expired"))
    );
    let call = taken(&desk).remove(&ids[0]).unwrap();
    reported(&world, &call, &["sent"]).await;
    let shown = desk.message(&ids[0]).await;
    assert_eq!((shown["status"].as_str(), &shown["error"]), (Some("sent"), &Value::Null), "{shown}");
    assert_eq!(text_of(&shown, "provider_message_id"), call[0]["provider_message_id"]);
}
