//! The read side: the state and history of changes, as values that reports show.
//!
//! - [`story`]: turns commits, journals and merges into events in order
//! - [`bypass`]: what reached the base around the rules
//! - [`records`]: what the ledger says of the commits on the base
//! - [`progress`]: what the operations log says of what was done with them; [`going_on`], of what goes on now
//! - [`list`], [`show`], [`log`], [`windows`]: the answers of the commands with these names

pub mod bypass;
pub mod entry;
pub mod going_on;
pub mod list;
pub mod log;
pub mod progress;
pub mod records;
pub mod show;
pub mod story;
pub mod windows;
