//! `changegate reschedule`: plans a submitted or merged change for another time.
//!
//! ```text
//! the request as it was submitted or merged ─▶ other times in it ─▶ a signed commit ─▶ judge ─▶ move change/<id>
//! ```

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{ArgGroup, Args};

use super::shared::args::{AnswerFormat, NowArg};
use super::shared::here::{self, HereArgs};
use super::shared::lister::with_lister;
use super::shared::receipt::Receipt;
use super::shared::say::warn;
use super::submit::{commit, is_denied, next};
use changegate::changes::fitting::next_free;
use changegate::changes::records::Records;
use changegate::content::{request_with_id, short};
use changegate::core::decision::Decision;
use changegate::core::operations::event::About;
use changegate::core::operations::state::PullState;
use changegate::core::request::{ChangeRequest, ChangeType, RequestFile};
use changegate::core::terms::{TicketId, all_of};
use changegate::core::time::{Duration, Interval, Time};
use changegate::core::yaml;
use changegate::forge::Pull;
use changegate::forge::git::{Advance, CHANGE, Git};
use changegate::gate::Judgement;
use changegate::git::{Entry, Oid, Program};
use changegate::report::Format;

/// Plan a submitted or merged change for another time
///
/// The request is amended as it was submitted or merged, and submitted again with your signature: only its times
/// are changed. Approvals are for what was planned, so that those that change with it are said to be needed again.
/// It isn't submitted if it would be denied, unless a pause or an objection alone denies it, which may pass.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("when").required(true), after_help = "\
Examples:
  changegate reschedule CHG-1234 --next
      at the next time at which it fits
  changegate reschedule CHG-1234 --start 2026-11-25T22:00:00Z
      for as long as it was planned
  changegate reschedule CHG-1234 --start 2026-11-25T22:00:00Z --duration 2h

Exit codes:
  0  rescheduled
  1  denied then, and so not rescheduled
  2  could not be rescheduled")]
pub struct RescheduleArgs {
    /// The change's id
    #[arg(value_name = "ID")]
    id: TicketId,

    /// When it begins, RFC 3339
    #[arg(long, value_name = "RFC3339", group = "when")]
    start: Option<Time>,

    /// When it ends; as long after its start as it was planned if left out
    #[arg(long, value_name = "RFC3339", conflicts_with_all = ["duration", "next"])]
    end: Option<Time>,

    /// How long it takes
    #[arg(long, value_name = "DURATION")]
    duration: Option<Duration>,

    /// The next time at which it fits: in a window, outside of freezes, beside no other change to its targets
    #[arg(long, group = "when")]
    next: bool,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: HereArgs,
}

/// Runs the verb.
pub fn run(args: &RescheduleArgs) -> anyhow::Result<ExitCode> {
    let now = NowArg::present();
    let git = args.here.open()?;
    git.branches.refresh_operations()?;
    let branch = format!("{CHANGE}{}", args.id);
    let seen = git.repo().tip(&format!("refs/heads/{branch}"))?;
    is_to_come(&git, &args.id)?;
    if git.is_closed(args.id.as_str(), &here::gate(&git).org_at(git.base()?)?)? {
        let (id, typed) = (&args.id, args.here.as_typed());
        bail!("{id} is closed: reopen it first with `changegate close {id}{typed} --reopen`");
    }
    let before = signed(&git, args, now)?;
    let mut result = None;
    let put = git.branches.advance(&branch, |tip| {
        let base = git.base()?;
        let parent = match tip {
            Some(tip) if !git.repo().leads_to(tip, base)? => tip,
            _ => base,
        };
        let (path, text) = request(&git, parent, &args.id)?;
        let old = RequestFile::read(&path, &text).request.unwrap_or_default();
        let planned = planned(args, &git, &old, now)?;
        let new = with_times(&path, &text, planned)?;
        let entry = Entry::file(git.repo().store(&new)?);
        let made = commit(&git, parent, base, (&path, entry), &[])?;
        let pull = Pull::of_change(args.id.as_str(), &git.base_ref, base, made);
        let judgement = here::gate(&git).judge(pull.with_log(git.log_tip()?), &[], now)?;
        let is_denied = is_denied(&judgement.decision);
        result = Some((judgement, old.planned(), planned, path));
        Ok(if is_denied { Advance::Nothing } else { Advance::Put(made) })
    })?;
    let (judgement, old, new, path) = result.context("nothing was judged")?;
    tell(args, &judgement, (old, new), &before, put)?;
    if put.is_some() {
        follow(&git, &branch, &path, seen);
    }
    Ok(ExitCode::from(u8::from(put.is_none())))
}

