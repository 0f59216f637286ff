//! Would this message be sent, and if not, why and what instead: the rule's own answer, with nothing sent (F3).

use super::evaluate::{Draft, evaluate};
use super::{Reason, SendError};
use domain::consent::Consents;
use domain::ids::TenantId;
use domain::permit::{Refusal, SendPurpose};
use domain::template::{Category, Template, TemplateState};
use domain::time::Millis;
use domain::window::ServiceWindow;
use platform::Platform;
use platform::dynamo::StoreError;
use platform::transport::Transport;
use serde::Serialize;

/// How many alternatives are named.
const NAMED: usize = 25;
/// Templates of one read.
const PAGE: u32 = 100;

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// When it may be sent, where time alone heals it; `null` when it may be sent now or time does not help.
    pub next_allowed_at: Option<Millis>,
    /// What can be sent instead.
    pub alternatives: Vec<Alternative>,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// The template of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    now: Millis,
) -> Result<Preflight, SendError> {
    let evaluated = evaluate(platform, transport, tenant, draft, now).await?;
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
    if reasons.iter().any(wants_template) {
        let templates = sendable(platform, tenant, situation.consents.allows_marketing()).await?;
        alternatives.extend(templates.into_iter().map(|template| Alternative::Template {
            name: template.name,
            language: template.language,
            category: template.category,
        }));
    }
    let last = situation.last_inbound.map(|(_, at)| at);
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
        next_allowed_at: None,
        alternatives,
    })
}

/// The approved templates that may be sent to somebody outside the window.
///
/// # Errors
/// The table did not answer.
pub async fn sendable(
    platform: &Platform,
    tenant: TenantId,
    marketing: bool,
) -> Result<Vec<Template>, StoreError> {
    let owner = crate::templates::owner(&platform.store, tenant).await?;
    let mut found: Vec<Template> = Vec::new();
    let mut after = None;
    loop {
        let page = platform.store.templates_page(owner, after, PAGE).await?;
        after = page.rows.last().map(|row| row.template.id);
        let rows = page.rows.into_iter().map(|row| row.template);
        found.extend(rows.filter(|template| {
            template.state == TemplateState::Approved
                && (marketing || template.category != Category::Marketing)
        }));
        if found.len() >= NAMED || !page.more {
            found.truncate(NAMED);
            return Ok(found);
        }
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
