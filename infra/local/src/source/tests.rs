//! An event source on the real queue service, with functions that fail in every way there is.

use super::*;
use crate::resources::lambda_environment;
use embedded_aws::{EmbeddedAws, StackClock};
use platform::config::Config;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

fn handles() -> Vec<Handle> {
    let handle = |id: &str| Handle { message_id: id.into(), receipt_handle: format!("r-{id}") };
    ["a", "b", "c"].map(handle).into()
}

fn left(failed: &[&str], reports: bool) -> Vec<String> {
    let mut response = SqsBatchResponse::default();
    failed.iter().for_each(|id| response.add_failure(*id));
    applied(handles(), &response, reports).into_iter().map(|handle| handle.message_id).collect()
}

#[test]
fn only_the_records_that_failed_are_kept() {
    assert_eq!(left(&[], true), ["a", "b", "c"]);
    assert_eq!(left(&["b"], true), ["a", "c"]);
    assert_eq!(left(&["b"], false), ["a", "b", "c"]);
}

#[test]
fn a_failure_that_names_no_record_keeps_them_all() {
    assert!(left(&[""], true).is_empty());
    assert!(left(&["b", "z"], true).is_empty());
}

#[test]
fn message_attributes_are_respelled() {
    let made = attribute(json!({"DataType": "Binary", "BinaryValue": "AQI="})).unwrap();
    assert_eq!(made.binary_value.map(|data| data.0), Some(vec![1, 2]));
    let made = attribute(json!({"DataType": "String", "StringValue": "x"})).unwrap();
    assert_eq!((made.string_value.as_deref(), made.data_type.as_deref()), (Some("x"), Some("String")));
}

