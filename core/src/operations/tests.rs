use proptest::prelude::*;
use serde_json::{Value, json};

use super::event::{About, Event, MOST_BYTES};
use super::open::Open;
use super::proof::{Proof, ProofBy};
use super::state::{PullState, State};
use super::{lines, message};
use crate::policy::codes::log::{CONCURRENT, UNAUTHORIZED};
use story::{Story, change, incident, read};

mod story;

/// Edges 56, 57: outcomes and cancellations. Attacks 38, 39, 41: nothing after the end, nor by strangers.
#[test]
fn what_can_follow_on_what() {
    for (words, why) in [
        ("begin 1; end done; begin 2", ""),
        ("begin 1; begin 2", "it is being executed"),
        ("begin 1; end done; begin 1,2", "step 1 is done already"),
        ("begin 1; end failed; begin 1", ""),
        ("begin 1; +400; begin 2", "it is being executed"),
        ("begin 1; +400; rollback", ""),
        ("begin 1; rollback", "it is being executed"),
        ("rollback", "nothing of it was executed"),
        ("begin 1,2; end done; rollback; end done; begin 1", ""),
        ("cancel; begin 1", "it was cancelled"),
        ("cancel; cancel", "it was cancelled"),
        ("begin 1; cancel", "it is being executed"),
        ("begin 1; end failed; cancel", "something of it was executed already"),
        ("begin 1; end failed; void execution; cancel", ""),
        ("begin 1; end done; outcome successful; begin 2", "it is closed already"),
        ("begin 1; end done; outcome successful; outcome failed", "it is closed already"),
        ("begin 1; end done; outcome successful; rollback", "it is closed already"),
        ("begin 1; end done; outcome successful; void outcome; begin 2", ""),
        ("begin 1; end done; outcome failed; +10090; void outcome", "it is older than 7 d"),
        ("begin 1; end done; outcome failed; void execution", "void the outcome first"),
        ("outcome successful", "nothing of it was executed"),
        ("begin 1; outcome failed", "it is being executed"),
        ("begin 1; +400; outcome failed", "it is being executed"),
        ("end done", "there is no such execution"),
        ("begin 1; end done; end failed", "this execution has ended, or another began since"),
        ("begin 1; by bob end stopped", ""),
        ("begin 1; by bob renew", "somebody else began it"),
        (
            "begin 1; by bob end unknown; by bob end unknown",
            "that nobody knows is recorded already",
        ),
        ("begin 1; by bob end unknown; end done", ""),
        ("begin 1; by bob end unknown; renew; end done", ""),
        ("begin 1; end done; renew", "this execution has ended, or another began since"),
        ("begin 1; verify passed", "it is being executed"),
        ("verify passed", "nothing of it was executed"),
        (
            "begin 1; end done; +5; verify passed",
            "verification began before the last execution ended",
        ),
        ("begin 1; end done; +15; verify passed", ""),
        ("escalate", "nothing of it was executed"),
        ("begin 1; escalate", "this incident isn't open"),
        ("begin 1; open; escalate", ""),
        ("begin 1; open; escalate; escalate", "it led to this incident already"),
        ("begin 1; end failed; open; escalate; begin 1", "INC-042 is open, to which it led"),
        ("begin 1; end failed; open; escalate; rollback", ""),
        ("begin 1; end failed; open; escalate; outcome failed", "INC-042 is open, to which it led"),
        ("begin 1; end failed; open; escalate; resolve; outcome failed", ""),
        ("open; open", "it was opened already"),
        ("lower", "there is no such incident"),
        ("open; resolve; lower", "the incident is resolved"),
        ("open; resolve; resolve", "the incident is resolved"),
        ("begin 1; void debt", "nothing is owed for it"),
        ("begin 1; void execution", "it goes on"),
        ("owing 1; void debt", ""),
        ("owing 1; void debt; void debt", "nothing is owed for it"),
        ("void outcome", "there is no outcome"),
    ] {
        let refused = Story::told(words).1.unwrap_or_default();
        assert_eq!(refused, why, "{words}");
    }
}

