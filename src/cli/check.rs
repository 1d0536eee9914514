//! `changegate check`: judges request files.
//!
//! ```text
//! gather: paths ─▶ files ─▶ (two or more) an index of what each acts on, and when
//! judge:  file by file, in parallel: read, decide, render ─▶ sections
//! print:  sections as they come, those that are to stand further down spooled
//! ```
//!
//! Only the index, one chunk of sections and the spools' first megabyte are held in memory.

use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};
use rayon::prelude::*;
use tempfile::SpooledTempFile;

use super::shared::args::{NowArg, PoliciesArg};
use super::shared::here::{self, HereArgs};
use super::shared::on_github::{ENVIRONMENT, GitHubArgs};
use super::shared::progress::Progress;
use super::shared::say::{self, UNDECIDED, warn};
use crate::compose::index::Index;
use crate::content::folder::{self, Candidate};
use crate::core::decision::{Case, decide};
use crate::core::evidence::{Evidence, PullRequest};
use crate::core::layout::{INCIDENTS, REQUESTS, is_request};
use crate::core::policy::{Evaluator, PolicyBundle};
use crate::core::request::RequestFile;
use crate::core::time::Time;
use crate::core::yaml;
use crate::gate::watchdog::Watchdog;
use crate::report::page::shown;
use crate::report::{Format, Judged, Reporter, Section, Summary};

mod pulls;

/// Judge change requests: verdict, tier, who has to sign off, when they may run
///
/// Without evidence a request is judged as if its requester had just submitted it and nobody had
/// reviewed it. The requests of one run are each other's open requests: where two act on the same
/// target at the same time, both are told.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, ENVIRONMENT].concat())]
#[command(group = ArgGroup::new(PULLS).args(["pr", "event"]))]
pub struct CheckArgs {
    /// Request files, or folders with them
    #[arg(value_name = "PATH", default_value = REQUESTS)]
    paths: Vec<PathBuf>,

    /// The change that is submitted under this id: request, reviews and policies as Git holds them
    #[arg(long, value_name = "ID", conflicts_with_all = ["paths", "evidence", "policies", "head"])]
    branch: Option<String>,

    /// What a merge of this commit would bring; with --base, the branch or commit that it goes to
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["paths", "evidence", "policies"])]
    head: Option<String>,

    #[command(flatten)]
    here: HereArgs,

    /// The pull request of this number on GitHub; the answer is written there
    #[arg(long, value_name = "N", conflicts_with_all = ALONE)]
    pr: Option<u64>,

    /// The pull requests that this event on GitHub is about ($GITHUB_EVENT_PATH)
    #[arg(long, value_name = "FILE", conflicts_with_all = ALONE, conflicts_with = "pr")]
    event: Option<PathBuf>,

    #[command(flatten)]
    on_github: GitHubArgs,

    /// With --pr or --event: print what would be written, and write nothing
    #[arg(long, requires = PULLS)]
    dry_run: bool,

    /// With --pr or --event: keep in this folder what the decision rests on, and itself:
    /// evidence.json, github.json with every answer of GitHub's, word for word, and decision.json
    #[arg(long, value_name = "DIR", requires = PULLS)]
    keep: Option<PathBuf>,

    /// The facts about the pull request that brings the request (YAML or JSON)
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,

    #[command(flatten)]
    policies: PoliciesArg,

    #[command(flatten)]
    now: NowArg,

    /// How to report
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Tell of approved requests as much as of others
    #[arg(short, long)]
    verbose: bool,
}

/// The arguments that name pull requests on GitHub.
const PULLS: &str = "pulls";

/// What doesn't go together with them.
const ALONE: [&str; 6] = ["paths", "evidence", "policies", "branch", "head", "base"];

const EXAMPLES: &str = "\
Examples:
  changegate check
      judge all requests below requests/
  changegate check requests/CHG-1234.yaml --evidence evidence.yaml
      judge one with the reviews that it has
  changegate check --branch CHG-1234
      judge a submitted change with its reviews, by the policies of main
  changegate check --pr 7 --repo acme/ops --dry-run
      judge a pull request on GitHub, and print what it would be told
  changegate check --now 2026-12-24T10:00:00Z
      judge as if it were Christmas Eve
  changegate check --format sarif > changegate.sarif
      for code scanning; json, markdown and github are the others

Exit codes:
  0  all approved
  1  at least one denied
  3  none denied, at least one pending
  2  could not decide: bad usage, unreadable file, broken policies, a bound hit";

/// How many requests are judged before their sections are written.
const CHUNK: usize = 256;

/// How many of them a thread takes at most, so that none waits for another at a chunk's end.
const PIECE: usize = 4;

