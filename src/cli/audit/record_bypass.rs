//! `changegate audit record-bypass`: says later who went around the gate, and why.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::look::open;
use crate::cli::shared::args::{AnswerFormat, NowArg, said};
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::me::me;
use crate::cli::shared::say;
use changegate::audit::find::find;
use changegate::core::record::explanation::Explanation;
use changegate::core::record::statement::{Kind, Statement};
use changegate::core::terms::Login;
use changegate::forge::git::{Git, Rejected};
use changegate::gate::judge::Judges;
use changegate::gate::merge::signs;
use changegate::gate::record::{Record, Recorder, of_explanation};
use changegate::gate::recording::{append, arrived, log_of};
use changegate::gate::signing::end;
use changegate::git::Moved;
use changegate::ledger::{self, LEDGER, Placed, Signer, Tip};

/// How often it starts again because the ledger moved in the meantime.
const ATTEMPTS: usize = 20;

/// Record who went around the gate, and why
///
/// The bypass itself is recorded by the merge after it, or now, and stays as it is: an explanation is an
/// entry of its own, in your name and dated now. It changes no count.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit record-bypass 4f0c1d2 --because \"the cluster was down, INC-042\"
      explain a commit that `changegate audit coverage` names
  changegate audit record-bypass 4711 --who bob --because \"agreed on the phone with carol\"
      explain the entry with this index, and say whose doing it was

Exit codes:
  0  recorded
  1  the server rejected it
  2  could not be recorded")]
pub struct RecordBypassArgs {
    /// The commit on the protected branch, or the index or id of its entry
    #[arg(value_name = "COMMIT|INDEX")]
    id: String,

    /// Why it was done
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    because: String,

    /// Whose doing it was, if the record doesn't name them
    #[arg(long, value_name = "LOGIN")]
    who: Option<Login>,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// What was recorded.
#[derive(Serialize, JsonSchema)]
pub struct Recorded {
    /// The index of the new entry.
    index: u64,
    /// The commit that holds it.
    commit: String,
    /// The id of the bypass's entry.
    explains: String,
}

/// Runs the verb.
pub fn run(args: &RecordBypassArgs) -> anyhow::Result<ExitCode> {
    let said = Explanation::new(&args.because, args.who.clone()).map_err(|why| anyhow!(why))?;
    let judges = judges()?;
    for _ in 0..ATTEMPTS {
        let git = open(&args.here)?;
        let base = git.base()?;
        let judge = judges.at(git.repo(), base)?;
        let org = &judge.bundle().org;
        let by = me(git.branches.program(), &org.roster)?;
        let tip = end(&git, &judges)?.with_context(|| format!("there is no branch {LEDGER}"))?;
        let recorder = Recorder { who: by.as_str(), at: NowArg::present() };
        let (mut records, bypass) = match unrecorded(&git, &judges, &tip, &args.id, recorder)? {
            Some(due) => due,
            None => (Vec::new(), recorded(&git, &args.id)?),
        };
        if let Some(who) = &args.who {
            is_open(who, &bypass)?;
            if !org.roster.people.contains_key(who) {
                let base = &git.base_ref;
                say::warn(
                    "warning",
                    &format!("{who} isn't in the roster on {base}: is the login right?"),
                );
            }
        }
        let bypass = bypass.id();
        let on = (git.base_ref.as_str(), base);
        records.push(of_explanation(git.repo(), on, &bypass, &said, &log_of(&tip), recorder)?);
        let signer = Signer::person(by.as_str(), signs(&git, org));
        let moves = append(&git, &judges, Some(&tip), records, signer)?;
        match git.branches.put_all(&moves)? {
            Moved::Yes => {
                let commit = moves.first().map(|(_, _, to)| *to).context("nothing was written")?;
                let index = ledger::read(git.repo(), commit)?.entry?.index;
                let explains = bypass.to_string();
                return tell(args, &Recorded { index, commit: commit.to_string(), explains });
            }
            Moved::Lost(_) => {}
            Moved::Refused(why) => return Err(Rejected(format!("the explanation:\n{why}")).into()),
        }
    }
    bail!("the ledger changed during every attempt: run the command again")
}

/// Checks that the record doesn't name somebody else.
fn is_open(who: &Login, bypass: &Statement) -> anyhow::Result<()> {
    let merge = bypass.predicate.merge.as_ref();
    match merge.and_then(|merge| merge.by.as_deref()) {
        Some(by) if by != who.as_str() => bail!(
            "the record names {by}, so that it can't be {who}'s doing: leave out --who, and say in \
             --because what {who} had to do with it"
        ),
        _ => Ok(()),
    }
}

/// Makes the records of what reached the base and isn't recorded, if a commit of that is meant. Returns
/// them, and the one about the commit.
fn unrecorded(
    git: &Git,
    judges: &Judges,
    tip: &Tip,
    name: &str,
    recorder: Recorder<'_>,
) -> anyhow::Result<Option<(Vec<Record>, Statement)>> {
    let (records, _) = arrived(git, judges, tip, git.base()?, recorder)?;
    let is_meant = |record: &&Record| {
        let merge = record.statement.predicate.merge.as_ref();
        name.len() >= 7 && merge.is_some_and(|it| it.covers.to.to_string().starts_with(name))
    };
    let Some(meant) = records.iter().find(is_meant).map(|record| &record.statement) else {
        return Ok(None);
    };
    ensure!(
        meant.predicate.kind == Kind::Bypass,
        "`{name}` is the merge of a change that was approved, and not a bypass: the next merge records it"
    );
    let meant = meant.clone();
    Ok(Some((records, meant)))
}

/// Returns the recorded bypass that is meant.
fn recorded(git: &Git, name: &str) -> anyhow::Result<Statement> {
    let found = find(git.repo(), &|name: &str| git.branches.tip(name), name)?;
    if let Some(problem) = found.problem {
        bail!("the ledger can't be relied on: {problem}; run `changegate audit verify`");
    }
    let is_bypass = |it: &&Placed| it.entry.statement.predicate.kind == Kind::Bypass;
    let bypasses: Vec<_> = found.entries.iter().filter(is_bypass).collect();
    match (&bypasses[..], found.entries.first()) {
        ([one], _) => Ok(one.entry.statement.clone()),
        ([], Some(other)) => bail!(
            "`{name}` is entry {}, of kind {}, and not a bypass: `changegate audit coverage` lists those",
            other.entry.index,
            other.entry.statement.predicate.kind
        ),
        _ => bail!("`{name}` is several bypasses: name one by its index"),
    }
}

fn tell(args: &RecordBypassArgs, recorded: &Recorded) -> anyhow::Result<ExitCode> {
    say::done(&match args.format {
        AnswerFormat::Json => say::json(recorded)?,
        AnswerFormat::Text => {
            format!("recorded as entry {} why this went around the gate\n", recorded.index)
        }
    });
    Ok(ExitCode::SUCCESS)
}
