//! Decides what a server accepts: checks each update of a push against the rules of plain Git.
//!
//! - A protected base only moves forward, by merges of changes that are approved at this moment.
//!   Each merge has to be exactly what `changegate merge` makes.
//! - A journal only grows, by reviews that their authors have signed.
//! - A change only grows, by commits that their committers have signed. It can be deleted only when
//!   it is merged or closed.
//! - The ledger only grows, by the entries of what a push brings to a base, and with their evidence. Of
//!   one that is kept elsewhere nothing is taken here, and no push has to bring an entry; where it is alone,
//!   only its form is judged.
//! - The operations log only grows, by events that hold.
//!
//! Git takes no lock while a push is judged. [`Tips`] are what a judgement relied on; they are
//! compared once more when Git has locked the ref that it moves.

use anyhow::{Context as _, bail, ensure};

use super::Gate;
use super::judge::{Judge, Judges};
use crate::content::journal::REVIEWS;
use crate::content::{SKEW, short};
use crate::core::evidence::Unproven;
use crate::core::layout::POLICIES;
use crate::core::org::{Org, RemoteUrl};
use crate::core::time::Time;
use crate::forge::git::{Branches, CHANGE, DEFAULT_BASES, Git};
use crate::git::{Commit, Oid, Repo};
use crate::ledger::AUDIT;
use crate::operations::OPERATIONS;

mod alone;
mod anchors;
mod base;
mod beginning;
mod change;
mod erasure;
mod explanation;
mod journal;
mod operations;
mod record;
mod tips;
mod witness;

pub use tips::{Judged, Tips};

/// The names that no branch may have, because the branches below them couldn't exist beside it.
const FOLDERS: [&str; 3] = ["change", "reviews", "audit"];

/// The beginnings of refs that are governed, in their only spelling.
const SPELLED: [&str; 6] = [
    "refs/heads/change/",
    "refs/heads/reviews/",
    "refs/heads/audit/",
    "refs/heads/",
    "refs/replace/",
    "refs/tags/audit/",
];

/// Returns a name as file systems compare it that ignore case.
fn without_case(name: &str) -> String {
    // Some letters, such as the long s, have a small form of their own.
    name.to_uppercase().to_lowercase()
}

/// Returns what people can do if it is not proven that a commit is theirs.
pub fn remedy(unproven: Unproven) -> &'static str {
    match unproven {
        Unproven::UnknownKey => {
            "have an L3 add it to your `keys` in policies/org/roster/data.yaml, or sign with a key \
             that is there (`git config user.signingkey FILE`)"
        }
        Unproven::OtherPerson => {
            "sign under your own address (`git config user.email`) and with your own key"
        }
        Unproven::UnusableKey => {
            "sign with a plain key, such as one that `ssh-keygen -t ed25519` makes, and have it added \
             to your entry in the roster"
        }
        Unproven::Unsigned
        | Unproven::InvalidSignature
        | Unproven::NotSsh
        | Unproven::OtherChange => {
            "set up signing (`git config gpg.format ssh`, `git config user.signingkey KEY`), with \
             a key that the roster lists"
        }
    }
}

/// Rejects a name that git would take for another one's: a push to `refs/heads/main` would match
/// `refs/heads/refs/heads/main`, too, and who fetches `main` would get `refs/tags/main`. A tag `audit` would be
/// in the way of those below it.
fn is_unambiguous<'a>(
    name: &str,
    bases: impl Iterator<Item = &'a str> + Clone,
) -> anyhow::Result<()> {
    let folded = without_case(name);
    for folder in ["refs/", "refs/heads/", "refs/tags/"] {
        let short = folded.strip_prefix(folder).unwrap_or_default();
        ensure!(
            !short.starts_with("refs/"),
            "{name} would make every push to {short} ambiguous: choose a name that doesn't begin with \
             refs/, and push to it as `git push REMOTE COMMIT:refs/heads/NAME`"
        );
    }
    let outside = folded.strip_prefix("refs/").unwrap_or_default();
    let tag = folded.strip_prefix("refs/tags/");
    for short in [Some(outside), tag].into_iter().flatten() {
        let is_base = bases.clone().any(|base| short == without_case(base));
        let is_of_record = short == outside && short.starts_with(AUDIT);
        ensure!(
            !is_base && !is_of_record,
            "{name} would be taken for the branch {short}: choose another name"
        );
    }
    ensure!(
        folded != "refs/tags/audit",
        "{name} would block the ledger's tags below {AUDIT}: choose another name"
    );
    Ok(())
}

/// An update of a ref by a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    name: String,
    old: Option<Oid>,
    new: Option<Oid>,
}

