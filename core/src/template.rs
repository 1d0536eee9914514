//! Templates of standard changes: what two independent L3 decided once, for all uses.
//!
//! ```text
//! template + parameters ── expand ──▶ the fields that a use has to have
//! request ── differs ──▶ where it has others
//! ```
//!
//! A use is a request that holds all of that itself, so that it is read, approved and executed like any other,
//! whatever becomes of the template.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::digest::to_json;
use crate::org::Date;
use crate::request::ChangeRequest;
use crate::terms::{Name, RiskTier, TicketId};
use crate::yaml::pointer_push;

#[cfg(test)]
mod tests;

/// The fields that are a use's own, which no template fixes.
const OWN: [&str; 8] =
    ["id", "type", "template", "requester", "implementer", "schedule", "off_script", "emergency"];

/// A template of standard changes: `policies/templates/<name>/data.yaml`. In its texts `{name}` stands for the
/// parameter with that name; a text that is nothing else takes its value as it is.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Template")]
pub struct Template {
    /// When it was last reviewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Date>,
    /// What a use does, in one line.
    #[schemars(example = &"Scale {target} to {count} pods")]
    pub summary: String,
    /// Its steps.
    #[schemars(length(min = 1))]
    pub actions: Vec<Step>,
    /// What may differ between uses, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// The other fields of a request that are the same for all uses.
    #[serde(default)]
    #[schemars(example = json!({"rollback": {"steps": ["scale back to the previous size"]}}))]
    pub fixed: Map<String, Value>,
    /// The highest risk tier of a use.
    #[serde(default = "medium")]
    pub tier_at_most: RiskTier,
    /// The changes that it was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<TicketId>,
}

fn medium() -> RiskTier {
    RiskTier::Medium
}

/// A step of a template.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// An action of the catalog.
    #[schemars(example = &"scale-service")]
    pub action: Name,
    /// What it acts on.
    #[schemars(example = &"{target}")]
    pub target: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
}

/// The values that a parameter may have.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Parameter {
    /// One of these texts or whole numbers.
    OneOf(Vec<Value>),
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A word of letters, digits, and `.`, `-`, `_`, `+`: a version, for example.
    Word {
        /// The most characters that it may have.
        longest: usize,
    },
}

/// What a request says of the template that it uses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateUse {
    /// The template's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "scale-web")]
    pub name: Option<Name>,
    /// The values of its parameters, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub parameters: BTreeMap<String, Value>,
}

/// What is wrong with a parameter of a use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BadParameter {
    /// Its name.
    pub name: String,
    /// Why its value can't be taken.
    pub why: String,
}

impl Parameter {
    /// Says why a value isn't one of it; `None` if it is.
    fn refuses(&self, value: &Value) -> Option<String> {
        match self {
            Parameter::OneOf(all) if all.contains(value) => None,
            Parameter::OneOf(all) => {
                let all: Vec<_> = all.iter().map(in_text).collect();
                Some(format!("it is one of {}", all.join(", ")))
            }
            Parameter::Integer { min, max } => {
                let is_within = value.as_i64().is_some_and(|it| (*min..=*max).contains(&it));
                (!is_within).then(|| format!("it is a whole number from {min} to {max}"))
            }
            Parameter::Word { longest } => {
                let is_plain = |it: char| it.is_ascii_alphanumeric() || ".-_+".contains(it);
                let is_word = value.as_str().is_some_and(|text| {
                    (1..=*longest).contains(&text.len()) && text.chars().all(is_plain)
                });
                (!is_word).then(|| {
                    format!(
                        "it is a word of at most {longest} letters, digits and `.`, `-`, `_`, `+`"
                    )
                })
            }
        }
    }

    /// Reads what somebody writes for it on a command line.
    pub fn read(&self, text: &str) -> Value {
        let number = || text.parse::<i64>().ok().map(Value::from);
        match self {
            Parameter::Word { .. } => text.into(),
            Parameter::Integer { .. } => number().unwrap_or_else(|| text.into()),
            Parameter::OneOf(all) => {
                number().filter(|number| all.contains(number)).unwrap_or_else(|| text.into())
            }
        }
    }

    /// Returns a value that it takes.
    pub fn sample(&self) -> Value {
        match self {
            Parameter::OneOf(all) => all.first().cloned().unwrap_or_default(),
            Parameter::Integer { min, .. } => (*min).into(),
            Parameter::Word { .. } => "x".into(),
        }
    }

    /// Says in words what it takes.
    pub fn in_words(&self) -> String {
        match self {
            Parameter::OneOf(all) => all.iter().map(in_text).collect::<Vec<_>>().join(" | "),
            Parameter::Integer { min, max } => format!("{min} to {max}"),
            Parameter::Word { longest } => format!("a word of at most {longest} characters"),
        }
    }
}

