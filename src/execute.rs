//! After approval: what people and pipelines do, and how it is recorded.

pub mod author;

pub use author::{Author, Made, Written};
