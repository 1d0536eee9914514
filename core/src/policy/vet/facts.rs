//! Reads from the syntax tree what each rule of a file does.
//!
//! One pass records calls, references and `with` modifiers. Scopes are not modelled: a name that a
//! rule declares anywhere counts as local in the whole rule. This can only miss a reference to
//! another rule, and the interpreter itself detects a cycle of references. It doesn't detect a
//! cycle of calls, but local names never hide calls.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{
    AssignOp, BoolOp, Expr, Literal, LiteralStmt, Query, Ref, Rule, RuleAssign, RuleHead, Span,
};

use super::PolicyFile;
use super::expressions::{Call, Lookup, Meaning, components, path_name};

/// A variable that stands for another one is followed this often at most.
pub(super) const MOST_STEPS: usize = 16;

/// A rule, or one of several definitions of it.
pub(super) struct RuleFacts<'a> {
    pub file: &'a PolicyFile<'a>,
    pub rule: &'a Rule,
    pub span: &'a Span,
    /// From `data` to the last literal component of the head.
    pub path: Vec<&'a str>,
    /// How many components of `path` are the package's.
    pub package_len: usize,
    /// The path as the interpreter writes it, such as `data.changegate.tier`.
    pub name: String,
    /// The number of parameters of a function, `None` for other rules.
    pub arity: Option<usize>,
    pub calls: Vec<Call<'a>>,
    /// Paths as written, with the first place of each; a component that is known only at evaluation is `None`.
    pub references: BTreeMap<Vec<Option<&'a str>>, &'a Span>,
    /// What is looked up by a variable, or by `object.get`.
    pub lookups: Vec<Lookup<'a>>,
    /// What is compared for being equal, or the one with each element of the other.
    pub comparisons: Vec<[Meaning<'a>; 2]>,
    /// Every object that is written out.
    pub objects: Vec<&'a Expr>,
    /// `with` modifiers.
    pub overrides: Vec<&'a Span>,
    /// Lines that hold something to evaluate, counted from 1.
    pub lines: BTreeSet<u32>,
    /// The variables that the rule declares.
    locals: BTreeMap<&'a str, Meaning<'a>>,
}

/// Reads all rules of a file.
pub(super) fn read<'a>(file: &'a PolicyFile<'a>) -> Vec<RuleFacts<'a>> {
    let rules = file.module.policy.iter();
    rules.map(|rule| RuleFacts::of_rule(file, rule)).collect()
}

impl PolicyFile<'_> {
    /// Returns the package's path, starting with `data`.
    pub(super) fn package(&self) -> Vec<&str> {
        let own = components(&self.module.package.refr);
        std::iter::once("data").chain(own.into_iter().flatten()).collect()
    }

    /// Returns the lines that hold something to evaluate, counted from 1.
    pub fn lines(&self) -> BTreeSet<u32> {
        read(self).into_iter().flat_map(|rule| rule.lines).collect()
    }

    /// Returns the package's path as the interpreter writes it.
    pub fn package_name(&self) -> String {
        path_name(&self.module.package.refr, Some("data"))
    }

    /// Returns what is imported under `alias`.
    pub(super) fn import(&self, alias: &str) -> Option<&Expr> {
        let mut imports = self.module.imports.iter();
        let found = imports.find(|import| match &import.r#as {
            Some(name) => name.text() == alias,
            None => components(&import.refr).last() == Some(&Some(alias)),
        });
        found.map(|import| &*import.refr)
    }
}

