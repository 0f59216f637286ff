//! Ids as the providers make them. Random, so that a stack that is started again repeats none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::atomic::{AtomicU64, Ordering};

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// Random bytes; a counter where the system has no randomness.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        let counted = COUNTER.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (byte, counted) in bytes.iter_mut().zip(counted) {
            *byte = counted;
        }
    }
    bytes
}

/// A number below `limit`.
pub(crate) fn below(limit: u64) -> u64 {
    u64::from_le_bytes(random()) % limit.max(1)
}

/// A WhatsApp message id: the other side's number and a random part, behind `wamid.`.
pub(crate) fn wamid(digits: &str, outgoing: bool) -> String {
    let mut bytes = vec![0x1c, 0x18, u8::try_from(digits.len()).unwrap_or(12)];
    bytes.extend_from_slice(digits.as_bytes());
    bytes.extend_from_slice(if outgoing {
        &[0x15, 0x02, 0x00, 0x11, 0x18, 0x12]
    } else {
        &[0x15, 0x02, 0x00, 0x12, 0x18, 0x14]
    });
    bytes.extend_from_slice(hex::encode_upper(random::<10>()).as_bytes());
    bytes.push(0);
    format!("wamid.{}", STANDARD.encode(bytes))
}

/// A number of fifteen digits, as Meta's ids are.
pub(crate) fn number() -> String {
    (below(900_000_000_000_000) + 100_000_000_000_000).to_string()
}

/// What UltraMsg puts behind the chat in a message's id.
pub(crate) fn web_id() -> String {
    format!("3EB0{}", hex::encode_upper(random::<9>()))
}

/// Meta's trace id of an error.
pub(crate) fn fbtrace() -> String {
    format!("A{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<15>()))
}

/// The business-scoped id of whoever has this number: always the same, so that a customer keeps it.
pub(crate) fn user_id(portfolio: &str, digits: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(format!("{portfolio}/{digits}"));
    let number = hash.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{}.{:017}", country(digits), number % 100_000_000_000_000_000)
}

fn country(digits: &str) -> &'static str {
    let known = [
        ("971", "AE"),
        ("966", "SA"),
        ("973", "BH"),
        ("974", "QA"),
        ("965", "KW"),
        ("968", "OM"),
        ("20", "EG"),
        ("91", "IN"),
        ("92", "PK"),
        ("44", "GB"),
        ("49", "DE"),
        ("7", "RU"),
    ];
    known.iter().find(|(code, _)| digits.starts_with(code)).map_or("US", |(_, country)| country)
}
