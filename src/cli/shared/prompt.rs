//! Questions on a terminal. Each returns one valid answer, or an error if the dialogue is
//! cancelled.

use std::io::{self, ErrorKind, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, anyhow};
use dialoguer::console::{Term, measure_text_width, style};
use dialoguer::theme::{ColorfulTheme, Theme as _};
use dialoguer::{Completion, Confirm, Input, MultiSelect, Select};
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::report::escape::terminal;
use crate::report::{WIDTH, wrap};

/// Whether somebody can be asked: answers are read from standard input, questions are written to
/// standard error.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks one question. Ctrl-C cancels it and leaves the terminal as it was; a second Ctrl-C, or one
/// between questions, ends the process.
fn asked<T>(question: impl FnOnce() -> dialoguer::Result<T>) -> anyhow::Result<T> {
    static ENDS_PROCESS: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let ends_process = match ENDS_PROCESS.get() {
        Some(flag) => flag,
        None => {
            let ends_process = Arc::new(AtomicBool::new(true));
            flag::register_conditional_default(SIGINT, ends_process.clone())
                .and_then(|_| flag::register(SIGINT, ends_process.clone()))
                .context("prepare for Ctrl-C")?;
            ENDS_PROCESS.get_or_init(|| ends_process)
        }
    };
    ends_process.store(false, Ordering::SeqCst);
    let answer = question();
    ends_process.store(true, Ordering::SeqCst);
    answer.map_err(|dialoguer::Error::IO(error)| {
        // Menus hide the cursor. Nothing more can be done for a terminal that refuses to show it.
        let _ = Term::stderr().show_cursor();
        if error.kind() == ErrorKind::Interrupted {
            eprintln!();
            anyhow!("cancelled; nothing was written")
        } else {
            anyhow!(error).context("ask on the terminal")
        }
    })
}

/// Prints a note between two questions.
pub fn say(text: &str) {
    for line in wrap(text, width()) {
        eprintln!("{}", style(line).for_stderr().dim());
    }
}

/// Returns the longest line: as everywhere, or less in a narrow terminal.
fn width() -> usize {
    usize::from(Term::stderr().size().1).clamp(20, WIDTH)
}

/// Prints why an answer isn't valid.
pub fn refuse(why: &str) {
    eprintln!("{} {}", style("✘").for_stderr().red(), wrap(why, width() - 2).join("\n  "));
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
    let answer = line(name, input, |answer| parse(answer).map(drop))?;
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
        let answer = line(&name, input, |answer| match answer {
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
fn line<'a>(
    name: &str,
    input: Input<'a, String>,
    check: impl Fn(&str) -> Result<(), String> + 'a,
) -> anyhow::Result<String> {
    let input = input.with_prompt(name).allow_empty(true).report(false);
    let input = input.validate_with(move |answer: &String| check(answer.trim()));
    let answer = asked(|| input.interact_text())?.trim().to_owned();
    // dialoguer clears one row, and a long answer takes several.
    let term = Term::stderr();
    let rows =
        measure_text_width(&format!("? {name} › {answer}")) / usize::from(term.size().1).max(1);
    term.clear_last_lines(rows).context("write to the terminal")?;
    if !answer.is_empty() {
        let mut shown = String::new();
        let theme = ColorfulTheme::default();
        theme.format_input_prompt_selection(&mut shown, name, &terminal(&answer))?;
        eprintln!("{shown}");
    }
    Ok(answer)
}

/// Asks for one of the items, and returns its index.
pub fn choose(name: &str, items: &[String], default: usize) -> anyhow::Result<usize> {
    let theme = ColorfulTheme::default();
    let items: Vec<_> = items.iter().map(|item| terminal(item)).collect();
    let select = Select::with_theme(&theme).with_prompt(name).items(&items).default(default);
    asked(|| select.interact())
}

/// Asks for some of the items, and returns their indexes.
pub fn choose_some(name: &str, items: &[String], chosen: &[bool]) -> anyhow::Result<Vec<usize>> {
    let theme = ColorfulTheme::default();
    let items: Vec<_> = items.iter().map(|item| terminal(item)).collect();
    let name = format!("{name} (space selects, enter ends)");
    let select = MultiSelect::with_theme(&theme).with_prompt(name).items(&items).defaults(chosen);
    asked(|| select.interact())
}

/// Asks for yes or no.
pub fn confirm(question: &str, default: bool) -> anyhow::Result<bool> {
    let theme = ColorfulTheme::default();
    let confirm = Confirm::with_theme(&theme).with_prompt(question).default(default);
    asked(|| confirm.wait_for_newline(true).interact())
}

/// Known words; Tab completes an answer to the first one that begins with it.
struct Known<'a>(&'a [String]);

impl Completion for Known<'_> {
    fn get(&self, input: &str) -> Option<String> {
        self.0.iter().find(|word| word.starts_with(input)).cloned()
    }
}
