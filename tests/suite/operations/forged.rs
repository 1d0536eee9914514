//! Events that nobody may write, made by hand and pushed: the hook refuses each.

use chrono::{TimeDelta, Utc};

use changegate::core::digest::Digest;
use changegate::core::operations::event::{About, Actor, Event, Head};
use changegate::core::operations::kinds::{
    Begin, Cancelled, EndResult, Monitored, Opened, Outcome, Pauses, ProvenBy, Record, Verified,
    What,
};
use changegate::core::operations::life::Life;
use changegate::core::operations::lines;
use changegate::core::operations::message::message;
use changegate::core::operations::open::STATE;
use changegate::core::operations::proof::{Proof, ProofBy};
use changegate::core::record::parts::Hex;
use changegate::core::request::{Health, OutcomeResult};
use changegate::core::terms::{RiskTier, Severity};
use changegate::core::time::Time;
use changegate::git::{Oid, Program, Repo};
use changegate::ledger::object_id;
use changegate::operations::{Log, NAMESPACE, Rules};

use super::super::executing::{now, open};
use super::super::verifying::{change, watched};
use crate::plumbing::hub::{Desk, Hub, Ran, request};

const TO: &str = "refs/heads/audit/operations";

/// Makes something another thing than it should be.
type Spoil<'a, T> = &'a dyn Fn(&mut T);

/// What a forged event is, and what is put beside it.
pub struct Forged {
    pub head: Head,
    what: What,
    message: Option<String>,
    state: Option<String>,
    proof: Option<Proof>,
}

/// Makes an event behind the hub's log as it should be, lets `spoil` change it, and pushes it.
pub fn push(
    desk: &Desk<'_>,
    what: What,
    about: (Option<&str>, Option<&str>),
    spoil: impl Fn(&mut Forged),
) -> Ran {
    desk.git(&["fetch", "--quiet", "origin", "+refs/heads/main:refs/remotes/origin/main"]);
    desk.git(&["fetch", "--quiet", "origin", "audit/operations"]);
    let tip = desk.git(&["rev-parse", "FETCH_HEAD"]);
    let main = Oid::from_str(&desk.git(&["rev-parse", "origin/main"])).unwrap();
    let repo = Repo::open(&desk.folder.join(".git")).unwrap();
    let read = || {
        let rules = Rules::at(&repo, main).unwrap();
        Log::read(rules, Oid::from_str(&tip).unwrap()).unwrap().unwrap()
    };
    let log = read();
    let id = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    let (change, incident) = (id(about.0), id(about.1));
    let of = match (&change, &incident) {
        (Some(change), _) => Some(About::Change(change)),
        (None, Some(incident)) => Some(About::Incident(incident)),
        (None, None) => None,
    };
    let life = of.map_or_else(Life::default, |of| log.life(of).unwrap());
    let mut forged = Forged {
        head: Head {
            api_version: "changegate/operations/v1".to_owned(),
            log: Some(log.open().log.clone()),
            change: change.clone(),
            incident: incident.clone(),
            at: Time::from(Utc::now()),
            by: Actor::Person(desk.who.parse().unwrap()),
            on_behalf: None,
            base: object_id(main),
            policies: None,
            input: None,
            clock: None,
            offline: false,
            previous: life.last.clone(),
        },
        what,
        message: None,
        state: None,
        proof: None,
    };
    spoil(&mut forged);
    let event = Event::new(forged.head, forged.what);
    let program = Program::at(desk.folder.join(".git"));
    let signature = program.sign(NAMESPACE, event.line().as_bytes()).unwrap();
    let proof = Proof { of: event.id().clone(), by: ProofBy::Ssh { signature } };
    let proof = forged.proof.map_or(proof, |it| Proof { of: event.id().clone(), ..it });
    let path = lines::path(&event);
    let entry = repo.entry(log.tip(), &path).unwrap();
    let before = entry.map_or_else(String::new, |entry| {
        String::from_utf8(repo.bytes(entry.id).unwrap()).unwrap()
    });
    let after = match of {
        Some(of) => {
            let is_open = |_: &_| false;
            let life = life.clone().after(&event, &is_open).unwrap_or(life);
            log.open().clone().with(of, &life)
        }
        None => log.open().clone(),
    };
    let state = forged.state.unwrap_or_else(|| after.text());
    let text = before + &lines::text(&event, &proof);
    let message = forged.message.unwrap_or_else(|| message(&event));
    let commit = desk.put(&tip, &[(&path, &text), (STATE, &state)], &message);
    desk.push(&[&format!("{commit}:{TO}")])
}

pub fn opened() -> What {
    What::Opened(Opened {
        severity: Severity::P1,
        services: vec!["checkout".parse().unwrap()],
        commander: None,
        pauses: Pauses::None,
        summary: "503".to_owned(),
    })
}

