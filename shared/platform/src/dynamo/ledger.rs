//! The consent ledger: rows that are only ever added, in a chain per tenant (I-9, I-21). A row lies with its contact, by
//! the time it happened; a place in the chain names it. What is personal in it is sealed with the contact's data key, which
//! lies in `crm` and is destroyed when the contact goes.

use super::consents::{NewConsent, Wording};
use super::data_keys::ContactKey;
use super::tenants::with_key;
use super::transact::{Condition, Transaction, jittered};
use super::wire::{AttributeValue, Item, Key, Query, StoreError, Values, n, s};
use super::{Store, keys};
use domain::consent::ConsentState;
use domain::ids::{ContactId, TenantId};
use domain::ledger::{LedgerHead, LedgerRow, Personal};
use std::collections::HashMap;
use std::time::Duration;

/// How often an append that met another one is tried: hundreds may write at once, and none may be lost or parked.
const TRIES: u32 = 60;
/// The pause before the next try, at most.
const PAUSE: Duration = Duration::from_millis(40);
const APPEND: &str = "append to the consent ledger";
/// What is personal in a row, as its item names it.
const SEALED: &str = "sealed";

/// What became of an event that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Its row.
    pub row: LedgerRow,
    /// Whether it was new; else it was there already.
    pub new: bool,
}

impl Store {
    /// Writes a consent event down at the end of the tenant's ledger and moves the contact's standing, both or neither;
    /// the same event twice is one row, and an older event than the standing changes the ledger only (I-9).
    ///
    /// # Errors
    /// The tables are unreachable, or others were faster every time: the same may be tried again.
    pub async fn record_consent(
        &self,
        tenant: TenantId,
        contact: ContactId,
        consent: &NewConsent<'_>,
    ) -> Result<Appended, StoreError> {
        let key = keys::consent_row(tenant, contact, consent.occurred_at, consent.id);
        let personal = Personal {
            salt: salt().map_err(|error| StoreError::corrupt(APPEND, &key.sk, error))?,
            wording: consent.wording.and_then(Wording::said).map(str::to_owned),
            ip_hash: consent.ip_hash.map(str::to_owned),
            collected_by: consent.collected_by.map(str::to_owned),
        };
        // Within one process nobody waits for a conflict to show.
        let _turn = self.ledger_turn(tenant).await;
        let mut moves = true;
        for _ in 0..TRIES {
            let (head, known_key) = self.ledger_end(tenant, contact).await?;
            let row = next(tenant, contact, consent, &personal, head.clone());
            let mut all = Transaction::default();
            let data_key = match &known_key {
                Some(known) => known,
                None => &ContactKey::random(tenant, contact)?,
            };
            let sealed = data_key.seal(row.id, &personal)?;
            let written = all.put(&self.consents.name, row_item(&key, &row, &sealed)?, Condition::absent());
            let placed = all.put(&self.consents.name, place_item(tenant, &row), Condition::absent());
            let moved =
                all.update(&self.crm.name, keys::ledger_head(tenant), HEAD_MOVES, head_is(&head, &row));
            let keyed =
                known_key.is_none().then(|| all.put(&self.crm.name, data_key.item(), Condition::absent()));
            if moves {
                let (change, newer) = standing_moves(consent);
                let standing = keys::consent(tenant, contact, consent.purpose);
                all.update(&self.crm.name, standing, change, newer);
            }
            match all.commit(&self.crm.aws, APPEND).await? {
                Ok(()) => return Ok(Appended { row, new: true }),
                // The row is there; so is what it did to the standing, in the same transaction.
                Err(cancelled) if cancelled.refused(written) => {
                    return Ok(Appended { row: self.written(tenant, &key, row).await?, new: false });
                }
                Err(cancelled)
                    if [Some(placed), Some(moved), keyed]
                        .into_iter()
                        .flatten()
                        .any(|one| cancelled.refused(one)) =>
                {
                    tokio::time::sleep(jittered(PAUSE)).await;
                }
                // The standing is newer: the ledger gets its row all the same.
                Err(_newer) => moves = false,
            }
        }
        Err(StoreError::contended(APPEND))
    }

