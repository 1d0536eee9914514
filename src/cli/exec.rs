//! `changegate exec`: asks, takes the lock, runs a command, and records how it ended.

use std::process::{Command, ExitCode};
use std::time::{Duration as StdDuration, Instant};

use anyhow::anyhow;

use super::shared::args::NowArg;
use super::shared::asking::{self, Answer, begin_now};
use super::shared::judges::judges;
use super::shared::next::say_next;
use super::shared::say::{INTERRUPTED, UNCLEAR, complain, note, warn};
use super::shared::site::Site;
use changegate::core::digest::Digest;
use changegate::core::operations::event::Event;
use changegate::core::operations::kinds::{EndResult, What, Written as Output};
use changegate::core::record::parts::Hex;
use changegate::core::terms::{Effect, TicketId, Verdict};
use changegate::core::time::{Duration, Time};
use changegate::execute::author::nonce;
use changegate::execute::end::{Went, is_done};
use changegate::execute::kept::{Kept, Running, RunsHere};
use changegate::execute::run::{Caught, Ended};
use changegate::execute::variables::variables;
use changegate::execute::{Identity, NotTaken, Unproven};
use changegate::files;
use changegate::forge::git::Rejected;
use changegate::gate::execution::Route;
use changegate::gate::execution::begin::{Place, steps};
use changegate::report::Format;

mod afterwards;
mod args;
mod ends;
mod offline;
mod told;

pub use args::ExecArgs;
use ends::{Writer, end_what_is_gone};
use offline::{Begun, begin_here};

/// The exit codes where the command didn't run.
const DENIED: u8 = 201;
const PENDING: u8 = 203;

/// How long is waited between two questions.
const PAUSES: [u64; 3] = [5, 15, 30];

/// Runs the verb. Its exit codes are its own, so that no command's is taken for one of them.
pub fn run(args: &ExecArgs) -> anyhow::Result<ExitCode> {
    let code = execute(args).unwrap_or_else(|error| {
        complain(&error);
        let is_refusal = error.is::<Rejected>() || error.is::<NotTaken>() || error.is::<Unproven>();
        if is_refusal { DENIED } else { UNCLEAR }
    });
    Ok(ExitCode::from(code))
}

fn execute(args: &ExecArgs) -> anyhow::Result<u8> {
    let caught = Caught::new()?;
    let place = Place {
        host: host(),
        url: pipeline_run(),
        command: Some(Hex(Digest::of(args.command.join("\0").as_bytes()))),
        nonce: nonce(),
    };
    if args.offline {
        return Ok(match begin_here(args, &place)? {
            Begun::Yes(site, answer, begun) => {
                let (begun, identity, here) = *begun;
                under_way(args, &site, caught, &answer, (&begun, identity, here))
            }
            Begun::No(verdict) => without(verdict),
        });
    }
    let site = Site::open(&args.here).inspect_err(|_| {
        if args.ask.is_rollback() || args.ask.route() == Route::BreakGlass {
            note("changegate: where nothing can be reached, this goes on with --offline");
        }
    })?;
    let author = site.author(args.ask.on_behalf.clone())?;
    end_what_is_gone(&site, &author);
    let mut here = runs_here(&site, &args.ask.id, &place);
    let began = Instant::now();
    let wait =
        args.wait.map_or(StdDuration::ZERO, |wait| StdDuration::from_secs(wait.as_seconds()));
    let judges = judges()?;
    for attempt in 0.. {
        if caught.is_asked_to_end_within(StdDuration::ZERO) {
            return Ok(INTERRUPTED);
        }
        let begun = begin_now(&site, &judges, &author, &args.ask, &place).inspect_err(|_| {
            // Only the answer may have been lost.
            here.take().into_iter().for_each(RunsHere::stays);
        });
        let answer = match begun? {
            asking::Begun::Yes(answer, written) => {
                tell(&site, &answer);
                told::tell(&[("execution", &String::from(written.event.id().clone()))]);
                if attempt > 0 {
                    let waited = Duration::seconds(began.elapsed().as_secs()).for_people();
                    note(format_args!("changegate: {} begins after {waited}", args.ask.id));
                }
                let begun = (&written.event, author.identity().clone(), here.take());
                return Ok(under_way(args, &site, caught, &answer, begun));
            }
            asking::Begun::No(answer) => answer,
        };
        let asked = args.ask.attempt(author.by().clone(), author.on_behalf().cloned());
        let request = answer.known.request();
        let states_others =
            answer.decision.findings.iter().any(|it| it.code == "execute/parameters");
        if args.if_not_done
            && !states_others
            && request.is_some_and(|it| is_done(it, &answer.known.life, &asked))
        {
            note(format_args!("changegate: {} is done already", args.ask.id));
            return Ok(0);
        }
        let is_pending = answer.decision.verdict == Verdict::Pending;
        let pause = StdDuration::from_secs(PAUSES[attempt.min(PAUSES.len() - 1)]);
        if !is_pending || began.elapsed() + pause > wait {
            tell(&site, &answer);
            note(answer.report(&site, Format::Text, false).trim_end());
            return Ok(without(answer.decision.verdict));
        }
        if attempt == 0 {
            say_waiting(args, &answer);
        }
        if caught.is_asked_to_end_within(pause) {
            return Ok(INTERRUPTED);
        }
        site.refresh()?;
    }
    Err(anyhow!("nothing was asked"))
}

