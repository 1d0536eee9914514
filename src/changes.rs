//! The read side: the state and history of changes, as values that reports show.
//!
//! - [`story`]: turns commits, journals and merges into events in order
//! - [`bypass`]: what reached the base around the rules
//! - [`records`]: what the ledger says of the commits on the base
//! - [`progress`]: what the operations log says of what was done with them; [`going_on`], of what goes on now
//! - [`frozen`]: what holds up a planned change; [`fitting`]: which ones another calendar hits, and when else
//!   each would fit
//! - [`accounts`]: what became of each change in short, which figures are made of; [`needs`]: what needs somebody
//! - [`line`], what the commits on the base brought, [`judged`], what merges came to that no ledger records,
//!   [`in_short`], what its requests say, and [`lived`], what was done with them: what was read of these is
//!   [`kept`] for the next time
//! - [`list`], [`show`], [`log`], [`calendar`], [`windows`]: the answers of the commands with these names

pub mod accounts;
pub mod bypass;
pub mod calendar;
pub mod entry;
pub mod fitting;
pub mod frozen;
pub mod going_on;
pub mod in_short;
mod judged;
pub mod kept;
mod line;
pub mod list;
mod lived;
pub mod log;
pub mod needs;
pub mod progress;
pub mod records;
pub mod show;
pub mod story;
pub mod windows;
