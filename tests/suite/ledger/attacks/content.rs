//! Entries that say something else than what happened, with everything that follows from that, and
//! signed by somebody who may.

use super::super::forge::set;
use super::*;

/// Record 42, 46, 48, 49, 50: statements about something else than the merge.
#[test]
fn statements_about_something_else() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let [before, _] = &stage.main;
    let zeros = "0".repeat(64);
    let operations = json!({"ref": "refs/heads/x", "tip": before, "sha256": zeros});
    let refusal = json!(["request/merge"]);
    for (pointer, value, found) in [
        ("/predicate/origin", json!("git.acme.example/other"), "statement: the entry belongs to"),
        (
            "/predicate/repository/uri",
            json!("git+https://x.example"),
            "statement: the entry is about",
        ),
        ("/predicate/repository/id", json!("7"), "statement: the entry is about"),
        ("/predicate/base/commit", json!(stage.line[0]), "provenance: "),
        ("/predicate/base/protecting", json!(stage.main[1]), "provenance: "),
        ("/predicate/base/judged_on", json!(before), "provenance: "),
        ("/predicate/base/ref", json!("refs/heads/lax"), "can't follow here: refs/heads/lax isn't"),
        ("/predicate/head", json!(before), "provenance: "),
        ("/predicate/change", json!("CHG-9"), "provenance: "),
        ("/predicate/change", json!(null), "provenance: "),
        ("/predicate/pull/id", json!("7"), "provenance: "),
        ("/predicate/decision/title", json!("Nothing to see"), "decision: "),
        ("/predicate/decision/verdict", json!("pending"), "decision: "),
        ("/predicate/decision/tier", json!("low"), "decision: "),
        ("/predicate/decision/requester", json!("carol"), "decision: "),
        ("/predicate/decision/evaluated_at", json!("2026-11-24T10:00:00Z"), "time: "),
        ("/predicate/decision/sha256", json!(zeros), "decision: "),
        ("/predicate/merge/by", json!("carol"), "provenance: "),
        ("/predicate/merge/at", json!("2026-11-24T10:00:00Z"), "time: "),
        ("/predicate/merge/method", json!("squash"), "provenance: "),
        ("/predicate/policies/digest", json!(format!("sha256:{zeros}")), "provenance: "),
        ("/predicate/policies/dirHash", json!(zeros), "provenance: "),
        ("/predicate/policies/gitTree", json!(before), "provenance: "),
        ("/predicate/policies/commit", json!(stage.main[1]), "provenance: "),
        ("/predicate/material/0/size", json!(1), "material: "),
        ("/predicate/material/1/sha256", json!(zeros), "material: "),
        ("/predicate/material/1/gitBlob", json!(before), "material: "),
        ("/predicate/material/1/withheld", json!("secret"), "material: "),
        ("/predicate/refusals", refusal, "decision: "),
        (
            "/predicate/collector/who",
            json!("carol"),
            "signature: it names carol, and bob signed it",
        ),
        ("/predicate/server_time", json!("2026-11-24T10:00:00Z"), "time: "),
        ("/predicate/operations", operations, "provenance: "),
        ("/subject/0/name", json!("requests/CHG-9.yaml"), "provenance: "),
        ("/subject/1/digest/gitCommit", json!(before), "provenance: "),
        ("/subject/2/digest/gitTree", json!(before), "provenance: "),
    ] {
        let what = format!("{pointer}: {value}");
        let forged = stage.with_last(stage.edited(3, |it| set(it, pointer, value)));
        stage.is_refused(&what, &forged, "the entry");
        stage.is_found(&what, &stage.main[1], &forged, ["", found]);
    }
    the_truth_holds(&stage);
}

