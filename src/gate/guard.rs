//! What a server lets in: the rules of plain Git's branches, held against each update of a push.
//!
//! - A protected base moves forward only, and only by merges of changes that are approved at this
//!   moment, each of which is made exactly as `changegate merge` makes it.
//! - A journal grows only, by reviews that their authors signed.
//! - A change grows only, by commits that their makers signed, and is deleted only when it is merged or closed.

use std::collections::HashSet;

use anyhow::{Context as _, bail, ensure};

use super::merge::merge_tree;
use super::{Gate, leaves_policies, policies_at};
use crate::content::{Changeset, short};
use crate::core::evidence::Unproven;
use crate::core::layout::{POLICIES, stem};
use crate::core::policy::PolicyBundle;
use crate::core::terms::Verdict;
use crate::core::time::Time;
use crate::forge::Pull;
use crate::forge::git::journal::{self, Entry, Said};
use crate::forge::git::{Branches, CHANGE, DEFAULT_BASES, Git, People, REVIEWS, SKEW};
use crate::git::{Commit, Oid, Repo};
use crate::report::{merge_message, one_line};

/// What whoever pushes can do about it that a commit isn't shown to be theirs.
fn remedy(unproven: Unproven) -> &'static str {
    match unproven {
        Unproven::UnknownKey => "have your public key added to your entry in the roster",
        Unproven::OtherPerson => {
            "sign under your own address (`git config user.email`) and with your own key"
        }
        Unproven::Unsigned | Unproven::InvalidSignature | Unproven::OtherChange => {
            "set up signing (`git config gpg.format ssh`, `git config user.signingkey KEY`), with a \
             key that the roster lists"
        }
    }
}

/// A ref that a push moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    name: String,
    old: Option<Oid>,
    new: Option<Oid>,
}

impl Update {
    /// Reads a line of what Git gives its hooks: `<old> <new> <ref>`.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(line: &str) -> anyhow::Result<Self> {
        let parts: Vec<_> = line.splitn(3, ' ').collect();
        let &[old, new, name] = parts.as_slice() else {
            bail!("`{line}` is no update of a ref: Git gives `<old> <new> <ref>`");
        };
        let id = |text: &str| -> anyhow::Result<Option<Oid>> {
            let id = Oid::from_str(text).with_context(|| format!("read the commit id `{text}`"))?;
            Ok((id != Oid::ZERO_SHA1).then_some(id))
        };
        Ok(Update { name: name.to_owned(), old: id(old)?, new: id(new)? })
    }
}

/// Guards a repository that people push to.
pub struct Guard {
    git: Git,
    now: Time,
    /// The policies at the base's tip; nothing before there are any.
    policies: Option<PolicyBundle>,
}

