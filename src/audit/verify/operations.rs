//! Holds the operations log against what entries say of it, and walks it: which commits don't count, and
//! what was begun without the policies' approval.

use std::collections::{HashMap, HashSet};

use anyhow::Context as _;

use super::Run;
use super::found::{Acts, Foreign, Saw, WentAround};
use crate::audit::case::Tips;
use crate::audit::{Finding, Step};
use crate::content::{SKEW, short};
use crate::core::operations::around::Around;
use crate::core::operations::event::{About, Event};
use crate::core::operations::kinds::What;
use crate::core::record::entry::Entry;
use crate::core::record::parts::Operations;
use crate::core::terms::TicketId;
use crate::core::time::Time;
use crate::git::{Oid, Repo};
use crate::ledger::oid;
use crate::operations::{self, Log, OPERATIONS, Rules, Walked};

/// Returns why the policies didn't approve an event, as of its own time; the log is as it was before it.
pub type Approves<'a> = &'a dyn Fn(&Event, &Log<'_>) -> anyhow::Result<()>;

/// Returns what went around the rules when a change was executed.
pub type GoesAround<'a> = &'a dyn Fn(&TicketId, &Log<'_>) -> anyhow::Result<Vec<Around>>;

/// What entries say of the operations log.
#[derive(Default)]
pub(super) struct Witnessed {
    /// What each entry says that says something else than the one before it, with its index and its commit.
    entries: Vec<(u64, Oid, Operations)>,
    /// What is remembered of the log: as far as all of it could be judged.
    sure: Option<Acts>,
}

impl Witnessed {
    /// Takes what an entry says.
    pub(super) fn take(&mut self, commit: Oid, entry: &Entry) {
        let Some(said) = &entry.statement.predicate.operations else { return };
        if self.entries.last().is_none_or(|(.., before)| before != said) {
            self.entries.push((entry.index, commit, said.clone()));
        }
    }

    /// Returns what a later run may rely on.
    pub(super) fn sure(&self) -> Option<Acts> {
        self.sure.clone()
    }
}

impl Run {
    /// Checks that the operations log goes on from where entries saw it, and walks it.
    pub(super) fn operations(
        &mut self,
        repo: &Repo,
        tips: Tips<'_>,
        base_ref: &str,
        by: (Approves<'_>, GoesAround<'_>),
    ) {
        if let Err(error) = self.walk(repo, tips, base_ref, by) {
            self.of_log(None, format!("{OPERATIONS} can't be read: {error:#}"));
        }
    }

    /// Takes what is wrong with the log, or with one of its commits.
    fn of_log(&mut self, commit: Option<Oid>, message: String) {
        let (step, commit) = (Step::Operations, commit.map(|commit| commit.to_string()));
        self.out.findings.push(Finding { step, index: None, commit, message });
    }

    fn walk(
        &mut self,
        repo: &Repo,
        tips: Tips<'_>,
        base_ref: &str,
        (approves, goes_around): (Approves<'_>, GoesAround<'_>),
    ) -> anyhow::Result<()> {
        let entries = std::mem::take(&mut self.witnessed.entries);
        let earlier = self.out.operations.take();
        let Some(tip) = tips(OPERATIONS)? else {
            if let Some((index, commit, said)) = entries.last() {
                let why = format!("it saw {OPERATIONS} at {}, which is gone", said.tip);
                self.finding(Step::Operations, Some(*index), *commit, why);
            } else if let Some(acts) = earlier {
                self.of_log(None, format!("{OPERATIONS} is gone, which was at {}", acts.tip));
            }
            return Ok(());
        };
        let (line, earlier) = self.log_line(repo, tip, earlier)?;
        let places: HashMap<Oid, usize> =
            line.iter().enumerate().map(|(place, commit)| (*commit, place)).collect();
        let rules = Rules::at(repo, tips(base_ref)?.context("there is no base")?)?;
        let Some((mut log, mut acts)) = self.begin(rules, &line, earlier)? else { return Ok(()) };
        let mut sure = acts.clone();
        for commit in line[..places[&log.tip()]].iter().rev() {
            self.act(&mut log, *commit, &mut acts, approves)?;
            // What was judged by a commit that isn't here may hold once that is.
            if !log.has_missed() {
                sure.clone_from(&acts);
            }
        }
        // A review may have come since, or its time have passed.
        acts.went_around.clear();
        for change in &acts.suspected {
            let around = goes_around(change, &log)?.into_iter();
            let around = around.map(|how| WentAround { change: change.clone(), how });
            acts.went_around.extend(around);
        }
        let witnessed = acts.witnessed.take();
        acts.witnessed = self.held_against(&log, &places, witnessed, &entries)?;
        self.witnessed.sure = Some(Acts { witnessed: acts.witnessed.clone(), ..sure });
        self.out.operations = Some(acts);
        Ok(())
    }

    /// Returns the commits of the log, the newest first: down to what was verified earlier, with what was
    /// found then, or all of them.
    fn log_line(
        &mut self,
        repo: &Repo,
        tip: Oid,
        earlier: Option<Acts>,
    ) -> anyhow::Result<(Vec<Oid>, Option<Acts>)> {
        let mut wanted = HashSet::new();
        if let Some(Acts { tip, witnessed, .. }) = &earlier {
            let saw = witnessed.as_ref().map(|saw| &saw.tip);
            for known in [Some(tip), saw].into_iter().flatten() {
                wanted.insert(Oid::from_str(known)?);
            }
        }
        let (mut line, mut next) = (Vec::new(), Some(tip));
        while let Some(commit) = next {
            line.push(commit);
            wanted.remove(&commit);
            if earlier.is_some() && wanted.is_empty() {
                return Ok((line, earlier));
            }
            next = repo.parent(commit)?;
        }
        if let Some(Acts { tip, .. }) = earlier {
            let why = format!(
                "{OPERATIONS} doesn't continue the log that was verified here, which was at {tip}: it was \
                 rewound or replaced"
            );
            self.of_log(None, why);
        }
        Ok((line, None))
    }

    /// Returns the log as it was verified earlier, or else its first commit, and what was found so far.
    fn begin<'r>(
        &mut self,
        rules: Rules<'r>,
        line: &[Oid],
        earlier: Option<Acts>,
    ) -> anyhow::Result<Option<(Log<'r>, Acts)>> {
        if let Some(acts) = earlier {
            let (tip, last) = (Oid::from_str(&acts.tip)?, Oid::from_str(&acts.last)?);
            let foreign = acts.foreign.iter().map(|it| {
                let commit = Oid::from_str(&it.commit)?;
                anyhow::Ok(operations::Foreign { commit, why: it.why.clone() })
            });
            let foreign = foreign.collect::<anyhow::Result<Vec<_>>>()?;
            let log = Log::resumed(rules, &Walked::up_to((tip, last), &foreign))?;
            let log = log.ok().context("what was verified earlier can't be read any more")?;
            return Ok(Some((log, acts)));
        }
        let first = *line.last().context("a branch has a commit")?;
        match Log::begun(rules, first)? {
            Ok(log) => {
                let (tip, last) = (first.to_string(), first.to_string());
                Ok(Some((log, Acts { tip, last, events: 1, ..Acts::default() })))
            }
            Err(why) => {
                self.of_log(Some(first), why);
                Ok(None)
            }
        }
    }

    /// Reads the next commit of the log, and asks whether the policies approved what it begins.
    fn act(
        &mut self,
        log: &mut Log<'_>,
        commit: Oid,
        acts: &mut Acts,
        approves: Approves<'_>,
    ) -> anyhow::Result<()> {
        let appended = log.appended(commit)?;
        match &appended {
            Err(why) => {
                acts.foreign.push(Foreign { commit: commit.to_string(), why: why.clone() });
            }
            Ok(next) => {
                acts.events += 1;
                acts.last = commit.to_string();
                let (event, about) = (next.event(), next.event().about());
                if !event.head().offline {
                    self.in_order(commit, event.head().at, acts);
                }
                let is_suspect = match event.what() {
                    What::Begin(_) => event.head().offline,
                    what => matches!(what, What::Record(_) | What::Commander(_)),
                };
                if let (true, Some(About::Change(id))) = (is_suspect, about) {
                    acts.suspected.insert(id.clone());
                }
                if let (What::Begin(_), Some(about)) = (event.what(), about)
                    && let Err(why) = approves(event, log)
                {
                    let about = match about {
                        About::Change(id) | About::Incident(id) => id,
                    };
                    // What follows on its first line advises who is about to act.
                    let why = format!("{why:#}");
                    let why = format!(
                        "execute/unauthorized: {} began to execute {about}, and the policies of then don't \
                         approve it: {}",
                        event.head().by,
                        why.lines().next().unwrap_or_default()
                    );
                    self.of_log(Some(commit), why);
                }
            }
        }
        acts.tip = commit.to_string();
        log.take(commit, appended);
        Ok(())
    }

    /// Finds a date that is before that of an earlier event, by more than two clocks may differ.
    fn in_order(&mut self, commit: Oid, at: Time, acts: &mut Acts) {
        let earlier = acts.latest.filter(|latest| *latest > at + SKEW + SKEW);
        if let Some(earlier) = earlier {
            let [at, earlier] = [at, earlier].map(|at| at.for_people(None));
            let why = format!(
                "it is dated {at} UTC, and an event before it {earlier}: one of the two was made by a wrong clock"
            );
            self.of_log(Some(commit), why);
        }
        acts.latest = match earlier {
            Some(_) => Some(at),
            None => acts.latest.max(Some(at)),
        };
    }

    /// Holds the log against what entries say of it. Returns the last one of them, after one that was
    /// known `before`.
    fn held_against(
        &mut self,
        log: &Log<'_>,
        places: &HashMap<Oid, usize>,
        mut before: Option<Saw>,
        entries: &[(u64, Oid, Operations)],
    ) -> anyhow::Result<Option<Saw>> {
        for (index, commit, said) in entries {
            let tip = oid(&said.tip)?;
            let known = before.as_ref().and_then(|saw| Oid::from_str(&saw.tip).ok());
            let newest = known.and_then(|tip| places.get(&tip));
            let why = match places.get(&tip) {
                None => format!(
                    "it saw {OPERATIONS} at {}, which isn't part of it any more: it was rewound or replaced",
                    short(tip)
                ),
                Some(place) if newest.is_some_and(|newest| place > newest) => {
                    format!("it names an older state of {OPERATIONS} than an entry before it")
                }
                Some(_) if log.seen_at(tip)? != *said => {
                    format!("it says of {OPERATIONS} at {} what that didn't hold", short(tip))
                }
                Some(_) => {
                    before = Some(Saw { index: *index, tip: tip.to_string() });
                    continue;
                }
            };
            self.finding(Step::Operations, Some(*index), *commit, why);
        }
        Ok(before)
    }
}
