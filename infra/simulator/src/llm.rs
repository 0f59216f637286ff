//! A language model that needs no model: OpenAI's endpoints, and the same answer to the same question.

use crate::api::About;
use crate::media::parts;
use crate::ogg;
use crate::wire::{Call, Reply};
use http::Method;
use serde_json::{Map, Value, json};

/// What the models are called.
const MODELS: [&str; 2] = ["demo-chat", "demo-whisper"];

/// What a call is about.
pub(crate) fn about(call: &Call) -> About {
    let operation = match call.path().as_slice() {
        ["v1", "chat", "completions"] => "chat",
        ["v1", "audio", ..] => "transcription",
        _ => "status",
    };
    About { line: None, operation, to: None }
}

/// A refusal in OpenAI's shape.
pub(crate) fn refusal(status: u16, message: &str) -> Reply {
    let kind = if status >= 500 { "server_error" } else { "invalid_request_error" };
    Reply::json(status, &json!({"error": {"message": message, "type": kind, "param": null, "code": status}}))
}

/// Answers a call.
pub(crate) fn answer(call: &Call) -> Reply {
    match (&call.method, call.path().as_slice()) {
        (&Method::POST, ["v1", "chat", "completions"]) => chat(call),
        (&Method::POST, ["v1", "audio", "transcriptions" | "translations"]) => transcription(call),
        (&Method::GET, ["v1", "models"]) => {
            let models: Vec<_> = MODELS
                .iter()
                .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "demo"}))
                .collect();
            Reply::json(200, &json!({"object": "list", "data": models}))
        }
        (&Method::GET, ["health" | "v1"]) => Reply::json(200, &json!({})),
        _ => refusal(404, "Not Found"),
    }
}

fn chat(call: &Call) -> Reply {
    if !call.is_json() {
        return refusal(415, "Send JSON with `Content-Type: application/json`.");
    }
    let Some(body) = call.json().filter(Value::is_object) else {
        return refusal(400, "The body is not a JSON object.");
    };
    let Some(model) = body.get("model").and_then(Value::as_str) else {
        return refusal(400, "model is required.");
    };
    let messages = body.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if messages.is_empty() {
        return refusal(400, "messages must have at least one element.");
    }
    let known = |message: &Value| {
        let role = message.get("role").and_then(Value::as_str);
        role.is_some_and(|role| ["system", "developer", "user", "assistant", "tool"].contains(&role))
    };
    if !messages.iter().all(known) {
        return refusal(400, "Each message needs a role: system, user, assistant or tool.");
    }
    let spoken = |message: &Value| match message.get("content") {
        Some(Value::String(_) | Value::Array(_)) => true,
        Some(Value::Null) | None => message.get("role").and_then(Value::as_str) == Some("assistant"),
        Some(_) => false,
    };
    if !messages.iter().all(spoken) {
        return refusal(400, "Each message needs content: a text or a list of parts.");
    }
    let within = |name: &str, lowest: f64, highest: f64| match body.get(name) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_f64().is_some_and(|value| (lowest..=highest).contains(&value)),
    };
    if !within("temperature", 0.0, 2.0) {
        return refusal(400, "temperature must be between 0 and 2.");
    }
    if !within("max_tokens", 1.0, 131_072.0) || !within("max_completion_tokens", 1.0, 131_072.0) {
        return refusal(400, "max_tokens must be between 1 and 131072.");
    }
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        return refusal(400, "The demo model does not stream.");
    }
    if !MODELS.contains(&model) {
        return refusal(404, &format!("The model `{model}` does not exist."));
    }
    let asked = messages.iter().rev().find(|one| one.get("role").and_then(Value::as_str) == Some("user"));
    let question = asked.map(text_of).unwrap_or_default();
    let told: String = messages
        .iter()
        .filter(|one| matches!(one.get("role").and_then(Value::as_str), Some("system" | "developer")))
        .map(text_of)
        .collect();
    let language = wished(&told).unwrap_or_else(|| language_of(&question));
    let reply = if told.starts_with("Translate") {
        translated(&question, language)
    } else {
        reply_in(&question, language)
    };
    let mut content = match body.pointer("/response_format/type").and_then(Value::as_str) {
        Some("json_schema") => {
            let schema = body.pointer("/response_format/json_schema/schema").unwrap_or(&Value::Null);
            fill(schema, &reply, 0).to_string()
        }
        Some("json_object") => json!({"reply": reply, "language": language}).to_string(),
        _ => reply,
    };
    let most = body.get("max_tokens").or_else(|| body.get("max_completion_tokens")).and_then(Value::as_u64);
    let words = content.split_whitespace().count();
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let cut = words > most;
    if cut {
        content = content.split_whitespace().take(most).collect::<Vec<_>>().join(" ");
    }
    let prompt: usize = messages.iter().map(|one| text_of(one).split_whitespace().count()).sum();
    let said = words.min(most);
    Reply::json(
        200,
        &json!({
            "id": format!("chatcmpl-{:08x}", fingerprint(&question)),
            "object": "chat.completion",
            "created": call.now_ms / 1000,
            "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": content},
                "finish_reason": if cut { "length" } else { "stop" }}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said},
        }),
    )
}

