//! `changegate form`: turns an issue with a filled-in form into a branch with the request.
//!
//! ```text
//! gather: the event ─▶ the requester ─▶ the form at base ─▶ what was filled in
//! decide: the request ─▶ its id ─▶ judged by the policies at base ─▶ what is still missing
//! apply:  a commit in the requester's name ─▶ change/<id> ─▶ one comment on the issue
//! ```
//!
//! Everything in the issue is untrusted: it is parsed, written again and escaped, and the only name
//! that is taken from it is an id that is a valid ticket number.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::shared::args::NowArg;
use super::shared::judges::judges;
use super::shared::on_github::GitHubArgs;
use super::shared::say::{complain, print};
use changegate::files;
use changegate::forge::git::{Branches, Git};
use changegate::forge::github::Name;
use changegate::git::{Moved, Program, Repo};
use changegate::intake::comment::{MARK, undecided};
use changegate::intake::event::{Author, IssueEvent};
use changegate::intake::work::Desk;

/// Turn an issue form into a branch, and reply with the link to open its pull request
///
/// For a workflow that GitHub starts when an issue is opened, edited or labelled. The branch
/// contains a commit in the name of the issue's author, who opens the pull request and so becomes
/// the requester. The branch follows the form until the pull request is open or somebody else
/// commits to it; it is never force-pushed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate form --event \"$GITHUB_EVENT_PATH\"
      in a workflow: create or update the branch, and reply on the issue
  changegate form --event event.json --dry-run
      print the request and the reply, and change nothing

Environment:
  GITHUB_TOKEN       the token to push the branch and to write the reply
  GITHUB_SERVER_URL  the server of the repository; https://github.com if not set

Exit codes:
  0  the branch contains the request from the form
  1  it doesn't; the reply says why
  2  the verb could not run")]
pub struct FormArgs {
    /// The event that GitHub sent, as JSON
    #[arg(long, value_name = "FILE")]
    event: PathBuf,

    /// The repository; if left out, that of the event
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<String>,

    /// Print the request and the reply, change nothing, and don't look for open pull requests
    #[arg(long)]
    dry_run: bool,
}

/// How often everything is repeated because branches moved in the meantime.
const ATTEMPTS: usize = 5;

/// Runs the verb.
pub fn run(args: &FormArgs) -> anyhow::Result<ExitCode> {
    let now = NowArg::present();
    let event = IssueEvent::read(&files::read(&args.event)?)?;
    let server = server();
    let author = event.author(&server)?;
    let name = args.repo.as_ref().unwrap_or(&event.repository.full_name);
    let name: Name = name.parse()?;
    let judges = &judges()?;
    let desk = Desk { page: format!("{server}/{name}"), event: &event, author: &author, judges };

    if args.dry_run {
        let git = open(&event, &author, |program| program)?;
        let work = desk.work(&git, now, |_| Ok(None))?;
        let Some(work) = work else { return Ok(ExitCode::SUCCESS) };
        print(&work.for_people())?;
        return Ok(work.exit_code());
    }
    let place = GitHubArgs { repo: Some(name.to_string()) }.open(false)?;
    for _ in 0..ATTEMPTS {
        let git = open(&event, &author, |program| place.github.let_in(program))?;
        let work = desk.work(&git, now, |branch| place.github.open_pull_of(branch));
        if let Err(error) = &work
            && let Err(untold) =
                place.github.keep_comment(event.issue.number, MARK, &undecided(error))
        {
            complain(&untold);
        }
        let Some(work) = work? else { return Ok(ExitCode::SUCCESS) };
        match work.put.as_ref().map(|put| put.carry_out(&git, event.issue.number)).transpose()? {
            None | Some(Moved::Yes) => {
                let answer = work.comment.text();
                place.github.keep_comment(event.issue.number, MARK, &answer)?;
                print(&answer)?;
                return Ok(work.exit_code());
            }
            Some(Moved::Refused(why)) => bail!("the server rejected the branch:\n{why}"),
            Some(Moved::Lost(_)) => {}
        }
    }
    bail!("the branches changed during every attempt: edit the form to try again")
}

/// The remote of the clones that GitHub's own action makes.
const ORIGIN: &str = "origin";

/// Returns the address of the server's pages, without a slash at the end.
fn server() -> String {
    let set = std::env::var("GITHUB_SERVER_URL").ok().filter(|url| !url.is_empty());
    let url = set.unwrap_or_else(|| "https://github.com".to_owned());
    url.trim_end_matches('/').to_owned()
}

/// Opens the clone around the current folder, up to date with its remote; commits there are made in
/// the author's name.
fn open(
    event: &IssueEvent,
    author: &Author,
    let_in: impl FnOnce(Program) -> Program,
) -> anyhow::Result<Git> {
    let repo = Repo::discover(Path::new("."))?;
    let branches = match repo.remotes()?.iter().any(|remote| remote == ORIGIN) {
        true => Branches::of(repo, ORIGIN),
        false => Branches::own(repo),
    };
    let branches =
        branches.through(|program| let_in(program.as_person(&author.account.login, &author.email)));
    branches.refresh()?;
    Git::new(branches, Some(event.repository.default_branch.clone()))
}
