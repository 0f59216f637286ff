//! Leads made, found again, listed and changed through the API.

use e2e::{Answer, World};
use serde_json::{Value, json};

async fn patch(world: &World, id: &str, key: &str, body: &Value) -> Answer {
    let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
    world.send("PATCH", &format!("/v1/leads/{id}"), &headers, body.to_string()).await
}

async fn made(world: &World, key: &str, body: Value) -> Value {
    let answer = world.post("/v1/leads", key, &body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    answer.data()
}

fn id(lead: &Value) -> &str {
    lead["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_lead_comes_back_as_it_was_given_with_its_score_and_the_reasons() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    let body = json!({
        "name": "Aisha Khan", "phone": "050 123 4567", "email": "Aisha@Example.com", "source": "Bayut.com",
        "utm_source": " Google ", "utm_campaign": "Marina", "budget_aed": 1_800_000, "bedrooms": 2,
        "area": "Dubai Marina", "handover_horizon": "off_plan_2027", "attributes": {"pets": true},
        "referral": {"source_id": "ad-1", "headline": "Sea view"},
    });
    let lead = made(&world, &key, body).await;
    assert!(id(&lead).starts_with("lead_") && id(&lead).len() == 31, "{lead}");
    for (field, expected) in [
        ("name", json!("Aisha Khan")),
        ("phone", json!("+971501234567")),
        ("email", json!("aisha@example.com")),
        ("source", json!("bayut")),
        ("budget_aed", json!(1_800_000)),
        ("budget", json!({"amount": 180_000_000, "currency": "AED"})),
        ("bedrooms", json!(2)),
        ("area", json!("Dubai Marina")),
        ("handover_horizon", json!("off_plan_2027")),
        ("attributes", json!({"pets": true})),
        ("utm", json!({"source": "google", "campaign": "marina"})),
        ("status", json!("new")),
        ("assigned_to", Value::Null),
        ("has_whatsapp", json!(false)),
        ("duplicate", json!(false)),
    ] {
        assert_eq!(lead[field], expected, "{field}");
    }
    assert_eq!(lead["referral"]["source_id"], "ad-1");
    let points: u64 =
        lead["score_reasons"].as_array().unwrap().iter().map(|one| one["points"].as_u64().unwrap()).sum();
    assert_eq!(lead["score"], points);
    assert!(points > 50, "{lead}");
    let shown = world.get(&format!("/v1/leads/{}", id(&lead)), &key).await.data();
    for (field, value) in lead.as_object().unwrap().iter().filter(|(field, _)| *field != "duplicate") {
        assert_eq!(shown[field], *value, "{field}");
    }
    let contact = lead["contact_id"].as_str().unwrap();
    let contact = world.get(&format!("/v1/contacts/{contact}"), &key).await.data();
    assert_eq!(
        (&contact["phone"], &contact["email"], &contact["lead_id"]),
        (&lead["phone"], &lead["email"], &lead["id"])
    );
}

#[tokio::test]
async fn what_cannot_be_a_lead_is_refused_by_field_and_stores_nothing() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    for (body, field) in [
        (json!({"phone": "+971501234567"}), "name"),
        (json!({"name": "A"}), "phone"),
        (json!({"name": "A", "phone": "050 123"}), "phone"),
        (json!({"name": "A", "phone": "+9710501234567890"}), "phone"),
        (json!({"name": "A", "email": "a@b"}), "email"),
        (json!({"name": " ", "email": "a@b.com"}), "name"),
        (json!({"name": "A", "email": "a@b.com", "budget_aed": -1}), "budget_aed"),
        (json!({"name": "A", "email": "a@b.com", "budget_aed": 1.5}), "budget_aed"),
        (json!({"name": "A", "email": "a@b.com", "bedrooms": 51}), "bedrooms"),
        (json!({"name": "A", "email": "a@b.com", "source": ""}), "source"),
        (json!({"name": "A", "email": "a@b.com", "tenant_id": "tnt_1"}), "tenant_id"),
        (json!({"name": "A", "email": "a@b.com", "status": "won"}), "status"),
        (json!({"name": "A", "email": "a@b.com", "score": 100}), "score"),
        (json!({"name": "A", "email": "a@b.com", "attributes": {"x": "y".repeat(9000)}}), "attributes"),
        (json!({"name": "A", "email": "a@b.com", "consent": {"language": "en"}}), "consent.wording"),
    ] {
        let answer = world.post("/v1/leads", &keys.live_agent, &body).await;
        let seen = answer.json();
        assert_eq!((answer.status.as_u16(), seen["error"]["field"].as_str()), (400, Some(field)), "{seen}");
    }
    let body = json!({"name": "A", "email": "a@b.com"});
    assert_eq!(world.post("/v1/leads", &keys.live_viewer, &body).await.status, 403);
    assert!(world.all("/v1/leads", &keys.live_viewer).await.is_empty());
}

