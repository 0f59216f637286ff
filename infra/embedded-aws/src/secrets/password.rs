//! Random passwords.

use serde_json::{Value, json};

use super::api::RandomPassword;
use super::error;
use crate::protocol::ApiError;

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// `GetRandomPassword`.
pub(super) fn random(request: &RandomPassword) -> Result<Value, ApiError> {
    let length = request.password_length.unwrap_or(32);
    if !(1..=4096).contains(&length) {
        return Err(error::parameter("PasswordLength must be between 1 and 4096."));
    }
    let kinds: Vec<Vec<char>> = [
        (LOWERCASE, !request.exclude_lowercase),
        (UPPERCASE, !request.exclude_uppercase),
        (NUMBERS, !request.exclude_numbers),
        (PUNCTUATION, !request.exclude_punctuation),
        (" ", request.include_space),
    ]
    .iter()
    .filter(|(_, wanted)| *wanted)
    .map(|(kind, _)| kind.chars().filter(|c| !request.exclude_characters.contains(*c)).collect::<Vec<_>>())
    .filter(|kind| !kind.is_empty())
    .collect();
    let all: Vec<char> = kinds.iter().flatten().copied().collect();
    if all.is_empty() {
        return Err(error::parameter("There are no characters left to make a password of."));
    }
    let mut password = Vec::with_capacity(length);
    if request.require_each_included_type.unwrap_or(true) {
        if kinds.len() > length {
            return Err(error::parameter("The password is too short to hold one of each included type."));
        }
        for kind in &kinds {
            password.push(pick(kind)?);
        }
    }
    while password.len() < length {
        password.push(pick(&all)?);
    }
    shuffle(&mut password)?;
    Ok(json!({ "RandomPassword": password.into_iter().collect::<String>() }))
}

/// Letters and digits, as at the end of a secret's ARN.
pub(super) fn alphanumeric(length: usize) -> Result<String, ApiError> {
    let all: Vec<char> = [LOWERCASE, UPPERCASE, NUMBERS].iter().flat_map(|kind| kind.chars()).collect();
    (0..length).map(|_| pick(&all)).collect()
}

fn pick(from: &[char]) -> Result<char, ApiError> {
    from.get(below(from.len())?).copied().ok_or_else(no_randomness)
}

fn shuffle(characters: &mut [char]) -> Result<(), ApiError> {
    for last in (1..characters.len()).rev() {
        characters.swap(last, below(last + 1)?);
    }
    Ok(())
}

/// An even number in `0..bound`: a draw from the uneven end is drawn again.
fn below(bound: usize) -> Result<usize, ApiError> {
    let bound = u32::try_from(bound).ok().filter(|bound| *bound > 0).ok_or_else(no_randomness)?;
    let even = u32::MAX - u32::MAX % bound;
    loop {
        let drawn = getrandom::u32().map_err(|_| no_randomness())?;
        if drawn < even {
            return usize::try_from(drawn % bound).map_err(|_| no_randomness());
        }
    }
}

fn no_randomness() -> ApiError {
    ApiError::internal("the system gives no random bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(request: &str) -> Result<String, ApiError> {
        let answer = random(&serde_json::from_str(request).unwrap())?;
        Ok(answer["RandomPassword"].as_str().unwrap().to_owned())
    }

    #[test]
    fn each_included_kind_is_there_and_no_excluded_one() {
        for _ in 0..50 {
            let four = password(r#"{"PasswordLength":4}"#).unwrap();
            for kind in [LOWERCASE, UPPERCASE, NUMBERS, PUNCTUATION] {
                assert!(four.chars().any(|c| kind.contains(c)), "{four}");
            }
            let digits =
                password(r#"{"PasswordLength":20,"ExcludePunctuation":true,"ExcludeUppercase":true,"ExcludeLowercase":true,"ExcludeCharacters":"01"}"#)
                    .unwrap();
            assert!(digits.chars().all(|c| "23456789".contains(c)), "{digits}");
        }
        assert!(password(r#"{"PasswordLength":3}"#).is_err());
    }
}
