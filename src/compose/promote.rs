//! A template from changes that were done before: what they have in common is fixed, what differs becomes a
//! parameter with the values that were seen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::render::plain;
use crate::core::digest::to_json;
use crate::core::org::{Date, Org};
use crate::core::request::ChangeRequest;
use crate::core::template::{Parameter, Template};
use crate::core::terms::{Name, RiskTier};

/// The fields of a request that a template may fix.
const FIXED: [&str; 8] = [
    "description",
    "risk",
    "impact",
    "rollback",
    "verification",
    "risks",
    "business_alignment",
    "contingency",
];

/// Returns a template by which each of the changes could have been written.
///
/// # Errors
/// When they don't do the same, or nothing is the same.
pub fn template(
    name: &Name,
    changes: &[ChangeRequest],
    org: &Org,
    reviewed: Date,
) -> Result<Template, String> {
    let Some(first) = changes.first() else { return Err("name at least one change".to_owned()) };
    let actions = |change: &ChangeRequest| -> Vec<_> {
        change.actions.iter().map(|step| step.action.clone()).collect()
    };
    if let Some(other) = changes.iter().find(|it| actions(it) != actions(first)) {
        let id = |it: &ChangeRequest| it.id.as_ref().map(ToString::to_string).unwrap_or_default();
        return Err(format!(
            "{} and {} don't do the same: their steps have other actions",
            id(first),
            id(other)
        ));
    }
    let mut found =
        Found { seen: vec![BTreeMap::new(); changes.len()], parameters: BTreeMap::new() };
    let steps = (0..first.actions.len()).map(|step| found.step(changes, step));
    let steps = steps.collect::<Result<Vec<_>, String>>()?;
    let summary = found.common(&|change| to_json(&change.summary), changes);
    let targets: Vec<_> = steps.iter().map(|step| step["target"].clone()).collect();
    let summary = summary.unwrap_or_else(|| {
        let what = first.actions.iter().zip(&targets).filter_map(|(step, target)| {
            Some(format!("{} of {}", step.action.as_ref()?, target.as_str()?))
        });
        what.collect::<Vec<_>>().join(", ").into()
    });
    let mut fixed = Map::new();
    for field in FIXED {
        let value = found.common(&|change| to_json(change)[field].clone(), changes);
        match value {
            Some(Value::Null) => {}
            Some(value) => drop(fixed.insert(field.to_owned(), value)),
            None => {
                let part = found.part(field, changes);
                if !part.is_empty() {
                    fixed.insert(field.to_owned(), part.into());
                }
            }
        }
    }
    // Who rolls back is somebody of the day.
    if let Some(Value::Object(rollback)) = fixed.get_mut("rollback") {
        rollback.remove("owner");
    }
    fixed.retain(|_, value| value.as_object().is_none_or(|it| !it.is_empty()));
    let template = json!({
        "reviewed": reviewed,
        "summary": summary,
        "actions": steps,
        "parameters": found.parameters,
        "fixed": fixed,
        "tier_at_most": tier(changes, org)?,
        "from": changes.iter().filter_map(|it| it.id.clone()).collect::<BTreeSet<_>>(),
    });
    let template: Template = serde_json::from_value(template).map_err(|error| error.to_string())?;
    match template.problems(name).into_iter().next() {
        Some((_, why)) => Err(why),
        None => Ok(template),
    }
}

/// Returns the highest tier of the changes by the catalog, and at least the usual one of templates.
fn tier(changes: &[ChangeRequest], org: &Org) -> Result<RiskTier, String> {
    let actions = changes.iter().flat_map(|it| &it.actions).filter_map(|step| step.action.as_ref());
    let known = actions.filter_map(|name| org.actions.entries.get(name.as_str()));
    let declared = changes.iter().filter_map(|it| it.risk);
    let highest = known.map(|action| action.tier).chain(declared).chain([RiskTier::Medium]).max();
    match highest.unwrap_or(RiskTier::Medium) {
        RiskTier::Critical => Err("a change of critical risk is never a standard one".to_owned()),
        tier => Ok(tier),
    }
}

/// Returns the text of a template's file at its usual path.
pub fn render(template: &Template) -> String {
    let mut text = String::from(
        "# yaml-language-server: $schema=../../../schemas/template.schema.json\n\n\
         # Two independent L3 decide about this file; each use of it is then direct. Look at what each parameter may\n\
         # be, and at what is fixed for all uses.\n",
    );
    let mut fields = match to_json(template) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for name in ["reviewed", "summary", "actions", "parameters", "fixed", "tier_at_most", "from"] {
        if let Some(value) = fields.remove(name) {
            text += &plain(&Map::from_iter([(name.to_owned(), value)]));
        }
    }
    text
}

