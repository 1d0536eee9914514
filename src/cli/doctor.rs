//! `changegate doctor`: checks whether the repository on GitHub protects what it has to protect.

use std::process::ExitCode;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::shared::args::AnswerFormat;
use super::shared::on_github::{ENVIRONMENT, GitHubArgs};
use super::shared::say;
use crate::cli::shared::say::end_at_bound;
use changegate::forge::github::doctor::{Answerer, Check, Examination, Grade, Mode, examine};
use changegate::gate::judge::Judges;
use changegate::report::escape::terminal;

/// The exit code if something isn't protected.
const UNPROTECTED: u8 = 1;

/// Check whether the repository on GitHub protects what it has to protect
///
/// A decision is only as good as what enforces it: the required status and its source, the rules of
/// the branches, who can bypass them, who owns policies and workflows, what the workflows may do,
/// and whether the people in the roster have the accounts that it names. Nothing is changed. Each
/// line is good (✓), advice (!), not protected (✗), or not visible with this token (?), which never
/// counts as good. An administrator of the repository sees most.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, ENVIRONMENT].concat())]
pub struct DoctorArgs {
    #[command(flatten)]
    on_github: GitHubArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

const EXAMPLES: &str = "\
Examples:
  GITHUB_TOKEN=$(gh auth token) changegate doctor
      after setting up, with an administrator's token
  CHANGEGATE_APP_ID=4242 CHANGEGATE_APP_KEY=app.pem changegate doctor --repo acme/ops
      with the identity of a GitHub App, if changegate runs as one
  changegate doctor --format json
      for a script; `changegate schema doctor` describes the output

Exit codes:
  0  nothing was found that isn't protected
  1  something isn't protected
  2  could not check: no token, no such repository";

/// The protection of a repository on GitHub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "Protection of a repository")]
pub struct DoctorView {
    /// The repository, `owner/name`.
    pub repository: String,
    /// The identity under which changegate writes results: if a person runs the check and the rules
    /// name an App, that App.
    pub mode: Mode,
    /// The checks, in the order in which they are shown.
    pub checks: Vec<Check>,
}

/// Runs the verb.
pub fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let place = args.on_github.open_to_look()?;
    let github = &place.github;
    let home = github.home()?;
    let org = Judges::new(end_at_bound)
        .at(github.repo(), home.tip)
        .map(|judge| judge.bundle().org.clone());
    let facts = github.look_over(&home, org.map_err(|error| format!("{error:#}")))?;
    let Examination { answerer, checks } = examine(&facts);
    let view =
        DoctorView { repository: github.repository().to_string(), mode: answerer.mode, checks };
    say::print(&match args.format {
        AnswerFormat::Text => render(&view, answerer),
        AnswerFormat::Json => say::json(&view)?,
    })?;
    let is_bad = view.checks.iter().any(|check| check.grade == Grade::Bad);
    Ok(ExitCode::from(if is_bad { UNPROTECTED } else { 0 }))
}

/// Returns the output for people.
fn render(view: &DoctorView, answerer: Answerer) -> String {
    let whom = match answerer.mode {
        Mode::Action => "a workflow".to_owned(),
        Mode::App(id) => format!("the App {id}"),
    };
    let by = if answerer.is_supposed { ", as the rules say" } else { "" };
    let mut out = format!("{}: changegate answers as {whom}{by}\n", view.repository);
    let mut about = "";
    for check in &view.checks {
        if check.about != about {
            about = &check.about;
            out.push_str(&format!("\n{}\n", terminal(about)));
        }
        out.push_str(&described(check));
    }
    out + "\n" + &summary(&view.checks) + "\n"
}

/// Returns a check, followed by why it matters and what to do.
fn described(check: &Check) -> String {
    let mut out = paragraph(&format!("  {} ", mark(check.grade)), &check.found);
    for text in check.why.iter() {
        out.push_str(&paragraph("      ", text));
    }
    for text in check.fix.iter() {
        out.push_str(&paragraph("      fix: ", text));
    }
    out
}

fn mark(grade: Grade) -> char {
    match grade {
        Grade::Good => '✓',
        Grade::Advice => '!',
        Grade::Unseen => '?',
        Grade::Bad => '✗',
    }
}

/// Returns a text after a prefix, broken into lines of the same indent. Text from elsewhere may
/// contain line breaks.
fn paragraph(beginning: &str, text: &str) -> String {
    say::hanging(beginning, &text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Writes `14 checks: 11 good, 2 advice, 1 not protected`.
fn summary(checks: &[Check]) -> String {
    let counts = [
        (Grade::Good, "good"),
        (Grade::Advice, "advice"),
        (Grade::Unseen, "not visible with this token"),
        (Grade::Bad, "not protected"),
    ];
    let counts = counts.iter().filter_map(|(grade, what)| {
        let count = checks.iter().filter(|check| check.grade == *grade).count();
        (count > 0).then(|| format!("{count} {what}"))
    });
    format!("{} checks: {}", checks.len(), counts.collect::<Vec<_>>().join(", "))
}
