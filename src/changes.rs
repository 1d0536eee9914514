//! The read side: what became of changes, as values that reports show.
//!
//! - [`story`]: from commits, journals and merges to what happened, in order
//! - [`list`], [`show`], [`log`], [`windows`]: what the verbs of these names answer

pub mod entry;
pub mod list;
pub mod log;
pub mod show;
pub mod story;
pub mod windows;
