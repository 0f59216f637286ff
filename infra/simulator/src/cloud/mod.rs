//! What Meta and 360dialog share: the requests and refusals of the Cloud API.

pub(crate) mod content;
pub(crate) mod error;
mod interactive;
pub(crate) mod media;
pub(crate) mod message;
mod param;
pub(crate) mod profile;
pub(crate) mod send;
mod template_check;
pub(crate) mod template_create;
mod template_send;
pub(crate) mod templates;
