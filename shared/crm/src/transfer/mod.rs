//! Everything of a tenant, out as records and in again (docs/export.md).

mod assemble;
mod erased;
mod export;
mod lone;
mod part;
mod settings;

pub(crate) use assemble::forget_unfinished;
pub use export::{ExportError, FilePosition, Position, page};
pub(crate) use lone::has_come;

use crate::endpoints::{AT_MOST, EndpointError, sealed_anew};
use assemble::{Taken, take};
use domain::ids::{EndpointId, FormId, TenantId, derived_ulid};
use domain::outbound::SendState;
use domain::parked::EventState;
use domain::time::Millis;
use domain::webhook::DeliveryStatus;
use erased::Erased;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use part::Part;
use platform::Platform;
use platform::bucket::{Bucket, BucketError, ObjectKey};
use platform::dynamo::{Form, Record, RecordKind, StoreError, TouchState};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// How many records are written at once.
const AT_A_TIME: usize = 16;
/// How many parts of files are.
const FILES_AT_A_TIME: usize = 4;
/// Why an endpoint that came with an import is switched off.
const CAME: &str = "it was imported; rotate its secret and enable it";

/// What became of the records of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Imported {
    /// Written.
    pub imported: u32,
    /// There already, and left as they are.
    pub present: u32,
    /// Of a kind that is not imported, or about somebody who was erased.
    pub skipped: u32,
}

/// A line of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place in the page, from 1 on.
    pub number: usize,
    /// What it says.
    pub record: Record,
}

/// Records could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A new secret could not be sealed.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The bucket did not answer.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// All parts of a file came and do not make it. They were removed: all of them have to come again.
    #[error("the parts of a file do not make it")]
    Misfit {
        /// The line of the last one.
        line: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Imported,
    Present,
    Skipped,
}

/// Why a record cannot be one of a tenant's; `None` when it can.
#[must_use]
pub fn objection(platform: &Platform, tenant: TenantId, record: &Record) -> Option<String> {
    if record.kind == RecordKind::File {
        return Part::read(record).err();
    }
    let mut record = record.clone();
    if record.kind == RecordKind::Endpoint {
        record.data.insert("sealed".to_owned(), json!(""));
    }
    let checked = platform.store.check_record(tenant, &record);
    match checked {
        Err(error) => Some(platform::telemetry::chain(&error)),
        Ok(()) if record.kind == RecordKind::Tenant => settings::objection(&record),
        Ok(()) => None,
    }
}

/// Writes records whose place is free, whatever order they come in. The same records again change nothing.
///
/// # Errors
/// [`ImportError`]; the same page again does the rest.
pub async fn import(
    platform: &Platform,
    bucket: &Bucket,
    tenant: TenantId,
    lines: Vec<Line>,
    now: Millis,
) -> Result<Imported, ImportError> {
    let erased = &Erased::here(&platform.store, tenant).await?;
    let (files, items): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| line.record.kind == RecordKind::File);
    let mut done: Vec<Done> = stream::iter(items)
        .map(|Line { record, .. }| async move {
            if !erased.includes(&record) {
                return one(platform, tenant, record, now).await;
            }
            // The file may have come before the erasure, and this message, which alone says whose it is, after it.
            if let Some(message) = erased.message(&record) {
                bucket.delete(&ObjectKey::of_message(tenant, message)).await?;
            }
            Ok(Done::Skipped)
        })
        .buffer_unordered(AT_A_TIME)
        .try_collect()
        .await?;
    done.extend(parts(platform, bucket, tenant, erased, files).await?);
    Ok(done.iter().fold(Imported::default(), |mut all, done| {
        match done {
            Done::Imported => all.imported += 1,
            Done::Present => all.present += 1,
            Done::Skipped => all.skipped += 1,
        }
        all
    }))
}

/// Takes parts of files in.
async fn parts(
    platform: &Platform,
    bucket: &Bucket,
    tenant: TenantId,
    erased: &Erased,
    lines: Vec<Line>,
) -> Result<Vec<Done>, ImportError> {
    // Several may be the last of their files: of those, one is put together at a time.
    let turn = &Mutex::new(());
    let taken: Vec<(Record, Done)> = stream::iter(lines)
        .map(|Line { number, record }| async move {
            let part = Part::read(&record).ok().flatten().filter(|_| !erased.includes(&record));
            let done = match part {
                None => Done::Skipped,
                Some(part) => match take(&platform.store, bucket, tenant, part, turn).await? {
                    Taken::New => Done::Imported,
                    Taken::Present => Done::Present,
                    Taken::Misfit => return Err(ImportError::Misfit { line: number }),
                },
            };
            Ok((record, done))
        })
        .buffer_unordered(FILES_AT_A_TIME)
        .try_collect()
        .await?;
    let mut done = Vec::with_capacity(taken.len());
    // Whoever was erased meanwhile may have been passed by before their file was written.
    let written = taken.iter().any(|(_, done)| *done == Done::Imported);
    let erased = if written { Erased::here(&platform.store, tenant).await? } else { Erased::default() };
    for (record, became) in taken {
        if became == Done::Imported
            && erased.includes(&record)
            && let Ok(Some(part)) = Part::read(&record)
        {
            bucket.delete(&ObjectKey::of_file(tenant, part.whole.folder, part.whole.file)).await?;
            done.push(Done::Skipped);
        } else {
            done.push(became);
        }
    }
    Ok(done)
}

