//! Numbers and their providers: connect, show, check, send a test message, rotate the webhook secret, take away; and
//! what holds for the whole tenant.

mod assistant;
mod body;
mod chatwoot;
mod check;
mod cut_over;
mod escalation;
mod number;
mod problem;
mod profile;
mod rotate;
mod select;
mod settings;
mod status;
mod test_message;

use axum::routing::{get, post};
use axum::{Extension, Router};
use crm::integrations::Outside;
use platform::Platform;
use platform::config::Config;
use platform::courier::Courier;
use platform::http::serve_with_public;
use platform::transport::Transport;
use std::sync::Arc;

/// The routes as the OpenAPI document describes them.
#[cfg(feature = "openapi")]
#[derive(Debug, utoipa::OpenApi)]
#[openapi(paths(
    number::list,
    number::get,
    number::put,
    number::delete,
    check::post,
    rotate::post,
    test_message::post,
    cut_over::post,
    cut_over::roll,
    profile::get,
    profile::patch,
    settings::get,
    settings::patch,
    status::get,
    assistant::get,
    assistant::put,
    assistant::delete,
    chatwoot::get,
    chatwoot::put,
    chatwoot::delete,
))]
pub struct Document;

/// The routes, ready to serve.
pub fn router(platform: Platform, transport: Transport, courier: Courier, settings: Settings) -> Router {
    let routes = Router::new()
        .route("/integrations/whatsapp", get(number::list))
        .route("/integrations/whatsapp/{provider}", get(number::get).put(number::put).delete(number::delete))
        .route("/integrations/whatsapp/{provider}/check", post(check::post))
        .route("/integrations/whatsapp/{provider}/test-message", post(test_message::post))
        .route("/integrations/whatsapp/{provider}/rotate-secret", post(rotate::post))
        .route("/settings", get(settings::get).patch(settings::patch))
        .route("/integrations/whatsapp/{provider}/cut-over", post(cut_over::post))
        .route("/integrations/whatsapp/{provider}/roll-back", post(cut_over::roll))
        .route("/integrations/whatsapp/{provider}/profile", get(profile::get).patch(profile::patch))
        .route("/integrations/assistant", get(assistant::get).put(assistant::put).delete(assistant::delete))
        .route("/integrations/chatwoot", get(chatwoot::get).put(chatwoot::put).delete(chatwoot::delete));
    let (settings, latest) = (Arc::new(settings), status::Latest::default());
    let world = Extension(World { transport, courier, settings, latest });
    let public = Router::new().route("/status", get(status::get));
    serve_with_public(routes.layer(world.clone()), public.layer(world), platform)
}

/// What this deployment says about itself.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the providers find us; empty where the address of the request is the public one.
    pub public_url: String,
    /// The path that 360dialog is asked to prove a key.
    pub dialog360_probe_path: String,
}

impl Settings {
    /// Takes them from the configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            public_url: config.public_url.clone(),
            dialog360_probe_path: config.dialog360_probe_path.clone(),
        }
    }
}

/// What the handlers share besides the platform.
#[derive(Debug, Clone)]
pub(crate) struct World {
    transport: Transport,
    courier: Courier,
    settings: Arc<Settings>,
    latest: status::Latest,
}

impl World {
    pub(crate) const fn latest(&self) -> &status::Latest {
        &self.latest
    }

    pub(crate) const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Speaks HTTP with addresses that tenants give.
    pub(crate) const fn courier(&self) -> &Courier {
        &self.courier
    }

    pub(crate) fn outside<'a>(&'a self, platform: &'a Platform, public_url: &'a PublicUrl) -> Outside<'a> {
        Outside {
            platform,
            transport: &self.transport,
            public_url: &public_url.0,
            dialog360_probe_path: &self.settings.dialog360_probe_path,
        }
    }

    /// Where the providers find us: as configured, else where this request found us.
    pub(crate) fn public_url(&self, headers: &axum::http::HeaderMap) -> PublicUrl {
        if !self.settings.public_url.is_empty() {
            return PublicUrl(self.settings.public_url.clone());
        }
        // API Gateway passes its own name, or the domain mapped to it, and no other.
        let host = headers.get(axum::http::header::HOST).and_then(|host| host.to_str().ok());
        let plain = |host: &&str| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        };
        PublicUrl(format!("https://{}", host.filter(plain).unwrap_or("localhost")))
    }
}

/// The root under which the providers find us.
#[derive(Debug, Clone)]
pub(crate) struct PublicUrl(String);
