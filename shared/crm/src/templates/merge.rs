//! What a list and a webhook make of a template that is known already: pure, and the same in every order.
//!
//! Webhooks are put in order by the provider's clock. A list and a webhook are compared by our own clock only, the
//! list by when it was asked for, so that nobody's clock is held against ours.

use domain::ids::TemplateId;
use domain::provider::Provider;
use domain::template::{Category, Header, Template, TemplateState};
use domain::time::Millis;
use platform::dynamo::{Heard, TemplateRow, Told};
use providers::templates::{Changed, Reported};

/// Where a listed template belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) id: TemplateId,
    pub(super) provider: Provider,
    pub(super) account: &'a str,
}

/// The row after a list that was asked for at `asked_at`; `None` when there is nothing to write.
pub(super) fn listed(
    old: Option<&TemplateRow>,
    place: Place<'_>,
    reported: &Reported,
    asked_at: Millis,
) -> Option<TemplateRow> {
    let fresh = fresh(place, reported, asked_at);
    let Some(old) = old else {
        return Some(TemplateRow::new(fresh, Heard { listed_at: Some(asked_at), ..Heard::default() }));
    };
    if old.heard.listed_at.is_some_and(|at| at > asked_at) {
        return None;
    }
    let known = &old.template;
    let mut template = fresh;
    // A webhook that came after the list was asked for knows more than the list.
    let later = |told: Option<Told>| told.is_some_and(|told| told.received_at >= asked_at);
    if later(old.heard.state) {
        template.state = known.state;
        template.rejected_reason.clone_from(&known.rejected_reason);
    }
    if later(old.heard.quality) {
        template.quality.clone_from(&known.quality);
    }
    if later(old.heard.category) {
        template.category = known.category;
    }
    if later(old.heard.words) {
        template.header.clone_from(&known.header);
        template.body.clone_from(&known.body);
        template.footer.clone_from(&known.footer);
        template.buttons.clone_from(&known.buttons);
        template.parameter_format = known.parameter_format;
    }
    template.drifted_from = drift(known, template.category);
    written(old, template, asked_at, Heard { listed_at: Some(asked_at), ..old.heard })
}

/// The row of a template that was missing from a complete list; `None` when there is nothing to write.
pub(super) fn absent(old: &TemplateRow, asked_at: Millis) -> Option<TemplateRow> {
    let later = old.heard.listed_at.is_some_and(|at| at > asked_at)
        || old.heard.state.is_some_and(|told| told.received_at >= asked_at);
    // No list has a draft.
    if later || matches!(old.template.state, TemplateState::Deleted | TemplateState::Draft) {
        return None;
    }
    let template = Template { state: TemplateState::Deleted, rejected_reason: None, ..old.template.clone() };
    written(old, template, asked_at, Heard { listed_at: Some(asked_at), ..old.heard })
}

/// What a webhook does to a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It moves it.
    Moved(Box<TemplateRow>),
    /// Something newer is known.
    Stale,
    /// It says nothing that we act on.
    Nothing,
}

/// The row after a webhook. `synced_at` is when the last complete lists were asked for.
pub(super) fn told(old: &TemplateRow, changed: &Changed, told: Told, synced_at: Option<Millis>) -> Outcome {
    let mut heard = old.heard;
    let known = match changed {
        Changed::State { state: None, .. } => return Outcome::Nothing,
        Changed::State { .. } => &mut heard.state,
        Changed::Quality(_) => &mut heard.quality,
        Changed::Category(_) => &mut heard.category,
        Changed::Words { .. } => &mut heard.words,
    };
    let order = |told: &Told| (told.event_at, told.received_at);
    let listed_at = old.heard.listed_at.max(synced_at);
    if known.as_ref().is_some_and(|known| order(known) > order(&told))
        || listed_at.is_some_and(|at| at > told.received_at)
    {
        return Outcome::Stale;
    }
    *known = Some(told);
    let mut template = old.template.clone();
    match changed {
        Changed::State { state, reason, .. } => {
            template.state = state.unwrap_or(template.state);
            template.rejected_reason = reason.clone();
        }
        Changed::Quality(quality) => template.quality = Some(quality.clone()),
        Changed::Category(category) => {
            template.drifted_from = drift(&old.template, *category);
            template.category = *category;
        }
        Changed::Words { header, body, footer, buttons, parameter_format } => {
            template.header = match (&template.header, header) {
                (_, Some(line)) => Some(line.clone()),
                (Some(Header::Text { .. }) | None, None) => None,
                (Some(file), None) => Some(file.clone()),
            };
            template.body.clone_from(body);
            template.footer.clone_from(footer);
            if let Some(buttons) = buttons {
                template.buttons.clone_from(buttons);
            }
            template.parameter_format = *parameter_format;
        }
    }
    if template != old.template {
        template.updated_at = told.received_at;
    }
    let mut row = old.clone();
    row.template = template;
    row.heard = heard;
    Outcome::Moved(Box::new(row))
}

