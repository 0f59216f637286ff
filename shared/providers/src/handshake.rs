//! The GET by which Meta asks whether this webhook is ours.

use crate::signature;

/// The query of the GET: `hub.mode`, `hub.challenge`, `hub.verify_token`.
#[derive(Clone, Copy, Default)]
pub struct Query<'a> {
    /// `hub.mode`.
    pub mode: Option<&'a str>,
    /// `hub.challenge`.
    pub challenge: Option<&'a str>,
    /// `hub.verify_token`.
    pub verify_token: Option<&'a str>,
}

/// Why the challenge is not sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No handshake: another mode, or a challenge that Meta would not send. 400.
    #[error("not a webhook handshake")]
    NotAHandshake,
    /// Not our token, or none is configured. 403.
    #[error("verify token refused")]
    WrongToken,
}

/// Decides the handshake: the challenge to answer as plain text, bare.
///
/// The challenge is reflected, so only letters, digits, `_` and `-` pass (Meta sends digits).
///
/// # Errors
/// See [`Refused`].
pub fn challenge<'a, S: AsRef<[u8]>>(query: &Query<'a>, verify_tokens: &[S]) -> Result<&'a str, Refused> {
    if query.mode != Some("subscribe") {
        return Err(Refused::NotAHandshake);
    }
    let challenge = query.challenge.filter(|text| harmless(text)).ok_or(Refused::NotAHandshake)?;
    let known = query.verify_token.is_some_and(|given| signature::token_matches(given, verify_tokens));
    if known { Ok(challenge) } else { Err(Refused::WrongToken) }
}

fn harmless(challenge: &str) -> bool {
    (1..=128).contains(&challenge.len())
        && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const OURS: &[&str] = &["current", "previous"];

    fn ask<'a>(mode: &'a str, challenge: &'a str, token: &'a str) -> Query<'a> {
        Query { mode: Some(mode), challenge: Some(challenge), verify_token: Some(token) }
    }

    #[rstest]
    fn the_challenge_comes_back_bare_for_either_token(#[values("current", "previous")] token: &str) {
        assert_eq!(challenge(&ask("subscribe", "1158201444", token), OURS), Ok("1158201444"));
    }

    #[rstest]
    #[case::another_mode(ask("unsubscribe", "1", "current"), Refused::NotAHandshake)]
    #[case::mode_in_capitals(ask("Subscribe", "1", "current"), Refused::NotAHandshake)]
    #[case::no_mode(Query { mode: None, ..ask("", "1", "current") }, Refused::NotAHandshake)]
    #[case::no_challenge(Query { challenge: None, ..ask("subscribe", "", "current") }, Refused::NotAHandshake)]
    #[case::empty_challenge(ask("subscribe", "", "current"), Refused::NotAHandshake)]
    #[case::html(ask("subscribe", "<script>alert(1)</script>", "current"), Refused::NotAHandshake)]
    #[case::line_break(ask("subscribe", "1\r\nX-A: b", "current"), Refused::NotAHandshake)]
    #[case::arabic(ask("subscribe", "مرحبا", "current"), Refused::NotAHandshake)]
    #[case::wrong_token(ask("subscribe", "1", "other"), Refused::WrongToken)]
    #[case::token_prefix(ask("subscribe", "1", "curren"), Refused::WrongToken)]
    #[case::empty_token(ask("subscribe", "1", ""), Refused::WrongToken)]
    #[case::no_token(Query { verify_token: None, ..ask("subscribe", "1", "") }, Refused::WrongToken)]
    fn anything_else_is_refused(#[case] query: Query<'_>, #[case] why: Refused) {
        assert_eq!(challenge(&query, OURS), Err(why));
    }

    #[test]
    fn without_a_configured_token_nothing_is_answered() {
        let none: &[&str] = &[];
        assert_eq!(challenge(&ask("subscribe", "1", ""), none), Err(Refused::WrongToken));
        assert_eq!(challenge(&ask("subscribe", "1", ""), &[""]), Err(Refused::WrongToken));
    }

    #[test]
    fn a_challenge_of_129_characters_is_too_long() {
        let long = "a".repeat(129);
        assert_eq!(challenge(&ask("subscribe", &long, "current"), OURS), Err(Refused::NotAHandshake));
        assert!(challenge(&ask("subscribe", &long[1..], "current"), OURS).is_ok());
    }
}
