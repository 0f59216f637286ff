//! Configuration, read from the environment once, complete or with every fault named at once.

use domain::ids::TenantId;
use domain::lead::FeedKind;
use domain::provider::Provider;
use domain::redacted::Redacted;
use std::path::PathBuf;
use std::time::Duration;

/// How long a call of a provider may take in all, unless told.
pub const PROVIDER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a language model may take in all, unless a provider may take less.
const LLM_TIMEOUT: Duration = Duration::from_secs(8);

/// What a function needs to know about where it runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The deployment stage, such as `prod`.
    pub stage: String,
    /// The function's own name; sent as `User-Agent: hadar/<function>`.
    pub function: String,
    /// Where AWS is.
    pub aws: AwsConfig,
    /// The table of tenants, contacts, conversations, messages and events.
    pub crm_table: String,
    /// The consent ledger.
    pub consents_table: String,
    /// Idempotency keys, rate windows and leases.
    pub ephemeral_table: String,
    /// The queue of verified webhooks. Empty where a function has none.
    pub inbound_queue_url: String,
    /// The KMS key that wraps the tenants' data keys.
    pub tokens_key_id: String,
    /// The secret that holds what belongs to the platform: Meta's app secret and verify token, the cursor key.
    pub platform_secret_id: String,
    /// The one tenant of `/api/webhooks/whatsapp`, when this deployment has one.
    pub single_tenant: Option<TenantId>,
    /// The queue of conversations that have something to send. Empty where a function has none.
    pub outbound_queue_url: String,
    /// The queue of deliveries of customer webhooks. Empty where a function has none.
    pub deliveries_queue_url: String,
    /// The queue of customers who wait for the assistant. Empty where a function has none.
    pub assistant_queue_url: String,
    /// The root of the deployment's own OpenAI-compatible service. Empty where it has none.
    pub llm_url: String,
    /// Whether customer webhooks may go over http to this machine, on any port; never in production.
    pub allow_loopback_endpoints: bool,
    /// The bucket of media. Empty where a function has none.
    pub media_bucket: String,
    /// The bucket of the audit logs' sealed ends. Empty where a function has none.
    pub audit_bucket: String,
    /// The KMS key that seals them.
    pub audit_key_id: String,
    /// Where the providers are.
    pub providers: ProviderRoots,
    /// How long a call of a provider may take in all; [`PROVIDER_TIMEOUT`] but in tests.
    pub provider_timeout: Duration,
    /// Where the providers find us, such as `https://api.example.ae`. Empty where the API's own address serves.
    pub public_url: String,
    /// The path that 360dialog is asked to prove a key; an account answers one or another.
    pub dialog360_probe_path: String,
}

/// The roots of the providers' APIs, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRoots {
    /// Meta's Graph API, in place of `https://graph.facebook.com`.
    pub meta: String,
    /// 360dialog, in place of `https://waba-v2.360dialog.io`.
    pub dialog360: String,
    /// UltraMsg, in place of `https://api.ultramsg.com`.
    pub ultramsg: String,
    /// Bayut, in place of `https://www.bayut.com`.
    pub bayut: String,
    /// Dubizzle, in place of `https://dubizzle.com`.
    pub dubizzle: String,
}

impl Default for ProviderRoots {
    fn default() -> Self {
        Self {
            meta: "https://graph.facebook.com".to_owned(),
            dialog360: "https://waba-v2.360dialog.io".to_owned(),
            ultramsg: "https://api.ultramsg.com".to_owned(),
            bayut: "https://www.bayut.com".to_owned(),
            dubizzle: "https://dubizzle.com".to_owned(),
        }
    }
}

impl ProviderRoots {
    /// The root of a provider; the sandbox has none.
    #[must_use]
    pub fn of(&self, provider: Provider) -> Option<&str> {
        match provider {
            Provider::Meta => Some(&self.meta),
            Provider::Dialog360 => Some(&self.dialog360),
            Provider::Ultramsg => Some(&self.ultramsg),
            Provider::Sandbox => None,
        }
    }

    /// The root of a portal that is asked for leads; the other sources are not asked.
    #[must_use]
    pub fn of_portal(&self, kind: FeedKind) -> Option<&str> {
        match kind {
            FeedKind::Bayut => Some(&self.bayut),
            FeedKind::Dubizzle => Some(&self.dubizzle),
            FeedKind::MetaLeadAds | FeedKind::PropertyFinder | FeedKind::Website => None,
        }
    }
}

/// Where AWS is and who we are to it.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// The region, such as `me-central-1`.
    pub region: String,
    /// One endpoint for every service, in place of the regional ones (`AWS_ENDPOINT_URL`).
    pub endpoint_url: Option<String>,
    /// A PEM file of roots to trust beside the bundled ones (`AWS_CA_BUNDLE`).
    pub ca_bundle: Option<PathBuf>,
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Redacted<String>,
    /// The session token of temporary credentials.
    pub session_token: Option<Redacted<String>>,
}

