//! What other policies would have decided on what is recorded, and would decide on what is to come.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Decided, Decision, Difference};
use crate::policy::InputPath;
use crate::terms::{RiskTier, Verdict};

/// The comparison of policies with those that decided, on what is recorded and on what is to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Replay {
    /// Whose policies are tried: the id of a commit, the path of a folder, or `shipped`.
    pub policies: String,
    /// Whose policies they are compared with, to see what they change: the id of a commit.
    pub against: String,
    /// The files that they change.
    pub files: Vec<String>,
    /// The part of the record that was looked at, if not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// Whether the recorded policies give the recorded verdicts again.
    pub baseline: Baseline,
    /// The files whose change didn't fit the policies of then, or those on the base, so that their new
    /// content was taken whole, with the number of cases concerned.
    pub approximate: BTreeMap<String, usize>,
    /// The recorded decisions.
    pub past: Tally,
    /// The open changes; absent if the past alone was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Tally>,
    /// The number of open pull requests on GitHub that were not tried: they are not among the newest
    /// hundred, or they could not be fetched.
    pub left_out: usize,
    /// The merged requests that aren't over, each as if it had just been submitted.
    pub scheduled: Tally,
    /// What would be decided differently.
    pub flips: Vec<Flip>,
    /// What nobody can tell about.
    pub unclear: Vec<Unclear>,
    /// The codes of the rules that found nothing, before and after.
    pub silent: Vec<String>,
}

/// A part of the record that anyone can draw again: of the commits of the ledger, those with the smallest
/// SHA-256 of the seed followed by the commit's id, without anything between or behind them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sample {
    /// The seed.
    pub seed: String,
    /// The number of entries that were looked at.
    pub looked_at: usize,
    /// The number of entries that there are.
    pub entries: usize,
    /// Whether there was no time for more; else no more were asked for.
    pub is_out_of_time: bool,
}

/// Whether the recorded policies give the recorded verdicts again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Baseline {
    /// The number of decisions that were made again.
    pub decisions: usize,
    /// The number of those with the recorded verdict.
    pub same: usize,
    /// The number of decisions whose evidence is withheld, which aren't made again.
    pub withheld: usize,
    /// Why the others don't have it.
    pub failures: Vec<Unclear>,
}

/// How many cases were tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tally {
    /// The number of cases.
    pub cases: usize,
    /// The number of cases that would be decided differently.
    pub differ: usize,
    /// The number of cases about which nobody can tell.
    pub unclear: usize,
}

/// Where a case comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The record.
    Past,
    /// An open change.
    Open,
    /// A merged request that isn't over.
    Scheduled,
}

/// A case about which nobody can tell, or that can't be decided again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unclear {
    /// The name of the change.
    pub request: String,
    /// The index of its entry.
    pub entry: u64,
    /// Why.
    pub why: String,
}

/// In which direction a decision differs, most dangerous first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It would be approved, and wasn't.
    Allowed,
    /// It can't be decided any more.
    Undecided,
    /// It would be denied, and wasn't.
    Denied,
    /// It would wait, and didn't.
    Waiting,
    /// It would wait, and was denied.
    Released,
    /// The verdict is the same, what it rests on isn't.
    Alike,
}

impl Direction {
    /// All directions, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Direction::Allowed,
        Direction::Undecided,
        Direction::Denied,
        Direction::Waiting,
        Direction::Released,
        Direction::Alike,
    ];

    fn between(before: Option<Verdict>, after: Option<Verdict>) -> Self {
        match (before, after) {
            (_, None) => Direction::Undecided,
            (Some(before), Some(after)) if before == after => Direction::Alike,
            (_, Some(Verdict::Approved)) => Direction::Allowed,
            (_, Some(Verdict::Denied)) => Direction::Denied,
            (Some(Verdict::Denied), Some(Verdict::Pending)) => Direction::Released,
            (_, Some(Verdict::Pending)) => Direction::Waiting,
        }
    }
}

/// A case that would be decided differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Flip {
    /// In which direction.
    pub direction: Direction,
    /// Where the case comes from.
    pub origin: Origin,
    /// The index of its entry, of a recorded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// The case, both verdicts, and what differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// The codes that only one of the two finds, or with another effect.
    pub codes: Vec<String>,
    /// The tier, by the new policies if they tell it.
    pub tier: Option<RiskTier>,
    /// The services that it affects.
    pub services: Vec<String>,
}

