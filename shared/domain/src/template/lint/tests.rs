//! Every kind of fault with the smallest template that has it, and templates without any.

use super::*;
use crate::template::sample::template;
use crate::template::{Header, Template, contract};
use proptest::prelude::*;
use serde_json::{Value, json};

fn words(json: &Value) -> Words {
    serde_json::from_value(json.clone()).unwrap()
}

fn good() -> Value {
    json!({
        "header": {"format": "text", "text": "Your viewing"},
        "body": "Hello {{client}}, we will see you at {{time}} as agreed.",
        "footer": "Reply STOP to unsubscribe",
        "buttons": [{"type": "quick_reply", "text": "Yes"},
            {"type": "url", "text": "Map", "url": "https://maps.example.com/{{1}}",
             "example": "https://maps.example.com/7"},
            {"type": "phone_number", "text": "Call us", "phone_number": "+97143334444"}],
        "examples": {"client": "Omar", "time": "11:00"},
    })
}

fn with(more: &Value) -> Words {
    let mut all = good();
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    words(&all)
}

fn faults(words: &Words) -> Vec<(String, String)> {
    let found = lint("viewing", "en", Category::Utility, words);
    let code = |fault| serde_json::to_value(fault).unwrap().as_str().unwrap().to_owned();
    found.into_iter().map(|one| (one.field, code(one.code))).collect()
}

#[test]
fn a_good_template_has_no_faults() {
    assert_eq!(faults(&with(&json!({}))), []);
    for more in [
        json!({"header": null, "footer": null, "buttons": null}),
        json!({"header": {"format": "text", "text": "Hi {{client}}"}}),
        json!({"header": {"format": "image", "header_handle": "4::aW1h"}}),
        json!({"header": {"format": "location"}}),
        json!({"header": {"format": "text", "text": "Hi {{1}}", "example": "Omar"},
            "body": "Come at {{1}} to {{2}} on the day we agreed on.", "examples": {"1": "11:00", "2": "Marina"}}),
        json!({"body": "No variables at all.", "examples": {}}),
        json!({"buttons": [{"type": "copy_code", "example": "SAVE10"}, {"type": "request_contact_info"}]}),
    ] {
        assert_eq!(faults(&with(&more)), [], "{more}");
    }
}

#[rstest::rstest]
#[case::empty_body(json!({"body": " ", "examples": {}}), "body", "empty")]
#[case::long_body(json!({"body": "x".repeat(1025), "examples": {}}), "body", "too_long")]
#[case::long_when_filled(
    json!({"body": format!("Hello {{{{client}}}} {} end of it, thanks.", "x ".repeat(480)),
        "examples": {"client": "y".repeat(60)}}),
    "body", "too_long")]
#[case::tab(json!({"body": "Hello\tyou", "examples": {}}), "body", "spacing")]
#[case::breaks(json!({"body": "Hello\n\n\nyou", "examples": {}}), "body", "spacing")]
#[case::spaces(json!({"body": "Hello     you", "examples": {}}), "body", "spacing")]
#[case::malformed(json!({"body": "Hello {{Client}} dear friend", "examples": {}}), "body", "variable_malformed")]
#[case::open(json!({"body": "Hello {{client dear", "examples": {}}), "body", "variable_malformed")]
#[case::mixed(
    json!({"body": "Hello {{client}} dear friend at {{1}} as we agreed", "examples": {"client": "O", "1": "x"}}),
    "body", "variables_mixed")]
#[case::mixed_with_header(json!({"header": {"format": "text", "text": "Hi {{1}}"}}), "body", "variables_mixed")]
#[case::gap(
    json!({"body": "Hello {{1}} dear friend at {{3}} as we agreed", "examples": {"1": "O", "3": "x"}}),
    "body", "variables_not_counted")]
#[case::leading(json!({"body": "{{client}} is invited to see the flat", "examples": {"client": "O"}}),
    "body", "variable_leading")]
#[case::trailing(json!({"body": "You are invited to see it at {{time}}", "examples": {"time": "11"}}),
    "body", "variable_trailing")]
#[case::adjacent(json!({"body": "Hello our dear {{client}} {{time}} as we agreed before",
    "examples": {"client": "O", "time": "1"}}), "body", "variables_adjacent")]
#[case::ratio(json!({"body": "Hello {{client}} there", "examples": {"client": "O"}}), "body", "too_many_variables")]
#[case::no_example(json!({"examples": {"client": "Omar"}}), "examples.time", "example_missing")]
#[case::empty_example(json!({"examples": {"client": "Omar", "time": " "}}), "examples.time", "example_invalid")]
#[case::variable_example(json!({"examples": {"client": "Omar", "time": "{{1}}"}}), "examples.time", "example_invalid")]
#[case::unknown_example(json!({"examples": {"client": "O", "time": "1", "place": "x"}}), "examples.place",
    "example_unknown")]
