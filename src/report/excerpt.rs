//! A finding with the line of the file that it is about, formatted by codespan-reporting.
//!
//! ```text
//! error[request/missing]: a high-risk change names who performs the rollback
//!    ┌─ requests/CHG-1240.yaml:17:1
//!    │
//! 17 │ rollback: {steps: ["reverse the Route 53 weights"]}
//!    │ ^^^^^^^^ add `owner:` with a login that holds L3
//!    │
//!    = controls: SOC2:CC8.1 · more: changegate explain request/missing
//! ```
//!
//! codespan-reporting gets only that one line, escaped and cut around the caret.

use std::io::{self, Write as _};
use std::ops::Range;

use anstyle::{AnsiColor, Reset};
use codespan_reporting::diagnostic::{Diagnostic, Label, LabelStyle, Severity};
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term::{self, Config, WriteStyle};

use super::Reporter;
use super::escape;
use super::page::{NARROWEST, bold, wrap};
use crate::core::decision::Finding;
use crate::core::terms::Effect;

/// What the findings about one file are shown with.
pub(super) struct Excerpts<'a> {
    path: &'a str,
    source: &'a str,
    /// Where each line begins, found once for all findings.
    lines: Vec<usize>,
    width: usize,
    colour: bool,
}

impl<'a> Excerpts<'a> {
    /// Prepares to show findings about the file with this text, which may be empty.
    pub(super) fn of(path: &'a str, source: &'a str, reporter: &Reporter) -> Self {
        let breaks = source.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'\n' | b'\r'));
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Excerpts { path, source, lines, width: reporter.width, colour: reporter.colour }
    }

    /// Returns the bytes of the line around a byte, without its line break.
    fn line_around(&self, at: usize) -> Range<usize> {
        let next = self.lines.partition_point(|start| *start <= at);
        let start = self.lines[next - 1];
        start..self.lines.get(next).map_or(self.source.len(), |next| next - 1)
    }

    /// Returns the line that a finding is about; `None` without a position or without the file's
    /// text.
    fn excerpt(&self, finding: &Finding) -> Option<Excerpt> {
        let number = finding.line.filter(|line| *line > 0)?;
        let marked = self.place(finding)?;
        let line = self.line_around(marked.start);
        let column = finding.column.map_or_else(
            || self.source[line.start..marked.start].chars().count() + 1,
            |column| column as usize,
        );
        let longest = self.width.saturating_sub(16).clamp(NARROWEST, Excerpt::LONGEST);
        let marked =
            marked.start - line.start..marked.end.min(line.end).max(marked.start) - line.start;
        let (text, marked) = Excerpt::cut(&self.source[line], marked, longest);
        Some(Excerpt { path: self.path.to_owned(), text, marked, line: number as usize, column })
    }

    /// Returns the bytes that a finding is about: its span, or those at its line and column.
    fn place(&self, finding: &Finding) -> Option<Range<usize>> {
        if self.source.is_empty() {
            return None;
        }
        if let Some(span) = finding.span
            && self.source.is_char_boundary(span.start)
            && span.start <= span.end
        {
            let is_end = |at: &usize| self.source.is_char_boundary(*at);
            let end = Some(span.end).filter(is_end).unwrap_or(span.start);
            return Some(span.start..end);
        }
        let line = self.source.split_inclusive('\n').nth(finding.line?.checked_sub(1)? as usize)?;
        let start = line.as_ptr() as usize - self.source.as_ptr() as usize;
        let skipped = finding.column.unwrap_or(1).saturating_sub(1) as usize;
        let at = start + line.chars().take(skipped).map(char::len_utf8).sum::<usize>();
        Some(at..at)
    }

    /// Returns a finding as text, followed by an empty line.
    pub(super) fn diagnostic(&self, finding: &Finding) -> String {
        let (word, severity) = match finding.effect {
            Effect::Deny => ("error", Severity::Error),
            Effect::Pending => ("pending", Severity::Warning),
            Effect::Warn => ("warning", Severity::Warning),
            Effect::Info => ("note", Severity::Note),
        };
        let head = format!("{word}[{}]: {}", finding.code, finding.message);
        let excerpt = self.excerpt(finding);
        let left = self.width.saturating_sub(8).max(NARROWEST);
        let label = finding.help.as_deref().filter(|help| {
            let taken = excerpt.as_ref().map(|excerpt| excerpt.text[..excerpt.marked.end].chars());
            taken.is_some_and(|taken| taken.count() + help.chars().count() <= left)
        });
        let notes = notes(self.path, finding, excerpt.is_some(), label.is_some());
        let mark = excerpt.as_ref().map(|excerpt| {
            let label = escape::terminal(label.unwrap_or_default());
            Label::primary((), excerpt.marked.clone()).with_message(label)
        });
        let diagnostic = Diagnostic::new(severity)
            .with_labels(mark.into_iter().collect())
            .with_notes(notes.iter().map(|note| wrap(note, left).join("\n")).collect());
        let below = below_the_head(&diagnostic, &excerpt.unwrap_or_default(), self.colour);
        let head = wrap(&head, self.width.saturating_sub(2).max(NARROWEST)).join("\n  ");
        format!("{head}\n{below}")
    }
}

