//! Templates listed, made, edited, deleted.

use super::error::{Checked, GraphError};
use super::template_check;
use super::templates::Template;
use crate::Simulator;
use crate::account::Line;
use crate::api::Outcome;
use crate::ids;
use crate::wire::{Call, Reply};
use serde_json::{Value, json};

/// How long the name of a deleted template stays taken.
const NAME_TAKEN_MS: i64 = 30 * 24 * 3600 * 1000;
/// How long an approved template must rest between two edits.
const EDIT_MS: i64 = 24 * 3600 * 1000;
/// How many templates a business account may have.
const MOST: usize = 6000;

/// `GET /{waba}/message_templates`.
pub(crate) fn list(sim: &Simulator, line: &Line, call: &Call) -> Outcome {
    let limit = match call.asked("limit").map(str::parse::<usize>) {
        None => 25,
        Some(Ok(limit)) if (1..=1000).contains(&limit) => limit,
        Some(_) => {
            return Outcome::refused(&GraphError::invalid("Param limit must be a number from 1 to 1000."));
        }
    };
    let fields: Vec<String> = call
        .asked("fields")
        .map(|fields| fields.split(',').map(|one| one.trim().to_owned()).collect())
        .unwrap_or_default();
    let desk = line.desk();
    let wanted = |one: &&Template| {
        call.asked("name").is_none_or(|name| one.name.contains(name))
            && call.asked("language").is_none_or(|language| one.language == language)
            && call.asked("category").is_none_or(|category| one.category.eq_ignore_ascii_case(category))
            && call.asked("status").is_none_or(|status| one.status.eq_ignore_ascii_case(status))
    };
    let all: Vec<_> = desk.templates.iter().filter(wanted).collect();
    let start = match call.asked("after") {
        None => 0,
        // The cursor names the last template of the page before.
        Some(after) => match all.iter().position(|one| cursor(&one.id) == after) {
            Some(at) => at + 1,
            None => return Outcome::refused(&GraphError::invalid("Invalid cursors values")),
        },
    };
    let page: Vec<_> = all.iter().skip(start).take(limit).collect();
    let mut body =
        json!({"data": page.iter().map(|one| one.shown(&fields, call.now_ms)).collect::<Vec<_>>()});
    if let (Some(asked), Some(fields)) = (call.asked("summary"), body.as_object_mut()) {
        let every = json!({"total_count": all.len(), "message_template_count": desk.templates.len(),
            "message_template_limit": 6000, "are_translations_complete": false});
        let shown = asked
            .split(',')
            .map(str::trim)
            .filter_map(|name| Some((name.to_owned(), every.get(name)?.clone())));
        fields.insert("summary".into(), Value::Object(shown.collect()));
    }
    if let (Some(first), Some(last), Some(fields)) = (page.first(), page.last(), body.as_object_mut()) {
        let mut paging = json!({"cursors": {"before": cursor(&first.id), "after": cursor(&last.id)}});
        if start + page.len() < all.len()
            && let Some(paging) = paging.as_object_mut()
        {
            let mut query: Vec<_> = call
                .query
                .iter()
                .filter(|(name, _)| name != "after" && name != "access_token")
                .cloned()
                .collect();
            query.push(("after".to_owned(), cursor(&last.id)));
            let query = serde_urlencoded::to_string(query).unwrap_or_default();
            paging.insert("next".into(), json!(format!("{}{}?{query}", sim.own_url("graph"), call.target)));
        }
        fields.insert("paging".into(), paging);
    }
    Outcome::of(Reply::json(200, &body))
}

fn cursor(id: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("after:{id}"))
}

/// `GET /v1/configs/templates` of 360dialog.
pub(crate) fn list_of_dialog360(line: &Line, call: &Call) -> Outcome {
    let number = |name: &str, usual: usize| call.asked(name).map_or(Some(usual), |text| text.parse().ok());
    let (Some(limit), Some(offset)) = (number("limit", 1000), number("offset", 0)) else {
        return Outcome::of(crate::dialog360::gateway_refusal(400, "limit and offset are numbers"));
    };
    let desk = line.desk();
    let all: Vec<_> = desk.templates.iter().map(|one| {
        json!({"id": one.id, "name": one.name, "language": one.language, "category": one.category,
            "status": one.status.to_lowercase(), "components": one.components, "rejected_reason": one.rejected_reason,
            "quality_score": {"score": one.quality}, "namespace": line.waba_id, "external_id": one.id,
            "parameter_format": if one.named { "NAMED" } else { "POSITIONAL" }})
    }).collect();
    let page: Vec<_> = all.iter().skip(offset).take(limit).collect();
    let body = json!({"count": page.len(), "total": all.len(), "limit": limit, "offset": offset, "sort": ["id"],
        "filters": {}, "waba_templates": page});
    Outcome::of(Reply::json(200, &body))
}

