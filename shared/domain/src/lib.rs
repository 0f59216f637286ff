//! Pure rules: they take facts and `now` and return decisions.
//!
//! No clock, no randomness, no I/O, no vendor's JSON. What the providers' bytes mean is `providers`' knowledge;
//! where facts are kept is `platform`'s.

pub mod access;
pub mod address;
pub mod address_range;
pub mod assistant;
pub mod availability;
pub mod consent;
pub mod consent_settings;
pub mod email;
pub mod escalation;
pub mod failure;
pub mod file;
pub mod form;
pub mod health;
pub mod identity;
pub mod ids;
pub mod inbound;
pub mod keywords;
pub mod language;
pub mod lead;
pub mod ledger;
pub mod ledger_file;
pub mod message;
pub mod number;
pub mod outbound;
pub mod outgoing;
pub mod parked;
pub mod permit;
pub mod phone;
pub mod price;
pub mod privacy;
pub mod provider;
pub mod rate;
pub mod receipt;
pub mod redacted;
pub mod routing;
#[cfg(feature = "openapi")]
mod schema;
pub mod setup;
pub mod template;
pub mod tenant;
pub mod time;
pub mod webhook;
pub mod window;
