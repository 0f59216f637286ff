//! The providers as this stack sees them: the built-in simulator, or whatever the flags name in its place.

use crate::options::{Options, StartError};
use crate::ready::{DemoTenant, Ready};
use embedded_aws::faults::{Call, Effect, Service};
use embedded_aws::{Faults, StackClock};
use simulator::faults::{self, ApiCall, Verdict};
use simulator::{Account, Provider, Setup, Simulator};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Where the simulator keeps who wrote when.
const MEMORY: &str = "customers.jsonl";

/// The simulator with the numbers of the demo tenants, on the stack's clock and under its faults.
pub(crate) fn simulator(
    ready: &Ready,
    data_dir: Option<&Path>,
    clock: &StackClock,
    faults: &Faults,
) -> Result<Simulator, StartError> {
    let memory = data_dir.map(|dir| dir.join(MEMORY));
    let path = memory.clone().unwrap_or_default();
    let (clock, faults) = (clock.clone(), faults.clone());
    Simulator::new(Setup {
        accounts: ready.tenants.iter().filter_map(account).collect(),
        front_url: ready.base_url.clone(),
        clock: Arc::new(move || clock.now_ms()),
        faults: Arc::new(move |call| judge(&faults, call)),
        memory,
    })
    .map_err(|cause| StartError::File { path, cause })
}

fn account(tenant: &DemoTenant) -> Option<Account> {
    let meta = tenant.meta.as_ref().map(|meta| Provider::Meta {
        app_secret: meta.app_secret.clone(),
        verify_token: meta.verify_token.clone(),
        phone_number_id: meta.phone_number_id.clone(),
        waba_id: meta.waba_id.clone(),
        token: meta.token.clone(),
    });
    let dialog360 = tenant.dialog360.as_ref().map(|dialog360| Provider::Dialog360 {
        api_key: dialog360.api_key.clone(),
        webhook_token: dialog360.webhook_token.clone(),
    });
    let ultramsg = tenant.ultramsg.as_ref().map(|ultramsg| Provider::Ultramsg {
        instance_id: ultramsg.instance_id.clone(),
        token: ultramsg.token.clone(),
        webhook_token: ultramsg.webhook_token.clone(),
    });
    let provider = meta.or(dialog360).or(ultramsg)?;
    Some(Account { tenant_id: tenant.id.clone(), webhook_url: tenant.webhook_url.clone(), provider })
}

fn judge(faults: &Faults, call: &ApiCall<'_>) -> Verdict {
    let asked = Call {
        service: if call.is_llm { Service::Llm } else { Service::Provider },
        operation: call.operation,
        tables: &[],
        body: call.body,
        caller: call.caller,
    };
    let verdict = faults.decide(&asked);
    let effect = verdict.effect.map(|effect| match effect {
        Effect::Error { status } => faults::Effect::Error { status },
        Effect::Throttle => faults::Effect::Throttle,
        Effect::Timeout => faults::Effect::Timeout,
        Effect::DropBefore => faults::Effect::DropBefore,
        Effect::DropAfter | Effect::CrashAfter => faults::Effect::DropAfter,
    });
    Verdict { delay: verdict.delay, effect }
}

/// What every function is told of the world outside: where the providers and the language model are.
pub(crate) fn environment(options: &Options, ready: &Ready) -> BTreeMap<String, String> {
    let sim = &ready.sim_url;
    let root = |told: &Option<String>, own: &str| told.clone().unwrap_or_else(|| format!("{sim}/{own}"));
    let mut environment: BTreeMap<_, _> = [
        ("HADAR_META_URL", root(&options.meta_url, "graph")),
        ("HADAR_DIALOG360_URL", root(&options.dialog360_url, "360dialog")),
        ("HADAR_ULTRAMSG_URL", root(&options.ultramsg_url, "ultramsg")),
        ("HADAR_BAYUT_URL", root(&options.bayut_url, "bayut")),
        ("HADAR_DUBIZZLE_URL", root(&options.dubizzle_url, "dubizzle")),
        ("HADAR_LLM_URL", root(&options.llm_url, "llm/v1")),
        ("HADAR_PUBLIC_URL", ready.base_url.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(ms) = options.provider_timeout_ms {
        environment.insert("HADAR_PROVIDER_TIMEOUT_MS".to_owned(), ms.to_string());
    }
    if options.allow_loopback_endpoints {
        environment.insert("HADAR_ALLOW_LOOPBACK_ENDPOINTS".to_owned(), "true".to_owned());
    }
    environment
}

/// The tenant in the path of a provider's webhook; the drop-in path leads to the demo tenant on Meta.
pub(crate) fn tenant_of<'a>(path: &'a str, single_tenant: Option<&'a str>) -> Option<&'a str> {
    let path = path.strip_prefix("/api").unwrap_or(path);
    if path == "/webhooks/whatsapp" {
        return single_tenant;
    }
    let tenant = path.strip_prefix("/v1/webhooks/whatsapp/")?;
    tenant.split('/').next().filter(|tenant| !tenant.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_stands_in_the_path_of_a_webhook() {
        for (path, tenant) in [
            ("/v1/webhooks/whatsapp/tnt_1", Some("tnt_1")),
            ("/api/v1/webhooks/whatsapp/tnt_1/secret", Some("tnt_1")),
            ("/api/webhooks/whatsapp", Some("tnt_demo")),
            ("/v1/webhooks/whatsapp/", None),
            ("/v1/webhooks/leads/tnt_1/bayut", None),
            ("/v1/conversations", None),
        ] {
            assert_eq!(tenant_of(path, Some("tnt_demo")), tenant, "{path}");
        }
    }

    #[test]
    fn a_flag_puts_another_provider_in_place_of_the_simulator() {
        let ready = Ready {
            base_url: "http://127.0.0.1:1".into(),
            aws_endpoint_url: String::new(),
            sim_url: "http://127.0.0.1:1/_sim".into(),
            queues: BTreeMap::new(),
            tables: BTreeMap::new(),
            tenants: Vec::new(),
        };
        let told = environment(&Options::default(), &ready);
        let expected = [
            ("HADAR_BAYUT_URL", "http://127.0.0.1:1/_sim/bayut"),
            ("HADAR_DIALOG360_URL", "http://127.0.0.1:1/_sim/360dialog"),
            ("HADAR_DUBIZZLE_URL", "http://127.0.0.1:1/_sim/dubizzle"),
            ("HADAR_LLM_URL", "http://127.0.0.1:1/_sim/llm/v1"),
            ("HADAR_META_URL", "http://127.0.0.1:1/_sim/graph"),
            ("HADAR_PUBLIC_URL", "http://127.0.0.1:1"),
            ("HADAR_ULTRAMSG_URL", "http://127.0.0.1:1/_sim/ultramsg"),
        ];
        assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let options = Options {
            meta_url: Some("http://127.0.0.1:9".into()),
            allow_loopback_endpoints: true,
            ..Options::default()
        };
        let told = environment(&options, &ready);
        assert_eq!(told["HADAR_META_URL"], "http://127.0.0.1:9");
        assert_eq!(told["HADAR_ALLOW_LOOPBACK_ENDPOINTS"], "true");
    }
}