#[tokio::test]
async fn the_same_person_has_one_open_lead_and_a_new_one_after_it_is_closed() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    let first =
        made(&world, &key, json!({"name": "Omar", "phone": "0559876543", "attributes": {"a": 1}})).await;
    for body in [
        json!({"name": "Omar Saeed", "phone": "00971559876543", "attributes": {"b": 2}, "budget_aed": 5}),
        json!({"name": "O.", "phone": "+971 55 987 6543", "email": "omar@example.com", "budget_aed": 7}),
        json!({"name": "Omar", "email": "OMAR@example.com"}),
    ] {
        let again = world.post("/v1/leads", &key, &body).await;
        assert_eq!(again.status, 200, "{:?}", again.json());
        assert_eq!((&again.data()["id"], &again.data()["duplicate"]), (&first["id"], &json!(true)));
    }
    let lead = world.get(&format!("/v1/leads/{}", id(&first)), &key).await.data();
    assert_eq!(lead["attributes"], json!({"a": 1, "b": 2}));
    assert_eq!((&lead["name"], &lead["budget_aed"]), (&json!("Omar"), &json!(5)), "what is there stays");
    assert_eq!(lead["email"], "omar@example.com");

    assert_eq!(patch(&world, id(&first), &key, &json!({"status": "lost"})).await.status, 200);
    let second = made(&world, &key, json!({"name": "Omar", "phone": "0559876543"})).await;
    assert_ne!(second["id"], first["id"]);
    assert_eq!(second["contact_id"], first["contact_id"]);
    assert_eq!(world.all("/v1/leads", &key).await.len(), 2);
}

#[tokio::test]
async fn an_enquiry_of_a_source_is_one_lead_however_often_it_comes() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    let body =
        json!({"name": "A", "email": "a@example.com", "source": "Property Finder", "external_id": "77"});
    let first = made(&world, &key, body.clone()).await;
    patch(&world, id(&first), &key, &json!({"status": "won"})).await;
    let again = world.post("/v1/leads", &key, &body).await;
    assert_eq!((again.status.as_u16(), &again.data()["id"]), (200, &first["id"]), "closed or not");
    // Another source may use the same id.
    let body = json!({"name": "B", "email": "b@example.com", "source": "bayut", "external_id": "77"});
    assert_ne!(made(&world, &key, body).await["id"], first["id"]);
}

#[tokio::test]
async fn an_address_never_joins_two_numbers() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    let office = |phone: &str| json!({"name": "A", "phone": phone, "email": "office@example.com"});
    let one = made(&world, &key, office("+971501110001")).await;
    let other = made(&world, &key, office("+971501110002")).await;
    assert_ne!(one["contact_id"], other["contact_id"]);
    // Who was known by address only gets the number.
    let by_address = made(&world, &key, json!({"name": "C", "email": "c@example.com"})).await;
    let with_number = json!({"name": "C", "email": "c@example.com", "phone": "+971501110003"});
    let with_number = world.post("/v1/leads", &key, &with_number).await.data();
    assert_eq!((&with_number["id"], &with_number["phone"]), (&by_address["id"], &json!("+971501110003")));
}

