//! What each control had to say in a period: the rules that served it, what they judged and found, and
//! when there was none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::Period;
use super::case::Tips;
use super::entries::{Entries, Placed};
use super::population::{How, Line, lines, of_period};
use crate::content::bundle_files;
use crate::core::evidence::{Evidence, Review, ReviewState};
use crate::core::layout::POLICIES;
use crate::core::policy::codes::catalogue;
use crate::core::record::statement::Kind;
use crate::core::terms::{Effect, Login};
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::{Oid, Repo};
use crate::ledger::{held, oid};

/// What each control had to say in a period.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Controls {
    /// The log's origin.
    pub origin: String,
    /// The period.
    pub period: Period,
    /// The number of merges in it.
    pub merges: usize,
    /// The number of commits that went around the gate.
    pub bypasses: usize,
    /// The number of commits that are recorded nowhere.
    pub unrecorded: usize,
    /// The controls, by id.
    pub controls: Vec<Control>,
    /// When a control that some rule serves had no rule.
    pub gaps: Vec<Gap>,
    /// The policies that were in force, branch by branch, oldest first.
    pub policies: Vec<RuleInForce>,
    /// How often one person's change was signed off by another.
    pub pairs: Vec<Pair>,
}

/// A control.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Control {
    /// Its id, such as `SOC2:CC8.1`.
    pub control: String,
    /// The codes of the rules that serve it, in any of the policies.
    pub rules: BTreeSet<String>,
    /// The number of merges that were judged by them.
    pub merges: usize,
    /// What they found.
    pub findings: Vec<Found>,
}

/// What a rule found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// Its code.
    pub code: String,
    /// What it did to the verdict.
    pub effect: Effect,
    /// The indexes of the entries.
    pub entries: Vec<u64>,
}

/// A time without a rule for a control.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gap {
    /// The control.
    pub control: String,
    /// The branch.
    pub branch: String,
    /// When it began; before the period or the ledger if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When it ended; it hasn't if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// Policies, and when they were in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RuleInForce {
    /// The branch.
    pub branch: String,
    /// The first commit that holds them.
    pub commit: String,
    /// When that arrived; before the ledger covers the branch if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When others replaced them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The number of rules that serve a control.
    pub rules: usize,
    #[serde(skip)]
    id: Oid,
}

/// Two people.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pair {
    /// Who requested.
    pub requester: Login,
    /// Who signed off.
    pub approver: Login,
    /// How many merges.
    pub merges: usize,
    /// The median of the seconds from the arrival of what was judged to their approval; left out if no
    /// evidence tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_seconds: Option<u64>,
    /// The least of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_seconds: Option<u64>,
}

/// The controls that each code serves.
type Served = BTreeMap<String, Vec<String>>;

/// Returns what each control had to say in a period.
///
/// # Errors
/// When the ledger can't be relied on, or when the repository can't be read.
pub fn controls(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    entries: &Entries,
    period: Period,
) -> anyhow::Result<Controls> {
    let origin = entries.sound()?.entry.statement.predicate.origin.clone();
    let lines = lines(repo, tips, judges, entries)?;
    let mut catalogues = Catalogues { repo, known: HashMap::new() };
    let mut policies = Vec::new();
    for line in &lines {
        policies.extend(in_force(&mut catalogues, line, period)?);
    }
    let selected = of_period(&lines, entries, period);
    let merges: Vec<_> = selected
        .iter()
        .filter(|placed| placed.entry.statement.predicate.kind == Kind::Merge)
        .copied()
        .collect();
    let within = lines.iter().flat_map(|line| &line.commits).filter(|it| it.is_in(period));
    let unrecorded = within.filter(|it| matches!(it.how, How::Nothing(_))).count();
    let is_bypass = |placed: &&&Placed| placed.entry.statement.predicate.kind == Kind::Bypass;
    Ok(Controls {
        origin,
        period,
        merges: merges.len(),
        bypasses: selected.iter().filter(is_bypass).count(),
        unrecorded,
        controls: by_control(&mut catalogues, &policies, &selected)?,
        gaps: gaps(&mut catalogues, &policies)?,
        pairs: pairs(repo, entries, &merges),
        policies,
    })
}

/// The meaning of the policies at commits, each content read once.
struct Catalogues<'r> {
    repo: &'r Repo,
    known: HashMap<Oid, Served>,
}

