//! May this message be sent, and if not, why: one rule for send, preflight and sender alike.

use crate::consent::{ConsentState, Consents, Standing};
use crate::language::Language;
use crate::template::contract::Mismatch;
use crate::template::{Category, Template, TemplateState};
use crate::time::Millis;
use crate::window::WINDOW_MS;
use serde::{Deserialize, Serialize};

/// The window counts as closed this long before it closes, in milliseconds: a message takes a moment to be sent, and
/// the provider's clock decides (providers.md 8).
pub const MARGIN_MS: u64 = 60_000;

/// What a message is for. A template's category wins over what the caller says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SendPurpose {
    /// An answer.
    #[default]
    Service,
    /// About something the customer asked for.
    Utility,
    /// An offer.
    Marketing,
    /// A one-time code.
    Authentication,
}

impl From<Category> for SendPurpose {
    fn from(category: Category) -> Self {
        match category {
            Category::Marketing => Self::Marketing,
            Category::Utility => Self::Utility,
            Category::Authentication => Self::Authentication,
        }
    }
}

impl SendPurpose {
    /// The name on the wire and in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Utility => "utility",
            Self::Marketing => "marketing",
            Self::Authentication => "authentication",
        }
    }
}

/// What the send names of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateFact<'a> {
    /// The message is free-form.
    None,
    /// No template has this name in the language asked for.
    Unknown,
    /// This one.
    Found {
        /// The template.
        template: &'a Template,
        /// Why it cannot be filled as asked, if so.
        mismatch: Option<&'a Mismatch>,
    },
}

/// Everything the rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Whether there is a number to send from.
    pub configured: bool,
    /// When the customer last wrote, by the provider's clock.
    pub last_inbound_at: Option<Millis>,
    /// Whether the window is enforced: for every provider, not in the sandbox.
    pub window_enforced: bool,
    /// Whether the provider knows templates; on one that does not (UltraMsg) they go out as text, so that the window
    /// counts for them as well, unless `cold_text` is allowed (R15).
    pub native_templates: bool,
    /// Whether the tenant has chosen to write to opted-in contacts outside the window on a provider without templates.
    pub cold_text: bool,
    /// What the contact agreed to.
    pub consents: Consents,
    /// Whether the contact agreed to hear from another phone number than the one it would go out on.
    pub number_changed: bool,
    /// What the customer writes in.
    pub language: Option<Language>,
    /// The template, if the message is one.
    pub template: TemplateFact<'a>,
    /// What the caller says the message is for.
    pub purpose: SendPurpose,
    /// Whether the caller insists on the template's language.
    pub confirm_language: bool,
    /// Whether it is the one message that asks to confirm a ticked box; only the product itself says so.
    pub asks_for_opt_in: bool,
    /// Whether it rests on an opt-in, whatever it counts as: the first touch of a lead.
    pub opt_in_needed: bool,
}

/// A reason not to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no number to send from.
    NotConfigured,
    /// The contact withdrew the channel, or marketing, or never agreed to marketing.
    DoNotContact(Barred),
    /// No such template, or it may not be sent in its state (`None`: unknown).
    TemplateNotApproved(Option<TemplateState>),
    /// The template cannot be filled with what was given.
    TemplateParamMismatch(Mismatch),
    /// Free-form, and the customer has not written in the last 24 hours.
    Outside24hWindow {
        /// When it closed; absent when the customer never wrote.
        closed_at: Option<Millis>,
    },
    /// The template speaks another language than the customer.
    LanguageMismatch {
        /// What the customer writes in.
        conversation: Language,
        /// The template's.
        template: String,
    },
}

/// Why a contact must not be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Barred {
    /// The channel was withdrawn: nothing may be sent.
    Channel,
    /// Marketing was withdrawn.
    MarketingRevoked,
    /// There is no recorded opt-in to marketing.
    NoOptIn,
    /// The opt-in to marketing was given to another phone number.
    NumberChanged,
    /// The person's data is kept and not used.
    Restricted,
}

/// Proof that a message may be sent at this moment. Made by [`permit`] only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    purpose: SendPurpose,
    needs_window: bool,
    needs_opt_in: bool,
}

impl Permit {
    /// What the message counts as.
    #[must_use]
    pub const fn purpose(self) -> SendPurpose {
        self.purpose
    }

    /// Whether the claim must hold the window open.
    #[must_use]
    pub const fn needs_window(self) -> bool {
        self.needs_window
    }

    /// Whether the claim must find that marketing was not withdrawn.
    #[must_use]
    pub const fn needs_opt_in(self) -> bool {
        self.needs_opt_in
    }
}