    /// Where a tenant's ledger ends, and a contact's data key, when they have one.
    async fn ledger_end(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<(LedgerHead, Option<ContactKey>), StoreError> {
        let wanted = [keys::ledger_head(tenant), keys::data_key(tenant, contact)];
        let (mut head, mut key) = (LedgerHead::none(), None);
        for item in self.crm.batch_get(APPEND, &wanted).await? {
            match read_head(&item) {
                Some(there) => head = there,
                None => key = Some(ContactKey::read(tenant, contact, &item)?),
            }
        }
        Ok((head, key))
    }

    /// Where a tenant's ledger ends.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn ledger_head(&self, tenant: TenantId) -> Result<LedgerHead, StoreError> {
        let head =
            self.crm.get("read the end of the consent ledger", &keys::ledger_head(tenant), true).await?;
        Ok(head.as_ref().and_then(read_head).unwrap_or_else(LedgerHead::none))
    }

    /// A tenant's ledger after a place, oldest first, at most `limit` rows, each with its personal part unless that was
    /// erased. A place without its row ends the page before it: there is a gap.
    ///
    /// # Errors
    /// The tables are unreachable, or a row makes no sense.
    pub async fn ledger_rows(
        &self,
        tenant: TenantId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        const ACTION: &str = "read the consent ledger";
        let query = Query {
            table_name: &self.consents.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk BETWEEN :low AND :high",
            expression_attribute_values: Values::from([
                (":pk", s(keys::ledger_partition(tenant))),
                (":low", s(keys::ledger_place(tenant, after.saturating_add(1)).sk)),
                (":high", s(keys::ledger_place(tenant, u64::MAX).sk)),
            ]),
            scan_index_forward: true,
            limit: Some(limit),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let page = self.consents.query(ACTION, &query).await?;
        let places = page.items.iter().map(|item| match item.get("row") {
            Some(AttributeValue::S(sort)) => {
                let contact = match item.get("contact") {
                    Some(AttributeValue::S(id)) => ContactId::parse(id).ok(),
                    _ => None,
                };
                contact.map(|contact| keys::consent_row_at(tenant, contact, sort))
            }
            _ => None,
        });
        let corrupt = || StoreError::corrupt(ACTION, "L", "not a place in a ledger");
        let places: Vec<Key> =
            places.map(|place| place.ok_or_else(corrupt)).collect::<Result<_, StoreError>>()?;
        let rows = self.consents.batch_get(ACTION, &places).await?.into_iter().filter_map(stored).collect();
        let mut rows = self.with_personal(tenant, rows).await?;
        rows.sort_by_key(|row| row.seq);
        Ok(rows)
    }

    /// Rows with what is personal in them, where the contact's data key was not destroyed. What does not open with that
    /// key reads as nothing that was ever committed to, so that whoever checks the row finds it.
    pub(super) async fn with_personal(
        &self,
        tenant: TenantId,
        rows: Vec<StoredRow>,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let mut contacts: Vec<ContactId> = rows.iter().map(|stored| stored.row.contact_id).collect();
        contacts.sort_unstable();
        contacts.dedup();
        let keys = self.data_keys(tenant, &contacts).await?;
        let opened = rows.into_iter().map(|StoredRow { row, sealed }| {
            let personal = keys.get(&row.contact_id).map(|key| {
                key.open(row.id, &sealed).unwrap_or_else(|| {
                    tracing::error!(alarm = "seal_tampered", %tenant, consent.id = %row.id, "a sealed consent does not open");
                    Personal::default()
                })
            });
            LedgerRow { personal, ..row }
        });
        Ok(opened.collect())
    }

    /// The row that an event was written down as before.
    async fn written(&self, tenant: TenantId, key: &Key, row: LedgerRow) -> Result<LedgerRow, StoreError> {
        let query = Query {
            table_name: &self.consents.name,
            index_name: None,
            key_condition_expression: "pk = :pk AND sk = :sk",
            expression_attribute_values: Values::from([(":pk", s(&key.pk)), (":sk", s(&key.sk))]),
            scan_index_forward: true,
            limit: Some(1),
            exclusive_start_key: None,
            consistent_read: true,
        };
        let found = self.consents.query(APPEND, &query).await?.items.into_iter().next().and_then(stored);
        // One from before there was a chain stays as it is.
        let Some(found) = found else { return Ok(row) };
        let mut rows = self.with_personal(tenant, vec![found]).await?;
        rows.pop().ok_or_else(|| StoreError::missing(APPEND, row.id))
    }
}

/// A row as it lies in the table.
#[derive(Debug, Clone)]
pub(super) struct StoredRow {
    row: LedgerRow,
    /// What is personal in it.
    sealed: String,
}

/// A row of the chain out of its item; `None` for one from before there was a chain.
pub(super) fn stored(mut item: Item) -> Option<StoredRow> {
    item.remove("pk");
    item.remove("sk");
    let Some(AttributeValue::S(sealed)) = item.remove(SEALED) else { return None };
    Some(StoredRow { row: serde_dynamo::from_item(item).ok()?, sealed })
}

fn row_item(key: &Key, row: &LedgerRow, sealed: &str) -> Result<Item, StoreError> {
    let row = LedgerRow { personal: None, ..row.clone() };
    let mut item = with_key(&row, key.pk.clone(), key.sk.clone(), APPEND)?;
    item.insert(SEALED.to_owned(), s(sealed));
    Ok(item)
}

fn next(
    tenant: TenantId,
    contact: ContactId,
    consent: &NewConsent<'_>,
    personal: &Personal,
    head: LedgerHead,
) -> LedgerRow {
    let mut row = LedgerRow {
        seq: head.seq + 1,
        id: consent.id,
        contact_id: contact,
        purpose: consent.purpose,
        state: consent.state,
        occurred_at: consent.occurred_at,
        recorded_at: consent.recorded_at,
        language: consent.language.map(str::to_owned),
        version: consent.version.map(str::to_owned),
        wording: consent.wording.and_then(Wording::shown).map(str::to_owned),
        source: consent.source.to_owned(),
        actor: consent.actor.to_owned(),
        confirms: consent.confirms,
        trace_id: consent.trace_id,
        commitment: personal.commitment(),
        personal: Some(personal.clone()),
        previous: head.hash,
        hash: String::new(),
    };
    row.hash = row.expected_hash(tenant);
    row
}

/// A place in the chain: which row is there.
fn place_item(tenant: TenantId, row: &LedgerRow) -> Item {
    let key = keys::ledger_place(tenant, row.seq);
    let sort = keys::consent_row(tenant, row.contact_id, row.occurred_at, row.id).sk;
    let attributes = [("pk", s(key.pk)), ("sk", s(key.sk)), ("contact", s(row.contact_id)), ("row", s(sort))];
    Item::from(HashMap::from(attributes.map(|(name, value)| (name.to_owned(), value))))
}

const HEAD_MOVES: &str = "SET seq = :next, #hash = :hash";

fn head_is(head: &LedgerHead, row: &LedgerRow) -> Condition {
    Condition::of(
        "(attribute_not_exists(seq) AND :seq = :none) OR (seq = :seq AND #hash = :previous)",
        [
            (":seq", n(head.seq)),
            (":none", n(0)),
            (":previous", s(&head.hash)),
            (":next", n(row.seq)),
            (":hash", s(&row.hash)),
        ],
    )
    .named([("#hash", "hash")])
}

/// How an event moves where its contact stands, and when.
fn standing_moves(consent: &NewConsent<'_>) -> (&'static str, Condition) {
    let at = n(consent.occurred_at.unix_ms());
    if consent.state == ConsentState::Pending {
        // Beside the standing: it neither agrees nor withdraws.
        let newer = "attribute_not_exists(asked_at) OR asked_at < :at";
        return ("SET asked_at = :at", Condition::of(newer, [(":at", at)]));
    }
    let newer = "attribute_not_exists(#at) OR #at < :at OR (#at = :at AND :state = :revoked)";
    let values =
        [(":state", s(consent.state.as_str())), (":revoked", s(ConsentState::Revoked.as_str())), (":at", at)];
    let newer = Condition::of(newer, values).named([("#state", "state"), ("#at", "at")]);
    match consent.state {
        // Who agreed anew and withdraws again is told so again.
        ConsentState::Granted => ("SET #state = :state, #at = :at REMOVE confirmed_at", newer),
        ConsentState::Revoked | ConsentState::Pending => ("SET #state = :state, #at = :at", newer),
    }
}

fn read_head(item: &Item) -> Option<LedgerHead> {
    match (item.get("seq")?, item.get("hash")?) {
        (AttributeValue::N(seq), AttributeValue::S(hash)) => {
            Some(LedgerHead { seq: seq.parse().ok()?, hash: hash.clone() })
        }
        _ => None,
    }
}

/// 128 random bits, in hex.
fn salt() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}
