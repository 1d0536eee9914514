//! Where verbs find the operations log: in the repository around this folder, or in one on GitHub.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::args::NowArg;
use super::caches::caches;
use super::here::{HereArgs, look_at_ledger};
use super::judges::judges;
use super::on_github::access;
use super::say::warn;
use changegate::content::request_with_id;
use changegate::core::digest::Digest;
use changegate::core::operations::event::About;
use changegate::core::record::parts::Hex;
use changegate::core::request::ChangeRequest;
use changegate::core::terms::{Login, TicketId};
use changegate::core::time::Time;
use changegate::execute::identity::Comment;
use changegate::execute::kept::Kept;
use changegate::execute::sync::sync;
use changegate::execute::{Author, Identity};
use changegate::files;
use changegate::forge::git::{Branches, CHANGE, Git};
use changegate::forge::github::issuer::Job;
use changegate::forge::github::{GitHub, Name, is_on_site};
use changegate::gate::execution::{Known, Route};
use changegate::gate::judge::{Judge, Judges};
use changegate::git::{Oid, Program, Repo};
use changegate::intake::command::Asked;
use changegate::operations::Log;

/// The repository whose operations log is meant.
#[derive(Args, Clone, Debug, Default)]
pub struct SiteArgs {
    /// The repository with the changes on GitHub, owner/name, in place of the one around this folder
    #[arg(long, value_name = "OWNER/NAME", conflicts_with = "remote")]
    pub repo: Option<Name>,

    #[command(flatten)]
    pub here: HereArgs,
}

/// A repository with its operations log, both up to date.
pub struct Site {
    /// The forge.
    pub git: Git,
    /// The judge by the policies at the tip of the base.
    pub judge: Judge,
    /// GitHub, if that holds the repository, and this program may ask it.
    pub github: Option<GitHub>,
}

impl SiteArgs {
    /// Returns the branches that everybody shares, and GitHub, if that has them.
    fn place(&self) -> anyhow::Result<(Branches, Option<GitHub>)> {
        let Some(name) = &self.repo else {
            let branches = self.here.branches(Repo::discover(Path::new("."))?)?;
            let github = beside(&branches)?;
            return Ok((branches, github));
        };
        let access = access()?;
        let folder = kept(&access.api, name).context(
            "there is no folder to keep what is fetched: set XDG_CACHE_HOME to the path of one",
        )?;
        let program = Program::in_folder(&folder);
        let is_new = Repo::open(&folder).is_err();
        if is_new {
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
            program.run(&["init", "--quiet", "--bare"]).context("make a repository there")?;
        }
        let github = GitHub::new(&access, name.clone(), Repo::open(&folder)?, announce)?;
        if is_new {
            program.run(&["remote", "add", "origin", &github.address()])?;
        }
        let branches = Branches::of(Repo::open(&folder)?, "origin");
        let branches = branches.through(|program| github.let_in(program));
        if branches.named_by_head().is_none() && !self.here.no_fetch {
            let program = branches.program();
            let name = program.run(&["ls-remote", "--symref", "origin", "HEAD"])?;
            let name = name.strip_prefix("ref: refs/heads/").and_then(|it| it.split('\t').next());
            if let Some(name) = name {
                let head = format!("refs/remotes/origin/{name}");
                program.run(&["symbolic-ref", "refs/remotes/origin/HEAD", &head])?;
            }
        }
        Ok((branches, Some(github)))
    }

    /// Opens the repository alone, whatever became of the log.
    ///
    /// # Errors
    /// When there is none, or its remote can't be reached.
    pub fn git(&self) -> anyhow::Result<Git> {
        let (branches, _) = self.place()?;
        match self.here.no_fetch {
            true => self.here.look_at(&branches),
            false => branches.refresh()?,
        }
        Git::new(branches, self.here.base.clone())
    }

    /// Opens the repository alone as it was fetched last.
    ///
    /// # Errors
    /// When there is none.
    pub fn at_hand(&self) -> anyhow::Result<Git> {
        let (branches, _) = self.place()?;
        Git::new(branches, self.here.base.clone())
    }
}

