//! Guards what anchors the ledger: the tags `audit/<size>`, of which one that isn't the ledger's could never be
//! taken away again, and what people say that they saw of it.

use anyhow::{anyhow, bail, ensure};

use super::{Guard, Update};
use crate::core::record::note::Note;
use crate::core::record::seen::Seen;
use crate::core::record::witness::cosigned;
use crate::ledger::{self, AUDIT, LEDGER};

impl Guard {
    /// Judges a new tag below `audit/`: it has to be annotated, on the entry at its size, with the
    /// checkpoint there as its message.
    pub(super) fn anchor(&self, name: &str, update: &Update) -> anyhow::Result<()> {
        ensure!(update.old.is_none(), "{name} can't be moved or deleted: it is an anchor");
        let Some(new) = update.new else { return Ok(()) };
        let repo = self.git.repo();
        let why = format!(
            "{name} isn't one of the ledger's tags: `changegate audit witness tag` makes them, as \
             {AUDIT}<size> on the entry there, with its checkpoint; choose a name that doesn't begin \
             with {AUDIT}"
        );
        let size = name.strip_prefix("refs/tags/").and_then(|name| name.strip_prefix(AUDIT));
        let size = size.and_then(|size| size.parse().ok().filter(|n: &u64| n.to_string() == size));
        let (Some(size), Some(tag), Some(tip)) =
            (size, repo.tag(new), self.git.branches.tip(LEDGER)?)
        else {
            bail!(why);
        };
        let Some((commit, entry)) = ledger::entry_at(repo, tip, size)? else { bail!(why) };
        let note =
            Note::parse(tag.message.as_bytes()).map_err(|error| anyhow!("{why}: {error}"))?;
        let checkpoint = entry.checkpoint();
        ensure!(tag.commit == Some(commit) && note.text().trim_end() == checkpoint.trim_end(), why);
        let witnesses = self.org().and_then(|org| org.settings.ledger.witnesses().ok());
        cosigned(&note, &witnesses.unwrap_or_default())
            .map_err(|why| anyhow!("{name} can't be relied on: {why}"))?;
        Ok(())
    }

    /// Checks that the ledger was once as somebody says that they saw it.
    pub(super) fn was_seen(&self, seen: Option<Seen>) -> anyhow::Result<()> {
        // What is kept elsewhere is for those who verify it to compare.
        let Some(seen) = seen.filter(|_| self.elsewhere().is_none()) else { return Ok(()) };
        let tip = self.git.branches.tip(LEDGER)?;
        let known = tip.map(|tip| ledger::seen_at(self.git.repo(), tip, seen.size)).transpose()?;
        ensure!(
            known.flatten() == Some(seen),
            "it names a ledger of {} entries that this one never was: fetch again, and if that \
             doesn't help, find out who changed the ledger",
            seen.size
        );
        Ok(())
    }
}
