//! Chatwoot: the tenant's connection, its conversations there, and what is still to be carried over, in order.

use super::conversations::text;
use super::due::Due;
use super::tenants::with_key;
use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Key, Names, Query, StoreError, Values, n, s};
use super::{Store, keys, timeline};
use domain::ids::{ContactId, TenantId};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use ulid::Ulid;

/// A connected Chatwoot with its sealed secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chatwoot {
    /// Where it is, without a slash at the end.
    pub base_url: String,
    /// The account there.
    pub account_id: u64,
    /// The inbox there, of the kind "API".
    pub inbox_id: u64,
    /// What the inbox is called.
    pub inbox_name: String,
    /// `live`, or what the last call met: `unauthorized`, `unreachable`, `error`.
    pub status: String,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Sealed secrets by name: `api_access_token`, `webhook_secret`, `token`.
    pub sealed: BTreeMap<String, String>,
    /// The last four characters of long secrets, by name.
    #[serde(default)]
    pub last4: BTreeMap<String, String>,
    /// When it was saved.
    pub saved_at: Millis,
}

impl Chatwoot {
    /// What a secret's seal is bound to.
    #[must_use]
    pub fn place(name: &str) -> String {
        format!("{}|{name}", keys::CHATWOOT_SORT)
    }
}

/// A conversation as Chatwoot knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChatwootThread {
    /// Chatwoot's id of the contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<u64>,
    /// Chatwoot's name of the contact in the inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// Chatwoot's id of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<u64>,
    /// How often in a row it could not be reached.
    #[serde(default)]
    pub attempts: u32,
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Millis>,
}

/// Something to carry over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChatwootItem {
    /// The message of this place.
    Message,
    /// The reason why a person is needed: the entry of this place.
    Handoff,
    /// A private note of ours.
    Note {
        /// Its words.
        text: String,
    },
}

/// What is to be carried over next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatwootPlace {
    /// Its place.
    pub order: Ulid,
    /// What it is.
    pub item: ChatwootItem,
    /// Whether it was tried before, so that it may be there already.
    pub tried: bool,
}

