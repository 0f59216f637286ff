//! The WhatsApp Cloud API's webhooks, as Meta sends them and 360dialog passes them on unchanged.

mod content;
mod envelope;
mod errors;
mod fields;
mod legacy;
mod messages;
mod people;
mod statuses;
mod system;

pub(crate) use envelope::{Root, parse};
pub(crate) use messages::message_body;
