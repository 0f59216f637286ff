//! A queue.

use super::TemplateError;
use super::node::Node;

/// A queue of the template. What is `None` has the default of SQS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its logical id.
    pub id: String,
    /// Its full name, such as `hadar-local-inbound`.
    pub name: String,
    /// SQS attributes by name: visibility, retention, delay, wait and size.
    pub attributes: Vec<(&'static str, u64)>,
    /// Where messages go that were received too often.
    pub redrive: Option<Redrive>,
}

/// A redrive policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The logical id of the dead-letter queue.
    pub target: String,
    /// Receives before the move.
    pub max_receives: u64,
}

/// The property in the template, the attribute in SQS.
const ATTRIBUTES: [(&str, &str); 5] = [
    ("VisibilityTimeout", "VisibilityTimeout"),
    ("MessageRetentionPeriod", "MessageRetentionPeriod"),
    ("DelaySeconds", "DelaySeconds"),
    ("ReceiveMessageWaitTimeSeconds", "ReceiveMessageWaitTimeSeconds"),
    ("MaximumMessageSize", "MaximumMessageSize"),
];

impl Queue {
    pub(super) fn read(id: &str, properties: &Node<'_>) -> Result<Self, TemplateError> {
        let mut read = vec!["QueueName", "RedrivePolicy"];
        read.extend(ATTRIBUTES.map(|(property, _)| property));
        let idle = [
            "KmsMasterKeyId",
            "KmsDataKeyReusePeriodSeconds",
            "SqsManagedSseEnabled",
            "RedriveAllowPolicy",
            "Tags",
        ];
        properties.only(&read, &idle)?;
        let mut attributes = Vec::new();
        for (property, attribute) in ATTRIBUTES {
            if let Some(value) = properties.get(property)? {
                attributes.push((attribute, value.number()?));
            }
        }
        let redrive = properties.get("RedrivePolicy")?.map(|policy| Redrive::read(&policy)).transpose()?;
        let name = properties.required("QueueName")?.string()?;
        Ok(Self { id: id.to_owned(), name, attributes, redrive })
    }
}

impl Redrive {
    fn read(policy: &Node<'_>) -> Result<Self, TemplateError> {
        policy.only(&["deadLetterTargetArn", "maxReceiveCount"], &[])?;
        Ok(Self {
            target: policy.required("deadLetterTargetArn")?.resource()?,
            max_receives: policy.required("maxReceiveCount")?.number()?,
        })
    }
}