impl Store {
    /// Saves the connection.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn save_chatwoot(&self, tenant: TenantId, chatwoot: &Chatwoot) -> Result<(), StoreError> {
        let key = keys::chatwoot(tenant);
        let item = with_key(chatwoot, key.pk, key.sk, "save Chatwoot")?;
        self.crm.put("save Chatwoot", item, None).await?.ok();
        Ok(())
    }

    /// The connection.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn chatwoot(&self, tenant: TenantId) -> Result<Option<Chatwoot>, StoreError> {
        let item = self.crm.get("read Chatwoot", &keys::chatwoot(tenant), true).await?;
        let read = |item| {
            serde_dynamo::from_item(item)
                .map_err(|error| StoreError::corrupt("read Chatwoot", keys::CHATWOOT_SORT, error))
        };
        item.map(read).transpose()
    }

    /// Forgets the connection.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn delete_chatwoot(&self, tenant: TenantId) -> Result<(), StoreError> {
        self.crm.delete("forget Chatwoot", &keys::chatwoot(tenant)).await
    }

    /// Notes what the last call met; a connection that was saved anew meanwhile stays as it is.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn note_chatwoot(
        &self,
        tenant: TenantId,
        saved_at: Millis,
        status: &str,
        error: &str,
    ) -> Result<(), StoreError> {
        let values = Values::from([(":status", s(status)), (":error", s(error)), (":saved", s(saved_at))]);
        let names = Names::from([("#status", "status")]);
        let (key, set) = (keys::chatwoot(tenant), "SET #status = :status, last_error = :error");
        self.crm.update("note Chatwoot", key, set, Some("saved_at = :saved"), names, values).await?.ok();
        Ok(())
    }

    /// A contact's conversation in Chatwoot; absent until it is carried over.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn chatwoot_thread(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Option<ChatwootThread>, StoreError> {
        let item =
            self.crm.get("read Chatwoot thread", &keys::chatwoot_thread(tenant, contact), true).await?;
        item.map(read_thread).transpose()
    }

    /// Has a contact's conversation looked at by `at`, from now on carried over if it was not.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn wake_chatwoot_thread(
        &self,
        tenant: TenantId,
        contact: ContactId,
        at: Millis,
    ) -> Result<(), StoreError> {
        let values = Values::from([
            (":dpk", s(keys::CHATWOOT_DUE)),
            (":dsk", s(keys::chatwoot_due_sort(at, tenant, contact))),
        ]);
        let key = keys::chatwoot_thread(tenant, contact);
        let (set, free) = ("SET dpk = :dpk, dsk = :dsk", Some("attribute_not_exists(dsk)"));
        self.crm.update("wake Chatwoot thread", key, set, free, Names::new(), values).await?.ok();
        Ok(())
    }

    /// Holds a conversation for one worker; `None` when another has it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn claim_chatwoot_thread(
        &self,
        tenant: TenantId,
        contact: ContactId,
        fence: &str,
        until: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let values = Values::from([
            (":fence", s(fence)),
            (":until", n(until.unix_ms())),
            (":now", n(now.unix_ms())),
            (":dpk", s(keys::CHATWOOT_DUE)),
            (":dsk", s(keys::chatwoot_due_sort(until, tenant, contact))),
        ]);
        let claimed = self
            .crm
            .update(
                "claim Chatwoot thread",
                keys::chatwoot_thread(tenant, contact),
                "SET fence = :fence, lease_until = :until, dpk = :dpk, dsk = :dsk",
                Some("attribute_exists(pk) AND (attribute_not_exists(fence) OR lease_until < :now)"),
                Names::new(),
                values,
            )
            .await?;
        Ok(claimed.is_ok())
    }

    /// Lets a conversation go: with what is known of it, and when it is to be tried again, if it is.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn release_chatwoot_thread(
        &self,
        tenant: TenantId,
        contact: ContactId,
        fence: &str,
        attempts: u32,
        next_at: Option<Millis>,
    ) -> Result<(), StoreError> {
        let mut values = Values::from([(":fence", s(fence)), (":attempts", n(u64::from(attempts)))]);
        let expression = if let Some(at) = next_at {
            values.insert(":next", s(at));
            values.insert(":dpk", s(keys::CHATWOOT_DUE));
            values.insert(":dsk", s(keys::chatwoot_due_sort(at, tenant, contact)));
            "SET attempts = :attempts, next_at = :next, dpk = :dpk, dsk = :dsk REMOVE fence, lease_until"
        } else {
            "SET attempts = :attempts REMOVE fence, lease_until, next_at, dpk, dsk"
        };
        let key = keys::chatwoot_thread(tenant, contact);
        let mine = Some("fence = :fence");
        self.crm.update("release Chatwoot thread", key, expression, mine, Names::new(), values).await?.ok();
        Ok(())
    }

    /// Notes who somebody is in Chatwoot, and which conversation there is theirs.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn learn_chatwoot_thread(
        &self,
        tenant: TenantId,
        contact: ContactId,
        thread: &ChatwootThread,
    ) -> Result<(), StoreError> {
        let mut values = Values::new();
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut give =
            |name: &'static str, placeholder: &'static str, value: Option<AttributeValue>| match value {
                Some(value) => {
                    values.insert(placeholder, value);
                    set.push(format!("{name} = {placeholder}"));
                }
                None => remove.push(name),
            };
        give("contact", ":contact", thread.contact.map(n));
        give("source_id", ":source", thread.source_id.as_ref().map(s));
        give("conversation", ":conversation", thread.conversation.map(n));
        let mut expression = String::new();
        if !set.is_empty() {
            expression = format!("SET {}", set.join(", "));
        }
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        if let Some(conversation) = thread.conversation {
            let key = keys::chatwoot_conversation(tenant, conversation);
            let named = Values::from([(":contact", s(contact))]);
            let action = "name Chatwoot conversation";
            self.crm.update(action, key, "SET contact = :contact", None, Names::new(), named).await?.ok();
        }
        let (key, action) = (keys::chatwoot_thread(tenant, contact), "learn Chatwoot thread");
        self.crm.update(action, key, expression.trim(), None, Names::new(), values).await?.ok();
        Ok(())
    }

    /// The contact whose conversation Chatwoot calls so.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn chatwoot_conversation(
        &self,
        tenant: TenantId,
        conversation: u64,
    ) -> Result<Option<ContactId>, StoreError> {
        let key = keys::chatwoot_conversation(tenant, conversation);
        let item = self.crm.get("read Chatwoot conversation", &key, true).await?;
        Ok(item.as_ref().and_then(|item| text(item, "contact")).and_then(|id| ContactId::parse(id).ok()))
    }

    /// Puts something into the line of what is carried over; false when it ever was in it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn add_chatwoot_item(
        &self,
        tenant: TenantId,
        contact: ContactId,
        order: Ulid,
        item: &ChatwootItem,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "add Chatwoot item";
        let known = keys::chatwoot_known(tenant, contact, order);
        let known =
            Item::from(HashMap::from([("pk".to_owned(), s(known.pk)), ("sk".to_owned(), s(known.sk))]));
        let place = keys::chatwoot_place(tenant, contact, order);
        let place = with_key(item, place.pk, place.sk, ACTION)?;
        let mut transaction = Transaction::default();
        transaction.put(&self.crm.name, known, Condition::absent());
        transaction.put(&self.crm.name, place, Condition::absent());
        Ok(transaction.commit(&self.crm.aws, ACTION).await?.is_ok())
    }

    /// What is to be carried over next.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn next_chatwoot_item(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Option<ChatwootPlace>, StoreError> {
        const ACTION: &str = "read Chatwoot items";
        let query = Query {
            table_name: &self.crm.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND begins_with(sk, :line)",
            expression_attribute_values: Values::from([
                (":pk", s(keys::contact_partition(tenant, contact))),
                (":line", s(keys::CHATWOOT_PLACE)),
            ]),
            scan_index_forward: true,
            limit: Some(1),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.crm.query(ACTION, &query).await?;
        let Some(found) = page.items.into_iter().next() else { return Ok(None) };
        let corrupt = |why: String| StoreError::corrupt(ACTION, keys::CHATWOOT_PLACE, why);
        let order = text(&found, "sk").and_then(|sk| sk.strip_prefix(keys::CHATWOOT_PLACE));
        let order = order.and_then(|text| Ulid::from_string(text).ok());
        let order = order.ok_or_else(|| corrupt("not a place".to_owned()))?;
        let tried = found.contains_key("tried");
        let item = serde_dynamo::from_item(found).map_err(|error| corrupt(error.to_string()))?;
        Ok(Some(ChatwootPlace { order, item, tried }))
    }

    /// Notes that something is being carried over now.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn try_chatwoot_item(
        &self,
        tenant: TenantId,
        contact: ContactId,
        order: Ulid,
    ) -> Result<(), StoreError> {
        let key = keys::chatwoot_place(tenant, contact, order);
        let (set, there) = ("SET tried = :yes", Some("attribute_exists(pk)"));
        let values = Values::from([(":yes", AttributeValue::Bool(true))]);
        self.crm.update("try Chatwoot item", key, set, there, Names::new(), values).await?.ok();
        Ok(())
    }

    /// Takes something out of the line.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn leave_chatwoot_item(
        &self,
        tenant: TenantId,
        contact: ContactId,
        order: Ulid,
    ) -> Result<(), StoreError> {
        self.crm.delete("leave Chatwoot line", &keys::chatwoot_place(tenant, contact, order)).await
    }

    /// Conversations of any tenant that must be looked at by `now`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn due_chatwoot_threads(
        &self,
        now: Millis,
        limit: u32,
    ) -> Result<Vec<(TenantId, ContactId)>, StoreError> {
        let due = Due {
            action: "list due Chatwoot threads",
            partition: keys::CHATWOOT_DUE,
            before: now.plus_ms(1),
            limit,
        };
        let page = self.due(due).await?;
        let of =
            |item: &Item| timeline::key_of(item).as_ref().and_then(|key: &Key| keys::tenant_contact_of(key));
        Ok(page.iter().filter_map(of).collect())
    }
}

fn read_thread(item: Item) -> Result<ChatwootThread, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt("read Chatwoot thread", "CW", error))
}
