//! Any order and any duplication of the same events gives the same conversation, statuses and window.

use crm::ingest::{Delivery, Ingest};
use domain::identity::Identity;
use domain::ids::TenantId;
use domain::phone::Phone;
use domain::provider::{AuthStrength, Provider};
use domain::time::Millis;
use e2e::World;
use e2e::bodies::MetaBody;
use futures_util::StreamExt as _;
use platform::Platform;
use platform::clock::SystemClock;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::sync::Arc;

/// The events of one customer, each deliverable alone.
fn history(number: (&str, &str), customer: &str, at: u64) -> Vec<Value> {
    let body = || MetaBody::of(number.0, number.1);
    let bsuid = format!("AE.{customer}");
    let id = |name: &str| format!("wamid.{customer}.{name}");
    vec![
        body().text(customer, &id("1"), at, "hello there").json(),
        body()
            .contact(json!({"profile": {"name": "Mona"}, "wa_id": customer, "user_id": bsuid}))
            .message("", json!({"from": customer, "from_user_id": bsuid, "id": id("2"), "timestamp": (at + 1).to_string(),
                "type": "text", "text": {"body": "مرحبا"}}))
            .json(),
        body().text(customer, &id("3"), at + 2, "👍").json(),
        body().echo(customer, &id("out"), at + 3, "welcome").json(),
        body().status(&id("out"), "delivered", at + 5).json(),
        body().status(&id("out"), "read", at + 6).json(),
    ]
}

/// What a viewer sees of a customer, without what differs by design (ids, traces, arrival).
async fn seen(world: &World, customer: &str) -> Value {
    let key = world.tenant("meta").keys.live_viewer;
    let conversations = world.all("/v1/conversations", &key).await;
    let mine: Vec<&Value> =
        conversations.iter().filter(|one| one["contact"]["phone"] == format!("+{customer}")).collect();
    assert_eq!(mine.len(), 1, "{customer}: {conversations:?}");
    let messages =
        world.all(&format!("/v1/conversations/{}/messages", mine[0]["id"].as_str().unwrap()), &key).await;
    let messages: Vec<Value> = messages
        .iter()
        .map(|one| {
            json!([
                one["provider_message_id"].as_str().unwrap().rsplit('.').next(),
                one["text"],
                one["status"],
                one["statuses"],
                one["created_at"],
                one["direction"]
            ])
        })
        .collect();
    json!({"language": mine[0]["language"], "expires_at": mine[0]["window"]["expires_at"],
        "last": mine[0]["last_message_at"], "messages": messages})
}

/// The use case on the real tables, without queue and front door: fast enough for thousands of histories.
struct Direct {
    platform: Platform,
    ingest: Ingest,
    tenant: TenantId,
    number: (String, String),
    now: Millis,
}

impl Direct {
    fn of(world: &World) -> Self {
        let tenant = world.tenant("meta");
        let meta = tenant.meta.unwrap();
        let platform = Platform::new(&world.config(), Arc::new(SystemClock)).unwrap();
        Self {
            ingest: Ingest::new(platform.clone()),
            platform,
            tenant: TenantId::parse(&tenant.id).unwrap(),
            number: (meta.phone_number_id, meta.waba_id),
            now: Millis::from_unix_ms(world.now_s() * 1000),
        }
    }

    /// Applies the events of a customer one by one; each arrives a second after the one before.
    async fn play(&self, customer: &str, kinds: &[usize]) {
        let at = self.now.unix_ms() / 1000 - 3_600;
        let all = every_kind((&self.number.0, &self.number.1), customer, at);
        for (n, kind) in kinds.iter().enumerate() {
            let body = all[*kind].to_string();
            let delivery = Delivery {
                tenant: self.tenant,
                provider: Provider::Meta,
                auth_strength: AuthStrength::Signature,
                received_at: self.now.plus_ms(1000 * n as u64),
                trace_id: domain_uuid(n),
                body: body.as_bytes(),
            };
            self.ingest.apply(delivery, self.now).await.unwrap_or_else(|error| panic!("{body}: {error}"));
        }
    }

