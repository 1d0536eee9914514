//! Random sequences of verbs by people in several clones: whatever they try and in whatever order, the log
//! that comes of it keeps what holds of every log. What is expected is worked out here once more, from the
//! events alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use super::{logs, now, open};
use crate::plumbing::hub::{Desk, Hub};

/// How many verbs a story has.
const VERBS: usize = 28;

/// The changes: one of high risk, one of medium risk with two steps on the same target, one that only
/// reads.
const CHANGES: [&str; 3] = ["CHG-001", "CHG-002", "CHG-003"];

/// Numbers that follow from a seed, so that a story can be told again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        // Knuth's multiplier; the upper half is the random one.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// What a story has come to so far, by the events alone.
#[derive(Default)]
struct Told {
    /// The executions that go on: the change of each, its tier, and what it touches.
    running: BTreeMap<String, (String, String, BTreeSet<String>)>,
    /// Those of them whose end nobody knows.
    unknown: BTreeSet<String>,
    /// The steps that are done, by change.
    done: BTreeMap<String, BTreeSet<u64>>,
    begun: BTreeSet<String>,
    /// The steps of each execution, and whether it undoes.
    steps: BTreeMap<String, (BTreeSet<u64>, bool)>,
    /// The changes that are cancelled or closed.
    over: BTreeSet<String>,
    outcomes: BTreeMap<String, String>,
}

impl Told {
    fn add(&mut self, event: &Value) {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let (id, change) = (text("id"), text("change"));
        match text("event").as_str() {
            "begin" => {
                let steps = event["steps"].as_array().unwrap();
                let numbers: BTreeSet<_> =
                    steps.iter().map(|step| step["number"].as_u64().unwrap()).collect();
                let targets: BTreeSet<_> =
                    steps.iter().map(|step| step["target"].as_str().unwrap().to_owned()).collect();
                let undoes = event["rollback"] == true;
                let tier = text("tier");
                assert!(!self.over.contains(&change), "it began after its end: {event}");
                let done = self.done.entry(change.clone()).or_default();
                assert!(undoes || done.is_disjoint(&numbers), "it is done already: {event}");
                assert!(
                    !undoes || self.begun.contains(&change),
                    "there was nothing to undo: {event}"
                );
                for (execution, (other, their_tier, their_targets)) in &self.running {
                    let is_unknown = self.unknown.contains(execution);
                    assert!(*other != change || (undoes && is_unknown), "two at once: {event}");
                    let is_grave = [&tier, their_tier].iter().any(|tier| *tier == "high");
                    let is_near = !targets.is_disjoint(their_targets);
                    assert!(undoes || !is_grave || !is_near, "beside {other}: {event}");
                }
                // What began after it leaves an older one behind whose end nobody knows.
                self.running.retain(|_, (other, ..)| *other != change);
                self.begun.insert(change.clone());
                self.steps.insert(id.clone(), (numbers, undoes));
                self.running.insert(id, (change, tier, targets));
            }
            "end" => {
                let execution = text("execution");
                assert!(self.running.contains_key(&execution), "it didn't run: {event}");
                if event["result"] == "unknown" {
                    self.unknown.insert(execution);
                    return;
                }
                self.running.remove(&execution);
                let (numbers, undoes) = &self.steps[&execution];
                let done = self.done.entry(change).or_default();
                match (event["result"] == "done", undoes) {
                    (true, true) => done.clear(),
                    (true, false) => done.extend(numbers),
                    (false, _) => {}
                }
            }
            "cancelled" => {
                assert!(!self.begun.contains(&change), "something of it was executed: {event}");
                self.over.insert(change);
            }
            "outcome" => {
                assert!(
                    self.begun.contains(&change) && self.over.insert(change.clone()),
                    "{event}"
                );
                self.outcomes.insert(id, change);
            }
            "voided" if event["what"] == "outcome" => {
                let change = self.outcomes.remove(&text("of")).expect("there was one");
                self.over.remove(&change);
            }
            _ => {}
        }
    }
}

/// The event that each commit of the log appends, the oldest first.
fn events(hub: &Hub) -> Vec<Value> {
    let shown = ["log", "--reverse", "--format=%H", "--name-only", "audit/operations"];
    let (mut commit, mut events) = (String::new(), Vec::new());
    for line in hub.git(&shown).lines().map(str::to_owned).filter(|line| !line.is_empty()) {
        match line.ends_with(".jsonl") {
            true => {
                let text = hub.git(&["show", &format!("{commit}:{line}")]);
                // A line for the event, a line for its proof.
                let event = text.trim_end().lines().rev().nth(1).unwrap();
                events.push(serde_json::from_str(event).unwrap());
            }
            false if line != "state.json" => commit = line,
            false => {}
        }
    }
    events
}

