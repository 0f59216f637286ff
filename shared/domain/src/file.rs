//! Files: what they are by their own bytes, what WhatsApp takes of them, and how they are handed out.
//!
//! What a sender says about a file is a claim. A file is served by what its bytes say, always as a download, and what
//! the bytes do not say is served as plain bytes (T24).

mod name;
mod take;
mod types;

pub use name::{disposition, safe_name};
pub use take::{NotTaken, Taken, limit, received_limit, take};
pub use types::{FileType, served_as};
