//! Deliveries of customer webhooks: the schedule, what ends it, what begins it anew (C39, C40, C41, I-16).

use e2e::World;
use e2e::receiver::{DELIVERIES, ENDPOINTS, Receiver, Reply};
use local::Options;
use serde_json::{Value, json};
use std::time::Duration;

/// The documented waits, in seconds.
const WAITS: [u64; 7] = [1, 5, 30, 300, 1_800, 7_200, 43_200];

async fn world() -> World {
    World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await
}

/// One tenant with one receiver.
struct Setup<'w> {
    world: &'w World,
    key: String,
    receiver: Receiver,
    id: String,
    secret: String,
}

impl<'w> Setup<'w> {
    async fn of(world: &'w World, events: &[&str]) -> Self {
        let key = world.tenant("meta").keys.live_admin;
        let receiver = Receiver::start().await;
        let (id, secret) = world.register(&key, &receiver.url, events).await;
        Self { world, key, receiver, id, secret }
    }

    /// Asks for a test; the delivery's id.
    async fn test(&self) -> String {
        let asked = self.world.post(&format!("{ENDPOINTS}/{}/test", self.id), &self.key, &json!({})).await;
        assert_eq!(asked.status, 202, "{:?}", asked.json());
        asked.data()["id"].as_str().unwrap().to_owned()
    }

    async fn delivery(&self, id: &str) -> Value {
        let found = self.world.get(&format!("{DELIVERIES}/{id}"), &self.key).await;
        assert_eq!(found.status, 200, "{id}: {:?}", found.json());
        found.data()
    }

    async fn endpoint(&self) -> Value {
        self.world.get(&format!("{ENDPOINTS}/{}", self.id), &self.key).await.data()
    }

    async fn post(&self, path: &str, body: Value) -> e2e::Answer {
        self.world.post(path, &self.key, &body).await
    }

