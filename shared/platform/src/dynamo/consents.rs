//! Consents: the ledger, which is only ever added to, and where a contact stands, which a send's claim checks.

use super::transact::{Condition, Transaction};
use super::wire::{AttributeValue, Item, Key, Names, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::consent::{ConsentState, Consents, Purpose, Standing};
use domain::ids::{ConsentId, ContactId, TenantId};
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    pub wording: Option<&'a str>,
    /// The language of the words.
    pub language: Option<&'a str>,
    /// Which version of the words it was.
    pub version: Option<&'a str>,
    /// A keyed hash of the address it came from.
    pub ip_hash: Option<&'a str>,
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
    /// The language of the words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// Which version of the words it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// A keyed hash of the address it came from: the same address of the same tenant gives the same hash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ip_hash: Option<String>,
    /// Where it came about.
    pub source: String,
    /// Who wrote it down.
    pub actor: String,
    /// The trace it came with.
    pub trace_id: Uuid,
}

impl From<&NewConsent<'_>> for ConsentRow {
    fn from(consent: &NewConsent<'_>) -> Self {
        Self {
            id: consent.id,
            purpose: consent.purpose,
            state: consent.state,
            occurred_at: consent.occurred_at,
            recorded_at: consent.recorded_at,
            wording: consent.wording.map(str::to_owned),
            language: consent.language.map(str::to_owned),
            version: consent.version.map(str::to_owned),
            ip_hash: consent.ip_hash.map(str::to_owned),
            source: consent.source.to_owned(),
            actor: consent.actor.to_owned(),
            trace_id: consent.trace_id,
        }
    }
}

impl Store {
    /// Writes a consent event down and moves the contact's standing, both or neither; the same event twice is one row,
    /// and an older event than the standing changes the ledger only (I-9).
    ///
    /// # Errors
    /// The tables are unreachable.
    pub async fn record_consent(
        &self,
        tenant: TenantId,
        contact: ContactId,
        consent: &NewConsent<'_>,
    ) -> Result<(), StoreError> {
        const ACTION: &str = "record consent";
        let key = keys::consent_row(tenant, contact, consent.occurred_at, consent.id);
        let row = ConsentRow::from(consent);
        let mut item: Item =
            serde_dynamo::to_item(&row).map_err(|error| StoreError::corrupt(ACTION, &key.sk, error))?;
        item.insert("pk".to_owned(), AttributeValue::S(key.pk.clone()));
        item.insert("sk".to_owned(), AttributeValue::S(key.sk.clone()));

        let mut both = Transaction::default();
        let written = both.put(&self.consents.name, item.clone(), Condition::absent());
        let at = n(consent.occurred_at.unix_ms());
        let (change, newer) = if consent.state == ConsentState::Pending {
            // Beside the standing: it neither agrees nor withdraws.
            let newer = "attribute_not_exists(asked_at) OR asked_at < :at";
            ("SET asked_at = :at", Condition::of(newer, [(":at", at)]))
        } else {
            let newer = "attribute_not_exists(#at) OR #at < :at OR (#at = :at AND :state = :revoked)";
            let values = [
                (":state", s(consent.state.as_str())),
                (":revoked", s(ConsentState::Revoked.as_str())),
                (":at", at),
            ];
            let newer = Condition::of(newer, values).named([("#state", "state"), ("#at", "at")]);
            ("SET #state = :state, #at = :at", newer)
        };
        both.update(&self.crm.name, keys::consent(tenant, contact, consent.purpose), change, newer);
        match both.commit(&self.crm.aws, ACTION).await? {
            Ok(()) => Ok(()),
            // The row is there; so is what it did to the standing, in the same transaction.
            Err(cancelled) if cancelled.refused(written) => Ok(()),
            // The standing is newer: the ledger gets its row all the same.
            Err(_newer) => {
                let condition = ("attribute_not_exists(pk)", Names::new(), Values::new());
                self.consents.put(ACTION, item, Some(condition)).await?.ok();
                Ok(())
            }
        }
    }

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
        let mut rows = Vec::with_capacity(page.items.len());
        for item in page.items {
            if matches!(item.get("sk"), Some(AttributeValue::S(sort)) if *sort == upper) {
                continue;
            }
            let row = serde_dynamo::from_item(item);
            rows.push(row.map_err(|error| StoreError::corrupt(ACTION, "CL", error))?);
        }
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(rows)
    }
}

/// What was agreed to or withdrawn last, and what was last asked for.
pub(super) fn read(item: &Item) -> Option<(Purpose, [Option<Standing>; 2])> {
    let AttributeValue::S(sort) = item.get("sk")? else { return None };
    let purpose = Purpose::parse(sort.strip_prefix("CONSENT#")?)?;
    let at = |name: &str| match item.get(name) {
        Some(AttributeValue::N(at)) => at.parse().ok().map(Millis::from_unix_ms),
        _ => None,
    };
    let state = match item.get("state") {
        Some(AttributeValue::S(state)) => Some(ConsentState::parse(state)?),
        _ => None,
    };
    let decided = state.zip(at("at")).map(|(state, at)| Standing { state, at });
    let asked = at("asked_at").map(|at| Standing { state: ConsentState::Pending, at });
    (decided.is_some() || asked.is_some()).then_some((purpose, [decided, asked]))
}
