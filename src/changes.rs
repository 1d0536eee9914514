//! The read side: the state and history of changes, as values that reports show.
//!
//! - [`story`]: turns commits, journals and merges into events in order
//! - [`bypass`]: what reached the base around the rules
//! - [`records`]: what the ledger says of the commits on the base
//! - [`list`], [`show`], [`log`], [`windows`]: the answers of the commands with these names

pub mod bypass;
pub mod entry;
pub mod list;
pub mod log;
pub mod records;
pub mod show;
pub mod story;
pub mod windows;
