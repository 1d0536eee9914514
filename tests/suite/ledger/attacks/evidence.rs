//! Evidence that says something else than the commits it was collected from, with the decision that
//! follows from it, and with every digest and signature right.

use changegate::content::journal::Said;

use super::super::forge::{edit, set};
use super::*;

/// Each fact that Git can tell, told otherwise: nothing else is wrong with the entry.
#[test]
fn evidence_that_the_commits_deny() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let main = &stage.main[1];
    let other = json!({"id": "CHG-9", "actions": [{"target": "worker-1"}]});
    let review = json!({
        "id": main, "user": "erin", "state": "APPROVED", "commit": main,
        "submitted_at": "2026-11-24T10:00:00Z",
    });
    let mut caught = Vec::new();
    for (field, value) in [
        ("/forge", json!("github")),
        ("/pull_request/number", json!(7)),
        ("/pull_request/author", json!("dan")),
        ("/pull_request/author_id", json!("104")),
        ("/pull_request/base_ref", json!("release")),
        ("/pull_request/base", json!(main)),
        ("/pull_request/head", json!(main)),
        ("/pull_request/draft", json!(true)),
        ("/pull_request/submitted_at", json!("2026-01-01T00:00:00Z")),
        ("/pull_request/contributors", json!([])),
        ("/pull_request/files", json!([])),
        ("/pull_request/files", json!(["README.md", "requests/CHG-1.yaml"])),
        ("/pull_request/same_head", json!([{"number": 7, "verdict": "approved"}])),
        ("/pull_request/merged", json!({"at": "2026-01-01T00:00:00Z", "commit": main})),
        ("/reviews", json!([])),
        ("/reviews/0/user", json!("erin")),
        ("/reviews/0/state", json!("COMMENTED")),
        ("/reviews/0/commit", json!(main)),
        ("/reviews/0/submitted_at", json!("2026-01-01T00:00:00Z")),
        ("/reviews/0/material", json!(format!("sha256:{}", "0".repeat(64)))),
        ("/reviews/0/unproven", json!("unsigned")),
        ("/reviews/1", review),
        ("/content_arrived_at", json!("2026-01-01T00:00:00Z")),
        ("/pushers", json!(["erin"])),
        ("/pushers", json!(null)),
        ("/teams", json!({"payments": {"members": ["erin"]}})),
        ("/previous", other.clone()),
        ("/merged", json!([other])),
        ("/open", json!([other])),
        ("/incidents", json!([{"id": "INC-001", "severity": "P1", "status": "open"}])),
        ("/same_id", json!(["requests/chg-1.yaml"])),
        ("/as_of", json!("2026-01-01T00:00:00Z")),
    ] {
        let forged = stage.resting_on(1, |files| {
            edit(files, "evidence.json", |evidence| set(evidence, field, value.clone()));
        });
        let name = field[1..].replace('/', ".");
        let name = name.strip_suffix(".0").unwrap_or(&name);
        let name = if name.starts_with("reviews") { "reviews" } else { name };
        let why = format!(
            "entry 1, provenance: its evidence says something else than the commits about {name}"
        );
        let mut found = stage.findings(main, &forged);
        // The merges behind it name the entry that there was.
        found.retain(|why| !why.contains(", anchors: its maker saw"));
        assert_eq!(found, [why], "{field}: {value}");
        caught.push(name.to_owned());
    }
    caught.dedup();
    assert!(caught.len() > 20, "{caught:?}");
    the_truth_holds(&stage);
}

/// What an entry says that it was collected from.
#[test]
fn sources_that_are_others() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let main = &stage.main[1];
    for at in 0..3 {
        let forged = stage.resting_on(1, |files| {
            edit(files, "sources.json", |sources| sources["refs"][at]["commit"] = json!(main));
        });
        let found = ["entry 1, provenance: ", ""];
        stage.is_found(&format!("ref {at}"), main, &forged, found);
    }
    let forged = stage.resting_on(1, |files| {
        let of_review = files.keys().find(|name| name.starts_with("commits/")).unwrap().clone();
        files.remove(&of_review);
    });
    let why = "it rests on other commits than its change and its reviews have";
    stage.is_found("a commit is left out", main, &forged, ["entry 1, provenance: ", why]);
}

/// Record 56: a review that was there, and that the evidence and its sources leave out; and a branch of
/// reviews that was rewritten since. What never came to be there isn't missed.
#[test]
fn reviews_that_are_left_out() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let main = &stage.main[1];
    let truth = Forged { ledger: stage.line[3].clone(), evidence: stage.evidence[1].clone() };
    assert_eq!(stage.findings(main, &truth), [""; 0]);
    let head = stage.bob.git(&["rev-parse", &format!("{main}^2")]);
    let (message, parents) = stage.bob.entry("CHG-3", &head, Said::ChangesRequested);
    let parents: Vec<_> = parents.iter().map(String::as_str).collect();
    let tree = format!("{head}^{{tree}}");
    let review = |date: &str| {
        let env = [("GIT_COMMITTER_DATE", date), ("GIT_AUTHOR_DATE", date)];
        stage.bob.commit(&tree, &parents, &message, &["-S"], &env)
    };
    let at = |offset: i64| {
        format!(
            "{} +0000",
            stage.entries[3].statement.predicate.recorded_at.utc().timestamp() + offset
        )
    };
    let branch = "refs/heads/reviews/CHG-3";
    for (offset, is_found) in [(-3600, true), (0, false), (3600, false)] {
        let review = review(&at(offset));
        stage.bob.git(&["update-ref", branch, &review]);
        let left_out = format!(
            "entry 3, provenance: it leaves out {}, a review on reviews/CHG-3 that was given before",
            &review[..7]
        );
        let expected: Vec<_> = Some(left_out).filter(|_| is_found).into_iter().collect();
        assert_eq!(stage.findings(main, &truth), expected, "{offset}");
    }
    stage.bob.git(&["update-ref", "-d", branch]);
    let other = review(&at(0));
    stage.bob.git(&["update-ref", "refs/heads/reviews/CHG-1", &other]);
    let why = "entry 1, provenance: reviews/CHG-1 doesn't hold the reviews that it was decided on";
    assert_eq!(stage.findings(main, &truth), [why]);
}
