//! Planning a first touch: the facts are read, the rule decides, the message is drafted or what is in the way is kept.

use super::assign::{Unowned, assign};
use super::draft::{Drafted, announce, draft};
use super::{ACTOR, TouchError};
use crate::read::{Facts as Conversation, Family};
use crate::send::{SendError, Situation};
use domain::ids::{ContactId, EventId, LeadId, TenantId, derived_ulid};
use domain::permit::window_is_open;
use domain::phone::Phone;
use domain::provider::Provider;
use domain::routing::{Facts, Languages, NotNow, Words, language, look_again_at, plan};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Happening, Lead, PersonField, StoreError, Touch, TouchState};
use platform::transport::Transport;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What is in the way of a first touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Why {
    /// The stable code.
    pub(super) code: String,
    /// The same in words.
    pub(super) message: String,
    /// What would make it possible.
    #[serde(default)]
    pub(super) helps: Vec<String>,
    /// Whether it may pass.
    #[serde(skip)]
    pub(super) may_pass: bool,
}

impl From<NotNow> for Why {
    fn from(why: NotNow) -> Self {
        Self {
            code: why.code().to_owned(),
            message: why.message().to_owned(),
            helps: why.helps().iter().map(|help| (*help).to_owned()).collect(),
            may_pass: why.may_pass(),
        }
    }
}

/// Plans the first touch of a lead, once; the conversation whose lane is to be emptied then. Safe to run at any time and
/// twice at once.
///
/// # Errors
/// [`TouchError`]; the next run does the rest.
pub async fn touch(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    id: LeadId,
    now: Millis,
) -> Result<Option<ContactId>, TouchError> {
    let store = &platform.store;
    let Some(touch) = store.touch(tenant, id).await? else { return Ok(None) };
    let message = match touch.state {
        TouchState::Drafted => touch.message,
        TouchState::Waiting => match planned(platform, transport, tenant, &touch, now).await? {
            Ok(message) => message,
            Err(why) => {
                wait(platform, tenant, &touch, &why, now).await?;
                return Ok(None);
            }
        },
    };
    match message {
        Some(message) => Ok(announce(platform, tenant, message, now).await?),
        None => Ok(None),
    }
}

type Planned = Result<Option<domain::ids::MessageId>, Why>;

async fn planned(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    touch: &Touch,
    now: Millis,
) -> Result<Planned, TouchError> {
    let store = &platform.store;
    let Some(lead) = store.lead(tenant, touch.lead).await? else { return Ok(Err(NotNow::Closed.into())) };
    let Some(family) = Family::fresh(store, tenant, lead.contact).await? else {
        return Ok(Err(NotNow::Closed.into()));
    };
    // The contact was made a moment ago: what is read of it consistently is what is known.
    let phone =
        family.get(PersonField::Phone).and_then(|text| Phone::from_wa_id(text.trim_start_matches('+')).ok());
    let reachable = phone.is_some();
    let situation = Situation::of_contact(store, tenant, Some(family.id()), phone).await?;
    let conversation = situation.conversation.clone();
    let languages = Languages {
        message: touch.said,
        conversation: situation.language,
        form: touch.form,
        default: situation.tenant.default_language,
    };
    let settings = situation.tenant.first_touch.clone();
    let speaks = language(settings.as_ref(), &lead.source, languages);
    let mut agent = lead.card.assigned_to.clone();
    if let Some(rules) = situation.tenant.assignment.clone()
        && lead.merged_into.is_none()
    {
        let unowned = Unowned {
            tenant,
            lead: &lead,
            family: &family,
            conversation: conversation.as_ref(),
            language: speaks,
            trace_id: touch.trace_id,
        };
        agent = assign(platform, &rules, unowned, now).await?;
    }
    let facts = Facts {
        settings: settings.as_ref(),
        source: &lead.source,
        enquired_at: lead.enquired_at.unwrap_or(lead.created_at),
        open: lead.status.is_open() && lead.merged_into.is_none(),
        wrote_at: wrote_at(conversation.as_ref()),
        reachable,
        consents: situation.consents,
        window_open: is_open(&situation, now),
        human: conversation.as_ref().is_some_and(Conversation::is_handed_over),
        languages,
    };
    let plan = match plan(&facts, now) {
        Ok(plan) => plan,
        Err(why) => return Ok(Err(why.into())),
    };
    let Some(settings) = &settings else { return Ok(Err(NotNow::Off.into())) };
    let (name, business) = (known_name(&lead, &family), situation.tenant.name.clone());
    let words = Words {
        name: name.as_deref(),
        area: lead.card.area.as_deref(),
        source: &lead.source,
        agent: agent.as_deref(),
        business: &business,
    };
    match draft(platform, transport, tenant, touch, &family, situation, settings, plan, words, now).await {
        Ok(Drafted::Yes(message)) => Ok(Ok(Some(message))),
        // Somebody else drafted it: whoever that was goes on with it.
        Ok(Drafted::Before) => Ok(Ok(store.touch(tenant, touch.lead).await?.and_then(|touch| touch.message))),
        Ok(Drafted::Not(why)) => Ok(Err(why)),
        Err(SendError::Templates(error)) => Ok(Err(Why {
            code: "templates_unread".to_owned(),
            message: format!("The templates could not be read: {error}"),
            helps: vec!["Check the number under Integrations > WhatsApp.".to_owned()],
            may_pass: true,
        })),
        Err(SendError::Invalid(error)) => Ok(Err(Why {
            code: "validation_error".to_owned(),
            message: format!("{}: {}", error.field, error.message),
            helps: vec!["Change `first_touch` in the settings.".to_owned()],
            may_pass: true,
        })),
        Err(error) => Err(error.into()),
    }
}

fn known_name(lead: &Lead, family: &Family) -> Option<String> {
    lead.card.name.clone().or_else(|| family.get(PersonField::Name).map(str::to_owned))
}

fn wrote_at(conversation: Option<&Conversation>) -> Option<Millis> {
    let last = conversation.and_then(Conversation::last_outbound)?;
    Some(Millis::from_unix_ms(last.timestamp_ms()))
}

/// Whether free text may be sent: the sandbox knows no window.
fn is_open(situation: &Situation, now: Millis) -> bool {
    let sandbox = situation.route.as_ref().is_some_and(|route| route.provider == Provider::Sandbox);
    sandbox || window_is_open(situation.window_opened_at(), now)
}

/// Keeps what is in the way, and says so on the timeline when it is something new.
async fn wait(
    platform: &Platform,
    tenant: TenantId,
    touch: &Touch,
    why: &Why,
    now: Millis,
) -> Result<(), StoreError> {
    let before = touch.why.as_deref().and_then(|json| serde_json::from_str::<Why>(json).ok());
    let happening = Happening {
        id: EventId::from_ulid(derived_ulid(now.unix_ms(), &[&touch.lead.to_string(), &why.code])),
        contact: touch.contact,
        lead: Some(touch.lead),
        kind: "lead.first_touch.not_sent".to_owned(),
        actor: ACTOR.to_owned(),
        recorded_at: now,
        trace_id: touch.trace_id,
        data: json!({"reason": why.code, "message": why.message, "would_help": why.helps}),
    };
    let is_new = before.is_none_or(|before| before.code != why.code);
    let told = Some(&happening).filter(|_| is_new && why.code != NotNow::Off.code());
    let text =
        serde_json::to_string(why).map_err(|error| StoreError::missing("write a reason down", error))?;
    let look_at = why.may_pass.then(|| look_again_at(touch.looks, now));
    platform.store.keep_touch_waiting(tenant, touch, &text, look_at, told).await.map(drop)
}
