//! What verbs print: answers, and what is said beside them.

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anyhow::Context as _;
use serde::Serialize;

/// The exit code of a verb that could not decide.
pub const UNDECIDED: u8 = 2;

/// Says on standard error why nothing could be decided.
pub fn complain(error: &anyhow::Error) {
    warn("error", &format!("{error:#}"));
}

/// Says that a bound was hit, and ends the process: what runs can't be interrupted.
pub fn end_at_bound(bound: &str) {
    warn("error", bound);
    std::process::exit(UNDECIDED.into());
}

/// Says something beside the output, whatever others wrote into it.
pub fn warn(mark: &str, text: &str) {
    for (number, line) in text.lines().enumerate() {
        let mark = if number == 0 { format!("{mark}: ") } else { "  ".to_owned() };
        eprintln!("{mark}{}", crate::report::escape::terminal(line));
    }
}

/// Whether whoever reads our output has gone: nothing that they would want to hear of.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Whether text on this stream may have colours: as `--color` says, else the environment (NO_COLOR,
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

/// A value as JSON for scripts, in which nothing is hidden.
pub fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(crate::report::escape::json(&serde_json::to_string_pretty(value)?) + "\n")
}

/// The hint behind a name that isn't known; `list` is the command that lists those that are.
pub fn hint(name: &str, known: &[&str], list: &str) -> String {
    match crate::core::yaml::did_you_mean(name, known) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!("; `{list}` lists all"),
    }
}
