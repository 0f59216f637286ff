//! Where a tenant's data is sent: what follows from what it connected, and what it wrote down itself.

use domain::ids::TenantId;
use domain::lead::FeedKind;
use domain::privacy::TransferNote;
use domain::provider::Provider;
use platform::dynamo::{Store, StoreError};
use serde::Serialize;

/// The words for a place that the tenant must know itself.
const TENANTS_CHOICE: &str = "as the tenant chose";

/// Somewhere that data is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Transfer {
    /// Its id: `meta`, `dialog360`, `ultramsg`, a source of leads, `chatwoot`, a receiver's id, or the tenant's own.
    pub id: String,
    /// Who receives it.
    pub recipient: String,
    /// Where that is.
    pub region: String,
    /// What for.
    pub purpose: String,
    /// What is sent.
    pub data: Option<&'static str>,
    /// What the law allows it by, as the tenant wrote it down; `null` until it does.
    pub legal_basis: Option<String>,
    /// Whether it follows from what is connected; such an entry cannot be left out.
    pub built_in: bool,
}

/// Everywhere that a tenant's data is sent.
///
/// # Errors
/// The table did not answer.
pub async fn transfers(store: &Store, tenant: TenantId) -> Result<Vec<Transfer>, StoreError> {
    let facts = store.tenant_facts_now(tenant).await?;
    let mut all = Vec::new();
    for provider in [Provider::Meta, Provider::Dialog360, Provider::Ultramsg] {
        if facts.integrations.iter().any(|one| one.number.provider == provider) {
            all.extend(of_provider(provider));
        }
    }
    for kind in [FeedKind::Bayut, FeedKind::Dubizzle] {
        if store.feed(tenant, kind).await?.is_some() {
            all.push(known(
                kind.to_string(),
                format!("{kind} (portal)"),
                "the portal's own",
                "asking for enquiries",
                "the tenant's key and a date; enquiries come back",
            ));
        }
    }
    if let Some(chatwoot) = store.chatwoot(tenant).await? {
        all.push(known(
            "chatwoot".to_owned(),
            format!("Chatwoot ({})", chatwoot.base_url),
            TENANTS_CHOICE,
            "answering customers who were handed to a person",
            "the messages of such conversations, with names and numbers",
        ));
    }
    if let Some(assistant) = store.assistant(tenant).await? {
        let own = "the deployment's own language model";
        let recipient = assistant.settings.base_url.unwrap_or_else(|| own.to_owned());
        all.push(Transfer {
            region: assistant.settings.region,
            legal_basis: Some(assistant.settings.legal_basis),
            ..known(
                "assistant".to_owned(),
                recipient,
                TENANTS_CHOICE,
                "drafts, translations and answers by a language model",
                "the texts of a conversation's latest messages, without files, numbers or names besides what they say",
            )
        });
    }
    for endpoint in facts.endpoints.iter().filter(|endpoint| endpoint.enabled) {
        all.push(known(
            endpoint.id.to_string(),
            endpoint.url.clone(),
            TENANTS_CHOICE,
            "customer webhooks",
            "events with ids, and names, numbers and texts where the event type carries them",
        ));
    }
    for note in store.privacy_settings(tenant).await?.transfers {
        add(&mut all, note);
    }
    Ok(all)
}

fn of_provider(provider: Provider) -> Option<Transfer> {
    let (recipient, region) = match provider {
        Provider::Meta => ("Meta Platforms (WhatsApp Cloud API, graph.facebook.com)", "outside the UAE"),
        Provider::Dialog360 => {
            ("360dialog (waba-v2.360dialog.io)", "outside the UAE; passed on to Meta, outside the UAE")
        }
        Provider::Ultramsg => ("UltraMsg (api.ultramsg.com)", "outside the UAE"),
        Provider::Sandbox => return None,
    };
    let data = "messages to customers with their numbers, files to send, templates, the business profile";
    Some(known(
        provider.to_string(),
        recipient.to_owned(),
        region,
        "sending and receiving WhatsApp messages",
        data,
    ))
}

fn known(id: String, recipient: String, region: &str, purpose: &str, data: &'static str) -> Transfer {
    Transfer {
        id,
        recipient,
        region: region.to_owned(),
        purpose: purpose.to_owned(),
        data: Some(data),
        legal_basis: None,
        built_in: true,
    }
}

/// What was written down, on the entry it is about or as one of its own.
fn add(all: &mut Vec<Transfer>, note: TransferNote) {
    if let Some(entry) = all.iter_mut().find(|entry| entry.id == note.id) {
        entry.legal_basis = note.legal_basis;
        entry.region = note.region.unwrap_or_else(|| entry.region.clone());
        entry.purpose = note.purpose.unwrap_or_else(|| entry.purpose.clone());
        return;
    }
    all.push(Transfer {
        recipient: note.recipient.unwrap_or_else(|| note.id.clone()),
        id: note.id,
        region: note.region.unwrap_or_else(|| TENANTS_CHOICE.to_owned()),
        purpose: note.purpose.unwrap_or_else(|| TENANTS_CHOICE.to_owned()),
        data: None,
        legal_basis: note.legal_basis,
        built_in: false,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_by_itself_stays_and_takes_the_legal_basis_that_was_written_down() {
        let mut all = vec![of_provider(Provider::Meta).unwrap()];
        let basis = Some("contract with the customer".to_owned());
        let note = |id: &str| TransferNote {
            id: id.to_owned(),
            recipient: Some("Somebody".to_owned()),
            region: None,
            purpose: None,
            legal_basis: basis.clone(),
        };
        add(&mut all, note("meta"));
        add(&mut all, note("accountant"));
        let [meta, own] = all.as_slice() else { panic!("{all:?}") };
        assert!(meta.built_in && meta.recipient.starts_with("Meta") && meta.region == "outside the UAE");
        assert_eq!(meta.legal_basis, basis);
        assert!(!own.built_in && own.recipient == "Somebody");
    }
}
