use super::*;

fn hook() -> Value {
    json!({
        "event": "message_created", "id": 71, "content": "Good morning.", "message_type": "outgoing", "private": false,
        "created_at": "2026-03-02T08:15:04.120Z", "content_attributes": {},
        "sender": {"type": "user", "id": 3, "name": "Omar"}, "account": {"id": 1, "name": "A"},
        "inbox": {"id": 4, "name": "WhatsApp"}, "conversation": {"id": 9, "contact_inbox": {"source_id": "s"}},
    })
}

fn told(change: impl Fn(&mut Value)) -> Result<Told, String> {
    let mut hook = hook();
    change(&mut hook);
    parse(hook.to_string().as_bytes())
}

#[test]
fn only_what_a_person_wrote_to_the_customer_goes_on() {
    let Ok(Told::Reply(reply)) = told(|_| {}) else { panic!("not a reply") };
    assert_eq!((reply.account_id, reply.inbox_id, reply.conversation, reply.message), (1, 4, 9, 71));
    assert_eq!((reply.content.as_str(), reply.agent.as_deref()), ("Good morning.", Some("Omar")));
    for (name, value) in [
        ("event", json!("message_updated")),
        ("message_type", json!("incoming")),
        ("message_type", json!(0)),
        ("private", json!(true)),
        ("content_attributes", json!({"external_source": "hadar"})),
        ("sender", json!({"type": "agent_bot"})),
        ("sender", Value::Null),
    ] {
        let told = told(|hook| hook[name] = value.clone());
        assert!(matches!(told, Ok(Told::Nothing(_))), "{name}: {told:?}");
    }
    assert!(matches!(told(|hook| hook["message_type"] = json!(1)), Ok(Told::Reply(_))));
    assert!(matches!(told(|hook| hook["created_at"] = json!(1_772_439_304)), Ok(Told::Reply(_))));
    for name in ["id", "account", "inbox", "conversation", "created_at"] {
        assert!(told(|hook| hook[name] = Value::Null).is_err(), "{name}");
    }
    for bad in ["", "null", "[]", "{}", "{\"event\":1}"] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn requests_are_those_of_the_application_api() {
    let connection = Connection { account_id: 1, inbox_id: 4, token: "secret" };
    let request = connection
        .make_message(9, NewMessage { content: "Hi", incoming: true, private: false, external_id: "msg_1" })
        .unwrap();
    assert_eq!(request.uri(), "/api/v1/accounts/1/conversations/9/messages");
    assert_eq!(request.headers()["api_access_token"], "secret");
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        (&body["message_type"], &body["content_attributes"]["external_id"]),
        (&json!("incoming"), &json!("msg_1"))
    );
    let request = connection.find_contact("+971501234567").unwrap();
    assert_eq!(request.uri(), "/api/v1/accounts/1/contacts/search?q=%2B971501234567");
    assert!(Connection { token: "a\nb", ..connection }.inbox().is_none());
}

#[test]
fn an_answer_is_done_refused_or_for_later() {
    let of = |status: u16, body: &'static str| {
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = status.try_into().unwrap();
        answer(&response)
    };
    assert_eq!(of(200, "{}"), Answer::Done(json!({})));
    assert_eq!(of(401, ""), Answer::Unauthorized);
    assert_eq!(of(404, ""), Answer::Missing);
    assert_eq!(of(422, r#"{"message":"taken"}"#), Answer::Refused("422: taken".to_owned()));
    for (status, body) in [(500, ""), (429, ""), (302, ""), (200, "<html>")] {
        assert!(matches!(of(status, body), Answer::Later(_)), "{status}");
    }
}
