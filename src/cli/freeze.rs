//! `changegate freeze`: what a freeze or a window that is only proposed would mean.

mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::shared::args::NowArg;
use super::shared::here::{HereArgs, own_commit};
use super::shared::lister::with_lister;
use super::shared::say;
use super::shared::site::beside;
use changegate::changes::fitting::{PreviewView, Tables, preview};
use changegate::changes::records::Records;
use changegate::content::bundle_files;
use changegate::core::calendar::Calendar;
use changegate::core::layout;
use changegate::core::org::Org;
use changegate::core::policy::{Files, PolicyBundle};
use changegate::core::time::Time;
use changegate::core::yaml;
use changegate::files;
use changegate::forge::Forge as _;
use changegate::forge::git::{CHANGE, Git};
use changegate::gate::Judgement;
use changegate::git::Oid;

/// Look at what a freeze or a window that is only proposed would mean
#[derive(Args, Debug)]
pub struct FreezeArgs {
    #[command(subcommand)]
    verb: FreezeVerb,
}

#[derive(Subcommand, Debug)]
enum FreezeVerb {
    Preview(PreviewArgs),
}

/// Show which planned changes proposed freezes and windows would hit
///
/// For each change that fits now and wouldn't any more it names who requests and performs it, the next time that
/// would fit, beside no other change to its targets, and the command that plans it then. Nothing is changed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate freeze preview policies/org/freezes/data.yaml
      what the freezes in this file would hit, in place of those on the base
  changegate freeze preview --branch change/spring-freeze
      what a branch with other policies would hit")]
struct PreviewArgs {
    /// A file with freezes or windows, in place of the table on the base
    #[arg(value_name = "FILE", required_unless_present_any = ["pr", "branch"])]
    file: Option<PathBuf>,

    /// The pull request with them: its number on GitHub, or the change's name
    #[arg(long, value_name = "NUMBER|NAME", conflicts_with_all = ["file", "branch"])]
    pr: Option<String>,

    /// The branch or commit with them
    #[arg(long, value_name = "BRANCH", conflicts_with = "file")]
    branch: Option<String>,

    #[command(flatten)]
    here: HereArgs,

    #[command(flatten)]
    now: NowArg,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: PreviewFormat,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum PreviewFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
    /// For a comment or a job's summary.
    Markdown,
}

/// Runs the verb.
pub fn run(args: &FreezeArgs) -> anyhow::Result<ExitCode> {
    let FreezeVerb::Preview(args) = &args.verb;
    let git = args.here.open_to_look()?;
    let (source, files) = proposed(args, &git)?;
    let org = PolicyBundle::tables(&files).with_context(|| format!("{source} can't be used"))?;
    let view = look(&git, &args.here, (&source, &org), args.now.get())?;
    say::print(&match args.format {
        PreviewFormat::Text => text::render(&view, say::width()),
        PreviewFormat::Json => say::json(&view)?,
        PreviewFormat::Markdown => text::markdown(&view),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the policies with what is proposed, and what that is called.
fn proposed(args: &PreviewArgs, git: &Git) -> anyhow::Result<(String, Files)> {
    let repo = git.repo();
    if let Some(file) = &args.file {
        let (source, bytes) = (file.display().to_string(), files::read(file)?);
        let mut files = bundle_files(repo, git.base()?)?;
        files.insert(table(file, &bytes)?, bytes);
        return Ok((source, files));
    }
    let (source, head) = match (&args.pr, &args.branch) {
        (Some(pull), _) => (pull.clone(), of_pull(git, pull)?),
        (None, Some(branch)) => (branch.clone(), own_commit(&git.branches, branch)?),
        (None, None) => bail!("name a file, --pr or --branch"),
    };
    Ok((source, bundle_files(repo, head)?))
}

/// Returns the head of a pull request.
fn of_pull(git: &Git, pull: &str) -> anyhow::Result<Oid> {
    if pull.bytes().all(|it| it.is_ascii_digit()) {
        let github = beside(&git.branches)?.context(
            "a pull request with a number is one on GitHub: the remote isn't there, or there is no token in \
             $GITHUB_TOKEN",
        )?;
        return Ok(github.pull(pull)?.head);
    }
    Ok(git.pull(pull.strip_prefix(CHANGE).unwrap_or(pull))?.head)
}

/// The most bytes of a table.
const LARGEST: usize = 16 * 1024 * 1024;

/// Returns the path of the table that a file is meant for, by what it holds.
fn table(file: &Path, bytes: &[u8]) -> anyhow::Result<String> {
    let held = yaml::parse_up_to(LARGEST, bytes).read::<serde_json::Value>().value;
    let held = held.as_ref().and_then(serde_json::Value::as_object).with_context(|| {
        format!("{} holds no table: write it as policies/org/freezes/data.yaml is", file.display())
    })?;
    let name = match held.contains_key("freezes") || held.contains_key("quarters") {
        true => "freezes",
        false => "windows",
    };
    Ok(format!("policies/org/{name}/data.yaml"))
}

/// Returns in words what the freezes and windows of a change of policies hit; empty if it changes none.
///
/// # Errors
/// When they can't be read.
pub fn in_words(git: &Git, judgement: &Judgement) -> anyhow::Result<String> {
    let is_calendar =
        |file: &str| ["freezes", "windows"].map(layout::table).iter().any(|it| it == file);
    if !judgement.changed_files().iter().any(|file| is_calendar(file)) {
        return Ok(String::new());
    }
    let files = bundle_files(git.repo(), judgement.pull.head)?;
    let org = PolicyBundle::tables(&files)?;
    // All of it was fetched a moment ago.
    let here = HereArgs { no_fetch: true, ..HereArgs::default() };
    let now = judgement.decision.evaluated_at;
    let view = look(git, &here, (&judgement.pull.name, &org), now)?;
    Ok(format!("What is planned:\n\n{}\n", text::render(&view, say::width())))
}

/// Returns what proposed tables hit.
pub fn look(
    git: &Git,
    here: &HereArgs,
    (source, proposed): (&str, &Org),
    now: Time,
) -> anyhow::Result<PreviewView> {
    with_lister(
        (git, here),
        now,
        |_| Ok(Records::default()),
        |lister, judge| {
            let calendar = Calendar::new(&proposed.windows, &proposed.freezes);
            let in_force = Tables { calendar: &judge.bundle().calendar, org: lister.org };
            preview(lister, (in_force, Tables { calendar: &calendar, org: proposed }), source)
        },
    )
}
