//! Makes a decision again without the history of what it was about.

use super::{Check, Files, Replayed};
use crate::core::evidence::Evidence;
use crate::core::layout::{is_request, stem, table_at};
use crate::gate::judge::Judge;
use crate::gate::tables_at;
use crate::git::Oid;

impl Check<'_> {
    /// Makes the decision again: the evidence says what the pull request changes.
    pub(in crate::audit::verify) fn again_apart(
        &mut self,
        files: &Files,
        judge: &Judge,
        head: Oid,
    ) -> Option<fn(&mut Replayed)> {
        let changed = self.changed_files(files);
        let path = self.request_among(&changed);
        let brings_tables = path.is_none() && changed.iter().any(|path| table_at(path).is_some());
        let brings = || if brings_tables { tables_at(self.repo, head) } else { None };
        self.again(files, judge, path.as_deref(), brings)
    }

    /// Returns the files that the pull request changes, as the evidence says.
    pub(in crate::audit::verify) fn changed_files(&self, files: &Files) -> Vec<String> {
        let evidence = files.get("evidence.json");
        let evidence = evidence.and_then(|bytes| serde_json::from_slice::<Evidence>(bytes).ok());
        evidence.and_then(|it| it.pull_request?.files).unwrap_or_default()
    }

    /// Returns the path of the request among the files that a pull request changes.
    fn request_among(&self, changed: &[String]) -> Option<String> {
        let statement = &self.entry.statement;
        let mut subject = statement.subject.iter().map(|subject| &subject.name);
        let name = statement.predicate.pull.as_ref().map(|pull| pull.name.as_str());
        let mut requests = changed.iter().filter(|path| is_request(path));
        let named = requests.clone().find(|path| Some(stem(path)) == name);
        let plain = subject.find(|name| is_request(name));
        plain.or(named).or_else(|| requests.next()).cloned()
    }
}
