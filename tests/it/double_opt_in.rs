//! Double opt-in: a ticked box, one request, the person's own yes; and the way out, confirmed once.

use crate::forms::{JSON, PAGE, aisha, consents, fill, form, leads};
use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};

const PHONE: &str = "971501234567";

/// What the provider was asked to send to a phone.
fn to(desk: &Desk<'_>, phone: &str) -> Vec<Value> {
    desk.sent().into_iter().filter(|sent| sent["to"] == json!(phone)).collect()
}

async fn contact(desk: &Desk<'_>, lead: &Value) -> Value {
    desk.get(&format!("/v1/contacts/{}", text_of(lead, "contact_id"))).await.data()
}

async fn timeline(desk: &Desk<'_>, lead: &Value) -> Vec<Value> {
    desk.all(&format!("/v1/leads/{}/timeline", text_of(lead, "id"))).await
}

/// Why nobody was asked, as the timeline says.
async fn unasked(desk: &Desk<'_>, lead: &Value) -> Vec<String> {
    let events = timeline(desk, lead).await;
    let events = events.iter().filter(|event| event["type"] == "consent.opt_in_request.not_sent");
    events.map(|event| text_of(&event["data"], "reason")).collect()
}

fn offer(contact: &Value) -> Value {
    let template = json!({"name": "area_summary", "language": "ar", "variables": ["دبي مارينا", "12"]});
    json!({"conversation_id": contact["conversation_id"], "template": template, "confirm_language": true})
}

async fn settings(desk: &Desk<'_>, consent: Value) {
    let bearer = format!("Bearer {}", desk.tenant.keys.live_admin);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({"consent": consent}).to_string();
    let changed = desk.world.send("PATCH", "/v1/settings", &headers, body).await;
    assert_eq!(changed.status, 200, "{:?}", changed.json());
}

#[tokio::test]
async fn from_the_form_to_an_offer_and_out_again() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let made = form(&world, json!({})).await;
    let mut body = aisha();
    body["language"] = json!("ar");
    assert_eq!(fill(&world, &made, &[JSON, PAGE], &body).await.status, 202);
    world.settled().await;

    // One request, in the form's language, and nothing else may be sent.
    let [lead] = leads(&world).await.try_into().unwrap();
    let [request] = to(&desk, PHONE).try_into().unwrap();
    assert!(request.to_string().contains("opt_in_request"), "{request}");
    let person = contact(&desk, &lead).await;
    assert_eq!(
        (&person["marketable"], person["consent"].get("marketing")),
        (&json!(false), Some(&Value::Null))
    );
    assert!(person["consent"]["marketing_requested_at"].is_string(), "{person}");
    let refused = desk.says(&offer(&person)).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (422, "do_not_contact".to_owned()));

    // Yes but no is no yes; yes is.
    world.advance(5).await;
    desk.hears(PHONE, json!({"text": "نعم ولكن لا"})).await;
    assert_eq!(contact(&desk, &lead).await["marketable"], false);
    world.advance(5).await;
    desk.hears(PHONE, json!({"text": "نعم", "copies": 3})).await;
    let rows = consents(&world, &lead["contact_id"]).await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(
        (&rows[0]["state"], &rows[0]["source"], &rows[0]["wording"], &rows[0]["confirms"]),
        (&json!("granted"), &json!("double_opt_in"), &json!("نعم"), &rows[1]["id"])
    );
    assert_eq!(contact(&desk, &lead).await["marketable"], true);
    let sent = desk.sends(&offer(&person)).await;
    assert_eq!(sent["purpose"], "marketing", "{sent}");
    assert_eq!(to(&desk, PHONE).len(), 2);

    // Out: answered once, and no offer by any path.
    world.advance(5).await;
    desk.hears(PHONE, json!({"text": "إلغاء", "copies": 2})).await;
    let [.., farewell] = <[Value; 3]>::try_from(to(&desk, PHONE)).unwrap();
    assert!(farewell.to_string().contains("تم إلغاء اشتراكك"), "{farewell}");
    assert_eq!(contact(&desk, &lead).await["marketable"], false);
    assert_eq!(desk.says(&offer(&person)).await.code(), "do_not_contact");
    let by_phone = json!({"to": format!("+{PHONE}"), "text": "Only today!", "purpose": "marketing"});
    assert_eq!(desk.says(&by_phone).await.code(), "do_not_contact");
    world.advance(65).await;
    desk.hears(PHONE, json!({"text": "STOP"})).await;
    assert_eq!(fill(&world, &made, &[JSON, PAGE], &body).await.status, 202);
    world.settled().await;
    assert_eq!(to(&desk, PHONE).len(), 3, "neither told twice nor asked again: {:?}", to(&desk, PHONE));
    assert_eq!(unasked(&desk, &lead).await, ["withdrawn"]);
    // An answer inside the window is no offer.
    let answer = json!({"conversation_id": person["conversation_id"], "text": "Noted."});
    assert_eq!(desk.says(&answer).await.status, 202);
    world.settled().await;
}

