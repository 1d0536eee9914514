//! `changegate check --pr` and `--event`: judges pull requests on GitHub, and writes the results
//! there.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::CheckArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::say::{UNDECIDED, complain, json, print, warn};
use crate::cli::shared::{here, on_github};
use changegate::core::terms::Verdict;
use changegate::forge::github::{self, Concerned, GitHub, Subject};
use changegate::gate::writer::Writer;
use changegate::gate::{Gate, Judgement};

/// Judges the given pull requests, one after another. If there are several, each is saved in a
/// folder of its own.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut place = args.on_github.open(args.dry_run)?;
    let concerned = match (&args.pr, &args.event) {
        (Some(number), _) => Concerned::Pulls(vec![Subject::Pull(*number)]),
        (None, Some(file)) => {
            let (event, payload) = on_github::event(file)?;
            place.github.concerned(&event, &payload)?
        }
        (None, None) => Concerned::Pulls(Vec::new()),
    };
    if concerned == Concerned::Outdated {
        place = place.sweeping();
    }
    let github = &place.github;
    let gate = Gate::new(github.repo(), github, judges()?);
    let writer = (!args.dry_run).then(|| on_github::writer(github, gate.judges())).transpose()?;
    let mut strongest = None;
    let mut undecided = false;
    let subjects = match concerned {
        Concerned::Pulls(subjects) => subjects,
        Concerned::Outdated => {
            let clock = || args.now.get();
            let round = on_github::round(github, &gate, writer.as_ref(), &clock)?;
            if let Err(error) = round.recorded {
                complain(&error);
                undecided = true;
            }
            let due = round.surveyed.into_iter().filter(|pull| pull.why.is_some());
            due.map(|pull| Subject::Pull(pull.number)).collect()
        }
    };
    if subjects.is_empty() {
        warn("note", "no open pull request is concerned: there is nothing to judge");
    }
    for subject in &subjects {
        let folder = args.keep.as_ref().map(|folder| match subjects.len() {
            1 => folder.clone(),
            _ => folder.join(subject.number().to_string()),
        });
        let check = || check(args, github, &gate, writer.as_ref(), subject, folder.as_deref());
        match on_github::or_say_so(github, subject, check) {
            Some(verdict) => strongest = strongest.max(verdict),
            None => undecided = true,
        }
    }
    Ok(match (undecided, strongest) {
        (true, _) => ExitCode::from(UNDECIDED),
        (false, verdict) => ExitCode::from(verdict.map_or(0, Verdict::exit_code)),
    })
}

/// The number of attempts when something changes while a commit of the merge queue gets its decision.
const ATTEMPTS: usize = 5;

/// Returns the verdict on one pull request; `None` if it isn't judged.
fn check(
    args: &CheckArgs,
    github: &GitHub,
    gate: &Gate<'_, GitHub>,
    writer: Option<&Writer<'_>>,
    subject: &Subject,
    folder: Option<&Path>,
) -> anyhow::Result<Option<Verdict>> {
    let name = github::name(subject.number());
    let clock = || args.now.get();
    // In a merge queue the workflow's file is of what is about to be merged, so that a workflow can't
    // be trusted to write there: what is merged is recorded afterwards.
    let may_write = |_: &&Writer<'_>| matches!(subject, Subject::Pull(_)) || github.is_app();
    let writer = writer.filter(may_write);
    for _ in 0..ATTEMPTS {
        let judged = match writer {
            Some(writer) => gate.check_recorded(&name, clock, |it, now| writer.record(it, now)),
            None => gate.check(&name, clock),
        };
        let Some(judgement) = judged? else {
            let why =
                "it merges into a branch that the settings of the default branch don't protect";
            warn("note", &format!("{name} isn't judged: {why}"));
            return Ok(None);
        };
        if judgement.pull.name != name {
            let decides = &judgement.pull.name;
            warn("note", &format!("{name} has the same head commit as {decides}, which decides"));
        }
        let mut verdict = judgement.decision.verdict;
        if let Subject::Queued { commit, onto, .. } = subject {
            verdict = verdict.max(queued(args, github, gate, &judgement, commit, onto)?);
            if !github.is_current(&judgement.pull, &judgement.with_head)? {
                continue;
            }
        }
        if let Some(folder) = folder {
            keep(folder, github, &judgement)?;
        }
        here::report(&judgement, args.format, args.verbose)?;
        for plan in github.take_plans() {
            print(&format!("\nwould write to {}:\n{plan}", github::name(plan.number)))?;
        }
        return Ok(Some(verdict));
    }
    bail!("{name} changed each time while it was being judged: try again")
}

/// Judges a pull request as the merge queue is about to merge it, and publishes the decision on the
/// queue's commit.
fn queued(
    args: &CheckArgs,
    github: &GitHub,
    gate: &Gate<'_, GitHub>,
    judgement: &Judgement,
    commit: &str,
    onto: &str,
) -> anyhow::Result<Verdict> {
    let [commit, onto] = github.bring_queued(&judgement.pull, commit, onto)?;
    let pull = judgement.queued_onto(github.repo(), onto)?;
    let queued = gate.judge(pull, judgement.same_head(), args.now.get())?;
    github.publish_on_queued(&queued.pull, &queued.decision, commit)
}

/// Writes the decision and what it is based on to files.
fn keep(folder: &Path, github: &GitHub, judgement: &Judgement) -> anyhow::Result<()> {
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    };
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    write("evidence.json", json(&judgement.evidence)?)?;
    write("github.json", json(&github.record_of(&judgement.pull))?)?;
    write("decision.json", json(&judgement.decision)?)
}
