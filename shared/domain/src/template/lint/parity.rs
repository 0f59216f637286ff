//! Whether the languages of one name can be sent with one and the same call.

use super::{Fault, Finding};
use crate::template::contract::{required, variables};
use crate::template::{Button, Header, Template};
use std::collections::BTreeSet;

/// What is different between a template and the other languages of its name: variables, what stands on top, buttons,
/// category. The first difference of each kind.
#[must_use]
pub fn parity(template: &Template, others: &[&Template]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut first = |field: &str, code: Fault, differs: &dyn Fn(&Template) -> Option<String>| {
        if let Some(message) = others.iter().find_map(|other| differs(other)) {
            found.push(Finding::new(field, code, message));
        }
    };
    let own: BTreeSet<String> = required(template).into_iter().collect();
    first("body", Fault::ParityVariables, &|other| {
        let theirs: BTreeSet<String> = required(other).into_iter().collect();
        (theirs != own).then(|| {
            let language = &other.language;
            format!(
                "The variables differ from those in `{language}`: {} here, {} there.",
                listed(&own),
                listed(&theirs)
            )
        })
    });
    first("header", Fault::ParityHeader, &|other| {
        let (own, theirs) = (top(template), top(other));
        (own != theirs).then(|| {
            format!("On top stands {} here, and {} in `{}`.", own.name(), theirs.name(), other.language)
        })
    });
    first("buttons", Fault::ParityButtons, &|other| {
        let of = |template: &Template| template.buttons.iter().map(kind).collect::<Vec<_>>();
        (of(template) != of(other)).then(|| {
            format!("The kinds and the order of the buttons differ from those in `{}`.", other.language)
        })
    });
    first("category", Fault::ParityCategory, &|other| {
        (other.category != template.category)
            .then(|| format!("All languages of a name have one category; `{}` has another.", other.language))
    });
    found
}

#[derive(PartialEq, Eq)]
enum Top {
    Nothing,
    Line { variable: bool },
    File(Header),
}

impl Top {
    const fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Line { variable: false } => "a line",
            Self::Line { variable: true } => "a line with a variable",
            Self::File(Header::Image) => "a picture",
            Self::File(Header::Video) => "a film",
            Self::File(Header::Document) => "a document",
            Self::File(Header::Location | Header::Text { .. }) => "a place",
        }
    }
}

fn top(template: &Template) -> Top {
    match &template.header {
        None => Top::Nothing,
        Some(Header::Text { text }) => Top::Line { variable: !variables(text).is_empty() },
        Some(file @ (Header::Image | Header::Video | Header::Document | Header::Location)) => {
            Top::File(file.clone())
        }
    }
}

/// What a send must know of a button.
fn kind(button: &Button) -> (u8, bool) {
    match button {
        Button::QuickReply { .. } => (0, false),
        Button::Url { url, .. } => (1, !variables(url).is_empty()),
        Button::PhoneNumber { .. } => (2, false),
        Button::CopyCode => (3, true),
        Button::Otp => (4, true),
        Button::Flow { .. } => (5, false),
        Button::Other { .. } => (6, false),
    }
}

fn listed(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
