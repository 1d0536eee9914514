//! The way to a witness of a program that was built without the feature `github`: there is none.

use anyhow::bail;

use super::Answer;

/// Refuses.
pub(super) fn post(_: &str, _: String) -> anyhow::Result<Answer> {
    bail!("cannot reach a witness without the feature `github`")
}
