//! Use cases: what the product does, in terms of `domain`'s rules, `providers`' translation and `platform`'s access
//! patterns. Knows no AWS type, no HTTP, no queue service.

pub mod api_keys;
pub mod assistant;
pub mod audit;
pub mod audit_checkpoints;
pub mod chatwoot;
pub mod consent;
pub mod credentials;
pub mod deliver;
pub mod desk;
pub mod dispatch;
pub mod endpoints;
pub mod events;
mod fence;
pub mod first_touch;
pub mod forms;
pub mod health;
pub mod inbox;
pub mod ingest;
pub mod intake;
pub mod integrations;
pub mod leads;
pub mod media;
mod numbers;
pub mod privacy;
pub mod provision;
pub mod read;
pub mod replay;
pub mod rewrap;
pub mod send;
pub mod settings;
pub mod status;
pub mod sweep;
pub mod templates;
pub mod transfer;
