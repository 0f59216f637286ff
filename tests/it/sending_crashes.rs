//! Every crash point of the sender: each call it makes to AWS for one send, and the call of the provider, dies before
//! or after its effect, or loses its answer. The points are counted as they are met: a call that is added to the sender
//! is a point that is added here.

use crate::outbox::{accepted, at_most_once, our_id, recovered, settles_late, taken};
use domain::outbound::SendState;
use e2e::World;
use e2e::desk::Desk;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::time::Duration;

const CUSTOMER: &str = "971501234567";
/// How many stacks run at a time.
const AT_A_TIME: usize = 6;
/// More calls than the sender makes to one service for one message.
const FARTHEST: u64 = 60;

/// What may become of a call: it is not made, it is made and its caller dies, its answer is lost once or for good, it
/// fails for good.
const FATES: [(&str, u64); 6] = [
    ("crash", 1),
    ("crash_after", 1),
    ("drop_after", 1),
    // Three attempts, each of which may find a kept connection closed and open another.
    ("drop_after", 6),
    ("drop_before", 6),
    ("error", 3),
];

/// A customer who has written, and a provider that reports nothing by itself.
async fn quiet_conversation(world: &World) -> (Desk<'_>, String) {
    world.behave(json!({"statuses": {"play": []}})).await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Is it free?").await;
    (desk, conversation)
}

fn rule(service: &str, (action, times): (&str, u64), after: u64) -> Value {
    json!({"service": service, "operation": "*", "caller": "sender", "action": action, "after": after, "times": times})
}

/// One send under these rules, then recovery, then the provider's late report; whether every rule struck, and how the
/// message stood before the report.
async fn one_send(rules: Vec<Value>) -> (bool, SendState) {
    let world = World::start().await;
    let (desk, conversation) = quiet_conversation(&world).await;
    world.faults(json!(rules)).await;
    let ids = accepted(&desk, &conversation, &["It is.".to_owned()]).await;
    let found = recovered(&desk, &ids).await;
    let struck = world.stack.faults().rules().iter().all(|rule| rule.times == Some(0));
    world.faults(json!([])).await;
    assert!(desk.sent().len() <= 1, "{rules:?}: asked twice: {:?}", desk.sent());
    at_most_once(&desk, &found);
    settles_late(&desk, &ids).await;
    (struck, found[0].state)
}

/// Sends with a fault at the first, second, .. call of a service, until a send makes no call so late; how many calls it
/// makes, and how many messages were uncertain in between.
async fn every_call(service: &'static str, fate: (&'static str, u64)) -> (u64, u64) {
    let mut uncertain = 0;
    for after in 0..FARTHEST {
        let (struck, state) = one_send(vec![rule(service, fate, after)]).await;
        uncertain += u64::from(state == SendState::Uncertain);
        if !struck {
            return (after, uncertain);
        }
    }
    panic!("the sender makes more than {FARTHEST} calls to {service}");
}

#[tokio::test]
async fn a_sender_that_dies_at_any_of_its_calls_sends_at_most_once_and_what_was_taken_settles() {
    let points = ["dynamodb", "kms", "sqs"].into_iter().flat_map(|service| FATES.map(|fate| (service, fate)));
    let work = points.map(|(service, fate)| async move { (service, fate, every_call(service, fate).await) });
    let results: Vec<_> =
        futures_util::stream::iter(work.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect().await;
    let calls = |wanted: &str| {
        let met = results.iter().filter(|(service, _, _)| *service == wanted);
        met.map(|(_, _, (calls, _))| *calls).max().unwrap_or_default()
    };
    assert!(calls("dynamodb") >= 8, "lane, message, facts, claim, settlement: {results:?}");
    assert!(calls("kms") >= 1, "the token is opened: {results:?}");
    // Of the crash points of AWS calls one each lies between claim and settlement: after the claim, before the settlement.
    for fate in [("crash", 1), ("crash_after", 1)] {
        let met = results.iter().find(|(service, one, _)| *service == "dynamodb" && *one == fate);
        assert_eq!(met.map(|(_, _, (_, uncertain))| *uncertain), Some(1), "{fate:?}: {results:?}");
    }
}

#[tokio::test]
async fn a_claim_whose_answers_are_all_lost_is_not_acted_upon() {
    let world = World::start().await;
    let (desk, conversation) = quiet_conversation(&world).await;
    let lost = json!({"service": "dynamodb", "operation": "TransactWriteItems", "caller": "sender",
        "contains": "attempts + :one", "action": "drop_after"});
    world.faults(json!([lost])).await;
    let ids = accepted(&desk, &conversation, &["It is.".to_owned()]).await;
    let found = recovered(&desk, &ids).await;
    assert_eq!(found[0].state, SendState::Uncertain, "nobody knows that it was not sent: {found:?}");
    assert!(desk.sent().is_empty(), "a sender that does not know of its claim calls nobody");
}

#[tokio::test]
async fn a_sender_that_dies_twice_sends_at_most_once() {
    let (calls, _) = every_call("dynamodb", ("crash_after", 1)).await;
    let pairs = (0..calls).flat_map(|first| {
        let second = (first + 1..calls * 2).step_by(2);
        second.map(move |second| (first, second))
    });
    let work = pairs.map(|(first, second)| async move {
        let rules = vec![rule("dynamodb", ("crash_after", 1), first), rule("dynamodb", ("crash", 1), second)];
        one_send(rules).await
    });
    let results: Vec<_> =
        futures_util::stream::iter(work.collect::<Vec<_>>()).buffer_unordered(AT_A_TIME).collect().await;
    assert!(results.iter().filter(|(struck, _)| *struck).count() > results.len() / 3, "{results:?}");
}

/// Waits for a condition that somebody else brings about.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it never came to that");
}

