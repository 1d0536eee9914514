//! Reads the entries of a ledger, the newest first, a part of them at a time: who looks for one of them
//! stops there, and who counts them holds what counts alone.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, bail};
use rayon::prelude::*;

use super::{Recorded, before, object_id, read};
use crate::content::short;
use crate::core::record::entry::Entry;
use crate::core::record::seal::Seal;
use crate::core::record::state::State;
use crate::core::record::statement::Unreadable;
use crate::git::{Oid, Repo};

/// The number of commits that are read at first, and the most at a time.
const CHUNKS: (usize, usize) = (16, 1024);

/// An entry in its place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The commit that holds it.
    pub commit: Oid,
    /// The commit of the entry before it.
    pub before: Option<Oid>,
    /// The entry.
    pub entry: Entry,
    /// The signatures of the service that sealed it.
    pub seal: Option<Seal>,
}

/// What is wrong with the part of a ledger that was read.
#[derive(Debug, Default)]
pub struct Flaws {
    /// The number of commits that hold no entry.
    pub foreign: usize,
    /// The oldest entry that doesn't follow from those before it.
    pub broken_at: Option<(u64, Oid)>,
}

impl Flaws {
    /// Says that the ledger isn't what its entries say, if it isn't.
    pub fn problem(&self) -> Option<String> {
        let (index, commit) = self.broken_at?;
        Some(format!("entry {index} ({}) doesn't follow from those before it", short(commit)))
    }
}

/// Returns the commits of the ledger's branch, the newest first, each read when it is asked for.
pub fn back(repo: &Repo, tip: Oid) -> impl Iterator<Item = anyhow::Result<Oid>> + '_ {
    std::iter::successors(Some(Ok(tip)), |last| match last {
        Ok(commit) => before(repo, *commit).transpose(),
        Err(_) => None,
    })
}

/// Hands over the entries of the ledger with this tip, the newest first, until `take` has enough. Each
/// is compared with the one before it. The repository is the one in the folder.
///
/// # Errors
/// When an entry is of a newer format, or when the repository can't be read.
pub fn read_back(
    folder: &Path,
    tip: Oid,
    mut take: impl FnMut(Placed) -> ControlFlow<()>,
) -> anyhow::Result<Flaws> {
    let (mut flaws, mut size) = (Flaws::default(), CHUNKS.0);
    let mut newer: Option<(Oid, Entry, Option<Seal>)> = None;
    let (mut is_parted, mut next) = (false, Some(tip));
    while let Some(first) = next {
        // libgit2 keeps what a repository that is open has read.
        let repo = Repo::open(folder)?;
        let chunk = back(&repo, first).take(size).collect::<anyhow::Result<Vec<_>>>()?;
        next = chunk.last().map_or(Ok(None), |last| before(&repo, *last))?;
        for Recorded { commit, entry, seal, .. } in read_all(folder, &chunk)? {
            match entry {
                Err(error @ Unreadable::Newer(_)) => {
                    return Err(error).with_context(|| format!("cannot read {}", short(commit)));
                }
                Err(_) => {
                    flaws.foreign += 1;
                    is_parted = true;
                }
                // The one above it passed it over.
                Ok(_) if newer.as_ref().is_some_and(|(_, above, _)| leaps(above, commit)) => {
                    flaws.foreign += 1;
                    is_parted = true;
                }
                Ok(entry) => {
                    let below = Some((commit, &entry.state, is_parted));
                    if newer.take().is_some_and(|it| flaws.place(it, below, &mut take).is_break()) {
                        return Ok(flaws);
                    }
                    (newer, is_parted) = (Some((commit, entry, seal)), false);
                }
            }
        }
        size = (size * 2).min(CHUNKS.1);
    }
    if let Some(first) = newer {
        let _ = flaws.place(first, None, &mut take);
    }
    Ok(flaws)
}

impl Flaws {
    /// Hands an entry over, held against the one `below` it: its commit, what holds after it, and whether
    /// foreign commits are between them.
    fn place(
        &mut self,
        (commit, entry, seal): (Oid, Entry, Option<Seal>),
        below: Option<(Oid, &State, bool)>,
        take: &mut impl FnMut(Placed) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let last = below.filter(|(_, _, is_parted)| *is_parted).map(|(id, _, _)| object_id(id));
        let begun = State::default();
        let state = below.map_or(&begun, |(_, state, _)| state);
        if entry.follows(state, last) != Ok(true) {
            self.broken_at = Some((entry.index, commit));
        }
        take(Placed { commit, before: below.map(|(commit, _, _)| commit), entry, seal })
    }
}

/// Whether an entry says that another one is the last before it than that in this commit.
fn leaps(above: &Entry, commit: Oid) -> bool {
    above.state.last.as_ref().is_some_and(|last| *last != object_id(commit))
}

/// Reads commits of the ledger, several at once. The repository is the one in the folder.
///
/// # Errors
/// When the repository can't be read.
pub fn read_all(folder: &Path, commits: &[Oid]) -> anyhow::Result<Vec<Recorded>> {
    let read = |repo: &mut anyhow::Result<Repo>, commit: &Oid| match repo {
        Ok(repo) => read(repo, *commit),
        Err(error) => bail!("{error:#}"),
    };
    commits.par_iter().map_init(|| Repo::open(folder), read).collect()
}
