//! Who works on a lead: the one they know already, else the next in turn of the first rule that fits.

use super::settings::wrong;
use crate::language::Language;
use crate::lead::{FieldError, LeadSource, assignee};
use serde::{Deserialize, Serialize};

/// The most rules.
const MOST_RULES: usize = 50;
/// The most agents of a rule.
const MOST_AGENTS: usize = 200;
/// The most areas or sources of a rule.
const MOST_NAMES: usize = 100;

/// Who gets new leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Whether a person who comes again keeps who worked on their last lead.
    #[serde(default = "yes")]
    pub sticky: bool,
    /// Looked through in order; the first that fits decides.
    #[serde(default)]
    pub rules: Vec<AssignmentRule>,
    /// In turn for leads that no rule fits; nobody when empty.
    #[serde(default)]
    pub agents: Vec<String>,
}

/// Leads of a kind, and who gets them in turn. A condition that is empty holds for every lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AssignmentRule {
    /// Leads that look in one of these, in any case of letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<String>,
    /// Leads that speak one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
    /// Leads from one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Who gets them.
    pub agents: Vec<String>,
}

const fn yes() -> bool {
    true
}

impl Assignment {
    /// Holds the rules to their bounds and gives names their one spelling.
    ///
    /// # Errors
    /// The first field that cannot be what it is.
    pub fn checked(mut self) -> Result<Self, FieldError> {
        if self.rules.len() > MOST_RULES {
            return Err(wrong("assignment.rules", format!("Expected at most {MOST_RULES} rules.")));
        }
        if self.rules.is_empty() && self.agents.is_empty() {
            return Err(wrong("assignment.agents", "Name who gets leads, or send `null` to assign nobody."));
        }
        agents("assignment.agents", &mut self.agents)?;
        for (n, rule) in self.rules.iter_mut().enumerate() {
            let field = |name: &str| format!("assignment.rules[{n}].{name}");
            if rule.agents.is_empty() {
                return Err(wrong(&field("agents"), "Name at least one agent."));
            }
            agents(&field("agents"), &mut rule.agents)?;
            if rule.areas.is_empty() && rule.languages.is_empty() && rule.sources.is_empty() {
                let message = "A rule says for which `areas`, `languages` or `sources` it is; everybody else's leads \
                               go to `assignment.agents`.";
                return Err(wrong(&format!("assignment.rules[{n}]"), message));
            }
            for (name, list) in [("areas", &mut rule.areas), ("sources", &mut rule.sources)] {
                if list.len() > MOST_NAMES {
                    return Err(wrong(&field(name), format!("Expected at most {MOST_NAMES}.")));
                }
            }
            for area in &mut rule.areas {
                *area = crate::lead::area(area).map_err(|error| wrong(&field("areas"), error.message))?;
            }
            for source in &mut rule.sources {
                let parsed = LeadSource::parse(source);
                let parsed =
                    parsed.ok_or_else(|| wrong(&field("sources"), "Expected 1 to 64 characters."))?;
                parsed.as_str().clone_into(source);
            }
        }
        Ok(self)
    }
}

fn agents(field: &str, names: &mut [String]) -> Result<(), FieldError> {
    if names.len() > MOST_AGENTS {
        return Err(wrong(field, format!("Expected at most {MOST_AGENTS} agents.")));
    }
    for name in names {
        *name = assignee(name).map_err(|error| wrong(field, error.message))?;
    }
    Ok(())
}

/// What decides who works on a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerFacts<'a> {
    /// Who works on it already.
    pub current: Option<&'a str>,
    /// Who worked on the person's last lead, or works on their conversation.
    pub previous: Option<&'a str>,
    /// Where they look.
    pub area: Option<&'a str>,
    /// What they speak.
    pub language: Language,
    /// Where they came from.
    pub source: &'a str,
}

