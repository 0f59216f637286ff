//! From one provider to another: conversations, contacts, consents, ids and the webhooks of integrators stay as they are.

use domain::tenant::Plan;
use e2e::desk::{MESSAGES, text_of};
use e2e::receiver::{Got, Receiver};
use e2e::{Answer, Shop, World};
use local::Options;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const CUSTOMER: &str = "971501234567";

async fn world() -> World {
    World::start_with(Options { allow_loopback_endpoints: true, ..Options::default() }).await
}

/// A customer writes to the number of a provider.
async fn writes(shop: &Shop<'_>, provider: &str, text: &str) {
    shop.world.advance(1).await;
    let body = json!({"tenant_id": shop.id, "provider": provider, "text": text});
    let wrote = shop.world.stack.simulator().customer_writes(CUSTOMER, body).await.unwrap();
    assert_eq!(wrote["answers"], json!([200]), "{wrote}");
    shop.world.settled().await;
}

async fn conversation(shop: &Shop<'_>) -> Value {
    let mut all = shop.world.all("/v1/conversations", &shop.viewer).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

async fn asks(shop: &Shop<'_>, content: Value) -> Answer {
    let mut body = json!({"conversation_id": conversation(shop).await["id"]});
    body.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
    shop.world.post(MESSAGES, &shop.agent, &body).await
}

/// Sends; the message after everything came to rest.
async fn sends(shop: &Shop<'_>, content: Value) -> Value {
    let answer = asks(shop, content).await;
    assert_eq!(answer.status, 202, "{:?}", answer.json());
    shop.world.settled().await;
    message(shop, &text_of(&answer.data(), "id")).await
}

async fn message(shop: &Shop<'_>, id: &str) -> Value {
    shop.world.get(&format!("{MESSAGES}/{id}"), &shop.viewer).await.data()
}

async fn contact(shop: &Shop<'_>) -> Value {
    let id = text_of(&conversation(shop).await, "contact_id");
    shop.world.get(&format!("/v1/contacts/{id}"), &shop.viewer).await.data()
}

async fn step(shop: &Shop<'_>, path: &str) -> Answer {
    shop.ask("POST", path, &shop.admin, &json!({})).await
}

/// Which providers took what this shop sent, in order.
fn carriers(shop: &Shop<'_>) -> Vec<String> {
    let all = shop.world.stack.simulator().sent();
    let mine = all.into_iter().filter(|one| one.accepted && one.tenant_id.as_deref() == Some(&*shop.id));
    mine.map(|one| one.provider).collect()
}

fn offer() -> Value {
    json!({"template": {"name": "area_summary", "language": "en", "variables": ["Marina", "12"]},
        "confirm_language": true})
}

fn confirmation() -> Value {
    let variables = json!({"agent_name": "Sara", "property_name": "Marina Gate", "viewing_time": "5 pm"});
    json!({"template": {"name": "viewing_confirmation", "language": "en", "variables": variables},
        "confirm_language": true})
}

/// The names of all members of a payload, with their paths.
fn shape(value: &Value, at: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                all.insert(format!("{at}/{name}"));
                shape(member, &format!("{at}/{name}"), all);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| shape(item, &format!("{at}/*"), all)),
        _ => {}
    }
}

fn shape_of(got: &Got) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    shape(&got.json(), "", &mut all);
    // A number is named as its provider names it: the one member that differs, by the schema itself.
    all.retain(|path| !path.starts_with("/data/number/"));
    all
}

fn said(got: &[Got]) -> Vec<String> {
    let mut texts: Vec<String> =
        got.iter().map(|one| one.json()["data"]["text"].as_str().unwrap_or("?").to_owned()).collect();
    texts.sort();
    texts
}

async fn ultramsg_and_meta<'w>(world: &'w World, mark: &str) -> Shop<'w> {
    let shop = world.shop("moves", Plan::Enterprise).await;
    let old = shop.account("ultramsg", &format!("{mark}1"));
    assert_eq!(shop.connect(&old).await.status, 201);
    writes(&shop, "ultramsg", "first").await;
    world.advance(1).await;
    let new = shop.account("meta", &format!("{mark}2"));
    let connected = shop.connect(&new).await;
    assert_eq!(connected.status, 201, "{:?}", connected.json());
    shop
}

