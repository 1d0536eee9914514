//! The page that a report is written on.

use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::core::terms::Verdict;
use crate::report::escape::terminal;

/// A path as reports name it: with `/` between its parts.
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

/// How many characters a line should have at most.
pub(crate) const WIDTH: usize = 100;

/// Breaks a text into lines at blanks, and escapes each.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    // A blank at a word's end stays in the line, so that columns do.
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

/// Returns how a verdict is painted.
pub(crate) fn style_of(verdict: Verdict) -> Style {
    bold(match verdict {
        Verdict::Approved => AnsiColor::Green,
        Verdict::Pending => AnsiColor::Yellow,
        Verdict::Denied => AnsiColor::Red,
    })
}

/// Returns the style of bold text in a colour.
pub(super) fn bold(colour: AnsiColor) -> Style {
    colour.on_default().bold()
}

/// Paints a text if colours are on.
pub(crate) fn paint(text: &str, style: Style, is_on: bool) -> String {
    if is_on { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// At most so many characters, with `…` in place of the rest.
pub(crate) fn cut(text: &str, at_most: usize) -> String {
    if text.chars().count() <= at_most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(at_most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