    /// Waits until a delivery is as it should be and nothing more is under way.
    async fn until(&self, id: &str, what: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let delivery = self.delivery(id).await;
            if what(&delivery) {
                return delivery;
            }
            assert!(tokio::time::Instant::now() < deadline, "it never came to that: {delivery}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until this many attempts are noted.
    async fn attempts(&self, id: &str, count: usize) -> Value {
        self.until(id, |delivery| delivery["attempts"].as_array().is_some_and(|all| all.len() >= count)).await
    }
}

fn ms(at: &Value) -> i64 {
    let at = domain::time::Millis::parse(at.as_str().unwrap()).unwrap();
    i64::try_from(at.unix_ms()).unwrap()
}

#[tokio::test]
async fn a_receiver_that_always_fails_is_tried_at_the_documented_offsets_and_then_the_delivery_is_exhausted()
{
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    setup.receiver.answers(Reply::status(500));
    let id = setup.test().await;
    setup.attempts(&id, 1).await;
    for (done, wait) in WAITS.iter().enumerate() {
        let delivery = setup.delivery(&id).await;
        assert_eq!(delivery["status"], "pending");
        let (last, next) = (ms(&delivery["attempts"][done]["at"]), ms(&delivery["next_attempt_at"]));
        let wait_ms = i64::try_from(wait * 1000).unwrap();
        assert!((next - last - wait_ms).abs() <= wait_ms / 10 + 50, "wait {wait}: {}", next - last);
        // Just before its time nothing comes, however often the sweeper looks.
        if *wait >= 300 {
            world.advance(wait - 20).await;
            world.stack.sweep().await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(setup.receiver.got().len(), done + 1, "too early, wait {wait}");
            world.advance(21).await;
            world.stack.sweep().await.unwrap();
        } else if *wait > 1 {
            world.advance(*wait).await;
        }
        let delivery = setup.attempts(&id, done + 2).await;
        let late = ms(&delivery["attempts"][done + 1]["at"]) - last - wait_ms;
        assert!(late.abs() <= wait_ms / 10 + 2_000, "wait {wait}: {late} ms late");
    }
    world.settled().await;
    let delivery = setup.delivery(&id).await;
    assert_eq!(delivery["status"], "exhausted", "{delivery}");
    assert_eq!(delivery["next_attempt_at"], Value::Null);
    let got = setup.receiver.got();
    assert_eq!(got.len(), 8);
    for one in &got {
        assert_eq!(one.header("x-hadar-delivery"), id);
        assert_eq!(one.body, got[0].body, "the same bytes");
        assert_eq!(one.signed_by(&setup.secret), (1, true));
    }
    let times: Vec<u64> = got.iter().map(e2e::receiver::Got::t).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "fresh times: {times:?}");
    for (attempt, got) in delivery["attempts"].as_array().unwrap().iter().zip(&got) {
        assert_eq!(attempt["status_code"], 500);
        assert!(attempt["error"].is_string());
        assert_eq!(ms(&attempt["at"]) / 1000, i64::try_from(got.t()).unwrap());
    }
    // Nothing more comes.
    world.advance(3 * 24 * 60 * 60).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(setup.receiver.got().len(), 8);
}

#[tokio::test]
async fn what_was_exhausted_is_delivered_again_with_the_same_id_and_bytes() {
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    setup.receiver.answers(Reply::status(410));
    let id = setup.test().await;
    let delivery = setup.until(&id, |delivery| delivery["status"] != "pending").await;
    assert_eq!(
        (&delivery["status"], &delivery["attempts"][0]["status_code"]),
        (&json!("cancelled"), &json!(410))
    );
    // 410 switched the endpoint off at once, and the audit log says so.
    let endpoint = setup.endpoint().await;
    assert_eq!(endpoint["status"], "disabled", "{endpoint}");
    assert!(endpoint["disabled_reason"].as_str().unwrap().contains("410"), "{endpoint}");
    let again = format!("{DELIVERIES}/{id}/redeliver");
    let off = setup.post(&again, json!({})).await;
    assert_eq!((off.status.as_u16(), off.code().as_str()), (409, "conflict"));

    world
        .call("PATCH", &format!("{ENDPOINTS}/{}", setup.id), &setup.key, &json!({"status": "enabled"}))
        .await;
    setup.receiver.answers(Reply::status(200));
    let again = setup.post(&again, json!({})).await;
    assert_eq!(again.status, 202, "{:?}", again.json());
    assert_eq!(again.data()["id"], id);
    let delivery = setup.until(&id, |delivery| delivery["status"] == "succeeded").await;
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 2);
    let got = setup.receiver.got();
    assert_eq!((got.len(), &got[0].body), (2, &got[1].body));
    assert_eq!(got[1].header("x-hadar-delivery"), id);
    let absent = format!("{DELIVERIES}/dlv_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_eq!(setup.post(&format!("{absent}/redeliver"), json!({})).await.status, 404);
    assert_eq!(world.get(&absent, &setup.key).await.status, 404);
    let foreign = world.tenant("ultramsg").keys.live_admin;
    assert_eq!(world.get(&format!("{DELIVERIES}/{id}"), &foreign).await.status, 404);
    assert_eq!(world.post(&format!("{DELIVERIES}/{id}/redeliver"), &foreign, &json!({})).await.status, 404);
}

#[tokio::test]
async fn everything_that_was_not_taken_since_a_time_is_recovered() {
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    let taken = setup.test().await;
    setup.until(&taken, |delivery| delivery["status"] == "succeeded").await;
    setup.receiver.answers(Reply::status(500));
    let before = setup.test().await;
    setup.attempts(&before, 1).await;
    world.advance(3_600).await;
    let since = domain::time::Millis::from_unix_ms(world.now_s() * 1000).to_string();
    let mut lost = Vec::new();
    for _ in 0..7 {
        lost.push(setup.test().await);
    }
    for id in &lost {
        setup.attempts(id, 1).await;
    }
    // More than a day later everything is exhausted: what was late is not tried any more.
    world.advance(2 * 24 * 60 * 60).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    for id in lost.iter().chain([&before]) {
        assert_eq!(setup.delivery(id).await["status"], "exhausted", "{id}");
    }
    let exhausted = world.all(&format!("{DELIVERIES}?status=exhausted"), &setup.key).await;
    assert_eq!(exhausted.len(), 8);

    setup.receiver.answers(Reply::status(200));
    let recover = format!("{ENDPOINTS}/{}/recover", setup.id);
    for bad in [json!({}), json!({"since": "yesterday"}), json!({"since": "2999-01-01T00:00:00Z"})] {
        let refused = setup.post(&recover, bad.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "validation_error"), "{bad}");
    }
    let count = setup.receiver.got().len();
    let recovered = setup.post(&recover, json!({"since": since})).await;
    assert_eq!((recovered.status.as_u16(), recovered.data()), (202, json!({"queued": 7, "complete": true})));
    world.settled().await;
    assert_eq!(setup.receiver.got().len(), count + 7);
    for id in &lost {
        assert_eq!(setup.delivery(id).await["status"], "succeeded");
    }
    assert_eq!(setup.delivery(&before).await["status"], "exhausted", "it was before");
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it_and_a_redirect_is_a_failure_that_nobody_follows() {
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    setup.receiver.answers_once(Reply::status(429).with("retry-after", "120"));
    let id = setup.test().await;
    let delivery = setup.attempts(&id, 1).await;
    let waits = ms(&delivery["next_attempt_at"]) - ms(&delivery["attempts"][0]["at"]);
    assert!((120_000..125_000).contains(&waits), "{waits}");
    world.advance(121).await;
    setup.until(&id, |delivery| delivery["status"] == "succeeded").await;

    let elsewhere = Receiver::start().await;
    for status in [301, 302, 303, 307, 308] {
        setup.receiver.answers_once(Reply::status(status).with("location", elsewhere.url.clone()));
        let id = setup.test().await;
        let delivery = setup.attempts(&id, 1).await;
        assert_eq!(delivery["attempts"][0]["status_code"], status);
        assert!(delivery["attempts"][0]["error"].as_str().unwrap().contains("redirect"), "{delivery}");
        setup.until(&id, |delivery| delivery["status"] == "succeeded").await;
    }
    assert!(elsewhere.got().is_empty());
}

#[tokio::test]
async fn an_answer_is_kept_in_part_and_a_receiver_that_is_down_is_a_failure() {
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    let body = format!("\u{1b}[31mno\n{}", "x".repeat(100_000));
    setup.receiver.answers_once(Reply { body, ..Reply::status(400) });
    let id = setup.test().await;
    let delivery = setup.attempts(&id, 1).await;
    let excerpt = delivery["attempts"][0]["response_excerpt"].as_str().unwrap();
    assert_eq!(excerpt.len(), 1_024);
    assert!(excerpt.starts_with("[31mno\nxxx"), "{excerpt}");

    let nobody = json!({"url": "http://127.0.0.1:1/hook"});
    world.call("PATCH", &format!("{ENDPOINTS}/{}", setup.id), &setup.key, &nobody).await;
    let id = setup.test().await;
    let delivery = setup.attempts(&id, 1).await;
    assert_eq!(delivery["attempts"][0]["status_code"], Value::Null);
    assert!(delivery["attempts"][0]["error"].as_str().unwrap().contains("no connection"), "{delivery}");
}

#[tokio::test]
async fn a_dispatcher_that_dies_in_the_middle_costs_nothing_but_a_second_delivery_with_the_same_id() {
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    setup.receiver.answers_once(Reply { after: Duration::from_secs(8), ..Reply::status(200) });
    let id = setup.test().await;
    setup.receiver.until(1).await;
    assert!(world.stack.kill_invocations("dispatcher") > 0);
    // Nobody else tries while its lease runs; then the sweeper finds it.
    world.stack.sweep().await.unwrap();
    assert_eq!(setup.receiver.got().len(), 1);
    world.advance(50).await;
    world.stack.sweep().await.unwrap();
    let delivery = setup.until(&id, |delivery| delivery["status"] == "succeeded").await;
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 1, "the one that was noted: {delivery}");
    world.advance(200).await;
    world.settled().await;
    let got = setup.receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!((got[0].header("webhook-id"), &got[0].body), (id.as_str(), &got[1].body));
    assert_eq!(got[1].header("webhook-id"), id);
}

