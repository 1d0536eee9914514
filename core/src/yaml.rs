//! Reads YAML, and JSON as its subset, strictly: reports every problem at once, with its position.
//!
//! Three phases: `text` checks size, encoding and characters; `parse` turns the parser's events
//! into a tree of nodes that know their position; `de` deserializes that tree into any serde type.
//! None of them stops at the first problem: broken parts are reported and left out, and the rest is
//! still checked. Files come from untrusted people, so everything that YAML offers beyond plain
//! data (anchors, aliases, tags, several documents) is refused, and each phase is bounded in time
//! and depth.
//!
//! Entry points: [`parse`], then [`Document::read`]; later [`Node::locate`] finds the position of a
//! JSON pointer.

mod de;
mod error;
mod parse;
mod scalar;
#[cfg(test)]
mod tests;
mod text;
mod wording;
pub mod write;

use std::borrow::Cow;

use serde::de::DeserializeOwned;

pub use parse::{parse, parse_up_to};
pub use wording::did_you_mean;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// The depth of nested collections from which on a file is refused.
pub const MAX_DEPTH: usize = 32;
/// The most problems that are reported; one more then gives the number of the others.
pub const MAX_PROBLEMS: usize = 50;

/// A range of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// The line of the first character, from 1.
    pub line: u32,
    /// The column of the first character, from 1, counted in characters.
    pub column: u32,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable code, such as `yaml/syntax` or `field/unknown`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// JSON pointer (RFC 6901) of the node concerned; empty for the root.
    pub pointer: String,
    /// The range to point at.
    pub span: Span,
}

/// A value and its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The range of the value, without its key.
    pub span: Span,
    /// The value itself.
    pub value: Value,
}

/// The value of a node, resolved by the core schema of YAML 1.2: `yes` and dates are text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number; one that doesn't fit is a problem.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// Text, unescaped.
    String(String),
    /// A list, in the order of the file.
    Sequence(Vec<Node>),
    /// Entries in the order of the file; keys are unique.
    Mapping(Vec<(Key, Node)>),
    /// A broken part that has already been reported.
    Invalid,
}

/// A mapping's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key, unescaped.
    pub text: String,
    /// The range of the key.
    pub span: Span,
}

/// A file as a tree, with its problems.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The outermost node; [`Value::Invalid`] if nothing could be read.
    pub root: Node,
    /// Problems of the YAML itself, in the order of the file.
    pub problems: Vec<Problem>,
    /// The byte from which on nothing could be read.
    broken_at: Option<usize>,
}

/// The result of deserializing a document.
#[derive(Debug)]
pub struct Reading<T> {
    /// What could be read, for further checks; use it only if there are no problems. `None` if
    /// nothing usable was read, and always if the end of the file couldn't be read.
    pub value: Option<T>,
    /// Problems of the YAML and of its content, in the order of the file.
    pub problems: Vec<Problem>,
    /// JSON pointers of the parts that had a problem and were left out: absent from `value`,
    /// although the author wrote something there.
    pub masked: Vec<String>,
}

/// Why a reader refuses a part of a document.
pub struct Refusal {
    /// The code of the problem.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
}

impl Document {
    /// Refuses parts of the document, which was parsed from `bytes`: they become problems, and are
    /// left out. `check` is asked about each scalar, with its pointer and as it is written.
    pub fn refuse(&mut self, bytes: &[u8], check: impl Fn(&str, &Value, &[u8]) -> Option<Refusal>) {
        if self.problems.last().is_some_and(|last| last.code == "yaml/more") {
            return;
        }
        let mut problems =
            Problems { list: std::mem::take(&mut self.problems), ..Problems::default() };
        let mut pointer = String::new();
        self.root.refuse(&mut pointer, &mut |pointer, value, span| {
            let refusal = check(pointer, value, bytes.get(span.start..span.end)?)?;
            let Refusal { code, message, help } = refusal;
            let (help, pointer) = (Some(help.to_owned()), pointer.to_owned());
            problems.push(Problem { code, message, help, pointer, span });
            Some(())
        });
        self.problems = problems.finish();
    }

