//! Guards journals: they only grow, by reviews that their authors have signed.

use anyhow::{Context as _, bail, ensure};

use super::{Guard, Update, remedy};
use crate::content::journal::{self, Entry, REVIEWS, Said};
use crate::content::{People, short};
use crate::core::record::seen::Seen;
use crate::core::terms::Level;
use crate::forge::git::CHANGE;

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
                        "{REVIEWS}{name} can't be rewritten: add your review to it, as \
                         `changegate review --help` says"
                    )
                })?,
        };
        ensure!(
            known < entries.len() || update.old == Some(new),
            "{REVIEWS}{name} contains no new review"
        );
        for entry in &entries[known..] {
            self.entry(name, entry).with_context(|| {
                format!("{} {} was rejected", kind(entry), short(entry.commit.id))
            })?;
        }
        Ok(())
    }

    /// Judges a new entry of a journal.
    fn entry(&self, name: &str, entry: &Entry) -> anyhow::Result<()> {
        let Some(said) = entry.said.filter(|_| entry.change == name) else {
            bail!(
                "it is not a valid review of {name}: make one as `changegate review --help` says"
            );
        };
        let Some(org) = self.org() else { return Ok(()) };
        let people = People::of(&org.roster);
        let signer = people.signer(self.git.repo(), &entry.commit);
        let email = &entry.commit.committer.email;
        if let Some(unproven) = signer.unproven.filter(|why| !org.tolerates(*why)) {
            let remedy = remedy(unproven);
            let again = match said {
                Said::Closed | Said::Reopened => "then repeat it",
                _ => "then review again",
            };
            bail!("it is not proven that {email} made it: {unproven}; {remedy}, {again}");
        }
        let Some(login) = signer.login else {
            bail!("the roster doesn't list the address {email}: have it added to the roster first");
        };
        self.not_backdated(&entry.commit)?;
        ensure!(
            entry.is_plain(self.git.repo())?,
            "it holds something else than the review, such as another author or date: make one as \
             `changegate review --help` says"
        );
        self.was_seen(Seen::in_message(&entry.commit.message))?;
        let tip = self.git.branches.tip(&format!("{CHANGE}{name}"))?;
        let is_submitted = match tip {
            Some(tip) => self.git.repo().leads_to(entry.reviewed, tip)?,
            None => false,
        };
        ensure!(
            is_submitted,
            "it reviews {}, which is not part of {CHANGE}{name}",
            short(entry.reviewed)
        );
        if matches!(said, Said::Closed | Said::Reopened) {
            // Anyone can close a change that can't be judged.
            let judged = self.gate().check(name, || self.now);
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
                "{login} can't {} {name}: only its requester, its contributors and an L3 can",
                if said == Said::Closed { "close" } else { "reopen" }
            );
        }
        Ok(())
    }
}

/// Returns what people call an entry.
fn kind(entry: &Entry) -> &'static str {
    match entry.said {
        Some(Said::Closed) => "the closing",
        Some(Said::Reopened) => "the reopening",
        _ => "the review",
    }
}
