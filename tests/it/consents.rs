//! Consents: recorded by people and programs, withdrawn by words, buttons and settings, and kept to by every send.

use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";
const ABSENT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

async fn ledger(desk: &Desk<'_>, contact: &str) -> Vec<Value> {
    desk.all(&format!("/v1/contacts/{contact}/consents")).await
}

async fn record(desk: &Desk<'_>, contact: &str, purpose: &str, state: &str) -> Value {
    let body = json!({"purpose": purpose, "state": state, "wording": "Send me offers", "language": "en", "source": "form"});
    let answer = desk.post(&format!("/v1/contacts/{contact}/consents"), &body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    // Two consents of the same moment would be a tie.
    desk.world.advance(1).await;
    answer.data()
}

fn offer(conversation: &str) -> Value {
    json!({"conversation_id": conversation, "text": "A new listing", "purpose": "marketing"})
}

fn answer(conversation: &str) -> Value {
    json!({"conversation_id": conversation, "text": "Noted."})
}

/// The refusal of a send: its code and reason.
async fn refusal(desk: &Desk<'_>, body: &Value) -> (u16, String, String) {
    let answer = desk.says(body).await;
    let reason = answer.json()["error"]["details"]["reason"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), answer.code(), reason)
}

fn barred(reason: &str) -> (u16, String, String) {
    (422, "do_not_contact".to_owned(), reason.to_owned())
}

#[tokio::test]
async fn a_consent_is_written_down_with_its_proof_and_shown_newest_first_by_page() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let contact = desk.contact_of(&conversation).await;
    let path = format!("/v1/contacts/{contact}/consents");
    assert_eq!(ledger(&desk, &contact).await, Vec::<Value>::new());
    let body = json!({"purpose": "marketing", "state": "granted", "wording": "أوافق على استلام العروض", "language": "ar",
        "source": "website form", "occurred_at": "2026-01-31T09:00:00Z"});
    let made = desk.post(&path, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    let row = made.data();
    assert!(text_of(&row, "id").starts_with("con_") && text_of(&row, "actor").starts_with("key_"), "{row}");
    assert_eq!(
        (&row["occurred_at"], &row["wording"]),
        (&json!("2026-01-31T09:00:00.000Z"), &body["wording"])
    );
    assert_eq!(row["trace_id"].as_str(), made.headers["x-trace-id"].to_str().ok());

    for number in 0..5 {
        record(&desk, &contact, "marketing", if number % 2 == 0 { "revoked" } else { "granted" }).await;
    }
    let rows = ledger(&desk, &contact).await;
    assert_eq!(rows.len(), 6);
    let times: Vec<_> = rows.iter().map(|row| text_of(row, "occurred_at")).collect();
    assert!(times.is_sorted_by(|one, next| one > next), "{times:?}");
    assert_eq!(rows[5], row);
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = desk.get(&format!("{path}?limit=2{cursor}")).await;
        paged.extend(page.items());
        match page.data()["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, rows);
    // An older yes does not undo the newer no.
    assert_eq!(refusal(&desk, &offer(&conversation)).await, barred("marketing_revoked"));
    let late = json!({"purpose": "marketing", "state": "granted", "wording": "w", "language": "en", "source": "paper",
        "occurred_at": "2026-02-01T09:00:00Z"});
    assert_eq!(desk.post(&path, &late).await.status, 201);
    assert_eq!(refusal(&desk, &offer(&conversation)).await, barred("marketing_revoked"));
}

#[tokio::test]
async fn what_is_no_consent_is_refused_and_other_peoples_contacts_are_nobodys() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let contact = desk.contact_of(&desk.conversation(CUSTOMER, "Hello").await).await;
    let path = format!("/v1/contacts/{contact}/consents");
    let full = json!({"purpose": "marketing", "state": "granted", "wording": "w", "language": "en", "source": "form"});
    let with = |name: &str, value: Value| {
        let mut body = full.clone();
        body[name] = value;
        body
    };
    let later = world.now_s() + 3600;
    for (body, field) in [
        (json!({}), "body"),
        (with("purpose", json!("everything")), "purpose"),
        (with("state", json!("maybe")), "state"),
        (with("wording", json!("  ")), "wording"),
        (with("wording", Value::Null), "wording"),
        (with("language", Value::Null), "language"),
        (with("source", Value::Null), "source"),
        (with("wording", json!("x".repeat(4097))), "wording"),
        (with("source", json!("x".repeat(129))), "source"),
        (with("occurred_at", json!("yesterday")), "occurred_at"),
        (with("occurred_at", json!(domain::time::Millis::from_unix_ms(later * 1000))), "occurred_at"),
        (with("actor", json!("key_x")), "actor"),
    ] {
        let answer = desk.post(&path, &body).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status.as_u16(), &error["field"]), (400, &json!(field)), "{body}: {error}");
    }
    assert_eq!(ledger(&desk, &contact).await, Vec::<Value>::new());
    let foreign = world.tenant("dialog360").keys.live_admin;
    for (path, key) in [
        (path.clone(), foreign.as_str()),
        (path.clone(), desk.tenant.keys.test_admin.as_str()),
        (format!("/v1/contacts/ctc_{ABSENT}/consents"), desk.key()),
        ("/v1/contacts/nonsense/consents".to_owned(), desk.key()),
    ] {
        assert_eq!(world.get(&path, key).await.status, 404, "{path}");
        assert_eq!(world.post(&path, key, &full).await.status, 404, "{path}");
    }
    assert_eq!(world.post(&path, &desk.tenant.keys.live_viewer, &full).await.status, 403);
    assert_eq!(desk.get(&format!("{path}?limit=0")).await.status, 400);
    assert_eq!(desk.get(&format!("{path}?cursor=x")).await.status, 400);
    // A withdrawal needs no form.
    let bare = desk.post(&path, &json!({"purpose": "marketing", "state": "revoked"})).await;
    assert_eq!((bare.status.as_u16(), &bare.data()["source"]), (201, &json!("api")));
}

