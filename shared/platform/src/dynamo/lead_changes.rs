//! Leads, written: made and changed together with what their timeline says about it, both or neither.

use super::happenings::{Happening, item_of};
use super::leads::{Lead, LeadCard, LeadItem, position};
use super::touches::{NewTouch, touch_item};
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, StoreError, n, s};
use super::{Store, keys};
use domain::ids::{ContactId, LeadId, TenantId};
use domain::lead::LeadStatus;
use domain::time::Millis;
use ulid::Ulid;
use uuid::Uuid;

/// A lead to make.
#[derive(Debug, Clone)]
pub struct NewLead<'a> {
    /// Its id.
    pub id: LeadId,
    /// The contact it is about.
    pub contact: ContactId,
    /// The lead of the contact that was made last, as it was read, unless it is the contact's first one.
    pub after: Option<LeadId>,
    /// Where it came from.
    pub source: &'a str,
    /// When it came.
    pub created_at: Millis,
    /// The trace it came in with.
    pub trace_id: Uuid,
    /// The ad that led here, as JSON.
    pub referral: Option<&'a str>,
    /// What is filled in.
    pub card: &'a LeadCard,
    /// Which request makes it.
    pub made_by: Ulid,
    /// Its first touch, where the tenant has one planned.
    pub touch: Option<NewTouch>,
}

/// What became of a lead that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadMade {
    /// It was made.
    Yes,
    /// It is there, the source's enquiry has its lead, or another lead was made meanwhile: look again.
    LookAgain,
}

/// How a lead changes.
#[derive(Debug, Clone)]
pub struct LeadChange<'a> {
    /// What people made of it.
    pub status: LeadStatus,
    /// What is filled in.
    pub card: &'a LeadCard,
    /// The ad that led here, as JSON, when it is new.
    pub referral: Option<&'a str>,
    /// When it changes.
    pub at: Millis,
    /// When the person enquired again.
    pub enquired_at: Option<Millis>,
    /// What the source calls the enquiry that was added: the source's name and its id.
    pub enquiry: Option<(&'a str, &'a str)>,
    /// Its first touch, when it has none yet and gets one by the enquiry.
    pub touch: Option<NewTouch>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadChanged {
    /// It was made.
    Yes,
    /// It had been made before.
    Before,
    /// Somebody else changed the lead meanwhile: look again.
    LookAgain,
}

