//! Would this message be sent, and if not, why and what instead: the rule's own answer, with nothing sent (F3).

use super::accept::Schedule;
use super::evaluate::{Draft, Evaluated, evaluate};
use super::situation::{Route, Situation};
use super::{Reason, SendError};
use crate::desk::Lock;
use crate::health::{hold, limit_frees_at};
use crate::templates;
use domain::consent::Consents;
use domain::health::{Mode, NumberHealth, Quality};
use domain::ids::TenantId;
use domain::outbound::{HeldFor, WAITS_FOR_LIMIT};
use domain::permit::{Barred, Refusal, SendPurpose, window_is_open};
use domain::price::{self, Estimate, Priced};
use domain::provider::Provider;
use domain::template::{Category, Template, TemplateState};
use domain::time::Millis;
use domain::window::{ServiceWindow, WINDOW_MS};
use platform::Platform;
use platform::dynamo::StoreError;
use platform::transport::Transport;
use providers::capability::{TemplateSupport, capabilities};
use serde::Serialize;

/// How many alternatives are named.
const NAMED: usize = 25;
/// Templates of one read.
const PAGE: u32 = 100;

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preflight {
    /// Whether it would be sent.
    pub allowed: bool,
    /// The gravest reason's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Every reason.
    pub reasons: Vec<ReasonView>,
    /// The service window.
    pub window: ServiceWindow,
    /// What the contact agreed to.
    pub consent: Consents,
    /// The template, when the message is one and it exists.
    pub template: Option<TemplateView>,
    /// What the message would count as.
    pub purpose: SendPurpose,
    /// What it will probably cost; absent where there is no price per message or no rate is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Estimate>,
    /// When it may be sent, where time alone heals it; `null` when it may be sent now or time does not help.
    pub next_allowed_at: Option<Millis>,
    /// What can be sent instead.
    pub alternatives: Vec<Alternative>,
    /// The number it would leave on.
    pub number: Option<NumberView>,
    /// Why it would wait until `next_allowed_at` although it is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<&'static str>,
    /// Why it would be held for a release although it is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_for: Option<HeldFor>,
}

impl Preflight {
    /// The same answer while somebody else has locked the conversation.
    #[must_use]
    pub fn while_locked(mut self, lock: &Lock) -> Self {
        let reason = ReasonView {
            code: "conversation_locked",
            message: "Somebody else answers this conversation; wait, or send with \"override_lock\": true."
                .to_owned(),
            field: None,
            details: [("lock".to_owned(), serde_json::json!(lock))].into_iter().collect(),
        };
        if self.allowed {
            self.code = Some(reason.code);
            self.message = Some(reason.message.clone());
            self.next_allowed_at = self.next_allowed_at.max(Some(lock.until));
        }
        self.allowed = false;
        self.reasons.push(reason);
        self
    }
}

/// The number a message would leave on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumberView {
    /// Who carries it.
    pub provider: Provider,
    /// Its id among the tenant's numbers.
    pub number: String,
    /// `live`, `broken` or, for a sandbox, `demo`.
    pub status: String,
    /// Why it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_reason: Option<String>,
    /// Its rating.
    pub quality: Quality,
    /// How it sends.
    pub mode: Mode,
}

impl NumberView {
    fn of(situation: &Situation, route: &Route) -> Self {
        let integration = route.integration.as_ref();
        Self {
            provider: route.provider,
            number: route.number.clone(),
            status: integration.map_or_else(|| "demo".to_owned(), |one| one.status.clone()),
            broken_reason: route.broken().map(str::to_owned),
            quality: situation.health(route).map_or(Quality::Unknown, NumberHealth::rating),
            mode: situation.mode(route),
        }
    }
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Reason))]
pub struct ReasonView {
    /// Its code.
    pub code: &'static str,
    /// In words.
    pub message: String,
    /// The field it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Facts for a program.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, serde_json::Value>))]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// The template of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplateBrief))]
pub struct TemplateView {
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Its category.
    pub category: Category,
    /// Where it stands.
    pub status: TemplateState,
}

/// Something that can be sent instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Alternative {
    /// An approved template.
    Template {
        /// Its name.
        name: String,
        /// Its language.
        language: String,
        /// Its category.
        category: Category,
    },
    /// Another kind of message, in words.
    Other {
        /// Which.
        description: String,
    },
}

