//! The ledger as the remote has it.

use std::collections::HashMap;

use super::Branches;
use crate::content::short;
use crate::git::Oid;
use crate::ledger::{self, AUDIT, LEDGER};
use crate::operations::OPERATIONS;

/// The remote's ledger isn't one that continues the one that was seen here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Rewound(pub String);

impl Branches {
    /// Takes the ledger that a clone brought with it, if none was fetched here yet: where the remote
    /// can't be reached, it is all there is. What a clone follows isn't read later, because it can be
    /// old or forced.
    ///
    /// # Errors
    /// When the repository can't be read or written.
    pub fn adopt_ledger(&self) -> anyhow::Result<()> {
        let Some(remote) = self.remote.as_ref().filter(|_| self.elsewhere.is_none()) else {
            return Ok(());
        };
        if self.tip(LEDGER)?.is_some() {
            return Ok(());
        }
        let prefix = format!("refs/remotes/{remote}/");
        let cloned = self.repo.refs(&format!("{prefix}{AUDIT}"))?;
        let moves: Vec<_> = cloned
            .into_iter()
            .map(|(name, tip)| (self.full(&name[prefix.len()..]), None, tip))
            .collect();
        if !moves.is_empty() {
            self.program.move_refs(&moves)?;
        }
        Ok(())
    }

    /// Fetches the ledger from the remote, if there is one, and the operations log of which its entries
    /// say where it is. Nothing is forced or removed, so that one that was rewound or deleted there is an
    /// error.
    ///
    /// # Errors
    /// [`Rewound`] when a log doesn't continue the one that is known; others when the remote can't be
    /// reached.
    pub fn refresh_ledger(&self) -> anyhow::Result<()> {
        let Some(remote) = self.ledger_remote() else { return Ok(()) };
        let all = format!("refs/heads/{AUDIT}*:{}*", self.full(AUDIT));
        let is_elsewhere = self.ledger_elsewhere().is_some();
        let mut wanted = vec![all.clone()];
        if let Some(known) = self.tip(LEDGER)? {
            // git fails if a branch that is named is gone.
            for name in [LEDGER.to_owned()].into_iter().chain(self.evidence(known)?) {
                wanted.push(format!("refs/heads/{name}:{}", self.full(&name)));
            }
        }
        let fetch = |wanted: &[String]| {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            self.fetch_ledger(remote, &wanted)
        };
        let mut both = wanted.clone();
        if !is_elsewhere && self.tip(OPERATIONS)?.is_some() {
            both.push(format!("refs/heads/{OPERATIONS}:{}", self.full(OPERATIONS)));
        }
        let error = match fetch(&both) {
            Ok(()) if is_elsewhere => return self.refresh_operations(),
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if !is_elsewhere {
            wanted.push(format!("^refs/heads/{OPERATIONS}"));
            if fetch(&wanted).is_ok() {
                return self.refresh_operations();
            }
        }
        // git doesn't say which ref it can't move, or why.
        if let Some(why) = self.rewound(remote)? {
            return Err(Rewound(why).into());
        }
        // The evidence may have been replaced, by an erasure that isn't known here yet.
        fetch(&[all]).map_err(|_| error)?;
        let there = self.there(remote)?;
        match self.tip(LEDGER)?.map(|tip| self.evidence(tip)).transpose()?.flatten() {
            Some(evidence) if !there.contains_key(&evidence) => {
                let restore = self.restore(remote, &evidence)?;
                Err(Rewound(format!(
                    "{remote} has no branch {evidence} any more, with what the entries rest on; {restore}"
                ))
                .into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the branch that holds the evidence, as the entry at the ledger's tip says; `None` if it
    /// says nothing, or there was no evidence yet.
    fn evidence(&self, tip: Oid) -> anyhow::Result<Option<String>> {
        let Ok(entry) = ledger::read(&self.repo, tip)?.entry else { return Ok(None) };
        let Some(name) = entry.state.evidence.strip_prefix("refs/heads/") else { return Ok(None) };
        Ok(self.tip(name)?.map(|_| name.to_owned()))
    }

    /// Returns the branches of the record that the remote has, and their tips.
    fn there(&self, remote: &str) -> anyhow::Result<HashMap<String, Oid>> {
        let pattern = format!("refs/heads/{AUDIT}*");
        let listed = self.to_ledger()?.run(&["ls-remote", "--refs", "--", remote, &pattern])?;
        let line = |line: &str| {
            let (id, name) = line.split_once('\t')?;
            Some((name.strip_prefix("refs/heads/")?.to_owned(), Oid::from_str(id).ok()?))
        };
        Ok(listed.lines().filter_map(line).collect())
    }

    /// Returns what is wrong if the remote's ledger doesn't continue the one that is known here.
    fn rewound(&self, remote: &str) -> anyhow::Result<Option<String>> {
        let (Some(known), Ok(there)) = (self.tip(LEDGER)?, self.there(remote)) else {
            return Ok(None);
        };
        let restore = self.restore(remote, LEDGER)?;
        let Some(there) = there.get(LEDGER).copied() else {
            return Ok(Some(format!(
                "{remote} has no branch {LEDGER} any more: somebody deleted it; {restore}"
            )));
        };
        let name = format!("refs/heads/{LEDGER}");
        let has_it = there == known || self.fetch_ledger(remote, &[&name]).is_ok();
        if !has_it || there == known || self.repo.leads_to(known, there)? {
            return Ok(None);
        }
        let (there, known) = (short(there), short(known));
        Ok(Some(format!(
            "the ledger on {remote} doesn't continue the one that was seen here: it is at {there}, and \
             was at {known}, so it was rewound or rewritten; {restore}"
        )))
    }

    /// Says how a branch of the record is put back as it was seen here.
    fn restore(&self, remote: &str, name: &str) -> anyhow::Result<String> {
        let (kept, tip) = (self.full(name), self.tip(name)?.unwrap_or(Oid::ZERO_SHA1));
        Ok(format!(
            "what was seen here is kept as {kept}: find out who did that, and have it put back, on a server \
             of your own with `git update-ref refs/heads/{name} {tip}` there, on GitHub with `git push \
             --force {remote} {kept}:refs/heads/{name}`"
        ))
    }
}