impl Flip {
    /// Compares two decisions on a case, or why there are none; `None` if they are the same.
    pub fn of(
        (origin, entry, name): (Origin, Option<u64>, &str),
        before: Result<Decided, String>,
        after: Result<Decided, String>,
    ) -> Option<Self> {
        let services = |decided: &Result<Decided, String>| {
            let input: Value =
                serde_json::from_str(decided.as_ref().ok()?.input.as_deref()?).ok()?;
            let services = input["services"].as_array()?.iter();
            Some(services.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
        };
        let (was, is) = (services(&before), services(&after));
        let [before, after] = [before, after].map(|it| it.map(|decided| decided.decision));
        let difference = Difference::of(name, &before, &after)?;
        let tier = [&after, &before].into_iter().flatten().find_map(|decision| decision.tier);
        let [found, finds] =
            [&before, &after].map(|it| it.as_ref().map(effects).unwrap_or_default());
        let codes: BTreeSet<_> = found.symmetric_difference(&finds).map(|(code, _)| code).collect();
        Some(Flip {
            direction: Direction::between(difference.before, difference.after),
            origin,
            entry,
            codes: codes.into_iter().map(|code| (*code).to_owned()).collect(),
            tier,
            services: is.or(was).unwrap_or_default(),
            difference,
        })
    }
}

/// Returns the codes that a decision finds, each with its effects.
fn effects(decision: &Decision) -> BTreeSet<(&str, crate::terms::Effect)> {
    decision.findings.iter().map(|finding| (finding.code.as_str(), finding.effect)).collect()
}

impl Replay {
    /// Adds a case: that it would be decided differently, or the same.
    pub fn add(&mut self, origin: Origin, flip: Option<Flip>) {
        let tally = match origin {
            Origin::Past => &mut self.past,
            Origin::Open => self.open.get_or_insert_default(),
            Origin::Scheduled => &mut self.scheduled,
        };
        tally.cases += 1;
        tally.differ += usize::from(flip.is_some());
        self.flips.extend(flip);
    }

    /// Adds a recorded case about which nobody can tell.
    pub fn add_unclear(&mut self, unclear: Unclear) {
        self.past.cases += 1;
        self.past.unclear += 1;
        self.unclear.push(unclear);
    }

    /// Returns whether the recorded policies give the recorded verdicts, so that the comparison means
    /// something.
    pub fn is_grounded(&self) -> bool {
        self.baseline.failures.is_empty()
    }

    /// Returns whether everything would be decided as it was.
    pub fn is_same(&self) -> bool {
        self.flips.is_empty() && self.unclear.is_empty()
    }

    /// Returns the cases that differ in a direction.
    pub fn towards(&self, direction: Direction) -> impl Iterator<Item = &Flip> {
        self.flips.iter().filter(move |flip| flip.direction == direction)
    }
}

/// Returns the facts that one input document has and another one of the same case doesn't have, as they
/// have no field for them; a position in a list is `None`.
pub fn unrecorded(recorded: &Value, now: &Value) -> BTreeSet<InputPath> {
    fn search(
        recorded: &Value,
        now: &Value,
        path: &mut InputPath,
        found: &mut BTreeSet<InputPath>,
    ) {
        match (recorded, now) {
            (Value::Object(recorded), Value::Object(now)) => {
                for (name, value) in now {
                    path.push(Some(name.clone()));
                    match recorded.get(name) {
                        Some(recorded) => search(recorded, value, path, found),
                        None => {
                            found.insert(path.clone());
                        }
                    }
                    path.pop();
                }
            }
            (Value::Array(recorded), Value::Array(now)) => {
                path.push(None);
                recorded
                    .iter()
                    .zip(now)
                    .for_each(|(recorded, now)| search(recorded, now, path, found));
                path.pop();
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    search(recorded, now, &mut Vec::new(), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_recorded_is_a_field_that_is_not_there() {
        let recorded = json!({"a": null, "list": [{"x": 1}, {"x": 2}], "b": {"c": 1}});
        let now =
            json!({"a": {"d": 1}, "list": [{"x": 1, "y": 1}, {"x": 2}], "b": {"e": 1}, "f": 1});
        let found: Vec<_> = unrecorded(&recorded, &now)
            .into_iter()
            .map(|path| {
                path.iter().map(|it| it.as_deref().unwrap_or("*")).collect::<Vec<_>>().join(".")
            })
            .collect();
        assert_eq!(found, ["b.e", "f", "list.*.y"]);
        assert!(unrecorded(&recorded, &recorded).is_empty());
    }

    #[test]
    fn newly_allowed_comes_first() {
        use Verdict::{Approved, Denied, Pending};
        let mut found: Vec<_> = [
            (Some(Approved), Some(Approved)),
            (Some(Approved), Some(Denied)),
            (Some(Denied), Some(Pending)),
            (Some(Approved), Some(Pending)),
            (Some(Pending), Some(Approved)),
            (Some(Approved), None),
            (None, Some(Approved)),
            (None, None),
        ]
        .map(|(before, after)| Direction::between(before, after))
        .into();
        found.sort();
        found.dedup();
        assert_eq!(found, Direction::ALL);
    }
}
