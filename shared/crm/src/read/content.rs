//! What a message says, in the fields of the API; and what it says after an edit.

use super::message::{Button, Message, Reaction, System, Target, Unsupported};
use domain::message::{Content, Media};

/// Writes content into the fields of a message. The kind stays as it was recorded: lists go by it.
pub(super) fn show(content: Content, message: &mut Message) {
    match content {
        Content::Text { body } => message.text = Some(body),
        Content::Media(_, media) => message.media = Some(media),
        Content::Location(location) => message.location = Some(location),
        Content::Contacts(cards) => message.contacts = Some(cards),
        Content::Interactive(reply) => message.interactive = serde_json::to_value(reply).ok(),
        Content::Button { text, payload } => message.button = Some(Button { text, payload }),
        Content::Reaction { target, emoji } => {
            message.reaction = Some(Reaction { provider_message_id: target, emoji });
        }
        Content::Order(order) => message.order = Some(order),
        Content::Edit { target, content } => {
            message.target = Some(Target { provider_message_id: target });
            show(*content, message);
        }
        Content::Revoke { target } => message.target = Some(Target { provider_message_id: target }),
        Content::System { system_type, body } => message.system = Some(System { system_type, body }),
        Content::Unsupported { original_type } => message.unsupported = Some(Unsupported { original_type }),
        Content::Unknown { message_type } => {
            message.unsupported = Some(Unsupported { original_type: Some(message_type) });
        }
    }
}

/// What a message says once an edit is applied to it.
pub(super) fn edited(original: Content, edit: Content) -> Content {
    let Content::Edit { content: edit, .. } = edit else { return original };
    match (original, *edit) {
        // An edit of a file names what changed, usually the caption.
        (Content::Media(kind, old), Content::Media(_, new)) => Content::Media(kind, updated(old, new)),
        (Content::Media(kind, old), Content::Text { body }) => {
            Content::Media(kind, Media { caption: Some(body), ..old })
        }
        (_, new) => new,
    }
}

fn updated(old: Media, new: Media) -> Media {
    Media {
        id: new.id.or(old.id),
        url: new.url.or(old.url),
        mime_type: new.mime_type.or(old.mime_type),
        sha256: new.sha256.or(old.sha256),
        caption: new.caption.or(old.caption),
        filename: new.filename.or(old.filename),
        animated: new.animated.or(old.animated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::message::MediaKind;

    fn edit(content: Content) -> Content {
        Content::Edit { target: "wamid.1".into(), content: Box::new(content) }
    }

    fn text(body: &str) -> Content {
        Content::Text { body: body.into() }
    }

    fn image(id: Option<&str>, caption: Option<&str>) -> Content {
        let media =
            Media { id: id.map(str::to_owned), caption: caption.map(str::to_owned), ..Media::default() };
        Content::Media(MediaKind::Image, media)
    }

    #[test]
    fn an_edit_replaces_words_and_keeps_what_it_does_not_name_of_a_file() {
        assert_eq!(edited(text("2pm"), edit(text("3pm"))), text("3pm"));
        let old = || image(Some("9"), Some("front"));
        assert_eq!(edited(old(), edit(image(None, Some("back")))), image(Some("9"), Some("back")));
        assert_eq!(edited(old(), edit(text("back"))), image(Some("9"), Some("back")));
        assert_eq!(edited(old(), text("not an edit")), old());
    }
}
