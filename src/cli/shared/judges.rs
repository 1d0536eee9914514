//! The judges of runs that go on where one judgement fails.

use std::path::PathBuf;

use anyhow::Context as _;

use super::say::end_at_bound;
use changegate::core::policy::Files;
use changegate::gate::judge::{Judge, Judges};

/// Returns the judges of several changes, or of one that gets an answer when it can't be judged, too:
/// policies that exceed a bound end only the process that evaluates them.
///
/// # Errors
/// If the system doesn't say where this program is.
pub fn judges() -> anyhow::Result<Judges> {
    Ok(Judges::new(end_at_bound).apart(program()?))
}

/// Returns the judge of several requests by one bundle, likewise.
///
/// # Errors
/// All problems of the bundle, or a bound that loading it exceeds.
pub fn by(files: Files, source: String) -> anyhow::Result<Judge> {
    Judge::load_apart(program()?, files, source, end_at_bound)
}

fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find this program")
}
