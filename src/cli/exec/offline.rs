//! Executing where nobody can be reached: emergencies under break-glass and rollbacks, by what was fetched
//! last. What is recorded stays in this clone, signed, until `changegate sync` brings it to the log.

use anyhow::{Context as _, ensure};

use super::args::ExecArgs;
use super::ends::keep_end_of_what_is_gone;
use super::runs_here;
use crate::cli::shared::args::NowArg;
use crate::cli::shared::asking::{Answer, age};
use crate::cli::shared::judges::judges;
use crate::cli::shared::say::note;
use crate::cli::shared::site::Site;
use crate::cli::submit;
use changegate::core::layout;
use changegate::core::operations::event::{About, Event};
use changegate::core::operations::kinds::{Commander, What};
use changegate::core::org::Offline;
use changegate::core::terms::{TicketId, Verdict};
use changegate::execute::kept::{Kept, RunsHere};
use changegate::execute::{Identity, Made};
use changegate::gate::execution::begin::{Place, begin};
use changegate::gate::execution::break_glass::may_command;
use changegate::gate::execution::{Known, Route};
use changegate::git::{Oid, Program};
use changegate::report::Format;

/// The event that began an execution, by whom, and that it runs here.
type UnderWay = (Event, Identity, Option<RunsHere>);

/// What came of it.
pub(super) enum Begun {
    /// It has begun.
    Yes(Box<Site>, Box<Answer>, Box<UnderWay>),
    /// It may not.
    No(Verdict),
}

/// Asks by what was fetched last, and keeps the beginning here.
pub(super) fn begin_here(args: &ExecArgs, place: &Place) -> anyhow::Result<Begun> {
    let site = Site::open_quietly(&args.here)?;
    let (answer, begun) = ask_here(args, place, &site)?;
    if let Some(begun) = begun {
        note("changegate: recorded here alone: `changegate sync` brings it to the log");
        return Ok(Begun::Yes(Box::new(site), Box::new(answer), Box::new(begun)));
    }
    note(answer.report(&site, Format::Text, false).trim_end());
    if let Some(why) = answer.known.why_denied() {
        note(format_args!("changegate: as it stands: {why}"));
    }
    Ok(Begun::No(answer.decision.verdict))
}

/// Asks, and returns the answer, with the event if it has begun.
fn ask_here(
    args: &ExecArgs,
    place: &Place,
    site: &Site,
) -> anyhow::Result<(Answer, Option<UnderWay>)> {
    let org = &site.judge.bundle().org;
    ensure!(
        org.settings.execution.offline == Offline::Emergency,
        "nothing is executed offline here: `execution.offline` is off in policies/org/settings/data.yaml"
    );
    let (judges, id) = (judges()?, &args.ask.id);
    let route = route(args, site)?;
    ensure!(
        args.ask.is_rollback() || matches!(route, Route::Heard { .. }),
        "only an emergency under break-glass or a rollback is executed offline: say with `--break-glass \
         --commander LOGIN --heard TEXT` who approved it, and where you heard that"
    );
    let author = site.author_at_hand(args.ask.on_behalf.clone())?;
    let now = NowArg::present();
    let log = site.git.operations()?;
    keep_end_of_what_is_gone(site, &author);
    let kept = Kept::of(site.git.repo());
    let life = log.as_ref().map(|log| kept.life(log, About::Change(id))).transpose()?;
    let held = (log.as_ref(), life.unwrap_or_default());
    let known = Known::of((&site.git, None), &judges, held, (id, &route), now)?;
    let emergency = known.request().and_then(|request| request.emergency.as_ref());
    ensure!(
        args.ask.is_rollback() || emergency.is_some_and(|it| it.break_glass),
        "only an emergency under break-glass or a rollback is executed offline: {id} waits until the log can \
         be reached"
    );
    if let (Route::Heard { commander, .. }, Some(request)) = (&route, known.request()) {
        ensure!(
            may_command(commander, request, org),
            "{commander} doesn't approve it: `--commander` names somebody with the role incident-commander in \
             policies/org/roster who has no other part in it"
        );
    }
    let attempt = args.ask.attempt(author.by().clone(), author.on_behalf().cloned());
    let age = age(site, now);
    let decided = known.ask(&site.git, &judges, log.as_ref(), &attempt, (now, age))?;
    let decision = decided.decision;
    let made = begin(&known, &attempt, &decision, (org, now), place);
    let Some(made) = made.filter(|_| decision.verdict == Verdict::Approved) else {
        return Ok((Answer { known, decision }, None));
    };
    if let Route::Heard { commander, head } = &route {
        keep(site, id, *head)?;
        let heard = args.heard.clone().unwrap_or_default();
        let what = Commander { who: commander.clone(), heard, heard_at: now };
        author.keep(|_, _| Ok(Made::of_change(id, What::Commander(what))))?;
    }
    let here = runs_here(site, id, place);
    let begun = author.keep(|_, _| {
        Ok(Made {
            policies: Some(decision.digests.policies.clone()),
            input: decision.digests.input.clone(),
            ..Made::of_change(id, What::Begin(made))
        })
    })?;
    let begun = (begun, author.identity().clone(), here);
    Ok((Answer { known, decision }, Some(begun)))
}

/// Returns how it is executed: under break-glass the request is the one in the work tree, or else the one
/// that was fetched last.
fn route(args: &ExecArgs, site: &Site) -> anyhow::Result<Route> {
    let Some(commander) = args.commander.clone().filter(|_| args.ask.route() != Route::Merged)
    else {
        return Ok(Route::Merged);
    };
    let id = &args.ask.id;
    let head = match in_work_tree(site, id)? {
        Some(commit) => Some(commit),
        None => before(site, id)?,
    };
    let head = head.with_context(|| {
        format!("there is no request {id} here: write it with `changegate new --break-glass`")
    })?;
    Ok(Route::Heard { commander, head })
}

/// Keeps the commit that submits a request here, if that isn't submitted yet.
fn keep(site: &Site, id: &TicketId, commit: Oid) -> anyhow::Result<()> {
    match before(site, id)? == Some(commit) {
        true => Ok(()),
        false => site.git.keep_waiting(id.as_str(), commit),
    }
}

/// Returns the commit that submits a request, as it waits here or was fetched last.
fn before(site: &Site, id: &TicketId) -> anyhow::Result<Option<Oid>> {
    match site.git.waiting(id.as_str())? {
        Some(waiting) => Ok(Some(waiting)),
        None => site.git.branches.tip(&format!("change/{id}")),
    }
}

/// Makes the commit that submits the request in the work tree, if there is one that isn't submitted.
fn in_work_tree(site: &Site, id: &TicketId) -> anyhow::Result<Option<Oid>> {
    let Ok(work_tree) = Program::anywhere().work_tree() else { return Ok(None) };
    let path = layout::request(id.as_str());
    if !work_tree.join(&path).is_file() {
        return Ok(None);
    }
    submit::made(&site.git, &work_tree, &path, before(site, id)?).map(Some)
}
