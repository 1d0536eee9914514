//! `changegate audit record-bypass`: says later who went around the gate, and why.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use serde::Serialize;

use super::look::open;
use crate::cli::shared::args::{AnswerFormat, NowArg};
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::me::me;
use crate::cli::shared::say::{self, print};
use changegate::audit::entries::Placed;
use changegate::audit::find::find;
use changegate::content::short;
use changegate::core::record::explanation::Explanation;
use changegate::core::record::statement::Kind;
use changegate::core::terms::Login;
use changegate::forge::git::{Git, Rejected};
use changegate::gate::arrivals::unrecorded;
use changegate::gate::judge::Judges;
use changegate::gate::merge::signs;
use changegate::gate::record::{Recorder, of_explanation};
use changegate::gate::recording::{append, covered, log_of, tip};
use changegate::git::{Moved, Oid};
use changegate::ledger::{self, Signer};

/// How often it starts again because the ledger moved in the meantime.
const ATTEMPTS: usize = 20;

/// Record who went around the gate, and why
///
/// The bypass itself is recorded by the merge after it, and stays as it is: an explanation is an entry of
/// its own, in your name and dated now. It changes no count.
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
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
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
#[derive(Serialize)]
struct Recorded {
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
        let bypass = bypass(&git, &judges, &args.id)?;
        let base = git.base()?;
        let judge = judges.at(git.repo(), base)?;
        let org = &judge.bundle().org;
        let by = me(git.branches.program(), &org.roster)?;
        let tip = tip(&git)?.context("the ledger is gone")?;
        let log = log_of(&tip);
        let recorder = Recorder { who: by.as_str(), at: NowArg::present() };
        let on = (git.base_ref.as_str(), base);
        let record = of_explanation(git.repo(), on, &bypass.entry.id, &said, &log, recorder)?;
        let signer = Signer::person(by.as_str(), signs(&git, org));
        let moves = append(&git, &judges, Some(&tip), vec![record], signer)?;
        match git.branches.put_all(&moves)? {
            Moved::Yes => {
                let commit = moves.first().map(|(_, _, to)| *to).context("nothing was written")?;
                let entry = ledger::read(git.repo(), commit)?.entry?;
                tell(args, &bypass, entry.index, commit)?;
                return Ok(ExitCode::SUCCESS);
            }
            Moved::Lost(_) => {}
            Moved::Refused(why) => return Err(Rejected(format!("the explanation:\n{why}")).into()),
        }
    }
    bail!("the ledger changed during every attempt: run the command again")
}

/// Returns the entry of the bypass that is meant.
fn bypass(git: &Git, judges: &Judges, name: &str) -> anyhow::Result<Placed> {
    let from = tip(git)?.map(|tip| covered(&tip.entry.state, &git.base_ref)).transpose()?.flatten();
    let due = match from {
        Some(from) => unrecorded(git.repo(), judges, from, git.base()?)?,
        None => Vec::new(),
    };
    if let Some((_, commit)) =
        due.iter().find(|(_, commit)| name.len() >= 7 && commit.id.to_string().starts_with(name))
    {
        bail!(
            "{} isn't recorded yet: the next merge records it, and then you can explain it",
            short(commit.id)
        );
    }
    let found = find(git.repo(), &|name: &str| git.branches.tip(name), name)?;
    if let Some(problem) = found.problem {
        bail!("the ledger can't be relied on: {problem}; run `changegate audit verify`");
    }
    let is_bypass = |it: &&Placed| it.entry.statement.predicate.kind == Kind::Bypass;
    let bypasses: Vec<_> = found.entries.iter().filter(is_bypass).collect();
    match (&bypasses[..], found.entries.first()) {
        ([one], _) => Ok((*one).clone()),
        ([], Some(other)) => bail!(
            "`{name}` is entry {}, of kind {}, and not a bypass: `changegate audit coverage` lists those",
            other.entry.index,
            other.entry.statement.predicate.kind
        ),
        _ => bail!("`{name}` is several bypasses: name one by its index"),
    }
}

fn tell(args: &RecordBypassArgs, bypass: &Placed, index: u64, commit: Oid) -> anyhow::Result<()> {
    let explains = bypass.entry.id.to_string();
    let recorded = Recorded { index, commit: commit.to_string(), explains };
    print(&match args.format {
        AnswerFormat::Json => say::json(&recorded)?,
        AnswerFormat::Text => format!(
            "recorded as entry {index} why entry {} went around the gate\n",
            bypass.entry.index
        ),
    })
}