#[tokio::test]
async fn whoever_writes_on_whatsapp_later_keeps_the_lead_and_gains_points() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    let lead = made(&world, &key, json!({"name": "Aisha", "phone": "0501234567", "source": "bayut"})).await;
    let body = world.meta_body().text("971501234567", "wamid.1", world.now_s(), "hello");
    world.from_meta(body.json().to_string()).await;
    world.settled().await;
    let leads = world.all("/v1/leads", &key).await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    assert_eq!((&leads[0]["id"], &leads[0]["source"]), (&lead["id"], &json!("bayut")));
    assert_eq!((&leads[0]["has_whatsapp"], &leads[0]["name"]), (&json!(true), &json!("Aisha")));
    assert!(leads[0]["score"].as_u64() > lead["score"].as_u64());
    let conversation = world.all("/v1/conversations", &key).await[0].clone();
    assert_eq!((&conversation["lead_id"], &conversation["id"]), (&lead["id"], &lead["conversation_id"]));
    // The other way round: an enquiry of somebody who wrote belongs to their lead.
    let body = world.meta_body().text("971507654321", "wamid.2", world.now_s(), "hello");
    world.from_meta(body.json().to_string()).await;
    world.settled().await;
    let again =
        world.post("/v1/leads", &key, &json!({"name": "B", "phone": "0507654321", "area": "JVC"})).await;
    assert_eq!((again.status.as_u16(), &again.data()["source"]), (200, &json!("whatsapp")));
    assert_eq!(again.data()["area"], "JVC");
}

#[tokio::test]
async fn fifty_equal_requests_at_once_make_one_lead() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    let body = json!({"name": "Aisha", "phone": "0501234567"});
    let all = (0..50).map(|_| world.post("/v1/leads", &key, &body));
    let answers = futures_util::future::join_all(all).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let found = answers.iter().filter(|answer| answer.status == 200 || answer.status == 409).count();
    assert_eq!((made, found), (1, 49));
    assert_eq!(world.all("/v1/leads", &key).await.len(), 1);
    // With one key, one answer.
    let headers = [
        ("authorization", &*format!("Bearer {key}")),
        ("content-type", "application/json"),
        ("idempotency-key", "k1"),
    ];
    let body = json!({"name": "Omar", "phone": "0501234568"}).to_string();
    let first = world.send("POST", "/v1/leads", &headers, body.clone()).await;
    let again = world.send("POST", "/v1/leads", &headers, body).await;
    assert_eq!((first.status, again.status), (http::StatusCode::CREATED, http::StatusCode::CREATED));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(again.headers["idempotency-replayed"], "true");
}

#[tokio::test]
async fn changes_hold_field_by_field_and_null_empties() {
    let world = World::start().await;
    let keys = world.tenant("meta").keys;
    let key = &keys.live_agent;
    let body = json!({"name": "A", "phone": "0501234567", "area": "JVC", "attributes": {"a": 1, "b": 2}});
    let lead = made(&world, key, body).await;
    let (one, other) = (
        json!({"status": "qualified", "attributes": {"a": null, "c": 3}}),
        json!({"assigned_to": "sara", "budget_aed": 2_000_000, "area": null, "email": "a@example.com"}),
    );
    let (one, other) =
        tokio::join!(patch(&world, id(&lead), key, &one), patch(&world, id(&lead), key, &other));
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200), "{:?}", other.json());
    let lead = world.get(&format!("/v1/leads/{}", id(&lead)), key).await.data();
    assert_eq!((&lead["status"], &lead["assigned_to"]), (&json!("qualified"), &json!("sara")));
    assert_eq!((&lead["budget_aed"], &lead["area"]), (&json!(2_000_000), &Value::Null));
    assert_eq!((&lead["attributes"], &lead["email"]), (&json!({"b": 2, "c": 3}), &json!("a@example.com")));
    assert!(lead["updated_at"].as_str() >= lead["created_at"].as_str());

    for (body, field) in [
        (json!({}), "body"),
        (json!({"status": "sold"}), "status"),
        (json!({"score": 1}), "score"),
        (json!({"name": ""}), "name"),
        (json!({"contact_id": "ctc_1"}), "contact_id"),
    ] {
        let answer = patch(&world, id(&lead), key, &body).await.json();
        assert_eq!(answer["error"]["field"], field, "{answer}");
    }
    let status = json!({"status": "won"});
    assert_eq!(patch(&world, id(&lead), &keys.live_viewer, &status).await.status, 403);
    let foreign = world.tenant("dialog360").keys.live_agent;
    for key in [&foreign, &keys.test_admin] {
        assert_eq!(patch(&world, id(&lead), key, &status).await.status, 404);
    }
}

