//! Chatwoot as the desk of people (B30): from its hand-off on, a conversation is carried over to an inbox of the kind
//! "API", and what agents write there goes out like any other message.
//!
//! What is to be carried over waits in a line of its own in the contact's partition, so that it keeps its order and
//! survives any outage. The line is worked on by the dispatcher, one worker for each conversation at a time.

mod carry;
mod connect;
mod line;
mod reply;
mod words;

pub use carry::{CarryError, carry, sweep};
pub use connect::{ChatwootError, ChatwootSettings, ChatwootView, connect, disconnect, show};
pub use reply::{ChatwootDelivery, take};

pub(crate) use connect::CHATWOOT_PURPOSE;
pub(crate) use line::{begin, mirror, note};

use domain::ids::{KeyId, derived_ulid};

/// The key in whose name agents in Chatwoot send. It opens nothing.
#[must_use]
pub fn chatwoot_key() -> KeyId {
    KeyId::from_ulid(derived_ulid(0, &["chatwoot"]))
}
