//! What comes to a message afterwards - receipts, edits, revocations, reactions - kept under the provider's id of the
//! message, so that it may arrive before the message itself.

use super::wire::{AttributeValue, Item, Key, Names, StoreError, Values, n, s};
use super::{Store, keys};
use domain::ids::TenantId;
use domain::message::Direction;
use domain::receipt::{Receipt, Receipts};
use domain::time::Millis;
use ulid::Ulid;

/// A condition that holds for nothing that was erased: what comes late finds a mark in its place and changes nothing.
macro_rules! live {
    ($condition:literal) => {
        concat!("attribute_not_exists(gone) AND (", $condition, ")")
    };
}

/// One receipt to join in.
#[derive(Debug, Clone, Copy)]
pub struct StatusUpdate<'a> {
    /// Which.
    pub receipt: Receipt,
    /// When, by the provider's clock.
    pub at: Millis,
    /// What it costs, as reported: the `pricing` object's JSON.
    pub pricing: Option<&'a str>,
    /// Why it failed: the errors' JSON.
    pub errors: Option<&'a str>,
    /// Our own id as the provider echoes it.
    pub our_id: Option<&'a str>,
}

/// The latest edit of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Where the edit stands among the others.
    pub order: Ulid,
    /// The provider's JSON of the edit.
    pub raw: String,
}

/// One side's reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reacted {
    /// Where the reaction stands among the others.
    pub order: Ulid,
    /// The emoji; `None` when it was taken away.
    pub emoji: Option<String>,
}

/// Everything that came to a message afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annex {
    /// The earliest time of each receipt.
    pub receipts: Receipts,
    /// What it costs, by the first of delivered, read, sent that said so; JSON.
    pub pricing: Option<String>,
    /// Why it failed; JSON.
    pub errors: Option<String>,
    /// Our own id as the provider echoes it.
    pub our_id: Option<String>,
    /// The latest edit.
    pub edited: Option<Edited>,
    /// When it was taken back.
    pub revoked_at: Option<Millis>,
    /// The customer's reaction.
    pub reaction_in: Option<Reacted>,
    /// The business's reaction.
    pub reaction_out: Option<Reacted>,
}

const fn receipt_attributes(receipt: Receipt) -> (&'static str, &'static str) {
    match receipt {
        Receipt::Sent => ("sent_at", "sent_price"),
        Receipt::Delivered => ("delivered_at", "delivered_price"),
        Receipt::Read => ("read_at", "read_price"),
        Receipt::Played => ("played_at", "played_price"),
        Receipt::Failed => ("failed_at", "failed_price"),
    }
}

impl Store {
    /// Joins a receipt in: the earliest time of each kind stays, so order and repetition change nothing (I-7).
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn join_receipt(
        &self,
        tenant: TenantId,
        provider_message_id: &str,
        update: StatusUpdate<'_>,
    ) -> Result<(), StoreError> {
        let (at, price) = receipt_attributes(update.receipt);
        let mut names = Names::from([("#at", at)]);
        let mut values = Values::from([(":at", n(update.at.unix_ms())), (":w", s(provider_message_id))]);
        let mut expression = String::from("SET #at = :at, wamid = :w");
        if let Some(pricing) = update.pricing {
            names.insert("#price", price);
            values.insert(":price", s(pricing));
            expression.push_str(", #price = :price");
        }
        if let Some(errors) = update.errors {
            values.insert(":errors", s(errors));
            expression.push_str(", errs = :errors");
        }
        if let Some(our_id) = update.our_id {
            values.insert(":ours", s(our_id));
            expression.push_str(", our_id = :ours");
        }
        self.crm
            .update(
                "join receipt",
                keys::annex(tenant, provider_message_id),
                &expression,
                Some(live!("attribute_not_exists(#at) OR #at > :at")),
                names,
                values,
            )
            .await?
            .ok();
        Ok(())
    }