/// A line of a file, and the part of it that is marked, in bytes.
#[derive(Default)]
struct Excerpt {
    path: String,
    text: String,
    marked: Range<usize>,
    line: usize,
    column: usize,
}

impl Excerpt {
    /// How many characters of a line are shown at most, on however wide a screen: a finding has its
    /// place in the line, and a file may be one line.
    const LONGEST: usize = 84;

    /// Returns the part of a line around the marked bytes, and the bytes of the mark in that part.
    fn cut(line: &str, marked: Range<usize>, longest: usize) -> (String, Range<usize>) {
        let until = |from: usize, count: usize| {
            line[from..].char_indices().nth(count).map_or(line.len(), |(at, _)| from + at)
        };
        let is_long = until(0, longest) < line.len();
        let before = line[..marked.start].char_indices().rev().take(longest / 2 - 2);
        let from = if is_long { before.last().map_or(marked.start, |(at, _)| at) } else { 0 };
        let to = until(from, longest);
        let count = |range: Range<usize>| line[range].chars().count();
        let head = count(from..marked.start);
        let mark = count(marked.start..marked.end.min(to)).max(1);
        let (lead, tail) =
            (if from > 0 { "…" } else { "" }, if to < line.len() { "…" } else { "" });
        // Escaped as a whole: characters may mean something together.
        let shown = escape::excerpt(&line[from..to]);
        let byte = |count: usize| shown.char_indices().nth(count).map_or(shown.len(), |(at, _)| at);
        let marked = lead.len() + byte(head)..lead.len() + byte(head + mark);
        (format!("{lead}{shown}{tail}"), marked)
    }
}

impl<'a> Files<'a> for Excerpt {
    type FileId = ();
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, (): ()) -> Result<&'a str, Error> {
        Ok(&self.path)
    }

    fn source(&'a self, (): ()) -> Result<&'a str, Error> {
        Ok(&self.text)
    }

    fn line_index(&'a self, (): (), _: usize) -> Result<usize, Error> {
        Ok(0)
    }

    fn line_range(&'a self, (): (), _: usize) -> Result<Range<usize>, Error> {
        Ok(0..self.text.len())
    }

    fn line_number(&'a self, (): (), _: usize) -> Result<usize, Error> {
        Ok(self.line)
    }

    fn column_number(&'a self, (): (), _: usize, _: usize) -> Result<usize, Error> {
        Ok(self.column)
    }
}

/// Returns the notes below the excerpt, or in place of it.
fn notes(path: &str, finding: &Finding, has_excerpt: bool, has_label: bool) -> Vec<String> {
    let place = finding.line.filter(|_| !has_excerpt);
    let place = place.map(|line| format!("at {path}:{line}:{}", finding.column.unwrap_or(1)));
    let help = finding.help.as_ref().filter(|_| !has_label).map(|help| format!("help: {help}"));
    let more = format!("more: changegate explain {}", finding.code);
    let more = match finding.controls.as_slice() {
        [] => more,
        controls => format!("controls: {} · {more}", controls.join(", ")),
    };
    [place, help, Some(more)].into_iter().flatten().collect()
}

/// Returns the output of codespan-reporting without its first line, which can't say `pending`.
fn below_the_head(diagnostic: &Diagnostic<()>, excerpt: &Excerpt, colour: bool) -> String {
    let config = Config { tab_width: 2, ..Config::default() };
    let mut painter = Painter { out: Vec::new(), colour, in_source: false, is_on: false };
    // It can't fail: the one file has the one line that is marked.
    let _ = term::emit_to_write_style(&mut painter, &config, excerpt, diagnostic);
    let text = String::from_utf8_lossy(&painter.out);
    text.split_once('\n').map_or_else(String::new, |(_, below)| below.to_owned())
}

