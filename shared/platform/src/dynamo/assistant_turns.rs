//! Where a conversation stands with the assistant: which message waits for an answer, who is at it, what was answered.
//!
//! One item in the contact's partition. Messages stand in it by when they were first received, so that copies of a message
//! and messages out of order change nothing.

use super::conversations::text;
use super::due::Due;
use super::wire::{AttributeValue, Item, Names, StoreError, Values, n, s};
use super::{Store, keys, timeline};
use domain::ids::{ContactId, MessageId, TenantId};
use domain::time::Millis;
use ulid::Ulid;
use uuid::Uuid;

/// A message that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Where it stands among the others: when it was first received, then its id's digest.
    pub order: Ulid,
    /// The message.
    pub message: MessageId,
    /// The trace it came in with.
    pub trace_id: Uuid,
}

/// An answer that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssistantDraft {
    /// What it answers.
    pub order: Ulid,
    /// The message it becomes.
    pub id: MessageId,
    /// Its words.
    pub text: String,
}

/// Where a conversation stands with the assistant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssistantTurn {
    /// The newest message that waits, or waited.
    pub wanted: Option<Wanted>,
    /// Everything up to here is done.
    pub done: Option<Ulid>,
    /// Since when a message waits.
    pub since: Option<Millis>,
    /// Not before.
    pub due_at: Option<Millis>,
    /// How often in a row it failed.
    pub failures: u32,
    /// How often of these because of what was answered.
    pub unusable: u32,
    /// The message that asks the customer to wait, once one was decided on.
    pub holding: Option<MessageId>,
    /// An answer that is about to be sent.
    pub draft: Option<AssistantDraft>,
    /// How often the assistant answered.
    pub replies: u32,
    /// When it last did.
    pub last_reply: Option<Millis>,
}

/// How a turn of the assistant ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEnd {
    /// It answered for the time this says, at this moment.
    Answered {
        /// How often it has answered in this window.
        replies: u32,
        /// When.
        at: Millis,
    },
    /// It says nothing.
    Silent,
}

