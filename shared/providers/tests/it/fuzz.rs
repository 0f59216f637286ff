//! Whatever comes, it is read or refused; nothing panics, and nothing that was read is not what was received.

use crate::{dialog360, hostile, kit, meta_account, meta_messages, ultramsg};
use domain::provider::Provider;
use proptest::prelude::*;

fn all_samples() -> Vec<&'static str> {
    let modules =
        [meta_messages::FILES, meta_account::FILES, dialog360::FILES, ultramsg::FILES, hostile::FILES];
    modules.concat().into_iter().map(|(_, text)| text).collect()
}

/// A sample with some bytes changed, cut out or repeated.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0u8..4, any::<u8>(), 1usize..40);
    (prop::sample::select(all_samples()), prop::collection::vec(change, 1..6)).prop_map(|(text, changes)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, how, byte, length) in changes {
            let from = at.index(bytes.len());
            let to = (from + length).min(bytes.len());
            match how {
                0 => bytes[from] = byte,
                1 => bytes[from] = b"{}[]\",:0"[usize::from(byte) % 8],
                2 if to - from < bytes.len() => drop(bytes.drain(from..to)),
                _ => {
                    let copy = bytes[from..to].to_vec();
                    bytes.splice(from..from, copy);
                }
            }
        }
        bytes
    })
}

/// Samples whose texts are swapped for one another: still JSON, another meaning.
fn reworded() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "\"\"",
        "null",
        "0",
        "-1",
        "1e400",
        "true",
        "[]",
        "{}",
        "\"\\ud800\"",
        "\"AE.1\"",
        "\"971501234567\"",
        "\"edit\"",
        "\"text\"",
        "99999999999999999999",
        "[[]]",
        "{\"type\":\"text\"}",
    ]);
    (prop::sample::select(all_samples()), any::<prop::sample::Index>(), word).prop_map(|(text, at, word)| {
        let starts: Vec<usize> = text.match_indices("\": ").map(|(at, _)| at + 3).collect();
        let Some(from) = (!starts.is_empty()).then(|| starts[at.index(starts.len())]) else {
            return word.as_bytes().to_vec();
        };
        let rest = &text[from..];
        let to = from + rest.find([',', '\n']).unwrap_or(rest.len());
        [&text[..from], word, &text[to..]].concat().into_bytes()
    })
}

fn reads_or_refuses(body: &[u8]) {
    for provider in Provider::ALL {
        if providers::parse(provider, body).is_ok()
            && let Ok(text) = std::str::from_utf8(body)
            && text.starts_with('{')
        {
            kit::read(provider, text);
        }
        if let Ok(text) = std::str::from_utf8(body) {
            let _ = providers::message_body(provider, text);
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        reads_or_refuses(&body);
    }

    #[test]
    fn arbitrary_forms_never_panic(body in "(data|event_type|instanceId)=[a-z%{}\":0-9&=]{0,80}") {
        reads_or_refuses(body.as_bytes());
    }

    #[test]
    fn mutated_samples_never_panic(body in mutated()) {
        reads_or_refuses(&body);
    }

    #[test]
    fn samples_with_other_values_never_panic(body in reworded()) {
        reads_or_refuses(&body);
    }
}
