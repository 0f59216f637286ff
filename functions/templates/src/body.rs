//! The bodies that write templates.

use crm::templates::{Change, NewLanguage, NewTemplate};
use domain::template::draft::{ButtonWords, HeaderWords, Words, given_examples};
use domain::template::{Category, Template};
use platform::http::Problem;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// How many languages one request may write: each of them is a call of the provider when it is submitted.
const MOST_LANGUAGES: usize = 5;

/// `POST /v1/whatsapp/templates`: one language, its words beside `language`, or several under `languages`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CreateTemplate))]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBody {
    name: String,
    category: Category,
    language: Option<String>,
    header: Option<HeaderWords>,
    body: Option<String>,
    footer: Option<String>,
    buttons: Option<Vec<ButtonWords>>,
    #[serde(default, deserialize_with = "given_examples")]
    examples: Option<BTreeMap<String, String>>,
    languages: Option<BTreeMap<String, Words>>,
    number_id: Option<String>,
    #[serde(default)]
    pub(crate) submit: bool,
}

impl CreateBody {
    pub(crate) fn read(self) -> Result<NewTemplate, Problem> {
        let beside = [
            ("language", self.language.is_some()),
            ("header", self.header.is_some()),
            ("body", self.body.is_some()),
            ("footer", self.footer.is_some()),
            ("buttons", self.buttons.is_some()),
            ("examples", self.examples.is_some()),
        ];
        let languages = match (self.languages, self.language, self.body) {
            (Some(languages), _, _) => {
                if let Some((field, _)) = beside.into_iter().find(|(_, given)| *given) {
                    let message =
                        "Give the words of one language beside `language`, or all under `languages`.";
                    return Err(Problem::invalid(field, message));
                }
                if languages.is_empty() || languages.len() > MOST_LANGUAGES {
                    let message = format!("Expected one to {MOST_LANGUAGES} languages.");
                    return Err(Problem::invalid("languages", message));
                }
                let several = languages.into_iter().map(|(code, words)| {
                    let path = format!("languages.{code}.");
                    NewLanguage { code, path, words }
                });
                several.collect()
            }
            (None, Some(code), Some(body)) => {
                let words = Words {
                    header: self.header,
                    body,
                    footer: self.footer,
                    buttons: self.buttons.unwrap_or_default(),
                    examples: self.examples.unwrap_or_default(),
                };
                vec![NewLanguage { code, path: String::new(), words }]
            }
            (None, None, _) => {
                return Err(Problem::invalid("language", "Say in which language, such as `en`."));
            }
            (None, Some(_), None) => return Err(Problem::invalid("body", "A template has a body.")),
        };
        Ok(NewTemplate { name: self.name, category: self.category, languages, number_id: self.number_id })
    }
}

/// `PATCH /v1/whatsapp/templates/{id}`: what is absent stays, `null` takes header or footer away.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UpdateTemplate))]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeBody {
    category: Option<Category>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<HeaderWords>))]
    header: Option<Option<HeaderWords>>,
    body: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    footer: Option<Option<String>>,
    buttons: Option<Vec<ButtonWords>>,
    #[serde(default, deserialize_with = "given_examples")]
    examples: Option<BTreeMap<String, String>>,
}

impl ChangeBody {
    pub(crate) fn read(self) -> Result<Change, Problem> {
        let nothing = self.category.is_none()
            && self.header.is_none()
            && self.body.is_none()
            && self.footer.is_none()
            && self.buttons.is_none()
            && self.examples.is_none();
        if nothing {
            let message = "Say what changes: category, header, body, footer, buttons, examples.";
            return Err(Problem::invalid("body", message));
        }
        Ok(Change {
            category: self.category,
            header: self.header,
            body: self.body,
            footer: self.footer,
            buttons: self.buttons,
            examples: self.examples,
        })
    }
}

/// `POST /v1/whatsapp/templates/{id}/clone`: another name, another language or both, with changes.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CloneTemplate))]
#[serde(deny_unknown_fields)]
pub(crate) struct CloneBody {
    name: String,
    language: Option<String>,
    category: Option<Category>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<HeaderWords>))]
    header: Option<Option<HeaderWords>>,
    body: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    footer: Option<Option<String>>,
    buttons: Option<Vec<ButtonWords>>,
    #[serde(default, deserialize_with = "given_examples")]
    examples: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) submit: bool,
}

impl CloneBody {
    /// The copy of a template that says `words`.
    pub(crate) fn copy(self, source: &Template, words: Words) -> NewTemplate {
        let change = Change {
            category: self.category,
            header: self.header,
            body: self.body,
            footer: self.footer,
            buttons: self.buttons,
            examples: self.examples,
        };
        let code = self.language.unwrap_or_else(|| source.language.clone());
        let words = change.of(words);
        NewTemplate {
            name: self.name,
            category: self.category.unwrap_or(source.category),
            languages: vec![NewLanguage { code, path: String::new(), words }],
            number_id: None,
        }
    }
}

/// Tells `null` from an absent field.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(json: &str) -> Result<NewTemplate, String> {
        let body: CreateBody = serde_json::from_str(json).map_err(|error| error.to_string())?;
        body.read().map_err(|problem| problem.field().unwrap_or_default().to_owned())
    }

    #[test]
    fn words_stand_beside_one_language_or_under_several() {
        let one = create(r#"{"name":"a","category":"utility","language":"en","body":"Hi"}"#).unwrap();
        assert_eq!((one.languages[0].code.as_str(), one.languages[0].path.as_str()), ("en", ""));
        let two =
            create(r#"{"name":"a","category":"utility","languages":{"en":{"body":"Hi"},"ar":{"body":"x"}}}"#)
                .unwrap();
        assert_eq!(two.languages.len(), 2);
        assert_eq!(two.languages[0].path, "languages.ar.");
        for (json, field) in [
            (r#"{"name":"a","category":"utility","body":"Hi"}"#, "language"),
            (r#"{"name":"a","category":"utility","language":"en"}"#, "body"),
            (r#"{"name":"a","category":"utility","languages":{}}"#, "languages"),
            (r#"{"name":"a","category":"utility","footer":"x","languages":{"en":{"body":"Hi"}}}"#, "footer"),
        ] {
            assert_eq!(create(json).unwrap_err(), field, "{json}");
        }
    }

    #[test]
    fn a_change_tells_null_from_absent() {
        let change: ChangeBody = serde_json::from_str(r#"{"footer":null}"#).unwrap();
        let change = change.read().unwrap();
        assert_eq!((change.header, change.footer), (None, Some(None)));
        let nothing: ChangeBody = serde_json::from_str("{}").unwrap();
        assert_eq!(nothing.read().unwrap_err().field(), Some("body"));
    }
}
