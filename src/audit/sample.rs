//! Samples that anyone can draw again: of the entries about commits on protected branches in a period,
//! those with the smallest SHA-256 of the seed followed by the id.

use schemars::JsonSchema;
use serde::Serialize;

use super::Period;
use super::entries::Placed;
use crate::core::digest::Digest;
use crate::core::record::message::title;
use crate::core::record::parts::Hex;
use crate::core::record::statement::Kind;

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
pub fn sample(selected: &[&Placed], period: Period, seed: &str, size: usize) -> Sample {
    let is_change = |placed: &&&Placed| placed.entry.statement.predicate.merge.is_some();
    let population: Vec<_> = selected.iter().filter(is_change).collect();
    let mut drawn: Vec<_> = population
        .iter()
        .map(|placed| {
            let entry = &placed.entry;
            let id = entry.id.to_string();
            Drawn {
                hash: Hex(Digest::of(format!("{seed}{id}").as_bytes())),
                index: entry.index,
                kind: entry.statement.predicate.kind,
                title: title(&entry.statement),
                id,
            }
        })
        .collect();
    drawn.sort_by_cached_key(|drawn| String::from(drawn.hash.clone()));
    drawn.truncate(size);
    Sample { seed: seed.to_owned(), period, population: population.len(), drawn }
}
