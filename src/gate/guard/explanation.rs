//! Guards what people say about bypasses later: a note in the ledger, in their own name.

use anyhow::{Context as _, bail, ensure};

use super::Guard;
use super::record::OTHER_KIND;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::{EXPLANATION_FILE, Explanation};
use crate::core::record::parts::About;
use crate::core::record::statement::Kind;
use crate::gate::record::{Log, Record, Recorder, of_explanation};
use crate::git::{Commit, JUDGED_AGAIN, Oid};
use crate::ledger;

/// The largest file that is read as an explanation.
const MOST_BYTES: usize = 8192;

impl Guard {
    /// Makes the record that a note behind the entry of the commit `before` has to be, from its text in
    /// the evidence that is pushed with it.
    pub(super) fn explanation(
        &self,
        entry: &Entry,
        evidence: Option<&Commit>,
        before: Oid,
        log: &Log,
    ) -> anyhow::Result<Record> {
        let (repo, it) = (self.git.repo(), &entry.statement.predicate);
        let note = it.note.as_ref().filter(|note| note.about == About::Explanation);
        let [bypass] = note.map(|note| &note.entries[..]).context(OTHER_KIND)? else {
            bail!("it explains no entry, or several");
        };
        let base = self.is_on_the_base(entry)?;
        let base_ref = &self.git.base_ref;
        self.explains(entry, &bypass.to_string(), before)?;
        let evidence = evidence.context("its evidence isn't pushed with it")?.id;
        let file = repo.entry(evidence, EXPLANATION_FILE)?;
        let file = file.with_context(|| format!("its evidence holds no {EXPLANATION_FILE}"))?;
        ensure!(repo.size(file.id)? <= MOST_BYTES, "its explanation is too long");
        let said = Explanation::read(&repo.bytes(file.id)?);
        let said = said.map_err(|why| anyhow::anyhow!("{why}"))?;
        let recorder = Recorder { who: &it.collector.who, at: it.recorded_at };
        of_explanation(repo, (base_ref, base), bypass, &said, log, recorder)
    }

    /// Checks that a note names the base as it is, and returns its tip.
    pub(super) fn is_on_the_base(&self, note: &Entry) -> anyhow::Result<Oid> {
        let (base, base_ref) = (self.git.base()?, &self.git.base_ref);
        let named = note.statement.predicate.base.as_ref().context(OTHER_KIND)?;
        ensure!(named.name == format!("refs/heads/{base_ref}"), "it isn't on {base_ref}");
        ensure!(
            named.commit.to_string() == base.to_string(),
            "{base_ref} has moved, so that it {JUDGED_AGAIN}"
        );
        Ok(base)
    }

    /// Checks that the entry with an id is a bypass, and that this isn't said about it already.
    fn explains(&self, entry: &Entry, id: &str, before: Oid) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let is_entry = |message: &str, id: &str| message.ends_with(&format!("Entry: {id}\n"));
        for commit in repo.first_parents(before)? {
            let message = repo.commit(commit)?.message;
            ensure!(!is_entry(&message, &entry.id.to_string()), "it is recorded already");
            if is_entry(&message, id)
                && let Ok(found) = ledger::read(repo, commit)?.entry
                && found.id.to_string() == id
            {
                let kind = found.statement.predicate.kind;
                ensure!(kind == Kind::Bypass, "it explains an entry of kind {kind}, not a bypass");
                return Ok(());
            }
        }
        bail!("it explains an entry that the ledger doesn't have")
    }
}
