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
    /// One that ends so.
    fn ending(code: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = format!(
            "#!/bin/sh\necho \"called: $*\"\n\
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

/// The commit to which the action is pinned, and another one.
const PINNED: &str = "4f0c1d2e5b6a79880123456789abcdef01234567";
const OTHER: &str = "0123456789abcdef0123456789abcdef01234567";

/// A runner's machine: the action's download, and what is in PATH.
struct Machine {
    dir: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Machine { dir: tempfile::tempdir().unwrap() };
        crate::cli::copy_folder(
            &root().join(".github"),
            &machine.dir.path().join("action/.github"),
        );
        fs::create_dir(machine.dir.path().join("bin")).unwrap();
        let cargo = "while [ \"$1\" != --target-dir ]; do shift; done\n\
                     echo \"built $CHANGEGATE_COMMIT\" >>\"$LOG\"\nmkdir -p \"$2/release\"\n\
                     printf '#!/bin/sh\\necho changegate\\necho commit %s\\n' \"$CHANGEGATE_COMMIT\" \
                     >\"$2/release/changegate\"\nchmod +x \"$2/release/changegate\"\n";
        machine.program("bin/cargo", cargo);
        machine.program("bin/rustc", "echo rustc 1.95.0\n");
        let curl = "while [ \"$1\" != --output ]; do shift; done\necho \"$3\" >>\"$LOG\"\ncp \"$BROUGHT\" \
                    \"$2\"\n";
        machine.program("bin/curl", curl);
        machine
    }

    fn program(&self, path: &str, script: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        make_executable(&path);
    }

    /// Puts a changegate there that says that it was built from this commit.
    fn changegate(&self, folder: &str, commit: &str) {
        let script = format!("echo changegate 0.1.0\necho commit {commit}\n");
        self.program(&format!("{folder}/changegate"), &script);
    }

    /// Runs a part of the action's script.
    fn run(&self, part: &str, variables: &[(&str, &str)]) -> Ran {
        let dir = self.dir.path();
        let action = dir.join("action/.github/actions/changegate");
        let mut command = Command::new("bash");
        command
            .arg(action.join("install.sh"))
            .arg(part)
            .env("PATH", format!("{}:/usr/bin:/bin", dir.join("bin").display()))
            .env("GITHUB_ACTION_PATH", action)
            .env("GITHUB_PATH", dir.join("path"))
            .env("GITHUB_OUTPUT", dir.join("output"))
            .env("RUNNER_TEMP", dir)
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64")
            .env("ImageOS", "ubuntu24")
            .env("LOG", dir.join("log"))
            .env("BROUGHT", dir.join("brought"))
            .envs(variables.iter().copied());
        Ran::of(&mut command, "")
    }

    /// What a file holds, or nothing.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

/// The installing script with a `curl` that brings these bytes.
fn install(version: &str, sha256: &str, brought: &str) -> (Ran, Machine) {
    let machine = Machine::new();
    fs::write(machine.dir.path().join("brought"), brought).unwrap();
    let variables = [("VERSION", version), ("SHA256", sha256), ("ACTION_REF", "")];
    (machine.run("install", &variables), machine)
}

#[test]
fn what_is_built_from_source_is_the_commit_that_the_action_is_pinned_to() {
    for (in_path, in_cache, action_ref, built, used) in [
        ("", "", PINNED, format!("built {PINNED}\n"), "changegate/changegate"),
        (PINNED, "", PINNED, String::new(), "bin/changegate"),
        // Whatever is there was built from something else, of the same version.
        (OTHER, OTHER, PINNED, format!("built {PINNED}\n"), "changegate/changegate"),
        (OTHER, PINNED, PINNED, String::new(), "changegate/changegate"),
        // A name says nothing about what a program was built from.
        (PINNED, PINNED, "v0.1.0", "built \n".to_owned(), "changegate/changegate"),
        ("", "", &PINNED[..7], "built \n".to_owned(), "changegate/changegate"),
    ] {
        let machine = Machine::new();
        for (folder, commit) in [("bin", in_path), ("changegate", in_cache)] {
            if !commit.is_empty() {
                machine.changegate(folder, commit);
            }
        }
        let case = format!("{in_path} {in_cache} {action_ref}");
        let variables = [("VERSION", "source"), ("SHA256", ""), ("ACTION_REF", action_ref)];
        let ran = machine.run("install", &variables);
        ran.ended(0, &[&format!("/{used}: changegate")]);
        assert_eq!(machine.read("log"), built, "{case}");

        let machine = Machine::new();
        machine.changegate("bin", in_path);
        machine.run("name_build", &variables).went_well();
        let is_named = action_ref == PINNED && in_path != PINNED;
        let key = format!("key=changegate-{PINNED}-Linux-X64-ubuntu24-");
        assert_eq!(machine.read("output").starts_with(&key), is_named, "{case}");
    }
}

#[test]
fn a_clone_is_built_as_its_own_commit() {
    let (machine, repository) = (Machine::new(), repository());
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "--bare"]).arg(repository.path());
    Ran::of(git.arg(machine.dir.path().join("action/.git")), "").went_well();
    let variables = [("VERSION", "source"), ("SHA256", ""), ("ACTION_REF", PINNED)];
    machine.run("install", &variables).went_well();
    let built = machine.read("log");
    assert!(built.len() == "built \n".len() + 40 && !built.contains(PINNED), "{built}");
}

#[test]
fn a_release_is_used_only_if_its_checksum_is_right() {
    let program = "#!/bin/sh\necho changegate 9.8.7\n";
    let hash = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(program));
    let sums = format!("Linux-ARM64 {}\nLinux-X64 {hash}", "0".repeat(64));
    let (ran, machine) = install("9.8.7", &sums, program);
    ran.ended(0, &["/changegate/changegate: changegate 9.8.7"]);
    let asked = "releases/download/v9.8.7/changegate-x86_64-unknown-linux-gnu\n";
    assert!(machine.read("log").ends_with(asked));
    assert!(machine.read("path").ends_with("/changegate\n"));

    let (ran, machine) = install("9.8.7", &sums, "#!/bin/sh\necho evil\n");
    ran.ended(2, &["::error::", "isn't what `sha256` says"]);
    assert!(!ran.stdout.contains("evil") && !machine.dir.path().join("path").exists());
    use std::os::unix::fs::PermissionsExt as _;
    let brought = machine.dir.path().join("changegate/changegate");
    let mode = fs::metadata(brought).unwrap().permissions().mode();
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
        let (ran, machine) = install(version, sums, "");
        ran.ended(2, &["::error::", part]);
        assert_eq!(machine.read("log"), "", "nothing is fetched");
    }
}

/// What `cksum` says of a line.
fn cksum(line: &str) -> String {
    Ran::of(&mut Command::new("cksum"), &format!("{line}\n")).went_well().trim().to_owned()
}
