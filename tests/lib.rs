//! What the end-to-end tests share: a running stack, a client for its front door, and the voices of the providers.
//! Nothing here knows how Hadar works inside.

pub mod assistant;
pub mod bodies;
pub mod desk;
pub mod receiver;
mod shop;
pub mod verify;
mod world;

pub use shop::{Shop, WhatsApp};
pub use world::{Answer, World, hmac_hex};
