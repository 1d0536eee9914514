//! Guards submitted changes: they only grow, by commits that their committers have signed.

use std::collections::HashSet;

use anyhow::{bail, ensure};

use super::{Guard, Update, remedy};
use crate::content::People;
use crate::content::short;
use crate::forge::git::CHANGE;
use crate::git::Oid;

impl Guard {
    pub(super) fn change(&self, name: &str, update: &Update) -> anyhow::Result<()> {
        let repo = self.git.repo();
        match (update.old, update.new) {
            (Some(old), None) => {
                let base = self.git.base()?;
                ensure!(
                    repo.leads_to(old, base)? || self.is_closed(name)?,
                    "{CHANGE}{name} can't be deleted, because it is neither merged nor closed: run \
                     `changegate close {name}` first"
                );
            }
            (Some(old), Some(new)) => ensure!(
                repo.leads_to(old, new)?,
                "{CHANGE}{name} can't be rewritten, because submitted commits must stay: add a \
                 commit with `changegate submit {name}`"
            ),
            _ => {}
        }
        if let Some(new) = update.new {
            self.not_in_the_future(&repo.commit(new)?)?;
            self.signed(update.old, new)?;
        }
        Ok(())
    }

    /// Rejects commits whose author isn't proven: they would deny the change, and couldn't be
    /// removed again.
    fn signed(&self, old: Option<Oid>, new: Oid) -> anyhow::Result<()> {
        let Some(org) = self.org() else { return Ok(()) };
        let repo = self.git.repo();
        let base = Some(self.git.base()?);
        let own = |head| repo.commits_between(base, head);
        let known: HashSet<Oid> = old.map_or_else(|| Ok(Vec::new()), own)?.into_iter().collect();
        let commits = own(new)?.into_iter().map(|id| repo.commit(id));
        let commits = commits.collect::<anyhow::Result<Vec<_>>>()?;
        let people = People::of(&org.roster);
        let signers = people.signers(repo, &commits);
        for (commit, signer) in commits.iter().zip(signers) {
            let email = &commit.committer.email;
            if known.contains(&commit.id) {
                continue;
            }
            for named in commit.co_authors().into_iter().chain([commit.author.email.clone()]) {
                ensure!(
                    people.with_email(&named).is_some(),
                    "{} names {named} as an author, but the roster doesn't list that address, so \
                     no reviewer can be proven to be independent: commit again without it, or have \
                     it added to the roster first",
                    short(commit.id)
                );
            }
            if let Some(unproven) = signer.unproven.filter(|why| !org.tolerates(*why)) {
                bail!(
                    "it is not proven that {email} made {}: {unproven}; {}, and commit again",
                    short(commit.id),
                    remedy(unproven)
                );
            }
            ensure!(
                signer.login.is_some(),
                "the roster doesn't list the address {email}, which made {}: have it added to the \
                 roster first",
                short(commit.id)
            );
        }
        Ok(())
    }
}