#[test]
fn states_follow_from_events_and_time() {
    use PullState::{GivenUp, Merged, Open};
    for (words, pull, expected) in [
        ("", Open, State::Open),
        ("", GivenUp, State::GivenUp),
        ("+-1", Merged, State::Scheduled),
        ("", Merged, State::Ready),
        ("+59", Merged, State::Ready),
        ("+60", Merged, State::Expired),
        ("begin 1", Merged, State::Running),
        ("owing 1", Open, State::Running),
        ("begin 1; +64", Merged, State::Running),
        ("begin 1; +65", Merged, State::Lost),
        ("begin 1; +30; renew; +64", Merged, State::Running),
        ("begin 1; by bob end unknown", Merged, State::Lost),
        ("begin 1; end done", Merged, State::Ready),
        ("begin 1; end failed", Merged, State::Incomplete),
        ("begin 1; end done; +60", Merged, State::Incomplete),
        ("begin 1,2; end done", Merged, State::Executed),
        ("begin 1,2; end done; +90", Merged, State::Executed),
        ("begin 1; end done; begin 2; end done", Merged, State::Executed),
        ("begin 1,2; end done; +15; verify passed", Merged, State::Verified),
        ("begin 1,2; end done; +15; verify failed", Merged, State::Executed),
        ("begin 1; end done; +15; verify passed; begin 2; end done", Merged, State::Executed),
        ("begin 1,2; end done; rollback; end done", Merged, State::Incomplete),
        ("begin 1,2; end done; rollback; end failed", Merged, State::Executed),
        ("begin 1,2; end done; open; escalate", Merged, State::Escalated),
        ("begin 1,2; end done; open; escalate; resolve", Merged, State::Executed),
        ("begin 1,2; end done; outcome successful; +9000", Merged, State::Closed),
        ("begin 1,2; end done; outcome successful; void outcome", Merged, State::Executed),
        ("cancel", Merged, State::Cancelled),
        ("begin 1; end failed; void execution", Merged, State::Ready),
        ("offline begin 1; offline end done", Merged, State::Ready),
    ] {
        assert_eq!(Story::told(words).0.state(pull), expected, "{words}");
    }
}

#[test]
fn what_arrives_too_late_is_kept_and_opens_nothing() {
    let (story, refused) = Story::told("cancel; offline begin 1; offline end done");
    assert_eq!(refused, None);
    let why: Vec<_> = story.change.out_of_turn.iter().map(|it| it.why.as_str()).collect();
    assert_eq!(why, ["it was cancelled", "there is no such execution"]);
    assert_eq!(story.state(PullState::Merged), State::Cancelled);
}

#[test]
fn what_goes_around_the_rules_is_told() {
    for (words, codes) in [
        ("begin 1; offline by bob begin 1", &[CONCURRENT][..]),
        ("begin 1; end done; offline by bob begin 1; offline by bob end done", &[CONCURRENT]),
        ("begin 1; end done; outcome successful; offline by bob begin 1", &[UNAUTHORIZED]),
        ("cancel; offline begin 1; offline end done", &[UNAUTHORIZED]),
        ("offline begin 1; offline end done", &[]),
        ("begin 1; end failed; offline by bob begin 1", &[]),
    ] {
        let (story, refused) = Story::told(words);
        assert_eq!(refused, None, "{words}");
        let around = story.change.around();
        let found: Vec<_> = around.iter().map(|it| it.code.as_str()).collect();
        assert_eq!(found, codes, "{words}");
    }
}

#[test]
fn a_line_is_read_in_one_spelling() {
    let (story, _) = Story::told("begin 1");
    let line = story.events[0].line().to_owned();
    assert_eq!(Event::read(&line).as_ref(), Ok(&story.events[0]));
    let event = &line[1..line.len() - 1];
    for other in [
        format!(" {line}"),
        format!("{line}\n"),
        format!("{{\"a\":1,{event}}}"),
        format!("{{{event},\"z\":1}}"),
        format!("{{{event},\"tier\":\"low\"}}"),
        line.replace("\"tier\":\"medium\"", "\"tier\":\"low\""),
        line.replace("\"alice\"", "\"\\u0061lice\""),
        line.replace("2026-11-24T22:01:00Z", "2026-11-24T23:01:00+01:00"),
        line.replace("\"by\":\"alice\"", "\"by\":null"),
        line.replace("\"deploy\"", "1.5"),
        line.replace("operations/v1", "operations/v2"),
        format!("{{\"api_version\":\"{}\"}}", "x".repeat(MOST_BYTES)),
    ] {
        assert!(Event::read(&other).is_err(), "{other}");
    }
}

#[test]
fn an_event_has_what_belongs_to_its_kind() {
    let (story, _) = Story::told("begin 1");
    let begin: Value = serde_json::from_str(story.event("begin 1,2").line()).unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut content = begin.clone();
        content.as_object_mut().unwrap().remove("id");
        change(&mut content);
        read(content).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(refused(&|_| ()), "");
    let without = |name: &'static str| {
        refused(&move |it| {
            it.as_object_mut().unwrap().remove(name);
        })
    };
    let steps = |number: u32| {
        let step = |number| json!({"number": number, "action": "deploy", "target": "web"});
        (1..=number).map(step).collect::<Value>()
    };
    for (why, expected) in [
        (without("log"), "names no log"),
        (without("change"), "in the file of something else"),
        (without("material"), "has material content"),
        (refused(&|it| it["for"] = "bob".into()), "only a machine acts"),
        (refused(&|it| it["steps"] = json!([])), "names no step"),
        (refused(&|it| it["steps"][0]["number"] = 2.into()), "aren't numbered in order"),
        (refused(&|it| it["approval"]["debtor"] = "payments".into()), "what is owed has a debtor"),
        (refused(&|it| it["window"] = "a\nEvent: end".into()), "isn't a line of text"),
        (refused(&|it| it["steps"] = steps(20)), ""),
        (refused(&|it| it["steps"] = steps(21)), "it names more than 20 steps"),
        (refused(&|it| it["event"] = "opened".into()), "missing field"),
        (refused(&|it| it["event"] = "ended".into()), "unknown variant"),
        (refused(&|it| it["incident"] = "INC-001".into()), "in the file of something else"),
    ] {
        assert!(why.contains(expected), "{why}: {expected}");
    }
}

