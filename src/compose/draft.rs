//! A draft of a request: written, read back, and judged by the policies.
//!
//! What the policies deny is what the form asks for, so that it follows an organisation's own rules
//! as well: a field that they miss is asked for, an answer that they refuse is asked for again.

use anyhow::{Context as _, bail};

use super::beside::Beside;
use super::fields::{self, Field};
use super::index::Index;
use super::render::render;
use super::tickets::Tickets;
use crate::core::decision::{Case, Decision};
use crate::core::digest::to_json;
use crate::core::evidence::Evidence;
use crate::core::layout;
use crate::core::request::{ChangeRequest, RequestFile};
use crate::core::terms::Effect;
use crate::core::time::Time;
use crate::gate::judge::Judge;

/// Judges drafts.
pub struct Drafting<'a> {
    judge: &'a Judge,
    tickets: &'a Tickets,
    others: Index,
    beside: Option<Beside<'a>>,
    now: Time,
}

/// A request as it would be written.
pub struct Draft {
    /// The text.
    pub text: String,
    /// The text, read back.
    pub file: RequestFile,
    /// What the policies say about it, as if it had just been submitted.
    pub decision: Decision,
}

/// A field that the policies don't take as it is.
pub struct Open {
    /// The field.
    pub field: &'static Field,
    /// Why the policies deny what it holds; `None` if it is missing.
    pub refused: Option<String>,
}

impl<'a> Drafting<'a> {
    /// Prepares to judge drafts beside the other requests: those in the work tree, and those on the
    /// shared branches, if they are at hand.
    pub fn new(
        judge: &'a Judge,
        tickets: &'a Tickets,
        beside: Option<Beside<'a>>,
        now: Time,
    ) -> Self {
        let others = Index::of(tickets.files());
        Drafting { judge, tickets, others, beside, now }
    }

    /// Judges a request that would be written to `path`, within the repository.
    pub fn draft(&self, request: &ChangeRequest, path: &str) -> anyhow::Result<Draft> {
        let text = render(request, path);
        let file = RequestFile::read(path, text.as_bytes());
        if let Some(problem) = file.problems.first() {
            bail!("the request can't be written: line {}: {}", problem.span.line, problem.message);
        }
        let same_id = request.id.as_ref().and_then(|id| self.tickets.holder(id));
        let same_id = same_id.map(str::to_owned).into_iter().collect();
        let mut evidence = Evidence { same_id, ..Evidence::default() };
        if let Some(beside) = &self.beside {
            beside.add_to(&mut evidence, &file, true, self.now)?;
        }
        let beside = self.beside.as_ref();
        self.others.add_to(&mut evidence, &file, &|id| beside.is_some_and(|it| it.is_over(id)));
        let case = Case { file: Some(&file), evidence: &evidence, brings: None, now: self.now };
        let decision = self.judge.decide(&case).with_context(|| format!("decide {path}"))?.decision;
        Ok(Draft { text, file, decision })
    }
}

impl Draft {
    /// Returns what has to be asked for, in the order of the questions.
    pub fn open(&self) -> Vec<Open> {
        let written = self.file.request.as_ref().map(to_json).unwrap_or_default();
        let is_missing = |pointer: &str| {
            written.pointer(pointer).is_none_or(|value| value.as_array().is_some_and(Vec::is_empty))
        };
        let denied = self.decision.findings.iter().filter(|finding| finding.effect == Effect::Deny);
        let mut open: Vec<_> = denied
            .filter_map(|finding| {
                let pointer = finding.pointer.as_deref()?;
                let refused = (!is_missing(pointer)).then(|| finding.with_help(": "));
                Some(Open { field: fields::at(pointer)?, refused })
            })
            .collect();
        open.sort_by_key(|open| open.field.asked);
        open
    }
}

/// Returns the path to which a request is written unless another one is named.
pub fn usual_path(request: &ChangeRequest) -> String {
    layout::request(request.id.as_ref().map_or("new", |id| id.as_str()))
}
