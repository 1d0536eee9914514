//! `changegate audit verify`: whether the record is whole, true and complete.

mod bundle;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Error, anyhow};
use clap::Args;

use super::look::brought_by;
use crate::cli::shared::args::{AnswerFormat, NowArg};
use crate::cli::shared::caches::caches;
use crate::cli::shared::events::told;
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::judges::judges;
use crate::cli::shared::on_github::{GitHubArgs, OnGitHub};
use crate::cli::shared::progress::Progress;
use crate::cli::shared::say::{self, print};
use changegate::audit::anchor::{Anchor, KnownKey, anchors, of_tags};
use changegate::audit::ask::{Asked, ask};
use changegate::audit::verify::{
    Acts, Approves, Earlier, Foreign, GoesAround, KeyChange, Memory, Replayed, SignedCounts,
    Verification, WentAround, Witness, verify,
};
use changegate::audit::{Finding, Step};
use changegate::core::operations::event::Event;
use changegate::core::record::parts::Repository;
use changegate::core::terms::{TicketId, all_of, few};
use changegate::files;
use changegate::forge::git::Rewound;
use changegate::gate::execution::around;
use changegate::gate::execution::judged::was_approved;
use changegate::operations::Log;
use changegate::report::counted;
use changegate::report::escape::terminal;

/// Verify the ledger: each entry, each decision, and that nothing is missing
///
/// Reads the whole ledger: that it only grew, who signed each entry, what it rests on. Makes each
/// decision again from its evidence, under the policies of that moment. Compares the protected branches
/// with what is recorded of them. What it verified here earlier is remembered in your folder for caches,
/// and not verified again while the ledger still leads there.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate audit verify
      the ledger of this repository, as its remote has it
  changegate audit verify --checkpoint march.txt
      and that it continues the log whose checkpoint was kept then
  changegate audit verify --full
      all of it, whatever was verified earlier
  changegate audit verify --bundle CHG-1234.zip --allowed-signers signers
      one entry, with no repository, by keys that are known from elsewhere
  changegate audit verify --vkey \"$(cat server.pub)\"
      and that the first service's key of the log is this one
  changegate audit verify --ask-forge=25
      and that GitHub tells the same again about a sample of 25 entries
  changegate audit verify --format json
      for a script

Exit codes:
  0  verified
  1  something isn't as it has to be
  2  could not be verified")]
pub struct VerifyArgs {
    /// A file with checkpoints that were kept outside of the repository
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,

    /// Verify everything again, also what this program verified here earlier
    #[arg(long, conflicts_with = "bundle")]
    full: bool,

    /// Verify one entry by the zip archive or the folder that `changegate audit bundle` wrote, with no
    /// repository
    #[arg(long, value_name = "PATH")]
    bundle: Option<PathBuf>,

    /// The keys that may sign the entry of the bundle, as `changegate signers` writes them
    #[arg(long, value_name = "FILE", requires = "bundle")]
    allowed_signers: Option<PathBuf>,

    /// A public key that is known to sign this log: a verifier key of C2SP, or the line of a .pub file
    #[arg(long = "vkey", value_name = "KEY")]
    keys: Vec<KnownKey>,

    /// Ask GitHub again for what is recorded of its pull requests: of all entries, or of a sample of N
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, conflicts_with = "bundle")]
    ask_forge: Option<Option<NonZeroUsize>>,

    #[command(flatten)]
    here: HereArgs,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Runs the verb.
