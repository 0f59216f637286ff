//! Every crash point of the assistant: each call it makes to AWS for one answer dies before or after its effect, or loses
//! its answer. The points are counted as they are met. The customer gets exactly one answer, whatever happened.

use e2e::World;
use e2e::assistant::everything;
use e2e::desk::Desk;
use serde_json::{Value, json};
use std::time::Duration;

/// More calls than the assistant makes to one service for one answer.
const FARTHEST: u64 = 60;
/// What may become of a call, how often in a row (enough to outlast the client's own attempts), and of how many calls one
/// is tried: to die before a call is to die after the one before.
const FATES: [(&str, u64, usize); 4] =
    [("crash", 1, 3), ("crash_after", 1, 1), ("drop_after", 6, 3), ("error", 3, 3)];

fn rule(service: &str, (action, times): (&str, u64), after: u64) -> Value {
    json!({"service": service, "operation": "*", "caller": "assistant", "action": action, "after": after, "times": times})
}

/// What a crash left behind comes back past its lease and visibility, or by the sweeper, until a customer got so much.
async fn recovers(desk: &Desk<'_>, phone: &str, texts: usize) {
    let world = desk.world;
    for round in 0..10 {
        world.stack.clock().advance(Duration::from_secs(200));
        world.comes_to_rest().await;
        if desk.texts_to(phone).len() >= texts {
            return;
        }
        if round > 0 {
            world.stack.sweep().await.unwrap();
        }
    }
    panic!("{phone} waits in vain");
}

/// Long after everything: who got their answer gets no other.
async fn ages_later(desk: &Desk<'_>, texts: usize) {
    let world = desk.world;
    for _ in 0..2 {
        world.stack.clock().advance(Duration::from_secs(2_000));
        world.stack.sweep().await.unwrap();
        world.comes_to_rest().await;
    }
    let mut got = std::collections::BTreeMap::<String, usize>::new();
    for sent in desk.sent() {
        *got.entry(sent["to"].to_string()).or_default() += 1;
    }
    assert!(got.values().all(|count| *count == texts), "{got:?}");
}

/// One customer is answered under a fault; whether it struck.
async fn one_answer(desk: &Desk<'_>, phone: &str, fault: Value) -> bool {
    let world = desk.world;
    world.faults(json!([fault])).await;
    let begun = || world.stack.faults().rules().iter().any(|rule| rule.after.unwrap_or(0) == 0);
    let struck = || begun() && world.stack.faults().rules().iter().all(|rule| rule.times == Some(0));
    desk.reads(phone, json!({"text": "Is it available?"})).await;
    let over = async || {
        struck()
            || (!desk.texts_to(phone).is_empty() && world.stack.wait_idle(Duration::from_millis(10)).await)
    };
    world.time_passes_until("an answer or a crash", over).await;
    let struck = struck();
    world.faults(json!([])).await;
    recovers(desk, phone, 1).await;
    struck
}

/// Answers customer after customer, with a fault at the first, second, .. call; how many calls there are.
async fn every_call(service: &'static str, fate: (&'static str, u64), stride: usize) -> u64 {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    for after in (0..FARTHEST).step_by(stride) {
        let phone = format!("9715012345{after:02}");
        let asked = world.asked().len();
        let struck = one_answer(&desk, &phone, rule(service, fate, after)).await;
        let texts = desk.texts_to(&phone);
        assert_eq!(texts.len(), 1, "{service} {fate:?} at call {after}: {texts:?}");
        assert!(world.asked().len() - asked <= 2, "{service} {fate:?} at call {after}");
        if !struck {
            ages_later(&desk, 1).await;
            return after;
        }
    }
    panic!("the assistant makes more than {FARTHEST} calls to {service}");
}

#[tokio::test]
async fn whatever_call_of_the_assistant_dies_the_customer_gets_one_answer() {
    let points = FATES.into_iter().flat_map(|fate| [("dynamodb", fate), ("sqs", fate)]);
    let work = points.map(|(service, (action, times, stride))| async move {
        (service, every_call(service, (action, times), stride).await)
    });
    let calls = futures_util::future::join_all(work).await;
    let most = |wanted: &str| {
        let of = calls.iter().filter(|(service, _)| *service == wanted);
        of.map(|(_, calls)| *calls).max().unwrap_or_default()
    };
    assert!(most("dynamodb") >= 12, "turn, claim, reads, draft, message, end: {calls:?}");
    assert!(most("sqs") >= 1, "the message is put on its way: {calls:?}");
}

/// How many stacks share the calls of one fate.
const STACKS: u64 = 4;

/// Customers write while the model is down, with a fault at every fourth call from `first` on; how many calls were met.
async fn every_call_of_an_outage(fate: (&'static str, u64), first: u64) -> usize {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    let stride = usize::try_from(STACKS).unwrap_or(1);
    let mut calls = 0;
    for after in (first..FARTHEST).step_by(stride) {
        let phone = format!("9715012345{after:02}");
        world.model(json!({"error": {"status": 503}})).await;
        world.faults(json!([rule("dynamodb", fate, after)])).await;
        let struck = || world.stack.faults().rules().iter().all(|rule| rule.times == Some(0));
        desk.reads(&phone, json!({"text": "Is it available?"})).await;
        let over = async || struck() || !desk.texts_to(&phone).is_empty();
        world.time_passes_until("a holding message or a crash", over).await;
        let struck = struck();
        world.faults(json!([])).await;
        if desk.texts_to(&phone).is_empty() {
            // The model is down still: time is let pass in steps that end with the holding message.
            world.stack.clock().advance(Duration::from_secs(200));
            world.stack.sweep().await.unwrap();
            desk.until_texts(&phone, 1).await;
        }
        world.stack.simulator().behave_well();
        recovers(&desk, &phone, 2).await;
        let texts = desk.texts_to(&phone);
        assert_eq!(texts.len(), 2, "{fate:?} at call {after}: {texts:?}");
        assert!(texts[0].starts_with("Thank you for your message."), "{fate:?} at call {after}: {texts:?}");
        assert!(texts[1].starts_with("Yes, the unit"), "{fate:?} at call {after}: {texts:?}");
        if !struck {
            break;
        }
        calls += 1;
    }
    ages_later(&desk, 2).await;
    calls
}

#[tokio::test]
async fn whatever_call_dies_while_the_model_is_down_the_customer_is_asked_to_wait_once() {
    let work = (0..STACKS).map(|first| every_call_of_an_outage(("crash_after", 1), first));
    let calls: usize = futures_util::future::join_all(work).await.into_iter().sum();
    assert!(calls >= 12, "turn, claim, reads, holding message, retry: {calls}");
}

#[tokio::test]
async fn an_assistant_that_is_killed_while_the_model_thinks_asks_again_and_answers_once() {
    let world = World::start().await;
    let desk = world.desk("meta");
    desk.connects(&everything()).await;
    world.model(json!({"hang": true})).await;
    desk.reads("971501234567", json!({"text": "Is it available?"})).await;
    desk.until_asked(1).await;
    assert!(world.stack.kill_invocations("assistant") > 0);
    world.stack.simulator().behave_well();
    world.stack.clock().advance(Duration::from_secs(200));
    world.stack.sweep().await.unwrap();
    desk.until_texts("971501234567", 1).await;
    world.comes_to_rest().await;
    assert_eq!((world.asked().len(), desk.texts_to("971501234567").len()), (2, 1));
}
