//! Public lead forms: defined by admins, filled in by visitors.

use domain::consent::ConsentState;
use domain::ids::{ContactId, TenantId};
use e2e::{Answer, World};
use futures_util::future::join_all;
use serde_json::{Value, json};

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const ENCODED: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(crate) const PAGE: (&str, &str) = ("origin", "https://marina.example");

/// A form of the Meta tenant with a consent box in both languages.
pub(crate) async fn form(world: &World, change: Value) -> Value {
    let mut body = json!({
        "name": "Landing page",
        "allowed_origins": ["https://marina.example"],
        "fields": [
            {"name": "name", "required": true}, {"name": "phone", "required": true}, {"name": "email"},
            {"name": "budget_aed"}, {"name": "attributes.pets"}, {"name": "message"},
        ],
        "consent": {
            "version": "2026-01",
            "wording": {"en": "Send me offers on WhatsApp", "ar": "أرسلوا لي العروض عبر واتساب"},
        },
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    let made = world.post("/v1/forms", &world.tenant("meta").keys.live_admin, &body).await;
    assert_eq!(made.status, 201, "{:?}", made.json());
    made.data()
}

pub(crate) async fn fill(
    world: &World,
    form: &Value,
    headers: &[(&str, &str)],
    body: impl ToString,
) -> Answer {
    let path = form["submit_path"].as_str().unwrap();
    world.send("POST", path, headers, body.to_string()).await
}

pub(crate) fn aisha() -> Value {
    json!({"name": "Aisha", "phone": "0501234567", "consent": true, "consent_version": "2026-01"})
}

pub(crate) async fn leads(world: &World) -> Vec<Value> {
    world.all("/v1/leads", &world.tenant("meta").keys.live_viewer).await
}

pub(crate) async fn consents(world: &World, contact: &Value) -> Vec<Value> {
    let path = format!("/v1/contacts/{}/consents", contact.as_str().unwrap());
    world.all(&path, &world.tenant("meta").keys.live_viewer).await
}

pub(crate) async fn patch(world: &World, form: &Value, key: &str, body: &Value) -> Answer {
    let headers = [("authorization", &*format!("Bearer {key}")), JSON];
    world
        .send("PATCH", &format!("/v1/forms/{}", form["id"].as_str().unwrap()), &headers, body.to_string())
        .await
}

#[tokio::test]
async fn a_visitor_becomes_a_lead_whose_ticked_box_waits_for_their_word() {
    let world = World::start().await;
    let form = form(&world, json!({"source": "landing page"})).await;
    let mut body = aisha();
    body["attributes"] = json!({"pets": "two cats"});
    body["budget_aed"] = json!(900_000);
    body["language"] = json!("ar");
    body["utm_campaign"] = json!("Marina");
    let taken = fill(&world, &form, &[JSON, PAGE], body).await;
    assert_eq!((taken.status.as_u16(), taken.data()), (202, json!({"received": true})), "{:?}", taken.json());

    let [lead] = leads(&world).await.try_into().unwrap();
    assert_eq!((&lead["name"], &lead["phone"]), (&json!("Aisha"), &json!("+971501234567")));
    assert_eq!((&lead["source"], &lead["budget_aed"]), (&json!("website"), &json!(900_000)));
    assert_eq!(
        (&lead["attributes"], &lead["utm"]),
        (&json!({"pets": "two cats"}), &json!({"campaign": "marina"}))
    );
    let source = format!("form:{}", form["id"].as_str().unwrap());
    assert_eq!(lead["opt_in_request"]["source"], json!(source));
    let timeline = format!("/v1/leads/{}/timeline", lead["id"].as_str().unwrap());
    let timeline = format!("{timeline}?type=lead.created");
    let [created] = world.all(&timeline, &world.tenant("meta").keys.live_viewer).await.try_into().unwrap();
    assert_eq!((&created["type"], &created["actor"]), (&json!("lead.created"), &json!(source)));
    assert_eq!(created["trace_id"].as_str(), taken.headers["x-trace-id"].to_str().ok());

    let [consent] = consents(&world, &lead["contact_id"]).await.try_into().unwrap();
    for (field, expected) in [
        ("state", json!("pending")),
        ("purpose", json!("marketing")),
        ("wording", json!("أرسلوا لي العروض عبر واتساب")),
        ("version", json!("2026-01")),
        ("language", json!("ar")),
        ("source", json!(source)),
        ("actor", json!("contact")),
    ] {
        assert_eq!(consent[field], expected, "{field}");
    }
    let hash = consent["ip_hash"].as_str().unwrap();
    assert_eq!(hash.len(), 32);
    assert!(!consent.to_string().contains("127.0.0.1"));
    let tenant = TenantId::parse(&world.tenant("meta").id).unwrap();
    let contact = ContactId::parse(lead["contact_id"].as_str().unwrap()).unwrap();
    let standing = world.platform().store.consents(tenant, &[contact]).await.unwrap();
    assert!(!standing.allows_marketing() && standing.awaits_marketing(), "{standing:?}");
}

#[tokio::test]
async fn a_pending_consent_opens_no_marketing_and_a_later_grant_and_revocation_stand_over_it() {
    let world = World::start().await;
    let form = form(&world, json!({})).await;
    assert_eq!(fill(&world, &form, &[JSON], aisha()).await.status, 202);
    let [lead] = leads(&world).await.try_into().unwrap();
    let key = world.tenant("meta").keys.live_agent;
    let path = format!("/v1/contacts/{}/consents", lead["contact_id"].as_str().unwrap());
    let tenant = TenantId::parse(&world.tenant("meta").id).unwrap();
    let contact = ContactId::parse(lead["contact_id"].as_str().unwrap()).unwrap();
    let store = world.platform().store;
    for (state, allowed, awaited) in [("granted", true, false), ("revoked", false, false)] {
        world.advance(1).await;
        let said = json!({"purpose": "marketing", "state": state, "wording": "yes", "language": "en", "source": "call"});
        assert_eq!(world.post(&path, &key, &said).await.status, 201);
        let standing = store.consents(tenant, &[contact]).await.unwrap();
        assert_eq!((standing.allows_marketing(), standing.awaits_marketing()), (allowed, awaited), "{state}");
    }
    // Ticking the box again asks again; it does not undo the withdrawal.
    world.advance(61).await;
    assert_eq!(fill(&world, &form, &[JSON], aisha()).await.status, 202);
    let standing = store.consents(tenant, &[contact]).await.unwrap();
    assert_eq!(standing.marketing.unwrap().state, ConsentState::Revoked);
    assert!(!standing.allows_marketing() && standing.awaits_marketing());
    let by_hand = json!({"purpose": "marketing", "state": "pending"});
    let refused = world.post(&path, &key, &by_hand).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["field"]), (400, &json!("state")));
}

