//! The tags `audit/<size>`, which anchor the ledger.

use anyhow::bail;

use super::Branches;
use crate::git::{Moved, Oid, TagText};
use crate::ledger::AUDIT;

impl Branches {
    /// Fetches the tags that anchor the ledger from the remote, if there is one. One that was moved
    /// there is moved here, too: what it says has to be true of the ledger in any case.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub fn refresh_anchors(&self) -> anyhow::Result<()> {
        let Some(remote) = self.ledger_remote() else { return Ok(()) };
        let tags = format!("+refs/tags/{AUDIT}*:{}*", self.anchors());
        self.fetch_ledger(remote, &[&tags])
    }

    /// Returns the prefix of the refs that show those tags here.
    fn anchors(&self) -> String {
        match (&self.elsewhere, &self.remote) {
            (Some(elsewhere), _) => format!("{}tags/{AUDIT}", elsewhere.prefix),
            (None, Some(remote)) => format!("refs/changegate/{remote}/tags/{AUDIT}"),
            (None, None) => format!("refs/tags/{AUDIT}"),
        }
    }

    /// Returns the tags that anchor the ledger, by their names below `audit/`; `None` in place of what
    /// isn't an annotated tag.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn anchor_tags(&self) -> anyhow::Result<Vec<(String, Option<TagText>)>> {
        self.repo.tags(&self.anchors())
    }

    /// Puts a new annotated tag on a commit, whose name begins with `audit/`.
    ///
    /// # Errors
    /// When there is one of that name, the remote can't be reached, or nothing can be written.
    pub fn put_tag(&self, name: &str, commit: Oid, message: &str) -> anyhow::Result<()> {
        let tag = self.program.make_tag(name, commit, message)?;
        let shown = name.strip_prefix(AUDIT).unwrap_or(name);
        if let Some(remote) = self.ledger_remote() {
            self.to_ledger()?.push_tag(remote, name, tag)?;
        }
        match self.program.move_refs(&[(format!("{}{shown}", self.anchors()), None, tag)])? {
            Moved::Yes => Ok(()),
            Moved::Lost(why) | Moved::Refused(why) => {
                bail!("the tag {name} is there already:\n{why}")
            }
        }
    }
}
