//! What every HTTP function shares: one envelope, one table of errors, keys and roles, sealed cursors, lists.
//!
//! It knows no use case. A handler takes a [`Caller`] (there is no other way to a tenant), its parameters and its
//! body, and returns [`Data`] or a [`Problem`]; [`serve`] does the rest.

mod audit;
mod auth;
mod body;
mod code;
mod cursor;
mod deprecation;
mod edge;
mod envelope;
mod file;
mod idempotency;
mod known_keys;
mod objects;
mod origin;
mod page;
mod params;
mod problem;
mod standing;
mod visitor;

pub use auth::{Admin, Agent, Caller, Requirement, Viewer};
pub use body::{JsonBody, NoBody, OptionalBody};
pub use code::Code;
pub use edge::{Call, serve, serve_with_public};
pub use envelope::Data;
pub use file::{Elsewhere, File, FileBody, Ndjson, Readable};
pub use idempotency::Seed;
pub use known_keys::KnownKeys;
pub use page::{Listing, Page, Pagination};
pub use params::{Known, Params, PathId};
pub use problem::{Problem, Refused};
pub use standing::days_left;
pub use visitor::{Submitted, Visitor, preflight, readable_from, see_other};