/// Makes a template; it is `PENDING` until the simulator is told otherwise.
pub(crate) fn create(line: &Line, call: &Call) -> Outcome {
    let Some(body) = call.json().filter(Value::is_object) else {
        return Outcome::refused(&GraphError::invalid("The request body is not a JSON object."));
    };
    match made(line, &body, call.now_ms) {
        Err(error) => Outcome::refused(&error),
        Ok(template) => {
            let told = json!({"id": template.id, "status": template.status, "category": template.category});
            line.desk().templates.push(template);
            Outcome::of(Reply::json(200, &told))
        }
    }
}

fn made(line: &Line, body: &Value, now_ms: i64) -> Checked<Template> {
    let template = template_check::check(body)?;
    let desk = line.desk();
    if desk.templates.iter().any(|one| one.name == template.name && one.language == template.language) {
        return Err(GraphError::template(
            2_388_024,
            "There is already content in this language for this template.",
        ));
    }
    if desk.deleted.get(&template.name).is_some_and(|at| now_ms < at.saturating_add(NAME_TAKEN_MS)) {
        return Err(GraphError::template(
            2_388_023,
            "New content for this template cannot be added while it is being deleted.",
        ));
    }
    if desk.templates.len() >= MOST {
        return Err(GraphError::template(2_388_019, "The limit of message templates is reached."));
    }
    if let Some(other) = desk.templates.iter().find(|one| one.name == template.name)
        && other.category != template.category
    {
        return Err(GraphError::template(
            2_388_024,
            "The template exists in another language with another category.",
        ));
    }
    Ok(Template { id: ids::number(), ..template })
}

/// `POST /{template_id}`: new components; an approved template once a day and in its category.
pub(crate) fn edit(line: &Line, id: &str, call: &Call) -> Outcome {
    let body = call.json().unwrap_or_default();
    let mut desk = line.desk();
    let Some(template) = desk.templates.iter_mut().find(|one| one.id == id) else {
        return Outcome::refused(&GraphError::no_object(id, "POST"));
    };
    let category = body.get("category").and_then(Value::as_str).unwrap_or(&template.category);
    if template.status == "APPROVED" && category != template.category {
        return Outcome::refused(&GraphError::template(
            2_388_094,
            "The category of an approved template cannot be changed.",
        ));
    }
    if !["APPROVED", "REJECTED", "PAUSED"].contains(&template.status.as_str()) {
        return Outcome::refused(&GraphError::template(
            2_388_025,
            "Only approved, rejected and paused templates can be edited.",
        ));
    }
    let rested = template.edited_ms.is_none_or(|at| call.now_ms >= at.saturating_add(EDIT_MS));
    if template.status == "APPROVED" && !rested {
        return Outcome::refused(&GraphError::template(
            2_388_026,
            "An approved template can be edited once in 24 hours.",
        ));
    }
    let whole = json!({
        "name": template.name,
        "language": template.language,
        "category": category,
        "parameter_format": body.get("parameter_format").and_then(Value::as_str)
            .unwrap_or(if template.named { "NAMED" } else { "POSITIONAL" }),
        "components": body.get("components").cloned().unwrap_or_else(|| json!(template.components)),
    });
    match template_check::check(&whole) {
        Err(error) => Outcome::refused(&error),
        Ok(checked) => {
            let id = template.id.clone();
            *template = Template { id, edited_ms: Some(call.now_ms), ..checked };
            Outcome::of(Reply::json(200, &json!({"success": true})))
        }
    }
}

/// `DELETE /{waba}/message_templates?name=`: every language, or the one of `hsm_id`.
pub(crate) fn delete(line: &Line, call: &Call) -> Outcome {
    let Some(name) = call.asked("name") else {
        return Outcome::refused(&GraphError::invalid("The parameter name is required."));
    };
    let mut desk = line.desk();
    let before = desk.templates.len();
    let hit = |one: &Template| one.name == name && call.asked("hsm_id").is_none_or(|id| one.id == id);
    desk.templates.retain(|one| !hit(one));
    if desk.templates.len() == before {
        return Outcome::refused(&GraphError::template(2_593_002, "Message template does not exist."));
    }
    if !desk.templates.iter().any(|one| one.name == name) {
        desk.deleted.insert(name.to_owned(), call.now_ms);
    }
    Outcome::of(Reply::json(200, &json!({"success": true})))
}

/// Removes a template in every language; says whether there was one.
pub(crate) fn remove(line: &Line, name: &str, now_ms: i64) -> bool {
    let mut desk = line.desk();
    let before = desk.templates.len();
    desk.templates.retain(|one| one.name != name);
    let removed = desk.templates.len() < before;
    if removed {
        desk.deleted.insert(name.to_owned(), now_ms);
    }
    removed
}

/// `POST /{template_id}/unpause`.
pub(crate) fn unpause(line: &Line, id: &str) -> Outcome {
    let mut desk = line.desk();
    match desk.templates.iter_mut().find(|one| one.id == id && one.status == "PAUSED") {
        Some(template) => {
            template.status = "APPROVED".to_owned();
            Outcome::of(Reply::json(200, &json!({"success": true})))
        }
        None => Outcome::refused(&GraphError::invalid("The template is not paused.")),
    }
}
