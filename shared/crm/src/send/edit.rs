//! Changing what a held message says. What is sent is what its last change says, however late that came.

use super::SendError;
use super::accept::By;
use super::evaluate::{Draft, Target, evaluate};
use crate::first_touch;
use domain::ids::MessageId;
use domain::outbound::SendState;
use domain::outgoing::{FieldError, Outgoing, TemplateUse, Variables};
use domain::time::Millis;
use platform::Platform;
use platform::dynamo::SendPart;
use platform::transport::Transport;

/// What changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The words of a text.
    Text(String),
    /// What fills a template's variables.
    Variables(Variables),
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// It was made.
    Yes,
    /// The message is not held.
    No(SendState),
    /// Somebody else changed it: this is its version now.
    Meanwhile(u64),
    /// There is no such message of ours.
    NotFound,
}

/// Changes a held message; with `version` only if it still is that one.
///
/// # Errors
/// [`SendError`]: it may not say that, or not be sent at all any more. Then nothing was changed.
pub async fn edit(
    platform: &Platform,
    transport: &Transport,
    by: By,
    id: MessageId,
    change: Edit,
    version: Option<u64>,
    (begun, now): (Millis, Millis),
) -> Result<Edited, SendError> {
    let store = &platform.store;
    let Some(record) = store.send(by.tenant, id).await? else { return Ok(Edited::NotFound) };
    let content = changed(&record.part.content, change)?;
    if begun < now && record.part.content == content {
        // An earlier run of this request made the change.
        return Ok(Edited::Yes);
    }
    if record.state != SendState::Held {
        return Ok(Edited::No(record.state));
    }
    if version.is_some_and(|version| version != record.revision) {
        return Ok(Edited::Meanwhile(record.revision));
    }
    let draft = Draft {
        target: Target::Contact(record.contact),
        content,
        reply_to: None,
        purpose: record.purpose,
        confirm_language: record.confirm_language,
        number: None,
        once: None,
        first_touch: record.touch.is_some(),
    };
    let evaluated = evaluate(platform, transport, by.tenant, &draft, now).await?;
    if let Err(reasons) = evaluated.verdict {
        return Err(SendError::Refused { reasons, instead: Vec::new() });
    }
    let part = SendPart { reply_to: record.part.reply_to.clone(), ..evaluated.part };
    if !store.edit_send(by.tenant, &record, &part, now).await? {
        let meanwhile = store.send(by.tenant, id).await?;
        return Ok(meanwhile.map_or(Edited::NotFound, |record| match record.state {
            SendState::Held => Edited::Meanwhile(record.revision),
            state => Edited::No(state),
        }));
    }
    first_touch::note(platform, by, &record, "edited", begun).await?;
    Ok(Edited::Yes)
}

fn changed(content: &Outgoing, change: Edit) -> Result<Outgoing, FieldError> {
    let wrong =
        |field: &str, message: &str| FieldError { field: field.to_owned(), message: message.to_owned() };
    match (content, change) {
        (Outgoing::Text { preview_url, .. }, Edit::Text(body)) => {
            Ok(Outgoing::Text { body, preview_url: *preview_url })
        }
        (Outgoing::Template(used), Edit::Variables(variables)) => {
            Ok(Outgoing::Template(TemplateUse { variables, ..used.clone() }))
        }
        (Outgoing::Template(_), Edit::Text(_)) => {
            Err(wrong("text", "This message is a template: give its `variables`."))
        }
        (_, Edit::Text(_)) => Err(wrong("text", "Only the words of a text can be changed.")),
        (_, Edit::Variables(_)) => Err(wrong("variables", "Only a template has variables.")),
    }
}
