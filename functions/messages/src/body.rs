//! The send body: one recipient, one content, and how to send it.

use crate::content;
use crm::desk::Answering;
use crm::send::{Draft, Schedule, Target};
use domain::ids::{ConversationId, KeyId, LeadId, MessageId};
use domain::outgoing::{Interactive, check};
use domain::permit::SendPurpose;
use domain::phone::Phone;
use domain::time::Millis;
use platform::http::Problem;
use serde::Deserialize;
use serde_json::Value;

/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 128;

/// What `POST /v1/whatsapp/messages` and `POST /v1/whatsapp/preflight` take.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = SendMessage))]
#[serde(deny_unknown_fields)]
pub(crate) struct SendBody {
    #[cfg_attr(feature = "openapi", schema(value_type = Option<LeadId>))]
    lead_id: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ConversationId>))]
    conversation_id: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Phone>))]
    to: Option<String>,
    pub(crate) text: Option<String>,
    /// Whether the first link of a text is shown as a card.
    #[serde(default)]
    pub(crate) preview_url: bool,
    /// An object, or just the name, with `language` and `variables` beside it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<content::TemplateGiven>))]
    pub(crate) template: Option<Value>,
    pub(crate) language: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<domain::outgoing::Variables>))]
    pub(crate) variables: Option<Value>,
    pub(crate) media: Option<content::MediaBody>,
    pub(crate) interactive: Option<Interactive>,
    pub(crate) location: Option<domain::outgoing::OutgoingLocation>,
    pub(crate) contacts: Option<Vec<Value>>,
    pub(crate) reaction: Option<content::ReactionBody>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<MessageId>))]
    reply_to: Option<String>,
    #[serde(default)]
    purpose: SendPurpose,
    #[serde(default)]
    hold: bool,
    not_before: Option<Millis>,
    #[serde(default)]
    confirm_language: bool,
    /// The person who sends, as locks of conversations name them.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub(crate) agent: Option<String>,
    /// Whether it goes although somebody else has locked the conversation.
    #[serde(default)]
    pub(crate) override_lock: bool,
}

impl SendBody {
    /// The draft and its schedule.
    ///
    /// # Errors
    /// No or two recipients or contents, or a field that cannot be what it is; a malformed id is not found.
    pub(crate) fn read(self) -> Result<(Draft, Schedule), Problem> {
        let target = self.target()?;
        let reply_to = self.reply_to.as_deref().map(MessageId::parse).transpose();
        let (purpose, confirm_language) = (self.purpose, self.confirm_language);
        let schedule = Schedule { hold: self.hold, not_before: self.not_before };
        let content = content::read(self)?;
        check(&content).map_err(|error| Problem::invalid(error.field, error.message))?;
        // What is wrong with the body comes before what is not there.
        let target = target.ok_or(Problem::NotFound)?;
        let reply_to = reply_to.map_err(|_| Problem::NotFound)?;
        Ok((
            Draft {
                target,
                content,
                reply_to,
                purpose,
                confirm_language,
                number: None,
                once: None,
                first_touch: false,
            },
            schedule,
        ))
    }

    /// Who answers with it.
    ///
    /// # Errors
    /// A name that is none.
    pub(crate) fn answering(&self, key: KeyId) -> Result<Answering, Problem> {
        let agent = self.agent.as_deref().map(str::trim);
        if agent.is_some_and(|name| {
            name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control)
        }) {
            let message = format!("Expected 1 to {LONGEST_NAME} characters on one line.");
            return Err(Problem::invalid("agent", message));
        }
        Ok(Answering { key, agent: agent.map(str::to_owned), anyway: self.override_lock })
    }

    /// The recipient; `None` for an id that cannot be one.
    fn target(&self) -> Result<Option<Target>, Problem> {
        let given = [
            ("lead_id", self.lead_id.as_deref()),
            ("conversation_id", self.conversation_id.as_deref()),
            ("to", self.to.as_deref()),
        ];
        let mut given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let Some((name, value)) = given.next() else {
            return Err(Problem::invalid("to", "Say whom it is for: one of lead_id, conversation_id, to."));
        };
        if let Some((second, _)) = given.next() {
            return Err(Problem::invalid(second, format!("Give one recipient: `{name}` is given as well.")));
        }
        match name {
            "lead_id" => Ok(LeadId::parse(value).ok().map(Target::Lead)),
            "conversation_id" => Ok(ConversationId::parse(value).ok().map(Target::Conversation)),
            _ => Phone::parse_e164(value).map(|phone| Some(Target::Phone(phone))).map_err(|_| {
                Problem::invalid(
                    "to",
                    "Expected a complete number in E.164, such as +971501234567, without blanks.",
                )
            }),
        }
    }
}
