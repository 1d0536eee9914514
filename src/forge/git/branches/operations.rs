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
    /// Fetches the operations log from the remote, if there is one. Nothing is forced or removed.
    ///
    /// # Errors
    /// [`Rewound`] when the remote's log doesn't continue the one that is known; others when the remote
    /// can't be reached.
    pub fn refresh_operations(&self) -> anyhow::Result<()> {
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
                return Err(Rewound(format!(
                    "{remote} has no branch {OPERATIONS} any more: somebody deleted it; it was at {} when it \
                     was seen last, and `changegate sync` brings it back",
                    short(known)
                ))
                .into());
            };
            let name = format!("refs/heads/{OPERATIONS}");
            let fetched = self.program.fetch(&[], remote, &[&name]);
            if fetched.is_err() {
                return Err(error);
            }
            if !self.repo.leads_to(known, there)? {
                return Err(Rewound(format!(
                    "{OPERATIONS} on {remote} doesn't continue the log that was seen here, which is at {}: \
                     somebody rewound or replaced it; `changegate sync` brings back what was lost",
                    short(known)
                ))
                .into());
            }
            // Another process has moved the ref here meanwhile.
            std::thread::sleep(pause(attempt));
        }
        bail!("{} is moved by other processes all the time", self.full(OPERATIONS))
    }

    /// Fetches the operations log, also where the remote's doesn't continue the one that is known: that
    /// one's tip is kept, and returned until it is [forgotten](Self::forget_seen).
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn restore_operations(&self) -> anyhow::Result<Lost> {
        let refreshed = self.refresh_operations();
        let Some(remote) = &self.remote else { return refreshed.map(|()| Lost::Nothing) };
        match refreshed {
            Err(error) if !error.is::<Rewound>() => return Err(error),
            Err(_) if self.operations_there(remote)?.is_none() => return Ok(Lost::All),
            Err(_) => {
                let full = self.full(OPERATIONS);
                if let Some(known) = self.tip(OPERATIONS)? {
                    let before = self.repo.tip(&self.seen())?;
                    self.program.move_refs(&[(self.seen(), before, known)])?;
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

    /// Returns the ref that keeps a log which the remote has lost.
    fn seen(&self) -> String {
        format!("{}-seen", self.full(OPERATIONS))
    }

    /// Returns the tip of the log on the remote; `None` if there is none.
    fn operations_there(&self, remote: &str) -> anyhow::Result<Option<Oid>> {
        let name = format!("refs/heads/{OPERATIONS}");
        let listed = self.program.run(&["ls-remote", "--refs", "--", remote, &name])?;
        Ok(listed.split_once('\t').and_then(|(id, _)| Oid::from_str(id).ok()))
    }
}