#[tokio::test]
async fn nobody_is_asked_twice_and_the_timeline_says_why_somebody_was_not_asked() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let made = form(&world, json!({})).await;
    for _ in 0..3 {
        let taken = fill(&world, &made, &[JSON, PAGE], aisha()).await;
        assert_eq!(taken.status, 202, "{:?}", taken.json());
    }
    world.settled().await;
    assert_eq!(to(&desk, PHONE).len(), 1, "the same click");
    world.advance(120).await;
    assert_eq!(fill(&world, &made, &[JSON, PAGE], aisha()).await.status, 202);
    world.settled().await;
    assert_eq!(to(&desk, PHONE).len(), 1);
    let [lead] = leads(&world).await.try_into().unwrap();
    assert_eq!(unasked(&desk, &lead).await, ["already_asked"]);

    // Without a template set, with one that is not approved, and without the box.
    for (phone, setting, box_ticked, reason) in [
        ("0502220001", json!({}), true, Some("not_configured")),
        (
            "0502220002",
            json!({"opt_in_request": {"en": "pending_offer"}}),
            true,
            Some("template_not_approved"),
        ),
        (
            "0502220003",
            json!({"opt_in_request": {"en": "nothing_like_it"}}),
            true,
            Some("template_not_approved"),
        ),
        ("0502220004", json!({"opt_in_request": {"en": "opt_in_request"}}), false, None),
    ] {
        settings(&desk, setting).await;
        let mut body = aisha();
        body["phone"] = json!(phone);
        body["consent"] = json!(box_ticked);
        assert_eq!(fill(&world, &made, &[JSON, PAGE], body).await.status, 202);
        world.settled().await;
        let full = format!("971{}", &phone[1..]);
        assert!(to(&desk, &full).is_empty(), "{phone}");
        let all = leads(&world).await;
        let lead = all.iter().find(|lead| lead["phone"] == json!(format!("+{full}"))).unwrap();
        assert_eq!(unasked(&desk, lead).await, Vec::from_iter(reason), "{phone}");
    }
}

