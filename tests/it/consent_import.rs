//! Consents that were taken down elsewhere, brought in many at once.

use domain::ledger_file::verify_file;
use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};

const PATH: &str = "/v1/consents/import";

async fn import(desk: &Desk<'_>, key: &str, kind: &str, body: String) -> e2e::Answer {
    let bearer = format!("Bearer {key}");
    desk.world.send("POST", PATH, &[("authorization", &bearer), ("content-type", kind)], body).await
}

fn row(phone: &str) -> Value {
    json!({"phone": phone, "state": "granted", "occurred_at": "2026-01-10T08:30:00Z", "wording": "Send me offers",
        "language": "en", "source": "open house", "collected_by": "reception"})
}

#[tokio::test]
async fn rows_come_in_once_with_where_they_come_from_and_bad_ones_are_named() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let admin = desk.tenant.keys.live_admin.clone();
    let with = |name: &str, value: Value| {
        let mut row = row("+971505550009");
        row[name] = value;
        row
    };
    let later = domain::time::Millis::from_unix_ms((world.now_s() + 60) * 1000);
    let rows = json!([
        row("+971505550001"),
        with("wording", json!(" ")),
        with("occurred_at", json!(later)),
        with("occurred_at", json!("yesterday")),
        with("phone", json!("0505550001")),
        with("contact_id", json!("ctc_01ARZ3NDEKTSV4RRFFQ69G5FAV")),
        with("state", json!("pending")),
        with("collected_by", Value::Null),
        with("purpose", json!("everything")),
        {"contact_id": "ctc_01ARZ3NDEKTSV4RRFFQ69G5FAV", "state": "revoked", "occurred_at": "2026-01-10T08:30:00Z",
            "source": "list", "collected_by": "office"},
        row("+971505550002"),
        row("+971505550001"),
    ]);
    let answer = import(&desk, &admin, "application/json", json!({"rows": rows}).to_string()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    let done = answer.data();
    assert_eq!(
        (&done["imported"], &done["present"], &done["failed"]),
        (&json!(2), &json!(1), &json!(9)),
        "{done}"
    );
    let errors = done["errors"].as_array().unwrap();
    let named: Vec<_> =
        errors.iter().map(|one| (one["row"].as_u64().unwrap(), one["field"].as_str())).collect();
    assert_eq!(
        named,
        [
            (2, Some("wording")),
            (3, Some("occurred_at")),
            (4, Some("occurred_at")),
            (5, Some("phone")),
            (6, Some("contact_id")),
            (7, Some("state")),
            (8, Some("collected_by")),
            (9, Some("purpose")),
            (10, Some("contact_id")),
        ]
    );
    assert_eq!(errors[8]["code"], "not_found");

    // The same again, as lines.
    let lines = format!("{}\n\n{}\nnot json\n", row("+971505550001"), row("+971505550003"));
    let again = import(&desk, &admin, "application/x-ndjson", lines).await.data();
    assert_eq!((&again["imported"], &again["present"], &again["failed"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(again["errors"][0]["row"], 3);

    let conversation = desk.conversation("971505550001", "Hello").await;
    let contact = desk.contact_of(&conversation).await;
    let [consent] = desk.all(&format!("/v1/contacts/{contact}/consents")).await.try_into().unwrap();
    assert_eq!(
        (&consent["collected_by"], &consent["source"], &consent["occurred_at"]),
        (&json!("reception"), &json!("open house"), &json!("2026-01-10T08:30:00.000Z"))
    );
    assert!(text_of(&consent, "actor").starts_with("key_"), "{consent}");
    assert_eq!(desk.get(&format!("/v1/contacts/{contact}")).await.data()["marketable"], true);
    let file = world.get("/v1/consents/export", &admin).await.bytes;
    assert_eq!(verify_file(&file, None).unwrap().rows, 3);
    assert_eq!(world.all("/v1/audit?action=consent.import", &admin).await.len(), 2);
}

#[tokio::test]
async fn only_admins_bring_consents_in_and_a_body_that_is_none_is_refused() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let keys = desk.tenant.keys.clone();
    let good = json!({"rows": [row("+971505550001")]}).to_string();
    for key in [&keys.live_agent, &keys.live_viewer] {
        assert_eq!(import(&desk, key, "application/json", good.clone()).await.status, 403);
    }
    let many = json!({"rows": vec![row("+971505550001"); 1_001]}).to_string();
    for (kind, body, status) in [
        ("application/json", r#"{"rows": []}"#.to_owned(), 400),
        ("application/json", "[]".to_owned(), 400),
        ("application/json", "{}".to_owned(), 400),
        ("application/json", "not json".to_owned(), 400),
        ("application/json", many, 400),
        ("application/x-ndjson", "\n".to_owned(), 400),
        ("text/csv", good.clone(), 415),
    ] {
        let shown = body.chars().take(20).collect::<String>();
        assert_eq!(import(&desk, &keys.live_admin, kind, body).await.status, status, "{kind} {shown}");
    }
    // A row that has not the shape of one is a mistake of the program that sends it: nothing is taken.
    for (name, value) in [("state", json!([1])), ("version", json!(false)), ("tenant_id", json!("x"))] {
        let mut wrong = row("+971505550001");
        wrong[name] = value;
        let body = json!({"rows": [row("+971505550001"), wrong]}).to_string();
        let refused = import(&desk, &keys.live_admin, "application/json", body).await;
        assert_eq!(refused.status, 400, "{name}");
        assert_eq!(refused.json()["error"]["field"], format!("rows[1].{name}"));
    }
    let sandbox = import(&desk, &keys.test_admin, "application/json", good).await;
    assert_eq!(sandbox.data()["imported"], 1, "the sandbox has a ledger of its own");
    let file = world.get("/v1/consents/export", &keys.live_admin).await.bytes;
    assert_eq!(verify_file(&file, None).unwrap().rows, 0);
}
