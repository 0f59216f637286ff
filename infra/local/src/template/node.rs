//! A place in the template: its value with `If` settled, and its path for error messages.

use super::TemplateError;
use super::scope::Scope;
use super::text::Text;
use serde_yaml_ng::Value;
use std::fmt;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    scope: &'a Scope,
    value: &'a Value,
    at: String,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(super) fn root(scope: &'a Scope, value: &'a Value) -> Self {
        Self { scope, value, at: String::new() }
    }

    /// The path to this place.
    pub(super) fn at(&self) -> &str {
        &self.at
    }

    /// An error about this place.
    pub(super) fn fault(&self, problem: impl Into<String>) -> TemplateError {
        TemplateError::new(&self.at, problem)
    }

    /// A member that may be missing.
    pub(super) fn get(&self, name: &str) -> Result<Option<Self>, TemplateError> {
        match self.value {
            Value::Mapping(members) => members.get(name).map_or(Ok(None), |value| self.child(name, value)),
            Value::Null => Ok(None),
            _ => Err(self.fault("must be a mapping")),
        }
    }

    /// A member that must be there.
    pub(super) fn required(&self, name: &str) -> Result<Self, TemplateError> {
        self.get(name)?.ok_or_else(|| self.fault(format!("has no {name}")))
    }

    /// All members.
    pub(super) fn entries(&self) -> Result<Vec<(String, Self)>, TemplateError> {
        let Value::Mapping(members) = self.value else { return Err(self.fault("must be a mapping")) };
        let mut out = Vec::with_capacity(members.len());
        for (key, value) in members {
            let Some(key) = key.as_str() else {
                return Err(self.fault("has a member whose name is not text"));
            };
            if let Some(child) = self.child(key, value)? {
                out.push((key.to_owned(), child));
            }
        }
        Ok(out)
    }

    /// All elements.
    pub(super) fn items(&self) -> Result<Vec<Self>, TemplateError> {
        let Value::Sequence(values) = self.value else { return Err(self.fault("must be a list")) };
        let mut out = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            out.extend(self.child(&index.to_string(), value)?);
        }
        Ok(out)
    }

    /// Refuses members that are neither `read` by the local stack nor without meaning to it (`idle`).
    pub(super) fn only(&self, read: &[&str], idle: &[&str]) -> Result<(), TemplateError> {
        for (name, child) in self.entries()? {
            if !read.contains(&name.as_str()) && !idle.contains(&name.as_str()) {
                return Err(child.fault("is not supported by the local stack"));
            }
        }
        Ok(())
    }

    /// The text here, with references to resources kept.
    pub(super) fn text(&self) -> Result<Text, TemplateError> {
        if let Some((name, argument)) = Intrinsic::of(self.value) {
            return match (name, argument) {
                (Intrinsic::Ref, Value::String(target)) => self.scope.reference(target, &self.at),
                (Intrinsic::Sub, Value::String(pattern)) => self.scope.substituted(pattern, &self.at),
                (Intrinsic::GetAtt, Value::String(path)) => self.scope.attribute(path, &self.at),
                (Intrinsic::GetAtt, Value::Sequence(parts)) => {
                    let parts: Vec<_> = parts.iter().filter_map(Value::as_str).collect();
                    self.scope.attribute(&parts.join("."), &self.at)
                }
                (name, _) => {
                    Err(self.fault(format!("this use of {name} is not supported by the local stack")))
                }
            };
        }
        match self.value {
            Value::String(text) => Ok(Text::literal(text.clone())),
            Value::Number(number) => Ok(Text::literal(number.to_string())),
            Value::Bool(truth) => Ok(Text::literal(truth.to_string())),
            _ => Err(self.fault("must be a text")),
        }
    }

    /// The text here, which must not depend on a resource.
    pub(super) fn string(&self) -> Result<String, TemplateError> {
        let text = self.text()?;
        text.as_literal().map(str::to_owned).ok_or_else(|| self.fault("must not refer to a resource"))
    }

    /// The whole number here.
    pub(super) fn number(&self) -> Result<u64, TemplateError> {
        self.string()?.parse().map_err(|_| self.fault("must be a whole number"))
    }

    /// The truth value here.
    pub(super) fn truth(&self) -> Result<bool, TemplateError> {
        self.string()?.parse().map_err(|_| self.fault("must be true or false"))
    }

    /// The logical id of the resource that `Ref` or `GetAtt` here names.
    pub(super) fn resource(&self) -> Result<String, TemplateError> {
        let text = self.text()?;
        text.as_resource().map(str::to_owned).ok_or_else(|| self.fault("must be Ref or GetAtt of a resource"))
    }

    /// The truth of the `Equals` here.
    pub(super) fn equals(&self) -> Result<bool, TemplateError> {
        match Intrinsic::of(self.value) {
            Some((Intrinsic::Equals, Value::Sequence(sides))) if sides.len() == 2 => {
                let mut texts = Vec::with_capacity(2);
                for side in sides {
                    texts.push(Self { value: side, ..self.clone() }.string()?);
                }
                Ok(texts.first() == texts.get(1))
            }
            _ => Err(self.fault("conditions other than Equals are not supported by the local stack")),
        }
    }

    /// A child with `If` settled; `None` for `AWS::NoValue`.
    fn child(&self, name: &str, value: &'a Value) -> Result<Option<Self>, TemplateError> {
        let at = if self.at.is_empty() || self.at == "Resources" {
            name.to_owned()
        } else {
            format!("{}.{name}", self.at)
        };
        let mut value = value;
        while let Some((Intrinsic::If, argument)) = Intrinsic::of(value) {
            let branches = argument.as_sequence().map_or(&[][..], Vec::as_slice);
            let [Value::String(condition), yes, no] = branches else {
                return Err(TemplateError::new(&at, "If needs a condition and two values"));
            };
            value = if self.scope.condition(condition, &at)? { yes } else { no };
        }
        if matches!(Intrinsic::of(value), Some((Intrinsic::Ref, Value::String(target))) if target == "AWS::NoValue")
        {
            return Ok(None);
        }
        Ok(Some(Self { scope: self.scope, value, at }))
    }
}

/// An intrinsic function of CloudFormation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Intrinsic {
    Ref,
    Sub,
    GetAtt,
    If,
    Equals,
    /// One that the local stack does not know.
    Other(String),
}

impl fmt::Display for Intrinsic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(name) => f.write_str(name),
            known => fmt::Debug::fmt(known, f),
        }
    }
}

impl Intrinsic {
    fn named(name: &str) -> Self {
        match name {
            "Ref" => Self::Ref,
            "Sub" => Self::Sub,
            "GetAtt" => Self::GetAtt,
            "If" => Self::If,
            "Equals" => Self::Equals,
            other => Self::Other(other.to_owned()),
        }
    }

    /// What a value is, in the short spelling (`!Sub x`) or the long one (`Fn::Sub: x`).
    fn of(value: &Value) -> Option<(Self, &Value)> {
        match value {
            Value::Tagged(tagged) => {
                let tag = tagged.tag.to_string();
                Some((Self::named(tag.trim_start_matches('!')), &tagged.value))
            }
            Value::Mapping(members) if members.len() == 1 => {
                let (key, argument) = members.iter().next()?;
                let key = key.as_str()?;
                let name = key.strip_prefix("Fn::").or_else(|| (key == "Ref").then_some(key))?;
                Some((Self::named(name), argument))
            }
            _ => None,
        }
    }
}
