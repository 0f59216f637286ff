//! Tenants.

use crate::command::TenantCommand;
use crate::{AdminError, Desk};
use crm::provision;
use domain::access::{ApiKey, Environment, Role};
use domain::ids::TenantId;
use domain::tenant::Tenant;

/// How many tenants are read at once.
const AT_ONCE: u32 = 100;
/// Parked events are counted up to here.
const COUNTED: u32 = 1_000;

pub(crate) async fn run(desk: &mut Desk<'_>, command: TenantCommand) -> Result<(), AdminError> {
    match command {
        TenantCommand::Create { name, plan, language } => {
            let made = provision::tenant(&desk.platform, &name, plan, language, desk.now).await?;
            let id = made.tenant.id;
            let (admin, live) = (Role::Admin, Environment::Live);
            let key = provision::api_key(&desk.platform, id, admin, live, "first admin", desk.now).await?;
            desk.say(&format!("tenant   {id}"))?;
            desk.say(&format!("sandbox  {}", made.sandbox.id))?;
            show(desk, &key)
        }
        TenantCommand::List => list(desk).await,
        TenantCommand::Plan { tenant, plan } => {
            if !provision::change_plan(&desk.platform, tenant, plan, desk.now).await? {
                return Err(AdminError::NoTenant(tenant));
            }
            desk.say(&format!("{tenant} is on {} now", plan.as_str()))
        }
        TenantCommand::AdminKey { tenant, name } => {
            let found = profile(desk, tenant).await?;
            let key = provision::admin_key(&desk.platform, found.id, &name, desk.now).await?;
            show(desk, &key)
        }
    }
}

/// Every tenant, with how many of its events wait for a person.
pub(crate) async fn list(desk: &mut Desk<'_>) -> Result<(), AdminError> {
    let mut after = None;
    loop {
        let ids = desk.platform.store.tenants(after, AT_ONCE).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = Some(*last);
        for id in ids {
            let tenant = profile(desk, id).await?;
            // A sandbox gets no webhooks: nothing of it can be parked.
            if tenant.sandbox_of.is_some() {
                continue;
            }
            let parked = desk.platform.store.parked_events(id, COUNTED).await?.len();
            let more = if u32::try_from(parked).is_ok_and(|parked| parked >= COUNTED) { "+" } else { "" };
            let line = format!("{id}  {:<17} parked {parked}{more:<5} {}", tenant.plan.as_str(), tenant.name);
            desk.say(&line)?;
        }
    }
}

async fn profile(desk: &Desk<'_>, id: TenantId) -> Result<Tenant, AdminError> {
    let facts = desk.platform.store.tenant_facts_now(id).await?;
    facts.tenant.ok_or(AdminError::NoTenant(id))
}

/// The one time that a key is shown.
fn show(desk: &mut Desk<'_>, key: &ApiKey) -> Result<(), AdminError> {
    desk.say(&format!("key      {}", key.expose()))?;
    desk.say("The key is shown this once; only its digest is stored.")
}
