//! The command line: one file for each verb, its arguments and one function.
//!
//! A verb collects facts, calls the core, and prints the result. The time is read here, once, and
//! the exit code is determined here: 0 all approved, 1 at least one denied, 3 none denied and at
//! least one pending, 2 nothing could be decided.

use std::io;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};
use dialoguer::console;

use self::shared::prompt::Interrupted;
use self::shared::say::{FORBIDDEN, INTERRUPTED, UNDECIDED, colour, complain, undecided};
use changegate::COMMIT;
use changegate::core::org::TZDB;
use changegate::execute::NotTaken;
use changegate::forge::git::Rejected;
use changegate::gate::apart;

mod audit;
mod authorize;
mod begin;
mod calendar;
mod cancel;
mod check;
mod close;
mod comment;
mod completions;
mod demo;
mod doctor;
mod escalate;
#[cfg(unix)]
mod exec;
mod explain;
mod form;
mod freeze;
mod hook;
mod incident;
mod init;
mod list;
mod log;
mod man;
mod merge;
mod new;
mod operations;
mod outcome;
mod record;
mod report;
mod reschedule;
mod review;
mod schema;
mod shared;
mod show;
mod signers;
mod submit;
mod sweep;
mod sync;
mod template;
mod test;
mod verify;
mod window;

#[cfg(test)]
mod tests;

/// Policy-as-code change management whose only database is Git.
///
/// A change request is a YAML file; a pull request with it submits the change; reviews approve it.
/// changegate says whether the change may go ahead, who has to sign off, and when it may run.
#[derive(Parser)]
#[command(version, long_version = LONG_VERSION.as_str(), propagate_version = true, after_help = EXAMPLES)]
#[command(mut_arg("color", |arg| arg.help("When to use colour")))]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,

    #[command(flatten)]
    color: colorchoice_clap::Color,
}

/// What `--version` says, a line each: the version, the commit that it was built from if that is
/// known, and the version of its time zones, on which windows depend.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let commit = COMMIT.map(|commit| format!("commit {commit}\n")).unwrap_or_default();
    format!("{}\n{commit}tzdb {TZDB}", env!("CARGO_PKG_VERSION"))
});

const EXAMPLES: &str = "\
Examples:
  changegate demo                           watch a change go from submission to the audit trail
  changegate new                            write a change request, in a dialogue
  changegate check                          judge what is new in requests/
  changegate check requests/CHG-1234.yaml   judge one
  changegate list --waiting-on-me           the changes that wait for your review
  changegate calendar                       what is planned in the next days
  changegate show CHG-1234                  the whole story of a change
  changegate log --since 2026-10-01         the audit trail of a quarter
  changegate audit verify                   whether the record is whole and true
  changegate explain window/closed          what a finding means and how to resolve it
  changegate window --tier high             when a high-risk change may run
  changegate test                           run the tests of the policies
  changegate schema change-request          the fields of a request, for editors

Exit codes of verbs that decide:
  0  all approved
  1  at least one denied
  3  none denied, at least one pending
  2  could not decide: wrong usage, unreadable file, invalid policies, limit exceeded";

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
    Authorize(authorize::AuthorizeArgs),
    #[cfg(unix)]
    Exec(exec::ExecArgs),
    Begin(begin::BeginArgs),
    End(begin::EndArgs),
    Record(record::RecordArgs),
    Verify(verify::VerifyArgs),
    Outcome(outcome::OutcomeArgs),
    Cancel(cancel::CancelArgs),
    Escalate(escalate::EscalateArgs),
    Incident(incident::IncidentArgs),
    Operations(operations::OperationsArgs),
    Sync(sync::SyncArgs),
    List(list::ListArgs),
    Calendar(calendar::CalendarArgs),
    Report(report::ReportArgs),
    Show(show::ShowArgs),
    Log(log::LogArgs),
    Audit(audit::AuditArgs),
    Signers(signers::SignersArgs),
    Sweep(sweep::SweepArgs),
    Doctor(doctor::DoctorArgs),
    Window(window::WindowArgs),
    Freeze(freeze::FreezeArgs),
    Template(template::TemplateArgs),
    Reschedule(reschedule::RescheduleArgs),
    Explain(explain::ExplainArgs),
    Test(test::TestArgs),
    Schema(schema::SchemaArgs),
    Form(form::FormArgs),
    Comment(comment::CommentArgs),
    Hook(hook::HookArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Parses the command line, runs the verb, and returns its exit code.
pub fn main() -> ExitCode {
    // Not one of the verbs, so that it is suggested to nobody.
    if std::env::args_os().nth(1).is_some_and(|verb| verb == apart::VERB) {
        return ended(evaluate());
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    cli.color.write_global();
    console::set_colors_enabled_stderr(colour(&io::stderr()));
    ended(match cli.verb {
        Verb::Demo(args) => demo::run(&args),
        Verb::Init(args) => init::run(&args),
        Verb::New(args) => new::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Submit(args) => submit::run(&args),
        Verb::Review(args) => review::run(&args),
        Verb::Merge(args) => merge::run(&args),
        Verb::Close(args) => close::run(&args),
        Verb::Authorize(args) => authorize::run(&args),
        #[cfg(unix)]
        Verb::Exec(args) => exec::run(&args),
        Verb::Begin(args) => begin::run(&args),
        Verb::End(args) => begin::run_end(&args),
        Verb::Record(args) => record::run(&args),
        Verb::Verify(args) => verify::run(&args),
        Verb::Outcome(args) => outcome::run(&args),
        Verb::Cancel(args) => cancel::run(&args),
        Verb::Escalate(args) => escalate::run(&args),
        Verb::Incident(args) => incident::run(&args),
        Verb::Operations(args) => operations::run(&args),
        Verb::Sync(args) => sync::run(&args),
        Verb::List(args) => list::run(&args),
        Verb::Calendar(args) => calendar::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::Show(args) => show::run(&args),
        Verb::Log(args) => log::run(&args),
        Verb::Audit(args) => audit::run(&args),
        Verb::Signers(args) => signers::run(&args),
        Verb::Sweep(args) => sweep::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Window(args) => window::run(&args),
        Verb::Freeze(args) => freeze::run(&args),
        Verb::Template(args) => template::run(&args),
        Verb::Reschedule(args) => reschedule::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Schema(args) => schema::run(&args),
        Verb::Form(args) => form::run(&args),
        Verb::Comment(args) => comment::run(&args),
        Verb::Hook(args) => hook::run(&args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Man(args) => man::run(&args),
    })
}

/// Says what is wrong with the command line, or what was asked for, and returns the exit code.
fn misused(error: &clap::Error) -> ExitCode {
    // Where nothing can be printed, the code says it.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(undecided()) } else { ExitCode::SUCCESS }
}

/// Evaluates policies for another process of this program.
fn evaluate() -> anyhow::Result<ExitCode> {
    apart::evaluate(io::stdin().lock(), io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// Says why a verb failed, and returns the exit code.
fn ended(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::from(if error.is::<Interrupted>() {
            INTERRUPTED
        } else if error.is::<Rejected>() || error.is::<NotTaken>() {
            FORBIDDEN
        } else {
            UNDECIDED
        })
    })
}
