//! What notes say of the record: of foreign commits, and of bypasses.

use super::Run;
use super::branches::Begun;
use crate::audit::Step;
use crate::core::record::entry::Entry;
use crate::core::record::explanation::{Explained, Explanation};
use crate::core::record::parts::About;
use crate::git::Oid;
use crate::ledger::oid;

impl Run {
    /// Says of foreign commits which entry notes them. They stay findings: nobody knows what they were for.
    pub(super) fn notes_foreign(&mut self, commit: Oid, entry: &Entry) {
        let note = entry.statement.predicate.note.as_ref();
        if !note.is_some_and(|note| note.about == About::Foreign) {
            return;
        }
        if !self.is_broken {
            let why = "it notes foreign commits, and there are none before it".to_owned();
            return self.finding(Step::Provenance, Some(entry.index), commit, why);
        }
        for finding in &mut self.out.findings[self.noted..] {
            let is_foreign = finding.step == Step::Line && finding.index.is_none();
            if is_foreign || finding.step == Step::Signature {
                finding.message += &format!("; entry {} notes it", entry.index);
            }
        }
    }

    /// Takes from where on a branch is covered that was protected later.
    pub(super) fn notes_branch(&mut self, commit: Oid, entry: &Entry) {
        let it = &entry.statement.predicate;
        let about = it.note.as_ref().map(|note| note.about);
        let (index, bases) = (entry.index, &self.state.bases);
        for base in it.bases.iter().filter(|_| about == Some(About::Branch)) {
            let Ok(from) = oid(&base.commit) else { continue };
            let (name, bases) = (base.name.clone(), bases.clone());
            self.begun.push(Begun { name, from, bases, index, commit });
        }
    }

    /// Takes what somebody said about a bypass before it.
    pub(super) fn explained(
        &mut self,
        commit: Oid,
        entry: &Entry,
        said: Option<Explanation>,
        is_kept: bool,
    ) {
        let it = &entry.statement.predicate;
        let Some(note) = &it.note else { return };
        let (index, at, by) = (entry.index, it.recorded_at, &note.by);
        for id in &note.entries {
            let found = self.bypasses.get(id).and_then(|place| self.out.bypasses.get_mut(*place));
            match (found, &said) {
                (Some(bypass), Some(Explanation { text, who })) => {
                    let (by, who, text) = (by.clone(), who.clone(), text.clone());
                    bypass.explanations.push(Explained { index, at, by, who, text });
                }
                (Some(_), None) if !is_kept => {}
                (Some(_), None) => {
                    let why = "its explanation can't be read".to_owned();
                    self.finding(Step::Material, Some(index), commit, why);
                }
                (None, _) => {
                    let why = "it explains something else than a bypass before it".to_owned();
                    self.finding(Step::Provenance, Some(index), commit, why);
                }
            }
        }
        if it.collector.who != by.as_str() {
            let why = format!("it is said by {by}, and {} made it", it.collector.who);
            self.finding(Step::Signature, Some(index), commit, why);
        }
    }
}
