//! What rules can refer to in `input` and in `data.org`: the fields that the form of the documents
//! allows, and the entries of the tables.

use schemars::JsonSchema as _;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::input::Input;
use crate::org::Org;

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

    /// Returns whether what is at a path may be something else than a list.
    pub(super) fn may_have_names(&self, path: &[Option<&str>]) -> bool {
        let schemas = self.schemas(path).unwrap_or_default();
        schemas.iter().any(|schema| schema["type"] == "object")
    }

    /// Returns what can be at a path, in words, if that is never equal to a value.
    pub(super) fn other_than(&self, path: &[Option<&str>], value: &Value) -> Option<Vec<&str>> {
        let schemas = self.schemas(path).ok()?;
        if schemas.iter().any(|schema| admits(schema, value)) {
            return None;
        }
        let mut known = Vec::new();
        for word in schemas.iter().flat_map(|schema| words(schema)) {
            if !known.contains(&word) {
                known.push(word);
            }
        }
        (!known.is_empty()).then_some(known)
    }

    /// Returns the names that the organisation's tables know of what is at a path of the input.
    pub(super) fn names(&self, path: &[Option<&str>]) -> Vec<&'a str> {
        let is_login = || self.schemas(path).is_ok_and(|s| s.iter().any(|s| s["title"] == "Login"));
        let roster = |part: &str| self.tables.get("roster").and_then(|roster| roster.get(part));
        let table = match path {
            [Some("input"), .., Some("actions"), _, Some("action")] => self.tables.get("actions"),
            [Some("input"), .., Some("services"), _] => roster("services"),
            [Some("input"), ..] if is_login() => roster("people"),
            _ => None,
        };
        let names = table.and_then(Value::as_object).into_iter().flat_map(Map::keys);
        names.map(String::as_str).collect()
    }

    fn unknown_by_form(&self, path: &[Option<&str>]) -> Option<Unknown<'_>> {
        self.schemas(path).err().flatten()
    }

    /// Returns the schemas of what may be at a path, and otherwise which part doesn't exist, if the
    /// form says that.
    fn schemas(&self, path: &[Option<&str>]) -> Result<Vec<&Value>, Option<Unknown<'_>>> {
        let mut here = vec![&self.schema];
        for (at, part) in path.iter().enumerate() {
            let here_now = std::mem::take(&mut here);
            let all = self.closed(here_now).ok_or(None)?;
            here = all.iter().flat_map(|schema| below(schema, *part)).collect();
            if here.is_empty() {
                let known = all.iter().filter_map(|schema| schema["properties"].as_object());
                let known = || known.flat_map(Map::keys).map(String::as_str).collect();
                return Err(part.map(|_| (at, known())));
            }
        }
        self.closed(here).ok_or(None)
    }

    /// Returns all alternatives of schemas, unless one of them says nothing.
    fn closed<'s>(&'s self, schemas: Vec<&'s Value>) -> Option<Vec<&'s Value>> {
        let all: Vec<_> =
            schemas.into_iter().flat_map(|schema| self.alternatives(schema)).collect();
        (!all.iter().any(|schema| is_open(schema))).then_some(all)
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

/// Returns whether a text, a number or a truth value may fit a schema, as far as its type and its set
/// of values go. What admits lists or objects isn't judged.
fn admits(schema: &Value, value: &Value) -> bool {
    match (schema["enum"].as_array(), schema.get("const")) {
        (Some(values), _) => values.contains(value),
        (None, Some(only)) => only == value,
        (None, None) => types(schema).any(|name| match name {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" | "number" => value.is_number(),
            name => name != "null",
        }),
    }
}

/// Returns what a schema admits, in words.
fn words(schema: &Value) -> Vec<&str> {
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().filter_map(Value::as_str).collect();
    }
    if let Some(only) = schema["const"].as_str() {
        return vec![only];
    }
    let words = types(schema).filter_map(|name| match name {
        "string" => Some("a text"),
        "boolean" => Some("true or false"),
        "integer" | "number" => Some("a number"),
        _ => None,
    });
    words.collect()
}

fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let several = schema["type"].as_array().into_iter().flatten();
    several.chain(schema.get("type")).filter_map(Value::as_str)
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
