//! After approval: what people and pipelines do, and how it is recorded.

pub mod author;
pub mod end;
pub mod identity;
pub mod kept;
pub mod keys;
#[cfg(unix)]
pub mod run;

pub mod sync;
pub mod variables;
pub mod verify;

pub use author::{Author, Made, NotTaken, Written};
pub use identity::{Identity, Unproven};
