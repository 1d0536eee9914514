//! The state: what the next writer needs to know, so that nobody has to read the whole log to add
//! to it. It follows from the entries alone; verifying makes it again.
//!
//! ```text
//! hash 2nDx…=
//! base refs/heads/main 4f0c…
//! keys sha256:9f2c… refs/heads/main 4f0c…
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::parts::{About, ObjectId};
use super::statement::{Kind, Statement};
use super::tree::{Frontier, Hash};
use crate::digest::Digest;

/// The branch of evidence with which a log begins.
pub const EVIDENCE: &str = "refs/heads/audit/evidence";

/// What holds after an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The Merkle tree over the entries.
    pub tree: Frontier,
    /// Each branch that was ever protected, and the commit up to which it is accounted for.
    pub bases: BTreeMap<String, ObjectId>,
    /// Where the keys that may sign were last changed.
    pub keys: Option<KeysAt>,
    /// The branch that holds the evidence.
    pub evidence: String,
    /// The last entry's commit, if the commit before this entry's isn't one.
    pub last: Option<ObjectId>,
}

/// Where the keys that may sign were last changed: those in force are the ones that the settings there
/// name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysAt {
    /// The id of the entry that changed them.
    pub entry: Digest,
    /// The branch whose settings say which they are, for good.
    pub base: String,
    /// The commit there.
    pub commit: ObjectId,
}

impl Default for State {
    /// What holds before the first entry.
    fn default() -> Self {
        State {
            tree: Frontier::default(),
            bases: BTreeMap::new(),
            keys: None,
            evidence: EVIDENCE.to_owned(),
            last: None,
        }
    }
}

impl State {
    /// Returns what holds after one more entry, with this id and hash in the tree. `last` is the last
    /// entry's commit, if the commit before the new one's isn't an entry.
    ///
    /// # Errors
    /// Why the entry can't follow.
    pub fn after(
        &self,
        statement: &Statement,
        (id, leaf): (&Digest, Hash),
        last: Option<ObjectId>,
    ) -> Result<State, String> {
        let it = &statement.predicate;
        let is_begun = self.tree.size() > 0;
        if is_begun == (it.kind == Kind::Genesis) {
            return Err(match is_begun {
                true => "the log has begun already".to_owned(),
                false => "a log begins with an entry of kind genesis".to_owned(),
            });
        }
        let mut next = State { last, ..self.clone() };
        next.tree.push(leaf);
        for base in &it.bases {
            if next.bases.insert(base.name.clone(), base.commit.clone()).is_some() {
                return Err(format!("{} is covered already", base.name));
            }
        }
        if let (Some(merge), Some(base)) = (&it.merge, &it.base) {
            let Some(covered) = next.bases.get_mut(&base.name) else {
                return Err(format!("{} isn't covered yet", base.name));
            };
            if *covered != merge.covers.from {
                return Err(format!(
                    "{} is accounted for up to {}, and the entry covers it from {} on",
                    base.name,
                    covered.short(),
                    merge.covers.from.short()
                ));
            }
            covered.clone_from(&merge.covers.to);
        }
        if let (true, Some(base)) = (it.keys.is_some(), &it.base) {
            if self.keys.as_ref().is_some_and(|keys| keys.base != base.name) {
                return Err(format!("{} doesn't say who may sign", base.name));
            }
            if next.bases.get(&base.name) != Some(&base.commit) {
                return Err(format!(
                    "it changes the keys as of {}, up to which {} isn't accounted for",
                    base.commit.short(),
                    base.name
                ));
            }
            let (entry, base, commit) = (id.clone(), base.name.clone(), base.commit.clone());
            next.keys = Some(KeysAt { entry, base, commit });
        }
        if it.note.as_ref().is_some_and(|note| note.about == About::Erasure) {
            next.evidence = after_erasure(&self.evidence);
        }
        Ok(next)
    }

    /// Returns the file `state` of an entry.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for hash in self.tree.hashes() {
            let _ = writeln!(text, "hash {hash}");
        }
        for (name, commit) in &self.bases {
            let _ = writeln!(text, "base {name} {commit}");
        }
        if let Some(KeysAt { entry, base, commit }) = &self.keys {
            let _ = writeln!(text, "keys {entry} {base} {commit}");
        }
        if self.evidence != EVIDENCE {
            let _ = writeln!(text, "evidence {}", self.evidence);
        }
        if let Some(last) = &self.last {
            let _ = writeln!(text, "last {last}");
        }
        text
    }

    /// Reads the file `state` of an entry after which the log has `size` entries.
    ///
    /// # Errors
    /// When it isn't exactly what [`State::text`] writes.
    pub fn read(text: &str, size: u64) -> Result<State, String> {
        let mut state = State::default();
        let mut hashes: Vec<Hash> = Vec::new();
        for line in text.lines() {
            let wrong = || format!("the state has a line that isn't understood: `{line}`");
            let (key, value) = line.split_once(' ').ok_or_else(wrong)?;
            let commit = |text: &str| ObjectId::try_from(text.to_owned());
            match key {
                "hash" => hashes.push(value.parse().map_err(|_| wrong())?),
                "base" => {
                    let (name, tip) = value.split_once(' ').ok_or_else(wrong)?;
                    state.bases.insert(name.to_owned(), commit(tip)?);
                }
                "keys" => {
                    let (entry, rest) = value.split_once(' ').ok_or_else(wrong)?;
                    let (base, tip) = rest.split_once(' ').ok_or_else(wrong)?;
                    let (entry, base, commit) = (entry.parse()?, base.to_owned(), commit(tip)?);
                    state.keys = Some(KeysAt { entry, base, commit });
                }
                "evidence" => state.evidence = value.to_owned(),
                "last" => state.last = Some(commit(value)?),
                _ => return Err(wrong()),
            }
        }
        state.tree = Frontier::of(size, hashes)
            .ok_or_else(|| format!("the state has another number of hashes than {size} entries"))?;
        match state.text() == text {
            true => Ok(state),
            false => Err("the lines of the state aren't in their order".to_owned()),
        }
    }
}

/// Returns the branch that replaces one from which something was erased: `…-2`, then `…-3`.
pub fn after_erasure(name: &str) -> String {
    let number = name.rsplit_once('-').and_then(|(_, number)| number.parse::<u64>().ok());
    format!("{EVIDENCE}-{}", number.unwrap_or(1) + 1)
}
