//! Whole decisions of a dozen cases, as `--format json` prints them.

use insta::assert_snapshot;

use super::plumbing::{CaseJudge, all};

/// The snapshot's name, the case's topic, and how its name begins.
const SHOWN: [(&str, &str, &str); 12] = [
    ("direct_read_only", "tickets", "RULES 1: INC-001 is a ticket number"),
    ("direct_in_the_standard_window", "verdicts", "RULES 9: no finding approves"),
    ("waits_for_a_level", "signoff", "RULES 3: high by alice waits for L2 or L3"),
    ("signed_by_an_l3", "signoff", "RULES 3: critical by an L2, approved by carol"),
    ("stale_approval", "reviews", "RULES 3: a review of another commit doesn't count"),
    ("objection", "objections", "RULES 3: a request for changes by judy denies"),
    ("off_script_overdue", "offscript", "RULES 3: overdue names who is awaited"),
    (
        "off_script_signed",
        "offscript",
        "RULES 3: off-script is signed by two different people, bob and dan",
    ),
    ("in_a_freeze", "windows", "RULES 5: a freeze beats the standard window"),
    (
        "emergency_with_commander",
        "emergency",
        "RULES 6: the incident commander meets the matrix too",
    ),
    ("conflicts", "conflicts", "RULES 7: several conflicts are all said"),
    ("malformed", "form", "RULES 9: what couldn't be read isn't said to be missing"),
];

#[test]
fn decisions() {
    let mut judge = CaseJudge::shipped();
    let mut settings = insta::Settings::clone_current();
    // Every change of a policy changes its digest.
    settings.add_filter(r#""policies": "sha256:[0-9a-f]{64}""#, r#""policies": "sha256:…""#);
    settings.bind(|| {
        for (snapshot, topic, name) in SHOWN {
            let named =
                |case: &&crate::plumbing::Case| case.topic == topic && case.name.starts_with(name);
            let case = all().iter().find(named).unwrap_or_else(|| panic!("no case {name}"));
            let decision = judge.decide(case).unwrap().decision;
            assert_snapshot!(snapshot, serde_json::to_string_pretty(&decision).unwrap());
        }
    });
}
