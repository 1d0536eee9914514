//! The refusals of the tree: each is reported at the node that is being read, with what to do about
//! it.

use saphyr_parser::{Marker, ScalarStyle, ScanError, Span as Range, Tag};

use super::{Builder, Items, Slot};
use crate::characters::{Text, refused};
use crate::yaml::wording::{self, shown};
use crate::yaml::{Key, MAX_DEPTH, Node, Problem, Span, pointer_push, text};

impl Builder<'_, '_> {
    /// Reports an anchor or a tag; returns whether the node may still be used. An anchor doesn't
    /// change its node, but a tag changes the meaning of a scalar.
    pub(super) fn properties(&mut self, range: &Range, anchor: usize, tag: Option<&Tag>) -> bool {
        if anchor > 0 {
            let span = self.word(&range.start);
            let message = format!("anchors such as `{}` are not allowed", self.shown(span));
            let help = "delete it, and write the value out wherever it is needed";
            self.report("yaml/anchor", message, Some(help), span);
        }
        if tag.is_some() {
            self.refuse_tag(&range.start);
        }
        tag.is_none()
    }

    pub(super) fn refuse_tag(&mut self, start: &Marker) {
        let span = self.word(start);
        let message = format!("tags such as `{}` are not allowed", self.shown(span));
        let help = "delete the tag; quotes turn a value into text";
        self.report("yaml/tag", message, Some(help), span);
    }

    pub(super) fn refuse_document(&mut self, start: &Marker) {
        let span = self.word(start);
        self.open.clear();
        let help = "keep one document in each file; what follows is not read";
        let message = "a second document starts here".to_owned();
        self.report("yaml/documents", message, Some(help), span);
    }

    pub(super) fn refuse_depth(&mut self, span: Span) {
        self.too_deep = true;
        let message = format!("lists and mappings are nested {MAX_DEPTH} levels deep or more");
        let help = format!("nest at most {} levels", MAX_DEPTH - 1);
        self.report("yaml/depth", message, Some(&help), span);
    }

    pub(super) fn refuse_key(&mut self, found: String, span: Span) {
        let message = format!("a key has to be text, found {found}");
        let help = "put the key in quotes if it is meant as text";
        self.report("yaml/key", message, Some(help), span);
    }

    /// Reports characters that weren't found before: those written as an escape, and in a key those
    /// that only prose may hold. Returns whether the scalar contains any refused character.
    pub(super) fn refuse_hidden(&mut self, text: &str, style: ScalarStyle, span: Span) -> bool {
        if text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n')) {
            return false;
        }
        let kind = if self.awaited_key().is_some() { Text::Exact } else { Text::Prose };
        let Some((_, c, role)) = refused(text, kind).next() else {
            return false;
        };
        let was_found = refused(self.places.slice(span), Text::Prose).next().is_some();
        if !was_found && style == ScalarStyle::DoubleQuoted {
            let message = format!("this text hides {}", text::named(c, role));
            self.report("yaml/character", message, Some("delete the escape"), span);
        } else if !was_found {
            let message = format!("{} is not allowed here", text::named(c, role));
            self.report("yaml/character", message, Some("delete it"), span);
        }
        true
    }

    /// Keeps the first of several entries with the same key.
    pub(super) fn refuse_duplicates(&mut self, entries: &mut Vec<(Key, Node)>) {
        if entries.len() < 2 {
            return;
        }
        let mut repeated = vec![false; entries.len()];
        for (again, first) in repetitions(entries) {
            repeated[again] = true;
            let (first, key) = (entries[first].0.span, &entries[again].0);
            let mut pointer = self.pointer();
            pointer_push(&mut pointer, &key.text);
            self.problems.push(Problem {
                code: "yaml/duplicate-key",
                message: format!("`{}` is given twice", shown(&key.text)),
                help: Some(format!(
                    "the first one is on line {}, column {}; delete one of them",
                    first.line, first.column
                )),
                pointer,
                span: key.span,
            });
        }
        let mut repeated = repeated.into_iter();
        entries.retain(|_| !repeated.next().unwrap_or_default());
    }

    /// Reports what the parser couldn't read; returns the byte of that position.
    pub(super) fn syntax(&mut self, error: &ScanError) -> usize {
        // The parser also counts a missing line break at the end of the file.
        let at = self.places.byte(error.marker().line(), error.marker().col());
        let span = self.places.at(at, at);
        let info = error.info();
        // The parser refuses deep nesting before it returns the events for it.
        if info.contains("recursion") {
            if !self.too_deep {
                self.refuse_depth(span);
            }
        } else if !info.contains("unprintable") && !info.contains("byte order mark") {
            // The check of characters already found these two.
            let (message, help) = wording::syntax(info);
            self.report("yaml/syntax", message, help, span);
        }
        span.start
    }

    pub(super) fn report(
        &mut self,
        code: &'static str,
        message: String,
        help: Option<&str>,
        span: Span,
    ) {
        let pointer = self.pointer();
        self.problems.push(Problem { code, message, help: help.map(str::to_owned), pointer, span });
    }

    /// Returns the pointer of the next node.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for collection in &self.open {
            match &collection.items {
                Items::Sequence(items) => pointer_push(&mut pointer, &items.len().to_string()),
                Items::Mapping(_, Slot::ValueOf(key)) => pointer_push(&mut pointer, &key.text),
                Items::Mapping(..) => break,
            }
        }
        pointer
    }

    /// Returns the span of the word that starts at a mark.
    pub(super) fn word(&self, start: &Marker) -> Span {
        let mut span = self.at(start);
        let rest = self.places.rest(span);
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
        span.end += rest.find(ends).unwrap_or(rest.len());
        span
    }

    pub(super) fn shown(&self, span: Span) -> String {
        shown(self.places.slice(span))
    }
}

/// Returns pairs of entries with the same key: the repetition and the first one.
fn repetitions(entries: &[(Key, Node)]) -> Vec<(usize, usize)> {
    let text = |index: usize| entries[index].0.text.as_str();
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|&index| text(index));
    order
        .chunk_by(|&a, &b| text(a) == text(b))
        .flat_map(|same| same[1..].iter().map(|&again| (again, same[0])))
        .collect()
}
