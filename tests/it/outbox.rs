//! What the tests of sending share: time that moves until a crash is over, the provider's reports, and the proof that
//! nothing was sent twice or lost.

use domain::ids::{MessageId, TenantId};
use domain::outbound::SendState;
use e2e::World;
use e2e::desk::{Desk, text_of};
use platform::Platform;
use platform::clock::SystemClock;
use platform::dynamo::SendRecord;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long the stack must be busy with nothing but waiting before its clock is moved.
const QUIET: Duration = Duration::from_millis(120);
/// A step of the clock: longer than a lease and than a message may lie before the sweeper looks; three are longer than
/// the queue hides a message.
const STEP: Duration = Duration::from_secs(61);
/// More steps than any recovery may take.
const STEPS: usize = 30;

/// A platform on the stack's tables and queues.
pub fn platform(world: &World) -> Platform {
    Platform::new(&world.config(), Arc::new(SystemClock)).unwrap()
}

/// A tenant's id.
pub fn tenant_id(desk: &Desk<'_>) -> TenantId {
    TenantId::parse(&desk.tenant.id).unwrap()
}

/// Messages as they are stored.
pub async fn records(desk: &Desk<'_>, ids: &[String]) -> Vec<SendRecord> {
    let ids: Vec<MessageId> = ids.iter().map(|id| MessageId::parse(id).unwrap()).collect();
    let store = platform(desk.world).store;
    let mut all = Vec::new();
    for some in ids.chunks(50) {
        all.extend(store.sends(tenant_id(desk), some).await.unwrap());
    }
    assert_eq!(all.len(), ids.len(), "accepted messages are not there");
    all
}

/// Moves the stack's time, with a sweep each step, until nothing runs, nothing waits and no message is on its way.
pub async fn recovered(desk: &Desk<'_>, ids: &[String]) -> Vec<SendRecord> {
    for _ in 0..STEPS {
        if desk.world.stack.wait_idle(QUIET).await {
            let found = records(desk, ids).await;
            if found.iter().all(|record| record.state.is_settled()) {
                return found;
            }
        }
        desk.world.stack.clock().advance(STEP);
        // A fault of the test may hit the sweeper as well; the next one does its work.
        let _swept = desk.world.stack.sweep().await;
    }
    let open = records(desk, ids).await;
    let open: Vec<_> = open.iter().filter(|record| !record.state.is_settled()).collect();
    panic!("after {STEPS} steps it is not over: {open:?}, {:?}", desk.world.stack.status().await);
}

/// The accepted calls of the provider by our message id.
pub fn taken(desk: &Desk<'_>) -> BTreeMap<String, Vec<Value>> {
    let mut by_id: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for sent in desk.sent().into_iter().filter(|sent| sent["accepted"] == true) {
        by_id.entry(our_id(&sent)).or_default().push(sent);
    }
    by_id
}

/// Our id in a request to a provider.
pub fn our_id(sent: &Value) -> String {
    let body = &sent["body"];
    let id = body["biz_opaque_callback_data"].as_str().or(body["referenceId"].as_str());
    let id = id.unwrap_or_else(|| panic!("a request without our id: {sent}"));
    id.split('.').next().unwrap_or_default().to_owned()
}

/// The provider took each message at most once; each is sent under the id that the provider gave, or uncertain.
pub fn at_most_once(desk: &Desk<'_>, found: &[SendRecord]) {
    let taken = taken(desk);
    for (id, calls) in &taken {
        assert_eq!(calls.len(), 1, "{id} was sent {} times: {calls:?}", calls.len());
    }
    for record in found {
        let calls = taken.get(&record.id.to_string());
        match record.state {
            SendState::Sent => {
                let calls = calls.unwrap_or_else(|| panic!("nobody took {record:?}"));
                let id = calls[0]["provider_message_id"].as_str();
                let known = record.provider_message_id.as_deref();
                assert!(known == id || desk.tenant.provider == "ultramsg", "{known:?} is not {id:?}");
            }
            SendState::Uncertain => assert!(record.failure.is_some(), "{record:?} does not say why"),
            SendState::Held
            | SendState::Queued
            | SendState::Sending
            | SendState::Failed
            | SendState::Cancelled => panic!("neither sent nor uncertain: {record:?}"),
        }
    }
}

/// Meta reports what became of messages that it took, in one body for every fifty.
pub async fn reported(world: &World, sent: &[Value], statuses: &[&str]) {
    for some in sent.chunks(50) {
        let mut body = world.meta_body();
        let mut carried = Vec::new();
        for one in some {
            for (nth, status) in statuses.iter().enumerate() {
                let id = one["provider_message_id"].as_str().unwrap();
                body = body.status(id, status, world.now_s() + nth as u64);
                carried.push(one["body"]["biz_opaque_callback_data"].clone());
            }
        }
        let mut body = body.json();
        let list = body["entry"][0]["changes"][0]["value"]["statuses"].as_array_mut().unwrap();
        for (status, ours) in list.iter_mut().zip(carried) {
            status["biz_opaque_callback_data"] = ours;
        }
        assert_eq!(world.from_meta(body.to_string()).await.status, 200);
    }
    world.settled().await;
}

/// What the provider took and nobody here knows of yet settles when the provider reports it.
pub async fn settles_late(desk: &Desk<'_>, ids: &[String]) {
    let calls: Vec<Value> = taken(desk).into_values().flatten().collect();
    reported(desk.world, &calls, &["sent", "delivered"]).await;
    let taken = taken(desk);
    for record in records(desk, ids).await {
        match taken.get(&record.id.to_string()) {
            Some(calls) => {
                assert_eq!(record.state, SendState::Sent, "{record:?}");
                assert_eq!(record.provider_message_id.as_deref(), calls[0]["provider_message_id"].as_str());
                assert_eq!(record.failure, None, "{record:?}");
            }
            None => assert_eq!(record.state, SendState::Uncertain, "{record:?}"),
        }
    }
}

/// Sends texts in a conversation, one after the other; their ids.
pub async fn accepted(desk: &Desk<'_>, conversation: &str, texts: &[String]) -> Vec<String> {
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts {
        let answer = desk.says(&json!({"conversation_id": conversation, "text": text})).await;
        assert_eq!(answer.status, 202, "{text}: {:?}", answer.json());
        ids.push(text_of(&answer.data(), "id"));
    }
    ids
}

/// The texts that the provider took, in order.
pub fn texts(desk: &Desk<'_>) -> Vec<String> {
    let taken = desk.sent().into_iter().filter(|sent| sent["accepted"] == true);
    taken.map(|sent| sent["body"]["text"]["body"].as_str().unwrap_or_default().to_owned()).collect()
}
