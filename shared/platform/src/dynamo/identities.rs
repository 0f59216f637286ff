//! Who is who: from an identity to the contact it names.

use super::wire::{AttributeValue, Item, Names, Refused, StoreError, Values, s};
use super::{Store, keys};
use domain::identity::Identity;
use domain::ids::{ContactId, TenantId};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// How far the things that belong to an identity's contact were made; a crash in between leaves a lower stage, and
/// the next event of that person finishes the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Only the name is taken.
    Claimed,
    /// The contact exists.
    Contact,
    /// The contact and its lead exist.
    Lead,
}

/// What an identity leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The contact.
    pub contact: ContactId,
    /// How much of it exists.
    pub stage: Stage,
    /// A digest of everything last seen about the person; equal means that there is nothing to write.
    #[serde(default)]
    pub seen: String,
    /// When the person moved away from this identity (a number given back to the carrier), in Unix milliseconds: it
    /// names the old contact for events up to then and may be claimed by a new person after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_since: Option<u64>,
}

/// The result of claiming an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours now.
    Now,
    /// It named somebody already.
    Already(Known),
}

impl Store {
    /// The contact an identity names. `consistent` costs twice as much and sees writes of the last moments.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn known_identity(
        &self,
        tenant: TenantId,
        identity: &Identity,
        consistent: bool,
    ) -> Result<Option<Known>, StoreError> {
        let key = keys::identity(tenant, identity);
        match self.crm.get("look up identity", &key, consistent).await? {
            Some(item) => read(item).map(Some),
            None => Ok(None),
        }
    }

    /// Makes an identity name a contact unless it names one already.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn claim_identity(
        &self,
        tenant: TenantId,
        identity: &Identity,
        contact: ContactId,
    ) -> Result<Claimed, StoreError> {
        let known = Known { contact, stage: Stage::Claimed, seen: String::new(), former_since: None };
        let item = self.identity_item(tenant, identity, &known)?;
        let condition = ("attribute_not_exists(pk)", Names::new(), Values::new());
        match self.crm.put("claim identity", item, Some(condition)).await? {
            Ok(()) => Ok(Claimed::Now),
            Err(Refused(Some(old))) => read(old).map(Claimed::Already),
            Err(Refused(None)) => match self.known_identity(tenant, identity, true).await? {
                Some(known) => Ok(Claimed::Already(known)),
                None => Err(StoreError::corrupt("claim identity", "identity", "refused, yet absent")),
            },
        }
    }

    /// Makes an identity name a contact, whatever it named before.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn point_identity(
        &self,
        tenant: TenantId,
        identity: &Identity,
        known: &Known,
    ) -> Result<(), StoreError> {
        let item = self.identity_item(tenant, identity, known)?;
        self.crm.put("point identity", item, None).await?.ok();
        Ok(())
    }

    fn identity_item(
        &self,
        tenant: TenantId,
        identity: &Identity,
        known: &Known,
    ) -> Result<Item, StoreError> {
        let key = keys::identity(tenant, identity);
        let mut item: Item = serde_dynamo::to_item(known)
            .map_err(|error| StoreError::corrupt("write identity", "identity", error))?;
        item.insert("pk".to_owned(), AttributeValue::S(key.pk));
        item.insert("sk".to_owned(), AttributeValue::S(key.sk));
        Ok(item)
    }

    /// Joins two contacts: `gone` is read as a part of `keep` from now on. Nothing is moved or deleted, so the join
    /// can be undone; safe to repeat.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn join_contacts(
        &self,
        tenant: TenantId,
        keep: ContactId,
        gone: ContactId,
    ) -> Result<(), StoreError> {
        let values = Values::from([(":gone", AttributeValue::Ss(vec![gone.ulid().to_string()]))]);
        self.crm
            .update(
                "absorb contact",
                keys::contact(tenant, keep),
                "ADD absorbed :gone",
                None,
                Names::new(),
                values,
            )
            .await?
            .ok();
        let values = Values::from([(":keep", s(keep.ulid()))]);
        self.crm
            .update(
                "mark contact as joined",
                keys::contact(tenant, gone),
                "SET merged_into = :keep",
                None,
                Names::new(),
                values,
            )
            .await?
            .ok();
        // Its lead goes with it, if it has one.
        let values = Values::from([(":keep", s(keep.first_lead().ulid()))]);
        self.crm
            .update(
                "mark lead as joined",
                keys::lead(tenant, gone.first_lead()),
                "SET merged_into = :keep",
                Some("attribute_exists(pk)"),
                Names::new(),
                values,
            )
            .await?
            .ok();
        Ok(())
    }

    /// The contact that a contact was joined into, through any number of joins; itself when it was not.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn canonical_contact(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<ContactId, StoreError> {
        let mut current = contact;
        // Each step follows a join towards an older id, so this ends; the bound is for tables that were tampered with.
        for _ in 0..8 {
            let item = self.crm.get("follow contact", &keys::contact(tenant, current), true).await?;
            let next = item.as_ref().and_then(|item| match item.get("merged_into") {
                Some(AttributeValue::S(ulid)) => Ulid::from_string(ulid).ok(),
                _ => None,
            });
            match next {
                Some(ulid) => current = ContactId::from_ulid(ulid),
                None => break,
            }
        }
        Ok(current)
    }
}

pub(super) fn read(item: Item) -> Result<Known, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("look up identity", "identity", error))
}
