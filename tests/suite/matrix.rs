//! The whole approval matrix: every action of the catalog, by a requester of every level, with every
//! kind of approval. The table is written out from the change-management document and shares
//! nothing with the policies.

use serde_json::{Value, json};

use super::plumbing::{Case, CaseJudge, at};
use changegate::core::decision::SignOffMode;
use changegate::core::terms::Verdict;

/// The requesters of a row's four groups: without a level, L1, L2, L3.
const REQUESTERS: [(&str, &str); 4] =
    [("none", "ivan"), ("L1", "alice"), ("L2", "judy"), ("L3", "erin")];

/// The approvals of a group's six cells.
const APPROVALS: [&str; 6] =
    ["no approval", "by an L1", "by an L2", "by an L3", "by the requester", "a stale one by an L3"];

/// A cell: `d` approved, direct execution; `a` approved by review; `.` pending, a review is missing.
#[rustfmt::skip]
const TABLE: [(&str, [&str; 4]); 11] = [
    // by:                 none      L1        L2        L3
    ("pull-logs",        ["dddddd", "dddddd", "dddddd", "dddddd"]),
    ("purge-cache",      ["dddddd", "dddddd", "dddddd", "dddddd"]),
    ("restart-pods",     ["dddddd", "dddddd", "dddddd", "dddddd"]),
    ("scale-service",    ["dddddd", "dddddd", "dddddd", "dddddd"]),
    ("drain-traffic",    ["dddddd", "dddddd", "dddddd", "dddddd"]),
    ("deploy",           ["dddddd", "dddddd", "dddddd", "dddddd"]),
    ("maintenance-mode", ["..aa..", "..aa..", "dddddd", "dddddd"]),
    ("blacklist-ip",     ["..aa..", "..aa..", "dddddd", "dddddd"]),
    ("failover-region",  ["..aa..", "..aa..", "dddddd", "dddddd"]),
    ("pause-enrolments", ["..aa..", "..aa..", "dddddd", "dddddd"]),
    ("rotate-secrets",   ["...a..", "...a..", "...a..", "dddddd"]),
];

fn reviews(approval: usize, requester: &str) -> Value {
    match approval {
        0 => json!([]),
        1 => json!(["dave"]),
        2 => json!(["ken"]),
        3 => json!(["heidi"]),
        4 => json!([requester]),
        _ => json!([{"user": "heidi", "commit": "aaaa", "material": "other"}]),
    }
}

#[test]
fn every_cell_of_the_matrix() {
    let mut judge = CaseJudge::shipped();
    let mut wrong = Vec::new();
    for (action, row) in TABLE {
        for ((level, requester), group) in REQUESTERS.into_iter().zip(row) {
            for (approval, wanted) in group.chars().enumerate() {
                let set = json!({
                    "/actions/0/action": action, "/requester": requester, "/rollback/owner": "carol",
                });
                let evidence = json!({"reviews": reviews(approval, requester)});
                let case = Case::new(action, "high", set, Some(evidence), Value::Null)
                    .at(at("2026-11-24T21:00:00Z"));
                let found = judge.decide(&case).unwrap().decision;
                let mode = found.sign_off.as_ref().unwrap().mode;
                let cell = match (found.verdict, mode) {
                    (Verdict::Approved, SignOffMode::Direct) => 'd',
                    (Verdict::Approved, SignOffMode::Review) => 'a',
                    (Verdict::Pending, SignOffMode::Review) => '.',
                    _ => '!',
                };
                if cell != wanted {
                    let approval = APPROVALS[approval];
                    let verdict = found.verdict;
                    wrong.push(format!(
                        "{action} by {level}, {approval}: wanted {wanted}, found {cell} ({verdict}, {mode:?})"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_table_holds_every_action_of_the_catalog() {
    let mut judge = CaseJudge::shipped();
    let catalog = &judge.bundle(&Value::Null).0.org.actions.entries;
    let mut listed: Vec<_> = TABLE.iter().map(|(action, _)| *action).collect();
    listed.sort_unstable();
    assert_eq!(listed, catalog.keys().collect::<Vec<_>>());
}
