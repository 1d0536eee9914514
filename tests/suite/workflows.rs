//! The shipped workflows and their action, run.

mod caches;
mod executing;
mod install;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::github::form::body;
use crate::plumbing::act::{Runner, Site};
use crate::plumbing::github::{GitHub, NewCommit, person, texts};
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
        let stub = Stub { dir };
        let script = format!(
            "#!/bin/sh\n{{\necho \"called: $*\"\n\
             echo \"with: $GITHUB_EVENT_NAME $GITHUB_REPOSITORY $GITHUB_API_URL $(echo \"$GITHUB_TOKEN\" \
             | cksum)\"\n\
             echo \"on: $(git branch --show-current)\"\n}} | tee -a '{}'\nexit {code}\n",
            stub.said().display()
        );
        fs::write(stub.program(), script).unwrap();
        make_executable(&stub.program());
        stub
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("changegate")
    }

    fn said(&self) -> PathBuf {
        self.dir.path().join("said")
    }

    /// A run with all that this program said in it: of a step that fails, act may show less.
    fn beside(&self, mut ran: Ran) -> Ran {
        ran.stdout += &fs::read_to_string(self.said()).unwrap_or_default();
        ran
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
    for folder in [".github", "policies", "requests"] {
        crate::cli::copy_folder(&root().join(folder), &dir.path().join(folder));
    }
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
    Some(stub.beside(runner.run(&site, workflow, event, payload)))
}

pub fn payload(more: Value) -> Value {
    let mut payload = json!({"repository": {"full_name": "acme/ops", "default_branch": "main"}});
    let more = more.as_object().unwrap().clone();
    payload.as_object_mut().unwrap().extend(more);
    payload
}

/// Record 35: what runs is the default branch's, whatever a pull request makes of it.
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
fn whatever_is_merged_or_pushed_judges_what_is_open() {
    let on = &data(&root().join(".github/workflows/change-check.yml"))["on"];
    assert!(texts_of(&on["pull_request_target"]["types"]).contains(&"closed"));
    let paths = texts_of(&on["push"]["paths"]);
    let paths: Vec<_> = paths.iter().map(|path| path.trim_end_matches("/**")).collect();
    assert_eq!(paths, changegate::core::layout::GOVERNED);
}

fn texts_of(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
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
fn a_week_is_reported_as_a_page_and_in_the_summary() {
    let script = "#!/bin/sh\necho \"called: $*\"\n\
        for last; do :; done\n[ \"$last\" = report.html ] && echo '<p>page</p>' >report.html\nexit 0\n";
    let dir = tempfile::tempdir().unwrap();
    let (stub, artifacts) = (dir.path().join("stub"), dir.path().join("artifacts"));
    fs::write(&stub, script).unwrap();
    make_executable(&stub);
    fs::create_dir(&artifacts).unwrap();
    let Some(runner) = Runner::with(&stub) else { return };
    let repository = repository();
    let site = Site {
        repository: repository.path().to_str().unwrap(),
        api: "http://127.0.0.1:9",
        token: "ghs_s3cret",
    };
    let workflow = root().join(".github/workflows/report.yml");
    let event = payload(json!({"inputs": {"from": "2026-11-01", "to": "$(touch hacked)"}}));
    let to = ("ARTIFACTS", artifacts.display().to_string());
    let place = (dir.path(), &*workflow);
    let ran = runner.run_in(&site, place, "workflow_dispatch", &event, &[to]);
    let called = "called: report --from 2026-11-01 --to $(touch hacked) --format html \
                  --output report.html";
    ran.ended(0, &[called, "Job succeeded"]);
    assert_eq!(fs::read_to_string(artifacts.join("report.html")).unwrap(), "<p>page</p>\n");
    let Some(ran) = run(2, "report.yml", "schedule", &payload(json!({}))) else { return };
    ran.ended(1, &["called: report --from 20"]);
}

#[test]
fn a_sweep_by_hand_begins_the_ledger_if_that_is_asked_for() {
    for (ticked, is_begun) in [("true", true), ("false", false), ("", false)] {
        let event = payload(json!({"inputs": {"begin-ledger": ticked}}));
        let Some(ran) = run(0, "sweep.yml", "workflow_dispatch", &event) else { return };
        ran.ended(0, &["called: sweep\n"]);
        assert_eq!(ran.stdout.contains("called: init --ledger\n"), is_begun, "{ran:?}");
    }
}

/// Runs the trial of a pull request with these files on a program; returns the commit that it would be
/// merged into, too.
fn tried(program: &Path, files: &[(&str, &str)]) -> Option<(Ran, String)> {
    let runner = Runner::with(program)?;
    let repository = repository();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@acme.example"]).args(arguments);
        Ran::of(command.current_dir(&repository), "").went_well().trim().to_owned()
    };
    git(&["switch", "--quiet", "--create", "change/policies", "main"]);
    for (path, text) in files {
        let file = repository.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
    }
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "-m", "Change"]);
    git(&["switch", "--quiet", "main"]);
    git(&["commit", "--quiet", "--allow-empty", "-m", "Go on"]);
    let base = git(&["rev-parse", "HEAD"]);
    git(&["merge", "--quiet", "--no-ff", "-m", "Merge", "change/policies"]);
    git(&["update-ref", "refs/pull/7/merge", "HEAD"]);
    git(&["reset", "--quiet", "--hard", &base]);
    let site = Site {
        repository: repository.path().to_str().unwrap(),
        api: "http://127.0.0.1:9",
        token: "ghs_s3cret",
    };
    let event = payload(json!({"action": "opened", "number": 7, "pull_request": {"number": 7}}));
    Some((runner.run(&site, "change-policies.yml", "pull_request", &event), base))
}