/// Says what is waited for, and until when.
fn say_waiting(args: &ExecArgs, answer: &Answer) {
    let now = NowArg::present();
    let until = args.wait.map_or(now, |wait| now + wait).for_people(Some(now));
    let pending = answer.decision.findings.iter().filter(|it| it.effect == Effect::Pending);
    let reasons: Vec<_> = pending.map(|finding| finding.message.as_str()).collect();
    let why = reasons.join("; ");
    warn("note", &format!("{} waits until {until} UTC at most: {why}", args.ask.id));
}

/// Returns the exit code where the command doesn't run.
fn without(verdict: Verdict) -> u8 {
    if verdict == Verdict::Pending { PENDING } else { DENIED }
}

/// Tells the job on GitHub that this is part of what was decided.
fn tell(site: &Site, answer: &Answer) {
    told::tell(&[("verdict", &answer.decision.verdict.to_string())]);
    told::summarize(&answer.report(site, Format::Markdown, false));
}

/// Runs the command of an execution that has begun, and records its end.
fn under_way(
    args: &ExecArgs,
    site: &Site,
    caught: Caught,
    answer: &Answer,
    (begun, identity, here): (&Event, Identity, Option<RunsHere>),
) -> u8 {
    let id = &args.ask.id;
    let What::Begin(begin) = begun.what() else { return UNCLEAR };
    for finding in answer.decision.findings.iter().filter(|it| it.effect == Effect::Warn) {
        warn("warning", &finding.message);
    }
    let author = Writer {
        here: args.here.clone(),
        identity,
        on_behalf: args.ask.on_behalf.clone(),
        id: id.clone(),
        is_incident: answer.known.is_alone,
        timeout: (!args.offline).then_some(args.record_timeout),
    };
    if caught.is_asked_to_end_within(StdDuration::ZERO) {
        let why = Some("it was interrupted before the command started".to_owned());
        let went = Went { why, ..Went::default() };
        let_go(here, author.end(begun.id(), EndResult::Stopped, went));
        return INTERRUPTED;
    }
    let planned_end = begin.planned.filter(|_| !begin.rollback).map(|planned| planned.end);
    let attempt = args.ask.attempt(begun.head().by.clone(), begun.head().on_behalf.clone());
    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]);
    // What the command reads as approved comes from the approval alone, and keys aren't its business.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHANGEGATE_") {
            command.env_remove(name);
        }
    }
    command.envs(variables(begun, planned_end, &steps(&answer.known, &attempt)));
    let lease = site.judge.bundle().org.settings.execution.lease;
    let half = StdDuration::from_secs(lease.as_seconds() / 2);
    let mut timers = Timers { half, next_renewal: Instant::now() + half, planned_end };
    let first = timers.next();
    let ended = caught.run(command, first, || {
        timers.pass(|| author.clone().renew(begun.id().clone(), lease));
        timers.next()
    });
    let ended = ended.unwrap_or_else(|error| {
        complain(&error);
        Ended::NotRunnable
    });
    let (result, code, signal) = match ended {
        Ended::Code(0) => (EndResult::Done, Some(0), None),
        Ended::Code(code) => (EndResult::Failed, Some(code), None),
        Ended::Signal(signal) => (EndResult::Stopped, None, Some(signal)),
        Ended::NotFound | Ended::NotRunnable => (EndResult::Failed, Some(ended.code()), None),
    };
    let went = Went { code, signal, output: output(args), why: None };
    let_go(here, author.end(begun.id(), result, went));
    if matches!(ended, Ended::NotFound | Ended::NotRunnable) {
        let what = if ended == Ended::NotFound { "wasn't found" } else { "can't be run" };
        warn("error", &format!("the command {} {what}", args.command[0]));
    }
    if answer.known.is_alone {
        if args.verify {
            note(format_args!(
                "changegate: what is only read under {id} is neither verified nor closed"
            ));
        }
    } else if args.verify && ended == Ended::Code(0) {
        afterwards::verify(args);
    } else if !args.offline {
        say_next(site, id, NowArg::present());
    }
    ended.code()
}