/// Runs the verb.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    if args.pr.is_some() || args.event.is_some() {
        return pulls::run(args);
    }
    if args.branch.is_some() || args.head.is_some() || args.here.base.is_some() {
        return check_commits(args);
    }
    let now = args.now.get();
    let (bundle, watchdog) = args.policies.load_watched()?;
    let evidence = args.evidence.as_deref().map(read_evidence).transpose()?;
    let candidates = candidates(args, evidence.as_ref())?;
    let reporter = Reporter {
        format: args.format,
        colour: say::colour(&io::stdout()),
        verbose: args.verbose,
        codes: &|| bundle.codes(),
    };
    let progress = Progress::of(candidates.len());
    let index = if candidates.len() > 1 { Index::of(&candidates) } else { Index::default() };
    let judge = Judge { bundle: &bundle, evidence, index, now, watchdog, idle: Mutex::default() };

    let mut summary = Summary::default();
    let mut printer = Printer::begin(&reporter)?;
    for chunk in candidates.chunks(CHUNK) {
        let section = |candidate| judge.section(candidate, &reporter);
        let sections: Vec<_> = match chunk {
            // Threads aren't worth starting for one.
            [only] => vec![section(only)],
            _ => chunk.par_iter().with_max_len(PIECE).map(section).collect(),
        };
        for section in sections {
            match section {
                Ok(section) => {
                    summary.add(&section);
                    printer.print(&section)?;
                }
                Err(error) => {
                    summary.undecided += 1;
                    say::complain(&error);
                }
            }
        }
        progress.advance(chunk.len());
    }
    progress.finish();
    printer.end(&summary)?;
    Ok(exit_code(&summary))
}

/// Judges a pull request of plain Git.
fn check_commits(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open_to_look()?;
    let now = args.now.get();
    let judgement = match (&args.branch, &args.head) {
        (Some(id), _) => here::gate(&git).check(here::name_of(id), now)?,
        (None, Some(head)) => here::judge_commits(&git, &git.base_ref, head, now)?,
        (None, None) => bail!("--base needs --branch or --head: what is to be merged into it"),
    };
    let name = &judgement.pull.name;
    if args.branch.is_some() && git.is_closed(name, &judgement.bundle().org)? {
        warn(
            "note",
            &format!("{name} was given up: `changegate close {name} --reopen` takes it up"),
        );
    }
    here::report(&judgement, args.format, args.verbose)?;
    Ok(ExitCode::from(judgement.decision.verdict.exit_code()))
}

/// 2 if one couldn't be decided, else by the strongest verdict.
fn exit_code(summary: &Summary) -> ExitCode {
    ExitCode::from(match summary.strongest() {
        _ if summary.undecided > 0 => UNDECIDED,
        Some(verdict) => verdict.exit_code(),
        None => 0,
    })
}

/// What the paths name, or the evidence's pull request.
fn candidates(args: &CheckArgs, evidence: Option<&Evidence>) -> anyhow::Result<Vec<Candidate>> {
    let changed = evidence
        .and_then(|evidence| evidence.pull_request.as_ref())
        .and_then(|pull_request| pull_request.files.as_ref());
    let paths_are_default = args.paths == [PathBuf::from(REQUESTS)];
    if let (true, Some(changed)) = (paths_are_default, changed) {
        return Ok(candidates_of(changed));
    }
    let mut candidates = Vec::new();
    for path in &args.paths {
        let kind = path.metadata().with_context(|| format!("read {}", path.display()))?;
        if kind.is_dir() {
            candidates.extend(folder::below(path)?.into_iter().filter_map(in_folder));
        } else {
            candidates.push(Candidate::File(path.clone()));
        }
    }
    if evidence.is_some() && candidates.len() != 1 {
        bail!(
            "--evidence tells of one pull request with one request, and {} files were named: \
             name that request's file",
            candidates.len()
        );
    }
    if candidates.is_empty() {
        let folders: Vec<_> = args.paths.iter().map(|path| path.display().to_string()).collect();
        bail!(
            "no request files below {}: write one such as requests/CHG-1234.yaml",
            folders.join(", ")
        );
    }
    Ok(candidates)
}

/// The requests among a pull request's files; if there are none, it changes policies.
fn candidates_of(changed: &[String]) -> Vec<Candidate> {
    let requests: Vec<_> = changed
        .iter()
        .filter(|path| is_request(path))
        .map(|path| Candidate::File(PathBuf::from(path)))
        .collect();
    if requests.is_empty() { vec![Candidate::Policies] } else { requests }
}

/// A file found in a folder of requests; incident records have a folder of their own.
fn in_folder((path, is_regular): (PathBuf, bool)) -> Option<Candidate> {
    let in_incidents = shown(&path).contains(&format!("{INCIDENTS}/"));
    let candidate = if is_regular { Candidate::File(path) } else { Candidate::NoFile(path) };
    (!in_incidents).then_some(candidate)
}