#[tokio::test]
async fn stop_words_and_buttons_withdraw_marketing_once_and_answers_stay_possible() {
    let world = World::start().await;
    for (provider, said) in [
        ("meta", json!({"text": "STOP"})),
        ("meta", json!({"text": "إلغاء"})),
        ("meta", json!({"kind": "template_button", "text": "Stop promotions", "payload": "stop"})),
        ("dialog360", json!({"kind": "button_reply", "id": "x", "title": "Unsubscribe"})),
        ("ultramsg", json!({"text": "ايقاف."})),
    ] {
        let desk = world.desk(provider);
        let phone = format!("97150{:07}", 3_000_000 + said.to_string().len() * 7 + provider.len());
        let conversation = desk.conversation(&phone, "Hello, is it free?").await;
        let contact = desk.contact_of(&conversation).await;
        record(&desk, &contact, "marketing", "granted").await;
        assert_eq!(desk.says(&offer(&conversation)).await.status, 202, "{provider} {said}");
        world.settled().await;
        world.advance(5).await;

        let mut thrice = said.clone();
        thrice["copies"] = json!(3);
        desk.hears(&phone, thrice).await;
        let rows = ledger(&desk, &contact).await;
        assert_eq!(rows.len(), 2, "{provider} {said}: {rows:?}");
        let row = &rows[0];
        assert_eq!((&row["purpose"], &row["state"]), (&json!("marketing"), &json!("revoked")), "{row}");
        assert_eq!((&row["source"], &row["actor"]), (&json!("inbound_keyword"), &json!("contact")));
        let words = said["text"].as_str().or(said["title"].as_str());
        assert_eq!(row["wording"].as_str(), words);

        assert_eq!(
            refusal(&desk, &offer(&conversation)).await,
            barred("marketing_revoked"),
            "{provider} {said}"
        );
        assert_eq!(desk.says(&answer(&conversation)).await.status, 202, "{provider} {said}");
        world.settled().await;
        // A new yes, given later, counts.
        world.advance(5).await;
        record(&desk, &contact, "marketing", "granted").await;
        assert_eq!(desk.says(&offer(&conversation)).await.status, 202, "{provider} {said}");
        world.settled().await;
    }
    let desk = world.desk("meta");
    let conversation = desk.conversation("971509999999", "stop, he isn't coming").await;
    assert_eq!(ledger(&desk, &desk.contact_of(&conversation).await).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_stop_whose_event_had_to_be_replayed_is_one_row() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let contact = desk.contact_of(&conversation).await;
    let consents = json!({"service": "dynamodb", "operation": "*", "contains": "marketing", "action": "error", "status": 400});
    world.faults(json!([consents])).await;
    let body = world.meta_body().text(CUSTOMER, "wamid.STOP1", world.now_s(), "STOP").json().to_string();
    assert_eq!(world.from_meta(&body).await.status, 200);
    let parked = async {
        loop {
            let parked = world.get("/v1/events?state=parked", &desk.tenant.keys.live_admin).await.items();
            if let Some(event) = parked.first() {
                break text_of(event, "id");
            }
            world.advance(60).await;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let event = tokio::time::timeout(std::time::Duration::from_secs(20), parked).await.expect("it is parked");
    world.faults(json!([])).await;
    for _ in 0..2 {
        let path = format!("/v1/events/{event}/replay");
        let replayed = world.post(&path, &desk.tenant.keys.live_admin, &json!({})).await;
        assert!([202, 409].contains(&replayed.status.as_u16()), "{:?}", replayed.json());
        world.settled().await;
    }
    assert_eq!(world.from_meta(&body).await.status, 200);
    world.settled().await;
    let rows = ledger(&desk, &contact).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(refusal(&desk, &offer(&conversation)).await, barred("marketing_revoked"));
}

#[tokio::test]
async fn what_a_customer_chooses_in_whatsapps_settings_is_followed() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let contact = desk.contact_of(&conversation).await;
    let meta = desk.tenant.meta.clone().unwrap();
    let choose = |value: &str, at_s: u64| {
        let preference = json!({"wa_id": CUSTOMER, "detail": "User changed their marketing preference",
            "category": "marketing_messages", "value": value, "timestamp": at_s});
        let value = json!({"messaging_product": "whatsapp", "metadata": {"display_phone_number": "97140000000",
            "phone_number_id": meta.phone_number_id}, "contacts": [{"profile": {"name": "Sara"}, "wa_id": CUSTOMER}],
            "user_preferences": [preference]});
        json!({"object": "whatsapp_business_account", "entry": [{"id": meta.waba_id,
            "changes": [{"field": "user_preferences", "value": value}]}]})
        .to_string()
    };
    let mut at = world.now_s();
    for (value, expected) in [("resume", None), ("stop", Some("marketing_revoked")), ("resume", None)] {
        world.advance(10).await;
        at += 10;
        for _ in 0..2 {
            assert_eq!(world.from_meta(choose(value, at)).await.status, 200);
            world.settled().await;
        }
        match expected {
            Some(reason) => assert_eq!(refusal(&desk, &offer(&conversation)).await, barred(reason)),
            None => assert_eq!(desk.says(&offer(&conversation)).await.status, 202, "{value}"),
        }
        world.settled().await;
    }
    let rows = ledger(&desk, &contact).await;
    let states: Vec<_> = rows.iter().map(|row| (text_of(row, "state"), text_of(row, "source"))).collect();
    let row = |state: &str| (state.to_owned(), "provider_preference".to_owned());
    assert_eq!(states, [row("granted"), row("revoked"), row("granted")]);
}

#[tokio::test]
async fn a_withdrawn_channel_bars_everything_until_it_is_agreed_to_again() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let contact = desk.contact_of(&conversation).await;
    record(&desk, &contact, "marketing", "granted").await;
    desk.hears(CUSTOMER, json!({"text": "STOP ALL"})).await;
    let template =
        json!({"conversation_id": conversation, "template": {"name": "contract_ready", "language": "en"}});
    for body in [answer(&conversation), offer(&conversation), template.clone()] {
        assert_eq!(refusal(&desk, &body).await, barred("channel_revoked"), "{body}");
        let verdict = desk.preflight(&body).await.data();
        assert_eq!(
            (&verdict["code"], &verdict["alternatives"]),
            (&json!("do_not_contact"), &json!([])),
            "{verdict}"
        );
    }
    assert!(desk.sent().is_empty());
    world.advance(5).await;
    record(&desk, &contact, "channel", "granted").await;
    for body in [answer(&conversation), template] {
        assert_eq!(desk.says(&body).await.status, 202, "{body}");
    }
    world.settled().await;
}
