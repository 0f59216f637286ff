//! Lead forms, whose they are, and what their visitors did lately.

use super::tenants::with_key;
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Key, Names, Query, Refused, StoreError, Values, n, s};
use super::{Store, keys};
use domain::form::Definition;
use domain::ids::{FormId, TenantId};
use domain::rate::Window;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How long the table keeps a minute that is over, in seconds.
const KEPT_S: u64 = 60 * 60;

/// A form as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Its id.
    pub id: FormId,
    /// What it asks, and where.
    pub definition: Definition,
    /// When it was made.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
    /// Counts the writes; 0 for one that was never written.
    #[serde(default)]
    pub revision: u64,
}

/// Whether a submission came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstSeen {
    /// It first came then; that may be now.
    At(Millis),
    /// The same key came with another body.
    OtherBody,
}

impl Store {
    /// Writes a form that was made from the one that was read, or from nothing; false when somebody else wrote it
    /// meanwhile.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_form(&self, tenant: TenantId, form: &Form) -> Result<bool, StoreError> {
        const ACTION: &str = "save form";
        let key = keys::form(tenant, form.id);
        let next = Form { revision: form.revision + 1, ..form.clone() };
        let item = with_key(&next, key.pk, key.sk, ACTION)?;
        let owner = keys::form_owner(form.id);
        let owner = marked(owner, "tenant", tenant);
        let read = if form.revision == 0 {
            Condition::absent()
        } else {
            Condition::of("revision = :read", [(":read", n(form.revision))])
        };
        let mut both = Transaction::default();
        both.put(&self.crm.name, item, read);
        let ours = Condition::of("attribute_not_exists(pk) OR tenant = :tenant", [(":tenant", s(tenant))]);
        both.put(&self.crm.name, owner, ours);
        Ok(both.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// Whose a form is.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn form_owner(&self, id: FormId) -> Result<Option<TenantId>, StoreError> {
        const ACTION: &str = "read a form's owner";
        let Some(item) = self.crm.get(ACTION, &keys::form_owner(id), true).await? else { return Ok(None) };
        match item.get("tenant") {
            Some(AttributeValue::S(tenant)) => {
                TenantId::parse(tenant).map(Some).map_err(|error| StoreError::corrupt(ACTION, "FM", error))
            }
            _ => Err(StoreError::corrupt(ACTION, "FM", "no tenant")),
        }
    }