impl Catalogues<'_> {
    fn at(&mut self, commit: Oid) -> anyhow::Result<&Served> {
        let folder = self.repo.entry(commit, POLICIES)?.map_or(Oid::ZERO_SHA1, |it| it.id);
        if !self.known.contains_key(&folder) {
            let served = match bundle_files(self.repo, commit) {
                Ok(files) => catalogue(&files)
                    .into_iter()
                    .filter(|(_, info)| !info.controls.is_empty())
                    .map(|(code, info)| (code, info.controls))
                    .collect(),
                Err(_) => Served::new(),
            };
            self.known.insert(folder, served);
        }
        Ok(&self.known[&folder])
    }
}

/// Returns the policies that were in force on a branch in a period.
fn in_force(
    catalogues: &mut Catalogues<'_>,
    line: &Line<'_>,
    period: Period,
) -> anyhow::Result<Vec<RuleInForce>> {
    let commits = line.commits.iter().map(|arrived| (arrived.commit.id, Some(arrived.at)));
    let mut found: Vec<RuleInForce> = Vec::new();
    let mut last = None;
    for (id, since) in [(line.from, None)].into_iter().chain(commits) {
        let folder = catalogues.repo.entry(id, POLICIES)?.map(|it| it.id);
        if last == Some(folder) {
            continue;
        }
        last = Some(folder);
        if let Some(before) = found.last_mut() {
            before.until = since;
        }
        let (branch, commit) = (line.branch.clone(), id.to_string());
        let rules = catalogues.at(id)?.len();
        found.push(RuleInForce { branch, commit, since, until: None, rules, id });
    }
    found.retain(|it| {
        period.until.is_none_or(|until| it.since.is_none_or(|since| since < until))
            && period.since.is_none_or(|since| it.until.is_none_or(|until| since < until))
    });
    Ok(found)
}

/// Returns each control that a rule serves, with what the rules judged and found.
fn by_control(
    catalogues: &mut Catalogues<'_>,
    policies: &[RuleInForce],
    selected: &[&Placed],
) -> anyhow::Result<Vec<Control>> {
    let mut all: BTreeMap<String, Control> = BTreeMap::new();
    let new = |control: &str| Control {
        control: control.to_owned(),
        rules: BTreeSet::new(),
        merges: 0,
        findings: Vec::new(),
    };
    for version in policies {
        for (code, controls) in catalogues.at(version.id)? {
            for control in controls {
                let it = all.entry(control.clone()).or_insert_with(|| new(control));
                it.rules.insert(code.clone());
            }
        }
    }
    for placed in selected {
        let it = &placed.entry.statement.predicate;
        let (Some(policies), Some(bones)) = (&it.policies, &it.decision) else { continue };
        let served = catalogues.at(oid(&policies.commit)?)?;
        if it.kind == Kind::Merge {
            for control in served.values().flatten().collect::<BTreeSet<_>>() {
                all.entry(control.clone()).or_insert_with(|| new(control)).merges += 1;
            }
        }
        for finding in &bones.findings {
            for control in served.get(&finding.code).into_iter().flatten() {
                let it = all.entry(control.clone()).or_insert_with(|| new(control));
                it.found(&finding.code, finding.effect, placed.entry.index);
            }
        }
    }
    Ok(all.into_values().collect())
}

impl Control {
    fn found(&mut self, code: &str, effect: Effect, index: u64) {
        let known = self.findings.iter_mut().find(|it| it.code == code && it.effect == effect);
        match known {
            Some(known) => known.entries.push(index),
            None => {
                self.findings.push(Found { code: code.to_owned(), effect, entries: vec![index] });
            }
        }
    }
}

/// Returns when a control that a rule serves in some of the policies had none.
fn gaps(catalogues: &mut Catalogues<'_>, policies: &[RuleInForce]) -> anyhow::Result<Vec<Gap>> {
    let mut served = Vec::new();
    for version in policies {
        let codes = catalogues.at(version.id)?;
        served.push(codes.values().flatten().cloned().collect::<BTreeSet<_>>());
    }
    let all: BTreeSet<_> = served.iter().flatten().cloned().collect();
    let mut gaps: Vec<Gap> = Vec::new();
    for control in all {
        for (version, served) in policies.iter().zip(&served) {
            if served.contains(&control) {
                continue;
            }
            let branch = version.branch.clone();
            let (since, until) = (version.since, version.until);
            match gaps.last_mut() {
                Some(gap)
                    if gap.control == control && gap.branch == branch && gap.until == since =>
                {
                    gap.until = until;
                }
                _ => gaps.push(Gap { control: control.clone(), branch, since, until }),
            }
        }
    }
    Ok(gaps)
}

