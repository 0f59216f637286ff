//! The GET by which Meta asks whether this URL is ours.

use crate::credentials::{Credentials, Denied};
use crate::request::parameter;
use domain::ids::TenantId;
use domain::time::Millis;
use providers::handshake::{Query, Refused, challenge};
use providers::signature::Secret;

/// The challenge to send back.
pub(crate) async fn answer(
    credentials: &Credentials,
    tenant: Option<TenantId>,
    query: &str,
    now: Millis,
) -> Result<String, Denied> {
    let mode = parameter(query, "hub.mode");
    let asked = parameter(query, "hub.challenge");
    let token = parameter(query, "hub.verify_token");
    let query = Query { mode: mode.as_deref(), challenge: asked.as_deref(), verify_token: token.as_deref() };
    // What is no handshake with any token costs no look-up.
    let nothing: [Secret; 0] = [];
    if challenge(&query, &nothing) == Err(Refused::NotAHandshake) {
        return Err(Denied::Refused);
    }
    let tokens = credentials.verify_tokens(tenant.ok_or(Denied::Refused)?, now).await?;
    challenge(&query, &tokens).map(str::to_owned).map_err(|_| Denied::Refused)
}

/// The challenge to send back when the token is one of these.
pub(crate) fn told(tokens: &[Secret], query: &str) -> Result<String, Denied> {
    let mode = parameter(query, "hub.mode");
    let asked = parameter(query, "hub.challenge");
    let token = parameter(query, "hub.verify_token");
    let query = Query { mode: mode.as_deref(), challenge: asked.as_deref(), verify_token: token.as_deref() };
    challenge(&query, tokens).map(str::to_owned).map_err(|_| Denied::Refused)
}