    /// One form.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn form(&self, tenant: TenantId, id: FormId) -> Result<Option<Form>, StoreError> {
        self.crm.get("read form", &keys::form(tenant, id), true).await?.map(read).transpose()
    }

    /// A tenant's forms, by id.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn forms(&self, tenant: TenantId) -> Result<Vec<Form>, StoreError> {
        let mut forms = Vec::new();
        let mut start = None;
        loop {
            let query = Query {
                table_name: &self.crm.name,
                index_name: None,
                key_condition_expression: "pk = :pk AND begins_with(sk, :sort)",
                expression_attribute_values: Values::from([
                    (":pk", s(keys::forms_partition(tenant))),
                    (":sort", s(keys::FORM_SORT)),
                ]),
                scan_index_forward: true,
                limit: None,
                exclusive_start_key: start,
                consistent_read: true,
            };
            let page = self.crm.query("list forms", &query).await?;
            for item in page.items {
                forms.push(read(item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(forms);
            }
        }
    }

    /// Deletes a form, for its tenant and for its visitors.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_form(&self, tenant: TenantId, id: FormId) -> Result<(), StoreError> {
        let mut both = Transaction::default();
        both.delete(&self.crm.name, keys::form(tenant, id), Condition::default());
        let ours = Condition::of("attribute_not_exists(pk) OR tenant = :tenant", [(":tenant", s(tenant))]);
        both.delete(&self.crm.name, keys::form_owner(id), ours);
        both.commit(&self.crm.aws, "delete form").await?.ok();
        Ok(())
    }

    /// The sealed key that the addresses of a tenant's visitors are hashed with.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn form_address_key(&self, tenant: TenantId) -> Result<Option<String>, StoreError> {
        let item = self.crm.get("read address key", &keys::form_address_key(tenant), true).await?;
        Ok(item.as_ref().and_then(sealed))
    }

    /// Keeps a sealed key unless there is one; answers the one that is there from now on.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn keep_form_address_key(&self, tenant: TenantId, new: String) -> Result<String, StoreError> {
        let key = keys::form_address_key(tenant);
        let item = marked(key, "sealed", &new);
        let absent = ("attribute_not_exists(pk)", Names::new(), Values::new());
        match self.crm.put("keep address key", item, Some(absent)).await? {
            Ok(()) => Ok(new),
            Err(Refused(old)) => Ok(old.as_ref().and_then(sealed).unwrap_or(new)),
        }
    }

    /// Counts a submission of an address to a form; false when the minute holds as many as it may.
    ///
    /// # Errors
    /// The table is unreachable; then nobody knows, and the submission must not pass.
    pub async fn count_submission(
        &self,
        tenant: TenantId,
        form: FormId,
        address: &str,
        window: Window,
        limit: u32,
    ) -> Result<bool, StoreError> {
        let counted = self
            .ephemeral
            .update(
                "count a submission",
                keys::form_rate(tenant, form, address, window),
                "SET expires_at = :ttl ADD #count :one",
                Some("attribute_not_exists(#count) OR #count < :limit"),
                Names::from([("#count", "count")]),
                Values::from([
                    (":one", n(1)),
                    (":limit", n(u64::from(limit))),
                    (":ttl", n(window.ends_at().unix_ms() / 1_000 + KEPT_S)),
                ]),
            )
            .await?;
        Ok(counted.is_ok())
    }

    /// When a submission first came, if it came since `until` was last over; from now on it came now.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn first_submission(
        &self,
        tenant: TenantId,
        form: FormId,
        digest: &str,
        body_hash: &str,
        now: Millis,
        until: Millis,
    ) -> Result<FirstSeen, StoreError> {
        const ACTION: &str = "note a submission";
        let noted = self
            .ephemeral
            .update(
                ACTION,
                keys::form_submission(tenant, form, digest),
                "SET first_at = :now, body = :body, #until = :until, expires_at = :ttl",
                Some("attribute_not_exists(pk) OR #until <= :now"),
                Names::from([("#until", "until")]),
                Values::from([
                    (":now", n(now.unix_ms())),
                    (":body", s(body_hash)),
                    (":until", n(until.unix_ms())),
                    (":ttl", n(until.unix_ms() / 1_000 + KEPT_S)),
                ]),
            )
            .await?;
        let Err(Refused(old)) = noted else { return Ok(FirstSeen::At(now)) };
        let old = old.unwrap_or_default();
        match (old.get("first_at"), old.get("body")) {
            (Some(AttributeValue::N(at)), Some(AttributeValue::S(body))) => {
                let at = at.parse().map_err(|error| StoreError::corrupt(ACTION, digest, error))?;
                let same = body == body_hash;
                Ok(if same { FirstSeen::At(Millis::from_unix_ms(at)) } else { FirstSeen::OtherBody })
            }
            _ => Err(StoreError::corrupt(ACTION, digest, "not a submission")),
        }
    }
}

pub(super) fn read(item: Item) -> Result<Form, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read form", "FORM", error))
}

/// An item that says one thing.
fn marked(key: Key, name: &str, value: impl ToString) -> Item {
    let texts = [("pk", s(key.pk)), ("sk", s(key.sk)), (name, s(value))];
    texts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<HashMap<_, _>>().into()
}

fn sealed(item: &Item) -> Option<String> {
    match item.get("sealed") {
        Some(AttributeValue::S(sealed)) => Some(sealed.clone()),
        _ => None,
    }
}
