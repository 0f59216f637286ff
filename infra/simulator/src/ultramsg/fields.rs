//! The fields of UltraMsg's messages: which are needed, and how long they may be.

use crate::people;
use serde_json::{Value, json};

/// What a kind of message takes.
pub(super) struct Spec {
    /// The field with what is sent.
    pub(super) content: Option<&'static str>,
    /// What must be there, and how long it may be.
    needed: &'static [(&'static str, usize)],
    /// What may be there, and how long it may be.
    more: &'static [(&'static str, usize)],
    /// Whether it goes to somebody, or is about a message.
    addressed: bool,
}

/// The longest file in Base64.
const FILE: usize = 10_000_000;
const COMMON: &[(&str, usize)] =
    &[("priority", 2), ("referenceId", 255), ("msgId", 255), ("nocache", 5), ("mentions", 4096)];

const CHAT: Spec = Spec { content: Some("body"), needed: &[("body", 4096)], more: &[], addressed: true };
const IMAGE: Spec = captioned("image", &[("image", FILE)]);
const VIDEO: Spec = captioned("video", &[("video", FILE)]);
const DOCUMENT: Spec = captioned("document", &[("filename", 255), ("document", FILE)]);
const AUDIO: Spec = Spec { content: Some("audio"), needed: &[("audio", FILE)], more: &[], addressed: true };
const STICKER: Spec =
    Spec { content: Some("sticker"), needed: &[("sticker", FILE)], more: &[], addressed: true };
const LOCATION: Spec = Spec {
    content: Some("address"),
    needed: &[("lat", 30), ("lng", 30), ("address", 300)],
    more: &[],
    addressed: true,
};
const CONTACT: Spec =
    Spec { content: Some("contact"), needed: &[("contact", 300)], more: &[], addressed: true };
const VCARD: Spec = Spec { content: Some("vcard"), needed: &[("vcard", 4096)], more: &[], addressed: true };
const REACTION: Spec =
    Spec { content: None, needed: &[("msgId", 255), ("emoji", 16)], more: &[], addressed: false };
const DELETE: Spec = Spec { content: None, needed: &[("msgId", 255)], more: &[], addressed: false };

const fn captioned(content: &'static str, needed: &'static [(&'static str, usize)]) -> Spec {
    Spec { content: Some(content), needed, more: &[("caption", 1024)], addressed: true }
}

/// What a kind of message takes; `None` for a path that is no kind.
pub(super) fn of(kind: &str) -> Option<&'static Spec> {
    Some(match kind {
        "chat" => &CHAT,
        "image" => &IMAGE,
        "video" => &VIDEO,
        "document" => &DOCUMENT,
        "audio" | "voice" => &AUDIO,
        "sticker" => &STICKER,
        "location" => &LOCATION,
        "contact" => &CONTACT,
        "vcard" => &VCARD,
        "reaction" => &REACTION,
        "delete" => &DELETE,
        _ => return None,
    })
}

impl Spec {
    /// What is wrong with a form, as UltraMsg lists it.
    pub(super) fn faults(&self, form: &[(String, String)]) -> Vec<Value> {
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let mut faults = Vec::new();
        let mut fault = |name: &str, said: String| faults.push(json!({name: said}));
        if self.addressed {
            match value("to") {
                None | Some("") => fault("to", "is required".to_owned()),
                Some(to) if !is_chat(to) => fault("to", "is invalid".to_owned()),
                Some(_) => {}
            }
        }
        for (name, longest) in self.needed {
            match value(name) {
                // An empty emoji takes a reaction back.
                None => fault(name, "is required".to_owned()),
                Some("") if *name != "emoji" => fault(name, "is required".to_owned()),
                Some(text) if text.chars().count() > *longest => fault(name, too_long(*longest)),
                Some(_) => {}
            }
        }
        for (name, longest) in self.more.iter().chain(COMMON) {
            if value(name).is_some_and(|text| text.chars().count() > *longest) {
                fault(name, too_long(*longest));
            }
        }
        if let Some(priority) = value("priority")
            && !priority.parse::<u8>().is_ok_and(|number| number <= 10)
        {
            fault("priority", "must be from 0 to 10".to_owned());
        }
        let degrees = |name: &str, limit: f64| {
            value(name).is_none_or(|text| text.parse::<f64>().is_ok_and(|number| number.abs() <= limit))
        };
        for (name, limit) in [("lat", 90.0), ("lng", 180.0)] {
            if self.content == Some("address") && !degrees(name, limit) {
                fault(name, "is invalid".to_owned());
            }
        }
        for name in ["image", "video", "document", "audio", "sticker"] {
            if self.content == Some(name) && value(name).is_some_and(|file| !is_file(file)) {
                fault(name, "must be a URL or Base64".to_owned());
            }
        }
        faults
    }
}

fn too_long(longest: usize) -> String {
    format!("must be at most {longest} characters")
}

/// `+9715..`, `9715..@c.us`, `..@g.us`.
fn is_chat(to: &str) -> bool {
    match to.split_once('@') {
        None => people::is_phone(to),
        Some((number, "c.us")) => people::is_phone(number),
        Some((group, "g.us")) => {
            !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        }
        Some((_, server)) => server == "lid",
    }
}

fn is_file(text: &str) -> bool {
    let base64 = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n'))
    };
    text.starts_with("https://")
        || text.starts_with("http://")
        || text
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"))
            .is_some_and(|(_, rest)| base64(rest))
        || base64(text)
}
