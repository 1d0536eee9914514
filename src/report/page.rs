//! The layout that reports share: paths, width, colour.

use std::path::Path;

use crate::core::terms::Verdict;
use crate::report::escape::terminal;

/// Returns a path as reports show it: with `/` between its parts.
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

/// The longest line, in characters.
pub(crate) const WIDTH: usize = 100;

/// Breaks a text into lines at spaces, and escapes each.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    // Spaces at the end of a word stay in the line, so that columns stay aligned.
    for word in text.split_inclusive(char::is_whitespace) {
        let word_length = word.trim_end().chars().count();
        if length > 0 && length + word_length > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        line.push_str(word);
        length += word.chars().count();
    }
    lines.push(line);
    lines.iter().map(|line| terminal(line.trim_end()).into_owned()).collect()
}

/// The colour of a verdict or a caret.
#[derive(Clone, Copy)]
pub(crate) enum Colour {
    Red,
    Yellow,
    Green,
    Cyan,
}

impl Colour {
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Colour::Green,
            Verdict::Pending => Colour::Yellow,
            Verdict::Denied => Colour::Red,
        }
    }

    /// Returns the sequence that switches on the colour, in bold.
    pub(super) fn code(self) -> &'static str {
        match self {
            Colour::Red => "\x1b[1;31m",
            Colour::Yellow => "\x1b[1;33m",
            Colour::Green => "\x1b[1;32m",
            Colour::Cyan => "\x1b[1;36m",
        }
    }
}

/// The sequence that switches off any colour.
pub(crate) const RESET: &str = "\x1b[0m";

/// Returns a text in the colour of a verdict.
pub(crate) fn paint_verdict(text: &str, verdict: Verdict, is_on: bool) -> String {
    paint(text, Colour::of(verdict), is_on)
}

pub(crate) fn paint(text: &str, colour: Colour, is_on: bool) -> String {
    if is_on { format!("{}{text}{RESET}", colour.code()) } else { text.to_owned() }
}

/// Cuts a text to `at_most` characters, with `…` in place of the rest.
pub(crate) fn cut(text: &str, at_most: usize) -> String {
    if text.chars().count() <= at_most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(at_most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
