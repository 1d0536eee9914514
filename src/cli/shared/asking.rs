//! What the verbs share that ask whether a change may be executed now.

use std::collections::BTreeMap;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;

use super::args::AnswerFormat;
use super::site::Site;
use super::{events, say};
use changegate::core::decision::Decision;
use changegate::core::operations::authorize::{Attempt, Steps};
use changegate::core::operations::event::Actor;
use changegate::core::operations::kinds::What;
use changegate::core::terms::{Login, Name, TicketId, Verdict};
use changegate::core::time::{Duration, Time};
use changegate::execute::{Author, Made, Written};
use changegate::gate::execution::{Known, Route, begin};
use changegate::gate::judge::Judges;
use changegate::gate::witnessing::holds_what_was_seen;
use changegate::operations::Log;
use changegate::report::{Format, Judged, Reporter, Summary};

/// What is to be executed.
#[derive(Args, Debug)]
pub struct AskArgs {
    /// The change's id, or that of an open incident under which something is only read
    #[arg(value_name = "ID")]
    pub id: TicketId,

    /// The number of the step; all steps that are left if none is named
    #[arg(long = "step", value_name = "N", conflicts_with_all = ["action", "target"])]
    steps: Vec<u32>,

    /// The step with this action
    #[arg(long, value_name = "NAME", requires = "target")]
    action: Option<Name>,

    /// The step on this target
    #[arg(long, value_name = "NAME", requires = "action")]
    target: Option<Name>,

    /// A parameter that the caller is going to use, to be compared with the approved one; may be given
    /// more than once
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,

    /// The person for whom a machine acts
    #[arg(long = "for", value_name = "LOGIN")]
    pub on_behalf: Option<Login>,

    /// Undo the change
    #[arg(long)]
    rollback: bool,

    /// Execute an emergency from its open pull request: the incident commander has approved, and what else
    /// is missing is owed
    #[arg(long)]
    break_glass: bool,

    /// How long it is going to take: 20m
    #[arg(long = "expect", value_name = "DURATION")]
    expected: Option<Duration>,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or_else(|| "a parameter is written NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

impl AskArgs {
    /// Whether the change is undone.
    pub fn is_rollback(&self) -> bool {
        self.rollback
    }

    /// Returns how it is to be executed.
    pub fn route(&self) -> Route {
        if self.break_glass { Route::BreakGlass } else { Route::Merged }
    }

    /// Returns what is to be executed by somebody.
    pub fn attempt(&self, by: Actor, on_behalf: Option<Login>) -> Attempt {
        let steps = match (&self.action, &self.target) {
            (Some(action), Some(target)) => Steps::Named(action.clone(), target.clone()),
            _ if self.steps.is_empty() => Steps::Left,
            _ => Steps::Numbers(self.steps.clone()),
        };
        Attempt {
            steps,
            rollback: self.rollback,
            parameters: self.parameters.iter().cloned().collect::<BTreeMap<_, _>>(),
            expected: self.expected,
            by,
            on_behalf,
            contributed: false,
            is_proven: true,
        }
    }
}

/// The answer to the question whether something may be executed.
pub struct Answer {
    /// What it was judged by.
    pub known: Known,
    /// The decision.
    pub decision: Decision,
}

impl Answer {
    /// Returns the answer as a report.
    pub fn report(&self, site: &Site, format: Format, verbose: bool) -> String {
        let bundle = site.judge.bundle();
        let reporter = Reporter {
            format,
            policies: &self.decision.bundle,
            colour: say::colour(&std::io::stdout()),
            width: say::width(),
            verbose,
            codes: &|| bundle.codes(),
        };
        let judged = Judged { decision: &self.decision, request: self.known.request(), source: "" };
        let section = reporter.section(&judged);
        let mut summary = Summary::default();
        summary.add(&section);
        reporter.begin() + &section.text + &reporter.end(&summary)
    }

    /// Returns the exit code of a verb that ends with this answer.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.decision.verdict.exit_code())
    }
}

/// What came of an attempt to begin an execution.
pub enum Begun {
    /// It has begun, with this event.
    Yes(Box<Answer>, Box<Written>),
    /// It may not, or not yet.
    No(Box<Answer>),
}

impl Begun {
    /// Returns what came of it: nothing was written unless the answer was an approval.
    pub fn of(written: Vec<Written>, answer: Option<Answer>) -> anyhow::Result<Self> {
        let answer = answer.ok_or_else(|| anyhow::anyhow!("nothing was asked"))?;
        Ok(match written.into_iter().next() {
            Some(written) => Begun::Yes(Box::new(answer), Box::new(written)),
            None => Begun::No(Box::new(answer)),
        })
    }

