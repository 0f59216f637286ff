//! An erasure as the API shows it.

use domain::ids::{ContactId, ErasureId};
use domain::time::Millis;
use platform::dynamo::{Erasure, ErasureProof};
use serde::Serialize;
use std::collections::BTreeMap;

/// Where an erasure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// Nothing is sent and nothing old comes back; what is there is being destroyed.
    Running,
    /// Nothing is left.
    Complete,
}

/// The proof that a contact was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Certificate {
    /// When nothing was left.
    pub completed_at: Millis,
    /// What is certified, line by line.
    pub text: String,
    /// SHA-256 of the text, in hex.
    pub hash: String,
    /// HMAC-SHA-256 over the text, made by KMS with a key that never leaves it, in base64.
    pub mac: Option<String>,
}

/// An erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Erasure))]
pub struct ErasureView {
    /// Its id.
    pub id: ErasureId,
    /// Whom it was about.
    pub contact_id: ContactId,
    /// All contacts that were this person.
    pub merged_ids: Vec<ContactId>,
    /// Where it stands.
    pub state: ErasureState,
    /// When it was asked for: what happened before does not bring the person back.
    pub requested_at: Millis,
    /// The key that asked.
    pub requested_by: String,
    /// Keyed hashes of the identities, which are all that is left of them.
    pub identity_hashes: Vec<String>,
    /// How much was destroyed so far, by kind.
    pub destroyed: BTreeMap<String, u64>,
    /// The proof, once it is complete.
    pub certificate: Option<Certificate>,
}

impl From<Erasure> for ErasureView {
    fn from(erasure: Erasure) -> Self {
        let certificate = erasure.proof.map(|proof| {
            let ErasureProof { completed_at, text, hash, mac } = proof;
            Certificate { completed_at, text, hash, mac }
        });
        Self {
            id: erasure.id,
            contact_id: erasure.contact,
            merged_ids: erasure.family.into_iter().filter(|id| *id != erasure.contact).collect(),
            state: if certificate.is_some() { ErasureState::Complete } else { ErasureState::Running },
            requested_at: erasure.requested_at,
            requested_by: erasure.requested_by,
            identity_hashes: erasure.graves,
            destroyed: erasure.counts,
            certificate,
        }
    }
}