/// One verb that somebody tries.
fn verb(dice: &mut Dice, hub: &Hub) -> Vec<String> {
    let change = dice.of(&CHANGES);
    let incident = dice.of(&["INC-001", "INC-002"]);
    let ago = |minutes| {
        (Utc::now() - TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let (from, to) = (ago(3), ago(2));
    let result = dice.of(&["done", "done", "done", "failed", "stopped", "unknown"]);
    let step = dice.of(&["1", "2"]);
    let words: Vec<&str> = match dice.below(12) {
        0 | 1 => vec!["begin", change],
        2 => vec!["begin", change, "--step", step],
        3 => vec!["begin", change, "--rollback"],
        4..=6 => vec!["end", change, "--result", result, "--why", "it was seen"],
        7 => vec!["exec", change, "--", "true"],
        8 if dice.below(3) == 0 => vec!["cancel", change, "--reason", "not needed"],
        8 => vec!["sync"],
        9 => {
            let (open, resolve) = (["open", "resolve"], dice.below(2));
            let open = vec!["incident", open[resolve], incident];
            let more = ["--severity", "P3", "--service", "checkout", "--summary", "slow"];
            let pauses = ["--pauses", dice.of(&["none", "services"])];
            match resolve {
                0 => [&open[..], &more, &pauses].concat(),
                _ => open,
            }
        }
        10 => vec![
            "record",
            change,
            "--started",
            &from,
            "--ended",
            &to,
            "--result",
            "failed",
            "--why",
            "no network",
        ],
        _ => {
            let outcome = events(hub).into_iter().rfind(|it| it["event"] == "outcome");
            let of = outcome.and_then(|it| it["id"].as_str().map(str::to_owned));
            let of = of.unwrap_or_else(|| "0".repeat(64));
            return ["operations", "void", &of, "--why", "a mistake"].map(str::to_owned).to_vec();
        }
    };
    words.into_iter().map(str::to_owned).collect()
}

fn tell(seed: u64) {
    let hub = open();
    let bob = hub.desk("bob");
    let text = now(CHANGES[0], "bob").replace("worker-CHG001", "checkout-web");
    bob.merges(CHANGES[0], &text);
    let both = "[{action: restart-pods, target: checkout-web}, {action: purge-cache, target: checkout-web}]";
    let text = now(CHANGES[1], "bob");
    let (before, after) = text.split_once("[{").unwrap();
    let (_, after) = after.split_once("}]").unwrap();
    bob.merges(CHANGES[1], &format!("{before}{both}{after}"));
    bob.merges(CHANGES[2], &logs(CHANGES[2], "bob"));
    let main = hub.tip("main");

    let desks: [Desk<'_>; 3] =
        [bob, hub.desk_at("bob", "elsewhere"), hub.desk_at("carol", "third")];
    let mut dice = Dice(seed);
    let mut story = Vec::new();
    let mut recorded = 0;
    for _ in 0..VERBS {
        let words = verb(&mut dice, &hub);
        let desk = &desks[dice.below(desks.len())];
        let before = hub.tip("audit/operations").unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = desk.changegate(&words);
        story.push(format!("{}: {}", words.join(" "), ran.code));
        let after = hub.tip("audit/operations").unwrap();
        hub.git(&["merge-base", "--is-ancestor", &before, &after]);
        let is_written = before != after;
        recorded += usize::from(is_written);
        let is_idle = words[0] == "sync" || words[0] == "exec";
        assert!(is_idle || is_written == (ran.code == 0), "{story:#?}\n{ran:?}");
        assert!([0, 1, 2, 3, 201, 203].contains(&ran.code), "{story:#?}\n{ran:?}");
    }

    let mut told = Told::default();
    events(&hub).iter().for_each(|event| told.add(event));
    assert!(recorded >= VERBS / 4, "it is a story: {story:#?}");
    // Each reader compares `state.json` with the fold: nothing of it is foreign.
    let shown = desks[2].changegate(&["operations", "show"]);
    assert!(!shown.went_well().contains("foreign"), "{shown:?}");
    let open: Value =
        serde_json::from_str(&hub.git(&["show", "audit/operations:state.json"])).unwrap();
    let open = open["executions"].as_array().unwrap().iter();
    let open: BTreeSet<_> = open.map(|it| it["execution"].as_str().unwrap()).collect();
    let running: BTreeSet<_> = told.running.keys().map(String::as_str).collect();
    assert_eq!(open, running, "{story:#?}");
    assert_eq!(hub.tip("main"), main, "no event changes a request");
}

#[test]
fn whatever_is_tried_the_log_keeps_what_holds() {
    tell(1);
}

#[test]
fn whatever_else_is_tried_the_log_keeps_what_holds() {
    tell(20_261_130);
}