/// The most bytes that evidence may have: it holds other requests too.
const LARGEST_EVIDENCE: usize = 64 * 1024 * 1024;

/// Reads an evidence file, strictly.
fn read_evidence(path: &Path) -> anyhow::Result<Evidence> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let reading = yaml::parse_up_to(LARGEST_EVIDENCE, &bytes).read::<Evidence>();
    if let (Some(evidence), true) = (reading.value, reading.problems.is_empty()) {
        return Ok(evidence);
    }
    let problems = reading.problems.iter().map(|problem| {
        let help = problem.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
        let (line, column) = (problem.span.line, problem.span.column);
        format!("{}:{line}:{column}: {}{help}", path.display(), problem.message)
    });
    bail!("the evidence can't be used:\n{}", problems.collect::<Vec<_>>().join("\n"))
}

/// What all requests of a run are judged by.
struct Judge<'a> {
    bundle: &'a PolicyBundle,
    evidence: Option<Evidence>,
    index: Index,
    now: Time,
    watchdog: Watchdog,
    idle: Mutex<Vec<Evaluator>>,
}

impl Judge<'_> {
    /// The report's section on one candidate.
    fn section(&self, candidate: &Candidate, reporter: &Reporter<'_>) -> anyhow::Result<Section> {
        let read = candidate.read()?;
        let file = read.as_ref().map(|(file, _)| file);
        let evidence = self.evidence_for(file);
        let case = Case { file, evidence: &evidence, now: self.now };
        let mut evaluator = self.take_evaluator();
        let decided = {
            let _watched = self.watchdog.watch();
            decide(&case, self.bundle, &mut evaluator)
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(evaluator);
        let name = || file.map_or("the change of policies", |file| &file.path).to_owned();
        let decided = decided.with_context(|| format!("decide {}", name()))?;
        Ok(reporter.section(&Judged {
            decision: &decided.decision,
            request: file.and_then(|file| file.request.as_ref()),
            source: read.as_ref().map_or("", |(_, source)| source),
        }))
    }

    /// The evidence that was given, and what the run's other requests add.
    fn evidence_for(&self, file: Option<&RequestFile>) -> Evidence {
        let mut evidence = self.evidence.clone().unwrap_or_default();
        if let Some(file) = file {
            if let Some(PullRequest { files: files @ None, .. }) = &mut evidence.pull_request {
                *files = Some(vec![file.path.clone()]);
            }
            self.index.add_to(&mut evidence, file);
        }
        evidence
    }

    fn take_evaluator(&self) -> Evaluator {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| self.bundle.evaluator())
    }
}

/// How much of what stands further down is kept in memory, in bytes.
const SPOOL: usize = 1024 * 1024;

/// Writes sections in the order of their groups, though they come by path.
struct Printer<'a> {
    reporter: &'a Reporter<'a>,
    out: io::BufWriter<io::StdoutLock<'static>>,
    later: Vec<SpooledTempFile>,
    is_first: [bool; Section::GROUPS],
}

impl<'a> Printer<'a> {
    fn begin(reporter: &'a Reporter<'a>) -> anyhow::Result<Self> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        out.write_all(reporter.begin().as_bytes()).context("write the report")?;
        let later = (1..Section::GROUPS).map(|_| SpooledTempFile::new(SPOOL)).collect();
        Ok(Printer { reporter, out, later, is_first: [true; Section::GROUPS] })
    }

    fn print(&mut self, section: &Section) -> anyhow::Result<()> {
        if section.text.is_empty() {
            return Ok(());
        }
        let target: &mut dyn Write = match section.group.checked_sub(1) {
            None => &mut self.out,
            Some(later) => &mut self.later[later],
        };
        if !std::mem::take(&mut self.is_first[section.group]) {
            target.write_all(self.reporter.separator().as_bytes()).context("write the report")?;
        }
        target.write_all(section.text.as_bytes()).context("write the report")
    }

    fn end(mut self, summary: &Summary) -> anyhow::Result<()> {
        let mut something_before = !self.is_first[0];
        for (group, spool) in self.later.iter_mut().enumerate() {
            if self.is_first[group + 1] {
                continue;
            }
            if std::mem::replace(&mut something_before, true) {
                self.out
                    .write_all(self.reporter.separator().as_bytes())
                    .context("write the report")?;
            }
            spool
                .rewind()
                .and_then(|()| io::copy(spool, &mut self.out))
                .context("write the report")?;
        }
        self.out.write_all(self.reporter.end(summary).as_bytes()).context("write the report")?;
        self.out.flush().context("write the report")
    }
}
