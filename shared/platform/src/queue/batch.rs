//! Batches of a queue as Lambda hands them over, and the answer that names the records that must come again.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::StreamExt as _;
use std::fmt;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// It is done with.
    Settled,
    /// It must be delivered again, and go to the dead-letter queue at last.
    Again,
}

/// Works on the records of a batch, `at_a_time` at once, so that one bad record never costs its neighbours; the answer names
/// those that must be delivered again.
pub async fn each<'e, F>(
    event: &'e SqsEvent,
    at_a_time: usize,
    work: impl Fn(&'e SqsMessage) -> F,
) -> SqsBatchResponse
where
    F: Future<Output = Worked>,
{
    let worked: Vec<_> = event
        .records
        .iter()
        .map(|message| {
            let work = work(message);
            async move { (message, work.await) }
        })
        .collect();
    let mut worked = futures_util::stream::iter(worked).buffer_unordered(at_a_time);
    let mut response = SqsBatchResponse::default();
    while let Some((message, worked)) = worked.next().await {
        if worked == Worked::Again {
            again(&mut response, message);
        }
    }
    response
}

/// Names a record that must be delivered again.
pub fn again(response: &mut SqsBatchResponse, message: &SqsMessage) {
    let mut failure = BatchItemFailure::default();
    // SQS always names its messages; an empty identifier would fail the whole batch, which is the safe side.
    failure.item_identifier = message.message_id.clone().unwrap_or_default();
    response.batch_item_failures.push(failure);
}

/// The job that a record names; `None`, with a line in the log, when it is none of ours: the dead-letter queue keeps it for a
/// person.
pub fn job<T, E: fmt::Display>(message: &SqsMessage, decode: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
    decode(message.body.as_deref().unwrap_or_default())
        .inspect_err(|error| tracing::error!(message.id = message.message_id, "{error}"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_must_come_again_is_named_and_its_neighbours_are_not() {
        let message = |n: u32| {
            let mut message = SqsMessage::default();
            (message.message_id, message.body) = (Some(format!("m-{n}")), Some(n.to_string()));
            message
        };
        let mut event = SqsEvent::default();
        event.records = (0..20).map(message).collect();
        let response = each(&event, 10, |message| async move {
            match job(message, str::parse::<u32>) {
                Some(n) if n % 7 != 0 => Worked::Settled,
                _ => Worked::Again,
            }
        })
        .await;
        let mut named: Vec<_> =
            response.batch_item_failures.iter().map(|one| &*one.item_identifier).collect();
        named.sort_unstable();
        assert_eq!(named, ["m-0", "m-14", "m-7"]);
        let mut unreadable = SqsMessage::default();
        unreadable.body = Some("x".into());
        assert_eq!(job(&unreadable, str::parse::<u32>), None);
    }
}
