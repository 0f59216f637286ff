//! Webhooks about a number's rating, limit and name move what we know of it; the event itself is kept either way.

use super::IngestError;
use super::events::Context;
use crate::health::{Heard, hear};
use domain::window;
use platform::dynamo::Integration;
use providers::event::Event;
use providers::health::{NumberNews, digits};

/// Keeps what a webhook tells and says what came of it, for the event log.
pub(super) async fn follow(
    context: &Context<'_>,
    event: &Event,
    field: &str,
    news: &NumberNews,
) -> Result<String, IngestError> {
    let delivery = context.delivery;
    let facts = context.store.tenant_facts(delivery.tenant).await?;
    let account = event.account.waba_id.as_deref();
    let of_account = facts.integrations.iter().filter(|one| {
        let own = one.number.waba_id.as_deref();
        one.number.provider == delivery.provider && (own.is_none() || account.is_none() || own == account)
    });
    let all: Vec<&Integration> = of_account.collect();
    let named: Vec<&Integration> = match &news.display {
        // Meta names a number as it is shown, not by its id.
        Some(display) => {
            let shown = |one: &&Integration| {
                let shown = one.about.facts.display_phone_number.as_deref().map(digits);
                shown.as_ref() == Some(display)
            };
            let found: Vec<&Integration> = all.iter().copied().filter(shown).collect();
            if found.is_empty() && all.len() == 1 { all } else { found }
        }
        None => all,
    };
    if named.is_empty() {
        return Ok(format!(
            "kept: {field}, of a number that is not known by how it is shown; a check tells its number"
        ));
    }
    // The provider tells whole seconds: what it tells is so at the end of them.
    let told = event.notified_at.unwrap_or(delivery.received_at);
    let at = window::clamped(told.plus_ms(999), delivery.received_at);
    for one in &named {
        let heard = Heard {
            tenant: delivery.tenant,
            provider: delivery.provider,
            number: one.number_id(),
            report: &news.report,
            limit: news.limit,
            at,
            asked: false,
            trace_id: delivery.trace_id,
        };
        hear(context.emitter.platform, heard, context.now).await?;
    }
    let numbers: Vec<&str> = named.iter().map(|one| one.number_id()).collect();
    Ok(format!("followed: {field} of {}", numbers.join(", ")))
}