pub fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let mut kept: Vec<Anchor> = Vec::new();
    for path in &args.checkpoints {
        let text = String::from_utf8_lossy(&files::read(path)?).into_owned();
        kept.extend(anchors(&path.display().to_string(), &text).map_err(|why| anyhow!(why))?);
    }
    if let Some(path) = &args.bundle {
        let found = bundle::verified(path, args.allowed_signers.as_deref(), &args.keys, &kept)?;
        print(&match args.format {
            AnswerFormat::Text => bundle::text(&found),
            AnswerFormat::Json => say::json(&found)?,
        })?;
        let is_whole = found.newer.is_none() && found.not_compared.is_empty();
        let is_sound = found.findings.is_empty();
        return Ok(exit(found.newer.is_some() || is_sound && !is_whole, is_sound));
    }
    let git = args.here.open_to_audit()?;
    let rewound = match args.here.refresh_ledger(&git.branches).map_err(Error::downcast::<Rewound>)
    {
        Ok(()) => None,
        Err(Ok(rewound)) => Some(rewound),
        Err(Err(error)) => return Err(error),
    };
    if !args.here.no_fetch {
        git.branches.refresh_anchors()?;
    }
    let (tags, foreign_tags) = of_tags(git.repo(), git.branches.anchor_tags()?);
    kept.extend(tags);
    let progress = OnceCell::new();
    let advance = |done: usize, all: usize| {
        let bar = progress.get_or_init(|| Progress::of(all));
        bar.reach(done);
    };
    let tips = |name: &str| git.branches.tip(name);
    let now = NowArg::present();
    let memory =
        caches().map(|folder| Memory { folder: folder.join("verified"), is_used: !args.full, now });
    let (folder, memory) = (git.repo().folder(), memory.as_ref());
    let outside = (&kept[..], &args.keys[..]);
    let judges = judges()?;
    let approves = |event: &Event, log: &Log<'_>| was_approved(&git, &judges, event, log);
    let goes_around = |id: &TicketId, log: &Log<'_>| around((&git, None), &judges, log, id, now);
    let by = (&judges, &approves as Approves<'_>, &goes_around as GoesAround<'_>);
    let mut found = verify(&folder, &tips, &git.base_ref, by, outside, memory, &advance)?;
    if let Some(progress) = progress.get() {
        progress.finish();
    }
    found.findings.extend(foreign_tags);
    found.findings.extend(rewound.map(|Rewound(message)| Finding {
        step: Step::Anchors,
        index: None,
        commit: None,
        message,
    }));
    if let Some(most) = args.ask_forge.filter(|_| found.newer.is_none()) {
        let most = most.map(NonZeroUsize::get);
        let github = OnceCell::new();
        let teller = |repository: &Repository, number| match github.get() {
            Some(OnGitHub { github, .. }) => github.told(number),
            None => {
                let opened = GitHubArgs::at(&repository.uri)?.open_to_look()?;
                github.get_or_init(|| opened).github.told(number)
            }
        };
        let (asked, differ) = ask(&folder, &tips, (most, &found.root), &teller)?;
        found.asked = Some(asked);
        found.findings.extend(differ);
    }
    print(&match args.format {
        AnswerFormat::Text => text(&found),
        AnswerFormat::Json => serde_json::to_string_pretty(&found)? + "\n",
    })?;
    let is_partial = found.asked.as_ref().is_some_and(|asked| !asked.unasked.is_empty());
    Ok(exit(found.newer.is_some() || is_partial, found.findings.is_empty()))
}

fn exit(is_partial: bool, is_sound: bool) -> ExitCode {
    ExitCode::from(match (is_partial, is_sound) {
        (true, _) => 2,
        (false, true) => 0,
        (false, false) => 1,
    })
}

