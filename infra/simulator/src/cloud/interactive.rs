//! Buttons, lists, links, flows and requests: code 131009 for all that is wrong with them.

use super::content;
use super::error::Checked;
use super::param::Param;
use crate::desk::Desk;
use std::collections::HashSet;

/// Checks `interactive`.
pub(super) fn check(message: &Param<'_>, desk: &Desk) -> Checked {
    message.only(&["type", "header", "body", "footer", "action"])?;
    let kinds = [
        "button",
        "list",
        "cta_url",
        "flow",
        "location_request_message",
        "request_contact_info",
        "contact_request",
    ];
    let kind = message.need("type")?.one_of(&kinds)?;
    let longest = if kind == "list" { 4096 } else { 1024 };
    let body = message.need("body")?;
    body.only(&["text"])?;
    body.need("text")?.text(longest)?;
    if let Some(footer) = message.get("footer") {
        footer.only(&["text"])?;
        footer.need("text")?.text(60)?;
    }
    if let Some(header) = message.get("header") {
        check_header(&header, kind, desk)?;
    }
    let action = message.need("action")?;
    match kind {
        "button" => buttons(&action),
        "list" => list(&action),
        "cta_url" => link(&action),
        "flow" => flow(&action),
        "location_request_message" => action.need("name")?.one_of(&["send_location"]).map(drop),
        _ => action.need("name")?.one_of(&["request_contact_info"]).map(drop),
    }
}

fn check_header(header: &Param<'_>, kind: &str, desk: &Desk) -> Checked {
    let kinds: &[&str] = match kind {
        "button" | "cta_url" => &["text", "image", "video", "document"],
        "list" | "flow" => &["text"],
        _ => return Err(header.refuse("is not allowed with this type.")),
    };
    let of = header.need("type")?.one_of(kinds)?;
    header.only(&["type", of])?;
    let value = header.need(of)?;
    if of == "text" { value.text(60).map(drop) } else { content::file(of, &value, desk) }
}

/// Ids and titles must each be there once.
struct Once<'a> {
    ids: HashSet<&'a str>,
    titles: HashSet<&'a str>,
}

impl<'a> Once<'a> {
    fn new() -> Self {
        Self { ids: HashSet::new(), titles: HashSet::new() }
    }

    fn take(&mut self, place: &Param<'a>, id: &'a str, title: &'a str) -> Checked {
        if !self.ids.insert(id) {
            return Err(place.refuse("repeats an id."));
        }
        if !self.titles.insert(title) {
            return Err(place.refuse("repeats a title."));
        }
        Ok(())
    }
}

fn buttons(action: &Param<'_>) -> Checked {
    action.only(&["buttons"])?;
    let mut once = Once::new();
    for button in action.need("buttons")?.list(1, 3)? {
        button.only(&["type", "reply"])?;
        button.need("type")?.one_of(&["reply"])?;
        let reply = button.need("reply")?;
        reply.only(&["id", "title"])?;
        once.take(&reply, reply.need("id")?.text(256)?, reply.need("title")?.text(20)?)?;
    }
    Ok(())
}

fn list(action: &Param<'_>) -> Checked {
    action.only(&["button", "sections"])?;
    action.need("button")?.text(20)?;
    let sections = action.need("sections")?;
    let found = sections.list(1, 10)?;
    let (mut once, mut rows) = (Once::new(), 0);
    for section in &found {
        section.only(&["title", "rows"])?;
        match section.get("title") {
            Some(title) => drop(title.text(24)?),
            None if found.len() > 1 => return Err(section.refuse("needs a title beside other sections.")),
            None => {}
        }
        for row in section.need("rows")?.list(1, 10)? {
            row.only(&["id", "title", "description"])?;
            rows += 1;
            // Rows may share a title, as long as their ids differ.
            let id = row.need("id")?.text(200)?;
            row.need("title")?.text(24)?;
            once.take(&row, id, id)?;
            if let Some(description) = row.get("description") {
                description.text(72)?;
            }
        }
    }
    if rows > 10 {
        Err(sections.refuse(&format!("have {rows} rows in total; at most 10 are allowed.")))
    } else {
        Ok(())
    }
}

fn link(action: &Param<'_>) -> Checked {
    action.only(&["name", "parameters"])?;
    action.need("name")?.one_of(&["cta_url"])?;
    let parameters = action.need("parameters")?;
    parameters.only(&["display_text", "url"])?;
    parameters.need("display_text")?.text(20)?;
    let url = parameters.need("url")?;
    let text = url.text(2000)?;
    if text.starts_with("https://") || text.starts_with("http://") {
        Ok(())
    } else {
        Err(url.refuse("is not a valid URL."))
    }
}

fn flow(action: &Param<'_>) -> Checked {
    action.only(&["name", "parameters"])?;
    action.need("name")?.one_of(&["flow"])?;
    let parameters = action.need("parameters")?;
    parameters.need("flow_message_version")?.one_of(&["3"])?;
    parameters.need("flow_cta")?.text(20)?;
    if parameters.get("flow_id").is_none() && parameters.get("flow_name").is_none() {
        return Err(parameters.refuse("needs a flow_id or a flow_name."));
    }
    if let Some(action) = parameters.get("flow_action") {
        action.one_of(&["navigate", "data_exchange"])?;
    }
    Ok(())
}
