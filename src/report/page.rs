//! The layout that reports share: paths, width, colour.

use std::fmt;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use textwrap::core::Word;
pub use textwrap::core::display_width as width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use crate::core::terms::Verdict;
use crate::report::escape::terminal;

/// Returns a path as reports show it: with `/` between its parts.
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

/// The columns for texts that can't be narrower, whatever the screen.
pub const NARROWEST: usize = 20;

/// Breaks a text into lines of at most `width` columns at blanks, and escapes each.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    // Escaped twice: before, as a line break is a blank; after, as some text acts at a line's start.
    let text = terminal(text);
    textwrap::wrap(&text, options).iter().map(|line| terminal(line).into_owned()).collect()
}

/// Wraps a text behind a beginning into so many columns; its further lines are indented as far as
/// its first.
pub fn hanging(beginning: &str, text: &str, columns: usize) -> String {
    let indent = width(beginning);
    let lines = wrap(text, columns.saturating_sub(indent).max(NARROWEST))
        .join(&format!("\n{:indent$}", ""));
    format!("{beginning}{lines}\n")
}

/// Returns a number of things in words: `1 entry`, `2 entries`.
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    format!("{count} {}", if count == N::from(1) { one } else { many })
}

/// Fills a text with blanks to so many columns.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{:1$}", "", columns.saturating_sub(width(text)))
}

/// Cuts a text to at most so many columns, with `…` in place of the rest.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let kept = Word::from(text).break_apart(columns.saturating_sub(1)).next();
    format!("{}…", kept.as_deref().unwrap_or_default().trim_end())
}

/// Returns how a verdict is painted.
pub fn style_of(verdict: Verdict) -> Style {
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
pub fn paint(text: &str, style: Style, is_on: bool) -> String {
    if is_on { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(wrap("日本 日本 ab", 7), ["日本", "日本 ab"]);
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(pad("日本", 6), "日本  ");
        let text = "日本 ".repeat(40);
        assert!(hanging("  why  ", &text, 60).lines().all(|line| width(line) <= 60));
        assert_eq!(hanging("  why  ", &text, usize::MAX).lines().count(), 1);
    }

    #[test]
    fn blanks_stay_within_a_line_and_words_stay_whole() {
        assert_eq!(wrap("a  b\nc", 9), ["a  b c"]);
        assert_eq!(wrap("  a  b", 4), ["  a", "b"]);
        assert_eq!(wrap("a long-winded-one ", 6), ["a", "long-winded-one"]);
        assert_eq!(wrap("", 6), [""]);
        assert_eq!(wrap("one ::error::", 5), ["one", "\\u{3a}:error::"]);
    }
}
