//! The rule, case by case and at random.

use super::*;
use crate::consent::{ConsentState, Purpose, Standing};
use proptest::prelude::*;
use serde_json::json;

/// Nine in the morning in Dubai.
const NOW: Millis = Millis::from_unix_ms(1_772_427_600_000);
const HOUR: u64 = 3_600_000;

fn settings() -> FirstTouch {
    let settings = json!({
        "templates": {"en": {"name": "welcome"}, "ar": {"name": "ahlan"}},
        "texts": {"en": "Hello"},
        "sources": {"bayut": {"language": "ar", "templates": {"en": {"name": "portal"}}}},
    });
    serde_json::from_value::<FirstTouch>(settings).unwrap().checked().unwrap()
}

fn consents(list: &[(Purpose, ConsentState, u64)]) -> Consents {
    list.iter().fold(Consents::default(), |all, (purpose, state, ago)| {
        let at = Millis::from_unix_ms(NOW.unix_ms() - ago);
        all.with(*purpose, Standing { state: *state, at })
    })
}

fn agreed() -> Consents {
    consents(&[(Purpose::Marketing, ConsentState::Granted, 0)])
}

fn facts(settings: &FirstTouch) -> Facts<'_> {
    Facts {
        settings: Some(settings),
        source: "website",
        enquired_at: NOW,
        open: true,
        wrote_at: None,
        reachable: true,
        consents: agreed(),
        window_open: false,
        human: false,
        languages: Languages { message: None, conversation: None, form: None, default: Language::En },
    }
}

fn short(planned: Result<Plan<'_>, NotNow>) -> String {
    match planned {
        Ok(Plan { language, says, mode, channel: Channel::Whatsapp }) => {
            let says = match says {
                Says::Text(text) => format!("text {text}"),
                Says::Template(choice) => choice.name.clone(),
            };
            format!("{} {says} {mode:?}", language.as_str())
        }
        Err(why) => why.code().to_owned(),
    }
}

#[test]
fn a_lead_is_written_to_in_its_language_or_it_is_said_why_not() {
    use ConsentState::{Granted, Pending, Revoked};
    use Purpose::{Channel as Everything, Marketing};
    let settings = settings();
    let base = facts(&settings);
    let answered = Facts { consents: consents(&[(Marketing, Granted, HOUR)]), ..base };
    let says = |message, conversation, form, default| Languages { message, conversation, form, default };
    let (ar, en) = (Some(Language::Ar), Some(Language::En));
    let day = 24 * HOUR;
    let ago = |ms: u64| Millis::from_unix_ms(NOW.unix_ms() - ms);
    for (name, facts, expected) in [
        ("plain", base, "en welcome Grace"),
        ("its message", Facts { languages: says(ar, en, en, Language::En), ..base }, "ar ahlan Grace"),
        ("whatsapp", Facts { languages: says(None, ar, en, Language::En), ..base }, "ar ahlan Grace"),
        ("its form", Facts { languages: says(None, None, ar, Language::En), ..base }, "ar ahlan Grace"),
        ("its source", Facts { source: "bayut", ..base }, "ar ahlan Grace"),
        (
            "its source's template",
            Facts { source: "bayut", languages: says(en, None, None, Language::Ar), ..base },
            "en portal Grace",
        ),
        ("the default", Facts { languages: says(None, None, None, Language::Ar), ..base }, "ar ahlan Grace"),
        ("open window", Facts { window_open: true, ..base }, "en text Hello Grace"),
        (
            "open window, no text",
            Facts { window_open: true, languages: says(ar, None, None, Language::En), ..base },
            "ar ahlan Grace",
        ),
        ("a person answers", Facts { human: true, ..base }, "en welcome Manual"),
        ("off", Facts { settings: None, ..base }, "switched_off"),
        ("closed", Facts { open: false, ..base }, "lead_closed"),
        ("answered", Facts { wrote_at: Some(NOW), enquired_at: ago(HOUR), ..answered }, "already_written_to"),
        (
            "asked for the opt-in",
            Facts { wrote_at: Some(ago(60_000)), enquired_at: ago(HOUR), ..base },
            "en welcome Grace",
        ),
        ("no number", Facts { reachable: false, ..base }, "no_phone"),
        ("nothing agreed", Facts { consents: Consents::default(), ..base }, "no_opt_in"),
        ("ticked", Facts { consents: consents(&[(Marketing, Pending, 0)]), ..base }, "opt_in_pending"),
        ("stopped", Facts { consents: consents(&[(Marketing, Revoked, 0)]), ..base }, "opted_out"),
        (
            "agreed to the channel",
            Facts { consents: consents(&[(Everything, Granted, 0)]), ..base },
            "en welcome Grace",
        ),
        (
            "agreed to the channel and stopped offers",
            Facts { consents: consents(&[(Everything, Granted, 0), (Marketing, Revoked, 5)]), ..base },
            "opted_out",
        ),
        (
            "withdrew the channel",
            Facts { consents: consents(&[(Everything, Revoked, 0), (Marketing, Granted, 0)]), ..base },
            "opted_out",
        ),
        ("an hour ago", Facts { enquired_at: ago(HOUR), ..base }, "en welcome Grace"),
        (
            "yesterday",
            Facts { enquired_at: ago(day + 1), consents: consents(&[(Marketing, Granted, 2 * day)]), ..base },
            "too_late",
        ),
        ("agreed days later", Facts { enquired_at: ago(3 * day), ..base }, "en welcome Grace"),
        (
            "a week of silence",
            Facts { enquired_at: ago(7 * day + 1), consents: Consents::default(), ..base },
            "too_late",
        ),
    ] {
        assert_eq!(short(plan(&facts, NOW)), expected, "{name}");
    }
}

