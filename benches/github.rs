//! GitHub, from outside, against a server on this machine that answers at once: `cargo bench --bench
//! github`.
//!
//! - A cold process that judges a pull request with 30 reviews and 20 commits, when nothing changes:
//!   beyond one that does nothing, and beyond one that only asks git what the server's refs are.
//! - A sweep of 200 open pull requests of which 5 have changed: time and requests. Medians.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints what it measured"
)]
#![allow(dead_code, unused_imports, reason = "the tests use the rest of their plumbing")]

use std::process::Command;

use measure::{median, milliseconds, run};
use plumbing::github::GitHub;

mod measure;

#[path = "../tests/suite/plumbing"]
mod plumbing {
    pub mod github;
    pub mod ran;
}

const CHANGEGATE: &str = env!("CARGO_BIN_EXE_changegate");
const REVIEWS: usize = 30;
const COMMITS: usize = 20;
const OPEN: usize = 200;
const CHANGED: usize = 5;

fn main() {
    if std::env::args().any(|argument| argument == "--nothing") {
        return;
    }
    let own = std::env::current_exe().unwrap();
    let nothing = median(60, || run(Command::new(&own).arg("--nothing")));
    println!("a process that does nothing {}", milliseconds(nothing));
    one_pull_request();
    many_pull_requests();
}

fn one_pull_request() {
    let github = GitHub::unchecked();
    for number in 0..COMMITS {
        submit(&github, 1, number);
    }
    let pull = github.open_pull("alice", "change/CHG-1", "main");
    for number in 0..REVIEWS {
        let who = ["bob", "carol", "dan", "dave", "erin", "grace"][number % 6];
        github.review(pull, who, if number % 3 == 0 { "APPROVED" } else { "COMMENTED" });
    }
    let here = clone(&github);
    let check = || run(&mut changegate(&github, &here, &["check", "--pr", "1"]));
    check();
    github.forget_requests();
    check();
    let requests = github.requests().len();
    let time = median(40, check);
    let url = format!("{}/acme/ops.git", github.url()).replace("://", "://x-access-token:TOKEN@");
    let url = url.replace("TOKEN", &github.token());
    let git = median(40, || run(Command::new("git").args(["ls-remote", "--quiet", &url])));
    println!("check --pr with {REVIEWS} reviews and {COMMITS} commits {}", milliseconds(time));
    println!("  {requests} requests; git ls-remote alone {}", milliseconds(git));
}

fn many_pull_requests() {
    let github = GitHub::unchecked();
    for number in 1..=OPEN {
        submit(&github, number, 0);
        github.open_pull("alice", &format!("change/CHG-{number}"), "main");
    }
    let here = clone(&github);
    let sweep = || run(&mut changegate(&github, &here, &["sweep"]));
    sweep();
    github.advance("1m");
    sweep();
    github.forget_requests();
    sweep();
    println!("sweep of {OPEN} open pull requests, none changed: {} requests", asked(&github));
    let mut counts = Vec::new();
    let time = median(5, || {
        github.advance("1m");
        for number in 1..=CHANGED {
            github.comment(number as u64, "dave", "Why not on Thursday?");
        }
        github.forget_requests();
        sweep();
        counts.push(asked(&github));
    });
    println!("{CHANGED} changed: {} and {:?} requests", milliseconds(time), counts);
}

fn asked(github: &GitHub) -> usize {
    github.requests().len()
}

/// Pushes the n-th version of a request.
fn submit(github: &GitHub, id: usize, version: usize) {
    let text = std::fs::read_to_string("requests/CHG-1222.yaml").unwrap();
    let text = text.replace("CHG-1222", &format!("CHG-{id}")).replace("frank", "alice");
    let text = format!("{text}# version {version}\n");
    let path = format!("requests/CHG-{id}.yaml");
    github.commit("alice", &format!("change/CHG-{id}"), &[(&path, &text)], "Submit");
}

/// A clone, as a workflow has it.
fn clone(github: &GitHub) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("{}/acme/ops.git", github.url());
    let git = |arguments: &[&str]| {
        let header = format!("x-access-token:{}", github.token());
        let url = url.replace("://", &format!("://{header}@"));
        let mut command = Command::new("git");
        command.args(arguments).arg(url).arg(folder.path());
        assert!(command.status().unwrap().success());
    };
    git(&["clone", "--quiet"]);
    folder
}

fn changegate(github: &GitHub, here: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(CHANGEGATE);
    command
        .args(arguments)
        .args(["--now", &github.now().to_string()])
        .current_dir(here)
        .env("GITHUB_API_URL", github.url())
        .env("GITHUB_TOKEN", github.token())
        .env("GITHUB_REPOSITORY", "acme/ops");
    command
}
