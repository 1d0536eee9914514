//! The command line: one file for each verb, its arguments and one function.
//!
//! A verb gathers, asks the core, and prints. The time is read here, once, and the exit code is
//! made here: 0 all approved, 1 at least one denied, 3 none denied and at least one pending, 2
//! nothing could be decided.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::gate::watchdog::Watchdog;
use crate::policy::{Files, PolicyBundle};
use crate::time::Time;

mod check;
mod close;
mod completions;
mod demo;
mod doctor;
mod explain;
mod files;
mod form;
mod here;
mod hook;
mod index;
mod init;
mod list;
mod log;
mod man;
mod me;
mod merge;
mod new;
mod on_github;
mod progress;
mod receipt;
mod review;
mod schema;
mod show;
mod submit;
mod sweep;
mod test;
mod timeline;
mod window;

/// The exit code of a verb that could not decide.
pub const UNDECIDED: u8 = 2;

/// Policy-as-code change management whose only database is Git.
///
/// A change request is a YAML file; a pull request with it submits the change; reviews approve it.
/// changegate says whether the change may go ahead, who has to sign off, and when it may run.
#[derive(Parser)]
#[command(version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  changegate demo                           watch a change go from submission to the audit trail
  changegate new                            write a change request, in a dialogue
  changegate check                          judge all requests below requests/
  changegate check requests/CHG-1234.yaml   judge one
  changegate list --waiting-on-me           the changes that wait for your review
  changegate show CHG-1234                  the whole story of a change
  changegate log --since 2026-10-01         the audit trail of a quarter
  changegate explain window/closed          what a finding means and how to resolve it
  changegate window --tier high             when a high-risk change may run
  changegate test                           run the tests of the policies
  changegate schema change-request          what a request can hold, for editors

Exit codes of verbs that decide:
  0  all approved
  1  at least one denied
  3  none denied, at least one pending
  2  could not decide: bad usage, unreadable file, broken policies, a bound hit";

#[derive(Subcommand)]
enum Verb {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    New(Box<new::NewArgs>),
    Check(check::CheckArgs),
    Submit(submit::SubmitArgs),
    Review(review::ReviewArgs),
    Merge(merge::MergeArgs),
    Close(close::CloseArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Log(log::LogArgs),
    Sweep(sweep::SweepArgs),
    Doctor(doctor::DoctorArgs),
    Window(window::WindowArgs),
    Explain(explain::ExplainArgs),
    Test(test::TestArgs),
    Schema(schema::SchemaArgs),
    Form(form::FormArgs),
    Hook(hook::HookArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Which policies decide.
#[derive(Args, Debug)]
pub struct PoliciesArg {
    /// The folder with the policy bundle; policies/ if it exists, else the shipped one
    #[arg(long, value_name = "DIR")]
    policies: Option<std::path::PathBuf>,
}

/// Where a repository keeps its policies.
const POLICIES: &str = "policies";

impl PoliciesArg {
    /// Loads the bundle that was asked for.
    fn load(&self) -> anyhow::Result<PolicyBundle> {
        self.load_watched().map(|(bundle, _)| bundle)
    }

    /// The same, with the watchdog that goes on watching over decisions.
    fn load_watched(&self) -> anyhow::Result<(PolicyBundle, Watchdog)> {
        let files = self.files()?;
        let watchdog = Watchdog::start(&files);
        let watched = watchdog.watch();
        let bundle = PolicyBundle::load(files, crate::gate::cpu::thread_time)
            .map_err(|error| anyhow::anyhow!("the policies can't be used:\n{error}"))?;
        drop(watched);
        Ok((bundle, watchdog))
    }

    /// The files of the bundle that was asked for, sound or not.
    fn files(&self) -> anyhow::Result<Files> {
        match &self.policies {
            Some(dir) => files::bundle(dir),
            None if Path::new(POLICIES).is_dir() => files::bundle(Path::new(POLICIES)),
            None => Ok(PolicyBundle::embedded_files()),
        }
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

/// For which time is decided.
#[derive(Args, Debug)]
pub struct NowArg {
    /// The time to decide for, RFC 3339; the present if left out
    #[arg(long, value_name = "RFC3339")]
    now: Option<Time>,
}

impl NowArg {
    /// The present.
    fn present() -> Time {
        NowArg { now: None }.get()
    }

    /// The one place where the clock is read.
    fn get(&self) -> Time {
        self.now.unwrap_or_else(|| chrono::Utc::now().into())
    }
}

/// Parses the command line, runs the verb, and says how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.verb {
        Verb::Demo(args) => demo::run(&args),
        Verb::Init(args) => init::run(&args),
        Verb::New(args) => new::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Submit(args) => submit::run(&args),
        Verb::Review(args) => review::run(&args),
        Verb::Merge(args) => merge::run(&args),
        Verb::Close(args) => close::run(&args),
        Verb::List(args) => list::run(&args),
        Verb::Show(args) => show::run(&args),
        Verb::Log(args) => log::run(&args),
        Verb::Sweep(args) => sweep::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Window(args) => window::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Schema(args) => schema::run(&args),
        Verb::Form(args) => form::run(&args),
        Verb::Hook(args) => hook::run(&args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Man(args) => man::run(&args),
    };
    result.unwrap_or_else(|error| {
        if !is_closed_pipe(&error) {
            complain(&error);
        }
        ExitCode::from(UNDECIDED)
    })
}

/// Says on standard error why nothing could be decided.
fn complain(error: &anyhow::Error) {
    warn("error", &format!("{error:#}"));
}

/// Says something beside the output, whatever others wrote into it.
fn warn(mark: &str, text: &str) {
    for (number, line) in text.lines().enumerate() {
        let mark = if number == 0 { format!("{mark}: ") } else { "  ".to_owned() };
        eprintln!("{mark}{}", crate::report::escape::terminal(line));
    }
}

/// Whether whoever reads our output has gone: nothing that they would want to hear of.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Whether what goes to this stream may have colours.
fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Prints to standard output.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("write the output")
}

/// A value as JSON for scripts, in which nothing is hidden.
fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(crate::report::escape::json(&serde_json::to_string_pretty(value)?) + "\n")
}

/// The hint behind a name that isn't known; `list` is the command that lists those that are.
fn hint(name: &str, known: &[&str], list: &str) -> String {
    match crate::yaml::did_you_mean(name, known) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!("; `{list}` lists all"),
    }
}

/// A path as reports name it: with `/` between its parts.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}
