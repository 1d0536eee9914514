//! Reads from the syntax tree which facts of the input document the policies use.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::PolicyFile;
use super::facts::{self, RuleFacts};
use super::known::Search;
use super::names::Scopes;

/// A path in the input document. A part that isn't a fixed name is `None`.
pub type InputPath = Vec<Option<String>>;

/// The facts that policies use.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The paths that are written out.
    paths: BTreeSet<InputPath>,
    /// The names of fields of something that only evaluation shows, such as a function's parameter.
    names: BTreeSet<String>,
}

impl Reads {
    /// Returns whether a fact, or part of it, may be used.
    pub fn uses(&self, fact: &[Option<String>]) -> bool {
        let meets = |path: &InputPath| {
            let mut parts = path.iter().zip(fact);
            path.len() >= fact.len() && parts.all(|(a, b)| a.is_none() || b.is_none() || a == b)
        };
        let name = fact.iter().rev().flatten().next();
        self.paths.iter().any(meets) || name.is_some_and(|name| self.names.contains(name))
    }
}

/// Returns what policies read of the input document. `tables` are as for [`super::vet`]; a file that
/// can't be parsed is passed over.
pub fn reads(files: &[(&str, &str)], tables: &Map<String, Value>) -> Reads {
    let parsed = files.iter().filter_map(|(path, text)| PolicyFile::parse(path, text).ok());
    let parsed: Vec<_> = parsed.collect();
    let facts: Vec<RuleFacts> = parsed.iter().flat_map(facts::read).collect();
    let scopes = Scopes::of(&facts);
    let search = Search::new(&facts, &scopes, tables);
    let mut reads = Reads::default();
    for rule in search.policies() {
        let lookups = rule.lookups.iter().map(|lookup| &lookup.path);
        for written in rule.references.keys().chain(lookups) {
            match &*search.absolute(rule, written) {
                [Some("input"), path @ ..] => {
                    reads.paths.insert(path.iter().map(|part| part.map(str::to_owned)).collect());
                }
                [Some("data"), ..] | [] => {}
                [_, names @ ..] => {
                    reads.names.extend(names.iter().flatten().map(|name| (*name).to_owned()));
                }
            }
        }
    }
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_that_a_rule_names_are_found_whatever_way_it_takes() {
        let text = "package changegate.rules.x

import data.changegate.facts

planned := input.calendar.planned

findings contains found if {
\tsome action in input.request.actions
\taction.target == \"x\"
\tpull := input.pull_request
\tpull.draft
\tobject.get(input.change, \"kind\", \"\") == \"new\"
\tplanned.start < input.now
\tis_late(input.incident)
\tinput.people[pull.author].level
\tfound := {}
}

is_late(it) if it.status == \"late\"
";
        let reads = reads(&[("policies/rules/x/x.rego", text)], &Map::new());
        let uses = |fact: &str| {
            let part = |part: &str| Some(part.to_owned()).filter(|part| part != "*");
            reads.uses(&fact.split('.').map(part).collect::<Vec<_>>())
        };
        for fact in [
            "now",
            "request",
            "request.actions",
            "request.actions.*.target",
            "pull_request.draft",
            "change.kind",
            "calendar.planned.start",
            "incident.status",
            "people.alice.level",
        ] {
            assert!(uses(fact), "{fact}");
        }
        for fact in [
            "request.reason",
            "request.actions.*.action",
            "pull_request.head",
            "change.material",
            "calendar.windows",
            "incident.severity",
            "people.alice.roles",
            "same_id",
        ] {
            assert!(!uses(fact), "{fact}");
        }
    }
}
