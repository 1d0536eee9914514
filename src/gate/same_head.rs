//! Pull requests with the same head, which share one published decision: who of them decides.

use std::collections::BTreeSet;

use anyhow::ensure;

use super::{Gate, Judgement};
use crate::core::decision::Decision;
use crate::core::evidence::SameHead;
use crate::core::terms::{Effect, Verdict};
use crate::core::time::Time;
use crate::forge::{Forge, Pull};

/// The maximum number of pull requests with the same head, which are judged together.
const MOST_WITH_HEAD: usize = 10;

/// The code of the finding that somebody requests changes.
const OBJECTION: &str = "signoff/changes-requested";

impl<F: Forge> Gate<'_, F> {
    /// Returns a pull request and the others with its head, as far as their bases are protected.
    pub(super) fn protected_with_head(&self, name: &str) -> anyhow::Result<Vec<Pull>> {
        let named = self.forge.pull(name)?;
        let siblings = self.forge.siblings(&named)?;
        ensure!(
            siblings.len() < MOST_WITH_HEAD,
            "{} open pull requests have the same head as {name}, which is too many to judge: close \
             those that nobody needs",
            siblings.len()
        );
        let mut protected = Vec::new();
        for pull in std::iter::once(Ok(named)).chain(siblings.iter().map(|it| self.forge.pull(it)))
        {
            let pull = pull?;
            if self.is_protected(&pull)? {
                protected.push(pull);
            }
        }
        Ok(protected)
    }

    /// Judges pull requests with the same head, and returns the judgement on the one that decides.
    ///
    /// Of those to one branch, which merge the same content, it is the one with the best prospects:
    /// anybody can open another one, so that it must not be in the way. Only a request for changes
    /// counts wherever it was made. Between branches the strictest verdict counts.
    pub(super) fn deciding(
        &self,
        with_head: Vec<Pull>,
        now: Time,
    ) -> anyhow::Result<Option<Judgement>> {
        let names: Vec<_> = with_head.iter().map(|pull| pull.name.clone()).collect();
        let base_ref = with_head.first().and_then(|named| named.base_ref.clone());
        let judged = with_head.into_iter().map(|pull| self.judge(pull, &[], now));
        let mut judged = judged.collect::<anyhow::Result<Vec<_>>>()?;
        judged.sort_by_key(Judgement::prospects);
        let (mut deciding, mut same_head) = (None, Vec::new());
        let mut bases = BTreeSet::new();
        for judgement in judged {
            let base = judgement.pull.base_ref.clone();
            let is_named = base == base_ref;
            match bases.insert(base) {
                true if is_named => deciding = Some(judgement),
                is_best if is_best || judgement.is_objected() => {
                    same_head.extend(judgement.as_same_head());
                }
                _ => {}
            }
        }
        let Some(mut deciding) = deciding else { return Ok(None) };
        if !same_head.is_empty() {
            deciding = self.judge(deciding.pull, &same_head, now)?;
        }
        deciding.with_head = names;
        deciding.with_head.retain(|name| *name != deciding.pull.name);
        Ok(Some(deciding))
    }
}

impl Judgement {
    /// Returns the verdict as evidence about another pull request with the same head.
    fn as_same_head(&self) -> Option<SameHead> {
        let number = self.evidence.pull_request.as_ref()?.number?;
        let Decision { verdict, next_change_at, .. } = self.decision;
        Some(SameHead { number, verdict, next_change_at })
    }

    /// Returns a rank that is lower if less is in the way of an approval.
    fn prospects(&self) -> (Verdict, usize) {
        let findings = self.decision.findings.iter();
        let in_the_way = findings.filter(|finding| finding.effect >= Effect::Pending);
        (self.decision.verdict, in_the_way.count())
    }

    /// Whether somebody requests changes.
    fn is_objected(&self) -> bool {
        self.decision.findings.iter().any(|finding| finding.code == OBJECTION)
    }
}
