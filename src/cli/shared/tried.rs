//! What people need to know about a change of the policies before they sign it.

use std::time::{Duration, Instant};

use super::judges::{by, judges};
use super::say;
use crate::cli::freeze;
use crate::cli::test::{Coverage, in_words};
use changegate::audit::replay::{Part, Record, Trying, replay};
use changegate::core::decision::replay::Replay;
use changegate::core::layout::{POLICIES, is_below};
use changegate::forge::git::Git;
use changegate::gate::{Judgement, trial};
use changegate::ledger::LEDGER;
use changegate::report;

/// How long somebody who is about to sign waits for what is recorded.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a change of the policies did when it was tried.
pub struct Tried {
    /// The result in words; empty if the change isn't one of the policies.
    pub text: String,
    /// Whether the new policies pass their tests, and decide every request.
    pub is_sound: bool,
}

/// Tries the policies that a change brings, if it brings any.
pub fn tried(git: &Git, judgement: &Judgement) -> Tried {
    let tried = judges().and_then(|judges| trial::of_change(git, &judges, judgement));
    match tried {
        Ok(None) => Tried { text: String::new(), is_sound: true },
        Ok(Some((tests, compared))) => Tried {
            text: format!(
                "\nThe new policies, tried:\n\n{}{}\n{}",
                in_words(&tests, Coverage::None),
                report::trial(&compared, say::width()),
                planned(git, judgement)
            ),
            is_sound: tests.is_passed() && compared.is_sound(),
        },
        Err(error) => {
            let why = report::escape::terminal(&format!("{error:#}")).into_owned();
            Tried { text: format!("\nThe new policies, tried:\n\n{why}\n\n"), is_sound: false }
        }
    }
}

/// Returns what freezes and windows that a change brings hit, in words.
fn planned(git: &Git, judgement: &Judgement) -> String {
    freeze::in_words(git, judgement).unwrap_or_else(|error| {
        report::escape::terminal(&format!("what is planned isn't known: {error:#}\n")).into_owned()
    })
}

/// Returns what the policies that a change brings would have decided on what is recorded, in words; empty
/// if it brings none, or if nothing is recorded.
pub fn replayed(git: &Git, judgement: &Judgement) -> String {
    let text = match on_record(git, judgement) {
        Ok(None) => return String::new(),
        Ok(Some(replay)) => report::replay(&replay, say::width()),
        Err(error) => report::escape::terminal(&format!("{error:#}")).into_owned() + "\n",
    };
    format!("What they would have decided:\n\n{text}\n")
}

fn on_record(git: &Git, judgement: &Judgement) -> anyhow::Result<Option<Replay>> {
    let (repo, pull) = (git.repo(), &judgement.pull);
    let changes_policies = judgement.changed_files().iter().any(|file| is_below(file, POLICIES));
    if !changes_policies || git.branches.tip(LEDGER)?.is_none() {
        return Ok(None);
    }
    let Some(trying) = Trying::of_head(repo, pull.base, pull.head)? else { return Ok(None) };
    let tips = |name: &str| git.branches.tip(name);
    let record = Record { repo, tips: &tips, base: pull.base };
    let began = Instant::now();
    let has_time = || began.elapsed() < PATIENCE;
    let part = Part { since: None, most: None, seed: None, has_time: &has_time };
    let now = judgement.decision.evaluated_at;
    let tried = (&trying, by as fn(_, _) -> _);
    replay(&record, &judges()?, tried, &part, (None, now), &|_, _| {}).map(Some)
}
