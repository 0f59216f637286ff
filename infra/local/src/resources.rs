//! The resources of the template as they exist here: what `Ref` and `GetAtt` of each give.

use crate::options::StartError;
use crate::template::{self, Piece, Template};
use platform::config::Config;
use std::collections::{BTreeMap, HashMap};

/// A resource that exists.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// What `Ref` gives: a queue's URL, a table's or a bucket's name, a key's id, a secret's ARN.
    pub(crate) reference: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its full name.
    pub(crate) name: String,
}

/// All resources that exist, by logical id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resources(HashMap<String, Resource>);

impl Resources {
    pub(crate) fn insert(&mut self, id: &str, resource: Resource) {
        self.0.insert(id.to_owned(), resource);
    }

    /// The resource with this logical id.
    pub(crate) fn get(&self, id: &str) -> Result<&Resource, StartError> {
        let found = self.0.get(id);
        found.ok_or_else(|| StartError::Template(format!("{id} does not exist in the local stack")))
    }

    fn lookup(&self, piece: &Piece) -> Option<String> {
        match piece {
            Piece::Literal(text) => Some(text.clone()),
            Piece::Ref(id) => Some(self.0.get(id)?.reference.clone()),
            Piece::Attribute { resource, attribute } => {
                let resource = self.0.get(resource)?;
                match attribute.as_str() {
                    "Arn" => Some(resource.arn.clone()),
                    "QueueName" => Some(resource.name.clone()),
                    _ => None,
                }
            }
        }
    }

    /// A function's configuration: the environment that the template gives it, and what Lambda adds.
    /// `outside` is what the stack adds, which wins over the template.
    pub(crate) fn config(
        &self,
        function: &template::Function,
        endpoint: &str,
        outside: &BTreeMap<String, String>,
    ) -> Result<Config, StartError> {
        let mut environment = lambda_environment(&function.binary, endpoint);
        for (name, text) in &function.environment {
            let value = text.resolve(|piece| self.lookup(piece)).map_err(|unknown| {
                let what = match unknown {
                    Piece::Literal(text) | Piece::Ref(text) => text,
                    Piece::Attribute { resource, attribute } => format!("{resource}.{attribute}"),
                };
                let at = format!("{}.Environment.{name}", function.id);
                StartError::Template(format!("{at}: {what} has no meaning in the local stack"))
            })?;
            environment.insert(name.clone(), value);
        }
        environment.extend(outside.clone());
        Config::from_lookup(|name| environment.get(name).cloned())
            .map_err(|error| StartError::Template(format!("{}: {error}", function.id)))
    }

    /// The configuration of the stack itself, which seeds the demo tenants: every resource a function may name.
    pub(crate) fn own_config(&self, template: &Template, endpoint: &str) -> Result<Config, StartError> {
        let mut everything = template::Function { id: "the stack".to_owned(), ..nobody() };
        for function in &template.functions {
            everything.environment.extend(function.environment.clone());
        }
        self.config(&everything, endpoint, &BTreeMap::new())
    }
}

fn nobody() -> template::Function {
    template::Function {
        id: String::new(),
        binary: "local".to_owned(),
        timeout: std::time::Duration::ZERO,
        environment: BTreeMap::new(),
        routes: Vec::new(),
        sources: Vec::new(),
        schedules: Vec::new(),
    }
}

/// What Lambda sets for every function.
pub(crate) fn lambda_environment(function: &str, endpoint: &str) -> BTreeMap<String, String> {
    [
        ("AWS_REGION", template::REGION),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