/// Who works on a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// Nothing changes.
    Stays,
    /// The one they know already.
    Known(&'a str),
    /// Whose turn it is among these: at least one.
    Next(&'a [String]),
}

/// Decides who works on a lead.
#[must_use]
pub fn owner<'a>(assignment: &'a Assignment, facts: OwnerFacts<'a>) -> Owner<'a> {
    if facts.current.is_some_and(|name| !name.is_empty()) {
        return Owner::Stays;
    }
    if let Some(previous) = facts.previous.filter(|name| assignment.sticky && !name.is_empty()) {
        return Owner::Known(previous);
    }
    let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let fits = |rule: &&AssignmentRule| {
        (rule.areas.is_empty()
            || facts.area.is_some_and(|area| rule.areas.iter().any(|wanted| same(wanted, area))))
            && (rule.languages.is_empty() || rule.languages.contains(&facts.language))
            && (rule.sources.is_empty() || rule.sources.iter().any(|wanted| wanted == facts.source))
    };
    let pool = assignment.rules.iter().find(fits).map_or(&assignment.agents, |rule| &rule.agents);
    if pool.is_empty() { Owner::Stays } else { Owner::Next(pool) }
}

/// Whose turn the `n`-th is.
#[must_use]
pub fn in_turn(pool: &[String], n: u64) -> Option<&str> {
    let count = u64::try_from(pool.len()).ok().filter(|count| *count > 0)?;
    let at = usize::try_from(n % count).ok()?;
    pool.get(at).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    fn rule(areas: &[&str], languages: &[Language], sources: &[&str], who: &str) -> AssignmentRule {
        AssignmentRule {
            areas: names(areas),
            languages: languages.to_vec(),
            sources: names(sources),
            agents: names(&[who]),
        }
    }

    fn assignment() -> Assignment {
        Assignment {
            sticky: true,
            rules: vec![
                rule(&["Dubai Marina"], &[Language::Ar], &[], "layla"),
                rule(&["Dubai Marina", "JBR"], &[], &[], "omar"),
                rule(&[], &[], &["bayut"], "sara"),
            ],
            agents: names(&["ali", "mona"]),
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides_unless_somebody_knows_the_person() {
        let assignment = assignment();
        let facts = OwnerFacts {
            current: None,
            previous: None,
            area: Some("dubai marina"),
            language: Language::Ar,
            source: "bayut",
        };
        let pool = |facts| match owner(&assignment, facts) {
            Owner::Stays => "stays".to_owned(),
            Owner::Known(name) => format!("known {name}"),
            Owner::Next(pool) => pool.join(","),
        };
        for (facts, expected) in [
            (facts, "layla"),
            (OwnerFacts { language: Language::En, ..facts }, "omar"),
            (OwnerFacts { area: Some("Deira"), ..facts }, "sara"),
            (OwnerFacts { area: None, source: "website", ..facts }, "ali,mona"),
            (OwnerFacts { previous: Some("ziad"), ..facts }, "known ziad"),
            (OwnerFacts { previous: Some(""), ..facts }, "layla"),
            (OwnerFacts { previous: Some("ziad"), current: Some("omar"), ..facts }, "stays"),
        ] {
            assert_eq!(pool(facts), expected, "{facts:?}");
        }
        let loose = Assignment { sticky: false, ..assignment.clone() };
        let known = OwnerFacts { previous: Some("ziad"), ..facts };
        assert!(matches!(owner(&loose, known), Owner::Next(_)));
        let rules_only = Assignment { agents: Vec::new(), ..assignment.clone() };
        let elsewhere = OwnerFacts { area: None, source: "website", ..facts };
        assert_eq!(owner(&rules_only, elsewhere), Owner::Stays);
    }

    #[test]
    fn turns_go_round() {
        let pool = names(&["a", "b", "c"]);
        let turns: Vec<_> = (0..7).filter_map(|n| in_turn(&pool, n)).collect();
        assert_eq!(turns, ["a", "b", "c", "a", "b", "c", "a"]);
        assert_eq!(in_turn(&[], 3), None);
    }

    #[test]
    fn rules_that_cannot_be_are_named() {
        let bad = |change: fn(&mut Assignment)| {
            let mut assignment = assignment();
            change(&mut assignment);
            assignment.checked().unwrap_err().field
        };
        assert_eq!(bad(|one| one.agents.push(String::new())), "assignment.agents");
        assert_eq!(bad(|one| one.rules[1].agents.clear()), "assignment.rules[1].agents");
        assert_eq!(bad(|one| one.rules[2].sources.clear()), "assignment.rules[2]");
        assert_eq!(bad(|one| one.rules[0].areas = vec!["x".repeat(200)]), "assignment.rules[0].areas");
        assert_eq!(
            bad(|one| {
                one.rules.clear();
                one.agents.clear();
            }),
            "assignment.agents"
        );
        let mut spelled = assignment();
        spelled.rules[2].sources = names(&["Bayut.com"]);
        assert_eq!(spelled.checked().unwrap().rules[2].sources, ["bayut"]);
    }
}
