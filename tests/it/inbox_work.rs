//! Many people at one inbox: they do not answer at once, note things for each other, and find what is theirs (E04).

use e2e::World;
use e2e::desk::{Desk, text_of};
use serde_json::{Value, json};

const CUSTOMER: &str = "971501234567";

async fn shown(desk: &Desk<'_>, conversation: &str) -> Value {
    desk.get(&format!("/v1/conversations/{conversation}")).await.data()
}

async fn found(desk: &Desk<'_>, query: &str) -> Vec<String> {
    let items = desk.all(&format!("/v1/conversations?{query}")).await;
    items.iter().map(|one| text_of(one, "id")).collect()
}

/// A second key with the role of an agent.
async fn another_key(desk: &Desk<'_>) -> String {
    let body = json!({"name": "Second desk", "role": "agent", "environment": "live"});
    let made = desk.world.post("/v1/api-keys", &desk.tenant.keys.live_admin, &body).await;
    text_of(&made.data(), "key")
}

#[tokio::test]
async fn two_agents_do_not_answer_at_once_unless_one_says_so() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let other = another_key(&desk).await;
    let path = format!("/v1/conversations/{conversation}/lock");
    let taken = desk.post(&path, &json!({"agent": "Omar"})).await;
    assert_eq!(taken.status, 200, "{:?}", taken.json());
    assert_eq!(taken.data()["lock"]["agent"], "Omar");
    assert_eq!(shown(&desk, &conversation).await["lock"], taken.data()["lock"]);

    let lead = shown(&desk, &conversation).await["lead_id"].clone();
    for target in
        [json!({"conversation_id": conversation}), json!({"lead_id": lead}), json!({"to": "+971501234567"})]
    {
        let mut body = target.clone();
        body["text"] = json!("Hi, Sara here.");
        let refused = world.post("/v1/whatsapp/messages", &other, &body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (409, "conversation_locked"),
            "{target}"
        );
        assert_eq!(refused.json()["error"]["details"]["lock"], taken.data()["lock"]);
        body["agent"] = json!("Sara");
        assert_eq!(
            desk.says(&body).await.code(),
            "conversation_locked",
            "another person behind the same key"
        );
        let verdict = world.post("/v1/whatsapp/preflight", &other, &body).await.data();
        assert_eq!((&verdict["allowed"], &verdict["code"]), (&json!(false), &json!("conversation_locked")));
    }
    let refused = world.post(&path, &other, &json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "conversation_locked"));
    let gone = world.call("DELETE", &path, &other, &json!({})).await;
    assert_eq!((gone.status.as_u16(), gone.code().as_str()), (409, "conversation_locked"));

    // Its holder, the key behind it, and whoever insists.
    let text = |more: Value| {
        let mut body = json!({"conversation_id": conversation, "text": "On my way."});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(desk.says(&text(json!({"agent": "Omar"}))).await.status, 202);
    assert_eq!(desk.says(&text(json!({}))).await.status, 202);
    let insisting = world.post("/v1/whatsapp/messages", &other, &text(json!({"override_lock": true}))).await;
    assert_eq!(insisting.status, 202);
    let verdict = desk.preflight(&text(json!({"agent": "Omar"}))).await.data();
    assert_eq!(verdict["allowed"], true);

    // Renewed by its holder it lasts, and ends by itself.
    world.advance(50).await;
    assert_eq!(desk.post(&path, &json!({"agent": "Omar"})).await.status, 200);
    world.advance(50).await;
    assert_eq!(
        world.post("/v1/whatsapp/messages", &other, &text(json!({}))).await.code(),
        "conversation_locked"
    );
    world.advance(11).await;
    assert_eq!(shown(&desk, &conversation).await["lock"], Value::Null);
    assert_eq!(world.post("/v1/whatsapp/messages", &other, &text(json!({}))).await.status, 202);

    // Taken over, the first holder has lost it; given up, nobody has it.
    assert_eq!(desk.post(&path, &json!({"agent": "Omar"})).await.status, 200);
    assert_eq!(world.post(&path, &other, &json!({"agent": "Sara", "take_over": true})).await.status, 200);
    assert_eq!(desk.post(&path, &json!({"agent": "Omar"})).await.code(), "conversation_locked");
    let mine = format!("{path}?agent=Sara");
    assert_eq!(world.call("DELETE", &mine, &other, &json!({})).await.status, 200);
    assert_eq!(shown(&desk, &conversation).await["lock"], Value::Null);
    for (body, field) in [
        (json!({"seconds": 4}), "seconds"),
        (json!({"seconds": 601}), "seconds"),
        (json!({"agent": " "}), "agent"),
        (json!({"until": "x"}), "until"),
    ] {
        let answer = desk.post(&path, &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["field"]), (400, &json!(field)));
    }
    let viewer = &desk.tenant.keys.live_viewer;
    assert_eq!(world.post(&path, viewer, &json!({})).await.status, 403);
    let foreign = world.desk("dialog360");
    assert_eq!(foreign.post(&path, &json!({})).await.status, 404);
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_the_lock() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let path = format!("/v1/conversations/{conversation}/lock");
    let names: Vec<Value> = (0..8).map(|n| json!({"agent": format!("agent {n}")})).collect();
    let asked = names.iter().map(|body| desk.world.post(&path, desk.key(), body));
    let answers = futures_util::future::join_all(asked).await;
    let won: Vec<&Value> = answers
        .iter()
        .zip(&names)
        .filter(|(answer, _)| answer.status == 200)
        .map(|(_, name)| &name["agent"])
        .collect();
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(&shown(&desk, &conversation).await["lock"]["agent"], won[0]);
}

