//! The repository in which the verbs for the life of a change work.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use chrono::{DateTime, Utc};
use clap::Args;

use super::args::NowArg;
use super::say::{print, warn};
use crate::cli::shared::say;
use changegate::content::Changeset;
use changegate::core::evidence::{Review, ReviewState};
use changegate::core::layout::stem;
use changegate::core::org::{Org, RemoteUrl};
use changegate::core::time::Time;
use changegate::forge::Pull;
use changegate::forge::git::{Branches, CHANGE, Git};
use changegate::gate::judge::Judges;
use changegate::gate::{Gate, Judgement};
use changegate::git::{Oid, Program, Repo};
use changegate::ledger::LEDGER;
use changegate::report::escape::terminal;
use changegate::report::{Format, Reporter, Summary, hanging};

/// The repository, and its base branch.
#[derive(Args, Clone, Debug, Default)]
pub struct HereArgs {
    /// The branch that changes are merged into; the remote's default branch or the only protected
    /// one if left out
    #[arg(long, value_name = "BRANCH")]
    pub base: Option<String>,

    /// The remote that everybody shares; the upstream of the current branch, the only remote, or
    /// origin
    #[arg(long, value_name = "NAME")]
    pub remote: Option<String>,

    /// Use what was fetched last, without contacting the remote
    #[arg(long)]
    pub no_fetch: bool,
}

impl HereArgs {
    /// Returns the arguments that say which branches are meant as they were typed, for a command that
    /// is advised next: ` --remote acme`, or nothing.
    pub fn as_typed(&self) -> String {
        self.for_others() + &argument("--remote", self.remote.as_deref())
    }

    /// Returns those of them that mean the same in another clone.
    pub fn for_others(&self) -> String {
        argument("--base", self.base.as_deref())
    }

    /// Opens the forge of this folder's repository, up to date with its remote.
    ///
    /// # Errors
    /// If there is no repository, or its remote can't be reached.
    pub fn open(&self) -> anyhow::Result<Git> {
        let branches = self.branches(Repo::discover(Path::new("."))?)?;
        match self.no_fetch {
            true => say_how_old(&branches, None),
            false => branches.refresh_all()?,
        }
        Git::new(branches, self.base.clone())
    }

    /// Opens the forge of this folder's repository to read what is recorded of it: what can't be
    /// fetched isn't passed over.
    ///
    /// # Errors
    /// If there is no repository or no such base, or its remote can't be reached.
    pub fn open_to_audit(&self) -> anyhow::Result<Git> {
        let branches = self.branches(Repo::discover(Path::new("."))?)?;
        match self.no_fetch {
            true => say_how_old(&branches, None),
            false => branches.refresh().map_err(|error| {
                anyhow!("{error:#}\nadd --no-fetch to use what was fetched last")
            })?,
        }
        let git = Git::new(branches, self.base.clone())?;
        git.base()?;
        Ok(git)
    }

    /// Fetches the ledger, unless nothing is to be fetched.
    ///
    /// # Errors
    /// As [`Branches::refresh_ledger`], or if there is none where the settings say that it is.
    pub fn refresh_ledger(&self, branches: &Branches) -> anyhow::Result<()> {
        branches.adopt_ledger()?;
        if !self.no_fetch {
            branches.refresh_ledger()?;
        }
        match branches.ledger_elsewhere() {
            Some(url) if branches.tip(LEDGER)?.is_none() => bail!("{}", nothing_at(url)),
            _ => Ok(()),
        }
    }

    /// Opens the forge for reading only: if the remote can't be reached, it shows what was fetched
    /// last.
    ///
    /// # Errors
    /// If there is no repository, or no base branch.
    pub fn open_to_look(&self) -> anyhow::Result<Git> {
        let branches = self.branches(Repo::discover(Path::new("."))?)?;
        self.look_at(&branches);
        Git::new(branches, self.base.clone())
    }

    /// Opens the forge around a work tree as it was fetched last; `None` where no base is known, as in
    /// a new repository. Says why if the repository can't be used.
    pub fn at_hand(&self, work_tree: Option<&Path>) -> Option<Git> {
        let repo = Repo::discover(work_tree?);
        if let Err(error) = &repo {
            let effect = "every request is judged as if it were new";
            warn("warning", &format!("{effect}, because {error:#}"));
        }
        let branches = self.branches(repo.ok()?).ok()?;
        let git = Git::new(branches, self.base.clone()).ok()?;
        git.base().is_ok().then_some(git)
    }

    /// Fetches, and says how old what is known is if that isn't possible.
    pub fn look_at(&self, branches: &Branches) {
        let fetched = if self.no_fetch { Ok(false) } else { branches.refresh_all().map(|()| true) };
        match fetched {
            Ok(true) => {}
            Ok(false) => say_how_old(branches, None),
            Err(error) => say_how_old(branches, Some(&error)),
        }
    }

