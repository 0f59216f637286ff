//! Making a planned first touch a message, and telling who must know.

use super::ACTOR;
use super::plan::Why;
use crate::events::{Emitter, Receiver, first_touch_draft};
use crate::health::hold;
use crate::read::Family;
use crate::send::{Draft, SendError, Situation, Target, evaluate_in, queue_errand};
use domain::ids::{ContactId, EventId, MessageId, TenantId, derived_ulid};
use domain::outbound::{HeldFor, SendState};
use domain::outgoing::{Outgoing, TemplateUse, Variables};
use domain::permit::SendPurpose;
use domain::routing::{FirstTouch, Mode, Plan, Says, TemplateChoice, Timing, Words, timing};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Happening, NewSend, StoreError, Touch};
use platform::queue::outbound::Errand;
use platform::transport::Transport;
use serde_json::{Value, json};

/// What became of a plan.
pub(super) enum Drafted {
    /// This message.
    Yes(MessageId),
    /// Somebody else made it a message.
    Before,
    /// A rule says no.
    Not(Why),
}

/// Drafts a planned first touch: the same rules as for any message, and an opt-in.
#[expect(clippy::too_many_arguments, reason = "what a plan is made of; each is used once")]
pub(super) async fn draft(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    touch: &Touch,
    family: &Family,
    situation: Situation,
    settings: &FirstTouch,
    plan: Plan<'_>,
    words: Words<'_>,
    now: Millis,
) -> Result<Drafted, SendError> {
    let contact = family.id();
    let draft = Draft {
        target: Target::Contact(contact),
        content: content(plan, words),
        reply_to: None,
        purpose: SendPurpose::Service,
        // The rule chose the language; the tenant may have no template in the customer's.
        confirm_language: true,
        number: None,
        once: None,
        first_touch: true,
    };
    let evaluated = evaluate_in(platform, transport, tenant, situation, &draft, now).await?;
    let permit = match evaluated.verdict {
        Ok(permit) => permit,
        Err(reasons) => {
            let why = reasons.first().map(|reason| Why {
                code: reason.code().to_owned(),
                message: reason.message(),
                helps: Vec::new(),
                may_pass: true,
            });
            return why.map(Drafted::Not).ok_or(SendError::NotFound);
        }
    };
    let situation = evaluated.situation;
    let Some(route) = &situation.route else { return Err(SendError::NotFound) };
    let timing = match timing(settings, plan.mode, permit.purpose(), now) {
        Ok(timing) => timing,
        Err(why) => return Ok(Drafted::Not(why.into())),
    };
    let (held_for, release_at, not_before) = match timing {
        Timing::Goes(at) => {
            (hold(&situation, route, &evaluated.part.content, false), None, Some(at).filter(|at| *at > now))
        }
        Timing::HeldUntil(at) => (Some(HeldFor::FirstTouch), Some(at), None),
        Timing::Held => (Some(HeldFor::FirstTouch), None, None),
    };
    let id = MessageId::from_ulid(derived_ulid(now.unix_ms(), &[&touch.lead.to_string(), ACTOR]));
    let send = NewSend {
        id,
        contact,
        recipient: situation.recipient.clone(),
        provider: route.provider,
        number: route.number.clone(),
        part: evaluated.part,
        purpose: permit.purpose(),
        confirm_language: true,
        hold: held_for,
        release_at,
        touch: Some(touch.lead),
        not_before,
        accepted_at: now,
        key: None,
        once: None,
        trace_id: touch.trace_id,
    };
    let happening = drafted(touch, &send, plan, now);
    let done = platform.store.draft_touch(tenant, touch, &send, &happening).await?;
    Ok(if done { Drafted::Yes(id) } else { Drafted::Before })
}

/// What the timeline says about it; the message has its own place there.
fn drafted(touch: &Touch, send: &NewSend, plan: Plan<'_>, now: Millis) -> Happening {
    let template = match plan.says {
        Says::Template(choice) => json!(choice.name),
        Says::Text(_) => Value::Null,
    };
    let mode = match plan.mode {
        Mode::Auto => "auto",
        Mode::Grace => "grace",
        Mode::Manual => "manual",
    };
    Happening {
        id: EventId::from_ulid(derived_ulid(now.unix_ms(), &[&touch.lead.to_string(), "drafted"])),
        contact: send.contact,
        lead: Some(touch.lead),
        kind: "lead.first_touch.drafted".to_owned(),
        actor: ACTOR.to_owned(),
        recorded_at: now,
        trace_id: touch.trace_id,
        data: json!({
            "message_id": send.id,
            "channel": plan.channel.as_str(),
            "language": plan.language,
            "template": template,
            "mode": mode,
            "release_at": send.release_at,
            "not_before": send.not_before,
        }),
    }
}

fn content(plan: Plan<'_>, words: Words<'_>) -> Outgoing {
    match plan.says {
        Says::Text(text) => Outgoing::Text { body: words.fill(text), preview_url: false },
        Says::Template(TemplateChoice { name, variables }) => Outgoing::Template(TemplateUse {
            name: name.clone(),
            language: Some(plan.language.as_str().to_owned()),
            variables: match variables {
                Variables::Named(named) => {
                    let filled = named.iter().map(|(name, text)| (name.clone(), words.fill(text)));
                    Variables::Named(filled.collect())
                }
                Variables::Positional(list) => {
                    Variables::Positional(list.iter().map(|text| words.fill(text)).collect())
                }
            },
            header: None,
            buttons: Vec::new(),
        }),
    }
}

/// Tells the conversation, the queue and the agents of a first touch that was drafted; the conversation whose lane may be
/// emptied now. Safe to repeat.
pub(super) async fn announce(
    platform: &Platform,
    tenant: TenantId,
    id: MessageId,
    now: Millis,
) -> Result<Option<ContactId>, StoreError> {
    let Some(record) = platform.store.send(tenant, id).await? else { return Ok(None) };
    match record.state {
        SendState::Queued => {
            platform.store.note_outbound(tenant, record.contact, id.ulid()).await?;
            if record.not_before.is_some_and(|at| at > now) {
                queue_errand(platform, tenant, record.contact, None, record.not_before, now).await;
            }
            Ok(Some(record.contact))
        }
        SendState::Held => {
            if record.release_at.is_some() {
                let errand = Some(Errand::Release(id));
                queue_errand(platform, tenant, record.contact, errand, record.release_at, now).await;
            }
            let receivers = Receiver::read(platform, tenant).await?;
            let emitter = Emitter { platform, tenant, receivers: &receivers, trace_id: record.trace_id, now };
            first_touch_draft(emitter, &record).await?;
            Ok(None)
        }
        SendState::Sending
        | SendState::Sent
        | SendState::Failed
        | SendState::Uncertain
        | SendState::Cancelled => Ok(None),
    }
}
