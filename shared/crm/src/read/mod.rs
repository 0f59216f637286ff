//! What the API shows: contacts, conversations, messages, leads and the event log, read from what was recorded.
//!
//! Nothing is written here. A contact that was joined with others is read together with them, under the id that
//! stayed; the ids of the others keep working.

mod contact;
mod content;
mod conversation;
mod deliveries;
mod events;
mod family;
mod handoff;
mod inbox;
mod lead_timeline;
mod leads;
mod message;
mod sent;
mod templates;
mod timeline;
mod traces;
mod unread;
mod walk;

pub use contact::{Contact, ContactBrief, contact};
pub(crate) use conversation::Facts;
pub use conversation::{Conversation, ConversationStatus, NumberName};
pub use deliveries::{Delivery, DeliveryFilter, deliveries, delivery};
pub use events::{EventFilter, EventView, Lag, LoggedState, event, event_state, events, lag, parked_events};
pub(crate) use family::Family;
pub use handoff::{Handoff, Note, conversation_notes, handoff};
pub use inbox::{InboxFilter, InboxPosition, conversation, conversations};
pub use lead_timeline::{EventData, TimelineEvent, lead_timeline};
pub(crate) use leads::fresh_lead;
pub use leads::{Lead, LeadFilter, Money, lead, leads};
pub use message::{Message, Translation, conversation_messages, message};
pub(crate) use message::{message_of, source_of, spoken};
pub use templates::{
    Template, TemplateFilter, Written as WrittenTemplate, shown as shown_template, template, templates,
};
pub use traces::{Trace, trace};

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<T, P = ulid::Ulid> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next part begins; absent when this is the last.
    pub next: Option<P>,
}
