//! Holds the branches against what is recorded of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Run;
use crate::audit::case::Tips;
use crate::audit::{Finding, Step};
use crate::content::short;
use crate::gate::arrivals::unrecorded;
use crate::gate::judge::Judges;
use crate::git::{Oid, Repo};
use crate::ledger::oid;

impl Run {
    /// Checks that what was judged on branches is on their first-parent lines.
    pub(super) fn lines(&mut self, repo: &Repo, tips: Tips<'_>) -> anyhow::Result<()> {
        let mut lines: HashMap<String, HashSet<Oid>> = HashMap::new();
        for (branch, on, index, commit) in std::mem::take(&mut self.on_lines) {
            if !lines.contains_key(&branch) {
                let line = tips(&branch)?.map(|tip| repo.first_parents(tip)).transpose()?;
                lines.insert(branch.clone(), line.into_iter().flatten().collect());
            }
            if !lines[&branch].contains(&on) {
                let why = format!("it was judged on {}, which is not on {branch}", short(on));
                self.finding(Step::Provenance, index, commit, why);
            }
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
        let mut missing = BTreeSet::new();
        for name in self.state.bases.keys() {
            let tip = tips(name.strip_prefix("refs/heads/").unwrap_or(name))?;
            let Some(Ok(judge)) = tip.map(|tip| judges.at(repo, tip)) else { continue };
            for branch in &judge.bundle().org.settings.protected_bases {
                let is_covered = self.state.bases.contains_key(&format!("refs/heads/{branch}"));
                if !is_covered && tips(branch)?.is_some() {
                    missing.insert(branch.clone());
                }
            }
        }
        self.out.findings.extend(missing.into_iter().map(|branch| Finding {
            step: Step::Coverage,
            index: None,
            commit: None,
            message: format!(
                "{branch} is protected and not recorded yet: the next `changegate merge` into it \
                 begins that"
            ),
        }));
        Ok(())
    }
}
