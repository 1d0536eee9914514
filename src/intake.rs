//! Turns the form in an issue into a branch with the request, and a comment into a command line.

pub mod branch;
pub mod command;
pub mod comment;
pub mod event;
pub mod read;
pub mod template;
pub mod work;