    /// What the tables know of a customer, without what differs by design (ids, arrival).
    async fn seen(&self, customer: &str) -> String {
        let store = &self.platform.store;
        let phone = Identity::Phone(Phone::from_wa_id(customer).unwrap());
        let Some(known) = store.known_identity(self.tenant, &phone, true).await.unwrap() else {
            return "nobody".to_owned();
        };
        let family = store.contact_family(self.tenant, known.contact).await.unwrap();
        let ids: Vec<_> = family.iter().map(|contact| contact.id).collect();
        let conversations = store.conversations(self.tenant, &ids).await.unwrap();
        let at = |order: ulid::Ulid| order.timestamp_ms();
        let last_inbound = conversations.iter().filter_map(|one| one.last_inbound).max().map(|(_, at)| at);
        let last_outbound = conversations.iter().filter_map(|one| one.last_outbound).max().map(at);
        let language = conversations.iter().filter_map(|one| one.language).max_by_key(|(order, _)| *order);
        let mut entries = Vec::new();
        for id in &ids {
            entries.extend(store.timeline(self.tenant, *id, None, 100).await.unwrap().entries);
        }
        entries.sort_by_key(|entry| entry.id);
        entries.dedup_by_key(|entry| entry.id);
        let wamids: Vec<&str> = entries.iter().map(|entry| entry.provider_message_id.as_str()).collect();
        let mut annexes = store.annexes(self.tenant, &wamids).await.unwrap();
        annexes.sort_by(|a, b| a.0.cmp(&b.0));
        let annexes: Vec<String> = annexes
            .iter()
            .map(|(_, annex)| {
                format!(
                    "{:?} {:?} {:?} {:?}",
                    annex.receipts,
                    annex.revoked_at,
                    annex.edited.is_some(),
                    annex.reaction_in.as_ref().map(|reacted| &reacted.emoji)
                )
            })
            .collect();
        let kinds: Vec<(u64, &str)> =
            entries.iter().map(|entry| (at(entry.id.ulid()), entry.kind.as_str())).collect();
        format!(
            "{last_inbound:?} {last_outbound:?} {:?} {kinds:?} {annexes:?}",
            language.map(|(_, language)| language)
        )
    }
}

fn domain_uuid(n: usize) -> uuid::Uuid {
    uuid::Uuid::from_u128(n as u128 + 1)
}

/// One body of each kind that a conversation can meet.
fn every_kind(number: (&str, &str), customer: &str, at: u64) -> Vec<Value> {
    let body = || MetaBody::of(number.0, number.1);
    let id = |name: &str| format!("wamid.{customer}.{name}");
    let (one, out) = (id("1"), id("out"));
    let message = |name: &str, at: u64, kind: &str, content: Value| json!({"from": customer, "id": id(name), "timestamp": at.to_string(), "type": kind, kind: content});
    let mut all = history(number, customer, at);
    all.extend([
        body().message(customer, message("e1", at + 7, "edit", json!({"original_message_id": one, "message": {"type": "text", "text": {"body": "edited once"}}}))).json(),
        body().message(customer, message("e2", at + 8, "edit", json!({"original_message_id": one, "message": {"type": "text", "text": {"body": "edited twice"}}}))).json(),
        body().message(customer, message("r1", at + 9, "reaction", json!({"message_id": out, "emoji": "👍"}))).json(),
        body().message(customer, message("r2", at + 10, "reaction", json!({"message_id": out}))).json(),
        body().message(customer, message("v", at + 11, "revoke", json!({"original_message_id": one}))).json(),
        body().status(&out, "sent", at + 4).json(),
        body().status(&out, "failed", at + 12).json(),
        body().text(customer, &id("late"), at + 13, "نعم").json(),
    ]);
    all
}

