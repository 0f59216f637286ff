//! Receivers inside: every spelling of a private address is refused when it is registered and when it is delivered to
//! (T16, T17; reliability: the corpus of URLs).

use bytes::Bytes;
use crm::deliver::work;
use crm::events::{Emitter, ping};
use domain::ids::{EndpointId, TenantId};
use e2e::World;
use e2e::receiver::{ENDPOINTS, Receiver};
use local::Options;
use platform::Platform;
use platform::clock::SystemClock;
use platform::config::Config;
use platform::courier::{Courier, Lookup};
use platform::queue::deliveries::DeliveryJob;
use serde_json::{Value, json};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// Hosts that lie inside, or spell something inside.
const HOSTS: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.2",
    "0.0.0.0",
    "0",
    "[::]",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001::]",
    "[2001:db8::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "169.254.169.254",
    "169.254.79.129",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "a.localhost",
    "metadata.google.internal",
    "instance-data.ec2.internal",
    "printer",
    "printer.local",
    "①②⑦.⓪.⓪.①",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "%31%32%37.0.0.1",
    "127.0.0.1.",
    "127。0。0。1",
];

/// Addresses that are wrong in another way.
const OTHERS: &[&str] = &[
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com:70/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "//example.com/",
    "example.com",
    "https://",
    "https:///path",
    "",
    "https://user@example.com/",
    "https://user:pass@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com#@127.0.0.1/",
    "https://example.com\\@127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://exam\tple.com/",
    "https://exam\nple.com/",
    " https://example.com/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:80/",
    "https://example.com:6379/",
    "https://example.com:9001/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
];

async fn refused(world: &World, key: &str, path: &str, method: &str, url: &str) {
    let body = match method {
        "POST" => json!({"url": url, "events": ["*"]}),
        _ => json!({"url": url}),
    };
    let answer = world.call(method, path, key, &body).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "validation_error"), "{url}");
    assert_eq!(answer.json()["error"]["field"], "url", "{url}");
}

#[tokio::test]
async fn no_spelling_of_a_private_address_can_be_registered_or_changed_to() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_admin;
    let (id, _) = world.register(&key, "https://example.com:8443/hook?x=1", &["*"]).await;
    let path = format!("{ENDPOINTS}/{id}");
    for host in HOSTS {
        for url in
            [format!("https://{host}/"), format!("https://{host}:8443/hook"), format!("http://{host}/")]
        {
            refused(&world, &key, ENDPOINTS, "POST", &url).await;
        }
        refused(&world, &key, &path, "PATCH", &format!("https://{host}/")).await;
    }
    for url in OTHERS {
        refused(&world, &key, ENDPOINTS, "POST", url).await;
        refused(&world, &key, &path, "PATCH", url).await;
    }
    let long = format!("https://example.com/{}", "a".repeat(2_048));
    refused(&world, &key, ENDPOINTS, "POST", &long).await;
    assert_eq!(world.all(ENDPOINTS, &key).await.len(), 1);
    assert_eq!(world.get(&path, &key).await.data()["url"], "https://example.com:8443/hook?x=1");
}

#[tokio::test]
async fn the_flag_for_this_machine_opens_this_machine_by_its_plain_names_and_nothing_else() {
    let world = World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await;
    let key = world.tenant("meta").keys.live_admin;
    for url in ["http://127.0.0.1:9/", "http://localhost:9/x", "http://[::1]:9/", "https://127.0.0.1/"] {
        world.register(&key, url, &["*"]).await;
    }
    let plain = ["127.0.0.1", "[::1]", "localhost"];
    for host in HOSTS.iter().filter(|host| !plain.contains(host)) {
        refused(&world, &key, ENDPOINTS, "POST", &format!("http://{host}:9/")).await;
        refused(&world, &key, ENDPOINTS, "POST", &format!("https://{host}/")).await;
    }
    for url in OTHERS {
        refused(&world, &key, ENDPOINTS, "POST", url).await;
    }
}

/// Names lead where their owner wants: outside when we look first, inside afterwards.
#[derive(Debug)]
struct Rebinding(AtomicUsize, SocketAddr);

impl Lookup for Rebinding {
    fn find(&self, _: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let found = vec![self.1];
        Box::pin(async move { Ok(found) })
    }
}

/// What the dispatcher of this stack is wired to.
fn outside(world: &World) -> (Platform, Config) {
    let config = Config { tokens_key_id: "alias/hadar-local-tokens".to_owned(), ..world.config() };
    (Platform::new(&config, Arc::new(SystemClock)).unwrap(), config)
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_at_every_attempt_and_nobody_is_called() {
    let world = World::start().await;
    let tenant = world.tenant("meta");
    let key = &tenant.keys.live_admin;
    let inside = Receiver::start().await;
    let port: u16 = inside.url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    // Registered under an honest name; what it resolves to is its owner's business.
    let (id, _) = world.register(key, "https://rebound.example.com:8443/hook", &["*"]).await;
    let (platform, config) = outside(&world);
    let (tenant, endpoint) = (TenantId::parse(&tenant.id).unwrap(), EndpointId::parse(&id).unwrap());
    let now = platform.clock.now();
    // The stack's own dispatcher must not be faster.
    world.faults(json!([{"service": "sqs", "operation": "SendMessage", "action": "error"}])).await;
    let emitter = Emitter { platform: &platform, tenant, receivers: &[], trace_id: Uuid::new_v4(), now };
    let delivery = ping(emitter, endpoint, ulid::Ulid::from_parts(1, 1)).await.unwrap();
    for (attempt, address) in
        ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1"].iter().enumerate()
    {
        let address = SocketAddr::new(address.parse().unwrap(), port);
        let lookup = Arc::new(Rebinding(AtomicUsize::new(0), address));
        let courier = Courier::with_lookup(&config, lookup.clone()).unwrap();
        let job = DeliveryJob::Deliver { tenant, endpoint, delivery };
        let mut noted = Vec::new();
        while noted.len() <= attempt {
            work(&platform, &courier, job).await.unwrap();
            noted = platform.store.delivery(tenant, delivery).await.unwrap().unwrap().attempts;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            platform
                .store
                .restart_delivery(tenant, delivery, platform.clock.now(), now.plus_ms(9_999_999))
                .await
                .unwrap();
        }
        assert_eq!(lookup.0.load(Ordering::Relaxed), 1, "looked up once for each attempt");
        let error = noted[attempt].error.clone().unwrap();
        assert!(error.contains("not on the public internet"), "{address}: {error}");
    }
    assert!(inside.got().is_empty());
}

#[tokio::test]
async fn what_was_stored_is_checked_again_when_it_is_delivered() {
    let world = World::start().await;
    let (_, config) = outside(&world);
    let courier = Courier::new(&config).unwrap();
    for host in HOSTS {
        for url in [format!("https://{host}/"), format!("http://{host}:9001/2018-06-01/runtime")] {
            let answer = courier.post(&url, http::HeaderMap::new(), Bytes::from_static(b"{}")).await;
            let said = answer.unwrap_err().0;
            assert!(said.contains("not allowed"), "{url}: {said}");
        }
    }
    let nothing: Vec<Value> = Vec::new();
    assert_eq!(world.all(ENDPOINTS, &world.tenant("meta").keys.live_admin).await, nothing);
}
