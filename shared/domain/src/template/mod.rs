//! Templates as the platform knows them, whoever approved them.

pub mod choice;
pub mod contract;
pub mod draft;
pub mod lint;
pub mod pack;
#[cfg(test)]
pub(crate) mod sample;

pub use choice::{NoChoice, choose};
pub use contract::{Mismatch, fill};

use crate::ids::{TemplateId, TenantId, derived_ulid};
use crate::message::MediaKind;
use crate::outgoing::MediaSource;
use crate::provider::Provider;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What a template is for; decides price and consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplateCategory))]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Offers; needs a recorded opt-in.
    Marketing,
    /// About something the customer asked for.
    Utility,
    /// One-time codes.
    Authentication,
}

impl Category {
    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "marketing" => Some(Self::Marketing),
            "utility" => Some(Self::Utility),
            "authentication" => Some(Self::Authentication),
            _ => None,
        }
    }
}

/// Where a template stands with the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TemplateState {
    /// May be sent.
    Approved,
    /// Under review.
    Pending,
    /// Refused by the review.
    Rejected,
    /// Stopped for its quality, for now.
    Paused,
    /// Stopped for good.
    Disabled,
    /// Refused and asked to look again.
    InAppeal,
    /// Being deleted, or deleted.
    Deleted,
    /// Written here and not submitted; no provider knows of it.
    Draft,
}

impl TemplateState {
    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::InAppeal => "in_appeal",
            Self::Deleted => "deleted",
            Self::Draft => "draft",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "approved" => Some(Self::Approved),
            "pending" => Some(Self::Pending),
            "rejected" => Some(Self::Rejected),
            "paused" => Some(Self::Paused),
            "disabled" => Some(Self::Disabled),
            "in_appeal" => Some(Self::InAppeal),
            "deleted" => Some(Self::Deleted),
            "draft" => Some(Self::Draft),
            _ => None,
        }
    }
}

/// How a template's variables are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ParameterFormat {
    /// By name: `{{agent_name}}`.
    Named,
    /// By order: `{{1}}`.
    Positional,
}

/// A template of one number's account, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Our id of it: derived from tenant, account, name and language, so that every sync finds the same one.
    pub id: TemplateId,
    /// The provider that approved it.
    pub provider: Provider,
    /// The account it belongs to: Meta's business account id, or the channel of 360dialog.
    pub account: String,
    /// The provider's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_template_id: Option<String>,
    /// Its registered name.
    pub name: String,
    /// Its language code as registered: `ar`, `en`, `en_US`.
    pub language: String,
    /// What it is for.
    pub category: Category,
    /// Where it stands.
    pub state: TemplateState,
    /// How its variables are addressed.
    pub parameter_format: ParameterFormat,
    /// The line or file on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// Its words, with variables in double braces.
    pub body: String,
    /// The small line below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// Its buttons, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`, as reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Why the review refused it, as reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_reason: Option<String>,
    /// The category it had before the provider moved it, until a person confirms the new one: such a template is sent
    /// only to those who opted in (F6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drifted_from: Option<Category>,
    /// When we last heard that it changed.
    pub updated_at: Millis,
}

/// What stands on top of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplateHeader))]
#[serde(rename_all = "lowercase", tag = "format")]
pub enum Header {
    /// A line of text with at most one variable.
    Text {
        /// The line.
        text: String,
    },
    /// A picture, given with every send.
    Image,
    /// A film, given with every send.
    Video,
    /// A document, given with every send.
    Document,
    /// A place, given with every send.
    Location,
}

/// A button of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplateButton))]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Button {
    /// Answers with its text; its payload may be given with a send.
    QuickReply {
        /// What it says.
        text: String,
    },
    /// Opens a link; one that ends in `{{1}}` takes its end with every send.
    Url {
        /// What it says.
        text: String,
        /// The link.
        url: String,
    },
    /// Calls a number.
    PhoneNumber {
        /// What it says.
        text: String,
    },
    /// Copies a code, given with every send.
    CopyCode,
    /// A one-time code's button; the code is the body's variable.
    Otp,
    /// Opens a flow; its token may be given with a send.
    Flow {
        /// What it says.
        text: String,
    },
    /// Any other, which takes nothing: `REQUEST_CONTACT_INFO`, `VOICE_CALL`, ….
    Other {
        /// The type as reported.
        name: String,
    },
}

/// The id of a template: its time part is a digest of the name, so that the rows of one name lie side by side, and the
/// rest is derived from what makes it one of a kind.
#[must_use]
pub fn template_id(
    tenant: TenantId,
    provider: Provider,
    account: &str,
    name: &str,
    language: &str,
) -> TemplateId {
    let parts = [&tenant.to_string(), provider.as_str(), account, name, language];
    TemplateId::from_ulid(derived_ulid(name_digest(name), &parts))
}

/// What the ids of all templates of this name begin with: 48 bits, in the place of a ULID's time.
#[must_use]
pub fn name_digest(name: &str) -> u64 {
    let low = derived_ulid(0, &[name]).random() & ((1 << 48) - 1);
    u64::try_from(low).unwrap_or_default()
}

/// A template with everything filled in: what a provider's request is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    /// The registered name.
    pub name: String,
    /// The registered language code.
    pub language: String,
    /// The header's parameter, when it takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<FilledHeader>,
    /// The body's parameters, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<Parameter>,
    /// The parameters of the buttons that take one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<FilledButton>,
    /// The words as the customer will read them: for the timeline, and for providers without templates.
    pub rendered: String,
}

/// A text parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, for templates with named variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The text.
    pub text: String,
}

/// What fills a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilledHeader {
    /// Its text's variable.
    Text(Parameter),
    /// A file.
    Media {
        /// Image, video or document.
        kind: MediaKind,
        /// Where it is.
        source: MediaSource,
        /// The name a document is shown with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
    },
}

/// What fills a button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledButton {
    /// Which button, from 0.
    pub index: u8,
    /// How it is filled.
    pub sub_type: ButtonParameter,
    /// With what.
    pub value: String,
}

/// The ways a button is filled (providers.md 2.1, `sub_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonParameter {
    /// The end of an address.
    Url,
    /// A payload.
    QuickReply,
    /// A flow's token.
    Flow,
    /// A code.
    CopyCode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_one_name_lie_side_by_side_and_each_has_its_own_id() {
        let tenant = TenantId::from_ulid(derived_ulid(1, &["t"]));
        let other = TenantId::from_ulid(derived_ulid(1, &["u"]));
        let id =
            |tenant, account, name, language| template_id(tenant, Provider::Meta, account, name, language);
        let en = id(tenant, "1", "hello", "en");
        assert_eq!(en, id(tenant, "1", "hello", "en"));
        for another in
            [id(tenant, "1", "hello", "ar"), id(tenant, "2", "hello", "en"), id(other, "1", "hello", "en")]
        {
            assert_ne!(en, another);
            assert_eq!(en.ulid().timestamp_ms(), another.ulid().timestamp_ms());
        }
        assert_ne!(en.ulid().timestamp_ms(), id(tenant, "1", "hello_", "en").ulid().timestamp_ms());
    }
}
