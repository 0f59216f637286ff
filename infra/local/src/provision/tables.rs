//! Tables with their indexes and their time to live.

use super::{arn, call, text};
use crate::options::StartError;
use crate::resources::Resource;
use crate::template::{Index, Table};
use platform::aws::{Aws, Service};
use serde_json::{Value, json};

/// Makes a table, or checks that the one there is has the keys and indexes of the template.
pub(super) async fn make(table: &Table, aws: &Aws) -> Result<Resource, StartError> {
    let what = || format!("the table {}", table.id);
    match call(aws, Service::DynamoDb, "CreateTable", &creation(table)).await {
        Ok(_) => {}
        Err(error) if error.code() == Some("ResourceInUseException") => check(table, aws).await?,
        Err(error) => return Err(StartError::set_up(what(), &error)),
    }
    if let Some(attribute) = &table.expires_by {
        let described =
            call(aws, Service::DynamoDb, "DescribeTimeToLive", &json!({"TableName": table.name})).await;
        let described = described.map_err(|error| StartError::set_up(what(), &error))?;
        if text(&described, "/TimeToLiveDescription/AttributeName") != *attribute {
            let input = json!({
                "TableName": table.name,
                "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true},
            });
            call(aws, Service::DynamoDb, "UpdateTimeToLive", &input)
                .await
                .map_err(|error| StartError::set_up(what(), &error))?;
        }
    }
    Ok(Resource {
        reference: table.name.clone(),
        arn: arn("dynamodb", &format!("table/{}", table.name)),
        name: table.name.clone(),
    })
}

fn creation(table: &Table) -> Value {
    let attributes: Vec<_> = table
        .attributes
        .iter()
        .map(|attribute| json!({"AttributeName": attribute.name, "AttributeType": attribute.kind}))
        .collect();
    let indexes: Vec<_> = table.indexes.iter().map(index).collect();
    json!({
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": schema(&table.keys),
        // A list must not be empty; none at all is fine.
        "GlobalSecondaryIndexes": (!indexes.is_empty()).then_some(indexes),
    })
}

fn index(index: &Index) -> Value {
    let included = (!index.included.is_empty()).then_some(&index.included);
    let projection = json!({"ProjectionType": index.projection, "NonKeyAttributes": included});
    json!({"IndexName": index.name, "KeySchema": schema(&index.keys), "Projection": projection})
}

fn schema(keys: &[String]) -> Vec<Value> {
    let kinds = ["HASH", "RANGE"];
    keys.iter().zip(kinds).map(|(key, kind)| json!({"AttributeName": key, "KeyType": kind})).collect()
}

/// A table of another shape would fail in ways that explain nothing.
async fn check(table: &Table, aws: &Aws) -> Result<(), StartError> {
    let described = call(aws, Service::DynamoDb, "DescribeTable", &json!({"TableName": table.name})).await;
    let described =
        described.map_err(|error| StartError::set_up(format!("the table {}", table.id), &error))?;
    let mut there = shape(&described, "/Table");
    let mut wanted = shape(&json!({ "Table": creation(table) }), "/Table");
    there.sort();
    wanted.sort();
    if there == wanted {
        return Ok(());
    }
    let cause = "the data directory has it with other keys or indexes than the template; choose another \
                 directory with --data-dir, or delete this one"
        .to_owned();
    Err(StartError::SetUp { what: format!("the table {}", table.id), cause })
}

/// The keys of a table and of each index, one text each.
fn shape(description: &Value, at: &str) -> Vec<String> {
    let keys = |of: &Value| {
        let schema = of.get("KeySchema").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let names: Vec<_> = schema.iter().map(|key| text(key, "/AttributeName")).collect();
        names.join("+")
    };
    let table = description.pointer(at).unwrap_or(&Value::Null);
    let indexes =
        table.get("GlobalSecondaryIndexes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut shape = vec![keys(table)];
    shape.extend(indexes.iter().map(|index| {
        let projection = text(index, "/Projection/ProjectionType");
        format!("{} {} {projection}", text(index, "/IndexName"), keys(index))
    }));
    shape
}