#[tokio::test]
async fn a_sender_that_dies_while_the_provider_has_the_request_leaves_it_uncertain_until_it_is_reported() {
    for (action, is_taken) in [
        (json!({"delay_ms": 60_000}), false),
        (json!({"hang": true}), false),
        (json!({"accept_then_hang": true}), true),
    ] {
        let world = World::start().await;
        let (desk, conversation) = quiet_conversation(&world).await;
        world.behave(json!({"rules": [{"match": {"operation": "send"}, "action": action}]})).await;
        let ids = accepted(&desk, &conversation, &["It is.".to_owned()]).await;
        until(|| desk.sent().iter().any(|sent| sent["accepted"] == is_taken)).await;
        assert_eq!(world.stack.kill_invocations("sender"), 1, "{action}");
        world.behave(json!({"rules": []})).await;
        let found = recovered(&desk, &ids).await;
        assert_eq!(found[0].state, SendState::Uncertain, "{action}: {found:?}");
        assert_eq!(desk.message(&ids[0]).await["status"], "uncertain", "{action}");
        assert_eq!(desk.sent().len(), 1, "{action}: it is not asked again");
        assert_eq!(taken(&desk).len(), usize::from(is_taken), "{action}");
        settles_late(&desk, &ids).await;
        let shown = desk.message(&ids[0]).await;
        assert_eq!(shown["status"], if is_taken { "delivered" } else { "uncertain" }, "{action}: {shown}");
    }
}

#[tokio::test]
async fn a_fault_of_the_local_stack_that_kills_the_caller_of_a_provider_kills_the_sender() {
    let world = World::start().await;
    let (desk, conversation) = quiet_conversation(&world).await;
    let crash = json!({"service": "provider", "operation": "send", "action": "crash", "times": 1});
    world.faults(json!([crash])).await;
    let ids = accepted(&desk, &conversation, &["One.".to_owned(), "Two.".to_owned()]).await;
    let found = recovered(&desk, &ids).await;
    assert_eq!(found.iter().filter(|record| record.state == SendState::Uncertain).count(), 1, "{found:?}");
    assert_eq!(taken(&desk).into_keys().collect::<Vec<_>>(), [ids[1].clone()], "what waited behind it goes");
    assert_eq!(our_id(&desk.sent()[0]), ids[0]);
}

/// Every settlement of a sent message fails that often.
fn no_settlement(times: u64) -> Value {
    json!({"service": "dynamodb", "operation": "TransactWriteItems", "caller": "sender", "contains": "sent_at = :now",
        "action": "error", "times": times})
}

#[tokio::test]
async fn a_settlement_that_never_works_leaves_the_message_uncertain_until_it_is_reported() {
    let world = World::start().await;
    let (desk, conversation) = quiet_conversation(&world).await;
    world.faults(json!([no_settlement(1_000)])).await;
    let ids = accepted(&desk, &conversation, &["It is.".to_owned()]).await;
    // The sender gives up after a few seconds; nobody can hurry it.
    until(|| world.stack.faults().rules()[0].times <= Some(1_000 - 15)).await;
    let found = recovered(&desk, &ids).await;
    assert_eq!(found[0].state, SendState::Uncertain, "{found:?}");
    at_most_once(&desk, &found);
    settles_late(&desk, &ids).await;
    assert_eq!(desk.message(&ids[0]).await["status"], "delivered");
    assert_eq!(desk.sent().len(), 1);
}

#[tokio::test]
async fn a_settlement_that_comes_after_the_lease_still_says_what_became_of_the_message() {
    let world = World::start().await;
    let (desk, conversation) = quiet_conversation(&world).await;
    world.faults(json!([no_settlement(9)])).await;
    let ids = accepted(&desk, &conversation, &["It is.".to_owned()]).await;
    until(|| !taken(&desk).is_empty()).await;
    world.stack.clock().advance(Duration::from_secs(31));
    world.stack.sweep().await.unwrap();
    assert_eq!(desk.message(&ids[0]).await["status"], "uncertain", "its lease ran out");
    world.settled().await;
    let found = recovered(&desk, &ids).await;
    assert_eq!(found[0].state, SendState::Sent, "{found:?}");
    at_most_once(&desk, &found);
    assert_eq!(desk.sent().len(), 1);
}
