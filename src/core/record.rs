//! The record: an entry of the ledger as a value.
//!
//! An entry holds what the gate decided, as an in-toto [`statement`] in canonical JSON, and what
//! proves its place in the log. The functions here take and return bytes; the ledger keeps them.
//!
//! ```text
//! decision ─ bones ─▶ statement ─▶ entry.json ─ tree ─▶ state, checkpoint ─ message ─▶ commit
//! ```
//!
//! - [`tree`]: the Merkle tree over the entries, and proofs that one is in it and that it only grows

pub mod bones;
pub mod entry;
pub mod message;
pub mod parts;
pub mod state;
pub mod statement;
pub mod tree;
