//! Makes what the template describes, through the AWS protocols (buckets directly: no client of ours makes one). What is
//! there already is kept.

mod queues;
mod tables;

use crate::options::StartError;
use crate::resources::{Resource, Resources};
use crate::template::{ACCOUNT, Bucket, Key, REGION, Secret, Template};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use embedded_aws::EmbeddedAws;
use platform::aws::{Aws, AwsError, Effort, Service};
use serde_json::{Value, json};

/// Makes every queue, table, bucket, key and secret of the template.
pub(crate) async fn provision(
    template: &Template,
    aws: &Aws,
    embedded: &EmbeddedAws,
) -> Result<Resources, StartError> {
    let mut resources = Resources::default();
    for queue in queues::in_order(&template.queues)? {
        let made = queues::make(queue, &resources, aws).await?;
        resources.insert(&queue.id, made);
    }
    for table in &template.tables {
        resources.insert(&table.id, tables::make(table, aws).await?);
    }
    for bucket in &template.buckets {
        resources.insert(&bucket.id, make_bucket(bucket, embedded)?);
    }
    for key in &template.keys {
        resources.insert(&key.id, make_key(key, aws).await?);
    }
    for secret in &template.secrets {
        resources.insert(&secret.id, make_secret(secret, aws).await?);
    }
    Ok(resources)
}

fn make_bucket(bucket: &Bucket, embedded: &EmbeddedAws) -> Result<Resource, StartError> {
    embedded
        .ensure_bucket(&bucket.name)
        .map_err(|error| StartError::set_up(format!("the bucket {}", bucket.id), &error))?;
    let (reference, name) = (bucket.name.clone(), bucket.name.clone());
    Ok(Resource { reference, arn: format!("arn:aws:s3:::{name}"), name })
}

/// A key is found again by its alias.
async fn make_key(key: &Key, aws: &Aws) -> Result<Resource, StartError> {
    let what = || format!("the key {}", key.id);
    let alias =
        key.alias.as_deref().ok_or_else(|| StartError::Template(format!("{}: has no alias", key.id)))?;
    let described = call(aws, Service::Kms, "DescribeKey", &json!({"KeyId": alias})).await;
    let metadata = match described {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("NotFoundException") => {
            let mut input = json!({"Description": key.id});
            for (name, value) in [("KeySpec", &key.spec), ("KeyUsage", &key.usage)] {
                if let (Some(fields), Some(value)) = (input.as_object_mut(), value) {
                    fields.insert(name.to_owned(), json!(value));
                }
            }
            let made = call(aws, Service::Kms, "CreateKey", &input)
                .await
                .map_err(|error| StartError::set_up(what(), &error))?;
            let input = json!({"AliasName": alias, "TargetKeyId": text(&made, "/KeyMetadata/KeyId")});
            call(aws, Service::Kms, "CreateAlias", &input)
                .await
                .map_err(|error| StartError::set_up(what(), &error))?;
            made
        }
        Err(error) => return Err(StartError::set_up(what(), &error)),
    };
    Ok(Resource {
        reference: text(&metadata, "/KeyMetadata/KeyId"),
        arn: text(&metadata, "/KeyMetadata/Arn"),
        name: alias.to_owned(),
    })
}

/// The platform's secret: what an engineer sets once after a first deploy is made up here.
async fn make_secret(secret: &Secret, aws: &Aws) -> Result<Resource, StartError> {
    let what = || format!("the secret {}", secret.id);
    let value = json!({
        "meta_app_secret": hex::encode(random::<16>()?),
        "meta_verify_token": hex::encode(random::<16>()?),
        "cursor_key": STANDARD.encode(random::<32>()?),
    });
    let input = json!({
        "Name": secret.name,
        "SecretString": value.to_string(),
        "ClientRequestToken": uuid::Uuid::new_v4().to_string(),
    });
    let arn = match call(aws, Service::SecretsManager, "CreateSecret", &input).await {
        Ok(made) => text(&made, "/ARN"),
        Err(error) if error.code() == Some("ResourceExistsException") => {
            let input = json!({"SecretId": secret.name});
            let described = call(aws, Service::SecretsManager, "DescribeSecret", &input).await;
            text(&described.map_err(|error| StartError::set_up(what(), &error))?, "/ARN")
        }
        Err(error) => return Err(StartError::set_up(what(), &error)),
    };
    Ok(Resource { reference: arn.clone(), arn, name: secret.name.clone() })
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StartError::SetUp { what: "random secrets".to_owned(), cause: error.to_string() })?;
    Ok(bytes)
}

/// The ARN of a queue or a table of the local account.
fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}")
}

async fn call(
    aws: &Aws,
    service: Service,
    operation: &'static str,
    input: &Value,
) -> Result<Value, AwsError> {
    aws.call(service, operation, input, Effort::Standard).await
}

/// The text at a JSON pointer; empty where there is none.
fn text(answer: &Value, pointer: &str) -> String {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
