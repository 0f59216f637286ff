//! A table.

use super::TemplateError;
use super::node::Node;

/// A table of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its logical id.
    pub id: String,
    /// Its full name, such as `hadar-local-crm`.
    pub name: String,
    /// The attributes that keys use.
    pub attributes: Vec<Attribute>,
    /// The partition key, then the sort key if there is one.
    pub keys: Vec<String>,
    /// The global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute that holds the time of expiry.
    pub expires_by: Option<String>,
}

/// An attribute that a key uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// `S`, `N` or `B`.
    pub kind: String,
}

/// A global secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The partition key, then the sort key if there is one.
    pub keys: Vec<String>,
    /// `KEYS_ONLY`, `INCLUDE` or `ALL`.
    pub projection: String,
    /// What `INCLUDE` includes.
    pub included: Vec<String>,
}

impl Table {
    pub(super) fn read(id: &str, properties: &Node<'_>) -> Result<Self, TemplateError> {
        properties.only(
            &[
                "TableName",
                "AttributeDefinitions",
                "KeySchema",
                "GlobalSecondaryIndexes",
                "TimeToLiveSpecification",
            ],
            &[
                "BillingMode",
                "ContributorInsightsSpecification",
                "DeletionProtectionEnabled",
                "OnDemandThroughput",
                "PointInTimeRecoverySpecification",
                "SSESpecification",
                "TableClass",
                "Tags",
                "WarmThroughput",
            ],
        )?;
        let mut attributes = Vec::new();
        for definition in properties.required("AttributeDefinitions")?.items()? {
            attributes.push(Attribute {
                name: definition.required("AttributeName")?.string()?,
                kind: definition.required("AttributeType")?.string()?,
            });
        }
        let mut indexes = Vec::new();
        for index in properties
            .get("GlobalSecondaryIndexes")?
            .map(|node| node.items())
            .transpose()?
            .unwrap_or_default()
        {
            indexes.push(Index::read(&index)?);
        }
        let expires_by = match properties.get("TimeToLiveSpecification")? {
            Some(ttl) if ttl.required("Enabled")?.truth()? => Some(ttl.required("AttributeName")?.string()?),
            _ => None,
        };
        let keys = key_schema(properties)?;
        for key in keys.iter().chain(indexes.iter().flat_map(|index| &index.keys)) {
            if !attributes.iter().any(|attribute| attribute.name == *key) {
                return Err(properties.fault(format!("the key {key} is not among the AttributeDefinitions")));
            }
        }
        let name = properties.required("TableName")?.string()?;
        Ok(Self { id: id.to_owned(), name, attributes, keys, indexes, expires_by })
    }
}

impl Index {
    fn read(index: &Node<'_>) -> Result<Self, TemplateError> {
        index.only(&["IndexName", "KeySchema", "Projection"], &["OnDemandThroughput", "WarmThroughput"])?;
        let projection = index.required("Projection")?;
        let mut included = Vec::new();
        for name in
            projection.get("NonKeyAttributes")?.map(|node| node.items()).transpose()?.unwrap_or_default()
        {
            included.push(name.string()?);
        }
        Ok(Self {
            name: index.required("IndexName")?.string()?,
            keys: key_schema(index)?,
            projection: projection.required("ProjectionType")?.string()?,
            included,
        })
    }
}

/// The partition key, then the sort key.
fn key_schema(of: &Node<'_>) -> Result<Vec<String>, TemplateError> {
    let schema = of.required("KeySchema")?;
    let mut keys = Vec::new();
    for (key, expected) in schema.items()?.iter().zip(["HASH", "RANGE"]) {
        if key.required("KeyType")?.string()? != expected {
            return Err(key.fault(format!("must be the {expected} key")));
        }
        keys.push(key.required("AttributeName")?.string()?);
    }
    if keys.is_empty() { Err(schema.fault("is empty")) } else { Ok(keys) }
}