/// Edges 30: what isn't dated now is refused. Attacks 30, 31, 32, 33, 35, 36, 37: names, proofs, bases and times.
#[test]
fn who_writes_is_proven_and_when_is_now() {
    let hub = open();
    let alice = hub.desk("alice");
    let of = |id| (None, Some(id));
    push(&alice, opened(), of("INC-001"), |_| {}).went_well();
    let past = |minutes| Time::from(Utc::now() - TimeDelta::minutes(minutes));
    let other = Hex(Digest::of(b"other"));
    let first = alice.git(&["rev-list", "--max-parents=0", "origin/main"]);
    let first = object_id(Oid::from_str(&first).unwrap());
    let spoils: [(&str, Spoil<'_, Forged>); 12] = [
        ("isn't signed with a key of bob", &|it| {
            it.head.by = Actor::Person("bob".parse().unwrap())
        }),
        ("isn't signed with a key of machine:x", &|it| {
            it.head.by = Actor::Machine("x".parse().unwrap())
        }),
        ("isn't signed with a key of nobody", &|it| {
            it.head.by = Actor::Person("nobody".parse().unwrap())
        }),
        ("which isn't now", &|it| it.head.at = past(10)),
        ("dated", &|it| it.head.at = past(-10)),
        ("event of another log", &|it| it.head.log = Some(other.clone())),
        ("judged by an older base", &|it| it.head.base = first.clone()),
        ("recorded in between", &|it| it.head.previous = Some(other.clone())),
        ("message isn't that of its event", &|it| it.message = Some("opened INC-002".to_owned())),
        ("aren't what follows", &|it| it.state = Some("{}\n".to_owned())),
        ("a token that can't be read", &|it| {
            let of = Hex(Digest::of(b""));
            it.proof = Some(Proof { of, by: ProofBy::GitHubOidc { jwt: "a.b.c".to_owned() } });
        }),
        ("doesn't match it", &|it| {
            let of = Hex(Digest::of(b""));
            it.proof = Some(Proof { of, by: ProofBy::Ssh { signature: "no".to_owned() } });
        }),
    ];
    for (why, spoil) in spoils {
        push(&alice, opened(), of("INC-002"), spoil).refused(&[why]);
    }
    // A key that is in the roster proves nobody else.
    push(&alice, opened(), of("INC-003"), |_| {}).went_well();
}

/// The beginning that `bob` may make of a change.
pub fn begun(bob: &Desk<'_>, id: &str) -> Begin {
    bob.changegate(&["begin", id]).ended(0, &["recorded begin"]);
    let line = bob.events(id).remove(0).to_string();
    let What::Begin(begin) = Event::read(&line).unwrap().what().clone() else { panic!("{line}") };
    bob.changegate(&["end", id, "--result", "failed"]).went_well();
    begin
}

/// Edges 57: what runs isn't cancelled. Attacks 19, 48, 51: strangers, and claims to have been offline.
#[test]
fn a_beginning_says_what_was_approved() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.merges("CHG-002", &request("CHG-002", "bob"));
    let begin = begun(&bob, "CHG-001");
    let policies = bob.events("CHG-001")[0]["policies"].as_str().unwrap().parse().unwrap();
    let policies = |it: &mut Forged| it.head.policies = Some(Digest::clone(&policies));
    let soon = || Time::from(Utc::now() + TimeDelta::minutes(30));
    let later = |begin: &Begin| What::Begin(Begin { lease_until: soon(), ..begin.clone() });
    let of = |id| (Some(id), None);
    let lies: [(&str, Spoil<'_, Begin>); 6] = [
        ("over before it begins", &|it| {
            it.lease_until = Time::from(Utc::now() - TimeDelta::hours(1))
        }),
        ("says something else than follows", &|it| it.tier = RiskTier::Low),
        ("says something else than follows", &|it| it.services = Vec::new()),
        ("says something else than follows", &|it| it.planned = None),
        ("says something else than follows", &|it| it.material = Some(Digest::of(b"x"))),
        ("its lease is longer", &|it| {
            it.lease_until = Time::from(Utc::now() + TimeDelta::hours(30))
        }),
    ];
    for (why, lie) in lies {
        let mut lying = Begin { lease_until: soon(), ..begin.clone() };
        lie(&mut lying);
        push(&bob, What::Begin(lying), of("CHG-001"), policies).refused(&[why]);
    }
    push(&bob, later(&begin), of("CHG-002"), policies).refused(&["it is planned to start"]);
    push(&bob, later(&begin), of("CHG-009"), policies).refused(&["there is no request of this id"]);
    push(&hub.desk("alice"), later(&begin), of("CHG-001"), policies).refused(&["alice may not"]);
    // What is claimed to have been recorded offline escapes nothing.
    for id in ["CHG-001", "CHG-002"] {
        let claimed = |it: &mut Forged| it.head.offline = true;
        push(&bob, later(&begin), of(id), claimed)
            .refused(&["only an emergency under break-glass or a rollback is executed offline"]);
        let record = What::Record(Record {
            steps: begin.steps.clone(),
            rollback: false,
            started_at: Time::from(Utc::now() - TimeDelta::hours(9)),
            ended_at: Time::from(Utc::now() - TimeDelta::hours(8)),
            result: EndResult::Done,
            performed_by: "bob".parse().unwrap(),
            why: "x".to_owned(),
            debtor: Some("platform".to_owned()),
            open: None,
        });
        push(&bob, record, of(id), claimed).refused(&["somebody else owes sign-offs for it"]);
    }
    bob.opens("INC-001").went_well();
    let mut reading = Begin { lease_until: soon(), material: None, ..begin.clone() };
    reading.approval.proof = ProvenBy::Incident;
    reading.steps.iter_mut().for_each(|step| step.number = None);
    push(&bob, What::Begin(reading.clone()), (None, Some("INC-002")), policies)
        .refused(&["there is no such incident"]);
    push(&bob, What::Begin(reading.clone()), (None, Some("INC-001")), policies)
        .refused(&["`maintenance-mode` isn't an action that only reads"]);
    let claimed = |it: &mut Forged| it.head.offline = true;
    push(&bob, What::Begin(reading), (None, Some("INC-001")), claimed)
        .refused(&["only an emergency under break-glass or a rollback is executed offline"]);
    let outcome = What::Outcome(Outcome {
        result: OutcomeResult::Successful,
        skipped: Vec::new(),
        note: None,
        automatic: true,
    });
    push(&bob, outcome, of("CHG-001"), |_| {}).refused(&["it is denied: it wasn't verified"]);
    let verified = |health| {
        What::Verified(Verified {
            monitored: Monitored {
                from: Time::from(Utc::now()),
                to: Time::from(Utc::now() + TimeDelta::minutes(4)),
            },
            checks: Vec::new(),
            health,
            error_rate: None,
            unexpected_impact: None,
        })
    };
    push(&bob, verified(Health::Failed), of("CHG-001"), |_| {})
        .refused(&["verification ends later than it is recorded"]);
    push(&bob, verified(Health::Passed), of("CHG-001"), |_| {})
        .refused(&["its health isn't what its checks come to"]);
    push(&bob, later(&begin), of("CHG-001"), policies).went_well();
    push(&bob, later(&begin), of("CHG-001"), policies).refused(&["it is being executed"]);
    let cancelled = What::Cancelled(Cancelled { reason: "x".to_owned() });
    push(&bob, cancelled, of("CHG-001"), |_| {}).refused(&["it is being executed"]);
}

/// Attacks 47: no event is judged by what arrives with it.
#[test]
fn nothing_arrives_together_with_the_log() {
    let hub = open();
    let bob: &Desk<'_> = &hub.desk("bob");
    bob.git(&["fetch", "--quiet", "origin", "audit/operations"]);
    let tip = bob.git(&["rev-parse", "FETCH_HEAD"]);
    let other = bob.put(&tip, &[("x", "y")], "x");
    let main = Hub::tip(&hub, "main").unwrap();
    bob.push_together(&[&format!("{other}:{TO}"), &format!("{main}:refs/heads/new")])
        .refused(&["is pushed together with other branches"]);
}

#[test]
fn an_outcome_that_nobody_said_is_taken_where_the_settings_let_it_be() {
    let hub = watched("", "1s");
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &change("CHG-001", "maintenance-mode", "1s", "an order"));
    begun(&bob, "CHG-001");
    bob.changegate(&["begin", "CHG-001"]).went_well();
    bob.changegate(&["end", "CHG-001"]).went_well();
    let answers = ["an order", "checkout/health", "checkout/error-rate"];
    let answers = answers.map(|name| format!("{name}=passed"));
    let flags: Vec<_> = answers.iter().flat_map(|answer| ["--manual", answer]).collect();
    bob.changegate(&[&["verify", "CHG-001"][..], &flags].concat()).went_well();
    let policies = bob.events("CHG-001")[0]["policies"].as_str().unwrap().parse().unwrap();
    let policies = |it: &mut Forged| it.head.policies = Some(Digest::clone(&policies));
    let outcome = |automatic| {
        let (result, skipped) = (OutcomeResult::Successful, Vec::new());
        What::Outcome(Outcome { result, skipped, note: None, automatic })
    };
    let of = (Some("CHG-001"), None);
    push(&bob, outcome(true), of, policies).refused(&["a person has to say how it went"]);
    push(&hub.desk("alice"), outcome(false), of, policies).refused(&["alice may not"]);
    push(&bob, outcome(false), of, |_| {}).refused(&["it was judged by other policies"]);
    push(&bob, outcome(false), of, policies).went_well();
}
