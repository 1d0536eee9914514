//! What `check` judges: files, folders, ids, standard input, and nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::cli::{NOW, copy_folder, repository};
use crate::plumbing::hub::program;
use crate::plumbing::ran::Ran;

/// An approved request.
fn request() -> String {
    fs::read_to_string(repository().join("requests/CHG-1203.yaml")).unwrap()
}

/// A repository of Git with the sample policies and one request.
fn place() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "--quiet"]);
    copy_folder(&repository().join("policies"), &dir.path().join("policies"));
    put(dir.path(), "requests/CHG-1203.yaml", &request());
    dir
}

fn git(dir: &Path, arguments: &[&str]) {
    Ran::of(Command::new("git").args(arguments).current_dir(dir), "").went_well();
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn check(dir: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new(program());
    command.args(["check", "--now", NOW]).args(arguments).current_dir(dir);
    Ran::of(&mut command, input)
}

#[test]
fn a_request_is_named_by_its_id_from_anywhere() {
    let place = place();
    let team = place.path().join("requests/team");
    put(place.path(), "requests/team/CHG-7.yaml", &request().replace("CHG-1203", "CHG-7"));
    check(place.path(), &["CHG-7"], "").ended(0, &["requests/team/CHG-7.yaml  approved"]);
    check(place.path(), &["CHG-7", "CHG-1203"], "").ended(0, &["2 requests: 2 approved"]);
    check(&team, &["CHG-1203"], "").ended(0, &["requests/CHG-1203.yaml  approved"]);
    check(place.path(), &["CHG-9"], "").failed(&[
        "there is no file CHG-9.yaml below requests",
        "`changegate check --branch CHG-9`",
    ]);
    check(place.path(), &["CHG-9.yaml"], "").failed(&["there is no file CHG-9.yaml"]);
}

#[test]
fn a_request_is_read_from_standard_input() {
    let place = place();
    check(place.path(), &["-"], &request()).ended(0, &["requests/CHG-1203.yaml  approved"]);
    let denied = request().replace("summary:", "summery:");
    check(place.path(), &["-"], &denied).ended(1, &["requests/CHG-1203.yaml:", "did you mean"]);
    check(place.path(), &["-"], "a: [").ended(1, &["stdin.yaml  DENIED"]);
    check(place.path(), &["-"], "").ended(1, &["stdin.yaml  DENIED"]);
    // The others of the run are known to it.
    let twin = ["-", "requests"];
    check(place.path(), &twin, &request().replace("CHG-1203", "CHG-7"))
        .ended(0, &["conflict/overlap"]);
}

#[test]
fn what_is_no_regular_file_is_refused_by_its_type() {
    let place = place();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let mut make = Command::new("mkfifo");
    Ran::of(make.args([path("requests/CHG-2.yaml"), path("pipe")]), "").went_well();
    std::os::unix::fs::symlink("CHG-1203.yaml", path("requests/CHG-3.yaml")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path("socket.yaml")).unwrap();
    for name in ["requests/CHG-2.yaml", "pipe", "requests/CHG-3.yaml", "socket.yaml", "/dev/zero"] {
        check(place.path(), &[name], "").ended(1, &["error[request/no-file]"]);
    }
    check(place.path(), &["requests"], "").ended(1, &["3 requests: 2 denied, 1 approved"]);
    let evidence = ["--evidence", "/dev/zero", "CHG-1203"];
    check(place.path(), &evidence, "").failed(&["/dev/zero is not a regular file"]);
}

/// Nothing that a person names is waited for, or told of in the system's words.
#[test]
fn what_is_named_is_read_or_plainly_refused() {
    let place = place();
    let mut make = Command::new("mkfifo");
    Ran::of(make.current_dir(&place).args(["pipe", "pipe.pub"]), "").went_well();
    put(place.path(), "folder/x", "x");
    let run = |arguments: &[&str]| {
        let mut command = Command::new("timeout");
        command.arg("20").arg(program()).args(arguments).current_dir(place.path());
        Ran::of(command.env("GITHUB_EVENT_NAME", "push").env("GITHUB_TOKEN", "x"), "")
    };
    let new = ["new", "--action", "pull-logs:checkout-web", "--from"];
    for arguments in [
        &["check", "CHG-1203", "--evidence"][..],
        &["check", "--repo", "acme/ops", "--event"],
        &["form", "--event"],
        &new,
    ] {
        for (named, why) in [
            ("pipe", "pipe is not a regular file"),
            ("/dev/zero", "/dev/zero is not a regular file"),
            ("folder", "folder is a folder"),
            ("nope.yaml", "there is no file nope.yaml"),
            ("folder/x/y", "there is no file folder/x/y"),
        ] {
            let ran = run(&[arguments, &[named]].concat());
            ran.failed(&[why]);
            assert!(!ran.stderr.contains("os error"), "{ran:?}");
        }
    }
    for (arguments, why) in [
        (&["check", "nope.yaml"][..], "there is no file nope.yaml"),
        (&["check", "nope/"], "there is no file nope/"),
        (&["check", "--policies", "nope"], "there is no folder nope"),
        (&["test", "--policies", "pipe"], "pipe is not a folder"),
        (&["init", "--person", "alice,key=pipe"], "pipe.pub is not a regular file"),
    ] {
        let ran = run(arguments);
        ran.failed(&[why]);
        assert!(!ran.stderr.contains("os error"), "{ran:?}");
    }
}

#[test]
fn what_a_shell_passes_in_is_read() {
    let place = place();
    put(place.path(), "evidence.yaml", "reviews: []\n");
    let program = program();
    let check = format!("'{}' check --now {NOW} CHG-1203 --evidence", program.display());
    for script in [
        format!("{check} <(cat evidence.yaml)"),
        format!("cat evidence.yaml | {check} /dev/stdin"),
        format!("{check} /dev/stdin < evidence.yaml"),
    ] {
        let mut bash = Command::new("bash");
        Ran::of(bash.args(["-c", &script]).current_dir(&place), "").ended(0, &["approved"]);
    }
}

/// One definition of what lies below requests/, from wherever it is looked at.
#[test]
fn a_hidden_folder_hides_no_request() {
    let place = place();
    put(place.path(), "requests/.x/CHG-7.yaml", &request().replace("CHG-1203", "CHG-7"));
    let seen = "requests/.x/CHG-7.yaml  approved";
    for (from, argument) in
        [(".", "requests"), (".", "."), ("requests", "."), ("requests/.x", "..")]
    {
        let ran = check(&place.path().join(from), &[argument], "");
        assert!(ran.stdout.contains(seen), "{from} {argument}: {}", ran.stdout);
    }
    check(&place.path().join("requests"), &[], "").ended(0, &[seen]);
    check(place.path(), &["CHG-7"], "").ended(0, &["requests/.x/CHG-7.yaml  approved"]);
    // A repository below a folder of that name.
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("requests/ops");
    copy_folder(place.path(), &inner);
    let ran = check(&inner, &["."], "");
    assert!(ran.stdout.contains(seen) && !ran.stdout.contains(".git/"), "{}", ran.stdout);
    // What can't be submitted isn't approved.
    put(place.path(), "requests/.gitx/CHG-8.yaml", &request().replace("CHG-1203", "CHG-8"));
    check(place.path(), &["CHG-8"], "").ended(1, &["request/path"]);
}

#[test]
fn a_walk_passes_over_what_is_hidden_or_ignored_but_hides_no_request() {
    let place = place();
    put(place.path(), ".gitignore", "target/\nrequests/\n*.bak\n");
    for path in [".hidden/a.yaml", "target/b.yaml", "requests/.old/CHG-8.yaml", "x.bak"] {
        put(place.path(), path, "a: 1\n");
    }
    let ran = check(place.path(), &["."], "");
    for part in [".git/", ".hidden", "target", "x.bak"] {
        assert!(!ran.stdout.contains(&format!("\n{part}")), "{part}: {}", ran.stdout);
    }
    for part in ["requests/CHG-1203.yaml  approved", "requests/.old/CHG-8.yaml  DENIED"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    check(place.path(), &[".hidden"], "").ended(1, &[".hidden/a.yaml  DENIED"]);
}

#[test]
fn without_requests_the_policies_are_judged() {
    let place = place();
    fs::remove_dir_all(place.path().join("requests")).unwrap();
    check(place.path(), &[], "").ended(0, &["no requests yet", "`changegate new`"]);
    let json = check(place.path(), &["--format", "json"], "");
    assert_eq!(json.went_well().split_whitespace().collect::<String>(), "{\"decisions\":[]}");
    check(place.path(), &["drafts"], "").failed(&["there is no file drafts"]);
    put(
        place.path(),
        "policies/rules/odd/odd.rego",
        "package changegate.rules.odd\n\nfindings contains\n",
    );
    check(place.path(), &[], "").failed(&["the policies can't be used", "odd.rego"]);
}

#[test]
fn a_text_may_start_with_a_dash() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = [
        "new",
        "--now",
        NOW,
        "--policies",
        "shipped",
        "--requester",
        "alice",
        "--action",
        "pull-logs:checkout-web",
        "--summary",
        "- pull the logs",
        "--reason",
        "-5 % of carts lost",
        "--users",
        "-",
        "--operations",
        "--none--",
        "--service",
        "checkout",
        "--output",
        "-",
    ];
    let mut command = Command::new(program());
    let policies = repository().join("policies");
    let arguments = arguments.map(|argument| match argument {
        "shipped" => policies.to_str().unwrap(),
        argument => argument,
    });
    let ran = Ran::of(command.args(arguments).current_dir(&dir), "");
    for part in ["- pull the logs", "-5 % of carts lost", "--none--"] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
}
