//! `changegate exec`: asks, takes the lock, runs a command, and records how it ended.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration as StdDuration, Instant};

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::shared::args::NowArg;
use super::shared::asking::{Answer, AskArgs, Begun, begin_now};
use super::shared::events::Site;
use super::shared::here::HereArgs;
use super::shared::judges::judges;
use super::shared::say::{INTERRUPTED, complain, note, warn};
use changegate::core::digest::Digest;
use changegate::core::operations::event::{About, Event};
use changegate::core::operations::kinds::{EndResult, Renew, What, Written as Output};
use changegate::core::operations::life::Execution;
use changegate::core::record::parts::Hex;
use changegate::core::terms::{Login, TicketId, Verdict};
use changegate::core::time::{Duration, Time};
use changegate::execute::end::{Went, closes, end, is_done, named};
use changegate::execute::kept::{Kept, Running};
use changegate::execute::run::{Caught, Ended};
use changegate::execute::variables::variables;
use changegate::execute::{Author, Made, NotTaken};
use changegate::files;
use changegate::forge::git::Rejected;
use changegate::gate::execution::begin::{Place, steps};
use changegate::report::Format;

/// The exit codes where the command didn't run.
const DENIED: u8 = 201;
const UNCLEAR: u8 = 202;
const PENDING: u8 = 203;

/// How long is waited between two questions.
const PAUSES: [u64; 3] = [5, 15, 30];

/// Execute a change: ask, take the lock, run a command, record how it ended
///
/// The command starts only when everybody can see that it does, and with the approved parameters in its
/// environment: CHANGEGATE_PARAMETER_<NAME>, CHANGEGATE_ACTION, CHANGEGATE_TARGET and others. Only one
/// execution of a change runs at a time. The exit code is the command's own; 201 if it was denied, 203 if
/// it has to wait, 202 if that couldn't be decided: then it never ran.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate exec CHG-1234 -- ./failover.sh
  changegate exec CHG-1234 --step 2 --wait 30m -- ./deploy.sh
  changegate exec CHG-1234 --rollback -- ./failback.sh")]
pub struct ExecArgs {
    #[command(flatten)]
    ask: AskArgs,

    /// End with 0 and run nothing if it is done already
    #[arg(long)]
    if_not_done: bool,

    /// How long to wait while it may not begin yet: 30m
    #[arg(long, value_name = "DURATION")]
    wait: Option<Duration>,

    /// A file that the command writes, whose digest is recorded
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// The address of what the command writes
    #[arg(long, value_name = "URL")]
    log_url: Option<String>,

    /// How long to try to record the end, before it is kept here for `changegate sync`
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    record_timeout: Duration,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,

    #[command(flatten)]
    here: HereArgs,
}

/// Runs the verb. Its exit codes are its own, so that no command's is taken for one of them.
pub fn run(args: &ExecArgs) -> anyhow::Result<ExitCode> {
    let code = execute(args).unwrap_or_else(|error| {
        complain(&error);
        if error.is::<Rejected>() || error.is::<NotTaken>() { DENIED } else { UNCLEAR }
    });
    Ok(ExitCode::from(code))
}

fn execute(args: &ExecArgs) -> anyhow::Result<u8> {
    let caught = Caught::new()?;
    let site = Site::open(&args.here)?;
    let author = site.author(args.ask.on_behalf.clone())?;
    end_what_is_gone(&site, &author);
    let place = Place {
        host: host(),
        url: pipeline_run(),
        command: Some(Hex(Digest::of(args.command.join("\0").as_bytes()))),
    };
    let began = Instant::now();
    let wait =
        args.wait.map_or(StdDuration::ZERO, |wait| StdDuration::from_secs(wait.as_seconds()));
    let judges = judges()?;
    for attempt in 0.. {
        let answer = match begin_now(&site, &judges, &author, &args.ask, &place)? {
            Begun::Yes(answer, written) => {
                return Ok(under_way(args, &site, caught, &answer, &written.event));
            }
            Begun::No(answer) => answer,
        };
        let asked = args.ask.attempt(author.by().clone());
        let request = answer.known.request();
        if args.if_not_done && request.is_some_and(|it| is_done(it, &answer.known.life, &asked)) {
            note(format_args!("changegate: {} is done already", args.ask.id));
            return Ok(0);
        }
        let is_pending = answer.decision.verdict == Verdict::Pending;
        let pause = StdDuration::from_secs(PAUSES[attempt.min(PAUSES.len() - 1)]);
        if !is_pending || began.elapsed() + pause > wait {
            note(answer.report(&site, Format::Text, false).trim_end());
            return Ok(if is_pending { PENDING } else { DENIED });
        }
        if caught.is_asked_to_end_within(pause) {
            return Ok(INTERRUPTED);
        }
        site.refresh()?;
    }
    Err(anyhow!("nothing was asked"))
}

