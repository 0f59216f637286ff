//! The first touch of a lead: once, in its language, by its opt-in, or the reason why not (A47, A48).

use crate::forms::{JSON, aisha, fill, form};
use e2e::desk::{Desk, text_of};
use e2e::{Answer, World, hmac_hex};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings of first touch with a template in each language, and what is said otherwise.
pub(crate) fn settings(change: Value) -> Value {
    let mut settings = json!({"mode": "auto", "templates": {
        "en": {"name": "office_hours"}, "ar": {"name": "office_hours"}}});
    for (name, value) in change.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

pub(crate) async fn set(desk: &Desk<'_>, body: Value) -> Answer {
    desk.world.call("PATCH", "/v1/settings", &desk.tenant.keys.live_admin, &body).await
}

/// A desk whose first touch is set.
pub(crate) async fn desk<'w>(world: &'w World, change: Value) -> Desk<'w> {
    let desk = world.desk("meta");
    let answer = set(&desk, json!({"first_touch": settings(change)})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    desk
}

pub(crate) fn agreed() -> Value {
    json!({"wording": "Write to me on WhatsApp about my enquiry", "language": "en", "source": "website form"})
}

/// A body of `POST /v1/leads` with an opt-in.
pub(crate) fn enquiry(phone: &str, change: Value) -> Value {
    let mut body = json!({"name": "Aisha Khan", "phone": phone, "source": "website", "consent": agreed()});
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Makes a lead; its id.
pub(crate) async fn lead(desk: &Desk<'_>, phone: &str, change: Value) -> String {
    let answer = desk.post("/v1/leads", &enquiry(phone, change)).await;
    assert!(answer.status.is_success(), "{:?}", answer.json());
    text_of(&answer.data(), "id")
}

pub(crate) async fn shown(desk: &Desk<'_>, lead: &str) -> Value {
    let found = desk.get(&format!("/v1/leads/{lead}")).await;
    assert_eq!(found.status, 200, "{:?}", found.json());
    found.data()
}

/// Waits until the first touch of a lead stands so.
pub(crate) async fn until(desk: &Desk<'_>, lead: &str, state: &str) -> Value {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let touch = shown(desk, lead).await["first_touch"].clone();
        if touch["state"] == state {
            return touch;
        }
        assert!(tokio::time::Instant::now() < deadline, "it never came to {state}: {touch}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The types of what a lead's timeline says about its first touch, the oldest first.
pub(crate) async fn told(desk: &Desk<'_>, lead: &str) -> Vec<(String, Value)> {
    let mut found = desk.all(&format!("/v1/leads/{lead}/timeline?type=lead.first_touch")).await;
    found.reverse();
    found.into_iter().map(|event| (text_of(&event, "type"), event["data"].clone())).collect()
}

pub(crate) fn kinds(told: &[(String, Value)]) -> Vec<&str> {
    told.iter().map(|(kind, _)| kind.strip_prefix("lead.first_touch.").unwrap()).collect()
}

/// The language of the template that each person was sent, by number.
fn languages(desk: &Desk<'_>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sent in desk.sent() {
        let language = sent["body"]["template"]["language"]["code"].as_str().unwrap_or("text");
        all.entry(text_of(&sent["body"], "to")).or_default().push(language.to_owned());
    }
    all
}

#[tokio::test]
async fn a_lead_with_a_number_and_an_opt_in_is_written_to_once_in_its_language() {
    let world = World::start().await;
    let sources = json!({"walk_in": {"language": "ar"}});
    let desk = desk(&world, json!({"sources": sources})).await;
    let arabic = "مرحبا، هل الشقة متاحة؟";
    for (phone, change, language) in [
        ("+971501234501", json!({}), "en"),
        ("+971501234502", json!({"message": arabic}), "ar"),
        ("+971501234503", json!({"message": "Is it free?", "language": "ar"}), "en"),
        ("+971501234504", json!({"language": "ar"}), "ar"),
        (
            "+971501234505",
            json!({"consent": {"wording": "نعم", "language": "ar", "purpose": "channel"}}),
            "ar",
        ),
        ("+971501234506", json!({"source": "walk_in", "consent": {"wording": "w", "language": "-"}}), "ar"),
    ] {
        let id = lead(&desk, phone, change.clone()).await;
        world.settled().await;
        let touch = shown(&desk, &id).await["first_touch"].clone();
        assert_eq!(touch["state"], "sent", "{change}: {touch}");
        let message = desk.message(&text_of(&touch, "message_id")).await;
        assert_eq!(message["template"]["language"], language, "{change}: {message}");
        let told = told(&desk, &id).await;
        assert_eq!(kinds(&told), ["drafted"]);
        assert_eq!((&told[0].1["mode"], &told[0].1["message_id"]), (&json!("auto"), &touch["message_id"]));
        assert_eq!(languages(&desk)[phone], [language], "{change}");
    }
    // The message is on the timeline of the lead, and counts what its template counts.
    let last = desk.all("/v1/leads").await.into_iter().next().unwrap();
    let timeline = desk.all(&format!("/v1/leads/{}/timeline", text_of(&last, "id"))).await;
    let message = timeline.iter().find(|event| event["type"] == "whatsapp.message.sent").unwrap();
    assert_eq!(message["data"]["purpose"], "utility");
    assert_eq!(
        timeline
            .iter()
            .map(|event| text_of(event, "trace_id"))
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        1
    );
}

#[tokio::test]
async fn what_is_known_of_the_lead_fills_the_template_and_an_open_window_takes_text() {
    let world = World::start().await;
    let english = json!({"name": "viewing_confirmation", "variables": {"agent_name": "{agent|our team}",
        "property_name": "{area|your home}", "viewing_time": "{first_name|you}"}});
    let texts = json!({"en": "Hello {first_name|there}, this is {business}."});
    let desk = desk(&world, json!({"templates": {"en": english}, "texts": texts})).await;
    let id = lead(&desk, "+971501234501", json!({"area": "Dubai Marina"})).await;
    world.settled().await;
    let touch = until(&desk, &id, "sent").await;
    let text = desk.message(&text_of(&touch, "message_id")).await["text"].clone();
    assert!(text.as_str().unwrap().contains("our team. Your viewing of Dubai Marina"), "{text}");

    desk.conversation("971501234502", "Hello").await;
    let id = lead(&desk, "+971501234502", json!({"name": "Omar Aziz"})).await;
    world.settled().await;
    let touch = until(&desk, &id, "sent").await;
    let message = desk.message(&text_of(&touch, "message_id")).await;
    assert_eq!((&message["kind"], &message["purpose"]), (&json!("text"), &json!("service")));
    assert_eq!(message["text"], "Hello Omar, this is Marina Gate Realty.");
    // An Arabic speaker is better answered in English than not at all.
    let id = lead(&desk, "+971501234503", json!({"message": "مرحبا"})).await;
    world.settled().await;
    until(&desk, &id, "sent").await;
    assert_eq!(languages(&desk)["+971501234503"], ["en"]);
}

#[tokio::test]
async fn without_an_opt_in_nothing_is_sent_and_the_timeline_says_why_and_what_would_help() {
    let world = World::start().await;
    let desk = desk(&world, json!({})).await;
    let id = lead(&desk, "+971501234501", json!({"consent": null})).await;
    world.settled().await;
    let touch = until(&desk, &id, "waiting").await;
    assert_eq!(touch["reason"], "no_opt_in", "{touch}");
    assert!(touch["would_help"].as_array().unwrap().len() >= 2, "{touch}");
    // Looking again says nothing new.
    for _ in 0..3 {
        world.advance(300).await;
        world.stack.sweep().await.unwrap();
        world.settled().await;
    }
    let before = told(&desk, &id).await;
    assert_eq!(kinds(&before), ["not_sent"]);
    assert_eq!(before[0].1["reason"], "no_opt_in");
    assert!(desk.sent().is_empty(), "{:?}", desk.sent());

    let contact = text_of(&shown(&desk, &id).await, "contact_id");
    let consents = format!("/v1/contacts/{contact}/consents");
    let mut granted = agreed();
    (granted["purpose"], granted["state"]) = (json!("marketing"), json!("granted"));
    assert_eq!(desk.post(&consents, &granted).await.status, 201);
    world.settled().await;
    until(&desk, &id, "sent").await;
    assert_eq!(kinds(&told(&desk, &id).await), ["not_sent", "drafted"]);
    assert_eq!(desk.post(&consents, &granted).await.status, 201);
    world.settled().await;
    assert_eq!(desk.sent().len(), 1, "agreeing again brings no second one");

    // Who said no, who gave no number, and who is nobody's business any more.
    let stopped = json!({"consent": {"purpose": "marketing", "state": "revoked"}});
    for (phone, change, reason) in [
        (json!("+971501234502"), stopped, "opted_out"),
        (json!(null), json!({"email": "omar@example.com"}), "no_phone"),
    ] {
        let mut change = change;
        change["phone"] = phone;
        let id = lead(&desk, "", change).await;
        world.settled().await;
        assert_eq!(until(&desk, &id, "waiting").await["reason"], reason);
    }
    // The number comes with the next enquiry.
    let id = lead(&desk, "+971501234503", json!({"email": "omar@example.com"})).await;
    world.settled().await;
    until(&desk, &id, "sent").await;
    assert_eq!(desk.sent().len(), 2);
}

#[tokio::test]
async fn twenty_enquiries_of_one_person_at_once_are_one_lead_and_one_first_touch() {
    let world = World::start().await;
    let desk = desk(&world, json!({})).await;
    let enquiries = (0..20).map(|n| {
        let body = enquiry("+971501234501", json!({"message": format!("Enquiry {n}")}));
        let desk = &desk;
        async move { desk.post("/v1/leads", &body).await }
    });
    let answers = join_all(enquiries).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status.is_success()).collect();
    assert!(made.len() > 1, "{:?}", answers[0].json());
    world.settled().await;
    let leads = desk.all("/v1/leads").await;
    assert_eq!(leads.len(), 1);
    until(&desk, &text_of(&leads[0], "id"), "sent").await;
    assert_eq!(desk.sent().len(), 1, "{:?}", desk.sent());
    assert_eq!(
        kinds(&told(&desk, &text_of(&leads[0], "id")).await)
            .iter()
            .filter(|kind| **kind == "drafted")
            .count(),
        1
    );
    // Much later it is still one.
    for _ in 0..3 {
        world.advance(120).await;
        world.stack.sweep().await.unwrap();
        world.settled().await;
    }
    assert_eq!(desk.sent().len(), 1);
}

#[tokio::test]
async fn every_source_that_shows_its_words_has_its_leads_written_to() {
    let world = World::start().await;
    let words = |purpose: &str| json!({"opt_in": {"wording": "You agree to be contacted on WhatsApp.", "language": "en", "purpose": purpose}});
    let sources = json!({"bayut": words("channel"), "Dubizzle.com": words("channel"), "property_finder": words("marketing")});
    let desk = desk(&world, json!({"sources": sources})).await;
    let admin = desk.tenant.keys.live_admin.clone();
    let connect = async |source: &str, body: Value| {
        let answer = world.call("PUT", &format!("/v1/integrations/leads/{source}"), &admin, &body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        answer.data()["token"].as_str().unwrap_or_default().to_owned()
    };
    let bayut = connect("bayut", json!({"api_key": "bayut-key-1"})).await;
    let dubizzle = connect("dubizzle", json!({"api_key": "dubizzle-key-1"})).await;
    let site = connect("website", json!({})).await;
    connect("property_finder", json!({"secret": "pf-secret-1"})).await;
    let listing = |id: u32, phone: &str| json!([{"lead_id": id, "inquirer_details": {"name": "Sara", "cell": phone, "message": "still free?"}}]);
    let pf = json!({"id": 1, "sender": {"name": "Omar", "contacts": [{"type": "phone", "value": "+971501110003"}]}}).to_string();
    let signature = hmac_hex("pf-secret-1", pf.as_bytes());
    let own = |phone: &str, consent: Value| json!({"name": "Aisha", "phone": phone, "consent": consent, "language": "ar"});
    let denied = json!({"wording": "w", "language": "en", "state": "revoked"});
    for (source, query, headers, body) in [
        ("bayut", format!("?token={bayut}"), vec![], listing(1, "+971501110001").to_string()),
        ("bayut", format!("?token={bayut}"), vec![], listing(1, "+971501110001").to_string()),
        ("dubizzle", format!("?token={dubizzle}"), vec![], listing(2, "+971501110002").to_string()),
        ("property_finder", String::new(), vec![("x-signature", signature.as_str())], pf.clone()),
        ("website", format!("?token={site}"), vec![], own("+971501110004", agreed()).to_string()),
        ("website", format!("?token={site}"), vec![], own("+971501110005", json!(true)).to_string()),
        ("website", format!("?token={site}"), vec![], own("+971501110006", denied).to_string()),
    ] {
        let path = format!("/v1/webhooks/leads/{}/{source}{query}", desk.tenant.id);
        let answer = world.send("POST", &path, &headers, body).await;
        assert_eq!(answer.status, 200, "{source}: {:?}", answer.json());
        world.settled().await;
    }
    let sent = languages(&desk);
    let expected =
        [("+971501110001", "en"), ("+971501110002", "en"), ("+971501110003", "en"), ("+971501110004", "ar")];
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(to, language)| (to.to_owned(), vec![language.to_owned()])).collect();
    assert_eq!(sent, expected);
    let leads = desk.all("/v1/leads").await;
    let of = |phone: &str| leads.iter().find(|lead| lead["phone"] == phone).unwrap().clone();
    let path = format!("/v1/contacts/{}/consents", text_of(&of("+971501110001"), "contact_id"));
    let [row] = desk.all(&path).await.try_into().unwrap();
    for (field, expected) in [
        ("purpose", "channel"),
        ("state", "granted"),
        ("source", "bayut"),
        ("wording", "You agree to be contacted on WhatsApp."),
    ] {
        assert_eq!(row[field], expected, "{row}");
    }
    let touch = shown(&desk, &text_of(&of("+971501110005"), "id")).await["first_touch"].clone();
    assert_eq!(touch["reason"], "no_opt_in", "a `consent` without words proves nothing: {touch}");
}

#[tokio::test]
async fn a_ticked_box_waits_for_the_persons_word_and_then_the_lead_is_written_to() {
    let world = World::start().await;
    let desk = desk(&world, json!({})).await;
    let form = form(&world, json!({})).await;
    let mut body = aisha();
    body["language"] = json!("ar");
    assert_eq!(fill(&world, &form, &[JSON], body).await.status, 202);
    world.settled().await;
    let [made] = desk.all("/v1/leads").await.try_into().unwrap();
    let id = text_of(&made, "id");
    assert_eq!(until(&desk, &id, "waiting").await["reason"], "opt_in_pending");
    let touched = |desk: &Desk<'_>| {
        desk.sent().iter().filter(|sent| sent["body"]["template"]["name"] == "office_hours").count()
    };
    assert_eq!(touched(&desk), 0);
    world.advance(2).await;
    let mut granted = agreed();
    (granted["purpose"], granted["state"]) = (json!("marketing"), json!("granted"));
    let path = format!("/v1/contacts/{}/consents", text_of(&made, "contact_id"));
    assert_eq!(desk.post(&path, &granted).await.status, 201);
    world.settled().await;
    until(&desk, &id, "sent").await;
    assert_eq!(touched(&desk), 1);
    assert_eq!(languages(&desk)["+971501234567"].last().unwrap(), "ar", "the form's language");
}

