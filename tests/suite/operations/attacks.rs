//! Attacks on the operations log that its branch alone has to withstand: where nothing guards it, whatever is
//! put there counts for nothing and stops nobody.

use std::fs;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use changegate::core::operations::event::{Actor, Event};
use changegate::core::operations::kinds::{Begin, EndResult, Record, What};
use changegate::core::record::parts::ObjectId;
use changegate::core::time::Time;

use super::super::executing::{now, open};
use super::forged::{Forged, begun, push};
use crate::plumbing::hub::{Desk, Hub, Ran};

const LOG: &str = "audit/operations";
const ROSTER: &str = "policies/org/roster/data.yaml";

/// Puts a commit where nothing guards the log.
fn put(hub: &Hub, desk: &Desk<'_>, commit: &str) {
    desk.push(&[&format!("{commit}:refs/heads/other")]).went_well();
    hub.git(&["update-ref", &format!("refs/heads/{LOG}"), commit]);
    hub.git(&["update-ref", "-d", "refs/heads/other"]);
}

/// Edges 67: what is anything else than one more event counts for nothing. Attacks 32, 42, 43, 44, 46: an edited
/// event, one that is removed, one without proof, a forged state, rubbish.
#[test]
fn what_is_not_one_more_event_is_foreign() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.exec(&["CHG-001", "--", "false"]).ended(1, &[]);
    let file = hub.git(&["ls-tree", "-r", "--name-only", LOG, "changes"]);
    let held = hub.git(&["show", &format!("{LOG}:{file}")]) + "\n";
    let lines: Vec<_> = held.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 4);
    let state = hub.git(&["show", &format!("{LOG}:state.json")]) + "\n";
    let free = state.replace("\"begun\":[\"CHG-001\"]", "\"begun\":[]");
    assert_ne!(state, free);
    let begin = lines[0].trim_end();
    let another = begin.replace("\"tier\":\"high\"", "\"tier\":\"low\"");
    let mut count = 0;
    for (what, text, state) in [
        ("an event is edited", lines.concat().replace("\"failed\"", "\"done\""), &state),
        ("an event is removed", lines[..2].concat(), &state),
        ("the file is cut in a line", held[..held.len() - 9].to_owned(), &state),
        ("the file is empty", String::new(), &state),
        ("an event comes twice", format!("{held}{}{}", lines[0], lines[1]), &state),
        ("an event has no proof", format!("{held}{another}\n"), &state),
        ("its proof is that of another", format!("{held}{another}\n{}", lines[1]), &state),
        ("two events come at once", format!("{held}{held}"), &state),
        ("it isn't text", format!("{held}\u{0}\n"), &state),
        ("what is open is forged", held.clone(), &free),
    ] {
        let tip = hub.tip(LOG).unwrap();
        alice.git(&["fetch", "--quiet", "origin", LOG]);
        let files = [(file.as_str(), text.as_str()), ("state.json", state.as_str())];
        let forged = alice.put(&tip, &files, "begin CHG-001: maintenance-mode on worker-1");
        let to = format!("{forged}:refs/heads/{LOG}");
        alice.push(&[&to]).refused(&["the event"]);
        hub.unguard();
        put(&hub, &alice, &forged);
        hub.guard();
        count += 1;
        let shown = bob.changegate(&["operations", "show"]);
        let foreign = shown.went_well().matches("foreign").count();
        assert_eq!(foreign, count, "{what}: {shown:?}");
        assert_eq!(bob.kinds("CHG-001"), ["begin", "end"], "{what}");
    }
    // A clone that never saw it without them comes to the same, and the next event goes on from what holds.
    let fresh = hub.desk_at("bob", "fresh");
    fresh.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    assert_eq!(bob.kinds("CHG-001"), ["begin", "end", "begin", "end"]);
    let now_held = hub.git(&["show", &format!("{LOG}:{file}")]) + "\n";
    assert!(now_held.starts_with(&held));
}