/// The text of a message, which is a text or a list of parts.
fn text_of(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// The language of a text, by its script: Arabic, Hindi, Russian, else English.
fn language_of(text: &str) -> &'static str {
    let count = |range: std::ops::RangeInclusive<char>| text.chars().filter(|c| range.contains(c)).count();
    let counted = [
        ("ar", count('\u{600}'..='\u{6ff}')),
        ("hi", count('\u{900}'..='\u{97f}')),
        ("ru", count('\u{400}'..='\u{4ff}')),
        ("en", count('A'..='Z') + count('a'..='z')),
    ];
    counted
        .iter()
        .filter(|(_, found)| *found > 0)
        .max_by_key(|(_, found)| *found)
        .map_or("en", |(code, _)| code)
}

/// The language that instructions ask for, as `lang=ar`.
fn wished(instructions: &str) -> Option<&'static str> {
    let code = instructions.split("lang=").nth(1)?;
    ["ar", "hi", "ru", "en"].into_iter().find(|known| code.starts_with(known))
}

/// What a text is about: a price, a visit, whether something is free, anything else.
fn subject_of(question: &str) -> usize {
    let lower = question.to_lowercase();
    let about = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if about(&["price", "how much", "سعر", "بكم", "कीमत", "цена", "стоит"]) {
        0
    } else if about(&["view", "visit", "معاينة", "زيارة", "देख", "посмотр"]) {
        1
    } else if about(&["available", "متاح", "متوفر", "उपलब्ध", "доступ"]) {
        2
    } else {
        3
    }
}

/// What a customer says who says this, in another language, as far as the demo knows languages.
fn translated(text: &str, language: &str) -> String {
    let sentences: [&str; 4] = match language {
        "ar" => ["كم السعر؟", "هل يمكنني الزيارة؟", "هل هي متاحة؟", "مرحبا، أريد أن أعرف المزيد."],
        "hi" => ["कीमत क्या है?", "क्या मैं देख सकता हूँ?", "क्या यह उपलब्ध है?", "नमस्ते, मैं और जानना चाहता हूँ।"],
        "ru" => {
            ["Сколько это стоит?", "Можно посмотреть?", "Это доступно?", "Здравствуйте, хочу узнать больше."]
        }
        _ => ["How much is it?", "Can I visit it?", "Is it available?", "Hello, I would like to know more."],
    };
    sentences.get(subject_of(text)).copied().unwrap_or_default().to_owned()
}

/// One of a few replies in a language, by what the question is about.
fn reply_in(question: &str, language: &str) -> String {
    let subject = subject_of(question);
    let replies: [&str; 4] = match language {
        "ar" => [
            "شكرا لسؤالكم عن السعر. سيرسل لكم أحد مستشارينا التفاصيل بعد قليل.",
            "يسعدنا ترتيب موعد للمعاينة. ما اليوم والوقت المناسبان لكم؟",
            "نعم، الوحدة متاحة حاليا. هل ترغبون في تحديد موعد للمعاينة؟",
            "شكرا لتواصلكم معنا. كيف يمكننا مساعدتكم؟",
        ],
        "hi" => [
            "कीमत के बारे में पूछने के लिए धन्यवाद। हमारे सलाहकार जल्द ही विवरण भेजेंगे।",
            "हम आपके लिए विज़िट तय कर सकते हैं। कौन सा दिन और समय ठीक रहेगा?",
            "हाँ, यह अभी उपलब्ध है। क्या आप इसे देखना चाहेंगे?",
            "संपर्क करने के लिए धन्यवाद। हम आपकी कैसे मदद कर सकते हैं?",
        ],
        "ru" => [
            "Спасибо за вопрос о цене. Наш консультант скоро пришлёт подробности.",
            "Мы с радостью организуем просмотр. Какой день и время вам удобны?",
            "Да, объект сейчас доступен. Хотите договориться о просмотре?",
            "Спасибо за обращение. Чем мы можем помочь?",
        ],
        _ => [
            "Thank you for asking about the price. One of our advisers will send you the details shortly.",
            "We would be glad to arrange a viewing. Which day and time suit you?",
            "Yes, the unit is available at the moment. Would you like to arrange a viewing?",
            "Thank you for getting in touch. How can we help you?",
        ],
    };
    replies.get(subject).copied().unwrap_or_default().to_owned()
}

