//! Consents: where a contact stands, which a send's claim checks, and what a row of the ledger looks like outside.

use super::ledger::{StoredRow, stored};
use super::wire::{AttributeValue, Item, Key, Query, StoreError, Values, s};
use super::{Store, keys};
use domain::consent::{ConsentState, Consents, Purpose, Standing};
use domain::ids::{ConsentId, ContactId, TenantId};
use domain::ledger::LedgerRow;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The words of a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording<'a> {
    /// The business's own, as they are shown to everybody: they name nobody, and stay when the contact is erased.
    Shown(&'a str),
    /// As the contact said them, or as somebody took them down.
    Said(&'a str),
}

impl<'a> Wording<'a> {
    pub(super) const fn shown(self) -> Option<&'a str> {
        match self {
            Self::Shown(words) => Some(words),
            Self::Said(_) => None,
        }
    }

    pub(super) const fn said(self) -> Option<&'a str> {
        match self {
            Self::Said(words) => Some(words),
            Self::Shown(_) => None,
        }
    }
}

/// Something a contact agreed to or withdrew.
#[derive(Debug, Clone)]
pub struct NewConsent<'a> {
    /// Its id: derived from the event, so that the same event is one row.
    pub id: ConsentId,
    /// What it is for.
    pub purpose: Purpose,
    /// Agreed or withdrawn.
    pub state: ConsentState,
    /// When it happened.
    pub occurred_at: Millis,
    /// When we wrote it down.
    pub recorded_at: Millis,
    /// The words the contact saw or said.
    pub wording: Option<Wording<'a>>,
    /// The language of the words.
    pub language: Option<&'a str>,
    /// Which version of the words it was.
    pub version: Option<&'a str>,
    /// A keyed hash of the address it came from.
    pub ip_hash: Option<&'a str>,
    /// Who took it down, as an import says.
    pub collected_by: Option<&'a str>,
    /// The row that it answers.
    pub confirms: Option<ConsentId>,
    /// Where it came about: `inbound_keyword`, `provider_preference`, `provider_error`, `api`, ….
    pub source: &'a str,
    /// Who wrote it down: a key's id, or `system`.
    pub actor: &'a str,
    /// The trace it came with.
    pub trace_id: Uuid,
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Consent))]
pub struct ConsentRow {
    /// Its id.
    pub id: ConsentId,
    /// What it is for.
    pub purpose: Purpose,
    /// Agreed or withdrawn.
    pub state: ConsentState,
    /// When it happened.
    pub occurred_at: Millis,
    /// When we wrote it down.
    pub recorded_at: Millis,
    /// The words the contact saw or said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wording: Option<String>,
    /// Whether these are the business's own words, as a form shows them to everybody: they stay when the contact is
    /// erased.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub shown: bool,
    /// The language of the words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// Which version of the words it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// A keyed hash of the address it came from: the same address of the same tenant gives the same hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ip_hash: Option<String>,
    /// Who took it down, as an import says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub collected_by: Option<String>,
    /// The row that it answers: the ticked box that a yes confirms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confirms: Option<ConsentId>,
    /// Where it came about.
    pub source: String,
    /// Who wrote it down.
    pub actor: String,
    /// The trace it came with.
    pub trace_id: Uuid,
    /// Its place in the tenant's ledger; absent for rows from before there was a chain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
    /// Its hash in the chain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hash: Option<String>,
}

impl ConsentRow {
    /// The words, and whose they are.
    #[must_use]
    pub fn words(&self) -> Option<Wording<'_>> {
        let words = self.wording.as_deref()?;
        Some(if self.shown { Wording::Shown(words) } else { Wording::Said(words) })
    }
}

impl From<LedgerRow> for ConsentRow {
    fn from(row: LedgerRow) -> Self {
        let personal = row.personal.unwrap_or_default();
        Self {
            id: row.id,
            purpose: row.purpose,
            state: row.state,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            shown: row.wording.is_some(),
            wording: row.wording.or(personal.wording),
            language: row.language,
            version: row.version,
            ip_hash: personal.ip_hash,
            collected_by: personal.collected_by,
            confirms: row.confirms,
            source: row.source,
            actor: row.actor,
            trace_id: row.trace_id,
            seq: Some(row.seq),
            hash: Some(row.hash),
        }
    }
}

