use super::*;
use crate::message::MediaKind;
use crate::outgoing::{ButtonValue, HeaderValue, MediaSource, Variables};
use crate::template::sample::{template, with_buttons, with_header};
use crate::template::{Button, ButtonParameter, FilledButton};
use proptest::prelude::*;
use serde_json::{Value, json};

const NAMED: &str = "Hi {{agent_name}}, the viewing is at {{viewing_time}}. See you, {{agent_name}}.";

/// What a send body's `template` says, but for the name.
fn used(given: Value) -> TemplateUse {
    let mut given = given;
    given["name"] = json!("viewing_confirmation");
    serde_json::from_value(given).unwrap()
}

fn text_header(text: &str) -> Header {
    Header::Text { text: text.to_owned() }
}

fn url(url: &str) -> Button {
    Button::Url { text: "Open".to_owned(), url: url.to_owned() }
}

fn reply() -> Button {
    Button::QuickReply { text: "Yes".to_owned() }
}

#[rstest::rstest]
#[case::named(template(NAMED), json!({"variables": {"agent_name": "Sara", "viewing_time": "5 pm"}}),
    "Hi Sara, the viewing is at 5 pm. See you, Sara.")]
#[case::a_list_for_named(template(NAMED), json!({"variables": ["Sara", "5 pm"]}),
    "Hi Sara, the viewing is at 5 pm. See you, Sara.")]
#[case::a_list(template("{{1}} at {{2}}"), json!({"variables": ["Sara", "5 pm"]}), "Sara at 5 pm")]
#[case::the_provider_counts(template("{{2}} at {{1}}"), json!({"variables": ["5 pm", "Sara"]}), "Sara at 5 pm")]
#[case::numbers_by_name(template("{{1}} at {{2}}"), json!({"variables": {"2": "5 pm", "1": "Sara"}}), "Sara at 5 pm")]
#[case::nothing_to_fill(template("Hello."), json!({}), "Hello.")]
#[case::a_value_like_a_variable(template("{{1}} {{2}}"), json!({"variables": ["{{2}}", "b"]}), "{{2}} b")]
#[case::named_header(with_header(NAMED, text_header("From {{agency}}")),
    json!({"variables": {"agency": "Marina", "agent_name": "Sara", "viewing_time": "5 pm"}}),
    "From Marina\nHi Sara, the viewing is at 5 pm. See you, Sara.")]
#[case::a_list_starts_with_the_header(with_header(NAMED, text_header("{{agency}}")),
    json!({"variables": ["Marina", "Sara", "5 pm"]}), "Marina\nHi Sara, the viewing is at 5 pm. See you, Sara.")]
#[case::numbered_header(with_header("{{1}}", text_header("From {{1}}")),
    json!({"variables": ["Sara"], "header": {"text": "Marina"}}), "From Marina\nSara")]
#[case::plain_header(with_header("Hi", text_header("Marina")), json!({}), "Marina\nHi")]
#[case::picture(with_header("Hi", Header::Image), json!({"header": {"image": {"id": "1"}}}), "Hi")]
fn what_the_customer_will_read(#[case] template: Template, #[case] given: Value, #[case] expected: &str) {
    assert_eq!(fill(&template, &used(given)).unwrap().rendered, expected);
}

#[rstest::rstest]
#[case::missing(template(NAMED), json!({"variables": {"agent_name": "Sara"}}),
    "viewing_time", "template.variables.viewing_time")]
#[case::nothing_given(template(NAMED), json!({}), "agent_name", "template.variables.agent_name")]
#[case::missing_in_a_list(template(NAMED), json!({"variables": ["Sara"]}), "viewing_time", "template.variables[1]")]
#[case::missing_number(template("{{1}} {{2}}"), json!({"variables": ["a"]}), "2", "template.variables[1]")]
#[case::none_of_the_numbers(template("{{1}} {{2}}"), json!({}), "1", "template.variables[0]")]
#[case::unknown(template(NAMED), json!({"variables": {"agent_name": "a", "viewing_time": "b", "agnet": "c"}}),
    "agnet", "template.variables.agnet")]
