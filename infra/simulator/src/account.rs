//! The businesses that the simulated providers know.

use crate::desk::Desk;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A business's number with one provider.
#[derive(Clone)]
pub struct Account {
    /// The tenant whose number it is; the simulator only hands it back.
    pub tenant_id: String,
    /// Where the provider posts: an absolute URL, or a path under the front door.
    pub webhook_url: String,
    /// Which provider, and what opens the number.
    pub provider: Provider,
}

/// A provider, and what opens a number there.
#[derive(Clone)]
pub enum Provider {
    /// Meta's Graph API.
    Meta {
        /// Signs webhooks.
        app_secret: String,
        /// What the handshake must echo the challenge for.
        verify_token: String,
        /// The number.
        phone_number_id: String,
        /// The business account.
        waba_id: String,
        /// The access token.
        token: String,
    },
    /// 360dialog.
    Dialog360 {
        /// The key of the number's channel.
        api_key: String,
        /// Travels in the webhook's URL.
        webhook_token: String,
    },
    /// UltraMsg.
    Ultramsg {
        /// The instance, without the `instance` prefix.
        instance_id: String,
        /// The token of the instance.
        token: String,
        /// Travels in the webhook's URL.
        webhook_token: String,
    },
}

/// What is shown of an account holds no secret.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Account");
        shown.field("tenant_id", &self.tenant_id).field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().name())
    }
}

impl Provider {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Meta { .. } => Kind::Meta,
            Self::Dialog360 { .. } => Kind::Dialog360,
            Self::Ultramsg { .. } => Kind::Ultramsg,
        }
    }
}

/// Whose API was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Meta,
    Dialog360,
    Ultramsg,
    Llm,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Dialog360 => "dialog360",
            Self::Ultramsg => "ultramsg",
            Self::Llm => "llm",
        }
    }
}

/// An account with what the provider remembers about it.
pub(crate) struct Line {
    pub(crate) account: Account,
    /// The number's digits.
    pub(crate) display: String,
    /// The number's id in webhooks; 360dialog's is made up here.
    pub(crate) phone_number_id: String,
    /// The business account's id in webhooks; 360dialog's is made up here.
    pub(crate) waba_id: String,
    desk: Mutex<Desk>,
}

impl Line {
    /// The `nth` account of the simulator.
    pub(crate) fn new(account: Account, nth: usize) -> Self {
        let (phone_number_id, waba_id) = match &account.provider {
            Provider::Meta { phone_number_id, waba_id, .. } => (phone_number_id.clone(), waba_id.clone()),
            Provider::Dialog360 { .. } => (format!("36010000000{nth:04}"), format!("36020000000{nth:04}")),
            Provider::Ultramsg { .. } => (String::new(), String::new()),
        };
        let desk = Mutex::new(Desk::new());
        Self { account, display: format!("971455{:05}", 50100 + nth), phone_number_id, waba_id, desk }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.account.provider.kind()
    }

    /// What the provider remembers; held only between two awaits.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
