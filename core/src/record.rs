//! The record: an entry of the ledger as a value, and its proofs.
//!
//! An entry holds what the gate decided, as an in-toto statement in canonical JSON, and what proves
//! its place in the log. The functions here take and return bytes; the ledger keeps them.
//!
//! ```text
//! decision ─ bones ─▶ statement ─▶ entry.json ─ tree ─▶ state, checkpoint ─ message ─▶ commit
//! ```
//!
//! - [`statement`], of [`parts`], with the [`bones`] of a decision: what an entry says
//! - [`entry`]: a statement in its place; [`state`]: what holds after it; [`message`]: its commit's
//! - [`around`]: why a change that wasn't approved is recorded as a bypass
//! - [`told`]: how what a forge tells later differs from what was recorded of it
//! - [`explanation`]: why something went around the gate, as somebody explains it later
//! - [`tree`]: the Merkle tree over the entries, and proofs that one is in it and that it only grows
//! - [`note`], [`checkpoint`]: what the tree was at a size, signed by the log and by its witnesses
//! - [`seen`]: what a merge or a review says of the log that its maker saw
//! - [`proof`]: the file that proves an entry with no repository
//! - [`key`]: what signs, and what verifies; [`dsse`]: signatures on statements; [`seal`]: all that a
//!   service signs of an entry; [`keys`]: which services may

pub mod around;
pub mod bones;
pub mod checkpoint;
pub mod dsse;
pub mod entry;
pub mod explanation;
mod ids;
pub mod key;
pub mod keys;
pub mod message;
pub mod note;
pub mod parts;
pub mod proof;
pub mod seal;
pub mod seen;
pub mod state;
pub mod statement;
pub mod told;
pub mod tree;
pub mod witness;

#[cfg(test)]
mod samples;