impl Guard {
    /// The guard of a repository, by the policies that its base holds now.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn of(repo: Repo, now: Time) -> anyhow::Result<Self> {
        let branches = Branches::own(repo);
        let unborn = || branches.named_by_head().unwrap_or_else(|| "main".to_owned());
        let base_ref = branches.default_base().unwrap_or_else(|_| unborn());
        let git = Git::new(branches, Some(base_ref))?;
        let base = git.branches.tip(&git.base_ref)?;
        let policies = match base {
            Some(base) if git.repo().entry(base, POLICIES)?.is_some() => {
                Some(policies_at(git.repo(), base)?.0)
            }
            _ => None,
        };
        Ok(Guard { git, now, policies })
    }

    /// Judges an update; what it lets in may come with notes for the pusher.
    ///
    /// # Errors
    /// Why it isn't let in, and what to do.
    pub fn judge(&self, update: &Update) -> anyhow::Result<Vec<String>> {
        let name = update.name.as_str();
        if name.starts_with("refs/replace/") {
            bail!("{name} would show another history than was recorded");
        }
        let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(Vec::new()) };
        if self.is_protected(branch) {
            return self.base(branch, update);
        }
        if self.policies.is_none() {
            self.is_known_which_base(branch)?;
            return Ok(Vec::new());
        }
        if let Some(change) = branch.strip_prefix(REVIEWS) {
            self.journal(change, update)?;
        } else if let Some(change) = branch.strip_prefix(CHANGE) {
            self.change(change, update)?;
        }
        Ok(Vec::new())
    }

    /// Refuses to let a repository grow in which nothing would ever be guarded.
    fn is_known_which_base(&self, branch: &str) -> anyhow::Result<()> {
        let base_ref = &self.git.base_ref;
        let is_begun = !self.git.branches.below("")?.is_empty();
        ensure!(
            !is_begun || self.git.branches.tip(base_ref)?.is_some(),
            "nothing is guarded here, because HEAD names {base_ref}, which doesn't exist: have the \
             server's administrator run `git symbolic-ref HEAD refs/heads/{branch}`, with the branch \
             that changes are merged into"
        );
        Ok(())
    }

    fn is_protected(&self, branch: &str) -> bool {
        branch == self.git.base_ref
            || DEFAULT_BASES.contains(&branch)
            || self.policies.as_ref().is_some_and(|policies| {
                policies.org.settings.protected_bases.iter().any(|base| base == branch)
            })
    }

    fn base(&self, branch: &str, update: &Update) -> anyhow::Result<Vec<String>> {
        let repo = self.git.repo();
        let Some(new) = update.new else {
            bail!("{branch} can't be deleted: it is the record of what was merged");
        };
        let Some(old) = update.old else {
            self.begins(branch, new)?;
            return Ok(vec![format!("{branch} begins here, and is guarded from now on")]);
        };
        ensure!(
            repo.leads_to(old, new)?,
            "{branch} can't be taken back or rewritten: what was merged stays; to undo a change, \
             submit another one"
        );
        let mut notes = Vec::new();
        let mut merges = Vec::new();
        let mut next = new;
        while next != old {
            let commit = repo.commit(next)?;
            next = *commit.parents.first().with_context(|| {
                format!("{branch} would leave the line that it was on at {}", short(old))
            })?;
            merges.push(commit);
        }
        for commit in merges.iter().rev() {
            let base = commit.parents[0];
            if repo.entry(base, POLICIES)?.is_none() {
                ensure!(
                    self.policies.is_none(),
                    "{branch} holds no policies to judge {} by: let it begin anew at {}",
                    short(commit.id),
                    self.git.base_ref
                );
                notes.push(format!(
                    "{} came in unjudged: {branch} holds no policies yet; add them with \
                     `changegate init`",
                    short(commit.id)
                ));
                continue;
            }
            self.merge(branch, commit)
                .with_context(|| format!("{} isn't let into {branch}", short(commit.id)))?;
        }
        leaves_policies(repo, old, new)?;
        Ok(notes)
    }

    /// Judges the beginning of a protected branch: beside a guarded one only from what that holds,
    /// and under no name by which it would be taken for that one.
    fn begins(&self, branch: &str, new: Oid) -> anyhow::Result<()> {
        let repo = self.git.repo();
        if self.policies.is_none() {
            if repo.entry(new, POLICIES)?.is_some() {
                policies_at(repo, new)?;
            }
            return Ok(());
        }
        let base_ref = &self.git.base_ref;
        ensure!(
            !DEFAULT_BASES.contains(&branch),
            "{branch} would take the place of {base_ref}, the branch that changes go to here"
        );
        let base = self.git.base()?;
        ensure!(
            repo.leads_to(new, base)?
                && repo.entry(new, POLICIES)? == repo.entry(base, POLICIES)?,
            "{branch} is protected, and can only begin at a commit of {base_ref} that holds the \
             policies of now"
        );
        Ok(())
    }

    /// Judges a commit on a base: the merge of an approved change, and nothing else.
    fn merge(&self, branch: &str, commit: &Commit) -> anyhow::Result<()> {
        let repo = self.git.repo();
        let [base, head] = commit.parents[..] else {
            bail!(
                "it isn't the merge of a change; submit what it does (`changegate submit`), have it \
                 reviewed, and then `changegate merge` it"
            );
        };
        self.made_now_by_somebody(commit)?;
        let mut names = Vec::new();
        for (name, tip) in self.git.branches.below(CHANGE)? {
            if tip == head {
                names.push((self.is_closed(&name)?, name));
            }
        }
        ensure!(
            !names.is_empty(),
            "what it merges, {}, is no submitted change: push it as {CHANGE}<id> first",
            short(head)
        );
        // A name that the request doesn't have is somebody's mistake, or worse.
        let brought = Changeset::of(repo, base, head, "")?;
        let id = brought.path.as_deref().map(stem);
        if names.iter().any(|(_, name)| Some(name.as_str()) == id) {
            names.retain(|(_, name)| Some(name.as_str()) == id);
        }
        // One of several names may have been a mistake, which is closed.
        names.sort_unstable();
        if let Some((true, name)) = names.first() {
            bail!("{name} was given up: take it up again with `changegate close {name} --reopen`");
        }
        let gate = Gate::new(repo, &self.git);
        for (_, name) in names.into_iter().filter(|(is_closed, _)| !is_closed) {
            let pull = Pull {
                name: name.clone(),
                id: Some(name.clone()),
                base_ref: Some(branch.to_owned()),
                base,
                head,
            };
            let judgement = gate.judge(pull, self.now)?;
            let decision = &judgement.decision;
            ensure!(
                decision.verdict == Verdict::Approved,
                "{name} is {}: {}\n`changegate show {name}` tells more",
                decision.verdict,
                one_line(decision)
            );
            ensure!(
                commit.tree == merge_tree(repo, &judgement.pull)?,
                "the merge of {name} holds other content than was approved: merge it with \
                 `changegate merge {name}`"
            );
            ensure!(
                commit.message.trim_end() == merge_message(decision, &name).trim_end(),
                "the message of the merge doesn't say what was decided: merge it with `changegate \
                 merge {name}`"
            );
        }
        leaves_policies(repo, base, commit.id)
    }

    fn change(&self, name: &str, update: &Update) -> anyhow::Result<()> {
        let repo = self.git.repo();
        match (update.old, update.new) {
            (Some(old), None) => {
                let base = self.git.base()?;
                ensure!(
                    repo.leads_to(old, base)? || self.is_closed(name)?,
                    "{CHANGE}{name} is neither merged nor closed, and nothing submitted disappears: \
                     `changegate close {name}` first"
                );
            }
            (Some(old), Some(new)) => ensure!(
                repo.leads_to(old, new)?,
                "{CHANGE}{name} can't be rewritten, because nothing submitted disappears: add a \
                 commit on top of it (`changegate submit {name}` does)"
            ),
            _ => {}
        }
        if let Some(new) = update.new {
            self.not_in_the_future(&repo.commit(new)?)?;
            self.signed(update.old, new)?;
        }
        Ok(())
    }

    /// Refuses commits of a change that nobody can be shown to have made: they would deny it, and
    /// couldn't be taken out again.
    fn signed(&self, old: Option<Oid>, new: Oid) -> anyhow::Result<()> {
        let Some(policies) = &self.policies else { return Ok(()) };
        let repo = self.git.repo();
        let base = Some(self.git.base()?);
        let own = |head| repo.commits_between(base, head);
        let known: HashSet<Oid> = old.map_or_else(|| Ok(Vec::new()), own)?.into_iter().collect();
        let commits = own(new)?.into_iter().map(|id| repo.commit(id));
        let commits = commits.collect::<anyhow::Result<Vec<_>>>()?;
        let people = People::of(&policies.org.roster);
        let signers = people.signers(repo, &commits);
        for (commit, signer) in commits.iter().zip(signers) {
            let email = &commit.committer.email;
            if known.contains(&commit.id) {
                continue;
            }
            let co_authors = commit.co_authors().map(|co_author| co_author.email);
            for named in co_authors.chain([commit.author.email.clone()]) {
                ensure!(
                    people.with_email(&named).is_some(),
                    "{} names {named} as an author, whom the roster doesn't know, and so nobody could \
                     be shown to be independent: commit again without it, or have it added first",
                    short(commit.id)
                );
            }
            if let Some(unproven) = signer.unproven.filter(|why| !policies.org.tolerates(*why)) {
                bail!(
                    "it isn't shown that {email} made {}: {unproven}; {}, and commit again",
                    short(commit.id),
                    remedy(unproven)
                );
            }
            ensure!(
                signer.login.is_some(),
                "the roster knows nobody with the address {email}, who made {}",
                short(commit.id)
            );
        }
        Ok(())
    }

    fn is_closed(&self, name: &str) -> anyhow::Result<bool> {
        let Some(policies) = &self.policies else { return Ok(false) };
        self.git.is_closed(name, &policies.org)
    }

    fn journal(&self, name: &str, update: &Update) -> anyhow::Result<()> {
        let Some(new) = update.new else {
            bail!("{REVIEWS}{name} can't be deleted: it is the record of who reviewed what");
        };
        let entries = journal::entries(self.git.repo(), new)?;
        let known = match update.old {
            None => 0,
            Some(old) => entries
                .iter()
                .position(|entry| entry.commit.id == old)
                .map(|position| position + 1)
                .with_context(|| {
                    format!(
                        "{REVIEWS}{name} can't be rewritten: fetch, and add your review to what is \
                         there (`changegate review {name}` does)"
                    )
                })?,
        };
        ensure!(
            known < entries.len() || update.old == Some(new),
            "{REVIEWS}{name} holds no review"
        );
        for entry in &entries[known..] {
            self.entry(name, entry)
                .with_context(|| format!("the review {} isn't let in", short(entry.commit.id)))?;
        }
        Ok(())
    }

    /// Judges a new entry of a journal.
    fn entry(&self, name: &str, entry: &Entry) -> anyhow::Result<()> {
        let Some(said) = entry.said.filter(|_| entry.change == name) else {
            bail!(
                "it can't be read as a review of {name}: give it with `changegate review {name}`"
            );
        };
        let Some(policies) = &self.policies else { return Ok(()) };
        let people = People::of(&policies.org.roster);
        let signer = people.signer(self.git.repo(), &entry.commit);
        let email = &entry.commit.committer.email;
        if let Some(unproven) = signer.unproven.filter(|why| !policies.org.tolerates(*why)) {
            bail!(
                "it isn't shown that {email} gave it: {unproven}; {}, and review again",
                remedy(unproven)
            );
        }
        let Some(login) = signer.login else {
            bail!("the roster knows nobody with the address {email}");
        };
        self.not_backdated(&entry.commit)?;
        let tip = self.git.branches.tip(&format!("{CHANGE}{name}"))?;
        let is_submitted = match tip {
            Some(tip) => self.git.repo().leads_to(entry.reviewed, tip)?,
            None => false,
        };
        ensure!(
            is_submitted,
            "what it reviews, {}, isn't submitted as {CHANGE}{name}",
            short(entry.reviewed)
        );
        if matches!(said, Said::Closed | Said::Reopened) {
            // What can't be judged can be given up by anyone.
            let judged = Gate::new(self.git.repo(), &self.git).check(name, self.now);
            let is_own = judged.map_or(true, |judged| {
                let pull_request = judged.evidence.pull_request.into_iter();
                let mut contributors = pull_request.flat_map(|pull| pull.contributors);
                judged.decision.requester.as_ref() == Some(&login)
                    || contributors.any(|contributor| contributor.login.as_ref() == Some(&login))
            });
            let person = policies.org.roster.people.get(&login);
            let is_admin =
                person.is_some_and(|person| person.level == Some(crate::core::terms::Level::L3));
            ensure!(
                is_own || is_admin,
                "{login} can't close {name}: that is for whoever asks for it or contributed to it, \
                 or for an L3"
            );
        }
        Ok(())
    }

    /// A merge is signed by somebody of the roster, and made now.
    fn made_now_by_somebody(&self, commit: &Commit) -> anyhow::Result<()> {
        let Some(policies) = &self.policies else { return Ok(()) };
        let signer = People::of(&policies.org.roster).signer(self.git.repo(), commit);
        let email = &commit.committer.email;
        if let Some(unproven) = signer.unproven.filter(|why| !policies.org.tolerates(*why)) {
            bail!("it isn't shown that {email} merged it: {unproven}; {}", remedy(unproven));
        }
        self.not_backdated(commit)
    }

    fn not_in_the_future(&self, commit: &Commit) -> anyhow::Result<()> {
        ensure!(
            commit.time <= self.now + SKEW,
            "{} is dated {} UTC, which is in the future: set your clock, and commit again",
            short(commit.id),
            commit.time.for_people()
        );
        Ok(())
    }

    /// A review is given now, whatever its author's clock says.
    fn not_backdated(&self, commit: &Commit) -> anyhow::Result<()> {
        self.not_in_the_future(commit)?;
        ensure!(
            commit.time + SKEW >= self.now,
            "it is dated {} UTC, and made now: set your clock, and make it again",
            commit.time.for_people()
        );
        Ok(())
    }
}
