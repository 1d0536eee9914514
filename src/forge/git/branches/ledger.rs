//! The ledger as the remote has it.

use anyhow::anyhow;

use super::Branches;
use crate::content::short;
use crate::git::Oid;
use crate::ledger::{AUDIT, LEDGER};

impl Branches {
    /// Fetches the ledger from the remote, if there is one. Nothing is forced or removed, so that a
    /// ledger that was rewound there is an error.
    ///
    /// # Errors
    /// When the remote can't be reached, or its ledger doesn't continue the one that is known.
    pub fn refresh_ledger(&self) -> anyhow::Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let ledger = format!("refs/heads/audit/*:{}*", self.full(AUDIT));
        let Err(error) = self.program.fetch(&[], remote, &[&ledger]) else { return Ok(()) };
        // git doesn't say which ref it can't move, or why.
        Err(self.rewound(remote)?.map_or(error, |why| anyhow!(why)))
    }

    /// Returns what is wrong if the remote's ledger doesn't continue the one that is known here.
    fn rewound(&self, remote: &str) -> anyhow::Result<Option<String>> {
        let name = format!("refs/heads/{LEDGER}");
        let (Some(known), Ok(listed)) =
            (self.tip(LEDGER)?, self.program.run(&["ls-remote", "--refs", "--", remote, &name]))
        else {
            return Ok(None);
        };
        let there = listed.split('\t').next().and_then(|id| Oid::from_str(id).ok());
        let Some(there) = there.filter(|there| *there != known) else { return Ok(None) };
        let has_it = self.program.fetch(&[], remote, &[&name]).is_ok();
        if !has_it || self.repo.leads_to(known, there)? {
            return Ok(None);
        }
        let kept = self.full(LEDGER);
        Ok(Some(format!(
            "the ledger on {remote} doesn't continue the one that was seen here: it is at {}, and was at \
             {}, so it was rewound or rewritten, and what it recorded may be missing; ask an owner of \
             the repository who did that, and have {name} put back to {known}, which is kept here as \
             {kept}; `changegate audit verify --no-fetch` verifies what was seen here, and in a new \
             clone `changegate audit verify --checkpoint FILE` shows whether what is there now continues \
             a checkpoint that somebody kept",
            short(there),
            short(known)
        )))
    }
}
