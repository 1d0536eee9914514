use super::*;
use crate::core::yaml;
use crate::forge::github::doctor::Grade;

const PINNED: &str = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1";

fn file(name: &str, text: &str) -> WorkflowFile {
    let reading = yaml::parse(text.as_bytes()).read::<Value>();
    assert_eq!(reading.problems, []);
    let path = format!(".github/workflows/{name}.yml");
    WorkflowFile { path, content: Ok(reading.value.unwrap()) }
}

/// Returns the findings with one code in a workflow that isn't one of those that judge.
#[track_caller]
fn found(code: &str, text: &str) -> Vec<(Grade, String)> {
    let checks = examine(&[file("some", text)], Mode::Action, "acme");
    let checks = checks.into_iter().filter(|check| check.code == code);
    checks.map(|check| (check.grade, check.found)).collect()
}

#[track_caller]
fn comes_out(code: &str, text: &str, grade: Grade) {
    let found = found(code, text);
    assert!(!found.is_empty(), "{code} wasn't checked: {text}");
    assert!(found.iter().all(|(found, _)| *found == grade), "{text}\n{found:?}");
}

#[test]
fn what_judges_has_to_be_there_where_workflows_judge() {
    let files = [file("change-check", "on: push"), file("sweep", "on: push")];
    let grade = |mode| present(&files, mode).iter().map(|check| check.grade).collect::<Vec<_>>();
    assert_eq!(grade(Mode::Action), [Grade::Bad, Grade::Advice, Grade::Advice]);
    assert_eq!(grade(Mode::App(1)), [Grade::Advice; 3]);
    assert!(present(&files, Mode::Action)[0].found.contains("review-ping"));
}

#[test]
fn what_judges_runs_after_each_merge_and_push() {
    for (on, grade) in [
        ("{push: null, pull_request_target: {types: [opened, closed]}}", Grade::Good),
        ("{pull_request_target: {types: [opened, closed]}}", Grade::Bad),
        ("{push: null, pull_request_target: {types: [opened]}}", Grade::Bad),
        ("[push, pull_request_target]", Grade::Bad),
    ] {
        let check = examine(&[file("change-check", &format!("on: {on}"))], Mode::Action, "acme");
        let check = check.iter().find(|check| check.code == "workflows/triggers").unwrap();
        assert_eq!(check.grade, grade, "{on}");
    }
}

#[test]
fn a_job_that_judges_may_answer_and_no_more() {
    for (permissions, run, grade) in [
        (
            "{contents: read, statuses: write, pull-requests: write}",
            "changegate check",
            Grade::Good,
        ),
        ("{contents: read, statuses: write}", "./target/release/changegate sweep", Grade::Good),
        ("{}", "changegate check", Grade::Good),
        ("read-all", "changegate check", Grade::Good),
        ("{packages: write}", "changegate check", Grade::Bad),
        ("{id-token: write}", "x=1; (changegate check)", Grade::Bad),
        ("write-all", "changegate sweep", Grade::Bad),
        (
            "{contents: write, issues: write, pull-requests: read}",
            "changegate form --event x",
            Grade::Good,
        ),
        ("{contents: write, statuses: write}", "changegate form --event x", Grade::Bad),
        ("write-all", "cargo test", Grade::Good),
    ] {
        let job = format!("{{permissions: {permissions}, steps: [{{run: '{run}'}}]}}");
        comes_out("workflows/permissions", &format!("jobs: {{a: {job}}}"), grade);
        let above =
            format!("permissions: {permissions}\njobs: {{a: {{steps: [{{run: '{run}'}}]}}}}");
        comes_out("workflows/permissions", &above, grade);
    }
    let none = "jobs: {a: {steps: [{uses: ./.github/actions/changegate}]}}";
    comes_out("workflows/permissions", none, Grade::Bad);
    let own =
        "permissions: write-all\njobs: {a: {permissions: {}, steps: [{run: changegate check}]}}";
    comes_out("workflows/permissions", own, Grade::Good);
}

#[test]
fn nobody_s_code_runs_with_a_token_that_can_write() {
    for (on, step, grade) in [
        ("pull_request_target", format!("{{uses: {PINNED}}}"), Grade::Good),
        (
            "[push, pull_request_target]",
            checkout("${{ github.event.pull_request.head.sha }}"),
            Grade::Bad,
        ),
        (
            "{pull_request_target: {types: [opened]}}",
            checkout("${{ github.head_ref }}"),
            Grade::Bad,
        ),
        ("workflow_run", checkout("${{ github.event.workflow_run.head_sha }}"), Grade::Bad),
        ("pull_request_target", checkout("refs/pull/1/head"), Grade::Bad),
        (
            "pull_request_target",
            checkout("${{ github.event.repository.default_branch }}"),
            Grade::Good,
        ),
        ("pull_request_target", checkout("${{ inputs.where }}"), Grade::Advice),
        ("pull_request_target", checkout("main"), Grade::Good),
        ("pull_request_target", "{run: gh pr checkout 7}".to_owned(), Grade::Bad),
        ("pull_request", checkout("${{ github.head_ref }}"), Grade::Good),
    ] {
        let text = format!("on: {on}\njobs: {{a: {{steps: [{step}]}}}}");
        comes_out("workflows/checkout", &text, grade);
    }
}

fn checkout(at: &str) -> String {
    format!("{{uses: {PINNED}, with: {{ref: '{at}'}}}}")
}

#[test]
fn actions_of_others_are_pinned() {
    for (uses, grade) in [
        (PINNED, Grade::Good),
        ("./.github/actions/some", Grade::Good),
        ("Acme/tools/lint@main", Grade::Good),
        ("actions/checkout@v4", Grade::Advice),
        ("other/changegate@v1", Grade::Bad),
        ("docker://alpine:3", Grade::Advice),
        ("docker://alpine@sha256:0123", Grade::Good),
    ] {
        let text = format!("jobs: {{a: {{steps: [{{uses: '{uses}'}}]}}}}");
        comes_out("workflows/pinned", &text, grade);
    }
    let whole = "jobs: {a: {uses: other/ci/.github/workflows/a.yml@main}}";
    comes_out("workflows/pinned", whole, Grade::Advice);
    let ours = "jobs: {a: {steps: [{uses: actions/checkout@v4}, {run: changegate check}]}}";
    comes_out("workflows/pinned", ours, Grade::Bad);
    let action = "runs: {using: composite, steps: [{uses: actions/cache@v4}]}";
    let mut action = file("some", action);
    action.path = ".github/actions/changegate/action.yml".to_owned();
    let checks = examine(&[action], Mode::Action, "acme");
    assert!(
        checks.iter().any(|check| check.code == "workflows/pinned" && check.grade == Grade::Bad)
    );
}

#[test]
fn what_can_t_be_read_is_said() {
    let path = ".github/workflows/odd.yml".to_owned();
    let file = WorkflowFile { path, content: Err("line 1: an anchor".to_owned()) };
    let checks = examine(&[file], Mode::Action, "acme");
    let unseen = checks.iter().find(|check| check.grade == Grade::Unseen).unwrap();
    assert!(unseen.found.contains("odd.yml"), "{unseen:?}");
    assert_eq!(unseen.why.as_deref(), Some("line 1: an anchor"));
}
