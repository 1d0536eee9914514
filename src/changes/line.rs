//! The first-parent line of the base: what each commit on it merged, or changed around the rules.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bypass;
use super::kept::Kept;
use super::story::merges::Merge;
use crate::forge::git::Git;
use crate::gate::arrivals::change_named_by;
use crate::git::{Oid, Repo};

/// The name under which it is kept.
const LINE: &str = "line";

/// The number of commits that are read at a time.
const CHUNK: usize = 128;

/// The line up to a base, and the changes that were merged into it.
pub(super) struct Line {
    commits: HashSet<Oid>,
    heads: HashSet<Oid>,
    merges: HashMap<String, Vec<Oid>>,
    bypasses: BTreeMap<String, Vec<Around>>,
}

/// A commit on the base that changed a request, or the policies, without being the merge of a change.
pub(super) struct Around {
    pub(super) commit: Oid,
    /// The request that it changed; `None` if it changed something else.
    pub(super) path: Option<String>,
    /// The number of merges of that change before it.
    pub(super) round: usize,
}

/// What is kept of it.
#[derive(Default, Deserialize, Serialize)]
struct Read {
    /// The addresses as which GitHub was taken to commit.
    github: Vec<String>,
    /// The commits, oldest first.
    line: Vec<Passed>,
}

/// A commit on the line.
#[derive(Deserialize, Serialize)]
struct Passed {
    commit: String,
    /// The commit that it merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// The names of the changes that it put there: by a merge one, by a commit that GitHub made any number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    merged: Vec<String>,
    /// The names of what it changed around the rules, with the paths of requests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    around: BTreeMap<String, Option<String>>,
}

impl Line {
    /// Reads the line up to `base`. The merges of branches that are still there have their names, if nothing
    /// else says it.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub(super) fn read(
        git: &Git,
        base: Oid,
        branches: &BTreeMap<String, Oid>,
        kept: Option<&Kept>,
    ) -> anyhow::Result<Self> {
        let github = bypass::of_github(git);
        let known = kept.and_then(|kept| kept.read::<Read>(LINE));
        let mut read = known.filter(|known| known.github == github).unwrap_or_default();
        let is_new = read.go_on(git.repo(), base, &github)?;
        read.github = github;
        if let Some(kept) = kept.filter(|_| is_new) {
            kept.write(LINE, &read);
        }
        let names = branches.iter().map(|(name, head)| (head.to_string(), name)).collect();
        read.line(&names)
    }

    /// Whether a commit is on it.
    pub(super) fn holds(&self, commit: Oid) -> bool {
        self.commits.contains(&commit)
    }

    /// Whether a commit was merged into it.
    pub(super) fn merged(&self, head: Oid) -> bool {
        self.heads.contains(&head)
    }

    /// Returns the commits that merged a change, oldest first.
    pub(super) fn merges(&self, name: &str) -> &[Oid] {
        self.merges.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the commits that changed it without being its merge, oldest first.
    pub(super) fn bypasses(&self, name: &str) -> &[Around] {
        self.bypasses.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the names of the changes that it describes.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.merges.keys().chain(self.bypasses.keys())
    }
}

impl Read {
    /// Reads what is behind the last commit that is known; returns whether there was anything.
    fn go_on(&mut self, repo: &Repo, base: Oid, github: &[String]) -> anyhow::Result<bool> {
        let places = self.line.iter().enumerate().map(|(at, it)| (it.commit.as_str(), at));
        let places: HashMap<_, _> = places.collect();
        let (mut new, mut next, mut known) = (Vec::new(), Some(base), 0);
        while let Some(commit) = next {
            if let Some(at) = places.get(commit.to_string().as_str()) {
                known = at + 1;
                break;
            }
            new.push(commit);
            next = repo.parent(commit)?;
        }
        self.line.truncate(known);
        new.reverse();
        let folder = repo.folder();
        let chunks = new.par_chunks(CHUNK).map(|chunk| {
            // libgit2 keeps what a repository that is open has read.
            let repo = Repo::open(&folder)?;
            chunk.iter().map(|commit| Passed::read(&repo, *commit, github)).collect()
        });
        for passed in chunks.collect::<anyhow::Result<Vec<Vec<_>>>>()? {
            self.line.extend(passed);
        }
        Ok(!new.is_empty())
    }

    fn line(self, names: &HashMap<String, &String>) -> anyhow::Result<Line> {
        let mut line = Line {
            commits: HashSet::with_capacity(self.line.len()),
            heads: HashSet::new(),
            merges: HashMap::new(),
            bypasses: BTreeMap::new(),
        };
        for Passed { commit, head, merged, around } in self.line {
            let commit = Oid::from_str(&commit)?;
            line.commits.insert(commit);
            let named = head.as_ref().and_then(|head| names.get(head));
            let named = named.filter(|_| merged.is_empty());
            if let Some(head) = &head {
                line.heads.insert(Oid::from_str(head)?);
            }
            for (name, path) in around.into_iter().filter(|_| named.is_none()) {
                let round = line.merges(&name).len();
                line.bypasses.entry(name).or_default().push(Around { commit, path, round });
            }
            for name in merged.into_iter().chain(named.map(|name| (*name).clone())) {
                line.merges.entry(name).or_default().push(commit);
            }
        }
        Ok(line)
    }
}

impl Passed {
    fn read(repo: &Repo, id: Oid, github: &[String]) -> anyhow::Result<Self> {
        let commit = repo.commit(id)?;
        let merge = Merge::read(commit.clone());
        let name = merge.as_ref().and_then(|_| change_named_by(repo, &commit));
        let own = merge.as_ref().filter(|_| name.is_some());
        let around = bypass::paths(repo, &commit, own, github)?;
        let squashed = bypass::squashed(repo, &commit, github)?;
        Ok(Passed {
            commit: id.to_string(),
            head: merge.map(|merge| merge.head.to_string()),
            merged: name.into_iter().chain(squashed).collect(),
            around,
        })
    }
}