#[case::one_too_many(template("{{1}}"), json!({"variables": ["a", "b"]}), "2", "template.variables[1]")]
#[case::none_wanted(template("Hi"), json!({"variables": ["a"]}), "1", "template.variables[0]")]
#[case::names_for_numbers(template("{{1}}"), json!({"variables": {"agent_name": "a"}}), "1", "template.variables.1")]
#[case::empty(template("{{1}}"), json!({"variables": [" "]}), "1", "template.variables[0]")]
#[case::line_break(template(NAMED), json!({"variables": {"agent_name": "a\nb", "viewing_time": "5"}}),
    "agent_name", "template.variables.agent_name")]
#[case::tab(template("{{1}}"), json!({"variables": ["a\tb"]}), "1", "template.variables[0]")]
#[case::five_spaces(template("{{1}}"), json!({"variables": ["a     b"]}), "1", "template.variables[0]")]
#[case::too_long(template("{{1}}"), json!({"variables": ["a".repeat(1025)]}), "body", "template.variables")]
#[case::header_text_missing(with_header("Hi", text_header("{{1}}")), json!({}), "header", "template.header")]
#[case::header_text_empty(with_header("Hi", text_header("{{1}}")), json!({"header": {"text": ""}}),
    "header", "template.header.text")]
#[case::header_text_of_another_kind(with_header("Hi", text_header("{{1}}")), json!({"header": {"image": {"id": "1"}}}),
    "header", "template.header")]
#[case::named_header_missing(with_header(NAMED, text_header("{{agency}}")),
    json!({"variables": {"agent_name": "a", "viewing_time": "b"}}), "agency", "template.variables.agency")]
#[case::named_header_given_twice(with_header("{{a}}", text_header("{{a}}")),
    json!({"variables": {"a": "b"}, "header": {"text": "b"}}), "header", "template.header")]
#[case::header_takes_nothing(with_header("Hi", text_header("Marina")), json!({"header": {"text": "a"}}),
    "header", "template.header")]
#[case::no_header(template("Hi"), json!({"header": {"text": "a"}}), "header", "template.header")]
#[case::picture_missing(with_header("Hi", Header::Image), json!({}), "header", "template.header")]
#[case::film_for_picture(with_header("Hi", Header::Image), json!({"header": {"video": {"id": "1"}}}),
    "header", "template.header")]
#[case::picture_from_here(with_header("Hi", Header::Image), json!({"header": {"image": {"url": "http://x/a.png"}}}),
    "header", "template.header.image.url")]
#[case::path_as_name(with_header("Hi", Header::Document),
    json!({"header": {"document": {"id": "1", "filename": "../a"}}}), "header", "template.header.document.filename")]
#[case::a_place(with_header("Hi", Header::Location), json!({}), "header", "template.header")]
#[case::link_without_end(with_buttons("Hi", vec![reply(), url("https://x.ae/{{1}}")]), json!({}),
    "buttons[1]", "template.buttons")]
#[case::link_with_spaces(with_buttons("Hi", vec![url("https://x.ae/{{1}}")]),
    json!({"buttons": [{"index": 0, "value": "a b"}]}), "buttons[0]", "template.buttons[0].value")]
#[case::plain_link(with_buttons("Hi", vec![url("https://x.ae")]), json!({"buttons": [{"index": 0, "value": "a"}]}),
    "buttons[0]", "template.buttons[0].value")]
#[case::call(with_buttons("Hi", vec![Button::PhoneNumber { text: "Call".into() }]),
    json!({"buttons": [{"index": 0, "value": "a"}]}), "buttons[0]", "template.buttons[0].value")]
#[case::no_code(with_buttons("Hi", vec![Button::CopyCode]), json!({}), "buttons[0]", "template.buttons")]
#[case::long_code(with_buttons("Hi", vec![Button::CopyCode]),
    json!({"buttons": [{"index": 0, "value": "0123456789abcdef"}]}), "buttons[0]", "template.buttons[0].value")]