#[test]
fn a_language_without_a_template_is_answered_in_another_one() {
    let english = FirstTouch {
        templates: Templates { ar: None, ..settings().templates },
        texts: crate::form::Texts::default(),
        ..settings()
    };
    let languages = Languages { message: Some(Language::Ar), ..facts(&english).languages };
    assert_eq!(short(plan(&Facts { languages, ..facts(&english) }, NOW)), "en welcome Grace");
    let nothing = FirstTouch { templates: Templates::default(), sources: Default::default(), ..english };
    assert_eq!(short(plan(&facts(&nothing), NOW)), "no_template");
}

#[test]
fn who_lets_it_go_and_when_is_the_mode_the_hours_and_what_it_counts_as() {
    use SendPurpose::{Marketing, Service, Utility};
    let night =
        Some(QuietHours { from: TimeOfDay::parse("22:00").unwrap(), to: TimeOfDay::parse("08:00").unwrap() });
    let at = |text: &str| Millis::parse(text).unwrap();
    let (noon, evening, midnight) =
        ("2026-03-02T08:00:00.000Z", "2026-03-02T14:00:00.000Z", "2026-03-02T20:00:00.000Z");
    let morning = at("2026-03-03T04:00:00.000Z");
    let nine = at("2026-03-03T05:00:00.000Z");
    for (mode, quiet, purpose, now, expected) in [
        (Mode::Auto, None, Service, noon, Timing::Goes(at(noon))),
        (Mode::Auto, None, Service, midnight, Timing::Goes(at(midnight))),
        (Mode::Auto, None, Utility, midnight, Timing::Goes(at(midnight))),
        (Mode::Auto, night, Utility, midnight, Timing::Goes(morning)),
        (Mode::Auto, None, Marketing, noon, Timing::Goes(at(noon))),
        (Mode::Auto, None, Marketing, evening, Timing::Goes(nine)),
        (Mode::Grace, None, Service, noon, Timing::HeldUntil(at("2026-03-02T08:00:10.000Z"))),
        // Ten seconds later it is six.
        (Mode::Grace, None, Marketing, "2026-03-02T13:59:55.000Z", Timing::HeldUntil(nine)),
        (Mode::Grace, night, Service, "2026-03-02T17:59:55.000Z", Timing::HeldUntil(morning)),
        (Mode::Manual, night, Marketing, midnight, Timing::Held),
    ] {
        let settings = FirstTouch { quiet_hours: quiet, ..settings() };
        assert_eq!(timing(&settings, mode, purpose, at(now)), Ok(expected), "{mode:?} {purpose:?} {now}");
    }
    let all_day =
        Some(QuietHours { from: TimeOfDay::parse("08:00").unwrap(), to: TimeOfDay::parse("20:00").unwrap() });
    let settings = FirstTouch { quiet_hours: all_day, ..settings() };
    assert_eq!(timing(&settings, Mode::Auto, Marketing, at(noon)), Err(NotNow::NoHour));
}

