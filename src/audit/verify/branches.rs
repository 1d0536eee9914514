//! Holds the branches against what is recorded of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Run;
use super::entry::Reviewed;
use crate::audit::case::Tips;
use crate::audit::population::{is_uncovered, uncovered};
use crate::audit::{Finding, Step};
use crate::content::journal::{self, Entry};
use crate::content::{SKEW, short};
use crate::core::layout::table;
use crate::core::record::parts::ObjectId;
use crate::gate::arrivals::unrecorded;
use crate::gate::judge::{Judge, Judges};
use crate::git::{Fresh, Oid, Repo};
use crate::ledger::oid;

impl Run {
    /// Checks that the commits that entries name as their bases are on the first-parent lines of these.
    pub(super) fn lines(&mut self, repo: &Repo, tips: Tips<'_>) -> anyhow::Result<()> {
        let named = std::mem::take(&mut self.on_lines);
        let mut missing: HashMap<&str, HashSet<Oid>> = HashMap::new();
        for (branch, on, ..) in &named {
            missing.entry(branch).or_default().insert(*on);
        }
        // What is near the tip is found without reading the whole branch.
        for (branch, missing) in &mut missing {
            let (mut fresh, mut next) = (Fresh::of(repo), tips(branch)?);
            while let Some(on) = next.filter(|_| !missing.is_empty()) {
                missing.remove(&on);
                next = fresh.get()?.parent(on)?;
            }
        }
        for (branch, on, index, commit) in &named {
            if missing[branch.as_str()].contains(on) {
                let (index, commit, on) = (*index, *commit, *on);
                let why = format!("it names {} as its base, which is not on {branch}", short(on));
                self.finding(Step::Provenance, index, commit, why);
            }
        }
        Ok(())
    }

    /// Checks that branches which the ledger began to cover later were protected, and are covered from
    /// where they left a covered one.
    pub(super) fn beginnings(
        &mut self,
        repo: &Repo,
        tips: Tips<'_>,
        judges: &Judges,
    ) -> anyhow::Result<()> {
        for Begun { name, from, bases, index, commit } in std::mem::take(&mut self.begun) {
            let branch = name.strip_prefix("refs/heads/").unwrap_or(&name);
            let mut known = HashSet::new();
            for covered in bases.values() {
                known.extend(repo.first_parents(oid(covered)?)?);
            }
            let line = tips(branch)?.map(|tip| repo.first_parents(tip)).transpose()?;
            let mut before = line.into_iter().flatten().skip_while(|commit| *commit != from);
            if !known.contains(&from) && before.any(|commit| known.contains(&commit)) {
                let why = format!("{branch} isn't covered from where it left a covered branch");
                self.finding(Step::Provenance, Some(index), commit, why);
            }
            if !is_protected(repo, tips, judges, &bases, branch)? {
                let why = format!("no settings on a covered branch protect {branch}");
                self.finding(Step::Provenance, Some(index), commit, why);
            }
        }
        Ok(())
    }

    /// Checks that reviews on which decisions in plain Git rest are still on their branches, and that
    /// none was there that they leave out.
    pub(super) fn reviews(&mut self, repo: &Repo, tips: Tips<'_>) -> anyhow::Result<()> {
        for (Reviewed { branch, tip, at }, index, commit) in std::mem::take(&mut self.reviewed) {
            // What a clone has not is nothing that it can tell.
            let Some(now) = tips(&branch)?.filter(|now| Some(*now) != tip) else { continue };
            let journal = journal::entries(repo, now)?;
            let known = journal.iter().position(|entry| Some(entry.commit.id) == tip);
            let later = known.map_or(0, |known| known + 1);
            // The guard takes none that is dated back.
            let is_left_out = |entry: &Entry| entry.commit.time + SKEW < at;
            let why = if tip.is_some() && known.is_none() {
                format!("{branch} doesn't hold the reviews that it was decided on")
            } else if let Some(entry) = journal[later..].iter().find(|entry| is_left_out(entry)) {
                let review = short(entry.commit.id);
                format!("it leaves out {review}, a review on {branch} that was given before")
            } else {
                continue;
            };
            self.finding(Step::Provenance, Some(index), commit, why);
        }
        Ok(())
    }

