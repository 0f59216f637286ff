//! The examples of `docs/sending.md` work as they are written.

use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};
use std::path::Path;

const CUSTOMER: &str = "971501234567";

/// The examples of the guide: what each is, and its JSON.
fn examples() -> Vec<(String, Value)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/sending.md");
    let text = std::fs::read_to_string(file).unwrap();
    let mut found = Vec::new();
    for block in text.split("```json").skip(1) {
        let (head, rest) = block.split_once('\n').unwrap();
        let json = rest.split("```").next().unwrap();
        let value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        found.push((head.trim().to_owned(), value));
    }
    found
}

/// An example with the ids of this stack in place of those of the guide.
fn with_ids(example: &Value, conversation: &str, message: &str, file: &str) -> Value {
    let text = example.to_string();
    let text = text.replace("conv_01ARZ3NDEKTSV4RRFFQ69G5FAV", conversation);
    let text = text.replace("msg_01ARZ3NDEKTSV4RRFFQ69G5FAV", message);
    serde_json::from_str(&text.replace("1234567890123456", file)).unwrap()
}

async fn upload(desk: &Desk<'_>) -> String {
    let bearer = format!("Bearer {}", desk.key());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/pdf")];
    let made = desk.world.send("POST", "/v1/whatsapp/media", &headers, &b"%PDF-1.7\n%%EOF\n"[..]).await;
    text_of(&made.data(), "id")
}

#[tokio::test]
async fn every_example_of_the_guide_is_taken_as_it_stands_and_reaches_the_provider() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello, is the villa free?").await;
    let contact = desk.contact_of(&conversation).await;
    let message = text_of(&desk.newest(&conversation).await, "id");
    let file = upload(&desk).await;
    let examples = examples();
    assert!(examples.len() >= 18, "{}", examples.len());
    let ledger = format!("/v1/contacts/{contact}/consents");
    let consents: Vec<&Value> =
        examples.iter().filter(|(what, _)| what == "consent").map(|(_, one)| one).collect();
    // The offer among the examples needs the consent that comes after it.
    assert_eq!(desk.post(&ledger, consents[0]).await.status, 201);
    let mut sends = 0;
    for (what, example) in &examples {
        match what.as_str() {
            "send" => {
                let body = with_ids(example, &conversation, &message, &file);
                assert_eq!(desk.preflight(&body).await.data()["allowed"], json!(true), "{body}");
                let shown = desk.sends(&body).await;
                let expected = if body["hold"] == json!(true) { ["held", "held"] } else { ["sent", "read"] };
                assert!(expected.contains(&shown["status"].as_str().unwrap()), "{body}: {shown}");
                sends += usize::from(shown["status"] != "held");
            }
            "consent" => {}
            other => panic!("what is an example of `{other}`?"),
        }
    }
    let sent = desk.sent();
    assert_eq!(sent.len(), sends);
    assert!(sent.iter().all(|one| one["accepted"] == true), "{sent:?}");
    for consent in consents {
        assert_eq!(desk.post(&ledger, consent).await.status, 201, "{consent}");
    }
}
