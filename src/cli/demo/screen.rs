//! The output of the demo: commands as they were typed, with the important part of their output.

use std::path::Path;
use std::time::Duration;

use anstyle::Style;
use anyhow::bail;

use super::story::Scene;
use crate::cli::shared::say;
use changegate::report::escape::terminal;
use changegate::report::{NARROWEST, hanging, paint, width, wrap};

/// The mark for lines that are left out.
const CUT: &str = "…";

/// The indent from which on a line continues the line before it, as in a table.
const CONTINUED: &str = "               ";

/// Formats the story.
pub struct Screen {
    has_bold: bool,
    columns: usize,
}

impl Screen {
    /// Creates a screen for standard output.
    pub fn new() -> Self {
        Screen { has_bold: say::colour(&std::io::stdout()), columns: say::width() }
    }

    /// Returns the introduction.
    pub fn opening(&self) -> String {
        self.paragraph(
            "An off-script change, from submission to the audit trail, and one that is executed, verified and closed. Four people each have a \
             clone and an SSH key, and share a bare repository. All of it is real: each command \
             is run exactly as it is shown here, with the important part of its output.",
        ) + "\n"
    }

    /// Returns the heading of a step.
    pub fn title(&self, number: usize, step: &Scene) -> String {
        let title = self.bold(&format!("{number}. {}", step.title));
        let why = if step.why.is_empty() { String::new() } else { self.paragraph(step.why) };
        format!("{title}\n{why}\n")
    }

    /// Returns something that a person does by hand.
    pub fn deed(&self, what: &str, lines: &[String]) -> String {
        format!("{what}\n{}\n", block(lines, self.columns))
    }

    /// Returns a command with these lines of its output; commands without output are not separated.
    pub fn command(&self, line: &str, lines: &[String]) -> String {
        let typed: Vec<_> = line.lines().map(|line| self.bold(line) + "\n").collect();
        let end = if lines.is_empty() { "" } else { "\n" };
        typed.concat() + &block(lines, self.columns) + end
    }

    /// Returns git's output to anyone who looks; it may be empty.
    pub fn look(&self, line: &str, says: &str, lines: &[String]) -> String {
        let says = if says.is_empty() { String::new() } else { format!("  # {says}") };
        self.bold(&format!("$ {line}{says}")) + "\n" + &block(lines, self.columns) + "\n"
    }

    /// Returns what to do next.
    pub fn ending(&self, took: Duration, kept: Option<&Path>) -> String {
        let took = format!("That took {:.1} s. ", took.as_secs_f32());
        let look = match kept {
            Some(folder) => {
                let folder = terminal(&folder.to_string_lossy()).into_owned();
                format!("Everything is in {folder}: the git commands work there.\n")
            }
            None => "To keep everything for a closer look: changegate demo --keep DIR\n".to_owned(),
        };
        let next = "Next:\n  \
             changegate init    in a clone of your own: people, services and policies\n  \
             changegate new     write a change request, in a dialogue\n";
        took + &look + next
    }

    fn paragraph(&self, text: &str) -> String {
        hanging("", text, self.columns)
    }

    /// Makes commands and titles bold; they read the same without it.
    fn bold(&self, text: &str) -> String {
        paint(text, Style::new().bold(), self.has_bold)
    }
}

/// Returns the lines of an output that contain one of `shows`, with the lines that continue them;
/// omitted lines are marked.
///
/// # Errors
/// If one of `shows` is not in the output.
pub fn cut(text: &str, shows: &[&str]) -> anyhow::Result<Vec<String>> {
    if let Some(missing) = shows.iter().find(|part| !text.contains(**part)) {
        bail!("this should have contained `{missing}`:\n{text}");
    }
    let mut lines: Vec<String> = Vec::new();
    let (mut is_shown, mut is_cut) = (false, false);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        is_shown =
            shows.iter().any(|part| line.contains(part)) || is_shown && line.starts_with(CONTINUED);
        if is_shown {
            lines.extend((is_cut && !lines.is_empty()).then(|| CUT.to_owned()));
            lines.push(line.to_owned());
        }
        is_cut = !is_shown;
    }
    Ok(lines)
}

/// Returns lines, none of them wider than the screen.
fn block(lines: &[String], columns: usize) -> String {
    let line = |line: &String| match width(line) > columns {
        true => wrap(line, columns.saturating_sub(4).max(NARROWEST)).join("\n    ") + "\n",
        false => terminal(line.trim_end()).into_owned() + "\n",
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_cut_to_what_matters() {
        let text =
            "CHG-1  PENDING\n\n  waits for    bob\n               dan\n  window       Tue\nend\n";
        let cut = |shows: &[&str]| cut(text, shows).map(|lines| lines.join("|"));
        let waits = "  waits for    bob|               dan";
        assert_eq!(cut(&["waits for"]).unwrap(), waits);
        assert_eq!(cut(&["PENDING", "end"]).unwrap(), "CHG-1  PENDING|…|end");
        assert_eq!(cut(&[]).unwrap(), "");
        assert!(cut(&["APPROVED"]).unwrap_err().to_string().contains("`APPROVED`"));
    }

    #[test]
    fn no_line_is_too_wide() {
        let wide = "word ".repeat(60);
        assert!(block(&[wide], 80).lines().all(|line| width(line) <= 80));
    }
}
