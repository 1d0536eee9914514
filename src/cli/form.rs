//! `changegate form`: an issue with a filled-in form becomes a branch with the request.
//!
//! ```text
//! gather: the event ─▶ who asks ─▶ the form as base has it ─▶ what was filled in
//! decide: the request ─▶ its id ─▶ judged by the policies at base ─▶ what is still missing
//! apply:  a commit in the requester's name ─▶ change/<id> ─▶ one comment on the issue
//! ```
//!
//! Everything in the issue is data from anyone: it is parsed, rendered anew and escaped, and names
//! nothing but an id that reads as one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::shared::args::NowArg;
use super::shared::on_github::GitHubArgs;
use super::shared::say::print;
use crate::forge::git::{Branches, Git};
use crate::forge::github::Name;
use crate::git::{Moved, Program, Repo};
use crate::intake::comment::MARK;
use crate::intake::event::{Author, IssueEvent};
use crate::intake::work::Desk;

/// Turn an issue's form into a branch, and answer with its pull request's link
///
/// For a workflow that GitHub starts when an issue is opened, edited or labelled. The branch holds a
/// commit in the name of the issue's author, who opens the pull request and so is who asks. It follows
/// the form until the pull request is open or somebody else commits to it, and is never forced.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate form --event \"$GITHUB_EVENT_PATH\"
      in a workflow: make or renew the branch, and answer on the issue
  changegate form --event event.json --dry-run
      what the request and the answer would be

Environment:
  GITHUB_TOKEN       pushes the branch and writes the answer
  GITHUB_SERVER_URL  where the repository lives; https://github.com if it isn't set

Exit codes:
  0  the branch holds what the form says
  1  it doesn't, and the answer says why
  2  could not be done")]
pub struct FormArgs {
    /// The event that GitHub sent, as JSON
    #[arg(long, value_name = "FILE")]
    event: PathBuf,

    /// The repository; the event's if left out
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,

    /// Print the request and the answer, do nothing, and ask nobody for open pull requests
    #[arg(long)]
    dry_run: bool,
}

/// How often all is done anew because branches moved meanwhile.
const ATTEMPTS: usize = 5;

/// Runs the verb.
pub fn run(args: &FormArgs) -> anyhow::Result<ExitCode> {
    let now = NowArg::present();
    let bytes =
        std::fs::read(&args.event).with_context(|| format!("read {}", args.event.display()))?;
    let event = IssueEvent::read(&bytes)?;
    let author = event.author()?;
    let name = args.repo.as_ref().unwrap_or(&event.repository.full_name);
    let name: Name = name.parse()?;
    let server = server();
    let desk = Desk { page: format!("{server}/{name}"), event: &event, author: &author };

    if args.dry_run {
        let git = open(&event, &author, |program| program)?;
        let work = desk.work(&git, now, |_| Ok(None))?;
        let Some(work) = work else { return Ok(ExitCode::SUCCESS) };
        print(&work.for_people())?;
        return Ok(work.exit_code());
    }
    let place = GitHubArgs { repo: Some(name.to_string()) }.open(false)?;
    for _ in 0..ATTEMPTS {
        let git = open(&event, &author, |program| place.github.let_in(program, &server))?;
        let work = desk.work(&git, now, |branch| place.github.open_pull_of(branch))?;
        let Some(work) = work else { return Ok(ExitCode::SUCCESS) };
        match work.put.as_ref().map(|put| put.carry_out(&git, event.issue.number)).transpose()? {
            None | Some(Moved::Yes) => {
                let answer = work.comment.text();
                place.github.keep_comment(event.issue.number, MARK, &answer)?;
                print(&answer)?;
                return Ok(work.exit_code());
            }
            Some(Moved::Refused(why)) => bail!("the server doesn't take the branch:\n{why}"),
            Some(Moved::Lost(_)) => {}
        }
    }
    bail!("branches move faster than the form can be read: edit the form to try again")
}

/// Where the repository's pages are, without a slash at the end.
fn server() -> String {
    let set = std::env::var("GITHUB_SERVER_URL").ok().filter(|url| !url.is_empty());
    let url = set.unwrap_or_else(|| "https://github.com".to_owned());
    url.trim_end_matches('/').to_owned()
}

/// The clone around the current folder, up to date with its remote; what is committed there is
/// committed in the author's name.
fn open(
    event: &IssueEvent,
    author: &Author,
    let_in: impl FnOnce(Program) -> Program,
) -> anyhow::Result<Git> {
    let branches = Branches::of(Repo::discover(Path::new("."))?);
    let branches = branches
        .through(|program| let_in(program.as_person(&author.account.login, &author.email())));
    branches.refresh()?;
    Git::new(branches, Some(event.repository.default_branch.clone()))
}
