//! The outside: configuration, telemetry, HTTP layers, tables, queues, keys and secrets.
//!
//! The only crate that talks to AWS or to the network. It knows no use case; `crm` asks it for facts by access pattern
//! and never sees an AWS type.

pub mod aws;
pub mod bucket;
pub mod checkpoints;
pub mod clock;
pub mod config;
pub mod courier;
pub mod dynamo;
pub mod http;
pub mod platform;
mod public_url;
pub mod queue;
pub mod secrets;
pub mod telemetry;
mod tls;
pub mod transport;
pub mod vault;

pub use platform::Platform;
