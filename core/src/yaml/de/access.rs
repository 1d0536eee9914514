//! The accesses by which serde reads a collection. Masked parts are skipped as if they weren't
//! there, and an error without a position gets the position of the node that it came from.

use std::slice::Iter;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::{Error, Fault, Here, Key, Node};

/// The items of a list.
pub(super) struct Items<'p> {
    here: Here<'p>,
    items: std::iter::Enumerate<Iter<'p, Node>>,
}

impl<'p> Items<'p> {
    pub(super) fn new(here: Here<'p>, items: &'p [Node]) -> Self {
        Self { here, items: items.iter().enumerate() }
    }

    /// Returns how many items the list has, including masked ones.
    pub(super) fn written(&self) -> usize {
        self.items.len()
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let run = self.here.run;
        let Some((index, node)) = self.items.find(|(_, node)| !run.is_masked(node)) else {
            return Ok(None);
        };
        let item = Here { run, node, key: None, index, up: Some(&self.here) };
        item.seeded(seed).map(Some)
    }
}

/// The entries of a mapping; of a struct, only those whose key it knows.
pub(super) struct Entries<'p> {
    here: Here<'p>,
    entries: Iter<'p, (Key, Node)>,
    known: Option<&'static [&'static str]>,
    current: Option<&'p (Key, Node)>,
}

impl<'p> Entries<'p> {
    pub(super) fn new(
        here: Here<'p>,
        entries: &'p [(Key, Node)],
        known: Option<&'static [&'static str]>,
    ) -> Self {
        Self { here, entries: entries.iter(), known, current: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        for entry in self.entries.by_ref() {
            let (key, node) = entry;
            if self.here.run.is_masked(node) {
                continue;
            }
            let here = Here::entry(&self.here, key, node);
            if let Some(known) = self.known
                && !known.contains(&key.text.as_str())
            {
                here.run.visit()?;
                here.refuse_unknown(key, known);
                continue;
            }
            self.current = Some(entry);
            return seed
                .deserialize(KeyText(&key.text))
                .map(Some)
                .map_err(|error| error.at(|| here.place_with(key.span)));
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let Some((key, node)) = self.current.take() else {
            return Err(Error::new(Fault::Follows));
        };
        Here::entry(&self.here, key, node).seeded(seed)
    }
}

impl<'p> Here<'p> {
    fn entry(up: &'p Here<'p>, key: &'p Key, node: &'p Node) -> Self {
        Here { run: up.run, node, key: Some(key), index: 0, up: Some(up) }
    }

    fn seeded<'de, T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.run.visit()?;
        seed.deserialize(self).map_err(|error| error.at(|| self.place()))
    }
}

/// A key: text for any type of the map's keys.
struct KeyText<'p>(&'p str);

impl<'de> Deserializer<'de> for KeyText<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let name: StrDeserializer<'_, Error> = self.0.into_deserializer();
        visitor.visit_enum(name)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A variant of an enum, with its content unless it is written as text alone.
pub(super) struct Choice<'p> {
    here: Here<'p>,
    name: &'p str,
    content: Option<&'p (Key, Node)>,
}

impl<'p> Choice<'p> {
    pub(super) fn bare(here: Here<'p>, name: &'p str) -> Self {
        Self { here, name, content: None }
    }

    pub(super) fn with_content(here: Here<'p>, entry: &'p (Key, Node)) -> Self {
        Self { here, name: &entry.0.text, content: Some(entry) }
    }

    /// Deserializes the content; an error if there is none.
    fn content<T>(
        self,
        expected: &str,
        read: impl FnOnce(Here<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some((key, node)) = self.content else {
            let message = format!("`{}` needs {expected}", self.name);
            let help = format!("write `{}:`, and {expected} below it", self.name);
            return Err(Error::known("field/type", message, Some(help)));
        };
        self.here.run.visit()?;
        let content = Here::entry(&self.here, key, node);
        read(content).map_err(|error| error.at(|| content.place()))
    }
}

impl<'de> EnumAccess<'de> for Choice<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        let variant = seed.deserialize(KeyText(self.name));
        let Some((key, node)) = self.content else {
            return Ok((variant?, self));
        };
        if self.here.run.is_masked(node) {
            return Err(Error::new(Fault::Follows));
        }
        let content = Here::entry(&self.here, key, node);
        let variant = variant.map_err(|error| error.at(|| content.place_with(key.span)))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content {
            None => Ok(()),
            Some(_) => self.content("nothing", |content| <()>::deserialize(content)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.content("a value", |content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.content("a list", |content| content.deserialize_tuple(length, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content("a mapping", |content| content.deserialize_struct("", fields, visitor))
    }
}
