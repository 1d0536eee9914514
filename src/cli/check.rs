//! `changegate check`: judges request files.
//!
//! ```text
//! gather: paths ─▶ files ─▶ (two or more) an index of their targets and times
//! judge:  file by file, in parallel: read, decide, render ─▶ sections
//! print:  sections as they arrive; those that are printed later are spooled
//! ```
//!
//! Only the index, one chunk of sections and the first megabyte of each spool are in memory.

use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};
use rayon::prelude::*;
use tempfile::SpooledTempFile;

use super::shared::args::{NowArg, PoliciesArg};
use super::shared::here::{self, HereArgs};
use super::shared::on_github::{ENVIRONMENT, GitHubArgs};
use super::shared::place::Place;
use super::shared::progress::Progress;
use super::shared::say::{self, UNDECIDED};
use changegate::compose::beside::Beside;
use changegate::compose::index::Index;
use changegate::content::folder::Candidate;
use changegate::core::decision::Case;
use changegate::core::evidence::{Evidence, PullRequest};
use changegate::core::request::RequestFile;
use changegate::core::time::Time;
use changegate::core::yaml;
use changegate::files;
use changegate::gate::judge::Judge;
use changegate::report::{Format, Judged, Reporter, Section, Summary};

mod candidates;
mod pulls;

/// Judge change requests: verdict, tier, who has to sign off, when they may run
///
/// Without evidence, a request is judged as if its requester had just submitted it and nobody had
/// reviewed it. The requests of one run are treated as open at the same time: where two act on the
/// same target at the same time, both are reported.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, ENVIRONMENT].concat())]
#[command(group = ArgGroup::new(PULLS).args(["pr", "event"]))]
pub struct CheckArgs {
    /// Request files, folders with them, ids of requests, or - for standard input; the repository's
    /// requests/ if left out
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Judge the merged requests, too, as if they were new
    #[arg(long, conflicts_with = "paths")]
    all: bool,

    /// A submitted change, by its id: request, reviews and policies as Git holds them
    #[arg(long, value_name = "ID", conflicts_with_all = ["paths", "all", "evidence", "policies", "head"])]
    branch: Option<String>,

    /// What merging this commit would change; with --base, the branch or commit that it merges into
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["paths", "evidence", "policies"])]
    head: Option<String>,

    #[command(flatten)]
    here: HereArgs,

    /// The pull request with this number on GitHub; the result is written there
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

    /// With --pr or --event: save in this folder what the decision is based on and the decision
    /// itself: evidence.json, github.json with every response from GitHub unchanged, and
    /// decision.json
    #[arg(long, value_name = "DIR", requires = PULLS)]
    keep: Option<PathBuf>,

    /// The facts about the pull request that contains the request (YAML or JSON)
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,

    #[command(flatten)]
    policies: PoliciesArg,

    #[command(flatten)]
    now: NowArg,

    /// The format of the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Report approved requests in as much detail as others
    #[arg(short, long)]
    verbose: bool,
}

/// The arguments that name pull requests on GitHub.
const PULLS: &str = "pulls";

/// The arguments that can't be combined with them.
const ALONE: [&str; 7] = ["paths", "all", "evidence", "policies", "branch", "head", "base"];

const EXAMPLES: &str = "\
Examples:
  changegate check
      judge what is new in requests/, compared with the branch that changes are merged into
  changegate check requests/CHG-1234.yaml --evidence evidence.yaml
      judge one request with its reviews
  changegate check CHG-1234
      judge the one with this id, from anywhere in the repository
  changegate check --branch CHG-1234
      judge a submitted change with its reviews, by the policies of main
  changegate check --pr 7 --repo acme/ops --dry-run
      judge a pull request on GitHub, and print the result that it would get
  changegate check --now 2026-12-24T10:00:00Z
      judge as if it were Christmas Eve
  changegate check --format sarif > changegate.sarif
      for code scanning; the other formats are text, json, markdown and github

Exit codes:
  0  all approved
  1  at least one denied
  3  none denied, at least one pending
  2  could not decide: wrong usage, unreadable file, invalid policies, limit exceeded";

/// How many requests are judged before their sections are written.
const CHUNK: usize = 256;

