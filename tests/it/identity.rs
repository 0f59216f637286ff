//! Who a message is from.

use e2e::World;
use serde_json::{Value, json};

fn from_bsuid(bsuid: &str, phone: Option<&str>, id: &str, at: u64) -> (Value, Value) {
    let mut contact = json!({"profile": {"name": "Layla", "username": "@layla"}, "user_id": bsuid});
    let mut message = json!({"from_user_id": bsuid, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": id}});
    if let Some(phone) = phone {
        contact["wa_id"] = json!(phone);
        message["from"] = json!(phone);
    }
    (contact, message)
}

async fn deliver(world: &World, (contact, message): (Value, Value)) {
    let body = world.meta_body().contact(contact).message("", message);
    assert_eq!(world.from_meta(body.json().to_string()).await.status, 200);
    world.settled().await;
}

async fn conversations(world: &World) -> Vec<Value> {
    world.all("/v1/conversations", &world.tenant("meta").keys.live_viewer).await
}

async fn messages(world: &World, conversation: &Value) -> Vec<Value> {
    let path = format!("/v1/conversations/{}/messages", conversation["id"].as_str().unwrap());
    world.all(&path, &world.tenant("meta").keys.live_viewer).await
}

#[tokio::test]
async fn a_bsuid_then_its_phone_then_a_rotation_is_one_contact() {
    let world = World::start().await;
    let now = world.now_s();
    deliver(&world, from_bsuid("AE.111", None, "first", now - 50)).await;
    deliver(&world, from_bsuid("AE.111", Some("971501112222"), "second", now - 40)).await;
    let rotation = json!({"object": "whatsapp_business_account", "entry": [{"id": world.tenant("meta").meta.unwrap().waba_id, "changes": [
        {"field": "user_id_update", "value": {"messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "1", "phone_number_id": world.tenant("meta").meta.unwrap().phone_number_id},
            "user_id_update": [{"user_id": {"previous": "AE.111", "current": "AE.222"}, "wa_id": "971501112222", "timestamp": (now - 30).to_string()}]}}]}]});
    assert_eq!(world.from_meta(rotation.to_string()).await.status, 200);
    world.settled().await;
    deliver(&world, from_bsuid("AE.222", None, "third", now - 20)).await;

    let conversations = conversations(&world).await;
    assert_eq!(conversations.len(), 1, "{conversations:?}");
    assert_eq!(conversations[0]["contact"]["phone"], "+971501112222");
    assert_eq!(conversations[0]["contact"]["bsuid"], "AE.222");
    assert_eq!(conversations[0]["contact"]["username"], "layla");
    assert_eq!(messages(&world, &conversations[0]).await.len(), 3);
}

#[tokio::test]
async fn two_contacts_that_turn_out_to_be_one_are_read_as_one() {
    let world = World::start().await;
    let now = world.now_s();
    deliver(&world, from_bsuid("AE.333", None, "by id", now - 50)).await;
    let body = world.meta_body().text("971503334444", "by phone", now - 40, "by phone");
    world.from_meta(body.json().to_string()).await;
    world.settled().await;
    assert_eq!(conversations(&world).await.len(), 2);

    deliver(&world, from_bsuid("AE.333", Some("971503334444"), "both", now - 30)).await;
    deliver(&world, from_bsuid("AE.333", None, "by id again", now - 20)).await;

    let joined = conversations(&world).await;
    assert_eq!(joined.len(), 1, "{joined:?}");
    assert_eq!(messages(&world, &joined[0]).await.len(), 4);
    assert_eq!(world.all("/v1/leads", &world.tenant("meta").keys.live_viewer).await.len(), 1);
}

#[tokio::test]
async fn gulf_twins_that_share_nine_digits_stay_two_contacts() {
    let world = World::start().await;
    let now = world.now_s();
    let body = world.meta_body().text("971501234567", "wamid.AE", now, "hi").text(
        "966501234567",
        "wamid.SA",
        now,
        "hi",
    );
    world.from_meta(body.json().to_string()).await;
    world.settled().await;
    assert_eq!(conversations(&world).await.len(), 2);
}

#[tokio::test]
async fn a_changed_number_is_followed_and_the_old_one_may_become_somebody_else() {
    let world = World::start().await;
    let now = world.now_s();
    world.from_meta(world.meta_body().text("971501111111", "old", now - 50, "old").json().to_string()).await;
    world.settled().await;
    let change = json!({"from": "971501111111", "id": "wamid.SYS", "timestamp": (now - 40).to_string(), "type": "system",
        "system": {"type": "user_changed_number", "body": "User A changed from 971501111111 to 971502222222", "wa_id": "971502222222"}});
    let mut body = world.meta_body().message("971501111111", change).json();
    body["entry"][0]["changes"][0]["value"].as_object_mut().unwrap().remove("contacts");
    world.from_meta(body.to_string()).await;
    world.settled().await;
    world.from_meta(world.meta_body().text("971502222222", "new", now - 30, "new").json().to_string()).await;
    world.settled().await;
    let followed = conversations(&world).await;
    assert_eq!(followed.len(), 1, "{followed:?}");
    assert_eq!(followed[0]["contact"]["phone"], "+971502222222");

    world
        .from_meta(
            world.meta_body().text("971501111111", "stranger", now - 10, "stranger").json().to_string(),
        )
        .await;
    world.settled().await;
    assert_eq!(conversations(&world).await.len(), 2);
}