#[case::long_header(json!({"header": {"format": "text", "text": "x".repeat(61)}}), "header.text", "too_long")]
#[case::empty_header(json!({"header": {"format": "text", "text": ""}}), "header.text", "empty")]
#[case::emoji_header(json!({"header": {"format": "text", "text": "Hi 🏠"}}), "header.text", "not_plain")]
#[case::bold_header(json!({"header": {"format": "text", "text": "*Hi*"}}), "header.text", "not_plain")]
#[case::two_in_header(json!({"header": {"format": "text", "text": "{{client}} and {{time}}"}}), "header.text",
    "variable_not_allowed")]
#[case::header_number(json!({"header": {"format": "text", "text": "Hi {{2}}", "example": "x"},
    "body": "Hello", "examples": {}}), "header.text", "variables_not_counted")]
#[case::header_without_example(json!({"header": {"format": "text", "text": "Hi {{1}}"}, "body": "Hello",
    "examples": {}}), "header.example", "example_missing")]
#[case::header_with_needless_example(json!({"header": {"format": "text", "text": "Hi", "example": "x"}}),
    "header.example", "example_unknown")]
#[case::header_name_without_example(json!({"header": {"format": "text", "text": "Hi {{agent}}"}}), "examples.agent",
    "example_missing")]
#[case::no_handle(json!({"header": {"format": "video"}}), "header.header_handle", "example_missing")]
#[case::bad_handle(json!({"header": {"format": "image", "header_handle": "a b"}}), "header.header_handle",
    "example_invalid")]
#[case::long_footer(json!({"footer": "x".repeat(61)}), "footer", "too_long")]
#[case::footer_variable(json!({"footer": "Bye {{client}}"}), "footer", "variable_not_allowed")]
#[case::footer_break(json!({"footer": "Bye\nnow"}), "footer", "not_plain")]
#[case::eleven_buttons(json!({"buttons": (0..11).map(|n| json!({"type": "quick_reply", "text": format!("No {n}")}))
    .collect::<Vec<_>>()}), "buttons", "too_many_buttons")]
#[case::three_links(json!({"buttons": (0..3).map(|n| json!({"type": "url", "text": format!("No {n}"),
    "url": "https://x.ae"})).collect::<Vec<_>>()}), "buttons", "too_many_buttons")]
#[case::scattered(json!({"buttons": [{"type": "quick_reply", "text": "A"},
    {"type": "url", "text": "B", "url": "https://x.ae"}, {"type": "quick_reply", "text": "C"}]}), "buttons",
    "buttons_not_grouped")]
#[case::repeated(json!({"buttons": [{"type": "quick_reply", "text": "A"}, {"type": "quick_reply", "text": "A"}]}),
    "buttons[1].text", "button_repeated")]
#[case::long_button(json!({"buttons": [{"type": "quick_reply", "text": "x".repeat(26)}]}), "buttons[0].text",
    "too_long")]
#[case::button_variable(json!({"buttons": [{"type": "quick_reply", "text": "Hi {{1}}"}]}), "buttons[0].text",
    "variable_not_allowed")]
#[case::button_emoji(json!({"buttons": [{"type": "quick_reply", "text": "Yes 👍"}]}), "buttons[0].text", "not_plain")]
#[case::no_link(json!({"buttons": [{"type": "url", "text": "A", "url": "x.ae"}]}), "buttons[0].url", "url_invalid")]
#[case::link_with_user(json!({"buttons": [{"type": "url", "text": "A", "url": "https://x@y.ae"}]}), "buttons[0].url",
    "url_invalid")]
#[case::link_to_whatsapp(json!({"buttons": [{"type": "url", "text": "A", "url": "https://wa.me/97150"}]}),
    "buttons[0].url", "url_invalid")]
#[case::link_in_the_middle(json!({"buttons": [{"type": "url", "text": "A", "url": "https://x.ae/{{1}}/b"}]}),
    "buttons[0].url", "variable_not_allowed")]
#[case::long_link(json!({"buttons": [{"type": "url", "text": "A", "url": format!("https://x.ae/{}", "y".repeat(2000))}]}),
    "buttons[0].url", "too_long")]
#[case::link_without_example(json!({"buttons": [{"type": "url", "text": "A", "url": "https://x.ae/{{1}}"}]}),
    "buttons[0].example", "example_missing")]