async fn one(
    platform: &Platform,
    tenant: TenantId,
    mut record: Record,
    now: Millis,
) -> Result<Done, ImportError> {
    let state = record.data.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
    match record.kind {
        RecordKind::Number
        | RecordKind::LeadSource
        | RecordKind::Chatwoot
        | RecordKind::Assistant
        | RecordKind::File
        | RecordKind::Audit => {
            return Ok(Done::Skipped);
        }
        RecordKind::Tenant => {
            let adopted = settings::adopt(&platform.store, tenant, &record).await?;
            return Ok(if adopted { Done::Imported } else { Done::Present });
        }
        RecordKind::Form => return form(platform, tenant, &record).await,
        RecordKind::Endpoint => {
            let Some(id) = record.ulid().map(EndpointId::from_ulid) else { return Ok(Done::Skipped) };
            let known = platform.store.endpoints(tenant).await?;
            if known.iter().any(|one| one.id == id) {
                return Ok(Done::Present);
            }
            if known.len() >= AT_MOST {
                return Ok(Done::Skipped);
            }
            record.data.insert("sealed".to_owned(), json!(sealed_anew(platform, tenant, id).await?));
            record.data.insert("enabled".to_owned(), json!(false));
            record.data.insert("disabled_reason".to_owned(), json!(CAME));
            record.data.insert("disabled_at".to_owned(), json!(now));
        }
        RecordKind::Send => {
            // What was on its way there must not leave from here as well.
            let open = [SendState::Held, SendState::Queued, SendState::Sending, SendState::Uncertain];
            if open.iter().any(|one| one.as_str() == state) {
                record.data.insert("state".to_owned(), json!(SendState::Cancelled.as_str()));
            }
        }
        RecordKind::Event => {
            // What was being tried there waits for a person here.
            let settled = [EventState::Replayed, EventState::Ignored, EventState::Parked];
            if !settled.iter().any(|one| one.as_str() == state) {
                record.data.insert("state".to_owned(), json!(EventState::Parked.as_str()));
                record.data.insert("shown".to_owned(), json!(true));
                record.data.remove("next_at");
            }
        }
        // What a receiver was not told yet, it is told by the first tenant.
        RecordKind::Delivery if state == DeliveryStatus::Pending.as_str() => return Ok(Done::Skipped),
        // A lead that came is none that has just enquired.
        RecordKind::FirstTouch if state != TouchState::Drafted.as_str() => return Ok(Done::Skipped),
        RecordKind::Delivery
        | RecordKind::FirstTouch
        | RecordKind::GroupMessage
        | RecordKind::EventPart
        | RecordKind::Privacy
        | RecordKind::Template
        | RecordKind::Lead
        | RecordKind::Contact
        | RecordKind::Identity
        | RecordKind::Conversation
        | RecordKind::Standing
        | RecordKind::Consent
        | RecordKind::Message
        | RecordKind::Annex
        | RecordKind::Happening => {}
    }
    let written = platform.store.import_record(tenant, &record).await?;
    Ok(if written { Done::Imported } else { Done::Present })
}

/// A form keeps its id unless that is another tenant's: a visitor names nothing else.
async fn form(platform: &Platform, tenant: TenantId, record: &Record) -> Result<Done, ImportError> {
    let read = serde_json::from_value::<Form>(Value::Object(record.data.clone()));
    let Ok(mut form) = read else { return Ok(Done::Skipped) };
    if platform.store.form_owner(form.id).await?.is_some_and(|owner| owner != tenant) {
        let parts = [tenant.to_string(), form.id.to_string()];
        let at = form.id.ulid().timestamp_ms();
        form.id = FormId::from_ulid(derived_ulid(at, &[&parts[0], &parts[1]]));
    }
    form.revision = 0;
    let written = platform.store.save_form(tenant, &form).await?;
    Ok(if written { Done::Imported } else { Done::Present })
}
