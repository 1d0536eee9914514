//! `changegate init --ledger`: begins the ledger.

use anyhow::{Context as _, bail, ensure};

use super::InitArgs;
use crate::cli::shared::args::NowArg;
use crate::cli::shared::here::{self, HereArgs};
use crate::cli::shared::on_github::{GitHubArgs, writer};
use crate::cli::shared::say;
use changegate::content::{People, short};
use changegate::forge::git::Git;
use changegate::gate::Gate;
use changegate::gate::merge::signs;
use changegate::gate::record::{Record, Recorder};
use changegate::gate::recording::{STRANGER, append, genesis, tip};
use changegate::git::{Moved, Repo};
use changegate::ledger::{LEDGER, Signer};

const AFTERWARDS: &str = "
From now on each merge is recorded with it, in the same push. Read it with
`git fetch` and `git log origin/audit/ledger`; `changegate audit verify` proves it.
";

const ELSEWHERE: &str = "
From now on each merge is recorded there, right after it or by `changegate sweep`. Whether that
repository lets nobody delete or rewrite it is for those who keep it. `changegate audit verify` proves it.
";

/// Begins the ledger of a repository whose policies are on the base.
pub fn run(args: &InitArgs) -> anyhow::Result<()> {
    // There is nobody in a workflow's clone, and the token that may push is not in it.
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|it| it == "true") {
        return in_workflow(args);
    }
    let branches = HereArgs::default().branches(Repo::discover(&args.dir)?)?;
    branches.refresh()?;
    let git = Git::new(branches, None)?;
    git.branches.refresh_ledger()?;
    if let Some(tip) = tip(&git)? {
        bail!("the ledger has begun already: its size is {}", tip.entry.index + 1);
    }
    let judges = here::judges();
    let judge = judges.at(git.repo(), git.base()?)?;
    let org = &judge.bundle().org;
    let program = git.branches.program();
    let email = program.email()?;
    let me = People::of(&org.roster).with_email(&email).cloned();
    let who = me.with_context(|| format!("{email} {STRANGER}"))?.to_string();
    let recorder = Recorder { who: &who, at: NowArg::present() };
    let base = (git.base_ref.as_str(), git.base()?);
    let record = genesis(git.repo(), org, base, |name| git.branches.tip(name), recorder)?;
    let (origin, covered) = said(&record);
    if args.dry_run {
        return say::print(&format!("would begin the ledger {origin}\n{covered}"));
    }
    let signer = Signer::person(&who, signs(&git, org));
    let moves = append(&git, &judges, None, vec![record], signer)?;
    match git.branches.put_all(&moves)? {
        Moved::Yes => {}
        Moved::Lost(why) => bail!("somebody else began it at the same time:\n{why}"),
        Moved::Refused(why) => bail!("the server rejected the ledger:\n{why}"),
    }
    ensure!(git.branches.tip(LEDGER)?.is_some(), "the ledger isn't there after it was written");
    let begun = moves.iter().map(|(_, _, to)| short(*to)).collect::<String>();
    let (place, afterwards) = match git.branches.ledger_elsewhere() {
        Some(url) => (format!(" at {url}"), ELSEWHERE),
        None => (String::new(), AFTERWARDS),
    };
    say::done(&format!("began the ledger {origin}{place} as {begun}\n{covered}{afterwards}"));
    Ok(())
}

/// Begins the ledger in a workflow on GitHub, as the workflow.
fn in_workflow(args: &InitArgs) -> anyhow::Result<()> {
    let place = GitHubArgs { repo: None }.open(false)?;
    let (github, judges) = (&place.github, here::judges());
    let (branch, tip) = github.default_branch(&github.survey()?)?;
    let org = Gate::new(github.repo(), github, judges.clone()).org_at(tip)?;
    let writer = writer(github, &judges)?;
    let record = writer.beginning(&org, (&branch, tip), NowArg::present())?;
    let (origin, covered) = said(&record);
    if args.dry_run {
        return say::print(&format!("would begin the ledger {origin}\n{covered}"));
    }
    let begun = short(writer.begin(record, &org, (&branch, tip))?);
    say::done(&format!("began the ledger {origin} as {begun}\n{covered}"));
    Ok(())
}

/// Returns the origin of a ledger that begins so, and from where on it covers which branches.
fn said(record: &Record) -> (String, String) {
    let it = &record.statement.predicate;
    let covered = it.bases.iter();
    let covered = covered.map(|it| format!("  {} from {} on\n", it.name, it.commit.short()));
    (it.origin.clone(), covered.collect())
}