    /// Returns the branches that everybody shares: those of the remote that is named, else of the
    /// current branch's upstream, else of the only remote, else of `origin`; the repository's own if
    /// it has no remote.
    ///
    /// # Errors
    /// If it isn't clear which remote is meant.
    pub fn branches(&self, repo: Repo) -> anyhow::Result<Branches> {
        let remotes = repo.remotes()?;
        let names = || remotes.join(", ");
        let known = |name: &String| remotes.contains(name);
        if let Some(named) = &self.remote {
            ensure!(known(named), "there is no remote `{named}`: the remotes are {}", names());
            return Ok(Branches::of(repo, named));
        }
        let branch = here();
        let upstream = branch.and_then(|branch| {
            Program::anywhere().setting(&format!("branch.{branch}.remote")).filter(known)
        });
        let default = || match remotes.as_slice() {
            [only] => Some(only.clone()),
            _ => Some("origin".to_owned()).filter(known),
        };
        match upstream.or_else(default) {
            Some(remote) => Ok(Branches::of(repo, &remote)),
            None if remotes.is_empty() => Ok(Branches::own(repo)),
            None => bail!("there are several remotes: name one of {} with --remote", names()),
        }
    }
}

/// Says that a repository holds no ledger, which the settings say it does.
pub fn nothing_at(url: &RemoteUrl) -> String {
    format!(
        "the settings say that the ledger is kept in {url}, and no branch {LEDGER} is known from there: \
         begin it with `changegate init --ledger`; if it had begun before, ask who keeps that repository"
    )
}

/// Fetches the ledger, if there is to be one, so that what is signed next names it. Returns the warning, if it
/// can't be fetched.
pub fn look_at_ledger(git: &Git, org: &Org) -> Option<String> {
    let error = org.settings.ledger.on.then(|| git.branches.refresh_ledger().err()).flatten()?;
    let warning = format!("the ledger can't be read as it is now: {error:#}");
    warn("warning", &warning);
    Some(warning)
}

/// Returns the name of the branch that is checked out.
fn here() -> Option<String> {
    Some(Program::anywhere().head()?.strip_prefix("refs/heads/")?.to_owned())
}

/// Says that what is shown was fetched earlier, and when.
fn say_how_old(branches: &Branches, error: Option<&anyhow::Error>) {
    let Some(remote) = branches.remote() else { return };
    let ago = branches.fetched_at().map(|at| {
        let at = Time::from(DateTime::<Utc>::from(at));
        let now = NowArg::present();
        format!("{} ago, on {} UTC", (now - at).for_people(), at.for_people(Some(now)))
    });
    let ago = ago.unwrap_or_else(|| "earlier".to_owned());
    // What git says first is the reason.
    let why = error.map(|error| format!("{error:#}"));
    let why = why.as_deref().and_then(|why| why.lines().next());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    warn("warning", &format!("this shows what was fetched last from {remote}, {ago}{why}"));
}

/// Returns the name of the change that an argument names, with or without `change/`; without an
/// argument, that of the branch that is checked out.
///
/// # Errors
/// If there is no argument, and another branch is checked out.
pub fn id_or_here(argument: Option<&str>) -> anyhow::Result<String> {
    match argument {
        Some(argument) => Ok(name_of(argument).to_owned()),
        None => here()
            .and_then(|branch| Some(branch.strip_prefix(CHANGE)?.to_owned()))
            .context("name the change's id: no branch change/<ID> is checked out here"),
    }
}

/// Returns an argument as a shell reads it, with a blank before it, if it was typed.
fn argument(flag: &str, typed: Option<&str>) -> String {
    typed.map_or_else(String::new, |typed| format!(" {flag} {}", say::word(typed)))
}

/// Returns the gate to a repository's changes, to judge one.
pub fn gate(git: &Git) -> Gate<'_, Git> {
    Gate::new(git.repo(), git, judges())
}

/// Returns the judges by the policies in this repository.
pub fn judges() -> Judges {
    Judges::new(say::end_at_bound)
}

/// Returns a change's name from an argument with or without `change/`.
pub fn name_of(argument: &str) -> &str {
    let argument = argument.strip_prefix("refs/heads/").unwrap_or(argument);
    argument.strip_prefix(CHANGE).unwrap_or(argument)
}

/// Judges a submitted change as it is now.
///
/// # Errors
/// If nothing could be decided.
pub fn check(git: &Git, name: &str, now: Time) -> anyhow::Result<Judgement> {
    let judgement = gate(git).check(name, || now)?;
    judgement
        .with_context(|| format!("{name} merges into a branch that the settings don't protect"))
}

/// Says that a change is closed, if it is.
///
/// # Errors
/// If its journal can't be read.
pub fn say_if_closed(git: &Git, judgement: &Judgement, args: &HereArgs) -> anyhow::Result<()> {
    let name = &judgement.pull.name;
    if git.is_closed(name, &judgement.bundle().org)? {
        let how = format!("reopen it with `changegate close {name}{} --reopen`", args.as_typed());
        warn("note", &format!("{name} is closed: {how}"));
    }
    Ok(())
}

