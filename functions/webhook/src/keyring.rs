//! What one tenant accepts, and which of it a request may be asking for.

use domain::provider::Provider;
use providers::signature::{Accepted, Presented, Secret};

/// What one tenant accepts, by provider; `None` for a provider that it does not use.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    pub(crate) meta: Option<Accepted>,
    dialog360: Option<Accepted>,
    ultramsg: Option<Accepted>,
    pub(crate) verify_tokens: Vec<Secret>,
    /// At least one of its Meta numbers belongs to the platform's app.
    pub(crate) platform_app: bool,
    pub(crate) platform_verify_token: bool,
}

/// What a sealed secret is good for at this door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The HMAC key of the provider's own signature.
    Signature,
    /// What the provider repeats in the handshake.
    VerifyToken,
    /// What the provider was told to bring along.
    Webhook,
}

impl Kind {
    /// Access tokens and the like lie beside these; this function has no business opening them.
    pub(crate) fn of(provider: Provider, name: &str) -> Option<Self> {
        match (provider, name.strip_suffix("_previous").unwrap_or(name)) {
            (Provider::Meta | Provider::Dialog360, "app_secret") => Some(Self::Signature),
            (_, "verify_token") => Some(Self::VerifyToken),
            (Provider::Dialog360 | Provider::Ultramsg, "webhook_secret") => Some(Self::Webhook),
            _ => None,
        }
    }
}

impl Keyring {
    pub(crate) fn accepted(&self, provider: Provider) -> Option<&Accepted> {
        match provider {
            Provider::Meta => self.meta.as_ref(),
            Provider::Dialog360 => self.dialog360.as_ref(),
            Provider::Ultramsg => self.ultramsg.as_ref(),
            Provider::Sandbox => None,
        }
    }

    /// Adds one number's secrets to its provider's: numbers of one provider speak through the same door. A secret
    /// that is there but does not open is `None`: it opens no door, and nothing stands in for it.
    pub(crate) fn add(&mut self, provider: Provider, secrets: Vec<(Kind, Option<Secret>)>) {
        if provider == Provider::Meta {
            self.platform_app |= !secrets.iter().any(|(kind, _)| *kind == Kind::Signature);
            self.platform_verify_token |= !secrets.iter().any(|(kind, _)| *kind == Kind::VerifyToken);
        }
        let accepted = match provider {
            Provider::Meta => &mut self.meta,
            Provider::Dialog360 => &mut self.dialog360,
            Provider::Ultramsg => &mut self.ultramsg,
            // The sandbox sends no webhooks, so it has no secrets.
            Provider::Sandbox => return,
        };
        let accepted = accepted.get_or_insert_default();
        for (kind, secret) in secrets.into_iter().filter_map(|(kind, secret)| Some((kind, secret?))) {
            match (kind, provider) {
                (Kind::VerifyToken, _) => add(&mut self.verify_tokens, secret),
                (Kind::Signature, Provider::Dialog360) => add(&mut accepted.dialog360_secrets, secret),
                (Kind::Signature, _) => add(&mut accepted.app_secrets, secret),
                (Kind::Webhook, provider) => {
                    match provider {
                        Provider::Ultramsg => add(&mut accepted.relay_secrets, secret.clone()),
                        Provider::Meta | Provider::Dialog360 | Provider::Sandbox => {
                            add(&mut accepted.header_secrets, secret.clone());
                        }
                    }
                    add(&mut accepted.url_tokens, secret);
                }
            }
        }
    }

    /// The providers whose credential this may be. A signature speaks for its provider alone; only a bare token can
    /// be that of either provider that has one.
    pub(crate) fn candidates(&self, presented: &Presented<'_>) -> impl Iterator<Item = Provider> {
        let signed_by_dialog360 =
            presented.dialog360_signature.is_some() || presented.header_secret.is_some();
        let one = if presented.hub_signature.is_some() && self.meta.is_some() {
            Some(Provider::Meta)
        } else if signed_by_dialog360 && self.dialog360.is_some() {
            Some(Provider::Dialog360)
        } else if presented.hadar_signature.is_some() && self.ultramsg.is_some() {
            Some(Provider::Ultramsg)
        } else {
            None
        };
        let by_token = [Provider::Dialog360, Provider::Ultramsg].into_iter().filter(move |_| one.is_none());
        one.into_iter().chain(by_token)
    }
}

