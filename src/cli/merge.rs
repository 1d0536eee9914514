//! `changegate merge`: merges an approved change into the base branch.
//!
//! ```text
//! judge on the exact base ─▶ make the merge commit ─▶ move the base there
//!        ▲                                                  │ another push won
//!        └──────────────────────────────────────────────────┘
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Args;

use super::shared::args::{AnswerFormat, NowArg};
use super::shared::here::{self, HereArgs};
use super::shared::me;
use super::shared::next::next;
use super::shared::receipt::Receipt;
use super::shared::say::{note, quoted, warn};
use changegate::content::short;
use changegate::core::org::RemoteUrl;
use changegate::core::terms::{TicketId, Verdict};
use changegate::forge::git::{Git, Rejected, Rewound};
use changegate::forge::{Forge as _, Pull};
use changegate::gate::Judgement;
use changegate::gate::judge::Judges;
use changegate::gate::merge::commit;
use changegate::gate::reconciling::{Reconciled, reconcile};
use changegate::gate::recording::{covered, entries, is_older, tip};
use changegate::git::{Moved, Oid, Program};
use changegate::report::Format;

/// How often it starts again because the base or the change moved in the meantime.
const ATTEMPTS: usize = 20;

const NOT_RECORDED: &str =
    "this was decided and not recorded: begin the ledger with `changegate init --ledger`";

/// Merge an approved change
///
/// The change is judged once more, on the base branch as it is now. The message of the merge commit
/// records the decision, so that `git log` on the base branch is the audit trail. The base branch of
/// this clone follows, unless it has commits or edits of its own in the way. A ledger that is kept
/// elsewhere is told after the merge: if it can't be, a warning says so, and `changegate sweep` does it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate merge CHG-1234
      merge it, if it is approved at this moment

Exit codes:
  0  merged
  1  denied, and so not merged
  3  pending, and so not merged
  2  could not be decided or merged")]
