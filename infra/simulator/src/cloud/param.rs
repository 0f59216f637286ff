//! A parameter of a request, which knows its own name when something is wrong with it.

use super::error::{Checked, GraphError};
use serde_json::Value;

/// A value at a place of the request.
#[derive(Debug, Clone)]
pub(crate) struct Param<'a> {
    path: String,
    pub(crate) value: &'a Value,
    /// The code of refusals here.
    code: i64,
}

impl<'a> Param<'a> {
    /// The whole request, whose faults are code 100.
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value, code: 100 }
    }

    /// The same place, with another code for what is wrong below.
    pub(crate) fn with_code(mut self, code: i64) -> Self {
        self.code = code;
        self
    }

    /// A refusal about this place.
    pub(crate) fn refuse(&self, said: &str) -> GraphError {
        let text = format!("Param {} {said}", self.path);
        if self.code == 100 { GraphError::invalid(text) } else { GraphError::of(self.code, text) }
    }

    fn inside(&self, step: &str, value: &'a Value) -> Self {
        let path = if self.path.is_empty() {
            step.trim_matches(['\'', '[', ']']).to_owned()
        } else {
            format!("{}{step}", self.path)
        };
        Self { path, value, code: self.code }
    }

    /// A member that may be there; `null` is absent.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(self.inside(&format!("['{key}']"), value))
    }

    /// A member that must be there.
    pub(crate) fn need(&self, key: &str) -> Checked<Self> {
        self.get(key).ok_or_else(|| {
            let name = self.inside(&format!("['{key}']"), self.value).path;
            let text = format!("The parameter {name} is required.");
            if self.code == 100 { GraphError::invalid(text) } else { GraphError::of(self.code, text) }
        })
    }

    /// Must be an object with no member but these.
    pub(crate) fn only(&self, keys: &[&str]) -> Checked {
        let Some(object) = self.value.as_object() else { return Err(self.refuse("must be a JSON object.")) };
        match object.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) if self.path.is_empty() => {
                Err(GraphError::invalid(format!("Unexpected key \"{key}\" in the request.")))
            }
            Some(key) => Err(self.refuse(&format!("has an unexpected key \"{key}\"."))),
            None => Ok(()),
        }
    }

    /// Must be a text of at least one and at most `max` characters.
    pub(crate) fn text(&self, max: usize) -> Checked<&'a str> {
        let Some(text) = self.value.as_str() else { return Err(self.refuse("must be a string.")) };
        if text.trim().is_empty() {
            return Err(self.refuse("must be at least 1 character long."));
        }
        if text.chars().count() > max {
            return Err(self.refuse(&format!("must be at most {max} characters long.")));
        }
        Ok(text)
    }

    /// Must be one of these words.
    pub(crate) fn one_of(&self, words: &[&str]) -> Checked<&'a str> {
        match self.value.as_str() {
            Some(text) if words.contains(&text) => Ok(text),
            _ => Err(self.refuse(&format!("must be one of {{{}}}.", words.join(", ")))),
        }
    }

    /// Must be `true` or `false`.
    pub(crate) fn flag(&self) -> Checked<bool> {
        self.value.as_bool().ok_or_else(|| self.refuse("must be a boolean."))
    }

    /// Must be a number, which may be written as text, in this range.
    pub(crate) fn degrees(&self, limit: f64) -> Checked {
        let number = self.value.as_f64().or_else(|| self.value.as_str()?.parse().ok());
        match number {
            Some(number) if number.abs() <= limit => Ok(()),
            _ => Err(self.refuse(&format!("must be a number between -{limit} and {limit}."))),
        }
    }

    /// Must be a list of between `min` and `max` things.
    pub(crate) fn list(&self, min: usize, max: usize) -> Checked<Vec<Self>> {
        let Some(list) = self.value.as_array() else { return Err(self.refuse("must be an array.")) };
        if list.len() < min || list.len() > max {
            return Err(self.refuse(&format!("must have between {min} and {max} elements.")));
        }
        Ok(list.iter().enumerate().map(|(nth, value)| self.inside(&format!("[{nth}]"), value)).collect())
    }
}