    /// Holds the protected branches against what is recorded of them.
    pub(super) fn coverage(
        &mut self,
        repo: &Repo,
        tips: Tips<'_>,
        base_ref: &str,
        judges: &Judges,
    ) -> anyhow::Result<()> {
        if !self.state.bases.contains_key(&format!("refs/heads/{base_ref}")) {
            let message = format!("the ledger doesn't cover {base_ref}: nothing there is recorded");
            self.out.findings.push(Finding {
                step: Step::Coverage,
                index: None,
                commit: None,
                message,
            });
        }
        for (name, covered) in self.state.bases.clone() {
            self.out.bases.insert(name.clone(), covered.to_string());
            let branch = name.strip_prefix("refs/heads/").unwrap_or(&name);
            let mut missing = |commit: Option<Oid>, message: String| {
                let commit = commit.map(|commit| commit.to_string());
                let step = Step::Coverage;
                self.out.findings.push(Finding { step, index: None, commit, message });
            };
            let Some(tip) = tips(branch)? else {
                missing(None, format!("{branch} is gone, which the ledger covers"));
                continue;
            };
            match unrecorded(repo, judges, oid(&covered)?, tip) {
                Ok(commits) => commits.iter().for_each(|(_, commit)| {
                    let title = crate::report::escape::terminal(commit.title());
                    missing(
                        Some(commit.id),
                        format!("it reached {branch}, and is recorded nowhere: {title}"),
                    );
                }),
                Err(error) => missing(Some(tip), format!("{branch}: {error:#}")),
            }
        }
        Ok(())
    }

    /// Names the branches that the settings on a covered one protect, and that aren't covered.
    pub(super) fn uncovered(
        &mut self,
        repo: &Repo,
        tips: Tips<'_>,
        judges: &Judges,
    ) -> anyhow::Result<()> {
        let missing = uncovered(repo, tips, judges, &self.state.bases)?;
        self.out.findings.extend(missing.into_iter().map(|branch| Finding {
            step: Step::Coverage,
            index: None,
            commit: None,
            message: is_uncovered(&branch),
        }));
        Ok(())
    }
}

/// A branch that the ledger began to cover behind its beginning.
pub(super) struct Begun {
    /// Its name.
    pub(super) name: String,
    /// The commit from which on it is covered.
    pub(super) from: Oid,
    /// What was covered before.
    pub(super) bases: BTreeMap<String, ObjectId>,
    /// The entry that says so, and its commit.
    pub(super) index: u64,
    pub(super) commit: Oid,
}

/// Whether settings on one of the covered branches, up to where it was accounted for or after that,
/// protect another one: who writes the entry has seen more of them than is recorded.
fn is_protected(
    repo: &Repo,
    tips: Tips<'_>,
    judges: &Judges,
    bases: &BTreeMap<String, ObjectId>,
    branch: &str,
) -> anyhow::Result<bool> {
    let path = table("settings");
    for (name, covered) in bases {
        let covered = oid(covered)?;
        let mut commits = match tips(name.strip_prefix("refs/heads/").unwrap_or(name))? {
            Some(tip) => repo.first_parents(tip)?,
            None => Vec::new(),
        };
        commits.truncate(commits.iter().position(|it| *it == covered).unwrap_or(0));
        let mut known = None;
        for commit in commits.into_iter().chain([covered]).rev() {
            let settings = repo.entry(commit, &path)?;
            if known.replace(settings) == Some(settings) {
                continue;
            }
            let protects = |judge: Judge| {
                judge.bundle().org.settings.protected_bases.iter().any(|it| it == branch)
            };
            if judges.at(repo, commit).is_ok_and(protects) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
