//! Verifies what a service recorded of pull requests on a forge, which has facts that Git doesn't hold: the
//! evidence has them, and is compared with everything that Git can tell.

use super::Replayed;
use super::entry::{Case, Check, is_near};
use crate::audit::Step;
use crate::audit::case::Files;
use crate::content::{Changeset, Pull};
use crate::core::record::parts::{CollectorKind, Merge, Method, ObjectId};
use crate::core::record::statement::Kind;
use crate::gate::arrivals::unrecorded;
use crate::gate::judge::Judge;
use crate::gate::merge::merge_tree;
use crate::gate::record::{subject, tip};
use crate::gate::tables_after;
use crate::git::{Commit, Oid};
use crate::ledger::oid;

impl Check<'_> {
    /// Whether a service made the entry, and not a person who merges in plain Git.
    pub(super) fn is_of_service(&self) -> bool {
        self.entry.statement.predicate.collector.kind != CollectorKind::Person
    }

    /// Returns the commits that have to be on the first-parent lines of these branches: those by whose
    /// settings it was judged, recorded and signed.
    pub(super) fn on_lines(&mut self) -> anyhow::Result<Vec<(String, Oid)>> {
        let it = &self.entry.statement.predicate;
        let (Some(base), Some(base_ref)) = (&it.base, self.base_ref) else { return Ok(Vec::new()) };
        if it.kind == Kind::Decision && base.judged_on.is_some() {
            let why = "only what a merge queue has merged was judged on a commit of one";
            self.finding(Step::Provenance, why);
        }
        let branch = base.name.strip_prefix("refs/heads/").unwrap_or(&base.name).to_owned();
        let on = (branch, oid(&base.commit)?);
        Ok(match it.kind {
            // Theirs is that of the range that they cover.
            Kind::Merge | Kind::Bypass => Vec::new(),
            Kind::Decision => vec![on, (base_ref.to_owned(), oid(&base.protecting)?)],
            Kind::Genesis | Kind::Keys | Kind::Note => vec![on],
        })
    }

    /// Checks where what a service recorded comes from, and makes the decision again.
    pub(super) fn service(&mut self, files: &Files) -> anyhow::Result<Option<fn(&mut Replayed)>> {
        let it = &self.entry.statement.predicate;
        let merged = match &it.merge {
            Some(merge) => {
                let commit = oid(&merge.covers.to).and_then(|id| self.repo.commit(id));
                let Ok(commit) = commit else {
                    let why = "the commit that it is about isn't in this repository";
                    self.finding(Step::Provenance, why);
                    return Ok(None);
                };
                if self.base_ref.is_some() {
                    self.brought(merge, &commit)?;
                }
                Some(commit)
            }
            None => None,
        };
        let base = it.base.as_ref().map(|base| oid(&base.commit)).transpose()?;
        let (Some(base), Some(head), Some(policies)) = (base, &it.head, &it.policies) else {
            let is_about = merged.as_ref().map(tip);
            if it.merge.is_some() && self.entry.statement.subject != Vec::from_iter(is_about) {
                self.finding(Step::Provenance, "it is about something else than its commit");
            }
            self.reason(None);
            return Ok(None);
        };
        let Ok(judge) = self.judges.at(self.repo, base) else { return Ok(None) };
        self.policies(policies, &judge, base)?;
        let head = oid(head)?;
        if self.base_ref.is_some() && self.repo.commit(head).is_ok() {
            return self.with_head(files, &judge, (base, head), merged.as_ref());
        }
        // What was squashed or never merged need not be here.
        self.reason(None);
        let after = merged.as_ref().map_or(head, |commit| commit.id);
        let is_here = self.base_ref.is_some() && it.kind == Kind::Merge;
        if let Some(merged) = merged.as_ref().filter(|_| is_here) {
            self.is_what_was_merged(files, base, merged)?;
        }
        if self.base_ref.is_some() {
            let (pull, path) = (self.pull((base, head)), self.request_path(files));
            let changeset = Changeset { files: Vec::new(), path };
            let (org, merged) = (&judge.bundle().org, merged.as_ref());
            let has_head = false;
            self.evidence(
                files,
                &Case { pull: &pull, changeset: &changeset, org, has_head, merged },
            );
        }
        Ok(self.again_apart(files, &judge, after))
    }

    /// Checks what was judged, whose commits are here, and makes the decision again.
    fn with_head(
        &mut self,
        files: &Files,
        judge: &Judge,
        (base, head): (Oid, Oid),
        merged: Option<&Commit>,
    ) -> anyhow::Result<Option<fn(&mut Replayed)>> {
        let it = &self.entry.statement.predicate;
        let pull = self.pull((base, head));
        let changeset = Changeset::of(self.repo, base, head, &pull.name)?;
        let is_as_judged =
            merged.map(|merged| merge_tree(self.repo, &pull).ok() == Some(merged.tree));
        if it.kind == Kind::Merge && is_as_judged == Some(false) {
            self.finding(Step::Provenance, "the merge brought something else than was judged");
        }
        self.reason(is_as_judged);
        self.files_are_theirs(&changeset, head)?;
        let request = changeset.path.as_deref().zip(self.request());
        if self.entry.statement.subject != subject(request, head, merged) {
            self.finding(Step::Provenance, "it is about something else than its commits");
        }
        let org = &judge.bundle().org;
        self.evidence(
            files,
            &Case { pull: &pull, changeset: &changeset, org, has_head: true, merged },
        );
        let brings = || tables_after(self.repo, head, &changeset);
        Ok(self.again(files, judge, changeset.path.as_deref(), brings))
    }

    /// Returns the pull request that the entry names.
    fn pull(&self, (base, head): (Oid, Oid)) -> Pull {
        let it = &self.entry.statement.predicate;
        let name = it.pull.as_ref().map(|pull| pull.name.clone()).unwrap_or_default();
        let base_ref = it.base.as_ref().and_then(|base| base.name.strip_prefix("refs/heads/"));
        Pull { name, id: None, base_ref: base_ref.map(str::to_owned), base, head, log: None }
    }

    /// Checks that what a merge brought is what was judged, whose commits aren't here: the same request,
    /// and no other files.
    fn is_what_was_merged(
        &mut self,
        files: &Files,
        base: Oid,
        merged: &Commit,
    ) -> anyhow::Result<()> {
        let brought = self.repo.changes(Some(base), merged.id)?;
        let mut brought: Vec<_> = brought.into_iter().map(|file| file.path).collect();
        let mut judged = self.changed_files(files);
        brought.sort_unstable();
        judged.sort_unstable();
        let changeset = Changeset::of(self.repo, base, merged.id, "the merge")?;
        self.files_are_theirs(&changeset, merged.id)?;
        if brought != judged {
            self.finding(Step::Provenance, "the merge brought other files than were judged");
        }
        Ok(())
    }

    /// Checks how something reached the base, and which part of the base the entry accounts for.
    fn brought(&mut self, merge: &Merge, last: &Commit) -> anyhow::Result<()> {
        let it = &self.entry.statement.predicate;
        let Some(base) = &it.base else { return Ok(()) };
        let from = oid(&merge.covers.from)?;
        let range = unrecorded(self.repo, self.judges, from, last.id).unwrap_or_default();
        let first = range.first().map(|(_, commit)| commit.parents.first().copied());
        let ends = range.last().map(|(_, commit)| commit.id);
        let is_one = range.len() == 1 || matches!(merge.method, Method::Rebase | Method::Queue);
        if ends != Some(last.id) || !is_one {
            let why = "the range that it covers holds a commit that needs an entry of its own, or \
                       isn't part of the branch's history";
            self.finding(Step::Coverage, why);
        }
        if first.flatten() != Some(oid(&base.commit)?) {
            self.finding(Step::Provenance, "it names another base than its commits have");
        }
        if let Some(on) = base.judged_on.as_ref().map(oid).transpose()?
            && !(merge.method == Method::Queue && range.iter().any(|(_, commit)| commit.id == on))
        {
            let why =
                "it was judged on a commit of a merge queue that isn't among those that it covers";
            self.finding(Step::Provenance, why);
        }
        let head = it.head.as_ref().map(ObjectId::to_string);
        let second = last.parents.get(1).map(ToString::to_string);
        if merge.method == Method::Merge && it.kind == Kind::Merge && second != head {
            self.finding(Step::Provenance, "its commit isn't the merge of its head");
        }
        if merge.method != Method::Push && !is_near(merge.at, last.time) {
            self.finding(Step::Time, "it names another time than its commit has");
        }
        Ok(())
    }
}