/// Keeps that an execution runs here, before it begins: if this process is killed, the next one ends it sooner.
fn runs_here(site: &Site, id: &TicketId, place: &Place) -> Option<RunsHere> {
    let kept = Kept::of(site.git.repo()).begins(&Running::here(id, &place.nonce));
    kept.inspect_err(complain).ok()
}

/// Forgets that an execution runs here, unless its end is nowhere: of that, the next execution here says at
/// least that nobody knows it.
fn let_go(here: Option<RunsHere>, is_recorded: bool) {
    if let Some(here) = here.filter(|_| !is_recorded) {
        here.stays();
    }
}

/// What is done while a command runs.
struct Timers {
    half: StdDuration,
    next_renewal: Instant,
    planned_end: Option<Time>,
}

impl Timers {
    /// Returns how long nothing is to be done.
    fn next(&self) -> Option<StdDuration> {
        let renewal = self.next_renewal.saturating_duration_since(Instant::now());
        let now = NowArg::present();
        let end = self.planned_end.map(|end| match end > now {
            true => StdDuration::from_secs((end - now).as_seconds()),
            false => StdDuration::ZERO,
        });
        Some(end.map_or(renewal, |end| end.min(renewal)))
    }

    /// Does what is due.
    fn pass(&mut self, renew: impl FnOnce()) {
        if let Some(end) = self.planned_end.filter(|end| *end <= NowArg::present()) {
            let end = end.for_people(None);
            warn(
                "warning",
                &format!("the planned end {end} UTC has passed, and the command goes on"),
            );
            self.planned_end = None;
        }
        if self.next_renewal <= Instant::now() {
            self.next_renewal = Instant::now() + self.half;
            renew();
        }
    }
}

/// Returns what is known of what the command wrote.
fn output(args: &ExecArgs) -> Option<Output> {
    let sha256 = args.log.as_ref().and_then(|file| match files::read(file) {
        Ok(bytes) => Some(Hex(Digest::of(&bytes))),
        Err(error) => {
            complain(&error);
            None
        }
    });
    let url = args.log_url.clone();
    (sha256.is_some() || url.is_some()).then_some(Output { sha256, url })
}

/// Returns the address of the run on GitHub that this is part of.
fn pipeline_run() -> Option<String> {
    let [server, repository, run] = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"]
        .map(|it| std::env::var(it).ok());
    Some(format!("{}/{}/actions/runs/{}", server?, repository?, run?))
}

fn host() -> Option<String> {
    let name = rustix::system::uname();
    Some(name.nodename().to_string_lossy().into_owned()).filter(|name| !name.is_empty())
}
