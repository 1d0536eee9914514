//! The operations log as the remote has it.

use super::{Branches, Rewound};
use crate::content::short;
use crate::git::Oid;
use crate::operations::OPERATIONS;

impl Branches {
    /// Fetches the operations log from the remote, if there is one. Nothing is forced or removed.
    ///
    /// # Errors
    /// [`Rewound`] when the remote's log doesn't continue the one that is known; others when the remote
    /// can't be reached.
    pub fn refresh_operations(&self) -> anyhow::Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        // git fails if a branch that is named isn't there; a pattern can match nothing.
        let wanted = format!("refs/heads/{OPERATIONS}*:{}*", self.full(OPERATIONS));
        let Err(error) = self.program.fetch(&[], remote, &[&wanted]) else {
            return self.is_operations_there(remote);
        };
        let name = format!("refs/heads/{OPERATIONS}");
        let Some(known) = self.tip(OPERATIONS)? else { return Err(error) };
        if self.program.fetch(&[], remote, &[&name]).is_err() {
            return Err(error);
        }
        Err(Rewound(format!(
            "{OPERATIONS} on {remote} doesn't continue the log that was seen here, which is at {}: somebody \
             rewound or replaced it; `changegate sync` brings back what was lost",
            short(known)
        ))
        .into())
    }

    /// Fetches the operations log, also where the remote's doesn't continue the one that is known: then
    /// that one's tip is returned, and kept.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn restore_operations(&self) -> anyhow::Result<Option<Oid>> {
        let (Some(remote), Some(known)) = (&self.remote, self.tip(OPERATIONS)?) else {
            return self.refresh_operations().map(|()| None);
        };
        match self.refresh_operations() {
            Err(error) if !error.is::<Rewound>() => return Err(error),
            Ok(()) => return Ok(None),
            Err(_) => {}
        }
        let (name, full) = (format!("refs/heads/{OPERATIONS}"), self.full(OPERATIONS));
        self.program.move_refs(&[(format!("{full}-seen"), None, known)])?;
        self.program.fetch(&[], remote, &[&format!("+{name}*:{full}*")])?;
        Ok(Some(known))
    }

    /// Checks that a log that was seen is still there.
    fn is_operations_there(&self, remote: &str) -> anyhow::Result<()> {
        let Some(known) = self.tip(OPERATIONS)? else { return Ok(()) };
        let listed = self.program.run(&[
            "ls-remote",
            "--refs",
            "--",
            remote,
            &format!("refs/heads/{OPERATIONS}"),
        ])?;
        if listed.is_empty() {
            return Err(Rewound(format!(
                "{remote} has no branch {OPERATIONS} any more: somebody deleted it; it was at {} when it \
                 was seen last, and `changegate sync` brings it back",
                short(known)
            ))
            .into());
        }
        Ok(())
    }
}
