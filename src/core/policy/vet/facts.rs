//! Reads from the syntax tree what each rule of a file does.
//!
//! One pass records calls, references and `with` modifiers. Scopes are not modelled: a name that a
//! rule declares anywhere counts as local in the whole rule. This can only miss a reference to
//! another rule, and the interpreter itself detects a cycle of references. It doesn't detect a
//! cycle of calls, but local names never hide calls.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{
    AssignOp, Expr, Literal, LiteralStmt, Query, Ref, Rule, RuleAssign, RuleHead, Span,
};
use regorus::utils::get_path_string;

use super::PolicyFile;

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
    /// Every object that is written out.
    pub objects: Vec<&'a Expr>,
    /// `with` modifiers.
    pub overrides: Vec<&'a Span>,
    /// Lines that hold something to evaluate, counted from 1.
    pub lines: BTreeSet<u32>,
    /// The variables that the rule declares, and what each stands for if that is one reference.
    locals: BTreeMap<&'a str, Option<Vec<Option<&'a str>>>>,
}

/// A call, by the name in the source.
pub(super) struct Call<'a> {
    pub span: &'a Span,
    pub name: String,
    pub arguments: &'a [Ref<Expr>],
}

impl<'a> Call<'a> {
    /// Reads a call; `None` for any other expression.
    pub(super) fn of(expression: &'a Expr) -> Option<Self> {
        match expression {
            Expr::Call { span, fcn, params, .. } => {
                Some(Self { span, name: path_name(fcn, None), arguments: params })
            }
            _ => None,
        }
    }
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

    /// Returns the reference that a variable stands for; `None` if it has no declaration, or several
    /// that differ.
    pub(super) fn stands_for(&self, name: &str) -> Option<&[Option<&'a str>]> {
        self.locals.get(name)?.as_deref()
    }

    fn declare(&mut self, name: &'a str, meaning: Option<Vec<Option<&'a str>>>) {
        let known = self.locals.entry(name).or_insert_with(|| meaning.clone());
        if *known != meaning {
            *known = None;
        }
    }

    /// Declares a variable as an element of a collection, or all variables of a pattern.
    fn element(&mut self, pattern: &'a Expr, collection: &'a Expr) {
        match (pattern, path_of(collection)) {
            (Expr::Var { span, .. }, Some(mut path)) => {
                path.push(None);
                self.declare(span.text(), Some(path));
            }
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
                        args.iter().for_each(|parameter| self.pattern(parameter));
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
                vars.iter().for_each(|variable| self.declare(variable.text(), None));
            }
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().for_each(|key| self.pattern(key));
                self.element(value, collection);
                self.expression(collection);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expression(expr),
            Literal::Every { key, value, domain, query, .. } => {
                key.iter().for_each(|key| self.declare(key.text(), None));
                let meaning = path_of(domain).map(|path| [path, vec![None]].concat());
                self.declare(value.text(), meaning);
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
                params.iter().for_each(|argument| self.expression(argument));
            }
            Expr::UnaryExpr { expr, .. } => self.expression(expr),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. } => {
                self.expression(lhs);
                self.expression(rhs);
            }
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                match (op, &**lhs) {
                    (AssignOp::ColEq, Expr::Var { span, .. }) => {
                        self.declare(span.text(), path_of(rhs));
                    }
                    (AssignOp::ColEq, pattern) => self.pattern(pattern),
                    (AssignOp::Eq, lhs) => self.expression(lhs),
                }
                self.expression(rhs);
            }
            Expr::Membership { key, value, collection, .. } => {
                key.iter().for_each(|key| self.expression(key));
                self.expression(value);
                self.expression(collection);
            }
        }
    }

    fn reference(&mut self, expression: &'a Expr) {
        self.indexes(expression);
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
            Expr::Var { span, .. } => self.declare(span.text(), None),
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

fn path_name(reference: &Expr, parent: Option<&str>) -> String {
    // This fails if it isn't a reference; its text then names nothing that could be called.
    get_path_string(reference, parent).unwrap_or_else(|_| reference.span().text().to_owned())
}

/// Returns the components of a reference. A component that is known only at evaluation is `None`,
/// and so is the first one if the reference doesn't start with a name.
pub(super) fn components(mut expression: &Expr) -> Vec<Option<&str>> {
    let mut components = Vec::new();
    loop {
        match expression {
            Expr::RefDot { refr, field, .. } => {
                components.push(Some(field.0.text()));
                expression = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                components.push(literal(index));
                expression = refr;
            }
            start => {
                components.push(match start {
                    Expr::Var { span, .. } => Some(span.text()),
                    _ => None,
                });
                components.reverse();
                return components;
            }
        }
    }
}

/// Returns the components of a reference that starts with a name; `None` for anything else.
fn path_of(expression: &Expr) -> Option<Vec<Option<&str>>> {
    let is_reference =
        matches!(expression, Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. });
    let path = is_reference.then(|| components(expression))?;
    path.first().is_some_and(Option::is_some).then_some(path)
}

/// Returns the text of a string literal; `None` for any other expression.
pub(super) fn literal(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(|text| &**text)
        }
        _ => None,
    }
}