#[tokio::test]
async fn quiet_hours_and_the_hours_of_offers_keep_a_first_touch_back_and_no_longer() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let dubai = |offset_minutes: u64| {
        let minute = (world.now_s() / 60 + 240 + offset_minutes) % 1440;
        format!("{:02}:{:02}", minute / 60, minute % 60)
    };
    let quiet = json!({"from": dubai(1440 - 60), "to": dubai(60)});
    assert_eq!(set(&desk, json!({"first_touch": settings(json!({"quiet_hours": quiet}))})).await.status, 200);
    let id = lead(&desk, "+971501234501", json!({})).await;
    let touch = until(&desk, &id, "queued").await;
    assert!(touch["not_before"].is_string(), "{touch}");
    assert!(desk.sent().is_empty());
    world.advance(61 * 60).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    until(&desk, &id, "sent").await;

    // An agent's release at night waits for the morning as well: an offer leaves between nine and six only.
    let offer = json!({"name": "area_summary", "variables": ["{area|Dubai}", "12"]});
    let manual = settings(json!({"mode": "manual", "templates": {"en": offer}}));
    assert_eq!(set(&desk, json!({"first_touch": manual})).await.status, 200);
    let minute = (world.now_s() / 60 + 240) % 1440;
    let to_eight_in_the_evening = (1440 + 20 * 60 - minute) % 1440;
    world.advance(to_eight_in_the_evening * 60).await;
    let id = lead(&desk, "+971501234502", json!({})).await;
    world.settled().await;
    let message = text_of(&until(&desk, &id, "held").await, "message_id");
    let released = desk.post(&format!("/v1/whatsapp/messages/{message}/release"), &json!({})).await;
    assert_eq!(released.status, 200, "{:?}", released.json());
    let waits = desk.until(&message, |message| message["error"]["code"] == "quiet_hours").await;
    assert_eq!(waits["status"], "queued");
    assert_eq!(desk.sent().len(), 1, "only the first lead's");
    world.advance(13 * 60 * 60 + 60).await;
    world.stack.sweep().await.unwrap();
    world.settled().await;
    desk.until(&message, |message| message["status"] != "queued" && message["status"] != "sending").await;
    assert_eq!(desk.sent().len(), 2);
}
