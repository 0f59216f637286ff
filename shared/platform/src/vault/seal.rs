//! The pure half of the vault: a data key and a place turn bytes into a [`Sealed`] and back.
//!
//! Per value: HKDF-SHA512 over the data key and a fresh salt gives an AES-256 key and a 32-byte commitment to it.
//! The commitment is compared before anything is decrypted, because GCM alone lets one ciphertext open under two
//! keys (CVE-2020-8897). The key is fresh, so the random nonce cannot repeat under it. The place (version, tenant,
//! purpose, field) is authenticated with the ciphertext.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::ids::TenantId;
use hkdf::Hkdf;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha512;
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const SALT: usize = 32;
const COMMITMENT: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;

/// The value is damaged, or was sealed for another tenant, purpose or field. Which of these it is, is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not belong here or is damaged")]
pub struct Tampered;

/// Where a value belongs.
pub(crate) struct Place<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) purpose: &'a str,
    pub(crate) field: &'a str,
}

impl Place<'_> {
    /// `v1|tenant|purpose|field`. A tenant has a fixed length and a purpose is a word of ours, so no two places
    /// share a text.
    fn text(&self) -> String {
        format!("v{VERSION}|{}|{}|{}", self.tenant, self.purpose, self.field)
    }
}

/// A data key: as KMS made it, or a contact's.
pub(crate) struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    pub(super) fn from_base64(text: &str) -> Result<Self, Tampered> {
        let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| Tampered)?);
        bytes.as_slice().try_into().map(|key| Self(Zeroizing::new(key))).map_err(|_| Tampered)
    }

    pub(crate) fn of(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key and the commitment for one value.
    fn derive(&self, salt: &[u8; SALT]) -> Result<Zeroizing<[u8; 32 + COMMITMENT]>, Tampered> {
        let mut derived = Zeroizing::new([0; 32 + COMMITMENT]);
        let hkdf = Hkdf::<Sha512>::new(Some(salt), self.0.as_slice());
        hkdf.expand(b"hadar vault v1: key, commitment", derived.as_mut_slice()).map_err(|_| Tampered)?;
        Ok(derived)
    }
}

/// A sealed value. Its text form (base64url without padding) is what the tables keep.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    wrapped: Vec<u8>,
    salt: [u8; SALT],
    commitment: [u8; COMMITMENT],
    nonce: [u8; NONCE],
    ciphertext: Vec<u8>,
}

impl Sealed {
    /// The data key as KMS wrapped it, or whose it is. To move a value to another master key, KMS re-encrypts this part and the
    /// rest stays as it is.
    #[must_use]
    pub fn wrapped_key(&self) -> &[u8] {
        &self.wrapped
    }

    /// The same value under a data key that was wrapped anew.
    #[must_use]
    pub fn rewrapped(self, wrapped: Vec<u8>) -> Self {
        Self { wrapped, ..self }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Anything that [`Sealed`]'s `Display` does not write.
    pub fn parse(text: &str) -> Result<Self, Tampered> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Tampered)?;
        let (&[version], rest) = bytes.split_first_chunk::<1>().ok_or(Tampered)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(Tampered)?;
        let (wrapped, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(Tampered)?;
        let (salt, rest) = rest.split_first_chunk::<SALT>().ok_or(Tampered)?;
        let (commitment, rest) = rest.split_first_chunk::<COMMITMENT>().ok_or(Tampered)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(Tampered)?;
        if version != VERSION || wrapped.is_empty() || ciphertext.len() < TAG {
            return Err(Tampered);
        }
        Ok(Self {
            wrapped: wrapped.to_vec(),
            salt: *salt,
            commitment: *commitment,
            nonce: *nonce,
            ciphertext: ciphertext.to_vec(),
        })
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // KMS wraps a data key into some 200 bytes; 6,144 is the most it can return.
        let length = u16::try_from(self.wrapped.len()).map_err(|_| fmt::Error)?;
        let parts: [&[u8]; 7] = [
            &[VERSION],
            &length.to_be_bytes(),
            &self.wrapped,
            &self.salt,
            &self.commitment,
            &self.nonce,
            &self.ciphertext,
        ];
        f.write_str(&URL_SAFE_NO_PAD.encode(parts.concat()))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.ciphertext.len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Seals under a data key. Fails only when the system has no randomness to give.
pub(crate) fn seal(
    key: &DataKey,
    wrapped: &[u8],
    place: &Place<'_>,
    plaintext: &[u8],
) -> Result<Sealed, Tampered> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    getrandom::fill(&mut salt).map_err(|_| Tampered)?;
    getrandom::fill(&mut nonce).map_err(|_| Tampered)?;
    let (cipher, commitment) = cipher(key, &salt)?;
    let text = place.text();
    let payload = Payload { msg: plaintext, aad: text.as_bytes() };
    let ciphertext = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| Tampered)?;
    Ok(Sealed { wrapped: wrapped.to_vec(), salt, commitment, nonce, ciphertext })
}

