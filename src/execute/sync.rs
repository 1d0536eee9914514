//! Brings to the shared log what waits in a clone, and what the shared log has lost.

use std::time::Instant;

use anyhow::{bail, ensure};

use super::author::{PATIENCE, read};
use super::kept::Kept;
use crate::core::operations::event::Event;
use crate::core::operations::proof::Proof;
use crate::forge::git::{Git, Rejected};
use crate::git::{Moved, Oid, pause};
use crate::operations::{Log, OPERATIONS, Rules};

/// What became of what a clone kept.
#[derive(Default)]
pub struct Synced {
    /// The events that the log has now.
    pub brought: Vec<Event>,
    /// Those that it can't take, with the reason; they aren't kept any more.
    pub refused: Vec<(Event, String)>,
    /// Whether the log on the remote was behind the one that was seen here.
    pub has_lost: bool,
}

/// Appends the events that wait, as they were signed, and those of the log that was seen here which the
/// remote's has lost. With `is_dry`, nothing is written.
///
/// # Errors
/// [`Rejected`] when the server refuses; others when the log can't be read or reached.
pub fn sync(git: &Git, is_dry: bool) -> anyhow::Result<Synced> {
    let kept = Kept::of(git.repo());
    let began = Instant::now();
    for attempt in 0.. {
        if attempt > 0 {
            ensure!(began.elapsed() < PATIENCE, "{OPERATIONS} is written by others all the time");
            std::thread::sleep(pause(attempt - 1));
        }
        git.branches.refresh()?;
        let lost = git.branches.restore_operations()?;
        let waiting = kept.waiting()?;
        let Some(mut log) = read(git)? else {
            ensure!(
                waiting.is_empty(),
                "there is no {OPERATIONS} that could take the {} events that wait here: begin it with \
                 `changegate init --operations`",
                waiting.len()
            );
            return Ok(Synced::default());
        };
        let from = log.tip();
        let seen = lost.map(|seen| seen_events(git, seen)).transpose()?.unwrap_or_default();
        let mut synced = Synced { has_lost: lost.is_some(), ..Synced::default() };
        for (event, proof) in seen.into_iter().chain(waiting) {
            append(git, &mut log, event, proof, &mut synced)?;
        }
        if is_dry || log.tip() == from {
            if !is_dry {
                kept.set_waiting(&[])?;
            }
            return Ok(synced);
        }
        match git.branches.put(OPERATIONS, Some(from), log.tip())? {
            Moved::Yes => {
                kept.set_waiting(&[])?;
                return Ok(synced);
            }
            Moved::Lost(_) => {}
            Moved::Refused(why) => return Err(Rejected(format!("the events:\n{why}")).into()),
        }
    }
    bail!("{OPERATIONS} couldn't be written")
}

fn append(
    git: &Git,
    log: &mut Log<'_>,
    event: Event,
    proof: Proof,
    synced: &mut Synced,
) -> anyhow::Result<()> {
    if log.holds(&event) {
        return Ok(());
    }
    match log.next(event.clone(), proof)? {
        Ok(next) => {
            log.append(git.branches.program(), next)?;
            synced.brought.push(event);
        }
        Err(why) => synced.refused.push((event, why)),
    }
    Ok(())
}

/// Returns the events of a log that was seen earlier, in its order.
fn seen_events(git: &Git, tip: Oid) -> anyhow::Result<Vec<(Event, Proof)>> {
    Log::all(Rules::at(git.repo(), git.base()?)?, tip)
}