pub struct MergeArgs {
    /// The change's id; that of the branch change/<ID> that is checked out if left out
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

impl MergeArgs {
    /// Returns the arguments that merge the change with an id.
    pub fn of(id: &TicketId, here: &HereArgs) -> Self {
        MergeArgs { id: Some(id.to_string()), format: AnswerFormat::Text, here: here.clone() }
    }
}

/// Runs the verb.
pub fn run(args: &MergeArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open()?;
    let name = &here::id_or_here(args.id.as_deref())?;
    for _ in 0..ATTEMPTS {
        let pull = git.pull(name)?;
        if git.repo().leads_to(pull.head, pull.base)? {
            catch_up(&git, &pull)?;
            let receipt = Receipt::nothing(name, "it is merged already", None);
            receipt.print(args.format, &format!("{name} is merged already\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        let judgement = here::check(&git, name, NowArg::present())?;
        let pull = &judgement.pull;
        if git.is_closed(name, &judgement.bundle().org)? {
            let typed = args.here.as_typed();
            bail!(
                "{name} is closed: reopen it first with `changegate close {name}{typed} --reopen`"
            );
        }
        let verdict = judgement.decision.verdict;
        if verdict != Verdict::Approved {
            let why = format!("not merged: {name} is {verdict}");
            note(format_args!("error: {why}"));
            let objections = here::objections(&git, &judgement)?;
            let text = here::rendered(&judgement, Format::Text, true) + &objections;
            Receipt::nothing(name, &why, Some(&judgement.decision)).print(args.format, &text)?;
            return Ok(ExitCode::from(verdict.exit_code()));
        }
        let judges = here::judges();
        let ledger = &judgement.bundle().org.settings.ledger;
        let elsewhere = git.branches.ledger_elsewhere();
        ensure!(
            ledger.remote.as_ref() == elsewhere,
            "the settings have changed where the ledger is kept: run the command again"
        );
        if ledger.on {
            match git.branches.refresh_ledger() {
                // Who may merge need not be let in there, and nothing is recorded before it is merged.
                Err(error) if elsewhere.is_some() && !error.is::<Rewound>() => {}
                known => known?,
            }
            if is_older(&git, &judges, pull.base)? {
                git.branches.refresh()?;
                if git.base()? != pull.base {
                    continue;
                }
                bail!(rewritten(&git)?);
            }
        }
        let merge = commit(&git, &judges, &judgement)?;
        let mut moves = vec![(git.base_ref.clone(), Some(pull.base), merge)];
        if ledger.on && elsewhere.is_none() {
            moves.extend(entries(&git, &judges, &judgement, merge)?);
        }
        match git.branches.put_all(&moves)? {
            Moved::Yes => {
                let url = elsewhere.filter(|_| ledger.on);
                let late = url.and_then(|url| not_recorded(&git, url, &judges));
                tell(&git, args, &judgement, merge, late.as_deref())?;
                match (url, late) {
                    (_, Some(late)) => warn("warning", &late),
                    (Some(url), None) => warn("note", &format!("recorded in the ledger at {url}")),
                    (None, None) if ledger.on && moves.len() == 1 => warn("note", NOT_RECORDED),
                    (None, None) => {}
                }
                return Ok(ExitCode::SUCCESS);
            }
            Moved::Lost(_) => git.branches.refresh_all()?,
            Moved::Refused(why) => return Err(Rejected(format!("the merge:\n{why}")).into()),
        }
    }
    bail!("{} changed during every attempt: run the command again", git.base_ref)
}

/// Records what was merged in a ledger elsewhere; returns why it isn't there yet, if so, and what to do.
fn not_recorded(git: &Git, url: &RemoteUrl, judges: &Judges) -> Option<String> {
    let error = match reconcile(git, judges, None, NowArg::present()) {
        Ok(Reconciled { doubt, .. }) => {
            doubt.iter().for_each(|doubt| warn("warning", doubt));
            return None;
        }
        Err(error) => error,
    };
    Some(format!(
        "it is merged, and not recorded yet in the ledger at {url}: have somebody who may push there run \
         `changegate sweep`, because {error:#}"
    ))
}

/// Says that the base doesn't hold what the ledger accounts for, and what to do.
fn rewritten(git: &Git) -> anyhow::Result<String> {
    let state = tip(git)?.map(|tip| tip.entry.state);
    let covered = state.map(|state| covered(&state, &git.base_ref)).transpose()?.flatten();
    let (base, covered) = (&git.base_ref, covered.map(|it| it.to_string()).unwrap_or_default());
    Ok(format!(
        "{base} was rewritten: the ledger accounts for it up to {covered}, which it doesn't hold any \
         more, so that nothing can be merged into it; have the server's administrator put it back with \
         `git update-ref refs/heads/{base} {covered}` there, and run this again; `changegate audit \
         coverage` lists what is missing, and what was pushed since then has to be submitted and merged \
         again"
    ))
}

fn tell(
    git: &Git,
    args: &MergeArgs,
    judgement: &Judgement,
    merge: Oid,
    why: Option<&str>,
) -> anyhow::Result<()> {
    let pull = &judgement.pull;
    follow(git, pull.base, merge);
    let message = git.repo().commit(merge)?.message;
    let message: Vec<_> = message.lines().map(|line| format!("    {line}\n")).collect();
    let (name, base, short) = (&pull.name, &git.base_ref, short(merge));
    let next = match name.parse() {
        Ok(id) => next(git, &judgement.bundle().org, &id, NowArg::present()),
        Err(_) => String::new(),
    };
    let text = format!("merged {name} into {base} as {short}\n\n{}{next}", message.concat());
    let mut receipt = Receipt::did(name, "merged", Some(&judgement.decision)).commit(merge);
    receipt.why = why.map(str::to_owned);
    receipt.print(args.format, &text)?;
    if let Some(doubt) = me::doubt(git, merge, &judgement.bundle().org)? {
        warn("note", &doubt);
    }
    Ok(())
}

/// Updates what is here after a merge that was interrupted before it could.
fn catch_up(git: &Git, pull: &Pull) -> anyhow::Result<()> {
    if let [before, head] = git.repo().commit(pull.base)?.parents[..]
        && head == pull.head
    {
        follow(git, before, pull.base);
    }
    Ok(())
}

/// Updates the base branch of this clone and a work tree that is on it, as a merge by git would.
fn follow(git: &Git, before: Oid, after: Oid) {
    let Ok(work_tree) = Program::anywhere().work_tree() else { return };
    let program = Program::in_folder(&work_tree);
    let base = &git.base_ref;
    let local = format!("refs/heads/{base}");
    let Some(remote) = git.branches.remote() else {
        let (before, after) = (before.to_string(), after.to_string());
        if program.head() == Some(local)
            && let Err(error) = program.run(&["read-tree", "-m", "-u", &before, &after])
        {
            warn("note", &format!("the work tree was not changed, because git says:\n{error:#}"));
        }
        return;
    };
    if !git.repo().tip(&local).is_ok_and(|tip| tip.is_some()) {
        return;
    }
    // git refuses whatever would lose commits, files or edits.
    let shared = format!("refs/remotes/{remote}/{base}");
    let holder = program.run(&["for-each-ref", "--format=%(worktreepath)", &local]);
    let holder = holder.ok().filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let moved = match &holder {
        Some(folder) => Program::in_folder(folder).run(&[
            "merge",
            "--quiet",
            "--ff-only",
            "--no-overwrite-ignore",
            &shared,
        ]),
        None => program.run(&["fetch", "--quiet", ".", &format!("{shared}:{local}")]),
    };
    let Err(error) = moved else { return };
    let in_git = match &holder {
        Some(folder) if *folder == work_tree => "git".to_owned(),
        Some(folder) => format!("git -C {}", quoted(folder)),
        None => format!("git switch {base} && git"),
    };
    let untracked = in_the_way(git, &local, after, holder.as_deref().unwrap_or(&work_tree));
    let has_own = git.repo().tip(&local).is_ok_and(|tip| {
        tip.is_some_and(|tip| git.repo().leads_to(tip, after).is_ok_and(|leads| !leads))
    });
    let (first, why) = match (untracked.as_slice(), has_own) {
        ([], true) => (String::new(), format!("{base} here has a commit of its own")),
        ([], false) => (String::new(), format!("git says:\n{error:#}")),
        (files, _) => {
            let files = files.join(", ");
            (format!("move {files} away, then "), format!("{files} would be overwritten"))
        }
    };
    warn(
        "note",
        &format!(
            "{base} in this clone was left as it is: {first}bring it up to date with `{in_git} pull \
             --rebase --autostash {remote} {base}`, because {why}"
        ),
    );
}

/// Returns the files in a folder that git doesn't know, and that a branch would get by following the
/// base.
fn in_the_way(git: &Git, branch: &str, after: Oid, folder: &Path) -> Vec<String> {
    let files = || -> anyhow::Result<Vec<String>> {
        let changes = git.repo().changes(git.repo().tip(branch)?, after)?;
        let added = changes.iter().filter(|file| file.before.is_none());
        let added: Vec<_> = added.map(|file| file.path.as_str()).collect();
        if added.is_empty() {
            return Ok(Vec::new());
        }
        let list = ["--literal-pathspecs", "ls-files", "--others", "--full-name", "--"];
        let found = Program::in_folder(folder).run(&[&list[..], &added].concat())?;
        Ok(found.lines().map(str::to_owned).collect())
    };
    files().unwrap_or_default()
}
