//! The operations log as the remote has it.

use anyhow::bail;

use super::{Branches, Rewound};
use crate::content::short;
use crate::git::{Oid, pause};
use crate::operations::OPERATIONS;

/// The number of attempts to follow the remote while other processes do, too.
const ATTEMPTS: u32 = 10;

/// What the remote's log has lost of the one that was seen here.
pub enum Lost {
    /// Nothing.
    Nothing,
    /// What is on the log with this tip and not on the remote's.
    Behind(Oid),
    /// All of it: it was deleted.
    All,
}

impl Branches {
    /// Returns the tip of the operations log as it was fetched last, by name or with all branches.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn operations_tip(&self) -> anyhow::Result<Option<Oid>> {
        let known = self.tip(OPERATIONS)?;
        let Some(remote) = &self.remote else { return Ok(known) };
        let brought = self.repo.tip(&format!("refs/remotes/{remote}/{OPERATIONS}"))?;
        match (known, brought) {
            (Some(known), Some(brought)) if !self.repo.leads_to(known, brought)? => Ok(Some(known)),
            (known, brought) => Ok(brought.or(known)),
        }
    }

    /// Fetches the operations log from the remote, if there is one. Nothing is forced or removed.
    ///
    /// # Errors
    /// [`Rewound`] when the remote's log doesn't continue the one that is known, or hasn't got back yet what
    /// it lost; others when the remote can't be reached.
    pub fn refresh_operations(&self) -> anyhow::Result<()> {
        self.follow_operations()?;
        self.has_all_seen()
    }

    /// Fetches the operations log and all branches: at once, unless something is wrong with the log.
    ///
    /// # Errors
    /// As [`Branches::refresh_operations`] and [`Branches::refresh`].
    pub fn refresh_with_operations(&self) -> anyhow::Result<()> {
        if let Some(remote) = &self.remote
            && self.tip(OPERATIONS)?.is_some()
        {
            let log = format!("refs/heads/{OPERATIONS}:{}", self.full(OPERATIONS));
            // Below audit/, the log alone.
            match self.fetch_branches(&[&log, "^refs/heads/audit/l*", "^refs/heads/audit/e*"]) {
                Ok(()) => {
                    self.is_out_of_reach.set(false);
                    return self.has_all_seen();
                }
                Err(error) if self.operations_there(remote).is_err() => return Err(error),
                Err(_) => {}
            }
        }
        // The base afterwards: events are judged by its commits.
        self.refresh_operations()?;
        self.refresh()
    }

    fn has_all_seen(&self) -> anyhow::Result<()> {
        let Some(seen) = self.repo.tip(&self.seen())? else { return Ok(()) };
        match self.tip(OPERATIONS)? {
            // Who administers the server has put it back.
            Some(tip) if self.repo.leads_to(seen, tip)? => self.forget_seen(),
            _ => Err(self.lost(&format!("has lost what led to {}", short(seen)))),
        }
    }

    /// Says what became of the log, and what to do.
    fn lost(&self, what: &str) -> anyhow::Error {
        let remote = self.remote.as_deref().unwrap_or_default();
        Rewound(format!(
            "{OPERATIONS} on {remote} {what}: somebody rewound, replaced or deleted it; `changegate sync` brings \
             back what was lost"
        ))
        .into()
    }

    fn follow_operations(&self) -> anyhow::Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        for attempt in 0..ATTEMPTS {
            let known = self.tip(OPERATIONS)?;
            // git fails if a branch that is named isn't there; a pattern can match nothing.
            let any = if known.is_some() { "" } else { "*" };
            let wanted = format!("refs/heads/{OPERATIONS}{any}:{}{any}", self.full(OPERATIONS));
            let Err(error) = self.program.fetch(&[], remote, &[&wanted]) else { return Ok(()) };
            let Some(known) = known else { return Err(error) };
            let Ok(there) = self.operations_there(remote) else { return Err(error) };
            let Some(there) = there else {
                return Err(
                    self.lost(&format!("is gone; it was at {} when seen last", short(known)))
                );
            };
            let name = format!("refs/heads/{OPERATIONS}");
            let fetched = self.program.fetch(&[], remote, &[&name]);
            if fetched.is_err() {
                return Err(error);
            }
            if !self.repo.leads_to(known, there)? {
                let seen = short(known);
                return Err(
                    self.lost(&format!("doesn't continue the log that was seen here, at {seen}"))
                );
            }
            // Another process has moved the ref here meanwhile.
            std::thread::sleep(pause(attempt));
        }
        bail!("{} is moved by other processes all the time", self.full(OPERATIONS))
    }

    /// Fetches all branches and the operations log, whose events are judged by the base. What the remote has
    /// lost of the log is passed over: those who write to it are told.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn refresh_all(&self) -> anyhow::Result<()> {
        match self.refresh_with_operations() {
            Err(error) if error.is::<Rewound>() => self.refresh(),
            Err(error) => {
                self.is_out_of_reach.set(true);
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Fetches the operations log, also where the remote's doesn't continue the one that is known: that
    /// one's tip is kept, and returned until it is [forgotten](Self::forget_seen).
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn restore_operations(&self) -> anyhow::Result<Lost> {
        let refreshed = self.follow_operations();
        let Some(remote) = &self.remote else { return refreshed.map(|()| Lost::Nothing) };
        match refreshed {
            Err(error) if !error.is::<Rewound>() => return Err(error),
            Err(_) if self.operations_there(remote)?.is_none() => return Ok(Lost::All),
            Err(_) => {
                let full = self.full(OPERATIONS);
                let before = self.repo.tip(&self.seen())?;
                if let Some(known) = self.tip(OPERATIONS)? {
                    // What was lost before holds more than what is lost now, or isn't of the same log.
                    let holds_more = match before {
                        Some(before) => !self.repo.leads_to(before, known)?,
                        None => false,
                    };
                    if !holds_more {
                        self.program.move_refs(&[(self.seen(), before, known)])?;
                    }
                }
                let forced = format!("+refs/heads/{OPERATIONS}:{full}");
                self.program.fetch(&[], remote, &[&forced])?;
            }
            Ok(()) => {}
        }
        Ok(self.repo.tip(&self.seen())?.map_or(Lost::Nothing, Lost::Behind))
    }

    /// Forgets the log that was seen and lost, because its events are in the remote's now.
    ///
    /// # Errors
    /// When the repository can't be written.
    pub fn forget_seen(&self) -> anyhow::Result<()> {
        if self.repo.tip(&self.seen())?.is_some() {
            self.program.run(&["update-ref", "-d", &self.seen()])?;
        }
        Ok(())
    }

    /// Returns the tip of the log that was seen here and that the remote has lost, if it has.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn seen_operations(&self) -> anyhow::Result<Option<Oid>> {
        self.repo.tip(&self.seen())
    }

    /// Returns the ref that keeps a log which the remote has lost.
    pub fn seen(&self) -> String {
        format!("{}-seen", self.full(OPERATIONS))
    }

    /// Returns the tip of the log on the remote; `None` if there is none.
    fn operations_there(&self, remote: &str) -> anyhow::Result<Option<Oid>> {
        let name = format!("refs/heads/{OPERATIONS}");
        let listed = self.program.run(&["ls-remote", "--refs", "--", remote, &name])?;
        Ok(listed.split_once('\t').and_then(|(id, _)| Oid::from_str(id).ok()))
    }
}