/// Checks that a change isn't over.
fn is_to_come(git: &Git, id: &TicketId) -> anyhow::Result<()> {
    let life = git.operations()?.map(|log| log.life(About::Change(id))).transpose()?;
    let life = life.unwrap_or_default();
    let over = match (&life.outcome, &life.cancelled) {
        (Some(_), _) => "closed",
        (None, Some(_)) => "cancelled",
        (None, None) if life.has_begun() => "begun",
        (None, None) => return Ok(()),
    };
    bail!(
        "{id} is {over}: request the rest as a new change: `changegate new --from requests/{id}.yaml`"
    )
}

/// Returns the request with an id at a commit, as it is written there.
fn request(git: &Git, commit: Oid, id: &TicketId) -> anyhow::Result<(String, Vec<u8>)> {
    let found = request_with_id(git.repo(), commit, id)?;
    let (path, _) = found.with_context(|| {
        format!("there is no change {id}: `changegate list --state all` lists what was submitted")
    })?;
    let entry = git.repo().entry(commit, &path)?.context("its file is gone")?;
    let bytes = git.repo().bytes(entry.id)?;
    Ok((path, bytes))
}

/// Returns when it is to be.
fn planned(
    args: &RescheduleArgs,
    git: &Git,
    request: &ChangeRequest,
    now: Time,
) -> anyhow::Result<Interval> {
    let old = request.planned();
    ensure!(
        old.is_some(),
        "{} has no planned time yet: write its schedule, and submit it",
        args.id
    );
    let length = args.duration.or(old.map(|old| old.length()));
    let length = length.context("it has no planned time yet")?;
    ensure!(
        length > Duration::seconds(0),
        "a change takes some time: write its length, such as 30m"
    );
    let planned = match (args.start, args.end) {
        (Some(start), Some(end)) => Interval { start, end },
        (Some(start), None) => Interval { start, end: start + length },
        (None, _) => next_fitting(args, git, length, now)?,
    };
    ensure!(
        planned.start < planned.end,
        "it would end before it begins: --start comes before --end"
    );
    ensure!(
        Some(planned) != old,
        "it is planned for {} UTC already",
        planned.for_people(Some(now))
    );
    Ok(planned)
}

/// Returns the next time at which it fits.
fn next_fitting(
    args: &RescheduleArgs,
    git: &Git,
    length: Duration,
    now: Time,
) -> anyhow::Result<Interval> {
    with_lister(
        (git, &args.here),
        now,
        |_| Ok(Records::default()),
        |lister, judge| {
            let entries = lister.entries(args.id.as_str(), |pull| pull != PullState::GivenUp)?;
            let entry = entries.first().with_context(|| format!("{} is closed", args.id))?;
            ensure!(
                entry.kind != Some(ChangeType::Emergency),
                "no window binds an emergency: say when it begins with --start"
            );
            let calendar = &judge.bundle().calendar;
            let free = next_free(lister, calendar, entry, (length, entry.planned.as_slice()))?;
            let free = free.with_context(|| {
                format!(
                    "nothing fits it for {} within 400 days: `changegate window` shows what opens",
                    length.for_people()
                )
            })?;
            Ok(free.at)
        },
    )
}

/// Returns a request with other times, and nothing else changed.
fn with_times(path: &str, text: &[u8], planned: Interval) -> anyhow::Result<Vec<u8>> {
    let file = RequestFile::read(path, text);
    let by_hand = || {
        format!(
            "{path} doesn't say both times of its schedule plainly: change it by hand, and submit it"
        )
    };
    let Some(request) = &file.request else {
        bail!("{path} can't be read: correct it, and submit it")
    };
    ensure!(request.planned().is_some(), "{}", by_hand());
    let document = yaml::parse(text);
    let mut new = text.to_owned();
    // From the end, so that places before it stay as they are.
    let times = [("/schedule/start", planned.start), ("/schedule/end", planned.end)];
    let mut places: Vec<_> =
        times.map(|(pointer, time)| (document.root.locate(pointer), time)).into();
    places.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    for (span, time) in places {
        // A comment behind it stays.
        let held = &text[span.start..span.end];
        let comment = held.windows(2).position(|it| it == b" #").unwrap_or(held.len());
        let held = held[..comment].trim_ascii_end();
        new.splice(span.start..span.start + held.len(), time.to_string().into_bytes());
    }
    let read = RequestFile::read(path, &new).request.unwrap_or_default();
    let mut wanted = request.clone();
    if let Some(schedule) = &mut wanted.schedule {
        (schedule.start, schedule.end) = (Some(planned.start), Some(planned.end));
    }
    ensure!(read == wanted, "{}", by_hand());
    Ok(new)
}

