//! A template as Meta keeps it.

use serde_json::{Value, json};

/// One template in one language.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) language: String,
    /// `UTILITY`, `MARKETING` or `AUTHENTICATION`.
    pub(crate) category: String,
    /// `APPROVED`, `PENDING`, ...
    pub(crate) status: String,
    /// Its variables have names, not numbers.
    pub(crate) named: bool,
    pub(crate) components: Vec<Value>,
    pub(crate) rejected_reason: String,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub(crate) quality: String,
    /// When it was last edited.
    pub(crate) edited_ms: Option<i64>,
}

impl Template {
    /// The component of a type, such as `BODY`.
    pub(crate) fn part(&self, kind: &str) -> Option<&Value> {
        self.components.iter().find(|part| part.get("type").and_then(Value::as_str) == Some(kind))
    }

    /// A field as the Graph API names it.
    pub(crate) fn field(&self, name: &str, now_ms: i64) -> Option<Value> {
        Some(match name {
            "id" => json!(self.id),
            "name" => json!(self.name),
            "language" => json!(self.language),
            "category" => json!(self.category),
            "status" => json!(self.status),
            "parameter_format" => json!(if self.named { "NAMED" } else { "POSITIONAL" }),
            "components" => json!(self.components),
            "rejected_reason" => json!(self.rejected_reason),
            "quality_score" => json!({"score": self.quality, "date": now_ms / 1000}),
            _ => return None,
        })
    }

    /// The whole template, as a list without `fields` gives it.
    pub(crate) fn shown(&self, fields: &[String], now_ms: i64) -> Value {
        let usual = ["name", "parameter_format", "components", "language", "status", "category", "id"]
            .map(str::to_owned);
        let fields = if fields.is_empty() { &usual } else { fields };
        let mut shown = serde_json::Map::new();
        for name in fields.iter().map(String::as_str).chain(["id"]) {
            if let Some(value) = self.field(name, now_ms) {
                shown.insert(name.to_owned(), value);
            }
        }
        Value::Object(shown)
    }
}

/// The variables of a component's text, in order, each once: `1`, `2` or `agent_name`.
pub(crate) fn variables(part: &Value) -> Vec<String> {
    let text = part.get("text").and_then(Value::as_str).unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    for rest in text.split("{{").skip(1) {
        let Some((name, _)) = rest.split_once("}}") else { continue };
        let name = name.trim().to_owned();
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
