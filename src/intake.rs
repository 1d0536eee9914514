//! Turns the form in an issue into a branch with the request.

pub mod branch;
pub mod comment;
pub mod event;
pub mod read;
pub mod template;
pub mod work;
