//! `changegate submit`: turns a request file into a branch that everybody can review.
//!
//! ```text
//! read the file ─▶ make the signed commit ─▶ judge it ─▶ move change/<id> there ─▶ switch to it
//! ```
//!
//! Before the branch is moved, nothing has happened; afterwards, everything has. If the program is
//! interrupted, running the same command again completes the work.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::shared::args::{AnswerFormat, NowArg, said};
use super::shared::here::{self, HereArgs};
use super::shared::receipt::Receipt;
use super::shared::say::{again, note, warn};
use super::shared::{me, prompt};
use changegate::content::journal::one_line;
use changegate::content::{Changeset, short};
use changegate::core::layout::stem;
use changegate::core::request::{ChangeRequest, RequestFile};
use changegate::core::terms::TicketId;
use changegate::forge::Pull;
use changegate::forge::git::{Advance, CHANGE, Git};
use changegate::gate::Judgement;
use changegate::git::{Entry, FileChange, Oid, Program, Repo};
use changegate::report::Format;
use changegate::report::escape::terminal;

/// Submit a change request: put it on a branch of its own, where it is reviewed
///
/// The request is judged first; if it is denied, it isn't submitted. The commit is signed with your
/// key, which proves that you request the change. Submitting again amends the submitted change, which
/// is also how an objection is answered; another file in it is dropped once it is deleted here.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate submit CHG-1234
      requests/CHG-1234.yaml becomes the branch change/CHG-1234
  changegate submit
      submits the only request here that isn't submitted yet
  changegate submit --policies release-notes --message \"deployments link to their notes\"
      what is changed in policies/ becomes the branch change/release-notes

Exit codes:
  0  submitted
  1  denied, and so not submitted
  2  could not be submitted")]
pub struct SubmitArgs {
    /// The request's id, or its file; with --policies, a name for the change
    #[arg(value_name = "ID")]
    request: Option<String>,

    /// Submit the changes of the policies and of workflows here, after trying them: their tests, and
    /// what they would decide differently
    #[arg(long)]
    policies: bool,

    /// Why the policies change
    #[arg(long, value_name = "TEXT", requires = "policies", value_parser = said, allow_hyphen_values = true)]
    message: Option<String>,

    /// Submit it although it is denied
    #[arg(long)]
    anyway: bool,

