//! An entry of the ledger as a value, and its proofs.
//!
//! - [`tree`]: the Merkle tree over the entries, and proofs that one is in it and that it only grows

pub mod tree;