#[tokio::test]
async fn integrators_see_one_schema_and_the_same_ids_before_during_and_after() {
    moves_to("meta", "1141").await;
}

#[tokio::test]
async fn to_360dialog_as_well_nothing_is_lost_or_doubled_while_both_deliver() {
    moves_to("dialog360", "1147").await;
}

/// From UltraMsg to `new`, with a customer who writes all the time and a receiver of webhooks.
async fn moves_to(new: &'static str, mark: &str) {
    let world = world().await;
    let shop = world.shop("moves", Plan::Enterprise).await;
    let receiver = Receiver::start().await;
    world.register(&shop.admin, &receiver.url, &["message.received"]).await;
    shop.connect(&shop.account("ultramsg", &format!("{mark}001"))).await;
    writes(&shop, "ultramsg", "before 1").await;
    let (talk, person) = (conversation(&shop).await, contact(&shop).await);
    let answered = sends(&shop, json!({"text": "hello"})).await;
    writes(&shop, "ultramsg", "before 2").await;

    shop.connect(&shop.account(new, &format!("{mark}002"))).await;
    assert_eq!(
        (shop.card("ultramsg").await["primary"].clone(), shop.card(new).await["primary"].clone()),
        (json!(true), json!(false))
    );
    for n in 0..3 {
        writes(&shop, "ultramsg", &format!("during u{n}")).await;
        writes(&shop, new, &format!("during m{n}")).await;
    }
    assert_eq!(step(&shop, &format!("/{new}/cut-over")).await.status, 200);
    writes(&shop, "ultramsg", "after, to the old one").await;
    writes(&shop, new, "after").await;

    let got = receiver.until(10).await;
    let texts = said(&got);
    assert_eq!(texts.len(), 10, "nothing lost or doubled: {texts:?}");
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 10, "{texts:?}");
    for one in &got {
        assert_eq!(shape_of(one), shape_of(&got[0]), "one schema: {}", one.json());
        let data = one.json()["data"].clone();
        assert_eq!(data["conversation_id"], talk["id"], "{data}");
        assert_eq!(data["contact_id"], person["id"], "{data}");
    }
    let after = conversation(&shop).await;
    for id in ["id", "contact_id", "lead_id", "created_at"] {
        assert_eq!(after[id], talk[id], "{id}");
    }
    assert_eq!(contact(&shop).await["id"], person["id"]);
    assert_eq!(message(&shop, &text_of(&answered, "id")).await["text"], answered["text"], "old ids resolve");
}

#[tokio::test]
async fn after_the_cut_over_sends_take_the_new_number_and_after_the_roll_back_the_old_one() {
    let world = world().await;
    let shop = ultramsg_and_meta(&world, "114200").await;
    sends(&shop, json!({"text": "on the old one"})).await;
    assert_eq!(carriers(&shop), ["ultramsg"]);
    let cut = step(&shop, "/meta/cut-over").await;
    assert_eq!(cut.status, 200, "{:?}", cut.json());
    assert_eq!(cut.data()["primary"], true);
    assert!(cut.data()["warnings"][0].as_str().unwrap().contains("needs_reoptin"), "{:?}", cut.data());
    let old = shop.card("ultramsg").await;
    assert_eq!((&old["primary"], &old["replaced_by"]["provider"]), (&json!(false), &json!("meta")));

    // Another phone number: WhatsApp's window is open on the one that was written to, so a template begins.
    let closed = asks(&shop, json!({"text": "too early"})).await;
    assert_eq!(
        (closed.status.as_u16(), closed.code().as_str()),
        (422, "outside_24h_window"),
        "{:?}",
        closed.json()
    );
    let sent = sends(&shop, confirmation()).await;
    assert_eq!(sent["error"], Value::Null, "{sent}");
    writes(&shop, "meta", "hello new number").await;
    sends(&shop, json!({"text": "on the new one"})).await;
    assert_eq!(carriers(&shop), ["ultramsg", "meta", "meta"]);

    // The same again changes nothing.
    let again = step(&shop, "/meta/cut-over").await;
    assert_eq!((again.status.as_u16(), &again.data()["primary"]), (200, &json!(true)));
    let back = step(&shop, "/meta/roll-back").await;
    assert_eq!((back.status.as_u16(), &back.data()["primary"]), (200, &json!(false)), "{:?}", back.json());
    assert_eq!(step(&shop, "/meta/roll-back").await.status, 200);
    assert_eq!(shop.card("ultramsg").await["primary"], true);
    writes(&shop, "ultramsg", "hello old number").await;
    sends(&shop, json!({"text": "on the old one again"})).await;
    assert_eq!(carriers(&shop), ["ultramsg", "meta", "meta", "ultramsg"]);
    let audit = world.get("/v1/audit?limit=100", &shop.admin).await;
    let actions: Vec<_> =
        audit.items().iter().filter_map(|one| one["action"].as_str().map(str::to_owned)).collect();
    for action in ["integration.cut_over", "integration.roll_back"] {
        assert_eq!(actions.iter().filter(|one| *one == action).count(), 1, "{action}: {actions:?}");
    }
}

