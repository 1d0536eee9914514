//! What an auditor takes away: exports, samples, and what each control had to say.

use std::fs;

use serde_json::Value;

use super::Audited;
use crate::plumbing::hub::{Desk, Ran};
use crate::plumbing::schemas::is_valid;
use changegate::core::time::Duration;

/// Exports into a new folder of the desk, and returns it with its manifest.
#[track_caller]
fn exported(desk: &Desk<'_>, format: &str, more: &[&str]) -> (std::path::PathBuf, Value) {
    let all = [&["audit", "export", "--format", format, "--out", format], more].concat();
    desk.changegate(&all).went_well();
    let folder = desk.folder.join(format);
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    let manifest = serde_json::from_slice(&manifest).unwrap();
    is_valid("audit-manifest", &manifest);
    (folder, manifest)
}

#[test]
fn an_export_is_whole_and_says_so() {
    let audited = Audited::new();
    let commit = audited.bypass();
    audited.merge("CHG-3");
    let carol = audited.hub.desk_at("carol", "carol-explains");
    let text = "=1+1 | <b>";
    carol.changegate(&["audit", "record-bypass", "3", "--because", text]).went_well();
    let desk = audited.desk();
    for (format, name) in [
        ("jsonl", "entries.jsonl"),
        ("csv", "entries.csv"),
        ("intoto", "entries.intoto.jsonl"),
        ("md", "report.md"),
    ] {
        let (folder, manifest) = exported(&desk, format, &[]);
        let sums: String = manifest["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| {
                format!(
                    "{}  {}\n",
                    file["sha256"].as_str().unwrap(),
                    file["name"].as_str().unwrap()
                )
            })
            .collect();
        let folder_name = folder.to_str().unwrap();
        let mut check = desk.command("sha256sum", &["--check", "--strict", "-"]);
        Ran::of(check.current_dir(folder_name), &sums).ended(0, &[&format!("{name}: OK")]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert_eq!(manifest["unmatched"], 0);
        assert_eq!(manifest["bypasses"], 1);
        assert_eq!(manifest["entries"].as_array().unwrap().len(), 6);
        let on_main = desk.git(&["rev-list", "--first-parent", "--reverse", "origin/main"]);
        let on_main: Vec<_> = on_main.lines().skip(2).collect();
        let line = manifest["branches"][0]["first_parents"].as_array().unwrap();
        let line: Vec<_> = line.iter().map(|it| it["commit"].as_str().unwrap()).collect();
        assert_eq!(line, on_main);
        let command = format!("changegate audit export --format {format} --out {format}");
        assert_eq!(manifest["command"], command.as_str());
        assert_eq!(manifest["program"]["sha256"].as_str().unwrap().len(), 64);
    }
    let read = |path: &str| fs::read_to_string(desk.folder.join(path)).unwrap();
    let lines: Vec<Value> = read("jsonl/entries.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> =
        lines.iter().map(|it| it["statement"]["predicate"]["kind"].clone()).collect();
    assert_eq!(kinds, ["genesis", "merge", "merge", "bypass", "merge", "note"]);
    let table = read("csv/entries.csv");
    assert!(
        table.contains(",=1+1 | <b> (carol),") || table.contains("'=1+1 | <b> (carol)"),
        "{table}"
    );
    assert!(!table.contains(",=1+1"), "{table}");
    let report = read("md/report.md");
    assert!(report.contains(&format!("| `{commit}` | no-pull-request |")), "{report}");
    assert!(!report.contains("<b>"), "{report}");
    let envelope = read("intoto/entries.intoto.jsonl");
    let envelope: Value = serde_json::from_str(envelope.lines().nth(1).unwrap()).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    assert_eq!(envelope["signatures"], serde_json::json!([]));
}

#[test]
fn the_same_export_is_the_same_bytes_and_writes_over_nothing() {
    let audited = Audited::new();
    let desk = audited.desk();
    let (folder, manifest) = exported(&desk, "csv", &["--since", "2026-01-01"]);
    let before = fs::read(folder.join("manifest.json")).unwrap();
    let ran = desk.changegate(&["audit", "export", "--format", "csv", "--out", "csv"]);
    ran.failed(&["csv is not empty: name a new folder with --out"]);
    fs::remove_dir_all(&folder).unwrap();
    exported(&desk, "csv", &["--since", "2026-01-01"]);
    assert_eq!(fs::read(folder.join("manifest.json")).unwrap(), before);
    assert_eq!(manifest["period"]["since"], "2026-01-01T00:00:00Z");
    desk.write("file", "text");
    let ran = desk.changegate(&["audit", "export", "--format", "csv", "--out", "file"]);
    ran.failed(&["cannot write to file"]);
    desk.changegate(&["audit", "export", "--format", "xml", "--out", "x"]).ended(2, &["xml"]);
    desk.changegate(&["audit", "export", "--format", "csv"]).ended(2, &["--out <DIR>"]);
    audited.bypass();
    let ran = desk.changegate(&["audit", "export", "--format", "csv", "--out", "later"]);
    ran.ended(1, &["1 recorded nowhere"]);
    let (_, empty) = exported(&desk, "md", &["--until", "2025-12-31"]);
    assert_eq!(empty["entries"], serde_json::json!([]));
}

#[test]
fn a_sample_is_drawn_again_with_sha256sum() {
    let audited = Audited::new();
    audited.merge("CHG-3");
    let desk = audited.desk();
    let draw = |size: &str| {
        let arguments = ["audit", "sample", "--seed", "a b", "--size", size, "--format", "json"];
        let ran = desk.changegate(&arguments);
        ran.went_well();
        ran.json("audit-sample")
    };
    let by_hand = "git log --format='%(trailers:key=Kind,valueonly,separator=) %(trailers:key=Entry,valueonly,separator=)' \
         refs/changegate/origin/audit/ledger | sed -nE 's/^(merge|bypass) //p' |\n\
         while read -r id; do echo \"$(printf %s \"a b$id\" | sha256sum | cut -c -64) $id\"; done | sort";
    let drawn = draw("2");
    let ran = Ran::of(&mut desk.command("bash", &["-c", by_hand]), "");
    let expected: Vec<_> = ran.went_well().lines().take(2).collect();
    let lines: Vec<_> = drawn["drawn"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {}", it["hash"].as_str().unwrap(), it["id"].as_str().unwrap()))
        .collect();
    assert_eq!(lines, expected);
    assert_eq!(drawn["population"], 3);
    assert_eq!(draw("9")["drawn"].as_array().unwrap().len(), 3);
    let ran = desk.changegate(&["audit", "sample", "--seed", "", "--size", "1"]);
    ran.failed(&["the seed is empty"]);
    for size in ["0", "-1", "many"] {
        desk.changegate(&["audit", "sample", "--seed", "1", "--size", size]).ended(2, &[size]);
    }
    desk.changegate(&["audit", "sample", "--seed", "a b", "--size", "1"])
        .ended(0, &["1 of 3 entries since it began", &lines[0][..12]]);
}

/// Record 72: two people who sign for each other can't be told from others; how often, and how fast, is shown.
#[test]
fn controls_have_rules_findings_and_gaps() {
    let audited = Audited::new();
    let desk = audited.desk();
    let look = |arguments: &[&str], code| {
        let ran =
            desk.changegate(&[&["audit", "controls", "--format", "json"], arguments].concat());
        assert_eq!(ran.code, code, "{ran:?}");
        ran.json("audit-controls")
    };
    let found = look(&[], 0);
    let control = |found: &Value, name: &str| {
        let mut all = found["controls"].as_array().unwrap().iter();
        all.find(|it| it["control"] == name).cloned().unwrap()
    };
    let change_control = control(&found, "SOC2:CC8.1");
    assert_eq!(change_control["merges"], 2);
    assert!(change_control["rules"].as_array().unwrap().len() > 10, "{change_control}");
    let pairs = found["pairs"].as_array().unwrap();
    let pair = pairs.iter().find(|it| it["requester"] == "alice").unwrap();
    assert_eq!([&pair["approver"], &pair["merges"]], [&Value::from("carol"), &Value::from(1)]);
    let [median, least] = ["median_seconds", "least_seconds"].map(|it| pair[it].as_u64().unwrap());
    assert_eq!(median, least, "{pair}");
    let least = Duration::seconds(least).for_people();
    let line = format!("carol for alice: 1; approved after {least} (median), {least} at least\n");
    desk.changegate(&["audit", "controls"]).ended(0, &[&line]);
    assert_eq!(found["policies"].as_array().unwrap().len(), 1);
    // Somebody switches off the only rule of a control.
    let name = "SOC2:CC7.5";
    let rules = desk.git(&["grep", "-l", name, "origin/main", "--", "policies"]);
    let path = rules.lines().next().unwrap().split_once(':').unwrap().1.to_owned();
    let text = desk.git(&["show", &format!("origin/main:{path}")]);
    let text = text.replace(&format!("{name}, "), "").replace(&format!(", {name}"), "");
    let text = text.replace(name, "SOC2:CC8.1") + "\n";
    fs::remove_file(audited.hub.folder().join("hooks/pre-receive")).unwrap();
    let commit = desk.put("origin/main", &[(&path, &text)], "less");
    desk.push(&[&format!("{commit}:refs/heads/main")]).went_well();
    let found = look(&[], 1);
    assert_eq!(found["policies"].as_array().unwrap().len(), 2);
    assert_eq!(found["gaps"][0]["control"], name);
    assert_eq!(found["gaps"][0]["since"], found["policies"][1]["since"]);
    desk.changegate(&["audit", "controls"])
        .ended(1, &["gap  SOC2:CC7.5 has no rule on main from ", " to now", "1 recorded nowhere"]);
}