#[tokio::test]
async fn every_filter_holds_alone_together_and_on_every_page() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    for n in 0..12u32 {
        let body = json!({
            "name": format!("Person {n}"), "phone": format!("+9715012345{n:02}"),
            "source": if n % 2 == 0 { "Bayut" } else { "website" },
            "area": if n % 3 == 0 { "Dubai Marina" } else { "JVC" },
            "budget_aed": if n < 4 { 6_000_000 } else { 500_000 },
        });
        let lead = made(&world, &key, body).await;
        if n < 6 {
            let change = json!({"assigned_to": "sara", "status": "contacted"});
            assert_eq!(patch(&world, id(&lead), &key, &change).await.status, 200);
        }
        world.advance(2).await;
    }
    let body = world.meta_body().text("971501234500", "wamid.1", world.now_s(), "hello");
    world.from_meta(body.json().to_string()).await;
    world.settled().await;
    let all = world.all("/v1/leads", &key).await;
    assert_eq!(all.len(), 12);
    let middle = all[5]["created_at"].as_str().unwrap();
    let best = all.iter().map(|lead| lead["score"].as_u64().unwrap()).max().unwrap();
    for (filter, expected) in [
        ("source=Bayut".to_owned(), 6),
        ("status=contacted".to_owned(), 6),
        ("assigned_to=sara".to_owned(), 6),
        ("assigned_to=".to_owned(), 6),
        ("area=dubai%20marina".to_owned(), 4),
        (format!("created_after={middle}"), 5),
        (format!("created_before={middle}"), 6),
        (format!("created_after={middle}&created_before={middle}"), 0),
        (format!("score_min={best}"), 1),
        ("score_min=0".to_owned(), 12),
        ("has_whatsapp=true".to_owned(), 1),
        ("has_whatsapp=false".to_owned(), 11),
        ("q=person%201".to_owned(), 3),
        ("q=012345%2011".to_owned(), 1),
        ("source=bayut&assigned_to=sara&area=JVC".to_owned(), 2),
        ("source=bayut&score_min=1&has_whatsapp=false&status=contacted".to_owned(), 2),
    ] {
        let (mut found, mut cursor) = (0, String::new());
        loop {
            let page = world.get(&format!("/v1/leads?{filter}&limit=2{cursor}"), &key).await;
            assert_eq!(page.status, 200, "{filter}: {:?}", page.json());
            found += page.items().len();
            match page.data()["pagination"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected, "{filter}");
    }
    for bad in ["score_min=101", "score_min=x", "status=sold", "created_after=today", "has_whatsapp=1", "q="]
    {
        let answer = world.get(&format!("/v1/leads?{bad}"), &key).await;
        assert_eq!(answer.status, 400, "{bad}");
        assert_eq!(answer.json()["error"]["field"], bad.split('=').next().unwrap(), "{bad}");
    }
}

#[tokio::test]
async fn what_the_person_agreed_to_is_in_the_ledger_with_its_wording() {
    let world = World::start().await;
    let key = world.tenant("meta").keys.live_agent;
    let body = json!({"name": "A", "phone": "0501234567", "consent": {"wording": "Send me offers", "language": "en"}});
    let lead = made(&world, &key, body).await;
    let path = format!("/v1/contacts/{}/consents", lead["contact_id"].as_str().unwrap());
    let rows = world.all(&path, &key).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((&rows[0]["purpose"], &rows[0]["state"]), (&json!("marketing"), &json!("granted")));
    assert_eq!((&rows[0]["wording"], &rows[0]["source"]), (&json!("Send me offers"), &json!("api")));
    // Without the words nothing is recorded.
    let other = made(&world, &key, json!({"name": "B", "phone": "0501234568"})).await;
    let path = format!("/v1/contacts/{}/consents", other["contact_id"].as_str().unwrap());
    assert!(world.all(&path, &key).await.is_empty());
}
