//! `GET` and `POST /v1/leads/{id}/timeline`

use axum::extract::State;
use crm::leads::{By, NewHappening, happen};
use crm::read::{TimelineEvent, lead_timeline};
use domain::ids::LeadId;
use domain::time::Millis;
use platform::Platform;
use platform::http::{Agent, Caller, Data, JsonBody, Listing, Page, Params, PathId, Problem, Seed, Viewer};
use serde::Deserialize;
use serde_json::{Map, Value};
use ulid::Ulid;

/// The longest type, in characters.
const LONGEST_TYPE: usize = 64;
/// The most types to look for.
const MOST_TYPES: usize = 20;
/// The most that an entry may hold, in bytes as JSON.
const LARGEST_DATA: usize = 16 * 1024;
/// How far ahead an entry may lie, in milliseconds: clocks differ, and a call may be on the diary.
const AHEAD_MS: u64 = 24 * 60 * 60 * 1000;
/// What Hadar writes itself.
const OURS: [&str; 4] = ["whatsapp", "lead", "consent", "conversation"];

/// Something that happened on another channel.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AddTimelineEvent))]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryBody {
    #[serde(rename = "type")]
    kind: String,
    at: Option<Millis>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>))]
    data: Option<Map<String, Value>>,
}

/// Lists everything that happened with a lead, newest first.
///
/// Messages, calls, e-mails, notes, consents and changes of the lead.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/leads/{id}/timeline", operation_id = "list_lead_timeline", tag = "leads",
    security(("api_key" = ["viewer"])),
    params(
        ("id" = LeadId, Path, description = "The lead."),
        ("type" = Option<String>, Query, description = "Types to show, with commas between: `whatsapp` is every type that begins so."),
    ),
    responses((status = 200, description = "A page of the timeline.", body = Page<TimelineEvent>)),
))]
pub(crate) async fn get(
    caller: Caller<Viewer>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
) -> Result<Data<Page<TimelineEvent>>, Problem> {
    let params = params.only(&["limit", "cursor", "type"])?;
    let kinds = params.read("type", "types such as `voice.call,email,whatsapp`", types)?.unwrap_or_default();
    // A cursor of another lead is as foreign as one of another list.
    let list = format!("leads/{}/timeline", id.text());
    let listing = Listing::read(&platform, &caller, &params, &list).await?;
    let after = listing.after(|text| Ulid::from_string(text).ok())?;
    let id = id.parse(LeadId::parse)?;
    let found = lead_timeline(&platform.store, caller.tenant(), id, &kinds, after, listing.limit).await?;
    let found = found.ok_or(Problem::NotFound)?;
    let next = found.next.map(|position| position.to_string());
    Ok(Data::ok(listing.page(found.items, next.as_deref())?))
}

/// Adds something that happened on another channel.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/leads/{id}/timeline", operation_id = "add_lead_timeline_event", tag = "leads",
    security(("api_key" = ["agent"])),
    params(("id" = LeadId, Path, description = "The lead.")),
    request_body(content = EntryBody, example = json!({
        "type": "voice.call",
        "at": "2026-01-31T08:00:00Z",
        "data": {
            "duration_seconds": 184,
            "outcome": "viewing agreed"
        }
    })),
    responses((status = 201, description = "The entry.", body = TimelineEvent)),
))]
pub(crate) async fn post(
    caller: Caller<Agent>,
    State(platform): State<Platform>,
    params: Params,
    id: PathId,
    seed: Seed,
    JsonBody(body): JsonBody<EntryBody>,
) -> Result<Data<TimelineEvent>, Problem> {
    params.only(&[])?;
    let new = read(body, seed.first_at)?;
    let id = id.parse(LeadId::parse)?;
    let actor = caller.principal.key_id.to_string();
    let by = By {
        tenant: caller.tenant(),
        actor: &actor,
        trace_id: caller.call.trace_id,
        mark: seed.ulid("entry"),
    };
    let written = happen(&platform.store, by, id, new, seed.first_at).await?;
    written.map(Data::created).ok_or(Problem::NotFound)
}

fn read(body: EntryBody, now: Millis) -> Result<NewHappening, Problem> {
    if !is_type(&body.kind) {
        let message =
            "Expected small letters, digits, `_` and dots, such as `voice.call`, `email` or `note`.";
        return Err(Problem::invalid("type", message));
    }
    if OURS.contains(&body.kind.split('.').next().unwrap_or_default()) {
        return Err(Problem::invalid("type", format!("Hadar writes `{}.…` itself.", OURS.join(".…`, `"))));
    }
    let at = body.at.unwrap_or(now);
    if at > now.plus_ms(AHEAD_MS) {
        return Err(Problem::invalid("at", "It lies more than a day ahead."));
    }
    let data = body.data.unwrap_or_default();
    if serde_json::to_string(&data).map_or(usize::MAX, |json| json.len()) > LARGEST_DATA {
        return Err(Problem::invalid("data", format!("At most {LARGEST_DATA} bytes as JSON are kept.")));
    }
    Ok(NewHappening { kind: body.kind, at, data })
}

/// `voice`, `voice.call`: words of small letters, digits and underscores, with dots between.
fn is_type(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.len() <= LONGEST_TYPE && text.split('.').all(word)
}

fn types(text: &str) -> Option<Vec<String>> {
    let kinds: Vec<String> = text.split(',').map(str::to_owned).collect();
    (kinds.len() <= MOST_TYPES && kinds.iter().all(|kind| is_type(kind))).then_some(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_dotted_words() {
        for good in ["voice.call", "email", "note", "voice_note.v2"] {
            assert!(is_type(good), "{good}");
        }
        for bad in ["", ".", "voice.", "Voice", "voice call", "1call", "voice..call", &"x".repeat(65)] {
            assert!(!is_type(bad), "{bad}");
        }
        assert_eq!(types("voice.call,email"), Some(vec!["voice.call".to_owned(), "email".to_owned()]));
        assert_eq!(types("voice.call,"), None);
    }

    #[test]
    fn what_hadar_writes_and_the_far_future_are_refused() {
        let body = |kind: &str, at: u64| EntryBody {
            kind: kind.to_owned(),
            at: Some(Millis::from_unix_ms(at)),
            data: None,
        };
        let now = Millis::from_unix_ms(1_000);
        assert!(read(body("note", 1_000 + AHEAD_MS), now).is_ok());
        for (kind, at, field) in [
            ("lead.created", 1, "type"),
            ("whatsapp.message.sent", 1, "type"),
            ("note", 1_001 + AHEAD_MS, "at"),
        ] {
            assert_eq!(read(body(kind, at), now).unwrap_err().field(), Some(field), "{kind}");
        }
    }
}
