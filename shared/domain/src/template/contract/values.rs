//! Which value fills which variable, however they were given.

use super::Mismatch;
use super::text::{refusal, variables};
use crate::outgoing::Variables;
use crate::template::{Header, ParameterFormat, Template};
use std::collections::BTreeMap;

/// The names of what `template.variables` must give, in the order of a list: for named variables those of header and
/// body, for numbered ones those of the body (a header's number is its own and is filled by `template.header`).
#[must_use]
pub fn required(template: &Template) -> Vec<String> {
    let mut names = match (template.parameter_format, &template.header) {
        (ParameterFormat::Named, Some(Header::Text { text })) => variables(text),
        (ParameterFormat::Named | ParameterFormat::Positional, _) => Vec::new(),
    };
    for name in variables(&template.body) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if template.parameter_format == ParameterFormat::Positional {
        // The provider counts: the first parameter is `{{1}}`, wherever it stands.
        names.sort_by_key(|name| name.parse::<u32>().unwrap_or(u32::MAX));
    }
    names
}

/// One text for every variable of a template.
#[derive(Debug)]
pub(super) struct Values<'a>(BTreeMap<String, &'a str>);

impl<'a> Values<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    /// Matches what was given with what is required.
    pub(super) fn of(template: &Template, given: &'a Variables) -> Result<Self, Mismatch> {
        let required = required(template);
        let values = match given {
            Variables::Named(named) => {
                if let Some(name) = required.iter().find(|name| !named.contains_key(*name)) {
                    return Err(missing(name, format!("template.variables.{name}")));
                }
                if let Some(name) = named.keys().find(|name| !required.contains(name)) {
                    return Err(Mismatch {
                        parameter: name.clone(),
                        field: format!("template.variables.{name}"),
                        message: format!("The template has no such variable; it has {}.", listed(&required)),
                    });
                }
                named.iter().map(|(name, value)| (name.clone(), value.as_str())).collect()
            }
            Variables::Positional(list) => {
                if let Some((at, name)) = required.iter().enumerate().nth(list.len()) {
                    let field = match template.parameter_format {
                        ParameterFormat::Named if list.is_empty() => format!("template.variables.{name}"),
                        ParameterFormat::Named | ParameterFormat::Positional => {
                            format!("template.variables[{at}]")
                        }
                    };
                    return Err(missing(name, field));
                }
                if list.len() > required.len() {
                    let at = required.len();
                    return Err(Mismatch {
                        parameter: (at + 1).to_string(),
                        field: format!("template.variables[{at}]"),
                        message: format!("The template takes fewer: {}.", listed(&required)),
                    });
                }
                required.iter().cloned().zip(list.iter().map(String::as_str)).collect()
            }
        };
        let values = Self(values);
        for (at, name) in required.iter().enumerate() {
            let value = values.get(name).unwrap_or_default();
            if let Some(message) = refusal(value) {
                let field = match given {
                    Variables::Named(_) => format!("template.variables.{name}"),
                    Variables::Positional(_) => format!("template.variables[{at}]"),
                };
                return Err(Mismatch { parameter: name.clone(), field, message: message.to_owned() });
            }
        }
        Ok(values)
    }
}

fn missing(name: &str, field: String) -> Mismatch {
    Mismatch { parameter: name.to_owned(), field, message: format!("The variable `{name}` is missing.") }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
