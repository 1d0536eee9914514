//! Whose policies decide, wherever the program is called: those of the repository around the named
//! files or the current folder, and every report says so.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::cli::{NOW, changegate, repository};
use crate::plumbing::ran::{Ran, sheltered};

fn run(dir: &Path, arguments: &[&str]) -> Ran {
    let program = changegate(dir).get_program().to_owned();
    Ran::of(sheltered(Command::new(program).current_dir(dir).args(arguments)), "")
}

fn git(dir: &Path, arguments: &[&str]) {
    Ran::of(sheltered(Command::new("git").current_dir(dir).args(arguments)), "").went_well();
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A folder with:
/// - `frozen`, a repository whose policies deny what the shipped ones approve, because of a freeze
/// - `bare.git`, and `without`, a repository without policies
/// - `plain`, which is in no repository
///
/// All but the bare one have `requests/CHG-1203.yaml`.
fn places() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let sample = fs::read_to_string(repository().join("requests/CHG-1203.yaml")).unwrap();
    for place in ["frozen", "without", "plain"] {
        write(&dir.path().join(place).join("requests/CHG-1203.yaml"), &sample);
        fs::create_dir_all(dir.path().join(place).join("docs/deep")).unwrap();
    }
    let frozen = dir.path().join("frozen");
    git(&frozen, &["init", "--quiet"]);
    git(&dir.path().join("without"), &["init", "--quiet"]);
    git(dir.path(), &["init", "--quiet", "--bare", "bare.git"]);
    for (path, bytes) in changegate::core::policy::shipped_files() {
        write(&frozen.join(path), &String::from_utf8(bytes).unwrap());
    }
    let freezes = "reviewed: 2026-11-02\nquarters: [2026-Q4]\nfreezes:\n  \
                   - {name: audit, start: 2026-11-01T00:00:00Z, end: 2026-12-31T00:00:00Z}\n";
    write(&frozen.join("policies/org/freezes/data.yaml"), freezes);
    dir
}

#[test]
fn the_policies_around_the_named_files_decide() {
    let places = places();
    let dir = places.path();
    let absolute = dir.join("frozen/requests/CHG-1203.yaml");
    let absolute = absolute.to_str().unwrap();
    for (from, arguments, code, says) in [
        ("frozen", &["check"][..], 1, "by the policies in policies\n"),
        ("frozen/requests", &["check"], 1, "by the policies in ../policies\n"),
        ("frozen/docs/deep", &["check"], 1, "by the policies in ../../policies\n"),
        ("frozen/requests", &["check", "CHG-1203.yaml"], 1, "requests/CHG-1203.yaml  DENIED"),
        ("frozen/docs", &["check", "../requests"], 1, "requests/CHG-1203.yaml  DENIED"),
        (".", &["check", "frozen/requests"], 1, "by the policies in frozen/policies\n"),
        ("plain", &["check", absolute], 1, "requests/CHG-1203.yaml  DENIED"),
        ("without", &["check", absolute], 1, "window/freeze"),
        ("plain", &["check"], 0, "by the shipped sample policies\n"),
        ("plain/docs", &["check", "../requests"], 0, "by the shipped sample policies\n"),
        ("frozen", &["check", "--policies", "shipped"], 0, "by the shipped sample policies\n"),
        ("without", &["check", "--policies", "../frozen/policies"], 1, "../frozen/policies\n"),
        ("without", &["check"], 2, "`changegate init`"),
        ("without/docs", &["check", "../requests/CHG-1203.yaml"], 2, "`changegate init`"),
        ("frozen", &["check", "../without/requests"], 2, "`changegate init`"),
        ("frozen", &["check", "requests", "../without/requests"], 2, "different places"),
        ("frozen", &["check", "requests", "../plain/requests"], 2, "different places"),
        ("bare.git", &["check"], 2, "a repository without files"),
    ] {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--now", NOW]);
        run(&dir.join(from), &arguments).ended(code, &[says]);
    }
}

#[test]
fn every_verb_says_whose_policies_it_uses() {
    let places = places();
    let bundle = |arguments: &[&str]| {
        let ran = run(&places.path().join("frozen/docs"), arguments);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        let decision = json.pointer("/decisions/0").unwrap_or(&json);
        assert_eq!(decision["bundle"], "../policies", "{arguments:?}");
    };
    bundle(&["check", "--format", "json", "--now", NOW]);
    bundle(&["window", "--format", "json", "--now", NOW]);
    bundle(&["test", "--format", "json"]);
    bundle(&["explain", "--format", "json"]);

    let new: Vec<_> =
        "new --action pull-logs:checkout-web --summary Logs --reason carts --users none \
                       --operations none --requester carol"
            .split(' ')
            .collect();
    for verb in [&["window"][..], &["test"], &["explain"], &new] {
        let from = |place: &str| run(&places.path().join(place), verb);
        from("frozen/docs").ended(0, &["by the policies in ../policies"]);
        from("plain").ended(0, &["by the shipped sample policies"]);
        from("without").failed(&["`changegate init`"]);
    }
    // What is written goes to the repository's requests.
    assert!(places.path().join("frozen/requests/CHG-1204.yaml").is_file());
}

#[test]
fn a_folder_that_is_called_shipped_is_a_folder() {
    let places = places();
    let plain = places.path().join("plain");
    fs::rename(places.path().join("frozen/policies"), plain.join("shipped")).unwrap();
    let policies = |named: &str| run(&plain, &["check", "--policies", named, "--now", NOW]);
    policies("./shipped").ended(1, &["by the policies in ./shipped\n"]);
    policies("shipped").ended(0, &["by the shipped sample policies\n"]);
}
