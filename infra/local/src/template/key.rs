//! Keys with their aliases, and secrets.

use super::TemplateError;
use super::node::Node;

/// A KMS key of the template. Its policy has no meaning on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its logical id.
    pub id: String,
    /// Its alias, such as `alias/hadar-local-tokens`.
    pub alias: Option<String>,
    /// What kind of key it is, such as `HMAC_256`; a symmetric one for encryption unless told.
    pub spec: Option<String>,
    /// What it is used for, such as `GENERATE_VERIFY_MAC`.
    pub usage: Option<String>,
}

impl Key {
    pub(super) fn read(id: &str, properties: &Node<'_>) -> Result<Self, TemplateError> {
        let text = |name: &str| properties.get(name)?.map(|node| node.string()).transpose();
        Ok(Self { id: id.to_owned(), alias: None, spec: text("KeySpec")?, usage: text("KeyUsage")? })
    }
}

/// An alias on its way to its key.
#[derive(Debug)]
pub(super) struct Alias {
    name: String,
    target: String,
    at: String,
}

impl Alias {
    pub(super) fn read(properties: &Node<'_>) -> Result<Self, TemplateError> {
        properties.only(&["AliasName", "TargetKeyId"], &[])?;
        Ok(Self {
            name: properties.required("AliasName")?.string()?,
            target: properties.required("TargetKeyId")?.resource()?,
            at: properties.at().to_owned(),
        })
    }

    pub(super) fn attach(self, keys: &mut [Key]) -> Result<(), TemplateError> {
        match keys.iter_mut().find(|key| key.id == self.target) {
            Some(key) => {
                key.alias = Some(self.name);
                Ok(())
            }
            None => Err(TemplateError::new(&self.at, format!("{} is not a key", self.target))),
        }
    }
}

/// A secret of the template. Its value is made when it is first missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its logical id.
    pub id: String,
    /// Its name, such as `hadar/local/platform`.
    pub name: String,
}

impl Secret {
    pub(super) fn read(id: &str, properties: &Node<'_>) -> Result<Self, TemplateError> {
        properties.only(&["Name"], &["Description", "KmsKeyId", "GenerateSecretString", "Tags"])?;
        Ok(Self { id: id.to_owned(), name: properties.required("Name")?.string()? })
    }
}