    /// Deserializes the document, reporting all problems at once. Unknown keys of a struct are
    /// reported and skipped, so `T` never sees them.
    pub fn read<T: DeserializeOwned>(&self) -> Reading<T> {
        de::read(self)
    }
}

impl Node {
    /// Returns the range that a JSON pointer points to: the value for a short scalar, the key for
    /// anything longer. If nothing is there, the range of its nearest ancestor.
    pub fn locate(&self, pointer: &str) -> Span {
        let mut node = self;
        let mut span = self.headline(None);
        for step in pointer.split('/').skip(1) {
            let Some((key, child)) = node.child(&unescape(step)) else {
                break;
            };
            span = child.headline(key);
            node = child;
        }
        span
    }

    /// Invalidates the scalars that `check` refuses.
    fn refuse(
        &mut self,
        pointer: &mut String,
        check: &mut impl FnMut(&str, &Value, Span) -> Option<()>,
    ) {
        let above = pointer.len();
        match &mut self.value {
            Value::Mapping(entries) => {
                for (key, node) in entries {
                    pointer_push(pointer, &key.text);
                    node.refuse(pointer, check);
                    pointer.truncate(above);
                }
            }
            Value::Sequence(items) => {
                for (index, node) in items.iter_mut().enumerate() {
                    pointer_push(pointer, &index.to_string());
                    node.refuse(pointer, check);
                    pointer.truncate(above);
                }
            }
            scalar => {
                if check(pointer, scalar, self.span).is_some() {
                    self.value = Value::Invalid;
                }
            }
        }
    }

    fn child(&self, step: &str) -> Option<(Option<&Key>, &Node)> {
        match &self.value {
            Value::Mapping(entries) => entries
                .iter()
                .find(|(key, _)| key.text == step)
                .map(|(key, node)| (Some(key), node)),
            Value::Sequence(items) => Some((None, items.get(step.parse::<usize>().ok()?)?)),
            _ => None,
        }
    }

    /// Returns the range to point at for this node: of one that may cover many lines, only its key,
    /// or its first key.
    fn headline(&self, key: Option<&Key>) -> Span {
        let long = match &self.value {
            Value::Mapping(_) | Value::Sequence(_) => true,
            Value::String(text) => text.contains('\n'),
            _ => false,
        };
        match (key, &self.value) {
            (Some(key), _) if long => key.span,
            (None, Value::Mapping(entries)) => entries.first().map_or(self.span, |(k, _)| k.span),
            (None, Value::Sequence(items)) => {
                items.first().map_or(self.span, |item| item.headline(None))
            }
            _ => self.span,
        }
    }
}

/// Appends a step to a JSON pointer, escaped (`~` as `~0`, `/` as `~1`).
pub fn pointer_push(pointer: &mut String, step: &str) {
    pointer.push('/');
    for c in step.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

fn unescape(step: &str) -> Cow<'_, str> {
    if step.contains('~') { step.replace("~1", "/").replace("~0", "~").into() } else { step.into() }
}

/// Gathers problems up to [`MAX_PROBLEMS`] and counts the rest.
#[derive(Default)]
struct Problems {
    list: Vec<Problem>,
    left_over: usize,
}

impl Problems {
    fn push(&mut self, problem: Problem) {
        if self.is_full() {
            self.left_over += 1;
        } else {
            self.list.push(problem);
        }
    }

    fn is_full(&self) -> bool {
        self.list.len() >= MAX_PROBLEMS
    }

    /// Returns the problems in the order of the file.
    fn finish(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|problem| problem.span.start);
        if self.left_over > 0 {
            let message = format!("{} more problems are not shown", self.left_over);
            self.list.push(more(message, &self.list));
        }
        self.list
    }
}

/// Returns the problem that represents those not reported, at the position of the last one that is.
fn more(message: String, shown: &[Problem]) -> Problem {
    Problem {
        code: "yaml/more",
        message,
        help: Some("fix the ones above first".into()),
        pointer: String::new(),
        span: shown.last().map_or_else(Span::default, |last| last.span),
    }
}
