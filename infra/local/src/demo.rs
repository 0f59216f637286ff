//! The demo tenants: one brokerage per provider, made once per data directory.

use crate::options::StartError;
use crate::provision::random;
use crate::ready::{DemoDialog360, DemoKeys, DemoMeta, DemoTenant, DemoUltramsg, write_whole};
use crm::provision::{self, ProvisionError};
use domain::access::{ApiKey, Environment, Role};
use domain::consent::Purpose;
use domain::consent_settings::ConsentSettings;
use domain::form::{ConsentBox, Definition, FormField, FormStatus, Texts};
use domain::ids::{FormId, TenantId, derived_ulid};
use domain::language::Language;
use domain::provider::Provider;
use domain::tenant::{Number, Plan};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::{Form, SettingsChange};
use std::path::Path;

/// Where the keys of the demo tenants are kept: the tables have only their digests.
const FILE: &str = "demo.json";

/// A brokerage of the demo.
struct Brokerage {
    provider: Provider,
    plan: Plan,
    plan_name: &'static str,
    name: &'static str,
}

const BROKERAGES: [Brokerage; 3] = [
    Brokerage {
        provider: Provider::Meta,
        plan: Plan::Enterprise,
        plan_name: "enterprise",
        name: "Marina Gate Realty",
    },
    Brokerage {
        provider: Provider::Dialog360,
        plan: Plan::Growth,
        plan_name: "growth",
        name: "Creek Harbour Homes",
    },
    Brokerage {
        provider: Provider::Ultramsg,
        plan: Plan::Starter,
        plan_name: "starter",
        name: "Jumeirah Keys Properties",
    },
];

/// What people call the demo tenant of a provider.
pub(crate) fn name_of(provider: &str) -> &'static str {
    BROKERAGES.iter().find(|one| one.provider.as_str() == provider).map_or("", |one| one.name)
}

/// The demo tenants: those of the data directory, or new ones, whose keys have the limit given in place of their plans'.
/// Their `webhook_url` is left empty.
pub(crate) async fn tenants(
    platform: &Platform,
    data_dir: Option<&Path>,
    rate_per_minute: Option<u32>,
) -> Result<Vec<DemoTenant>, StartError> {
    let file = data_dir.map(|dir| dir.join(FILE));
    if let Some(known) = file.as_deref().and_then(read)
        && all_exist(platform, &known).await?
    {
        return Ok(known);
    }
    let now = platform.clock.now();
    let mut made = Vec::with_capacity(BROKERAGES.len());
    for brokerage in &BROKERAGES {
        let tenant = make(platform, brokerage, rate_per_minute, now).await;
        made.push(tenant.map_err(|error| StartError::set_up("the demo tenants", &error))?);
    }
    if let Some(file) = file {
        write_whole(&file, &serde_json::to_vec_pretty(&made).unwrap_or_default())?;
    }
    Ok(made)
}

