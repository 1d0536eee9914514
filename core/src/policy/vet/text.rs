//! Checks before parsing, and positions in a text.
//!
//! The parser tries each bracket in several ways, so its time doubles with every level of nesting.
//! What it builds is evaluated and dropped recursively, so a long chain of operators would exhaust
//! the stack. Neither can be interrupted. Tokens come from the parser's own lexer, so that both
//! agree on what is a string or a comment.

use regorus::Source;
use regorus::unstable::{Lexer, TokenKind};

use super::PolicyProblem;
use crate::characters;
use crate::policy::message::Message;

/// The largest file in bytes; larger ones are refused.
const MAX_FILE: usize = 256 * 1024;
/// The deepest nesting of `[`, `{` and `(`; deeper nesting is refused.
const MAX_DEPTH: usize = 10;
/// Each bracket costs the parser twice as much as the one around it; files that cost more than this
/// are refused. One unit is a few microseconds.
const MAX_COST: u32 = 1 << 16;
/// The longest chain of operators, such as `a.b + c[d] - e`; longer ones are refused.
const MAX_CHAIN: usize = 64;

/// Checks one file, and returns its first problem.
pub(super) fn check(path: &str, text: &str) -> Result<(), PolicyProblem> {
    let problem = |offset, message: String, help: &str| {
        let (line, column) = place(text, offset);
        Err(PolicyProblem {
            path: path.to_owned(),
            line,
            column,
            message,
            help: Some(help.to_owned()),
        })
    };
    if text.len() > MAX_FILE {
        let message = format!("a policy file can't be larger than {} KiB", MAX_FILE / 1024);
        return problem(0, message, "Split it.");
    }
    // A NUL would also end the program early without an error.
    if let Some((offset, character, role)) =
        characters::refused(text, characters::Text::Exact).next()
    {
        let code = u32::from(character);
        let message = format!("U+{code:04X} ({role}) can hide a part of the policy");
        return problem(offset, message, "Delete it.");
    }
    match first_excess(path, text) {
        Ok(None) => Ok(()),
        Ok(Some((offset, Excess::Depth))) => problem(
            offset,
            format!("brackets can't be nested deeper than {MAX_DEPTH} levels"),
            "Give the inner part a name of its own: a rule or a function.",
        ),
        Ok(Some((offset, Excess::Cost))) => problem(
            offset,
            "this file has too many deeply nested brackets".into(),
            "Give inner parts names of their own, or split the file.",
        ),
        Ok(Some((offset, Excess::Chain))) => problem(
            offset,
            format!("an expression can't chain more than {MAX_CHAIN} operators"),
            "Split it into several rules.",
        ),
        Err(error) => Err(syntax_problem(path, text, &error)),
    }
}

/// Returns the line and column of a byte offset, both counted from 1, the column in characters.
pub(super) fn place(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.matches('\n').count();
    let column = 1 + before[line_start..].chars().count();
    (saturate(line), saturate(column))
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

enum Excess {
    Depth,
    Cost,
    Chain,
}

/// Finds the token at which nesting or an operator chain becomes too long.
fn first_excess(path: &str, text: &str) -> anyhow::Result<Option<(usize, Excess)>> {
    let source = Source::from_contents(path.to_owned(), text.to_owned())?;
    let mut lexer = Lexer::new(&source);
    // The length of the operator chain at each open bracket, outermost first.
    let mut chains = vec![0];
    let mut cost = 0_u32;
    let mut last_line = 0;
    let mut continues = false;
    loop {
        let token = lexer.next_token()?;
        let (symbol, span) = match &token.0 {
            TokenKind::Eof => return Ok(None),
            TokenKind::Symbol | TokenKind::Ident => (token.1.text(), &token.1),
            _ => ("", &token.1),
        };
        let role = role(symbol);
        let new_statement = span.line != last_line && !continues && role != Role::Operator;
        if (new_statement || role == Role::Separator)
            && let Some(chain) = chains.last_mut()
        {
            *chain = 0;
        }
        if matches!(role, Role::Operator | Role::Open)
            && let Some(chain) = chains.last_mut()
        {
            *chain += 1;
            if *chain > MAX_CHAIN {
                return Ok(Some((span.start as usize, Excess::Chain)));
            }
        }
        match role {
            Role::Open if chains.len() > MAX_DEPTH => {
                return Ok(Some((span.start as usize, Excess::Depth)));
            }
            Role::Open => {
                cost += 1 << chains.len();
                if cost > MAX_COST {
                    return Ok(Some((span.start as usize, Excess::Cost)));
                }
                chains.push(0);
            }
            Role::Close if chains.len() > 1 => drop(chains.pop()),
            _ => {}
        }
        last_line = span.line;
        continues = role == Role::Operator;
    }
}

#[derive(PartialEq, Clone, Copy)]
enum Role {
    Open,
    Close,
    Operator,
    Separator,
    Operand,
}

fn role(symbol: &str) -> Role {
    match symbol {
        "[" | "{" | "(" | "set(" => Role::Open,
        "]" | "}" | ")" => Role::Close,
        "." | "+" | "-" | "*" | "/" | "%" | "&" | "|" | "in" => Role::Operator,
        "<" | "<=" | "==" | ">=" | ">" | "!=" => Role::Operator,
        "," | ";" | ":" | ":=" | "=" => Role::Separator,
        _ => Role::Operand,
    }
}

/// Returns the problem that the parser or the lexer found.
pub(super) fn syntax_problem(path: &str, text: &str, error: &anyhow::Error) -> PolicyProblem {
    let message = Message::of(error);
    let place = message.place.filter(|place| place.path == path);
    PolicyProblem {
        path: path.to_owned(),
        line: place.as_ref().map_or(1, |place| place.line),
        column: place.as_ref().map_or(1, |place| place.column(text)),
        message: format!("this can't be read as Rego: {}", message.text),
        help: None,
    }
}
