//! The program from outside: exit codes, streams, wrong input of every kind.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

use crate::plumbing::boundless;

pub const NOW: &str = "2026-11-23T10:00:00Z";

/// The program, in a folder.
pub fn changegate(dir: &Path) -> Command {
    let mut command = Command::cargo_bin("changegate").unwrap();
    command.current_dir(dir).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Outcome {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run(dir: &Path, arguments: &[&str]) -> Outcome {
    let output = changegate(dir).args(arguments).output().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with one request that is approved (CHG-1) or otherwise as `change` makes it.
fn folder_with(change: impl Fn(String) -> String) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let sample = fs::read_to_string(repository().join("requests/CHG-1203.yaml")).unwrap();
    let request = change(sample.replace("CHG-1203", "CHG-1"));
    fs::create_dir(dir.path().join("requests")).unwrap();
    fs::write(dir.path().join("requests/CHG-1.yaml"), request).unwrap();
    dir
}

#[test]
fn exit_codes_say_the_strongest_verdict() {
    let approved = folder_with(|request| request);
    assert_eq!(run(approved.path(), &["check", "--now", NOW]).code, 0);

    let denied = folder_with(|request| request.replace("summary:", "summery:"));
    assert_eq!(run(denied.path(), &["check", "--now", NOW]).code, 1);

    let pending = run(repository(), &["check", "--now", NOW, "requests/CHG-1222.yaml"]);
    assert_eq!(pending.code, 3);

    let mixed = run(
        repository(),
        &["check", "--now", NOW, "requests/CHG-1222.yaml", "requests/CHG-1203.yaml"],
    );
    assert_eq!(mixed.code, 3);
    assert!(
        mixed.stdout.ends_with("1 approved; by the policies in policies\n"),
        "{}",
        mixed.stdout
    );
}

#[test]
fn what_could_not_be_decided_is_two_with_one_message() {
    let empty = tempfile::tempdir().unwrap();
    fs::create_dir(empty.path().join("requests")).unwrap();
    fs::create_dir(empty.path().join("rules")).unwrap();
    fs::write(empty.path().join("bad-evidence.yaml"), "pull_requests: {}\n").unwrap();
    fs::write(empty.path().join("CHG-1.yaml"), "id: CHG-1\n").unwrap();
    for (arguments, message) in [
        (&["check", "nowhere"][..], "there is no file nowhere"),
        (&["check"], "no request files below requests"),
        (&["check", "--policies", "nowhere", "CHG-1.yaml"], "nowhere"),
        (&["check", "--policies", "rules", "CHG-1.yaml"], "rules contains no policies"),
        (&["check", "--evidence", "nowhere.yaml", "CHG-1.yaml"], "there is no file nowhere.yaml"),
        (
            &["check", "--evidence", "bad-evidence.yaml", "CHG-1.yaml"],
            "did you mean `pull_request`?",
        ),
        (&["check", "--now", "yesterday"], "is not a time"),
        (&["check", "--format", "xml"], "possible values: text, json"),
        (&["explain", "window/close"], "window/closed"),
        (&["schema", "change-requests"], "change-request"),
        (&["window", "--duration", "an hour"], "is not a duration"),
        (&["frobnicate"], "unrecognized subcommand"),
        (&["audt"], "a similar subcommand exists: 'audit'"),
        (&[], "Usage"),
    ] {
        let outcome = run(empty.path(), arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{arguments:?}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
}

#[test]
fn the_policies_pass_their_own_tests() {
    let outcome = run(repository(), &["test"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    let failing = tempfile::tempdir().unwrap();
    copy_folder(&repository().join("policies"), &failing.path().join("policies"));
    let test = "package odd_test\n\ntest_odd if 1 + 1 == 3\n";
    fs::write(failing.path().join("policies/odd_test.rego"), test).unwrap();
    let outcome = run(failing.path(), &["test", "odd"]);
    assert_eq!(outcome.code, 1, "{}{}", outcome.stdout, outcome.stderr);
    for part in ["odd_test.test_odd", "policies/odd_test.rego:3", "left   2", "right  3"] {
        assert!(outcome.stdout.contains(part), "{}", outcome.stdout);
    }
}

#[test]
fn policies_that_cannot_be_bounded_beforehand_hit_a_bound() {
    let dir = folder_with(|request| request);
    copy_folder(&repository().join("policies"), &dir.path().join("policies"));
    fs::create_dir(dir.path().join("policies/rules/odd")).unwrap();
    let rule = |body: &str| {
        let finding =
            "findings contains {\"code\": \"odd/odd\", \"effect\": \"deny\", \"message\": \"odd\"}";
        format!("package changegate.rules.odd\n\n{body}\n\n{finding} if count(last) > 3\n")
    };
    let doubled: String =
        (0..40).map(|n| format!("x{} := concat(\"\", [x{n}, x{n}])\n", n + 1)).collect();
    let loops: String = (0..9).map(|n| format!("some v{n} in digits; ")).collect();
    for body in [
        format!("x0 := \"0123456789abcdef\"\n{doubled}\nlast := x40"),
        format!(
            "digits := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n\nlast := [1 | {}]",
            loops.trim_end_matches("; ")
        ),
    ] {
        fs::write(dir.path().join("policies/rules/odd/odd.rego"), rule(&body)).unwrap();
        let outcome = run(dir.path(), &["check", "--now", NOW]);
        assert_eq!(outcome.code, 2, "{}{}", outcome.stdout, outcome.stderr);
        // Which bound is hit first is up to the machine.
        let said = ["takes too long", "exceeded a bound"]
            .iter()
            .any(|bound| outcome.stderr.contains(bound));
        assert!(said, "{}", outcome.stderr);
    }
}

#[test]
fn a_file_for_which_policies_exceed_a_bound_leaves_the_others_judged() {
    let dir = folder_with(|request| request);
    let first = fs::read_to_string(dir.path().join("requests/CHG-1.yaml")).unwrap();
    fs::write(dir.path().join("requests/CHG-2.yaml"), first.replace("CHG-1", "CHG-2")).unwrap();
    copy_folder(&repository().join("policies"), &dir.path().join("policies"));
    fs::create_dir(dir.path().join("policies/rules/boundless")).unwrap();
    let rule = dir.path().join("policies/rules/boundless/boundless.rego");
    fs::write(rule, boundless("CHG-1")).unwrap();
    let outcome = run(dir.path(), &["check", "--now", NOW]);
    assert_eq!(outcome.code, 2, "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.contains("requests/CHG-2.yaml  approved"), "{}", outcome.stdout);
    // Which of the two bounds is met first is the machine's.
    let bounds = ["the policies exceeded a bound", "evaluating takes too long"];
    let is_said = |bound: &&str| {
        outcome.stderr.contains(&format!("error: decide requests/CHG-1.yaml: {bound}"))
    };
    assert!(bounds.iter().any(is_said), "{}", outcome.stderr);
}

#[test]
fn a_file_that_cannot_be_decided_makes_two_of_the_whole_run() {
    let dir = folder_with(|request| request);
    let outcome = run(dir.path(), &["check", "--now", NOW, "requests/CHG-1.yaml"]);
    assert_eq!(outcome.code, 0);
    // A bundle whose rules conflict decides nothing.
    copy_folder(&repository().join("policies"), &dir.path().join("policies"));
    let rule = "package changegate.rules.odd\n\nfindings contains {\"code\": \"odd/odd\", \"effect\": \"deny\", \
                \"message\": odd} if input.request.id == \"CHG-1\"\n\nodd := \"a\"\n\nodd := \"b\"\n";
    fs::create_dir(dir.path().join("policies/rules/odd")).unwrap();
    fs::write(dir.path().join("policies/rules/odd/odd.rego"), rule).unwrap();
    let outcome = run(dir.path(), &["check", "--now", NOW]);
    assert_eq!(outcome.code, 2, "{}", outcome.stdout);
    assert!(outcome.stderr.contains("policies/rules/odd/odd.rego"), "{}", outcome.stderr);
}

#[test]
fn output_is_the_same_bytes_each_time_and_without_colour_off_a_terminal() {
    for format in ["text", "json", "markdown", "github", "sarif"] {
        let arguments = ["check", "--now", NOW, "--format", format];
        let first = run(repository(), &arguments).stdout;
        assert!(!first.contains('\u{1b}'), "{format}");
        assert_eq!(first, run(repository(), &arguments).stdout, "{format}");
    }
}

#[test]
fn the_flag_is_stronger_than_the_environment_about_colour() {
    let is_coloured = |flag: &[&str], environment: &[(&str, &str)]| {
        let mut command = changegate(repository());
        command.args(["check", "requests/CHG-1203.yaml", "--now", NOW]).args(flag);
        let output = command.envs(environment.iter().copied()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    let (off, on) = (("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"));
    assert!(is_coloured(&["--color", "always"], &[off]));
    assert!(!is_coloured(&["--color", "never"], &[on]));
    assert!(!is_coloured(&["--color", "auto"], &[]));
    assert!(is_coloured(&[], &[on, ("TERM", "dumb")]));
    assert!(!is_coloured(&[], &[on, off]));
    assert!(is_coloured(&[], &[on, ("NO_COLOR", "")]));
}

#[test]
fn json_validates_against_its_schema() {
    let schema = run(repository(), &["schema", "decision"]).stdout;
    let schema = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let dir = folder_with(|request| request.replace("summary:", "summery:"));
    for outcome in [
        run(repository(), &["check", "--all", "--now", NOW, "--format", "json"]),
        run(dir.path(), &["check", "--now", NOW, "--format", "json"]),
    ] {
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert!(!report["decisions"].as_array().unwrap().is_empty());
    }
}

#[test]
fn requests_of_one_run_know_of_each_other() {
    let dir = folder_with(|request| request);
    let other = fs::read_to_string(dir.path().join("requests/CHG-1.yaml")).unwrap();
    fs::write(dir.path().join("requests/CHG-2.yaml"), other.replace("CHG-1", "CHG-2")).unwrap();
    fs::create_dir(dir.path().join("requests/again")).unwrap();
    fs::write(dir.path().join("requests/again/CHG-1.yaml"), &other).unwrap();
    let outcome = run(dir.path(), &["check", "--now", NOW, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let codes = |path: &str| -> Vec<String> {
        let decisions = report["decisions"].as_array().unwrap();
        let decision = decisions.iter().find(|decision| decision["path"] == path).unwrap();
        let findings = decision["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    assert!(codes("requests/CHG-1.yaml").contains(&"request/duplicate-id".to_owned()));
    assert!(codes("requests/CHG-2.yaml").contains(&"conflict/overlap".to_owned()));
    assert!(!codes("requests/CHG-2.yaml").contains(&"request/duplicate-id".to_owned()));
}

#[cfg(unix)]
#[test]
fn symlinks_are_neither_followed_nor_ignored() {
    let dir = folder_with(|request| request);
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("requests/CHG-2.yaml")).unwrap();
    std::os::unix::fs::symlink("/etc", dir.path().join("requests/etc")).unwrap();
    let outcome = run(dir.path(), &["check", "--now", NOW]);
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.stdout.matches("request/no-file]").count(), 2, "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("root:"));
}

#[test]
fn evidence_makes_approvals_count() {
    let dir = tempfile::tempdir().unwrap();
    let evidence = |state: &str| {
        format!(
            "pull_request:\n  author: frank\n  head: abc\n  submitted_at: 2026-11-23T08:00:00Z\n  \
             contributors: [{{login: frank, as: [author]}}]\nreviews:\n  - {{id: \"1\", user: carol, \
             state: {state}, commit: abc, submitted_at: 2026-11-23T09:00:00Z}}\n"
        )
    };
    let path = dir.path().join("evidence.yaml");
    for (state, code) in [("APPROVED", 0), ("COMMENTED", 3), ("CHANGES_REQUESTED", 1)] {
        fs::write(&path, evidence(state)).unwrap();
        let path = path.to_str().unwrap();
        let arguments = ["check", "requests/CHG-1222.yaml", "--now", NOW, "--evidence", path];
        let outcome = run(repository(), &arguments);
        assert_eq!(outcome.code, code, "{state}: {}", outcome.stdout);
    }
}

#[test]
fn a_change_of_policies_is_judged_by_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evidence.yaml");
    let evidence = "pull_request:\n  author: alice\n  head: abc\n  submitted_at: 2026-11-23T08:00:00Z\n  \
                    contributors: [{login: alice, as: [author]}]\n  files: [policies/org/roster/data.yaml]\n";
    fs::write(&path, evidence).unwrap();
    let arguments = ["check", "--now", NOW, "--evidence", path.to_str().unwrap()];
    let outcome = run(repository(), &arguments);
    assert_eq!(outcome.code, 3, "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.contains("L3"), "{}", outcome.stdout);
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_version_names_the_commit_that_was_built() {
    let dir = tempfile::tempdir().unwrap();
    let said = run(dir.path(), &["--version"]).stdout;
    let mut lines = said.lines();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(lines.next(), Some(format!("changegate {version}").as_str()), "{said}");
    let commit = option_env!("CHANGEGATE_COMMIT").map(|commit| format!("commit {commit}"));
    assert_eq!(lines.find(|line| line.starts_with("commit ")), commit.as_deref(), "{said}");
    assert_eq!(run(dir.path(), &["check", "--version"]).code, 0);
}
