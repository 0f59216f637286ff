//! What customers see of a business: `whatsapp_business_profile`.

use super::error::{Checked, GraphError};
use super::param::Param;
use crate::account::Line;
use crate::api::Outcome;
use crate::wire::{Call, Reply};
use serde_json::{Map, Value, json};

const FIELDS: [&str; 7] =
    ["about", "address", "description", "email", "profile_picture_url", "websites", "vertical"];
const VERTICALS: [&str; 21] = [
    "OTHER",
    "AUTO",
    "BEAUTY",
    "APPAREL",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GROCERY",
    "GOVT",
    "HOTEL",
    "HEALTH",
    "NONPROFIT",
    "PROF_SERVICES",
    "RETAIL",
    "TRAVEL",
    "RESTAURANT",
    "ALCOHOL",
    "ONLINE_GAMBLING",
    "PHYSICAL_GAMBLING",
    "OTC_DRUGS",
];

/// A profile on its first day.
pub(crate) fn first() -> Map<String, Value> {
    let first = json!({"about": "Hadar demo", "vertical": "PROF_SERVICES"});
    if let Value::Object(first) = first { first } else { Map::new() }
}

/// The profile: the fields that are asked for, and of them those that have a value.
pub(crate) fn read(line: &Line, call: &Call) -> Outcome {
    let profile = line.desk().profile.clone();
    let mut shown = Map::from_iter([("messaging_product".to_owned(), json!("whatsapp"))]);
    for field in
        call.asked("fields").unwrap_or_default().split(',').map(str::trim).filter(|it| !it.is_empty())
    {
        if !FIELDS.contains(&field) && field != "messaging_product" {
            let said =
                format!("Tried accessing nonexisting field ({field}) on node type (WhatsAppBusinessProfile)");
            return Outcome::refused(&GraphError::invalid(said));
        }
        shown.extend(profile.get(field).map(|value| (field.to_owned(), value.clone())));
    }
    Outcome::of(Reply::json(200, &json!({"data": [shown]})))
}

/// Changes what is named; nothing when one field is wrong.
pub(crate) fn change(line: &Line, call: &Call) -> Outcome {
    let body = call.json().unwrap_or_default();
    match checked(&body) {
        Err(error) => Outcome::refused(&error),
        Ok(changed) => {
            let mut desk = line.desk();
            for (field, value) in changed {
                let empty =
                    value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty);
                if empty {
                    desk.profile.remove(&field);
                } else {
                    desk.profile.insert(field, value);
                }
            }
            Outcome::of(Reply::json(200, &json!({"success": true})))
        }
    }
}

fn checked(body: &Value) -> Checked<Map<String, Value>> {
    let root = Param::root(body);
    root.only(&[
        "messaging_product",
        "about",
        "address",
        "description",
        "email",
        "websites",
        "vertical",
        "profile_picture_handle",
    ])?;
    root.need("messaging_product")?.one_of(&["whatsapp"])?;
    let mut changed = Map::new();
    if let Some(about) = root.get("about") {
        changed.insert("about".to_owned(), json!(about.text(139)?));
    }
    for (name, longest) in [("address", 256), ("description", 512), ("email", 128)] {
        let Some(param) = root.get(name) else { continue };
        let empty = param.value.as_str() == Some("");
        let text = if empty { "" } else { param.text(longest)? };
        if name == "email" && !empty && !text.contains('@') {
            return Err(param.refuse("must be a valid email address."));
        }
        changed.insert(name.to_owned(), json!(text));
    }
    if let Some(list) = root.get("websites") {
        for site in list.list(0, 2)? {
            let text = site.text(256)?;
            if !(text.starts_with("https://") || text.starts_with("http://")) {
                return Err(site.refuse("must be a valid URI."));
            }
        }
        changed.insert("websites".to_owned(), list.value.clone());
    }
    if let Some(vertical) = root.get("vertical") {
        changed.insert("vertical".to_owned(), json!(vertical.one_of(&VERTICALS)?));
    }
    if let Some(handle) = root.get("profile_picture_handle") {
        let text = handle.text(4_096)?;
        // What the upload made; another one is no picture.
        if !text.starts_with("4::") {
            return Err(handle.refuse("is not a valid handle of an uploaded file."));
        }
        changed.insert("profile_picture_url".to_owned(), json!("https://pps.whatsapp.net/v/t61/picture.jpg"));
    }
    Ok(changed)
}
