//! `changegate audit show`: an entry of the ledger, and how to check it by hand.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::look::{brought_by, open};
use crate::cli::shared::args::AnswerFormat;
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::say::{self, print};
use changegate::audit::find::find;
use changegate::audit::show::{Check, ShowView, Shown, show};
use changegate::core::record::parts::Merge;
use changegate::report::escape::terminal;
use changegate::report::hanging;

/// Show what an entry of the ledger says, and how to check it by hand
///
/// What was decided, by whom, under which policies, what it rests on, and its place in the log. The
/// commands that it prints check all of this with git, ssh-keygen and sha256sum, and without changegate.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit show CHG-1234
      all entries about a change, newest last
  changegate audit show 4711
      the entry with this index
  changegate audit show 4f0c1d2
      the one about a commit on a protected branch, or the one with an id that begins so
  changegate audit show CHG-1234 --format json
      for a script

Exit codes:
  0  shown
  2  there is no such entry, or it could not be read")]
pub struct ShowArgs {
    /// An index, an id `sha256:…`, a change, or a commit; at least 7 digits of an id or a commit
    #[arg(value_name = "ID|INDEX")]
    id: String,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Runs the verb.
pub fn run(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let git = open(&args.here)?;
    let found = find(git.repo(), &|name: &str| git.branches.tip(name), &args.id)?;
    let view = show(git.repo(), &judges()?, &found)?;
    print(&match args.format {
        AnswerFormat::Text => text(&view, say::width()),
        AnswerFormat::Json => say::json(&view)?,
    })?;
    if let Some(problem) = &found.problem {
        say::warn("warning", &format!("{problem}: run `changegate audit verify`"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes entries for people, and how to check the newest one by hand.
fn text(view: &ShowView, columns: usize) -> String {
    let mut out = String::new();
    for shown in &view.entries {
        out += &entry(shown, view, columns);
        out.push('\n');
    }
    let Some(newest) = view.entries.last() else { return out };
    let which = match view.entries.len() {
        1 => String::new(),
        _ => format!(" entry {}", newest.index),
    };
    let _ = writeln!(out, "To check{which} by hand, with bash in this clone:");
    newest.by_hand.iter().for_each(|check| out += &by_hand(check));
    out += "\n`changegate audit verify` checks all entries, and makes each decision again.\n";
    out
}

fn entry(shown: &Shown, view: &ShowView, columns: usize) -> String {
    let it = &shown.statement.predicate;
    let mut out = format!("entry {}  {}\n", shown.index, terminal(&shown.title));
    let mut row = |label: &str, text: &str| {
        out += &hanging(&format!("  {label:11}  "), &terminal(text), columns);
    };
    shown.story.iter().for_each(|sentence| row("", sentence));
    if let Some(bones) = &it.decision {
        row(
            "decided",
            &format!("{} at {} UTC", bones.verdict, bones.evaluated_at.for_people(None)),
        );
        shown.signed_off.iter().for_each(|who| row("signed off", who));
        let found = bones.findings.iter().map(|it| format!("{} ({})", it.code, it.effect));
        found.for_each(|finding| row("finding", &finding));
    }
    if let Some(policies) = &it.policies {
        row("policies", &format!("{} at {}", policies.digest, policies.commit.short()));
    }
    if let Some(index) = shown.policies_around {
        row("", &format!("decided under policies that came around the gate with entry {index}"));
    }
    if let (Some(merge), Some(base)) = (&it.merge, &it.base) {
        row("brought", &brought(shown, merge, &base.name));
    }
    if let Some(note) = &shown.note {
        note.text.iter().for_each(|text| row("says", text));
        for (index, name) in &note.files {
            row("took out", &format!("{name} of entry {index}"));
        }
        note.allowed_by.iter().for_each(|index| row("allowed by", &format!("entry {index}")));
    }
    for base in &it.bases {
        let branch = base.name.strip_prefix("refs/heads/").unwrap_or(&base.name);
        row("covers", &format!("{branch} from {} on", base.commit.short()));
    }
    for said in &shown.explanations {
        row("explained", &said.line());
    }
    row("recorded", &format!("{} UTC by {}", shown.recorded_at.for_people(None), it.collector.who));
    row("signed by", &signed(shown));
    let engine = &it.engine;
    row("program", &format!("{} {} (semantics {})", engine.name, engine.version, engine.semantics));
    row("log", &format!("{}, which has {} entries", view.origin, view.size));
    row("root", &shown.root);
    row("id", &shown.id);
    row("commit", &shown.commit);
    for material in &it.material {
        let lost = match shown.erased.get(&material.name) {
            Some(index) => format!("  erased by entry {index}"),
            None if shown.missing.contains(&material.name) => "  MISSING OR CHANGED".to_owned(),
            None if material.withheld.is_some() => "  withheld".to_owned(),
            None => String::new(),
        };
        let digest = String::from(material.sha256.clone());
        row("rests on", &format!("{digest} {} ({} bytes){lost}", material.name, material.size));
    }
    out
}

fn brought(shown: &Shown, merge: &Merge, base: &str) -> String {
    let branch = base.strip_prefix("refs/heads/").unwrap_or(base);
    let by = brought_by(merge.by.as_ref(), shown.claims.as_ref());
    let why = merge.because.map(|why| format!(", around the gate ({why})")).unwrap_or_default();
    let (from, to) = (merge.covers.from.short(), merge.covers.to.short());
    let at = merge.at.for_people(None);
    format!("{to} into {branch} at {at} UTC{by}{why}; accounts for {from}..{to}")
}

fn signed(shown: &Shown) -> String {
    let it = &shown.signature;
    let who = it.by.as_deref().unwrap_or("nobody who is known");
    let key = it.key.as_ref().map(|key| format!(" with {key}")).unwrap_or_default();
    let problem = it.problem.map(|why| format!(": {why}")).unwrap_or_default();
    format!("{who}{key}{problem}")
}

fn by_hand(check: &Check) -> String {
    let mut out = format!("\n  # {}\n", check.proves);
    check.command.lines().for_each(|line| out += &format!("  {line}\n"));
    check.prints.lines().for_each(|line| out += &format!("  #=> {line}\n"));
    out
}
