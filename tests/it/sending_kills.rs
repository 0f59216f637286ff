//! The sender is killed two hundred times at random moments while hundreds of messages go out.

use crate::outbox::{accepted, at_most_once, recovered, settles_late, taken};
use domain::outbound::SendState;
use e2e::World;
use platform::dynamo::SendRecord;
use proptest::prelude::Rng as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::time::Duration;

const KILLS: usize = 200;
const CONVERSATIONS: usize = 4;
/// How many messages are accepted at a time, for each conversation.
const WAVE: usize = 25;

#[tokio::test]
async fn two_hundred_kills_of_a_busy_sender_send_nothing_twice_and_lose_nothing() {
    let seed = *uuid::Uuid::new_v4().as_bytes();
    let mut wide = [0; 32];
    wide[..16].copy_from_slice(&seed);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &wide);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let shown = format!("seed {}", hex::encode(seed));
    println!("{shown}");
    let world = World::start().await;
    let desk = world.desk("meta");
    let of_sends = |mut rule: Value| {
        rule["match"] = json!({"operation": "send"});
        rule
    };
    let slow = of_sends(json!({"action": {"delay_ms": 15}}));
    let cut = of_sends(json!({"probability": 0.05, "action": {"accept_then_reset": true}}));
    world.behave(json!({"statuses": {"play": []}, "rules": [slow, cut]})).await;
    let mut conversations = Vec::new();
    for n in 0..CONVERSATIONS {
        conversations.push(desk.conversation(&format!("9715012345{n:02}"), "hello").await);
    }
    let mut ids = Vec::new();
    let (mut kills, mut at_most) = (0, KILLS);
    let mut found = Vec::new();
    let count =
        |found: &[SendRecord], state: SendState| found.iter().filter(|one| one.state == state).count();
    // On a busy machine few kills hit a call that is under way: then there are more of both.
    while kills < at_most {
        let texts: Vec<String> = (ids.len()..ids.len() + WAVE).map(|n| format!("message {n}")).collect();
        let wave = conversations.iter().map(|conversation| accepted(&desk, conversation, &texts));
        let mut accepting = Box::pin(futures_util::future::join_all(wave));
        let mut fresh = None;
        let mut quiet = 0;
        // Kills go on while messages come in, and until nothing is left to be killed.
        while fresh.is_none() || quiet < 40 {
            let pause = Duration::from_micros(1_000 + u64::from(runner.rng().next_u32() % 25_000));
            tokio::select! {
                all = &mut accepting, if fresh.is_none() => fresh = Some(all.concat()),
                () = tokio::time::sleep(pause) => {
                    let killed = if kills < at_most { world.stack.kill_invocations("sender") } else { 0 };
                    kills += usize::from(killed > 0);
                    quiet = if killed > 0 { 0 } else { quiet + 1 };
                    if quiet % 8 == 7 {
                        // Past lease and visibility: what a kill left behind comes back.
                        world.stack.clock().advance(Duration::from_secs(61));
                        let _swept = world.stack.sweep().await;
                    }
                }
            }
        }
        ids.extend(fresh.unwrap_or_default());
        assert!(ids.len() < 4_000, "{shown}: only {kills} kills");
        if kills == at_most {
            found = recovered(&desk, &ids).await;
            at_most_once(&desk, &found);
            let is_weak = count(&found, SendState::Sent) <= 50 || count(&found, SendState::Uncertain) <= 20;
            at_most += if is_weak { KILLS / 4 } else { 0 };
        }
    }
    let (sent, uncertain) = (count(&found, SendState::Sent), count(&found, SendState::Uncertain));
    println!(
        "{shown}: {} messages, {sent} sent, {uncertain} uncertain, {} taken",
        ids.len(),
        taken(&desk).len()
    );
    settles_late(&desk, &ids).await;
}
