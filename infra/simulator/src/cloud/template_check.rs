//! What a template must be like before Meta looks at it.

use super::error::{Checked, GraphError};
use super::param::Param;
use super::templates::{Template, variables};
use serde_json::Value;

/// Checks the request for a template and makes it, without an id.
pub(super) fn check(body: &Value) -> Checked<Template> {
    let root = Param::root(body);
    root.only(&[
        "name",
        "language",
        "category",
        "parameter_format",
        "components",
        "message_send_ttl_seconds",
        "allow_category_change",
    ])?;
    let name = root.need("name")?;
    let text = name.text(512)?;
    if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err(name.refuse("can only have lowercase letters, digits and underscores."));
    }
    let language = root.need("language")?;
    if !is_language(language.text(16)?) {
        return Err(language.refuse("is not a language that templates can have."));
    }
    let category = root.need("category")?.one_of(&["UTILITY", "MARKETING", "AUTHENTICATION"])?;
    let format =
        root.get("parameter_format").map(|format| format.one_of(&["NAMED", "POSITIONAL"])).transpose()?;
    let named = format == Some("NAMED");
    let components = root.need("components")?.list(1, 8)?;
    let mut kinds = Vec::new();
    for component in &components {
        let words = ["HEADER", "BODY", "FOOTER", "BUTTONS"];
        let kind = component.need("type")?.one_of(&words)?;
        if kinds.contains(&kind) {
            return Err(component.refuse("repeats a component."));
        }
        kinds.push(kind);
        // Meta writes the text of an authentication template itself.
        if category == "AUTHENTICATION" {
            continue;
        }
        match kind {
            "BODY" => body_component(component, named)?,
            "HEADER" => header(component, named)?,
            "FOOTER" => footer(component)?,
            _ => buttons(component)?,
        }
    }
    if !kinds.contains(&"BODY") {
        return Err(GraphError::invalid("The component BODY is required."));
    }
    Ok(Template {
        id: String::new(),
        name: text.to_owned(),
        language: language.text(16)?.to_owned(),
        category: category.to_owned(),
        status: "PENDING".to_owned(),
        named,
        components: components.iter().map(|component| component.value.clone()).collect(),
        rejected_reason: "NONE".to_owned(),
        quality: "UNKNOWN".to_owned(),
        edited_ms: None,
    })
}