/// Record 42: an entry that is dated ahead discredits nobody's but itself, and blocks nobody.
#[test]
fn dated_ahead() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let dated = |index, date: &str| {
        stage.edited(index, |it| set(it, "/predicate/recorded_at", json!(date)))
    };
    for date in ["2099-01-01T00:00:00Z", "2026-01-01T00:00:00Z"] {
        let forged = stage.with_last(dated(3, date));
        stage.is_refused(date, &forged, "which is not now: set your clock");
    }
    let late = dated(2, "2099-01-01T00:00:00Z");
    let forged = stage.from(2, vec![late, stage.entries[3].statement.clone()]);
    let found = ["entry 3, ", "time: it is dated before the entry that it follows"];
    stage.is_found("dated ahead", &stage.main[1], &forged, found);
    let early = dated(3, "2026-01-01T00:00:00Z");
    let found = ["entry 3, ", "time: it was recorded before it was merged"];
    stage.is_found("dated back", &stage.main[1], &stage.with_last(early), found);
    // The next writer isn't held up.
    stage.set(&stage.main[1], &forged);
    stage.bob.execute("CHG-4");
    let recorded = entry_at(&stage.bob, "audit/ledger");
    assert_eq!(recorded.index, 4);
    assert!(recorded.statement.predicate.recorded_at < "2099-01-01T00:00:00Z".parse().unwrap());
}

/// Record 49, 50: an entry about a commit by hand that names other policies, by which its author may sign; and
/// a ledger that begins on a branch with policies of its own.
#[test]
fn policies_of_ones_own() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let roster = "policies/org/roster/data.yaml";
    let text = stage.bob.git(&["show", &format!("main:{roster}")]);
    let text = text.replace(&hub.public_key("heidi"), &hub.public_key("dan"));
    let lax = stage.bob.put(&stage.main[0], &[(roster, &text)], "lax");
    let path = "requests/CHG-8.yaml";
    let text = request("CHG-8", "bob");
    stage.bob.git(&["update-ref", "refs/heads/main", &stage.main[0]]);
    let direct = stage.bob.put("main", &[(path, &text)], "by hand");
    let tree = stage.bob.git(&["rev-parse", &format!("{direct}^{{tree}}")]);
    let at = entry_at(&stage.bob, &stage.line[3]).statement.predicate.recorded_at;
    let mut bypass = stage.edited(3, |it| {
        let predicate = it["predicate"].as_object_mut().unwrap();
        for field in ["pull", "change", "head", "previous", "decision", "policies", "material"] {
            predicate.remove(field);
        }
        predicate["kind"] = json!("bypass");
        predicate["merge"]["because"] = json!("no-pull-request");
        predicate["merge"]["covers"]["to"] = json!(direct);
        let digest = json!({"gitCommit": direct, "gitTree": tree});
        it["subject"] = json!([{"name": "tip", "digest": digest}]);
    });
    let time = stage.bob.git(&["show", "-s", "--format=%ct", &direct]);
    let seconds: i64 = time.parse().unwrap();
    bypass.predicate.merge.as_mut().unwrap().at = at;
    let bypass = {
        let offset = seconds - at.utc().timestamp();
        let time = at.utc() + chrono::TimeDelta::seconds(offset);
        let mut value = serde_json::to_value(&bypass).unwrap();
        let text = time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        set(&mut value, "/predicate/merge/at", json!(text));
        value
    };
    let evidence = stage.evidence[0].clone();
    let honest: changegate::core::record::statement::Statement =
        serde_json::from_value(bypass.clone()).unwrap();
    let honest = Forged { evidence: evidence.clone(), ..stage.from(3, vec![honest]) };
    stage.set(&direct, &honest);
    stage.bob.verify().ended(0, &["1 bypass", "\nverified\n"]);
    let invented = {
        let mut value = bypass;
        set(&mut value, "/predicate/base/commit", json!(lax));
        set(&mut value, "/predicate/base/protecting", json!(lax));
        serde_json::from_value(value).unwrap()
    };
    let forged = Forged { evidence, ..stage.from(3, vec![invented]) };
    stage.is_found("49", &direct, &forged, ["entry 3, ", "provenance: it names another base"]);

    let elsewhere = stage.edited(0, |it| {
        set(it, "/predicate/base/ref", json!("refs/heads/lax"));
        set(it, "/predicate/base/commit", json!(lax));
        set(it, "/predicate/base/protecting", json!(lax));
        set(it, "/predicate/bases", json!([{"ref": "refs/heads/lax", "commit": lax}]));
        set(it, "/predicate/collector/who", json!("bob"));
        let tree = stage.bob.git(&["rev-parse", &format!("{lax}^{{tree}}")]);
        set(it, "/subject/0/digest", json!({"gitCommit": lax, "gitTree": tree}));
    });
    stage.bob.git(&["update-ref", "refs/heads/lax", &lax]);
    let forged = Forged { evidence: stage.evidence[1].clone(), ..stage.from(0, vec![elsewhere]) };
    stage.is_found("50", &stage.main[1], &forged, ["coverage: ", "main"]);
    for kind in ["person", "action"] {
        let invented = stage.edited(0, |it| {
            set(it, "/predicate/bases/0/commit", json!(stage.main[0]));
            set(it, "/predicate/collector", json!({"kind": kind, "who": "bob"}));
        });
        let evidence = stage.evidence[1].clone();
        let forged = Forged { evidence, ..stage.from(0, vec![invented]) };
        let found = ["entry 0, ", "provenance: the ledger doesn't begin as the settings"];
        stage.is_found(kind, &stage.main[0], &forged, found);
    }
}

