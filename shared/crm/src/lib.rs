//! Use cases: what the product does, in terms of `domain`'s rules, `providers`' translation and `platform`'s access
//! patterns. Knows no AWS type, no HTTP, no queue service.

pub mod consent;
pub mod credentials;
pub mod dispatch;
pub mod inbox;
pub mod ingest;
pub mod media;
pub mod provision;
pub mod read;
pub mod replay;
pub mod send;
pub mod sweep;
pub mod templates;