    /// Prints the event that was written, or why none was; returns the exit code.
    ///
    /// # Errors
    /// When it can't be printed.
    pub fn say(self, site: &Site, format: AnswerFormat) -> anyhow::Result<ExitCode> {
        match self {
            Begun::Yes(_, written) => events::say(site, &[*written], format),
            Begun::No(answer) => {
                let format = match format {
                    AnswerFormat::Text => Format::Text,
                    AnswerFormat::Json => Format::Json,
                };
                say::print(&answer.report(site, format, false))?;
                Ok(answer.exit_code())
            }
        }
    }
}

/// Asks, and if it is approved, begins: with the event in the shared log, nobody else can.
///
/// # Errors
/// When nothing could be decided, or the log couldn't be written.
pub fn begin_now(
    site: &Site,
    judges: &Judges,
    author: &Author<'_>,
    args: &AskArgs,
    place: &begin::Place,
) -> anyhow::Result<Begun> {
    holds_what_was_seen(&site.git, judges)?;
    let attempt = args.attempt(author.by().clone(), author.on_behalf().cloned());
    let org = &site.judge.bundle().org;
    let mut answer = None;
    let written = author.write(|log, now| {
        let known = known(site, judges, Some(log), (args, &attempt), now)?;
        let ask = |attempt: &Attempt| {
            let decided = known.ask(&site.git, judges, Some(log), attempt, (now, None))?;
            anyhow::Ok(decided.decision)
        };
        let mut decision = ask(&attempt)?;
        if let (Some(_), Verdict::Approved) = (author.again(), decision.verdict) {
            let again = Attempt { on_behalf: author.again().cloned(), ..attempt.clone() };
            let other = ask(&again)?;
            if other.verdict != Verdict::Approved {
                decision = other;
            }
        }
        let may = decision.verdict == Verdict::Approved;
        let begin = begin::begin(&known, &attempt, &decision, (org, now), place).filter(|_| may);
        let made = begin.map(|begin| Made {
            policies: Some(decision.digests.policies.clone()),
            input: decision.digests.input.clone(),
            ..Made::about(known.about(), What::Begin(begin))
        });
        answer = Some(Answer { known, decision });
        Ok(made.into_iter().collect())
    })?;
    Begun::of(written, answer)
}

/// Returns how old what is known of the remote is; `None` where that isn't known, or there is no remote.
pub fn age(site: &Site, now: Time) -> Option<Duration> {
    let fetched = site.git.branches.fetched_at().filter(|_| site.git.branches.remote().is_some());
    fetched.map(|at| now - Time::from(DateTime::<Utc>::from(at)))
}

/// Collects what is known of what is to be executed: a change, or what an incident permits.
fn known(
    site: &Site,
    judges: &Judges,
    log: Option<&Log<'_>>,
    (args, attempt): (&AskArgs, &Attempt),
    now: Time,
) -> anyhow::Result<Known> {
    let route = args.route();
    let known = site.known(judges, log, (&args.id, &route), now)?;
    known.or_incident(log, (&attempt.steps, &route), &site.judge.bundle().org)
}

/// Asks without beginning anything, for the time `now`.
///
/// # Errors
/// When nothing could be decided.
pub fn ask(
    site: &Site,
    judges: &Judges,
    args: &AskArgs,
    (by, on_behalf): (Actor, Option<Login>),
    (now, age): (Time, Option<Duration>),
) -> anyhow::Result<Answer> {
    holds_what_was_seen(&site.git, judges)?;
    let log = site.git.operations()?;
    let attempt = args.attempt(by, on_behalf);
    let known = known(site, judges, log.as_ref(), (args, &attempt), now)?;
    let decided = known.ask(&site.git, judges, log.as_ref(), &attempt, (now, age))?;
    Ok(Answer { known, decision: decided.decision })
}
