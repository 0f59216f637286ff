//! The name of one attempt, by which its outcome is told from that of any other.

/// 128 random bits, in hex.
///
/// # Errors
/// The operating system gave no random bytes.
pub(crate) fn fence() -> Result<String, getrandom::Error> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random)?;
    Ok(hex::encode(random))
}
