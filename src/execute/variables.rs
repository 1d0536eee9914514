//! The environment of a command that executes a change: what was approved.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::core::operations::event::{About, Event};
use crate::core::operations::kinds::{Begin, What};
use crate::core::request::Action;
use crate::core::terms::Name;
use crate::core::time::Time;
use crate::gate::execution::begin::parameters;

/// Returns the variables: the change and the execution; of one step its action, target and parameters, of
/// several all of them as JSON. Of what is read under an incident: the incident, the action and the target.
pub fn variables(
    begun: &Event,
    planned_end: Option<Time>,
    steps: &[(u32, &Action)],
) -> Vec<(String, String)> {
    let text = |name: Option<&Name>| name.map(ToString::to_string).unwrap_or_default();
    let (about, id) = match begun.about() {
        Some(About::Incident(id)) => ("INCIDENT", id.to_string()),
        Some(About::Change(id)) => ("CHANGE", id.to_string()),
        None => ("CHANGE", String::new()),
    };
    let mut variables =
        vec![(about.to_owned(), id), ("EXECUTION".to_owned(), String::from(begun.id().clone()))];
    variables.extend(planned_end.map(|end| ("PLANNED_END".to_owned(), end.to_string())));
    match (steps, begun.what()) {
        ([], What::Begin(Begin { steps: read, .. })) if about == "INCIDENT" => {
            variables.extend(read.iter().flat_map(|read| {
                [
                    ("ACTION".to_owned(), read.action.to_string()),
                    ("TARGET".to_owned(), read.target.to_string()),
                ]
            }));
        }
        ([(number, action)], _) => {
            let parameters = parameters(action);
            variables.extend([
                ("STEP".to_owned(), number.to_string()),
                ("ACTION".to_owned(), text(action.action.as_ref())),
                ("TARGET".to_owned(), text(action.target.as_ref())),
                ("PARAMETERS".to_owned(), json!(action.parameters).to_string()),
            ]);
            variables.extend(each(&parameters));
        }
        (steps, _) => {
            let step = |(number, action): &(u32, &Action)| {
                let (name, target) = (text(action.action.as_ref()), text(action.target.as_ref()));
                let parameters = &action.parameters;
                json!({"number": number, "action": name, "target": target, "parameters": parameters})
            };
            let all: Vec<Value> = steps.iter().map(step).collect();
            variables.push(("STEPS".to_owned(), Value::from(all).to_string()));
        }
    }
    let whole = |(name, value)| (format!("CHANGEGATE_{name}"), value);
    variables.into_iter().map(whole).collect()
}

/// Returns a variable for each parameter; of two whose names meet, neither has one.
fn each(parameters: &BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    let variable = |name: &str| -> String {
        let letter =
            |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' };
        name.chars().map(letter).collect()
    };
    let is_alone = move |name: &str| {
        parameters.keys().filter(|other| variable(other) == variable(name)).count() == 1
    };
    let alone = parameters.iter().filter(move |(name, _)| is_alone(name));
    alone.map(move |(name, value)| (format!("PARAMETER_{}", variable(name)), value.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_variables_of_their_own() {
        let parameters = |names: &[&str]| {
            let one = |name: &&str| ((*name).to_owned(), format!("{name}'s"));
            names.iter().map(one).collect::<BTreeMap<_, _>>()
        };
        let variables = |names: &[&str]| each(&parameters(names)).collect::<Vec<_>>();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(variables(&["to"]), [pair("PARAMETER_TO", "to's")]);
        assert_eq!(
            variables(&["max-wait", "to", "TO", "to_é"]),
            [pair("PARAMETER_MAX_WAIT", "max-wait's"), pair("PARAMETER_TO__", "to_é's")]
        );
    }
}
