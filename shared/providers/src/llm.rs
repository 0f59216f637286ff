//! OpenAI-compatible services: one call, `POST {root}/chat/completions`, and what its answer means.

use bytes::Bytes;
use domain::assistant::Turn;
use http::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};

/// The most of an answer's body that is read, in bytes.
pub const ANSWER_LIMIT: usize = 64 * 1024;
/// How long an answer may become, in tokens: more than the longest message we send.
const MOST_TOKENS: u32 = 800;

/// What a model is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The model.
    pub model: &'a str,
    /// What it is told first.
    pub instructions: &'a str,
    /// The conversation, oldest first.
    pub turns: &'a [Turn],
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These words, whatever they are.
    Said(String),
    /// It broke off, because of its length or of a filter.
    Cut,
    /// It is no answer of such a service, or an empty one.
    Odd(String),
    /// The key opens nothing (any more).
    Unauthorized,
    /// The service does not take the question as it is.
    Refused(String),
    /// Try again later.
    Later(String),
}

/// The request, as a path under the service's root; `None` when the key cannot stand in a header.
#[must_use]
pub fn question(asked: Question<'_>, key: Option<&str>) -> Option<Request<Bytes>> {
    let mut messages = vec![json!({"role": "system", "content": asked.instructions})];
    messages.extend(asked.turns.iter().map(|turn| {
        let role = if turn.customer { "user" } else { "assistant" };
        json!({"role": role, "content": turn.text})
    }));
    let body = json!({
        "model": asked.model,
        "messages": messages,
        "max_tokens": MOST_TOKENS,
        "temperature": 0.2,
        "stream": false,
    });
    let mut builder = Request::builder()
        .method(Method::POST)
        .uri("/chat/completions")
        .header("content-type", "application/json")
        .header("accept", "application/json");
    if let Some(key) = key {
        builder = builder.header("authorization", format!("Bearer {key}"));
    }
    builder.body(Bytes::from(body.to_string())).ok()
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
}

/// Reads an answer.
#[must_use]
pub fn answer(response: &Response<Bytes>) -> Answer {
    let status = response.status().as_u16();
    match status {
        200 => completion(response.body()),
        401 | 403 => Answer::Unauthorized,
        400 | 404 | 413 | 415 | 422 => Answer::Refused(format!("{status}: {}", words(response.body()))),
        _ => Answer::Later(format!("it answered {status}")),
    }
}

fn completion(body: &[u8]) -> Answer {
    let Ok(read) = serde_json::from_slice::<Completion>(body) else {
        return Answer::Odd("it answered something else than a completion".to_owned());
    };
    let Some(choice) = read.choices.into_iter().next() else {
        return Answer::Odd("its completion has no choice".to_owned());
    };
    if matches!(choice.finish_reason.as_deref(), Some("length" | "content_filter")) {
        return Answer::Cut;
    }
    match choice.message.content {
        Some(text) => Answer::Said(text),
        None => Answer::Odd("its completion has no words".to_owned()),
    }
}

/// What an error says, for an admin.
fn words(body: &[u8]) -> String {
    let read: Option<Value> = serde_json::from_slice(body).ok();
    let text = read.as_ref().and_then(|body| {
        let error = body.get("error").or_else(|| body.get("message")).or_else(|| body.get("detail"))?;
        error.get("message").unwrap_or(error).as_str()
    });
    let plain = text.unwrap_or("no words").chars().filter(|c| !c.is_control());
    plain.take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::Millis;

    fn turn(customer: bool, text: &str) -> Turn {
        Turn { customer, text: text.to_owned(), at: Millis::from_unix_ms(1) }
    }

    #[test]
    fn a_question_carries_the_conversation_in_order_and_the_key_in_its_header() {
        let turns = [turn(true, "I am Huda"), turn(false, "Welcome"), turn(true, "\"}],\"model\":\"x")];
        let asked = Question { model: "m", instructions: "lang=ar", turns: &turns };
        let request = question(asked, Some("k")).unwrap();
        assert_eq!(request.uri(), "/chat/completions");
        assert_eq!(request.headers()["authorization"], "Bearer k");
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["model"], "m", "what a customer writes stays what a customer writes");
        let told: Vec<(&str, &str)> = body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["role"].as_str().unwrap(), one["content"].as_str().unwrap()))
            .collect();
        assert_eq!(told[0], ("system", "lang=ar"));
        assert_eq!(
            told[1..],
            [("user", "I am Huda"), ("assistant", "Welcome"), ("user", "\"}],\"model\":\"x")]
        );
        assert!(question(asked, None).unwrap().headers().get("authorization").is_none());
        assert!(question(asked, Some("a\nb")).is_none());
    }

    #[rstest::rstest]
    #[case::words(200, r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#, Answer::Said("Hi".into()))]
    #[case::no_reason(200, r#"{"choices":[{"message":{"content":"Hi"}}]}"#, Answer::Said("Hi".into()))]
    #[case::cut(200, r#"{"choices":[{"message":{"content":"H"},"finish_reason":"length"}]}"#, Answer::Cut)]
    #[case::filtered(
        200,
        r#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}"#,
        Answer::Cut
    )]
    #[case::none(200, r#"{"choices":[]}"#, Answer::Odd("its completion has no choice".into()))]
    #[case::null(200, r#"{"choices":[{"message":{"content":null}}]}"#, Answer::Odd("its completion has no words".into()))]
    #[case::a_page(200, "<html></html>", Answer::Odd("it answered something else than a completion".into()))]
    #[case::nothing(200, "", Answer::Odd("it answered something else than a completion".into()))]
    #[case::unauthorized(401, "{}", Answer::Unauthorized)]
    #[case::forbidden(403, "", Answer::Unauthorized)]
    #[case::no_such_model(404, r#"{"error":{"message":"no such model"}}"#, Answer::Refused("404: no such model".into()))]
    #[case::plain_error(400, r#"{"detail":"bad"}"#, Answer::Refused("400: bad".into()))]
    #[case::busy(429, "{}", Answer::Later("it answered 429".into()))]
    #[case::down(503, "<html>", Answer::Later("it answered 503".into()))]
    #[case::moved(302, "", Answer::Later("it answered 302".into()))]
    fn what_an_answer_means(#[case] status: u16, #[case] body: &'static str, #[case] expected: Answer) {
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = status.try_into().unwrap();
        assert_eq!(answer(&response), expected);
    }
}
