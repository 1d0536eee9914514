//! Verifies an entry by itself: its commit, who signed it, what it rests on and where that comes from,
//! and its decision, made again.

use super::Replayed;
use super::signing::Signing;
use super::teams::{Teams, teams};
use crate::audit::Step;
use crate::audit::case::{self, Files, Found, Kept, Recorded};
use crate::audit::policies::Brought;
use crate::audit::population::claimed;
use crate::content::conflicts::Known;
use crate::content::journal::log_named_by;
use crate::content::{Changeset, Pull, SKEW, bundle_files, short};
use crate::core::layout::{POLICIES, is_below};
use crate::core::org::{LedgerSettings, Org};
use crate::core::record::entry::Entry;
use crate::core::record::explanation::{EXPLANATION_FILE, Explanation};
use crate::core::record::parts::{CollectorKind, Digests, Hex, Policies};
use crate::core::record::seal::Seal;
use crate::core::record::seen::Seen;
use crate::core::record::statement::{Kind, Unreadable};
use crate::core::time::Time;
use crate::gate::arrivals::change_named_by;
use crate::gate::judge::{Judge, Judges};
use crate::gate::merge::merge_tree;
use crate::gate::record::{dir_hash, subject, tip};
use crate::gate::signing::{SignedBy, signed_by};
use crate::gate::tables_after;
use crate::git::{Commit, Oid, Repo};
use crate::ledger::{self, NOBODY, Recorded as Held, has_form, object_id, oid};

mod again;

/// A commit of the line, checked by itself.
pub struct Checked {
    /// The commit.
    pub commit: Oid,
    /// The entry that it holds.
    pub entry: Result<Entry, Unreadable>,
    /// What is wrong with it.
    pub findings: Vec<(Step, String)>,
    /// What making its decision again adds to the results.
    pub replay: Option<fn(&mut Replayed)>,
    /// The log as those saw it who made what the entry is about, by their commits.
    pub seen: Vec<(Oid, Seen)>,
    /// What it says about a bypass.
    pub said: Option<Explanation>,
    /// Commits that have to be on the first-parent lines of these branches.
    pub on_lines: Vec<(String, Oid)>,
    /// Who signed it.
    pub signing: Signing,
    /// The material that an erasure took out, each with the index of its note.
    pub erased: Vec<(String, u64)>,
    /// The reviews in plain Git on which its decision rests.
    pub reviewed: Option<Reviewed>,
    /// The address that a commit claims to be from, where the entry doesn't name who brought it.
    pub claims: Option<String>,
    /// The policies that it says came around the gate.
    pub brought: Option<Brought>,
    /// The members of teams on which it rests.
    pub(super) teams: Teams,
    /// Whether commits aren't here with which its evidence would be compared.
    pub is_partial: bool,
}

/// Checks one commit of the line, in a repository in which changes go to the branch `base_ref`.
pub fn check(
    repo: &Repo,
    judges: &Judges,
    base_ref: &str,
    commit: Oid,
    evidence: &Kept,
) -> Checked {
    check_in(repo, judges, Some(base_ref), commit, evidence)
}

/// Checks a commit as [`check`] does, in a repository without the history of what it is about.
pub fn check_apart(repo: &Repo, judges: &Judges, commit: Oid, evidence: &Kept) -> Checked {
    check_in(repo, judges, None, commit, evidence)
}

