//! `changegate comment`: does what somebody asks for in a comment on a pull request.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context as _;
use clap::Args;

use super::shared::on_github::GitHubArgs;
use super::shared::say::{FORBIDDEN, complain, print};
use changegate::files;
use changegate::intake::command::Asked;
use changegate::report::escape::terminal;

/// The beginning of the answer to a comment; the comment's id follows.
const MARK: &str = "<!-- changegate:comment ";

/// The most lines of an answer.
const MOST_LINES: usize = 60;

/// Record what a comment on a pull request says, and answer it
///
/// For the workflow `change-record`. The first line of the comment is a verb's command line, such as
/// `/changegate cancel --reason "no longer needed"`, with the id of the pull request's change left out; or
/// the workflow was started by hand with one. Who wrote it, or started the workflow, is proven by GitHub,
/// and may do what they may do with a key of their own. The answer is a reaction, or what was refused.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate comment --event \"$GITHUB_EVENT_PATH\"
      in a workflow that a comment starts

Exit codes:
  0  it is recorded, or there was nothing to do
  1  it was refused; the answer says why
  2  the verb could not run")]
pub struct CommentArgs {
    /// The event that GitHub sent, as JSON
    #[arg(long, value_name = "FILE")]
    event: PathBuf,

    #[command(flatten)]
    on_github: GitHubArgs,
}

/// Runs the verb.
pub fn run(args: &CommentArgs) -> anyhow::Result<ExitCode> {
    let Some(asked) = Asked::read(&files::read(&args.event)?)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let place = args.on_github.open(false)?;
    let github = &place.github;
    let change = match &asked.comment {
        Some(comment) => github.change_of(comment.pull)?,
        None => None,
    };
    let words = asked.words(change.as_deref());
    let (is_done, said) = match words {
        Ok(words) => carried_out(&words, &github.repository().to_string())?,
        Err(why) => (false, format!("{why:#}\n")),
    };
    print(&said)?;
    if let Some(comment) = &asked.comment {
        match is_done {
            // It is recorded, and the log says so too.
            true => github.react_to(comment.id).unwrap_or_else(|error| complain(&error)),
            false => {
                let mark = format!("{MARK}{} -->", comment.id);
                github.keep_comment(comment.pull, &mark, &answer(&mark, &said))?;
            }
        }
    }
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::from(FORBIDDEN) })
}

/// Runs another process of this program with these arguments; returns whether it succeeded, and what it
/// said.
fn carried_out(words: &[String], repository: &str) -> anyhow::Result<(bool, String)> {
    let program = std::env::current_exe().context("find this program")?;
    let ran = Command::new(program)
        .args(words)
        .args(["--repo", repository])
        .stdin(Stdio::null())
        .output()
        .context("run this program again")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((ran.status.success(), text(&ran.stdout) + &text(&ran.stderr)))
}

/// Returns an answer in Markdown. What was said is indented, so that it is shown as it is.
fn answer(mark: &str, said: &str) -> String {
    let lines = said.lines().take(MOST_LINES).map(|line| format!("    {}\n", terminal(line)));
    format!("{mark}\nNot recorded:\n\n{}", lines.collect::<String>())
}
