//! The Merkle tree of RFC 6962 with SHA-256: roots, proofs, and verifying them.
//!
//! A writer needs the [`Frontier`] alone, some hashes, to append to a log of any size. A prover keeps
//! the whole [`Tree`]. A verifier needs a proof and two roots: [`verify_inclusion`],
//! [`verify_consistency`].

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

/// The hash of a leaf or of a subtree, written in base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

/// Returns the hash of a leaf that holds these bytes.
pub fn leaf(bytes: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

fn inner(left: Hash, right: Hash) -> Hash {
    let hasher = Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0);
    Hash(hasher.finalize().into())
}

/// Returns the root over subtrees, the largest first.
fn root_over(subtrees: impl DoubleEndedIterator<Item = Hash>) -> Hash {
    subtrees
        .rev()
        .reduce(|right, left| inner(left, right))
        .unwrap_or_else(|| Hash(Sha256::digest([]).into()))
}

/// The compact range of a tree: what appending to it and its root need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// Returns the frontier of a tree of this size, from the roots of its complete subtrees, the
    /// largest first. `None` if their number isn't that of the ones in the size, or the size is 2^63
    /// or more.
    pub fn of(size: u64, hashes: Vec<Hash>) -> Option<Self> {
        let fits = size < 1 << 63 && size.count_ones() as usize == hashes.len();
        fits.then_some(Frontier { size, hashes })
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let complete = self.size.trailing_ones() as usize;
        let lefts = self.hashes.split_off(self.hashes.len() - complete);
        let hash = lefts.into_iter().rfold(leaf, |right, left| inner(left, right));
        self.hashes.push(hash);
        self.size += 1;
    }

    /// Returns the root; that of the empty tree is the hash of nothing.
    pub fn root(&self) -> Hash {
        root_over(self.hashes.iter().copied())
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the roots of the complete subtrees, the largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }
}

/// A whole tree, with each complete subtree's root, so that proofs take logarithmic time.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The roots of the complete subtrees of 1, 2, 4, … leaves, each from left to right.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let hashes = &mut self.levels[level];
            hashes.push(hash);
            match hashes.as_chunks() {
                ([.., [left, right]], []) => hash = inner(*left, *right),
                _ => return,
            }
        }
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, Vec::len) as u64
    }

    /// Returns the leaves, in their order.
    pub fn leaves(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// Returns the root that the tree had at a size. `None` if it hasn't grown to it.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        (size <= self.size()).then(|| self.root_of(0..size))
    }

    /// Returns the proof that a leaf is in the tree of a size. `None` if it isn't, or the tree hasn't
    /// grown to that size.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.size() {
            return None;
        }
        let mut proof = Vec::new();
        let mut around = 0..size;
        while around.end - around.start > 1 {
            let (left, right) = halves(&around);
            let other;
            (around, other) = if index < left.end { (left, right) } else { (right, left) };
            proof.push(self.root_of(other));
        }
        proof.reverse();
        Some(proof)
    }

    /// Returns the proof that the tree of the size `to` begins with that of the size `from`. `None` if
    /// `from` is the larger, or the tree hasn't grown to `to`.
    pub fn consistency(&self, from: u64, to: u64) -> Option<Vec<Hash>> {
        if from > to || to > self.size() {
            return None;
        }
        if from == 0 {
            return Some(Vec::new());
        }
        let mut proof = Vec::new();
        let mut around = 0..to;
        while around.end != from {
            let (left, right) = halves(&around);
            let other;
            (around, other) = if from <= left.end { (left, right) } else { (right, left) };
            proof.push(self.root_of(other));
        }
        // What begins with the first leaf is the old tree itself, whose root the verifier has.
        if around.start > 0 {
            proof.push(self.root_of(around));
        }
        proof.reverse();
        Some(proof)
    }

    /// Returns the root of a subtree. It begins at a multiple of the largest power of two that fits
    /// into it, as each range does that the tree is halved into.
    fn root_of(&self, Range { mut start, end }: Range<u64>) -> Hash {
        let mut complete = Vec::new();
        while start < end {
            let level = (end - start).ilog2();
            complete.push(self.levels[level as usize][(start >> level) as usize]);
            start += 1 << level;
        }
        root_over(complete.into_iter())
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Tree::default();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

/// Returns both subtrees of a tree of two or more leaves: the left one is complete.
fn halves(whole: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let middle = whole.start + (1 << (whole.end - whole.start - 1).ilog2());
    (whole.start..middle, middle..whole.end)
}

/// Whether the proof shows that a leaf is at this index of the tree with this size and root
/// (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(leaf: Hash, index: u64, (size, root): (u64, Hash), proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let mut climb = Climb { at: index, last: size - 1 };
    let mut hash = leaf;
    for &other in proof {
        match climb.step() {
            Some(Side::Left) => hash = inner(other, hash),
            Some(Side::Right) => hash = inner(hash, other),
            None => return false,
        }
    }
    climb.last == 0 && hash == root
}