fn check_in(
    repo: &Repo,
    judges: &Judges,
    base_ref: Option<&str>,
    commit: Oid,
    evidence: &Kept,
) -> Checked {
    let unread = Unreadable::Malformed("it can't be read".to_owned());
    let mut checked = Checked {
        commit,
        entry: Err(unread),
        findings: Vec::new(),
        replay: None,
        seen: Vec::new(),
        said: None,
        on_lines: Vec::new(),
        signing: Signing::default(),
        erased: Vec::new(),
        reviewed: None,
        claims: None,
        brought: None,
        teams: Teams::new(),
        is_partial: false,
    };
    let mut read = || -> anyhow::Result<()> {
        let Held { entry, seal, tree, .. } = ledger::read(repo, commit)?;
        checked.entry = entry;
        let Ok(entry) = &checked.entry else { return Ok(()) };
        let findings = &mut checked.findings;
        let mut check = Check {
            repo,
            judges,
            base_ref,
            entry,
            seal: seal.as_ref(),
            requests: evidence.requests.as_ref(),
            is_whole: true,
            is_partial: false,
            reviewed: None,
            findings,
        };
        checked.signing =
            Signing { by: check.commit((commit, tree))?, settings: check.settings()? };
        check.time();
        check.kind()?;
        check.withheld();
        check.erasure(evidence);
        let (files, erased) = check.material(evidence)?;
        checked.replay = check.provenance(&files)?;
        (checked.reviewed, checked.is_partial) = (check.reviewed.take(), check.is_partial);
        checked.seen = seen_by(&files);
        checked.teams = teams(&files);
        checked.brought = Brought::by(repo, &entry.statement.predicate);
        if let Some(merge) = &entry.statement.predicate.merge {
            let commit = repo.commit(oid(&merge.covers.to)?).ok();
            checked.claims = commit.and_then(|commit| claimed(merge.by.as_ref(), &commit));
        }
        if base_ref.is_some() {
            // What was merged before the log covers a branch can have seen another one: this one, if it
            // was deleted and begun a second time.
            for base in &entry.statement.predicate.bases {
                checked.seen.extend(ledger::seen_on(repo, oid(&base.commit)?)?);
            }
        }
        checked.on_lines = check.on_lines()?;
        let said = files.get(EXPLANATION_FILE);
        checked.said = said.and_then(|bytes| Explanation::read(bytes).ok());
        checked.erased = erased;
        Ok(())
    };
    if let Err(error) = read() {
        let why = format!("an object is missing, or isn't what its id says: {error:#}");
        checked.findings.push((Step::Objects, why));
    }
    checked
}

/// Returns the log as the makers of the commits among the material saw it.
fn seen_by(files: &Files) -> Vec<(Oid, Seen)> {
    let seen = |(name, bytes): (&String, &Vec<u8>)| {
        let id = Oid::from_str(name.strip_prefix("commits/")?).ok()?;
        Some((id, Seen::in_message(std::str::from_utf8(bytes).ok()?)?))
    };
    files.iter().filter_map(seen).collect()
}

/// The reviews on which a decision in plain Git rests.
#[derive(Debug)]
pub struct Reviewed {
    /// The branch with them.
    pub branch: String,
    /// Where it stood; `None` if there was none.
    pub tip: Option<Oid>,
    /// When that was.
    pub at: Time,
}

/// A pull request whose evidence is compared.
pub(super) struct Case<'a> {
    pub pull: &'a Pull,
    pub changeset: &'a Changeset,
    pub org: &'a Org,
    /// Whether its commits are here, and not only what came of them.
    pub has_head: bool,
    /// The commit that came of it.
    pub merged: Option<&'a Commit>,
}

/// An entry that is being checked.
pub(super) struct Check<'a> {
    pub(super) repo: &'a Repo,
    pub(super) judges: &'a Judges,
    /// The branch that changes go to; `None` if the repository doesn't hold the history of what the
    /// entry is about.
    pub(super) base_ref: Option<&'a str>,
    pub(super) entry: &'a Entry,
    pub(super) seal: Option<&'a Seal>,
    /// The requests on the bases, where many entries are verified.
    pub(super) requests: Option<&'a Known>,
    /// Whether nothing of what it rests on was erased.
    is_whole: bool,
    pub(super) is_partial: bool,
    pub(super) reviewed: Option<Reviewed>,
    findings: &'a mut Vec<(Step, String)>,
}

