//! Coverage: whether everything that reached the protected branches in a period is recorded.

use schemars::JsonSchema;
use serde::Serialize;

use super::Period;
use super::case::Tips;
use super::entries::{Entries, Placed};
use super::policies::{Brought, brought};
use super::population::{How, Line, claimed, is_gone, lines, uncovered, who};
use crate::core::record::explanation::Explained;
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::{Commit, Repo};

/// What reached the protected branches in a period.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Coverage {
    /// The log's origin.
    pub origin: String,
    /// The number of its entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: String,
    /// The period.
    pub period: Period,
    /// When the log began: nothing before is recorded.
    pub since: Time,
    /// The branches.
    pub branches: Vec<BranchCoverage>,
    /// The protected branches that exist and that the log doesn't cover.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncovered: Vec<String>,
    /// Whether the log covers all of the period.
    pub is_covered: bool,
    /// Whether it does, on each protected branch, and nothing is unrecorded.
    pub is_complete: bool,
}

/// What reached a protected branch.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BranchCoverage {
    /// The branch.
    pub branch: String,
    /// The commit behind which coverage begins.
    pub from: String,
    /// The branch's tip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tip: Option<String>,
    /// The number of commits on its first-parent line.
    pub commits: usize,
    /// How many of them have an entry of kind merge.
    pub merges: usize,
    /// How many change nothing that is governed.
    pub free: usize,
    /// Those that are recorded as bypasses.
    pub bypasses: Vec<Bypassed>,
    /// Those that are recorded nowhere.
    pub unrecorded: Vec<Unrecorded>,
    /// What else is wrong: what was recorded, and isn't on the branch any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// A commit that went around the gate, and is recorded as such.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Bypassed {
    /// The commit.
    pub commit: String,
    /// When it arrived.
    pub at: Time,
    /// The index of its entry.
    pub index: u64,
    /// The id of its entry.
    pub entry: String,
    /// Who brought it, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The address that the commit claims to be from, where that isn't known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
    /// Why it is a bypass.
    pub because: String,
    /// The policies that it brought, if it changed them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Brought>,
    /// The first line of its message.
    pub title: String,
    /// What was said about it later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explained>,
}

/// A commit that is recorded nowhere.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unrecorded {
    /// The commit.
    pub commit: String,
    /// When it arrived, as far as its date shows.
    pub at: Time,
    /// Who brought it, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The address that the commit claims to be from, where that isn't known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<String>,
    /// The first line of its message.
    pub title: String,
    /// The index of the entry whose range hides it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_in: Option<u64>,
}

/// Returns what reached the protected branches in a period.
///
/// # Errors
/// When the ledger can't be relied on, or when the repository can't be read.
pub fn coverage(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    entries: &Entries,
    period: Period,
) -> anyhow::Result<Coverage> {
    let last = &entries.sound()?.entry;
    let lines = lines(repo, tips, judges, entries)?;
    let branches: Vec<_> =
        lines.iter().map(|line| of_line(repo, judges, entries, line, period)).collect();
    let is_recorded =
        branches.iter().all(|branch| branch.unrecorded.is_empty() && branch.problems.is_empty());
    let first = entries.all.first().unwrap_or(entries.sound()?);
    let since = first.entry.statement.predicate.recorded_at;
    let is_covered = period.is_within(since);
    let uncovered = uncovered(repo, tips, judges, &last.state.bases)?;
    Ok(Coverage {
        origin: last.statement.predicate.origin.clone(),
        size: last.index + 1,
        root: last.state.tree.root().to_string(),
        period,
        since,
        branches,
        is_covered,
        is_complete: is_covered && is_recorded && uncovered.is_empty(),
        uncovered,
    })
}

/// Returns what reached one branch in a period.
pub fn of_line(
    repo: &Repo,
    judges: &Judges,
    entries: &Entries,
    line: &Line<'_>,
    period: Period,
) -> BranchCoverage {
    let explanations = entries.explanations(repo);
    let mut policies = brought(repo, entries);
    let problems = line.problem.iter().cloned();
    let problems = problems.chain(line.gone.iter().map(|placed| is_gone(placed, &line.branch)));
    let mut found = BranchCoverage {
        branch: line.branch.clone(),
        from: line.from.to_string(),
        tip: line.tip.map(|tip| tip.to_string()),
        commits: 0,
        merges: 0,
        free: 0,
        bypasses: Vec::new(),
        unrecorded: Vec::new(),
        problems: problems.collect(),
    };
    for arrived in line.commits.iter().filter(|arrived| arrived.is_in(period)) {
        let (commit, at) = (&arrived.commit, arrived.at);
        found.commits += 1;
        match arrived.how {
            How::Merge(_) => found.merges += 1,
            How::Free => found.free += 1,
            How::Bypass(placed) => {
                let mut bypassed = bypassed(commit, at, placed);
                bypassed.explanations =
                    explanations.get(&bypassed.entry).cloned().unwrap_or_default();
                bypassed.policies = policies.remove(&bypassed.index);
                found.bypasses.push(bypassed);
            }
            How::Nothing(hides) => {
                let by = who(repo, judges, commit);
                found.unrecorded.push(Unrecorded {
                    commit: commit.id.to_string(),
                    at,
                    claims: claimed(by.as_ref(), commit),
                    by,
                    title: commit.title().to_owned(),
                    hidden_in: hides.map(|placed| placed.entry.index),
                });
            }
        }
    }
    found
}

fn bypassed(commit: &Commit, at: Time, placed: &Placed) -> Bypassed {
    let merge = placed.entry.statement.predicate.merge.as_ref();
    let by = merge.and_then(|merge| merge.by.clone());
    let because = merge.and_then(|merge| merge.because).map(|because| because.to_string());
    Bypassed {
        commit: commit.id.to_string(),
        at,
        index: placed.entry.index,
        entry: placed.entry.id.to_string(),
        claims: claimed(by.as_ref(), commit),
        by,
        policies: None,
        because: because.unwrap_or_default(),
        title: commit.title().to_owned(),
        explanations: Vec::new(),
    }
}
