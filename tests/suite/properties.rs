//! What holds for every request and every set of reviews.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::plumbing::{Case, CaseJudge, HEAD, at, files_below};
use changegate::core::approvals::Standing;
use changegate::core::decision::Decision;
use changegate::core::evidence::{Evidence, Review};
use changegate::core::org::Org;
use changegate::core::policy::{Asked, PolicyBundle, Requirement, shipped_files};
use changegate::core::request::RequestFile;
use changegate::core::sign_off::Signers;
use changegate::core::terms::Login;

const PEOPLE: [&str; 13] = [
    "alice", "bob", "carol", "dan", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy",
    "ken", "mallory",
];
const REQUESTS: [&str; 6] = ["low", "medium", "high", "critical", "off-script", "emergency"];
const STATES: [&str; 4] = ["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"];

fn few(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn decide(base: &str, set: Value, reviews: &[Value]) -> Decision {
    thread_local! {
        static JUDGE: std::cell::RefCell<CaseJudge> = std::cell::RefCell::new(CaseJudge::shipped());
    }
    let case = Case::new(base, base, set, Some(json!({"reviews": reviews})), Value::Null);
    JUDGE.with_borrow_mut(|judge| judge.decide(&case).unwrap().decision)
}

/// Any review by anybody, in whatever state, of head or of another commit.
fn review() -> impl Strategy<Value = Value> {
    (select(&PEOPLE[..]), select(&STATES[..]), any::<bool>(), any::<Option<Index>>()).prop_map(
        |(user, state, stale, dismissed_by)| {
            let by = dismissed_by.map(|index| PEOPLE[index.index(PEOPLE.len())]);
            let dismissed = (state == "DISMISSED").then(|| json!({"by": by, "was": STATES[1]}));
            let commit = if stale { "aaaa" } else { HEAD };
            json!({"user": user, "state": state, "commit": commit, "dismissed": dismissed})
        },
    )
}

/// Several reviews, each with an id that stays with it.
fn reviews(most: usize) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(review(), 0..most).prop_map(|mut reviews| {
        for (index, review) in reviews.iter_mut().enumerate() {
            review["id"] = json!(index.to_string());
        }
        reviews
    })
}

/// What of a decision the order of reviews must not touch.
fn substance(decision: &Decision) -> Value {
    let mut substance = serde_json::to_value(decision).unwrap();
    substance["digests"]["input"] = Value::Null;
    let reviews = substance["sign_off"]["reviews"].as_array_mut().unwrap();
    reviews.sort_by_key(Value::to_string);
    substance
}

proptest! {
    #![proptest_config(few(150))]

    #[test]
    fn more_approvals_never_make_a_verdict_worse(
        base in select(&REQUESTS[..]), before in reviews(4), more in prop::collection::vec(select(&PEOPLE[..]), 1..5),
    ) {
        let without = decide(base, json!({}), &before);
        let added = more.iter().map(|user| json!({"user": user}));
        let all: Vec<_> = before.iter().cloned().chain(added).collect();
        let with = decide(base, json!({}), &all);
        prop_assert!(with.verdict <= without.verdict, "{} then {}", without.verdict, with.verdict);
    }

    #[test]
    fn the_order_of_different_peoples_reviews_does_not_matter(
        base in select(&REQUESTS[..]), reviews in reviews(7), order in prop::collection::vec(any::<u8>(), 13),
    ) {
        let rank = |review: &Value| {
            let person = PEOPLE.iter().position(|person| review["user"] == *person);
            order[person.unwrap()]
        };
        let mut reordered = reviews.clone();
        // A stable order by person: each one's reviews stay in theirs.
        reordered.sort_by_key(rank);
        let (a, b) = (decide(base, json!({}), &reviews), decide(base, json!({}), &reordered));
        prop_assert_eq!(substance(&a), substance(&b));
    }

    #[test]
    fn no_review_makes_up_for_a_missing_field(
        base in select(&REQUESTS[..]), reviews in reviews(7),
        field in select(&["/summary", "/reason", "/impact/users", "/impact/operations", "/actions/0/target"][..]),
    ) {
        let decision = decide(base, json!({field: "TBD"}), &reviews);
        prop_assert_eq!(decision.verdict.to_string(), "denied");
        prop_assert!(decision.findings.iter().any(|finding| finding.pointer.as_deref() == Some(field)));
    }
}

