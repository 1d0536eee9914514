//! Turns the parser's events into a tree of nodes that know their position.
//!
//! The loop reads one event after the other and never recurses, so that a malicious file can't
//! exhaust the stack. What is refused becomes a problem, and, if it left no usable value, an
//! `Invalid` node.

mod refuse;

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span as Range};

use super::text::{self, Places};
use super::wording::shown;
use super::{Document, Key, MAX_BYTES, MAX_DEPTH, Node, Problem, Problems, Span, Value, scalar};

/// Reads one YAML or JSON document from untrusted bytes. It never fails: whatever is wrong is in
/// [`Document::problems`].
pub fn parse(bytes: &[u8]) -> Document {
    parse_up_to(MAX_BYTES, bytes)
}

/// Reads a document like [`parse`], of up to `limit` bytes; for files whose size no untrusted
/// person decides.
pub fn parse_up_to(limit: usize, bytes: &[u8]) -> Document {
    let mut problems = Problems::default();
    let (root, broken_at) = match text::decode(bytes, limit, &mut problems) {
        Some((text, base)) => tree(text, base, &mut problems),
        None => (Node::invalid(Span::default()), Some(0)),
    };
    Document { root, problems: problems.finish(), broken_at }
}

fn tree(text: &str, base: usize, problems: &mut Problems) -> (Node, Option<usize>) {
    let places = Places::new(text, base);
    let nul = text::check_characters(text, &places, problems);
    let text = &text[..nul.unwrap_or(text.len())];
    let mut builder = Builder {
        places: &places,
        problems,
        open: Vec::new(),
        ignored: 0,
        too_deep: false,
        last_end: base,
        documents: 0,
        root: None,
    };
    let broken_at = builder.run(text).or(nul.map(|nul| base + nul));
    (builder.finish(broken_at), broken_at)
}

struct Builder<'b, 't> {
    places: &'b Places<'t>,
    problems: &'b mut Problems,
    open: Vec<Collection>,
    /// How many collections are open inside a part that is left out.
    ignored: usize,
    too_deep: bool,
    /// The byte at which the last piece of content ended.
    last_end: usize,
    documents: usize,
    root: Option<Node>,
}

/// A sequence or mapping that is still open.
struct Collection {
    span: Span,
    items: Items,
}

enum Items {
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>, Slot),
}

/// The part that a mapping expects next.
enum Slot {
    Key,
    ValueOf(Key),
    /// The value of a key that was refused; it is checked and dropped.
    Dropped,
}

impl Builder<'_, '_> {
    /// Reads the events; returns the byte from which on nothing could be read.
    fn run(&mut self, text: &str) -> Option<usize> {
        let mut parser = Parser::new_from_str(text);
        loop {
            match parser.next_event()? {
                Ok((Event::StreamEnd, _)) => return None,
                Ok((Event::DocumentStart(_), range)) => {
                    self.documents += 1;
                    if self.documents > 1 {
                        self.refuse_document(&range.start);
                        return None;
                    }
                }
                Ok((event, range)) => self.event(event, range),
                // This is the only error after which the parser can continue.
                Err(error) if error.info().ends_with("found unknown anchor") => {
                    self.alias(error.marker());
                }
                Err(error) if error.info() == "the handle wasn't declared" => {
                    self.refuse_tag(error.marker());
                    return Some(self.at(error.marker()).start);
                }
                Err(error) => return Some(self.syntax(&error)),
            }
        }
    }

    fn event(&mut self, event: Event<'_>, range: Range) {
        if self.ignored > 0 {
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => self.ignored += 1,
                Event::SequenceEnd | Event::MappingEnd => self.ignored -= 1,
                _ => {}
            }
            return;
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let usable = self.properties(&range, anchor, tag.as_deref());
                self.scalar(text, style, range, usable);
            }
            Event::SequenceStart(anchor, tag) => {
                self.properties(&range, anchor, tag.as_deref());
                self.open(range, Items::Sequence(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.properties(&range, anchor, tag.as_deref());
                self.open(range, Items::Mapping(Vec::new(), Slot::Key));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                // A block ends with its content, a flow collection with its bracket.
                if !range.is_empty() {
                    self.last_end = self.span(&range).end;
                }
                self.close(self.last_end);
            }
            Event::Alias(_) => self.alias(&range.start),
            _ => {}
        }
    }

    fn alias(&mut self, start: &Marker) {
        if self.ignored > 0 {
            return;
        }
        let span = self.word(start);
        let message = format!("aliases such as `{}` are not allowed", self.shown(span));
        let help = "write the value out; text that starts with `*` needs quotes";
        self.report("yaml/alias", message, Some(help), span);
        self.last_end = span.end;
        match self.awaited_key() {
            Some(slot) => *slot = Slot::Dropped,
            None => self.place(Node::invalid(span)),
        }
    }

