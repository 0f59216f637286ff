//! The simulator over real connections, called as a provider is called, with a listener in place of the business.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers may panic")]

mod behaviours;
mod business;
mod dialog360;
mod llm;
mod media;
mod statuses;
mod strictness;
mod templates;
mod ultramsg;
