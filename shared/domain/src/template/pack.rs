//! Starter packs: templates for a trade, written in advance. A pack is a file in `packs/`.

use super::Category;
use super::draft::Words;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The files. A pack for another trade is another line here.
const FILES: [&str; 1] = [include_str!("packs/real_estate.json")];

/// Templates for a trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TemplatePack))]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The name in paths: `real_estate`.
    pub pack: String,
    /// The name for people.
    pub title: String,
    /// The templates.
    pub templates: Vec<PackTemplate>,
}

/// A template of a pack, in several languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PackTemplate {
    /// The name to register.
    pub name: String,
    /// What it is for.
    pub category: Category,
    /// When it is sent, for a person who chooses.
    pub about: String,
    /// The words by language code.
    pub languages: BTreeMap<String, Words>,
}

/// Every pack.
#[must_use]
pub fn packs() -> &'static [Pack] {
    // A file that cannot be read fails the test below.
    static PACKS: LazyLock<Vec<Pack>> =
        LazyLock::new(|| FILES.iter().filter_map(|file| serde_json::from_str(file).ok()).collect());
    &PACKS
}

/// The pack of this name.
#[must_use]
pub fn pack(name: &str) -> Option<&'static Pack> {
    packs().iter().find(|pack| pack.pack == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::lint::{lint, parity};
    use crate::template::sample::template;
    use crate::template::{Template, contract};

    #[test]
    fn every_pack_is_read_and_every_template_of_it_may_be_submitted_as_it_is() {
        for file in FILES {
            serde_json::from_str::<Pack>(file).unwrap();
        }
        assert_eq!(packs().len(), FILES.len());
        for one in packs().iter().flat_map(|pack| &pack.templates) {
            for (language, words) in &one.languages {
                assert_eq!(lint(&one.name, language, one.category, words), [], "{} {language}", one.name);
            }
        }
    }

    #[test]
    fn the_languages_of_a_pack_template_agree_and_there_is_arabic_and_english_of_each() {
        for one in packs().iter().flat_map(|pack| &pack.templates) {
            let row = |language: &String, words: &Words| {
                let mut row =
                    Template { language: language.clone(), category: one.category, ..template("x") };
                words.put_into(&mut row);
                row
            };
            let rows: Vec<_> = one.languages.iter().map(|(language, words)| row(language, words)).collect();
            let codes: Vec<_> = one.languages.keys().map(String::as_str).collect();
            assert_eq!(codes, ["ar", "en"], "{}", one.name);
            for row in &rows {
                assert_eq!(parity(row, &rows.iter().collect::<Vec<_>>()), [], "{}", one.name);
            }
        }
    }

    #[test]
    fn every_pack_template_can_be_filled_with_its_examples() {
        for one in packs().iter().flat_map(|pack| &pack.templates) {
            for words in one.languages.values() {
                let mut row = template("x");
                words.put_into(&mut row);
                let variables = serde_json::json!({"name": one.name, "variables": words.examples,
                    "buttons": words.buttons.iter().enumerate().filter(|(_, button)| {
                        serde_json::to_value(button).unwrap().get("example").is_some()
                    }).map(|(index, _)| serde_json::json!({"index": index, "value": "x"})).collect::<Vec<_>>()});
                let used = serde_json::from_value(variables).unwrap();
                let filled = contract::fill(&row, &used).unwrap();
                assert!(!filled.rendered.contains("{{"), "{}", filled.rendered);
            }
        }
    }

    #[test]
    fn the_starter_pack_has_its_five_templates() {
        let names: Vec<_> =
            pack("real_estate").unwrap().templates.iter().map(|one| one.name.as_str()).collect();
        let expected = [
            "viewing_confirmation",
            "area_summary",
            "post_viewing_follow_up",
            "agent_introduction",
            "listing_share",
        ];
        assert_eq!(names, expected);
        assert_eq!(pack("law"), None);
    }
}
