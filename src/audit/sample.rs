//! Samples that anyone can draw again: of the entries about commits on protected branches in a period,
//! those with the smallest SHA-256 of the seed followed by the id.

use schemars::JsonSchema;
use serde::Serialize;

use super::Period;
use super::entries::{Listed, read_again};
use crate::core::digest::Digest;
use crate::core::record::message::title;
use crate::core::record::parts::Hex;
use crate::core::record::statement::Kind;
use crate::git::Repo;

/// A sample.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sample {
    /// The seed.
    pub seed: String,
    /// The period.
    pub period: Period,
    /// The number of entries that it is drawn from.
    pub population: usize,
    /// The entries that were drawn, by their hashes.
    pub drawn: Vec<Drawn>,
}

/// An entry of a sample.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Drawn {
    /// SHA-256 of the seed followed by the id, `sha256:…`, without anything between or behind them.
    pub hash: Hex,
    /// The index.
    pub index: u64,
    /// The id.
    pub id: String,
    /// The kind.
    pub kind: Kind,
    /// What it is about, in a line.
    pub title: String,
}

/// Draws a sample of at most `size` of these entries: of the merges and bypasses among them.
///
/// # Errors
/// When one of them can't be read.
pub fn sample(
    repo: &Repo,
    selected: &[&Listed],
    period: Period,
    seed: &str,
    size: usize,
) -> anyhow::Result<Sample> {
    let changes = selected.iter().filter(|listed| listed.covers.is_some());
    let hash = |listed: &Listed| Digest::of(format!("{seed}{}", listed.id).as_bytes());
    let mut hashed: Vec<_> = changes.map(|listed| (hash(listed), *listed)).collect();
    let population = hashed.len();
    hashed.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    hashed.truncate(size);
    let mut drawn = Vec::new();
    read_again(repo, hashed.into_iter().map(|(_, listed)| listed), |listed, entry, _| {
        let (index, id, kind) = (listed.index, listed.id.to_string(), listed.kind);
        drawn.push(Drawn {
            hash: Hex(hash(listed)),
            index,
            id,
            kind,
            title: title(&entry.statement),
        });
        Ok(())
    })?;
    Ok(Sample { seed: seed.to_owned(), period, population, drawn })
}