#[tokio::test]
async fn a_page_without_a_script_sends_a_form_and_is_led_on() {
    let world = World::start().await;
    let form = form(&world, json!({"redirect_url": "https://marina.example/thanks"})).await;
    let body =
        "name=Aisha+Khan&phone=%2B971501234567&email=&budget_aed=5&attributes.pets=&website=&consent=on";
    let taken = fill(&world, &form, &[ENCODED, PAGE], body).await;
    assert_eq!(taken.status, 303, "{:?}", taken.json());
    assert_eq!(taken.headers["location"], "https://marina.example/thanks");
    let [lead] = leads(&world).await.try_into().unwrap();
    assert_eq!((&lead["name"], &lead["budget_aed"]), (&json!("Aisha Khan"), &json!(5)));
    assert_eq!(consents(&world, &lead["contact_id"]).await.len(), 1);
    let twice = fill(&world, &form, &[ENCODED], "name=A&name=B&phone=0501234567").await;
    assert_eq!((twice.status.as_u16(), &twice.json()["error"]["field"]), (400, &json!("name")));
}

#[tokio::test]
async fn a_filled_honeypot_looks_like_success_and_stores_nothing() {
    let world = World::start().await;
    let form = form(&world, json!({})).await;
    let honest = fill(&world, &form, &[JSON], json!({"name": "Omar", "phone": "0559876543"})).await;
    let mut body = aisha();
    body["website"] = json!("https://pills.example");
    let trapped = fill(&world, &form, &[JSON], body).await;
    assert_eq!((trapped.status, trapped.data()), (honest.status, honest.data()));
    let encoded = fill(&world, &form, &[ENCODED], "name=x&phone=y&website=z").await;
    assert_eq!((encoded.status, encoded.data()), (honest.status, honest.data()));
    assert_eq!(leads(&world).await.len(), 1);
}