#[test]
fn a_change_of_policies_is_tried_and_nothing_else_is() {
    for (code, ends) in [(0, 0), (1, 1), (2, 1)] {
        let stub = Stub::ending(code);
        let files = [("policies/rules/odd/odd.rego", "# changed\n")];
        let Some((ran, base)) = tried(&stub.program(), &files) else { return };
        stub.beside(ran)
            .ended(ends, &[&format!("called: test --against {base} --event /"), "event.json"]);
    }
    let stub = Stub::ending(1);
    let files = [("requests/CHG-1.yaml", "# changed\n")];
    let Some((ran, _)) = tried(&stub.program(), &files) else { return };
    let ran = stub.beside(ran);
    ran.ended(0, &["no policies are changed", "Job succeeded"]);
    assert!(!ran.stdout.contains("called:"), "{ran:?}");
}

#[test]
fn a_trial_shows_what_policies_would_do() {
    let odd = "package changegate.rules.odd\n\n# METADATA\n# title: Odd\n# description: It is odd.\n\
               # custom:\n#   code: odd/odd\n#   effect: deny\n#   help: make it even\n\
               findings contains {\"code\": \"odd/odd\", \"effect\": \"deny\", \"message\": \"odd\"}\n";
    let test = |count: u8| {
        let tests = "package changegate.rules.odd_test\n\nimport data.changegate.rules.odd\n";
        format!("{tests}\ntest_odd if count(odd.findings) == {count}\n")
    };
    for (count, ends, said) in [(1, 0, "odd/odd"), (2, 1, "odd_test.test_odd")] {
        let Some((github, runner)) = github() else { return };
        let path = "policies/rules/odd/odd";
        let (rule, tests) = (format!("{path}.rego"), format!("{path}_test.rego"));
        let files = [(rule.as_str(), odd), (tests.as_str(), &test(count))];
        let head = github.commit("carol", "change/odd", &files, "Change");
        let pull = github.open_pull("carol", "change/odd", "main");
        let merge = github.write(&NewCommit {
            parents: vec![github.tip("main").unwrap(), head],
            author: person("carol"),
            files: texts(&files),
            message: "Merge".to_owned(),
            committer: None,
        });
        let (merge, name) = (merge.parse().unwrap(), format!("refs/pull/{pull}/merge"));
        github.with(|state| state.ops().point(&name, Some(merge)));
        let event = json!({"action": "opened", "number": pull, "pull_request": {"number": pull}});
        let ran = run_on(&github, &runner, "change-policies.yml", "pull_request", &payload(event));
        ran.ended(ends, &[said]);
    }
}

