//! changegate decides whether a change may go ahead: a change request, the facts about its pull
//! request, a policy bundle and the time in; a verdict that explains itself out.
//!
//! # The way of the data
//!
//! ```text
//!  pull request ─ forge ──▶ evidence ┐
//!  request file ─ content ─▶ request ├─ core ─▶ decision ─▶ report ─▶ terminal, status check, …
//!  policies at base ──────▶ bundle ──┘
//!
//!  in core:  bytes ─ yaml ─▶ values ─ approvals, calendar ─▶ input ─ policy ─▶ ruling ─ sign_off ─▶ decision
//! ```
//!
//! # The map
//!
//! [`core`], a package of its own, is pure. Its values:
//! - [`core::terms`]: the words that everything shares; [`core::layout`]: where a repository holds
//!   what, and what is governed; [`core::time`], [`core::digest`]
//! - [`core::characters`]: which characters people can't see, by Unicode's data
//! - [`core::yaml`]: text to a tree that knows its places, to any serde type, with every problem at
//!   once
//! - [`core::request`], [`core::evidence`], [`core::org`]: what people write, what is known about a
//!   pull request, and the organisation's tables; [`core::template`]: what was decided once, and whether a
//!   standard change is a use of it
//!
//! Its decisions:
//! - [`core::approvals`]: which reviews count, and why the others don't
//! - [`core::calendar`]: windows and freezes as intervals, next openings
//! - [`core::input`]: all of that as the document that policies see
//! - [`core::policy`]: the bundle: vetted, compiled, evaluated, tested (the only user of regorus);
//!   [`core::policy::vet`] says what a policy may call, [`core::policy::codes`] what findings mean,
//!   [`core::policy::patch`] what a change makes of other policies
//! - [`core::sign_off`]: people assigned to what is required; [`core::sign_off::lock_out`]: whether
//!   a change of policies leaves enough of them
//! - [`core::decision`]: [`core::decision::decide`], whether a change may be merged, and
//!   [`core::decision::ask`], whether it may be executed now: findings, verdict; [`core::rehearsal`]: the
//!   sample cases and questions on which a change of policies is tried
//! - [`core::record`]: an entry of the ledger as a value: its statement, its message, its place in the
//!   tree over all of them, and the proofs
//! - [`core::operations`]: the log of what people and pipelines did, as values: events, which may follow
//!   on which, and the state that they come to; [`core::operations::authorize`], who may execute what;
//!   [`core::operations::checks`], what has to be measured, and [`core::operations::measured`], what samples come
//!   to; [`core::operations::next`], what comes next
//! - [`core::metrics`]: what the changes of a period come to in figures
//!
//! Around it, from the ground up:
//! - [`files`]: files that people name, and what is wrong with them in plain words; [`web`]: exchanges with
//!   servers
//! - [`report`]: decisions as text, JSON, Markdown, GitHub annotations, SARIF; [`report::overview`], the figures of a
//!   period as a page; pure as well
//! - [`git`]: repositories (the only user of git2), signatures, keys, the `git` program
//! - [`content`]: what commits and folders hold for the checker: bundle, changeset, conflicts, people;
//!   [`content::journal`], the reviews of a change as signed commits; [`content::collect`], the evidence
//!   about it in plain Git, which audits work out again
//! - [`ledger`]: the branch whose commits are the entries of the record, and that with their evidence;
//!   [`ledger::store`] is the end of one that is kept elsewhere
//! - [`operations`]: the branch whose commits are the events of what was done: which of them hold, and what they
//!   come to, down to the templates that they suspend
//! - [`forge`]: what holds pull requests; [`forge::git`], the embedded default: branches and signed
//!   commits, no server; [`forge::github`], reviews in and status checks out: its `plan` says what
//!   is posted, `publish` posts it; `client::transport` (the only user of octocrab) is all that a
//!   build without the feature `github` leaves out
//! - [`gate`]: the main job: collect, decide, record, publish; [`gate::judge`], what decides, and within
//!   which bounds, [`gate::apart`] in a process of its own; [`gate::trial`], which tries policies
//!   before people sign them; [`gate::merge`], which makes merges; [`gate::record`], what is recorded
//!   of them, [`gate::arrivals`], of what else reached the base, [`gate::recording`], how,
//!   [`gate::reconciling`], afterwards, [`gate::keys`], which services may sign it, and
//!   [`gate::signing`], who did;
//!   [`gate::erasure`], what is taken out of its evidence;
//!   [`gate::writer`], which records what happens on GitHub; [`gate::guard`], which judges pushes;
//!   [`gate::execution`] asks whether a change may be executed now, who owes sign-offs for it, and what went
//!   around the rules; [`gate::approval`], what approved it;
//!   [`gate::witnessing`], what entries of the ledger say of the operations log
//! - [`measure`]: watches the services of a change: health checks, and error rates
//! - [`execute`]: what people and pipelines do afterwards: [`execute::author`] writes events as an
//!   [`execute::identity`], that of a key or of a job on GitHub; [`execute::run`] runs a command,
//!   [`execute::verify`] watches afterwards, [`execute::kept`] and [`execute::sync`] are for where the log
//!   can't be reached
//! - [`changes`]: the read side: what became of changes; [`changes::records`] is what the ledger says of
//!   that, [`changes::going_on`] what somebody has to look at now, [`changes::calendar`] what is planned, and
//!   [`changes::fitting`] what other freezes and windows would hit; [`changes::accounts`] is what became of each in short,
//!   [`changes::needs`] what needs somebody; [`changes::kept`] is a cache that may be deleted
//!   at any time
//! - [`audit`]: [`audit::verify`] proves from the repository alone that what is recorded is true and
//!   complete, and [`audit::bundle`] an entry without one; [`audit::entries`] is what the other verbs
//!   show of it, and [`audit::find`] finds one; [`audit::replay`] tries other policies on it,
//!   [`audit::ask`] asks the forge again, which is handed in, [`audit::policies`] names those that came
//!   around the gate, and [`audit::witness`] gives the log to others
//! - [`compose`]: writing a request; [`compose::fields`] is the one table of its fields, which the
//!   dialogue, the flags, the issue forms and the written file follow; [`compose::promote`] makes a template
//!   of changes that were done
//! - [`intake`]: an issue's form to a branch with a request; [`intake::command`], a comment to a command line
//! - `cli`, in the program alone: one file for each verb; `shared` is their toolbox, `schema` the
//!   formats as JSON Schema
//!
//! # What holds everywhere
//!
//! - Arrows point one way: cli → intake → changes, compose, audit, execute → gate → forge → ledger, operations → content →
//!   git, report, measure → files, web, core. No circles of files. Tests hold what the package of the core doesn't: core
//!   and report touch no file, network, environment or clock, and what verifies imports no forge.
//! - A library never prints and never ends the process: what to do at a bound is handed in.
//! - What is wrong with a request is a finding; an `Err` means that nothing could be decided.
//! - A verdict is the maximum over its findings' effects. Missing input denies.
//! - The same inputs give the same bytes.

pub use changegate_core as core;

/// The commit that this program was built from, if it is known.
pub const COMMIT: Option<&str> = option_env!("CHANGEGATE_COMMIT");

pub mod audit;
pub mod changes;
pub mod compose;
pub mod content;
pub mod execute;
pub mod files;
pub mod forge;
pub mod gate;
pub mod git;
pub mod intake;
pub mod ledger;
pub mod measure;
pub mod operations;
pub mod report;
pub mod web;
