//! While the model does not answer: the customer is asked to wait, once, in words that were written before.

use super::reply::{AnswerError, Place, minted, say};
use domain::assistant::holding_words;
use domain::language::Language;
use domain::time::Millis;
use platform::dynamo::{Assistant, AssistantTurn, Wanted};

/// Asks the customer to wait, unless they were asked since they were last answered. Which message does is written down
/// first: a crash in between asks by the same one.
pub(super) async fn ask_to_wait(
    place: Place<'_>,
    turn: &AssistantTurn,
    wanted: Wanted,
    assistant: &Assistant,
    language: Language,
    now: Millis,
) -> Result<(), AnswerError> {
    let store = &place.platform.store;
    let id = match turn.holding {
        Some(id) if store.send(place.tenant, id).await?.is_some() => return Ok(()),
        Some(id) => id,
        None => {
            let id = minted(place.contact, wanted.order, "holding", now);
            if !store.hold_assistant_turn(place.tenant, place.contact, place.fence, id).await? {
                return Ok(());
            }
            id
        }
    };
    let words = holding_words(&assistant.settings.holding, language).to_owned();
    if let Some(why) = say(place, id, wanted.trace_id, words, now).await? {
        tracing::info!(tenant.id = %place.tenant, "a customer is not asked to wait: {why}");
    }
    Ok(())
}