impl Store {
    /// Makes a lead with what its timeline says about it, at most one at a time per contact and one per enquiry of a
    /// source.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn create_lead(
        &self,
        tenant: TenantId,
        lead: &NewLead<'_>,
        happenings: &[Happening],
    ) -> Result<LeadMade, StoreError> {
        const ACTION: &str = "create lead";
        let key = keys::lead(tenant, lead.id);
        let item = LeadItem {
            pk: key.pk,
            sk: key.sk,
            gpk: keys::leads_by_time(tenant),
            gsk: position(lead.id, lead.created_at).to_string(),
            contact: lead.contact.ulid().to_string(),
            source: lead.source.to_owned(),
            status: LeadStatus::New.as_str().to_owned(),
            created_at: lead.created_at.unix_ms(),
            trace: lead.trace_id,
            referral: lead.referral.map(str::to_owned),
            merged_into: None,
            updated_at: None,
            enquired_at: None,
            card: Some(card_text(ACTION, lead.card)?),
            made_by: Some(lead.made_by.to_string()),
            rev: 0,
        };
        let item = serde_dynamo::to_item(item).map_err(|error| StoreError::corrupt(ACTION, "LEAD", error))?;
        let mut all = Transaction::default();
        all.put(&self.crm.name, item, Condition::absent());
        if lead.id != lead.contact.first_lead() {
            let values =
                [(":ids", AttributeValue::Ss(vec![lead.id.ulid().to_string()])), (":id", s(lead.id.ulid()))];
            let condition = match lead.after {
                None => Condition::of("attribute_not_exists(#lead)", values),
                Some(after) => {
                    let after = (":after", s(after.ulid()));
                    Condition::of("#lead = :after", values.into_iter().chain([after]))
                }
            };
            let condition = condition.named([("#lead", "lead"), ("#leads", "leads")]);
            let key = keys::contact(tenant, lead.contact);
            all.update(&self.crm.name, key, "ADD #leads :ids SET #lead = :id", condition);
        }
        if let Some(external_id) = &lead.card.external_id {
            let item = enquiry_item(tenant, lead.source, external_id, lead.id);
            let free = "attribute_not_exists(pk) OR gone = :yes";
            all.put(&self.crm.name, item, Condition::of(free, [(":yes", AttributeValue::Bool(true))]));
        }
        for happening in happenings {
            all.put(&self.crm.name, item_of(tenant, happening), Condition::default());
        }
        if let Some(touch) = lead.touch {
            let item = touch_item(ACTION, tenant, lead.id, lead.contact, touch, lead.created_at)?;
            all.put(&self.crm.name, item, Condition::default());
        }
        let made = all.commit(&self.crm.aws, ACTION).await?;
        Ok(if made.is_ok() { LeadMade::Yes } else { LeadMade::LookAgain })
    }

    /// Changes a lead as it was read, with what its timeline says about it. The first happening marks the change: when
    /// it is there, the change was made before.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn change_lead(
        &self,
        tenant: TenantId,
        read: &Lead,
        change: &LeadChange<'_>,
        happenings: &[Happening],
    ) -> Result<LeadChanged, StoreError> {
        const ACTION: &str = "change lead";
        let mut values = vec![
            (":status", s(change.status.as_str())),
            (":card", s(card_text(ACTION, change.card)?)),
            (":at", n(change.at.unix_ms())),
            (":rev", n(read.revision)),
            (":next", n(read.revision.saturating_add(1))),
        ];
        let mut expression =
            String::from("SET #status = :status, card = :card, updated_at = :at, rev = :next");
        if let Some(referral) = change.referral {
            values.push((":referral", s(referral)));
            expression.push_str(", referral = :referral");
        }
        if let Some(at) = change.enquired_at {
            values.push((":enquired", n(at.unix_ms())));
            expression.push_str(", enquired_at = :enquired");
        }
        let untouched =
            if read.revision == 0 { "attribute_not_exists(rev) OR rev = :rev" } else { "rev = :rev" };
        let condition = Condition::of(format!("attribute_exists(pk) AND ({untouched})"), values)
            .named([("#status", "status")]);
        let mut all = Transaction::default();
        all.update(&self.crm.name, keys::lead(tenant, read.id), &expression, condition);
        let mut marks = Vec::with_capacity(happenings.len());
        for happening in happenings {
            marks.push(all.put(&self.crm.name, item_of(tenant, happening), Condition::absent()));
        }
        if let Some((source, external_id)) = change.enquiry {
            let item = enquiry_item(tenant, source, external_id, read.id);
            all.put(&self.crm.name, item, Condition::default());
        }
        if let Some(touch) = change.touch {
            // The lead is as it was read, so it still has none.
            let item = touch_item(ACTION, tenant, read.id, read.contact, touch, change.at)?;
            all.put(&self.crm.name, item, Condition::default());
        }
        match all.commit(&self.crm.aws, ACTION).await? {
            Ok(()) => Ok(LeadChanged::Yes),
            Err(cancelled) if marks.iter().any(|mark| cancelled.refused(*mark)) => Ok(LeadChanged::Before),
            Err(_stale) => Ok(LeadChanged::LookAgain),
        }
    }

    /// The lead that was made of a source's enquiry.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn lead_of_enquiry(
        &self,
        tenant: TenantId,
        source: &str,
        external_id: &str,
    ) -> Result<Option<LeadId>, StoreError> {
        const ACTION: &str = "look up enquiry";
        let key = keys::enquiry(tenant, source, external_id);
        let Some(item) = self.crm.get(ACTION, &key, true).await? else { return Ok(None) };
        let ulid = match item.get("lead") {
            Some(AttributeValue::S(text)) => Ulid::from_string(text).ok(),
            _ => None,
        };
        let ulid = ulid.ok_or_else(|| StoreError::corrupt(ACTION, &key.pk, "no lead"))?;
        Ok(Some(LeadId::from_ulid(ulid)))
    }
}

pub(super) fn enquiry_item(tenant: TenantId, source: &str, external_id: &str, lead: LeadId) -> Item {
    let key = keys::enquiry(tenant, source, external_id);
    Item::from(std::collections::HashMap::from([
        ("pk".to_owned(), AttributeValue::S(key.pk)),
        ("sk".to_owned(), AttributeValue::S(key.sk)),
        ("lead".to_owned(), s(lead.ulid())),
    ]))
}

fn card_text(action: &'static str, card: &LeadCard) -> Result<String, StoreError> {
    serde_json::to_string(card).map_err(|error| StoreError::corrupt(action, "LEAD", error))
}
