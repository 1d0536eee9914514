//! `changegate init`: sets up a repository for changes.
//!
//! ```text
//! gather: the repository, git's configuration, the roster (existing, flags, dialogue)
//! plan:   every file, compared with the existing one; ask before overwriting
//! apply:  write, load the policies from disk, print what was done and what comes next
//! ```
//!
//! `--github` adds the files that a repository on GitHub needs, see [`github`]; `--hook` installs
//! what a server needs, see [`hook`]; `--ledger` begins the record, see [`ledger`]; `--operations` begins
//! the log of what is executed, see [`operations`].

mod contents;
mod dialogue;
mod git;
mod github;
mod hook;
mod ledger;
mod operations;
mod people;
mod plan;
mod roster;
mod section;
mod summary;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use self::contents::{Basis, ROSTER, reviewed_line};
use self::people::{Me, NamedPerson, NamedService};
use self::plan::{Fate, Plan};
use self::upgrade::Shipped;
use super::shared::args::{NowArg, PoliciesArg};
use super::shared::here::HereArgs;
use super::shared::place::Place;
use super::shared::{prompt, say};
use changegate::core::layout::POLICIES;
use changegate::core::org::{Date, Roster};
use changegate::core::yaml;
use changegate::files;
use changegate::git::{Program, Repo};

/// Set up a repository: policies, roster, samples; for GitHub, or on a server
///
/// On a terminal, a short dialogue asks for the first people and services; elsewhere, name them
/// with --person and --service. Without either, the roster contains the person in git's user.email,
/// without a level. Nothing is overwritten without asking, so you can run it again at any time.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate init
      in a clone: ask for people and services, then write policies/, schemas/, docs/ and README.md
  changegate init --person alice,level=L3,email=alice@acme.example,key=~/.ssh/id_ed25519.pub \\
                  --person bob,level=L2,role=devops-lead,email=bob@acme.example \\
                  --service checkout=bob
      without questions
  changegate init --github
      for a repository on GitHub: also .github/ with workflows, forms and CODEOWNERS
  changegate init --upgrade
      the rules of this version, for a change of policies
  changegate init --dry-run
      print what would be written, and what would be kept
  changegate init --hook /srv/git/ops.git
      on the server: refuse pushes that bypass the review
  changegate init --ledger
      once the policies are merged: begin to record what is decided
  changegate init --operations
      likewise: begin to record what is executed")]
pub struct InitArgs {
    /// A folder of the repository; with --hook, the bare repository
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// A person of the first roster: LOGIN[,FIELD=VALUE]…
    ///
    /// The fields are level, team, role, email, id (the forge's numeric id) and key (a public key or
    /// its file); role, email and key may be given more than once.
    #[arg(long = "person", value_name = "LOGIN,FIELD=VALUE", conflicts_with = "hook")]
    people: Vec<NamedPerson>,

    /// A service and its owners; named after the repository if none is given
    #[arg(
        long = "service",
        value_name = "NAME=LOGIN,LOGIN",
        requires = "people",
        conflicts_with = "hook"
    )]
    services: Vec<NamedService>,

    /// Add what a repository on GitHub needs: workflows, issue forms, CODEOWNERS
    ///
    /// A repository that already has them is recognised, and later runs update them without this
    /// flag.
    #[arg(long, conflicts_with = "hook")]
    github: bool,

    /// Install the server's hooks in a bare repository, and nothing else
    #[arg(long)]
    hook: bool,

    /// Overwrite files that differ, without asking; never the organisation's data
    #[arg(long)]
    force: bool,

    /// Replace the shipped rules by those of this version, and nothing else
    ///
    /// Data stay as they are, and so does a rule that was changed here: the difference is shown.
    #[arg(long, conflicts_with_all = ["hook", "github", "force", "people"])]
    upgrade: bool,

    /// Begin the ledger, which records what is decided, and nothing else
    ///
    /// The policies have to be on the base, with `ledger` in their settings.
    #[arg(long, conflicts_with_all = ["hook", "github", "force", "people", "upgrade"])]
    ledger: bool,

    /// Begin the operations log, which records what is executed, and nothing else
    ///
    /// The policies have to be on the base.
    #[arg(long, conflicts_with_all = ["hook", "github", "force", "people", "upgrade", "ledger"])]
    operations: bool,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the verb.
