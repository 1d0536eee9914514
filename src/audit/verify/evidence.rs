//! Works out again what Git can show about the facts that a decision rests on, with the code that collected
//! them, and compares.
//!
//! In plain Git that is all but which other changes were open. Of a pull request on a forge it is what its
//! base holds, and, if its head is here, its files, the authors of its commits and what was reviewed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::entry::{Case, Check, Reviewed};
use super::logged::logged;
use crate::audit::Step;
use crate::audit::case::Files;
use crate::content::collect::Collector;
use crate::content::conflicts::{self, Conflicts, Meets};
use crate::content::journal::{self, REVIEWS};
use crate::content::{Materials, People, SKEW, request_at, request_before, short};
use crate::core::digest::to_json;
use crate::core::evidence::{Contributor, Evidence, ForgeKind, Part};
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::terms::{Login, all_of};
use crate::core::time::Time;
use crate::gate::record::{kept_commits, refs_read};
use crate::git::Oid;

impl Check<'_> {
    /// Compares the evidence about a pull request, which a person or a service recorded, with Git.
    pub(super) fn evidence(&mut self, files: &Files, case: &Case<'_>) {
        let Some(bytes) = files.get("evidence.json") else { return };
        let Ok(recorded) = serde_json::from_slice::<Evidence>(bytes) else { return };
        let is_plain = !self.is_of_service() || recorded.forge == Some(ForgeKind::Git);
        let compared = match is_plain {
            true if case.has_head => self.of_change(files, &recorded, case),
            true => return,
            false => self.of_pull(files, &recorded, case),
        };
        if let Err(error) = compared {
            let why = format!("its evidence can't be worked out again: {error:#}");
            self.finding(Step::Provenance, why);
        }
    }

    /// Compares all of the evidence about a change in plain Git.
    fn of_change(
        &mut self,
        files: &Files,
        recorded: &Evidence,
        &Case { pull, changeset, org, merged, .. }: &Case<'_>,
    ) -> anyhow::Result<()> {
        let Some(at) = self.decided_at() else { return Ok(()) };
        let Some(sources) = files.get("sources.json") else { return Ok(()) };
        let sources: Value = serde_json::from_slice(sources).unwrap_or_default();
        let branch = format!("{REVIEWS}{}", pull.name);
        let read = sources["refs"].as_array().into_iter().flatten();
        let mut of_reviews = read.filter(|it| it["ref"] == format!("refs/heads/{branch}"));
        let tip = of_reviews.next().and_then(|it| Oid::from_str(it["commit"].as_str()?).ok());
        let base_ref = pull.base_ref.as_deref().unwrap_or_default();
        if sources["refs"] != refs_read(base_ref, pull, tip) {
            let why = "sources.json names other branches than its change has";
            self.finding(Step::Provenance, why);
        }
        let collector = Collector::of(self.repo, pull, changeset, org, at)?;
        let request = collector.request()?;
        let mut found =
            self.conflicts(recorded, changeset.path.as_deref(), request.as_ref(), pull.base)?;
        let is_here = tip.is_none_or(|tip| self.repo.commit(tip).is_ok());
        let mut journal = match tip.filter(|_| is_here) {
            Some(tip) => journal::entries(self.repo, tip)?,
            None => Vec::new(),
        };
        let about = (changeset.path.as_deref(), request.as_ref());
        let (operations, incident) =
            logged(recorded, (self.repo, pull), about, &mut found.merged, at)?;
        if let Some(incident) = incident {
            found.incidents = vec![incident];
        }
        let kept = merged.map(|merged| kept_commits(self.repo, pull, &journal, merged.id));
        // What was said after a merge doesn't change how it was judged.
        if sources.get("others").is_none() {
            journal.retain(|entry| entry.commit.time <= at + SKEW);
        }
        let mut made = Evidence { operations, ..collector.evidence(&journal, found)? };
        if is_here {
            self.reviewed = Some(Reviewed { branch, tip, at });
            let kept = kept.transpose()?.unwrap_or_default();
            self.keeps(&kept);
        } else {
            self.is_partial = true;
            made.reviews.clone_from(&recorded.reviews);
            made.content_arrived_at = recorded.content_arrived_at;
        }
        self.compare(recorded, &made);
        Ok(())
    }

    /// Checks that the material holds exactly these commits.
    fn keeps(&mut self, commits: &BTreeSet<Oid>) {
        let material = self.entry.statement.predicate.material.iter();
        let named: Vec<_> =
            material.filter_map(|it| it.name.strip_prefix("commits/")).map(str::to_owned).collect();
        if !named.iter().eq(&commits.iter().map(Oid::to_string).collect::<Vec<_>>()) {
            let why = "it rests on other commits than its change and its reviews have";
            self.finding(Step::Provenance, why);
        }
    }

    /// Compares what Git can show with the evidence about a pull request on a forge.
    fn of_pull(
        &mut self,
        files: &Files,
        recorded: &Evidence,
        &Case { pull, changeset, org, has_head, merged }: &Case<'_>,
    ) -> anyhow::Result<()> {
        let mut made = recorded.clone();
        let path = changeset.path.as_deref();
        let request = match (path, files.get("request.yaml")) {
            (Some(path), Some(bytes)) => RequestFile::read(path, bytes).request,
            // It is withheld, or was deleted.
            (Some(path), None) if has_head => request_at(self.repo, pull.head, path)?.0.request,
            _ => None,
        };
        if path.is_none() || has_head || files.contains_key("request.yaml") {
            let mut found = self.conflicts(recorded, path, request.as_ref(), pull.base)?;
            let about = (path, request.as_ref());
            let logged = self.logged_on_forge(recorded, pull, about, &mut found.merged)?;
            let cannot_tell = logged.is_none() && recorded.operations.is_some();
            let (operations, incident) = logged.unwrap_or_default();
            if cannot_tell {
                self.is_partial = true;
            } else {
                made.operations = operations;
                made.merged = found.merged;
                made.incidents = incident.map_or(found.incidents, |incident| vec![incident]);
            }
            made.open = found.open;
            made.known_targets = found.known_targets;
            made.same_id = found.same_id;
            made.unread = found.unread;
        }
        made.previous = request_before(self.repo, pull.base, changeset)?.map(Box::new);
        let merge = self.entry.statement.predicate.merge.as_ref();
        made.as_of = merge.map_or(recorded.as_of, |merge| Some(merge.at));
        if let Some(pull_request) = &mut made.pull_request {
            pull_request.base_ref.clone_from(&pull.base_ref);
            pull_request.base = Some(pull.base.to_string());
            pull_request.head = Some(pull.head.to_string());
            let how = pull_request.merged.as_mut().filter(|_| merged.is_some());
            how.into_iter().for_each(|how| how.at = made.as_of.unwrap_or(how.at));
            if has_head {
                let paths = changeset.files.iter().map(|file| file.path.clone());
                pull_request.files = Some(paths.collect());
                let commits = self.repo.commits_between(Some(pull.base), pull.head)?;
                self.names_authors(&commits, &pull_request.contributors, &People::of(&org.roster))?;
            }
        }
        let materials = Materials::of(self.repo, path);
        for review in &mut made.reviews {
            let commit = review.commit.as_ref().and_then(|commit| Oid::from_str(commit).ok());
            let commit = commit.filter(|commit| self.repo.commit(*commit).is_ok());
            if let (Some(commit), Some(_)) = (commit, &review.material) {
                review.material = materials.at(commit)?;
            }
        }
        self.is_partial |= !has_head;
        self.compare(recorded, &made);
        Ok(())
    }

    /// Returns what else in the repository affects a change that merges the request at a path. Which
    /// other changes were open, and what they act on, is nowhere in it: that is taken as it is recorded.
    fn conflicts(
        &self,
        recorded: &Evidence,
        path: Option<&str>,
        request: Option<&ChangeRequest>,
        base: Oid,
    ) -> anyhow::Result<Conflicts> {
        let meets = Meets::of(request);
        let mut found = conflicts::at_base(self.repo, base, path, meets.as_ref(), self.requests)?;
        if let Some(meets) = &meets {
            recorded.open.iter().for_each(|other| found.add_open(meets, other.clone()));
            if recorded.known_targets.is_superset(&found.known_targets) {
                found.known_targets.clone_from(&recorded.known_targets);
            }
        }
        found.incidents = conflicts::incidents(self.repo, base, request)?;
        Ok(found)
    }

    /// Checks that the contributors hold somebody for each author of a commit: the owner of the address
    /// by the roster, the address itself, or somebody whom the forge alone knows as its owner.
    fn names_authors(
        &mut self,
        commits: &[Oid],
        contributors: &[Contributor],
        people: &People<'_>,
    ) -> anyhow::Result<()> {
        let mut authors = Vec::new();
        for id in commits {
            let commit = self.repo.commit(*id)?;
            let co_authors = commit.co_authors();
            authors.extend(co_authors.into_iter().map(|email| (*id, Part::CoAuthor, email)));
            authors.push((*id, Part::Author, commit.author.email));
        }
        let owners: BTreeSet<&Login> =
            authors.iter().filter_map(|(.., email)| people.with_email(email)).collect();
        for (id, part, email) in &authors {
            let is_named = contributors.iter().filter(|it| it.parts.contains(part)).any(|it| {
                let by_forge = it.login.as_ref().is_some_and(|login| !owners.contains(login));
                let by_roster = it.login.is_some() && it.login.as_ref() == people.with_email(email);
                by_forge || by_roster || it.email.as_ref() == Some(email)
            });
            if !is_named {
                let why = format!("its evidence leaves out who made {}", short(*id));
                self.finding(Step::Provenance, why);
            }
        }
        Ok(())
    }

    /// Names what is recorded otherwise than Git tells it.
    fn compare(&mut self, recorded: &Evidence, made: &Evidence) {
        let differing = differing(&to_json(recorded), &to_json(made));
        if !differing.is_empty() {
            let what = all_of(&differing);
            let why = format!("its evidence says something else than the commits about {what}");
            self.finding(Step::Provenance, why);
        }
    }

    pub(super) fn decided_at(&self) -> Option<Time> {
        self.entry.statement.predicate.decision.as_ref().map(|bones| bones.evaluated_at)
    }
}

/// Returns the names of the fields in which two documents of evidence differ.
fn differing(recorded: &Value, made: &Value) -> Vec<String> {
    let keys = [recorded, made].map(|it| it.as_object().into_iter().flatten().map(|(key, _)| key));
    let keys: BTreeSet<_> = keys.into_iter().flatten().collect();
    let mut names = Vec::new();
    for key in keys.into_iter().filter(|key| recorded.get(key) != made.get(key)) {
        match (recorded.get(key), made.get(key)) {
            (Some(recorded @ Value::Object(_)), Some(made @ Value::Object(_))) => {
                let below = differing(recorded, made).into_iter();
                names.extend(below.map(|name| format!("{key}.{name}")));
            }
            _ => names.push(key.clone()),
        }
    }
    names
}
