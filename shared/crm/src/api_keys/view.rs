//! A key as the API shows it.

use domain::access::{Environment, Role};
use domain::address_range::AddressRange;
use domain::ids::KeyId;
use domain::time::Millis;
use platform::dynamo::ApiKeyRecord;
use platform::http::days_left;
use serde::Serialize;

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// It opens what it is for.
    Active,
    /// Another one takes its place, and its overlap is not over.
    Replaced,
    /// It ended.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A key as the API shows it: never its text, never its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ApiKey))]
pub struct KeyView {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Live or test.
    pub environment: Environment,
    /// How it begins.
    pub prefix: &'static str,
    /// How it ends.
    pub last4: String,
    /// Where it stands.
    pub status: KeyStatus,
    /// When it was made.
    pub created_at: Millis,
    /// When it ends.
    pub expires_at: Option<Millis>,
    /// In how many days that is, rounded up; absent when it does not end, or has.
    pub expires_in_days: Option<u64>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Millis>,
    /// When it was revoked.
    pub revoked_at: Option<Millis>,
    /// From where it may be used; from anywhere when empty.
    pub allowed_ips: Vec<AddressRange>,
    /// How many requests a minute it may make.
    pub rate_limit: u32,
    /// The key whose place it takes.
    pub replaces: Option<KeyId>,
    /// The key that takes its place.
    pub replaced_by: Option<KeyId>,
}

pub(super) fn view(record: &ApiKeyRecord, now: Millis) -> KeyView {
    let ended = record.expires_at.is_some_and(|at| at <= now);
    let status = if record.revoked_at.is_some() {
        KeyStatus::Revoked
    } else if ended {
        KeyStatus::Expired
    } else if record.replaced_by.is_some() {
        KeyStatus::Replaced
    } else {
        KeyStatus::Active
    };
    let ends = record.expires_at.filter(|_| matches!(status, KeyStatus::Active | KeyStatus::Replaced));
    KeyView {
        id: record.id,
        name: record.name.clone(),
        role: record.role,
        environment: record.environment,
        prefix: record.environment.key_prefix(),
        last4: record.last4.clone(),
        status,
        created_at: record.created_at,
        expires_at: record.expires_at,
        expires_in_days: ends.map(|at| days_left(at, now)),
        last_used_at: record.last_used_at,
        revoked_at: record.revoked_at,
        allowed_ips: record.allowed_ips.clone(),
        rate_limit: record.limits().key,
        replaces: record.replaces,
        replaced_by: record.replaced_by,
    }
}
