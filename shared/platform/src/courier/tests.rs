//! What a courier calls, and what it does not.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

fn config(allow: bool) -> Config {
    let config = Config::from_lookup(|name| match name {
        "HADAR_SINGLE_TENANT_ID" | "HADAR_PROVIDER_TIMEOUT_MS" | "AWS_CA_BUNDLE" => None,
        name if name.starts_with("HADAR_") && name.ends_with("_URL") => None,
        "HADAR_DIALOG360_PROBE_PATH" => None,
        _ => Some("x".to_owned()),
    });
    Config { allow_loopback_endpoints: allow, ..config.unwrap() }
}

/// Names that change their mind: the first look finds a public address, every later one this machine.
#[derive(Debug, Default)]
struct Rebinding(AtomicUsize);

impl Lookup for Rebinding {
    fn find(&self, name: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
        let looks = self.0.fetch_add(1, Ordering::Relaxed);
        let found: &[&str] = match name {
            "mixed.example.com" => &["192.0.2.1:0", "8.8.8.8:0", "127.0.0.1:0"],
            "mapped.example.com" => &["[::ffff:169.254.169.254]:0"],
            _ if looks == 0 => &["8.8.8.8:0"],
            _ => &["127.0.0.1:0"],
        };
        let found = found.iter().map(|text| text.parse().unwrap()).collect();
        Box::pin(async move { Ok(found) })
    }
}

#[test]
fn loopback_is_a_receiver_only_where_it_is_allowed_and_only_by_its_plain_names() {
    let plain = [
        "http://127.0.0.1:4000/hook",
        "https://127.0.0.1/",
        "http://localhost:9001",
        "http://localhost?x=1",
        "http://[::1]:1/",
    ];
    for text in plain {
        assert!(ReceiverUrl::parse(text, true).is_ok(), "{text}");
        assert!(ReceiverUrl::parse(text, false).is_err(), "{text}");
    }
    for text in [
        "http://127.1:4000/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.2/",
        "http://0.0.0.0/",
        "http://localhost./",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://u@localhost/",
        "http://localhost:70000/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "http://example.com/",
        "ftp://localhost/",
    ] {
        assert!(ReceiverUrl::parse(text, true).is_err(), "{text}");
    }
}

#[test]
fn an_address_that_parsers_read_differently_is_none() {
    for (text, expected) in [
        ("https://example.com\\@127.0.0.1/".to_owned(), NotAReceiver::Ambiguous),
        ("https://exam\tple.com/".to_owned(), NotAReceiver::Ambiguous),
        (" https://example.com/".to_owned(), NotAReceiver::Ambiguous),
        ("https://example.com/\u{0}".to_owned(), NotAReceiver::Ambiguous),
        ("https://example.com#@127.0.0.1/".to_owned(), NotAReceiver::WithFragment),
        (format!("https://example.com/{}", "a".repeat(2_029)), NotAReceiver::TooLong),
        ("https://example.com:9001/".to_owned(), NotPublic::Port.into()),
        ("http://example.com/".to_owned(), NotPublic::NotHttps.into()),
    ] {
        assert_eq!(ReceiverUrl::parse(&text, false), Err(expected), "{text}");
    }
    let longest = format!("https://example.com/{}", "a".repeat(2_028));
    assert!(ReceiverUrl::parse(&longest, false).is_ok());
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_at_every_attempt() {
    let lookup = Arc::new(Rebinding(AtomicUsize::new(1)));
    for allow in [false, true] {
        let courier = Courier::with_lookup(&config(allow), lookup.clone()).unwrap();
        for name in ["rebound.example.com", "mixed.example.com", "mapped.example.com"] {
            let answer = courier
                .post(&format!("https://{name}/hook"), HeaderMap::new(), Bytes::from_static(b"{}"))
                .await;
            let said = answer.unwrap_err().0;
            assert!(said.contains("not on the public internet"), "{name}: {said}");
        }
    }
}

#[test]
fn an_excerpt_is_short_and_plain() {
    assert_eq!(excerpt(b""), None);
    assert_eq!(excerpt(b"a\x1b[2Jb\r\n").as_deref(), Some("a[2Jb\n"));
    assert_eq!(excerpt(&[b'a'; 5_000]).unwrap().len(), 1_024);
    assert!(excerpt(&[0xff, b'a']).unwrap().ends_with('a'));
}
