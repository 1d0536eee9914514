//! Finds out from a change's own commits since when it has had its current content.

use std::collections::{HashMap, HashSet};

use super::Materials;
use crate::core::time::Time;
use crate::git::{Commit, Oid};

/// The content of a change over its commits.
pub struct History {
    /// The commits with head's content after which no commit has other content.
    settled: HashSet<Oid>,
    /// The time at which head's content arrived.
    arrived_at: Option<Time>,
}

impl History {
    /// Compares the content at `head` with that of the change's own commits, newest first.
    ///
    /// # Errors
    /// When a commit can't be read.
    pub fn of(commits: &[Commit], head: Oid, materials: &Materials<'_>) -> anyhow::Result<Self> {
        let wanted = materials.at(head)?;
        let mut differing = HashSet::new();
        for commit in commits {
            if materials.at(commit.id)? != wanted {
                differing.insert(commit.id);
            }
        }
        let settled = if wanted.is_some() { settled(commits, &differing) } else { HashSet::new() };
        Ok(History { settled, arrived_at: arrived_at(commits, head, &differing) })
    }

    /// Whether a commit and every commit after it have head's content.
    pub fn is_unchanged_since(&self, commit: Oid) -> bool {
        self.settled.contains(&commit)
    }

    /// Returns when head's content arrived, or `None` if none of the commits has it.
    pub fn arrived_at(&self) -> Option<Time> {
        self.arrived_at
    }
}

/// Returns the commits with head's content that are descendants of every commit without it.
fn settled(commits: &[Commit], differing: &HashSet<Oid>) -> HashSet<Oid> {
    let same = commits.iter().map(|commit| commit.id).filter(|id| !differing.contains(id));
    let mut settled: HashSet<Oid> = same.collect();
    for last in last_ones(commits, differing) {
        let mut above = HashSet::from([last]);
        for commit in commits.iter().rev() {
            if commit.parents.iter().any(|parent| above.contains(parent)) {
                above.insert(commit.id);
            }
        }
        settled.retain(|id| above.contains(id));
    }
    settled
}

/// Returns those of `some` commits that are not ancestors of another one of them.
fn last_ones(commits: &[Commit], some: &HashSet<Oid>) -> Vec<Oid> {
    let mut below = HashSet::new();
    let mut last = Vec::new();
    for commit in commits {
        let is_below = below.contains(&commit.id);
        let is_one = some.contains(&commit.id);
        if is_one && !is_below {
            last.push(commit.id);
        }
        if is_one || is_below {
            below.extend(commit.parents.iter().copied());
        }
    }
    last
}

/// Returns the time of the oldest commit, from head back along first parents, since which the
/// content has been the same.
fn arrived_at(commits: &[Commit], head: Oid, differing: &HashSet<Oid>) -> Option<Time> {
    let own: HashMap<Oid, &Commit> = commits.iter().map(|commit| (commit.id, commit)).collect();
    let mut arrived_at = None;
    let mut next = own.get(&head);
    while let Some(commit) = next.filter(|commit| !differing.contains(&commit.id)) {
        arrived_at = Some(commit.time);
        next = commit.parents.first().and_then(|parent| own.get(parent));
    }
    arrived_at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Identity;

    /// Commits by number, newest first, with the numbers of their parents.
    fn commits(shape: &[(u8, &[u8])]) -> Vec<Commit> {
        let nobody = Identity { name: String::new(), email: String::new() };
        let commit = |(number, parents): &(u8, &[u8])| Commit {
            id: id(*number),
            parents: parents.iter().map(|parent| id(*parent)).collect(),
            tree: id(0),
            author: nobody.clone(),
            committer: nobody.clone(),
            time: "2026-11-23T10:00:00Z".parse().unwrap(),
            message: String::new(),
        };
        shape.iter().map(commit).collect()
    }

    fn id(number: u8) -> Oid {
        Oid::from_bytes(&[number; 20]).unwrap()
    }

    fn settled_of(shape: &[(u8, &[u8])], differing: &[u8]) -> Vec<u8> {
        let differing = differing.iter().map(|number| id(*number)).collect();
        let settled = settled(&commits(shape), &differing);
        shape.iter().map(|(number, _)| *number).filter(|n| settled.contains(&id(*n))).collect()
    }

    #[test]
    fn content_settles_after_the_last_other_one() {
        let line: [(u8, &[u8]); 4] = [(4, &[3]), (3, &[2]), (2, &[1]), (1, &[9])];
        assert_eq!(settled_of(&line, &[]), [4, 3, 2, 1]);
        assert_eq!(settled_of(&line, &[2]), [4, 3]);
        assert_eq!(settled_of(&line, &[1, 3]), [4]);
        // Two branches, merged by 5: the content of one is new to the other.
        let sides: [(u8, &[u8]); 5] = [(5, &[4, 3]), (4, &[2]), (3, &[1]), (2, &[1]), (1, &[9])];
        assert_eq!(settled_of(&sides, &[]), [5, 4, 3, 2, 1]);
        assert_eq!(settled_of(&sides, &[3]), [5]);
        assert_eq!(settled_of(&sides, &[1]), [5, 4, 3, 2]);
        assert_eq!(settled_of(&sides, &[2, 3]), [5]);
    }
}
