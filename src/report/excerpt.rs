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

use super::escape;
use super::page::{WIDTH, bold, wrap};
use crate::core::decision::Finding;
use crate::core::terms::Effect;

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
    /// How many characters of the line are shown, and how many of them before the mark.
    const LONGEST: usize = 84;
    const BEFORE: usize = 40;

    /// Returns the line that a finding is about; `None` without a position or without the file's
    /// text.
    fn of(path: &str, source: &str, finding: &Finding) -> Option<Self> {
        let line = finding.line.filter(|line| *line > 0)?;
        let marked = place(source, finding)?;
        let start = source[..marked.start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let rest = &source[start..];
        let rest = &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())];
        let marked = marked.start - start..marked.end.min(start + rest.len()) - start;
        let before = rest[..marked.start].chars().count();
        let length = rest[marked].trim_end().chars().count().max(1);
        let (text, marked) = Self::cut(&escape::excerpt(rest), before, length);
        let column = finding.column.map_or(before + 1, |column| column as usize);
        Some(Excerpt { path: path.to_owned(), text, marked, line: line as usize, column })
    }

    /// Returns how many characters fit beside the mark.
    fn room(&self) -> usize {
        (WIDTH - 8).saturating_sub(self.text[..self.marked.end].chars().count())
    }

    /// Returns the part of a line around the mark, which begins `before` characters into the line,
    /// and the bytes of the mark in that part.
    fn cut(line: &str, before: usize, length: usize) -> (String, Range<usize>) {
        let chars: Vec<char> = line.chars().collect();
        let is_long = chars.len() > Self::LONGEST;
        let from = if is_long { before.saturating_sub(Self::BEFORE) } else { 0 };
        let to = chars.len().min(from + Self::LONGEST);
        let text = |range: Range<usize>| chars[range].iter().collect::<String>();
        let end = (before + length).min(to);
        let lead = if from > 0 { "…" } else { "" };
        let head = lead.to_owned() + &text(from..before.min(to));
        let mark = text(before.min(to)..end);
        let tail = text(end..to) + if to < chars.len() { "…" } else { "" };
        let marked = head.len()..head.len() + mark.len();
        (head + &mark + &tail, marked)
    }
}

/// Returns the bytes that a finding is about: its span, or those at its line and column.
fn place(source: &str, finding: &Finding) -> Option<Range<usize>> {
    if source.is_empty() {
        return None;
    }
    if let Some(span) = finding.span
        && source.is_char_boundary(span.start)
        && span.start <= span.end
    {
        let is_end = |at: &usize| source.is_char_boundary(*at);
        let end = Some(span.end).filter(is_end).unwrap_or(span.start);
        return Some(span.start..end);
    }
    let line = source.split_inclusive('\n').nth(finding.line?.checked_sub(1)? as usize)?;
    let start = line.as_ptr() as usize - source.as_ptr() as usize;
    let skipped = finding.column.unwrap_or(1).saturating_sub(1) as usize;
    let at = start + line.chars().take(skipped).map(char::len_utf8).sum::<usize>();
    Some(at..at)
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

/// Returns a finding as text, followed by an empty line.
pub(super) fn diagnostic(path: &str, source: &str, finding: &Finding, colour: bool) -> String {
    let (word, severity) = match finding.effect {
        Effect::Deny => ("error", Severity::Error),
        Effect::Pending => ("pending", Severity::Warning),
        Effect::Warn => ("warning", Severity::Warning),
        Effect::Info => ("note", Severity::Note),
    };
    let head = format!("{word}[{}]: {}", finding.code, finding.message);
    let excerpt = Excerpt::of(path, source, finding);
    let label = finding.help.as_deref().filter(|help| {
        excerpt.as_ref().is_some_and(|excerpt| help.chars().count() <= excerpt.room())
    });
    let notes = notes(path, finding, excerpt.is_some(), label.is_some());
    let mark = excerpt.as_ref().map(|excerpt| {
        let label = escape::terminal(label.unwrap_or_default());
        Label::primary((), excerpt.marked.clone()).with_message(label)
    });
    let diagnostic = Diagnostic::new(severity)
        .with_labels(mark.into_iter().collect())
        .with_notes(notes.iter().map(|note| wrap(note, WIDTH - 8).join("\n")).collect());
    let below = below_the_head(&diagnostic, &excerpt.unwrap_or_default(), colour);
    format!("{}\n{below}", escape::terminal(&head))
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
    use proptest::prelude::*;

    use crate::core::yaml::Span;
    use crate::report::samples;

    use super::*;

    #[test]
    fn a_place_is_found_by_line_and_column_too() {
        let sample = samples::malformed();
        for finding in &sample.decision.findings {
            let mut without_span = finding.clone();
            without_span.span = None;
            let line = |finding: &Finding| {
                let text = diagnostic("x", &sample.source, finding, false);
                text.lines().take(4).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(line(&without_span), line(finding));
        }
    }

    #[test]
    fn without_the_file_the_place_is_named() {
        let sample = samples::denied();
        let text = diagnostic("a.yaml", "", &sample.decision.findings[1], false);
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
            let text = diagnostic("x", &source, &finding, false);
            prop_assert!(text.lines().all(|line| !line.chars().any(escape::is_hidden)), "{text:?}");
        }
    }
}