impl Check<'_> {
    pub(super) fn finding(&mut self, step: Step, message: impl Into<String>) {
        self.findings.push((step, message.into()));
    }

    /// Checks that the commit holds the entry and nothing else, and returns who signed it; `None` if that
    /// proves nothing.
    fn commit(&mut self, (commit, tree): (Oid, Option<Oid>)) -> anyhow::Result<Option<SignedBy>> {
        let it = &self.entry.statement.predicate;
        let is_person = it.collector.kind == CollectorKind::Person;
        let who = if is_person { it.collector.who.as_str() } else { NOBODY };
        let parents = self.repo.commit(commit)?.parents;
        let named = if self.seal.is_some() { NOBODY } else { who };
        let has_form = |tree| has_form(self.repo, (commit, tree), &parents, self.entry, named);
        if !tree.map(has_form).transpose()?.unwrap_or(false) {
            let why = "the commit isn't exactly that of the entry: its message, its date or its \
                       headers say something else";
            self.finding(Step::Line, why);
        }
        let base = it.base.as_ref().map(|base| oid(&base.commit)).transpose()?;
        let judge = base.map(|base| self.judges.in_force(self.repo, base));
        let Some(Ok(judge)) = judge else {
            let why =
                "the policies that it names can't be read, so that nobody can say who may sign";
            self.finding(Step::Provenance, why);
            return Ok(Some(SignedBy::Nobody));
        };
        match signed_by(self.repo, &judge.bundle().org, commit, it, self.seal) {
            Ok(by) => Ok(Some(by)),
            Err(why) => {
                self.finding(Step::Signature, why);
                Ok(None)
            }
        }
    }

    /// Returns what the settings say of the ledger where the entry begins, changes keys, or brings a
    /// base; `None` if it does nothing of that, or they can't be read.
    fn settings(&self) -> anyhow::Result<Option<LedgerSettings>> {
        let it = &self.entry.statement.predicate;
        let base = it.base.as_ref().filter(|_| it.keys.is_some()).map(|base| &base.commit);
        let Some(commit) = it.merge.as_ref().map(|merge| &merge.covers.to).or(base) else {
            return Ok(None);
        };
        let judge = self.judges.at(self.repo, oid(commit)?).ok();
        Ok(judge.map(|judge| judge.bundle().org.settings.ledger.clone()))
    }

    /// Returns the material, as far as it is there and what the statement says, and what was erased.
    fn material(&mut self, evidence: &Kept) -> anyhow::Result<(Files, Vec<(String, u64)>)> {
        let Found { files, erased, problems } = case::material(self.repo, self.entry, evidence)?;
        problems.into_iter().for_each(|problem| self.finding(Step::Material, problem));
        self.is_whole = erased.is_empty();
        Ok((files, erased))
    }

    /// Checks where what was judged comes from, and makes the decision again.
    fn provenance(&mut self, files: &Files) -> anyhow::Result<Option<fn(&mut Replayed)>> {
        let it = &self.entry.statement.predicate;
        if self.is_of_service() {
            return self.service(files);
        }
        let Some(merge) = &it.merge else { return Ok(None) };
        let Ok(commit) = oid(&merge.covers.to).and_then(|id| self.repo.commit(id)) else {
            let why = "the commit that it is about isn't in this repository, or isn't what its id \
                       says";
            self.finding(Step::Provenance, why);
            return Ok(None);
        };
        if merge.at != commit.time {
            self.finding(Step::Time, "it names another time than its commit has");
        }
        if self.base_ref.is_some() {
            self.arrival(merge, &commit)?;
        }
        let base = it.base.as_ref().map(|base| oid(&base.commit)).transpose()?;
        let (Some(base), Some(head), Some(policies)) = (base, &it.head, &it.policies) else {
            if self.entry.statement.subject != [tip(&commit)] {
                self.finding(Step::Provenance, "it is about something else than its commit");
            }
            self.reason(None);
            self.plain_reason(merge, &commit);
            return Ok(None);
        };
        let head = oid(head)?;
        if commit.parents != [base, head] {
            self.finding(
                Step::Provenance,
                format!("{} isn't the merge of its head into its base", short(commit.id)),
            );
            return Ok(None);
        }
        let Ok(judge) = self.judges.at(self.repo, base) else { return Ok(None) };
        self.policies(policies, &judge, base)?;
        if self.base_ref.is_none() {
            self.reason(None);
            return Ok(self.again_apart(files, &judge, head));
        }
        self.replay(files, &judge, (base, head), &commit)
    }

    /// Checks that the policies that it names are those on its base.
    pub(super) fn policies(
        &mut self,
        policies: &Policies,
        judge: &Judge,
        base: Oid,
    ) -> anyhow::Result<()> {
        let folder = self.repo.entry(base, POLICIES)?.map(|entry| entry.id.to_string());
        let is_theirs = folder == Some(policies.git_tree.to_string())
            && policies.digest == judge.bundle().digest
            && policies.commit.to_string() == base.to_string()
            && policies.dir_hash == Hex(dir_hash(&bundle_files(self.repo, base)?));
        if !is_theirs {
            self.finding(Step::Provenance, "it names other policies than those on its base");
        }
        Ok(())
    }

    /// Checks the history of what was judged, and makes the decision again.
    fn replay(
        &mut self,
        files: &Files,
        judge: &Judge,
        (base, head): (Oid, Oid),
        merged: &Commit,
    ) -> anyhow::Result<Option<fn(&mut Replayed)>> {
        let it = &self.entry.statement.predicate;
        let name = it.pull.as_ref().map(|pull| pull.name.as_str()).unwrap_or_default();
        let base_ref = it.base.as_ref().and_then(|base| base.name.strip_prefix("refs/heads/"));
        let pull = Pull::of_change(name, base_ref.unwrap_or_default(), base, head)
            .with_log(log_named_by(&merged.message));
        let changeset = Changeset::of(self.repo, base, head, &pull.name)?;
        let is_as_judged = merge_tree(self.repo, &pull).ok() == Some(merged.tree);
        if it.kind == Kind::Merge && !is_as_judged {
            self.finding(Step::Provenance, "the merge brought something else than was judged");
        }
        self.reason(Some(is_as_judged));
        self.files_are_theirs(&changeset, head)?;
        let request = changeset.path.as_deref().zip(self.request());
        if self.entry.statement.subject != subject(request, head, Some(merged))
            || change_named_by(self.repo, merged).as_ref() != Some(&pull.name)
        {
            self.finding(Step::Provenance, "it is about something else than its commit");
        }
        let org = &judge.bundle().org;
        let merged = Some(merged);
        self.evidence(
            files,
            &Case { pull: &pull, changeset: &changeset, org, has_head: true, merged },
        );
        let brings = || tables_after(self.repo, head, &changeset);
        Ok(self.again(files, judge, changeset.path.as_deref(), brings))
    }

    /// Returns the digests of the request that it rests on.
    pub(super) fn request(&self) -> Option<Digests> {
        let mut material = self.entry.statement.predicate.material.iter();
        material.find(|it| it.name == "request.yaml").map(|it| Digests {
            sha256: Some(it.sha256.clone()),
            git_blob: Some(it.git_blob.clone()),
            ..Digests::default()
        })
    }

    /// Checks that request and evidence are those of the commits.
    pub(super) fn files_are_theirs(
        &mut self,
        changeset: &Changeset,
        head: Oid,
    ) -> anyhow::Result<()> {
        let mut material = self.entry.statement.predicate.material.iter();
        let request = material.find(|it| it.name == "request.yaml");
        let held = match &changeset.path {
            Some(path) => self.repo.entry(head, path)?.map(|entry| entry.id),
            None => None,
        };
        if request.map(|it| it.git_blob.clone()) != held.map(object_id) {
            self.finding(Step::Provenance, "its request isn't the one at its head");
        }
        let changes_policies = changeset.files.iter().any(|file| is_below(&file.path, POLICIES));
        if held.is_some() && changes_policies {
            self.finding(Step::Provenance, "its head changes policies beside the request");
        }
        Ok(())
    }
}

/// Whether two clocks show the same time, within the tolerated difference.
pub(super) fn is_near(one: Time, other: Time) -> bool {
    one <= other + SKEW && other <= one + SKEW
}