#[tokio::test]
async fn the_eleventh_submission_in_a_minute_from_one_address_waits_for_the_next() {
    let world = World::start().await;
    let (form, other) = (form(&world, json!({})).await, form(&world, json!({})).await);
    world.advance(60 - world.now_s() % 60 + 1).await;
    let answers = join_all((0..12).map(|n| {
        fill(&world, &form, &[JSON, PAGE], json!({"name": "A", "phone": format!("05012345{n:02}")}))
    }))
    .await;
    let with = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(202), with(429)), (10, 2));
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.code(), "rate_limited");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.headers["access-control-allow-origin"], "https://marina.example");
    assert_eq!(fill(&world, &other, &[JSON], aisha()).await.status, 202, "another form counts its own");
    world.advance(wait).await;
    assert_eq!(fill(&world, &form, &[JSON], aisha()).await.status, 202);
    assert_eq!(leads(&world).await.len(), 11);
}

#[tokio::test]
async fn a_submission_that_cannot_be_counted_does_not_pass() {
    let world = World::start().await;
    let form = form(&world, json!({})).await;
    let table = world.stack.ready().tables["ephemeral"].clone();
    let down = json!({"rules": [{"service": "dynamodb", "operation": "*", "table": table, "action": "error", "status": 500}]});
    assert!(world.send("PUT", "/_local/faults", &[JSON], down.to_string()).await.status.is_success());
    let refused = fill(&world, &form, &[JSON], aisha()).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "service_unavailable".to_owned()));
    let up = json!({"rules": []}).to_string();
    assert!(world.send("PUT", "/_local/faults", &[JSON], up).await.status.is_success());
    assert!(leads(&world).await.is_empty());
    assert_eq!(fill(&world, &form, &[JSON], aisha()).await.status, 202);
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_may_neither_ask_nor_send() {
    let world = World::start().await;
    let form = form(&world, json!({})).await;
    let path = form["submit_path"].as_str().unwrap();
    let asks = [PAGE, ("access-control-request-method", "POST")];
    let preflight = world.send("OPTIONS", path, &asks, "").await;
    assert_eq!(preflight.status, 204, "{:?}", preflight.json());
    assert_eq!(preflight.headers["access-control-allow-origin"], "https://marina.example");
    assert!(preflight.headers["access-control-allow-methods"].to_str().unwrap().contains("POST"));
    assert!(preflight.headers["access-control-allow-headers"].to_str().unwrap().contains("Content-Type"));
    for foreign in
        ["https://evil.example", "https://marina.example.evil.example", "http://marina.example", "null"]
    {
        for (method, headers) in
            [("OPTIONS", vec![("origin", foreign)]), ("POST", vec![("origin", foreign), JSON])]
        {
            let refused = world.send(method, path, &headers, aisha().to_string()).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code().as_str()),
                (403, "forbidden"),
                "{method} {foreign}"
            );
            assert!(!refused.headers.contains_key("access-control-allow-origin"), "{foreign}");
        }
    }
    assert!(leads(&world).await.is_empty());
    let wrong = fill(&world, &form, &[JSON, PAGE], json!({"name": ""})).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.headers["access-control-allow-origin"], "https://marina.example",
        "its page may read why"
    );
    let any = self::form(&world, json!({"allowed_origins": ["*"]})).await;
    assert_eq!(fill(&world, &any, &[JSON, ("origin", "https://anybody.example")], aisha()).await.status, 202);
}

#[tokio::test]
async fn a_box_without_words_in_the_visitors_language_or_with_old_ones_records_nothing() {
    let world = World::start().await;
    let english = json!({"consent": {"version": "2", "wording": {"en": "Send me offers"}}});
    let form = form(&world, english).await;
    for (change, status, field) in [
        (json!({"language": "ar"}), 400, json!("language")),
        (json!({"consent_version": "1"}), 409, Value::Null),
    ] {
        let mut body = json!({"name": "A", "phone": "0501234567", "consent": true});
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = fill(&world, &form, &[JSON], body).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]["field"]), (status, &field));
    }
    assert!(leads(&world).await.is_empty());
    let admin = world.tenant("meta").keys.live_admin;
    let missing = json!({"name": "F", "allowed_origins": ["*"], "consent": {"version": "1", "wording": {}}});
    let refused = world.post("/v1/forms", &admin, &missing).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]["field"]),
        (400, &json!("consent.wording"))
    );
    let required = patch(
        &world,
        &form,
        &admin,
        &json!({"consent": {"version": "3", "required": true, "wording": {"en": "Yes"}}}),
    )
    .await;
    assert_eq!(required.status, 200, "{:?}", required.json());
    let unticked = fill(&world, &form, &[JSON], json!({"name": "A", "phone": "0501234567"})).await;
    assert_eq!((unticked.status.as_u16(), &unticked.json()["error"]["field"]), (400, &json!("consent")));
}