/// The category a template had before it was moved: the first one, until it is back there.
fn drift(known: &Template, category: Category) -> Option<Category> {
    if category == known.category {
        return known.drifted_from;
    }
    let before = known.drifted_from.unwrap_or(known.category);
    (before != category).then_some(before)
}

fn fresh(place: Place<'_>, reported: &Reported, at: Millis) -> Template {
    Template {
        id: place.id,
        provider: place.provider,
        account: place.account.to_owned(),
        provider_template_id: reported.provider_template_id.clone(),
        name: reported.name.clone(),
        language: reported.language.clone(),
        category: reported.category,
        state: reported.state,
        parameter_format: reported.parameter_format,
        header: reported.header.clone(),
        body: reported.body.clone(),
        footer: reported.footer.clone(),
        buttons: reported.buttons.clone(),
        quality: reported.quality.clone(),
        rejected_reason: reported.rejected_reason.clone(),
        drifted_from: None,
        updated_at: at,
    }
}

fn written(old: &TemplateRow, mut template: Template, at: Millis, heard: Heard) -> Option<TemplateRow> {
    template.updated_at = old.template.updated_at;
    if template == old.template {
        return None;
    }
    template.updated_at = at;
    let mut row = old.clone();
    // A draft that is listed was taken, whoever heard the answer.
    if let (TemplateState::Draft, Some(written)) = (old.template.state, row.written.as_mut()) {
        written.taken_by = written.attempt.take().map(|attempt| attempt.by);
    }
    row.template = template;
    row.heard = heard;
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::derived_ulid;
    use domain::template::draft::Words;
    use domain::template::{Button, ParameterFormat};
    use platform::dynamo::{Submission, WrittenHere};
    use proptest::prelude::*;

    const fn at(ms: u64) -> Millis {
        Millis::from_unix_ms(1_700_000_000_000 + ms)
    }

    fn place() -> Place<'static> {
        let id = TemplateId::from_ulid(derived_ulid(0, &["x"]));
        Place { id, provider: Provider::Meta, account: "9" }
    }

    fn reported(state: TemplateState, category: Category) -> Reported {
        Reported {
            provider_template_id: Some("1".into()),
            name: "viewing".into(),
            language: "en".into(),
            category,
            state,
            parameter_format: ParameterFormat::Positional,
            header: None,
            body: "Hi {{1}}".into(),
            footer: None,
            buttons: vec![Button::QuickReply { text: "Yes".into() }],
            quality: None,
            rejected_reason: None,
        }
    }

    fn row() -> TemplateRow {
        listed(None, place(), &reported(TemplateState::Approved, Category::Utility), at(0)).unwrap()
    }

    const fn received(event_ms: u64, received_ms: u64) -> Told {
        Told { event_at: at(event_ms), received_at: at(received_ms) }
    }

    fn state(state: TemplateState) -> Changed {
        Changed::State { event: "X".into(), state: Some(state), reason: None }
    }

    fn moved(outcome: Outcome) -> TemplateRow {
        let Outcome::Moved(row) = outcome else { panic!("{outcome:?}") };
        *row
    }

    #[test]
    fn a_list_that_says_the_same_writes_nothing() {
        let same = reported(TemplateState::Approved, Category::Utility);
        assert_eq!(listed(Some(&row()), place(), &same, at(5)), None);
        let other = listed(Some(&row()), place(), &reported(TemplateState::Paused, Category::Utility), at(5));
        let other = other.unwrap();
        assert_eq!((other.template.state, other.template.updated_at), (TemplateState::Paused, at(5)));
    }

    #[test]
    fn a_webhook_that_came_after_the_list_was_asked_for_stays() {
        let paused = moved(told(&row(), &state(TemplateState::Paused), received(3, 10), None));
        let approved = reported(TemplateState::Approved, Category::Utility);
        assert_eq!(listed(Some(&paused), place(), &approved, at(10)), None);
        let later = listed(Some(&paused), place(), &approved, at(11)).unwrap();
        assert_eq!(later.template.state, TemplateState::Approved);
        assert_eq!(absent(&paused, at(10)), None);
        assert_eq!(absent(&paused, at(11)).unwrap().template.state, TemplateState::Deleted);
    }

    #[test]
    fn a_draft_is_in_no_list_and_one_that_is_listed_was_taken() {
        let mut draft = row();
        draft.template.state = TemplateState::Draft;
        draft.written = Some(WrittenHere {
            words: Words::of(&draft.template),
            made_by: "one".into(),
            attempt: Some(Submission { by: "two".into(), at: at(3) }),
            taken_by: None,
            edited_at: Vec::new(),
        });
        assert_eq!(absent(&draft, at(9)), None);
        let pending = reported(TemplateState::Pending, Category::Utility);
        let taken = listed(Some(&draft), place(), &pending, at(9)).unwrap();
        assert_eq!(taken.template.state, TemplateState::Pending);
        let written = taken.written.unwrap();
        assert_eq!((written.attempt, written.taken_by.as_deref()), (None, Some("two")));
    }

    #[test]
    fn a_webhook_from_before_the_list_changes_nothing() {
        let paused = state(TemplateState::Paused);
        assert_eq!(told(&row(), &paused, received(9, 4), Some(at(5))), Outcome::Stale);
        let fresh = moved(told(&row(), &paused, received(0, 5), Some(at(5))));
        assert_eq!(fresh.template.state, TemplateState::Paused);
    }

    #[test]
    fn a_warning_moves_nothing() {
        let warning = Changed::State { event: "FLAGGED".into(), state: None, reason: Some("x".into()) };
        assert_eq!(told(&row(), &warning, received(1, 1), None), Outcome::Nothing);
    }

    #[test]
    fn a_new_category_remembers_the_first_one_until_it_is_back() {
        let marketing = moved(told(&row(), &Changed::Category(Category::Marketing), received(1, 1), None));
        assert_eq!(marketing.template.category, Category::Marketing);
        assert_eq!(marketing.template.drifted_from, Some(Category::Utility));
        let again = moved(told(&marketing, &Changed::Category(Category::Marketing), received(2, 2), None));
        assert_eq!(again.template.drifted_from, Some(Category::Utility));
        let third = moved(told(&again, &Changed::Category(Category::Authentication), received(3, 3), None));
        assert_eq!(third.template.drifted_from, Some(Category::Utility));
        let back = moved(told(&third, &Changed::Category(Category::Utility), received(4, 4), None));
        assert_eq!(back.template.drifted_from, None);
        let listed =
            listed(Some(&row()), place(), &reported(TemplateState::Approved, Category::Marketing), at(9));
        assert_eq!(listed.unwrap().template.drifted_from, Some(Category::Utility));
    }

    #[test]
    fn new_words_leave_a_file_on_top() {
        let mut old = row();
        old.template.header = Some(Header::Image);
        let words = Changed::Words {
            header: None,
            body: "Hello {{name}}".into(),
            footer: None,
            buttons: None,
            parameter_format: ParameterFormat::Named,
        };
        let new = moved(told(&old, &words, received(1, 1), None)).template;
        assert_eq!((new.header, new.body.as_str()), (Some(Header::Image), "Hello {{name}}"));
        assert_eq!((new.buttons.len(), new.parameter_format), (1, ParameterFormat::Named));
    }

    proptest! {
        #[test]
        fn webhooks_in_any_order_and_number_end_in_the_same_state(
            order in proptest::collection::vec(0usize..4, 1..12),
        ) {
            let states =
                [TemplateState::Pending, TemplateState::Approved, TemplateState::Paused, TemplateState::Rejected];
            let mut row = row();
            for index in &order {
                let ms = u64::try_from(*index).unwrap();
                let event = received(ms * 1000, 50);
                if let Outcome::Moved(next) = told(&row, &state(states[*index]), event, None) {
                    row = *next;
                }
            }
            prop_assert_eq!(row.template.state, states[*order.iter().max().unwrap()]);
        }
    }
}