impl Store {
    /// Where a person stands, over all the contacts that are this person, by a consistent read.
    ///
    /// # Errors
    /// The table is unreachable, or an item makes no sense.
    pub async fn consents(&self, tenant: TenantId, contacts: &[ContactId]) -> Result<Consents, StoreError> {
        let of = |contact: &ContactId| Purpose::ALL.map(|purpose| keys::consent(tenant, *contact, purpose));
        let keys: Vec<Key> = contacts.iter().flat_map(of).collect();
        let items = self.crm.batch_get("read consents", &keys).await?;
        let mut all = Consents::default();
        for item in &items {
            let corrupt = || StoreError::corrupt("read consents", "CONSENT", "not a standing");
            let (purpose, standings) = read(item).ok_or_else(corrupt)?;
            all = standings.into_iter().flatten().fold(all, |all, standing| all.with(purpose, standing));
            all.marketing_requested_at = all.marketing_requested_at.max(time(item, "requested_at"));
            all.marketing_stop_confirmed_at = all.marketing_stop_confirmed_at.max(time(item, "confirmed_at"));
            all = all.restricted(time(item, "restricted_at"));
        }
        Ok(all)
    }

    /// A contact's rows of the ledger, the latest to happen first, at most `limit`, before a row when one is given.
    ///
    /// # Errors
    /// The table is unreachable, or a row makes no sense.
    pub async fn consent_rows(
        &self,
        tenant: TenantId,
        contact: ContactId,
        before: Option<(Millis, ConsentId)>,
        limit: u32,
    ) -> Result<Vec<ConsentRow>, StoreError> {
        const ACTION: &str = "list consents";
        let upper =
            before.map_or_else(|| "CL$".to_owned(), |(at, id)| keys::consent_row(tenant, contact, at, id).sk);
        let query = Query {
            table_name: &self.consents.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk BETWEEN :low AND :high",
            expression_attribute_values: Values::from([
                (":pk", s(keys::contact_partition(tenant, contact))),
                (":low", s("CL#")),
                (":high", s(&upper)),
            ]),
            scan_index_forward: false,
            // BETWEEN is inclusive: the row named by `before` itself may come first.
            limit: Some(limit.saturating_add(1)),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.consents.query(ACTION, &query).await?;
        let mut items = page.items;
        items.retain(|item| !matches!(item.get("sk"), Some(AttributeValue::S(sort)) if *sort == upper));
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        self.read_consents(tenant, items, ACTION).await
    }

    /// Rows of the ledger out of their items, in the same order, with what is personal in them.
    pub(super) async fn read_consents(
        &self,
        tenant: TenantId,
        items: Vec<Item>,
        action: &'static str,
    ) -> Result<Vec<ConsentRow>, StoreError> {
        let chained: Vec<Option<StoredRow>> = items.iter().cloned().map(stored).collect();
        let in_chain: Vec<bool> = chained.iter().map(Option::is_some).collect();
        let opened = self.with_personal(tenant, chained.into_iter().flatten().collect()).await?;
        let mut opened = opened.into_iter();
        let rows = items.into_iter().zip(in_chain).map(|(item, in_chain)| {
            match in_chain.then(|| opened.next()).flatten() {
                Some(row) => Ok(row.into()),
                // From before there was a chain.
                None => {
                    serde_dynamo::from_item(item).map_err(|error| StoreError::corrupt(action, "CL", error))
                }
            }
        });
        rows.collect()
    }
}

/// What was agreed to or withdrawn last, and what was last asked for.
pub(super) fn read(item: &Item) -> Option<(Purpose, [Option<Standing>; 2])> {
    let AttributeValue::S(sort) = item.get("sk")? else { return None };
    let purpose = Purpose::parse(sort.strip_prefix("CONSENT#")?)?;
    let state = match item.get("state") {
        Some(AttributeValue::S(state)) => Some(ConsentState::parse(state)?),
        _ => None,
    };
    let decided = state.zip(time(item, "at")).map(|(state, at)| Standing { state, at });
    let asked = time(item, "asked_at").map(|at| Standing { state: ConsentState::Pending, at });
    // A restriction that was lifted leaves an item that says nothing.
    let says_nothing = !item.contains_key("state") && !item.contains_key("at");
    (decided.is_some() || asked.is_some() || says_nothing).then_some((purpose, [decided, asked]))
}

fn time(item: &Item, name: &str) -> Option<Millis> {
    match item.get(name) {
        Some(AttributeValue::N(at)) => at.parse().ok().map(Millis::from_unix_ms),
        _ => None,
    }
}
