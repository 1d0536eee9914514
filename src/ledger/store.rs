//! The end of a ledger that is kept elsewhere: a repository of its own in a temporary folder, into
//! which only the last entry is fetched, and from which new ones are pushed.
//!
//! It reads the objects of the repository with the changes, too, but writes none there. It is shallow,
//! which a repository that is judged must not be: nothing but the record is read from it.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::{AUDIT, LEDGER, Recorded, Tip, back, line_since, oid, read, tip_that};
use crate::content::SKEW;
use crate::core::digest::Digest;
use crate::core::record::entry::Entry;
use crate::core::record::parts::Hex;
use crate::core::time::Time;
use crate::git::{Move, Moved, Oid, Program, Repo};

/// How much more of the ledger is fetched if its end holds no entry.
const DEEPER: [&str; 3] = ["--deepen=10", "--deepen=200", "--deepen=10000"];

/// How many times more of the ledger is fetched, each time twice as much, and how much at first.
const ROUNDS: u32 = 16;
const FIRST_ROUND: u32 = 50;

/// The end of a ledger.
pub struct Store {
    repo: Repo,
    program: Program,
    url: String,
    /// The tips of the branches with the record, as far as they were fetched.
    tips: BTreeMap<String, Oid>,
    _folder: TempDir,
}

