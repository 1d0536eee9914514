//! Finds the statement at which a test ended, and the two values that it compared.
//!
//! The interpreter reports only that a test is undefined. So the test is evaluated once more in a
//! copy of its file, in which a `print` before each statement announces it, with both sides of a
//! comparison. The last announcement names the statement.

use std::ops::Range;

use regorus::unstable::{Expr, Lexer, Literal, LiteralStmt, Query, Rule, Span, TokenKind};
use regorus::{Source, Value};

use super::{Compared, FailedExpression, TestResult, engine, test_name};
use crate::policy::bound::Bound;
use crate::policy::vet::PolicyFile;

/// Begins every announcement. It is a unit separator, so that no other print is mistaken for one.
const MARK: char = '\u{1f}';
const MARK_ESCAPED: &str = "\\u001f";

/// Evaluates a failed test again; `None` if it has no statements, or none was reached.
pub(super) fn failure(
    files: &[(&str, &str)],
    parsed: &[PolicyFile],
    data: &Value,
    test: &TestResult,
    bound: Bound,
) -> Option<FailedExpression> {
    let file = parsed.iter().find(|file| file.path == test.path)?;
    let tokens = Tokens::of(file)?;
    let statements: Vec<_> =
        queries_of(file, test).flat_map(|query| tokens.statements(query)).collect();
    let copy = announcing(file.text, &statements);
    let mut files = files.to_vec();
    let failed = files.iter_mut().filter(|(path, _)| *path == file.path);
    failed.for_each(|(_, text)| *text = &copy);

    let mut engine = engine(&files, data).ok()?;
    bound.eval_rule(&mut engine, &test.rule()).ok()?;
    let printed = engine.take_prints().ok()?;
    let (_, last) = printed.iter().rev().find_map(|print| print.split_once(MARK))?;
    let mut parts = last.split(MARK);
    let statement = &statements[parts.next()?.trim().parse::<usize>().ok()?];
    let compared = match (parts.next(), parts.next()) {
        (Some(left), Some(right)) => {
            Some(Compared { left: unwrapped(left), right: unwrapped(right) })
        }
        _ => None,
    };
    Some(FailedExpression {
        line: statement.line,
        text: file.text[statement.range.clone()].to_owned(),
        compared,
    })
}

/// Returns the bodies of a test's definitions.
fn queries_of<'a>(file: &'a PolicyFile, test: &TestResult) -> impl Iterator<Item = &'a Query> {
    let rules = file.module.policy.iter();
    rules
        .filter(|rule| test_name(rule) == Some(&test.name))
        .flat_map(|rule| match &**rule {
            Rule::Spec { bodies, .. } => bodies.as_slice(),
            Rule::Default { .. } => &[],
        })
        .map(|body| &*body.query)
}

/// A statement of a test, as byte ranges of its file.
struct Statement {
    line: u32,
    range: Range<usize>,
    /// The two sides, if it is a comparison.
    sides: Option<[Range<usize>; 2]>,
    /// From the first `with` on.
    modifiers: Range<usize>,
    /// Whether it is alone behind `if`, without braces.
    bare: bool,
}

/// Returns the file with an announcement before each statement.
fn announcing(text: &str, statements: &[Statement]) -> String {
    let mut copy = String::with_capacity(2 * text.len());
    let mut copied = 0;
    for (number, statement) in statements.iter().enumerate() {
        let Range { start, end } = statement.range;
        copy += &text[copied..start];
        copy += if statement.bare { "{ " } else { "" };
        copy += &format!("print(\"{MARK_ESCAPED}{number}\"");
        // In brackets, so that strings keep their quotes; in parentheses, because `[a | b]` would
        // be a comprehension.
        for side in statement.sides.iter().flatten() {
            copy += &format!(", \"{MARK_ESCAPED}\", [({})]", &text[side.clone()]);
        }
        copy += &format!(") {}; ", &text[statement.modifiers.clone()]);
        copy += &text[start..end];
        copy += if statement.bare { " }" } else { "" };
        copied = end;
    }
    copy + &text[copied..]
}

fn unwrapped(printed: &str) -> String {
    let printed = printed.trim();
    let inner = printed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(printed).to_owned()
}

/// The tokens of a file. The ends of strings differ between the tree and the text, because the
/// tree leaves their quotes out.
struct Tokens(Vec<Token>);

struct Token {
    range: Range<usize>,
    line: u32,
    column: u32,
}

impl Tokens {
    fn of(file: &PolicyFile) -> Option<Self> {
        let source = Source::from_contents(file.path.to_owned(), file.text.to_owned()).ok()?;
        let mut lexer = Lexer::new(&source);
        let mut tokens = Vec::new();
        loop {
            let token = lexer.next_token().ok()?;
            let span = &token.1;
            let quote = match token.0 {
                TokenKind::Eof => return Some(Self(tokens)),
                TokenKind::String | TokenKind::RawString => 1,
                _ => 0,
            };
            tokens.push(Token {
                range: span.start as usize - quote..span.end as usize + quote,
                line: span.line,
                column: span.col,
            });
        }
    }

    fn statements(&self, query: &Query) -> Vec<Statement> {
        let of = |statement: &LiteralStmt| {
            let range = self.whole(&statement.span);
            let modifiers = statement.with_mods.first();
            Statement {
                line: statement.span.line,
                sides: self.sides(&statement.literal),
                modifiers: modifiers.map_or(range.end, |first| first.span.start as usize)
                    ..range.end,
                bare: query.span.start == statement.span.start,
                range,
            }
        };
        query.stmts.iter().map(of).collect()
    }

    fn sides(&self, literal: &Literal) -> Option<[Range<usize>; 2]> {
        let (Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. }) = literal else {
            return None;
        };
        let (Expr::BoolExpr { span, .. } | Expr::Membership { span, key: None, .. }) = &**expr
        else {
            return None;
        };
        // The position of such a span is that of its operator.
        let is_operator = |token: &&Token| (token.line, token.column) == (span.line, span.col);
        let operator = &self.0.iter().find(is_operator)?.range;
        let whole = self.whole(span);
        Some([whole.start..operator.start, operator.end..whole.end])
    }

    /// Returns the text of a span, including all quotes.
    fn whole(&self, span: &Span) -> Range<usize> {
        let (start, end) = (span.start as usize, span.end as usize);
        let first = self.0.iter().find(|token| token.range.end > start);
        let last = self.0.iter().find(|token| token.range.end >= end);
        first.map_or(start, |token| token.range.start.min(start))
            ..last.map_or(end, |token| token.range.end)
    }
}