/// Runs the command of an execution that has begun, and records its end.
fn under_way(args: &ExecArgs, site: &Site, caught: Caught, answer: &Answer, begun: &Event) -> u8 {
    let id = &args.ask.id;
    let kept = Kept::of(site.git.repo());
    // What is known of it here only helps to end it sooner.
    if let Err(error) = kept.begins(&Running::here(id, begun.id())) {
        complain(&error);
    }
    let What::Begin(begin) = begun.what() else { return UNCLEAR };
    let planned_end = begin.planned.filter(|_| !begin.rollback).map(|planned| planned.end);
    let attempt = args.ask.attempt(begun.head().by.clone());
    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]);
    command.envs(variables(begun, planned_end, &steps(&answer.known, &attempt)));
    let lease = site.judge.bundle().org.settings.execution.lease;
    let half = StdDuration::from_secs(lease.as_seconds() / 2);
    let mut timers = Timers { half, next_renewal: Instant::now() + half, planned_end };
    let first = timers.next();
    let author = Writer { here: args.here.clone(), on_behalf: args.ask.on_behalf.clone() };
    let ended = caught.run(command, first, || {
        timers.pass(|| author.clone().renew(id.clone(), begun.id().clone(), lease));
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
    author.end(args, begun.id(), result, went);
    kept.ends(begun.id());
    if matches!(ended, Ended::NotFound | Ended::NotRunnable) {
        let what = if ended == Ended::NotFound { "wasn't found" } else { "can't be run" };
        warn("error", &format!("the command {} {what}", args.command[0]));
    }
    ended.code()
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

/// Writes events in threads of its own, so that signals reach the command meanwhile.
#[derive(Clone)]
struct Writer {
    here: HereArgs,
    on_behalf: Option<Login>,
}

impl Writer {
    /// Renews the lease.
    fn renew(self, id: TicketId, execution: Hex, lease: Duration) {
        thread::spawn(move || {
            let renewed = Site::open(&self.here).and_then(|site| {
                let author = site.author(self.on_behalf.clone())?;
                author.write(|_, now| {
                    let lease_until = now + lease;
                    let renew = Renew { execution: execution.clone(), lease_until };
                    Ok(vec![Made::of_change(&id, What::Renew(renew))])
                })
            });
            if let Err(error) = renewed {
                warn("warning", &format!("the lease couldn't be renewed: {error:#}"));
            }
        });
    }

    /// Records an end, or keeps it here if that takes too long.
    fn end(self, args: &ExecArgs, execution: &Hex, result: EndResult, went: Went) {
        let (sender, ended) = channel();
        let (id, name) = (args.ask.id.clone(), execution.clone());
        let (writer, of_it) = (self.clone(), went.clone());
        thread::spawn(move || {
            let written = Site::open(&writer.here)
                .and_then(|site| write_end(&site, &writer, &id, &name, result, &of_it));
            sender.send(written)
        });
        let timeout = StdDuration::from_secs(args.record_timeout.as_seconds());
        let why = match ended.recv_timeout(timeout) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("it took longer than {}", args.record_timeout.for_people()),
        };
        let kept = keep_end(&self, &args.ask.id, execution, result, went);
        match kept {
            Ok(()) => warn(
                "warning",
                &format!(
                    "how it ended couldn't be recorded: {why}\nit is kept here: `changegate sync` brings it \
                     to the log"
                ),
            ),
            Err(error) => warn(
                "error",
                &format!("how it ended couldn't be recorded, nor kept: {why}\n{error:#}"),
            ),
        }
    }
}

fn write_end(
    site: &Site,
    writer: &Writer,
    id: &TicketId,
    execution: &Hex,
    result: EndResult,
    went: &Went,
) -> anyhow::Result<()> {
    let org = &site.judge.bundle().org;
    site.author(writer.on_behalf.clone())?.write(|log, now| {
        let life = log.life(About::Change(id))?;
        let begun = named(&life, execution).context("its beginning isn't in the log")?;
        let what = end(begun, result, went.clone(), now);
        let request = site.request(id)?;
        let closes = closes(id, &request, org, &life, &what);
        Ok([Some(Made::of_change(id, what)), closes].into_iter().flatten().collect())
    })?;
    Ok(())
}

/// Keeps an end in this clone.
fn keep_end(
    writer: &Writer,
    id: &TicketId,
    execution: &Hex,
    result: EndResult,
    went: Went,
) -> anyhow::Result<()> {
    let here = HereArgs { no_fetch: true, ..writer.here.clone() };
    let site = Site::open_quietly(&here)?;
    let author = site.author(writer.on_behalf.clone())?;
    author.keep(|log, now| {
        let life = log.life(About::Change(id))?;
        let begun = named(&life, execution).context("its beginning isn't in the log")?;
        Ok(Made::of_change(id, end(begun, result, went, now)))
    })?;
    Ok(())
}

/// Says of executions that ran on this machine, and whose process is gone, that nobody knows how they
/// ended.
fn end_what_is_gone(site: &Site, author: &Author<'_>) {
    let kept = Kept::of(site.git.repo());
    for running in kept.running().unwrap_or_default() {
        if !running.is_gone() {
            continue;
        }
        let id = &running.about;
        let written = author.write(|log, now| {
            let life = log.life(About::Change(id))?;
            let open = life.open().find(|it: &&Execution| it.begin.id == running.execution);
            let is_open = open.filter(|it| it.end.is_none());
            let why = Some("the process that waited for it is gone".to_owned());
            let went = Went { why, ..Went::default() };
            let end = is_open.map(|it| end(it, EndResult::Unknown, went, now));
            Ok(end.map(|end| Made::of_change(id, end)).into_iter().collect())
        });
        match written {
            Ok(_) => kept.ends(&running.execution),
            Err(error) => {
                warn("warning", &format!("the end of {id} couldn't be recorded: {error:#}"))
            }
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