/// Whether the proof shows that the new tree begins with the old one, each by its size and root
/// (RFC 9162, 2.1.4.2). Every tree begins with the empty one, and with itself; both need no proof.
pub fn verify_consistency(
    (from, old_root): (u64, Hash),
    (to, new_root): (u64, Hash),
    proof: &[Hash],
) -> bool {
    if from == to {
        let known = from > 0 || new_root == Frontier::default().root();
        return known && proof.is_empty() && old_root == new_root;
    }
    if from == 0 {
        return proof.is_empty() && old_root == Frontier::default().root();
    }
    if from > to {
        return false;
    }
    let complete = (from - 1).trailing_ones();
    let mut climb = Climb { at: (from - 1) >> complete, last: (to - 1) >> complete };
    let mut hashes = proof.iter().copied();
    let first = if from.is_power_of_two() { Some(old_root) } else { hashes.next() };
    let Some(first) = first else { return false };
    let (mut old, mut new) = (first, first);
    for other in hashes {
        match climb.step() {
            Some(Side::Left) => (old, new) = (inner(other, old), inner(other, new)),
            Some(Side::Right) => new = inner(new, other),
            None => return false,
        }
    }
    climb.last == 0 && old == old_root && new == new_root
}

/// Returns the hashes of a proof of inclusion with the sides on which they are joined, from the leaf up
/// to the root. `None` if it isn't one of a leaf at this index of a tree of this size.
pub fn joins(index: u64, size: u64, proof: &[Hash]) -> Option<Vec<(Side, Hash)>> {
    let mut climb = Climb { at: index, last: size.checked_sub(1).filter(|last| index <= *last)? };
    let joins = proof.iter().map(|hash| Some((climb.step()?, *hash))).collect();
    (climb.last == 0).then_some(joins).flatten()
}

/// Returns the frontier of the tree up to a leaf and with it, from the proof that the leaf is at this
/// index of a tree of this size: what proves the larger tree proves the smaller one, too.
pub fn up_to(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Frontier> {
    let joins = joins(index, size, proof)?.into_iter().rev();
    let lefts = joins.filter(|(side, _)| *side == Side::Left).map(|(_, hash)| hash);
    let mut frontier = Frontier::of(index, lefts.collect())?;
    frontier.push(leaf);
    Some(frontier)
}

/// The way from a node up to the root: its place in its level, and that of the level's last node.
struct Climb {
    at: u64,
    last: u64,
}

/// The side on which the hash to be joined is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are clear")]
pub enum Side {
    Left,
    Right,
}

impl Climb {
    /// Climbs to the next node that has two children. `None` at the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        let side = if self.at & 1 == 1 || self.at == self.last { Side::Left } else { Side::Right };
        // The last node of a level with an odd number of them has no sibling: it goes up alone.
        let alone = if self.at == self.last { self.at.trailing_zeros() } else { 0 };
        self.at = self.at >> alone >> 1;
        self.last = self.last >> alone >> 1;
        Some(side)
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = BASE64.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Hash).ok_or_else(|| format!("`{text}` is not a hash: 32 bytes in base64"))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