#[tokio::test]
async fn a_yes_counts_where_it_can_only_answer_the_box() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let made = form(&world, json!({})).await;
    settings(&desk, json!({})).await;
    // (before the form, between the form and the yes, marketable in the end)
    for (n, (before, wrote, marketable)) in
        [(None, false, true), (Some("yes"), false, true), (None, true, false), (Some("STOP"), false, true)]
            .into_iter()
            .enumerate()
    {
        let phone = format!("97150333000{n}");
        if let Some(text) = before {
            desk.hears(&phone, json!({"text": text})).await;
            world.advance(5).await;
        }
        let mut body = aisha();
        body["phone"] = json!(format!("+{phone}"));
        assert_eq!(fill(&world, &made, &[JSON, PAGE], body).await.status, 202);
        world.settled().await;
        let all = leads(&world).await;
        let lead = all.iter().find(|lead| lead["phone"] == json!(format!("+{phone}"))).unwrap();
        assert_eq!(contact(&desk, lead).await["marketable"], false, "before the yes");
        world.advance(5).await;
        if wrote {
            desk.hears(&phone, json!({"text": "Is it free?"})).await;
            world.advance(5).await;
            let question = json!({"lead_id": lead["id"], "text": "It is. Is five o'clock all right?"});
            assert_eq!(desk.says(&question).await.status, 202);
            world.settled().await;
            world.advance(5).await;
        }
        desk.hears(&phone, json!({"text": "Yes!"})).await;
        assert_eq!(contact(&desk, lead).await["marketable"], marketable, "case {n}");
        world.advance(5).await;
    }
    // Somebody who ticked nothing says yes to something else.
    let conversation = desk.conversation("971503339999", "yes").await;
    let rows = desk.all(&format!("/v1/contacts/{}/consents", desk.contact_of(&conversation).await)).await;
    assert_eq!(rows, Vec::<Value>::new());
}

#[tokio::test]
async fn a_withdrawal_is_answered_once_in_the_words_of_the_tenant_and_only_inside_the_window() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let stop = async |phone: &str, text: &str| {
        desk.hears(phone, json!({"text": text})).await;
        world.advance(2).await;
        to(&desk, phone).len()
    };
    assert_eq!(stop("971504440001", "Unsubscribe").await, 1);
    assert!(to(&desk, "971504440001")[0].to_string().contains("You are unsubscribed"));
    assert_eq!(stop("971504440001", "STOP").await, 1);
    // Who agrees again and withdraws again is told again.
    let contact = desk.contact_of(&desk.conversation("971504440001", "Hi").await).await;
    let agreed =
        json!({"purpose": "marketing", "state": "granted", "wording": "w", "language": "en", "source": "s"});
    assert_eq!(desk.post(&format!("/v1/contacts/{contact}/consents"), &agreed).await.status, 201);
    world.advance(2).await;
    assert_eq!(stop("971504440001", "STOP").await, 2);
    // Who wants nothing at all gets nothing at all.
    assert_eq!(stop("971504440002", "STOP ALL").await, 0);
    settings(&desk, json!({"opt_out_confirmation": {"wording": {"en": "Bye."}}})).await;
    assert_eq!(stop("971504440003", "stop").await, 1);
    assert!(to(&desk, "971504440003")[0].to_string().contains("Bye."));
    settings(&desk, json!({"opt_out_confirmation": {"enabled": false}})).await;
    assert_eq!(stop("971504440004", "stop").await, 0);
    settings(&desk, json!({})).await;
    // A webhook that comes two days late.
    let old = world.meta_body().text("971504440005", "wamid.OLD", world.now_s() - 2 * 86_400, "STOP");
    assert_eq!(world.from_meta(&old.json().to_string()).await.status, 200);
    world.settled().await;
    assert!(to(&desk, "971504440005").is_empty());
}

#[tokio::test]
async fn what_cannot_be_set_about_consent_is_named() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let bearer = format!("Bearer {}", desk.tenant.keys.live_admin);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    for (consent, field) in [
        (json!({"opt_in_request": {}}), "consent.opt_in_request"),
        (json!({"opt_in_request": {"en": "Opt In"}}), "consent.opt_in_request"),
        (json!({"opt_out_confirmation": {"wording": {"ar": " "}}}), "consent.opt_out_confirmation.wording"),
        (json!({"opt_out_confirmation": {"enabled": "yes"}}), "consent.opt_out_confirmation.enabled"),
        (json!({"double": true}), "consent.double"),
    ] {
        let body = json!({"consent": consent}).to_string();
        let answer = desk.world.send("PATCH", "/v1/settings", &headers, body.clone()).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status.as_u16(), &error["field"]), (400, &json!(field)), "{body}: {error}");
    }
}
