//! The rights of persons: everything about them given out, their data kept and not used, their data destroyed (F11, I-23).
//!
//! An erasure is a long job that may die anywhere. It begins with what makes it lasting - the graves of the identities and
//! a restriction - and goes on in steps that may each be done again ([`work`]). It goes through everything twice, so that
//! what was being written while it looked the first time is found the second.

pub mod export;
pub mod grave;
mod needles;
mod proof;
pub mod register;
mod request;
mod restrict;
pub mod retention;
mod steps;
mod view;
mod work;

pub use request::{EraseError, erase, erase_again};
pub use restrict::{lift, restrict};
pub use view::{ErasureState, ErasureView};
pub use work::{SweptErasures, work};

/// What keys of the rights of persons are sealed for.
pub const PRIVACY_PURPOSE: &str = "privacy";
