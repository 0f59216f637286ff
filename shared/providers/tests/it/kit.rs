//! Short words for the tests.

use domain::identity::Bsuid;
use domain::message::Content;
use domain::phone::Phone;
use domain::provider::Provider;
use domain::time::Millis;
use providers::event::{Echo, Event, EventKind, InboundMessage, Parsed, Status};

/// When our samples happen.
pub(crate) const AT: Millis = Millis::from_unix_ms(1_793_520_000_000);

/// Declares the tests of samples: each reads its file, runs, and counts as a use of the file.
macro_rules! samples {
    ($provider:expr; $($name:ident($file:literal) $check:expr;)+) => {
        /// The samples this module uses.
        pub(crate) const FILES: &[(&str, &str)] = &[$(($file, crate::kit::sample!($file))),+];
        $(
            #[test]
            fn $name() {
                let check: fn(providers::event::Parsed) = $check;
                check(crate::kit::read($provider, crate::kit::sample!($file)));
            }
        )+
    };
}

/// The text of one sample.
macro_rules! sample {
    ($file:expr) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/", $file))
    };
}

pub(crate) use {sample, samples};

pub(crate) fn read(provider: Provider, body: &str) -> Parsed {
    let parsed = providers::parse(provider, body.as_bytes()).unwrap();
    for event in &parsed.events {
        assert!(body.contains(&event.raw), "`raw` is not what was received: {}", event.raw);
        let again = match &event.kind {
            EventKind::Message(message) => &message.body,
            EventKind::Echo(echo) => &echo.body,
            _ => continue,
        };
        assert_eq!(&providers::message_body(provider, &event.raw).unwrap(), again, "read again from `raw`");
    }
    parsed
}

/// The only event, of a body all of which was read.
pub(crate) fn only(parsed: Parsed) -> Event {
    assert_eq!(parsed.unreadable, []);
    let [event] = <[Event; 1]>::try_from(parsed.events).unwrap();
    event
}

pub(crate) fn message(parsed: Parsed) -> InboundMessage {
    match only(parsed).kind {
        EventKind::Message(message) => *message,
        other => panic!("not a message: {other:?}"),
    }
}

pub(crate) fn content(parsed: Parsed) -> Content {
    message(parsed).body.content
}

pub(crate) fn echo(parsed: Parsed) -> Echo {
    match only(parsed).kind {
        EventKind::Echo(echo) => *echo,
        other => panic!("not an echo: {other:?}"),
    }
}

pub(crate) fn status(parsed: Parsed) -> Status {
    match only(parsed).kind {
        EventKind::Status(status) => *status,
        other => panic!("not a status: {other:?}"),
    }
}

/// The field and event of an account event.
pub(crate) fn account(parsed: Parsed) -> (String, Option<String>) {
    match only(parsed).kind {
        EventKind::Account { field, event } => (field, event),
        other => panic!("not an account event: {other:?}"),
    }
}

pub(crate) fn text(body: &str) -> Content {
    Content::Text { body: body.to_owned() }
}

pub(crate) fn phone(digits: &str) -> Option<Phone> {
    Some(Phone::from_wa_id(digits).unwrap())
}

pub(crate) fn bsuid(id: &str) -> Option<Bsuid> {
    Some(Bsuid::parse(id).unwrap())
}
