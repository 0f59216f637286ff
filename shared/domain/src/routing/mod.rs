//! The first touch of a lead: whether, in which language, with which words, and who lets it go (A47 to A49, R13).
//!
//! One rule decides from facts; the same facts decide alike however often they are looked at.

mod hours;
mod owner;
mod settings;
mod words;

pub use hours::{QuietHours, TimeOfDay, Zone, next_allowed};
pub use owner::{Assignment, AssignmentRule, Owner, OwnerFacts, in_turn, owner};
pub use settings::{FirstTouch, LONGEST_GRACE_S, Mode, SourceOptIn, SourceRules, TemplateChoice, Templates};
pub use words::Words;

use crate::consent::Consents;
use crate::language::Language;
use crate::permit::{SendPurpose, opted_in_at};
use crate::time::Millis;

/// How long after a lead came, or opted in, it is first written to at the latest, in milliseconds: a day. Later it would
/// be no answer any more.
const ANSWERS_FOR_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a lead waits for its opt-in, in milliseconds: a week.
const WAITS_FOR_MS: u64 = 7 * ANSWERS_FOR_MS;
/// When a lead that waits is looked at again for the first time, in milliseconds; the time doubles.
const LOOKS_AGAIN_MS: u64 = 60_000;

/// Everything the rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What the tenant set; `None` when it is off.
    pub settings: Option<&'a FirstTouch>,
    /// Where the lead came from.
    pub source: &'a str,
    /// When the person last enquired.
    pub enquired_at: Millis,
    /// Whether somebody still works on the lead.
    pub open: bool,
    /// When the business last wrote to the person.
    pub wrote_at: Option<Millis>,
    /// Whether the person can be reached on WhatsApp: a number is known.
    pub reachable: bool,
    /// What they agreed to.
    pub consents: Consents,
    /// Whether free text may be sent.
    pub window_open: bool,
    /// Whether a person answers the conversation.
    pub human: bool,
    /// What they speak.
    pub languages: Languages,
}

/// What says what a person speaks, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Languages {
    /// What they wrote with the enquiry.
    pub message: Option<Language>,
    /// What they write on WhatsApp.
    pub conversation: Option<Language>,
    /// What the form they filled in spoke, or the program that handed the lead over says.
    pub form: Option<Language>,
    /// What the tenant answers in when nothing says.
    pub default: Language,
}

/// Where a first touch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The only one there is.
    Whatsapp,
}

impl Channel {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
        }
    }
}

/// What a first touch says, before it is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says<'a> {
    /// Free text.
    Text(&'a str),
    /// A template.
    Template(&'a TemplateChoice),
}

/// How a lead is first written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan<'a> {
    /// Where it goes.
    pub channel: Channel,
    /// What it speaks.
    pub language: Language,
    /// What it says.
    pub says: Says<'a>,
    /// Who lets it go.
    pub mode: Mode,
}

/// When a first touch leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// By itself, not before then; at once when that is now.
    Goes(Millis),
    /// It is held, and goes by itself then.
    HeldUntil(Millis),
    /// A person releases it.
    Held,
}

/// Why a lead is not written to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    /// The tenant switched it off.
    Off,
    /// The lead is closed.
    Closed,
    /// The business wrote to the person already.
    Answered,
    /// Too late to be an answer.
    TooLate,
    /// No number is known.
    NoPhone,
    /// They withdrew.
    OptedOut,
    /// They ticked a box and have not confirmed it.
    OptInPending,
    /// They never agreed.
    NoOptIn,
    /// There is no template.
    NoTemplate,
    /// An offer may leave at no hour that is not quiet.
    NoHour,
}

impl NotNow {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Off => "switched_off",
            Self::Closed => "lead_closed",
            Self::Answered => "already_written_to",
            Self::TooLate => "too_late",
            Self::NoPhone => "no_phone",
            Self::OptedOut => "opted_out",
            Self::OptInPending => "opt_in_pending",
            Self::NoOptIn => "no_opt_in",
            Self::NoTemplate => "no_template",
            Self::NoHour => "no_hour",
        }
    }

    /// What is in the way.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Off => "First touch is switched off.",
            Self::Closed => "The lead is closed.",
            Self::Answered => "The business has written to the person since the enquiry.",
            Self::TooLate => "The enquiry is too old to be answered by itself.",
            Self::NoPhone => "No phone number is known.",
            Self::OptedOut => "The person withdrew consent.",
            Self::OptInPending => "The person ticked the box and has not confirmed it yet.",
            Self::NoOptIn => "There is no recorded opt-in.",
            Self::NoTemplate => "No template is set for first touch.",
            Self::NoHour => "The quiet hours leave no hour between nine and six for a marketing template.",
        }
    }

    /// What would make it possible.
    #[must_use]
    pub const fn helps(self) -> &'static [&'static str] {
        match self {
            Self::Off => &["Set `first_touch` with PATCH /v1/settings."],
            Self::Closed => &["A new enquiry of the person makes a new lead."],
            Self::Answered => &[],
            Self::TooLate => {
                &["Write to the person with POST /v1/whatsapp/messages, or wait for a new enquiry."]
            }
            Self::NoPhone => &["Send the enquiry again with a phone number."],
            Self::OptedOut => {
                &["Record a new opt-in with POST /v1/contacts/{id}/consents once the person gives one."]
            }
            Self::OptInPending => &["The person answers YES to the opt-in request."],
            Self::NoOptIn => &[
                "Record an opt-in with POST /v1/contacts/{id}/consents.",
                "Send the enquiry again with `consent`.",
                "Where the source asks everybody, set its `opt_in` in the settings of first touch.",
            ],
            Self::NoTemplate => &["Name a template in `first_touch.templates` of the settings."],
            Self::NoHour => &["Shorten `first_touch.quiet_hours`, or choose a utility template."],
        }
    }

    /// Whether looking again makes sense.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        match self {
            Self::Off | Self::Closed | Self::Answered | Self::TooLate => false,
            Self::NoPhone
            | Self::OptedOut
            | Self::OptInPending
            | Self::NoOptIn
            | Self::NoTemplate
            | Self::NoHour => true,
        }
    }
}

