//! A send held against everything that could forbid it.

use super::situation::Situation;
use super::{Reason, SendError};
use crate::templates;
use domain::ids::{ContactId, ConversationId, LeadId, MessageId, TenantId};
use domain::outgoing::{FieldError, Outgoing, TemplateUse, check};
use domain::permit::{Facts, Permit, SendPurpose, TemplateFact, permit};
use domain::phone::Phone;
use domain::provider::Provider;
use domain::template::choice::{NoChoice, choose};
use domain::template::contract::{Mismatch, fill};
use domain::template::{Filled, Template};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Once, SendPart, Store};
use platform::transport::Transport;
use providers::capability::{TemplateSupport, capabilities, carries};

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A lead.
    Lead(LeadId),
    /// A conversation.
    Conversation(ConversationId),
    /// A number.
    Phone(Phone),
    /// A person we know.
    Contact(ContactId),
}

/// A message as it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Whom it is for.
    pub target: Target,
    /// What it says. A reaction's target is one of our message ids.
    pub content: Outgoing,
    /// The message it answers.
    pub reply_to: Option<MessageId>,
    /// What it is for; a template's category wins.
    pub purpose: SendPurpose,
    /// Whether the caller insists on the template's language.
    pub confirm_language: bool,
    /// The number it must go out on; without one it is the conversation's.
    pub number: Option<(Provider, String)>,
    /// Of which the contact gets one and no second; the product alone says so.
    pub once: Option<Once>,
    /// Whether it is the first touch of a lead, which rests on an opt-in.
    pub first_touch: bool,
}

/// A draft with everything that was found out about it.
#[derive(Debug, Clone)]
pub(crate) struct Evaluated {
    pub(crate) situation: Situation,
    pub(crate) part: SendPart,
    pub(super) template: Option<Template>,
    pub(crate) verdict: Result<Permit, Vec<Reason>>,
}

/// A template that was looked for.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// The message is no template.
    FreeForm,
    /// There is none; the words say why.
    Unknown(Option<String>),
    /// This one, filled or not.
    Template { template: Box<Template>, filled: Result<Filled, Mismatch> },
}

/// Holds a draft against the rules. Stores nothing, calls nobody but for the lists of templates.
pub(super) async fn evaluate(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    draft: &Draft,
    now: Millis,
) -> Result<Evaluated, SendError> {
    check(&draft.content)?;
    let situation = Situation::of(&platform.store, tenant, &draft.target).await?;
    evaluate_in(platform, transport, tenant, situation, draft, now).await
}

/// As [`evaluate`], in a situation that was read before.
pub(crate) async fn evaluate_in(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    mut situation: Situation,
    draft: &Draft,
    now: Millis,
) -> Result<Evaluated, SendError> {
    let store = &platform.store;
    check(&draft.content)?;
    if let Some((provider, number)) = &draft.number {
        situation.route = situation.other_route(*provider, number);
    }
    let mut content = draft.content.clone();
    if let Outgoing::Reaction { target, .. } = &mut content {
        let field = "reaction.message_id";
        let id = MessageId::parse(target).map_err(|_| SendError::NotFound)?;
        *target = provider_id(store, tenant, id, &situation, field).await?;
    }
    let reply_to = match draft.reply_to {
        Some(id) => Some(provider_id(store, tenant, id, &situation, "reply_to").await?),
        None => None,
    };
    let found = match &content {
        Outgoing::Template(used) => find(platform, transport, tenant, used, &situation, now).await?,
        _ => Found::FreeForm,
    };
    let asked = Asked {
        replies: reply_to.is_some(),
        purpose: draft.purpose,
        confirm_language: draft.confirm_language,
        first_touch: draft.first_touch,
        asks_for_opt_in: draft.once == Some(Once::OptInRequest),
    };
    let verdict = decide(&situation, &content, &found, asked, now);
    let (template, filled) = match found {
        Found::Template { template, filled } => (Some(*template), filled.ok()),
        Found::FreeForm | Found::Unknown(_) => (None, None),
    };
    Ok(Evaluated { situation, part: SendPart { content, filled, reply_to }, template, verdict })
}

/// What is asked for beside the content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// Whether it answers a message.
    pub(crate) replies: bool,
    /// What it is for.
    pub(crate) purpose: SendPurpose,
    /// Whether the caller insists on the template's language.
    pub(crate) confirm_language: bool,
    /// Whether it is the first touch of a lead.
    pub(crate) first_touch: bool,
    /// Whether it is the one message that asks to confirm a ticked box.
    pub(crate) asks_for_opt_in: bool,
}

