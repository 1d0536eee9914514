//! Refuses references to what isn't there: fields that the input document doesn't have, tables and
//! rules that the bundle doesn't have. They are undefined, so the rule around them would never hold.
//!
//! What a variable stands for is followed where a rule declares it once, by `x := input.request` or
//! `some x in input.request.actions`; and where it is one of several texts that are written out.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Ref, Rule, RuleHead, Span};
use serde_json::{Map, Value};

use super::PolicyProblem;
use super::documents::Documents;
use super::expressions::{Lookup, Meaning, literal, path_of};
use super::facts::{MOST_STEPS, RuleFacts};
use super::graph::meets;
use super::names::Scopes;
use super::shape::field;
use crate::layout;
use crate::policy::ENTRY_POINT;

/// Checks every reference of the policies.
pub(super) fn check(search: &Search<'_>) -> Vec<PolicyProblem> {
    let mut unread: BTreeSet<_> = search.documents.own_tables().collect();
    let mut problems = Vec::new();
    for rule in search.policies() {
        for (written, span) in &rule.references {
            if let [Some("data"), Some("org"), read @ ..] = &*search.absolute(rule, written) {
                // A reference to all tables reads each.
                let read = read.first().copied().flatten();
                unread.retain(|table| read.is_some_and(|read| read != *table));
            }
            problems.extend(search.problem(rule, written, false, (rule, span)));
        }
        for lookup in &rule.lookups {
            problems.extend(search.lookup(rule, lookup));
        }
    }
    problems.extend(unread.into_iter().map(|table| PolicyProblem {
        path: layout::table(table),
        line: 1,
        column: 1,
        message: "no rule reads this table, so it takes no part in decisions".to_owned(),
        help: Some(format!("Use `data.org.{table}` in a rule, or delete the table.")),
    }));
    problems
}

/// A place in a rule's text.
type Place<'p> = (&'p RuleFacts<'p>, &'p Span);

/// An expression, and the rule that contains it.
pub(super) type Written<'s> = (&'s RuleFacts<'s>, &'s Ref<Expr>);

/// What the references of a bundle stand for.
pub(super) struct Search<'s> {
    facts: &'s [RuleFacts<'s>],
    scopes: &'s Scopes<'s>,
    pub documents: Documents<'s>,
    /// The rules that are another name of one reference, by their paths.
    aliases: BTreeMap<&'s [&'s str], Vec<Option<&'s str>>>,
}

