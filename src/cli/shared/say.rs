//! The output of verbs: results on standard output, messages on standard error.
//!
//! A reader that has gone changes no result: what a verb decided or did stays as it is.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anyhow::Context as _;
use dialoguer::console::Term;
use serde::Serialize;

use changegate::report::escape::terminal;
use changegate::report::page::shown;

/// The exit code of a verb to which the rules forbid what it was to do.
pub const FORBIDDEN: u8 = 1;

/// The exit code of a verb that could not decide.
pub const UNDECIDED: u8 = 2;

/// The exit code of `exec` where nothing could be decided, so that no command's is taken for it.
pub const UNCLEAR: u8 = 202;

/// The exit code of a verb that Ctrl-C interrupted, as of a program that the signal ended.
pub const INTERRUPTED: u8 = 130;

/// Prints on standard error why nothing could be decided.
pub fn complain(error: &anyhow::Error) {
    warn("error", &without_codes(&format!("{error:#}")));
}

/// Leaves out the system's numbers of errors, which follow its words.
fn without_codes(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').map_or(part, |(_, rest)| rest))
}

/// Reports that a bound was reached, and ends the process, because the evaluation can't be
/// interrupted.
pub fn end_at_bound(bound: &str) {
    warn("error", bound);
    std::process::exit(undecided().into());
}

/// Returns the exit code where nothing could be decided, of the verb on the command line.
pub fn undecided() -> u8 {
    let words = std::env::args_os().skip(1);
    let mut verb = words.skip_while(|word| {
        let is_flag = word.to_str().is_some_and(|word| word.starts_with('-'));
        is_flag || ["auto", "always", "never"].iter().any(|choice| word == choice)
    });
    if verb.next().is_some_and(|verb| verb == "exec") { UNCLEAR } else { UNDECIDED }
}

/// Prints a message on standard error, and escapes any text from elsewhere in it.
pub fn warn(mark: &str, text: &str) {
    for (number, line) in text.lines().enumerate() {
        let mark = if number == 0 { format!("{mark}: ") } else { "  ".to_owned() };
        note(format_args!("{mark}{}", terminal(line)));
    }
}

/// Prints a line on standard error.
pub fn note(line: impl Display) {
    // If nobody can read it, there is nobody to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Standard output, which swallows what nobody reads any more.
pub struct Output(io::StdoutLock<'static>);

impl Output {
    /// Returns standard output, locked.
    pub fn lock() -> Self {
        Output(io::stdout().lock())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_closed(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_closed(self.0.flush(), ())
    }
}

fn unless_closed<T>(result: io::Result<T>, swallowed: T) -> io::Result<T> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(swallowed),
        result => result,
    }
}

/// Returns whether output to this stream may have colours: as `--color` says, else the environment (NO_COLOR,
/// CLICOLOR, CLICOLOR_FORCE, TERM), else whether it is a terminal.
pub fn colour(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// Returns how many columns a line on standard output should have at most: the terminal's. Elsewhere
/// lines are whole.
pub fn width() -> usize {
    let columns = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.filter(|columns| *columns > 0).unwrap_or(usize::MAX)
}

/// Wraps a text behind a beginning for standard output.
pub fn hanging(beginning: &str, text: &str) -> String {
    changegate::report::hanging(beginning, text, width())
}

/// Prints to standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = Output::lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("write the output")
}

/// Prints what was done. If it can't be printed, it is done all the same.
pub fn done(text: &str) {
    if let Err(error) = print(text) {
        complain(&error);
    }
}

/// Returns a path as a shell reads it.
pub fn quoted(path: &Path) -> String {
    word(&shown(path))
}

/// Returns a text as a shell reads it as one word.
pub fn word(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), |quoted| quoted.into_owned())
}

/// Returns the command that is running, as a shell reads it, with `more` at its end.
pub fn again(more: &str) -> String {
    let typed = std::env::args_os().skip(1).map(|typed| word(&typed.to_string_lossy()));
    let typed: Vec<_> = typed.collect();
    terminal(&format!("changegate {} {more}", typed.join(" "))).into_owned()
}

/// Returns a value as JSON for scripts, with hidden characters escaped.
pub fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(changegate::report::escape::json(&serde_json::to_string_pretty(value)?) + "\n")
}

/// Returns a hint for an unknown name; `list` is the command that lists the known ones.
pub fn hint(name: &str, known: &[&str], list: &str) -> String {
    match changegate::core::yaml::did_you_mean(name, known) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!("; `{list}` lists all"),
    }
}
