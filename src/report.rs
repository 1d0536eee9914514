//! Reports: decisions as text, JSON, a Markdown comment, GitHub annotations or SARIF.
//!
//! A report is built from pieces, so that thousands of requests are never in memory at once:
//!
//! ```text
//! begin ─▶ sections, group by group, by path within a group ─▶ end
//!          (separator between those that have text)
//! ```
//!
//! [`Reporter::section`] is pure and may run on any thread. Nothing here knows a terminal, a clock
//! or a file: the same decisions give the same bytes. Text from a request is escaped for its
//! destination, in [`escape`].

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;

use crate::core::decision::Decision;
use crate::core::policy::codes::CodeInfo;
use crate::core::request::ChangeRequest;
use crate::core::terms::Verdict;

mod comment;
mod criteria;
mod csv;
pub mod escape;
mod excerpt;
pub mod executed;
mod github;
mod json;
pub mod markdown;
mod merge;
pub mod overview;
pub mod page;
mod replay;
mod sarif;
mod status;
mod text;
mod trial;
mod words;

pub use comment::{COMMENT_MARK, Comment, comment};
pub use criteria::{Criterion, criteria};
pub use csv::{Table, csv};
pub use merge::{merge_message, summary_line};
pub use page::{NARROWEST, counted, cut, hanging, pad, paint, style_of, width, wrap};
pub use replay::replay;
pub use status::{StatusLine, one_line, status_lines};
pub use trial::trial;
pub use words::{missing, so_many, whose};

#[cfg(test)]
mod samples;

/// The format of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person at a terminal.
    #[default]
    Text,
    /// Whole decisions, for programs.
    Json,
    /// A comment on a pull request.
    Markdown,
    /// Annotations by GitHub workflow commands.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// A decision, with the request and the source that it is about.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The decision.
    pub decision: &'a Decision,
    /// The request, as far as it could be read.
    pub request: Option<&'a ChangeRequest>,
    /// The request file as text, for excerpts; empty if there is none.
    pub source: &'a str,
}

/// Turns decisions into a report.
pub struct Reporter<'a> {
    /// The format.
    pub format: Format,
    /// Whose policies decide, as [`Decision::bundle`] has it.
    pub policies: &'a str,
    /// Whether text may use colours.
    pub colour: bool,
    /// How many columns a line of text should have at most.
    pub width: usize,
    /// Whether text reports approved requests in as much detail as others.
    pub verbose: bool,
    /// Returns the meaning of the codes. Few formats need it, and computing it takes a tenth of a
    /// short run.
    pub codes: &'a Codes<'a>,
}

/// Returns the meaning of the codes of findings.
pub type Codes<'a> = dyn Fn() -> &'a BTreeMap<String, CodeInfo> + Sync + 'a;

/// The part of a report about one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Sections are shown by group, a number below [`Section::GROUPS`]; all are in one group if the
    /// format has no order of its own.
    pub group: usize,
    /// The decision's verdict.
    pub verdict: Verdict,
    /// What to write; empty if there is nothing to say.
    pub text: String,
}

impl Section {
    /// The number of groups.
    pub const GROUPS: usize = 4;
    /// The group of approved requests, one line each, below everything that needs attention.
    const ONE_LINERS: usize = 3;
}

impl Reporter<'_> {
    /// Returns the text before all sections.
    pub fn begin(&self) -> String {
        match self.format {
            Format::Text | Format::Markdown | Format::Github => String::new(),
            Format::Json => json::BEGIN.to_owned(),
            Format::Sarif => sarif::begin((self.codes)(), self.policies),
        }
    }

    /// Returns the part about one decision.
    pub fn section(&self, judged: &Judged) -> Section {
        let verdict = judged.decision.verdict;
        let by_verdict = Verdict::Denied as usize - verdict as usize;
        let (group, text) = match self.format {
            Format::Text => match text::one_liner(judged, self) {
                Some(line) => (Section::ONE_LINERS, line),
                None => (by_verdict, text::block(judged, self)),
            },
            Format::Markdown => (by_verdict, markdown::section(judged)),
            Format::Json => (0, json::section(judged.decision)),
            Format::Github => (0, github::section(judged.decision)),
            Format::Sarif => (0, sarif::section(judged.decision, (self.codes)())),
        };
        Section { group, verdict, text }
    }

    /// Returns the text between two sections that have text.
    pub fn separator(&self) -> &'static str {
        match self.format {
            Format::Text | Format::Github => "",
            Format::Markdown => "\n",
            Format::Json | Format::Sarif => ",\n",
        }
    }

    /// Returns the text after all sections.
    pub fn end(&self, summary: &Summary) -> String {
        match self.format {
            Format::Text => text::end(summary, self),
            Format::Markdown if summary.total() == 1 => String::new(),
            Format::Markdown => format!("\n{summary}\n"),
            Format::Github => format!("{summary}; by {}\n", whose(self.policies)),
            Format::Json => json::END.to_owned(),
            Format::Sarif => sarif::END.to_owned(),
        }
    }
}

/// How many requests were judged, by result.
///
/// For example `3 requests: 1 denied, 1 pending, 1 approved`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The number of requests that can't proceed.
    pub denied: usize,
    /// The number of requests that wait.
    pub pending: usize,
    /// The number of requests that may go ahead.
    pub approved: usize,
    /// The number of requests that could not be decided.
    pub undecided: usize,
    has_one_liners: bool,
}

impl Summary {
    /// Counts a section.
    pub fn add(&mut self, section: &Section) {
        match section.verdict {
            Verdict::Denied => self.denied += 1,
            Verdict::Pending => self.pending += 1,
            Verdict::Approved => self.approved += 1,
        }
        self.has_one_liners |= section.group == Section::ONE_LINERS;
    }

    /// Returns the strongest verdict; `None` if nothing was decided.
    pub fn strongest(&self) -> Option<Verdict> {
        let counts = [
            (self.denied, Verdict::Denied),
            (self.pending, Verdict::Pending),
            (self.approved, Verdict::Approved),
        ];
        counts.into_iter().find(|(count, _)| *count > 0).map(|(_, verdict)| verdict)
    }

    /// Returns the total number of requests.
    pub fn total(&self) -> usize {
        self.denied + self.pending + self.approved + self.undecided
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.denied, "denied"),
            (self.pending, "pending"),
            (self.approved, "approved"),
            (self.undecided, "undecided"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        match self.total() {
            0 => f.write_str("no requests"),
            1 => counts.into_iter().try_for_each(|(_, what)| write!(f, "1 request: {what}")),
            total => {
                let counts: Vec<_> =
                    counts.map(|(count, what)| format!("{count} {what}")).collect();
                write!(f, "{total} requests: {}", counts.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries() {
        let summary = |denied, pending, approved, undecided| {
            Summary { denied, pending, approved, undecided, has_one_liners: false }.to_string()
        };
        assert_eq!(summary(1, 1, 1, 0), "3 requests: 1 denied, 1 pending, 1 approved");
        assert_eq!(summary(0, 0, 1, 0), "1 request: approved");
        assert_eq!(summary(0, 0, 2, 1), "3 requests: 2 approved, 1 undecided");
        assert_eq!(summary(0, 0, 0, 0), "no requests");
    }

    #[test]
    fn what_asks_for_attention_comes_first() {
        let sections = samples::sections(Format::Text);
        let groups: Vec<_> = sections.iter().map(|section| section.group).collect();
        assert_eq!(groups, [3, 2, 1, 0, 0]);
    }
}