    /// Replace another change that has this id, without being asked
    #[arg(long, conflicts_with = "policies")]
    replace: bool,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

impl SubmitArgs {
    /// Returns the arguments that submit the request with an id.
    pub fn of(id: &TicketId, here: &HereArgs) -> Self {
        SubmitArgs {
            request: Some(id.to_string()),
            policies: false,
            message: None,
            anyway: false,
            replace: false,
            format: AnswerFormat::Text,
            here: here.clone(),
        }
    }
}

mod find;
mod next;
mod policies;
mod switch;

pub use next::{is_denied, next};
use switch::switch;

/// Runs the verb.
pub fn run(args: &SubmitArgs) -> anyhow::Result<ExitCode> {
    let now = NowArg::present();
    let git = args.here.open()?;
    let Ok(work_tree) = Program::anywhere().work_tree() else {
        bail!("this is a bare repository: submit from a clone, in which the request is a file");
    };
    if args.policies {
        return policies::run(args, &git, &work_tree, now);
    }
    let path = find::request(&git, &work_tree, args.request.as_deref())?;
    let id = stem(&path).to_owned();
    let entry = Entry::file(Program::in_folder(&work_tree).hash(&path, true)?);

    let branch = format!("{CHANGE}{id}");
    let seen = git.repo().tip(&format!("refs/heads/{branch}"))?;
    let (mut judged, mut replaced, mut dropped) = (None, None, Vec::new());
    let put = git.branches.advance(&branch, |tip| {
        let base = git.base()?;
        let parent = match tip {
            // A merged change is over, so this is a new one.
            Some(tip) if !git.repo().leads_to(tip, base)? => tip,
            _ => base,
        };
        dropped = taken_out(&git, &work_tree, base, parent, &path)?;
        let is_there = dropped.is_empty() && git.repo().entry(parent, &path)? == Some(entry);
        if parent != base && !is_there {
            builds_on(&git, &branch, seen, parent)?;
        }
        if !is_there && !args.replace && replaced != Some(parent) {
            may_replace(&git, parent, &path, entry)?;
            replaced = Some(parent);
        }
        let commit =
            if is_there { parent } else { commit(&git, parent, base, (&path, entry), &dropped)? };
        let pull = Pull::of_change(&id, &git.base_ref, base, commit).with_log(git.log_tip()?);
        if commit == base {
            bail!("{path} is already merged in this form: there is nothing to submit");
        }
        let judgement = here::gate(&git).judge(pull, &[], now)?;
        let is_denied = is_denied(&judgement.decision);
        judged = Some(judgement);
        Ok(if is_there || is_denied && !args.anyway {
            Advance::Nothing
        } else {
            Advance::Put(commit)
        })
    })?;
    let judgement = judged.context("nothing was judged")?;
    let is_there = put.is_some() || git.branches.tip(&branch)? == Some(judgement.pull.head);
    tell(args, &git, &judgement, "", put, is_there)?;
    if is_there {
        for file in &dropped {
            note(format_args!("{} is no longer part of the change", terminal(&file.path)));
        }
        switch(&git, &work_tree, &branch, &[path], seen);
    }
    Ok(ExitCode::from(u8::from(!is_there)))
}

/// Returns the commit that submits the request in the work tree on top of what was submitted `before`, as it
/// is known here: that one, if it holds the request already.
pub fn made(git: &Git, work_tree: &Path, path: &str, before: Option<Oid>) -> anyhow::Result<Oid> {
    let entry = Entry::file(Program::in_folder(work_tree).hash(path, true)?);
    let base = git.base()?;
    let parent = match before {
        Some(before) if !git.repo().leads_to(before, base)? => before,
        _ => base,
    };
    match git.repo().entry(parent, path)? == Some(entry) {
        true => Ok(parent),
        false => commit(git, parent, base, (path, entry), &[]),
    }
}

/// Returns the files beside the request that a submitted change has, and that are here as they were
/// before it: they were taken out.
fn taken_out(
    git: &Git,
    work_tree: &Path,
    base: Oid,
    tip: Oid,
    path: &str,
) -> anyhow::Result<Vec<FileChange>> {
    let files = Program::in_folder(work_tree);
    let is_taken_out = |file: &FileChange| {
        let here = work_tree.join(&file.path).symlink_metadata();
        let here = here.ok().map(|_| files.hash(&file.path, false).ok());
        file.path != path && here == file.before.map(|before| Some(before.id))
    };
    let changed = Changeset::of(git.repo(), base, tip, stem(path))?.files;
    Ok(changed.into_iter().filter(is_taken_out).collect())
}

/// Creates the commit that adds the request to the tree at `parent`, without the dropped files.
///
/// # Errors
/// When the repository can't be read or written.
pub fn commit(
    git: &Git,
    parent: Oid,
    base: Oid,
    (path, entry): (&str, Entry),
    dropped: &[FileChange],
) -> anyhow::Result<Oid> {
    let before = dropped.iter().map(|file| (file.path.as_str(), file.before));
    let files = [(path, Some(entry))].into_iter().chain(before);
    let tree = git.repo().store_tree(Some(parent), files)?;
    let id = stem(path);
    let file = RequestFile::read(path, &git.repo().bytes(entry.id)?);
    let request = file.request.unwrap_or_default();
    let what = match (parent == base, git.repo().entry(base, path)?.is_some()) {
        (true, false) => "Submit",
        _ if request.cancelled.is_some() => "Cancel",
        _ if request.outcome.is_some() => "Record the outcome of",
        _ => "Amend",
    };
    let title = match one_line(request.summary.as_deref().unwrap_or("")).as_str() {
        "" => format!("{what} {id}\n"),
        summary => format!("{what} {id}: {summary}\n"),
    };
    let others = co_authors(git, parent, &Program::anywhere(), |changed| changed == path)?;
    git.branches.program().commit(tree, &[parent], &(title + &others), true)
}

/// Returns lines that name who else made what is submitted: the people behind the local commits that
/// it comes from. Nobody approves what they made themselves.
fn co_authors(
    git: &Git,
    parent: Oid,
    files: &Program,
    is_submitted: impl Fn(&str) -> bool,
) -> anyhow::Result<String> {
    let (repo, base, own) = (git.repo(), git.base()?, files.email()?);
    let Some(head) = head(repo, files) else { return Ok(String::new()) };
    let mut people = BTreeMap::new();
    for id in repo.commits_between(Some(parent), head)? {
        let commit = repo.commit(id)?;
        let changed = repo.changes(commit.parents.first().copied(), id)?;
        if changed.iter().any(|file| is_submitted(&file.path)) && !repo.leads_to(id, base)? {
            let co_authors = commit.co_authors().into_iter().map(|email| (email, String::new()));
            people.extend(co_authors);
            people.extend([commit.author, commit.committer].map(|it| (it.email, it.name)));
        }
    }
    people.remove(&own);
    let lines = people.iter().map(|(email, name)| format!("\nCo-authored-by: {name} <{email}>"));
    let lines: String = lines.collect();
    Ok(if lines.is_empty() { lines } else { format!("\n{}\n", lines.trim_start()) })
}

/// Returns the commit that is checked out.
fn head(repo: &Repo, files: &Program) -> Option<Oid> {
    repo.commit_with_id(&files.run(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).ok()?)
}

/// Asks before the request at a commit is replaced by another change: one by another requester, or
/// one with another summary and other actions.
fn may_replace(git: &Git, at: Oid, path: &str, entry: Entry) -> anyhow::Result<()> {
    let Some(held) = git.repo().entry(at, path)? else { return Ok(()) };
    let request = |entry: Entry| -> anyhow::Result<ChangeRequest> {
        Ok(RequestFile::read(path, &git.repo().bytes(entry.id)?).request.unwrap_or_default())
    };
    let (old, new) = (request(held)?, request(entry)?);
    let is_another = old.summary != new.summary && old.actions != new.actions;
    if old.requester == new.requester && !is_another {
        return Ok(());
    }
    let whose = old.requester.map_or("somebody".to_owned(), |login| login.to_string());
    let summary = terminal(old.summary.as_deref().unwrap_or("without a summary")).into_owned();
    let id = stem(path);
    let what = format!("{id} is {whose}'s change already ({summary})");
    if !prompt::is_possible() {
        bail!("{what}: give yours another id, or replace that one with `{}`", again("--replace"));
    }
    note(&what);
    if !prompt::confirm(&format!("Replace {whose}'s change by this one?"), false)? {
        bail!("cancelled; nothing was submitted");
    }
    Ok(())
}

fn tell(
    args: &SubmitArgs,
    git: &Git,
    judgement: &Judgement,
    tried: &str,
    put: Option<Oid>,
    is_there: bool,
) -> anyhow::Result<()> {
    let (decision, id) = (&judgement.decision, judgement.pull.name.as_str());
    let head = judgement.pull.head;
    let report = here::rendered(judgement, Format::Text, true) + tried;
    let doubt = me::doubt(git, head, &judgement.bundle().org)?;
    let (text, receipt) = if is_there {
        let how = match put {
            Some(_) => format!("submitted {id} as {CHANGE}{id} ({})", short(head)),
            None => format!("{id} is already submitted in this form, as {CHANGE}{id}"),
        };
        let objections = here::objections(git, judgement)?;
        let text =
            format!("{report}{objections}{how}\n{}", next(decision, id, args.policies, &args.here));
        (text, Receipt::did(id, "submitted", Some(decision)).commit(head))
    } else {
        let (why, what) = match is_denied(decision) {
            true => ("it is denied in its present form", "it"),
            false => ("the new policies fail when they are tried", "the policies"),
        };
        let or = match &doubt {
            // The server's hook refuses a commit that nobody is proven to have made.
            Some(_) => String::new(),
            None => {
                let typed = again("--anyway");
                // What `new` has written is there now.
                let typed = match typed.starts_with("changegate new") {
                    true => format!("changegate submit {id} --anyway"),
                    false => typed,
                };
                format!(", or submit it as it is with `{typed}`")
            }
        };
        let text = format!("{report}not submitted: correct {what} and run the command again{or}\n");
        (text, Receipt::nothing(id, why, Some(decision)))
    };
    receipt.print(args.format, &text)?;
    if let Some(doubt) = doubt {
        warn("note", &doubt);
    }
    if is_there && git.branches.remote().is_none() {
        let why = "this repository has no remote, so nobody else gets what is submitted here";
        let how = "`git remote add origin URL`, and `git push --all origin`";
        warn("note", &format!("{why}: to share it, run {how}"));
    }
    Ok(())
}

/// Refuses to overwrite what somebody else has submitted and this clone hasn't seen.
fn builds_on(git: &Git, branch: &str, seen: Option<Oid>, tip: Oid) -> anyhow::Result<()> {
    if let Some(seen) = seen
        && git.repo().leads_to(tip, seen)?
    {
        return Ok(());
    }
    let last = git.repo().commit(tip)?;
    let (who, when) = (terminal(&last.committer.name), last.time.for_people(None));
    let remote = git.branches.remote().unwrap_or(".");
    match seen {
        Some(_) => bail!(
            "{who} amended {branch} on {when} UTC, which your file doesn't include: move your file \
             away, run `git switch {branch}` and `git pull --no-rebase {remote} {branch}`, and \
             repeat your change"
        ),
        None => bail!(
            "{branch} was submitted by {who} on {when} UTC, from another clone: move your file away, \
             run `git switch --track {remote}/{branch}`, and amend what is there; or give yours \
             another id"
        ),
    }
}
