//! Refuses rules and functions that depend on themselves, or on too long a chain of others.
//!
//! The interpreter follows calls on its own stack: a function that calls itself, or a chain of
//! thousands of rules, ends the process instead of the evaluation.

use super::PolicyProblem;
use super::graph::Graph;

/// The longest chain of rules that depend on each other; a longer one is refused.
const MAX_CHAIN: usize = 64;

/// Reports each cycle once, and rules that start too long a chain.
pub(super) fn check(graph: &Graph) -> Vec<PolicyProblem> {
    let mut search =
        Search { graph, states: vec![State::New; graph.rules.len()], problems: Vec::new() };
    (0..graph.rules.len()).for_each(|start| search.visit(start));
    search.problems
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
