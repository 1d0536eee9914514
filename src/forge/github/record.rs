//! The record of a repository on GitHub, which is kept there or elsewhere.

use anyhow::Context as _;

use super::facts::repository;
use super::{GitHub, Name, client};
use crate::core::org::RemoteUrl;
use crate::forge::Pull;
use crate::git::{Oid, Program};
use crate::ledger::AUDIT;
use crate::ledger::store::Store;

impl GitHub {
    /// Fetches the end of the ledger, from the repository with this address. It gets the token on GitHub's own
    /// server alone: what else is needed to get there is git's to know.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub fn ledger(&self, url: &str) -> anyhow::Result<Store> {
        Store::fetch(self.repo(), url, |program| self.let_in(program))
    }

    /// Returns the end of the ledger when a pull request was read; `None` if there was none.
    ///
    /// # Errors
    /// When the pull request wasn't read.
    pub fn ledger_tip(&self, pull: &Pull) -> anyhow::Result<Option<Oid>> {
        Ok(self.facts_of(&pull.name)?.snapshot.ledger.as_ref().map(|tip| tip.commit))
    }

    /// Returns the branches of the record that the repository with this address has.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn record_at(&self, url: &str) -> anyhow::Result<Vec<String>> {
        let folder = self.repo().aside()?;
        let program = self.let_in(Program::at(folder.path().to_owned()));
        let any = format!("refs/heads/{AUDIT}*");
        let listed = program.run(&["ls-remote", "--refs", "--", url, &any])?;
        let name = |line: &str| Some(line.split_once("\trefs/heads/")?.1.to_owned());
        Ok(listed.lines().filter_map(name).collect())
    }

    /// Returns the repository at an address, if that is on the same server.
    pub fn beside_this(&self, url: &str) -> Option<Name> {
        Name::in_url(url).filter(|_| client::host(url) == client::host(self.client.site()))
    }

    /// Returns the page that shows a commit of the ledger, which may be kept elsewhere; `None` if this server
    /// has none.
    pub fn page_of(&self, commit: Oid, elsewhere: Option<&RemoteUrl>) -> Option<String> {
        let repository = match elsewhere {
            None => self.repository.clone(),
            Some(url) => self.beside_this(url.as_str())?,
        };
        Some(format!("{}/{repository}/commit/{commit}", self.client.site()))
    }

    /// Fetches an open pull request, the branch that it goes to, and the whole record; returns the
    /// branch's tip and the pull request's head.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses, or when the pull request isn't open.
    pub fn fetch_with_record(&self, number: u64) -> anyhow::Result<(Oid, Oid)> {
        let own = self.open_pull(number)?;
        let source = self.source(repository(&own)?)?;
        source.fetch_heads(&[&own.base.branch, &format!("{AUDIT}*")], &[number])?;
        let base = self.remote.tip(&own.base.branch)?;
        let base = base.with_context(|| format!("there is no branch {}", own.base.branch))?;
        let head = self.remote.head(number)?.with_context(|| format!("#{number} has no head"))?;
        Ok((base, head))
    }

    /// Returns the tip of a branch when it was last fetched.
    ///
    /// # Errors
    /// When the repository can't be read.
    pub fn fetched_tip(&self, branch: &str) -> anyhow::Result<Option<Oid>> {
        self.remote.tip(branch)
    }
}
