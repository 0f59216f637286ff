//! Connecting numbers safely: proven at the provider before anything is saved, shown without secrets, checked,
//! disconnected. Nothing half-connected stays behind.

mod call;
mod card;
mod check;
mod connect;
mod cut_over;
mod disconnect;
mod hook;
mod probe;
mod profile;
mod rotate;
pub(crate) mod seal;
mod wake;

pub use card::{Card, NumberRef, Overlap, SecretHint, ShownOnce, card, cards, empty_card};
pub use check::{Checked, check};
pub use connect::{Connected, connect};
pub use cut_over::{CutOver, CutOverFrom, cut_over, roll_back};
pub use disconnect::{Disconnected, disconnect};
pub(crate) use probe::claims;
pub use profile::{BusinessProfile, business_profile, change_business_profile};
pub use rotate::rotate;

pub use providers::account::profile::{ProfileChange, VERTICALS};

use crate::send::By;
use domain::ids::TenantId;
use domain::number::ConnectionStatus;
use domain::provider::Provider;
use domain::redacted::Redacted;
use domain::setup::{Onboarding, SetupStep};
use domain::tenant::Plan;
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Integration, NewAuditEntry, StoreError};
use platform::transport::Transport;
use platform::vault::VaultError;
use std::time::Duration;

/// How long the one before a rotated secret stays good, in milliseconds.
pub const OVERLAP_MS: u64 = 24 * 60 * 60 * 1000;
/// How long proving a number may take: several calls, each of which may hang for ten seconds.
const PROBE: Duration = Duration::from_secs(12);
/// How long a look at a number may take (D20).
const LOOK: Duration = Duration::from_millis(9_500);

/// What connecting needs of the world.
#[derive(Debug, Clone, Copy)]
pub struct Outside<'a> {
    /// Tables, vault, queues.
    pub platform: &'a Platform,
    /// The providers.
    pub transport: &'a Transport,
    /// Where the providers find us, such as `https://api.example.ae`, without a slash at the end.
    pub public_url: &'a str,
    /// The path that 360dialog is asked to prove a key.
    pub dialog360_probe_path: &'a str,
}

impl Outside<'_> {
    /// Where a tenant's webhooks go.
    #[must_use]
    pub fn webhook_url(&self, tenant: TenantId) -> String {
        format!("{}/v1/webhooks/whatsapp/{tenant}", self.public_url)
    }
}

/// What an admin gives to connect a number; the forms are checked already.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Meta.
    Meta {
        /// The number.
        phone_number_id: String,
        /// The business account.
        waba_id: String,
        /// The system user's token.
        access_token: Redacted<String>,
        /// The secret of the token's app, when it is the tenant's own.
        app_secret: Option<Redacted<String>>,
        /// What the handshake repeats.
        verify_token: Option<Redacted<String>>,
    },
    /// 360dialog.
    Dialog360 {
        /// The key of the channel.
        api_key: Redacted<String>,
        /// What webhooks bring along.
        webhook_secret: Option<Redacted<String>>,
    },
    /// UltraMsg.
    Ultramsg {
        /// The instance, without its prefix.
        instance_id: String,
        /// Its token.
        token: Redacted<String>,
    },
}

impl Credentials {
    /// Whose they are.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        match self {
            Self::Meta { .. } => Provider::Meta,
            Self::Dialog360 { .. } => Provider::Dialog360,
            Self::Ultramsg { .. } => Provider::Ultramsg,
        }
    }
}

