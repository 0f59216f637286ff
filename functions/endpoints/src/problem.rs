//! From what the use case says to what the API answers.

use crm::endpoints::EndpointError;
use platform::http::Problem;

/// The answer to a receiver that cannot be made or changed so.
pub(crate) fn problem(error: EndpointError) -> Problem {
    let conflict = |message: String| Problem::Conflict { message, retry_after_s: None };
    match error {
        EndpointError::Url(reason) => {
            Problem::invalid("url", format!("This cannot be an endpoint: {reason}."))
        }
        EndpointError::Events(words) => Problem::invalid("events", format!("{words}.")),
        EndpointError::Description => Problem::invalid("description", format!("Expected {error}.")),
        EndpointError::TooMany => conflict(format!("{error}.")),
        EndpointError::NotFound => Problem::NotFound,
        EndpointError::Overlap(until) => conflict(format!(
            "The secret was rotated less than 24 hours ago, and the one before it signs until {until}. Send \
             `{{\"force\": true}}` to end that one now."
        )),
        EndpointError::Store(error) => error.into(),
        EndpointError::Vault(error) => Problem::unavailable(error),
        EndpointError::Contended | EndpointError::Random => Problem::unavailable(error),
    }
}

/// The answer where a receiver must be there and switched on.
pub(crate) fn switched_off() -> Problem {
    let message = "The endpoint is deleted or disabled; enable it first.";
    Problem::Conflict { message: message.to_owned(), retry_after_s: None }
}
