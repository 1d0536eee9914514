//! Checks the bytes before YAML is parsed: size, encoding, characters. It also translates between
//! bytes and lines.

use super::{Problem, Problems, Span};
use crate::characters;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Returns the bytes as text, and how many bytes of a byte order mark were skipped. `None` if they
/// can't be read, which is reported.
pub(super) fn decode<'t>(
    bytes: &'t [u8],
    limit: usize,
    problems: &mut Problems,
) -> Option<(&'t str, usize)> {
    if bytes.len() > limit {
        problems.push(Problem {
            code: "yaml/too-large",
            message: format!("the file is larger than {} KiB, the most that is read", limit / 1024),
            help: Some("store logs and data elsewhere, and link to them".into()),
            pointer: String::new(),
            span: place(b"", 0, 0),
        });
        return None;
    }
    let body = bytes.strip_prefix(BOM).unwrap_or(bytes);
    if body.len() < bytes.len() {
        problems.push(Problem {
            code: "yaml/encoding",
            message: "the file starts with a byte order mark".into(),
            help: Some("save it as UTF-8 without a byte order mark".into()),
            pointer: String::new(),
            span: place(b"", 0, BOM.len()),
        });
    }
    match std::str::from_utf8(body) {
        Ok(text) => Some((text, bytes.len() - body.len())),
        Err(error) => {
            let valid = bytes.len() - body.len() + error.valid_up_to();
            problems.push(Problem {
                code: "yaml/encoding",
                message: format!("byte {valid} (0x{:02x}) is not UTF-8", bytes[valid]),
                help: Some("save the file as UTF-8".into()),
                pointer: String::new(),
                span: place(bytes, valid, valid + 1),
            });
            None
        }
    }
}

/// Returns line and column of a byte, if everything before it is UTF-8.
fn place(bytes: &[u8], start: usize, end: usize) -> Span {
    let before = bytes.get(..start).unwrap_or_default();
    let before = String::from_utf8_lossy(before.strip_prefix(BOM).unwrap_or(before));
    let mut span = Places::new(&before, 0).at(before.len(), before.len());
    (span.start, span.end) = (start, end);
    span
}

/// Reports characters that a reader can't see or that reorder others. Returns the byte of the first
/// NUL, after which no YAML is read.
pub(super) fn check_characters(
    text: &str,
    places: &Places<'_>,
    problems: &mut Problems,
) -> Option<usize> {
    if text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\t')) {
        return None;
    }
    for (at, c, role) in refused(text) {
        if problems.is_full() {
            problems.left_over += 1;
            continue;
        }
        problems.push(Problem {
            code: "yaml/character",
            message: format!("{} is not allowed", named(c, role)),
            help: Some("delete it; most editors can show invisible characters".into()),
            pointer: String::new(),
            span: places.at(at, at + c.len_utf8()),
        });
    }
    text.find('\0')
}

/// Names a character: `U+202E (a bidirectional control)`.
pub(super) fn named(c: char, role: &str) -> String {
    format!("U+{:04X} ({role})", u32::from(c))
}

/// Returns the characters of a text that no file may hold: byte, character, role.
pub(super) fn refused(text: &str) -> impl Iterator<Item = (usize, char, &'static str)> {
    characters::refused(text, characters::Text::Prose)
}

/// Returns a key without its refused characters.
pub(super) fn without_refused(text: &str) -> String {
    let mut refused =
        characters::refused(text, characters::Text::Exact).map(|(at, ..)| at).peekable();
    text.char_indices().filter(|(at, _)| refused.next_if_eq(at).is_none()).map(|(_, c)| c).collect()
}

/// Translates between lines and columns, as the parser counts them, and bytes.
pub(super) struct Places<'t> {
    text: &'t str,
    /// The number of bytes before the text.
    base: usize,
    /// The byte at which each line starts.
    lines: Vec<usize>,
    /// For a text that isn't all ASCII: the byte at which each character starts, and the index in
    /// that list of each line's first character.
    wide: Option<(Vec<u32>, Vec<usize>)>,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t str, base: usize) -> Self {
        let bytes = text.as_bytes();
        let breaks = bytes
            .iter()
            .enumerate()
            .filter(|&(at, &b)| b == b'\n' || (b == b'\r' && bytes.get(at + 1) != Some(&b'\n')));
        let lines: Vec<usize> = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let wide = (!text.is_ascii()).then(|| Self::widths(text, &lines));
        Self { text, base, lines, wide }
    }

    fn widths(text: &str, lines: &[usize]) -> (Vec<u32>, Vec<usize>) {
        let mut chars = Vec::with_capacity(text.len());
        let mut firsts = Vec::with_capacity(lines.len());
        for (at, _) in text.char_indices() {
            if lines.get(firsts.len()) == Some(&at) {
                firsts.push(chars.len());
            }
            chars.push(at as u32);
        }
        firsts.resize(lines.len(), chars.len());
        (chars, firsts)
    }

    /// Returns the byte of the text at a line from 1 and a column from 0.
    pub(super) fn byte(&self, line: usize, column: usize) -> usize {
        let line = line.saturating_sub(1);
        let byte = match &self.wide {
            None => self.lines.get(line).map(|start| start + column),
            Some((chars, firsts)) => firsts
                .get(line)
                .and_then(|first| chars.get(first + column))
                .map(|&byte| byte as usize),
        };
        byte.unwrap_or(self.text.len()).min(self.text.len())
    }

    /// Returns the span of a range that starts at a line from 1 and a column from 0.
    pub(super) fn span(&self, line: usize, column: usize, end: usize) -> Span {
        let start = self.byte(line, column);
        Span {
            start: self.base + start,
            end: self.base + end.max(start),
            line: line as u32,
            column: column as u32 + 1,
        }
    }

    /// Returns the span of a range of bytes of the text.
    pub(super) fn at(&self, start: usize, end: usize) -> Span {
        let line = self.lines.partition_point(|&first| first <= start).max(1);
        let column = self.text[self.lines[line - 1]..start].chars().count();
        self.span(line, column, end)
    }

    /// Returns the text of the file at a span.
    pub(super) fn slice(&self, span: Span) -> &'t str {
        &self.text[span.start - self.base..span.end - self.base]
    }

    /// Returns the text of the file from the start of a span.
    pub(super) fn rest(&self, span: Span) -> &'t str {
        &self.text[span.start - self.base..]
    }

    /// Returns the position of the last dash between two positions, for an item that isn't written.
    pub(super) fn dash(&self, from: usize, to: Span) -> Span {
        let from = (from - self.base).min(to.start - self.base);
        match self.text[from..to.start - self.base].rfind('-') {
            Some(dash) => self.at(from + dash, from + dash + 1),
            None => to,
        }
    }
}
