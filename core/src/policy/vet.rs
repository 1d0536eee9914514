//! Refuses, when a bundle is loaded, what a policy may not contain.
//!
//! 1. [`text`]: what would harm the parser or deceive a reader: size, hidden characters, nesting
//! 2. [`PolicyFile::parse`]: turns a parser error into one line with a position
//! 3. [`facts`]: what each rule calls, refers to and overrides, read from the tree, with what single
//!    [`expressions`] say
//! 4. [`names`]: resolves those names
//! 5. [`functions`]: only functions that are deterministic and bounded, called correctly
//! 6. [`heads`]: no head that may be undefined, because it would lose what the rule found
//! 7. [`graph`], [`cycles`]: nothing that depends on itself, and no chain of rules that is too long
//! 8. [`known`], [`documents`]: no reference to what isn't there; [`compared`]: no comparison that
//!    can never hold
//! 9. [`taking_part`]: nothing that takes no part in decisions
//! 10. [`shape`]: findings and sign-offs that can be read, each with a code of its own rule
//! 11. [`purposes`]: packages that say which questions they answer say it in so many words
//! 12. [`metadata`]: METADATA that can be read, and says what its rule says
//!
//! A file that can't be parsed hides the functions it defines, so the tree is looked at only when
//! every file parses. The entry point is [`vet`]. The same tree shows which facts policies use:
//! [`reads`](mod@reads).

mod compared;
mod cycles;
mod documents;
mod expressions;
mod facts;
mod functions;
mod graph;
mod heads;
mod known;
mod metadata;
mod names;
mod purposes;
mod reads;
mod shape;
mod taking_part;
#[cfg(test)]
mod tests;
mod text;
mod yields;

use std::fmt;

use regorus::Source;
use regorus::unstable::{Expr, Module, Parser, Rule, Span};

use serde_json::{Map, Value};

use super::files::TEST_SUFFIX;
use facts::RuleFacts;
use graph::Graph;
use known::Search;
use names::Scopes;
pub use reads::{InputPath, Reads, reads};
pub use yields::RulePackage;

/// A problem in a policy file, which is refused for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyProblem {
    /// The file's path in the bundle.
    pub path: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// What is refused and why, without a full stop.
    pub message: String,
    /// What to do instead, a sentence.
    pub help: Option<String>,
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, message, help } = self;
        write!(f, "{path}:{line}:{column}: {message}.")?;
        help.as_ref().map_or(Ok(()), |help| write!(f, " {help}"))
    }
}

/// Checks the policies of a bundle, given as paths and texts, and returns its rule packages. `tables`
/// are the organisation's tables as they are written.
///
/// # Errors
/// Every problem, sorted by position.
pub fn vet(
    files: &[(&str, &str)],
    tables: &Map<String, Value>,
) -> Result<Vec<RulePackage>, Vec<PolicyProblem>> {
    let mut packages = Vec::new();
    let problems = judge(files, |files, facts, scopes, graph| {
        packages = yields::read(files, facts);
        let search = Search::new(facts, scopes, tables);
        let mut problems = known::check(&search);
        problems.extend(compared::check(&search));
        problems.extend(taking_part::check(files, facts, scopes, graph));
        problems.extend(purposes::check(facts));
        problems.extend(shape::check(files, facts, tables));
        problems.extend(metadata::check(files, facts));
        problems
    });
    if problems.is_empty() { Ok(packages) } else { Err(problems) }
}

/// Checks each policy as the language goes, and, where nothing is wrong with that, all of them
/// together.
fn judge(
    files: &[(&str, &str)],
    together: impl FnOnce(&[PolicyFile], &[RuleFacts], &Scopes, &Graph) -> Vec<PolicyProblem>,
) -> Vec<PolicyProblem> {
    let (parsed, refused): (Vec<_>, Vec<_>) =
        files.iter().map(|(path, text)| PolicyFile::parse(path, text)).partition(Result::is_ok);
    let mut problems: Vec<_> = refused.into_iter().filter_map(Result::err).collect();
    let parsed: Vec<_> = parsed.into_iter().flatten().collect();
    if problems.is_empty() {
        let facts: Vec<RuleFacts> = parsed.iter().flat_map(facts::read).collect();
        let scopes = Scopes::of(&facts);
        let graph = Graph::of(&facts, &scopes);
        problems.extend(parsed.iter().flat_map(refused_statements));
        problems.extend(facts.iter().flat_map(refused_overrides));
        problems.extend(functions::check(&facts, &scopes));
        problems.extend(heads::check(&facts, &scopes));
        problems.extend(cycles::check(&graph));
        if problems.is_empty() {
            problems = together(&parsed, &facts, &scopes, &graph);
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

/// A Rego file that has been parsed.
pub(super) struct PolicyFile<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub module: Module,
}

impl<'a> PolicyFile<'a> {
    /// Reads one file, unless it is refused before or by the parser.
    pub fn parse(path: &'a str, text: &'a str) -> Result<Self, PolicyProblem> {
        text::check(path, text)?;
        let parse = || {
            let source = Source::from_contents(path.to_owned(), text.to_owned())?;
            let mut parser = Parser::new(&source)?;
            parser.enable_rego_v1()?;
            parser.parse()
        };
        match parse() {
            Ok(module) => Ok(Self { path, text, module }),
            Err(error) => Err(text::syntax_problem(path, text, &error)),
        }
    }

    pub fn is_test(&self) -> bool {
        self.path.ends_with(TEST_SUFFIX)
    }

    fn problem(&self, span: &Span, message: String, help: &str) -> PolicyProblem {
        let (line, column) = text::place(self.text, span.start as usize);
        PolicyProblem {
            path: self.path.to_owned(),
            line,
            column,
            message,
            help: (!help.is_empty()).then(|| help.to_owned()),
        }
    }
}

/// Returns problems with imports and defaults whose meaning differs between engines, or that have
/// no effect.
fn refused_statements(file: &PolicyFile) -> Vec<PolicyProblem> {
    let imports = file.module.imports.iter().filter_map(|import| {
        let imported = import.refr.span().text();
        let help = match imported {
            "data" | "input" if import.r#as.is_none() => {
                "It is always available: delete this line."
            }
            "data" | "input" | "rego.v1" => return None,
            _ if matches!(root(&import.refr), "data" | "input") => return None,
            _ => "Import `rego.v1`, or something below `data` or `input`.",
        };
        let message = format!("`{imported}` can't be imported");
        Some(file.problem(&import.span, message, help))
    });
    let defaults = file.module.policy.iter().filter_map(|rule| match &**rule {
        Rule::Default { span, args, .. } if !args.is_empty() => Some(file.problem(
            span,
            "a function can't have a default: engines differ in what it means".into(),
            "Add a second definition for the remaining case, or use `else`.",
        )),
        _ => None,
    });
    imports.chain(defaults).collect()
}

fn refused_overrides(rule: &RuleFacts) -> Vec<PolicyProblem> {
    let overrides = rule.overrides.iter().filter(|_| !rule.file.is_test());
    overrides
        .map(|span| {
            rule.file.problem(
                span,
                "`with` can't be used in a policy: it replaces functions and facts".into(),
                "Pass the value to a function, or move this to a file that ends in `_test.rego`.",
            )
        })
        .collect()
}

/// Returns the first name of a reference, such as `data` in `data.org.roster`; empty for anything
/// else.
pub(super) fn root(mut expression: &Expr) -> &str {
    loop {
        match expression {
            Expr::Var { span, .. } => return span.text(),
            Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => expression = refr,
            _ => return "",
        }
    }
}
