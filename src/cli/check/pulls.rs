//! `changegate check --pr` and `--event`: judges pull requests on GitHub, and writes the results
//! there.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use super::CheckArgs;
use crate::cli::shared::say::{UNDECIDED, end_at_bound, json, print, warn};
use crate::cli::shared::{here, on_github};
use crate::core::terms::Verdict;
use crate::core::time::Time;
use crate::forge::github::{self, GitHub, Subject};
use crate::gate::judge::Judges;
use crate::gate::{Gate, Judgement};

/// Judges the given pull requests, one after another. If there are several, each is saved in a
/// folder of its own.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let place = args.on_github.open(args.dry_run)?;
    let github = &place.github;
    let subjects = match (&args.pr, &args.event) {
        (Some(number), _) => vec![Subject::Pull(*number)],
        (None, Some(file)) => {
            let (event, payload) = on_github::event(file)?;
            github.subjects(&event, &payload)?
        }
        (None, None) => Vec::new(),
    };
    if subjects.is_empty() {
        warn("note", "no pull request with this head is open: there is nothing to judge");
    }
    let now = args.now.get();
    let gate = Gate::new(github.repo(), github, Judges::new(end_at_bound));
    let mut strongest = None;
    let mut undecided = false;
    for subject in &subjects {
        let folder = args.keep.as_ref().map(|folder| match subjects.len() {
            1 => folder.clone(),
            _ => folder.join(subject.number().to_string()),
        });
        let check = || check(args, github, &gate, subject, folder.as_deref(), now);
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

/// Returns the verdict on one pull request; `None` if it isn't judged.
fn check(
    args: &CheckArgs,
    github: &GitHub,
    gate: &Gate<'_, GitHub>,
    subject: &Subject,
    folder: Option<&Path>,
    now: Time,
) -> anyhow::Result<Option<Verdict>> {
    let name = github::name(subject.number());
    let Some(judgement) = gate.check(&name, now)? else {
        let why = "it merges into a branch that the settings of the default branch don't protect";
        warn("note", &format!("{name} isn't judged: {why}"));
        return Ok(None);
    };
    if let Some(folder) = folder {
        keep(folder, github, &judgement)?;
    }
    here::report(&judgement, args.format, args.verbose)?;
    let mut verdict = judgement.decision.verdict;
    if let Subject::Queued { commit, onto, .. } = subject {
        let [commit, onto] = github.bring_queued(&judgement.pull, commit, onto)?;
        let queued =
            gate.judge(judgement.queued_onto(github.repo(), onto)?, judgement.same_head(), now)?;
        verdict = verdict.max(github.publish_on_queued(&queued.pull, &queued.decision, commit)?);
    }
    if args.dry_run {
        for plan in github.take_plans() {
            print(&format!("\nwould write to {}:\n{plan}", github::name(plan.number)))?;
        }
    }
    Ok(Some(verdict))
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
