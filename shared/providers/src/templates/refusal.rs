//! A provider's "no" about templates, and what it means (providers.md 2.2).

use crate::wire::{Number, items, lossy, object, object_str};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A provider's "no".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The provider's code, when it gives one.
    pub code: Option<i64>,
    /// The finer code: 2388xxx for templates.
    pub subcode: Option<i64>,
    /// What it says, for the admin.
    pub message: String,
}

/// What a "no" means for whoever wrote the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// A part of the template cannot be taken.
    Content {
        /// The part, such as `body`; `template` when the provider does not say.
        field: &'static str,
    },
    /// It is registered already.
    Exists,
    /// The name was deleted and stays taken for about thirty days.
    NameBlocked,
    /// The account has as many templates as it may have.
    Full,
    /// It cannot be edited in its state, not again so soon, or not in this part.
    NotEditable,
    /// There is no such template.
    Absent,
    /// The token or key may not do this.
    Credentials,
    /// Too many calls.
    Busy,
    /// The provider failed; whether it did anything is not known.
    Failed,
}

impl Refusal {
    /// Reads the body of an answer that is no success: Meta's `error`, 360dialog's `meta` or `detail`, and the
    /// On-Premise `errors`.
    pub(super) fn read(status: u16, text: &str) -> Self {
        let body: Body<'_> = object_str(text).unwrap_or_default();
        let first = body.errors.and_then(|list| items(list).ok()?.into_iter().next());
        let told: Told<'_> = [body.error, first, body.meta]
            .into_iter()
            .flatten()
            .find_map(|raw| object(raw).ok())
            .unwrap_or_default();
        let texts = [
            told.error_user_msg,
            told.message,
            told.developer_message,
            told.details,
            told.title,
            body.detail,
        ];
        let message =
            texts.into_iter().find_map(lossy).unwrap_or_else(|| "the provider gave no reason".to_owned());
        Self {
            status,
            code: whole(&told.code),
            subcode: whole(&told.error_subcode),
            message: message.chars().take(500).collect(),
        }
    }

    /// What it means.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        let by_subcode = match self.subcode {
            Some(2_388_040 | 2_388_072 | 2_388_293 | 2_388_299) => {
                Some(RefusalKind::Content { field: "body" })
            }
            Some(2_388_043) => Some(RefusalKind::Content { field: "examples" }),
            Some(2_388_047) => Some(RefusalKind::Content { field: "header" }),
            Some(2_388_073) => Some(RefusalKind::Content { field: "footer" }),
            Some(2_388_019) => Some(RefusalKind::Full),
            Some(2_388_023) => Some(RefusalKind::NameBlocked),
            Some(2_388_024) => Some(RefusalKind::Exists),
            Some(2_388_025 | 2_388_026 | 2_388_094) => Some(RefusalKind::NotEditable),
            Some(2_593_002) => Some(RefusalKind::Absent),
            Some(_) | None => None,
        };
        if let Some(kind) = by_subcode {
            return kind;
        }
        match (self.status, self.code) {
            (429, _) | (_, Some(4 | 613 | 80_007 | 80_008 | 130_429)) => RefusalKind::Busy,
            (401 | 403, _) | (_, Some(0 | 3 | 10 | 190 | 200..=299)) => RefusalKind::Credentials,
            (404, _) => RefusalKind::Absent,
            (500.., _) | (_, Some(1 | 2)) => RefusalKind::Failed,
            (_, _) => RefusalKind::Content { field: "template" },
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    meta: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Told<'a> {
    code: Number,
    error_subcode: Number,
    #[serde(borrow)]
    error_user_msg: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    developer_message: Option<&'a RawValue>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
}

fn whole(number: &Number) -> Option<i64> {
    match number {
        Number::Whole(code) => Some(*code),
        Number::Absent | Number::Fraction(_) | Number::NotOne => None,
    }
}
