//! A contact card of the Cloud API's shape as a vCard 3.0 (RFC 2426), line ends as in UltraMsg's examples.

use serde_json::Value;

/// Writes one card.
pub(super) fn of_card(card: &Value) -> String {
    let name = card.get("name").unwrap_or(&Value::Null);
    let parts = ["last_name", "first_name", "middle_name", "prefix", "suffix"].map(|part| text(name, part));
    let mut lines = vec![
        "BEGIN:VCARD".to_owned(),
        "VERSION:3.0".to_owned(),
        format!("N:{}", parts.join(";")),
        format!("FN:{}", text(name, "formatted_name")),
    ];
    let org = card.get("org").unwrap_or(&Value::Null);
    let company = [text(org, "company"), text(org, "department")].join(";");
    if company != ";" {
        lines.push(format!("ORG:{}", company.trim_end_matches(';')));
    }
    push(&mut lines, "TITLE", "", &text(org, "title"));
    for phone in list(card, "phones") {
        let number = text(phone, "phone");
        let digits: String = text(phone, "wa_id").chars().filter(char::is_ascii_digit).collect();
        let waid = if digits.is_empty() { String::new() } else { format!(";waid={digits}") };
        // WhatsApp's own name of the number, for cards that give only that.
        let number = if number.is_empty() && !digits.is_empty() { format!("+{digits}") } else { number };
        push(&mut lines, "TEL", &format!("{}{waid}", kind(phone)), &number);
    }
    for email in list(card, "emails") {
        push(&mut lines, "EMAIL", &kind(email), &text(email, "email"));
    }
    for url in list(card, "urls") {
        push(&mut lines, "URL", &kind(url), &text(url, "url"));
    }
    for address in list(card, "addresses") {
        let parts = ["street", "city", "state", "zip", "country"].map(|part| text(address, part));
        if parts.iter().any(|part| !part.is_empty()) {
            push(&mut lines, "ADR", &kind(address), &format!(";;{}", parts.join(";")));
        }
    }
    push(&mut lines, "BDAY", "", &text(card, "birthday"));
    lines.push("END:VCARD".to_owned());
    lines.join("\n")
}

fn push(lines: &mut Vec<String>, property: &str, parameters: &str, value: &str) {
    if !value.is_empty() {
        lines.push(format!("{property}{parameters}:{value}"));
    }
}

fn list<'a>(card: &'a Value, key: &str) -> &'a [Value] {
    card.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The parameter that says which of several it is: `;TYPE=WORK`.
fn kind(value: &Value) -> String {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let kind: String = kind.chars().filter(char::is_ascii_alphanumeric).collect();
    if kind.is_empty() { String::new() } else { format!(";TYPE={}", kind.to_ascii_uppercase()) }
}

/// A text with the characters escaped that separate parts of a card.
fn text(of: &Value, key: &str) -> String {
    let text = of.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}
