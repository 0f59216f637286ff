//! A bucket.

use super::TemplateError;
use super::node::Node;

/// A bucket of the template. Its lifecycle, encryption, locks and policies have no meaning on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its logical id.
    pub id: String,
    /// Its full name, such as `hadar-local-media-000000000000`.
    pub name: String,
}

impl Bucket {
    pub(super) fn read(id: &str, properties: &Node<'_>) -> Result<Self, TemplateError> {
        properties.only(
            &["BucketName"],
            &[
                "BucketEncryption",
                "LifecycleConfiguration",
                "ObjectLockConfiguration",
                "ObjectLockEnabled",
                "OwnershipControls",
                "PublicAccessBlockConfiguration",
                "Tags",
                "VersioningConfiguration",
            ],
        )?;
        Ok(Self { id: id.to_owned(), name: properties.required("BucketName")?.string()? })
    }
}
