//! From a verified body to the messages of the inbound queue.

use crate::split;
use domain::ids::TenantId;
use domain::lead::FeedKind;
use domain::provider::Provider;
use domain::time::Millis;
use platform::queue::inbound::{Body, InboundEnvelope, Part};
use platform::queue::{Queue, QueueError};
use providers::signature::VerifiedBody;
use uuid::Uuid;

/// SQS holds 1 MiB; the rest is room for what Lambda wraps around a message.
const MESSAGE_LIMIT: usize = 900 << 10;
/// Where cutting into byte ranges begins: even what does not shrink fits a message as base64.
const PART: usize = 600 << 10;

/// What is known of a body beside its bytes.
pub(crate) struct Provenance {
    pub(crate) tenant: TenantId,
    pub(crate) provider: Provider,
    /// The source of leads that sent it, in place of a provider.
    pub(crate) feed: Option<FeedKind>,
    /// Whether Chatwoot sent it, in place of a provider.
    pub(crate) chatwoot: bool,
    pub(crate) received_at: Millis,
    pub(crate) trace_id: Uuid,
}

/// Puts a body into the queue. `Ok` means that all of it is stored; after an error some of it may be, and is
/// recognised as a duplicate when the provider sends the body again.
pub(crate) async fn store(
    queue: &Queue,
    provenance: &Provenance,
    body: VerifiedBody<'_>,
) -> Result<(), QueueError> {
    let messages = Messages { provenance, body };
    let group = provenance.tenant.to_string();
    let whole = messages.encode(body.bytes(), None);
    if whole.len() <= MESSAGE_LIMIT {
        queue.send_for(&group, &whole).await
    } else {
        queue.send_batch_for(&group, &messages.split()).await
    }
}

struct Messages<'a> {
    provenance: &'a Provenance,
    body: VerifiedBody<'a>,
}