/// When a lead that waits is looked at again after `looks` looks.
#[must_use]
pub fn look_again_at(looks: u32, now: Millis) -> Millis {
    now.plus_ms(LOOKS_AGAIN_MS << looks.min(13))
}

/// What a lead speaks: its own message, then what it writes on WhatsApp, then its form, then its source, then the
/// tenant's default.
#[must_use]
pub fn language(settings: Option<&FirstTouch>, source: &str, languages: Languages) -> Language {
    let of_source = settings.and_then(|settings| settings.source(source)).and_then(|rules| rules.language);
    let Languages { message, conversation, form, default } = languages;
    message.or(conversation).or(form).or(of_source).unwrap_or(default)
}

/// Plans the first touch of a lead.
///
/// # Errors
/// Why the lead is not written to now.
pub fn plan<'a>(facts: &Facts<'a>, now: Millis) -> Result<Plan<'a>, NotNow> {
    let settings = facts.settings.ok_or(NotNow::Off)?;
    if !facts.open {
        return Err(NotNow::Closed);
    }
    let opted_in = opted_in_at(&facts.consents);
    let (from, patience) = match opted_in {
        Some(at) => (at.max(facts.enquired_at), ANSWERS_FOR_MS),
        None => (facts.enquired_at, WAITS_FOR_MS),
    };
    // Providers tell whole seconds: what was written within the second of a YES came before it. So did what asked for it.
    if opted_in.is_some() && facts.wrote_at.is_some_and(|at| at > from.plus_ms(999)) {
        return Err(NotNow::Answered);
    }
    if now.since(from) > patience {
        return Err(NotNow::TooLate);
    }
    if !facts.reachable {
        return Err(NotNow::NoPhone);
    }
    if opted_in.is_none() {
        return Err(if facts.consents.awaits_marketing() {
            NotNow::OptInPending
        } else if facts.consents.marketing.is_some() || facts.consents.bars_everything() {
            NotNow::OptedOut
        } else {
            NotNow::NoOptIn
        });
    }
    let wanted = language(facts.settings, facts.source, facts.languages);
    let other = match wanted {
        Language::Ar => Language::En,
        Language::En => Language::Ar,
    };
    // Better a word in the other language than none.
    let (language, says) = [wanted, facts.languages.default, other]
        .into_iter()
        .find_map(|language| {
            let text = settings.texts.get(language).filter(|_| facts.window_open).map(Says::Text);
            let template = || settings.template(facts.source, language).map(Says::Template);
            Some((language, text.or_else(template)?))
        })
        .ok_or(NotNow::NoTemplate)?;
    // Who has taken over is asked, whatever the mode.
    let mode = if facts.human { Mode::Manual } else { settings.mode };
    Ok(Plan { channel: Channel::Whatsapp, language, says, mode })
}

/// When a planned first touch leaves. The guard for offers holds for marketing templates, whatever they answer; an answer
/// that is none may leave at any hour that the tenant did not make quiet (R38).
///
/// # Errors
/// There is no hour for it.
pub fn timing(
    settings: &FirstTouch,
    mode: Mode,
    purpose: SendPurpose,
    now: Millis,
) -> Result<Timing, NotNow> {
    let at = match mode {
        Mode::Auto => now,
        Mode::Grace => now.plus_ms(u64::from(settings.grace_seconds) * 1000),
        Mode::Manual => return Ok(Timing::Held),
    };
    let at = may_leave_at(Some(settings), purpose, at).ok_or(NotNow::NoHour)?;
    Ok(if mode == Mode::Auto { Timing::Goes(at) } else { Timing::HeldUntil(at) })
}

/// The first moment from `at` on at which a first touch may leave; the same rule when it is planned and when it is sent.
#[must_use]
pub fn may_leave_at(settings: Option<&FirstTouch>, purpose: SendPurpose, at: Millis) -> Option<Millis> {
    let zone = settings.map_or(Zone::default(), |settings| settings.time_zone);
    let quiet = settings.and_then(|settings| settings.quiet_hours);
    next_allowed(zone, quiet, purpose == SendPurpose::Marketing, at)
}

#[cfg(test)]
mod tests;