/// Prints the report on one pull request.
pub fn report(judgement: &Judgement, format: Format, verbose: bool) -> anyhow::Result<()> {
    print(&rendered(judgement, format, verbose))
}

/// Returns the report on one pull request.
pub fn rendered(judgement: &Judgement, format: Format, verbose: bool) -> String {
    let bundle = judgement.bundle();
    let codes = || bundle.codes();
    let colour = say::colour(&std::io::stdout());
    let (policies, width) = (&judgement.decision.bundle, say::width());
    let reporter = Reporter { format, policies, colour, width, verbose, codes: &codes };
    let section = reporter.section(&judgement.judged());
    let mut summary = Summary::default();
    summary.add(&section);
    reporter.begin() + &section.text + &reporter.end(&summary)
}

/// Returns what the reviewers wrote who request changes and haven't answered since.
///
/// # Errors
/// If the journal can't be read.
pub fn objections(git: &Git, judgement: &Judgement) -> anyhow::Result<String> {
    let reviews = &judgement.evidence.reviews;
    let is_last = |at: usize| {
        let speaks = |other: &&Review| {
            other.user == reviews[at].user && other.state != ReviewState::Commented
        };
        reviews[at..].iter().filter(speaks).count() == 1
    };
    let objects = |id: &str| {
        let at = reviews.iter().position(|review| review.id == id);
        at.is_some_and(|at| reviews[at].state == ReviewState::ChangesRequested && is_last(at))
    };
    let mut text = String::new();
    for entry in git.journal(&judgement.pull.name)? {
        if objects(&entry.commit.id.to_string()) && !entry.comment.is_empty() {
            let who = terminal(&entry.commit.committer.name).into_owned();
            text += &hanging(&format!("{who} requested changes:  "), &entry.comment, say::width());
        }
    }
    Ok(text)
}

/// Judges the merge of one commit into another, whatever the branches contain.
///
/// Changes are merged into a shared branch, so that `base` names the remote's branch before one
/// here; `head` is somebody's own work, and names a branch here first.
pub fn judge_commits(git: &Git, base: &str, head: &str, now: Time) -> anyhow::Result<Judgement> {
    let repo = git.repo();
    let base_id = shared_commit(&git.branches, base)?;
    let head_id = own_commit(&git.branches, head)?;
    let name = name_of(head);
    let brought = Changeset::of(repo, base_id, head_id, name)?;
    if brought.files.is_empty() {
        bail!("{head} has nothing to merge into {base}");
    }
    let id = brought.path.as_deref().map(stem);
    let pull = Pull {
        name: id.unwrap_or(name).to_owned(),
        id: None,
        base_ref: git.branches.named(base)?,
        base: base_id,
        head: head_id,
        log: git.log_tip()?,
    };
    gate(git).judge(pull, &[], now)
}

/// Returns the commit that a person names as one that everybody shares: a branch of the remote comes
/// before one here.
///
/// # Errors
/// If there is no such commit, or if there are several.
pub fn shared_commit(branches: &Branches, name: &str) -> anyhow::Result<Oid> {
    let repo = branches.repo();
    commit(repo, name, [branches.tip(name)?, repo.tip(&format!("refs/heads/{name}"))?])
}

/// Returns the commit that a person names as their own work: a branch here comes before one of the
/// remote.
///
/// # Errors
/// If there is no such commit, or if there are several.
pub fn own_commit(branches: &Branches, name: &str) -> anyhow::Result<Oid> {
    let repo = branches.repo();
    commit(repo, name, [repo.tip(&format!("refs/heads/{name}"))?, branches.tip(name)?])
}

/// Returns the commit that a person names: by a branch, by `HEAD`, or by its whole id.
///
/// Tags and abbreviated ids don't count, because anyone can push one that looks like a branch. Of
/// the `branches` with this name, the first that exists counts.
fn commit(repo: &Repo, name: &str, branches: [Option<Oid>; 2]) -> anyhow::Result<Oid> {
    if name == "HEAD" {
        let head = Program::anywhere().run(&["rev-parse", "--verify", "HEAD^{commit}"])?;
        return repo.commit_with_id(&head).context("HEAD is not a commit of this repository");
    }
    let [first, second] = branches;
    let mut meant: Vec<_> = first.or(second).into_iter().collect();
    meant.extend(repo.tip(&format!("refs/remotes/{name}"))?);
    if name.starts_with("refs/heads/") || name.starts_with("refs/remotes/") {
        meant.extend(repo.tip(name)?);
    }
    meant.extend(repo.commit_with_id(name));
    meant.sort_unstable();
    meant.dedup();
    match meant[..] {
        [commit] => Ok(commit),
        [] => bail!(
            "`{name}` is not a commit that can be judged: name a branch, HEAD, or a whole commit id"
        ),
        _ => bail!(
            "`{name}` can mean several commits: name the branch in full, such as \
             refs/heads/{name}, or give the whole commit id"
        ),
    }
}
