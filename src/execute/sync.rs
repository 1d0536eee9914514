//! Brings to the shared log what waits in a clone, and what the shared log has lost.

use std::time::Instant;

use anyhow::{bail, ensure};

use super::author::{PATIENCE, read};
use super::kept::Kept;
use crate::core::operations::event::Event;
use crate::core::operations::proof::Proof;
use crate::forge::git::{Git, Lost, Rejected};
use crate::git::{Moved, pause};
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
        let lost = git.branches.restore_operations()?;
        git.branches.refresh()?;
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
        let is_deleted = matches!(lost, Lost::All);
        let from = Some(log.tip()).filter(|_| !is_deleted);
        let seen = match lost {
            Lost::Behind(seen) => Log::all(Rules::at(git.repo(), git.base()?)?, seen)?,
            Lost::Nothing | Lost::All => Vec::new(),
        };
        let mut synced = Synced { has_lost: is_deleted || !seen.is_empty(), ..Synced::default() };
        for (event, proof) in seen.into_iter().chain(waiting) {
            append(git, &mut log, event, proof, &mut synced)?;
        }
        if is_dry {
            return Ok(synced);
        }
        let moved = match from == Some(log.tip()) {
            true => Moved::Yes,
            false => git.branches.put(OPERATIONS, from, log.tip())?,
        };
        match moved {
            Moved::Yes => {
                kept.set_waiting(&[])?;
                git.branches.forget_seen()?;
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