/// Answers for a draft. Calls nobody but for the lists of templates, stores nothing.
///
/// # Errors
/// As [`super::accept`], but for refusals: those are the answer.
pub async fn preflight(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    draft: &Draft,
    schedule: Schedule,
    now: Millis,
) -> Result<Preflight, SendError> {
    let evaluated = evaluate(platform, transport, tenant, draft, now).await?;
    let leaves_at = schedule.not_before.map_or(now, |at| at.max(now));
    let situation = &evaluated.situation;
    let reasons = evaluated.verdict.as_ref().err().cloned().unwrap_or_default();
    let purpose = match (&evaluated.verdict, &evaluated.template) {
        (Ok(permit), _) => permit.purpose(),
        (Err(_), Some(template)) => template.category.into(),
        (Err(_), None) => draft.purpose,
    };
    let mut alternatives = Vec::new();
    for reason in &reasons {
        if let Reason::NotCarried(why) = reason {
            alternatives.push(Alternative::Other { description: why.alternative.clone() });
        }
    }
    let templates = sendable_instead(platform, transport, tenant, &reasons, situation, now).await?;
    alternatives.extend(templates.into_iter().map(|template| Alternative::Template {
        name: template.name,
        language: template.language,
        category: template.category,
    }));
    let last = situation.window_opened_at();
    let cost = cost(&evaluated, purpose, leaves_at);
    if reasons.is_empty() {
        alternatives.extend(cheaper(&evaluated, cost.as_ref(), now, leaves_at));
    }
    let waits_until = match &evaluated.verdict {
        Ok(_) => limit_frees_at(&platform.store, tenant, situation, leaves_at).await?,
        Err(_) => None,
    };
    let number = situation.route.as_ref().map(|route| NumberView::of(situation, route));
    let route = situation.route.as_ref().filter(|_| reasons.is_empty());
    let held_for = route.and_then(|route| hold(situation, route, &draft.content, schedule.hold));
    Ok(Preflight {
        allowed: reasons.is_empty(),
        code: reasons.first().map(Reason::code),
        message: reasons.first().map(Reason::message),
        reasons: reasons.iter().map(view).collect(),
        window: ServiceWindow::at(last, now),
        consent: situation.consents,
        template: evaluated.template.map(|template| TemplateView {
            name: template.name,
            language: template.language,
            category: template.category,
            status: template.state,
        }),
        purpose,
        cost,
        next_allowed_at: waits_until,
        alternatives,
        number,
        waits_for: waits_until.map(|_| WAITS_FOR_LIMIT),
        held_for,
    })
}

/// The list price of the message when it leaves.
fn cost(evaluated: &Evaluated, purpose: SendPurpose, leaves_at: Millis) -> Option<Estimate> {
    let situation = &evaluated.situation;
    let route = situation.route.as_ref()?;
    let market = price::market(situation.recipient.phone.as_ref(), situation.recipient.bsuid.as_ref())?;
    let open = window_is_open(situation.window_opened_at(), leaves_at);
    let category = Priced::of(purpose, evaluated.template.is_some(), open);
    price::estimate(route.provider, category, &market, leaves_at)
        .map(|estimate| estimate.charged(situation.tenant.pricing))
}

