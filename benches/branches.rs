//! Plain Git, from outside: `cargo bench --bench branches`.
//!
//! A cold process that judges a submitted change, in repositories with 100, 1,000 and 10,000 merged
//! requests; one change has a plan, so that what may overlap is looked at, the other has none. Then
//! `list` over 500 open changes. Medians.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints what it measured"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use changegate::core::policy::shipped_files;
use measure::{median, milliseconds, run};
use stream::{file, git};

mod measure;
#[path = "measure/stream.rs"]
mod stream;

/// The program's allocator, so that both sides of a comparison pay the same for memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CHANGEGATE: &str = env!("CARGO_BIN_EXE_changegate");
const NOW: &str = "2026-11-23T10:00:00Z";
/// An hour before, in seconds.
const SUBMITTED: u64 = 1_795_424_400;
/// A request without a plan: it only reads.
const READ_ONLY: &str = "INC-2026-1121-002";
const OPEN: usize = 500;

fn main() {
    if std::env::args().any(|argument| argument == "--nothing") {
        return;
    }
    let own = std::env::current_exe().unwrap();
    let nothing = median(60, || run(Command::new(&own).arg("--nothing")));
    println!("a process that does nothing {}\n", milliseconds(nothing));
    for merged in [100, 1_000, 10_000] {
        let dir = tempfile::tempdir().unwrap();
        found(dir.path(), merged, 0);
        let check = |id| {
            median(40, || {
                run(Command::new(CHANGEGATE)
                    .args(["check", "--branch", id, "--now", NOW])
                    .current_dir(&dir));
            })
        };
        let (with_plan, without) = (check("CHG-with-plan"), check(READ_ONLY));
        println!("{merged:6} merged requests: check --branch {}", milliseconds(with_plan));
        println!("                         of a change without a plan {}", milliseconds(without));
    }
    let dir = tempfile::tempdir().unwrap();
    found(dir.path(), 100, OPEN);
    let list = median(5, || {
        run(Command::new(CHANGEGATE).args(["list", "--now", NOW]).current_dir(&dir));
    });
    println!("\nlist of {OPEN} open changes {}", milliseconds(list));
}

/// A repository with merged requests, two changes, and more open ones.
fn found(dir: &Path, merged: usize, open: usize) {
    git(dir, &["init", "--quiet", "-b", "main"], "");
    let sample = |name: &str| fs::read_to_string(format!("requests/{name}.yaml")).unwrap();
    let (with_plan, without) = (sample("CHG-1222"), sample(READ_ONLY));
    let mut stream = String::new();
    begin(&mut stream, "main", None);
    for (path, bytes) in shipped_files() {
        let text = String::from_utf8(bytes).unwrap();
        let text = text.replace("unsigned_reviews: refuse", "unsigned_reviews: allow");
        file(&mut stream, &path, &text);
    }
    for number in 0..merged {
        let id = format!("CHG-{}", 100_000 + number);
        let text = another(&with_plan, &id, number);
        file(&mut stream, &format!("requests/{id}.yaml"), &text);
    }
    change(&mut stream, "CHG-with-plan", &with_plan.replace("CHG-1222", "CHG-with-plan"));
    change(&mut stream, READ_ONLY, &without);
    for number in 0..open {
        let id = format!("CHG-open-{number}");
        change(&mut stream, &id, &another(&with_plan, &id, number));
    }
    git(dir, &["fast-import", "--quiet"], &stream);
}

/// The request under another id; a fifth of them act on the same host as another one.
fn another(sample: &str, id: &str, number: usize) -> String {
    sample
        .replace("CHG-1222", id)
        .replace("waf-ip-set", &format!("host-{}", number - number % 10 / 9))
}

fn change(stream: &mut String, id: &str, text: &str) {
    begin(stream, &format!("change/{id}"), Some("refs/heads/main"));
    file(stream, &format!("requests/{id}.yaml"), text);
}

fn begin(stream: &mut String, branch: &str, from: Option<&str>) {
    let _ = writeln!(stream, "commit refs/heads/{branch}");
    let _ = writeln!(stream, "committer frank <frank@acme.example> {SUBMITTED} +0000");
    let _ = writeln!(stream, "data 1\nx");
    if let Some(from) = from {
        let _ = writeln!(stream, "from {from}");
    }
}
