//! What an erasure does to what other parts keep about a person: Chatwoot, first touches, the ledger (F11, I-21).

use crate::chatwoot::{connected, handed_over, state, world, writes};
use crate::erasure::{completed, dump, erases};
use crate::first_touch::{self, enquiry, until};
use crate::forms::{JSON, aisha, consents, fill, form, leads};
use crate::ledger::exported;
use domain::ledger_file::verify_file;
use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};

/// Erases a contact to the end.
async fn erased(desk: &Desk<'_>, contact: &str) -> Value {
    let begun = erases(desk, contact, "erase").await;
    assert_eq!(begun.status, 202, "{:?}", begun.json());
    completed(desk, &text_of(&begun.data(), "id")).await
}

/// The sort keys of what the tables still hold that names an id in its key.
async fn keyed_by(world: &World, id: &str) -> Vec<String> {
    let (_, ulid) = id.split_once('_').unwrap();
    let items = dump(world).await;
    let named = items.iter().filter(|(table, item)| {
        table == "crm" && item["pk"]["S"].as_str().is_some_and(|key| key.contains(ulid))
    });
    named.map(|(_, item)| item["sk"]["S"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_an_agent_writes_in_chatwoot_to_a_person_who_was_erased_reaches_nobody() {
    let world = world().await;
    let desk = world.desk("meta");
    connected(&desk).await;
    let register = world.get("/v1/transfers", desk.key()).await.items();
    let listed = register.iter().find(|one| one["id"] == "chatwoot").unwrap();
    assert_eq!(listed["built_in"], true, "{listed}");
    let talk = handed_over(&desk).await;
    writes(&world, json!({"content": "Good morning"})).await;
    world.settled().await;
    assert_eq!(desk.sent().len(), 1);
    let contact = desk.contact_of(&talk).await;
    let there = state(&world).await;

    erased(&desk, &contact).await;
    let left = dump(&world).await;
    let pointer = left.iter().find(|(_, item)| item["pk"]["S"].as_str().unwrap().contains("#CW#"));
    assert_eq!(pointer, None);
    writes(&world, json!({"content": "Are you still there?"})).await;
    world.settled().await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(desk.sent().len(), 1);
    let now = state(&world).await;
    assert_eq!(now["contacts"], there["contacts"], "nobody is made anew there");
    assert_eq!(keyed_by(&world, &contact).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_first_touch_that_waits_goes_with_its_lead_and_the_ledger_holds() {
    let world = World::start().await;
    let desk = first_touch::desk(&world, json!({"mode": "manual"})).await;
    let made = desk.post("/v1/leads", &enquiry("+971501234567", json!({}))).await.data();
    let (lead, contact) = (text_of(&made, "id"), text_of(&made, "contact_id"));
    until(&desk, &lead, "held").await;
    let other = desk.post("/v1/leads", &enquiry("+971501234568", json!({}))).await.data();
    until(&desk, &text_of(&other, "id"), "held").await;

    erased(&desk, &contact).await;
    for id in [&lead, &contact] {
        // What is left under the contact is the ledger's, without what was personal.
        assert_eq!(keyed_by(&world, id).await, Vec::<String>::new(), "{id}");
    }
    world.advance(61).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    assert_eq!(desk.sent().len(), 0);

    let file = exported(&desk).await;
    let sound = verify_file(&file, None).unwrap();
    let text = String::from_utf8(file).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &Value| rows.iter().filter(|row| row["contact_id"] == *id).collect::<Vec<_>>();
    let (gone, kept) = (of(&json!(contact)), of(&other["contact_id"]));
    assert_eq!((sound.rows, gone.len(), kept.len()), (2, 1, 1), "{text}");
    assert_eq!((gone[0].get("personal"), gone[0]["state"].as_str()), (None, Some("granted")));
    assert!(kept[0]["personal"]["wording"].is_string(), "{text}");
}

#[tokio::test]
async fn with_the_data_key_goes_what_was_said_and_what_a_form_shows_to_everybody_stays_as_the_proof() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let form = form(&world, json!({})).await;
    assert_eq!(fill(&world, &form, &[JSON], aisha()).await.status, 202);
    world.settled().await;
    let [lead] = leads(&world).await.try_into().unwrap();
    let contact = text_of(&lead, "contact_id");
    let yes = json!({"purpose": "marketing", "state": "granted", "wording": "Yes, said Aisha Khan", "language": "en",
        "source": "open house"});
    assert_eq!(desk.post(&format!("/v1/contacts/{contact}/consents"), &yes).await.status, 201);
    let listed = consents(&world, &lead["contact_id"]).await;
    let shown: Vec<_> = listed.iter().map(|row| (row["wording"].as_str().unwrap(), &row["shown"])).collect();
    assert_eq!(shown, [("Yes, said Aisha Khan", &Value::Null), ("Send me offers on WhatsApp", &json!(true))]);
    let key =
        async |there: &World| keyed_by(there, &contact).await.iter().filter(|sort| *sort == "KEY").count();
    assert_eq!(key(&world).await, 1, "one for all rows");
    // Nobody who reads the ledger's own table reads what was said.
    let ledger = async |there: &World| {
        let items = dump(there).await.into_iter().filter(|(table, _)| table == "consents");
        items.map(|(_, item)| item.to_string()).collect::<String>()
    };
    let before = ledger(&world).await;
    assert!(before.contains("Send me offers on WhatsApp") && !before.contains("Aisha"), "{before}");

    let done = erased(&desk, &contact).await;
    assert_eq!(done["destroyed"]["data_keys"], 1, "{done}");
    assert!(text_of(&done["certificate"], "text").contains("data_keys"), "{done}");
    assert_eq!((key(&world).await, ledger(&world).await), (0, before), "no row was touched");
    let file = exported(&desk).await;
    assert_eq!(verify_file(&file, None).unwrap().erased, 2);
    let text = String::from_utf8(file).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words: Vec<_> = rows.iter().filter(|row| row["seq"].is_u64()).map(|row| &row["wording"]).collect();
    assert_eq!(words, [&json!("Send me offers on WhatsApp"), &Value::Null], "{text}");
    assert!(!text.contains("Aisha"), "{text}");
}