/// Record 48, 76: a range that takes a commit along which has no entry of its own.
#[test]
fn ranges_that_take_something_along() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    let bob = &stage.bob;
    let taken_back = Forged { ledger: stage.line[2].clone(), evidence: stage.evidence[0].clone() };
    stage.set(&stage.main[0], &taken_back);
    bob.git(&["reset", "--quiet", "--hard"]);
    // Beside it a free one, which changes nothing that is governed.
    let direct =
        bob.put("main", &[("requests/CHG-8.yaml", "a: b\n"), ("docs/a.md", "a\n")], "docs");
    bob.git(&["update-ref", "refs/heads/main", &direct]);
    bob.git(&["reset", "--quiet", "--hard"]);
    bob.changegate(&["merge", "CHG-3"]).ended(0, &["merged CHG-3"]);
    let line = bob.git(&["rev-list", "--reverse", "audit/ledger"]);
    let line: Vec<_> = line.lines().collect();
    assert_eq!(line.len(), 5, "the bypass and the merge");
    let mut merge = entry_at(bob, line[4]).statement;
    let from = entry_at(bob, line[3]).statement.predicate.merge.unwrap().covers.from;
    merge.predicate.merge.as_mut().unwrap().covers.from = from;
    let main = bob.git(&["rev-parse", "main"]);
    let forged = stage.with_last(merge);
    let found = ["entry 3, ", "coverage: the range that it covers"];
    stage.is_found("48", &main, &forged, found);
    let ran = bob.push_together(&[
        "refs/heads/main",
        "refs/heads/audit/ledger",
        "refs/heads/audit/evidence",
    ]);
    ran.refused(&["is not the merge of a change"]);
}

/// Record 36, 63: the log holds no text of a request, and no address, and a title can't make a trailer.
#[test]
fn nothing_of_a_request_but_its_title() {
    let hub = Hub::recording();
    let bob = hub.desk("bob");
    let summary = "summary: \"It moves\\n\\nApproved-by: mallory (L3)\"";
    let text = request("CHG-1", "bob")
        .replace("summary: Put worker CHG1 into maintenance", summary)
        .replace("its disk is replaced", "secret-reason-7f3a");
    assert!(text.contains(summary) && text.contains("secret-reason"));
    bob.submit_text("CHG-1", &text).went_well();
    bob.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);
    let log = hub.git(&["log", "-p", "--format=raw", "audit/ledger"]);
    for text in ["secret-reason-7f3a", "@acme.example", "toggle the flag"] {
        assert!(!log.contains(text), "{text} is in the log:\n{log}");
    }
    let log = hub.git(&["log", "-1", "--format=%s%n%(trailers:key=Approved-by)", "audit/ledger"]);
    assert_eq!(log, "merged: CHG-1 It moves Approved-by: mallory (L3)");
    auditor(&hub).verify().ended(0, &["\nverified\n"]);
}

/// Record 61: withheld without a credential, so that nobody can make the decision again.
#[test]
fn nothing_else_is_withheld() {
    let hub = Hub::recording();
    let stage = Stage::on(&hub);
    for name in ["decision.json", "evidence.json", "request.yaml"] {
        let statement = stage.edited(3, |value| {
            let material = value["predicate"]["material"].as_array_mut().unwrap();
            let it = material.iter_mut().find(|it| it["name"] == name).unwrap();
            it["withheld"] = "secret".into();
        });
        let found =
            format!("{name} is withheld, and its decision found no credential in a request");
        let forged = stage.with_last(statement);
        stage.is_caught(name, &forged, "says something else", ["entry 3, material: ", &found]);
    }
}
