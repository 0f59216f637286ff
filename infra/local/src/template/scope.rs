//! Parameters and conditions: what `Ref`, `Sub` and `If` in the template stand for.

use super::TemplateError;
use super::node::Node;
use super::text::{Piece, Text};
use serde_yaml_ng::Value;
use std::collections::BTreeMap;

/// The account of the local stack.
pub const ACCOUNT: &str = "000000000000";
/// The region of the local stack, the one that the product is deployed to.
pub const REGION: &str = "me-central-1";

/// What names in the template mean.
#[derive(Debug, Default)]
pub(super) struct Scope {
    parameters: BTreeMap<String, String>,
    conditions: BTreeMap<String, bool>,
    /// Logical id to resource type.
    resources: BTreeMap<String, String>,
}

impl Scope {
    /// Reads parameters (their defaults, or the value given), conditions, and the names of all resources.
    pub(super) fn read(root: &Value, given: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let mut scope = Self::default();
        let parameters = Node::root(&scope, root).get("Parameters")?;
        let mut values = BTreeMap::new();
        for (name, parameter) in parameters.map(|node| node.entries()).transpose()?.unwrap_or_default() {
            let value = match given.get(&name) {
                Some(value) => value.clone(),
                None => parameter.required("Default")?.string()?,
            };
            values.insert(name, value);
        }
        if let Some(unknown) = given.keys().find(|name| !values.contains_key(*name)) {
            return Err(TemplateError::new("Parameters", format!("has no {unknown}")));
        }
        scope.parameters = values;

        let mut types = BTreeMap::new();
        for (id, resource) in Node::root(&scope, root).required("Resources")?.entries()? {
            types.insert(id, resource.required("Type")?.string()?);
        }
        scope.resources = types;

        let mut conditions = BTreeMap::new();
        if let Some(section) = Node::root(&scope, root).get("Conditions")? {
            for (name, condition) in section.entries()? {
                conditions.insert(name, condition.equals()?);
            }
        }
        scope.conditions = conditions;
        Ok(scope)
    }

    /// The truth of a condition.
    pub(super) fn condition(&self, name: &str, at: &str) -> Result<bool, TemplateError> {
        let known = self.conditions.get(name).copied();
        known.ok_or_else(|| TemplateError::new(at, format!("there is no condition {name}")))
    }

    /// What `!Ref name` stands for.
    pub(super) fn reference(&self, name: &str, at: &str) -> Result<Text, TemplateError> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(Text::literal(value.clone()));
        }
        let pseudo = match name {
            "AWS::Region" => REGION,
            "AWS::AccountId" => ACCOUNT,
            "AWS::Partition" => "aws",
            "AWS::URLSuffix" => "amazonaws.com",
            "AWS::StackName" => "hadar-local",
            _ => {
                self.known(name, at)?;
                return Ok(Text::from(Piece::Ref(name.to_owned())));
            }
        };
        Ok(Text::literal(pseudo.to_owned()))
    }

    /// What `!GetAtt resource.attribute` stands for.
    pub(super) fn attribute(&self, path: &str, at: &str) -> Result<Text, TemplateError> {
        let Some((resource, attribute)) = path.split_once('.') else {
            return Err(TemplateError::new(at, format!("GetAtt {path} is not resource.attribute")));
        };
        self.known(resource, at)?;
        Ok(Text::from(Piece::Attribute { resource: resource.to_owned(), attribute: attribute.to_owned() }))
    }

    /// What `!Sub pattern` stands for.
    pub(super) fn substituted(&self, pattern: &str, at: &str) -> Result<Text, TemplateError> {
        let mut text = Text::default();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            text.push_literal(before);
            let Some((name, tail)) = after.split_once('}') else {
                return Err(TemplateError::new(at, "Sub has a ${ without }"));
            };
            match name.strip_prefix('!') {
                Some(literal) => text.push_literal(&format!("${{{literal}}}")),
                None if name.contains('.') => text.append(self.attribute(name, at)?),
                None => text.append(self.reference(name, at)?),
            }
            rest = tail;
        }
        text.push_literal(rest);
        Ok(text)
    }

    fn known(&self, resource: &str, at: &str) -> Result<(), TemplateError> {
        if self.resources.contains_key(resource) {
            return Ok(());
        }
        Err(TemplateError::new(at, format!("refers to {resource}, which is not in the template")))
    }
}