impl<'s> Search<'s> {
    /// Makes the search; `tables` are the organisation's tables as they are written.
    pub(super) fn new(
        facts: &'s [RuleFacts<'s>],
        scopes: &'s Scopes<'s>,
        tables: &'s Map<String, Value>,
    ) -> Self {
        let documents = Documents::new(tables);
        let mut search = Search { facts, scopes, documents, aliases: BTreeMap::new() };
        let mut definitions: BTreeMap<&[&str], usize> = BTreeMap::new();
        search.policies().for_each(|rule| *definitions.entry(&rule.path).or_default() += 1);
        let aliases = search.policies().filter(|rule| definitions[&*rule.path] == 1);
        let aliases = aliases.filter_map(|rule| {
            let path = path_of(constant(rule)?)?;
            Some((&*rule.path, search.scopes.seen_by(rule).absolute(rule, &path).unwrap_or(path)))
        });
        search.aliases = aliases.collect();
        search
    }

    pub(super) fn policies(&self) -> impl Iterator<Item = &'s RuleFacts<'s>> {
        self.facts.iter().filter(|rule| !rule.file.is_test())
    }

    /// Returns a path with what its variable stands for, from `data` or `input` on if possible.
    pub(super) fn absolute<'a>(
        &self,
        rule: &RuleFacts<'a>,
        path: &[Option<&'a str>],
    ) -> Vec<Option<&'a str>>
    where
        's: 'a,
    {
        let meant = followed(rule, path);
        let mut path = self.scopes.seen_by(rule).absolute(rule, &meant).unwrap_or(meant);
        for _ in 0..MOST_STEPS {
            let named: Vec<_> = path.iter().map_while(|part| *part).collect();
            let mut prefixes = (1..=named.len()).map(|length| (length, &named[..length]));
            let Some((length, alias)) =
                prefixes.find_map(|(length, prefix)| Some((length, self.aliases.get(prefix)?)))
            else {
                break;
            };
            path.splice(..length, alias.iter().copied());
        }
        path
    }

    /// Returns whether a path is what the decision has in a field.
    pub(super) fn is_decided(&self, name: &str, path: &[Option<&str>]) -> bool {
        let mut decisions = self.policies().filter(|rule| rule.name == ENTRY_POINT);
        decisions.any(|rule| {
            let value = constant(rule).and_then(|decision| path_of(field(decision, name)?));
            value.is_some_and(|value| self.absolute(rule, &value) == path)
        })
    }

    /// Checks a lookup for each text that one of its variables may be.
    fn lookup(&self, rule: &'s RuleFacts<'s>, lookup: &Lookup<'s>) -> Vec<PolicyProblem> {
        let mut problems = Vec::new();
        problems.extend(self.problem(rule, &lookup.path, true, (rule, lookup.span)));
        for (at, variable) in &lookup.variables {
            for (writer, written) in self.written(rule, &Meaning::Reference(vec![Some(variable)])) {
                let Some(text) = literal(written) else { continue };
                let mut path = lookup.path.clone();
                path[*at] = Some(text);
                problems.extend(self.problem(rule, &path, true, (writer, written.span())));
            }
        }
        problems
    }

    /// Returns the expressions that something in a rule may be, as far as they are written out, each
    /// with the rule where that is.
    pub(super) fn written(
        &self,
        rule: &'s RuleFacts<'s>,
        meaning: &Meaning<'s>,
    ) -> Vec<Written<'s>> {
        let of_rule = |path: &[Option<&'s str>], read: fn(&'s Ref<Expr>) -> Meaning<'s>| {
            let path = self.absolute(rule, path);
            let mut same = self
                .policies()
                .filter(|rule| rule.path.iter().map(Some).eq(path.iter().map(Option::as_ref)));
            let only = same.next().filter(|_| same.next().is_none());
            match only.and_then(|only| Some((only, read(constant(only)?)))) {
                Some((only, Meaning::Written(written))) => {
                    written.into_iter().map(|written| (only, written)).collect()
                }
                _ => Vec::new(),
            }
        };
        let here = |written: &[&'s Ref<Expr>]| -> Vec<_> {
            written.iter().map(|written| (rule, *written)).collect()
        };
        let meaning = match meaning {
            Meaning::Reference(path) if let [Some(name)] = **path => {
                rule.variable(name).unwrap_or(meaning)
            }
            _ => meaning,
        };
        match meaning {
            Meaning::Written(written) => here(written),
            Meaning::Reference(path) => match &**path {
                [Some(name), None] if let Some(Meaning::Written(lists)) = rule.meaning(name) => {
                    let elements = lists.iter().map(|list| Meaning::element_of(list));
                    let written = elements.filter_map(|element| match element {
                        Meaning::Written(written) => Some(here(&written)),
                        _ => None,
                    });
                    written.flatten().collect()
                }
                [collection @ .., None] => of_rule(collection, Meaning::element_of),
                path => of_rule(path, Meaning::of),
            },
            Meaning::KeyOf(path) => of_rule(path, Meaning::key_of),
            Meaning::Parameter(at) => self.arguments(rule, *at),
            Meaning::Lookup(_) | Meaning::Position | Meaning::Unknown => Vec::new(),
        }
    }

    /// Returns what a function of one definition is called with.
    fn arguments(&self, function: &RuleFacts, at: usize) -> Vec<Written<'s>> {
        let mut same = self.policies().filter(|rule| rule.name == function.name);
        if same.nth(1).is_some() {
            return Vec::new();
        }
        let calls =
            self.policies().flat_map(|rule| rule.calls.iter().map(move |call| (rule, call)));
        let calls = calls.filter(|(rule, call)| {
            let called = self.scopes.seen_by(rule).function(rule, call);
            called.is_some_and(|(name, _)| name == function.name)
        });
        calls.filter_map(|(rule, call)| Some((rule, call.arguments.get(at)?))).collect()
    }

    /// Returns what is wrong with a path of a rule; `place` is where to say so.
    pub(super) fn problem(
        &self,
        rule: &RuleFacts,
        written: &[Option<&str>],
        is_lookup: bool,
        place: Place<'_>,
    ) -> Option<PolicyProblem> {
        let path = &*self.absolute(rule, written);
        let (at, known) = match path {
            [Some("data"), Some("org"), ..] | [Some("input"), ..] => {
                self.documents.unknown(path, is_lookup)?
            }
            [Some("data"), Some(_), ..] if !self.policies().any(|rule| meets(path, &rule.path)) => {
                (1, Vec::new())
            }
            _ => return None,
        };
        let shown = |parts: &[Option<&str>]| {
            let parts: Vec<_> = parts.iter().map(|part| part.unwrap_or("*")).collect();
            parts.join(".")
        };
        let name = path[at].unwrap_or_default();
        let message = match path {
            [Some("data"), Some("org"), ..] if at == 2 => {
                format!("the bundle has no table policies/org/{name}/data.yaml")
            }
            [Some("data"), Some(package), ..] if *package != "org" => {
                format!("nothing in the policies is called `{}`", shown(path))
            }
            _ => format!("`{}` has no field `{name}`", shown(&path[..at])),
        };
        let near = known.iter().map(|known| (strsim::osa_distance(known, name), known));
        let near =
            near.filter(|(distance, known)| *distance <= known.len().min(name.len()) / 2).min();
        let help = near.map(|(_, known)| format!("Did you mean `{known}`?")).unwrap_or_default();
        let (rule, span) = place;
        Some(rule.file.problem(span, message, &help))
    }
}

/// Returns the value of a rule that has no condition.
fn constant<'a>(rule: &RuleFacts<'a>) -> Option<&'a Ref<Expr>> {
    match rule.rule {
        Rule::Spec { head: RuleHead::Compr { assign: Some(assign), .. }, bodies, .. } => {
            bodies.is_empty().then_some(&assign.value)
        }
        _ => None,
    }
}

/// Replaces a variable at the start of a path by what it stands for.
pub(super) fn followed<'a>(rule: &RuleFacts<'a>, path: &[Option<&'a str>]) -> Vec<Option<&'a str>> {
    let mut path = path.to_vec();
    for _ in 0..MOST_STEPS {
        let start = path.first().copied().flatten();
        let Some(Meaning::Reference(meant) | Meaning::Lookup(meant)) =
            start.and_then(|start| rule.meaning(start))
        else {
            break;
        };
        path.splice(..1, meant.iter().copied());
    }
    path
}