/// The same secret twice would be an HMAC over the body twice.
fn add(list: &mut Vec<Secret>, secret: Secret) {
    if !list.contains(&secret) {
        list.push(secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Presented<'_> = Presented {
        hub_signature: None,
        dialog360_signature: None,
        header_secret: None,
        url_token: None,
        hadar_signature: None,
    };

    fn keyring() -> Keyring {
        let mut keyring = Keyring::default();
        keyring.add(
            Provider::Meta,
            vec![(Kind::Signature, Some(Secret::new("a"))), (Kind::VerifyToken, Some(Secret::new("v")))],
        );
        keyring.add(Provider::Dialog360, vec![(Kind::Webhook, Some(Secret::new("d")))]);
        keyring.add(Provider::Ultramsg, vec![(Kind::Webhook, Some(Secret::new("u")))]);
        keyring
    }

    #[test]
    fn a_signature_speaks_for_its_provider_alone() {
        let tried = |presented| keyring().candidates(&presented).collect::<Vec<_>>();
        let token = Presented { url_token: Some("u"), ..NOTHING };
        assert_eq!(tried(Presented { hub_signature: Some(""), ..token }), [Provider::Meta]);
        assert_eq!(tried(Presented { dialog360_signature: Some(""), ..token }), [Provider::Dialog360]);
        assert_eq!(tried(Presented { header_secret: Some(""), ..token }), [Provider::Dialog360]);
        assert_eq!(tried(Presented { hadar_signature: Some(""), ..token }), [Provider::Ultramsg]);
        assert_eq!(tried(token), [Provider::Dialog360, Provider::Ultramsg]);
        let without_meta = Keyring { meta: None, ..keyring() };
        let hub_and_token = Presented { hub_signature: Some("sha256="), ..token };
        let tried: Vec<_> = without_meta.candidates(&hub_and_token).collect();
        assert_eq!(tried, [Provider::Dialog360, Provider::Ultramsg], "it is no credential of theirs");
    }

    #[test]
    fn the_platforms_secrets_stand_in_only_where_a_meta_number_has_none() {
        let own = keyring();
        assert!(!own.platform_app && !own.platform_verify_token);
        let mut mixed = keyring();
        mixed.add(Provider::Meta, vec![]);
        assert!(mixed.platform_app && mixed.platform_verify_token);
        let mut damaged = Keyring::default();
        damaged.add(Provider::Meta, vec![(Kind::Signature, None), (Kind::VerifyToken, None)]);
        assert!(!damaged.platform_app && !damaged.platform_verify_token);
        let mut other = Keyring::default();
        other.add(Provider::Ultramsg, vec![]);
        assert!(!other.platform_app && !other.platform_verify_token);
    }

    #[test]
    fn only_what_this_door_needs_is_opened() {
        assert_eq!(Kind::of(Provider::Meta, "app_secret_previous"), Some(Kind::Signature));
        assert_eq!(Kind::of(Provider::Ultramsg, "webhook_secret"), Some(Kind::Webhook));
        assert_eq!(Kind::of(Provider::Dialog360, "webhook_secret_previous"), Some(Kind::Webhook));
        for (provider, name) in [
            (Provider::Meta, "access_token"),
            (Provider::Meta, "webhook_secret"),
            (Provider::Dialog360, "api_key"),
            (Provider::Ultramsg, "token"),
            (Provider::Ultramsg, "app_secret"),
        ] {
            assert_eq!(Kind::of(provider, name), None, "{provider} {name}");
        }
    }

    #[test]
    fn two_numbers_with_one_secret_cost_one_comparison() {
        let mut keyring = keyring();
        keyring.add(Provider::Meta, vec![(Kind::Signature, Some(Secret::new("a")))]);
        assert_eq!(keyring.meta.unwrap().app_secrets.len(), 1);
    }
}
