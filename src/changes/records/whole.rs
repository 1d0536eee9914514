//! All that the ledger says of a base, of which what was read is kept for the next time.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{RecordedAs, is_signed};
use crate::changes::kept::Kept;
use crate::core::metrics::Decided;
use crate::core::record::entry::Entry;
use crate::core::record::parts::About;
use crate::core::record::statement::{Kind, Predicate};
use crate::core::terms::Effect;
use crate::forge::git::Git;
use crate::gate::judge::Judges;
use crate::git::Oid;
use crate::ledger::{Flaws, Tip, is_explanation, read_back};

/// The name under which it is kept.
const LEDGER: &str = "ledger";

/// What the entries say, oldest first.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct Whole {
    /// The commit of the last entry.
    tip: String,
    /// How many commits hold no entry.
    pub(super) foreign: usize,
    /// How many entries nobody signed who may.
    pub(super) unsigned: usize,
    /// How many entries say that material was taken out of the evidence.
    pub(super) erasures: usize,
    /// What they say of commits on the base.
    pub(super) of: Vec<Said>,
    /// What was decided of changes, by their ids.
    pub(super) decided: Vec<(String, Decided)>,
    /// The commits of those that explain bypasses: what they say may be erased.
    pub(super) notes: Vec<String>,
}

/// What an entry says of a commit on the base.
#[derive(Deserialize, Serialize)]
pub(super) struct Said {
    pub(super) commit: String,
    /// The entry's own commit.
    pub(super) entry: String,
    pub(super) recorded: RecordedAs,
}

impl Whole {
    /// Reads the ledger with this tip, and says what is wrong with the part that wasn't known yet.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub(super) fn read(
        git: &Git,
        judges: &Judges,
        tip: &Tip,
        kept: Option<&Kept>,
    ) -> anyhow::Result<(Self, Flaws)> {
        let base = format!("refs/heads/{}", git.base_ref);
        let known = kept.and_then(|kept| kept.read::<Self>(LEDGER));
        let known_tip = known.as_ref().and_then(|known| Oid::from_str(&known.tip).ok());
        let (mut new, mut is_met, mut newest, mut unsigned) = (Vec::new(), false, None, 0);
        let flaws = read_back(&git.repo().folder(), tip.commit, |placed| {
            is_met = Some(placed.commit) == known_tip;
            if is_met {
                return ControlFlow::Break(());
            }
            newest = newest.or(Some(placed.commit));
            match is_signed(git, judges, &placed) {
                true => new.push(Read::of(placed.commit, &placed.entry, &base)),
                false => unsigned += 1,
            }
            ControlFlow::Continue(())
        })?;
        let mut whole = known.filter(|_| is_met).unwrap_or_default();
        whole.foreign += flaws.foreign;
        whole.unsigned += unsigned;
        // What rests on entries that don't follow from each other proves nothing.
        let sound_below = flaws.broken_at.map_or(u64::MAX, |(index, _)| index);
        let is_new = newest.is_some();
        if let Some(newest) = newest {
            whole.tip = newest.to_string();
        }
        for read in new.into_iter().rev().filter(|it| it.index < sound_below) {
            whole.of.extend(read.said);
            whole.decided.extend(read.decided);
            whole.notes.extend(read.is_explanation.then(|| read.commit.to_string()));
            whole.erasures += usize::from(read.is_erasure);
        }
        if let Some(kept) = kept.filter(|_| is_new && flaws.broken_at.is_none()) {
            kept.write(LEDGER, &whole);
        }
        Ok((whole, flaws))
    }
}

/// What is taken from an entry.
struct Read {
    index: u64,
    commit: Oid,
    said: Option<Said>,
    decided: Option<(String, Decided)>,
    is_explanation: bool,
    is_erasure: bool,
}

impl Read {
    fn of(commit: Oid, entry: &Entry, base: &str) -> Self {
        let it = &entry.statement.predicate;
        let is_of_base = it.base.as_ref().is_some_and(|on| on.name == base);
        let said = it.merge.as_ref().filter(|_| is_of_base).map(|merge| Said {
            commit: merge.covers.to.to_string(),
            entry: commit.to_string(),
            recorded: RecordedAs::of(entry),
        });
        Read {
            index: entry.index,
            commit,
            said,
            decided: decided(it).filter(|_| is_of_base),
            is_explanation: is_explanation(entry),
            is_erasure: it.note.as_ref().is_some_and(|note| note.about == About::Erasure),
        }
    }
}

/// Returns the change that an entry decided about, and what; `None` if it didn't.
fn decided(it: &Predicate) -> Option<(String, Decided)> {
    let (bones, Some(Some(change))) = (it.decision.as_ref()?, &it.change) else { return None };
    if !matches!(it.kind, Kind::Decision | Kind::Merge) {
        return None;
    }
    let denies = bones.findings.iter().filter(|it| it.effect == Effect::Deny);
    let codes = denies.map(|it| it.code.clone()).collect();
    let decided = Decided { at: bones.evaluated_at, verdict: bones.verdict, codes };
    Some((change.to_string(), decided))
}