fn read(file: &Path) -> Option<Vec<DemoTenant>> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Whether the tables know these tenants: the file may have outlived them.
async fn all_exist(platform: &Platform, tenants: &[DemoTenant]) -> Result<bool, StartError> {
    for tenant in tenants {
        let Ok(id) = TenantId::parse(&tenant.id) else { return Ok(false) };
        let facts = platform.store.tenant_facts(id).await;
        if facts.map_err(|error| StartError::set_up("the demo tenants", &error))?.tenant.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn make(
    platform: &Platform,
    brokerage: &Brokerage,
    rate: Option<u32>,
    now: Millis,
) -> Result<DemoTenant, ProvisionError> {
    let made = provision::tenant(platform, brokerage.name, brokerage.plan, Language::En, now).await?;
    let (live, sandbox) = (made.tenant.id, made.sandbox.id);
    let key = |tenant: TenantId, role: Role, environment: Environment, name: &'static str| async move {
        let key = provision::metered_api_key(platform, tenant, role, environment, name, rate, now).await?;
        Ok::<_, ProvisionError>(shown(&key))
    };
    let mut tenant = DemoTenant {
        id: live.to_string(),
        provider: brokerage.provider.to_string(),
        sandbox_id: sandbox.to_string(),
        plan: brokerage.plan_name.to_owned(),
        keys: DemoKeys {
            live_admin: key(live, Role::Admin, Environment::Live, "demo admin").await?,
            live_agent: key(live, Role::Agent, Environment::Live, "demo agent").await?,
            live_viewer: key(live, Role::Viewer, Environment::Live, "demo viewer").await?,
            test_admin: key(sandbox, Role::Admin, Environment::Test, "demo test admin").await?,
        },
        webhook_url: String::new(),
        form_id: None,
        meta: None,
        dialog360: None,
        ultramsg: None,
    };
    connect(platform, live, brokerage.provider, &mut tenant).await?;
    for id in [live, sandbox] {
        platform.store.change_settings(id, &asks_for_opt_in()).await?;
    }
    if brokerage.provider == Provider::Meta {
        tenant.form_id = Some(form(platform, live, now).await?.to_string());
    }
    Ok(tenant)
}

/// Who ticks a form's box is asked to confirm it, by a template that the simulated accounts have.
fn asks_for_opt_in() -> SettingsChange {
    let name = || Some("opt_in_request".to_owned());
    let consent = ConsentSettings {
        opt_in_request: Some(Texts { ar: name(), en: name() }),
        ..ConsentSettings::default()
    };
    SettingsChange { consent: Some(consent), ..SettingsChange::default() }
}

/// A form with a box in both languages that any page may use.
async fn form(platform: &Platform, tenant: TenantId, now: Millis) -> Result<FormId, ProvisionError> {
    let field = |name: &str, required| FormField { name: name.to_owned(), required, label: None };
    let definition = Definition {
        name: "Demo form".to_owned(),
        status: FormStatus::Enabled,
        allowed_origins: vec!["*".to_owned()],
        fields: vec![
            field("name", true),
            field("phone", true),
            field("email", false),
            field("message", false),
        ],
        consent: Some(ConsentBox {
            required: false,
            version: "1".to_owned(),
            purpose: Purpose::Marketing,
            wording: Texts {
                ar: Some("أوافق على تلقي العروض عبر واتساب. يمكنني إلغاء الاشتراك في أي وقت.".to_owned()),
                en: Some("Send me offers on WhatsApp. I can stop them at any time.".to_owned()),
            },
        }),
        default_language: Language::En,
        source: "website".to_owned(),
        redirect_url: None,
    };
    let id = FormId::from_ulid(derived_ulid(now.unix_ms(), &[&tenant.to_string(), "demo form"]));
    let form = Form { id, definition, created_at: now, updated_at: now, revision: 0 };
    platform.store.save_form(tenant, &form).await?;
    Ok(id)
}

/// Gives a demo tenant its number.
async fn connect(
    platform: &Platform,
    id: TenantId,
    provider: Provider,
    tenant: &mut DemoTenant,
) -> Result<(), ProvisionError> {
    let mut number = Number { provider, phone_number_id: None, waba_id: None, instance_id: None };
    match provider {
        Provider::Meta => {
            let meta = DemoMeta {
                app_secret: hex::encode(bytes()?),
                verify_token: provision::random_secret()?,
                phone_number_id: digits()?,
                waba_id: digits()?,
                token: format!("EAA{}", provision::random_secret()?),
            };
            number.phone_number_id = Some(meta.phone_number_id.clone());
            number.waba_id = Some(meta.waba_id.clone());
            let secrets = [
                ("app_secret", meta.app_secret.as_str()),
                ("verify_token", &meta.verify_token),
                ("access_token", &meta.token),
            ];
            provision::number(platform, id, number, &secrets).await?;
            tenant.meta = Some(meta);
        }
        Provider::Dialog360 => {
            // Its number has no id here: whatever number a webhook of this channel names is this tenant's.
            let dialog360 = DemoDialog360 {
                api_key: provision::random_secret()?,
                webhook_token: provision::random_secret()?,
            };
            let secrets =
                [("api_key", dialog360.api_key.as_str()), ("webhook_secret", &dialog360.webhook_token)];
            provision::number(platform, id, number, &secrets).await?;
            tenant.dialog360 = Some(dialog360);
        }
        Provider::Ultramsg => {
            let ultramsg = DemoUltramsg {
                instance_id: digits()?,
                token: provision::random_secret()?,
                webhook_token: provision::random_secret()?,
            };
            number.instance_id = Some(ultramsg.instance_id.clone());
            let secrets = [("token", ultramsg.token.as_str()), ("webhook_secret", &ultramsg.webhook_token)];
            provision::number(platform, id, number, &secrets).await?;
            tenant.ultramsg = Some(ultramsg);
        }
        Provider::Sandbox => {}
    }
    Ok(())
}

/// The key's text; shown on purpose, as it opens nothing but this machine's demo.
fn shown(key: &ApiKey) -> String {
    key.expose().to_owned()
}

fn bytes() -> Result<[u8; 32], ProvisionError> {
    random().map_err(|_| ProvisionError::Random)
}

/// A number of fifteen digits, as Meta's ids are.
fn digits() -> Result<String, ProvisionError> {
    let bytes: [u8; 8] = random().map_err(|_| ProvisionError::Random)?;
    let number = u64::from_le_bytes(bytes) % 900_000_000_000_000 + 100_000_000_000_000;
    Ok(number.to_string())
}
