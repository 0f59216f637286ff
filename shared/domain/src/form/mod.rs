//! Lead forms: what a tenant asks of the visitors of its pages, and what it may ask.

mod answers;
mod check;

pub use answers::{Agreed, Answers, NotTaken, TRAP, read};

use crate::consent::Purpose;
use crate::language::Language;
use serde::{Deserialize, Serialize};

/// Whether a form takes enquiries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum FormStatus {
    /// It does.
    #[default]
    Enabled,
    /// It does not.
    Disabled,
}

/// A text in the languages it was written in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FormTexts))]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// In Arabic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ar: Option<String>,
    /// In English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

impl Texts {
    /// The text in a language.
    #[must_use]
    pub fn get(&self, language: Language) -> Option<&str> {
        match language {
            Language::Ar => self.ar.as_deref(),
            Language::En => self.en.as_deref(),
        }
    }
}

/// A field that a form shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FormField {
    /// A field of a lead, or `attributes.<name>`.
    pub name: String,
    /// Whether it must be filled.
    #[serde(default)]
    pub required: bool,
    /// What stands beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Texts>,
}

/// The box that asks for consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConsentBox {
    /// Whether nothing is taken unless it is ticked.
    #[serde(default)]
    pub required: bool,
    /// Which version of the words this is.
    pub version: String,
    /// What is agreed to.
    #[serde(default = "marketing")]
    pub purpose: Purpose,
    /// The words beside it.
    pub wording: Texts,
}

const fn marketing() -> Purpose {
    Purpose::Marketing
}

/// A form, as its tenant defines it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FormDefinition))]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// What the tenant's people call it.
    pub name: String,
    /// Whether it takes enquiries.
    #[serde(default)]
    pub status: FormStatus,
    /// The origins of the pages it stands on, such as `https://example.ae`; `*` is any.
    pub allowed_origins: Vec<String>,
    /// What it asks.
    #[serde(default = "usual_fields")]
    pub fields: Vec<FormField>,
    /// The box that asks for consent, if it has one.
    #[serde(default)]
    pub consent: Option<ConsentBox>,
    /// The language of a visitor who says none.
    #[serde(default = "english")]
    pub default_language: Language,
    /// The source of its leads.
    #[serde(default = "website")]
    pub source: String,
    /// Where the visitor's browser goes afterwards.
    #[serde(default)]
    pub redirect_url: Option<String>,
}

impl Definition {
    /// Whether pages of an origin may use the form.
    #[must_use]
    pub fn admits(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(origin))
    }
}

fn usual_fields() -> Vec<FormField> {
    let field = |name: &str, required| FormField { name: name.to_owned(), required, label: None };
    vec![field("name", true), field("phone", true), field("email", false)]
}

const fn english() -> Language {
    Language::En
}

fn website() -> String {
    "website".to_owned()
}