/// Counts whose changes were signed off by whom, and how fast, the most frequent first.
fn pairs(repo: &Repo, entries: &Entries, merges: &[&Placed]) -> Vec<Pair> {
    let mut counts: BTreeMap<(Login, Login), (usize, Vec<u64>)> = BTreeMap::new();
    for placed in merges {
        let entry = &placed.entry;
        let Some(bones) = &entry.statement.predicate.decision else { continue };
        let required = bones.sign_off.iter().flat_map(|it| &it.required);
        let approvers: BTreeSet<_> =
            required.filter_map(|required| required.satisfied_by.clone()).collect();
        let Some(requester) = bones.requester.as_ref().filter(|_| !approvers.is_empty()) else {
            continue;
        };
        let file = entries.kept.commits.get(&entry.id);
        let file = file.and_then(|commit| held(repo, *commit, entry, "evidence.json"));
        let evidence = file.and_then(|bytes| serde_json::from_slice::<Evidence>(&bytes).ok());
        for approver in approvers {
            let seconds = evidence.as_ref().and_then(|it| seconds_to_approve(it, &approver));
            let pair = counts.entry((requester.clone(), approver)).or_default();
            pair.0 += 1;
            pair.1.extend(seconds);
        }
    }
    let pair = |((requester, approver), (merges, mut seconds)): (_, (_, Vec<u64>))| {
        seconds.sort_unstable();
        let (median_seconds, least_seconds) = (median(&seconds), seconds.first().copied());
        Pair { requester, approver, merges, median_seconds, least_seconds }
    };
    let mut pairs: Vec<_> = counts.into_iter().map(pair).collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.merges));
    pairs
}

/// Returns how long after what was judged had arrived somebody approved it; `None` if the evidence
/// doesn't tell.
fn seconds_to_approve(evidence: &Evidence, approver: &Login) -> Option<u64> {
    let submitted_at = evidence.pull_request.as_ref().map(|it| it.submitted_at);
    let arrived_at = evidence.content_arrived_at.or(submitted_at)?;
    let is_approval = |review: &&Review| {
        review.state == ReviewState::Approved && review.user.as_ref() == Some(approver)
    };
    let approved_at = evidence.reviews.iter().filter(is_approval).map(|it| it.submitted_at);
    let first = approved_at.filter(|at| *at >= arrived_at).min()?;
    Some((first - arrived_at).as_seconds())
}

/// Returns the median of sorted numbers.
fn median(sorted: &[u64]) -> Option<u64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(lower + (upper - lower) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_approval_of_what_was_judged_counts() {
        let review = |user: &str, state: &str, at: &str| {
            serde_json::json!({
                "id": at, "user": user, "state": state,
                "submitted_at": format!("2026-11-24T{at}Z"),
            })
        };
        let evidence = |arrived_at: Option<&str>| {
            let mut evidence = serde_json::json!({
                "pull_request": {"submitted_at": "2026-11-24T09:00:00Z"},
                "reviews": [
                    review("bob", "COMMENTED", "09:00:01"),
                    review("carol", "APPROVED", "09:00:02"),
                    review("bob", "APPROVED", "09:00:10"),
                    review("bob", "APPROVED", "10:00:00"),
                ],
            });
            if let Some(at) = arrived_at {
                evidence["content_arrived_at"] = at.into();
            }
            serde_json::from_value::<Evidence>(evidence).unwrap()
        };
        let seconds = |arrived_at, who: &str| {
            seconds_to_approve(&evidence(arrived_at), &who.parse().unwrap())
        };
        assert_eq!(seconds(None, "bob"), Some(10));
        assert_eq!(seconds(Some("2026-11-24T09:30:00Z"), "bob"), Some(1800));
        assert_eq!(seconds(Some("2026-11-24T09:30:00Z"), "carol"), None);
        assert_eq!(seconds(None, "erin"), None);
    }

    #[test]
    fn a_median_is_in_the_middle() {
        for (sorted, expected) in
            [(&[][..], None), (&[3], Some(3)), (&[1, 4], Some(2)), (&[1, 2, 9], Some(2))]
        {
            assert_eq!(median(sorted), expected, "{sorted:?}");
        }
    }
}