/// `en`, `ar`, `en_US`, `zh_CN`.
fn is_language(code: &str) -> bool {
    let (language, country) = code.split_once('_').unwrap_or((code, "XX"));
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Variables are all names, or the numbers from 1 on.
fn right_variables(part: &Param<'_>, named: bool) -> Checked<Vec<String>> {
    let found = variables(part.value);
    for (nth, name) in found.iter().enumerate() {
        let right = if named {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                && !name.bytes().all(|byte| byte.is_ascii_digit())
        } else {
            *name == (nth + 1).to_string()
        };
        if !right {
            let said = format!("has a variable {{{{{name}}}}} that does not fit the parameter_format.");
            return Err(part.refuse(&said));
        }
    }
    Ok(found)
}

fn body_component(part: &Param<'_>, named: bool) -> Checked {
    let text = part.need("text")?.value.as_str().unwrap_or_default();
    if text.trim().is_empty() || text.chars().count() > 1024 {
        return Err(GraphError::template(2_388_040, "The body must have between 1 and 1024 characters."));
    }
    if text.contains("\n\n\n") || text.contains('\t') || text.contains("     ") {
        return Err(GraphError::template(
            2_388_072,
            "The body cannot have tabs, more than two line breaks or more than four spaces in a row.",
        ));
    }
    let found = right_variables(part, named)?;
    let trimmed = text.trim();
    if trimmed.starts_with("{{") || trimmed.ends_with("}}") {
        return Err(GraphError::template(
            2_388_299,
            "Variables can't be at the start or end of the template.",
        ));
    }
    let squeezed: String = text.split_whitespace().collect();
    if squeezed.contains("}}{{") {
        return Err(GraphError::template(2_388_072, "Variables can't be next to each other."));
    }
    let words = text.split_whitespace().filter(|word| !word.contains("{{")).count();
    if words < found.len() * 2 + usize::from(!found.is_empty()) {
        return Err(GraphError::template(2_388_293, "This template has too many variables for its length."));
    }
    if named {
        examples_named(part, "body_text_named_params", &found)
    } else {
        let given = part.value.pointer("/example/body_text/0").and_then(Value::as_array);
        let complete =
            given.map_or(0, |given| given.iter().filter(|one| one.is_string()).count()) == found.len();
        if complete { Ok(()) } else { Err(no_example("body")) }
    }
}

fn no_example(part: &str) -> GraphError {
    GraphError::template(2_388_043, &format!("The {part} has variables but not an example for each."))
}

fn examples_named(part: &Param<'_>, key: &str, found: &[String]) -> Checked {
    let given = part.value.pointer(&format!("/example/{key}")).and_then(Value::as_array);
    let has = |name: &String| {
        given.into_iter().flatten().any(|one| {
            one.get("param_name").and_then(Value::as_str) == Some(name)
                && one.get("example").and_then(Value::as_str).is_some_and(|example| !example.is_empty())
        })
    };
    if found.iter().all(has) && given.map_or(0, Vec::len) == found.len() {
        Ok(())
    } else {
        Err(no_example("body"))
    }
}

fn header(part: &Param<'_>, named: bool) -> Checked {
    let format = part.need("format")?.one_of(&["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"])?;
    match format {
        "TEXT" => {
            let text = part.need("text")?.value.as_str().unwrap_or_default();
            if text.trim().is_empty() || text.chars().count() > 60 || text.contains('\n') {
                return Err(GraphError::template(
                    2_388_047,
                    "The header must have between 1 and 60 characters on one line.",
                ));
            }
            let found = right_variables(part, named)?;
            if found.len() > 1 {
                return Err(GraphError::template(2_388_047, "The header can have one variable."));
            }
            if named {
                return examples_named(part, "header_text_named_params", &found);
            }
            let given = part.value.pointer("/example/header_text/0").is_some_and(Value::is_string);
            if found.is_empty() || given { Ok(()) } else { Err(no_example("header")) }
        }
        "LOCATION" => Ok(()),
        _ => {
            let handle = part.value.pointer("/example/header_handle/0").and_then(Value::as_str);
            if handle.is_some_and(|handle| !handle.is_empty()) { Ok(()) } else { Err(no_example("header")) }
        }
    }
}

fn footer(part: &Param<'_>) -> Checked {
    let text = part.need("text")?.value.as_str().unwrap_or_default();
    if text.trim().is_empty() || text.chars().count() > 60 || text.contains("{{") || text.contains('\n') {
        return Err(GraphError::template(
            2_388_073,
            "The footer must have between 1 and 60 characters and no variable.",
        ));
    }
    Ok(())
}

fn buttons(part: &Param<'_>) -> Checked {
    for button in part.need("buttons")?.list(1, 10)? {
        let words =
            ["QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW", "REQUEST_CONTACT_INFO", "VOICE_CALL"];
        let kind = button.need("type")?.one_of(&words)?;
        if !matches!(kind, "COPY_CODE" | "REQUEST_CONTACT_INFO") {
            button.need("text")?.text(25)?;
        }
        match kind {
            "URL" => {
                let url = button.need("url")?;
                let text = url.text(2000)?;
                if !text.starts_with("https://") && !text.starts_with("http://") {
                    return Err(url.refuse("is not a valid URL."));
                }
                let with_variable = text.contains("{{");
                if with_variable && !(text.ends_with("{{1}}") && text.matches("{{").count() == 1) {
                    return Err(url.refuse("can have one variable {{1}}, at its end."));
                }
                let example = button.value.pointer("/example/0").or_else(|| button.value.get("example"));
                if with_variable && !example.is_some_and(Value::is_string) {
                    return Err(no_example("button"));
                }
            }
            "PHONE_NUMBER" => drop(button.need("phone_number")?.text(20)?),
            _ => {}
        }
    }
    Ok(())
}
