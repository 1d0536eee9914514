//! Coverage: whether everything that reached the protected branches in a period is recorded.

use schemars::JsonSchema;
use serde::Serialize;

use super::Period;
use super::case::Tips;
use super::entries::{Entries, read_again};
use super::policies::Brought;
use super::population::{How, Line, claimed, is_gone, lines, uncovered, who};
use crate::core::record::explanation::Explained;
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::Repo;

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
    let last = entries.sound()?;
    let lines = lines(repo, tips, judges, entries)?;
    let branches = of_lines(repo, tips, judges, entries, &lines, period)?;
    let is_recorded =
        branches.iter().all(|branch| branch.unrecorded.is_empty() && branch.problems.is_empty());
    let since = entries.since;
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

/// Returns what reached each branch in a period.
///
/// # Errors
/// When the repository can't be read.
pub fn of_lines(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    entries: &Entries,
    lines: &[Line<'_>],
    period: Period,
) -> anyhow::Result<Vec<BranchCoverage>> {
    let of_line = |line| of_line(repo, judges, line, period);
    let mut all = lines.iter().map(of_line).collect::<anyhow::Result<Vec<_>>>()?;
    let explanations = entries.explanations(repo, tips)?;
    let mut brought = Vec::new();
    for BranchCoverage { branch, bypasses, .. } in &mut all {
        let branch = format!("refs/heads/{branch}");
        for Bypassed { index, commit, entry, policies, explanations: said, .. } in bypasses {
            *said = explanations.get(entry).cloned().unwrap_or_default();
            brought.extend(policies.as_mut().map(|it| (it, *index, branch.clone(), &*commit)));
        }
    }
    let is_any = !brought.is_empty();
    let decided = entries.all.iter().filter(|_| is_any);
    read_again(repo, decided, |listed, entry, _| {
        for (policies, bypass, branch, commit) in &mut brought {
            let by = (*bypass, &**branch, commit.as_str());
            policies.take(by, listed.index, &entry.statement.predicate);
        }
        Ok(())
    })?;
    Ok(all)
}

/// Returns what reached a branch in a period, without what later entries say of it.
fn of_line(
    repo: &Repo,
    judges: &Judges,
    line: &Line<'_>,
    period: Period,
) -> anyhow::Result<BranchCoverage> {
    let problems = line.problem.iter().cloned();
    let problems = problems.chain(line.gone.iter().map(|listed| is_gone(listed, &line.branch)));
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
    let mut around = Vec::new();
    for arrived in line.commits.iter().filter(|arrived| arrived.is_in(period)) {
        found.commits += 1;
        match arrived.how {
            How::Merge(_) => found.merges += 1,
            How::Free => found.free += 1,
            How::Bypass(listed) => around.push((arrived, listed)),
            How::Nothing(hides) => {
                let commit = repo.commit(arrived.commit)?;
                let by = who(repo, judges, &commit);
                found.unrecorded.push(Unrecorded {
                    commit: commit.id.to_string(),
                    at: arrived.at,
                    claims: claimed(by.as_ref(), &commit),
                    by,
                    title: commit.title().to_owned(),
                    hidden_in: hides.map(|listed| listed.index),
                });
            }
        }
    }
    let mut arrived = around.iter().map(|(arrived, _)| arrived);
    read_again(repo, around.iter().map(|(_, listed)| *listed), |listed, entry, _| {
        let Some(arrived) = arrived.next() else { return Ok(()) };
        let commit = repo.commit(arrived.commit)?;
        let it = &entry.statement.predicate;
        let merge = it.merge.as_ref();
        let by = merge.and_then(|merge| merge.by.clone());
        let because = merge.and_then(|merge| merge.because).map(|because| because.to_string());
        found.bypasses.push(Bypassed {
            commit: commit.id.to_string(),
            at: arrived.at,
            index: listed.index,
            entry: listed.id.to_string(),
            claims: claimed(by.as_ref(), &commit),
            by,
            policies: Brought::by(repo, it),
            because: because.unwrap_or_default(),
            title: commit.title().to_owned(),
            explanations: Vec::new(),
        });
        Ok(())
    })?;
    Ok(found)
}
