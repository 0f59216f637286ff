//! The service window: 24 hours from the customer's last message, by the provider's clock.

use crate::time::Millis;
use serde::Serialize;

/// How long a customer's message keeps the window open, in milliseconds.
pub const WINDOW_MS: u64 = 24 * 60 * 60 * 1000;

/// The service window as the API shows it at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceWindow {
    /// Whether free-form messages may be sent.
    pub open: bool,
    /// When it closes or closed; absent when the customer never wrote.
    pub expires_at: Option<Millis>,
    /// Whole seconds left, rounded down; zero when closed.
    pub seconds_left: u64,
}

impl ServiceWindow {
    /// The window at `now`, given the customer's last message.
    #[must_use]
    pub fn at(last_inbound_at: Option<Millis>, now: Millis) -> Self {
        let Some(last) = last_inbound_at else {
            return Self { open: false, expires_at: None, seconds_left: 0 };
        };
        let expires_at = last.plus_ms(WINDOW_MS);
        Self {
            open: now < expires_at,
            expires_at: Some(expires_at),
            seconds_left: expires_at.since(now) / 1000,
        }
    }
}

/// When a message counts as sent: never later than it arrived, so that a wrong or forged clock cannot hold a window
/// open (I-8).
#[must_use]
pub fn clamped(sent_at: Millis, received_at: Millis) -> Millis {
    sent_at.min(received_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Millis = Millis::from_unix_ms(1_700_000_000_000);

    #[rstest::rstest]
    #[case::just_written(0, true, 86_400)]
    #[case::a_second_before(WINDOW_MS - 1000, true, 1)]
    #[case::a_millisecond_before(WINDOW_MS - 1, true, 0)]
    #[case::exactly_24_hours(WINDOW_MS, false, 0)]
    #[case::a_second_after(WINDOW_MS + 1000, false, 0)]
    fn the_window_closes_exactly_24_hours_after_the_message(
        #[case] after_ms: u64,
        #[case] open: bool,
        #[case] seconds_left: u64,
    ) {
        let window = ServiceWindow::at(Some(SENT), SENT.plus_ms(after_ms));
        assert_eq!((window.open, window.seconds_left), (open, seconds_left));
        assert_eq!(window.expires_at, Some(SENT.plus_ms(WINDOW_MS)));
    }

    #[test]
    fn a_contact_who_never_wrote_has_no_window() {
        let window = ServiceWindow::at(None, SENT);
        assert_eq!(window, ServiceWindow { open: false, expires_at: None, seconds_left: 0 });
    }

    #[test]
    fn a_message_from_the_future_counts_from_its_arrival() {
        let received = SENT;
        assert_eq!(clamped(SENT.plus_ms(10 * WINDOW_MS), received), received);
        assert_eq!(clamped(SENT, received.plus_ms(5)), SENT);
    }
}
