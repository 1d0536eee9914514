//! What commands in comments need of GitHub.

use anyhow::Context as _;
use http::Method;
use serde_json::json;

use super::GitHub;
use super::types::Pull;
use crate::forge::git::CHANGE;

impl GitHub {
    /// Returns the id of a pull request's change, if its branch is named after it.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn change_of(&self, pull: u64) -> anyhow::Result<Option<String>> {
        let path = self.repository.path(&["pulls", &pull.to_string()]);
        let found: Pull = self
            .client
            .run(self.client.get(&path))
            .with_context(|| format!("cannot read pull request #{pull} of {}", self.repository))?;
        Ok(found.head.branch.strip_prefix(CHANGE).map(str::to_owned))
    }

    /// Says by a reaction that what a comment asks for is done. That it may be there already does no harm.
    ///
    /// # Errors
    /// When GitHub can't be reached or refuses.
    pub fn react_to(&self, comment: u64) -> anyhow::Result<()> {
        let id = comment.to_string();
        let path = self.repository.path(&["issues", "comments", &id, "reactions"]);
        let body = json!({"content": "+1"});
        self.client.run(self.client.write(Method::POST, &path, &body))?;
        Ok(())
    }
}