#[tokio::test]
async fn a_disabled_form_and_an_unknown_one_take_nothing() {
    let world = World::start().await;
    let form = form(&world, json!({})).await;
    let admin = world.tenant("meta").keys.live_admin;
    assert_eq!(patch(&world, &form, &admin, &json!({"status": "disabled"})).await.status, 200);
    let refused = fill(&world, &form, &[JSON], aisha()).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "conflict".to_owned()));
    let id = form["id"].as_str().unwrap();
    let shown = world.send("GET", &format!("/v1/forms/{id}/definition"), &[], "").await;
    assert_eq!(shown.data()["enabled"], false);
    for unknown in ["form_01ARZ3NDEKTSV4RRFFQ69G5FAV", "form_1", "x"] {
        let path = format!("/v1/forms/{unknown}/submissions");
        assert_eq!(world.send("POST", &path, &[JSON], aisha().to_string()).await.status, 404, "{unknown}");
        assert_eq!(world.send("OPTIONS", &path, &[PAGE], "").await.status, 404, "{unknown}");
    }
    assert!(leads(&world).await.is_empty());
}

#[tokio::test]
async fn what_is_no_submission_is_refused_by_name() {
    let world = World::start().await;
    let form = form(&world, json!({})).await;
    for (body, field) in [
        (json!({"name": 5, "phone": "0501234567"}), "name"),
        (json!({"name": "A", "phone": ["0501234567"]}), "phone"),
        (json!({"name": "A", "phone": "050"}), "phone"),
        (json!({"name": "A", "phone": "0501234567", "budget_aed": "much"}), "budget_aed"),
        (json!({"name": "A", "phone": "0501234567", "consent": "maybe"}), "consent"),
        (json!({"name": "A", "phone": "0501234567", "tenant_id": "x"}), "tenant_id"),
        (json!({"name": "A", "phone": "0501234567", "bedrooms": 2}), "bedrooms"),
        (json!({"name": "A", "phone": "0501234567", "attributes": {"cats": 1}}), "attributes.cats"),
    ] {
        let shown = body.to_string();
        let refused = fill(&world, &form, &[JSON], body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["field"]),
            (400, &json!(field)),
            "{shown}"
        );
        world.advance(60).await;
    }
    let large = json!({"name": "A", "phone": "0501234567", "message": "x".repeat(40_000)});
    assert_eq!(fill(&world, &form, &[JSON], large).await.status, 413);
    for (kind, body) in [("text/plain", "name=A"), ("application/xml", "<a/>")] {
        assert_eq!(fill(&world, &form, &[("content-type", kind)], body).await.status, 415, "{kind}");
    }
    for body in ["", "{", "[]", "null"] {
        assert_eq!(fill(&world, &form, &[JSON], body).await.status, 400, "{body}");
    }
    assert!(leads(&world).await.is_empty());
}

#[tokio::test]
async fn a_double_click_is_one_enquiry_and_a_key_names_one_for_a_day() {
    let world = World::start().await;
    let form = form(&world, json!({})).await;
    let clicks = join_all((0..3).map(|_| fill(&world, &form, &[JSON], aisha()))).await;
    assert!(clicks.iter().all(|answer| answer.status == 202), "{clicks:?}");
    let [lead] = leads(&world).await.try_into().unwrap();
    let viewer = world.tenant("meta").keys.live_viewer;
    let timeline = format!("/v1/leads/{}/timeline", lead["id"].as_str().unwrap());
    world.settled().await;
    let types = |events: Vec<Value>| {
        let mut types: Vec<_> = events.iter().map(|one| one["type"].as_str().unwrap().to_owned()).collect();
        types.sort_unstable();
        types
    };
    let once = ["lead.created", "whatsapp.message.sent"];
    assert_eq!(types(world.all(&timeline, &viewer).await), once);
    assert_eq!(consents(&world, &lead["contact_id"]).await.len(), 1);

    let key = ("idempotency-key", "visit-1");
    for _again in 0..2 {
        world.advance(3_600).await;
        assert_eq!(fill(&world, &form, &[JSON, key], aisha()).await.status, 202);
    }
    let again = types(world.all(&timeline, &viewer).await);
    assert_eq!(again.len(), 4, "one more enquiry, once, and nobody is asked twice: {again:?}");
    let other = json!({"name": "Omar", "phone": "0559876543"});
    assert_eq!(fill(&world, &form, &[JSON, key], other).await.status, 409);
    assert_eq!(leads(&world).await.len(), 1);
}