impl<'a> RuleFacts<'a> {
    /// Returns whether `name` is declared anywhere in this rule.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.locals.contains_key(name)
    }

    /// Returns what a variable stands for; `None` if the rule doesn't declare it.
    pub(super) fn meaning(&self, name: &str) -> Option<&Meaning<'a>> {
        self.locals.get(name)
    }

    /// Returns the expressions that one may be: those that a variable of the rule stands for, or itself.
    pub(super) fn written(&self, expression: &'a Ref<Expr>) -> Vec<&'a Ref<Expr>> {
        let meaning = match &**expression {
            Expr::Var { span, .. } => self.variable(span.text()),
            _ => None,
        };
        match meaning {
            Some(Meaning::Written(written)) => written.clone(),
            _ => vec![expression],
        }
    }

    /// Returns what a variable stands for, also through other variables.
    pub(super) fn variable(&self, name: &str) -> Option<&Meaning<'a>> {
        let mut meaning = self.meaning(name)?;
        for _ in 0..MOST_STEPS {
            match meaning {
                Meaning::Reference(path) if let [Some(other)] = **path => {
                    let Some(meant) = self.meaning(other) else { break };
                    meaning = meant;
                }
                _ => break,
            }
        }
        Some(meaning)
    }

    fn declare(&mut self, name: &'a str, meaning: Meaning<'a>) {
        let known = self.locals.entry(name).or_insert_with(|| meaning.clone());
        if *known != meaning {
            *known = Meaning::Unknown;
        }
    }

    /// Declares a variable, or all variables of a pattern.
    fn declare_as(&mut self, pattern: &'a Expr, meaning: Meaning<'a>) {
        match pattern {
            Expr::Var { span, .. } => self.declare(span.text(), meaning),
            _ => self.pattern(pattern),
        }
    }

    fn of_rule(file: &'a PolicyFile<'a>, rule: &'a Rule) -> Self {
        let (refr, arity) = match rule {
            Rule::Default { refr, .. } => (refr, None),
            Rule::Spec { head, .. } => match head {
                RuleHead::Func { refr, args, .. } => (refr, Some(args.len())),
                RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } => (refr, None),
            },
        };
        let mut path = file.package();
        let package_len = path.len();
        path.extend(components(refr).into_iter().map_while(|component| component));
        let mut facts = Self {
            file,
            rule,
            span: rule.span(),
            name: path_name(refr, Some(&file.package_name())),
            path,
            package_len,
            arity,
            calls: Vec::new(),
            references: BTreeMap::new(),
            lookups: Vec::new(),
            comparisons: Vec::new(),
            objects: Vec::new(),
            overrides: Vec::new(),
            lines: BTreeSet::new(),
            locals: BTreeMap::new(),
        };
        facts.walk(rule);
        facts
    }

    fn walk(&mut self, rule: &'a Rule) {
        match rule {
            Rule::Default { value, .. } => self.expression(value),
            Rule::Spec { head, bodies, .. } => {
                match head {
                    RuleHead::Compr { refr, assign, .. } => {
                        self.indexes(refr);
                        self.assignment(assign);
                    }
                    RuleHead::Set { refr, key, .. } => {
                        self.indexes(refr);
                        key.iter().for_each(|key| self.expression(key));
                    }
                    RuleHead::Func { args, assign, .. } => {
                        for (at, parameter) in args.iter().enumerate() {
                            self.declare_as(parameter, Meaning::Parameter(at));
                        }
                        self.assignment(assign);
                    }
                }
                for body in bodies {
                    self.assignment(&body.assign);
                    self.query(&body.query);
                }
            }
        }
    }

    fn assignment(&mut self, assign: &'a Option<RuleAssign>) {
        assign.iter().for_each(|assign| self.expression(&assign.value));
    }

    fn query(&mut self, query: &'a Query) {
        query.stmts.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &'a LiteralStmt) {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                vars.iter().for_each(|variable| self.declare(variable.text(), Meaning::Unknown));
            }
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().for_each(|key| self.declare_as(key, Meaning::key_of(collection)));
                self.declare_as(value, Meaning::element_of(collection));
                self.expression(collection);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expression(expr),
            Literal::Every { key, value, domain, query, .. } => {
                key.iter().for_each(|key| self.declare(key.text(), Meaning::key_of(domain)));
                self.declare(value.text(), Meaning::element_of(domain));
                self.expression(domain);
                self.query(query);
            }
        }
        for modifier in &statement.with_mods {
            self.overrides.push(&modifier.span);
            self.expression(&modifier.r#as);
        }
    }

    fn expression(&mut self, expression: &'a Expr) {
        self.lines.insert(expression.span().line);
        match expression {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.reference(expression);
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().for_each(|item| self.expression(item));
            }
            Expr::Object { fields, .. } => {
                self.objects.push(expression);
                for (_, key, value) in fields {
                    self.expression(key);
                    self.expression(value);
                }
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expression(term);
                self.query(query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.expression(key);
                self.expression(value);
                self.query(query);
            }
            Expr::Call { params, .. } => {
                self.calls.extend(Call::of(expression));
                self.lookups.extend(Lookup::by_call(expression));
                params.iter().for_each(|argument| self.expression(argument));
            }
            Expr::UnaryExpr { expr, .. } => self.expression(expr),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. } => {
                if let Expr::BoolExpr { op: BoolOp::Eq | BoolOp::Ne, .. } = expression {
                    self.comparisons.push([Meaning::of(lhs), Meaning::of(rhs)]);
                }
                self.expression(lhs);
                self.expression(rhs);
            }
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                match (op, &**lhs) {
                    (AssignOp::ColEq, pattern) => self.declare_as(pattern, Meaning::of(rhs)),
                    (AssignOp::Eq, _) => {
                        self.comparisons.push([Meaning::of(lhs), Meaning::of(rhs)]);
                        self.expression(lhs);
                    }
                }
                self.expression(rhs);
            }
            Expr::Membership { key, value, collection, .. } => {
                self.comparisons.push([Meaning::of(value), Meaning::element_of(collection)]);
                key.iter().for_each(|key| self.expression(key));
                self.expression(value);
                self.expression(collection);
            }
        }
    }

    fn reference(&mut self, expression: &'a Expr) {
        self.indexes(expression);
        self.lookups.extend(Lookup::by_variables(expression));
        let path = components(expression);
        if path.first().is_some_and(Option::is_some) {
            self.references.entry(path).or_insert_with(|| expression.span());
        }
    }

    /// Visits the expressions in the brackets of a reference, and the one that it starts with.
    fn indexes(&mut self, mut expression: &'a Expr) {
        loop {
            match expression {
                Expr::RefDot { refr, .. } => expression = refr,
                Expr::RefBrack { refr, index, .. } => {
                    self.expression(index);
                    expression = refr;
                }
                Expr::Var { .. } => return,
                start => return self.expression(start),
            }
        }
    }

    /// Declares the variables of a pattern such as `[code, {"tier": tier}]`.
    fn pattern(&mut self, pattern: &'a Expr) {
        match pattern {
            Expr::Var { span, .. } => self.declare(span.text(), Meaning::Unknown),
            Expr::Array { items, .. } => items.iter().for_each(|item| self.pattern(item)),
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expression(key);
                    self.pattern(value);
                }
            }
            other => self.expression(other),
        }
    }
}
