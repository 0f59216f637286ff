//! `POST /v1/whatsapp/templates/sync`

use axum::Extension;
use axum::extract::State;
use crm::templates::{SyncError, Synced, owner, sync};
use platform::Platform;
use platform::http::{Agent, Caller, Code, Data, NoBody, Params, Problem};
use platform::transport::Transport;

pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    NoBody: NoBody,
) -> Result<Data<Synced>, Problem> {
    params.only(&[])?;
    let tenant = caller.tenant();
    if owner(&platform.store, tenant).await? != tenant {
        let message = "A test key reads the templates of its live tenant; sync them with a live key.";
        return Err(Problem::Conflict { message: message.to_owned(), retry_after_s: None });
    }
    sync(&platform, &transport, tenant, caller.now()).await.map(Data::ok).map_err(problem)
}

fn problem(error: SyncError) -> Problem {
    match error {
        SyncError::NotConfigured => not_configured(
            "Only Meta and 360dialog have templates, and no number of theirs is connected.".to_owned(),
        ),
        SyncError::Unusable { provider } => not_configured(format!(
            "The account id or the secret of the {provider} number is missing; connect the number again."
        )),
        SyncError::Store(error) => error.into(),
        SyncError::Refused { provider, status, code, message } => {
            let mut refused = Problem::refused(
                Code::ServiceUnavailable,
                format!("{provider} does not show its templates: {message}"),
            );
            let details = [
                ("source", "provider".into()),
                ("provider", provider.as_str().into()),
                ("provider_status", status.into()),
                ("provider_code", code.into()),
            ];
            refused.details.extend(details.map(|(name, value)| (name.to_owned(), value)));
            refused.into()
        }
        SyncError::Unreachable { provider, .. } | SyncError::Unreadable { provider, .. } => {
            tracing::warn!(%provider, "templates could not be synced: {error}");
            let message = format!("{provider} did not answer as it should; try again in a moment.");
            let mut refused = Problem::refused(Code::ServiceUnavailable, message);
            let details = [("source", "provider"), ("provider", provider.as_str())];
            refused.details.extend(details.map(|(name, value)| (name.to_owned(), value.into())));
            refused.into()
        }
        SyncError::Vault(_) | SyncError::JustFailed | SyncError::Contended => Problem::unavailable(error),
    }
}

fn not_configured(message: String) -> Problem {
    Problem::refused(Code::NotConfigured, message).into()
}