/// Colours the caret line, and nothing else.
struct Painter {
    out: Vec<u8>,
    colour: bool,
    in_source: bool,
    is_on: bool,
}

impl io::Write for Painter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_source &= !bytes.contains(&b'\n');
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteStyle for Painter {
    fn set_header(&mut self, _: Severity) -> io::Result<()> {
        Ok(())
    }

    fn set_header_message(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_line_number(&mut self) -> io::Result<()> {
        self.in_source = true;
        Ok(())
    }

    fn set_note_bullet(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_source_border(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_label(&mut self, severity: Severity, _: LabelStyle) -> io::Result<()> {
        let colour = match severity {
            Severity::Bug | Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Note | Severity::Help => AnsiColor::Cyan,
        };
        if self.colour && !self.in_source && !self.is_on {
            self.is_on = true;
            write!(self.out, "{}", bold(colour))?;
        }
        Ok(())
    }

    fn reset(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_on) {
            write!(self.out, "{Reset}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use crate::core::characters::has_hidden;
    use crate::core::policy::SHIPPED;
    use crate::core::yaml::Span;
    use crate::report::{Format, samples};

    use super::*;

    fn excerpts<'a>(path: &'a str, source: &'a str) -> Excerpts<'a> {
        let (policies, codes) = (SHIPPED, BTreeMap::new());
        let (format, colour, width, verbose) = (Format::Text, false, 100, false);
        let reporter = Reporter { format, policies, colour, width, verbose, codes: &|| &codes };
        Excerpts::of(path, source, &reporter)
    }

    fn diagnostic(path: &str, source: &str, finding: &Finding) -> String {
        excerpts(path, source).diagnostic(finding)
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let line = format!("{}[here]{}", "日".repeat(300), "x".repeat(300));
        let start = line.find('[').unwrap();
        let (text, marked) = Excerpt::cut(&line, start..start + 6, 40);
        assert_eq!(text, format!("…{}[here]{}…", "日".repeat(18), "x".repeat(16)));
        assert_eq!(&text[marked], "[here]");
        for (line, marked, shown) in
            [("a: b", 3..4, "b"), ("a: b", 4..4, ""), ("", 0..0, ""), ("a##[b", 3..4, "·")]
        {
            let (text, marked) = Excerpt::cut(line, marked, 40);
            assert_eq!(&text[marked], shown, "{line:?}");
        }
    }

    #[test]
    fn thousands_of_findings_on_one_line_take_time_in_proportion() {
        let source = format!("services: [{}]\n", "service, ".repeat(20_000));
        let finding = samples::denied().decision.findings.remove(0);
        let started = std::time::Instant::now();
        let excerpts = excerpts("x", &source);
        for number in 0..20_000 {
            let start = "services: [".len() + number * "service, ".len();
            let (line, column) = (1, start as u32 + 1);
            let span = Some(Span { start, end: start + 7, line, column });
            let finding =
                Finding { span, line: Some(line), column: Some(column), ..finding.clone() };
            assert!(excerpts.diagnostic(&finding).contains("service, service"));
        }
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }

    #[test]
    fn a_place_is_found_by_line_and_column_too() {
        let sample = samples::malformed();
        for finding in &sample.decision.findings {
            let mut without_span = finding.clone();
            without_span.span = None;
            let line = |finding: &Finding| {
                let text = diagnostic("x", &sample.source, finding);
                text.lines().take(4).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(line(&without_span), line(finding));
        }
    }

    #[test]
    fn without_the_file_the_place_is_named() {
        let sample = samples::denied();
        let text = diagnostic("a.yaml", "", &sample.decision.findings[1]);
        insta::assert_snapshot!(text);
    }

    proptest! {
        #[test]
        fn any_place_in_any_file_is_shown_safely(
            source in "(\\PC|[\\n\\r\\t\u{1b}\u{202e}日]|.){0,200}",
            start in 0usize..250, length in 0usize..60, line in 0u32..9, column in 0u32..300,
            with_span: bool,
        ) {
            let mut finding = samples::denied().decision.findings.remove(0);
            finding.span = with_span.then_some(Span { start, end: start + length, line, column });
            finding.line = Some(line);
            finding.column = Some(column);
            let text = diagnostic("x", &source, &finding);
            prop_assert!(text.lines().all(|line| !has_hidden(line)), "{text:?}");
        }
    }
}
