//! `changegate audit expunge`: takes out of the evidence what a change of the policies says.

use std::collections::{BTreeSet, HashSet};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::look::look;
use crate::cli::shared::args::{AnswerFormat, NowArg};
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::me::me;
use crate::cli::shared::prompt;
use crate::cli::shared::say;
use changegate::audit::case::{Kept, evidence};
use changegate::core::digest::Digest;
use changegate::core::layout::{REQUESTS, table};
use changegate::core::record::entry::Entry;
use changegate::core::record::state::after_erasure;
use changegate::core::terms::all_of;
use changegate::forge::git::{Git, Rejected};
use changegate::gate::erasure::{Erased, entries, expunged, of_erasure, table_at};
use changegate::gate::merge::signs;
use changegate::gate::record::Recorder;
use changegate::gate::recording::{append, evidence_branch, log_of};
use changegate::gate::signing::end;
use changegate::git::{Moved, Oid};
use changegate::ledger::{self, AUDIT, Signer, oid};
use changegate::report::escape::terminal;

/// How often it starts again because the ledger moved in the meantime.
const ATTEMPTS: usize = 20;

/// Take files out of the ledger's evidence, as a merged change of the policies says
///
/// `policies/org/erasures/data.yaml` names the files by their SHA-256, each with the reason. What is
/// left of the evidence goes to a new branch, and the ledger records who took out what, and by which
/// change of the policies. The ledger's entries stay as they are: digests, signatures and proofs hold,
/// but what rested on those files can't be decided again. Then the old branch can be deleted.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit expunge
      say what would be taken out, and ask
  changegate audit expunge --yes
      take it out without a terminal

Exit codes:
  0  taken out and recorded, or nothing was left to be
  1  the server rejected it
  2  could not be done")]
pub struct ExpungeArgs {
    /// Do it without confirmation, for example without a terminal
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// What was taken out.
#[derive(Serialize, JsonSchema)]
pub struct Expunged {
    /// The index of the entry that records it.
    index: u64,
    /// The indexes of the entries that rested on it.
    entries: BTreeSet<u64>,
    /// The branch that holds what is left.
    evidence: String,
    /// The branch that it replaces.
    replaced: String,
    /// Where the branches that changes are on still hold it: `BRANCH:PATH`.
    elsewhere: Vec<String>,
}

/// An erasure that is allowed and not made yet.
struct Due {
    /// The id of the entry about the change that allows it.
    approved_by: Digest,
    erased: Erased,
    /// What is still there of it: the index of the entry that rests on it, name and digest.
    files: Vec<(u64, String, Digest)>,
}

/// Runs the verb.
pub fn run(args: &ExpungeArgs) -> anyhow::Result<ExitCode> {
    let mut made = Vec::new();
    let mut is_agreed = args.yes;
    let mut lost = 0;
    while lost < ATTEMPTS {
        let (git, listed) = look(&args.here)?;
        listed.sound()?;
        let base = git.base()?;
        if table_at(git.repo(), base)?.is_empty() {
            return tell(args, &git, &made);
        }
        let entries = entries(git.repo(), listed.tip)?;
        let kept = evidence(git.repo(), &|name: &str| git.branches.tip(name))?;
        let Some(due) = due(&git, &entries, &kept, base)? else {
            unknown(&git, &entries, base)?;
            return tell(args, &git, &made);
        };
        if !is_agreed {
            prompt::show(&plan(&git, base, &due)?)?;
            if !prompt::is_possible() {
                bail!("nothing was changed: confirm it with --yes, since there is no terminal");
            }
            if !prompt::confirm("Take them out for good?", false)? {
                bail!("nothing was changed");
            }
            is_agreed = true;
        }
        match expunge(&git, &due, base)? {
            Some(one) => made.push(one),
            None => lost += 1,
        }
    }
    bail!("the ledger changed during every attempt: run the command again")
}

/// Returns the first erasure that is allowed and not made yet.
fn due(git: &Git, entries: &[Entry], kept: &Kept, base: Oid) -> anyhow::Result<Option<Due>> {
    for merged in entries {
        let erased = Erased::by(git.repo(), merged, base, entries)?;
        if erased.entries.is_empty() {
            continue;
        }
        let mut files = Vec::new();
        for entry in entries.iter().filter(|entry| erased.entries.contains(&entry.id)) {
            for it in &entry.statement.predicate.material {
                if erased.blobs.contains(&oid(&it.git_blob)?) && kept.erased(entry, it).is_none() {
                    files.push((entry.index, it.name.clone(), it.sha256.0.clone()));
                }
            }
        }
        if !files.is_empty() {
            return Ok(Some(Due { approved_by: merged.id.clone(), erased, files }));
        }
    }
    Ok(None)
}

/// Says what is to be taken out, and why.
fn plan(git: &Git, base: Oid, due: &Due) -> anyhow::Result<String> {
    let table = table_at(git.repo(), base)?;
    let line = |(index, name, digest): &(u64, String, Digest)| {
        let reason = table.iter().find(|it| it.digest == *digest).map(|it| it.reason.as_str());
        let reason = terminal(reason.unwrap_or_default());
        format!("{} of entry {index}: {reason}\n", terminal(name))
    };
    Ok(due.files.iter().map(line).collect())
}

/// Makes an erasure; `None` if the ledger has moved.
fn expunge(git: &Git, due: &Due, base: Oid) -> anyhow::Result<Option<Expunged>> {
    let (repo, judges) = (git.repo(), judges()?);
    let judge = judges.at(repo, base)?;
    let org = &judge.bundle().org;
    let by = me(git.branches.program(), &org.roster)?;
    let tip = end(git, &judges)?.context("the ledger is gone")?;
    let old = &tip.entry.state.evidence;
    let new = after_erasure(old);
    let (old, new) = (evidence_branch(old)?, evidence_branch(&new)?);
    let evidence = git.branches.tip(old)?.context("there is no evidence")?;
    let left = expunged(repo, evidence, &due.erased.blobs)?;
    let recorder = Recorder { who: by.as_str(), at: NowArg::present() };
    let on = (git.base_ref.as_str(), base);
    let log = log_of(&tip);
    let record = of_erasure(repo, on, &due.erased, &due.approved_by, &log, recorder)?;
    let signer = Signer::person(by.as_str(), signs(git, org));
    let mut moves = append(git, &judges, Some(&tip), vec![record], signer)?;
    let recorded = moves.first().context("nothing was recorded")?.2;
    let index = ledger::read(repo, recorded)?.entry?.index;
    moves.push((new.to_owned(), None, left));
    match git.branches.put_all(&moves)? {
        Moved::Yes => Ok(Some(Expunged {
            index,
            entries: due.files.iter().map(|(index, ..)| *index).collect::<BTreeSet<_>>(),
            evidence: new.to_owned(),
            replaced: old.to_owned(),
            elsewhere: elsewhere(git, &due.erased)?,
        })),
        Moved::Lost(_) => Ok(None),
        Moved::Refused(why) => Err(Rejected(format!("the erasure:\n{why}")).into()),
    }
}

/// Returns where else the files are, that an erasure takes out of the evidence.
fn elsewhere(git: &Git, erased: &Erased) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for (branch, tip) in git.branches.below("")? {
        if branch.starts_with(AUDIT) {
            continue;
        }
        let files = git.repo().files_below(tip, REQUESTS)?;
        let held = files.into_iter().filter(|(_, file)| erased.blobs.contains(&file.id));
        found.extend(held.map(|(path, _)| format!("{branch}:{path}")));
    }
    Ok(found)
}