#[case::link_with_another_example(json!({"buttons": [{"type": "url", "text": "A", "url": "https://x.ae/{{1}}",
    "example": "https://y.ae/1"}]}), "buttons[0].example", "example_invalid")]
#[case::phone(json!({"buttons": [{"type": "phone_number", "text": "A", "phone_number": "04 333 4444"}]}),
    "buttons[0].phone_number", "phone_invalid")]
#[case::code(json!({"buttons": [{"type": "copy_code", "example": "x".repeat(16)}]}), "buttons[0].example",
    "example_invalid")]
fn a_fault_is_found_in_its_field(#[case] more: Value, #[case] field: &str, #[case] code: &str) {
    let found = faults(&with(&more));
    assert!(found.contains(&(field.to_owned(), code.to_owned())), "{more}: {found:?}");
}

#[rstest::rstest]
#[case("", false)]
#[case("Viewing", false)]
#[case("a-b", false)]
#[case("عرض", false)]
#[case("viewing_2", true)]
fn a_name_has_small_letters_digits_and_underscores(#[case] name: &str, #[case] right: bool) {
    assert_eq!(lint_name(name).is_empty(), right, "{name}");
    assert!(lint_name(&"a".repeat(512)).is_empty() && !lint_name(&"a".repeat(513)).is_empty());
}

#[test]
fn a_language_is_one_that_templates_have() {
    for (code, right) in
        [("ar", true), ("en", true), ("en_US", true), ("ar_AE", true), ("en-US", false), ("xx", false)]
    {
        assert_eq!(lint_language(code).is_empty(), right, "{code}");
    }
    let otp = lint("code", "en", Category::Authentication, &with(&json!({})));
    assert_eq!(otp[0].code, Fault::CategoryUnsupported);
}

#[test]
fn the_languages_of_a_name_need_the_same_to_be_sent() {
    let arabic = Template {
        language: "ar".into(), ..template("مرحبا {{name}}، الموعد {{time}} اليوم")
    };
    let english = template("Hi {{name}}, come at {{time}} today");
    assert_eq!(parity(&english, &[&arabic]), []);
    assert_eq!(parity(&english, &[]), []);
    let fields = |changed: Template| {
        parity(&english, &[&arabic, &changed]).into_iter().map(|found| found.code).collect::<Vec<_>>()
    };
    assert_eq!(fields(template("Hi {{name}} and {{hour}}")), [Fault::ParityVariables]);
    assert_eq!(fields(Template { header: Some(Header::Image), ..english.clone() }), [Fault::ParityHeader]);
    let buttons = vec![super::super::Button::CopyCode];
    assert_eq!(fields(Template { buttons, ..english.clone() }), [Fault::ParityButtons]);
    assert_eq!(
        fields(Template { category: Category::Marketing, ..english.clone() }),
        [Fault::ParityCategory]
    );
}

proptest! {
    #[test]
    fn no_words_make_it_panic(
        body in "(\\{|\\}|[a-z1é ]|\\PC){0,60}",
        line in "(\\{|\\}|[a1 *_]|\\PC){0,30}",
        link in "(https://|\\{|\\}|1|/|\\.|[a-z]){0,12}",
        example in "\\PC{0,20}",
    ) {
        let words = words(&json!({"body": body, "header": {"format": "text", "text": line}, "footer": line,
            "buttons": [{"type": "url", "text": line, "url": link, "example": example},
                {"type": "phone_number", "text": body, "phone_number": example}],
            "examples": {"1": example}}));
        let _ = lint(&line, &body, Category::Marketing, &words);
    }

    #[test]
    fn what_has_no_faults_can_be_filled_with_its_examples(
        parts in prop::collection::vec(("[a-z]{1,8}( [a-z]{1,8}){2,4}", "[a-z][a-z_]{0,6}", "[ -z]{1,12}"), 1..6),
    ) {
        let body: String = parts.iter().map(|(words, name, _)| format!("{words} {{{{{name}}}}} ")).collect();
        let examples: serde_json::Map<_, _> =
            parts.iter().map(|(_, name, example)| (name.clone(), json!(example))).collect();
        let words = words(&json!({"body": format!("{body}and so on."), "examples": examples}));
        prop_assume!(lint("a", "en", Category::Utility, &words).is_empty());
        let mut row = template("x");
        words.put_into(&mut row);
        let used = serde_json::from_value(json!({"name": "a", "variables": words.examples})).unwrap();
        let filled = contract::fill(&row, &used);
        prop_assert!(filled.is_ok(), "{filled:?}");
    }
}
