//! The shipped workflows and their action, run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::github::form::body;
use crate::plumbing::act::{Runner, Site};
use crate::plumbing::github::GitHub;
use crate::plumbing::hub::{make_executable, program};
use crate::plumbing::ran::Ran;
use crate::plumbing::{data, files_below, root};

/// A program that only says how it was called.
struct Stub {
    dir: TempDir,
}

impl Stub {
    /// One of this project's version, that ends so.
    fn ending(code: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo changegate {version}; exit 0; }}\n\
             echo \"called: $*\"\n\
             echo \"with: $GITHUB_EVENT_NAME $GITHUB_REPOSITORY $GITHUB_API_URL $(echo \"$GITHUB_TOKEN\" \
             | cksum)\"\n\
             echo \"on: $(git branch --show-current)\"\nexit {code}\n"
        );
        let stub = Stub { dir };
        fs::write(stub.program(), script).unwrap();
        make_executable(&stub.program());
        stub
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("changegate")
    }
}

/// A repository with what is shipped, and a branch on which that is something else.
fn repository() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@acme.example"]).args(arguments);
        Ran::of(command.current_dir(&dir), "").went_well();
    };
    git(&["init", "--quiet", "-b", "main"]);
    crate::cli::copy_folder(&root().join(".github"), &dir.path().join(".github"));
    fs::copy(root().join("Cargo.toml"), dir.path().join("Cargo.toml")).unwrap();
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "-m", "Shipped"]);
    git(&["switch", "--quiet", "--create", "gh-readonly-queue/main/pr-7-0a"]);
    git(&["rm", "--quiet", "-r", ".github"]);
    git(&["commit", "--quiet", "-m", "Hostile"]);
    dir
}

/// Runs a workflow with a program that ends so; `None` where there is no act.
fn run(code: u8, workflow: &str, event: &str, payload: &Value) -> Option<Ran> {
    let stub = Stub::ending(code);
    let runner = Runner::with(&stub.program())?;
    let repository = repository();
    let site = Site {
        repository: repository.path().to_str().unwrap(),
        api: "http://127.0.0.1:9",
        token: "ghs_s3cret",
    };
    Some(runner.run(&site, workflow, event, payload))
}

pub fn payload(more: Value) -> Value {
    let mut payload = json!({"repository": {"full_name": "acme/ops", "default_branch": "main"}});
    let more = more.as_object().unwrap().clone();
    payload.as_object_mut().unwrap().extend(more);
    payload
}

#[test]
fn a_pull_request_is_judged_whatever_happens_to_it() {
    let queued = "refs/heads/gh-readonly-queue/main/pr-7-0a";
    for (event, more) in [
        ("pull_request_target", json!({"action": "opened", "pull_request": {"number": 7}})),
        ("workflow_run", json!({"workflow_run": {"pull_requests": [], "head_sha": "0a"}})),
        (
            "merge_group",
            json!({"ref": queued, "merge_group": {"head_ref": queued, "head_sha": "0a"}}),
        ),
        ("workflow_dispatch", json!({"inputs": {"pull_request": "7"}})),
    ] {
        let Some(ran) = run(3, "change-check.yml", event, &payload(more)) else { return };
        let with = format!("with: {event} acme/ops http://127.0.0.1:9 {}", cksum("ghs_s3cret"));
        ran.ended(
            0,
            &["called: check --event /", "event.json", &with, "on: main", "Job succeeded"],
        );
    }
}

#[test]
fn only_what_could_not_be_decided_fails_the_workflow() {
    let event = payload(json!({"pull_request": {"number": 7}}));
    for (code, ends) in [(0, 0), (1, 0), (3, 0), (2, 1), (101, 1)] {
        let Some(ran) = run(code, "change-check.yml", "pull_request_target", &event) else {
            return;
        };
        assert_eq!(ran.code, ends, "{code}: {ran:?}");
    }
}

#[test]
fn a_review_wakes_the_check_and_does_nothing() {
    let event = payload(json!({"pull_request": {"number": 7}, "review": {"state": "approved"}}));
    let Some(ran) = run(0, "review-ping.yml", "pull_request_review", &event) else { return };
    ran.ended(0, &["change-check judges the pull request next"]);
    assert!(!ran.stdout.contains("called:"), "{ran:?}");
}

#[test]
fn a_sweep_takes_no_event() {
    let Some(ran) = run(0, "sweep.yml", "schedule", &payload(json!({}))) else { return };
    ran.ended(0, &["called: sweep\n", "with: schedule acme/ops", "on: main"]);
}

#[test]
fn a_form_is_known_by_its_label() {
    let issue =
        |label: &str| payload(json!({"issue": {"number": 12, "labels": [{"name": label}]}}));
    let Some(ran) = run(1, "change-form.yml", "issues", &issue("change-request")) else { return };
    ran.ended(0, &["called: form --event /", "on: main"]);
    let Some(ran) = run(1, "change-form.yml", "issues", &issue("bug")) else { return };
    assert!(ran.code == 0 && !ran.stdout.contains("called:"), "{ran:?}");
}

