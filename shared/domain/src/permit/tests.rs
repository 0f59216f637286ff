//! The rule, case by case.

use super::*;
use crate::consent::{ConsentState, Purpose, Standing};
use crate::template::sample;

const NOW: Millis = Millis::from_unix_ms(1_800_000_000_000);
const HOUR: u64 = 3_600_000;

fn facts(written_ago_ms: Option<u64>) -> Facts<'static> {
    Facts {
        configured: true,
        last_inbound_at: written_ago_ms.map(|ago| Millis::from_unix_ms(NOW.unix_ms() - ago)),
        window_enforced: true,
        native_templates: true,
        cold_text: false,
        consents: Consents::default(),
        number_changed: false,
        language: None,
        template: TemplateFact::None,
        purpose: SendPurpose::Service,
        confirm_language: false,
        asks_for_opt_in: false,
        opt_in_needed: false,
    }
}

fn consents(list: &[(Purpose, ConsentState)]) -> Consents {
    list.iter().fold(Consents::default(), |all, (purpose, state)| {
        all.with(*purpose, Standing { state: *state, at: NOW })
    })
}

fn template(category: Category, state: TemplateState, language: &str) -> Template {
    Template {
        category,
        state,
        language: language.to_owned(),
        ..sample::template("Hello {{name}}, see you.")
    }
}

fn verdict(facts: &Facts<'_>) -> Vec<String> {
    match permit(facts, NOW) {
        Ok(permit) => vec![format!("ok {}", permit.purpose().as_str())],
        Err(refusals) => refusals.iter().map(short).collect(),
    }
}

fn short(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotConfigured => "not_configured".into(),
        Refusal::DoNotContact(barred) => format!("do_not_contact {barred:?}"),
        Refusal::TemplateNotApproved(state) => format!("template_not_approved {state:?}"),
        Refusal::TemplateParamMismatch(mismatch) => format!("mismatch {}", mismatch.parameter),
        Refusal::Outside24hWindow { .. } => "outside_24h_window".into(),
        Refusal::LanguageMismatch { .. } => "language_mismatch".into(),
    }
}

#[rstest::rstest]
#[case::just_written(Some(0), true)]
#[case::a_minute_before_the_margin(Some(24 * HOUR - 120_000), true)]
#[case::a_millisecond_before_the_margin(Some(24 * HOUR - MARGIN_MS - 1), true)]
#[case::at_the_margin(Some(24 * HOUR - MARGIN_MS), false)]
#[case::closed(Some(24 * HOUR), false)]
#[case::never_written(None, false)]
fn free_form_needs_an_open_window_with_a_minute_to_spare(#[case] ago: Option<u64>, #[case] open: bool) {
    let expected = if open { "ok service" } else { "outside_24h_window" };
    assert_eq!(verdict(&facts(ago)), [expected]);
    let sandbox = Facts { window_enforced: false, ..facts(ago) };
    assert_eq!(verdict(&sandbox), ["ok service"]);
}

#[test]
fn what_a_template_may_do_is_its_state_its_category_and_the_consents() {
    use Category::{Authentication, Marketing, Utility};
    use ConsentState::{Granted, Revoked};
    use TemplateState::{Approved, Disabled, Paused, Pending, Rejected};
    let agreed = [(Purpose::Marketing, Granted)];
    let stopped = [(Purpose::Marketing, Revoked)];
    let barred = [(Purpose::Channel, Revoked), (Purpose::Marketing, Granted)];
    type Row<'a> = (Category, TemplateState, &'a [(Purpose, ConsentState)], &'a [&'a str]);
    let table: &[Row<'_>] = &[
        (Utility, Approved, &[], &["ok utility"]),
        (Authentication, Approved, &stopped, &["ok authentication"]),
        (Utility, Approved, &stopped, &["ok utility"]),
        (Marketing, Approved, &agreed, &["ok marketing"]),
        (Marketing, Approved, &[], &["do_not_contact NoOptIn"]),
        (Marketing, Approved, &stopped, &["do_not_contact MarketingRevoked"]),
        (Marketing, Approved, &barred, &["do_not_contact Channel"]),
        (Utility, Approved, &barred, &["do_not_contact Channel"]),
        (Utility, Pending, &[], &["template_not_approved Some(Pending)"]),
        (Utility, Rejected, &[], &["template_not_approved Some(Rejected)"]),
        (Utility, Paused, &[], &["template_not_approved Some(Paused)"]),
        (Marketing, Disabled, &[], &["template_not_approved Some(Disabled)", "do_not_contact NoOptIn"]),
    ];
    for (category, state, given, expected) in table {
        let template = template(*category, *state, "en");
        let facts = Facts {
            template: TemplateFact::Found { template: &template, mismatch: None },
            consents: consents(given),
            ..facts(None)
        };
        assert_eq!(verdict(&facts), *expected, "{category:?} {state:?} {given:?}");
    }
}