impl Update {
    /// Reads a line of the input that Git gives its hooks: `<old> <new> <ref>`.
    ///
    /// # Errors
    /// When the line isn't in this form.
    pub fn read(line: &str) -> anyhow::Result<Self> {
        let parts: Vec<_> = line.splitn(3, ' ').collect();
        let &[old, new, name] = parts.as_slice() else {
            bail!("`{line}` is not an update of a ref: expected `<old> <new> <ref>`");
        };
        let id = |text: &str| -> anyhow::Result<Option<Oid>> {
            let id = Oid::from_str(text)
                .with_context(|| format!("`{text}` is not a valid commit id"))?;
            Ok((id != Oid::ZERO_SHA1).then_some(id))
        };
        Ok(Update { name: name.to_owned(), old: id(old)?, new: id(new)? })
    }

    /// Whether it is one of a branch or a tag of the record.
    fn is_of_record(&self) -> bool {
        let short = ["refs/heads/", "refs/tags/"].iter().find_map(|it| self.name.strip_prefix(it));
        short.is_some_and(|name| name.starts_with(AUDIT))
    }
}

/// Guards a repository that people push to.
pub struct Guard {
    git: Git,
    now: Time,
    /// The judge by the policies at the tip of the base; `None` before there are policies.
    judge: Option<Judge>,
    judges: Judges,
    /// The id of those policies.
    policies: Option<Oid>,
}

/// An update that may be made.
pub struct Accepted {
    /// What the pusher should know.
    pub notes: Vec<String>,
    /// What the judgement relied on.
    pub tips: Tips,
}

impl Guard {
    /// Makes the guard of a repository, with the policies at the tip of its base.
    ///
    /// # Errors
    /// When the policies can't be read.
    pub fn of(repo: Repo, judges: Judges, now: Time) -> anyhow::Result<Self> {
        let branches = Branches::own(repo);
        let unborn = || branches.named_by_head().unwrap_or_else(|| "main".to_owned());
        let base_ref = branches.default_base().unwrap_or_else(|_| unborn());
        let git = Git::new(branches, Some(base_ref))?;
        let base = git.branches.tip(&git.base_ref)?;
        let (mut judge, mut policies) = (None, None);
        if let Some(base) = base
            && let Some(entry) = git.repo().entry(base, POLICIES)?
        {
            judge = Some(judges.at(git.repo(), base)?);
            policies = Some(entry.id);
        }
        Ok(Guard { git, now, judge, judges, policies })
    }