pub fn run(args: &InitArgs) -> anyhow::Result<ExitCode> {
    if args.hook {
        return hook::run(args);
    }
    if args.ledger {
        ledger::run(args)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.operations {
        operations::run(args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let root = git::work_tree(&args.dir)?;
    if args.upgrade {
        return upgrade(args, &root);
    }
    let git = Program::in_folder(&root);
    let name = root.file_name().map_or_else(|| "changes".into(), |name| name.to_string_lossy());
    let First { roster, text: roster_text, own_key } = first_roster(args, &root, &name)?;
    let now = NowArg::present();
    let basis = Basis {
        roster: &roster,
        roster_text: &roster_text,
        name: &name,
        base: &base_of(&root),
        readme: &readme_of(&root)?,
        origin: git::origin(&root, &name),
        now,
        reviewed: &|table| reviewed_on(&root.join(table)).unwrap_or(Date(now.utc().date_naive())),
        is_on_github: args.github || github::is_ready(&root),
    };
    let mut items = basis.items()?;
    if basis.is_on_github {
        items.extend(github::items(&root, &roster));
    }
    let mut plan = Plan::of(&root, items)?;
    args.settle(&mut plan)?;
    Shipped::add_to(&mut plan)?;
    if args.dry_run {
        say::print(&summary::of_a_dry_run(&plan))?;
        return Ok(ExitCode::SUCCESS);
    }
    plan.carry_out()?;
    say::done(&summary::done(&plan));
    let judge = PoliciesArg { policies: Some(root.join(POLICIES)) }.load(&Place::default())?;
    let roster = &judge.bundle().org.roster;
    let next = match basis.is_on_github {
        true => summary::next_on_github(roster, &plan, &git),
        false => summary::next(roster, &plan, &git, own_key.as_deref()),
    };
    say::done(&next);
    Ok(ExitCode::SUCCESS)
}

/// Upgrades the rules.
fn upgrade(args: &InitArgs, root: &Path) -> anyhow::Result<ExitCode> {
    let (plan, changed) = upgrade::plan(root)?;
    if args.dry_run {
        say::print(&(summary::of_a_dry_run(&plan) + &changed))?;
        return Ok(ExitCode::SUCCESS);
    }
    plan.carry_out()?;
    say::done(&(summary::done(&plan) + &changed + &summary::next_after_upgrade(&plan)));
    Ok(ExitCode::SUCCESS)
}

impl InitArgs {
    /// Decides about files that would be overwritten: overwritten with --force, by asking, or kept.
    fn settle(&self, plan: &mut Plan) -> anyhow::Result<()> {
        let mut asking = dialogue::Overwriting::default();
        let can_ask = prompt::is_possible() && !self.dry_run;
        plan.settle(|root, step| match can_ask {
            _ if self.force => Ok(Fate::Write),
            true => asking.decide(root, step),
            false => Ok(Fate::Keep("differs; --force overwrites it".to_owned())),
        })
    }
}

/// The roster to begin with.
struct First {
    roster: Roster,
    /// Its file.
    text: Vec<u8>,
    /// The key of the person who runs the verb, as they named it.
    own_key: Option<String>,
}

/// Returns the roster: from the flags, or the existing file, or the dialogue, or with only the person
/// who runs the verb.
fn first_roster(args: &InitArgs, root: &Path, folder: &str) -> anyhow::Result<First> {
    let there = existing_roster(root)?;
    let git = Program::in_folder(root);
    let me = Me::of(&git);
    let is_me = |named: &&NamedPerson| me.email.iter().any(|it| named.person.emails.contains(it));
    let mut own_key = args.people.iter().find(is_me).and_then(|named| named.key.clone());
    let mut roster = match there {
        Some((roster, text)) if args.people.is_empty() => {
            return Ok(First { roster, text, own_key });
        }
        there if !args.people.is_empty() => {
            let named = people::from_flags(&args.people, &args.services, folder)?;
            match there {
                Some(there)
                    if (&there.0.people, &there.0.services) == (&named.people, &named.services) =>
                {
                    return Ok(First { roster: there.0, text: there.1, own_key });
                }
                Some(_) => bail!(
                    "there is a roster already, and --person doesn't change it: edit {ROSTER}, or \
                     leave --person and --service out"
                ),
                None => named,
            }
        }
        _ if prompt::is_possible() && !args.dry_run => {
            let (roster, named) = dialogue::roster(&me, folder)?;
            own_key = named;
            roster
        }
        _ => people::alone(&me, folder)?,
    };
    roster.reviewed = Some(Date(NowArg::present().utc().date_naive()));
    let text = roster::render(&roster).into_bytes();
    Ok(First { roster, text, own_key })
}

/// Returns the repository's existing roster, and its file's bytes.
fn existing_roster(root: &Path) -> anyhow::Result<Option<(Roster, Vec<u8>)>> {
    let path = root.join(ROSTER);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = files::read(&path)?;
    let reading = yaml::parse(&bytes).read::<Roster>();
    if let Some(problem) = reading.problems.first() {
        let (line, message) = (problem.span.line, &problem.message);
        bail!("{}:{line}: {message}; correct it, then run `changegate init` again", path.display());
    }
    let roster = reading.value.with_context(|| format!("read {}", path.display()))?;
    Ok(Some((roster, bytes)))
}

/// Returns the day on which an existing table was last reviewed, so that the same table on a
/// different day gives the same file.
fn reviewed_on(path: &Path) -> Option<Date> {
    let text = String::from_utf8(files::read(path).ok()?).ok()?;
    reviewed_line(&text)?.strip_prefix("reviewed: ")?.trim().parse().ok()
}

/// Returns the branch that changes will be merged into: the one that the repository's remote or its
/// branches suggest, else the one that is checked out.
fn base_of(root: &Path) -> String {
    let branches = Repo::discover(root).and_then(|repo| HereArgs::default().branches(repo));
    let suggested = branches.and_then(|branches| branches.default_base()).ok();
    let head = || Some(Program::in_folder(root).head()?.strip_prefix("refs/heads/")?.to_owned());
    suggested.or_else(head).unwrap_or_else(|| "main".to_owned())
}

/// Returns the name of the repository's README, in its own spelling.
fn readme_of(root: &Path) -> anyhow::Result<String> {
    let entries = std::fs::read_dir(root).with_context(|| format!("list {}", root.display()))?;
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.eq_ignore_ascii_case("README.md"))
        .collect();
    names.sort();
    Ok(names.into_iter().next().unwrap_or_else(|| "README.md".to_owned()))
}

/// Returns a path for people, escaped so that its name can't act on the terminal.
fn shown_path(path: &Path) -> String {
    changegate::report::escape::terminal(&path.to_string_lossy()).into_owned()
}
