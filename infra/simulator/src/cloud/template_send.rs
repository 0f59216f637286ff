//! A template message against the template as it was approved.

use super::content;
use super::error::{Checked, GraphError};
use super::param::Param;
use super::templates::{Template, variables};
use crate::desk::Desk;
use serde_json::Value;

/// Checks `template`; gives its category in lower case.
pub(super) fn check(message: &Param<'_>, desk: &Desk, to_user_id: bool) -> Checked<String> {
    message.only(&["name", "language", "components"])?;
    let name = message.need("name")?.text(512)?;
    let language = message.need("language")?;
    language.only(&["code", "policy"])?;
    if let Some(policy) = language.get("policy") {
        policy.one_of(&["deterministic"])?;
    }
    let code = language.need("code")?.text(16)?;
    let template = sendable(desk, name, code)?;
    if to_user_id && template.category == "AUTHENTICATION" {
        let details = "Authentication templates can only be sent to a phone number.";
        return Err(GraphError::of(131_062, details));
    }
    let given = message.get("components").map(|list| list.list(0, 16)).transpose()?.unwrap_or_default();
    for component in &given {
        component.only(&["type", "sub_type", "index", "parameters"])?;
        // Meta takes these words in any case.
        let kind = component.need("type")?.text(16)?.to_ascii_lowercase();
        if !["header", "body", "button"].contains(&kind.as_str()) {
            return Err(component.refuse("has a type that is none of header, body, button."));
        }
    }
    body(template, of_kind(&given, "body"))?;
    header(template, of_kind(&given, "header"), desk)?;
    buttons(template, &given)?;
    Ok(template.category.to_ascii_lowercase())
}

fn sendable<'a>(desk: &'a Desk, name: &str, language: &str) -> Checked<&'a Template> {
    let found = desk.templates.iter().find(|one| one.name == name && one.language == language);
    let template = found.ok_or_else(|| {
        GraphError::of(132_001, format!("template name ({name}) does not exist in {language}"))
    })?;
    match template.status.as_str() {
        "APPROVED" => Ok(template),
        "PAUSED" => Err(GraphError::of(132_015, format!("template ({name}) is paused due to low quality"))),
        "DISABLED" => {
            Err(GraphError::of(132_016, format!("template ({name}) is disabled due to low quality")))
        }
        status => {
            let details =
                format!("template name ({name}) does not exist in {language}: its status is {status}");
            Err(GraphError::of(132_001, details))
        }
    }
}

fn of_kind<'p, 'a>(given: &'p [Param<'a>], kind: &str) -> Option<&'p Param<'a>> {
    given.iter().find(|component| {
        component
            .value
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|word| word.eq_ignore_ascii_case(kind))
    })
}

fn parameters<'a>(component: Option<&Param<'a>>) -> Checked<Vec<Param<'a>>> {
    match component.and_then(|component| component.get("parameters")) {
        Some(list) => list.list(0, 1000),
        None => Ok(Vec::new()),
    }
}

fn body(template: &Template, given: Option<&Param<'_>>) -> Checked {
    let expected = template.part("BODY").map(variables).unwrap_or_default();
    let parameters = parameters(given)?;
    let added = texts("body", template, &expected, &parameters)?;
    let own =
        template.part("BODY").and_then(|part| part.get("text")).and_then(Value::as_str).unwrap_or_default();
    if own.chars().count() + added > 1024 {
        return Err(GraphError::of(132_005, "body: the text with its values is longer than 1024 characters"));
    }
    Ok(())
}

/// Text parameters against variables; gives the length of the values.
fn texts(part: &str, template: &Template, expected: &[String], given: &[Param<'_>]) -> Checked<usize> {
    if expected.len() != given.len() {
        let details = format!(
            "{part}: number of localizable_params ({}) does not match the expected number of params ({})",
            given.len(),
            expected.len()
        );
        return Err(GraphError::of(132_000, details));
    }
    let mut left = expected.to_vec();
    let mut length = 0;
    for parameter in given {
        let kind = parameter.need("type")?.one_of(&["text", "currency", "date_time"])?;
        if kind == "text" {
            let text = parameter.need("text")?.text(1024)?;
            if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
                let details = format!(
                    "{part}: a value cannot have new-line or tab characters or more than 4 consecutive spaces"
                );
                return Err(GraphError::of(132_008, details));
            }
            length += text.chars().count();
        }
        let name = parameter.get("parameter_name").map(|name| name.text(64)).transpose()?;
        let mismatch = |said: &str| Err(GraphError::of(132_012, format!("{part}: {said}")));
        match (template.named, name) {
            (true, None) => return mismatch("parameter_name is required for templates of the format NAMED"),
            (false, Some(_)) => {
                return mismatch("parameter_name is not allowed for templates of the format POSITIONAL");
            }
            (true, Some(name)) => match left.iter().position(|one| one == name) {
                Some(at) => drop(left.swap_remove(at)),
                None => {
                    return mismatch(&format!("the template has no parameter {name}, or it is given twice"));
                }
            },
            (false, None) => {}
        }
    }
    Ok(length)
}

