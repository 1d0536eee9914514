//! The demo: the whole story, and the git commands that it shows.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::cli::changegate;

/// What has to happen, in this order.
const MILESTONES: [&str; 23] = [
    "carol$ changegate init",
    "monitor_at_least: 2s",
    "error[window/closed]",
    "submitted CHG-1234 as change/CHG-1234",
    "error: nobody approves their own change: alice requested it",
    "CHG-1234: approved by bob, and counts",
    "not counted  bob approved",
    "alice$ git push origin change/CHG-1234:main",
    "was rejected on main: it changes requests/CHG-1234.yaml,",
    "was rejected: it is not proven that bob@acme.example",
    "What has changed since your review of",
    "CHG-1234: approved by bob, and counts",
    "CHG-1234: approved by dan, and counts",
    "merged CHG-1234 into main",
    "Approved-by: dan (service-owner of checkout)",
    "log --graph",
    "error[execute/parameters]",
    "scaling checkout-web to 12 pods",
    "error[execute/step-done]",
    "error[outcome/monitoring]",
    "recorded verified CHG-1235: passed",
    "recorded outcome CHG-1235: successful",
    "changegate demo --keep DIR",
];

/// Git without anybody's configuration.
fn git<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    command
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
}

fn succeeded(output: Output, what: &str) -> String {
    assert!(output.status.success(), "{what}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_story_is_told_and_leaves_nothing_behind() {
    let elsewhere = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let hostile = elsewhere.path().join("gitconfig");
    fs::write(&hostile, "[gpg]\nformat = x509\n[core]\nhooksPath = /nowhere\n[log]\ndate = raw\n")
        .unwrap();
    let output = changegate(elsewhere.path())
        .arg("demo")
        .env_remove("HOME")
        .env("TMPDIR", temporary.path())
        .env("GIT_CONFIG_GLOBAL", &hostile)
        .env("GIT_DIR", "/nowhere")
        .env("GIT_AUTHOR_EMAIL", "mallory@acme.example")
        .output()
        .unwrap();
    let story = succeeded(output, "demo");
    let mut rest = story.as_str();
    for milestone in MILESTONES {
        let Some((_, after)) = rest.split_once(milestone) else {
            panic!("`{milestone}` is missing, or comes too early:\n{story}");
        };
        rest = after;
    }
    assert!(!story.contains('\x1b'), "colour where no terminal is");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "something is left");
}

#[test]
fn the_git_commands_that_it_shows_work_in_what_it_keeps() {
    let place = tempfile::tempdir().unwrap();
    let kept = place.path().join("a tour");
    let output = changegate(place.path()).args(["demo", "--keep", "a tour"]).output().unwrap();
    let story = succeeded(output, "demo");
    let shown: Vec<_> = story.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(shown.len() >= 10, "{shown:?}");
    for line in shown {
        let output = git(Command::new("sh").args(["-c", line]), &kept).output().unwrap();
        // What there was nothing of at its step is there at the end.
        assert!(!succeeded(output, line).is_empty(), "{line} shows nothing");
    }
    for check in [
        &["-C", "hub.git", "fsck", "--strict"][..],
        &["-C", "dan", "fetch", "--quiet"],
        &[
            "-C",
            "dan",
            "verify-commit",
            "origin/main",
            "origin/reviews/CHG-1234",
            "origin/change/CHG-1234",
        ],
    ] {
        let output = git(Command::new("git").args(check), &kept).output().unwrap();
        succeeded(output, &check.join(" "));
    }

    let again = changegate(place.path()).args(["demo", "--keep", "a tour"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    let complaint = String::from_utf8(again.stderr).unwrap();
    assert_eq!(complaint, "error: a tour isn't empty: name an empty folder, or a new one\n");
}

#[test]
fn it_says_which_program_is_missing() {
    let place = tempfile::tempdir().unwrap();
    let output = changegate(place.path()).arg("demo").env("PATH", place.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("the demo needs the program `git`"), "{complaint}");
}
