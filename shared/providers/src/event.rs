//! What a webhook body reports, in our words.

use domain::identity::{IdentityChange, Person};
use domain::message::{Content, Referral, ReplyContext, ReportedError};
use domain::receipt::Receipt;
use domain::time::Millis;

/// Which of the tenant's numbers an event belongs to, as far as the body says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// Meta's WhatsApp Business Account id (`entry[].id`).
    pub waba_id: Option<String>,
    /// Meta's phone number id (`metadata.phone_number_id`); on a channel whose numbers have no id, the number.
    pub phone_number_id: Option<String>,
    /// UltraMsg's instance id, without the `instance` prefix; on another channel, the account the number belongs to.
    pub instance_id: Option<String>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The number it happened on.
    pub account: Account,
    /// What happened.
    pub kind: EventKind,
    /// When the provider made the notification (Meta's `entry[].time`, whole seconds), where it says so. What happened
    /// may have a time of its own.
    pub notified_at: Option<Millis>,
    /// The provider's own text of just this event, byte for byte as received: JSON, or a form where it posts one.
    pub raw: String,
}

/// The kinds of things that happen.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A customer wrote.
    Message(Box<InboundMessage>),
    /// The business wrote from somewhere else: the phone app, another tool, or our own send reported back.
    Echo(Box<Echo>),
    /// A message of ours moved.
    Status(Box<Status>),
    /// A person is known by something else now.
    IdentityChanged(Box<IdentityChange>, Millis),
    /// A person chose to stop or resume marketing messages.
    Preference(Box<Preference>),
    /// An out-of-band error of the number (`value.errors`).
    Error(ReportedError),
    /// Templates, quality, limits, account, calls and whatever comes next: kept with its field name.
    Account {
        /// The webhook field, such as `account_update`.
        field: String,
        /// `value.event`, when there is one.
        event: Option<String>,
    },
}

/// A message from a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundMessage {
    /// The provider's message id (`wamid…`).
    pub id: String,
    /// When the customer sent it, by the provider's clock.
    pub sent_at: Millis,
    /// Who wrote it.
    pub sender: Person,
    /// The group it was written in; such a message is recorded apart and never becomes a lead.
    pub group: Option<String>,
    /// What it says.
    pub body: MessageBody,
    /// A changed identity that a `system` message reports.
    pub identity_change: Option<IdentityChange>,
}

/// The parts of a message that are read again from its raw JSON whenever it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageBody {
    /// What it says.
    pub content: Content,
    /// What it answers.
    pub context: Option<ReplyContext>,
    /// The ad that led here.
    pub referral: Option<Referral>,
    /// What the provider could not deliver, and why.
    pub errors: Vec<ReportedError>,
}

/// A message the business sent, reported back to us.
#[derive(Debug, Clone, PartialEq)]
pub struct Echo {
    /// The provider's message id.
    pub id: String,
    /// When it was sent, by the provider's clock.
    pub sent_at: Millis,
    /// To whom.
    pub recipient: Person,
    /// The group it was written in.
    pub group: Option<String>,
    /// What it says.
    pub body: MessageBody,
    /// What our own send carried, when the provider reports it back (`biz_opaque_callback_data`, `referenceId`); read
    /// with [`crate::outbound::our_id`].
    pub our_id: Option<String>,
}

/// One receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The provider's message id.
    pub id: String,
    /// The receipt; `None` for a value we do not act on (`deleted`, a call's `RINGING`).
    pub receipt: Option<Receipt>,
    /// The value as reported.
    pub reported: String,
    /// When, by the provider's clock; `None` when the provider does not say (UltraMsg): then it counts as received.
    pub at: Option<Millis>,
    /// To whom.
    pub recipient: Person,
    /// What our own send carried (`biz_opaque_callback_data`, `referenceId`); read with [`crate::outbound::our_id`].
    pub our_id: Option<String>,
    /// What it costs, as reported: the `pricing` object's JSON.
    pub pricing: Option<String>,
    /// Why it failed.
    pub errors: Vec<ReportedError>,
}

/// A person's choice about marketing messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Preference {
    /// Who.
    pub person: Person,
    /// `marketing_messages`, as reported.
    pub category: String,
    /// `stop`, `resume` or `signup`, as reported.
    pub value: String,
    /// When.
    pub at: Millis,
}

/// One part of a body that could not be read; its neighbours were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where in the body (`entry[0].changes[2].value.messages[1]`).
    pub path: String,
    /// Why, in words an admin understands.
    pub reason: String,
    /// The part as received.
    pub raw: String,
}

/// Everything one body reports.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parsed {
    /// What was understood, in the order of the body.
    pub events: Vec<Event>,
    /// What was not.
    pub unreadable: Vec<Unreadable>,
}

/// The body as a whole cannot be read; the text is for the admin who looks at the parked event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(pub String);
