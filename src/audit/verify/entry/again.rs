//! Makes a recorded decision again, with and without the history of what it was about.

use super::{Check, Files, Recorded, Replayed};
use crate::audit::Step;
use crate::core::decision::Decision;
use crate::core::evidence::Evidence;
use crate::core::layout::{POLICIES, is_request, stem, table_at};
use crate::core::org::Org;
use crate::core::record::bones::{Bones, decision_json};
use crate::core::record::parts::Engine;
use crate::core::record::statement::Kind;
use crate::gate::judge::Judge;
use crate::gate::tables_at;
use crate::git::Oid;
use crate::report::summary_line;

impl Check<'_> {
    /// Makes the decision again from what is recorded. `path` is that of the request, `brings` the
    /// tables of a change of policies.
    pub(in crate::audit::verify) fn again(
        &mut self,
        files: &Files,
        judge: &Judge,
        path: Option<&str>,
        brings: impl FnOnce() -> Option<Org>,
    ) -> Option<fn(&mut Replayed)> {
        let it = &self.entry.statement.predicate;
        let bones = it.decision.as_ref()?;
        // It is read in its stead, also where nothing can be made again.
        let says = |said: Decision| Bones::of(&said, bones.title.clone()).is_same(bones);
        let decided = files.get("decision.json").map(|bytes| serde_json::from_slice(bytes));
        if decided.is_some_and(|said| !said.is_ok_and(says)) {
            self.finding(Step::Decision, "decision.json says something else than the entry");
        }
        if it.material.iter().any(|material| material.withheld.is_some()) {
            return Some(|out| out.withheld += 1);
        }
        if !self.is_whole {
            return Some(|out| out.erased += 1);
        }
        let impossible = |why: &str| -> (Step, String) {
            (Step::Decision, format!("its decision can't be made again: {why}"))
        };
        let recorded = Recorded::read(it, files, path, brings);
        let (Some(recorded), Some(decided)) = (recorded, files.get("decision.json")) else {
            self.findings.push(impossible("material is missing"));
            return Some(|out| out.impossible += 1);
        };
        let made = match judge.decide(&recorded.case()) {
            Ok(made) => made,
            Err(error) => {
                self.findings.push(impossible(&format!("{error:#}")));
                return Some(|out| out.impossible += 1);
            }
        };
        let summary = made.decision.summary.as_deref().filter(|_| it.kind == Kind::Merge);
        let again = Bones::of(&made.decision, summary.map(summary_line));
        if it.change.as_ref() != Some(&made.decision.change) {
            self.finding(Step::Provenance, "it names another change than was decided on");
        }
        let input = files.get("input.json").map(Vec::as_slice);
        if decision_json(&made.decision).as_bytes() == decided.as_slice()
            && again == *bones
            && made.input.as_deref().map(str::as_bytes) == input
        {
            return Some(|out| out.exact += 1);
        }
        if !it.engine.decides_like(&Engine::this(crate::COMMIT)) && again.is_same(bones) {
            return Some(|out| out.equivalent += 1);
        }
        self.finding(
            Step::Decision,
            format!(
                "the evidence doesn't lead to this decision: made again it is {}, and {} was recorded",
                made.decision.verdict, bones.verdict
            ),
        );
        Some(|out| out.different += 1)
    }

    /// Makes the decision again: the evidence says what the pull request changes.
    pub(in crate::audit::verify) fn again_apart(
        &mut self,
        files: &Files,
        judge: &Judge,
        head: Oid,
    ) -> Option<fn(&mut Replayed)> {
        let changed = self.changed_files(files);
        let path = self.request_path(files);
        let brings_tables = path.is_none() && changed.iter().any(|path| table_at(path).is_some());
        if brings_tables && self.base_ref.is_some() && self.repo.entry(head, POLICIES).is_err() {
            // Nobody can say what it would have brought.
            return self
                .entry
                .statement
                .predicate
                .decision
                .as_ref()
                .map(|_| -> fn(&mut Replayed) { |out| out.impossible += 1 });
        }
        let brings = || if brings_tables { tables_at(self.repo, head) } else { None };
        self.again(files, judge, path.as_deref(), brings)
    }

    /// Returns the files that the pull request changes, as the evidence says.
    pub(in crate::audit::verify) fn changed_files(&self, files: &Files) -> Vec<String> {
        let evidence = files.get("evidence.json");
        let evidence = evidence.and_then(|bytes| serde_json::from_slice::<Evidence>(bytes).ok());
        evidence.and_then(|it| it.pull_request?.files).unwrap_or_default()
    }

    /// Returns the path of the request among the files that the pull request changes, as the evidence
    /// says.
    pub(in crate::audit::verify) fn request_path(&self, files: &Files) -> Option<String> {
        let changed = self.changed_files(files);
        let statement = &self.entry.statement;
        let mut subject = statement.subject.iter().map(|subject| &subject.name);
        let name = statement.predicate.pull.as_ref().map(|pull| pull.name.as_str());
        let mut requests = changed.iter().filter(|path| is_request(path));
        let named = requests.clone().find(|path| Some(stem(path)) == name);
        let plain = subject.find(|name| is_request(name));
        plain.or(named).or_else(|| requests.next()).cloned()
    }
}
