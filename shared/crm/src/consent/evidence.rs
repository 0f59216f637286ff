//! What the leave to send a message rested on, so that it can be shown years later (F5).

use super::rows::all_rows;
use crate::read::{Family, Message, message};
use domain::consent::{ConsentState, Consents, Purpose, Standing};
use domain::ids::{ConsentId, ContactId, MessageId, TenantId};
use domain::ledger::{LedgerHead, LedgerRow};
use domain::outbound::SendState;
use domain::permit::SendPurpose;
use domain::time::Millis;
use domain::window::WINDOW_MS;
use platform::dynamo::{Relied, SendRecord, Store, StoreError};
use serde::Serialize;

/// Everything that shows whether a message was allowed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = MessageEvidence))]
pub struct Evidence {
    /// The message.
    pub message: Message,
    /// What the rule said when it left, or when it was refused; absent for a message that waits, and for one that was not
    /// sent by this product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The customer's message that held the 24-hour window open, where the window counted: the basis of an answer, and no
    /// consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_window: Option<OpenWindow>,
    /// Where the person stood then.
    pub consent: Consents,
    /// The rows of the ledger that decided.
    pub relied_on: Vec<ConsentId>,
    /// Every row of the person up to then, oldest first.
    pub rows: Vec<EvidenceRow>,
    /// Where the ledger ended then: the rows above are in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<LedgerHead>,
    /// Where it ends now.
    pub head_now: LedgerHead,
    /// How to check all of it without us.
    pub how_to_verify: [&'static str; 4],
}

/// What the rule said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EvidenceVerdict))]
pub struct Verdict {
    /// Whether it might be sent.
    pub allowed: bool,
    /// When it was decided.
    pub at: Millis,
    /// What the message counted as.
    pub purpose: SendPurpose,
    /// What it rested on: `marketing_opt_in`, `opt_in_request`, `service_window` or `template`; or the code of the
    /// refusal.
    pub basis: String,
}

/// The window that an answer rested on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenWindow {
    /// Who opened it.
    pub contact_id: ContactId,
    /// When they last wrote.
    pub opened_at: Millis,
    /// When it closed.
    pub closes_at: Millis,
}

/// A row, and whether it is as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EvidenceRow {
    /// The row.
    #[serde(flatten)]
    pub row: LedgerRow,
    /// Whether its hash and its commitment are those of its contents.
    pub as_written: bool,
}

const HOW: [&str; 4] = [
    "Export the ledger: GET /v1/consents/export, every page, into one file.",
    "admin consents verify --file FILE --head <seq>:<hash of `head`>: every row, the chain, and that `head` is in it.",
    "Find each row of `rows` in the file by `seq` and compare: the hash covers every field of it.",
    "docs/consent.md says what is hashed, so that any SHA-256 will do; the sealed ends prove that the chain was not made anew.",
];

/// What the leave to send a message rested on; `None` when there is no such message.
///
/// # Errors
/// The tables did not answer.
pub async fn evidence(
    store: &Store,
    tenant: TenantId,
    id: MessageId,
) -> Result<Option<Evidence>, StoreError> {
    let Some(message) = message(store, tenant, id, false).await? else { return Ok(None) };
    let record = store.send(tenant, id).await?;
    let relied = record.as_ref().and_then(|record| record.relied.clone());
    let head_now = store.ledger_head(tenant).await?;
    let (contacts, upto) = match &relied {
        Some(Relied { contacts, head, .. }) => (contacts.clone(), head.seq),
        None => {
            let family = Family::read(store, tenant, message.contact_id).await?;
            (family.map_or_else(|| vec![message.contact_id], |family| family.ids()), head_now.seq)
        }
    };
    let mut rows = Vec::new();
    for seq in places(store, tenant, &contacts, upto).await? {
        rows.extend(store.ledger_rows(tenant, seq - 1, 1).await?);
    }
    let (consent, relied_on) = stood(&rows);
    let rows = rows.into_iter().map(|row| EvidenceRow { as_written: row.is_as_written(tenant), row });
    Ok(Some(Evidence {
        verdict: record.as_ref().and_then(|record| verdict(record, relied.as_ref())),
        service_window: relied.as_ref().and_then(|relied| relied.window).map(|(contact_id, opened_at)| {
            OpenWindow { contact_id, opened_at, closes_at: opened_at.plus_ms(WINDOW_MS) }
        }),
        consent,
        relied_on,
        rows: rows.collect(),
        head: relied.map(|relied| relied.head),
        head_now,
        how_to_verify: HOW,
        message,
    }))
}

/// The places of some contacts' rows in the chain, up to one, oldest first.
async fn places(
    store: &Store,
    tenant: TenantId,
    contacts: &[ContactId],
    upto: u64,
) -> Result<Vec<u64>, StoreError> {
    let rows = all_rows(store, tenant, contacts).await?;
    let mut places: Vec<u64> = rows.iter().filter_map(|row| row.seq).filter(|seq| *seq <= upto).collect();
    places.sort_unstable();
    Ok(places)
}

/// Where somebody with these rows stands, and the rows that decide it.
fn stood(rows: &[LedgerRow]) -> (Consents, Vec<ConsentId>) {
    let mut all = Consents::default();
    for row in rows {
        all = all.with(row.purpose, Standing { state: row.state, at: row.occurred_at });
    }
    let deciding = |purpose, standing: Option<Standing>| {
        let standing = standing?;
        rows.iter()
            .rev()
            .find(|row| {
                row.purpose == purpose && row.state == standing.state && row.occurred_at == standing.at
            })
            .map(|row| row.id)
    };
    let asked = all.marketing_asked_at.filter(|_| all.marketing.is_none());
    let asked = asked.map(|at| Standing { state: ConsentState::Pending, at });
    let ids =
        [deciding(Purpose::Channel, all.channel), deciding(Purpose::Marketing, all.marketing.or(asked))];
    (all, ids.into_iter().flatten().collect())
}

fn verdict(record: &SendRecord, relied: Option<&Relied>) -> Option<Verdict> {
    if let Some(relied) = relied {
        let basis = match relied.purpose {
            SendPurpose::Marketing if record.asks => "opt_in_request",
            SendPurpose::Marketing => "marketing_opt_in",
            _ if relied.window.is_some() => "service_window",
            SendPurpose::Service | SendPurpose::Utility | SendPurpose::Authentication => "template",
        };
        let (at, purpose) = (relied.at, relied.purpose);
        return Some(Verdict { allowed: true, at, purpose, basis: basis.to_owned() });
    }
    let failure = record.failure.as_ref().filter(|_| record.state == SendState::Failed)?;
    let (at, purpose) = (record.updated_at, record.purpose);
    Some(Verdict { allowed: false, at, purpose, basis: failure.code.clone() })
}
