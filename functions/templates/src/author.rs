//! Who writes a template.

use crm::templates::Author;
use domain::access::Role;
use platform::http::{Caller, Seed};

/// The caller, for the use cases.
pub(crate) fn author<R>(caller: &Caller<R>, seed: &Seed) -> Author {
    Author {
        tenant: caller.tenant(),
        key: caller.principal.key_id,
        admin: caller.principal.role >= Role::Admin,
        trace_id: caller.call.trace_id,
        run: seed.ulid("template").to_string(),
        now: caller.now(),
    }
}
