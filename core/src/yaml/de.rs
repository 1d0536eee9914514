//! Deserializes a tree into any serde type, reporting all problems at once.
//!
//! serde stops at the first error. So on each error the node that caused it is masked, as if it
//! hadn't been written, and deserialization starts again, until no new error occurs. An error that
//! only follows from a part that was left out (a required field that is masked) masks its node
//! without a report.

mod access;
mod run;

use serde::de::{self, DeserializeOwned, Visitor};

use self::access::{Choice, Entries, Items};
use self::run::Run;
use super::error::{Error, Fault, NodePlace, unknown_field};
use super::wording::{kind, listed, remedy, shown};
use super::{Document, Key, Node, Problem, Reading, Span, Value, more, pointer_push};

pub(super) fn read<T: DeserializeOwned>(document: &Document) -> Reading<T> {
    let run = Run::new(document);
    let value = run.deserialize(&document.root);
    let found = run.found.into_inner();
    let mut problems = document.problems.clone();
    let noted = problems.last().is_some_and(|last| last.code == "yaml/more");
    if !noted {
        problems.extend(found.problems);
        problems.sort_by_key(|problem| problem.span.start);
        if found.stopped {
            problems.push(more("there may be more problems".into(), &problems));
        }
    }
    Reading {
        value: value.filter(|_| document.broken_at.is_none()),
        problems,
        masked: found.left_out,
    }
}

/// A node on the way from the root; serde's deserializer.
#[derive(Clone, Copy)]
struct Here<'p> {
    run: &'p Run,
    node: &'p Node,
    /// Its key or its index in the collection above.
    key: Option<&'p Key>,
    index: usize,
    up: Option<&'p Here<'p>>,
}

impl<'p> Here<'p> {
    fn pointer(&self) -> String {
        let Some(up) = self.up else {
            return String::new();
        };
        let mut pointer = up.pointer();
        match self.key {
            Some(key) => pointer_push(&mut pointer, &key.text),
            None => pointer_push(&mut pointer, &self.index.to_string()),
        }
        pointer
    }

    fn place(&self) -> NodePlace {
        self.place_with(self.node.headline(self.key))
    }

    fn place_with(&self, span: Span) -> NodePlace {
        let (text, is_collection) = match &self.node.value {
            Value::String(text) => (Some(shown(text)), false),
            Value::Sequence(_) | Value::Mapping(_) => (None, true),
            _ => (None, false),
        };
        NodePlace {
            node: self.node,
            pointer: self.pointer(),
            span,
            end: self.node.span.end,
            text,
            is_collection,
        }
    }

    /// Reports a key that the struct doesn't know, and leaves its value out. The field that was
    /// probably meant counts as left out, too: it isn't missing, but misspelled.
    fn refuse_unknown(&self, key: &Key, known: &'static [&'static str]) {
        let (message, help, meant) = unknown_field(&key.text, known);
        let mut found = self.run.found.borrow_mut();
        if let (Some(meant), Some(up)) = (meant, self.up)
            && up.node.child(meant).is_none()
        {
            let mut pointer = up.pointer();
            pointer_push(&mut pointer, meant);
            found.left_out.push(pointer);
        }
        found.left_out.push(self.pointer());
        found.masked.push(self.node);
        found.problems.push(Problem {
            code: "field/unknown",
            message,
            help: Some(help),
            pointer: self.pointer(),
            span: key.span,
        });
    }

    fn unexpected(&self, expected: &str) -> Error {
        let message = format!("expected {expected}, found {}", kind(&self.node.value));
        let help = remedy(expected, &self.node.value).map(str::to_owned);
        Error::known("field/type", message, help)
    }

    fn integer(&self) -> Result<i64, Error> {
        match self.node.value {
            Value::Integer(integer) => Ok(integer),
            _ => Err(self.unexpected("a whole number")),
        }
    }

    fn float(&self) -> Result<f64, Error> {
        match self.node.value {
            Value::Integer(integer) => Ok(integer as f64),
            Value::Float(float) => Ok(float),
            _ => Err(self.unexpected("a number")),
        }
    }

    fn entries(self, known: Option<&'static [&'static str]>) -> Result<Entries<'p>, Error> {
        match &self.node.value {
            Value::Mapping(entries) => Ok(Entries::new(self, entries, known)),
            _ => Err(self.unexpected("a mapping")),
        }
    }

    fn items(self) -> Result<Items<'p>, Error> {
        match &self.node.value {
            Value::Sequence(items) => Ok(Items::new(self, items)),
            _ => Err(self.unexpected("a list")),
        }
    }
}

/// Reads whole numbers: a number out of range is a problem of the value, not of the type.
macro_rules! integers {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let integer = self.integer()?;
            let fitting = <$type>::try_from(integer).map_err(|_| {
                let (least, most) = (<$type>::MIN, <$type>::MAX);
                let message = format!("{integer} is not between {least} and {most}");
                Error::known("field/value", message, None)
            })?;
            visitor.$visit(fitting)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Here<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(*bool),
            Value::Integer(integer) => visitor.visit_i64(*integer),
            Value::Float(float) => visitor.visit_f64(*float),
            Value::String(text) => visitor.visit_str(text),
            Value::Sequence(_) => visitor.visit_seq(self.items()?),
            Value::Mapping(_) => visitor.visit_map(self.entries(None)?),
            Value::Invalid => Err(Error::new(Fault::Follows)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Value::Bool(bool) => visitor.visit_bool(bool),
            _ => Err(self.unexpected("`true` or `false`")),
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::String(text) => visitor.visit_str(text),
            _ => Err(self.unexpected("text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Value::Null => visitor.visit_unit(),
            _ => Err(self.unexpected("nothing")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let items = self.items()?;
        if items.written() != length {
            let message = format!("expected a list of {length}, found {}", items.written());
            return Err(Error::known("field/value", message, None));
        }
        visitor.visit_seq(items)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(self.entries(None)?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(self.entries(Some(fields))?)
    }

    /// Reads a variant, which is written as text, or with its content as the only entry of a
    /// mapping.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::String(name) => visitor.visit_enum(Choice::bare(self, name)),
            Value::Mapping(entries) if entries.len() == 1 => {
                visitor.visit_enum(Choice::with_content(self, &entries[0]))
            }
            _ => Err(self.unexpected(&format!("one of {}", listed(variants)))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { bytes byte_buf i128 u128 }
}
