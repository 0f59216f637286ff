//! What a use case's "no" is to a caller.

use crm::ingest::IngestError;
use crm::leads::LeadError;
use domain::lead::FieldError;
use platform::http::Problem;

/// The answer for a lead that could not be written.
pub(crate) fn problem(error: LeadError) -> Problem {
    match error {
        LeadError::Field(error) => field(error),
        LeadError::Store(error) => error.into(),
        LeadError::Person(error @ IngestError::Transient { .. }) => Problem::unavailable(error),
        LeadError::Person(error @ (IngestError::Permanent { .. } | IngestError::Erased)) => {
            Problem::internal(error)
        }
        LeadError::Busy => Problem::Conflict {
            message: "This lead is being changed by many at once; try again in a moment.".to_owned(),
            retry_after_s: Some(1),
        },
    }
}

/// The answer for a field that cannot be what it is.
pub(crate) fn field(error: FieldError) -> Problem {
    Problem::invalid(error.field, error.message)
}