#[test]
fn whoever_changes_policies_gets_no_rights_by_it() {
    let trial = &data(&root().join(".github/workflows/change-policies.yml"));
    assert_eq!(trial["permissions"], json!({}));
    let reading = json!({"contents": "read", "pull-requests": "read"});
    assert_eq!(trial["jobs"]["trial"]["permissions"], reading);
    // A required check has to complete on each pull request, and in a merge queue.
    assert_eq!(trial["on"], json!({"pull_request": null, "merge_group": null}));
    let expressions = trial["jobs"].to_string();
    assert!(!expressions.contains("secrets.") && !expressions.contains("cache"), "{expressions}");
}

/// Record 67: what a pull request says of itself goes into the summary as it is, and decides nothing.
#[test]
fn a_trial_on_the_record_is_shown_and_nothing_more() {
    let workflow = data(&root().join(".github/workflows/change-policies.yml"));
    let steps = workflow["jobs"]["trial"]["steps"].as_array().unwrap();
    let step_with = |command: &str| {
        let runs = |step: &&Value| step["run"].as_str().is_some_and(|run| run.contains(command));
        let step = steps.iter().find(runs).unwrap();
        let condition = step["if"].as_str().unwrap();
        assert!(condition.contains("github.event_name == 'pull_request'"), "{condition}");
        step
    };
    step_with("changegate freeze preview");
    let step = step_with("changegate audit replay");
    for (code, is_recorded) in [(0, true), (1, true), (2, true), (0, false)] {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=x", "-c", "user.email=x@acme.example"]).args(arguments);
            Ran::of(command.current_dir(&folder), "").went_well();
        };
        git(&["init", "--quiet"]);
        git(&["commit", "--quiet", "--allow-empty", "-m", "Begin"]);
        if is_recorded {
            git(&["update-ref", "refs/remotes/origin/audit/ledger", "HEAD"]);
        }
        let program = folder.path().join("changegate");
        let script =
            format!("#!/bin/sh\nprintf '%s\\n' \"$*\" '```' '# Approved' >&2\nexit {code}\n");
        fs::write(&program, script).unwrap();
        make_executable(&program);
        let mut command = Command::new("bash");
        command
            .args(["-e", "-c", step["run"].as_str().unwrap()])
            .current_dir(&folder)
            .env("NUMBER", "7")
            .env("PATH", format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap()))
            .env("GITHUB_STEP_SUMMARY", folder.path().join("summary"));
        Ran::of(&mut command, "").went_well();
        let summary = fs::read_to_string(folder.path().join("summary"));
        assert_eq!(summary.is_ok(), is_recorded);
        let Ok(summary) = summary else { continue };
        let (title, rest) = summary.split_once("\n\n").unwrap();
        assert_eq!(title, "### What these policies would have decided");
        assert_eq!(rest, "    audit replay --pr 7\n    ```\n    # Approved\n");
    }
}

#[test]
fn no_workflow_downloads_the_ledger() {
    for path in files_below(".github/workflows", ".yml") {
        let workflow = data(&path);
        let text = workflow.to_string();
        // All branches and tags, which hold the ledger and its evidence.
        assert!(!text.contains("fetch-depth"), "{}", path.display());
        for script in scripts(&workflow).iter().filter(|script| script.contains("git fetch")) {
            let is_without =
                script.contains("--no-tags") && script.contains("'^refs/heads/audit/*'");
            assert!(is_without, "{}: {script}", path.display());
        }
    }
}