#[tokio::test]
async fn a_note_is_for_colleagues_and_never_sent() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "Hello").await;
    let path = format!("/v1/conversations/{conversation}/notes");
    let bearer = format!("Bearer {}", desk.key());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "note-1"),
    ];
    let body = json!({"text": "Prefers calls after six.", "agent": "Omar"}).to_string();
    for _ in 0..3 {
        let left = world.send("POST", &path, &headers, body.clone()).await;
        assert_eq!(left.status, 201, "{:?}", left.json());
    }
    world.advance(1).await;
    assert_eq!(desk.post(&path, &json!({"text": "ملاحظة"})).await.status, 201);
    let notes = desk.all(&path).await;
    let texts: Vec<&str> = notes.iter().map(|note| note["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["ملاحظة", "Prefers calls after six."]);
    assert_eq!((&notes[1]["agent"], &notes[0]["agent"]), (&json!("Omar"), &Value::Null));
    let lead = text_of(&shown(&desk, &conversation).await, "lead_id");
    let timeline = desk.all(&format!("/v1/leads/{lead}/timeline?type=conversation.note")).await;
    assert_eq!(timeline.len(), 2);
    world.settled().await;
    assert!(desk.sent().is_empty());
    assert_eq!(desk.all(&format!("/v1/conversations/{conversation}/messages")).await.len(), 1);
    for text in ["", "  ", &"x".repeat(4_001)] {
        assert_eq!(desk.post(&path, &json!({"text": text})).await.json()["error"]["field"], "text");
    }
    let foreign = world.desk("dialog360");
    assert_eq!(foreign.post(&path, &json!({"text": "x"})).await.status, 404);
    assert_eq!(foreign.get(&path).await.status, 404);
}

#[tokio::test]
async fn an_agent_finds_their_conversations_by_what_they_are() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let mut ids = Vec::new();
    for (n, text) in ["Hello", "مرحبا كيف الحال", "Good morning"].iter().enumerate() {
        ids.push(desk.conversation(&format!("97150123456{n}"), text).await);
        world.advance(1).await;
    }
    let change = async |id: &str, body: Value| {
        let answer = world.call("PATCH", &format!("/v1/conversations/{id}"), desk.key(), &body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        answer.data()
    };
    change(&ids[0], json!({"assignee": "Omar", "tags": [" Marina ", "VIP"]})).await;
    change(&ids[1], json!({"status": "human", "add_tags": ["marina"], "read": true})).await;
    change(&ids[2], json!({"status": "closed"})).await;
    for (query, expected) in [
        ("assignee=Omar", vec![0]),
        ("assignee=", vec![2, 1]),
        ("status=human", vec![1, 0]),
        ("status=closed", vec![2]),
        ("status=bot", vec![]),
        ("tag=Marina", vec![1, 0]),
        ("tag=vip", vec![0]),
        ("unread=true", vec![2, 0]),
        ("language=ar", vec![1]),
        ("provider=meta", vec![2, 1, 0]),
        ("provider=ultramsg", vec![]),
        ("number=nobodys", vec![]),
        ("window=open", vec![2, 1, 0]),
        ("window=closed", vec![]),
        ("status=human&tag=marina&assignee=", vec![1]),
    ] {
        let expected: Vec<&String> = expected.iter().map(|n: &usize| &ids[*n]).collect();
        assert_eq!(found(&desk, query).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let number = text_of(&shown(&desk, &ids[0]).await["number"], "phone_number_id");
    assert_eq!(found(&desk, &format!("number={number}")).await.len(), 3);
    for (query, field) in [("status=open", "status"), ("provider=sms", "provider"), ("window=half", "window")]
    {
        let answer = desk.get(&format!("/v1/conversations?{query}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["field"]), (400, &json!(field)));
    }

    // Two hands at once: both tags are there; what is taken away is gone.
    let (one, other) = tokio::join!(
        change(&ids[0], json!({"add_tags": ["a"]})),
        change(&ids[0], json!({"add_tags": ["b"], "remove_tags": ["vip"]})),
    );
    drop((one, other));
    assert_eq!(shown(&desk, &ids[0]).await["tags"], json!(["a", "b", "marina"]));
    assert_eq!(change(&ids[0], json!({"tags": []})).await["tags"], json!([]));
    let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
    let path = format!("/v1/conversations/{}", ids[0]);
    for (body, field) in [
        (json!({"tags": many}), "tags"),
        (json!({"add_tags": [""]}), "add_tags"),
        (json!({"remove_tags": ["x".repeat(65)]}), "remove_tags"),
    ] {
        let answer = world.call("PATCH", &path, desk.key(), &body).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]["field"]), (400, &json!(field)));
    }
    change(&ids[0], json!({"tags": many[..20]})).await;
    let answer = world.call("PATCH", &path, desk.key(), &json!({"add_tags": ["one more"]})).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]["field"]), (400, &json!("add_tags")));
    world.advance(25 * 3600).await;
    assert_eq!(found(&desk, "window=closed").await.len(), 3);
}

#[tokio::test]
async fn unread_messages_are_counted_until_they_are_read() {
    let world = World::start().await;
    let desk = world.desk("meta");
    let conversation = desk.conversation(CUSTOMER, "one").await;
    for text in ["two", "three"] {
        world.advance(1).await;
        desk.hears(CUSTOMER, json!({"text": text})).await;
    }
    let count = async || shown(&desk, &conversation).await["unread_count"].clone();
    assert_eq!(count().await, 3);
    assert_eq!(desk.all("/v1/conversations").await[0]["unread_count"], 3);
    world.advance(1).await;
    desk.sends(&json!({"conversation_id": conversation, "text": "Hello."})).await;
    assert_eq!(count().await, 3, "our own message reads nothing");
    let path = format!("/v1/conversations/{conversation}");
    world.call("PATCH", &path, desk.key(), &json!({"read": true})).await;
    assert_eq!(count().await, 0);
    world.advance(1).await;
    desk.hears(CUSTOMER, json!({"text": "four"})).await;
    assert_eq!(count().await, 1);
}