fn header(template: &Template, given: Option<&Param<'_>>, desk: &Desk) -> Checked {
    let parameters = parameters(given)?;
    let part = template.part("HEADER");
    let format = part.and_then(|part| part.get("format")).and_then(Value::as_str).unwrap_or("TEXT");
    if format == "TEXT" {
        let expected = part.map(variables).unwrap_or_default();
        return texts("header", template, &expected, &parameters).map(drop);
    }
    let mismatch = |received: &str| {
        let details = format!("header: Format mismatch, expected {format}, received {received}");
        Err(GraphError::of(132_012, details))
    };
    let [parameter] = parameters.as_slice() else { return mismatch("UNKNOWN") };
    let kind = parameter.need("type")?.text(16)?.to_ascii_lowercase();
    if kind != format.to_ascii_lowercase() {
        return mismatch(&kind.to_ascii_uppercase());
    }
    let value = parameter.need(&kind)?;
    if kind == "location" { content::location(&value) } else { content::file(&kind, &value, desk) }
}

fn buttons(template: &Template, given: &[Param<'_>]) -> Checked {
    let none = Vec::new();
    let own = template.part("BUTTONS").and_then(|part| part.get("buttons")?.as_array()).unwrap_or(&none);
    let given: Vec<_> = given
        .iter()
        .filter(|one| {
            one.value.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("button"))
        })
        .map(|one| Ok((index(one)?, one)))
        .collect::<Checked<_>>()?;
    for (nth, component) in &given {
        if own.get(*nth).is_none() {
            return Err(component.refuse(&format!("names button {nth}, which the template does not have.")));
        }
    }
    for (nth, button) in own.iter().enumerate() {
        let component = given.iter().find(|(at, _)| *at == nth).map(|(_, component)| *component);
        self::button(nth, button, component)?;
    }
    Ok(())
}

/// The index is a text or a number.
fn index(component: &Param<'_>) -> Checked<usize> {
    let index = component.need("index")?;
    let number = index.value.as_u64().or_else(|| index.value.as_str()?.parse().ok());
    number
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number < 10)
        .ok_or_else(|| index.refuse("must be a number from 0 to 9."))
}

fn button(nth: usize, button: &Value, given: Option<&Param<'_>>) -> Checked {
    let kind = button.get("type").and_then(Value::as_str).unwrap_or_default();
    let url = button.get("url").and_then(Value::as_str).unwrap_or_default();
    let (sub_type, needed): (&[&str], Option<&str>) = match kind {
        "URL" if url.contains("{{1}}") => (&["url"], Some("text")),
        // The code of an authentication template travels in its button as well.
        "OTP" => (&["url"], Some("text")),
        "COPY_CODE" => (&["copy_code"], Some("coupon_code")),
        "QUICK_REPLY" => (&["quick_reply"], None),
        "FLOW" => (&["flow"], None),
        "URL" => (&["url"], None),
        _ => (&["voice_call", "phone_number", "catalog", "mpm"], None),
    };
    let Some(given) = given else {
        return match needed {
            Some(_) => {
                let details = format!("buttons: Button at index {nth} of type {kind} requires a parameter");
                Err(GraphError::of(131_008, details))
            }
            None => Ok(()),
        };
    };
    let word = given.need("sub_type")?;
    let lower = word.text(32)?.to_ascii_lowercase();
    if !sub_type.contains(&lower.as_str()) {
        return Err(GraphError::of(
            132_012,
            format!("buttons: Button at index {nth} is of type {kind}, not {lower}"),
        ));
    }
    let parameters = parameters(Some(given))?;
    if kind == "URL" && needed.is_none() && !parameters.is_empty() {
        return Err(GraphError::of(132_000, format!("buttons: Button at index {nth} has no parameter")));
    }
    if let Some(field) = needed {
        let [parameter] = parameters.as_slice() else {
            let details = format!("buttons: Button at index {nth} takes exactly one parameter");
            return Err(GraphError::of(132_000, details));
        };
        parameter.need("type")?.one_of(&[field])?;
        parameter.need(field)?.text(2000)?;
    }
    Ok(())
}
