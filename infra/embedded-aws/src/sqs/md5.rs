//! The MD5 digests that clients compare: of a body, and of message attributes in SQS's own encoding.

use md5::{Digest, Md5};

use super::api::Attributes;
use super::content::binary;

/// The digest of a body.
pub(super) fn of_body(body: &str) -> String {
    hex::encode(Md5::digest(body.as_bytes()))
}

/// The digest of attributes, by name: each part with its length before it, and a byte for the kind of value.
pub(super) fn of_attributes(attributes: &Attributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute.data_type.as_bytes());
        if let Some(bytes) = binary(attribute) {
            digest.update([2]);
            part(&mut digest, &bytes);
        } else {
            digest.update([1]);
            part(&mut digest, attribute.string_value.as_deref().unwrap_or_default().as_bytes());
        }
    }
    Some(hex::encode(digest.finalize()))
}

fn part(digest: &mut Md5, bytes: &[u8]) {
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_digested_as_utf8() {
        assert_eq!(of_body("This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
        assert_eq!(of_body("مرحبا"), hex::encode(Md5::digest("مرحبا".as_bytes())));
    }

    #[test]
    fn attributes_are_digested_as_the_sdks_do() {
        // Known answer of the botocore and Java SDK test suites for these two attributes.
        let attributes =
            serde_json::from_str(r#"{"timestamp": {"DataType": "Number", "StringValue": "1493147359900"}}"#)
                .unwrap();
        assert_eq!(of_attributes(&attributes).as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
        assert_eq!(of_attributes(&Attributes::new()), None);
    }
}