/// Says how making decisions again came out; `None` if there was none.
fn made_again(replayed: Replayed) -> Option<String> {
    let results: Vec<_> = [
        (replayed.exact, "byte for byte the same"),
        (replayed.equivalent, "the same in all that counts"),
        (replayed.different, "different"),
        (replayed.impossible, "not possible"),
        (replayed.erased, "not possible, because of an erasure"),
        (replayed.withheld, "withheld, because the request holds a credential"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    (!results.is_empty()).then(|| all_of(&results))
}

/// Says who signed the entries.
fn signed(counts: SignedCounts) -> String {
    let SignedCounts { services, people, nobody } = counts;
    if services + people == 0 {
        return "unsigned: nobody can tell who made them".to_owned();
    }
    let parts = [(services, "by services"), (people, "by people"), (nobody, "unsigned")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    all_of(&parts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>())
}

/// Says how the keys of services changed.
fn changed(change: &KeyChange) -> String {
    let (added, removed) = (change.added.len(), change.removed.len());
    format!(
        "{added} added, {removed} removed in entry {}, as entry {} says; signed by {}",
        change.index, change.brought_by, change.signed_by
    )
}

/// Writes what was found for people.
fn text(found: &Verification) -> String {
    let mut out =
        format!("{}, {}", terminal(&found.origin), counted(found.entries, "entry", "entries"));
    if let (Some(from), Some(to)) = (found.from, found.to) {
        let _ = write!(out, " from {} to {} UTC", from.for_people(None), to.for_people(None));
    }
    out.push('\n');
    if let Some(earlier) = &found.earlier {
        let Earlier { entries, at, program } = earlier;
        let at = at.for_people(None);
        let what = match entries - 1 {
            0 => "entry 0 was verified before".to_owned(),
            last => format!("entries 0 to {last} were verified before, the last of them"),
        };
        let _ = writeln!(
            out,
            "  earlier      {what} on {at} UTC by {program}; `--full` verifies all again"
        );
    }
    let kinds: Vec<_> = found.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let _ = writeln!(out, "  entries      {}", all_of(&kinds));
    let _ = writeln!(out, "  signed       {}", signed(found.signed));
    for change in &found.keys {
        let _ = writeln!(out, "  keys         {}", changed(change));
    }
    if let Some(results) = made_again(found.replayed) {
        let _ = writeln!(out, "  made again   {results}");
    }
    if found.partial > 0 {
        let _ = writeln!(
            out,
            "  not here     commits of the pull requests of {}, so that not all of the evidence is compared",
            counted(found.partial, "entry", "entries")
        );
    }
    for (name, commit) in &found.bases {
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        let _ = writeln!(out, "  covers       {} up to {}", terminal(name), &commit[..7]);
    }
    for bypass in &found.bypasses {
        let by = brought_by(bypass.by.as_ref(), bypass.claims.as_ref());
        let by = if bypass.by.is_some() { format!(",{by}") } else { by };
        let by = terminal(&by);
        let _ = writeln!(
            out,
            "  bypass       {} on {} ({}){by}, entry {}",
            &bypass.commit[..7],
            terminal(bypass.branch.strip_prefix("refs/heads/").unwrap_or(&bypass.branch)),
            bypass.because,
            bypass.index
        );
        if let Some(policies) = &bypass.policies {
            let _ = writeln!(out, "               {}", policies.line());
        }
        for said in &bypass.explanations {
            let _ = writeln!(out, "  explained    {}", terminal(&said.line()));
        }
    }
    for gone in &found.erased {
        let name = terminal(&gone.name);
        let _ =
            writeln!(out, "  erased       {name} of entry {}, by entry {}", gone.index, gone.by);
    }
    if found.anchors > 0 {
        let _ = writeln!(
            out,
            "  continues    {}",
            counted(found.anchors, "checkpoint of others", "checkpoints of others")
        );
    }
    if let Some(Witness { by, at }) = &found.witnessed {
        let (by, at) = (terminal(by), at.for_people(None));
        let _ = writeln!(out, "  witnessed    by {by}, the last time at {at} UTC");
    }
    if let Some(Acts { tip, events, foreign, went_around, .. }) = &found.operations {
        let events = counted(*events, "event", "events");
        let _ = writeln!(out, "  operations   {events} up to {}", &tip[..7]);
        for Foreign { commit, why } in foreign {
            let (commit, why) = (&commit[..7], terminal(why));
            let _ = writeln!(out, "               {commit} doesn't count: {why}");
        }
        for WentAround { change, how } in went_around {
            let _ = writeln!(out, "  went around  {change}, {}", told(how));
        }
    }
    let _ = writeln!(out, "  checkpoint   {} {}", found.entries, found.root);
    if let Some(Asked { entries, of, .. }) = &found.asked {
        let _ = match of {
            0 => writeln!(
                out,
                "  asked        nobody: all that the entries rest on is in this clone"
            ),
            _ => writeln!(out, "  asked        GitHub again about {entries} of {of} entries"),
        };
    }
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (index, why) in found.asked.iter().flat_map(|asked| &asked.unasked) {
        reasons.entry(why).or_default().push(index.to_string());
    }
    for (why, entries) in reasons {
        let (entries, why) = (all_of(&few(&entries)), terminal(why));
        let _ = writeln!(out, "  not asked    can't be compared with GitHub: {entries}; {why}");
    }
    if !found.findings.is_empty() {
        out.push('\n');
    }
    for finding in &found.findings {
        let place = match (finding.index, &finding.commit) {
            (Some(index), Some(commit)) => format!("entry {index} ({})", &commit[..7]),
            (Some(index), None) => format!("entry {index}"),
            (None, Some(commit)) => commit[..7].to_owned(),
            (None, None) => "the log".to_owned(),
        };
        let _ = writeln!(out, "{place}, {}: {}", finding.step, terminal(&finding.message));
    }
    if let Some(newer) = &found.newer {
        let _ = writeln!(out, "\nnot verified: {newer}, which is newer than this program");
    } else if found.findings.is_empty() {
        let unasked = found.asked.as_ref().map_or(0, |asked| asked.unasked.len());
        match unasked {
            0 => out.push_str("\nverified\n"),
            _ => out.push_str("\nnot verified: GitHub couldn't be asked about each entry\n"),
        }
    } else {
        let count = counted(found.findings.len(), "finding", "findings");
        let _ = writeln!(out, "\nnot as it has to be: {count}");
    }
    out
}
