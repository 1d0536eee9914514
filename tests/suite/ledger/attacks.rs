//! Attacks on the ledger; `promises/table.yaml` lists them by number.
//!
//! Where a hook guards the hub, the push is refused. Where none was asked, `audit verify` names the
//! entry, the step and what it means.

use std::fs;

use serde_json::json;

use changegate::core::record::entry::Entry;
use changegate::core::record::parts::About;
use changegate::core::record::state::State;
use changegate::core::record::tree::{Frontier, leaf};

use super::forge::{Forged, Parts, Stage, forced};
use super::{auditor, entry_at};
use crate::plumbing::hub::{Hub, Ran, request};

mod content;
mod decisions;
mod evidence;
mod line;
mod names;
mod outside;

const NOT_NEXT: &str = "doesn't follow on the last one";
const NOT_PLAIN: &str = "its commit holds something else than the entry";

/// What is pushed as it was made is accepted, and verified.
#[track_caller]
fn the_truth_holds(stage: &Stage<'_>) {
    let truth = Forged { ledger: stage.line[3].clone(), evidence: stage.evidence[1].clone() };
    stage.set(&stage.main[1], &truth);
    stage.bob.verify().ended(0, &["\nverified\n"]);
    let all = ["refs/heads/main", "refs/heads/audit/ledger", "refs/heads/audit/evidence"];
    stage.bob.push_together(&all).went_well();
    stage.hub.is_sound();
}