/// Since when a person agrees to be written to first: to offers, or to the channel without having withdrawn offers. A
/// withdrawal of either ends it.
#[must_use]
pub fn opted_in_at(consents: &Consents) -> Option<Millis> {
    if consents.bars_everything() {
        return None;
    }
    let granted = |standing: Standing| (standing.state == ConsentState::Granted).then_some(standing.at);
    match consents.marketing {
        Some(marketing) => granted(marketing),
        None => consents.channel.and_then(granted),
    }
}

/// The last moment at which a customer's message still holds the window open for a send at `now`, or nothing has.
#[must_use]
pub fn earliest_inbound(now: Millis) -> Millis {
    Millis::from_unix_ms((now.unix_ms() + MARGIN_MS).saturating_sub(WINDOW_MS))
}

/// Whether free-form messages may be sent at `now`.
#[must_use]
pub fn window_is_open(last_inbound_at: Option<Millis>, now: Millis) -> bool {
    last_inbound_at.is_some_and(|last| last > earliest_inbound(now))
}

/// Decides, with every reason against it, the gravest first.
///
/// # Errors
/// At least one refusal.
pub fn permit(facts: &Facts<'_>, now: Millis) -> Result<Permit, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let category = match facts.template {
        TemplateFact::Found { template, .. } => Some(template.category),
        TemplateFact::None | TemplateFact::Unknown => None,
    };
    let purpose = category.map_or(facts.purpose, SendPurpose::from);
    if !facts.configured {
        refusals.push(Refusal::NotConfigured);
    }
    if facts.consents.restricted_at.is_some() {
        refusals.push(Refusal::DoNotContact(Barred::Restricted));
    } else if facts.consents.bars_everything() {
        refusals.push(Refusal::DoNotContact(Barred::Channel));
    }
    let free_form = match facts.template {
        TemplateFact::None => true,
        TemplateFact::Unknown => {
            refusals.push(Refusal::TemplateNotApproved(None));
            false
        }
        TemplateFact::Found { template, mismatch } => {
            if template.state != TemplateState::Approved {
                refusals.push(Refusal::TemplateNotApproved(Some(template.state)));
            }
            refusals.extend(mismatch.map(|mismatch| Refusal::TemplateParamMismatch(mismatch.clone())));
            false
        }
    };
    let as_text = free_form || !facts.native_templates;
    let cold = !free_form && facts.cold_text && facts.consents.allows_marketing();
    let needs_window = as_text && !cold && facts.window_enforced;
    if needs_window && !window_is_open(facts.last_inbound_at, now) {
        let closed_at = facts.last_inbound_at.map(|last| last.plus_ms(WINDOW_MS));
        refusals.push(Refusal::Outside24hWindow { closed_at });
    }
    // Who ticked a box and decided nothing since may be asked to confirm it, by a template and no other message.
    let asks = facts.asks_for_opt_in
        && !free_form
        && facts.consents.awaits_marketing()
        && facts.consents.marketing.is_none();
    if purpose == SendPurpose::Marketing
        && !asks
        && !facts.consents.allows_marketing()
        && !facts.consents.bars_everything()
    {
        let barred =
            if facts.consents.marketing.is_some() { Barred::MarketingRevoked } else { Barred::NoOptIn };
        refusals.push(Refusal::DoNotContact(barred));
    } else if purpose == SendPurpose::Marketing && facts.number_changed {
        refusals.push(Refusal::DoNotContact(Barred::NumberChanged));
    } else if facts.opt_in_needed
        && opted_in_at(&facts.consents).is_none()
        && !facts.consents.bars_everything()
    {
        let barred =
            if facts.consents.marketing.is_some() { Barred::MarketingRevoked } else { Barred::NoOptIn };
        refusals.push(Refusal::DoNotContact(barred));
    }
    if let (TemplateFact::Found { template, .. }, Some(language), false) =
        (facts.template, facts.language, facts.confirm_language)
        && !speaks(&template.language, language)
    {
        refusals
            .push(Refusal::LanguageMismatch { conversation: language, template: template.language.clone() });
    }
    let needs_opt_in = purpose == SendPurpose::Marketing || facts.opt_in_needed;
    if refusals.is_empty() { Ok(Permit { purpose, needs_window, needs_opt_in }) } else { Err(refusals) }
}

/// Whether a registered language code (`en_US`) is a form of a language.
fn speaks(code: &str, language: Language) -> bool {
    let base = code.split(['_', '-']).next().unwrap_or_default();
    base.eq_ignore_ascii_case(language.as_str())
}

#[cfg(test)]
mod tests;
