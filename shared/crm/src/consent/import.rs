//! Agreements and withdrawals that were taken down elsewhere, many at once, each with where it comes from.

use crate::ingest::{IngestError, contact_of_phone};
use crate::read::Family;
use domain::consent::{ConsentState, Purpose};
use domain::ids::{ConsentId, ContactId, TenantId, derived_ulid};
use domain::phone::Phone;
use domain::time::Millis;
use futures_util::stream::{self, StreamExt as _};
use platform::Platform;
use platform::dynamo::{NewConsent, StoreError, Wording};
use serde::Serialize;
use uuid::Uuid;

/// How many rows one request has, at most.
pub const AT_MOST: usize = 1_000;
/// How many are written at once.
const AT_A_TIME: usize = 8;

/// A row, checked.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Its place in the request, from 1.
    pub number: usize,
    /// Who, by our id.
    pub contact: Option<ContactId>,
    /// Who, by their number; a contact is made of one that is new.
    pub phone: Option<Phone>,
    /// What it is for.
    pub purpose: Purpose,
    /// Agreed or withdrawn.
    pub state: ConsentState,
    /// When it happened.
    pub occurred_at: Millis,
    /// The exact words.
    pub wording: Option<String>,
    /// Their language.
    pub language: Option<String>,
    /// Which version of them.
    pub version: Option<String>,
    /// Where it was taken down.
    pub source: String,
    /// By whom.
    pub collected_by: String,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ConsentImportError))]
pub struct RowError {
    /// Its place in the request, from 1.
    pub row: usize,
    /// A stable code.
    pub code: &'static str,
    /// The field it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// In words.
    pub message: String,
}

/// What became of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsentsImported {
    /// Written down.
    pub imported: u32,
    /// There already.
    pub present: u32,
    /// Not taken; `errors` says why.
    pub failed: u32,
    /// One per row that was not taken, in their order.
    pub errors: Vec<RowError>,
}

enum Done {
    New,
    Present,
    Failed(RowError),
}

/// Writes rows down. The same row again, in this request or another, is the same event.
///
/// # Errors
/// The tables did not answer; the same request again does the rest.
pub async fn import(
    platform: &Platform,
    tenant: TenantId,
    rows: Vec<ImportRow>,
    actor: &str,
    trace_id: Uuid,
    now: Millis,
) -> Result<ConsentsImported, StoreError> {
    let done: Vec<Result<Done, StoreError>> = stream::iter(rows)
        .map(|row| async move { one(platform, tenant, &row, actor, trace_id, now).await })
        .buffered(AT_A_TIME)
        .collect()
        .await;
    let mut all = ConsentsImported::default();
    for one in done {
        match one? {
            Done::New => all.imported += 1,
            Done::Present => all.present += 1,
            Done::Failed(error) => {
                all.failed += 1;
                all.errors.push(error);
            }
        }
    }
    Ok(all)
}

async fn one(
    platform: &Platform,
    tenant: TenantId,
    row: &ImportRow,
    actor: &str,
    trace_id: Uuid,
    now: Millis,
) -> Result<Done, StoreError> {
    let store = &platform.store;
    let nobody = || {
        Done::Failed(RowError {
            row: row.number,
            code: "not_found",
            field: Some("contact_id".to_owned()),
            message: "There is no such contact.".to_owned(),
        })
    };
    let contact = match (row.contact, &row.phone) {
        (Some(contact), _) => contact,
        (None, Some(phone)) => match contact_of_phone(platform, tenant, phone, now).await {
            Ok(contact) => contact,
            Err(IngestError::Transient { reason } | IngestError::Permanent { reason }) => {
                return Err(StoreError::missing("find the contact of a consent", reason));
            }
            Err(IngestError::Erased) => return Ok(nobody()),
        },
        (None, None) => return Ok(nobody()),
    };
    let Some(family) = Family::read(store, tenant, contact).await? else { return Ok(nobody()) };
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let parts = [
        family.id().to_string(),
        row.purpose.as_str().to_owned(),
        row.state.as_str().to_owned(),
        text(&row.wording),
        text(&row.language),
        text(&row.version),
        row.source.clone(),
        row.collected_by.clone(),
    ];
    let parts: Vec<&str> = ["import"].into_iter().chain(parts.iter().map(String::as_str)).collect();
    let consent = NewConsent {
        id: ConsentId::from_ulid(derived_ulid(row.occurred_at.unix_ms(), &parts)),
        purpose: row.purpose,
        state: row.state,
        occurred_at: row.occurred_at,
        recorded_at: now,
        wording: row.wording.as_deref().map(Wording::Said),
        language: row.language.as_deref(),
        version: row.version.as_deref(),
        ip_hash: None,
        collected_by: Some(&row.collected_by),
        confirms: None,
        source: &row.source,
        actor,
        trace_id,
    };
    let appended = store.record_consent(tenant, family.id(), &consent).await?;
    Ok(if appended.new { Done::New } else { Done::Present })
}