/// A queue `q` with 30 s of visibility that redrives to `dead` after two receives.
struct Rig {
    embedded: EmbeddedAws,
    clock: StackClock,
    aws: Aws,
    queue_url: String,
    invocations: Invocations,
    colds: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Rig {
    async fn new() -> Self {
        let clock = StackClock::new();
        let options = embedded_aws::Options { clock: clock.clone(), ..embedded_aws::Options::default() };
        let embedded = EmbeddedAws::open(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(embedded.clone().serve(listener, std::future::pending()));
        let mut environment = lambda_environment("stack", &endpoint);
        environment.insert("HADAR_CRM_TABLE".into(), "-".into());
        let config = Config::from_lookup(|name| environment.get(name).cloned()).unwrap();
        let aws = Aws::new(&config.aws, "stack").unwrap();
        let create = |input: serde_json::Value| {
            let aws = aws.clone();
            async move {
                let made: serde_json::Value =
                    aws.call(Service::Sqs, "CreateQueue", &input, Effort::Standard).await.unwrap();
                made["QueueUrl"].as_str().unwrap().to_owned()
            }
        };
        create(json!({"QueueName": "dead"})).await;
        let policy =
            r#"{"deadLetterTargetArn":"arn:aws:sqs:me-central-1:000000000000:dead","maxReceiveCount":2}"#;
        let attributes = json!({"VisibilityTimeout": "30", "RedrivePolicy": policy});
        let queue_url = create(json!({"QueueName": "q", "Attributes": attributes})).await;
        let (stop, _) = watch::channel(false);
        Self {
            embedded,
            clock,
            aws,
            queue_url,
            invocations: Invocations::default(),
            colds: Arc::default(),
            stop,
            tasks,
        }
    }

    fn poll(&mut self, timeout: Duration, environment: Environment) {
        let colds = Arc::clone(&self.colds);
        let source = EventSource {
            function: "f".into(),
            timeout,
            queue_url: self.queue_url.clone(),
            queue_arn: "arn:aws:sqs:me-central-1:000000000000:q".into(),
            region: "me-central-1".into(),
            batch_size: 10,
            window: Duration::ZERO,
            reports_failures: true,
            aws: self.aws.clone(),
            invocations: self.invocations.clone(),
            start: Box::new(move || {
                colds.fetch_add(1, Ordering::SeqCst);
                Arc::clone(&environment)
            }),
        };
        self.tasks.spawn(Arc::new(source).poll(self.stop.subscribe()));
    }

    async fn send(&self, body: &str) {
        let input = json!({
            "QueueUrl": self.queue_url,
            "MessageBody": body,
            "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "test"}},
        });
        let _sent: serde_json::Value =
            self.aws.call(Service::Sqs, "SendMessage", &input, Effort::Standard).await.unwrap();
    }

    /// Waits until the queue holds this many messages: visible, in flight.
    async fn settles_at(&self, queue: &str, visible: u64, in_flight: u64) {
        let mut seen = None;
        for _ in 0..500 {
            seen = self.embedded.queue_depths().into_iter().find(|depth| depth.name == queue);
            if seen.as_ref().is_some_and(|depth| (depth.visible, depth.in_flight) == (visible, in_flight)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{queue} is at {seen:?}");
    }
}

const LONG: Duration = Duration::from_secs(60);

/// A function that tells what it got and answers by the body of each record.
fn telling(tell: mpsc::UnboundedSender<SqsMessage>) -> Environment {
    Arc::new(move |event: SqsEvent| {
        let tell = tell.clone();
        Box::pin(async move {
            let mut response = SqsBatchResponse::default();
            for record in event.records {
                match record.body.as_deref() {
                    Some("fail") => response.add_failure(record.message_id.clone().unwrap()),
                    Some("panic") => panic!("as the test asks"),
                    Some("hang") => {
                        tell.send(record).unwrap();
                        std::future::pending::<()>().await;
                        continue;
                    }
                    _ => {}
                }
                tell.send(record).unwrap();
            }
            response
        })
    })
}

#[tokio::test]
async fn a_record_has_what_lambda_puts_into_it_and_is_deleted_when_applied() {
    let mut rig = Rig::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    rig.poll(LONG, telling(tell));
    rig.send("hello").await;
    let record = told.recv().await.unwrap();
    assert_eq!(record.md5_of_body.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!(record.attributes["ApproximateReceiveCount"], "1");
    assert!(record.attributes.contains_key("SentTimestamp"));
    assert_eq!(record.message_attributes["kind"].string_value.as_deref(), Some("test"));
    assert_eq!(record.event_source_arn.as_deref(), Some("arn:aws:sqs:me-central-1:000000000000:q"));
    assert_eq!(record.event_source.as_deref(), Some("aws:sqs"));
    assert!(record.message_id.is_some() && record.receipt_handle.is_some());
    rig.settles_at("q", 0, 0).await;
}

#[tokio::test]
async fn a_record_that_fails_comes_back_after_its_visibility_and_ends_as_a_dead_letter() {
    let mut rig = Rig::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    rig.poll(LONG, telling(tell));
    rig.send("fail").await;
    assert_eq!(told.recv().await.unwrap().attributes["ApproximateReceiveCount"], "1");
    rig.settles_at("q", 0, 1).await;
    rig.clock.advance(Duration::from_secs(31));
    assert_eq!(told.recv().await.unwrap().attributes["ApproximateReceiveCount"], "2");
    rig.clock.advance(Duration::from_secs(31));
    rig.settles_at("dead", 1, 0).await;
    rig.settles_at("q", 0, 0).await;
    assert_eq!(rig.colds.load(Ordering::SeqCst), 1, "the environment stayed warm");
}

#[tokio::test]
async fn a_kill_deletes_nothing_and_costs_the_environment() {
    let mut rig = Rig::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    rig.poll(LONG, telling(tell));
    rig.send("hang").await;
    told.recv().await.unwrap();
    assert_eq!(rig.invocations.kill("f"), 1);
    rig.settles_at("q", 0, 1).await;
    rig.send("next").await;
    assert_eq!(told.recv().await.unwrap().body.as_deref(), Some("next"));
    assert_eq!(rig.colds.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_timeout_ends_an_invocation_as_a_kill_does() {
    let mut rig = Rig::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    rig.poll(Duration::from_millis(50), telling(tell));
    rig.send("hang").await;
    told.recv().await.unwrap();
    rig.send("next").await;
    assert_eq!(told.recv().await.unwrap().body.as_deref(), Some("next"));
    rig.settles_at("q", 0, 1).await;
    assert_eq!(rig.colds.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_panic_deletes_nothing_and_the_function_goes_on() {
    let mut rig = Rig::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    rig.poll(LONG, telling(tell));
    rig.send("panic").await;
    rig.settles_at("q", 0, 1).await;
    rig.send("next").await;
    assert_eq!(told.recv().await.unwrap().body.as_deref(), Some("next"));
    rig.settles_at("q", 0, 1).await;
    assert_eq!(rig.colds.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stop_lets_the_invocation_end_and_takes_nothing_more() {
    let mut rig = Rig::new().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let released = Mutex::new(Some(released));
    rig.poll(
        LONG,
        Arc::new(move |event: SqsEvent| {
            let (tell, released) = (tell.clone(), released.lock().unwrap().take());
            Box::pin(async move {
                tell.send(event.records.len()).unwrap();
                if let Some(released) = released {
                    released.await.unwrap();
                }
                SqsBatchResponse::default()
            })
        }),
    );
    rig.send("first").await;
    told.recv().await.unwrap();
    rig.stop.send_replace(true);
    rig.send("second").await;
    release.send(()).unwrap();
    rig.settles_at("q", 1, 0).await;
    assert!(told.recv().await.is_none(), "the poller is gone");
}
