//! changegate decides whether a change may go ahead: a change request, the facts about its pull
//! request, a policy bundle and the time in, a verdict that explains itself out.
//!
//! # The way of the data
//!
//! ```text
//! bytes ─ yaml ─▶ request ┐
//! bytes ─ yaml ─▶ evidence ├─ input ─▶ input document ─ policy ─▶ ruling ┐
//!         org ─ calendar ──┘    └─ approvals ─▶ standings ─────────────── sign_off ─▶ decision ─▶ report
//! ```
//!
//! # The map
//!
//! Values:
//! - [`time`]: instants in UTC, durations, half-open intervals; [`digest`]: SHA-256, canonical JSON
//! - [`yaml`]: text to a tree that knows its places, to any serde type, with every problem at once
//! - [`request`]: the change request and what of it approvals are bound to
//! - [`evidence`]: facts about a pull request, not yet judged
//! - [`org`]: roster, action catalog, sign-off matrix, windows, freezes, settings
//!
//! Deciding:
//! - [`calendar`]: windows and freezes as intervals, next openings
//! - [`approvals`]: which reviews count, and why the others don't
//! - [`input`]: all of that as the document that policies see
//! - [`policy`]: the bundle: checked, compiled, evaluated (the only user of regorus), tested
//! - [`sign_off`]: people assigned to what is required
//! - [`decision`]: [`decision::decide`], findings, verdict
//!
//! Gathering:
//! - [`git`]: repositories: objects and refs (the only user of git2), signatures, the `git` program
//! - [`forge`]: what holds pull requests; [`forge::content`], what their commits hold;
//!   [`forge::git`], the embedded default: branches and signed commits, no server;
//!   [`forge::github`], reviews in and status checks out (the only user of octocrab
//!   and reqwest)
//! - [`gate`]: the main job: collect, decide, publish; [`gate::guard`], what a server lets in
//!
//! Showing:
//! - [`codes`]: what each finding means
//! - [`report`]: a decision as text, JSON, Markdown, GitHub annotations, SARIF
//! - [`cli`]: one file for each verb; `schema` holds the formats as JSON Schema
//!
//! # What holds everywhere
//!
//! - Everything but [`cli`], [`gate`], [`forge`] and [`git`] is the core: it takes bytes and values,
//!   and knows no file, no network, no environment and no clock. A test asserts it.
//! - Arrows point one way: cli to gate, gate to forge and git, those to values; cli, report and
//!   decision to the modules above them; never back.
//! - What is wrong with a request is a finding; an `Err` means that nothing could be decided.
//! - A verdict is the maximum over its findings' effects. Missing input denies.
//! - The same inputs give the same bytes.

pub mod changes;
pub mod cli;
pub mod compose;
pub mod content;
pub mod core;
pub mod forge;
pub mod gate;
pub mod git;
pub mod intake;
pub mod report;
