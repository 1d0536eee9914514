//! `changegate audit witness`: gives somebody else what the ledger is now.

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::anyhow;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::look::open;
use crate::cli::shared::args::AnswerFormat;
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::say;
use changegate::audit::log::Log;
use changegate::audit::witness::{Witnessed, file, https, repository, tag};
use changegate::report::counted;
use changegate::report::escape::terminal;

/// Give a witness what the ledger is now, so that nobody can rewrite it unseen
///
/// A witness keeps the checkpoint of the ledger, or the ledger itself, where those who write the ledger
/// can't change it. It is given what is new only if the ledger continues what it was given before.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit witness file:/media/stick/ledger.txt
      appends the checkpoint to a file; `audit verify --checkpoint FILE` compares them all
  changegate audit witness git:https://git.auditor.example/acme/ledger
      pushes the ledger and its evidence to a second repository, never by force
  changegate audit witness https://witness.example/w1
      has a C2SP witness cosign the checkpoint, and keeps that in the tag of its size
  changegate audit witness tag
      puts a tag on the newest entry, which holds the checkpoint and everybody's clones keep

Exit codes:
  0  the witness has what the ledger is now
  1  the ledger doesn't continue what the witness keeps
  2  the witness could not be asked")]
pub struct WitnessArgs {
    /// The witness: file:PATH, git:URL, https:URL, or tag
    #[arg(value_name = "TARGET")]
    target: Target,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// A witness.
#[derive(Clone, Debug)]
enum Target {
    File(String),
    Repository(String),
    Network(String),
    Tag,
}

/// A visit to a witness.
#[derive(Serialize, JsonSchema)]
pub struct Visit {
    /// The log's origin.
    origin: String,
    /// The number of its entries.
    entries: u64,
    /// The root of the tree over them.
    root: String,
    /// What became of it.
    witnessed: Witnessed,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("https" | "http", rest)) if rest.len() > 2 => {
                Ok(Target::Network(text.to_owned()))
            }
            Some(("file", path)) if !path.is_empty() => Ok(Target::File(path.to_owned())),
            Some(("git", url)) if !url.is_empty() => Ok(Target::Repository(url.to_owned())),
            None if text == "tag" => Ok(Target::Tag),
            _ => Err("name a witness as file:PATH, git:URL, https:URL, or tag".to_owned()),
        }
    }
}

/// Runs the verb.
pub fn run(args: &WitnessArgs) -> anyhow::Result<ExitCode> {
    let git = open(&args.here)?;
    let branches = &git.branches;
    if !args.here.no_fetch {
        branches.refresh_anchors()?;
    }
    let log = Log::read(&git.repo().folder(), &|name: &str| branches.tip(name), |_| ())?;
    let witnessed = match &args.target {
        Target::File(path) => file(Path::new(path), &log, branches)?,
        Target::Repository(url) => repository(url, &log, branches)?,
        Target::Network(url) => {
            let judge = judges()?.at(git.repo(), git.base()?)?;
            let witnesses = judge.bundle().org.settings.ledger.witnesses();
            https(url, &log, branches, &witnesses.map_err(|why| anyhow!(why))?)?
        }
        Target::Tag => tag(&log, branches)?,
    };
    let seen = log.last_entry.seen();
    let origin = &log.last_entry.statement.predicate.origin;
    let text = match &witnessed {
        Witnessed::Given(what) => format!("given: {}", terminal(what)),
        Witnessed::Unchanged => "nothing is new since the last time".to_owned(),
        Witnessed::Refused(why) => format!("not given, and nothing was changed: {}", terminal(why)),
    };
    let count = counted(seen.size, "entry", "entries");
    say::done(&match args.format {
        AnswerFormat::Text => {
            format!("{}, {count}, {}\n{text}\n", terminal(origin), seen.root)
        }
        AnswerFormat::Json => {
            let (origin, root) = (origin.clone(), seen.root.to_string());
            say::json(&Visit { origin, entries: seen.size, root, witnessed: witnessed.clone() })?
        }
    });
    Ok(match witnessed {
        Witnessed::Refused(_) => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}
