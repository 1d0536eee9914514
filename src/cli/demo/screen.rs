//! What whoever watches sees: commands as they were typed, and of their output what matters.

use std::path::Path;
use std::time::Duration;

use anstyle::Style;
use anyhow::bail;

use super::story::Scene;
use crate::report::escape::terminal;
use crate::report::{WIDTH, paint, width, wrap};

/// What stands for lines that are left out.
const CUT: &str = "…";

/// Lines that begin so far to the right belong to the line before them, as in a table.
const CONTINUED: &str = "               ";

/// Lays the story out.
pub struct Screen {
    has_bold: bool,
}

impl Screen {
    /// For standard output.
    pub fn new() -> Self {
        Screen { has_bold: crate::cli::shared::say::colour(&std::io::stdout()) }
    }

    /// What this is.
    pub fn opening(&self) -> String {
        paragraph(
            "An off-script change, from submission to the audit trail. Four people have a clone and \
             an SSH key each; a bare repository is between them. All of it is real: each command is \
             run as it stands here, and of its output you see what matters.",
        ) + "\n"
    }

    /// A step's beginning.
    pub fn title(&self, number: usize, step: &Scene) -> String {
        let title = self.bold(&format!("{number}. {}", step.title));
        let tells = if step.tells.is_empty() { String::new() } else { paragraph(step.tells) };
        format!("{title}\n{tells}\n")
    }

    /// Something that somebody does by hand.
    pub fn deed(&self, what: &str, lines: &[String]) -> String {
        format!("{what}\n{}\n", block(lines))
    }

    /// A command, and of its output these lines; those without output stand together.
    pub fn command(&self, line: &str, lines: &[String]) -> String {
        let typed: Vec<_> = line.lines().map(|line| self.bold(line) + "\n").collect();
        let end = if lines.is_empty() { "" } else { "\n" };
        typed.concat() + &block(lines) + end
    }

    /// What git says to anyone who looks; it may be nothing.
    pub fn look(&self, line: &str, says: &str, lines: &[String]) -> String {
        let says = if says.is_empty() { String::new() } else { format!("  # {says}") };
        self.bold(&format!("$ {line}{says}")) + "\n" + &block(lines) + "\n"
    }

    /// Where to go from here.
    pub fn ending(&self, took: Duration, kept: Option<&Path>) -> String {
        let took = format!("That took {:.1} s. ", took.as_secs_f32());
        let look = match kept {
            Some(folder) => {
                let folder = terminal(&folder.to_string_lossy()).into_owned();
                format!(
                    "Everything is in {folder}: the git commands work there, and show how it is now.\n"
                )
            }
            None => "To look around in it afterwards: changegate demo --keep DIR\n".to_owned(),
        };
        let next = "Next:\n  \
             changegate init    in a clone of yours: who is who, and the policies\n  \
             changegate new     write a change request, in a dialogue\n";
        took + &look + next
    }

    /// Commands and titles stand out by weight, and read the same without it.
    fn bold(&self, text: &str) -> String {
        paint(text, Style::new().bold(), self.has_bold)
    }
}

/// The lines of an output in which one of `shows` stands, with the lines that continue them; what is
/// left out in between is marked.
///
/// # Errors
/// When one of `shows` stands nowhere.
pub fn cut(text: &str, shows: &[&str]) -> anyhow::Result<Vec<String>> {
    if let Some(missing) = shows.iter().find(|part| !text.contains(**part)) {
        bail!("this was to say `{missing}`:\n{text}");
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

fn paragraph(text: &str) -> String {
    block(&wrap(text, WIDTH))
}

/// Lines, none of them wider than the screen.
fn block(lines: &[String]) -> String {
    let line = |line: &String| match width(line) > WIDTH {
        true => wrap(line, WIDTH - 4).join("\n    ") + "\n",
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
        assert!(block(&[wide]).lines().all(|line| width(line) <= WIDTH));
    }
}
