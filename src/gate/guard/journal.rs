//! Guards journals: they grow only, by reviews that their authors signed.

use anyhow::{Context as _, bail, ensure};

use super::{Guard, Update, remedy};
use crate::content::short;
use crate::core::terms::Level;
use crate::forge::git::journal::{self, Entry, Said};
use crate::forge::git::{CHANGE, People, REVIEWS};

impl Guard {
    pub(super) fn journal(&self, name: &str, update: &Update) -> anyhow::Result<()> {
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
        let Some(org) = self.org() else { return Ok(()) };
        let people = People::of(&org.roster);
        let signer = people.signer(self.git.repo(), &entry.commit);
        let email = &entry.commit.committer.email;
        if let Some(unproven) = signer.unproven.filter(|why| !org.tolerates(*why)) {
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
            let judged = self.gate().check(name, self.now);
            let is_own = judged.ok().flatten().is_none_or(|judged| {
                let pull_request = judged.evidence.pull_request.into_iter();
                let mut contributors = pull_request.flat_map(|pull| pull.contributors);
                judged.decision.requester.as_ref() == Some(&login)
                    || contributors.any(|contributor| contributor.login.as_ref() == Some(&login))
            });
            let person = org.roster.people.get(&login);
            let is_admin = person.is_some_and(|person| person.level == Some(Level::L3));
            ensure!(
                is_own || is_admin,
                "{login} can't close {name}: that is for whoever asks for it or contributed to it, \
                 or for an L3"
            );
        }
        Ok(())
    }
}