/// What was found to differ.
struct Found {
    /// The values of the parameters, of each change.
    seen: Vec<BTreeMap<String, Value>>,
    parameters: BTreeMap<String, Parameter>,
}

impl Found {
    /// Returns a step with parameters in the places of what differs.
    fn step(&mut self, changes: &[ChangeRequest], step: usize) -> Result<Value, String> {
        let steps: Vec<_> = changes.iter().map(|it| to_json(&it.actions[step])).collect();
        let mut made = steps[0].clone();
        let targets: Vec<_> = steps.iter().map(|it| it["target"].clone()).collect();
        made["target"] = self.parameter("target", targets)?;
        let names = |step: &Value| -> BTreeSet<String> {
            let parameters = step["parameters"].as_object().into_iter().flatten();
            parameters.map(|(name, _)| name.clone()).collect()
        };
        if let Some(other) = steps.iter().find(|it| names(it) != names(&steps[0])) {
            let differ: Vec<_> =
                names(other).symmetric_difference(&names(&steps[0])).cloned().collect();
            return Err(format!("not all of them have the parameter {}", differ.join(", ")));
        }
        for name in names(&steps[0]) {
            let values = steps.iter().map(|it| it["parameters"][&name].clone()).collect();
            made["parameters"][&name] = self.parameter(&name, values)?;
        }
        Ok(made)
    }

    /// Returns a value that all have, or a parameter in its place.
    fn parameter(&mut self, name: &str, values: Vec<Value>) -> Result<Value, String> {
        if values.iter().all(|it| *it == values[0]) {
            return Ok(values[0].clone());
        }
        let known = self.parameters.keys().find(|known| {
            self.seen.iter().zip(&values).all(|(seen, value)| seen.get(*known) == Some(value))
        });
        if let Some(known) = known {
            return Ok(format!("{{{known}}}").into());
        }
        let numbers: Option<Vec<_>> = values.iter().map(Value::as_i64).collect();
        let kind = match numbers {
            Some(numbers) => Parameter::Integer {
                min: numbers.iter().copied().min().unwrap_or_default(),
                max: numbers.iter().copied().max().unwrap_or_default(),
            },
            None if values.iter().all(|it| it.is_string() || it.is_i64()) => {
                let mut all = Vec::new();
                for value in &values {
                    if !all.contains(value) {
                        all.push(value.clone());
                    }
                }
                Parameter::OneOf(all)
            }
            None => return Err(format!("`{name}` differs, and is neither a text nor a number")),
        };
        let mut own = name.to_owned();
        for number in 2.. {
            if !self.parameters.contains_key(&own) {
                break;
            }
            own = format!("{name}{number}");
        }
        for (seen, value) in self.seen.iter_mut().zip(values) {
            seen.insert(own.clone(), value);
        }
        self.parameters.insert(own.clone(), kind);
        Ok(format!("{{{own}}}").into())
    }

    /// Returns what all changes have once their parameters are taken out; `None` if they differ.
    fn common(
        &self,
        of: &dyn Fn(&ChangeRequest) -> Value,
        changes: &[ChangeRequest],
    ) -> Option<Value> {
        let mut values = changes.iter().zip(&self.seen).map(|(change, seen)| {
            let mut value = of(change);
            take_out(&mut value, seen);
            value
        });
        let first = values.next()?;
        values.all(|it| it == first).then_some(first)
    }

    /// Returns the parts of a field that all changes have.
    fn part(&self, field: &str, changes: &[ChangeRequest]) -> Map<String, Value> {
        let names = to_json(&changes[0])[field].clone();
        let names = names.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        let common = names.filter_map(|name| {
            let value = self.common(&|change| to_json(change)[field][&name].clone(), changes)?;
            Some((name, value))
        });
        common.collect()
    }
}

