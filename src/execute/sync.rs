//! Brings to the shared log what waits in a clone, and what the shared log has lost.

use std::time::Instant;

use anyhow::{bail, ensure};

use super::author::PATIENCE;
use super::kept::Kept;
use crate::core::operations::event::Event;
use crate::core::operations::lines;
use crate::core::operations::proof::Proof;
use crate::forge::git::{CHANGE, Git, Lost, Rejected, WAITING};
use crate::git::{Moved, Oid, pause};
use crate::operations::{Log, OPERATIONS, Rules};

/// A change whose request couldn't be submitted, and why.
pub type Unsubmitted = (String, String);

/// What became of what a clone kept.
#[derive(Default)]
pub struct Synced {
    /// The changes that were submitted.
    pub submitted: Vec<String>,
    /// Those that couldn't be, with the reason. Their requests stay here.
    pub unsubmitted: Vec<Unsubmitted>,
    /// The events that the log has now.
    pub brought: Vec<Event>,
    /// Those that it can't take, with the reason. What the server refuses stays here.
    pub refused: Vec<(Event, String)>,
    /// Whether the log on the remote was behind the one that was seen here.
    pub has_lost: bool,
    /// The tip of a log that was seen here, of which the remote's can't take all.
    pub stays_lost: Option<Oid>,
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
        // The events rest on the requests.
        let (submitted, unsubmitted) = submit(git, is_dry)?;
        let waiting = kept.waiting()?;
        let Some(mut log) = git.operations()? else {
            ensure!(
                waiting.is_empty(),
                "there is no {OPERATIONS} that could take the {} events that wait here: begin it with \
                 `changegate init --operations`",
                waiting.len()
            );
            return Ok(Synced { submitted, unsubmitted, ..Synced::default() });
        };
        let is_deleted = matches!(lost, Lost::All);
        let known = log.tip();
        let from = Some(known).filter(|_| !is_deleted);
        let seen = match lost {
            Lost::Behind(seen) => Log::all(Rules::at(git.repo(), git.base()?)?, seen)?,
            Lost::Nothing | Lost::All => Vec::new(),
        };
        let has_lost = is_deleted || !seen.is_empty();
        let mut synced = Synced { submitted, unsubmitted, has_lost, ..Synced::default() };
        for (event, proof) in seen {
            let (path, mut refused) = (lines::path(&event), synced.refused.iter());
            if refused.any(|(before, _)| lines::path(before) == path) && !log.holds(&event) {
                synced.refused.push((event, "it follows on one that is refused".to_owned()));
                continue;
            }
            append(git, &mut log, event, proof, &mut synced)?;
        }
        let stays_lost = !synced.refused.is_empty();
        for (event, proof) in waiting {
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
                synced.stays_lost = match stays_lost {
                    true => git.branches.seen_operations()?,
                    false => None,
                };
                if !stays_lost {
                    git.branches.forget_seen()?;
                }
                return Ok(synced);
            }
            Moved::Lost(_) => {}
            Moved::Refused(_) if !synced.has_lost => {
                let Synced { submitted, unsubmitted, .. } = synced;
                let synced = Synced { submitted, unsubmitted, ..Synced::default() };
                return one_by_one(git, &kept, synced);
            }
            Moved::Refused(why) => {
                let seen = if is_deleted { Some(known) } else { git.branches.seen_operations()? };
                let hint = seen.map(|seen| format!("\n{}", put_back(seen)));
                let hint = hint.unwrap_or_default();
                return Err(Rejected(format!("the events:\n{why}{hint}")).into());
            }
        }
    }
    bail!("{OPERATIONS} couldn't be written")
}

/// Brings events one by one, so that one that the server refuses holds up no other. It stays here.
fn one_by_one(git: &Git, kept: &Kept, mut synced: Synced) -> anyhow::Result<Synced> {
    let mut waiting = kept.waiting()?.into_iter();
    let mut stays = Vec::new();
    for (event, proof) in waiting.by_ref() {
        // What follows on an event that stays waits for it.
        let path = lines::path(&event);
        if stays.iter().any(|(before, _)| lines::path(before) == path) {
            stays.push((event, proof));
            continue;
        }
        let Some(mut log) = git.operations()? else { bail!("there is no {OPERATIONS} any more") };
        let (from, mut one) = (log.tip(), Synced::default());
        append(git, &mut log, event.clone(), proof.clone(), &mut one)?;
        let moved = match from == log.tip() {
            true => Moved::Yes,
            false => git.branches.put(OPERATIONS, Some(from), log.tip())?,
        };
        match moved {
            Moved::Yes => {
                synced.brought.extend(one.brought);
                synced.refused.extend(one.refused);
            }
            Moved::Refused(why) => {
                synced.refused.push((event.clone(), why));
                stays.push((event, proof));
            }
            Moved::Lost(_) => {
                stays.push((event, proof));
                break;
            }
        }
    }
    stays.extend(waiting);
    kept.set_waiting(&stays)?;
    Ok(synced)
}

/// Says how a log comes back of which events can't be recorded once more.
pub fn put_back(seen: Oid) -> String {
    format!(
        "who administers the server can put back what was lost, and drop what was recorded since: `git update-ref \
         refs/heads/{OPERATIONS} {seen}` there"
    )
}

/// Submits the requests that wait here; returns the names of their changes, and of those that hold up no other.
fn submit(git: &Git, is_dry: bool) -> anyhow::Result<(Vec<String>, Vec<Unsubmitted>)> {
    let (repo, mut submitted, mut unsubmitted) = (git.repo(), Vec::new(), Vec::new());
    for (name, commit) in git.all_waiting()? {
        let branch = format!("{CHANGE}{name}");
        let there = git.branches.tip(&branch)?;
        let is_there = match there {
            Some(there) => repo.leads_to(commit, there)?,
            None => repo.leads_to(commit, git.base()?)?,
        };
        let follows = there.is_none_or(|there| repo.leads_to(there, commit).unwrap_or(false));
        if !is_there && !follows {
            let why = format!(
                "{branch} was submitted by somebody else meanwhile: give yours another id, say what happened with \
                 `changegate record --help`, and forget what waits: `git update-ref -d {WAITING}{name}`"
            );
            unsubmitted.push((name, why));
            continue;
        }
        if !is_there && !is_dry {
            match git.branches.put(&branch, there, commit)? {
                Moved::Yes => {}
                Moved::Lost(why) => bail!("{branch} has moved meanwhile: run this again\n{why}"),
                Moved::Refused(why) => {
                    unsubmitted.push((name, format!("the server rejected {branch}:\n{why}")));
                    continue;
                }
            }
        }
        submitted.extend((!is_there).then_some(name.clone()));
        if !is_dry {
            git.forget_waiting(&name)?;
        }
    }
    Ok((submitted, unsubmitted))
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