/// The rule's answer for a message in a situation.
pub(crate) fn decide(
    situation: &Situation,
    content: &Outgoing,
    found: &Found,
    asked: Asked,
    now: Millis,
) -> Result<Permit, Vec<Reason>> {
    let provider = situation.route.as_ref().map(|route| route.provider);
    let native = provider.is_none_or(|provider| capabilities(provider).template == TemplateSupport::Native);
    let facts = Facts {
        configured: provider.is_some(),
        last_inbound_at: situation.window_opened_at(),
        window_enforced: provider != Some(Provider::Sandbox),
        native_templates: native,
        cold_text: situation.tenant.cold_text,
        consents: situation.consents,
        number_changed: situation.needs_reoptin(),
        language: situation.language,
        template: template_fact(found),
        purpose: asked.purpose,
        confirm_language: asked.confirm_language,
        opt_in_needed: asked.first_touch,
        asks_for_opt_in: asked.asks_for_opt_in,
    };
    let ruled = permit(&facts, now);
    let carried = provider
        .map(|provider| carries(provider, content, asked.replies, situation.recipient.phone.is_some()));
    let mut reasons: Vec<Reason> = Vec::new();
    if let Err(refusals) = &ruled {
        let words = match found {
            Found::Unknown(words) => words.clone(),
            Found::FreeForm | Found::Template { .. } => None,
        };
        reasons
            .extend(refusals.iter().cloned().map(|refusal| Reason::Rule { refusal, words: words.clone() }));
    }
    if let Some(Err(not_carried)) = carried {
        // What cannot be sent at all comes before what cannot be sent now.
        reasons.insert(0, Reason::NotCarried(not_carried));
    }
    match ruled {
        Ok(permit) if reasons.is_empty() => Ok(permit),
        Ok(_) | Err(_) => Err(reasons),
    }
}

/// What the rule must know of a template.
fn template_fact(found: &Found) -> TemplateFact<'_> {
    match found {
        Found::FreeForm => TemplateFact::None,
        Found::Unknown(_) => TemplateFact::Unknown,
        Found::Template { template, filled } => {
            TemplateFact::Found { template, mismatch: filled.as_ref().err() }
        }
    }
}

/// The template a send names, filled with what it gives.
async fn find(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    used: &TemplateUse,
    situation: &Situation,
    now: Millis,
) -> Result<Found, SendError> {
    // While nobody can say which templates there are, nobody can say that this one is not there.
    let mut rows = templates::for_send(platform, transport, tenant, &used.name, now).await?;
    if let Some(route) = situation.route.as_ref().filter(|route| route.provider != Provider::Sandbox) {
        let same = |row: &&Template| row.provider == route.provider;
        if rows.iter().any(|row| same(&row)) {
            rows.retain(|row| row.provider == route.provider);
        }
    }
    let default = situation.tenant.default_language;
    match choose(&rows, used.language.as_deref(), situation.language, default) {
        Ok(template) => {
            let filled = fill(template, used);
            Ok(Found::Template { template: Box::new(template.clone()), filled })
        }
        Err(NoChoice::Unknown) => Ok(Found::Unknown(None)),
        Err(error @ NoChoice::NotInLanguage { .. }) => Ok(Found::Unknown(Some(error.to_string()))),
        Err(error @ NoChoice::Undecided { .. }) => {
            Err(invalid("template.language", error.to_string()).into())
        }
    }
}

/// The provider's id of one of our messages with the same person.
async fn provider_id(
    store: &Store,
    tenant: TenantId,
    id: MessageId,
    situation: &Situation,
    field: &'static str,
) -> Result<String, SendError> {
    if let Some(record) = store.send(tenant, id).await? {
        if !situation.family.contains(&record.contact) {
            return Err(SendError::NotFound);
        }
        return record.provider_message_id.ok_or(SendError::NotYet { field });
    }
    let at = store.find_message(tenant, id).await?.ok_or(SendError::NotFound)?;
    if !situation.family.contains(&at.contact) {
        return Err(SendError::NotFound);
    }
    let entry = store.entry(tenant, at.contact, id).await?.ok_or(SendError::NotFound)?;
    Ok(entry.provider_message_id)
}

fn invalid(field: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), message: message.into() }
}