impl Store {
    /// Has a message answered after `due`; false when it was known, or a newer one is.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn want_assistant(
        &self,
        tenant: TenantId,
        contact: ContactId,
        wanted: Wanted,
        due: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let values = Values::from([
            (":order", s(wanted.order)),
            (":msg", s(wanted.message)),
            (":trace", s(wanted.trace_id)),
            (":now", n(now.unix_ms())),
            (":due", n(due.unix_ms())),
            (":dpk", s(keys::ASSISTANT_DUE)),
            (":dsk", s(keys::assistant_due_sort(due, tenant, contact))),
        ]);
        let set = "SET want = :order, msg = :msg, trace = :trace, since = if_not_exists(since, :now), due = :due, \
                   dpk = :dpk, dsk = :dsk";
        let newer =
            "(attribute_not_exists(want) OR want < :order) AND (attribute_not_exists(done) OR done < :order)";
        let key = keys::assistant_turn(tenant, contact);
        let done = self.crm.update("want assistant", key, set, Some(newer), Names::new(), values).await?;
        Ok(done.is_ok())
    }

    /// Where a conversation stands with the assistant; `None` where nobody ever waited for it.
    ///
    /// # Errors
    /// The table is unreachable, or the item makes no sense.
    pub async fn assistant_turn(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Option<AssistantTurn>, StoreError> {
        let item = self.crm.get("read assistant turn", &keys::assistant_turn(tenant, contact), true).await?;
        Ok(item.as_ref().map(read))
    }

    /// Holds a conversation for one worker; false when another has it.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn claim_assistant_turn(
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
            (":dpk", s(keys::ASSISTANT_DUE)),
            (":dsk", s(keys::assistant_due_sort(until, tenant, contact))),
        ]);
        let key = keys::assistant_turn(tenant, contact);
        let set = "SET fence = :fence, lease_until = :until, dpk = :dpk, dsk = :dsk";
        let free = "attribute_exists(since) AND (attribute_not_exists(fence) OR lease_until < :now)";
        let claimed = self.crm.update("claim assistant turn", key, set, Some(free), Names::new(), values);
        Ok(claimed.await?.is_ok())
    }

    /// Writes down what is about to be sent, so that whoever goes on after a crash sends the same under the same id. False
    /// when the conversation was lost to another worker.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn draft_assistant_reply(
        &self,
        tenant: TenantId,
        contact: ContactId,
        fence: &str,
        draft: &AssistantDraft,
    ) -> Result<bool, StoreError> {
        let values = Values::from([
            (":fence", s(fence)),
            (":order", s(draft.order)),
            (":id", s(draft.id)),
            (":text", s(&draft.text)),
        ]);
        let key = keys::assistant_turn(tenant, contact);
        let set = "SET draft_for = :order, draft_id = :id, draft_text = :text";
        let mine = Some("fence = :fence");
        let done = self.crm.update("draft assistant reply", key, set, mine, Names::new(), values).await?;
        Ok(done.is_ok())
    }

    /// Notes which message asks the customer to wait. False when the conversation was lost to another worker, or there is
    /// one already.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn hold_assistant_turn(
        &self,
        tenant: TenantId,
        contact: ContactId,
        fence: &str,
        id: MessageId,
    ) -> Result<bool, StoreError> {
        let values = Values::from([(":fence", s(fence)), (":id", s(id))]);
        let key = keys::assistant_turn(tenant, contact);
        let (set, mine) = ("SET holding = :id", Some("fence = :fence AND attribute_not_exists(holding)"));
        let done = self.crm.update("hold assistant turn", key, set, mine, Names::new(), values).await?;
        Ok(done.is_ok())
    }

    /// Lets a conversation go to be tried again at `at`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn retry_assistant_turn(
        &self,
        tenant: TenantId,
        contact: ContactId,
        fence: &str,
        failures: (u32, u32),
        at: Millis,
    ) -> Result<(), StoreError> {
        let values = Values::from([
            (":fence", s(fence)),
            (":failures", n(u64::from(failures.0))),
            (":unusable", n(u64::from(failures.1))),
            (":due", n(at.unix_ms())),
            (":dpk", s(keys::ASSISTANT_DUE)),
            (":dsk", s(keys::assistant_due_sort(at, tenant, contact))),
        ]);
        let key = keys::assistant_turn(tenant, contact);
        let set = "SET failures = :failures, unusable = :unusable, due = :due, dpk = :dpk, dsk = :dsk \
                   REMOVE fence, lease_until";
        let mine = Some("fence = :fence");
        self.crm.update("retry assistant turn", key, set, mine, Names::new(), values).await?.ok();
        Ok(())
    }

    /// Ends a turn: everything up to `order` is done. Answers whether nobody waits any more: a message that came meanwhile
    /// still does.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn end_assistant_turn(
        &self,
        tenant: TenantId,
        contact: ContactId,
        fence: &str,
        order: Ulid,
        end: TurnEnd,
        now: Millis,
    ) -> Result<bool, StoreError> {
        const ACTION: &str = "end assistant turn";
        let mut values = Values::from([(":fence", s(fence)), (":order", s(order))]);
        let mut set = "SET done = :order".to_owned();
        if let TurnEnd::Answered { replies, at } = end {
            values.insert(":replies", n(u64::from(replies)));
            values.insert(":at", n(at.unix_ms()));
            set.push_str(", replies = :replies, last_reply = :at");
        }
        let gone = "fence, lease_until, failures, unusable, holding, draft_for, draft_id, draft_text";
        let key = || keys::assistant_turn(tenant, contact);
        let all = format!("{set} REMOVE {gone}, since, due, dpk, dsk");
        let newest = Some("fence = :fence AND want = :order");
        if self.crm.update(ACTION, key(), &all, newest, Names::new(), values.clone()).await?.is_ok() {
            return Ok(true);
        }
        values.insert(":now", n(now.unix_ms()));
        values.insert(":dpk", s(keys::ASSISTANT_DUE));
        values.insert(":dsk", s(keys::assistant_due_sort(now, tenant, contact)));
        let rest = format!("{set}, since = :now, dpk = :dpk, dsk = :dsk REMOVE {gone}");
        let mine = Some("fence = :fence");
        self.crm.update(ACTION, key(), &rest, mine, Names::new(), values).await?.ok();
        Ok(false)
    }

    /// Conversations of any tenant that must be looked at by `now`.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn due_assistant_turns(
        &self,
        now: Millis,
        limit: u32,
    ) -> Result<Vec<(TenantId, ContactId)>, StoreError> {
        let due = Due {
            action: "list due assistant turns",
            partition: keys::ASSISTANT_DUE,
            before: now.plus_ms(1),
            limit,
        };
        let page = self.due(due).await?;
        let of = |item: &Item| timeline::key_of(item).as_ref().and_then(keys::tenant_contact_of);
        Ok(page.iter().filter_map(of).collect())
    }
}

fn read(item: &Item) -> AssistantTurn {
    let number = |name: &str| match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse::<u64>().ok(),
        _ => None,
    };
    let count = |name: &str| number(name).and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
    let at = |name: &str| number(name).map(Millis::from_unix_ms);
    let order = |name: &str| text(item, name).and_then(|text| Ulid::from_string(text).ok());
    let message = |name: &str| text(item, name).and_then(|text| MessageId::parse(text).ok());
    let wanted = || {
        let trace_id = text(item, "trace").and_then(|text| Uuid::parse_str(text).ok())?;
        Some(Wanted { order: order("want")?, message: message("msg")?, trace_id })
    };
    let draft = || {
        let text = text(item, "draft_text")?.to_owned();
        Some(AssistantDraft { order: order("draft_for")?, id: message("draft_id")?, text })
    };
    AssistantTurn {
        wanted: wanted(),
        done: order("done"),
        since: at("since"),
        due_at: at("due"),
        failures: count("failures"),
        unusable: count("unusable"),
        holding: message("holding"),
        draft: draft(),
        replies: count("replies"),
        last_reply: at("last_reply"),
    }
}
