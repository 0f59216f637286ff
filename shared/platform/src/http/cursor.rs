//! Cursors that only we can read and only where we gave them: sealed, bound to tenant, list and filters, for a day
//! (I-19).

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::TenantId;
use domain::time::Millis;
use sha2::{Digest as _, Sha256};

/// How long a cursor may be used, in milliseconds.
const LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;
/// The first byte of a cursor; another layout gets another.
const VERSION: u8 = 1;
const NONCE_LEN: usize = 12;
/// No position we make is longer, so nothing longer is worth decoding.
const LONGEST: usize = 1024;

/// The list a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// Whose list.
    pub tenant: TenantId,
    /// Which list: the route with the ids in it.
    pub list: &'a str,
    /// Its filters, in a fixed order.
    pub filters: &'a [(&'a str, &'a str)],
}

impl Scope<'_> {
    /// What the seal binds to; every part with its length, so that none can flow into its neighbour.
    fn associated_data(&self) -> Vec<u8> {
        let mut filters = Sha256::new();
        for (name, value) in self.filters {
            for part in [name, value] {
                filters.update((part.len() as u64).to_be_bytes());
                filters.update(part.as_bytes());
            }
        }
        let mut data = Vec::with_capacity(128);
        for part in ["cursor", &self.tenant.to_string(), self.list] {
            data.extend((part.len() as u64).to_be_bytes());
            data.extend(part.as_bytes());
        }
        data.extend(filters.finalize());
        data
    }
}

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("seal cursor: no random bytes")]
pub(super) struct NoEntropy;

/// Seals a position.
pub(super) fn seal(
    key: &[u8; 32],
    scope: Scope<'_>,
    position: &str,
    now: Millis,
) -> Result<String, NoEntropy> {
    let mut nonce = [0u8; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|_| NoEntropy)?;
    let mut content = now.unix_ms().to_be_bytes().to_vec();
    content.extend(position.as_bytes());
    let payload = Payload { msg: &content, aad: &scope.associated_data() };
    let sealed = cipher(key).encrypt(&Nonce::from(nonce), payload).map_err(|_| NoEntropy)?;
    let mut bytes = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
    bytes.push(VERSION);
    bytes.extend(nonce);
    bytes.extend(sealed);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The position in a cursor; `None` for anything but a cursor of ours, for this list, of the last 24 hours.
pub(super) fn open(key: &[u8; 32], scope: Scope<'_>, cursor: &str, now: Millis) -> Option<String> {
    if cursor.len() > LONGEST {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
    if *version != VERSION {
        return None;
    }
    let payload = Payload { msg: sealed, aad: &scope.associated_data() };
    let content = cipher(key).decrypt(&Nonce::from(*nonce), payload).ok()?;
    let (issued_at, position) = content.split_first_chunk::<8>()?;
    let issued_at = Millis::from_unix_ms(u64::from_be_bytes(*issued_at));
    if now.since(issued_at) > LIFETIME_MS {
        return None;
    }
    String::from_utf8(position.to_vec()).ok()
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [9; 32];
    const NOW: Millis = Millis::from_unix_ms(1_700_000_000_000);
    const FILTERS: &[(&str, &str)] = &[("language", "ar")];

    fn tenant(name: &str) -> TenantId {
        TenantId::from_ulid(derived_ulid(1, &[name]))
    }

    fn scope() -> Scope<'static> {
        Scope { tenant: tenant("a"), list: "conversations", filters: FILTERS }
    }

    fn cursor() -> String {
        seal(&KEY, scope(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", NOW).unwrap()
    }

    #[test]
    fn a_cursor_opens_where_it_was_given_and_shows_nothing_of_its_position() {
        let (cursor, again) = (cursor(), cursor());
        assert_eq!(open(&KEY, scope(), &cursor, NOW).as_deref(), Some("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{cursor}");
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"01ARZ3"));
        assert_ne!(cursor, again, "two seals of one position differ");
    }

    #[test]
    fn every_flipped_bit_of_a_cursor_is_refused() {
        let bytes = URL_SAFE_NO_PAD.decode(cursor()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let text = URL_SAFE_NO_PAD.encode(&flipped);
            assert_eq!(open(&KEY, scope(), &text, NOW), None, "bit {bit}");
        }
    }

    #[test]
    fn every_cut_and_every_lengthened_cursor_is_refused() {
        let cursor = cursor();
        for end in 0..cursor.len() {
            assert_eq!(open(&KEY, scope(), &cursor[..end], NOW), None, "{end} characters");
        }
        for more in ["A", "AA", "=", "==", " ", "%00"] {
            assert_eq!(open(&KEY, scope(), &format!("{cursor}{more}"), NOW), None, "{more}");
        }
        assert_eq!(open(&KEY, scope(), &"A".repeat(1_000_000), NOW), None);
    }

    #[test]
    fn a_cursor_opens_for_no_other_tenant_list_filter_or_key() {
        let cursor = cursor();
        for foreign in [
            Scope { tenant: tenant("b"), ..scope() },
            Scope { list: "leads", ..scope() },
            Scope { filters: &[], ..scope() },
            Scope { filters: &[("language", "en")], ..scope() },
            Scope { filters: &[("languagea", "r")], ..scope() },
            Scope { filters: &[("language", "ar"), ("unread", "true")], ..scope() },
        ] {
            assert_eq!(open(&KEY, foreign, &cursor, NOW), None, "{foreign:?}");
        }
        assert_eq!(open(&[8; 32], scope(), &cursor, NOW), None);
    }

    #[test]
    fn a_cursor_lives_for_exactly_24_hours() {
        let cursor = cursor();
        assert!(open(&KEY, scope(), &cursor, NOW.plus_ms(LIFETIME_MS)).is_some());
        assert_eq!(open(&KEY, scope(), &cursor, NOW.plus_ms(LIFETIME_MS + 1)), None);
    }

    proptest! {
        #[test]
        fn nothing_a_stranger_writes_opens(text in ".{0,200}") {
            prop_assert_eq!(open(&KEY, scope(), &text, NOW), None);
        }

        #[test]
        fn any_position_comes_back(position in ".{0,200}") {
            let cursor = seal(&KEY, scope(), &position, NOW).unwrap();
            prop_assert_eq!(open(&KEY, scope(), &cursor, NOW), Some(position));
        }
    }
}
