//! What the gate's policies hold besides rules.

use super::{Forge, Gate};
use crate::git::Oid;
use crate::org::Org;

impl<F: Forge> Gate<'_, F> {
    /// The organisation at a commit.
    ///
    /// # Errors
    /// When the policies there can't be used.
    pub fn org_at(&self, commit: Oid) -> anyhow::Result<Org> {
        Ok(self.loaded_at(commit)?.bundle.org.clone())
    }
}
