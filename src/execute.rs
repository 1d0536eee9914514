//! After approval: what people and pipelines do, and how it is recorded.

pub mod author;
pub mod end;
pub mod kept;
#[cfg(unix)]
pub mod run;

pub mod sync;
pub mod variables;

pub use author::{Author, Made, NotTaken, Written};
