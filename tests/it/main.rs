//! End to end: through the front door of a running stack, on the production adapters.

mod access;
mod bucket;
mod corpus;
mod event_log;
mod front_door;
mod hostile;
mod identity;
mod inbound;
mod lists;
mod media;
mod media_provider;
mod media_upload;
mod operator;
mod order;
mod recovery;
mod sending;
mod templates;
mod tenancy;
mod tidy;