/// Returns the folder that keeps what was fetched of a repository on GitHub, and what waits for its log.
fn kept(api: &str, name: &Name) -> Option<PathBuf> {
    let host: String = api.chars().map(|it| if it.is_alphanumeric() { it } else { '-' }).collect();
    Some(caches()?.join(host).join(&name.owner).join(format!("{}.git", name.name)))
}

fn announce(text: &str) {
    warn("note", text);
}

/// Returns GitHub, if the remote is there, and if there is a token with which it can be asked.
///
/// # Errors
/// When it can't be prepared.
pub fn beside(branches: &Branches) -> anyhow::Result<Option<GitHub>> {
    let url = branches.remote().map(|remote| format!("remote.{remote}.url"));
    let url = url.and_then(|setting| branches.program().setting(&setting));
    let api = std::env::var("GITHUB_API_URL").ok().filter(|api| !api.is_empty());
    let Some(url) = url.filter(|url| is_on_site(url, api.as_deref())) else { return Ok(None) };
    let (Some(name), Ok(access)) = (Name::in_url(&url), access()) else { return Ok(None) };
    GitHub::new(&access, name, Repo::open(&branches.repo().folder())?, announce).map(Some)
}

/// Returns the job on GitHub that this program is part of, if it may prove that.
pub fn job() -> Option<Job> {
    Job::from_environment(|name| std::env::var(name).ok())
}

/// Returns the comment that asks for what is done, if one started the job.
fn comment() -> anyhow::Result<Option<Comment>> {
    let (name, file) = (std::env::var("GITHUB_EVENT_NAME"), std::env::var_os("GITHUB_EVENT_PATH"));
    let (true, Some(file)) = (name.is_ok_and(|name| name == "issue_comment"), file) else {
        return Ok(None);
    };
    let asked = Asked::read(&files::read(Path::new(&file))?)?;
    Ok(asked.and_then(|asked| asked.comment).map(|comment| Comment {
        url: comment.url,
        author_id: comment.author.id.to_string(),
        body_sha256: Hex(Digest::of(comment.body.as_bytes())),
    }))
}

impl Site {
    /// Opens it as it was fetched last, without saying how old that is.
    ///
    /// # Errors
    /// When there is none.
    pub fn open_quietly(args: &SiteArgs) -> anyhow::Result<Self> {
        let (branches, github) = args.place()?;
        Self::of(args, branches, github)
    }

    /// Opens the repository that is meant.
    ///
    /// # Errors
    /// When there is none, or its remote can't be reached.
    pub fn open(args: &SiteArgs) -> anyhow::Result<Self> {
        let (branches, github) = args.place()?;
        match args.here.no_fetch {
            true => args.here.look_at(&branches),
            false => branches.refresh_with_operations()?,
        }
        let site = Self::of(args, branches, github)?;
        if !args.here.no_fetch {
            site.bring_executed()?;
            site.look_at_ledger();
        }
        Ok(site)
    }

    /// Opens the repository that is meant for reading only: where its remote can't be reached, as it was
    /// fetched last, saying how old that is.
    ///
    /// # Errors
    /// When there is none, or the remote's log isn't a later one than what was seen here.
    pub fn open_to_look(args: &SiteArgs) -> anyhow::Result<Self> {
        let (branches, github) = args.place()?;
        let fetched = if args.here.no_fetch { Ok(()) } else { branches.refresh_operations() };
        args.here.look_at(&branches);
        if !branches.is_out_of_reach() {
            fetched?;
        }
        Self::of(args, branches, github)
    }

    fn of(args: &SiteArgs, branches: Branches, github: Option<GitHub>) -> anyhow::Result<Self> {
        let git = Git::new(branches, args.here.base.clone())?;
        let judge = judges()?.at(git.repo(), git.base()?)?;
        Ok(Site { git, judge, github })
    }

    /// Fetches the ledger, which proves what was approved.
    fn look_at_ledger(&self) {
        look_at_ledger(&self.git, &self.judge.bundle().org);
    }

