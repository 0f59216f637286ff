//! Nobody who was erased comes back with an old export (I-23).

use domain::ids::{ErasureId, MessageId, TenantId};
use domain::time::Millis;
use platform::dynamo::{Record, RecordKind, Store, StoreError};
use ulid::Ulid;

/// How many erasures are read at a time.
const PAGE: u32 = 100;

/// Who was erased here.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// Their ids and their leads', as they stand in keys and bodies.
    ids: Vec<String>,
    /// When the last of them asked.
    last: Option<Millis>,
}

impl Erased {
    pub(super) async fn here(store: &Store, tenant: TenantId) -> Result<Self, StoreError> {
        let mut all = Self::default();
        let mut after: Option<ErasureId> = None;
        loop {
            let page = store.erasures(tenant, after, PAGE).await?;
            for erasure in &page {
                let contacts = erasure.family.iter().map(|contact| contact.ulid());
                let leads = erasure.leads.iter().map(|lead| lead.ulid());
                all.ids.extend(contacts.chain(leads).map(|ulid| ulid.to_string()));
                all.last = all.last.max(Some(erasure.requested_at));
            }
            match page.last() {
                Some(last) => after = Some(last.id),
                None => return Ok(all),
            }
        }
    }

    /// Whether a record is about one of them. What names people by their numbers only cannot be told apart any more: of
    /// that, whatever is older than the last erasure counts.
    pub(super) fn includes(&self, record: &Record) -> bool {
        let Some(last) = self.last else { return false };
        let nameless = match record.kind {
            RecordKind::Event | RecordKind::EventPart | RecordKind::Delivery => {
                record.pk.rsplit_once('#').map(|(_, ulid)| ulid)
            }
            RecordKind::GroupMessage => record.sk.rsplit_once('#').map(|(_, ulid)| ulid),
            RecordKind::File => record.sk.split_once('#').map(|(ulid, _)| ulid),
            _ => None,
        };
        if let Some(ulid) = nameless {
            return Ulid::from_string(ulid).map_or(true, |ulid| ulid.timestamp_ms() <= last.unix_ms());
        }
        self.named(&record.pk) || serde_json::to_string(&record.data).is_ok_and(|text| self.named(&text))
    }

    /// The message of one of them that a record is.
    pub(super) fn message(&self, record: &Record) -> Option<MessageId> {
        let is_theirs = record.kind == RecordKind::Message && self.named(&record.pk);
        record.ulid().filter(|_| is_theirs).map(MessageId::from_ulid)
    }

    fn named(&self, text: &str) -> bool {
        self.ids.iter().any(|id| text.contains(id))
    }
}