/// The scripts of a workflow or an action.
fn scripts(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("run").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(scripts)).collect()
        }
        Value::Array(items) => items.iter().flat_map(scripts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn nothing_that_people_write_reaches_a_shell() {
    let mut seen = 0;
    for path in files_below(".github", ".yml") {
        for script in scripts(&data(&path)) {
            seen += 1;
            assert!(!script.contains("${{"), "{}: {script}", path.display());
        }
    }
    assert!(seen >= 6, "{seen} scripts");
}

/// A server whose main branch holds what is shipped, and the program under test as its runner has it.
pub fn github() -> Option<(GitHub, Runner)> {
    let runner = Runner::with(&program())?;
    let github = GitHub::start();
    github.set_now(chrono::Utc::now().into());
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    github.commit("carol", "main", &[("Cargo.toml", &manifest)], "What is built");
    Some((github, runner))
}

pub fn run_on(
    github: &GitHub,
    runner: &Runner,
    workflow: &str,
    event: &str,
    payload: &Value,
) -> Ran {
    let repository = format!("{}/acme/ops.git", github.url());
    let (api, token) = (github.url(), github.token());
    let site = Site { repository: &repository, api, token: &token };
    runner.run(&site, workflow, event, payload)
}

#[test]
fn a_form_becomes_a_judged_pull_request() {
    let Some((github, runner)) = github() else { return };
    let issue = github.open_issue();
    let alice = json!({"login": "alice", "id": 101, "type": "User"});
    let form = payload(json!({
        "action": "opened", "sender": alice,
        "issue": {
            "number": issue, "state": "open", "user": alice, "body": body(&[]),
            "labels": [{"name": "change-request"}],
        },
    }));
    run_on(&github, &runner, "change-form.yml", "issues", &form).ended(0, &["Job succeeded"]);
    assert!(github.comments(issue)[0].1.contains("compare/main...change/CHG-1"));

    let pull = github.open_pull("alice", "change/CHG-1", "main");
    let event = payload(json!({"action": "opened", "pull_request": {"number": pull}}));
    let check = |name: &str, event: &Value| {
        run_on(&github, &runner, "change-check.yml", name, event).ended(0, &["Job succeeded"]);
        github.status(&github.head(pull), "changegate")
    };
    assert_eq!(check("pull_request_target", &event).state, "pending");
    github.review(pull, "bob", "APPROVED");
    let head = github.head(pull);
    let woken = payload(json!({"workflow_run": {"pull_requests": [], "head_sha": head}}));
    let status = check("workflow_run", &woken);
    assert_eq!(status.state, "success", "{status:?}");
    let ran = run_on(&github, &runner, "sweep.yml", "schedule", &payload(json!({})));
    ran.ended(0, &["open pull requests to protected branches: 1", "Job succeeded"]);
}

/// The installing script with a `curl` that brings these bytes.
fn install(version: &str, sha256: &str, brought: &str) -> (Ran, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(dir.path().join("brought"), brought).unwrap();
    let curl = "#!/bin/sh\nwhile [ \"$1\" != --output ]; do shift; done\necho \"$3\" >>\"$LOG\"\ncp \
                \"$BROUGHT\" \"$2\"\n";
    fs::write(bin.join("curl"), curl).unwrap();
    make_executable(&bin.join("curl"));
    let mut command = Command::new("bash");
    command
        .arg(root().join(".github/actions/changegate/install.sh"))
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("GITHUB_ACTION_PATH", root().join(".github/actions/changegate"))
        .env("GITHUB_PATH", dir.path().join("path"))
        .env("RUNNER_TEMP", dir.path())
        .env("RUNNER_OS", "Linux")
        .env("RUNNER_ARCH", "X64")
        .env("LOG", dir.path().join("log"))
        .env("BROUGHT", dir.path().join("brought"))
        .env("VERSION", version)
        .env("SHA256", sha256);
    (Ran::of(&mut command, ""), dir)
}

#[test]
fn a_release_is_used_only_if_its_checksum_is_right() {
    let program = "#!/bin/sh\necho changegate 9.8.7\n";
    let hash = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(program));
    let sums = format!("Linux-ARM64 {}\nLinux-X64 {hash}", "0".repeat(64));
    let (ran, dir) = install("9.8.7", &sums, program);
    ran.ended(0, &["/changegate/changegate: changegate 9.8.7"]);
    let asked = "releases/download/v9.8.7/changegate-x86_64-unknown-linux-gnu\n";
    assert!(read(&dir, "log").ends_with(asked));
    assert!(read(&dir, "path").ends_with("/changegate\n"));

    let (ran, dir) = install("9.8.7", &sums, "#!/bin/sh\necho evil\n");
    ran.ended(2, &["::error::", "isn't what `sha256` says"]);
    assert!(!ran.stdout.contains("evil") && !dir.path().join("path").exists());
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(dir.path().join("changegate/changegate")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0, "it can't be run");
}

#[test]
fn what_is_asked_for_wrongly_is_told_of() {
    for (version, sums, part) in [
        ("9.8.7", "", "`sha256` has no checksum for Linux-X64"),
        ("9.8.7", "Linux-X64 $(touch x)", "`sha256` has no checksum for Linux-X64"),
        ("latest", "", "`version: latest` is not a release"),
        ("1.2.3/../../x", "", "is not a release"),
        ("installed", "", "the runner has no changegate in PATH"),
    ] {
        let (ran, dir) = install(version, sums, "");
        ran.ended(2, &["::error::", part]);
        assert!(!dir.path().join("log").exists(), "nothing is fetched");
    }
}

fn read(dir: &TempDir, name: &str) -> String {
    fs::read_to_string(dir.path().join(name)).unwrap()
}

/// What `cksum` says of a line.
fn cksum(line: &str) -> String {
    Ran::of(&mut Command::new("cksum"), &format!("{line}\n")).went_well().trim().to_owned()
}