    /// Fetches what was executed from pull requests whose branches aren't here, by which the log is judged.
    fn bring_executed(&self) -> anyhow::Result<()> {
        if let (Some(github), Some(log)) = (&self.github, self.git.operations()?) {
            github.bring(&log.missed_heads());
        }
        Ok(())
    }

    /// Brings what waits in this clone to the log first, so that nothing is judged without it.
    fn bring_what_waits(&self) {
        let kept = Kept::of(self.git.repo());
        if kept.waiting().is_ok_and(|waiting| waiting.is_empty()) {
            return;
        }
        match sync(&self.git, false) {
            Ok(synced) => {
                for (_, why) in &synced.refused {
                    warn("warning", &format!("an event that waited here can't be recorded: {why}"));
                }
            }
            Err(error) => {
                warn("warning", &format!("what waits here can't be brought to the log: {error:#}"));
            }
        }
    }

    /// Fetches again.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn refresh(&self) -> anyhow::Result<()> {
        self.git.branches.refresh_with_operations()?;
        self.bring_executed()?;
        self.look_at_ledger();
        Ok(())
    }

    /// Returns who writes events here.
    ///
    /// # Errors
    /// When it isn't clear who that is.
    pub fn author(&self, on_behalf: Option<Login>) -> anyhow::Result<Author<'_>> {
        self.bring_what_waits();
        let author = self.author_at_hand(on_behalf)?;
        match self.github.as_ref().and_then(GitHub::time) {
            Some(theirs) => author.beside(theirs),
            None => Ok(author),
        }
    }

    /// Returns who writes events here, where nothing can be reached.
    ///
    /// # Errors
    /// When it isn't clear who that is.
    pub fn author_at_hand(&self, on_behalf: Option<Login>) -> anyhow::Result<Author<'_>> {
        let org = &self.judge.bundle().org;
        let job = job().map(|job| anyhow::Ok((job, comment()?))).transpose()?;
        let identity = Identity::here(self.git.branches.program(), org, on_behalf, job)?;
        Ok(Author::new(&self.git, identity, NowArg::present))
    }

    /// Collects what is known of a change, in a log if there is one.
    ///
    /// # Errors
    /// When the repository can't be read, or GitHub can't be asked for what it alone knows.
    pub fn known(
        &self,
        judges: &Judges,
        log: Option<&Log<'_>>,
        (id, route): (&TicketId, &Route),
        now: Time,
    ) -> anyhow::Result<Known> {
        let life = log.map(|log| log.life(About::Change(id))).transpose()?.unwrap_or_default();
        Known::of((&self.git, self.github.as_ref()), judges, (log, life), (id, route), now)
    }

    /// Returns the request with an id on the base.
    ///
    /// # Errors
    /// When there is none that can be read.
    pub fn request(&self, id: &TicketId) -> anyhow::Result<ChangeRequest> {
        self.request_at(&[self.git.base()?], id)
    }

    /// Returns the request with an id on the base or, if it isn't merged, of the open change.
    ///
    /// # Errors
    /// When there is none that can be read.
    pub fn executed(&self, id: &TicketId) -> anyhow::Result<ChangeRequest> {
        let open = self.git.branches.tip(&format!("{CHANGE}{id}"))?;
        // Its branch may be deleted once it is closed.
        let log = self.git.operations()?;
        let life = log.map(|log| log.life(About::Change(id))).transpose()?.unwrap_or_default();
        let executed = life.opened_from().and_then(|it| self.git.repo().commit_with_id(&it));
        let commits: Vec<_> =
            [Some(self.git.base()?), open, executed].into_iter().flatten().collect();
        self.request_at(&commits, id)
    }

    fn request_at(&self, commits: &[Oid], id: &TicketId) -> anyhow::Result<ChangeRequest> {
        let mut found = None;
        for commit in commits {
            found = found.or(request_with_id(self.git.repo(), *commit, id)?);
        }
        let (_, file) = found.with_context(|| {
            format!(
                "there is no request {id} on {}: `changegate list --state all` shows what there is",
                self.git.base_ref
            )
        })?;
        file.request.with_context(|| format!("the request {id} can't be read"))
    }
}
