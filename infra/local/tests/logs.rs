//! What a stack writes to its log: ids, never what people wrote, who they are, or what opens a door.

use std::process::{Command, Stdio};
use std::time::Duration;

fn post(url: &str, header: &str, body: &str) -> bool {
    let done = Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-X", "POST", url, "-H", header, "-d", body])
        .status();
    done.is_ok_and(|status| status.success())
}

#[test]
fn a_log_at_debug_level_holds_no_name_no_number_no_text_and_no_secret() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log.txt");
    let ready_file = dir.path().join("ready.json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_hadar"))
        .args(["--port", "0", "--ephemeral", "--ready-file"])
        .arg(&ready_file)
        .env("RUST_LOG", "debug")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let ready: local::Ready = loop {
        if let Ok(text) = std::fs::read(&ready_file) {
            break serde_json::from_slice(&text).unwrap();
        }
        assert!(child.try_wait().unwrap().is_none(), "the stack ended");
        std::thread::sleep(Duration::from_millis(50));
    };
    let tenant = ready.tenants.iter().find(|one| one.provider == "dialog360").unwrap();
    let token = tenant.dialog360.as_ref().unwrap().webhook_token.clone();
    let good = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"2"},"contacts":[{"profile":{"name":"Canaryname"},"wa_id":"971505550123"}],"messages":[{"from":"971505550123","id":"wamid.log","timestamp":"1790000000","type":"text","text":{"body":"canarytext"}}]}}]}]}"#;
    for body in [good, &good.replace("\"1790000000\"", "\"canarytime\""), "{\"canarybroken\":"] {
        assert!(post(&format!("{}/{token}", tenant.webhook_url), "content-type: application/json", body));
        assert!(post(
            &format!("{}?token={token}", tenant.webhook_url),
            "content-type: application/json",
            body
        ));
    }
    let bearer = format!("authorization: Bearer {}", tenant.keys.live_admin);
    for path in ["conversations", "leads", "events?state=parked"] {
        let url = format!("{}/v1/{path}", ready.base_url);
        assert!(
            Command::new("curl")
                .args(["-s", "-o", "/dev/null", &url, "-H", &bearer])
                .status()
                .unwrap()
                .success()
        );
    }
    let status = format!("{}/_local/status", ready.base_url);
    let idle = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let answer = Command::new("curl").args(["-s", &status]).output().unwrap();
        String::from_utf8_lossy(&answer.stdout).contains("\"idle\":true")
    });
    assert!(idle, "the stack did not come to rest");
    child.kill().unwrap();
    child.wait().unwrap();

    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.lines().count() > 3, "nothing was logged: {log}");
    for canary in [
        "Canaryname",
        "971505550123",
        "canarytext",
        "canarytime",
        "canarybroken",
        &token,
        &tenant.keys.live_admin,
    ] {
        let line = log.lines().find(|line| line.contains(canary));
        assert!(line.is_none(), "the log holds {canary}: {line:?}");
    }
}
