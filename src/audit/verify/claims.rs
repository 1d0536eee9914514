//! Holds what an entry says of itself against what its kind allows, and against the commits that it
//! names.

use std::collections::BTreeSet;

use super::entry::{Check, is_near};
use crate::audit::Step;
use crate::audit::case::Kept;
use crate::content::SKEW;
use crate::core::org::LedgerSettings;
use crate::core::record::parts::{self, About, Covered, Keys, Merge, Method};
use crate::core::record::statement::Kind;
use crate::core::request::SECRET;
use crate::core::terms::Verdict;
use crate::gate::arrivals::unrecorded;
use crate::gate::record::{tip, who};
use crate::git::Commit;
use crate::ledger::{NOBODY, oid};
use crate::operations::OPERATIONS;

impl Check<'_> {
    /// Checks what only entries of some kind may say.
    pub(super) fn kind(&mut self) -> anyhow::Result<()> {
        let it = &self.entry.statement.predicate;
        // Which numbers the forge gives is not for Git to tell.
        let has_forge = it.collector.run.is_some()
            || it.pull.as_ref().is_some_and(|pull| pull.id.is_some())
            || it.previous.as_ref().is_some_and(|previous| previous.is_some());
        if has_forge && !self.is_of_service() {
            let why = "it names what there is on a forge alone, such as an id or a run";
            self.finding(Step::Provenance, why);
        }
        let other = it.operations.as_ref().map(|it| it.name.strip_prefix("refs/heads/"));
        if other.is_some_and(|name| name != Some(OPERATIONS)) {
            let why = format!("it names another branch than {OPERATIONS} as the operations log");
            self.finding(Step::Provenance, why);
        }
        match it.kind {
            Kind::Merge | Kind::Bypass => Ok(()),
            Kind::Genesis => match self.base_ref {
                Some(base_ref) => self.genesis(base_ref),
                None => Ok(()),
            },
            Kind::Note => {
                self.note();
                Ok(())
            }
            Kind::Keys => self.keys(),
            Kind::Decision if self.is_of_service() => Ok(()),
            Kind::Decision => {
                self.finding(Step::Statement, "in plain Git there are no entries of its kind");
                Ok(())
            }
        }
    }

    /// Checks that what a request with a credential could repeat is withheld, and nothing else.
    pub(super) fn withheld(&mut self) {
        let it = &self.entry.statement.predicate;
        let holds_secret = it.kind != Kind::Merge
            && it.decision.as_ref().is_some_and(|bones| {
                bones.verdict == Verdict::Denied
                    && bones.findings.iter().any(|it| it.code == SECRET)
            });
        for material in &it.material {
            let is_due = holds_secret && parts::WITHHELD.contains(&material.name.as_str());
            let due = is_due.then_some(parts::SECRET);
            if material.withheld.as_deref() == due {
                continue;
            }
            let why = match due {
                Some(_) => "could repeat the credential in its request, and isn't withheld",
                None => "is withheld, and its decision found no credential in a request",
            };
            self.finding(Step::Material, format!("{} {why}", material.name));
        }
    }

    /// Checks that a ledger begins as the settings at its base say.
    fn genesis(&mut self, base_ref: &str) -> anyhow::Result<()> {
        let it = &self.entry.statement.predicate;
        let Some(base) = &it.base else { return Ok(()) };
        let commit = self.repo.commit(oid(&base.commit)?)?;
        // Where the policies can't be read, that is said already.
        let Ok(judge) = self.judges.at(self.repo, commit.id) else { return Ok(()) };
        let settings = &judge.bundle().org.settings;
        let named = |branch: &str| format!("refs/heads/{branch}");
        let mut protected: BTreeSet<_> =
            settings.protected_bases.iter().map(|base| named(base)).collect();
        protected.insert(named(base_ref));
        let own = it.bases.iter().find(|covered| covered.name == base.name);
        let is_as_settled = settings.ledger.origin.as_ref() == Some(&it.origin)
            && settings.ledger.uri().as_ref() == Some(&it.repository.uri)
            && (it.repository.id.is_none() || self.is_of_service())
            && base.protecting == base.commit
            && base.judged_on.is_none()
            && own.is_some_and(|own| own.commit == base.commit)
            && it.bases.iter().all(|covered| protected.contains(&covered.name))
            && it.keys == Some(Keys::between(&LedgerSettings::default(), &settings.ledger))
            && it.material.is_empty()
            && self.entry.statement.subject == [tip(&commit)];
        if !is_as_settled {
            let why = "the ledger doesn't begin as the settings at its base say: at the tips of the \
                       protected branches, and with that origin and repository";
            self.finding(Step::Provenance, why);
        }
        Ok(())
    }

    /// Checks that a change of keys says nothing else.
    fn keys(&mut self) -> anyhow::Result<()> {
        let it = &self.entry.statement.predicate;
        let Some(base) = &it.base else { return Ok(()) };
        let commit = self.repo.commit(oid(&base.commit)?)?;
        let is_plain = base.protecting == base.commit
            && base.judged_on.is_none()
            && it.material.is_empty()
            && self.entry.statement.subject == [tip(&commit)];
        if !is_plain {
            self.finding(
                Step::Provenance,
                "it is about something else than the settings at its base",
            );
        }
        Ok(())
    }

    /// Checks that a note says what notes about its subject say.
    fn note(&mut self) {
        let it = &self.entry.statement.predicate;
        let (Some(note), Some(base)) = (&it.note, &it.base) else { return };
        let is_about = match note.about {
            About::Explanation => note.entries.len() == 1 && it.bases.is_empty(),
            About::Branch => {
                let begun = Covered { name: base.name.clone(), commit: base.commit.clone() };
                it.bases == [begun] && note.entries.is_empty() && it.material.is_empty()
            }
            About::Erasure => it.bases.is_empty() && it.material.is_empty(),
            About::Foreign => {
                it.bases.is_empty() && it.material.is_empty() && note.entries.is_empty()
            }
            About::Correction => it.bases.is_empty() && !note.entries.is_empty(),
        };
        let is_approved = note.approved_by.is_some() == (note.about == About::Erasure);
        let is_by_service = self.is_of_service()
            && note.by.as_str() == NOBODY
            && matches!(note.about, About::Branch | About::Foreign | About::Erasure);
        let is_theirs = (note.by.as_str() == it.collector.who || is_by_service) && is_approved;
        if !is_about || !is_theirs || base.protecting != base.commit || base.judged_on.is_some() {
            self.finding(Step::Statement, "it isn't one of the notes that there are");
        }
    }

    /// Checks that an erasure took out what a change of policies before it allows, and nothing else.
    pub(super) fn erasure(&mut self, kept: &Kept) {
        let note = self.entry.statement.predicate.note.as_ref();
        let is_erasure = note.is_some_and(|note| note.about == About::Erasure);
        let is_allowed = kept.erasures.iter().any(|it| it.id == self.entry.id);
        if is_erasure && self.base_ref.is_some() && !is_allowed {
            let why = "no change of the policies before it allows this erasure, or it names other \
                       entries";
            self.finding(Step::Provenance, why);
        }
    }

    /// Checks that the times that it names go together.
    pub(super) fn time(&mut self) {
        let it = &self.entry.statement.predicate;
        if it.server_time.is_some_and(|time| !is_near(time, it.recorded_at)) {
            self.finding(Step::Time, "it was recorded at another time than the forge's clock says");
        }
        if it.merge.as_ref().is_some_and(|merge| it.recorded_at + SKEW < merge.at) {
            self.finding(Step::Time, "it was recorded before it was merged");
        }
        let Some(bones) = &it.decision else { return };
        let at = bones.evaluated_at;
        if it.kind == Kind::Merge && it.merge.as_ref().is_some_and(|merge| merge.at != at) {
            self.finding(Step::Time, "it was decided at another time than it was merged");
        }
        if it.kind == Kind::Decision && !is_near(at, it.recorded_at) {
            self.finding(Step::Time, "it was decided at another time than it was recorded");
        }
    }

    /// Checks how a commit reached the base, and which part of the base the entry accounts for.
    pub(super) fn arrival(&mut self, merge: &Merge, commit: &Commit) -> anyhow::Result<()> {
        let Some(base) = &self.entry.statement.predicate.base else { return Ok(()) };
        let before = commit.parents.first();
        if before != Some(&oid(&base.commit)?)
            || base.protecting != base.commit
            || base.judged_on.is_some()
        {
            self.finding(Step::Provenance, "it names another base than its commit has");
        }
        let judge = before.and_then(|before| self.judges.in_force(self.repo, *before).ok());
        let by = judge.and_then(|judge| who(self.repo, &judge.bundle().org, commit));
        if merge.by != by || merge.method != Method::Push {
            let why = "it names somebody else than who brought its commit, or another way";
            self.finding(Step::Provenance, why);
        }
        let from = oid(&merge.covers.from)?;
        let range = unrecorded(self.repo, self.judges, from, commit.id);
        if !range.is_ok_and(|range| matches!(&range[..], [only] if only.0 == from)) {
            let why = "the range that it covers holds a commit that needs an entry of its own, or \
                       isn't part of the branch's history";
            self.finding(Step::Coverage, why);
        }
        Ok(())
    }
}
