//! What is different between two documents, and whether it breaks who relies on the older one.
//!
//! What goes out may grow and what comes in may be taken more freely. So it breaks when a path, a method, a status of a
//! "yes" or a field of an answer is gone, when a value may come that could not come before, and when something must be
//! given, or may no longer be given, that need not or could be before.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt;

/// How deep schemas are followed: types that hold themselves end here.
const DEEPEST: usize = 12;

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whether who relied on the older document is let down.
    pub breaks: bool,
    /// Where and what.
    pub what: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.breaks { "breaking" } else { "addition" };
        write!(f, "{kind}: {}", self.what)
    }
}

/// Which way a schema is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

struct Compared<'a> {
    old: &'a Value,
    new: &'a Value,
    found: Vec<Change>,
}

/// The differences from an older document to a newer one.
#[must_use]
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut compared = Compared { old, new, found: Vec::new() };
    let none = Map::new();
    let (before, after) = (members(old, "paths", &none), members(new, "paths", &none));
    for (path, methods) in before {
        let Some(now) = after.get(path) else {
            compared.breaking(format!("{path} is gone"));
            continue;
        };
        for (method, operation) in methods.as_object().unwrap_or(&none) {
            let at = format!("{} {path}", method.to_uppercase());
            match now.get(method) {
                None => compared.breaking(format!("{at} is gone")),
                Some(now) => compared.operation(&at, operation, now),
            }
        }
    }
    for (path, methods) in after {
        for method in methods.as_object().unwrap_or(&none).keys() {
            if before.get(path).and_then(|known| known.get(method)).is_none() {
                compared.addition(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    compared.found.dedup();
    compared.found
}

fn members<'a>(value: &'a Value, name: &str, none: &'a Map<String, Value>) -> &'a Map<String, Value> {
    value.get(name).and_then(Value::as_object).unwrap_or(none)
}

/// What a reference of this document refers to.
fn follow<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

fn names(schema: &Value, member: &str) -> BTreeSet<String> {
    let listed = schema.get(member).and_then(Value::as_array).into_iter().flatten();
    listed.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
}

fn types(schema: &Value) -> BTreeSet<String> {
    match schema.get("type") {
        Some(Value::String(one)) => BTreeSet::from([one.clone()]),
        Some(_) => names(schema, "type"),
        None => BTreeSet::new(),
    }
}

impl Compared<'_> {
    fn breaking(&mut self, what: String) {
        self.found.push(Change { breaks: true, what });
    }

    fn addition(&mut self, what: String) {
        self.found.push(Change { breaks: false, what });
    }

    fn operation(&mut self, at: &str, old: &Value, new: &Value) {
        if old.get("operationId") != new.get("operationId") {
            self.breaking(format!("{at}: another operationId, which generated clients are named by"));
        }
        self.parameters(at, old, new);
        self.body(at, old, new);
        let none = Map::new();
        let (before, after) = (members(old, "responses", &none), members(new, "responses", &none));
        for (status, response) in before {
            match after.get(status) {
                None if status.starts_with('2') => {
                    self.breaking(format!("{at}: the answer {status} is gone"));
                }
                None => self.addition(format!("{at}: {status} is no longer answered")),
                Some(now) => self.response(&format!("{at} {status}"), response, now),
            }
        }
        for status in after.keys().filter(|status| !before.contains_key(*status)) {
            self.addition(format!("{at}: the answer {status}"));
        }
    }

    fn response(&mut self, at: &str, old: &Value, new: &Value) {
        let (old, new) = (follow(self.old, old).clone(), follow(self.new, new).clone());
        let none = Map::new();
        for (kind, content) in members(&old, "content", &none) {
            match members(&new, "content", &none).get(kind) {
                None => self.breaking(format!("{at}: {kind} is gone")),
                Some(now) => self.schema(at, &content["schema"], &now["schema"], Way::Out, 0),
            }
        }
    }

    fn parameters(&mut self, at: &str, old: &Value, new: &Value) {
        let listed = |document: &Value, operation: &Value| -> Vec<Value> {
            let all = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
            all.map(|one| follow(document, one).clone()).collect()
        };
        let (before, after) = (listed(self.old, old), listed(self.new, new));
        let same = |a: &Value, b: &Value| a.get("name") == b.get("name") && a.get("in") == b.get("in");
        for parameter in &before {
            let name = format!("{at}: the parameter {}", parameter["name"].as_str().unwrap_or_default());
            match after.iter().find(|one| same(one, parameter)) {
                None => self.breaking(format!("{name} is gone")),
                Some(now) => {
                    let required = |one: &Value| one.get("required") == Some(&Value::Bool(true));
                    if required(now) && !required(parameter) {
                        self.breaking(format!("{name} is required now"));
                    }
                    self.schema(&name, &parameter["schema"], &now["schema"], Way::In, 0);
                }
            }
        }
        for parameter in after.iter().filter(|one| !before.iter().any(|known| same(known, one))) {
            let name = format!("{at}: the parameter {}", parameter["name"].as_str().unwrap_or_default());
            let required = parameter.get("required") == Some(&Value::Bool(true));
            if required {
                self.breaking(format!("{name} is new and required"));
            } else {
                self.addition(name);
            }
        }
    }

    fn body(&mut self, at: &str, old: &Value, new: &Value) {
        let none = Map::new();
        let at = format!("{at} body");
        match (old.get("requestBody"), new.get("requestBody")) {
            (None, None) => {}
            (Some(_), None) => self.breaking(format!("{at}: none is taken any more")),
            (None, Some(now)) if now.get("required") == Some(&Value::Bool(true)) => {
                self.breaking(format!("{at}: one is required now"));
            }
            (None, Some(_)) => self.addition(format!("{at}: one may be given")),
            (Some(before), Some(now)) => {
                let (before, now) = (before.clone(), now.clone());
                for (kind, content) in members(&before, "content", &none) {
                    match members(&now, "content", &none).get(kind) {
                        None => self.breaking(format!("{at}: {kind} is not taken any more")),
                        Some(now) => self.schema(&at, &content["schema"], &now["schema"], Way::In, 0),
                    }
                }
            }
        }
    }

    fn schema(&mut self, at: &str, old: &Value, new: &Value, way: Way, depth: usize) {
        let (old, new) = (follow(self.old, old).clone(), follow(self.new, new).clone());
        if depth > DEEPEST || old == new && self.old == self.new {
            return;
        }
        self.values(at, &old, &new, way);
        self.limits(at, &old, &new, way);
        self.fields(at, &old, &new, way, depth);
        if let (Some(before), Some(now)) = (old.get("items"), new.get("items")) {
            self.schema(&format!("{at}[]"), before, now, way, depth + 1);
        }
        for several in ["oneOf", "anyOf", "allOf"] {
            let list =
                |schema: &Value| schema.get(several).and_then(Value::as_array).cloned().unwrap_or_default();
            let (before, now) = (list(&old), list(&new));
            // Alternatives may go from what comes out and join what goes in.
            let lost = before.len() > now.len() && way == Way::In;
            let joined =
                now.len() > before.len() && way == Way::Out && several != "allOf" && !before.is_empty();
            if lost || joined {
                self.breaking(format!("{at}: {} alternatives instead of {}", now.len(), before.len()));
            }
            for (before, now) in before.iter().zip(&now) {
                self.schema(at, before, now, way, depth + 1);
            }
        }
    }

    /// Types, enumerations, formats and patterns.
    fn values(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        for (member, before, now) in
            [("type", types(old), types(new)), ("enum", names(old, "enum"), names(new, "enum"))]
        {
            // None at all is every value.
            let gone = !now.is_empty() && (before.is_empty() || !before.is_subset(&now));
            let new_ones = !before.is_empty() && (now.is_empty() || !now.is_subset(&before));
            // An enumeration of answers may grow: docs/versioning.md tells clients to expect it.
            let broken = match way {
                Way::In => gone,
                Way::Out => new_ones && member == "type",
            };
            if broken {
                self.breaking(format!("{at}: {member} {now:?} instead of {before:?}"));
            } else if gone || new_ones {
                self.addition(format!("{at}: {member} {now:?} instead of {before:?}"));
            }
        }
        for member in ["format", "pattern", "const"] {
            let (before, now) = (old.get(member), new.get(member));
            if before != now && (way == Way::In && now.is_some() || way == Way::Out && before.is_some()) {
                self.breaking(format!("{at}: another {member}"));
            }
        }
    }

    /// Limits of what comes in.
    fn limits(&mut self, at: &str, old: &Value, new: &Value, way: Way) {
        if way == Way::Out {
            return;
        }
        for (member, tighter_when_less) in [
            ("maximum", true),
            ("maxLength", true),
            ("maxItems", true),
            ("minimum", false),
            ("minLength", false),
            ("minItems", false),
        ] {
            let number = |schema: &Value| schema.get(member).and_then(Value::as_f64);
            let tighter = match (number(old), number(new)) {
                (None, Some(_)) => true,
                (Some(before), Some(now)) => {
                    if tighter_when_less {
                        now < before
                    } else {
                        now > before
                    }
                }
                (_, None) => false,
            };
            if tighter {
                self.breaking(format!("{at}: a tighter {member}"));
            }
        }
        let closed = |schema: &Value| schema.get("additionalProperties") == Some(&Value::Bool(false));
        if closed(new) && !closed(old) {
            self.breaking(format!("{at}: other fields are not taken any more"));
        }
    }

    fn fields(&mut self, at: &str, old: &Value, new: &Value, way: Way, depth: usize) {
        let none = Map::new();
        let (before, now) = (members(old, "properties", &none), members(new, "properties", &none));
        let (needed_before, needed) = (names(old, "required"), names(new, "required"));
        for (name, schema) in before {
            let at = format!("{at}.{name}");
            match now.get(name) {
                None => self.breaking(format!("{at} is gone")),
                Some(now) => self.schema(&at, schema, now, way, depth + 1),
            }
            if way == Way::Out
                && needed_before.contains(name)
                && !needed.contains(name)
                && now.contains_key(name)
            {
                self.breaking(format!("{at} may be absent now"));
            }
        }
        for name in now.keys().filter(|name| !before.contains_key(*name)) {
            if way == Way::In && needed.contains(name) {
                self.breaking(format!("{at}.{name} is new and required"));
            } else {
                self.addition(format!("{at}.{name}"));
            }
        }
        for name in needed.iter().filter(|name| way == Way::In && before.contains_key(*name)) {
            if !needed_before.contains(name) {
                self.breaking(format!("{at}.{name} is required now"));
            }
        }
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
