//! The AWS template as the local stack reads it: functions, routes, queues, tables, buckets, keys and secrets.
//!
//! The template that is deployed is the only description there is. What this module cannot run it refuses by name, so
//! that nothing works here and fails there, or the other way round. Properties without a meaning on one machine
//! (roles, alarms, log groups, encryption at rest, throttling) are listed as such and passed over.

mod bucket;
mod function;
mod key;
mod node;
mod queue;
mod scope;
mod table;
mod text;

pub use bucket::Bucket;
pub use function::{Function, Route, Schedule, Source};
pub use key::{Key, Secret};
pub use queue::{Queue, Redrive};
pub use scope::{ACCOUNT, REGION};
pub use table::{Attribute, Index, Table};
pub use text::{Piece, Text};

use node::Node;
use scope::Scope;
use serde_yaml_ng::Value;
use std::collections::BTreeMap;

/// The template that is deployed.
pub const DEPLOYED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"));

/// The template cannot be run here; says where and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct TemplateError {
    at: String,
    problem: String,
}

impl TemplateError {
    pub(crate) fn new(at: &str, problem: impl Into<String>) -> Self {
        let at = if at.is_empty() { "the document" } else { at };
        Self { at: at.to_owned(), problem: problem.into() }
    }
}

/// What the template describes, with parameters and conditions settled.
#[derive(Debug, Clone)]
pub struct Template {
    /// The functions and what calls them.
    pub functions: Vec<Function>,
    /// The queues.
    pub queues: Vec<Queue>,
    /// The tables.
    pub tables: Vec<Table>,
    /// The buckets.
    pub buckets: Vec<Bucket>,
    /// The keys.
    pub keys: Vec<Key>,
    /// The secrets.
    pub secrets: Vec<Secret>,
    /// What every name starts with, as in `hadar-local-inbound`; short names are without it.
    prefix: String,
}

/// Types without a meaning on one machine.
const IDLE_TYPES: [&str; 10] = [
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
];

impl Template {
    /// Reads a template for `stage`; `parameters` replaces defaults.
    ///
    /// # Errors
    /// The first thing that is malformed or that the local stack does not run, with its place in the template.
    pub fn parse(text: &str, stage: &str, parameters: &[(&str, &str)]) -> Result<Self, TemplateError> {
        let root: Value = serde_yaml_ng::from_str(text)
            .map_err(|error| TemplateError::new("", one_line(&format!("is not YAML: {error}"))))?;
        let mut given: BTreeMap<String, String> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        given.insert("Stage".to_owned(), stage.to_owned());
        let scope = Scope::read(&root, &given)?;
        let root = Node::root(&scope, &root);
        let globals = root.get("Globals")?.map(|globals| globals.get("Function")).transpose()?.flatten();

        let mut template = Self {
            functions: Vec::new(),
            queues: Vec::new(),
            tables: Vec::new(),
            buckets: Vec::new(),
            keys: Vec::new(),
            secrets: Vec::new(),
            prefix: format!("hadar-{stage}-"),
        };
        let mut aliases = Vec::new();
        for (id, resource) in root.required("Resources")?.entries()? {
            let kind = resource.required("Type")?.string()?;
            let properties = || resource.required("Properties");
            match kind.as_str() {
                "AWS::Serverless::HttpApi" => {}
                "AWS::Serverless::Function" => {
                    template.functions.push(Function::read(&id, &resource, globals.as_ref())?);
                }
                "AWS::SQS::Queue" => template.queues.push(Queue::read(&id, &properties()?)?),
                "AWS::DynamoDB::Table" => template.tables.push(Table::read(&id, &properties()?)?),
                "AWS::S3::Bucket" => template.buckets.push(Bucket::read(&id, &properties()?)?),
                "AWS::KMS::Key" => template.keys.push(Key::read(&id, &properties()?)?),
                "AWS::KMS::Alias" => aliases.push(key::Alias::read(&properties()?)?),
                "AWS::SecretsManager::Secret" => template.secrets.push(Secret::read(&id, &properties()?)?),
                idle if IDLE_TYPES.contains(&idle) => {}
                other => return Err(resource.fault(format!("{other} is not supported by the local stack"))),
            }
        }
        for alias in aliases {
            alias.attach(&mut template.keys)?;
        }
        template.check()?;
        Ok(template)
    }

    /// A resource's name without the product and the stage: `inbound` for `hadar-local-inbound`.
    #[must_use]
    pub fn short_name<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(&self.prefix).unwrap_or(name)
    }

    /// Names that must exist, and must exist once.
    fn check(&self) -> Result<(), TemplateError> {
        let queue = |id: &str| self.queues.iter().any(|queue| queue.id == id);
        for source in self.functions.iter().flat_map(|function| &function.sources) {
            if !queue(&source.queue) {
                return Err(TemplateError::new(&source.at, format!("{} is not a queue", source.queue)));
            }
        }
        for (id, redrive) in self.queues.iter().filter_map(|queue| Some((&queue.id, queue.redrive.as_ref()?)))
        {
            if !queue(&redrive.target) {
                return Err(TemplateError::new(
                    id,
                    format!("redrives to {}, which is not a queue", redrive.target),
                ));
            }
        }
        let mut owners: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for function in &self.functions {
            for route in &function.routes {
                if let Some(other) = owners.insert((&route.method, &route.path), &function.id) {
                    let problem = format!("{} {} is a route of {other} already", route.method, route.path);
                    return Err(TemplateError::new(&function.id, problem));
                }
            }
        }
        Ok(())
    }
}

/// Errors are one line each.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