#[case::out_of_range(with_buttons("Hi", vec![reply()]), json!({"buttons": [{"index": 1, "value": "a"}]}),
    "buttons[1]", "template.buttons[0].index")]
#[case::filled_twice(with_buttons("Hi", vec![reply()]),
    json!({"buttons": [{"index": 0, "value": "a"}, {"index": 0, "value": "b"}]}), "buttons[0]",
    "template.buttons[1].index")]
#[case::empty_payload(with_buttons("Hi", vec![reply()]), json!({"buttons": [{"index": 0, "value": ""}]}),
    "buttons[0]", "template.buttons[0].value")]
fn what_does_not_fit_is_named(
    #[case] template: Template,
    #[case] given: Value,
    #[case] parameter: &str,
    #[case] field: &str,
) {
    let mismatch = fill(&template, &used(given)).unwrap_err();
    assert_eq!((mismatch.parameter.as_str(), mismatch.field.as_str()), (parameter, field), "{mismatch}");
    assert!(mismatch.message.ends_with('.'), "{mismatch}");
}

#[test]
fn only_named_parameters_carry_their_names() {
    let header = with_header(NAMED, text_header("{{agency}}"));
    let filled = fill(&header, &used(json!({"variables": ["Marina", "Sara", "5 pm"]}))).unwrap();
    let named = |name: &str, text: &str| Parameter { name: Some(name.into()), text: text.into() };
    assert_eq!(filled.header, Some(FilledHeader::Text(named("agency", "Marina"))));
    assert_eq!(filled.body, [named("agent_name", "Sara"), named("viewing_time", "5 pm")]);

    let filled = fill(&template("{{2}} {{1}}"), &used(json!({"variables": ["a", "b"]}))).unwrap();
    let plain = |text: &str| Parameter { name: None, text: text.into() };
    assert_eq!(filled.body, [plain("a"), plain("b")]);
}

#[test]
fn a_document_keeps_its_name_and_buttons_their_places() {
    let template = Template {
        buttons: vec![reply(), url("https://x.ae/{{1}}"), Button::CopyCode, url("https://x.ae")],
        footer: Some("Reply STOP to end".into()),
        ..with_header("Hi", Header::Document)
    };
    let given = json!({
        "header": {"document": {"url": "https://files.example.com/a.pdf", "filename": "Offer.pdf"}},
        "buttons": [{"index": 2, "value": "SAVE10"}, {"index": 1, "value": "viewings/7"}],
    });
    let filled = fill(&template, &used(given)).unwrap();
    let source = MediaSource::Url("https://files.example.com/a.pdf".into());
    assert_eq!(
        filled.header,
        Some(FilledHeader::Media { kind: MediaKind::Document, source, filename: Some("Offer.pdf".into()) })
    );
    let button = |index, sub_type, value: &str| FilledButton { index, sub_type, value: value.into() };
    assert_eq!(
        filled.buttons,
        [button(1, ButtonParameter::Url, "viewings/7"), button(2, ButtonParameter::CopyCode, "SAVE10")]
    );
    assert_eq!(filled.rendered, "Hi\nReply STOP to end");
}

#[test]
fn a_one_time_code_goes_into_the_body_and_the_button() {
    for button in [Button::Otp, url("https://www.whatsapp.com/otp/code/?code=otp{{1}}")] {
        let template = Template {
            category: Category::Authentication,
            ..with_buttons("{{1}} is your code.", vec![button])
        };
        let filled = fill(&template, &used(json!({"variables": ["123456"]}))).unwrap();
        assert_eq!(filled.body[0].text, "123456");
        assert_eq!(
            filled.buttons,
            [FilledButton { index: 0, sub_type: ButtonParameter::Url, value: "123456".into() }]
        );
        let other = json!({"variables": ["123456"], "buttons": [{"index": 0, "value": "654321"}]});
        assert_eq!(fill(&template, &used(other)).unwrap_err().parameter, "buttons[0]");
    }
}