#[tokio::test]
async fn what_was_queued_on_the_old_number_goes_out_on_it() {
    let world = world().await;
    let shop = ultramsg_and_meta(&world, "114300").await;
    let later = domain::time::Millis::from_unix_ms((world.now_s() + 600) * 1000).to_string();
    let queued = asks(&shop, json!({"text": "queued", "not_before": later})).await;
    assert_eq!(queued.status, 202, "{:?}", queued.json());
    assert_eq!(step(&shop, "/meta/cut-over").await.status, 200);
    assert!(carriers(&shop).is_empty());
    world.advance(601).await;
    world.stack.sweep().await.unwrap();
    for _ in 0..500 {
        if !carriers(&shop).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(carriers(&shop), ["ultramsg"]);
    let shown = message(&shop, &text_of(&queued.data(), "id")).await;
    assert_eq!(shown["error"], Value::Null, "{shown}");
}

#[tokio::test]
async fn a_changed_number_must_be_agreed_to_again_before_offers() {
    let world = world().await;
    let shop = ultramsg_and_meta(&world, "114400").await;
    let consents = format!("/v1/contacts/{}/consents", text_of(&contact(&shop).await, "id"));
    let yes = json!({"purpose": "marketing", "state": "granted", "wording": "Send me new listings", "language": "en",
        "source": "website form"});
    assert_eq!(world.post(&consents, &shop.admin, &yes).await.status, 201);
    assert_eq!(contact(&shop).await["needs_reoptin"], false);
    world.advance(1).await;
    assert_eq!(step(&shop, "/meta/cut-over").await.status, 200);
    assert_eq!(contact(&shop).await["needs_reoptin"], true);
    let refused = asks(&shop, offer()).await;
    assert_eq!(refused.code(), "do_not_contact", "{:?}", refused.json());
    assert_eq!(refused.json()["error"]["details"]["reason"], "needs_reoptin");
    // Who writes to the new number knows it.
    writes(&shop, "meta", "hello").await;
    assert_eq!(contact(&shop).await["needs_reoptin"], false);
    let sent = sends(&shop, offer()).await;
    assert_eq!(sent["error"], Value::Null, "{sent}");
    // So does who agrees again.
    writes(&shop, "ultramsg", "wrong number").await;
    assert_eq!(contact(&shop).await["needs_reoptin"], true);
    world.advance(1).await;
    assert_eq!(world.post(&consents, &shop.admin, &yes).await.status, 201);
    assert_eq!(contact(&shop).await["needs_reoptin"], false);
}

#[tokio::test]
async fn a_swapped_sim_asks_for_the_same() {
    let world = world().await;
    let shop = world.shop("swaps", Plan::Starter).await;
    shop.connect(&shop.account("ultramsg", "11450001")).await;
    writes(&shop, "ultramsg", "hello").await;
    assert_eq!(contact(&shop).await["needs_reoptin"], false);
    world.advance(1).await;
    shop.stands(json!({"linked": "971509998877"})).await;
    let checked = shop.ask("POST", "/ultramsg/check", &shop.admin, &Value::Null).await.data();
    assert_eq!(checked["number_changed"], true, "{checked}");
    assert_eq!(contact(&shop).await["needs_reoptin"], true);
    writes(&shop, "ultramsg", "hello").await;
    assert_eq!(contact(&shop).await["needs_reoptin"], false);
}

#[tokio::test]
async fn the_same_number_moved_keeps_window_and_consents() {
    let world = world().await;
    let shop = world.shop("moves", Plan::Enterprise).await;
    let (old, new) = (shop.account("ultramsg", "11460001"), shop.account("meta", "11460002"));
    assert_eq!(shop.connect(&new).await.status, 201);
    let shown = text_of(&shop.card("meta").await, "display_phone_number");
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(shop.ask("DELETE", "/meta", &shop.admin, &Value::Null).await.status, 200);
    shop.stands(json!({"provider": "ultramsg", "linked": digits})).await;
    assert_eq!(shop.connect(&old).await.status, 201);
    writes(&shop, "ultramsg", "hello").await;
    world.advance(1).await;
    assert_eq!(shop.connect(&new).await.status, 201);
    let cut = step(&shop, "/meta/cut-over").await;
    assert_eq!((cut.status.as_u16(), &cut.data()["warnings"]), (200, &json!([])), "{:?}", cut.json());
    assert_eq!(contact(&shop).await["needs_reoptin"], false);
    let answer = asks(&shop, json!({"text": "still in the window"})).await;
    assert_eq!(answer.status, 202, "{:?}", answer.json());
    assert_eq!(answer.data()["provider"], "meta", "{:?}", answer.json());
}

#[tokio::test]
async fn a_cut_over_needs_an_admin_a_number_that_works_and_something_to_replace() {
    let world = world().await;
    let shop = ultramsg_and_meta(&world, "114700").await;
    let other = world.shop("other", Plan::Enterprise).await;
    for path in ["/meta/cut-over", "/meta/roll-back"] {
        for key in [&shop.agent, &shop.viewer] {
            assert_eq!(shop.ask("POST", path, key, &json!({})).await.status, 403, "{path}");
        }
        assert_eq!(other.ask("POST", path, &other.admin, &json!({})).await.status, 404, "{path}");
        assert_eq!(
            shop.ask("POST", &path.replace("meta", "dialog360"), &shop.admin, &json!({})).await.status,
            404
        );
        assert_eq!(shop.ask("POST", &path.replace("meta", "fax"), &shop.admin, &json!({})).await.status, 404);
    }
    assert_eq!(step(&shop, "/ultramsg/cut-over").await.status, 409, "it is the one already");
    let odd = shop.ask("POST", "/meta/cut-over", &shop.admin, &json!({"from": {"provider": "fax"}})).await;
    assert_eq!((odd.status.as_u16(), odd.json()["error"]["field"].as_str()), (400, Some("from.provider")));
    shop.answers("status", json!({"error": {"status": 401, "code": 190}})).await;
    let refused = step(&shop, "/meta/cut-over").await;
    assert_eq!(refused.status, 409, "{:?}", refused.json());
    assert_eq!(refused.json()["error"]["details"]["status"], "unauthorized");
    shop.behaves_well();
    assert_eq!(shop.card("meta").await["primary"], false);
    assert_eq!(step(&shop, "/meta/cut-over").await.status, 200);
    assert_eq!(step(&shop, "/ultramsg/cut-over").await.status, 409, "roll back instead");
    // Without the old number there is nothing to go back to; what it carried stays on the new one.
    assert_eq!(shop.ask("DELETE", "/ultramsg", &shop.admin, &Value::Null).await.status, 200);
    assert_eq!(step(&shop, "/meta/roll-back").await.status, 409);
    writes(&shop, "meta", "hello").await;
    sends(&shop, json!({"text": "hello"})).await;
    assert_eq!(carriers(&shop), ["meta"]);
}