/// What would serve as well and is safer or costs no more, of a message that may be sent.
fn cheaper(
    evaluated: &Evaluated,
    cost: Option<&Estimate>,
    now: Millis,
    leaves_at: Millis,
) -> Option<Alternative> {
    let last = evaluated.situation.window_opened_at();
    let closes_at = last?.plus_ms(WINDOW_MS);
    let needs_window = evaluated.verdict.as_ref().is_ok_and(|permit| permit.needs_window());
    if needs_window && !window_is_open(last, leaves_at) {
        let description = format!(
            "The window closes at {closes_at}, before the message is to leave: send it earlier, or as a template."
        );
        return Some(Alternative::Other { description });
    }
    let provider = evaluated.situation.route.as_ref()?.provider;
    let free_form = price::estimate(provider, Priced::Service, &cost?.market, leaves_at)?
        .charged(evaluated.situation.tenant.pricing);
    let no_dearer = free_form.amount_micros <= cost?.amount_micros;
    let template = evaluated.template.as_ref().filter(|template| template.category == Category::Utility)?;
    (no_dearer && window_is_open(last, leaves_at) && leaves_at == now).then(|| Alternative::Other {
        description: format!(
            "The window is open until {closes_at}: a free-form message may say what `{}` says, and costs no more.",
            template.name
        ),
    })
}

/// The approved templates that the same person may be sent instead of a refused message, if one would help: by name,
/// then by language.
///
/// # Errors
/// The table did not answer.
pub(super) async fn sendable_instead(
    platform: &Platform,
    transport: &Transport,
    tenant: TenantId,
    reasons: &[Reason],
    situation: &Situation,
    now: Millis,
) -> Result<Vec<Template>, StoreError> {
    let barred =
        reasons.iter().any(|reason| matches!(reason, Reason::Rule { refusal, .. } if bars_all(refusal)));
    let Some(route) = situation.route.as_ref().filter(|_| !barred && reasons.iter().any(wants_template))
    else {
        return Ok(Vec::new());
    };
    let native = capabilities(route.provider).template == TemplateSupport::Native;
    let marketing = situation.consents.allows_marketing();
    let cold = situation.tenant.cold_text && marketing;
    if !native && !cold {
        // Templates leave as text there, and text needs the window.
        return Ok(Vec::new());
    }
    let owner = templates::owner(&platform.store, tenant).await?;
    if owner == tenant
        && let Err(error) = templates::sync_if_never(platform, transport, tenant, now).await
    {
        tracing::debug!("the templates that may be sent are those that are known: {error}");
    }
    let fits = |template: &Template| {
        template.state == TemplateState::Approved
            && (marketing || template.category != Category::Marketing)
            && (route.provider == Provider::Sandbox || !native || template.provider == route.provider)
    };
    let mut found: Vec<Template> = Vec::new();
    let mut after = None;
    loop {
        let page = platform.store.templates_page(owner, after, PAGE).await?;
        after = page.rows.last().map(|row| row.template.id);
        found.extend(page.rows.into_iter().map(|row| row.template).filter(fits));
        if !page.more {
            break;
        }
    }
    found.sort_by(|one, other| (&one.name, &one.language).cmp(&(&other.name, &other.language)));
    found.truncate(NAMED);
    Ok(found)
}

/// Whether nothing at all may be sent.
fn bars_all(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::NotConfigured | Refusal::DoNotContact(Barred::Channel | Barred::Restricted) => true,
        Refusal::DoNotContact(Barred::MarketingRevoked | Barred::NoOptIn | Barred::NumberChanged)
        | Refusal::TemplateNotApproved(_)
        | Refusal::TemplateParamMismatch(_)
        | Refusal::Outside24hWindow { .. }
        | Refusal::LanguageMismatch { .. } => false,
    }
}

fn wants_template(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::Rule { refusal: Refusal::Outside24hWindow { .. } | Refusal::TemplateNotApproved(_), .. }
    )
}

fn view(reason: &Reason) -> ReasonView {
    ReasonView {
        code: reason.code(),
        message: reason.message(),
        field: reason.field(),
        details: reason.details(),
    }
}
