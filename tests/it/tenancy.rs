//! No tenant ever sees another's data.

use e2e::World;
use serde_json::json;

#[tokio::test]
async fn a_foreign_id_is_answered_exactly_like_one_that_does_not_exist() {
    let world = World::start().await;
    world
        .from_meta(
            world.meta_body().text("971501234567", "wamid.A", world.now_s(), "secret").json().to_string(),
        )
        .await;
    world.from_meta(r#"{"object":"page"}"#).await;
    world.settled().await;
    let (mine, other) = (world.tenant("meta").keys, world.tenant("dialog360").keys);
    let conversation = world.all("/v1/conversations", &mine.live_admin).await[0].clone();
    let id = conversation["id"].as_str().unwrap().to_owned();
    let message = world.all(&format!("/v1/conversations/{id}/messages"), &mine.live_admin).await[0].clone();
    let event = world.all("/v1/events?state=parked", &mine.live_admin).await[0].clone();
    let lead = conversation["lead_id"].as_str().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let paths = [
        format!("/v1/conversations/{id}"),
        format!("/v1/conversations/{id}/messages"),
        format!("/v1/contacts/{}", text(&conversation["contact_id"])),
        format!("/v1/whatsapp/messages/{}", text(&message["id"])),
        format!("/v1/leads/{lead}"),
        format!("/v1/leads/{lead}/timeline"),
        format!("/v1/events/{}", text(&event["id"])),
    ];
    for path in &paths {
        assert_eq!(world.get(path, &mine.live_admin).await.status, 200, "{path}");
        // Another tenant, and this tenant's own sandbox.
        for key in [&other.live_admin, &mine.test_admin] {
            let foreign = world.get(path, key).await;
            assert_eq!(foreign.status, 404, "{path}");
            let absent = world
                .get(&format!("{}01ARZ3NDEKTSV4RRFFQ69G5FAV", &path[..path.find('_').unwrap() + 1]), key)
                .await;
            let blank = |answer: &e2e::Answer| {
                let mut json = answer.json();
                json["error"]["trace_id"] = json!(null);
                json
            };
            assert_eq!(blank(&foreign), blank(&absent), "{path}");
        }
    }
    let replay =
        world.post(&format!("/v1/events/{}/replay", text(&event["id"])), &other.live_admin, &json!({})).await;
    assert_eq!(replay.status, 404);
    assert!(world.all("/v1/conversations", &mine.test_admin).await.is_empty());
}

#[tokio::test]
async fn a_valid_secret_does_not_open_another_tenants_number() {
    let world = World::start().await;
    // Signed by the Meta tenant, naming a number that is not its own.
    let body = e2e::bodies::MetaBody::of("999999999999999", "888888888888888").text(
        "971501234567",
        "wamid.T5",
        world.now_s(),
        "hi",
    );
    assert_eq!(world.from_meta(body.json().to_string()).await.status, 200);
    world.settled().await;

    for provider in ["meta", "dialog360", "ultramsg"] {
        assert!(world.all("/v1/conversations", &world.tenant(provider).keys.live_admin).await.is_empty());
    }
    let parked = world.all("/v1/events?state=parked", &world.tenant("meta").keys.live_admin).await;
    assert_eq!(parked.len(), 1);
    assert!(parked[0]["reason"].as_str().unwrap().contains("999999999999999"), "{}", parked[0]);
}