/// Returns who has signed what of it as it is now, if it is open.
fn signed(git: &Git, args: &RescheduleArgs, now: Time) -> anyhow::Result<Vec<(String, String)>> {
    let name = args.id.as_str();
    let is_open = git.branches.tip(&format!("{CHANGE}{name}"))?;
    let base = git.base()?;
    if is_open.map(|tip| git.repo().leads_to(tip, base)).transpose()? != Some(false) {
        return Ok(Vec::new());
    }
    let judgement = here::gate(git).look(name, now)?;
    Ok(judgement.map(|judgement| of(&judgement.decision)).unwrap_or_default())
}

fn of(decision: &Decision) -> Vec<(String, String)> {
    let required = decision.sign_off.iter().flat_map(|sign_off| &sign_off.required);
    let signed = required
        .filter_map(|it| Some((it.satisfied_by.as_ref()?.to_string(), it.what.to_string())));
    signed.collect()
}

fn tell(
    args: &RescheduleArgs,
    judgement: &Judgement,
    (old, new): (Option<Interval>, Interval),
    before: &[(String, String)],
    put: Option<Oid>,
) -> anyhow::Result<()> {
    let (decision, id) = (&judgement.decision, args.id.as_str());
    let now = Some(decision.evaluated_at);
    let report = here::rendered(judgement, Format::Text, true);
    let Some(put) = put else {
        let why = format!("it would be denied at {} UTC", new.for_people(now));
        let receipt = Receipt::nothing(id, &why, Some(decision));
        return receipt.print(args.format, &format!("{report}not rescheduled: {why}\n"));
    };
    let was = old.map(|old| format!(", it was {} UTC", old.for_people(now))).unwrap_or_default();
    let after = of(decision);
    let void: Vec<_> = before.iter().filter(|it| !after.contains(it)).collect();
    let void = void.iter().map(|(who, what)| format!("{who} ({what})")).collect::<Vec<_>>();
    let void = match void.as_slice() {
        [] => String::new(),
        void => format!(
            "no longer signed off, because approvals are for what was planned: {}\n",
            all_of(void)
        ),
    };
    let next = next(decision, id, false, &args.here);
    let planned = new.for_people(now);
    let text =
        format!("{report}rescheduled {id} to {planned} UTC{was} ({})\n{void}{next}", short(put));
    Receipt::did(id, "rescheduled", Some(decision)).commit(put).print(args.format, &text)
}

/// Takes the work tree along, if the change is checked out there as it was submitted.
fn follow(git: &Git, branch: &str, path: &str, seen: Option<Oid>) {
    let Ok(work_tree) = Program::anywhere().work_tree() else { return };
    let (folder, local) = (Program::in_folder(&work_tree), format!("refs/heads/{branch}"));
    if folder.head().as_deref() != Some(&local) {
        return;
    }
    let followed = || -> anyhow::Result<()> {
        let tip = git.branches.tip(branch)?.context("its branch is gone")?;
        let seen = seen.context("it wasn't here before")?;
        ensure!(
            git.repo().leads_to(seen, tip)?,
            "there are commits here that aren't on the remote"
        );
        let (from, to) = (seen.to_string(), tip.to_string());
        folder.run(&["diff", "--quiet", &from, "--", path])?;
        folder.run(&["read-tree", "-m", "-u", &from, &to])?;
        if git.repo().tip(&local)? != Some(tip) {
            git.branches.program().move_refs(&[(local.clone(), Some(seen), tip)])?;
        }
        Ok(())
    };
    if followed().is_err() {
        warn("note", &format!("{path} here was left as it is, with the times of before"));
    }
}
