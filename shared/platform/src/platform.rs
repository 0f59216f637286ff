//! The single composition root: a configuration becomes the parts that the use cases need.

use crate::aws::{Aws, AwsError};
use crate::checkpoints::Checkpoints;
use crate::clock::SharedClock;
use crate::config::Config;
use crate::dynamo::Store;
use crate::http::KnownKeys;
use crate::queue::Queue;
use crate::secrets::Secrets;
use crate::vault::Vault;
use std::time::Duration;

/// Everything outside, ready to use. Clones share connections and caches.
#[derive(Debug, Clone)]
pub struct Platform {
    /// The tables.
    pub store: Store,
    /// The tenants' sealed secrets.
    pub vault: Vault,
    /// The platform's secrets.
    pub secrets: Secrets,
    /// Verified webhooks on their way to the processor.
    pub inbound: Queue,
    /// Conversations that have something to send, on their way to the sender.
    pub outbound: Queue,
    /// Deliveries of customer webhooks, on their way to the dispatcher.
    pub deliveries: Queue,
    /// Customers who wait for the assistant, on their way to it.
    pub assistant: Queue,
    /// The deployment's own language model.
    pub llm: Llm,
    /// The sealed ends of audit logs; absent where a function has no bucket for them.
    pub checkpoints: Option<Checkpoints>,
    /// API keys that were looked up.
    pub known_keys: KnownKeys,
    /// The time.
    pub clock: SharedClock,
    /// The one tenant of a single-tenant deployment.
    pub single_tenant: Option<domain::ids::TenantId>,
    /// The path that 360dialog is asked about a number.
    pub dialog360_probe_path: String,
}

/// The deployment's own language model, and how long any may take.
#[derive(Debug, Clone)]
pub struct Llm {
    /// Its root; absent where the deployment has none.
    pub url: Option<String>,
    /// How long a call may take in all.
    pub timeout: Duration,
}

impl Platform {
    /// Wires the parts together; no I/O.
    ///
    /// # Errors
    /// An endpoint or a CA bundle that cannot be used.
    pub fn new(config: &Config, clock: SharedClock) -> Result<Self, AwsError> {
        let aws = Aws::new(&config.aws, &config.function)?;
        let checkpoints = match config.audit_bucket.as_str() {
            "" => None,
            _ => Some(Checkpoints::new(config, aws.clone())?),
        };
        Ok(Self {
            checkpoints,
            store: Store::new(
                aws.clone(),
                config.crm_table.clone(),
                config.consents_table.clone(),
                config.ephemeral_table.clone(),
            ),
            vault: Vault::new(aws.clone(), config.tokens_key_id.clone(), clock.clone()),
            secrets: Secrets::new(aws.clone(), config.platform_secret_id.clone(), clock.clone()),
            inbound: Queue::new(aws.clone(), config.inbound_queue_url.clone()),
            outbound: Queue::new(aws.clone(), config.outbound_queue_url.clone()),
            deliveries: Queue::new(aws.clone(), config.deliveries_queue_url.clone()),
            assistant: Queue::new(aws, config.assistant_queue_url.clone()),
            llm: Llm {
                url: Some(config.llm_url.clone()).filter(|url| !url.is_empty()),
                timeout: config.llm_timeout(),
            },
            known_keys: KnownKeys::default(),
            clock,
            single_tenant: config.single_tenant,
            dialog360_probe_path: config.dialog360_probe_path.clone(),
        })
    }
}