/// A template and the use that fills exactly its variables.
fn pairs() -> impl Strategy<Value = (Template, TemplateUse)> {
    let name = "[a-z][a-z_]{0,8}";
    let names =
        prop::collection::btree_set(name, 0..6).prop_map(|names| names.into_iter().collect::<Vec<_>>());
    (names, any::<bool>(), any::<bool>(), any::<bool>(), 0usize..5, "[ -~]{0,40}").prop_map(
        |(names, named, by_name, in_header, buttons, words)| {
            let spelled: Vec<String> =
                if named { names } else { (1..=names.len()).map(|number| number.to_string()).collect() };
            let words = words.replace(['{', '}'], "");
            let mut body: String = spelled.iter().map(|name| format!("{words} {{{{{name}}}}}")).collect();
            body.push_str(" end");
            let mut template = template(&body);
            let mut given = TemplateUse {
                name: template.name.clone(),
                language: None,
                variables: Variables::default(),
                header: None,
                buttons: Vec::new(),
            };
            if in_header && !(named && spelled.is_empty()) {
                let name = spelled.first().map_or("1", String::as_str);
                template.header = Some(text_header(&format!("On top {{{{{name}}}}}")));
                given.header = (template.parameter_format == ParameterFormat::Positional)
                    .then(|| HeaderValue::Text("top".into()));
            }
            let all = [url("https://x.ae/{{1}}"), reply(), Button::CopyCode, url("https://x.ae")];
            template.buttons = all.into_iter().take(buttons).collect();
            for (index, button) in (0u8..).zip(&template.buttons) {
                if *button != url("https://x.ae") {
                    given.buttons.push(ButtonValue { index, value: format!("v{index}") });
                }
            }
            let values =
                required(&template).into_iter().map(|name| (name.clone(), format!("value of {name}")));
            given.variables = if by_name {
                Variables::Named(values.collect())
            } else {
                Variables::Positional(values.map(|(_, value)| value).collect())
            };
            (template, given)
        },
    )
}

proptest! {
    #[test]
    fn a_template_filled_with_exactly_its_variables_succeeds((template, given) in pairs()) {
        let filled = fill(&template, &given);
        prop_assert!(filled.is_ok(), "{template:?} {given:?} {filled:?}");
        prop_assert!(!filled.unwrap().rendered.contains("{{"));
    }

    #[test]
    fn one_variable_too_few_or_too_many_fails((template, given) in pairs(), at in any::<prop::sample::Index>()) {
        let mut more = given.clone();
        let mut fewer = given.clone();
        match (&mut more.variables, &mut fewer.variables) {
            (Variables::Named(more), Variables::Named(fewer)) => {
                more.insert("Z_unknown".to_owned(), "x".to_owned());
                if let Some(name) = fewer.keys().nth(at.index(fewer.len().max(1))).cloned() {
                    fewer.remove(&name);
                }
            }
            (Variables::Positional(more), Variables::Positional(fewer)) => {
                more.push("x".to_owned());
                fewer.pop();
            }
            _ => unreachable!(),
        }
        prop_assert!(fill(&template, &more).is_err());
        if !given.variables.is_empty() {
            prop_assert!(fill(&template, &fewer).is_err());
        }
    }

    #[test]
    fn no_text_and_no_value_makes_it_panic(
        body in "(\\{|\\}|[a-z1é ]|\\PC){0,60}",
        header in prop::option::of("(\\{|\\}|[a1 ]){0,20}"),
        link in "(\\{|\\}|1|/){0,20}",
        values in prop::collection::vec("\\PC{0,20}", 0..4),
        button in prop::option::of((any::<u8>(), "\\PC{0,20}")),
    ) {
        let mut template = with_buttons(&body, vec![url(&link), Button::Otp]);
        template.header = header.as_deref().map(text_header);
        let given = TemplateUse {
            name: String::new(),
            language: None,
            header: values.first().cloned().map(HeaderValue::Text),
            variables: Variables::Positional(values),
            buttons: button.into_iter().map(|(index, value)| ButtonValue { index, value }).collect(),
        };
        let _ = fill(&template, &given);
        let _ = variables(&body);
    }
}