/// The environment does not make a configuration; every fault is listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configuration: {}", .0.join("; "))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// How long a language model may take in all.
    #[must_use]
    pub fn llm_timeout(&self) -> Duration {
        LLM_TIMEOUT.min(self.provider_timeout)
    }

    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every missing or malformed variable, named in one error.
    pub fn from_env() -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads what an engineer's tools need: names by the conventions of a stage, region and credentials from the process's
    /// environment. With an endpoint of its own, where nobody looks at credentials, those may be missing.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn of_stage(stage: &str, endpoint_url: Option<&str>) -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let environment = |name: &str| std::env::var(name).ok();
        Self::from_lookup(|name| match name {
            "HADAR_STAGE" => Some(stage.to_owned()),
            "HADAR_CRM_TABLE" => Some(format!("hadar-{stage}-crm")),
            "HADAR_CONSENTS_TABLE" => Some(format!("hadar-{stage}-consents")),
            "HADAR_EPHEMERAL_TABLE" => Some(format!("hadar-{stage}-ephemeral")),
            "HADAR_TOKENS_KEY_ID" => Some(format!("alias/hadar-{stage}-tokens")),
            "HADAR_AUDIT_KEY_ID" => Some(format!("alias/hadar-{stage}-audit")),
            "HADAR_PLATFORM_SECRET_ID" => Some(format!("hadar/{stage}/platform")),
            "AWS_LAMBDA_FUNCTION_NAME" => Some("admin".to_owned()),
            "AWS_ENDPOINT_URL" if endpoint_url.is_some() => endpoint_url.map(str::to_owned),
            "AWS_REGION" => environment(name).or_else(|| Some("me-central-1".to_owned())),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" if endpoint_url.is_some() => {
                environment(name).or_else(|| Some("local".to_owned()))
            }
            name if name.starts_with("AWS_") => environment(name),
            _ => None,
        })
    }

    /// Reads from any source of variables.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let mut faults = Vec::new();
        let mut required = |name: &str| {
            get(name).unwrap_or_else(|| {
                faults.push(format!("{name} is not set"));
                String::new()
            })
        };
        let aws = AwsConfig {
            region: required("AWS_REGION"),
            access_key_id: required("AWS_ACCESS_KEY_ID"),
            secret_access_key: Redacted::new(required("AWS_SECRET_ACCESS_KEY")),
            session_token: get("AWS_SESSION_TOKEN").map(Redacted::new),
            endpoint_url: get("AWS_ENDPOINT_URL"),
            ca_bundle: get("AWS_CA_BUNDLE").map(PathBuf::from),
        };
        let crm_table = required("HADAR_CRM_TABLE");
        let single_tenant = get("HADAR_SINGLE_TENANT_ID").and_then(|text| {
            TenantId::parse(&text)
                .map_err(|error| faults.push(format!("HADAR_SINGLE_TENANT_ID: {error}")))
                .ok()
        });
        let optional = |name: &str| get(name).unwrap_or_default();
        let stage = get("HADAR_STAGE").unwrap_or_else(|| "dev".to_owned());
        let mut providers = ProviderRoots::default();
        for (name, root) in [
            ("HADAR_META_URL", &mut providers.meta),
            ("HADAR_DIALOG360_URL", &mut providers.dialog360),
            ("HADAR_ULTRAMSG_URL", &mut providers.ultramsg),
            ("HADAR_BAYUT_URL", &mut providers.bayut),
            ("HADAR_DUBIZZLE_URL", &mut providers.dubizzle),
        ] {
            let Some(other) = get(name) else { continue };
            // Whoever can set it reads every token; in production a provider is where it is (T32).
            if stage == "prod" && other != *root {
                faults.push(format!("{name} must not be set in the stage prod"));
            }
            *root = other.trim_end_matches('/').to_owned();
        }
        let mut provider_timeout = PROVIDER_TIMEOUT;
        if let Some(text) = get("HADAR_PROVIDER_TIMEOUT_MS") {
            match text.parse::<u64>() {
                // A lease outlives the call it is for (domain::outbound::LEASE_MS): it can only be made shorter.
                Ok(ms @ 1..=10_000) => provider_timeout = Duration::from_millis(ms),
                Ok(_) | Err(_) => {
                    faults.push("HADAR_PROVIDER_TIMEOUT_MS is not between 1 and 10000".to_owned());
                }
            }
            if stage == "prod" && provider_timeout != PROVIDER_TIMEOUT {
                faults.push("HADAR_PROVIDER_TIMEOUT_MS must not be set in the stage prod".to_owned());
            }
        }
        let llm_url = optional("HADAR_LLM_URL").trim_end_matches('/').to_owned();
        if stage == "prod" && !llm_url.is_empty() && !llm_url.starts_with("https://") {
            faults.push("HADAR_LLM_URL must begin with https:// in the stage prod".to_owned());
        }
        let public_url = optional("HADAR_PUBLIC_URL").trim_end_matches('/').to_owned();
        let secure =
            public_url.starts_with("https://") || (stage != "prod" && public_url.starts_with("http://"));
        if !public_url.is_empty() && !secure {
            faults.push("HADAR_PUBLIC_URL must begin with https://".to_owned());
        }
        let dialog360_probe_path =
            get("HADAR_DIALOG360_PROBE_PATH").unwrap_or_else(|| "/health_status".to_owned());
        if !dialog360_probe_path.starts_with('/') {
            faults.push("HADAR_DIALOG360_PROBE_PATH must begin with a slash".to_owned());
        }
        let allow_loopback_endpoints = get("HADAR_ALLOW_LOOPBACK_ENDPOINTS").as_deref() == Some("true");
        if stage == "prod" && allow_loopback_endpoints {
            faults.push("HADAR_ALLOW_LOOPBACK_ENDPOINTS must not be set in the stage prod".to_owned());
        }
        let config = Self {
            stage,
            function: get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "hadar".to_owned()),
            aws,
            crm_table,
            consents_table: optional("HADAR_CONSENTS_TABLE"),
            ephemeral_table: optional("HADAR_EPHEMERAL_TABLE"),
            inbound_queue_url: optional("HADAR_INBOUND_QUEUE_URL"),
            tokens_key_id: optional("HADAR_TOKENS_KEY_ID"),
            platform_secret_id: optional("HADAR_PLATFORM_SECRET_ID"),
            single_tenant,
            outbound_queue_url: optional("HADAR_OUTBOUND_QUEUE_URL"),
            deliveries_queue_url: optional("HADAR_DELIVERIES_QUEUE_URL"),
            assistant_queue_url: optional("HADAR_ASSISTANT_QUEUE_URL"),
            llm_url,
            allow_loopback_endpoints,
            media_bucket: optional("HADAR_MEDIA_BUCKET"),
            audit_bucket: optional("HADAR_AUDIT_BUCKET"),
            audit_key_id: optional("HADAR_AUDIT_KEY_ID"),
            providers,
            provider_timeout,
            public_url,
            dialog360_probe_path,
        };
        if faults.is_empty() { Ok(config) } else { Err(ConfigError(faults)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_variable_is_named_at_once() {
        let error =
            Config::from_lookup(|name| (name == "AWS_REGION").then(|| "me-central-1".into())).unwrap_err();
        assert_eq!(error.0.len(), 3, "{error}");
        assert!(error.to_string().contains("HADAR_CRM_TABLE is not set"));
    }

    #[test]
    fn in_production_a_provider_cannot_be_somewhere_else() {
        let read = |stage: &'static str| {
            Config::from_lookup(move |name| match name {
                "HADAR_STAGE" => Some(stage.to_owned()),
                "HADAR_META_URL" => Some("http://127.0.0.1:1/".to_owned()),
                "HADAR_SINGLE_TENANT_ID" | "HADAR_DIALOG360_URL" | "HADAR_ULTRAMSG_URL" => None,
                "HADAR_BAYUT_URL" | "HADAR_DUBIZZLE_URL" => None,
                "HADAR_PUBLIC_URL" | "HADAR_DIALOG360_PROBE_PATH" => None,
                "HADAR_PROVIDER_TIMEOUT_MS" => Some("250".to_owned()),
                _ => Some("x".to_owned()),
            })
        };
        let dev = read("dev").unwrap();
        assert_eq!(dev.providers.meta, "http://127.0.0.1:1");
        assert_eq!(dev.provider_timeout, Duration::from_millis(250));
        let refused = read("prod").unwrap_err().to_string();
        assert!(
            refused.contains("HADAR_META_URL") && refused.contains("HADAR_PROVIDER_TIMEOUT_MS"),
            "{refused}"
        );
    }

    #[test]
    fn a_providers_timeout_is_ten_seconds_and_can_only_be_made_shorter() {
        let read = |ms: &'static str| {
            let config = Config::from_lookup(move |name| match name {
                "HADAR_PROVIDER_TIMEOUT_MS" => Some(ms.to_owned()),
                "HADAR_SINGLE_TENANT_ID" | "HADAR_PUBLIC_URL" | "HADAR_DIALOG360_PROBE_PATH" => None,
                _ => Some("x".to_owned()),
            });
            config.map(|config| config.provider_timeout).ok()
        };
        assert_eq!(read(""), Some(PROVIDER_TIMEOUT));
        assert_eq!(read("10000"), Some(PROVIDER_TIMEOUT));
        for wrong in ["0", "10001", "-1", "soon"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn printing_a_configuration_shows_no_secret() {
        let config = Config::from_lookup(|name| {
            let kept_out = [
                "HADAR_SINGLE_TENANT_ID",
                "HADAR_PROVIDER_TIMEOUT_MS",
                "HADAR_PUBLIC_URL",
                "HADAR_DIALOG360_PROBE_PATH",
            ];
            Some(if kept_out.contains(&name) { String::new() } else { "s3cret".into() })
        })
        .unwrap();
        let shown = format!("{:?}", config.aws.secret_access_key);
        assert_eq!(shown, "[redacted]");
    }
}
