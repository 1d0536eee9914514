//! What rules can refer to in `input` and in `data.org`: the fields that the form of the documents
//! allows, and the entries of the tables.

use schemars::JsonSchema as _;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::core::input::Input;
use crate::core::org::Org;

/// What rules can refer to in `input` and in `data.org`.
pub(super) struct Documents<'a> {
    schema: Value,
    tables: &'a Map<String, Value>,
}

/// The position in a path of the first part that doesn't exist, and the names that do.
pub(super) type Unknown<'s> = (usize, Vec<&'s str>);

impl<'a> Documents<'a> {
    /// Describes them for an organisation with these tables, each as it is written.
    pub(super) fn new(tables: &'a Map<String, Value>) -> Self {
        let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let input = generator.subschema_for::<Input>();
        let mut org = Org::json_schema(&mut generator).to_value()["properties"].take();
        for table in tables.keys().filter(|table| org.get(*table).is_none()).collect::<Vec<_>>() {
            // A table of the organisation's own, whose form nobody else knows.
            org[table] = Value::Bool(true);
        }
        let schema = json!({
            "properties": {"input": input, "data": {"properties": {"org": {"properties": org}}}},
            "$defs": generator.take_definitions(true),
        });
        Documents { schema, tables }
    }

    /// Returns the tables that are the organisation's own.
    pub(super) fn own_tables(&self) -> impl Iterator<Item = &'a str> {
        self.tables.keys().map(String::as_str).filter(|table| self.is_own(table))
    }

    fn is_own(&self, table: &str) -> bool {
        self.schema.pointer(&format!("/properties/data/properties/org/properties/{table}"))
            == Some(&Value::Bool(true))
    }

    /// Returns which part of a path from `input` or `data.org` on doesn't exist. A name that the form
    /// of a table leaves open may come with the next entry, so there only what looks misspelt is
    /// reported; and what a reference written in full expects at the top of an organisation's own
    /// table.
    pub(super) fn unknown(&self, path: &[Option<&str>], is_lookup: bool) -> Option<Unknown<'_>> {
        self.unknown_by_form(path).or_else(|| {
            let [Some("data"), Some("org"), Some(table), below @ ..] = path else { return None };
            let (at, known) = absent(self.tables.get(*table)?, below)?;
            let name = below[at]?;
            let is_expected = at == 0 && !is_lookup && self.is_own(table);
            let is_misspelt = known.iter().any(|known| looks_misspelt(name, known));
            let is_field = || !self.is_own(table) && self.is_any_field(name);
            (is_expected || is_misspelt && !is_field()).then_some((at + 3, known))
        })
    }

    /// Returns whether a name is a field of anything that has a form.
    fn is_any_field(&self, name: &str) -> bool {
        let definitions = self.schema["$defs"].as_object();
        let mut definitions = definitions.into_iter().flat_map(Map::values);
        definitions.any(|definition| definition["properties"].get(name).is_some())
    }

    fn unknown_by_form(&self, path: &[Option<&str>]) -> Option<Unknown<'_>> {
        let mut here = vec![&self.schema];
        for (at, part) in path.iter().enumerate() {
            let here_now = std::mem::take(&mut here);
            let all: Vec<_> =
                here_now.into_iter().flat_map(|schema| self.alternatives(schema)).collect();
            if all.iter().any(|schema| is_open(schema)) {
                return None;
            }
            here = all.iter().flat_map(|schema| below(schema, *part)).collect();
            if here.is_empty() {
                let known = all.iter().filter_map(|schema| schema["properties"].as_object());
                return part.map(|_| (at, known.flat_map(Map::keys).map(String::as_str).collect()));
            }
        }
        None
    }

    /// Returns a schema, or those that it refers to.
    fn alternatives<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix('#').unwrap_or(name);
            return self
                .schema
                .pointer(name)
                .map_or_else(Vec::new, |schema| self.alternatives(schema));
        }
        let several =
            ["anyOf", "oneOf", "allOf"].iter().filter_map(|kind| schema[*kind].as_array());
        let mut all: Vec<_> =
            several.flatten().flat_map(|schema| self.alternatives(schema)).collect();
        if all.is_empty() || schema.get("properties").is_some() {
            all.push(schema);
        }
        all
    }
}

/// Returns which part of a path doesn't exist in any entry of a table, and the names that do. What is
/// empty may hold anything.
fn absent<'v>(table: &'v Value, path: &[Option<&str>]) -> Option<Unknown<'v>> {
    let mut here = vec![table];
    for (at, part) in path.iter().enumerate() {
        let is_empty = |value: &&Value| match value {
            Value::Null => true,
            Value::Object(fields) => fields.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if here.iter().any(is_empty) {
            return None;
        }
        let fields = || here.iter().filter_map(|value| value.as_object());
        let items = here.iter().filter_map(|value| value.as_array()).flatten();
        let next: Vec<_> = match part {
            Some(name) => fields().filter_map(|fields| fields.get(*name)).collect(),
            None => fields().flat_map(Map::values).chain(items).collect(),
        };
        if next.is_empty() {
            return part.map(|_| (at, fields().flat_map(Map::keys).map(String::as_str).collect()));
        }
        here = next;
    }
    None
}

/// Whether a name is most likely a known one with a slip in it. Numbered names are different ones.
pub(super) fn looks_misspelt(name: &str, known: &str) -> bool {
    let letters = |name: &str| name.replace(|c: char| c.is_ascii_digit(), "");
    let (shorter, longer) = (name.len().min(known.len()), name.len().max(known.len()));
    let slips = if shorter < 8 { 1 } else { 2 };
    shorter > 2
        && longer > 3
        && letters(name) != letters(known)
        && strsim::osa_distance(name, known) <= slips
}

/// Whether a schema says nothing about what may be below.
fn is_open(schema: &Value) -> bool {
    schema == &Value::Bool(true)
        || schema["additionalProperties"] == Value::Bool(true)
        || schema.as_object().is_some_and(|schema| {
            let says = ["type", "enum", "const", "properties", "$ref"];
            !says.iter().any(|word| schema.contains_key(*word))
        })
}

/// Returns the schemas of what a part of a path may lead to; `None` is any part.
fn below<'s>(schema: &'s Value, part: Option<&str>) -> Vec<&'s Value> {
    let of_all = || {
        let patterns = schema["patternProperties"].as_object();
        let patterns = patterns.into_iter().flat_map(Map::values);
        let others = ["items", "additionalProperties"].iter().filter_map(|word| schema.get(*word));
        patterns.chain(others.filter(|schema| schema.is_object() || **schema == Value::Bool(true)))
    };
    let properties = schema["properties"].as_object();
    match part {
        Some(name) => match properties.and_then(|properties| properties.get(name)) {
            Some(named) => vec![named],
            None => of_all().collect(),
        },
        None => properties.into_iter().flat_map(Map::values).chain(of_all()).collect(),
    }
}