#[test]
fn newer_time_zones_are_said_and_fail_nothing() {
    let workflow = data(&root().join(".github/workflows/advisories.yml"));
    let script = workflow["jobs"]["time-zones"]["steps"][1]["run"].as_str().unwrap();
    let text = fs::read_to_string(root().join(".ci/requirements.txt")).unwrap();
    let pinned = text.lines().find_map(|line| line.strip_prefix("tzdata==")).unwrap();
    let pinned = pinned.split(' ').next().unwrap();
    for (answer, said) in [
        (format!("echo 'tzdata ({pinned})'"), String::new()),
        (
            "echo 'tzdata (2199.1)'; echo 'Available versions: 2199.1, 2026.6'".to_owned(),
            format!(
                "::warning title=time zones::tzdata 2199.1 is out, and {pinned} is compiled in"
            ),
        ),
        ("exit 1".to_owned(), "::warning title=time zones::PyPI doesn't say".to_owned()),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("python3"), format!("#!/bin/sh\n{answer}\n")).unwrap();
        make_executable(&dir.path().join("python3"));
        let mut command = Command::new("bash");
        command.args(["-eo", "pipefail", "-c", script]).current_dir(root());
        command.env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()));
        let ran = Ran::of(&mut command, "");
        ran.ended(0, &[]);
        assert!(
            ran.stdout.starts_with(&said) && ran.stdout.is_empty() == said.is_empty(),
            "{ran:?}"
        );
    }
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

/// What `cksum` says of a line.
fn cksum(line: &str) -> String {
    Ran::of(&mut Command::new("cksum"), &format!("{line}\n")).went_well().trim().to_owned()
}

#[test]
fn a_comment_is_taken_from_the_event_and_answered() {
    let comment = |body: &str| {
        let issue = json!({"number": 7, "pull_request": {"url": "x"}});
        payload(json!({"action": "created", "issue": issue, "comment": {"id": 9, "body": body}}))
    };
    let run_for = |code, event, payload: &Value| run(code, "change-record.yml", event, payload);
    for (code, ends) in [(0, 0), (1, 0), (2, 1)] {
        let asked = comment("/changegate cancel --reason \"$(id)\"");
        let Some(ran) = run_for(code, "issue_comment", &asked) else { return };
        ran.ended(ends, &["called: comment --event /", "on: main"]);
    }
    let by_hand = payload(json!({"inputs": {"command": "incident resolve INC-001"}}));
    for (code, ends) in [(0, 0), (1, 1)] {
        let Some(ran) = run_for(code, "workflow_dispatch", &by_hand) else { return };
        ran.ended(ends, &["called: comment --event /"]);
    }
    let Some(ran) = run_for(0, "issue_comment", &comment("thank you")) else { return };
    assert!(ran.code == 0 && !ran.stdout.contains("called:"), "{ran:?}");
}

#[test]
fn the_action_that_executes_takes_no_input_for_an_option() {
    let stub = Stub::ending(7);
    let script = root().join(".github/actions/exec/exec.sh");
    let run = |changes: &[(&str, &str)]| {
        let mut command = Command::new("bash");
        let path = format!("{}:{}", stub.dir.path().display(), std::env::var("PATH").unwrap());
        command.arg(&script).current_dir(&stub.dir).env("PATH", path);
        for (name, value) in [
            ("CHANGE", "CHG-7"),
            ("COMMAND_FILE", "changegate"),
            ("REPOSITORY", "acme/ops"),
            ("STEP", ""),
            ("WAIT", ""),
            ("ROLLBACK", "false"),
            ("IF_NOT_DONE", "false"),
        ] {
            command.env(name, value);
        }
        Ran::of(command.envs(changes.iter().copied()), "")
    };
    run(&[]).ended(7, &["called: exec CHG-7 --repo=acme/ops -- bash changegate\n"]);
    run(&[("STEP", "2"), ("WAIT", "30m"), ("ROLLBACK", "true"), ("IF_NOT_DONE", "true")]).ended(
        7,
        &["called: exec CHG-7 --repo=acme/ops --step=2 --wait=30m --rollback --if-not-done -- bash"],
    );
    for (name, value, said) in [
        ("CHANGE", "--help", "is not a change's id"),
        ("CHANGE", "", "is not a change's id"),
        ("COMMAND_FILE", "nowhere.sh", "is not a file in the workspace"),
    ] {
        run(&[(name, value)]).ended(202, &[said]);
    }
    run(&[("REPOSITORY", "--help")]).ended(7, &["called: exec CHG-7 --repo=--help -- bash"]);
}
