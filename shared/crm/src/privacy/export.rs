//! Everything about a contact, a page at a time: who they are, what was said, what they agreed to, what is kept about
//! them, and to whom it was passed on.

use super::needles::Needles;
use crate::consent;
use crate::read::{self, Family};
use domain::identity::Identity;
use domain::ids::{ContactId, TenantId};
use domain::time::Millis;
use platform::bucket::ObjectKey;
use platform::dynamo::{Store, StoreError};
use serde::Serialize;
use serde_json::{Value, json};
use ulid::Ulid;

/// How many deliveries one page looks at.
const LOOKED_AT: u32 = 1_000;

/// A record about a contact.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportedRecord {
    /// `contact`, `identity`, `lead`, `conversation`, `consent`, `message`, `file`, `event` (of the timeline) or
    /// `delivery` (to a receiver of customer webhooks).
    pub kind: &'static str,
    /// What is kept, as the API shows it.
    pub data: Value,
}

/// What a page begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFrom {
    /// The person, their leads and their conversation.
    Person,
    /// What they agreed to and withdrew, after a row.
    Consents(Option<consent::Position>),
    /// Messages older than one.
    Messages(Option<Ulid>),
    /// What happened beside messages, of the contact at this place, before one.
    Timeline(usize, Option<Ulid>),
    /// Deliveries older than one.
    Deliveries(Option<Ulid>),
}

impl ExportFrom {
    /// As text, for a cursor.
    #[must_use]
    pub fn text(self) -> String {
        let ulid = |at: Option<Ulid>| at.map(|at| at.to_string()).unwrap_or_default();
        match self {
            Self::Person => "p:".to_owned(),
            Self::Consents(at) => format!("c:{}", at.map(|at| at.to_string()).unwrap_or_default()),
            Self::Messages(at) => format!("m:{}", ulid(at)),
            Self::Timeline(place, at) => format!("t:{place}:{}", ulid(at)),
            Self::Deliveries(at) => format!("d:{}", ulid(at)),
        }
    }

    /// Reads what [`ExportFrom::text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let ulid = |text: &str| match text {
            "" => Some(None),
            text => Ulid::from_string(text).ok().map(Some),
        };
        match text.split_once(':')? {
            ("p", "") => Some(Self::Person),
            ("c", "") => Some(Self::Consents(None)),
            ("c", rest) => consent::Position::parse(rest).map(|at| Self::Consents(Some(at))),
            ("m", rest) => ulid(rest).map(Self::Messages),
            ("t", rest) => {
                let (place, at) = rest.split_once(':')?;
                Some(Self::Timeline(place.parse().ok()?, ulid(at)?))
            }
            ("d", rest) => ulid(rest).map(Self::Deliveries),
            _ => None,
        }
    }
}

/// A page of everything about a contact.
#[derive(Debug, Clone)]
pub struct ExportPage {
    /// The records.
    pub records: Vec<ExportedRecord>,
    /// Where to go on; absent when this was all.
    pub next: Option<ExportFrom>,
}

/// A page of everything about a contact; `None` when there is no such contact. A page may be short, or empty, although
/// there is more.
///
/// # Errors
/// The table did not answer.
pub async fn export(
    store: &Store,
    tenant: TenantId,
    contact: ContactId,
    from: ExportFrom,
    limit: u32,
    now: Millis,
) -> Result<Option<ExportPage>, StoreError> {
    let Some(family) = Family::read(store, tenant, contact).await? else { return Ok(None) };
    let mut records = Vec::new();
    let next = match from {
        ExportFrom::Person => {
            person(store, tenant, &family, &mut records, now).await?;
            Some(ExportFrom::Consents(None))
        }
        ExportFrom::Consents(after) => {
            let rows = consent::rows(store, tenant, family.id(), after, limit).await?;
            let (items, next) = rows.map(|rows| (rows.items, rows.next)).unwrap_or_default();
            records.extend(items.iter().map(|row| record("consent", row)));
            Some(next.map_or(ExportFrom::Messages(None), |at| ExportFrom::Consents(Some(at))))
        }
        ExportFrom::Messages(after) => {
            let id = family.id().conversation();
            let page = read::conversation_messages(store, tenant, id, after, limit, true).await?;
            let (items, next) = page.map(|page| (page.items, page.next)).unwrap_or_default();
            for message in &items {
                if message.media.is_some() {
                    let object = ObjectKey::of_message(tenant, message.id);
                    let path = format!("/v1/whatsapp/media/{}", message.id);
                    let file = json!({"message_id": message.id, "media": message.media, "object": object.as_str(),
                        "fetch": path});
                    records.push(ExportedRecord { kind: "file", data: file });
                }
                records.push(record("message", message));
            }
            Some(next.map_or(ExportFrom::Timeline(0, None), |at| ExportFrom::Messages(Some(at))))
        }
        ExportFrom::Timeline(place, before) => match family.ids().get(place) {
            None => Some(ExportFrom::Deliveries(None)),
            Some(contact) => {
                let page = store.happenings(tenant, *contact, before, limit).await?;
                let last = page.happenings.last().map(|one| one.id.ulid()).filter(|_| page.more);
                records.extend(page.happenings.into_iter().map(|one| ExportedRecord {
                    kind: "event",
                    data: json!({"id": one.id, "type": one.kind, "lead_id": one.lead, "actor": one.actor,
                        "recorded_at": one.recorded_at, "trace_id": one.trace_id, "data": one.data}),
                }));
                Some(match last {
                    Some(last) => ExportFrom::Timeline(place, Some(last)),
                    None => ExportFrom::Timeline(place + 1, None),
                })
            }
        },
        ExportFrom::Deliveries(before) => {
            let found = deliveries(store, tenant, &family, before, &mut records).await?;
            found.map(|last| ExportFrom::Deliveries(Some(last)))
        }
    };
    Ok(Some(ExportPage { records, next }))
}

