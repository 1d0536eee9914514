//! Holds what others kept of the log against it: checkpoints, and what witnesses cosigned.

use super::{Run, Witness};
use crate::audit::anchor::Anchor;
use crate::audit::case::Tips;
use crate::audit::{Finding, Step};
use crate::content::SKEW;
use crate::core::record::note::{Note, VerifierKey};
use crate::core::record::witness::{Cosigned, cosigned};
use crate::core::time::Time;
use crate::gate::judge::Judges;
use crate::git::Repo;

/// Returns the keys of the witnesses that the settings on the base name.
pub(super) fn witnesses(
    repo: &Repo,
    tips: Tips<'_>,
    base_ref: &str,
    judges: &Judges,
) -> anyhow::Result<Vec<VerifierKey>> {
    let judge = tips(base_ref)?.map(|tip| judges.at(repo, tip));
    // Where the policies can't be read, that is said already.
    let Some(Ok(judge)) = judge else { return Ok(Vec::new()) };
    Ok(judge.bundle().org.settings.ledger.witnesses().unwrap_or_default())
}

impl Run {
    /// Holds checkpoints from outside against the tree.
    pub(super) fn anchors(&mut self, anchors: &[Anchor], witnesses: &[VerifierKey]) {
        for Anchor { name, checkpoint: it, note } in anchors {
            let known = self.tree.root_at(it.size);
            let problem = if it.origin.to_string() != self.out.origin {
                Some(format!("is of another log, {}", it.origin))
            } else if known.is_none() {
                Some("is of a longer log: entries were removed from this one".to_owned())
            } else if known != Some(it.root) {
                Some("is of a log with other entries: this one was rewritten".to_owned())
            } else {
                None
            };
            match problem {
                None => {
                    self.out.anchors += 1;
                    self.cosigned(name, it.size, note, witnesses);
                }
                Some(why) => self.out.findings.push(Finding {
                    step: Step::Anchors,
                    index: it.size.checked_sub(1).filter(|index| *index < self.out.entries),
                    commit: None,
                    message: format!("the checkpoint {name} {why}"),
                }),
            }
        }
    }

    /// Takes who of the witnesses cosigned a checkpoint that the log continues.
    fn cosigned(&mut self, name: &str, size: u64, note: &Note, witnesses: &[VerifierKey]) {
        match cosigned(note, witnesses) {
            Ok(found) => {
                found.iter().for_each(|cosigned| self.was_then(size, cosigned));
                let found = found.into_iter().map(|Cosigned { by, at }| Witness { by, at });
                let newest = found.chain(self.out.witnessed.take()).max_by_key(|it| it.at);
                self.out.witnessed = newest;
            }
            Err(why) => self.out.findings.push(Finding {
                step: Step::Anchors,
                index: None,
                commit: None,
                message: format!("the checkpoint {name} can't be relied on: {why}"),
            }),
        }
    }

    /// Compares when the entries say that they were recorded with when a witness saw the log, with so many
    /// of them.
    fn was_then(&mut self, size: u64, Cosigned { by, at }: &Cosigned) {
        let times = || self.times.iter().map(|time| Time::nearest_unix(*time)).enumerate();
        let covered = usize::try_from(size).unwrap_or(usize::MAX);
        let ahead = times().take(covered).find(|(_, time)| *time > *at + SKEW);
        let behind = times().skip(covered).find(|(_, time)| *time + SKEW < *at);
        let when = at.for_people(None);
        let seen = format!("{by} cosigned a log of {size} entries at {when} UTC");
        let ahead = ahead.map(|(index, _)| (index, "and it says that it was recorded later"));
        let behind = behind.map(|(index, _)| (index, "and it says that it was recorded before"));
        for (index, why) in [ahead, behind].into_iter().flatten() {
            self.out.findings.push(Finding {
                step: Step::Time,
                index: Some(index as u64),
                commit: None,
                message: format!("{seen}, {why}: the clock of its maker was wrong"),
            });
        }
    }
}
