//! `changegate review`: a signed review on a change's journal.
//!
//! ```text
//! show what is signed ─▶ make the signed commit ─▶ append it to reviews/<id> ─▶ say what it does
//! ```

use std::process::ExitCode;

use anyhow::bail;
use clap::{ArgGroup, Args};

use super::shared::args::{AnswerFormat, NowArg, said};
use super::shared::here::{self, HereArgs};
use super::shared::judges::judges;
use super::shared::receipt::Receipt;
use super::shared::say::{hanging, note, print};
use super::shared::tried::{replayed, tried};
use super::shared::{me, prompt};
use changegate::content::People;
use changegate::content::journal::{self, Said};
use changegate::content::short;
use changegate::core::approvals::Exclusion;
use changegate::core::input::{Case, excluded_from};
use changegate::core::terms::{Login, Verdict};
use changegate::forge::Pull;
use changegate::forge::git::Git;
use changegate::forge::git::write::append;
use changegate::gate::Judgement;
use changegate::gate::signing::seen;
use changegate::git::Oid;
use changegate::report::escape::terminal;
use changegate::report::{Criterion, Format, criteria, one_line};

/// Review a submitted change: approve it, request changes, or comment
///
/// You sign the change as it is at this moment: a later change of its material content makes the
/// review void. The review is a commit on the branch reviews/<ID>, signed with your SSH key as git
/// is configured to sign.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("said").required(true).multiple(true)
    .args(["approve", "request_changes", "withdraw", "comment"])))]
#[command(after_help = "\
Examples:
  changegate review CHG-1234 --approve
      shows what you sign, and signs it
  changegate review CHG-1234 --request-changes --comment \"the rollback needs an owner\"
      holds until you approve, or withdraw it
  changegate review CHG-1234 --comment \"who watches the queue in the meantime?\"
      a remark, which doesn't affect the verdict

Exit codes:
  0  the review is on record
  1  it was refused: nobody approves their own change
  2  the review could not be made")]
pub struct ReviewArgs {
    /// The change's id; that of the branch change/<ID> that is checked out if left out
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// Approve: the change may go ahead
    #[arg(long, conflicts_with_all = ["request_changes", "withdraw"])]
    approve: bool,

    /// Request changes: it must not go ahead in its present form
    #[arg(long, conflicts_with = "withdraw")]
    request_changes: bool,

    /// Withdraw your earlier review
    #[arg(long)]
    withdraw: bool,

    /// Your comment; without another option it is a remark
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    comment: Option<String>,