#[tokio::test]
async fn every_order_of_six_events_ends_the_same() {
    let world = World::start().await;
    let direct = Direct::of(&world);
    direct.play("971510000000", &[0, 1, 2, 3, 4, 5]).await;
    let expected = direct.seen("971510000000").await;

    let mut orders = vec![vec![]];
    for kind in 0..6 {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |place| {
                    let mut longer = order.clone();
                    longer.insert(place, kind);
                    longer
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 720);
    let direct = &direct;
    let results = futures_util::stream::iter(orders.iter().enumerate())
        .map(|(n, order)| async move {
            let customer = format!("9715100{:05}", n + 1);
            direct.play(&customer, order).await;
            (order, direct.seen(&customer).await)
        })
        .buffer_unordered(8)
        .collect::<Vec<_>>()
        .await;
    for (order, got) in results {
        assert_eq!(got, expected, "{order:?}");
    }
}

/// 500 sets of events, each in 20 shuffles with repetitions, make 10,000 histories.
#[tokio::test]
async fn ten_thousand_random_histories_end_like_their_set_in_order() {
    let world = World::start().await;
    let direct = Direct::of(&world);
    let mut runner = TestRunner::deterministic();
    let kinds = every_kind((&direct.number.0, &direct.number.1), "971520000000", 10_000).len();
    let sets: Vec<(usize, Vec<usize>, Vec<Vec<usize>>)> = (0..500)
        .map(|n| {
            let subset = prop::sample::subsequence((0..kinds).collect::<Vec<_>>(), 2..=5);
            let set = subset.new_tree(&mut runner).unwrap().current();
            let shuffles = (0..20)
                .map(|_| {
                    let repeated = prop::collection::vec(prop::sample::select(set.clone()), 0..3);
                    let mut events = repeated.new_tree(&mut runner).unwrap().current();
                    events.extend(&set);
                    Just(events).prop_shuffle().new_tree(&mut runner).unwrap().current()
                })
                .collect();
            (n, set, shuffles)
        })
        .collect();
    let direct = &direct;
    let checked: usize = futures_util::stream::iter(sets)
        .map(|(n, set, shuffles)| async move {
            let customer = |k: usize| format!("9715{:08}", 20_000_000 + n * 100 + k);
            direct.play(&customer(0), &set).await;
            let expected = direct.seen(&customer(0)).await;
            for (k, shuffle) in shuffles.iter().enumerate() {
                direct.play(&customer(k + 1), shuffle).await;
                assert_eq!(direct.seen(&customer(k + 1)).await, expected, "set {set:?}, history {shuffle:?}");
            }
            shuffles.len()
        })
        .buffer_unordered(8)
        .fold(0, |sum, n| async move { sum + n })
        .await;
    assert_eq!(checked, 10_000);
}

#[tokio::test]
async fn the_same_histories_delivered_all_at_once_through_the_front_door_end_the_same() {
    let world = World::start().await;
    let meta = world.tenant("meta").meta.unwrap();
    let number = (meta.phone_number_id.as_str(), meta.waba_id.as_str());
    let at = world.now_s() - 3_600;
    for event in history(number, "971500000000", at) {
        assert_eq!(world.from_meta(event.to_string()).await.status, 200);
        world.settled().await;
    }
    let expected = seen(&world, "971500000000").await;
    let customers: Vec<String> = (1..=20).map(|n| format!("9715000001{n:02}")).collect();
    let mut bodies = Vec::new();
    for round in 0..3 {
        for customer in &customers {
            let mut events = history(number, customer, at);
            events.rotate_left(round * 2);
            bodies.extend(events.into_iter().map(|event| event.to_string()));
        }
    }
    let answers = futures_util::future::join_all(bodies.iter().map(|body| world.from_meta(body))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    world.settled().await;

    for customer in &customers {
        assert_eq!(seen(&world, customer).await, expected, "{customer}");
    }
}