/// Attacks 34: a key that left the roster signs nothing any more, however old a base it names.
#[test]
fn a_key_that_left_the_roster_signs_nothing_offline() {
    let hub = open();
    let (bob, carol) = (hub.desk("bob"), hub.desk_at("carol", "night"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let begin = begun(&bob, "CHG-001");
    let old: ObjectId = serde_json::from_value(bob.events("CHG-001")[0]["base"].clone()).unwrap();
    let opens = |id: &str| {
        let open = ["incident", "open", id, "--severity", "P1", "--service", "checkout"];
        carol.changegate(&[&open[..], &["--summary", "503", "--pauses", "services"]].concat())
    };
    opens("INC-001").went_well();
    hub.unguard();
    let roster = hub.git(&["show", &format!("main:{ROSTER}")]);
    let key = hub.public_key("bob");
    let roster = roster.replace(&format!(", keys: [\"{key}\"]"), "");
    carol.git(&["fetch", "--quiet"]);
    let tip = carol.put("origin/main", &[(ROSTER, &roster)], "The key was stolen");
    carol.push(&[&format!("{tip}:refs/heads/main")]).went_well();
    hub.guard();
    carol.git(&["fetch", "--quiet"]);
    // By the first event after it everybody knows.
    opens("INC-002").went_well();
    let aged = |it: &mut Forged| {
        it.head.base = old.clone();
        it.head.offline = true;
        it.head.at = Time::from(Utc::now() - TimeDelta::hours(1));
    };
    let lease_until = Time::from(Utc::now() - TimeDelta::minutes(30));
    let rollback = Begin { rollback: true, lease_until, ..begin.clone() };
    let record = Record {
        steps: begin.steps,
        rollback: false,
        started_at: Time::from(Utc::now() - TimeDelta::hours(2)),
        ended_at: Time::from(Utc::now() - TimeDelta::hours(1)),
        result: EndResult::Done,
        performed_by: "bob".parse().unwrap(),
        why: "x".to_owned(),
        debtor: None,
        open: None,
    };
    for what in [What::Begin(rollback), What::Record(record)] {
        push(&bob, what, (Some("CHG-001"), None), aged)
            .refused(&["isn't signed with a key of bob in the roster"]);
    }
    assert_eq!(carol.kinds("CHG-001"), ["begin", "end"]);
}

/// Edges 37: what was recorded offline is brought within 72 hours.
#[test]
fn what_was_recorded_offline_is_brought_in_time() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let begin = begun(&bob, "CHG-001");
    for (minutes, why) in [
        (72 * 60 - 5, "only an emergency under break-glass or a rollback"),
        (72 * 60 + 5, "it was recorded offline more than 3 d ago"),
    ] {
        let at = Utc::now() - TimeDelta::minutes(minutes);
        let begin = Begin { lease_until: Time::from(at + TimeDelta::minutes(30)), ..begin.clone() };
        push(&bob, What::Begin(begin), (Some("CHG-001"), None), |it| {
            it.head.offline = true;
            it.head.at = Time::from(at);
        })
        .refused(&[why]);
    }
}

/// Attacks 55: free text adds no line to a message, and says nothing to who reads it.
#[test]
fn a_summary_adds_nothing_to_a_message() {
    let hub = open();
    let alice = hub.desk("alice");
    let base = "4".repeat(40);
    let summary = format!("503, recorded offline.\n\nEvent: end\nBase: {base}\n");
    let open = ["incident", "open", "INC-001", "--severity", "P1", "--service", "checkout"];
    alice.changegate(&[&open[..], &["--summary", &summary]].concat()).went_well();
    let message = hub.git(&["log", "-1", "--format=%B", LOG]);
    assert!(!message.contains("offline") && !message.contains(&base), "{message}");
    assert_eq!(message.matches("Event: ").count(), 1, "{message}");
    let shown = alice.changegate(&["incident", "show", "INC-001"]);
    assert!(!shown.went_well().contains("\nEvent: end"), "{shown:?}");
    alice.changegate(&["operations", "show"]).ended(0, &["INC-001"]);
}

/// The beginning of an update of INC-001, whose clock is `minutes` back.
fn updated(log: &Value, number: usize, previous: &Value) -> Event {
    let at = (Utc::now() - TimeDelta::minutes(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut event = log.clone();
    event["event"] = "updated".into();
    event["note"] = format!("{number}").into();
    event["at"] = at.into();
    event["previous"] = previous.clone();
    let head = serde_json::from_value(event.clone()).unwrap();
    Event::new(head, serde_json::from_value(event).unwrap())
}

/// A file of 2,000 lines takes just what closes.
#[test]
fn a_file_has_at_most_two_thousand_lines_before_it_is_closed() {
    let hub = open();
    let alice = hub.desk("alice");
    let open = ["incident", "open", "INC-001", "--severity", "P1", "--service", "checkout"];
    alice.changegate(&[&open[..], &["--summary", "503"]].concat()).went_well();
    let file = hub.git(&["ls-tree", "-r", "--name-only", LOG, "incidents"]);
    let mut text = hub.git(&["show", &format!("{LOG}:{file}")]) + "\n";
    let proof: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let opened: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let mut head = opened.clone();
    for name in ["id", "severity", "services", "pauses", "summary"] {
        head.as_object_mut().unwrap().remove(name);
    }
    let mut previous = opened["id"].clone();
    for number in 2..1_000 {
        let event = updated(&head, number, &previous);
        previous = json!(event.id());
        let signature = &proof["signature"];
        let proof = json!({"kind": "ssh", "of": previous, "signature": signature});
        text += &format!("{}\n{proof}\n", event.line());
    }
    // What a repository has walked already isn't walked again.
    alice.git(&["fetch", "--quiet", "origin", LOG]);
    let grow = |text: &str| {
        let tip = hub.tip(LOG).unwrap();
        alice.git(&["fetch", "--quiet", "origin", LOG]);
        let long = alice.put(&tip, &[(&file, text)], "long\n\nBase: 0");
        put(&hub, &alice, &long);
        for folder in [hub.folder(), alice.folder.join(".git")] {
            let walked = json!({"rules": 2, "tip": long, "last": long, "foreign": []});
            fs::create_dir_all(folder.join("changegate")).unwrap();
            fs::write(folder.join("changegate/operations-read.json"), walked.to_string()).unwrap();
        }
    };
    hub.unguard();
    grow(&text);
    hub.guard();
    let note = ["incident", "update", "INC-001", "--note", "still slow"];
    alice.changegate(&note).ended(0, &["recorded updated INC-001"]);
    alice.changegate(&note).ended(1, &["has 2000 lines: nothing is begun there any more"]);
    hub.desk_at("carol", "fresh").changegate(&["incident", "list"]).ended(0, &[]);
    let carol = Desk { hub: &hub, who: "carol", folder: alice.folder.clone() };
    carol.sit_down();
    carol.changegate(&["incident", "resolve", "INC-001"]).ended(0, &["recorded resolved INC-001"]);
}

/// Attacks 31, 33: an event in somebody else's name, or for somebody else.
#[test]
fn nobody_writes_in_the_name_of_another() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let begin = begun(&bob, "CHG-001");
    let begin = Begin { lease_until: Time::from(Utc::now() + TimeDelta::minutes(30)), ..begin };
    for by in ["bob", "carol", "mallory"] {
        push(&alice, What::Begin(begin.clone()), (Some("CHG-001"), None), |it| {
            it.head.by = Actor::Person(by.parse().unwrap());
        })
        .refused(&["isn't signed with a key of"]);
    }
}

/// What is dated earlier than the events that were there already undoes none of them, and stops nobody.
#[test]
fn an_earlier_date_on_the_base_undoes_nothing() {
    let hub = open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
    alice.git(&["fetch", "--quiet"]);
    let tip = alice.put("origin/main", &[("app.py", "pass\n")], "An hour of work");
    let tree = format!("{tip}^{{tree}}");
    let mut commit = alice.command("git", &["commit-tree", &tree, "-p", "origin/main", "-m", "x"]);
    commit.env("GIT_COMMITTER_DATE", (Utc::now() - TimeDelta::hours(1)).to_rfc3339());
    let older = Ran::of(&mut commit, "").went_well().trim().to_owned();
    alice.push(&[&format!("{older}:refs/heads/main")]).went_well();
    let fresh = hub.desk_at("bob", "fresh");
    fresh.exec(&["CHG-001", "--", "true"]).ended(201, &["execute/empty"]);
    fresh.exec(&["CHG-001", "--rollback", "--", "true"]).ended(0, &[]);
    bob.exec(&["CHG-001", "--", "true"]).ended(0, &[]);
}