#[test]
fn a_ticked_box_lets_the_request_to_confirm_it_pass_and_nothing_else() {
    use ConsentState::{Granted, Pending, Revoked};
    let template = template(Category::Marketing, TemplateState::Approved, "en");
    let found = TemplateFact::Found { template: &template, mismatch: None };
    for (given, asks, expected) in [
        (&[(Purpose::Marketing, Pending)][..], true, "ok marketing"),
        (&[(Purpose::Marketing, Pending)], false, "do_not_contact NoOptIn"),
        (&[], true, "do_not_contact NoOptIn"),
        (
            &[(Purpose::Marketing, Pending), (Purpose::Marketing, Revoked)],
            true,
            "do_not_contact MarketingRevoked",
        ),
        (&[(Purpose::Marketing, Pending), (Purpose::Channel, Revoked)], true, "do_not_contact Channel"),
        (&[(Purpose::Marketing, Granted)], true, "ok marketing"),
    ] {
        let facts =
            Facts { template: found, consents: consents(given), asks_for_opt_in: asks, ..facts(None) };
        assert_eq!(verdict(&facts), [expected], "{given:?} {asks}");
    }
    let pending = consents(&[(Purpose::Marketing, Pending)]);
    let words =
        Facts { purpose: SendPurpose::Marketing, consents: pending, asks_for_opt_in: true, ..facts(Some(0)) };
    assert_eq!(verdict(&words), ["do_not_contact NoOptIn"], "free-form");
}

#[test]
fn a_templates_category_wins_over_what_the_caller_says() {
    let template = template(Category::Marketing, TemplateState::Approved, "en");
    let found = TemplateFact::Found { template: &template, mismatch: None };
    let facts = Facts { template: found, purpose: SendPurpose::Utility, ..facts(Some(0)) };
    assert_eq!(verdict(&facts), ["do_not_contact NoOptIn"]);
}

#[test]
fn an_offer_in_an_open_window_needs_an_opt_in_too_and_an_answer_does_not() {
    let stopped = consents(&[(Purpose::Marketing, ConsentState::Revoked)]);
    let offer = Facts { purpose: SendPurpose::Marketing, consents: stopped, ..facts(Some(0)) };
    assert_eq!(verdict(&offer), ["do_not_contact MarketingRevoked"]);
    assert_eq!(verdict(&Facts { purpose: SendPurpose::Service, ..offer }), ["ok service"]);
}

#[test]
fn an_english_template_in_an_arabic_thread_must_be_confirmed() {
    for (code, language, confirmed, expected) in [
        ("en", Some(Language::Ar), false, "language_mismatch"),
        ("en_US", Some(Language::Ar), false, "language_mismatch"),
        ("en", Some(Language::Ar), true, "ok utility"),
        ("ar", Some(Language::Ar), false, "ok utility"),
        ("ar_AE", Some(Language::Ar), false, "ok utility"),
        ("en", None, false, "ok utility"),
        ("ar", Some(Language::En), false, "language_mismatch"),
    ] {
        let template = template(Category::Utility, TemplateState::Approved, code);
        let found = TemplateFact::Found { template: &template, mismatch: None };
        let facts = Facts { template: found, language, confirm_language: confirmed, ..facts(None) };
        assert_eq!(verdict(&facts), [expected], "{code} {language:?}");
    }
}

#[test]
fn where_templates_go_out_as_text_the_window_counts_unless_the_tenant_chose_otherwise() {
    let template = template(Category::Utility, TemplateState::Approved, "en");
    let found = TemplateFact::Found { template: &template, mismatch: None };
    let text = Facts { template: found, native_templates: false, ..facts(None) };
    assert_eq!(verdict(&text), ["outside_24h_window"]);
    let cold = Facts { cold_text: true, ..text };
    assert_eq!(verdict(&cold), ["outside_24h_window"], "without an opt-in");
    let agreed = consents(&[(Purpose::Marketing, ConsentState::Granted)]);
    assert_eq!(verdict(&Facts { consents: agreed, ..cold }), ["ok utility"]);
    assert_eq!(verdict(&Facts { last_inbound_at: Some(NOW), ..text }), ["ok utility"]);
}

#[test]
fn a_first_touch_rests_on_an_opt_in_whatever_it_counts_as() {
    use ConsentState::{Granted, Revoked};
    type Row<'a> = (&'a [(Purpose, ConsentState)], &'a str);
    let table: &[Row<'_>] = &[
        (&[], "do_not_contact NoOptIn"),
        (&[(Purpose::Marketing, Granted)], "ok utility"),
        (&[(Purpose::Channel, Granted)], "ok utility"),
        (&[(Purpose::Marketing, Revoked)], "do_not_contact MarketingRevoked"),
        (&[(Purpose::Channel, Granted), (Purpose::Marketing, Revoked)], "do_not_contact MarketingRevoked"),
        (&[(Purpose::Channel, Revoked), (Purpose::Marketing, Granted)], "do_not_contact Channel"),
    ];
    let template = template(Category::Utility, TemplateState::Approved, "en");
    let found = TemplateFact::Found { template: &template, mismatch: None };
    for (given, expected) in table {
        let facts =
            Facts { template: found, opt_in_needed: true, consents: consents(given), ..facts(Some(0)) };
        assert_eq!(verdict(&facts), [*expected], "{given:?}");
        assert!(permit(&facts, NOW).is_ok_and(Permit::needs_opt_in) == expected.starts_with("ok"));
    }
}

#[test]
fn an_unknown_template_and_no_number_are_named() {
    let facts = Facts { template: TemplateFact::Unknown, configured: false, ..facts(None) };
    assert_eq!(verdict(&facts), ["not_configured", "template_not_approved None"]);
}
