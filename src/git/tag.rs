//! Annotated tags.

use anyhow::Context as _;

use super::{Oid, Program, Repo};

/// What an annotated tag holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagText {
    /// The message.
    pub message: String,
    /// The commit that it is on; `None` if it is on something else.
    pub commit: Option<Oid>,
}

impl Repo {
    /// Returns the annotated tag with this id; `None` if it is something else.
    pub fn tag(&self, id: Oid) -> Option<TagText> {
        let tag = self.inner.find_tag(id).ok()?;
        let message = String::from_utf8_lossy(tag.message_bytes().unwrap_or_default());
        Some(TagText {
            message: message.into_owned(),
            commit: self.inner.find_commit(tag.target_id()).ok().map(|commit| commit.id()),
        })
    }

    /// Returns the refs with a prefix, without it, and the annotated tag to which each points; `None`
    /// if it points to something else.
    ///
    /// # Errors
    /// When the refs can't be listed.
    pub fn tags(&self, prefix: &str) -> anyhow::Result<Vec<(String, Option<TagText>)>> {
        let failed = "cannot list the tags";
        let mut tags = Vec::new();
        for reference in self.inner.references_glob(&format!("{prefix}*")).context(failed)? {
            let reference = reference.context(failed)?;
            let Ok(name) = reference.name() else { continue };
            let text = reference.target().and_then(|id| self.tag(id));
            tags.push((name[prefix.len()..].to_owned(), text));
        }
        tags.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(tags)
    }
}

impl Program {
    /// Makes an annotated tag on a commit without a ref for it, and returns its id.
    ///
    /// # Errors
    /// When git knows nobody who could make it, or it can't be written.
    pub fn make_tag(&self, name: &str, commit: Oid, message: &str) -> anyhow::Result<Oid> {
        let tagger = self.run(&["var", "GIT_COMMITTER_IDENT"])?;
        let text =
            format!("object {commit}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message}");
        let id = self.run_with(&["mktag"], text.as_bytes()).context("git can't make the tag")?;
        Oid::from_str(&id).context("cannot read the id of the new tag")
    }
}
