//! The rules, end to end: request, evidence, organisation data and a time in, a decision out.
//!
//! What is decided is data in `tests/cases/*.yaml`, and [`cases`] judges it. The other modules
//! take the same cases further: every code has one ([`codes`]), every rule one that fails without
//! it ([`mutation`]), none changes at another instant than it says ([`next_change`]). Tables that
//! are better read in Rust are in [`matrix`] and [`windows`].
//!
//! With real repositories, people and keys: the [`life`] of a change, what is [`at_hand`] before it
//! is submitted, what it leaves in [`clones`], [`attacks`] on its record, and what happens [`together`]
//! or is cut off in the middle. The [`ledger`] records it, and proves it; [`operations`] are what is done afterwards,
//! of which there is an [`overview`].
//!
//! On [`github`]: a server of the tests' own, held against what GitHub says of itself.

#![allow(clippy::unwrap_used, reason = "what can't be unwrapped ends the test, and is meant to")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

mod advice;
mod alongside;
mod at_hand;
mod attacks;
mod auditing;
mod bundles;
mod cases;
mod cli;
mod clones;
mod codes;
mod demo;
mod docs;
mod executing;
mod first_steps;
mod github;
mod governing;
mod incidents;
mod init;
mod inputs;
mod ledger;
mod life;
mod looking;
mod material;
mod matrix;
mod mutation;
mod new;
mod next_change;
mod operations;
mod other_engine;
mod other_verifiers;
mod overview;
mod own_tables;
mod place;
mod plumbing;
mod promises;
mod properties;
mod purity;
mod replaying;
mod secrets;
mod semantics;
mod signing;
mod snapshots;
mod streams;
mod submitting;
mod together;
mod verifying;
mod windows;
mod witnesses;
mod workflows;