fn consent() -> impl Strategy<Value = Consents> {
    let state =
        prop::sample::select(vec![ConsentState::Granted, ConsentState::Revoked, ConsentState::Pending]);
    prop::collection::vec((any::<bool>(), state, 0..60 * HOUR), 0..4).prop_map(|events| {
        let events: Vec<_> = events
            .into_iter()
            .map(|(channel, state, ago)| {
                (if channel { Purpose::Channel } else { Purpose::Marketing }, state, ago)
            })
            .collect();
        consents(&events)
    })
}

proptest! {
    #[test]
    fn nobody_is_written_to_without_number_and_opt_in_nor_outside_of_the_hours(
        consents in consent(),
        (open, reachable, window_open, human) in any::<(bool, bool, bool, bool)>(),
        wrote_ago in prop::option::of(0..48 * HOUR),
        ago in 0..10 * 24 * HOUR,
        later in 0..24 * HOUR,
        mode in prop::sample::select(vec![Mode::Auto, Mode::Grace, Mode::Manual]),
        (from, to) in (0u16..1440, 0u16..1440),
        purpose in prop::sample::select(vec![SendPurpose::Service, SendPurpose::Utility, SendPurpose::Marketing]),
    ) {
        let clock = |minute: u16| TimeOfDay::parse(&format!("{:02}:{:02}", minute / 60, minute % 60)).unwrap();
        let quiet = (from != to).then(|| QuietHours { from: clock(from), to: clock(to) });
        let settings = FirstTouch { mode, quiet_hours: quiet, ..settings() };
        let facts = Facts {
            open, reachable, window_open, human, consents,
            wrote_at: wrote_ago.map(|ago| Millis::from_unix_ms(NOW.unix_ms() - ago)),
            enquired_at: Millis::from_unix_ms(NOW.unix_ms() - ago),
            ..facts(&settings)
        };
        let now = NOW.plus_ms(later);
        let planned = plan(&facts, now);
        prop_assert_eq!(planned, plan(&facts, now));
        if let Ok(plan) = planned {
            prop_assert!(open && reachable);
            prop_assert!(opted_in_at(&consents).is_some() && !consents.bars_everything());
            prop_assert!(!human || plan.mode == Mode::Manual);
            prop_assert!(window_open || matches!(plan.says, Says::Template(_)));
            match timing(&settings, plan.mode, purpose, now) {
                Ok(Timing::Goes(at) | Timing::HeldUntil(at)) => {
                    prop_assert!(plan.mode != Mode::Manual && at >= now);
                    prop_assert_eq!(may_leave_at(Some(&settings), purpose, at), Some(at), "it is an allowed hour");
                    let time = settings.time_zone.time_of_day(at);
                    prop_assert!(purpose != SendPurpose::Marketing || (clock(540)..clock(1080)).contains(&time));
                    prop_assert!(
                        quiet.is_some() || purpose == SendPurpose::Marketing
                            || at.since(now) <= u64::from(LONGEST_GRACE_S) * 1000,
                        "an answer is not kept waiting"
                    );
                }
                Ok(Timing::Held) => prop_assert_eq!(plan.mode, Mode::Manual),
                Err(why) => prop_assert!(why == NotNow::NoHour && purpose == SendPurpose::Marketing && quiet.is_some()),
            }
        } else if let Err(why) = planned {
            prop_assert!(!why.message().is_empty() && !why.code().is_empty());
        }
    }
}