/// A value that fits a JSON schema, with the reply as every text that is free.
fn fill(schema: &Value, reply: &str, depth: u8) -> Value {
    if depth > 16 {
        return Value::Null;
    }
    if let Some(first) = schema.get("enum").and_then(Value::as_array).and_then(|list| list.first()) {
        return first.clone();
    }
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => None,
    };
    match kind {
        Some("object") => {
            let mut made = Map::new();
            for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                made.insert(name.clone(), fill(inner, reply, depth + 1));
            }
            Value::Object(made)
        }
        Some("array") => json!([]),
        Some("string") => json!(reply),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
        Some("boolean") => json!(false),
        _ => Value::Null,
    }
}

/// The same number for the same text.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn transcription(call: &Call) -> Reply {
    let Some(parts) = parts(call.content_type(), &call.body) else {
        return refusal(400, "The body is not a multipart form.");
    };
    let field = |name: &str| parts.iter().find(|part| part.name == name);
    let text = |name: &str| field(name).map(|part| String::from_utf8_lossy(&part.bytes).into_owned());
    if text("model").is_none_or(|model| model.is_empty()) {
        return refusal(400, "model is required.");
    }
    let Some(file) = field("file").filter(|part| !part.bytes.is_empty()) else {
        return refusal(400, "file is required.");
    };
    let endings = [".flac", ".mp3", ".mp4", ".mpeg", ".mpga", ".m4a", ".ogg", ".opus", ".wav", ".webm"];
    let name = file.filename.clone().unwrap_or_default().to_lowercase();
    if !endings.iter().any(|ending| name.ends_with(ending)) {
        return refusal(400, "Unrecognized file format.");
    }
    let usual = match text("language").as_deref() {
        Some("ar") => "مرحبا، أريد أن أعرف المزيد عن الشقة.",
        _ => "Hello, I would like to know more about the apartment.",
    };
    let said = ogg::transcript(&file.bytes).unwrap_or_else(|| usual.to_owned());
    match text("response_format").as_deref() {
        Some("text") => Reply::file("text/plain; charset=utf-8", said.into()),
        Some("verbose_json") => {
            let language = language_of(&said);
            Reply::json(
                200,
                &json!({"task": "transcribe", "language": language, "duration": 2.0, "text": said, "segments": []}),
            )
        }
        _ => Reply::json(200, &json!({"text": said})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_is_in_the_language_of_the_question_and_always_the_same() {
        for (question, language) in [
            ("Hello, is it available?", "en"),
            ("مرحبا، هل الشقة متاحة؟", "ar"),
            ("क्या यह उपलब्ध है?", "hi"),
            ("Сколько стоит квартира?", "ru"),
            ("123", "en"),
        ] {
            assert_eq!(language_of(question), language, "{question}");
            assert_eq!(language_of(&reply_in(question, language)), language, "{question}");
            assert_eq!(language_of(&translated(question, language)), language, "{question}");
        }
    }

    #[test]
    fn the_language_that_the_instructions_name_wins() {
        assert_eq!(wished("Answer in Arabic (lang=ar), please."), Some("ar"));
        assert_eq!(wished("Answer in Klingon (lang=tlh)."), None);
        assert_eq!(wished("Answer."), None);
    }

    #[test]
    fn a_schema_is_filled() {
        let schema = json!({"type": "object", "properties": {"reply": {"type": "string"}, "handover": {"type": "boolean"},
            "intent": {"enum": ["viewing", "other"]}, "n": {"type": ["integer", "null"]}}});
        let filled = fill(&schema, "Hi", 0);
        assert_eq!(filled, json!({"reply": "Hi", "handover": false, "intent": "viewing", "n": 0}));
    }
}