    /// Joins an edit in; the latest stays.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn join_edit(
        &self,
        tenant: TenantId,
        target: &str,
        order: Ulid,
        raw: &str,
    ) -> Result<(), StoreError> {
        self.join_latest(tenant, target, "join edit", "edit", "edit_o", order, s(raw)).await
    }

    /// Joins a revocation in; the earliest stays.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn join_revocation(
        &self,
        tenant: TenantId,
        target: &str,
        at: Millis,
    ) -> Result<(), StoreError> {
        self.crm
            .update(
                "join revocation",
                keys::annex(tenant, target),
                "SET revoked_at = :at, wamid = :w",
                Some(live!("attribute_not_exists(revoked_at) OR revoked_at > :at")),
                Names::new(),
                Values::from([(":at", n(at.unix_ms())), (":w", s(target))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Joins one side's reaction in, or its removal (`None`); the latest stays.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn join_reaction(
        &self,
        tenant: TenantId,
        target: &str,
        by: Direction,
        order: Ulid,
        emoji: Option<&str>,
    ) -> Result<(), StoreError> {
        let (attribute, order_attribute) = match by {
            Direction::Inbound => ("react_in", "react_in_o"),
            Direction::Outbound => ("react_out", "react_out_o"),
        };
        let value = emoji.map_or(AttributeValue::Null(true), s);
        self.join_latest(tenant, target, "join reaction", attribute, order_attribute, order, value).await
    }

    #[expect(clippy::too_many_arguments, reason = "one private join for two attributes of one item")]
    async fn join_latest(
        &self,
        tenant: TenantId,
        target: &str,
        action: &'static str,
        attribute: &'static str,
        order_attribute: &'static str,
        order: Ulid,
        value: AttributeValue,
    ) -> Result<(), StoreError> {
        self.crm
            .update(
                action,
                keys::annex(tenant, target),
                "SET #v = :v, #o = :o, wamid = :w",
                Some(live!("attribute_not_exists(#o) OR #o < :o")),
                Names::from([("#v", attribute), ("#o", order_attribute)]),
                Values::from([(":v", value), (":o", s(order)), (":w", s(target))]),
            )
            .await?
            .ok();
        Ok(())
    }

    /// Takes away what came to a message, and leaves a mark under the digest of the provider's id, so that what comes later
    /// changes nothing.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn erase_annex(&self, tenant: TenantId, provider_message_id: &str) -> Result<(), StoreError> {
        let key = keys::annex(tenant, provider_message_id);
        let item = Item::from(std::collections::HashMap::from([
            ("pk".to_owned(), AttributeValue::S(key.pk)),
            ("sk".to_owned(), AttributeValue::S(key.sk)),
            ("gone".to_owned(), AttributeValue::Bool(true)),
        ]));
        self.crm.put("erase what came to a message", item, None).await?.ok();
        Ok(())
    }

    /// Reads what came to messages afterwards, by the provider's message id; messages without any are left out.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn annexes(
        &self,
        tenant: TenantId,
        provider_message_ids: &[&str],
    ) -> Result<Vec<(String, Annex)>, StoreError> {
        let keys: Vec<Key> = provider_message_ids.iter().map(|id| keys::annex(tenant, id)).collect();
        let items = self.crm.batch_get("read annexes", &keys).await?;
        Ok(items.iter().filter_map(|item| Some((text(item, "wamid")?, read(item)))).collect())
    }
}

fn text(item: &Item, name: &str) -> Option<String> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Some(text.clone()),
        _ => None,
    }
}

fn read(item: &Item) -> Annex {
    let at = |name: &str| match item.get(name) {
        Some(AttributeValue::N(ms)) => ms.parse().ok().map(Millis::from_unix_ms),
        _ => None,
    };
    let ulid = |name: &str| text(item, name).and_then(|text| Ulid::from_string(&text).ok());
    let reacted =
        |value: &str, order: &str| ulid(order).map(|order| Reacted { order, emoji: text(item, value) });
    Annex {
        receipts: Receipts {
            sent_at: at("sent_at"),
            delivered_at: at("delivered_at"),
            read_at: at("read_at"),
            played_at: at("played_at"),
            failed_at: at("failed_at"),
        },
        // Meta bills on the first of delivered and read; `sent` carries the same price as a forecast.
        pricing: text(item, "delivered_price")
            .or_else(|| text(item, "read_price"))
            .or_else(|| text(item, "sent_price")),
        errors: text(item, "errs"),
        our_id: text(item, "our_id"),
        edited: ulid("edit_o").zip(text(item, "edit")).map(|(order, raw)| Edited { order, raw }),
        revoked_at: at("revoked_at"),
        reaction_in: reacted("react_in", "react_in_o"),
        reaction_out: reacted("react_out", "react_out_o"),
    }
}
