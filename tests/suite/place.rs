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

/// What git can't open is not taken for no repository.
#[test]
fn a_repository_that_is_broken_is_one() {
    let places = places();
    let frozen = places.path().join("frozen");
    let check = |from: &str| run(&frozen.join(from), &["check", "--now", NOW, "CHG-1203.yaml"]);
    check("requests").ended(1, &["window/freeze"]);
    fs::rename(frozen.join(".git/HEAD"), frozen.join(".git/elsewhere")).unwrap();
    check("requests").failed(&["doesn't lead to a repository"]);
    fs::remove_dir_all(frozen.join(".git")).unwrap();
    write(&frozen.join(".git"), "gitdir: /nowhere\n");
    check("requests").failed(&["doesn't lead to a repository"]);
    fs::remove_file(frozen.join(".git")).unwrap();

    // Git may be told where the repository is.
    let told = places.path().join("without");
    let mut command = Command::new(changegate(&frozen).get_program());
    sheltered(command.current_dir(told.join("requests")).args(["check", "--now", NOW]));
    command.env("GIT_DIR", told.join(".git")).env("GIT_WORK_TREE", &told);
    Ran::of(&mut command, "").failed(&["`changegate init`"]);

    std::os::unix::fs::symlink(frozen.join("policies"), told.join("policies")).unwrap();
    run(&told, &["check", "--now", NOW]).failed(&["policies is a link"]);
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
    run(&places.path().join("plain"), &["signers"])
        .failed(&["the shipped sample policies list nobody's keys"]);
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
    policies("shipped/").ended(1, &["by the policies in shipped/\n"]);
    policies("shipped").ended(0, &["by the shipped sample policies\n"]);
}

#[test]
fn what_is_merged_is_not_judged_again() {
    let places = places();
    let dir = places.path().join("frozen");
    let commit = |text: &str| {
        git(&dir, &["add", "."]);
        let who = ["-c", "user.name=carol", "-c", "user.email=carol@acme.example"];
        git(&dir, &[&who[..], &["commit", "--quiet", "--message", text]].concat());
    };
    git(&dir, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    commit("A request that was approved before the freeze");
    let check = |arguments: &[&str]| run(&dir, &[&["check", "--now", NOW], arguments].concat());
    check(&[]).ended(0, &["left out 1 request, which is merged into main", "check --all"]);
    check(&["--all"]).ended(1, &["window/freeze"]);
    check(&["requests"]).ended(1, &["window/freeze"]);
    check(&["CHG-1203"]).ended(1, &["window/freeze"]);

    // What is new or changed here is judged, and so is what can't be read.
    let path = dir.join("requests/CHG-1203.yaml");
    let merged = fs::read_to_string(&path).unwrap();
    write(&dir.join("requests/CHG-7.yaml"), &merged.replace("CHG-1203", "CHG-7"));
    let new = check(&[]);
    new.ended(1, &["requests/CHG-7.yaml", "left out 1 request"]);
    assert!(!new.stdout.contains("CHG-1203.yaml  DENIED"), "{new:?}");
    fs::remove_file(dir.join("requests/CHG-7.yaml")).unwrap();
    write(&path, &merged.replace('\n', "\r\n"));
    check(&[]).ended(0, &["left out 1 request"]);
    write(&path, &(merged.clone() + "\n# amended\n"));
    check(&[]).ended(1, &["requests/CHG-1203.yaml"]);
    write(&path, "id: CHG-1203\nsummery: x\n");
    commit("A request that can't be read");
    check(&[]).ended(1, &["field/unknown"]);
}