/// Who they are, their leads, their conversation.
async fn person(
    store: &Store,
    tenant: TenantId,
    family: &Family,
    records: &mut Vec<ExportedRecord>,
    now: Millis,
) -> Result<(), StoreError> {
    if let Some(contact) = read::contact(store, tenant, family.id(), now).await? {
        records.push(record("contact", &contact));
    }
    let mut names: Vec<String> =
        family.members().iter().flat_map(|contact| contact.known_by.iter().map(Identity::spelled)).collect();
    names.sort_unstable();
    names.dedup();
    records.extend(names.iter().filter_map(|name| {
        let (kind, value) = name.split_once(':')?;
        Some(ExportedRecord { kind: "identity", data: json!({"kind": kind, "value": value}) })
    }));
    for lead in store.leads(tenant, &family.possible_leads()).await? {
        if let Some(lead) = read::lead(store, tenant, lead.id, now).await? {
            records.push(record("lead", &lead));
        }
    }
    if let Some(talk) = read::conversation(store, tenant, family.id().conversation(), now).await? {
        records.push(record("conversation", &talk));
    }
    Ok(())
}

/// What receivers of customer webhooks were told about the person, without the bodies; the last one looked at when there
/// is more.
async fn deliveries(
    store: &Store,
    tenant: TenantId,
    family: &Family,
    before: Option<Ulid>,
    records: &mut Vec<ExportedRecord>,
) -> Result<Option<Ulid>, StoreError> {
    let ids = family.ids().into_iter().map(|contact| contact.ulid());
    let ids = ids.chain(family.possible_leads().into_iter().map(|lead| lead.ulid()));
    let needles = Needles::new(&[], ids.map(|ulid| ulid.to_string()).collect());
    let page = store.deliveries_by_time(tenant, before, LOOKED_AT).await?;
    let endpoints = store.endpoints(tenant).await?;
    for delivery in page.deliveries.iter().filter(|delivery| needles.are_in(&delivery.body)) {
        let url = endpoints.iter().find(|one| one.id == delivery.endpoint).map(|one| one.url.as_str());
        let data = json!({"id": delivery.id, "endpoint_id": delivery.endpoint, "url": url,
            "event_type": delivery.event_type, "status": delivery.status, "created_at": delivery.created_at});
        records.push(ExportedRecord { kind: "delivery", data });
    }
    let floor = family.created_at().map_or(0, Millis::unix_ms);
    Ok(page.last.filter(|last| page.more && last.timestamp_ms() >= floor))
}

fn record(kind: &'static str, data: &impl Serialize) -> ExportedRecord {
    // Everything that the API shows is JSON.
    ExportedRecord { kind, data: serde_json::to_value(data).unwrap_or_default() }
}

/// A page as people read it: nothing in it is anything but text.
#[must_use]
pub fn readable(records: &[ExportedRecord], contact: ContactId, next: Option<&str>, now: Millis) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Everything about a contact</title>\n\
         <style>body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
         table{border-collapse:collapse;width:100%;margin:0 0 1.5em}\
         th,td{border:1px solid #ccc;padding:.3em .5em;text-align:start;vertical-align:top;overflow-wrap:anywhere}\
         th{width:14em}</style></head><body>\n",
    );
    page.push_str(&format!("<h1>Everything about {contact}</h1>\n<p>Exported at {now}.</p>\n"));
    for record in records {
        page.push_str(&format!("<h2>{}</h2>\n<table>\n", record.kind));
        for (name, value) in record.data.as_object().into_iter().flatten() {
            if value.is_null() {
                continue;
            }
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            page.push_str(&format!(
                "<tr><th>{}</th><td dir=\"auto\">{}</td></tr>\n",
                escaped(name),
                escaped(&text)
            ));
        }
        page.push_str("</table>\n");
    }
    if let Some(next) = next {
        page.push_str(&format!("<p>There is more: go on with <code>cursor={}</code>.</p>\n", escaped(next)));
    }
    page.push_str("</body></html>\n");
    page
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;

    #[test]
    fn a_place_in_an_export_is_read_as_it_was_written() {
        let at = Some(derived_ulid(5, &["x"]));
        for from in [
            ExportFrom::Person,
            ExportFrom::Consents(None),
            ExportFrom::Messages(at),
            ExportFrom::Timeline(2, at),
            ExportFrom::Timeline(0, None),
            ExportFrom::Deliveries(None),
        ] {
            assert_eq!(ExportFrom::parse(&from.text()), Some(from));
        }
        assert_eq!(ExportFrom::parse("x:"), None);
        assert_eq!(ExportFrom::parse("t:1"), None);
    }

    #[test]
    fn what_a_person_wrote_stays_text_on_the_readable_page() {
        let data = json!({"text": "<script>alert('x')</script> & more"});
        let contact = ContactId::from_ulid(derived_ulid(1, &["c"]));
        let page =
            readable(&[ExportedRecord { kind: "message", data }], contact, None, Millis::from_unix_ms(0));
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more"), "{page}");
    }
}