/// The most of them that one thread takes at once, so that no thread waits for another at the end
/// of a chunk.
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
    let place = Place::around(args.paths.iter().map(PathBuf::as_path))?;
    let evidence = args.evidence.as_deref().map(read_evidence).transpose()?;
    let mut candidates = candidates::of(args, &place, evidence.as_ref())?;
    let judge = match candidates.len() {
        0 | 1 => args.policies.load(&place)?,
        _ => args.policies.load_for_several(&place)?,
    };
    // Evidence that is given is all that is known.
    let git = args.here.at_hand(place.work_tree()).filter(|_| evidence.is_none());
    let base_ref = git.as_ref().map(|git| git.base_ref.clone()).unwrap_or_default();
    let mut beside = git.map(|git| Beside::of(git, &judge.bundle().org)).transpose()?;
    if let Some(beside) = &mut beside {
        if args.paths.is_empty() && !args.all {
            candidates = candidates::new_here(beside, &base_ref, candidates)?;
        }
        beside.are_many = candidates.len() > 1;
    }
    let reporter = Reporter {
        format: args.format,
        policies: &judge.source,
        colour: say::colour(&io::stdout()),
        width: say::width(),
        verbose: args.verbose,
        codes: &|| judge.bundle().codes(),
    };
    let progress = Progress::of(candidates.len());
    let index = if candidates.len() > 1 { Index::of(&candidates) } else { Index::default() };
    let run = Run { judge: &judge, evidence, beside, index, now };

    let mut summary = Summary::default();
    let mut printer = Printer::begin(&reporter)?;
    for chunk in candidates.chunks(CHUNK) {
        let section = |candidate| run.section(candidate, &reporter);
        let sections: Vec<_> = match chunk {
            // A single request isn't worth starting threads.
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

/// Judges a pull request in plain Git.
fn check_commits(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let git = args.here.open_to_look()?;
    let now = args.now.get();
    let judgement = match (&args.branch, &args.head) {
        (Some(id), _) => here::check(&git, here::name_of(id), now)?,
        (None, Some(head)) => here::judge_commits(&git, &git.base_ref, head, now)?,
        (None, None) => bail!("--base needs --branch or --head, which says what to merge into it"),
    };
    if args.branch.is_some() {
        here::say_if_closed(&git, &judgement, &args.here)?;
    }
    here::report(&judgement, args.format, args.verbose)?;
    Ok(ExitCode::from(judgement.decision.verdict.exit_code()))
}

/// Returns 2 if a request couldn't be decided, otherwise the exit code of the strongest verdict.
fn exit_code(summary: &Summary) -> ExitCode {
    ExitCode::from(match summary.strongest() {
        _ if summary.undecided > 0 => UNDECIDED,
        Some(verdict) => verdict.exit_code(),
        None => 0,
    })
}

/// The largest evidence file in bytes: it contains other requests, too.
const LARGEST_EVIDENCE: usize = 64 * 1024 * 1024;

/// Reads an evidence file, strictly.
fn read_evidence(path: &Path) -> anyhow::Result<Evidence> {
    let bytes = files::read_up_to(LARGEST_EVIDENCE, path)?;
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

/// The facts by which all requests of a run are judged.
struct Run<'a> {
    judge: &'a Judge,
    evidence: Option<Evidence>,
    /// The shared branches, where they are at hand.
    beside: Option<Beside<'a>>,
    index: Index,
    now: Time,
}

impl Run<'_> {
    /// Returns the report's section about one candidate.
    fn section(&self, candidate: &Candidate, reporter: &Reporter<'_>) -> anyhow::Result<Section> {
        let read = candidate.read()?;
        let file = read.as_ref().map(|(file, _)| file);
        let evidence = self.evidence_for(candidate, read.as_ref())?;
        let case = Case { file, evidence: &evidence, brings: None, now: self.now };
        let decided = self.judge.decide(&case);
        let name = || file.map_or("the change of policies", |file| &file.path).to_owned();
        let decided = decided.with_context(|| format!("decide {}", name()))?;
        Ok(reporter.section(&Judged {
            decision: &decided.decision,
            request: file.and_then(|file| file.request.as_ref()),
            source: read.as_ref().map_or("", |(_, source)| source),
        }))
    }

    /// Returns the given evidence, with the run's other requests added, and those on the shared
    /// branches unless the request is merged in this form.
    fn evidence_for(
        &self,
        candidate: &Candidate,
        read: Option<&(RequestFile, String)>,
    ) -> anyhow::Result<Evidence> {
        let mut evidence = self.evidence.clone().unwrap_or_default();
        let Some((file, source)) = read else { return Ok(evidence) };
        if let Some(PullRequest { files: files @ None, .. }) = &mut evidence.pull_request {
            *files = Some(vec![file.path.clone()]);
        }
        let is_new = |beside: &&Beside<'_>| !beside.is_merged(&file.path, source.as_bytes());
        if let Some(beside) = self.beside.as_ref().filter(is_new) {
            let is_placed = matches!(candidate, Candidate::File(..));
            beside.add_to(&mut evidence, file, is_placed, self.now)?;
        }
        let is_over = |id: &_| self.beside.as_ref().is_some_and(|beside| beside.is_over(id));
        self.index.add_to(&mut evidence, file, &is_over);
        Ok(evidence)
    }
}

/// How much of the sections that are printed later is kept in memory, in bytes.
const SPOOL: usize = 1024 * 1024;

/// Writes sections in the order of their groups, although they arrive in the order of their paths.
struct Printer<'a> {
    reporter: &'a Reporter<'a>,
    out: io::BufWriter<say::Output>,
    later: Vec<SpooledTempFile>,
    is_first: [bool; Section::GROUPS],
}

impl<'a> Printer<'a> {
    fn begin(reporter: &'a Reporter<'a>) -> anyhow::Result<Self> {
        let mut out = io::BufWriter::new(say::Output::lock());
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
