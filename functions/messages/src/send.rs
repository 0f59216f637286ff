//! `POST /v1/whatsapp/messages`

use crate::body::SendBody;
use crate::problem::{locked, problem};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use crm::desk::{Answering, in_the_way};
use crm::read::{Message, message};
use crm::send::{By, Draft, accept, settled};
use domain::ids::MessageId;
use domain::time::Millis;
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Params, Problem, Seed};
use platform::transport::Transport;
use std::time::Duration;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The longest a caller may wait, in seconds: the function must answer before the gateway gives up.
const LONGEST_WAIT_S: u64 = 10;

/// Sends a message.
///
/// One recipient (`lead_id`, `conversation_id` or `to`) and one content (`text`, `template`, `media`, `interactive`, `location`,
/// `contacts` or `reaction`). With `Prefer: wait=N` the answer waits up to N seconds, ten at most, for the outcome.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/whatsapp/messages", operation_id = "send_message", tag = "messages",
    security(("api_key" = ["agent"])),
    params(("Prefer" = Option<String>, Header, description = "`wait=N` (RFC 7240): wait up to N seconds, ten at most.", example = "wait=5")),
    request_body(content = SendBody, example = json!({
        "to": "+971501234567",
        "text": "Your viewing is confirmed for Saturday at ten.",
        "purpose": "service"
    })),
    responses(
        (status = 202, description = "Accepted; it is sent in the background.", body = Message),
        (status = 200, description = "Settled within the time that `Prefer` gave.", body = Message,
            headers(("Preference-Applied" = String, description = "The preference that was kept."))),
        (status = 404, description = ""),
        (status = 409, description = ""),
        (status = 422, description = ""),
    ),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    Extension(transport): Extension<Transport>,
    params: Params,
    headers: HeaderMap,
    seed: Seed,
    JsonBody(body): JsonBody<SendBody>,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let answering = body.answering(caller.principal.key_id)?;
    let (draft, schedule) = body.read()?;
    let by = by(&caller);
    let id = MessageId::from_ulid(seed.ulid("message"));
    heed(&platform, by, &draft, &answering, id, caller.now()).await?;
    accept(&platform, &transport, by, &draft, schedule, id, caller.now()).await.map_err(problem)?;
    let Some(seconds) = wait(&headers) else {
        return Ok(Data::accepted(shown(&platform, by, id).await?).into_response());
    };
    let record = settled(&platform, by.tenant, id, Duration::from_secs(seconds)).await?;
    let message = shown(&platform, by, id).await?;
    if record.is_none_or(|record| !record.state.is_settled()) {
        return Ok(Data::accepted(message).into_response());
    }
    let mut answer = Data::ok(message).into_response();
    if let Ok(applied) = HeaderValue::try_from(format!("wait={seconds}")) {
        answer.headers_mut().insert(APPLIED, applied);
    }
    Ok(answer)
}

/// Refuses while somebody else has locked the conversation. What an earlier run of the same request stored is on its way
/// already.
async fn heed(
    platform: &Platform,
    by: By,
    draft: &Draft,
    answering: &Answering,
    id: MessageId,
    now: Millis,
) -> Result<(), Problem> {
    let store = &platform.store;
    let Some(lock) = in_the_way(store, by.tenant, &draft.target, answering, now).await? else {
        return Ok(());
    };
    let begun_before = id.ulid().timestamp_ms() < now.unix_ms();
    if begun_before && store.send(by.tenant, id).await?.is_some() {
        return Ok(());
    }
    Err(locked(&lock, now))
}

/// Who asks, for the use case.
pub(crate) fn by<R>(caller: &Caller<R>) -> By {
    By { tenant: caller.tenant(), key: Some(caller.principal.key_id), trace_id: caller.call.trace_id }
}

/// The message as it stands now.
pub(crate) async fn shown(platform: &Platform, by: By, id: MessageId) -> Result<Message, Problem> {
    let found = message(&platform.store, by.tenant, id, false).await?;
    found.ok_or_else(|| Problem::internal("a message that was accepted is not there"))
}

/// The seconds of `Prefer: wait=N` (RFC 7240), at most ten; anything else is no preference.
fn wait(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split([',', ';'])).map(str::trim);
    let seconds = preferences.find_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("wait")
            .then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    });
    seconds.map(|seconds| seconds.min(LONGEST_WAIT_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_to_wait_is_read_wherever_it_stands_and_bounded() {
        for (line, expected) in [
            ("wait=5", Some(5)),
            ("respond-async, wait=5", Some(5)),
            ("Wait = 3", Some(3)),
            ("wait=\"7\"", Some(7)),
            ("wait=600", Some(10)),
            ("wait=0", Some(0)),
            ("wait=soon", None),
            ("respond-async", None),
            ("await=5", None),
        ] {
            let headers = [(PREFER, HeaderValue::from_static(line))].into_iter().collect();
            assert_eq!(wait(&headers), expected, "{line}");
        }
        assert_eq!(wait(&HeaderMap::new()), None);
    }
}
