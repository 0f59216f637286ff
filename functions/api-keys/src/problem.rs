//! What cannot be done with a key, as the API says it.

use crm::api_keys::KeyError;
use domain::access::Role;
use platform::http::Problem;

pub(crate) fn problem(error: KeyError) -> Problem {
    match error {
        KeyError::Store(error) => error.into(),
        KeyError::Random => Problem::unavailable(KeyError::Random),
        KeyError::NotFound => Problem::NotFound,
        // An admin of the sandbox is no admin of the tenant.
        KeyError::TestOnly => Problem::Forbidden { required: Role::Admin },
        KeyError::Conflict(message) => Problem::Conflict { message, retry_after_s: None },
    }
}
