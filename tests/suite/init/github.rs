//! `init --github`: an adopter gets what runs here.

use std::collections::BTreeSet;
use std::fs;

use super::{PEOPLE, Place, init_with_people};
use crate::cli::repository;
use crate::plumbing::files_below;

/// What of `.github/` is this project's own matter.
const OWN: [&str; 9] = [
    ".github/CODEOWNERS",
    ".github/CONTRIBUTING.md",
    ".github/actions/changegate/action.yml",
    ".github/actions/changegate/install.sh",
    ".github/actions/exec/action.yml",
    ".github/actions/exec/exec.sh",
    ".github/dependabot.yml",
    ".github/workflows/advisories.yml",
    ".github/workflows/ci.yml",
];

/// The files of `.github/` below a folder, with `/` between the parts of their paths.
fn github_files(place: &Place) -> BTreeSet<String> {
    let root = place.path("ops");
    let files = place.files("ops").into_iter().map(|(path, _)| path);
    let paths = files.map(|path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
    paths.filter(|path| path.starts_with(".github/")).collect()
}

fn init_on_github(place: &Place) -> String {
    let said = place.init(&[&["ops", "--github"], &PEOPLE[..]].concat());
    said.went_well().to_owned()
}

/// Text as if it stood on one line.
fn unbroken(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_written_is_what_runs_here() {
    let place = Place::with_clone();
    init_on_github(&place);
    let shipped: BTreeSet<_> = files_below(".github", "")
        .into_iter()
        .map(|path| path.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned())
        .filter(|path| !OWN.contains(&path.as_str()))
        .collect();
    let mut written = github_files(&place);
    assert!(written.remove(".github/CODEOWNERS"));
    assert_eq!(written, shipped);

    let version = env!("CARGO_PKG_VERSION");
    let commit = match option_env!("CHANGEGATE_COMMIT") {
        Some(commit) => format!("{commit} # v{version}"),
        None => format!("v{version}"),
    };
    let action = format!("- uses: changegate/changegate/.github/actions/changegate@{commit}");
    for path in shipped {
        let ours = fs::read_to_string(repository().join(&path)).unwrap();
        let theirs = place.read(&format!("ops/{path}"));
        if !ours.contains("uses: ./") {
            assert_eq!(theirs, ours, "{path}");
            continue;
        }
        let only_in = |one: &str, other: &str| -> Vec<_> {
            let is_there = |line: &&str| other.lines().any(|known| known == *line);
            let only = one.lines().filter(|line| !is_there(line));
            let only: BTreeSet<_> = only.map(|line| line.trim().to_owned()).collect();
            only.into_iter().collect()
        };
        let [own] = &only_in(&ours, &theirs)[..] else { panic!("{path}:\n{theirs}") };
        assert!(own.starts_with("- uses: ./.github/actions/changegate"), "{path}: {own}");
        let added = only_in(&theirs, &ours);
        let added = added.iter().filter(|line| !line.starts_with("# ")).collect::<Vec<_>>();
        assert_eq!(added, [&action], "{path}");
    }
}

#[test]
fn policies_and_workflows_are_owned_by_the_highest_level() {
    let place = Place::with_clone();
    let said = init_on_github(&place);
    let said = unbroken(&said);
    for part in [
        ".github/ (12 files)",
        "the roster has no id for alice, bob, carol and dan (",
        "`gh api users/LOGIN --jq .id`",
        "git add .github/ README.md docs/changegate/ policies/ schemas/",
        "changegate doctor",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    assert!(!said.contains("no `keys`") && !said.contains("--hook"), "{said}");
    let owners = place.read("ops/.github/CODEOWNERS");
    assert!(owners.ends_with("/policies/ @carol @dan\n/.github/  @carol @dan\n"), "{owners}");
}

#[test]
fn a_repository_on_github_stays_one() {
    let place = Place::with_clone();
    init_with_people(&place).went_well();
    assert!(github_files(&place).is_empty());
    assert!(place.read("ops/README.md").contains("reviewed as signed commits"));
    let said = place.init(&["ops", "--github"]);
    let kept = "kept          docs/changegate/README.md  differs";
    assert!(said.went_well().contains(kept), "{said:?}");
    assert!(place.read("ops/README.md").contains("reviewed on pull requests"));
    place.init(&["ops", "--github", "--force"]).went_well();
    assert!(place.read("ops/docs/changegate/README.md").contains("Off-script change request"));
    let files = place.files("ops");
    for arguments in [&["ops"][..], &["ops", "--github"], &["ops", "--force"]] {
        let said = place.init(arguments);
        assert!(!said.went_well().contains("written"), "{said:?}");
        assert_eq!(place.files("ops"), files);
    }
}

#[test]
fn what_an_organisation_has_already_keeps_its_force() {
    let place = Place::with_clone();
    fs::write(place.path("ops/CODEOWNERS"), "* @acme/all\n/policies/ @acme/sre\n").unwrap();
    fs::create_dir_all(place.path("ops/docs")).unwrap();
    fs::write(place.path("ops/docs/Pull_Request_Template.md"), "Ours.\n").unwrap();
    let said = init_on_github(&place);
    assert!(!said.contains("CODEOWNERS"), "everything there has an owner:\n{said}");
    let written = github_files(&place);
    assert!(!written.contains(".github/CODEOWNERS"), "it would be read instead of theirs");
    assert!(!written.contains(".github/pull_request_template.md"), "{written:?}");
    assert_eq!(place.read("ops/CODEOWNERS"), "* @acme/all\n/policies/ @acme/sre\n");
}

#[test]
fn code_owners_are_read_as_github_reads_them() {
    let (sre, own) = ("@acme/sre", "@carol @dan");
    let (policies, github) = (format!("`/policies/ {own}`"), format!("`/.github/ {own}`"));
    for (path, text, missing) in [
        (".github/CODEOWNERS", format!("* {sre}\n"), None),
        (".github/CODEOWNERS", format!("/.github/ {sre}\n"), Some(policies.clone())),
        (".github/CODEOWNERS", format!("* {sre}\n/policies/org/\n"), Some(policies.clone())),
        (
            ".github/CODEOWNERS",
            format!("/policies/ {sre}\n/.github/ {sre}\n*\n"),
            Some(format!("{policies} and {github}")),
        ),
        (
            "docs/CODEOWNERS",
            format!("/policies/open {sre}\n/.github/ {sre}\n"),
            Some(format!("{policies} and `/docs/CODEOWNERS {own}`")),
        ),
    ] {
        let place = Place::with_clone();
        let file = place.path(&format!("ops/{path}"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &text).unwrap();
        let said = unbroken(&init_on_github(&place));
        match missing {
            Some(lines) => {
                let fix = format!(": add {lines} at the end of {path}, because the last line");
                assert!(said.contains(&fix), "{text}{said}");
            }
            None => assert!(!said.contains("CODEOWNERS"), "{text}{said}"),
        }
        assert_eq!(place.read(&format!("ops/{path}")), text);
    }
}

#[test]
fn only_who_can_sign_needs_an_id() {
    let place = Place::with_clone();
    let others = ["--person", "erin,email=erin@acme.example"];
    let said = place.init(&[&["ops", "--github"], &PEOPLE[..], &others].concat());
    assert!(said.went_well().contains("has no id for alice, bob, carol and dan ("), "{said:?}");
    let ids = fs::read_to_string(place.path("ops/policies/org/roster/data.yaml")).unwrap();
    assert!(ids.contains("erin"), "{ids}");
}

#[test]
fn a_workflow_that_was_edited_is_kept_unless_forced() {
    let place = Place::with_clone();
    init_on_github(&place);
    let sweep = "ops/.github/workflows/sweep.yml";
    let shipped = place.read(sweep);
    fs::write(place.path(sweep), shipped.replace("7,22,37,52", "3")).unwrap();
    let said = place.init(&["ops"]);
    assert!(said.went_well().contains("kept          .github/workflows/sweep.yml"), "{said:?}");
    place.init(&["ops", "--force"]).went_well();
    assert_eq!(place.read(sweep), shipped);
}

#[test]
fn a_server_without_github_has_no_use_for_it() {
    let place = Place::with_server();
    place.init(&["--hook", "--github", "ops.git"]).refused("cannot be used with");
}
