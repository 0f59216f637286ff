//! The words and variables of one part of a template.

use std::collections::BTreeMap;

/// The most line breaks in a row.
const MOST_BREAKS: &str = "\n\n\n";
/// More spaces in a row than are taken.
const MANY_SPACES: &str = "     ";

/// What stands in a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// The variables, each once, in the order in which they first appear.
    pub(super) names: Vec<String>,
    /// How many variables there are, repetitions included.
    pub(super) occurrences: usize,
    /// Double braces that are no variable, as they stand, shortened.
    pub(super) malformed: Vec<String>,
    /// How many words there are beside the variables.
    pub(super) words: usize,
    /// Whether a variable stands before the first word.
    pub(super) leading: bool,
    /// Whether a variable stands after the last word.
    pub(super) trailing: bool,
    /// Whether two variables have nothing but blanks between them.
    pub(super) adjacent: bool,
}

impl Scan {
    pub(super) fn of(text: &str) -> Self {
        let mut scan = Self::default();
        let mut beside = String::new();
        let mut rest = text;
        // Whether a variable was the last thing that is not blank; at the beginning nothing was.
        let mut after: Option<bool> = None;
        while let Some((before, inside)) = rest.split_once("{{") {
            scan.plain(before, &mut beside, &mut after);
            let Some((name, next)) = inside.split_once("}}") else {
                scan.malformed.push(shortened("{{", inside));
                scan.plain(inside, &mut beside, &mut after);
                rest = "";
                break;
            };
            // `{{{1}}}` leaves a brace on each side.
            if is_name(name) {
                scan.occurrences += 1;
                if !scan.names.iter().any(|known| known == name) {
                    scan.names.push(name.to_owned());
                }
            } else {
                scan.malformed.push(shortened("{{", &format!("{name}}}}}")));
            }
            scan.leading |= after.is_none();
            scan.adjacent |= after == Some(true);
            after = Some(true);
            beside.push(' ');
            rest = next;
        }
        scan.plain(rest, &mut beside, &mut after);
        scan.trailing = after == Some(true);
        scan.words = beside.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
        scan
    }

    /// Words between variables.
    fn plain(&mut self, text: &str, beside: &mut String, after: &mut Option<bool>) {
        if text.contains("}}") {
            self.malformed.push("}}".to_owned());
        }
        beside.push_str(text);
        if text.chars().any(|c| !c.is_whitespace() && !is_invisible(c)) {
            *after = Some(false);
        }
    }
}

/// A number, or a name of small letters, digits and `_` that begins with a letter.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    match bytes.next() {
        Some(b'1'..=b'9') => text.len() <= 3 && bytes.all(|byte| byte.is_ascii_digit()),
        Some(b'a'..=b'z') => {
            bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        }
        _ => false,
    }
}

/// Whether the numbers among the names are 1 to n.
pub(super) fn counts(names: &[String]) -> bool {
    let mut numbers: Vec<usize> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.iter().copied().eq(1..=numbers.len())
}

/// Whether a body has tabs, or more blanks in a row than are taken.
pub(super) fn is_badly_spaced(text: &str) -> bool {
    let text = text.replace("\r\n", "\n");
    text.contains(['\t', '\r', '\u{b}', '\u{c}']) || text.contains(MOST_BREAKS) || text.contains(MANY_SPACES)
}

/// Whether a line has no breaks, no emojis and no formatting; the braces of variables do not count.
pub(super) fn is_plain(line: &str) -> bool {
    let mut rest = line;
    let mut outside = String::new();
    while let Some((before, inside)) = rest.split_once("{{") {
        outside.push_str(before);
        rest = inside.split_once("}}").map_or("", |(_, next)| next);
    }
    outside.push_str(rest);
    !outside.chars().any(|c| {
        c.is_control() || matches!(c, '*' | '_' | '~' | '`' | '\u{2028}' | '\u{2029}') || is_emoji(c)
    })
}

/// The blocks that hold emojis, with what joins and colours them.
pub(super) const fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{FE0F}' | '\u{20E3}')
}

/// Marks of direction and joiners, which show nothing.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// How long a text is with its examples, in characters.
pub(super) fn filled_length(text: &str, examples: &BTreeMap<String, String>) -> usize {
    let mut long = 0;
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("{{") {
        let Some((name, next)) = inside.split_once("}}") else { break };
        long += before.chars().count();
        long += examples.get(name).map_or(name.chars().count() + 4, |example| example.chars().count());
        rest = next;
    }
    long + rest.chars().count()
}

fn shortened(open: &str, text: &str) -> String {
    open.chars().chain(text.chars().take(40)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::none("Hello there", &[], 2)]
    #[case::two("Hi {{name}}, at {{time}} then", &["name", "time"], 3)]
    #[case::twice("Hi {{a}} and {{a}} too", &["a"], 3)]
    #[case::arabic("مرحبا {{name}}، الموعد {{time}} اليوم", &["name", "time"], 3)]
    #[case::punctuation_is_no_word("Hi — {{a}} — you", &["a"], 2)]
    fn a_text_has_variables_and_words(#[case] text: &str, #[case] names: &[&str], #[case] words: usize) {
        let scan = Scan::of(text);
        assert_eq!((scan.names.as_slice(), scan.words), (names.map_owned().as_slice(), words), "{text}");
        assert!(scan.malformed.is_empty() && !scan.leading && !scan.trailing && !scan.adjacent, "{text}");
    }

    trait MapOwned {
        fn map_owned(&self) -> Vec<String>;
    }

    impl MapOwned for &[&str] {
        fn map_owned(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }

    #[rstest::rstest]
    #[case("{{a}} is here", true, false, false)]
    #[case("  \u{200f}{{a}} is here", true, false, false)]
    #[case("Here is {{a}} \n", false, true, false)]
    #[case("Here is {{a}}.", false, false, false)]
    #[case("Here {{a}} {{b}} is", false, false, true)]
    #[case("Here {{a}}{{b}} is", false, false, true)]
    #[case("Here {{a}}-{{b}} is", false, false, false)]
    #[case("{{a}}", true, true, false)]
    fn places_of_variables(
        #[case] text: &str,
        #[case] leading: bool,
        #[case] trailing: bool,
        #[case] adjacent: bool,
    ) {
        let scan = Scan::of(text);
        assert_eq!((scan.leading, scan.trailing, scan.adjacent), (leading, trailing, adjacent), "{text}");
    }

    #[rstest::rstest]
    #[case("a {{Name}} b")]
    #[case("a {{ name }} b")]
    #[case("a {{}} b")]
    #[case("a {{0}} b")]
    #[case("a {{01}} b")]
    #[case("a {{_x}} b")]
    #[case("a {{name b")]
    #[case("a name}} b")]
    #[case("a {{{1}}} b")]
    #[case("a {{first name}} b")]
    fn braces_that_are_no_variable(#[case] text: &str) {
        assert!(!Scan::of(text).malformed.is_empty(), "{text}");
    }
}