pub(crate) fn open(
    key: &DataKey,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, Tampered> {
    let (cipher, commitment) = cipher(key, &sealed.salt)?;
    if !bool::from(commitment.ct_eq(&sealed.commitment)) {
        return Err(Tampered);
    }
    let text = place.text();
    let payload = Payload { msg: &sealed.ciphertext, aad: text.as_bytes() };
    cipher.decrypt(&Nonce::from(sealed.nonce), payload).map(Zeroizing::new).map_err(|_| Tampered)
}

fn cipher(key: &DataKey, salt: &[u8; SALT]) -> Result<(Aes256Gcm, [u8; COMMITMENT]), Tampered> {
    let derived = key.derive(salt)?;
    let (key, commitment) = derived.split_first_chunk::<32>().ok_or(Tampered)?;
    let commitment = commitment.try_into().map_err(|_| Tampered)?;
    Ok((Aes256Gcm::new(key.into()), commitment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    fn key() -> DataKey {
        DataKey::of([3; 32])
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::from_ulid(derived_ulid(1, &[name]))
    }

    fn place<'a>(name: &str, purpose: &'a str, field: &'a str) -> Place<'a> {
        Place { tenant: tenant(name), purpose, field }
    }

    fn home() -> Place<'static> {
        place("a", "integration", "INT#meta#1|app_secret")
    }

    #[test]
    fn a_value_opens_where_it_belongs_and_nowhere_else() {
        let sealed = seal(&key(), b"wrapped", &home(), b"s3cret").unwrap();
        assert_eq!(open(&key(), &home(), &sealed).unwrap().as_slice(), b"s3cret");
        for elsewhere in [
            place("b", "integration", "INT#meta#1|app_secret"),
            place("a", "endpoint", "INT#meta#1|app_secret"),
            place("a", "integration", "INT#meta#2|app_secret"),
            place("a", "integration", "INT#meta#1|verify_token"),
        ] {
            assert_eq!(open(&key(), &elsewhere, &sealed), Err(Tampered), "{}", elsewhere.text());
        }
        assert_eq!(open(&DataKey::of([4; 32]), &home(), &sealed), Err(Tampered), "another data key");
    }

    #[test]
    fn the_commitment_is_checked_before_the_ciphertext() {
        let sealed = seal(&key(), b"wrapped", &home(), b"s3cret").unwrap();
        let uncommitted = Sealed { commitment: [0; COMMITMENT], ..sealed.clone() };
        assert_eq!(open(&key(), &home(), &uncommitted), Err(Tampered));
        let salted = Sealed { salt: [0; SALT], ..sealed };
        assert_eq!(open(&key(), &home(), &salted), Err(Tampered));
    }

    #[test]
    fn the_same_value_is_never_sealed_the_same_way() {
        let seal = || seal(&key(), b"wrapped", &home(), b"s3cret").unwrap();
        let (one, two) = (seal(), seal());
        assert!(one.salt != two.salt && one.nonce != two.nonce && one.ciphertext != two.ciphertext);
    }

    #[test]
    fn a_new_wrapping_leaves_the_value_as_it_is() {
        let sealed = seal(&key(), b"old", &home(), b"s3cret").unwrap().rewrapped(b"new".to_vec());
        assert_eq!(sealed.wrapped_key(), b"new");
        assert_eq!(open(&key(), &home(), &sealed).unwrap().as_slice(), b"s3cret");
    }

    #[test]
    fn printing_a_sealed_value_shows_its_size_only() {
        let sealed = seal(&key(), b"wrapped", &home(), b"s3cret").unwrap();
        assert_eq!(format!("{sealed:?}"), "Sealed(22 bytes)");
    }

    proptest! {
        #[test]
        fn the_text_form_comes_back_and_any_changed_bit_is_noticed(
            plaintext in proptest::collection::vec(any::<u8>(), 0..100),
            at in any::<proptest::sample::Index>(),
            bit in 0u8..8,
        ) {
            let sealed = seal(&key(), b"wrapped", &home(), &plaintext).unwrap();
            let text = sealed.to_string();
            prop_assert_eq!(Sealed::parse(&text), Ok(sealed.clone()));
            prop_assert_eq!(&open(&key(), &home(), &sealed).unwrap()[..], &plaintext[..]);

            let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = Sealed::parse(&URL_SAFE_NO_PAD.encode(&bytes)) {
                // The wrapping is KMS's to check.
                prop_assert!(changed.wrapped != sealed.wrapped || open(&key(), &home(), &changed) == Err(Tampered));
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[A-Za-z0-9_-]{0,400}") {
            let _ = Sealed::parse(&text);
        }
    }
}
