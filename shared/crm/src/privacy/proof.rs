//! The certificate of an erasure: a text that says what was destroyed, its hash, and a seal that only KMS can make.

use domain::ids::TenantId;
use domain::time::Millis;
use platform::Platform;
use platform::checkpoints::CheckpointError;
use platform::dynamo::{Erasure, ErasureProof};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Makes the certificate of an erasure of which nothing is left to do.
///
/// # Errors
/// KMS did not answer.
pub(super) async fn certified(
    platform: &Platform,
    tenant: TenantId,
    erasure: &Erasure,
    now: Millis,
) -> Result<ErasureProof, CheckpointError> {
    let text = text(tenant, erasure, now);
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    let mac = match &platform.checkpoints {
        Some(keys) => Some(keys.seal_proof(&text).await?),
        None => None,
    };
    Ok(ErasureProof { completed_at: now, text, hash, mac })
}

/// What is certified. The first line is a name of its own, so that the seal means nothing else.
fn text(tenant: TenantId, erasure: &Erasure, now: Millis) -> String {
    let mut text = String::from("hadar certificate of erasure|v1\n");
    let mut line = |name: &str, value: String| {
        // Writing to a string does not fail.
        let _written = writeln!(text, "{name}: {value}");
    };
    line("tenant", tenant.to_string());
    line("erasure", erasure.id.to_string());
    for contact in &erasure.family {
        line("contact", contact.to_string());
    }
    for grave in &erasure.graves {
        line("identity (HMAC-SHA-256)", grave.clone());
    }
    line("requested at", erasure.requested_at.to_string());
    line("requested by", erasure.requested_by.clone());
    line("completed at", now.to_string());
    for (kind, count) in &erasure.counts {
        line(&format!("destroyed {kind}"), count.to_string());
    }
    line("kept", "the rows of the consent ledger under the contact, and the hashes above".to_owned());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{ContactId, derived_ulid};
    use platform::dynamo::ErasureStage;
    use std::collections::BTreeMap;

    #[test]
    fn a_certificate_says_who_when_and_how_much_and_no_name() {
        let contact = ContactId::from_ulid(derived_ulid(1, &["c"]));
        let erasure = Erasure {
            id: contact.erasure(),
            contact,
            family: vec![contact],
            leads: vec![contact.first_lead()],
            names: vec!["phone:+971501234567".to_owned()],
            graves: vec!["aa".repeat(32)],
            known_since: Millis::from_unix_ms(1),
            requested_at: Millis::from_unix_ms(2),
            requested_by: "key_1".to_owned(),
            trace_id: uuid::Uuid::nil(),
            round: 2,
            stage: ErasureStage::Done,
            cursor: None,
            look_again: false,
            counts: BTreeMap::from([("messages".to_owned(), 12)]),
            proof: None,
            revision: 3,
        };
        let text = text(TenantId::from_ulid(derived_ulid(1, &["t"])), &erasure, Millis::from_unix_ms(5));
        assert!(text.starts_with("hadar certificate of erasure|v1\ntenant: tnt_"), "{text}");
        assert!(text.contains("destroyed messages: 12\n"), "{text}");
        assert!(!text.contains("971501234567"), "{text}");
    }
}