#[test]
fn a_line_has_at_most_64_kib() {
    let (story, _) = Story::told("begin 1");
    let mut content: Value = serde_json::from_str(story.events[0].line()).unwrap();
    content.as_object_mut().unwrap().remove("id");
    let length = story.events[0].line().len() + ",\"host\":\"\"".len();
    for (more, is_read) in [(0, true), (1, false)] {
        content["host"] = "h".repeat(MOST_BYTES - length + more).into();
        let found = read(content.clone());
        assert_eq!(found.is_ok(), is_read, "{found:?}");
        let of = story.events[0].id().clone();
        let proof = |signature| Proof { of: of.clone(), by: ProofBy::Ssh { signature } };
        let signature = "s".repeat(MOST_BYTES - proof(String::new()).line().len() + more);
        let line = proof(signature).line();
        assert_eq!((line.len(), Proof::read(&line).is_ok()), (MOST_BYTES + more, is_read));
    }
}

#[test]
fn a_file_pairs_events_and_proofs() {
    let (story, _) = Story::told("begin 1; end done");
    let proof = |event: &Event| Proof {
        of: event.id().clone(),
        by: ProofBy::Ssh { signature: "-----BEGIN SSH SIGNATURE-----".to_owned() },
    };
    let [begin, end] = &story.events[..] else { panic!() };
    let text = [begin, end].map(|event| lines::text(event, &proof(event))).concat();
    let events = lines::read(&text).unwrap();
    assert_eq!(events.iter().map(|(event, _)| event).collect::<Vec<_>>(), [begin, end]);
    assert_eq!(lines::path(begin), "changes/da/CHG-1234.jsonl");
    let cut: Vec<&str> = text.split_inclusive('\n').collect();
    for (lines, at) in [
        (vec![cut[0]], 2),
        (vec![cut[1], cut[0]], 1),
        (vec![cut[0], cut[3]], 2),
        (vec![cut[0], cut[1].trim_end()], 2),
        (vec![cut[0], cut[1], "\n"], 3),
    ] {
        assert_eq!(lines::read(&lines.concat()).unwrap_err().line, at, "{lines:?}");
    }
}

#[test]
fn messages_are_made_of_events() {
    let told =
        "owing 1; by bob end stopped; +20; verify passed; open; escalate; rollback; end done";
    let (story, refused) = Story::told(told);
    assert_eq!(refused, None);
    let text: Vec<_> = story.events.iter().map(message::message).collect();
    insta::assert_snapshot!("messages", text.join("---\n"));
    insta::assert_snapshot!("open", story.open.text());
}

fn words() -> impl Strategy<Value = String> {
    let verbs = prop::sample::select(vec![
        "begin 1",
        "begin 2",
        "begin 1,2",
        "owing 1",
        "rollback",
        "end done",
        "end failed",
        "by bob end unknown",
        "by bob end done",
        "renew",
        "verify passed",
        "verify failed",
        "outcome successful",
        "outcome failed",
        "cancel",
        "open",
        "lower",
        "resolve",
        "escalate",
        "void outcome",
        "void execution",
        "void debt",
        "offline begin 1",
        "offline begin 2",
        "offline end done",
        "offline rollback",
        "+15",
        "+70",
    ]);
    prop::collection::vec(verbs, 1..24).prop_map(|verbs| verbs.join(";"))
}

proptest! {
    #[test]
    fn whatever_happens_the_invariants_hold(words in words()) {
        let mut story = Story::new();
        for line in words.split(';') {
            let before = story.change.clone();
            if story.tell(line).is_err() {
                prop_assert_eq!(&story.change, &before);
                continue;
            }
            let life = &story.change;
            prop_assert!(life.open().count() <= 1);
            if before.outcome.is_some() || before.cancelled.is_some() {
                prop_assert_eq!(life.executions.len(), before.executions.len());
                prop_assert!(life.outcome.is_none() || before.outcome == life.outcome);
            }
            if !line.starts_with("offline") {
                prop_assert_eq!(life.out_of_turn.len(), before.out_of_turn.len());
            }
            // The log only grows.
            prop_assert!(life.executions.len() >= before.executions.len());
            prop_assert!(life.records.len() >= before.records.len());
            let steps = life.done();
            prop_assert!(steps.iter().all(|step| (1..=2).contains(step)));
        }
        // `state.json` is the fold of the events, however it came to be.
        let made = Open::new(story.open.log.clone())
            .with(About::Incident(&incident()), &story.incident)
            .with(About::Change(&change()), &story.change);
        prop_assert_eq!(made.text(), story.open.text());
        prop_assert_eq!(Open::read(&story.open.text()), Ok(story.open.clone()));
    }
}
