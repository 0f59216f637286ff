//! `GET` and `PUT /v1/retention`, `GET` and `PUT /v1/transfers`

use axum::extract::State;
use crm::privacy::register::{Transfer, transfers};
use domain::privacy::{PrivacySettings, Retention, TransferNote, objection_to_transfers};
use platform::Platform;
use platform::dynamo::NewAuditEntry;
use platform::http::{Admin, Caller, Data, JsonBody, Params, Problem, Viewer};
use serde::{Deserialize, Serialize};

/// Everywhere that data is sent.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct TransferRegister {
    /// The entries.
    items: Vec<Transfer>,
}

/// What is written down about transfers; it takes the place of what was written down before.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteTransfers {
    /// The entries.
    entries: Vec<TransferNote>,
}

/// How long what is kept.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/retention", operation_id = "get_retention", tag = "privacy",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "How long what is kept.", body = Retention)),
))]
pub(crate) async fn get_retention(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<Retention>, Problem> {
    params.only(&[])?;
    Ok(Data::ok(platform.store.privacy_settings(caller.tenant()).await?.retention))
}

/// Says how long what is kept; what is not named is kept for ever.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/retention", operation_id = "put_retention", tag = "privacy",
    security(("api_key" = ["admin"])),
    request_body(content = Retention, example = json!({"messages_days": 730, "deliveries_days": 30})),
    responses((status = 200, description = "How long what is kept.", body = Retention)),
))]
pub(crate) async fn put_retention(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    JsonBody(retention): JsonBody<Retention>,
) -> Result<Data<Retention>, Problem> {
    params.only(&[])?;
    if let Some(field) = retention.objection() {
        return Err(Problem::invalid(field, "Expected 1 to 3650 days, or null for ever."));
    }
    let known = platform.store.privacy_settings(caller.tenant()).await?;
    save(&platform, &caller, &PrivacySettings { retention, ..known }, "retention.change").await?;
    Ok(Data::ok(retention))
}

/// Shows everywhere that data is sent.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/transfers", operation_id = "get_transfers", tag = "privacy",
    security(("api_key" = ["viewer"])),
    responses((status = 200, description = "The register.", body = TransferRegister)),
))]
pub(crate) async fn get_transfers(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
) -> Result<Data<TransferRegister>, Problem> {
    params.only(&[])?;
    Ok(Data::ok(TransferRegister { items: transfers(&platform.store, caller.tenant()).await? }))
}

/// Writes down transfers of the tenant's own, and what the law allows the others by.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/transfers", operation_id = "put_transfers", tag = "privacy",
    security(("api_key" = ["admin"])),
    request_body(content = WriteTransfers, example = json!({"entries": [
        {"id": "meta", "legal_basis": "performance of a contract"},
        {"id": "accountant", "recipient": "Gulf Books LLC", "region": "UAE", "purpose": "invoices", "legal_basis": "legal duty"}
    ]})),
    responses((status = 200, description = "The register.", body = TransferRegister)),
))]
pub(crate) async fn put_transfers(
    caller: Caller<Admin>,
    State(platform): State<Platform>,
    params: Params,
    JsonBody(body): JsonBody<WriteTransfers>,
) -> Result<Data<TransferRegister>, Problem> {
    params.only(&[])?;
    if let Some((field, words)) = objection_to_transfers(&body.entries) {
        return Err(Problem::invalid(field, words));
    }
    let known = platform.store.privacy_settings(caller.tenant()).await?;
    let wanted = PrivacySettings { transfers: body.entries, ..known };
    save(&platform, &caller, &wanted, "transfers.change").await?;
    Ok(Data::ok(TransferRegister { items: transfers(&platform.store, caller.tenant()).await? }))
}

async fn save(
    platform: &Platform,
    caller: &Caller<Admin>,
    settings: &PrivacySettings,
    action: &str,
) -> Result<(), Problem> {
    let (actor, target) = (caller.principal.key_id.to_string(), caller.tenant().to_string());
    let trace_id = caller.call.trace_id;
    let entry = NewAuditEntry { at: caller.now(), actor: &actor, action, target: &target, trace_id };
    Ok(platform.store.save_privacy_settings(caller.tenant(), settings, entry).await?)
}
