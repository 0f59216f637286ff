//! Webhook bodies recorded by other projects, through the front door. Set `HADAR_CORPUS` to the folder; without it
//! this test says so and passes.

use e2e::World;
use serde_json::Value;
use std::path::PathBuf;

#[tokio::test]
async fn recorded_bodies_of_other_projects_give_what_their_index_expects() {
    let Some(corpus) = corpus() else {
        println!("skipped: HADAR_CORPUS is not set");
        return;
    };
    let index: Vec<Value> =
        serde_json::from_slice(&std::fs::read(corpus.join("index.json")).unwrap()).unwrap();
    let mut checked = 0;
    for entry in &index {
        let file = entry["file"].as_str().unwrap();
        let mut body: Value = serde_json::from_slice(&std::fs::read(corpus.join(file)).unwrap()).unwrap();
        // A stack each: the bodies repeat ids.
        let world = World::start().await;
        let provider = entry["provider"].as_str().unwrap();
        let tenant = world.tenant(provider);
        match provider {
            "ultramsg" => {
                body["instanceId"] = tenant.ultramsg.clone().unwrap().instance_id.into();
                assert_eq!(world.from_ultramsg(body.to_string()).await.status, 200, "{file}");
            }
            _ => {
                let meta = tenant.meta.clone().unwrap();
                rewrite(&mut body, &meta.phone_number_id, &meta.waba_id);
                assert_eq!(world.from_meta(body.to_string()).await.status, 200, "{file}");
            }
        }
        world.settled().await;

        let admin = &tenant.keys.live_admin;
        let parked = world.all("/v1/events?state=parked", admin).await;
        assert!(parked.is_empty(), "{file}: {parked:?}");
        let mut messages = Vec::new();
        for conversation in world.all("/v1/conversations", admin).await {
            let lead = conversation["lead_id"].as_str().map(str::to_owned);
            messages.push((conversation, lead));
        }
        let kept = world.all("/v1/events", admin).await;
        let applied = world.all("/v1/events?state=applied", admin).await;
        for expect in entry["expect"].as_array().unwrap() {
            match expect["kind"].as_str().unwrap() {
                "message" | "echo" | "message_received" => {
                    let id = expect["id"].as_str().unwrap();
                    let mut found = false;
                    for event in &applied {
                        let path = format!(
                            "/v1/whatsapp/messages/{}",
                            event["id"].as_str().unwrap().replace("evt_", "msg_")
                        );
                        let message = world.get(&path, admin).await.data();
                        if message["provider_message_id"] == id {
                            found = true;
                            let outbound = expect["kind"] == "echo";
                            assert_eq!(
                                message["direction"],
                                if outbound { "outbound" } else { "inbound" },
                                "{file}"
                            );
                            if let Some(text) =
                                expect.get("text").or(expect.get("body")).and_then(Value::as_str)
                            {
                                assert_eq!(message["text"], text, "{file}");
                            }
                        }
                    }
                    assert!(found, "{file}: no message {id} in {applied:?}");
                }
                "event" => {
                    let field = expect["field"].as_str().unwrap();
                    let named = |event: &Value| {
                        let reason = event["reason"].as_str().unwrap();
                        reason.contains(field) || field == "user_preferences" || field == "user_id_update"
                    };
                    assert!(kept.iter().any(named), "{file}: {field} in {kept:?}");
                }
                "value_error" => assert!(!kept.is_empty(), "{file}"),
                // Receipts wait for their message; that they were not parked is what can be seen from outside.
                "status" => {}
                other => panic!("{file}: unknown expectation {other}"),
            }
        }
        checked += 1;
    }
    assert_eq!(checked, 87);
}

fn corpus() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch")]
    std::env::var("HADAR_CORPUS").ok().map(PathBuf::from)
}

/// Makes a recorded body one of the demo tenant's numbers.
fn rewrite(body: &mut Value, phone_number_id: &str, waba_id: &str) {
    for entry in body["entry"].as_array_mut().into_iter().flatten() {
        entry["id"] = waba_id.into();
        for change in entry["changes"].as_array_mut().into_iter().flatten() {
            if change["value"]["metadata"].is_object() {
                change["value"]["metadata"]["phone_number_id"] = phone_number_id.into();
            }
        }
    }
}