/// Says which files the table names, and no entry rests on.
fn unknown(git: &Git, entries: &[Entry], base: Oid) -> anyhow::Result<()> {
    let material = entries.iter().flat_map(|it| &it.statement.predicate.material);
    let known: HashSet<_> = material.map(|it| &it.sha256.0).collect();
    for erasure in table_at(git.repo(), base)? {
        if !known.contains(&erasure.digest) {
            let digest = &erasure.digest;
            let what = format!("{} names {digest}, on which no entry rests", table("erasures"));
            say::warn("warning", &what);
        }
    }
    Ok(())
}

fn tell(args: &ExpungeArgs, git: &Git, made: &[Expunged]) -> anyhow::Result<ExitCode> {
    let mut out = String::new();
    for one in made {
        let indexes: Vec<_> = one.entries.iter().map(ToString::to_string).collect();
        let word = if one.entries.len() == 1 { "entry" } else { "entries" };
        out += &format!(
            "taken out of the evidence of {word} {}, and recorded as entry {}\n",
            all_of(&indexes),
            one.index
        );
        if !one.elsewhere.is_empty() {
            let places = terminal(&all_of(&one.elsewhere)).into_owned();
            out += &format!("still held by {places}, and by the history behind it\n");
        }
    }
    match made.last() {
        None => {
            out += "nothing is to be taken out: the evidence holds none of the files that \
                        policies/org/erasures/data.yaml names\n"
        }
        Some(last) => {
            let old: Vec<_> = made.iter().map(|one| one.replaced.as_str()).collect();
            let delete = match git.branches.ledger_remote() {
                Some(remote) => format!("git push {remote} --delete {}", old.join(" ")),
                None => format!("git branch -D {}", old.join(" ")),
            };
            out += &format!(
                "{} now holds the evidence; `{delete}` deletes what it replaces\n",
                last.evidence
            );
        }
    }
    say::done(&match args.format {
        AnswerFormat::Text => out,
        AnswerFormat::Json => say::json(&made)?,
    });
    Ok(ExitCode::SUCCESS)
}
