//! The ciphertext blob: which key, a nonce, and AES-256-GCM bound to the encryption context.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use uuid::Uuid;

use super::api::Context;
use super::error;
use crate::protocol::ApiError;

/// The first byte of every blob of this stack.
const FORMAT: u8 = 1;
const HEADER: usize = 1 + 16;

/// Random bytes.
pub(super) fn random(length: usize) -> Result<Vec<u8>, ApiError> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|_| error::internal("the system gives no random bytes"))?;
    Ok(bytes)
}

/// Seals a plaintext under a key and a context.
pub(super) fn seal(
    id: Uuid,
    material: &[u8],
    context: &Context,
    plaintext: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let nonce = random(NONCE_LEN)?;
    let mut blob = Vec::with_capacity(HEADER + NONCE_LEN + plaintext.len() + AES_256_GCM.tag_len());
    blob.push(FORMAT);
    blob.extend_from_slice(id.as_bytes());
    let bound = bound(&blob, context);
    let mut sealed = plaintext.to_vec();
    cipher(material)?
        .seal_in_place_append_tag(as_nonce(&nonce)?, Aad::from(bound), &mut sealed)
        .map_err(|_| error::internal("the plaintext cannot be sealed"))?;
    blob.extend_from_slice(&nonce);
    blob.append(&mut sealed);
    Ok(blob)
}

/// The key a blob was sealed under.
pub(super) fn key_of(blob: &[u8]) -> Option<Uuid> {
    let (format, rest) = blob.split_first()?;
    if *format != FORMAT {
        return None;
    }
    Some(Uuid::from_bytes(*rest.first_chunk()?))
}

/// Opens a blob; any change to it, its context or its key makes it invalid.
pub(super) fn open(material: &[u8], context: &Context, blob: &[u8]) -> Result<Vec<u8>, ApiError> {
    let invalid = |_| error::invalid_ciphertext();
    let (header, rest) = blob.split_at_checked(HEADER).ok_or_else(error::invalid_ciphertext)?;
    let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(error::invalid_ciphertext)?;
    let mut sealed = sealed.to_vec();
    let plaintext = cipher(material)?
        .open_in_place(as_nonce(nonce)?, Aad::from(bound(header, context)), &mut sealed)
        .map_err(invalid)?;
    Ok(plaintext.to_vec())
}

fn cipher(material: &[u8]) -> Result<LessSafeKey, ApiError> {
    let key =
        UnboundKey::new(&AES_256_GCM, material).map_err(|_| error::internal("the key cannot encrypt"))?;
    Ok(LessSafeKey::new(key))
}

fn as_nonce(bytes: &[u8]) -> Result<Nonce, ApiError> {
    Nonce::try_assume_unique_for_key(bytes).map_err(|_| error::invalid_ciphertext())
}

/// The header and the context, every part with its length before it, so that no two contexts look alike.
fn bound(header: &[u8], context: &Context) -> Vec<u8> {
    let mut bound = header.to_vec();
    for part in context.iter().flat_map(|(name, value)| [name, value]) {
        bound.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bound.extend_from_slice(part.as_bytes());
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> Context {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_bit_and_every_pair_of_the_context_counts() {
        let material = random(32).unwrap();
        let id = Uuid::new_v4();
        let here = context(&[("tenant", "a"), ("purpose", "token")]);
        let blob = seal(id, &material, &here, b"secret").unwrap();
        assert_eq!(key_of(&blob), Some(id));
        assert_eq!(open(&material, &here, &blob).unwrap(), b"secret");
        for elsewhere in
            [context(&[]), context(&[("tenant", "a")]), context(&[("tenant", "apurpose"), ("", "token")])]
        {
            assert!(open(&material, &elsewhere, &blob).is_err());
        }
        for bit in 0..blob.len() * 8 {
            let mut changed = blob.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&material, &here, &changed).is_err(), "bit {bit}");
        }
        assert!(open(&material, &here, &blob[..20]).is_err());
    }
}
