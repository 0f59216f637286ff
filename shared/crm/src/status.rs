//! How the platform and its providers are doing, for everybody: the status page (C58).

use domain::availability::{Availability, Calls};
use domain::provider::Provider;
use domain::time::Millis;
use platform::Platform;
use platform::telemetry::chain;
use platform::transport::Transport;
use serde::Serialize;

/// Whom messages go through.
const PROVIDERS: [Provider; 3] = [Provider::Meta, Provider::Dialog360, Provider::Ultramsg];

/// How everything is doing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ServiceStatus))]
pub struct Status {
    /// As the component that does worst.
    pub status: Availability,
    /// Each part: `api`, `meta`, `dialog360`, `ultramsg`.
    pub components: Vec<Component>,
    /// When this was looked at; an answer may be ten seconds old.
    pub checked_at: Millis,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = StatusComponent))]
pub struct Component {
    /// Its name.
    pub name: &'static str,
    /// How it is doing.
    pub status: Availability,
    /// What that means for messages, while it is not as it should be.
    pub message: Option<&'static str>,
}

/// Looks at everything. A table that does not answer is the platform's own outage, not an error.
pub async fn status(platform: &Platform, now: Millis) -> Status {
    let mut components = vec![Component { name: "api", status: Availability::Operational, message: None }];
    for provider in PROVIDERS {
        match platform.store.provider_calls(provider, now).await {
            Ok(calls) => components.push(of(provider, calls)),
            Err(error) => {
                tracing::warn!("the status is not known: {}", chain(&error));
                let message =
                    Some("Requests may be answered 503. Send them again; nothing accepted is lost.");
                components = vec![Component { name: "api", status: Availability::Down, message }];
                break;
            }
        }
    }
    let worst = components.iter().map(|one| one.status).max().unwrap_or(Availability::Operational);
    Status { status: worst, components, checked_at: now }
}

fn of(provider: Provider, calls: Calls) -> Component {
    let status = calls.availability();
    let message = match status {
        Availability::Operational => None,
        Availability::Degraded => Some("Some messages wait and are tried again, some become uncertain."),
        Availability::Down => Some("Messages wait and are tried again, or become uncertain."),
    };
    Component { name: provider.as_str(), status, message }
}

/// Adds what this process saw of the providers since it was last asked. Losing it would only make the page a little
/// slower to notice.
pub async fn report(platform: &Platform, transport: &Transport, now: Millis) {
    for provider in PROVIDERS {
        let seen = transport.seen(provider);
        if seen == Calls::default() {
            continue;
        }
        if let Err(error) = platform.store.add_provider_calls(provider, seen, now).await {
            tracing::warn!(%provider, "calls were not counted: {}", chain(&error));
        }
    }
}