impl Store {
    /// Fetches the end of the ledger at an address. `changes` is the repository whose changes are
    /// recorded, and `let_in` gives the git program what it needs to get there.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub fn fetch(
        changes: &Repo,
        url: &str,
        let_in: impl FnOnce(Program) -> Program,
    ) -> anyhow::Result<Self> {
        let folder = changes.aside()?;
        let program = let_in(Program::at(folder.path().to_owned()));
        if let Err(error) = fetch(&program, &["--depth=1"], url) {
            // git fails if there is nothing to fetch, too.
            let any = format!("refs/heads/{AUDIT}*");
            if program.run(&["ls-remote", url, &any]).is_ok_and(|refs| refs.is_empty()) {
                let (repo, tips) = (Repo::open_end(folder.path())?, BTreeMap::new());
                return Ok(Store { repo, program, url: url.to_owned(), tips, _folder: folder });
            }
            return Err(error);
        }
        let repo = Repo::open_end(folder.path())?;
        let tips = tips(&repo)?;
        Ok(Store { repo, program, url: url.to_owned(), tips, _folder: folder })
    }

    /// Returns the repository, with the record's end and what the changes' repository holds.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Returns the address that it was fetched from.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the git program for it.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Returns the tip of a branch with the record; `None` if there is none.
    pub fn branch(&self, name: &str) -> Option<Oid> {
        self.tips.get(name).copied()
    }

    /// Returns what the next entry is put behind, among those that count; `None` if the ledger hasn't
    /// begun.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn tip(
        &self,
        counts: &dyn Fn(&Recorded) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Option<Tip>> {
        let Some(commit) = self.branch(LEDGER) else { return Ok(None) };
        let mut found = tip_that(&self.repo, commit, counts);
        // Foreign commits may be above the last entry.
        for more in DEEPER {
            if found.is_ok() {
                break;
            }
            fetch(&self.program, &[more], &self.url)?;
            found = tip_that(&self.repo, commit, counts);
        }
        found.map(Some)
    }

    /// Returns the entries that count and were recorded since a time, the newest first, for which as much more of
    /// the ledger is fetched as it takes. The dates of foreign commits mean nothing.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub fn since(
        &self,
        time: Time,
        counts: &dyn Fn(&Recorded) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Vec<Entry>> {
        let Some(tip) = self.branch(LEDGER) else { return Ok(Vec::new()) };
        for round in 0..ROUNDS {
            let mut entries = Vec::new();
            for commit in back(&self.repo, tip) {
                // What wasn't fetched yet can't be read.
                let Ok(recorded) = commit.and_then(|commit| read(&self.repo, commit)) else {
                    break;
                };
                let is_one = recorded.entry.is_ok() && counts(&recorded)?;
                let Some(entry) = recorded.entry.ok().filter(|_| is_one) else { continue };
                let is_first = entry.index == 0;
                if entry.statement.predicate.recorded_at + SKEW < time {
                    return Ok(entries);
                }
                entries.push(entry);
                if is_first {
                    return Ok(entries);
                }
            }
            self.deepen(round)?;
        }
        bail!("{LEDGER} can't be read back to {} UTC", time.for_people(None))
    }

    /// Whether a commit is part of the ledger, of which as much more is fetched as it takes.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub fn holds(&self, commit: Oid) -> anyhow::Result<bool> {
        let Some(tip) = self.branch(LEDGER) else { return Ok(false) };
        for round in 0..ROUNDS {
            let mut last = tip;
            // What wasn't fetched yet can't be read.
            for next in back(&self.repo, tip).map_while(Result::ok) {
                if next == commit {
                    return Ok(true);
                }
                last = next;
            }
            let first = read(&self.repo, last).ok().and_then(|recorded| recorded.entry.ok());
            if first.is_some_and(|entry| entry.index == 0) {
                return Ok(false);
            }
            self.deepen(round)?;
        }
        bail!("{LEDGER} can't be read back to {commit}")
    }

    /// Fetches more of the ledger, twice as much in each round.
    fn deepen(&self, round: u32) -> anyhow::Result<()> {
        let ledger = format!("refs/heads/{LEDGER}:refs/heads/{LEDGER}");
        let deeper = format!("--deepen={}", FIRST_ROUND << round);
        self.program.fetch(&[&deeper], &self.url, &[&ledger])
    }

    /// Fetches a file that an entry rests on; `None` if there is none of this name, or if it isn't what
    /// the entry says.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub fn material(&self, entry: &Entry, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let named = entry.statement.predicate.material.iter().find(|it| it.name == name);
        let Some(named) = named.filter(|it| it.withheld.is_none()) else { return Ok(None) };
        self.program.fetch(&[], &self.url, &[&named.git_blob.to_string()])?;
        let bytes = self.repo.bytes(oid(&named.git_blob)?)?;
        Ok(Some(bytes).filter(|bytes| Hex(Digest::of(bytes)) == named.sha256))
    }

    /// Pushes new commits of the record: all of them or none.
    ///
    /// # Errors
    /// When the ledger can't be reached.
    pub fn push(&mut self, moves: &[Move]) -> anyhow::Result<Moved> {
        let pushed = self.program.push(&self.url, moves)?;
        if pushed == Moved::Yes {
            self.tips.extend(moves.iter().map(|(name, _, to)| (name.clone(), *to)));
        }
        Ok(pushed)
    }

    /// Fetches what others have recorded in the meantime, and returns those entries, oldest first.
    ///
    /// # Errors
    /// When it can't be fetched, or doesn't continue what was fetched before.
    pub fn catch_up(&mut self) -> anyhow::Result<Vec<Entry>> {
        let before = self.branch(LEDGER);
        fetch(&self.program, &[], &self.url)
            .context("the ledger isn't a continuation of what it was a moment ago")?;
        self.tips = tips(&self.repo)?;
        let Some(now) = self.branch(LEDGER) else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for commit in line_since(&self.repo, now, before)? {
            entries.extend(read(&self.repo, commit)?.entry.ok());
        }
        entries.reverse();
        Ok(entries)
    }
}

/// Fetches the branches with the record, never by force.
fn fetch(program: &Program, options: &[&str], url: &str) -> anyhow::Result<()> {
    program.fetch(options, url, &[&format!("refs/heads/{AUDIT}*:refs/heads/{AUDIT}*")])
}

fn tips(repo: &Repo) -> anyhow::Result<BTreeMap<String, Oid>> {
    let refs = repo.refs(&format!("refs/heads/{AUDIT}"))?.into_iter();
    let named =
        refs.filter_map(|(name, tip)| Some((name.strip_prefix("refs/heads/")?.to_owned(), tip)));
    Ok(named.collect())
}
