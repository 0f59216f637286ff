//! What is played back after a send, and how webhooks are signed and tried again.

use crate::business::{Business, CUSTOMER, START, answered, text};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::atomic::Ordering;

fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn names(statuses: &[Value]) -> Vec<String> {
    statuses.iter().map(|status| status["status"].as_str().unwrap().to_owned()).collect()
}

async fn statuses(business: &Business) -> Vec<Value> {
    business
        .posted()
        .await
        .iter()
        .map(crate::business::Posted::status)
        .filter(|status| !status.is_null())
        .collect()
}

#[tokio::test]
async fn sent_delivered_and_read_follow_a_send_a_second_apart_and_signed() {
    let business = Business::start().await;
    business.open_window().await;
    let (_, answer) = business.send(&text("Your viewing is at 5/6")).await;
    let found = statuses(&business).await;
    assert_eq!(names(&found), ["sent", "delivered", "read"]);
    for (nth, status) in found.iter().enumerate() {
        assert_eq!(status["id"], answer["messages"][0]["id"]);
        assert_eq!(status["biz_opaque_callback_data"], "msg_1.7");
        assert_eq!(status["recipient_id"], CUSTOMER);
        assert!(status["recipient_user_id"].as_str().unwrap().starts_with("AE."));
        assert_eq!(status["timestamp"], (START / 1000 + i64::try_from(nth).unwrap()).to_string());
        assert_eq!(status.get("pricing").is_some(), nth < 2, "{status}");
        assert!(status.get("conversation").is_none());
    }
    let pricing = json!({"billable": false, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"});
    assert_eq!(found[0]["pricing"], pricing);
    for posted in business.posted().await {
        let header = posted.headers["x-hub-signature-256"].to_str().unwrap();
        assert_eq!(header, signature(&posted.bytes));
        assert!(posted.bytes.is_ascii());
        let value = &posted.json()["entry"][0]["changes"][0]["value"];
        assert_eq!(value["metadata"]["phone_number_id"], crate::business::NUMBER);
        assert_eq!(value["contacts"][0]["wa_id"], CUSTOMER);
    }
}

#[tokio::test]
async fn after_a_thousand_service_messages_a_month_they_cost_and_a_new_month_begins_anew() {
    let business = Business::start().await;
    business.open_window().await;
    business.sim.behave(json!({"statuses": {"play": ["sent"]}})).await.unwrap();
    let last_type = async || {
        business.send(&text("Hi")).await;
        statuses(&business).await.last().unwrap()["pricing"]["type"].as_str().unwrap().to_owned()
    };
    business.sim.behave(json!({"statuses": {"play": []}})).await.unwrap();
    for _ in 0..999 {
        assert_eq!(business.send(&text("Hi")).await.0, 200);
    }
    business.sim.behave(json!({"statuses": {"play": ["sent"]}})).await.unwrap();
    assert_eq!(last_type().await, "free_customer_service");
    assert_eq!(last_type().await, "regular");
    business.advance(12 * 24 * 3600);
    business.open_window().await;
    assert_eq!(last_type().await, "free_customer_service", "December");
}

#[tokio::test]
async fn statuses_can_be_repeated_shuffled_left_out_and_end_in_failure() {
    let business = Business::start().await;
    business.open_window().await;
    business
        .sim
        .behave(json!({"statuses": {"play": ["read", "played"], "copies": 3, "shuffle": true}}))
        .await
        .unwrap();
    business.send(&text("Hi")).await;
    let mut found = names(&statuses(&business).await);
    found.sort();
    assert_eq!(found, ["played", "played", "played", "read", "read", "read"]);
    let priced = statuses(&business).await.iter().filter(|one| one.get("pricing").is_some()).count();
    assert_eq!(priced, 3, "without a delivery the price comes with the reading");

    let failed = json!({"statuses": {"failed": {"code": 131_026, "details": "No WhatsApp"}}});
    business.sim.behave(failed).await.unwrap();
    business.send(&text("Hi")).await;
    let last = statuses(&business).await.pop().unwrap();
    assert_eq!((&last["status"], &last["errors"][0]["code"]), (&json!("failed"), &json!(131_026)));
    assert_eq!(last["errors"][0]["title"], "Message undeliverable");
    assert_eq!(last["errors"][0]["error_data"]["details"], "No WhatsApp");
    assert!(last.get("recipient_user_id").is_none(), "it was sent to the phone");
    assert_eq!(statuses(&business).await.len(), 7);
}

#[tokio::test]
async fn a_status_can_come_before_the_answer() {
    let business = Business::start().await;
    business.open_window().await;
    business.sim.behave(json!({"statuses": {"before_answer": true}})).await.unwrap();
    business.send(&text("Hi")).await;
    assert!(business.sim.idle(), "all have been posted by the time of the answer");
    assert_eq!(names(&statuses(&business).await).len(), 3);
}

#[tokio::test]
async fn a_webhook_that_is_not_taken_is_posted_again() {
    let business = Business::start().await;
    business.answer.store(503, Ordering::Relaxed);
    let told = business.customer(json!({"tenant_id": "tnt_m", "text": "Hello"})).await;
    assert_eq!(told["answers"], json!([503]));
    let posted = business.posted().await;
    assert_eq!(posted.len(), 4);
    assert!(posted.iter().all(|one| one.bytes == posted[0].bytes), "the very same bytes");
}

#[tokio::test]
async fn each_provider_carries_its_own_proof() {
    let business = Business::start().await;
    for tenant in ["tnt_d", "tnt_u"] {
        business.customer(json!({"tenant_id": tenant, "text": "Hello"})).await;
    }
    let posted = business.posted().await;
    assert_eq!(posted[0].uri, "/hooks/tnt_d?token=hook-d");
    assert_eq!(posted[1].uri, "/hooks/tnt_u?token=hook-u");
    assert!(posted.iter().all(|one| !one.headers.contains_key("x-hub-signature-256")));
    let hook = json!({"url": format!("{}/hooks/tnt_d", business.root.trim_end_matches("/_sim")), "headers": {"X-Hadar-Webhook-Secret": "hook-d"}});
    let request = business.request("POST", "/360dialog/v1/configs/webhook").header("D360-API-KEY", "d360");
    assert_eq!(answered(request, &hook).await, (200, hook.clone()));
    business.customer(json!({"tenant_id": "tnt_d", "text": "Hello"})).await;
    let last = business.posted().await.pop().unwrap();
    assert_eq!(
        (last.uri.to_string().as_str(), &last.headers["x-hadar-webhook-secret"]),
        ("/hooks/tnt_d", &"hook-d".parse().unwrap())
    );
}

#[tokio::test]
async fn several_messages_and_copies_can_come_in_any_order() {
    let business = Business::start().await;
    let messages: Vec<_> = (0..20).map(|nth| json!({"text": format!("{nth}")})).collect();
    let told = business
        .customer(json!({"tenant_id": "tnt_m", "messages": messages, "copies": 2, "shuffle": true}))
        .await;
    assert_eq!(
        (told["message_ids"].as_array().unwrap().len(), told["answers"].as_array().unwrap().len()),
        (20, 40)
    );
    let order: Vec<_> = business
        .posted()
        .await
        .iter()
        .map(|posted| {
            posted.json()["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"]
                .as_str()
                .unwrap()
                .parse::<u32>()
                .unwrap()
        })
        .collect();
    assert!(!order.is_sorted(), "one order in 10^40 is the one they were written in");
}