    /// Judges an update; `pushed` are all those of its push.
    ///
    /// # Errors
    /// Why the update is rejected, and what to do.
    pub fn judge(&self, update: &Update, pushed: &[Update]) -> anyhow::Result<Accepted> {
        let name = update.name.as_str();
        for folder in SPELLED {
            if !name.starts_with(folder) && without_case(name).starts_with(folder) {
                bail!(
                    "{name} is the same as {folder}… on a file system that ignores case: write \
                     {folder} in lower case"
                );
            }
        }
        if name.starts_with("refs/replace/") {
            bail!("{name} is rejected: it would make Git show another history than was recorded");
        }
        if let Some(target) = self.git.repo().symbolic(name) {
            bail!("{name} is another name for {target}: push to that one");
        }
        if update.new.is_some() {
            is_unambiguous(name, self.bases())?;
        }
        let mut accepted = Accepted { notes: Vec::new(), tips: Tips::default() };
        if name.strip_prefix("refs/heads/") == Some(OPERATIONS) {
            self.operations(update, pushed, &mut accepted.tips)?;
            return Ok(accepted);
        }
        if update.is_of_record() {
            if let Some(url) = self.elsewhere() {
                bail!(
                    "{name} is rejected: the settings keep the ledger in {url}, and no other branch below {AUDIT} \
                     here; choose another name, or record there what was merged, by `changegate sweep`"
                );
            }
            self.audit(name, update)?;
            if name.starts_with("refs/heads/") {
                self.moves_with(update, pushed, &mut accepted.tips);
            }
            return Ok(accepted);
        }
        self.is_left_alone(name)?;
        let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(accepted) };
        self.is_no_other_spelling(branch, update, pushed)?;
        if update.new.is_some() {
            self.is_in_nobodys_way(branch)?;
        }
        accepted.tips.policies(&self.git.base_ref, self.policies);
        if self.is_protected(branch) {
            self.base(branch, update, &mut accepted)?;
        } else if self.judge.is_none() {
            self.is_known_which_base(branch)?;
        } else if let Some(change) = branch.strip_prefix(REVIEWS) {
            accepted.tips.branch(&self.git, &format!("{CHANGE}{change}"))?;
            self.journal(change, update)?;
        } else if let Some(change) = branch.strip_prefix(CHANGE) {
            if update.new.is_none() {
                accepted.tips.branch(&self.git, &format!("{REVIEWS}{change}"))?;
            }
            self.change(change, update)?;
        }
        Ok(accepted)
    }

    /// Lets a branch of the record move only together with what it is about: the other one, and the
    /// bases. Alone it would account for a merge that may have lost its base to somebody else.
    fn moves_with(&self, update: &Update, pushed: &[Update], tips: &mut Tips) {
        let is_of_it = |other: &&Update| {
            let branch = other.name.strip_prefix("refs/heads/");
            other.name != update.name
                && branch.is_some_and(|it| it.starts_with(AUDIT) || self.is_protected(it))
        };
        for other in pushed.iter().filter(is_of_it) {
            tips.together(&other.name, other.new);
        }
    }

    /// Rejects a branch that differs by case only from a protected one or from another change's, which
    /// may come with the same push: on some file systems both are one.
    fn is_no_other_spelling(
        &self,
        branch: &str,
        update: &Update,
        pushed: &[Update],
    ) -> anyhow::Result<()> {
        let is_spelling =
            |name: &str, other: &str| name != other && without_case(name) == without_case(other);
        if let Some(base) = self.bases().find(|base| is_spelling(branch, base)) {
            bail!(
                "{branch} differs from the protected branch {base} by case only: choose another name"
            );
        }
        let change = [CHANGE, REVIEWS].into_iter().find_map(|folder| branch.strip_prefix(folder));
        let Some(change) = change.filter(|_| update.old.is_none()) else { return Ok(()) };
        for folder in [CHANGE, REVIEWS] {
            let known = self.git.branches.below(folder)?.into_iter().map(|(name, _)| name);
            let new = pushed.iter().filter(|other| other.new.is_some()).filter_map(|other| {
                Some(other.name.strip_prefix("refs/heads/")?.strip_prefix(folder)?.to_owned())
            });
            if let Some(other) = known.chain(new).find(|other| is_spelling(change, other)) {
                bail!(
                    "{branch} differs from {folder}{other} by case only, but an id is unique \
                     whatever its case: choose another id"
                );
            }
        }
        Ok(())
    }

    /// Rejects a branch beside which Git couldn't hold others: it keeps `change` or `change/CHG-1`,
    /// never both.
    fn is_in_nobodys_way(&self, branch: &str) -> anyhow::Result<()> {
        let lower = without_case(branch);
        let blocks = |other: &str| {
            let other = without_case(other);
            other.strip_prefix(&lower).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some(folder) = FOLDERS.into_iter().find(|folder| blocks(folder)) {
            bail!("{branch} would block every branch below {folder}/: choose another name");
        }
        let bases = self.org().map_or(&[][..], |org| &org.settings.protected_bases);
        if let Some(base) = bases.iter().find(|base| *base != branch && blocks(base)) {
            bail!("{branch} would block the protected branch {base}: choose another name");
        }
        for folder in [CHANGE, REVIEWS] {
            let name = branch.strip_prefix(folder).unwrap_or_default();
            if let Some((parent, _)) = name.split_once('/') {
                bail!("{branch} would block {folder}{parent}: a change's name has no `/` in it");
            }
        }
        Ok(())
    }

    /// Rejects pushes to a repository in which nothing would ever be guarded.
    fn is_known_which_base(&self, branch: &str) -> anyhow::Result<()> {
        let base_ref = &self.git.base_ref;
        let is_begun = !self.git.branches.below("")?.is_empty();
        ensure!(
            !is_begun || self.git.branches.tip(base_ref)?.is_some(),
            "nothing is guarded here, because HEAD names {base_ref}, which doesn't exist: ask the \
             server's administrator to run `git symbolic-ref HEAD refs/heads/{branch}`, with the \
             name of the branch that changes are merged into"
        );
        Ok(())
    }

    fn org(&self) -> Option<&Org> {
        self.judge.as_ref().map(|judge| &judge.bundle().org)
    }

    /// Returns where the ledger is, if it isn't kept here.
    fn elsewhere(&self) -> Option<&RemoteUrl> {
        self.org().and_then(|org| org.settings.ledger.remote.as_ref())
    }

    fn gate(&self) -> Gate<'_, Git> {
        Gate::new(self.git.repo(), &self.git, self.judges.clone())
    }

    fn is_protected(&self, branch: &str) -> bool {
        self.bases().any(|base| base == branch)
    }

    /// Returns the branches to which nothing gets but approved changes.
    fn bases(&self) -> impl Iterator<Item = &str> + Clone {
        let settings = self.org().map_or(&[][..], |org| &org.settings.protected_bases);
        let bases = settings.iter().map(String::as_str).chain(DEFAULT_BASES);
        bases.chain([self.git.base_ref.as_str()])
    }

    fn is_closed(&self, name: &str) -> anyhow::Result<bool> {
        let Some(org) = self.org() else { return Ok(false) };
        self.git.is_closed(name, org)
    }

    fn not_in_the_future(&self, commit: &Commit) -> anyhow::Result<()> {
        ensure!(
            commit.time <= self.now + SKEW,
            "{} is dated {} UTC, which is in the future: set your clock, and commit again",
            short(commit.id),
            commit.time.for_people(Some(self.now))
        );
        Ok(())
    }

    /// Checks that a commit is dated now, within the tolerated difference between clocks.
    fn not_backdated(&self, commit: &Commit) -> anyhow::Result<()> {
        self.not_in_the_future(commit)?;
        ensure!(
            commit.time + SKEW >= self.now,
            "it is dated {} UTC, which is in the past: set your clock, and make it again",
            commit.time.for_people(Some(self.now))
        );
        Ok(())
    }
}
