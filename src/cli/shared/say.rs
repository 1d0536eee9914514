//! The output of verbs: results on standard output, messages on standard error.

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anyhow::Context as _;
use serde::Serialize;

/// The exit code of a verb that could not decide.
pub const UNDECIDED: u8 = 2;

/// Prints on standard error why nothing could be decided.
pub fn complain(error: &anyhow::Error) {
    warn("error", &format!("{error:#}"));
}

/// Reports that a bound was reached, and ends the process, because the evaluation can't be
/// interrupted.
pub fn end_at_bound(bound: &str) {
    warn("error", bound);
    std::process::exit(UNDECIDED.into());
}

/// Prints a message on standard error, and escapes any text from elsewhere in it.
pub fn warn(mark: &str, text: &str) {
    for (number, line) in text.lines().enumerate() {
        let mark = if number == 0 { format!("{mark}: ") } else { "  ".to_owned() };
        eprintln!("{mark}{}", crate::report::escape::terminal(line));
    }
}

/// Returns whether the reader of our output has gone, which is not worth a message.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Returns whether output to this stream may have colours: as `--color` says, else the environment (NO_COLOR,
/// CLICOLOR, CLICOLOR_FORCE, TERM), else whether it is a terminal.
pub fn colour(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// Prints to standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("write the output")
}

/// Returns a value as JSON for scripts, with hidden characters escaped.
pub fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(crate::report::escape::json(&serde_json::to_string_pretty(value)?) + "\n")
}

/// Returns a hint for an unknown name; `list` is the command that lists the known ones.
pub fn hint(name: &str, known: &[&str], list: &str) -> String {
    match crate::core::yaml::did_you_mean(name, known) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!("; `{list}` lists all"),
    }
}