fn in_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Template {
    /// Returns the fields that a use with these parameters has to have.
    ///
    /// # Errors
    /// What is wrong with the parameters, in the order of their names.
    pub fn expand(
        &self,
        parameters: &BTreeMap<String, Value>,
    ) -> Result<Map<String, Value>, Vec<BadParameter>> {
        let names: BTreeSet<_> = self.parameters.keys().chain(parameters.keys()).collect();
        let bad = names.into_iter().filter_map(|name| {
            let why = match (self.parameters.get(name), parameters.get(name)) {
                (Some(parameter), Some(value)) => parameter.refuses(value)?,
                (Some(parameter), None) => format!("it is missing: {}", parameter.in_words()),
                (None, _) => "the template has no such parameter".to_owned(),
            };
            Some(BadParameter { name: name.clone(), why })
        });
        let bad: Vec<_> = bad.collect();
        if !bad.is_empty() {
            return Err(bad);
        }
        let mut fields = self.fixed.clone();
        fields.insert("summary".to_owned(), self.summary.clone().into());
        fields.insert("actions".to_owned(), to_json(&self.actions));
        fields.values_mut().for_each(|value| fill(value, parameters));
        Ok(fields)
    }

    /// Returns what a use with these parameters is, with what is its own left out.
    ///
    /// # Errors
    /// Those of [`Template::expand`], and if that isn't a request.
    pub fn request(
        &self,
        name: &Name,
        parameters: &BTreeMap<String, Value>,
    ) -> Result<ChangeRequest, String> {
        let mut fields = self.expand(parameters).map_err(|bad| {
            let bad = bad.iter().map(|it| format!("`{}`: {}", it.name, it.why));
            bad.collect::<Vec<_>>().join("; ")
        })?;
        fields.insert("type".to_owned(), "standard".into());
        fields.insert("template".to_owned(), json!({"name": name, "parameters": parameters}));
        serde_json::from_value(fields.into()).map_err(|error| error.to_string())
    }

    /// Returns JSON pointers to the parts of a request that aren't what this template says, in the order of
    /// their names.
    ///
    /// # Errors
    /// Those of [`Template::expand`].
    pub fn differs(
        &self,
        parameters: &BTreeMap<String, Value>,
        request: &ChangeRequest,
    ) -> Result<Vec<String>, Vec<BadParameter>> {
        let fields = self.expand(parameters)?;
        // One form for one meaning.
        let plain = serde_json::from_value::<ChangeRequest>(fields.clone().into());
        let plain = plain.map_or_else(|_| fields.clone().into(), |it| to_json(&it));
        let written = to_json(request);
        let mut pointers = Vec::new();
        for (name, value) in &fields {
            let mut pointer = String::new();
            pointer_push(&mut pointer, name);
            compare(value, &plain[name], &written[name], pointer, &mut pointers);
        }
        Ok(pointers)
    }

    /// Says what is wrong with it, each with the field; empty if every use makes a request.
    pub fn problems(&self, name: &Name) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let own = self.fixed.keys().filter(|field| OWN.contains(&field.as_str()));
        problems.extend(own.map(|field| {
            ("fixed".to_owned(), format!("`{field}` is a use's own, and no template fixes it"))
        }));
        for (parameter, it) in &self.parameters {
            let is_plain = !parameter.is_empty()
                && parameter.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || it == '-');
            let is_empty = match it {
                Parameter::OneOf(all) => {
                    all.is_empty() || !all.iter().all(|it| it.is_string() || it.is_i64())
                }
                Parameter::Integer { min, max } => max < min,
                Parameter::Word { longest } => *longest == 0,
            };
            if !is_plain || is_empty {
                let why = format!("no value can be given to the parameter `{parameter}`");
                problems.push(("parameters".to_owned(), why));
            }
        }
        let whole = json!([self.summary, self.actions, self.fixed]).to_string();
        let unused = self.parameters.keys().filter(|name| !whole.contains(&format!("{{{name}}}")));
        problems.extend(
            unused.map(|name| {
                ("parameters".to_owned(), format!("nothing uses the parameter `{name}`"))
            }),
        );
        if self.actions.is_empty() {
            problems.push(("actions".to_owned(), "it does nothing: write its steps".to_owned()));
        }
        if problems.is_empty() {
            let samples = self.parameters.iter().map(|(name, it)| (name.clone(), it.sample()));
            if let Err(why) = self.request(name, &samples.collect()) {
                problems.push((String::new(), format!("a use of it isn't a request: {why}")));
            }
        }
        problems
    }
}

/// Puts the values of parameters in the places of their names.
fn fill(value: &mut Value, parameters: &BTreeMap<String, Value>) {
    match value {
        Value::String(text) => {
            let alone = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            if let Some(whole) = alone.and_then(|name| parameters.get(name)) {
                *value = whole.clone();
                return;
            }
            for (name, parameter) in parameters {
                *text = text.replace(&format!("{{{name}}}"), &in_text(parameter));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, parameters)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, parameters)),
        _ => {}
    }
}

/// Notes where what is written isn't what is `wanted`: of a mapping, only what the template says counts.
fn compare(
    said: &Value,
    wanted: &Value,
    written: &Value,
    pointer: String,
    pointers: &mut Vec<String>,
) {
    match (said, wanted, written) {
        (Value::Object(said), Value::Object(wanted), Value::Object(written)) => {
            for (name, said) in said {
                let mut below = pointer.clone();
                pointer_push(&mut below, name);
                let at =
                    |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
                compare(said, &at(wanted), &at(written), below, pointers);
            }
        }
        _ if wanted != written => pointers.push(pointer),
        _ => {}
    }
}