    /// Sign without confirmation, for example without a terminal; a remark needs none
    #[arg(short, long)]
    yes: bool,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

impl ReviewArgs {
    fn said(&self) -> Said {
        match (self.approve, self.request_changes, self.withdraw) {
            (true, ..) => Said::Approved,
            (_, true, _) => Said::ChangesRequested,
            (.., true) => Said::Withdrawn,
            _ => Said::Commented,
        }
    }
}

/// The width of the column with the names of the criteria.
const CRITERION: usize = "users and operations".len();

/// Runs the verb.
pub fn run(args: &ReviewArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open()?;
    let name = &here::id_or_here(args.id.as_deref())?;
    let said = args.said();
    if said == Said::Commented && args.comment.as_ref().is_none_or(|text| text.trim().is_empty()) {
        bail!("the comment is empty: write a remark, or add --approve or --request-changes");
    }
    let before = here::check(&git, name, NowArg::present())?;
    if before.decision.ungoverned().is_some() {
        bail!(
            "{name} touches no governed path, so it needs no review: merge it with `changegate \
             merge {name}{}`",
            args.here.as_typed()
        );
    }
    here::say_if_closed(&git, &before, &args.here)?;
    let me = me::me(git.branches.program(), &before.bundle().org.roster)?;
    let bars = |exclusion: &Exclusion| match said {
        Said::Approved => true,
        Said::ChangesRequested => exclusion.asks(),
        _ => false,
    };
    if let Some(exclusion) = own(&before, &me).filter(bars) {
        let why = format!("nobody approves their own change: {me} {exclusion}");
        note(format_args!("error: {why}"));
        let text = here::rendered(&before, Format::Text, true);
        Receipt::nothing(name, &why, Some(&before.decision)).print(args.format, &text)?;
        return Ok(ExitCode::from(1));
    }
    // A remark affects no verdict.
    let asks = !args.yes && said != Said::Commented;
    if asks && (args.format == AnswerFormat::Json || !prompt::is_possible()) {
        bail!(
            "nothing was signed, because there is no terminal to confirm it on: read what you sign \
             with `changegate check --branch {name}{} --verbose`, and add --yes to sign it",
            args.here.as_typed()
        );
    }
    if said == Said::Withdrawn && !has_said_something(&git, &before, &me)? {
        bail!("{me} has no review of {name} that could be withdrawn");
    }
    here::look_at_ledger(&git, &before.bundle().org);
    if args.format == AnswerFormat::Text {
        let text = what_is_signed(&git, &before, &me)?;
        if asks {
            prompt::show(&text)?
        } else {
            print(&text)?
        }
        if asks && !agrees(said, name)? {
            bail!("cancelled; nothing was signed");
        }
    }
    let commit = append(
        &git,
        &before.pull,
        Some(&before.decision),
        said,
        args.comment.as_deref().unwrap_or(""),
        seen(&git, &judges()?),
    )?;
    tell(&git, args, name, &me, commit)
}

/// Returns why this is a person's own change; `None` if it isn't.
fn own(judgement: &Judgement, me: &Login) -> Option<Exclusion> {
    let pull_request = judgement.evidence.pull_request.as_ref()?;
    let case = Case {
        file: judgement.file.as_ref(),
        evidence: &judgement.evidence,
        brings: None,
        now: judgement.decision.evaluated_at,
    };
    excluded_from(&case, pull_request).get(me).copied()
}

/// Returns what the reviewer is about to sign: the verdict so far, the criteria with the request's
/// own words, and what has changed since their last review.
fn what_is_signed(git: &Git, judgement: &Judgement, me: &Login) -> anyhow::Result<String> {
    let mut text = here::rendered(judgement, Format::Text, true);
    if let Some(request) = judgement.judged().request {
        text += "The criteria of a review, in the request's own words:\n";
        for Criterion { name, words } in criteria(request, &|text| terminal(text).into_owned()) {
            let words = if words.is_empty() { "not stated".to_owned() } else { words.join("; ") };
            text += &hanging(&format!("  {name:<CRITERION$}  "), &words);
        }
        if request.emergency.as_ref().is_some_and(|it| it.break_glass) {
            text += &hanging(
                "  ",
                "It asks for break-glass: with an incident commander's approval it is executed before the \
                 other sign-offs are given.",
            );
        }
        text.push('\n');
    }
    if judgement.file.is_none() {
        text += &what_changes(git, judgement)?;
        text += &tried(git, judgement).text;
        text += &replayed(git, judgement);
    }
    text += &since_last_look(git, judgement, me)?;
    Ok(text)
}

/// Returns a change of policies as Git shows it: its commits, and what they change together.
fn what_changes(git: &Git, judgement: &Judgement) -> anyhow::Result<String> {
    let (repo, Pull { base, head, .. }) = (git.repo(), &judgement.pull);
    let mut text = "\nWhat it changes:\n".to_owned();
    for id in repo.commits_between(Some(*base), *head)? {
        let commit = repo.commit(id)?;
        let what = format!("{} {}", short(id), commit.title());
        text += &format!("  {}\n", terminal(&format!("{what} ({})", commit.committer.name)));
    }
    let before = repo.merge_base(*base, *head)?.unwrap_or(*base);
    for line in repo.patch(before, *head)?.lines() {
        text += &format!("{}\n", terminal(&line.replace('\t', "    ")));
    }
    Ok(text)
}

/// Returns this person's reviews of a change, the oldest first.
fn reviews_by(git: &Git, judgement: &Judgement, me: &Login) -> anyhow::Result<Vec<journal::Entry>> {
    let org = &judgement.bundle().org;
    let people = People::of(&org.roster);
    let is_mine = |entry: &journal::Entry| {
        let signer = people.signer(git.repo(), &entry.commit);
        entry.said.is_some_and(Said::is_review)
            && signer.login.as_ref() == Some(me)
            && signer.unproven.is_none_or(|unproven| org.tolerates(unproven))
    };
    Ok(git.journal(&judgement.pull.name)?.into_iter().filter(is_mine).collect())
}

/// Returns whether this person has approved or requested changes, and not withdrawn it since.
fn has_said_something(git: &Git, judgement: &Judgement, me: &Login) -> anyhow::Result<bool> {
    let reviews = reviews_by(git, judgement, me)?;
    let last = reviews.iter().rfind(|review| review.said != Some(Said::Commented));
    Ok(last.is_some_and(|review| review.said != Some(Said::Withdrawn)))
}

/// Returns what has changed in the request since this person's last review of it.
fn since_last_look(git: &Git, judgement: &Judgement, me: &Login) -> anyhow::Result<String> {
    let Some(last) = reviews_by(git, judgement, me)?.pop() else { return Ok(String::new()) };
    let when = last.commit.time.for_people(Some(judgement.decision.evaluated_at));
    let Some(path) = judgement.decision.path.as_deref() else { return Ok(String::new()) };
    let read_at = |commit: Oid| changegate::content::request_at(git.repo(), commit, path);
    let [(old, then), (new, now)] = [read_at(last.reviewed)?, read_at(judgement.pull.head)?];
    if old.holds_secret() || new.holds_secret() {
        return Ok(String::new());
    }
    if then == now {
        return Ok(format!("Nothing has changed since your review of {when} UTC.\n\n"));
    }
    let difference = similar::TextDiff::from_lines(&then, &now);
    let lines = difference.unified_diff().context_radius(2).to_string();
    let lines: Vec<_> = lines.lines().map(|line| format!("  {}\n", terminal(line))).collect();
    Ok(format!("What has changed since your review of {when} UTC:\n{}\n", lines.concat()))
}

/// Asks for confirmation.
fn agrees(said: Said, name: &str) -> anyhow::Result<bool> {
    let question = match said {
        Said::Approved => format!("Sign that {name} may go ahead in its present form?"),
        Said::ChangesRequested => {
            format!("Sign that {name} must not go ahead in its present form?")
        }
        _ => format!("Withdraw your earlier review of {name}?"),
    };
    prompt::confirm(&question, false)
}

/// Prints whether the review counts, and what is still missing.
fn tell(
    git: &Git,
    args: &ReviewArgs,
    name: &str,
    me: &Login,
    commit: Oid,
) -> anyhow::Result<ExitCode> {
    let said = args.said();
    let after = here::check(git, name, NowArg::present())?;
    let reviews = after.decision.sign_off.as_ref().map_or(&[][..], |sign_off| &sign_off.reviews);
    let mine = reviews.iter().rfind(|review| review.user.as_ref() == Some(me));
    let mut receipt = Receipt::did(name, said, Some(&after.decision)).commit(commit);
    if let (Said::Approved, Some(review)) = (said, mine) {
        receipt.counts = Some(review.counts);
        receipt.why = review.why.clone();
    }
    let effect = match (said, receipt.counts, &receipt.why) {
        (Said::Approved, Some(false), Some(why)) => format!("and doesn't count: {why}"),
        (Said::Approved, ..) => "and counts".to_owned(),
        (Said::ChangesRequested, ..) => "and holds until you approve or withdraw it".to_owned(),
        (Said::Withdrawn, ..) => "and your earlier review is void".to_owned(),
        _ => "and doesn't affect the verdict".to_owned(),
    };
    let now = one_line(&after.decision);
    receipt.print(args.format, &format!("{name}: {said} by {me}, {effect}\n{now}\n"))?;
    if let Some(doubt) = me::doubt(git, commit, &after.bundle().org)? {
        note(format_args!("note: {doubt}"));
    }
    // The review is signed: what can't be read now changes nothing of that.
    let is_merged = || git.repo().leads_to(after.pull.head, git.base()?);
    if said == Said::Approved
        && after.decision.verdict == Verdict::Approved
        && is_merged().is_ok_and(|is_merged| !is_merged)
    {
        note(format_args!("next: changegate merge {name}"));
    }
    Ok(ExitCode::SUCCESS)
}