/// A number was not connected, changed or taken away.
#[derive(Debug, thiserror::Error)]
pub enum IntegrationError {
    /// A sandbox has no numbers of its own.
    #[error("a sandbox calls no provider")]
    Sandbox,
    /// There is no such number, or no such tenant.
    #[error("not found")]
    NotFound,
    /// The tenant's plan has no such provider.
    #[error("the plan does not include {provider}")]
    Plan {
        /// The plan.
        plan: Plan,
        /// The provider.
        provider: Provider,
    },
    /// The provider does not confirm what was given; nothing was saved.
    #[error("{}", .0.message)]
    Rejected(Box<Rejection>),
    /// The number belongs to another tenant.
    #[error("the number belongs to another tenant")]
    Taken {
        /// The field that names it.
        field: &'static str,
    },
    /// Somebody else changes it at the same time.
    #[error("the number is being changed by somebody else")]
    Changed,
    /// A rotated secret's predecessor is still good.
    #[error("the previous secret is still good")]
    Overlapping {
        /// Until then.
        until: Millis,
    },
    /// The number does not work now, so nothing may depend on it.
    #[error("{message}")]
    NotReady {
        /// What a look at it found.
        status: ConnectionStatus,
        /// In a sentence.
        message: String,
    },
    /// There is no number whose place could be taken or given back.
    #[error("{0}")]
    NotReplaceable(&'static str),
    /// The provider has no profiles that could be read or changed.
    #[error("{provider} has no business profiles")]
    NoProfile {
        /// The provider.
        provider: Provider,
    },
    /// The provider did not answer as it should.
    #[error("{}", .0.message)]
    Unanswered(Box<Unanswered>),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

/// Why a provider does not confirm what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The field of the body that it is about.
    pub field: &'static str,
    /// Why and what to do.
    pub message: String,
    /// How the connection would stand.
    pub status: ConnectionStatus,
    /// The provider's HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// The provider's code, where it has one.
    pub code: Option<i64>,
    /// The steps at Meta, where the refusal shows which are missing; empty else.
    pub setup: Vec<SetupStep>,
}

/// What came from a provider in place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// The provider.
    pub provider: Provider,
    /// What is wrong and what to do.
    pub message: String,
    /// How the connection stands.
    pub status: ConnectionStatus,
    /// The provider's HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// The provider's code, where it has one.
    pub code: Option<i64>,
}

impl Rejection {
    fn said(field: &'static str, message: impl Into<String>) -> Self {
        let status = ConnectionStatus::Error;
        Self { field, message: message.into(), status, http_status: None, code: None, setup: Vec::new() }
    }

    /// With the steps that were seen to be taken, unless the provider merely did not answer.
    fn with_setup(self, seen: &Onboarding) -> Self {
        match self.status {
            ConnectionStatus::RateLimited | ConnectionStatus::Unreachable => self,
            ConnectionStatus::Live
            | ConnectionStatus::Demo
            | ConnectionStatus::Broken
            | ConnectionStatus::NotConfigured
            | ConnectionStatus::Unauthorized
            | ConnectionStatus::NotProvisioned
            | ConnectionStatus::Error => Self { setup: seen.steps(), ..self },
        }
    }
}

impl From<Rejection> for IntegrationError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(Box::new(rejection))
    }
}

/// The name under which what webhooks bring along is sealed.
const fn webhook_secret_name(provider: Provider) -> &'static str {
    match provider {
        Provider::Meta => "verify_token",
        Provider::Dialog360 | Provider::Ultramsg | Provider::Sandbox => "webhook_secret",
    }
}

/// What a person calls the provider.
const fn name(provider: Provider) -> &'static str {
    match provider {
        Provider::Meta => "Meta",
        Provider::Dialog360 => "360dialog",
        Provider::Ultramsg => "UltraMsg",
        Provider::Sandbox => "The sandbox",
    }
}

async fn audit(
    platform: &Platform,
    by: By,
    action: &str,
    integration: &Integration,
    now: Millis,
) -> Result<(), StoreError> {
    let target = format!("{}/{}", integration.number.provider, integration.number_id());
    audit_of(platform, by, action, &target, now).await
}

async fn audit_of(
    platform: &Platform,
    by: By,
    action: &str,
    target: &str,
    now: Millis,
) -> Result<(), StoreError> {
    let actor = by.actor();
    let entry = NewAuditEntry { at: now, actor: &actor, action, target, trace_id: by.trace_id };
    platform.store.append_audit(by.tenant, entry).await.map(drop)
}