/// Puts parameters in the places of their values, where those are words of their own.
fn take_out(value: &mut Value, seen: &BTreeMap<String, Value>) {
    match value {
        Value::String(text) => {
            let mut longest: Vec<_> = seen.iter().map(|(name, it)| (name, word(it))).collect();
            longest.sort_by_key(|(_, it)| std::cmp::Reverse(it.len()));
            let is_part = |it: char| it.is_alphanumeric() || it == '-' || it == '_';
            let mut made = String::new();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let is_begun = made.chars().next_back().is_some_and(is_part);
                let found = longest.iter().find(|(_, it)| {
                    let ends =
                        rest.strip_prefix(it.as_str()).map(|rest| !rest.starts_with(is_part));
                    !is_begun && !it.is_empty() && ends == Some(true)
                });
                match found {
                    Some((name, it)) => {
                        made += &format!("{{{name}}}");
                        rest = &rest[it.len()..];
                    }
                    None => {
                        let next = rest.chars().next().map_or(0, char::len_utf8);
                        made += &rest[..next];
                        rest = &rest[next..];
                    }
                }
            }
            *text = made;
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_out(item, seen)),
        Value::Object(fields) => fields.values_mut().for_each(|field| take_out(field, seen)),
        _ => {}
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::policy::{PolicyBundle, shipped_files};

    fn org() -> Org {
        PolicyBundle::tables(&shipped_files()).unwrap()
    }

    fn change(number: u32, target: &str, pods: i64, trigger: &str) -> ChangeRequest {
        serde_json::from_value(json!({
            "id": format!("CHG-{number}"),
            "summary": format!("Scale {target} to {pods} pods, not {pods}0"),
            "reason": format!("reason {number}"),
            "off_script": {"script": "runbooks/scale.md", "justification": "x"},
            "actions": [
                {"action": "drain-traffic", "target": target},
                {"action": "scale-service", "target": target, "parameters": {"pods": pods, "force": "no"}},
            ],
            "rollback": {"steps": [format!("scale {target} back")], "trigger": trigger, "owner": "bob"},
            "verification": {"monitor": "15m"},
        }))
        .unwrap()
    }

    #[test]
    fn what_differs_becomes_a_parameter() {
        let changes = [
            change(1, "checkout-web", 12, "5xx"),
            change(2, "portal-web", 14, "5xx"),
            change(3, "portal-web", 20, "latency"),
        ];
        let name: Name = "scale".parse().unwrap();
        let made = template(&name, &changes, &org(), "2026-11-02".parse().unwrap()).unwrap();
        // What differs beyond the parameters is named by the steps.
        assert_eq!(made.summary, "drain-traffic of {target}, scale-service of {target}");
        let made = to_json(&made);
        assert_eq!(made["parameters"]["pods"], json!({"integer": {"min": 12, "max": 20}}));
    }

    #[test]
    fn each_of_the_changes_is_a_use_of_it() {
        let plain = |number, target: &str, pods: i64, trigger: &str| {
            let mut change = change(number, target, pods, trigger);
            change.summary = Some(format!("Scale {target} to {pods} pods"));
            change
        };
        let changes = [plain(1, "checkout-web", 12, "5xx"), plain(2, "portal-web", 14, "latency")];
        let name: Name = "scale".parse().unwrap();
        let made = template(&name, &changes, &org(), "2026-11-02".parse().unwrap()).unwrap();
        assert_eq!(made.summary, "Scale {target} to {pods} pods");
        assert_eq!(
            to_json(&made.fixed),
            json!({"rollback": {"steps": ["scale {target} back"]}, "verification": {"monitor": "15m"}})
        );
        for (change, target, pods) in
            [(&changes[0], "checkout-web", 12), (&changes[1], "portal-web", 14)]
        {
            let given = BTreeMap::from([
                ("target".to_owned(), json!(target)),
                ("pods".to_owned(), json!(pods)),
            ]);
            assert_eq!(made.differs(&given, change), Ok(Vec::new()));
        }
        let text = render(&made);
        let read: Template = crate::core::yaml::parse(text.as_bytes()).read().value.unwrap();
        assert_eq!(read, made, "{text}");
    }

    #[test]
    fn what_is_not_the_same_is_no_template() {
        let name: Name = "scale".parse().unwrap();
        let of = |changes: &[ChangeRequest]| {
            template(&name, changes, &org(), "2026-11-02".parse().unwrap()).unwrap_err()
        };
        let one = change(1, "a", 1, "");
        let mut other = change(2, "a", 1, "");
        other.actions.pop();
        assert!(of(&[one.clone(), other]).contains("CHG-1 and CHG-2 don't do the same"));
        let mut other = change(2, "a", 1, "");
        other.actions[1].parameters.remove("force");
        assert!(of(&[one.clone(), other]).contains("parameter force"));
        let mut other = change(2, "a", 1, "");
        other.actions[1].parameters.insert("force".to_owned(), json!(["x"]));
        assert!(of(&[one, other]).contains("`force` differs"));
        assert!(of(&[]).contains("at least one"));
    }
}
