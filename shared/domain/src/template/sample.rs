//! Templates for tests.

use super::{Button, Category, Header, ParameterFormat, Template, TemplateState};
use crate::ids::{TemplateId, derived_ulid};
use crate::provider::Provider;
use crate::time::Millis;

/// An approved utility template with this body; named when a variable of it is.
pub(crate) fn template(body: &str) -> Template {
    let named = super::contract::variables(body).iter().any(|name| name.parse::<u32>().is_err());
    Template {
        id: TemplateId::from_ulid(derived_ulid(0, &["sample"])),
        provider: Provider::Meta,
        account: "215589313241560883".to_owned(),
        provider_template_id: None,
        name: "viewing_confirmation".to_owned(),
        language: "en".to_owned(),
        category: Category::Utility,
        state: TemplateState::Approved,
        parameter_format: if named { ParameterFormat::Named } else { ParameterFormat::Positional },
        header: None,
        body: body.to_owned(),
        footer: None,
        buttons: Vec::new(),
        quality: None,
        rejected_reason: None,
        drifted_from: None,
        updated_at: Millis::from_unix_ms(1_700_000_000_000),
    }
}

/// The same with a line on top.
pub(crate) fn with_header(body: &str, header: Header) -> Template {
    Template { header: Some(header), ..template(body) }
}

/// The same with buttons.
pub(crate) fn with_buttons(body: &str, buttons: Vec<Button>) -> Template {
    Template { buttons, ..template(body) }
}
