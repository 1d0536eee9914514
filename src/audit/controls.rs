//! What each control had to say in a period: the rules that served it, what they judged and found, and
//! when there was none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::Period;
use super::case::{Tips, evidence};
use super::entries::{Entries, read_again};
use super::population::{How, Line, lines, of_period};
use crate::content::bundle_files;
use crate::core::layout::POLICIES;
use crate::core::policy::codes::catalogue;
use crate::core::record::entry::Entry;
use crate::core::record::statement::Kind;
use crate::core::terms::Effect;
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::{Oid, Repo};
use crate::ledger::oid;

mod pairs;

pub use pairs::Pair;
use pairs::Pairs;

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
    let origin = entries.sound()?.statement.predicate.origin.clone();
    let lines = lines(repo, tips, judges, entries)?;
    let mut catalogues = Catalogues { repo, known: HashMap::new() };
    let mut policies = Vec::new();
    for line in &lines {
        policies.extend(in_force(&mut catalogues, line, period)?);
    }
    let selected = of_period(&lines, entries, period);
    let count = |kind| selected.iter().filter(|listed| listed.kind == kind).count();
    let within = lines.iter().flat_map(|line| &line.commits).filter(|it| it.is_in(period));
    let unrecorded = within.filter(|it| matches!(it.how, How::Nothing(_))).count();
    let (mut controls, mut pairs) = (by_control(&mut catalogues, &policies)?, Pairs::default());
    let kept = evidence(repo, tips)?.commits;
    read_again(repo, selected.iter().copied(), |listed, entry, _| {
        count_findings(&mut controls, &mut catalogues, &entry)?;
        if listed.kind == Kind::Merge {
            pairs.count(repo, kept.get(&listed.id), &entry);
        }
        Ok(())
    })?;
    Ok(Controls {
        origin,
        period,
        merges: count(Kind::Merge),
        bypasses: count(Kind::Bypass),
        unrecorded,
        controls: controls.into_values().collect(),
        gaps: gaps(&mut catalogues, &policies)?,
        pairs: pairs.most_frequent(),
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
    let commits = line.commits.iter().map(|arrived| (arrived.commit, Some(arrived.at)));
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

/// Returns each control that a rule serves.
fn by_control(
    catalogues: &mut Catalogues<'_>,
    policies: &[RuleInForce],
) -> anyhow::Result<BTreeMap<String, Control>> {
    let mut all = BTreeMap::new();
    for version in policies {
        for (code, controls) in catalogues.at(version.id)? {
            for control in controls {
                Control::of(&mut all, control).rules.insert(code.clone());
            }
        }
    }
    Ok(all)
}

/// Counts what the rules judged and found in an entry.
fn count_findings(
    all: &mut BTreeMap<String, Control>,
    catalogues: &mut Catalogues<'_>,
    entry: &Entry,
) -> anyhow::Result<()> {
    let it = &entry.statement.predicate;
    let (Some(policies), Some(bones)) = (&it.policies, &it.decision) else { return Ok(()) };
    let served = catalogues.at(oid(&policies.commit)?)?;
    if it.kind == Kind::Merge {
        for control in served.values().flatten().collect::<BTreeSet<_>>() {
            Control::of(all, control).merges += 1;
        }
    }
    for finding in &bones.findings {
        for control in served.get(&finding.code).into_iter().flatten() {
            Control::of(all, control).found(&finding.code, finding.effect, entry.index);
        }
    }
    Ok(())
}

impl Control {
    /// Returns the control with this id, which is added if it isn't there.
    fn of<'a>(all: &'a mut BTreeMap<String, Control>, control: &str) -> &'a mut Self {
        all.entry(control.to_owned()).or_insert_with(|| Control {
            control: control.to_owned(),
            rules: BTreeSet::new(),
            merges: 0,
            findings: Vec::new(),
        })
    }

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
