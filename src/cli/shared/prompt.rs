//! Questions on a terminal. Each returns one valid answer, or an error if the dialogue is
//! cancelled.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _};
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow};
use dialoguer::console::{Term, measure_text_width, style};
use dialoguer::theme::{ColorfulTheme, Theme as _};
use dialoguer::{Completion, Confirm, Input, MultiSelect, Select};

use super::interrupt;
use super::say::print;
use changegate::report::escape::terminal;
use changegate::report::{NARROWEST, wrap};

/// Somebody cancelled a question with Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("cancelled; nothing was written")]
pub struct Interrupted;

/// Whether somebody can be asked: answers are read from standard input.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && term().is_some()
}

/// Returns where questions are written: standard error, or if that leads elsewhere, the terminal
/// itself, so that no question is lost in a file or a pipe.
fn term() -> Option<&'static Term> {
    static TERM: OnceLock<Option<Term>> = OnceLock::new();
    TERM.get_or_init(|| if io::stderr().is_terminal() { Some(Term::stderr()) } else { own() })
        .as_ref()
}

#[cfg(unix)]
fn own() -> Option<Term> {
    let terminal = std::fs::File::options().read(true).write(true).open("/dev/tty").ok()?;
    Some(Term::read_write_pair(terminal.try_clone().ok()?, terminal))
}

#[cfg(not(unix))]
fn own() -> Option<Term> {
    None
}

/// Prints what the next question is about: on standard output, and if that leads elsewhere, on the
/// terminal as well.
///
/// # Errors
/// If standard output can't be written.
pub fn show(text: &str) -> anyhow::Result<()> {
    print(text)?;
    if !io::stdout().is_terminal() {
        line(text.trim_end());
    }
    Ok(())
}

/// Prints a line between two questions.
pub fn line(text: impl Display) {
    if let Some(term) = term() {
        // If it can't be written, neither can the next question, which says so.
        let _ = term.write_line(&text.to_string());
    }
}

/// Asks one question. Ctrl-C cancels it and leaves the terminal as it was; a second Ctrl-C, or one
/// between questions, ends the process.
fn asked<T>(question: impl FnOnce(&Term) -> dialoguer::Result<T>) -> anyhow::Result<T> {
    let term = term().context("there is no terminal to ask on")?;
    let answer = interrupt::held(|| question(term))?;
    answer.map_err(|dialoguer::Error::IO(error)| {
        // Menus hide the cursor. Nothing more can be done for a terminal that refuses to show it.
        let _ = term.show_cursor();
        if error.kind() == ErrorKind::Interrupted {
            line("");
            anyhow!(Interrupted)
        } else {
            anyhow!(error).context("ask on the terminal")
        }
    })
}

/// Prints a note between two questions.
pub fn say(text: &str) {
    for text in wrap(text, width()) {
        line(style(text).for_stderr().dim());
    }
}

/// Returns the longest line: the terminal's.
fn width() -> usize {
    term().map_or(NARROWEST, |term| usize::from(term.size().1)).max(NARROWEST)
}

/// Prints why an answer isn't valid.
pub fn refuse(why: &str) {
    let why = wrap(why, width() - 2).join("\n  ");
    line(format_args!("{} {why}", style("✘").for_stderr().red()));
}

/// Asks for a line of text that `parse` accepts; Tab completes it to one of the `known`.
pub fn parsed<T>(
    name: &str,
    default: Option<String>,
    known: &[String],
    parse: impl Fn(&str) -> Result<T, String>,
) -> anyhow::Result<T> {
    let completion = Known(known);
    let theme = ColorfulTheme::default();
    let mut input = Input::with_theme(&theme).completion_with(&completion);
    if let Some(default) = default {
        input = input.default(default);
    }
    let answer = text(name, input, |answer| parse(answer).map(drop))?;
    parse(&answer).map_err(|why| anyhow!(why))
}

/// Asks for several lines of text, until an empty one; `suggestion` can be edited in the first.
pub fn lines(
    name: &str,
    suggestion: Option<String>,
    parse: impl Fn(&str) -> Result<String, String>,
) -> anyhow::Result<Vec<String>> {
    let theme = ColorfulTheme::default();
    let mut lines = Vec::new();
    let mut suggestion = suggestion;
    loop {
        let mut input = Input::with_theme(&theme);
        if let Some(suggestion) = suggestion.take() {
            input = input.with_initial_text(suggestion);
        }
        let may_end = !lines.is_empty();
        let name = format!("{name} {}", lines.len() + 1);
        let answer = text(&name, input, |answer| match answer {
            "" if may_end => Ok(()),
            answer => parse(answer).map(drop),
        })?;
        match answer.is_empty() {
            true => return Ok(lines),
            false => lines.push(answer),
        }
    }
}

/// Asks for one line of text, and returns it without the spaces around it.
fn text<'a>(
    name: &str,
    input: Input<'a, String>,
    check: impl Fn(&str) -> Result<(), String> + 'a,
) -> anyhow::Result<String> {
    let input = input.with_prompt(name).allow_empty(true).report(false);
    let input = input.validate_with(move |answer: &String| check(answer.trim()));
    let answer = asked(|term| {
        let answer = input.interact_text_on(term)?.trim().to_owned();
        // dialoguer clears one row, and a long answer takes several.
        let columns = usize::from(term.size().1).max(1);
        term.clear_last_lines(measure_text_width(&format!("? {name} › {answer}")) / columns)?;
        Ok(answer)
    })?;
    if !answer.is_empty() {
        let mut shown = String::new();
        let theme = ColorfulTheme::default();
        theme.format_input_prompt_selection(&mut shown, name, &terminal(&answer))?;
        line(shown);
    }
    Ok(answer)
}

/// Asks for one of the items, and returns its index.
pub fn choose(name: &str, items: &[String], default: usize) -> anyhow::Result<usize> {
    let theme = ColorfulTheme::default();
    let items: Vec<_> = items.iter().map(|item| terminal(item)).collect();
    let select = Select::with_theme(&theme).with_prompt(name).items(&items).default(default);
    asked(|term| select.interact_on(term))
}

/// Asks for some of the items, and returns their indexes.
pub fn choose_some(name: &str, items: &[String], chosen: &[bool]) -> anyhow::Result<Vec<usize>> {
    let theme = ColorfulTheme::default();
    let items: Vec<_> = items.iter().map(|item| terminal(item)).collect();
    let name = format!("{name} (space selects, enter ends)");
    let select = MultiSelect::with_theme(&theme).with_prompt(name).items(&items).defaults(chosen);
    asked(|term| select.interact_on(term))
}

/// Asks for yes or no.
pub fn confirm(question: &str, default: bool) -> anyhow::Result<bool> {
    let theme = ColorfulTheme::default();
    let confirm = Confirm::with_theme(&theme).with_prompt(question).default(default);
    asked(|term| confirm.wait_for_newline(true).interact_on(term))
}

/// Known words; Tab completes an answer to the first one that begins with it.
struct Known<'a>(&'a [String]);

impl Completion for Known<'_> {
    fn get(&self, input: &str) -> Option<String> {
        self.0.iter().find(|word| word.starts_with(input)).cloned()
    }
}
