//! A decision names the next instant at which it changes by itself: not before, and then.

use serde_json::Value;

use super::plumbing::{Case, CaseJudge, all};
use changegate::core::decision::Decision;
use changegate::core::evidence::{Evidence, ForgeKind, SameHead};
use changegate::core::input::just_submitted;
use changegate::core::terms::Verdict;
use changegate::core::time::{Duration, Time};

/// The evidence with its submission held fast: without any, each look would be a new one.
fn pinned(case: &Case) -> Evidence {
    let mut evidence = case.evidence();
    if evidence.pull_request.is_none() {
        let request = case.file().and_then(|file| file.request);
        evidence.pull_request = Some(just_submitted(request.as_ref(), case.now));
    }
    evidence
}

/// What of a decision has to stay: all but the time that it was made for.
fn lasting(decision: &Decision) -> Value {
    let mut lasting = serde_json::to_value(decision).unwrap();
    lasting["evaluated_at"] = Value::Null;
    lasting["digests"]["input"] = Value::Null;
    lasting
}

#[test]
fn a_decision_changes_when_it_says() {
    let mut judge = CaseJudge::shipped();
    let mut wrong = Vec::new();
    for case in all() {
        let evidence = pinned(case);
        let mut at = |now: Time| judge.decide_at(case, now, &evidence).unwrap().decision;
        let now = at(case.now);
        let (before, then) = match now.next_change_at {
            Some(next) => (last_second_before(next, case.now), Some(next)),
            None => (case.now + Duration::days(365), None),
        };
        if let Some(difference) = difference(&lasting(&now), &lasting(&at(before))) {
            let until = then.map_or("never".to_owned(), |next| next.to_string());
            wrong.push(format!(
                "{}: {} says {until} and changes before, by {before}:{difference}",
                case.topic, case.name
            ));
        }
        if let Some(next) = then {
            let (mut now, mut then) = (lasting(&now), lasting(&at(next)));
            now["next_change_at"] = Value::Null;
            then["next_change_at"] = Value::Null;
            if now == then {
                wrong.push(format!(
                    "{}: {} says {next}, and nothing changes then",
                    case.topic, case.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_told_of_is_about_the_change() {
    let mut judge = CaseJudge::shipped();
    let mut decided = |name: &str, forge: Option<ForgeKind>| {
        let case = all().iter().find(|case| case.name.ends_with(name)).unwrap();
        let evidence = Evidence { forge, ..pinned(case) };
        judge.decide_at(case, case.now, &evidence).unwrap().decision
    };
    // The tables' own review, a year after the last one.
    let policies = decided("a change of the policies needs two independent L3", None);
    assert_eq!(policies.next_change_at, Some(super::plumbing::at("2027-11-02T00:00:00Z")));
    assert_eq!(policies.own_change_at, None);
    // Nobody sends a reminder but GitHub.
    let off_script = "two seats need two people, and one holds both roles";
    let on_github = decided(off_script, Some(ForgeKind::Github));
    let in_git = decided(off_script, Some(ForgeKind::Git));
    assert!(on_github.own_change_at < in_git.own_change_at, "{on_github:?}");
    assert_eq!(on_github.own_change_at, on_github.next_change_at);
    let planned = in_git.window.unwrap().planned.unwrap();
    assert_eq!(in_git.own_change_at, Some(planned.start));
}

#[test]
fn a_decision_changes_with_one_on_the_same_head() {
    let mut judge = CaseJudge::shipped();
    let mut seen = 0;
    for case in all() {
        let mut evidence = pinned(case);
        let decision = judge.decide_at(case, case.now, &evidence).unwrap().decision;
        let Some(next) = decision.next_change_at else { continue };
        seen += 1;
        let before = last_second_before(next, case.now).max(case.now + Duration::seconds(1));
        for (theirs, earlier) in [(before, before), (next + Duration::seconds(1), next)] {
            let next_change_at = Some(theirs);
            let other = SameHead { number: 8, verdict: Verdict::Approved, next_change_at };
            evidence.pull_request.as_mut().unwrap().same_head = vec![other];
            let decision = judge.decide_at(case, case.now, &evidence).unwrap().decision;
            assert_eq!(decision.next_change_at, Some(earlier), "{}: {}", case.topic, case.name);
        }
    }
    assert!(seen > 10, "{seen} cases");
}

fn last_second_before(next: Time, now: Time) -> Time {
    let left = next - now;
    assert!(left > Duration::seconds(0), "{next} isn't after {now}");
    now + (left - Duration::seconds(1))
}

/// The first parts that differ.
fn difference(a: &Value, b: &Value) -> Option<String> {
    let (Value::Object(a), Value::Object(b)) = (a, b) else {
        return (a != b).then(|| format!("\n    {a}\n    {b}"));
    };
    let keys = a.keys().chain(b.keys());
    keys.filter(|key| a.get(*key) != b.get(*key))
        .map(|key| format!(" {key}: {:?}\n -> {:?}", a.get(key), b.get(key)))
        .next()
}
