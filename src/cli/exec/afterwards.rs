//! What `exec` does when its command is done: verify the change, and close it.

use super::ExecArgs;
use crate::cli::shared::args::NowArg;
use crate::cli::shared::asking::Begun;
use crate::cli::shared::closing::{Closing, close_now};
use crate::cli::shared::judges::judges;
use crate::cli::shared::next::say_next;
use crate::cli::shared::say::{complain, note, warn};
use crate::cli::shared::site::Site;
use crate::cli::shared::verifying::{Verifying, has_passed, report, unanswered, verify as watch};

use anyhow::Context as _;

use changegate::core::operations::event::About;
use changegate::core::operations::kinds::Outcome;
use changegate::core::request::OutcomeResult;
use changegate::core::terms::Verdict;
use changegate::core::time::Duration;
use changegate::execute::run::Caught;
use changegate::measure::plan::Wanted;
use changegate::report::Format;

/// How long is waited between two samples.
const INTERVAL: Duration = Duration::seconds(15);

/// Verifies a change of which all is done, and closes it. What comes of that is only said: the command's
/// exit code remains.
pub fn verify(args: &ExecArgs) {
    if let Err(error) = try_to(args) {
        complain(&error);
    }
}

fn try_to(args: &ExecArgs) -> anyhow::Result<()> {
    let (id, on_behalf) = (&args.ask.id, args.ask.on_behalf.as_ref());
    let caught = Caught::new()?;
    let site = Site::open(&args.here)?;
    let log = site.git.operations()?.context("there is no operations log any more")?;
    let life = log.life(About::Change(id))?;
    if life.outcome.is_some() {
        return Ok(());
    }
    let (done, steps) = (life.done(), site.executed(id)?.actions.len());
    if done.len() < steps && !life.is_rolled_back() {
        note(format_args!("changegate: steps of {id} are left, so it isn't verified yet"));
        say_next(&site, id, NowArg::present());
        return Ok(());
    }
    let verifying = Verifying {
        wanted: Wanted { manual: args.manual.clone(), ..Wanted::default() },
        interval: INTERVAL,
        unexpected_impact: None,
        on_behalf: on_behalf.cloned(),
    };
    // To watch it for nothing helps nobody.
    if let Some(unanswered) = unanswered(&site, id, &verifying)? {
        warn("warning", &format!("{id} wasn't verified: {unanswered}"));
        return Ok(());
    }
    let mut pause = |time| !caught.is_asked_to_end_within(time);
    let Some(written) = watch(&site, id, &verifying, &mut pause)? else {
        warn("warning", &format!("{id} wasn't verified: `changegate verify {id}` begins again"));
        return Ok(());
    };
    note(report(&written).trim_end());
    if !args.close || life.is_rolled_back() || !has_passed(&site, &written) {
        say_next(&site, id, NowArg::present());
        return Ok(());
    }
    let outcome = Outcome {
        result: OutcomeResult::Successful,
        skipped: Vec::new(),
        note: None,
        automatic: true,
    };
    let closing = Closing { outcome, incident: None, on_behalf: on_behalf.cloned() };
    match close_now(&site, &judges()?, id, &closing)? {
        Begun::Yes(..) => note(format_args!("changegate: {id} is closed as successful")),
        Begun::No(answer) if answer.decision.verdict == Verdict::Approved => note(format_args!(
            "changegate: {id} isn't closed by itself: `changegate outcome {id} successful` closes it"
        )),
        Begun::No(answer) => note(answer.report(&site, Format::Text, false).trim_end()),
    }
    Ok(())
}