impl Messages<'_> {
    fn encode(&self, bytes: &[u8], part: Option<Part>) -> String {
        let Provenance { tenant, provider, feed, chatwoot, received_at, trace_id } = *self.provenance;
        let envelope = InboundEnvelope {
            tenant,
            provider,
            feed,
            chatwoot,
            auth_strength: self.body.strength(),
            received_at,
            trace_id,
            body: Body::of(bytes),
            part,
            replay_of: None,
        };
        envelope.encode()
    }

    /// Halves by structure until every message fits; what has no structure left to halve goes in byte ranges.
    fn split(&self) -> Vec<String> {
        let mut messages = Vec::new();
        let mut waiting = vec![self.body.bytes().to_vec()];
        while let Some(bytes) = waiting.pop() {
            let message = self.encode(&bytes, None);
            if message.len() <= MESSAGE_LIMIT {
                messages.push(message);
            } else if let Some((first, second)) = split::halves(&bytes) {
                waiting.extend([second, first]);
            } else {
                messages.extend(self.parts(&bytes));
            }
        }
        messages
    }

    fn parts(&self, bytes: &[u8]) -> Vec<String> {
        let mut size = PART;
        loop {
            let chunks = bytes.chunks(size);
            let n = u16::try_from(chunks.len()).unwrap_or(u16::MAX);
            let encode = |(i, chunk)| self.encode(chunk, Some(Part { i, n }));
            let messages: Vec<_> = (0..n).zip(chunks).map(encode).collect();
            // Bytes that JSON has to escape can grow six times.
            if messages.iter().all(|message| message.len() <= MESSAGE_LIMIT) || size <= 1024 {
                return messages;
            }
            size /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;
    use domain::provider::AuthStrength;
    use providers::signature::{Accepted, Presented, Secret, verify};
    use serde_json::{Value, json};

    fn split(body: &[u8]) -> Vec<String> {
        let accepted = Accepted { url_tokens: vec![Secret::new("t")], ..Accepted::default() };
        let presented = Presented { url_token: Some("t"), ..Presented::default() };
        let now = Millis::from_unix_ms(1_747_298_531_103);
        let provenance = Provenance {
            tenant: TenantId::from_ulid(derived_ulid(1, &["t"])),
            provider: Provider::Dialog360,
            feed: None,
            chatwoot: false,
            received_at: now,
            trace_id: Uuid::from_u128(7),
        };
        let Ok(body) = verify(Provider::Dialog360, &presented, &accepted, body, now) else { panic!() };
        let messages = Messages { provenance: &provenance, body }.split();
        assert!(messages.iter().all(|message| message.len() <= MESSAGE_LIMIT));
        messages
    }

    /// Text that deflate cannot shrink much.
    fn noise(length: usize, seed: u64) -> String {
        let mut state = seed * 2 + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        };
        (0..length).map(|_| next()).filter(|c| *c != '"' && *c != '\\').collect()
    }

    #[test]
    fn a_body_that_fits_after_deflate_is_one_message() {
        let messages: Vec<_> = (0..20_000).map(|id| json!({"id": id, "text": {"body": "hello"}})).collect();
        let body = json!({"entry": [{"changes": [{"value": {"messages": messages}}]}]}).to_string();
        assert!(body.len() > 700_000);
        assert_eq!(split(body.as_bytes()).len(), 1);
    }

    #[test]
    fn a_body_that_does_not_fit_is_split_into_valid_bodies_that_lose_nothing() {
        let message = |id: u64| json!({"id": format!("wamid.{id}"), "text": {"body": noise(9_000, id)}});
        let change = |range: std::ops::Range<u64>| {
            json!({"field": "messages", "value": {
                "metadata": {"phone_number_id": "1"},
                "contacts": [{"wa_id": "971"}],
                "messages": range.clone().map(message).collect::<Vec<_>>(),
                "statuses": [{"id": format!("s{}", range.start)}],
            }})
        };
        let body = json!({"object": "whatsapp_business_account", "entry": [
            {"id": "9", "changes": [change(0..150), change(150..155)]},
            {"id": "8", "changes": [change(155..300)]},
        ]});
        let (mut messages, mut statuses) = (Vec::new(), Vec::new());
        let texts = split(body.to_string().as_bytes());
        assert!(texts.len() >= 3, "{}", texts.len());
        for text in texts {
            let envelope = InboundEnvelope::parse(&text).unwrap();
            assert_eq!((envelope.part, envelope.auth_strength), (None, AuthStrength::UrlToken));
            let body: Value = serde_json::from_slice(&envelope.body.decode().unwrap()).unwrap();
            assert_eq!(body["object"], "whatsapp_business_account");
            for entry in body["entry"].as_array().unwrap() {
                assert!(entry["id"].is_string());
                for change in entry["changes"].as_array().unwrap() {
                    let value = &change["value"];
                    assert_eq!(change["field"], "messages");
                    assert_eq!(value["metadata"]["phone_number_id"], "1");
                    assert_eq!(value["contacts"][0]["wa_id"], "971");
                    let ids = |list: &Value| {
                        let list = list.as_array().cloned().unwrap_or_default();
                        list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
                    };
                    messages.extend(ids(&value["messages"]));
                    statuses.extend(ids(&value["statuses"]));
                }
            }
        }
        assert_eq!(messages, (0..300).map(|id| format!("wamid.{id}")).collect::<Vec<_>>());
        assert_eq!(statuses, ["s0", "s150", "s155"]);
    }

    #[test]
    fn a_body_without_structure_is_cut_into_byte_ranges() {
        let one = json!({"entry": [{"changes": [{"value": {"messages": [{"text": noise(2_000_000, 1)}]}}]}]});
        for body in
            [one.to_string().into_bytes(), vec![0x01; 150_000].repeat(23), noise(3_500_000, 2).into_bytes()]
        {
            let texts = split(&body);
            let mut joined: Vec<u8> = Vec::new();
            for (i, text) in (0..).zip(&texts) {
                let envelope = InboundEnvelope::parse(text).unwrap();
                let n = u16::try_from(texts.len()).unwrap();
                assert_eq!(envelope.part, (n > 1).then_some(Part { i, n }));
                joined.extend(envelope.body.decode().unwrap().iter());
            }
            assert!(joined == body);
        }
    }

    #[test]
    fn control_characters_grow_sixfold_and_still_fit() {
        let body = vec![0x01; 190_000];
        assert!(split(&body).len() > 1);
    }
}
