//! What a message says, in the Cloud API's JSON (providers.md 2.1). Fields stand in the order of Meta's examples.

use super::cloud_template::Template;
use super::{Send, not_filled};
use crate::capability::NotCarried;
use domain::message::MediaKind;
use domain::outgoing::{Interactive as Asked, ListRow, ListSection, MediaSource, Outgoing, OutgoingMedia};
use serde::Serialize;
use serde_json::Value;

/// `type`, and the object of that name beside it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Content<'a> {
    Text { text: Text<'a> },
    Image { image: File<'a> },
    Video { video: File<'a> },
    Audio { audio: File<'a> },
    Document { document: File<'a> },
    Sticker { sticker: File<'a> },
    Location { location: Location<'a> },
    Contacts { contacts: &'a [Value] },
    Interactive { interactive: Interactive<'a> },
    Reaction { reaction: Reaction<'a> },
    Template { template: Template<'a> },
}

#[derive(Serialize)]
pub(super) struct Text<'a> {
    body: &'a str,
    preview_url: bool,
}

#[derive(Serialize, Default)]
pub(super) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caption: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    /// A sound that is shown as a voice note.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    voice: bool,
}

impl<'a> File<'a> {
    /// A file without words.
    pub(super) fn at(source: &'a MediaSource, filename: Option<&'a str>) -> Self {
        let (id, link) = match source {
            MediaSource::Id(id) => (Some(id.as_str()), None),
            MediaSource::Url(url) => (None, Some(url.as_str())),
        };
        Self { id, link, filename, ..Self::default() }
    }
}

#[derive(Serialize)]
pub(super) struct Location<'a> {
    latitude: f64,
    longitude: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Reaction<'a> {
    message_id: &'a str,
    /// Empty takes it away.
    emoji: &'a str,
}

#[derive(Serialize)]
pub(super) struct Interactive<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<Header<'a>>,
    body: Line<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    footer: Option<Line<'a>>,
    action: Action<'a>,
}

#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Action<'a> {
    Buttons { buttons: Vec<Button<'a>> },
    List { button: &'a str, sections: Vec<Section<'a>> },
    CtaUrl { name: &'static str, parameters: LinkParameters<'a> },
    Flow { name: &'static str, parameters: FlowParameters<'a> },
}

#[derive(Serialize)]
struct Button<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    reply: Reply<'a>,
}

#[derive(Serialize)]
struct Reply<'a> {
    id: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
struct Section<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct LinkParameters<'a> {
    display_text: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
struct FlowParameters<'a> {
    flow_message_version: &'static str,
    flow_token: &'a str,
    flow_id: &'a str,
    flow_cta: &'a str,
    flow_action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_action_payload: Option<FlowStart<'a>>,
}

#[derive(Serialize)]
struct FlowStart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    screen: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
}

impl<'a> Content<'a> {
    /// What the message says.
    pub(super) fn of(send: &Send<'a>) -> Result<Self, NotCarried> {
        Ok(match send.content {
            Outgoing::Text { body, preview_url } => {
                Self::Text { text: Text { body, preview_url: *preview_url } }
            }
            Outgoing::Template(_) => {
                let filled = send.filled.ok_or_else(not_filled)?;
                Self::Template { template: Template::of(filled)? }
            }
            Outgoing::Media(media) => Self::file(media),
            Outgoing::Interactive { interactive } => Self::Interactive { interactive: asked(interactive) },
            Outgoing::Location(place) => Self::Location {
                location: Location {
                    latitude: place.latitude,
                    longitude: place.longitude,
                    name: place.name.as_deref(),
                    address: place.address.as_deref(),
                },
            },
            Outgoing::Contacts { contacts } => Self::Contacts { contacts },
            Outgoing::Reaction { target, emoji } => Self::Reaction {
                reaction: Reaction { message_id: target, emoji: emoji.as_deref().unwrap_or_default() },
            },
        })
    }

    fn file(media: &'a OutgoingMedia) -> Self {
        let bare = File::at(&media.source, media.filename.as_deref());
        let file = File { caption: media.caption.as_deref(), ..bare };
        match media.media_kind {
            MediaKind::Image => Self::Image { image: file },
            MediaKind::Video => Self::Video { video: file },
            MediaKind::Audio => Self::Audio { audio: file },
            MediaKind::Voice => Self::Audio { audio: File { voice: true, ..file } },
            MediaKind::Document => Self::Document { document: file },
            MediaKind::Sticker => Self::Sticker { sticker: file },
        }
    }
}

fn asked(interactive: &Asked) -> Interactive<'_> {
    let (kind, header, footer, action) = match interactive {
        Asked::Buttons { body: _, header, footer, buttons } => {
            let buttons = buttons
                .iter()
                .map(|button| Button { kind: "reply", reply: Reply { id: &button.id, title: &button.title } })
                .collect();
            ("button", header, footer, Action::Buttons { buttons })
        }
        Asked::List { body: _, header, footer, button, sections } => {
            let sections = sections.iter().map(section).collect();
            ("list", header, footer, Action::List { button, sections })
        }
        Asked::CtaUrl { body: _, header, footer, display_text, url } => {
            let parameters = LinkParameters { display_text, url };
            ("cta_url", header, footer, Action::CtaUrl { name: "cta_url", parameters })
        }
        Asked::Flow { body: _, header, footer, flow_id, flow_cta, flow_token, screen, data } => {
            let start = FlowStart { screen: screen.as_deref(), data: data.as_ref() };
            let parameters = FlowParameters {
                flow_message_version: "3",
                flow_token,
                flow_id,
                flow_cta,
                flow_action: "navigate",
                flow_action_payload: (screen.is_some() || data.is_some()).then_some(start),
            };
            ("flow", header, footer, Action::Flow { name: "flow", parameters })
        }
    };
    Interactive {
        kind,
        header: header.as_deref().map(|text| Header { kind: "text", text }),
        body: Line { text: interactive.body() },
        footer: footer.as_deref().map(|text| Line { text }),
        action,
    }
}

fn section(section: &ListSection) -> Section<'_> {
    Section { title: section.title.as_deref(), rows: section.rows.iter().map(row).collect() }
}

fn row(row: &ListRow) -> Row<'_> {
    Row { id: &row.id, title: &row.title, description: row.description.as_deref() }
}