    fn open(&mut self, range: Range, items: Items) {
        let span = self.span(&range);
        if let Some(slot) = self.awaited_key() {
            *slot = Slot::Dropped;
            self.ignored = 1;
            self.refuse_key("a list or a mapping".into(), span);
        } else if self.open.len() + 1 >= MAX_DEPTH {
            self.ignored = 1;
            self.refuse_depth(span);
            self.place(Node::invalid(span));
        } else {
            self.last_end = span.end;
            self.open.push(Collection { span, items });
        }
    }

    fn close(&mut self, end: usize) {
        let Some(Collection { mut span, items }) = self.open.pop() else {
            return;
        };
        span.end = end.max(span.start);
        let value = match items {
            Items::Sequence(items) => Value::Sequence(items),
            Items::Mapping(mut entries, slot) => {
                if let Slot::ValueOf(key) = slot {
                    let value = Node::invalid(key.span);
                    entries.push((key, value));
                }
                self.refuse_duplicates(&mut entries);
                Value::Mapping(entries)
            }
        };
        self.place(Node { span, value });
    }

    /// Adds a finished node to its collection.
    fn place(&mut self, node: Node) {
        match self.open.last_mut().map(|collection| &mut collection.items) {
            None => self.root = Some(node),
            Some(Items::Sequence(items)) => items.push(node),
            Some(Items::Mapping(entries, slot)) => {
                if let Slot::ValueOf(key) = std::mem::replace(slot, Slot::Key) {
                    entries.push((key, node));
                }
            }
        }
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, range: Range, usable: bool) {
        let plain = style == ScalarStyle::Plain;
        let span = if plain && text.is_empty() {
            self.nowhere(&range)
        } else {
            let span = self.trimmed(&range);
            self.last_end = span.end;
            span
        };
        let hidden = self.refuse_hidden(&text, style, span);
        let meaning = if plain { scalar::resolve(&text) } else { Ok(None) };
        if self.awaited_key().is_some() {
            let is_text = matches!(meaning, Ok(None));
            self.key(text, is_text, hidden, span);
            return;
        }
        let value = match meaning {
            _ if hidden || !usable => Value::Invalid,
            Ok(meaning) => meaning.unwrap_or_else(|| Value::String(text.into_owned())),
            Err(unholdable) => {
                let help = "put it in quotes";
                self.report("yaml/number", unholdable.0.into(), Some(help), span);
                Value::Invalid
            }
        };
        self.place(Node { span, value });
    }

    fn key(&mut self, text: Cow<'_, str>, is_text: bool, hidden: bool, span: Span) {
        let next = if is_text {
            let mut text = text.into_owned();
            if hidden {
                // The characters were reported; without them the key may be a known one.
                text = text::without_refused(&text);
            }
            Slot::ValueOf(Key { text, span })
        } else {
            let found = match text.as_ref() {
                "" => "nothing".to_owned(),
                text => format!("`{}`", shown(text)),
            };
            self.refuse_key(found, span);
            Slot::Dropped
        };
        if let Some(slot) = self.awaited_key() {
            *slot = next;
        }
    }

    /// Closes what is still open and returns the root.
    fn finish(mut self, broken_at: Option<usize>) -> Node {
        while !self.open.is_empty() {
            self.close(broken_at.unwrap_or(self.last_end));
        }
        let empty = self
            .root
            .as_ref()
            .is_none_or(|root| root.value == Value::Null && root.span.start == root.span.end);
        if empty && self.problems.list.is_empty() {
            let help = Some("comments alone don't count".into());
            self.problems.push(Problem {
                code: "yaml/empty",
                message: "the file is empty".into(),
                help,
                pointer: String::new(),
                span: self.places.at(0, 0),
            });
        }
        match self.root {
            Some(root) if !empty => root,
            _ => Node::invalid(self.places.at(0, 0)),
        }
    }

    fn awaited_key(&mut self) -> Option<&mut Slot> {
        match &mut self.open.last_mut()?.items {
            Items::Mapping(_, slot) if matches!(slot, Slot::Key) => Some(slot),
            _ => None,
        }
    }

    fn span(&self, range: &Range) -> Span {
        let end = self.places.byte(range.end.line(), range.end.col());
        self.places.span(range.start.line(), range.start.col(), end)
    }

    fn at(&self, mark: &Marker) -> Span {
        self.span(&Range::empty(*mark))
    }

    /// Returns the span without the line breaks that belong to a block scalar.
    fn trimmed(&self, range: &Range) -> Span {
        let mut span = self.span(range);
        span.end = span.start + self.places.slice(span).trim_end().len();
        span
    }

    /// Returns the position of a value that isn't written: its key, or behind its dash.
    fn nowhere(&self, range: &Range) -> Span {
        match self.open.last().map(|collection| &collection.items) {
            Some(Items::Mapping(_, Slot::ValueOf(key))) => key.span,
            Some(Items::Sequence(_)) => self.places.dash(self.last_end, self.at(&range.start)),
            _ => self.at(&range.start),
        }
    }
}

impl Node {
    fn invalid(span: Span) -> Self {
        Self { span, value: Value::Invalid }
    }
}
