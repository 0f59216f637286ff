//! Sources that hand leads over by themselves: their sealed credentials, and when the pulled ones are asked next.

use super::due::Due;
use super::tenants::with_key;
use super::wire::{AttributeValue, Item, Names, StoreError, Values, n, s};
use super::{Store, keys};
use domain::ids::TenantId;
use domain::lead::FeedKind;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A connected source of leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Which.
    pub kind: FeedKind,
    /// `live`, or what the last pull met: `unauthorized`, `unreachable`, `error`.
    pub status: String,
    /// Sealed secrets by name.
    pub sealed: BTreeMap<String, String>,
    /// The last four characters of long secrets, by name.
    #[serde(default)]
    pub last4: BTreeMap<String, String>,
    /// The page on Facebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_id: Option<String>,
    /// The header that carries the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_header: Option<String>,
    /// When it was saved.
    pub saved_at: Millis,
    /// Everything up to here was pulled, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled_to: Option<u64>,
}

impl Feed {
    /// What a secret's seal is bound to.
    #[must_use]
    pub fn place(&self, name: &str) -> String {
        format!("{}{}|{name}", keys::FEED_SORT, self.kind)
    }
}

impl Store {
    /// Saves a source of leads; one that is pulled is due at `due_at`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_feed(
        &self,
        tenant: TenantId,
        feed: &Feed,
        due_at: Option<Millis>,
    ) -> Result<(), StoreError> {
        let key = keys::feed(tenant, feed.kind);
        let mut item = with_key(feed, key.pk, key.sk, "save lead source")?;
        if let Some(at) = due_at {
            item.insert("dpk".to_owned(), s(keys::PULLS));
            item.insert("dsk".to_owned(), s(keys::pull_sort(at, tenant, feed.kind)));
        }
        self.crm.put("save lead source", item, None).await?.ok();
        Ok(())
    }

    /// One source of leads.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn feed(&self, tenant: TenantId, kind: FeedKind) -> Result<Option<Feed>, StoreError> {
        self.crm.get("read lead source", &keys::feed(tenant, kind), true).await?.map(read).transpose()
    }

    /// Forgets a source of leads with its secrets.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_feed(&self, tenant: TenantId, kind: FeedKind) -> Result<(), StoreError> {
        self.crm.delete("forget lead source", &keys::feed(tenant, kind)).await
    }

    /// Sources of leads that are to be asked by now, at most `limit`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn due_feeds(&self, now: Millis, limit: u32) -> Result<Vec<(TenantId, FeedKind)>, StoreError> {
        let due =
            Due { action: "list due lead sources", partition: keys::PULLS, before: now.plus_ms(1), limit };
        let page = self.due(due).await?;
        Ok(page.iter().filter_map(keys_of).collect())
    }

    /// Notes what a pull met and when the next one is due; a source that was saved anew meanwhile stays as it is.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_pull(
        &self,
        tenant: TenantId,
        feed: &Feed,
        status: &str,
        pulled_to: Option<Millis>,
        next_at: Millis,
    ) -> Result<(), StoreError> {
        let mut values = Values::from([
            (":status", s(status)),
            (":next", s(keys::pull_sort(next_at, tenant, feed.kind))),
            (":saved", s(feed.saved_at)),
        ]);
        let mut expression = String::from("SET #status = :status, dsk = :next");
        if let Some(to) = pulled_to {
            values.insert(":to", n(to.unix_ms()));
            expression.push_str(", pulled_to = :to");
        }
        let (key, names) = (keys::feed(tenant, feed.kind), Names::from([("#status", "status")]));
        let condition = Some("saved_at = :saved");
        self.crm.update("note pull", key, &expression, condition, names, values).await?.ok();
        Ok(())
    }
}

fn read(item: Item) -> Result<Feed, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read lead source", "FEED", error))
}

fn keys_of(item: &Item) -> Option<(TenantId, FeedKind)> {
    match (item.get("pk")?, item.get("sk")?) {
        (AttributeValue::S(pk), AttributeValue::S(sk)) => {
            let tenant = TenantId::parse(pk.strip_prefix("T#")?).ok()?;
            Some((tenant, FeedKind::parse(sk.strip_prefix(keys::FEED_SORT)?)?))
        }
        _ => None,
    }
}
