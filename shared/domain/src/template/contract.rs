//! The contract between a template and a send: what a template needs is checked before anybody is called (A55, F6).

mod buttons;
mod header;
mod text;
mod values;

#[cfg(test)]
mod tests;

pub(in crate::template) use text::refusal;
pub use text::variables;
pub use values::required;

use super::{Category, Filled, FilledHeader, Header, Parameter, ParameterFormat, Template};
use crate::outgoing::TemplateUse;
use values::Values;

/// The longest body after filling, in characters (Meta).
const LONGEST_BODY: usize = 1_024;

/// What was given does not fit the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {message}")]
pub struct Mismatch {
    /// The variable's name or number, `header`, `body`, or `buttons[n]`.
    pub parameter: String,
    /// The path of what is wrong in the send body, such as `template.variables.viewing_time`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Fills a template. What comes out is complete: no variable, file or button is left that the provider would miss.
///
/// # Errors
/// The first part that does not fit.
pub fn fill(template: &Template, used: &TemplateUse) -> Result<Filled, Mismatch> {
    let values = Values::of(template, &used.variables)?;
    let header = header::fill(template, used.header.as_ref(), &values)?;
    let body = body(template, &values);
    let words = text::filled(&template.body, |name| values.get(name));
    let long = words.chars().count();
    if long > LONGEST_BODY {
        return Err(Mismatch {
            parameter: "body".to_owned(),
            field: "template.variables".to_owned(),
            message: format!("The filled body has {long} characters; WhatsApp takes at most {LONGEST_BODY}."),
        });
    }
    let code = match template.category {
        Category::Authentication => body.first().map(|parameter| parameter.text.as_str()),
        Category::Marketing | Category::Utility => None,
    };
    let buttons = buttons::fill(template, &used.buttons, code)?;
    let top = match (&template.header, &header) {
        (Some(Header::Text { text }), Some(FilledHeader::Text(parameter))) => {
            Some(text::filled(text, |_| Some(&parameter.text)))
        }
        (Some(Header::Text { text }), _) => Some(text.clone()),
        (Some(Header::Image | Header::Video | Header::Document | Header::Location) | None, _) => None,
    };
    let lines = [top.as_deref(), Some(words.as_str()), template.footer.as_deref()];
    let rendered = lines.into_iter().flatten().collect::<Vec<_>>().join("\n");
    Ok(Filled {
        name: template.name.clone(),
        language: template.language.clone(),
        header,
        body,
        buttons,
        rendered,
    })
}

/// The body's parameters, in the order in which the provider counts them.
fn body(template: &Template, values: &Values<'_>) -> Vec<Parameter> {
    let own = variables(&template.body);
    let names = required(template).into_iter().filter(|name| own.contains(name));
    let parameters = names.filter_map(|name| {
        let text = values.get(&name)?.to_owned();
        let name = match template.parameter_format {
            ParameterFormat::Named => Some(name),
            ParameterFormat::Positional => None,
        };
        Some(Parameter { name, text })
    });
    parameters.collect()
}