#[tokio::test]
async fn a_queue_that_forgets_a_delivery_is_made_up_for_by_the_sweeper() {
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    world.faults(json!([{"service": "sqs", "operation": "SendMessage", "action": "error"}])).await;
    let id = setup.test().await;
    world.faults(json!([])).await;
    world.settled().await;
    assert!(setup.receiver.got().is_empty());
    world.advance(61).await;
    world.stack.sweep().await.unwrap();
    setup.until(&id, |delivery| delivery["status"] == "succeeded").await;
    assert_eq!(setup.receiver.got().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_fails_for_five_days_is_switched_off_and_the_others_are_told() {
    let world = world().await;
    let setup = Setup::of(&world, &["message.received"]).await;
    let other = Receiver::start().await;
    world.register(&setup.key, &other.url, &["endpoint.disabled"]).await;
    setup.receiver.answers(Reply::status(503));
    for day in 0..5 {
        let id = setup.test().await;
        setup.attempts(&id, 1).await;
        let endpoint = setup.endpoint().await;
        assert_eq!(endpoint["status"], "enabled", "day {day}");
        assert!(endpoint["failing_since"].is_string(), "{endpoint}");
        world.advance(24 * 60 * 60).await;
        world.settled().await;
    }
    let id = setup.test().await;
    setup.attempts(&id, 1).await;
    world.advance(10).await;
    let told = other.until(1).await.remove(0);
    assert_eq!(told.kind(), "endpoint.disabled");
    assert_eq!(told.json()["data"]["id"], setup.id);
    let endpoint = setup.endpoint().await;
    assert_eq!(endpoint["status"], "disabled");
    assert!(endpoint["disabled_reason"].as_str().unwrap().contains("five days"), "{endpoint}");
    // The backlog stays visible.
    assert!(world.all(&format!("{DELIVERIES}?endpoint_id={}", setup.id), &setup.key).await.len() >= 6);
}

#[tokio::test]
async fn a_failing_receiver_with_many_deliveries_is_tried_one_at_a_time_until_it_works() {
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    setup.receiver.answers(Reply::status(500));
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(setup.test().await);
    }
    // The first attempts and the retries of the first seconds open the breaker.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while setup.endpoint().await["consecutive_failures"].as_u64().unwrap() < 50 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = setup.receiver.got().len();
    world.advance(31).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let tried = setup.receiver.got().len() - before;
    assert!(tried <= 5, "{tried} were tried although one is enough to know");

    setup.receiver.answers(Reply::status(200));
    for _ in 0..20 {
        world.advance(75).await;
        world.stack.sweep().await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    world.advance(900).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    for id in &ids {
        let delivery = setup.delivery(id).await;
        assert_eq!(delivery["status"], "succeeded", "{delivery}");
    }
    assert_eq!(setup.endpoint().await["consecutive_failures"], 0);
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_page_by_page_and_filtered() {
    let world = world().await;
    let setup = Setup::of(&world, &["*"]).await;
    let mut ids = Vec::new();
    for number in 0..12 {
        setup.receiver.answers_once(Reply::status(if number % 3 == 0 { 410 } else { 200 }));
        let id = setup.test().await;
        setup.until(&id, |delivery| delivery["status"] != "pending").await;
        let on = json!({"status": "enabled"});
        world.call("PATCH", &format!("{ENDPOINTS}/{}", setup.id), &setup.key, &on).await;
        ids.push(id);
    }
    ids.reverse();
    let listed = |items: Vec<Value>| -> Vec<String> {
        items.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(world.all(DELIVERIES, &setup.key).await), ids);
    let first = world.get(&format!("{DELIVERIES}?limit=5"), &setup.key).await;
    assert_eq!(listed(first.items()), ids[..5]);
    assert_eq!(first.items()[0]["body"], Value::Null, "bodies are shown one at a time");
    let cursor = first.data()["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    let second = world.get(&format!("{DELIVERIES}?limit=5&cursor={cursor}"), &setup.key).await;
    assert_eq!(listed(second.items()), ids[5..10]);
    assert_eq!(world.all(&format!("{DELIVERIES}?status=cancelled"), &setup.key).await.len(), 4);
    assert_eq!(
        world.all(&format!("{DELIVERIES}?event_type=ping&status=succeeded"), &setup.key).await.len(),
        8
    );
    assert_eq!(world.all(&format!("{DELIVERIES}?event_type=lead.created"), &setup.key).await.len(), 0);
    assert_eq!(world.all(&format!("{DELIVERIES}?endpoint_id={}", setup.id), &setup.key).await.len(), 12);
    let other = "we_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    assert_eq!(world.all(&format!("{DELIVERIES}?endpoint_id={other}"), &setup.key).await.len(), 0);
    for bad in ["status=lost", "event_type=x", "endpoint_id=1", "limit=0", "since=now"] {
        assert_eq!(world.get(&format!("{DELIVERIES}?{bad}"), &setup.key).await.status, 400, "{bad}");
    }
    assert_eq!(world.all(DELIVERIES, &world.tenant("dialog360").keys.live_admin).await.len(), 0);
}
