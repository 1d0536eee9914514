//! Findings of the rules and of a file's form, each with its place in the file.

use super::Finding;
use crate::policy::RuledFinding;
use crate::request::RequestFile;
use crate::terms::Effect;

/// Returns the problems of a file's form as findings.
pub(super) fn form_findings(file: &RequestFile) -> Vec<Finding> {
    file.problems
        .iter()
        .map(|problem| Finding {
            code: problem.code.to_owned(),
            effect: Effect::Deny,
            message: problem.message.clone(),
            help: problem.help.clone(),
            pointer: Some(problem.pointer.clone()),
            line: Some(problem.span.line),
            column: Some(problem.span.column),
            controls: Vec::new(),
            span: Some(problem.span),
        })
        .collect()
}

impl Finding {
    /// Returns whether this finding denies the schedule.
    pub(super) fn denies_schedule(&self) -> bool {
        let is_schedule = |pointer: &String| pointer.starts_with("/schedule");
        self.effect == Effect::Deny && self.pointer.as_ref().is_some_and(is_schedule)
    }

    /// Adds the position in the file of the part that it is about.
    pub(super) fn locate(&mut self, file: &RequestFile) {
        if let Some(pointer) = &self.pointer {
            let span = file.locate(pointer);
            self.line = Some(span.line);
            self.column = Some(span.column);
            self.span = Some(span);
        }
    }
}

impl From<RuledFinding> for Finding {
    fn from(ruled: RuledFinding) -> Self {
        Finding {
            code: ruled.code,
            effect: ruled.effect,
            message: ruled.message,
            help: ruled.help,
            pointer: ruled.pointer,
            line: None,
            column: None,
            controls: ruled.controls,
            span: None,
        }
    }
}
