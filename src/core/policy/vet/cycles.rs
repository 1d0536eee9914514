//! Refuses rules and functions that depend on themselves, or on too long a chain of others.
//!
//! The interpreter follows calls on its own stack: a function that calls itself, or a chain of
//! thousands of rules, ends the process instead of the evaluation.

use std::collections::BTreeMap;

use super::PolicyProblem;
use super::facts::RuleFacts;
use super::names::Scopes;

/// The longest chain of rules that depend on each other; a longer one is refused.
const MAX_CHAIN: usize = 64;

/// Reports each cycle once, and rules that start too long a chain.
pub(super) fn check(facts: &[RuleFacts], scopes: &Scopes) -> Vec<PolicyProblem> {
    let graph = Graph::of(facts, scopes);
    let mut search =
        Search { graph: &graph, states: vec![State::New; graph.rules.len()], problems: Vec::new() };
    (0..graph.rules.len()).for_each(|start| search.visit(start));
    search.problems
}

/// The graph of dependencies, in which all definitions of one name are one node.
struct Graph<'a> {
    /// The first definition of each rule.
    rules: Vec<&'a RuleFacts<'a>>,
    /// The dependencies of each rule, as indexes.
    dependencies: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn of(facts: &'a [RuleFacts<'a>], scopes: &Scopes<'a>) -> Self {
        let mut nodes = BTreeMap::new();
        let mut rules: Vec<&RuleFacts> = Vec::new();
        for rule in facts {
            nodes.entry((rule.name.as_str(), &rule.path)).or_insert_with(|| {
                rules.push(rule);
                rules.len() - 1
            });
        }
        let functions: BTreeMap<_, _> = (rules.iter().enumerate())
            .filter(|(_, rule)| rule.arity.is_some())
            .map(|(node, rule)| (rule.name.as_str(), node))
            .collect();
        let mut dependencies = vec![Vec::new(); rules.len()];
        for rule in facts {
            let names = scopes.seen_by(rule);
            let node = &mut dependencies[nodes[&(rule.name.as_str(), &rule.path)]];
            let called = rule.calls.iter().filter_map(|call| names.function(rule, call));
            node.extend(called.map(|(name, _)| functions[name]));
            for path in &rule.references {
                let Some(path) = names.absolute(rule, path) else {
                    continue;
                };
                let referred = rules.iter().enumerate().filter(|(_, other)| {
                    (rule.file.is_test() || !other.file.is_test()) && meets(&path, &other.path)
                });
                node.extend(referred.map(|(other, _)| other));
            }
            node.sort_unstable();
            node.dedup();
        }
        Self { rules, dependencies }
    }
}

/// Returns whether a reference can reach into a rule, or contains it.
fn meets(reference: &[Option<&str>], rule: &[&str]) -> bool {
    let mut pairs = reference.iter().zip(rule);
    pairs.all(|(part, name)| part.is_none_or(|part| part == *name))
}

struct Search<'g, 'a> {
    graph: &'g Graph<'a>,
    states: Vec<State>,
    problems: Vec<PolicyProblem>,
}

#[derive(Clone, Copy)]
enum State {
    New,
    OnTheWay,
    /// Visited; the longest chain that starts here has this length.
    Done(usize),
}

impl Search<'_, '_> {
    /// Visits depth first, on a stack of its own: the chains that it looks for may be long.
    fn visit(&mut self, start: usize) {
        // The nodes on the way from the start, each with how many of its dependencies have been
        // visited.
        let mut way = Vec::new();
        let mut entered = Some(start);
        loop {
            if let Some(node) = entered.take() {
                match self.states[node] {
                    State::Done(_) => {}
                    State::OnTheWay => self.report_cycle(&way, node),
                    State::New => {
                        self.states[node] = State::OnTheWay;
                        way.push((node, 0));
                    }
                }
            }
            let Some((node, visited)) = way.last_mut() else {
                return;
            };
            entered = self.graph.dependencies[*node].get(*visited).copied();
            *visited += 1;
            if entered.is_none() {
                self.finish(*node);
                way.pop();
            }
        }
    }

    fn finish(&mut self, node: usize) {
        let dependencies = self.graph.dependencies[node].iter();
        let chains = dependencies.map(|&next| match self.states[next] {
            State::Done(chain) => chain,
            State::New | State::OnTheWay => 0,
        });
        let chain = 1 + chains.max().unwrap_or(0);
        self.states[node] = State::Done(chain);
        if chain == MAX_CHAIN + 1 {
            let rule = self.graph.rules[node];
            let message = format!("more than {MAX_CHAIN} rules depend on each other in a chain");
            let problem = rule.file.problem(rule.span, message, "Shorten the chain.");
            self.problems.push(problem);
        }
    }

    fn report_cycle(&mut self, way: &[(usize, usize)], closing: usize) {
        let cycle = way.iter().skip_while(|(node, _)| *node != closing);
        let mut rules = cycle.map(|(node, _)| self.graph.rules[*node]);
        let Some(rule) = rules.next() else { return };
        let through: Vec<_> = rules.map(|rule| format!("`{}`", rule.name)).collect();
        let through = match through.as_slice() {
            [] => String::new(),
            others => format!(" through {}", others.join(", ")),
        };
        self.problems.push(rule.file.problem(
            rule.span,
            format!("`{}` depends on itself{through}", rule.name),
            "Iterate with `some … in …` or a comprehension instead.",
        ));
    }
}