/// Reads and decides on whatever bytes; only that something comes out.
fn judge_bytes(bytes: &[u8]) {
    thread_local! {
        static JUDGE: std::cell::RefCell<CaseJudge> = std::cell::RefCell::new(CaseJudge::shipped());
    }
    let file = RequestFile::read("requests/CHG-1.yaml", bytes);
    let now = at("2026-11-23T10:00:00Z");
    let decided = JUDGE.with_borrow_mut(|judge| {
        judge.decide_file(Some(&file), &Value::Null, now, &Evidence::default())
    });
    let decision = decided.unwrap().decision;
    assert!(file.problems.is_empty() || decision.verdict.exit_code() == 1);
}

/// The project's own requests.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        files_below("requests", ".yaml").iter().map(|path| fs::read(path).unwrap()).collect()
    });
    &SAMPLES
}

proptest! {
    #![proptest_config(few(300))]

    #[test]
    fn arbitrary_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        judge_bytes(&bytes);
    }

    #[test]
    fn mutated_requests_are_judged(
        sample in any::<Index>(),
        edits in prop::collection::vec((any::<Index>(), 0..12_usize, "[-?:,&*!|>'\"{}\\[\\]# \n0-9a-zä]{0,4}"), 1..4),
    ) {
        let mut bytes = sample.get(samples()).clone();
        for (place, length, new) in edits {
            let start = place.index(bytes.len() + 1);
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, new.bytes());
        }
        judge_bytes(&bytes);
    }
}

/// The most seats that distinct people can fill, by trying everything.
fn most_filled(seats: &[BTreeSet<&str>], taken: &mut Vec<String>) -> usize {
    let Some((seat, rest)) = seats.split_first() else {
        return 0;
    };
    let mut most = most_filled(rest, taken);
    for person in seat {
        if !taken.iter().any(|other| other == person) {
            taken.push((*person).to_owned());
            most = most.max(1 + most_filled(rest, taken));
            taken.pop();
        }
    }
    most
}

proptest! {
    #![proptest_config(few(300))]

    /// `holders[seat]` says by bits which of six people hold the seat's role.
    #[test]
    fn as_many_roles_are_filled_as_can_be(holders in prop::collection::vec(0..64_u8, 1..6)) {
        let people = ["p0", "p1", "p2", "p3", "p4", "p5"];
        let holds = |seat: u8, person: usize| seat >> person & 1 == 1;
        let mut org: Org = PolicyBundle::load(shipped_files(), changegate::gate::cpu::thread_time).unwrap().org;
        for (index, login) in people.into_iter().enumerate() {
            let held = holders.iter().enumerate().filter(|(_, seat)| holds(**seat, index));
            let roles: Vec<_> = held.map(|(seat, _)| format!("role-{seat}")).collect();
            let person = serde_json::from_value(json!({"roles": roles})).unwrap();
            org.roster.people.insert(login.parse().unwrap(), person);
        }
        let reviews: Vec<Review> = people.map(|login| serde_json::from_value(json!({
            "id": login, "user": login, "state": "APPROVED", "submitted_at": "2026-11-23T09:00:00Z",
        })).unwrap()).into();
        let logins = people.map(|login| login.parse::<Login>().unwrap());
        let standings: Vec<_> = reviews.iter().zip(&logins)
            .map(|(review, by)| Standing { review, by: Some(by), why_not: None, objects: false })
            .collect();
        let asked: Vec<Asked> = (0..holders.len())
            .map(|seat| serde_json::from_value(json!({"kind": "role", "role": format!("role-{seat}")})).unwrap())
            .collect();
        let nobody = Default::default();
        let signers = Signers { org: &org, forge: None, excluded: &nobody, standings: &standings, due_at: None };

        let filled = signers.settle(&asked);
        let signed: Vec<_> = filled.iter().filter_map(|seat| seat.satisfied_by.as_ref()).collect();
        let distinct: BTreeSet<_> = signed.iter().collect();
        prop_assert_eq!(distinct.len(), signed.len(), "somebody fills two");
        for seat in &filled {
            let Requirement::Role { role } = &seat.what else { unreachable!() };
            let number: usize = role["role-".len()..].parse().unwrap();
            if let Some(by) = &seat.satisfied_by {
                let person = people.iter().position(|login| by.as_str() == *login).unwrap();
                prop_assert!(holds(holders[number], person), "{by} doesn't hold {role}");
            }
        }
        let seats: Vec<BTreeSet<&str>> = holders.iter()
            .map(|seat| (0..6).filter(|person| holds(*seat, *person)).map(|person| people[person]).collect())
            .collect();
        prop_assert_eq!(signed.len(), most_filled(&seats, &mut Vec::new()));
    }
}
