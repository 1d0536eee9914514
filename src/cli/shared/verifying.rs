//! What `verify` and `exec --verify` share.

use super::args::NowArg;
use super::progress::Progress;
use super::prompt;
use super::say::{warn, word};
use super::site::Site;

use anyhow::{Context as _, bail};

use changegate::core::operations::event::About;
use changegate::core::operations::kinds::{Check, CheckKind, Verified, What};
use changegate::core::operations::measured::is_raised;
use changegate::core::request::Health;
use changegate::core::terms::{Login, TicketId, all_of};
use changegate::core::time::{Duration, Interval};
use changegate::execute::{Made, Written, verify::check};
use changegate::measure::plan::{Plan, Wanted};
use changegate::measure::{Pace, Seen, Token, watch};
use changegate::report::escape::terminal;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration as StdDuration;

/// The variable with the token for Prometheus.
const PROMETHEUS_TOKEN: &str = "CHANGEGATE_PROMETHEUS_TOKEN";

/// How a change is verified.
pub struct Verifying {
    /// What is asked for besides what policies and request say.
    pub wanted: Wanted,
    /// How long is waited between two samples.
    pub interval: Duration,
    /// What happened that the request didn't foresee.
    pub unexpected_impact: Option<String>,
    /// The person for whom a machine acts.
    pub on_behalf: Option<Login>,
}

/// Watches, asks on a terminal what no program can answer, and records what was found; `None` if somebody asked
/// to end, and nothing is recorded.
///
/// # Errors
/// When the log wouldn't take it, something couldn't be measured, or nobody is there to ask.
pub fn verify(
    site: &Site,
    id: &TicketId,
    verifying: &Verifying,
    pause: &mut dyn FnMut(StdDuration) -> bool,
) -> anyhow::Result<Option<Written>> {
    let request = site.executed(id)?;
    let author = site.author(verifying.on_behalf.clone())?;
    let org = &site.judge.bundle().org;
    let life = site.git.operations()?.map(|log| log.life(About::Change(id))).transpose()?;
    let life = life.unwrap_or_default();
    let now = NowArg::present();
    check(&author, verifying.on_behalf.as_ref(), (id, &request), org, &life, now)?;
    let plan = Plan::of(&request, org, &life, &verifying.wanted)?;
    if let Some(unanswered) = in_words(&plan, id).filter(|_| !prompt::is_possible()) {
        bail!("{id} isn't verified: {unanswered}");
    }
    let token = std::env::var(PROMETHEUS_TOKEN).ok().filter(|text| !text.is_empty());
    let token = token
        .map(|text| Token::of(&text).with_context(|| format!("{PROMETHEUS_TOKEN} can't be used")));
    let mut told = BTreeSet::new();
    let mut progress = None;
    let mut seen = |seen: &Seen<'_>| {
        let bar = progress.get_or_insert_with(|| Progress::of(seen.of as usize));
        bar.reach(seen.passed as usize);
        for (url, why) in &seen.failing {
            if told.insert((*url).to_owned()) {
                warn("warning", &format!("{url}: {why}"));
            }
        }
    };
    let mut answer = |name: &str| prompt::confirm(&format!("Did this go well: {name}?"), false);
    let pace = Pace {
        interval: verifying.interval,
        clock: NowArg::present,
        pause,
        seen: &mut seen,
        answer: &mut answer,
    };
    let found = watch(&plan, token.transpose()?, &org.settings.outcome.error_rate, pace);
    progress.iter().for_each(Progress::finish);
    let Some(found) = found? else { return Ok(None) };
    let unexpected_impact = verifying.unexpected_impact.clone();
    let made = Made::of_change(id, What::Verified(Verified { unexpected_impact, ..found }));
    site.refresh()?;
    let written = author.write(|_, _| Ok(vec![made.clone()]))?;
    Ok(written.into_iter().next())
}

fn plan(site: &Site, id: &TicketId, verifying: &Verifying) -> anyhow::Result<Plan> {
    let request = site.executed(id)?;
    let life = site.git.operations()?.map(|log| log.life(About::Change(id))).transpose()?;
    let org = &site.judge.bundle().org;
    Plan::of(&request, org, &life.unwrap_or_default(), &verifying.wanted)
}

/// Returns which checks nobody has answered that no program can, and the command that does; `None` if all
/// are.
///
/// # Errors
/// When it isn't clear what is measured.
pub fn unanswered(
    site: &Site,
    id: &TicketId,
    verifying: &Verifying,
) -> anyhow::Result<Option<String>> {
    Ok(in_words(&plan(site, id, verifying)?, id))
}

fn in_words(plan: &Plan, id: &TicketId) -> Option<String> {
    let open = plan.manual.iter().filter(|(_, answer)| answer.is_none()).map(|(name, _)| name);
    let open: Vec<_> = open.collect();
    let answers = plan.manual.iter().map(|(name, answer)| {
        let went = if *answer == Some(false) { "failed" } else { "passed" };
        format!(" --manual {}", word(&format!("{name}={went}")))
    });
    let answers: String = answers.collect();
    (!open.is_empty()).then(|| {
        format!(
            "only a person can say how {} went: `changegate verify {id}{answers}`",
            all_of(&open)
        )
    })
}

/// Returns what would be measured, for people.
///
/// # Errors
/// When that can't be said.
pub fn planned(site: &Site, id: &TicketId, verifying: &Verifying) -> anyhow::Result<String> {
    let plan = plan(site, id, verifying)?;
    let mut text = format!("would watch for {}\n", plan.watch.for_people());
    for it in &plan.polled {
        let _ = writeln!(text, "polls      {}", terminal(it.url.as_str()));
    }
    for rate in &plan.rates {
        let times = [plan.before, plan.after].map(|it: Interval| it.for_people(None));
        let _ = writeln!(text, "compares   {}: {} UTC", rate.name(), all_of(&times));
    }
    for (name, answer) in &plan.manual {
        let answer = match answer {
            Some(true) => "passed",
            Some(false) => "failed",
            None => "nobody says how it went",
        };
        let _ = writeln!(text, "by hand    {}: {answer}", terminal(name));
    }
    if let Some(unanswered) = in_words(&plan, id) {
        let _ = writeln!(text, "{}", terminal(&unanswered));
    }
    Ok(text)
}

/// Returns what was found, a line for each check.
pub fn report(written: &Written) -> String {
    let What::Verified(verified) = written.event.what() else { return String::new() };
    verified.checks.iter().map(line).collect()
}

fn line(check: &Check) -> String {
    let word = if check.passed { "passed" } else { "failed" };
    let note = check.note.as_ref().map(|note| format!(": {}", terminal(note))).unwrap_or_default();
    let counts = match (check.kind, check.samples, check.failures) {
        (CheckKind::Http, Some(samples), Some(0)) => {
            let worst = check.worst.as_deref().unwrap_or_default();
            format!("  {samples} samples, worst {worst}")
        }
        (CheckKind::Http, Some(samples), Some(failures)) => {
            format!("  {failures} of {samples} failed")
        }
        _ => String::new(),
    };
    format!("{word}  {}{counts}{note}\n", terminal(&check.name))
}

/// Whether all that was measured speaks for closing the change as successful.
pub fn has_passed(site: &Site, written: &Written) -> bool {
    let tolerance = &site.judge.bundle().org.settings.outcome.error_rate;
    match written.event.what() {
        What::Verified(it) => {
            it.health == Health::Passed
                && !it.error_rate.iter().any(|rate| is_raised(rate, tolerance))
                && it.unexpected_impact.is_none()
        }
        _ => false,
    }
}
