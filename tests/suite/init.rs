//! `init` on real repositories: what it writes, what it leaves alone, and the server's hook.

use std::fs;
use std::process::Command;

use self::place::{Place, Said};
use crate::cli::{changegate, repository};

mod github;
mod place;
mod upgrade;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33";

/// Four people who can sign everything, and a service.
const PEOPLE: [&str; 10] = [
    "--person",
    "alice,level=L1,email=alice@acme.example",
    "--person",
    "bob,level=L2,role=devops-lead,email=bob@acme.example,team=payments",
    "--person",
    "carol,level=L3,role=incident-commander,email=carol@acme.example",
    "--person",
    "dan,level=L3,email=dan@acme.example",
    "--service",
    "checkout=dan",
];

/// `init ops` with everybody.
fn init_with_people(place: &Place) -> Said {
    place.init(&[&["ops"], &PEOPLE[..]].concat())
}

#[test]
fn a_fresh_repository_is_ready() {
    let place = Place::with_clone();
    let said = init_with_people(&place);
    let text = said.went_well();
    for part in [
        "written       README.md, docs/changegate/ (3 files), policies/ (42 files), schemas/ (44 files)",
        "no `keys` for alice, bob, carol, dan",
        "git config gpg.format ssh",
        "git add README.md docs/changegate/ policies/ schemas/",
        "changegate new",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(!text.contains("nobody holds"), "{text}");
    let schema = "schemas/roster.schema.json";
    let shipped = fs::read_to_string(repository().join(schema)).unwrap();
    assert_eq!(place.read(&format!("ops/{schema}")), shipped);

    let ops = place.path("ops");
    let tests = changegate(&ops).arg("test").output().unwrap();
    assert_eq!(tests.status.code(), Some(0), "{tests:?}");
    let samples = place.path("ops/docs/changegate/samples");
    fs::create_dir(ops.join("requests")).unwrap();
    for (name, code) in [("CHG-sample-routine.yaml", 0), ("CHG-sample-off-script.yaml", 3)] {
        fs::copy(samples.join(name), ops.join("requests").join(name)).unwrap();
        let judged = changegate(&ops).args(["check", "-v", &format!("requests/{name}")]).output();
        let judged = Said::of(&judged.unwrap());
        assert_eq!(judged.code, code, "{judged:?}");
        // Nobody but the organisation announces its freezes.
        let text = judged.stdout.replace("warning[window/freeze-unannounced]", "");
        assert!(!text.contains("warning["), "{judged:?}");
    }
}

#[test]
fn without_flags_the_roster_holds_whoever_runs_it_and_no_level() {
    let place = Place::with_clone();
    let key = place.path("id.pub");
    fs::write(&key, format!("{KEY} alice@laptop\n")).unwrap();
    place.git(&["-C", "ops", "config", "gpg.format", "ssh"]);
    place.git(&["-C", "ops", "config", "user.signingkey", key.to_str().unwrap()]);
    let said = place.init(&["ops"]);
    assert!(said.went_well().contains("nobody holds L3"), "{said:?}");
    let roster = place.read("ops/policies/org/roster/data.yaml");
    let person =
        format!("\npeople:\n  alice:\n    emails: [alice@acme.example]\n    keys: [\"{KEY}\"]\n\n");
    assert!(roster.contains(&person), "{roster}");
    assert!(roster.ends_with("services:\n  ops:\n    owners: [alice]\n"), "{roster}");
    let tests = changegate(&place.path("ops")).arg("test").output().unwrap();
    assert_eq!(tests.status.code(), Some(0), "{tests:?}");
}

#[test]
fn a_second_run_changes_nothing() {
    let place = Place::with_clone();
    init_with_people(&place).went_well();
    let files = place.files("ops");
    for arguments in [&[][..], &["--force"], &PEOPLE] {
        let said = place.init(&[&["ops"], arguments].concat());
        let text = said.went_well();
        assert!(!text.contains("written") && !text.contains("kept"), "{text}");
        // Nobody has committed it yet.
        assert!(text.contains("git add README.md"), "{text}");
        assert_eq!(place.files("ops"), files);
    }
}

#[test]
fn data_are_kept_and_the_rest_is_unless_forced() {
    let place = Place::with_clone();
    init_with_people(&place).went_well();
    let matrix = "ops/policies/org/matrix/data.yaml";
    let shipped = place.read(matrix);
    let edited = shipped.replace("high: {L1: [L2, L3]", "high: {L1: [L3]");
    fs::write(place.path(matrix), &edited).unwrap();
    let roster = "ops/policies/org/roster/data.yaml";
    let grown = place.read(roster).replace("people:\n", "people:\n  erin: {level: L3}\n");
    fs::write(place.path(roster), &grown).unwrap();

    let guide = "ops/docs/changegate/README.md";
    let guide_as_shipped = place.read(guide);
    fs::write(place.path(guide), "Ours.\n").unwrap();

    let said = place.init(&["ops"]);
    let kept = "kept          docs/changegate/README.md  differs; --force overwrites it";
    assert!(said.went_well().contains(kept), "{said:?}");
    assert!(place.init(&["ops", "--dry-run", "--force"]).went_well().contains("would write"));
    assert_eq!(place.read(guide), "Ours.\n");

    place.init(&["ops", "--force"]).went_well();
    assert_eq!(place.read(guide), guide_as_shipped);
    assert_eq!((place.read(matrix), place.read(roster)), (edited, grown.clone()));
    let others = place.init(&[&["ops", "--force"], &PEOPLE[..]].concat());
    others.refused("there is a roster already");
    assert_eq!(place.read(roster), grown);
}

#[test]
fn line_breaks_of_a_checkout_are_no_difference() {
    let place = Place::with_clone();
    init_with_people(&place).went_well();
    for (path, bytes) in place.files("ops") {
        fs::write(path, String::from_utf8(bytes).unwrap().replace('\n', "\r\n")).unwrap();
    }
    let files = place.files("ops");
    assert!(!place.init(&["ops"]).went_well().contains("kept"));
    assert_eq!(place.files("ops"), files);
}

#[test]
fn a_dry_run_writes_nothing() {
    let place = Place::with_clone();
    let said = place.init(&["ops", "--dry-run"]);
    let text = said.went_well();
    assert!(text.contains("would write   policies/org/roster/data.yaml\n"), "{text}");
    assert!(text.contains("would write   README.md\n"), "{text}");
    assert!(place.files("ops").is_empty());
}

#[test]
fn the_readme_keeps_its_words_and_gets_one_section() {
    let place = Place::with_clone();
    // Written in lower case, with the line breaks of Windows.
    fs::write(place.path("ops/readme.md"), "# Ops\r\n\r\nOurs.\r\n").unwrap();
    place.init(&["ops"]).went_well();
    let once = place.read("ops/readme.md");
    assert!(once.starts_with("# Ops\r\n\r\nOurs.\r\n\r\n<!-- changegate:begin -->\r\n"), "{once}");
    assert_eq!(once.matches('\n').count(), once.matches("\r\n").count());
    assert!(!place.path("ops/README.md").exists());

    let older = once.replace("## Changing production", "## As it was called") + "\r\nMore.\r\n";
    fs::write(place.path("ops/readme.md"), &older).unwrap();
    assert!(place.init(&["ops"]).went_well().contains("written       readme.md\n"));
    assert_eq!(place.read("ops/readme.md"), once.clone() + "\r\nMore.\r\n");

    let broken = once.replace("<!-- changegate:end -->", "");
    fs::write(place.path("ops/readme.md"), &broken).unwrap();
    let said = place.init(&["ops"]);
    assert!(said.went_well().contains("kept          readme.md  the marks"), "{said:?}");
    assert_eq!(place.read("ops/readme.md"), broken);
}

#[test]
fn a_folder_that_is_no_work_tree_is_refused() {
    let place = Place::with_server();
    fs::create_dir(place.path("plain")).unwrap();
    place.init(&["plain"]).refused("plain is not a Git repository: run `git init` there first");
    place.init(&["ops.git"]).refused("`changegate init --hook ops.git`");
    place.init(&["nowhere"]).refused("there is no folder nowhere");
}

#[test]
fn a_roster_that_cannot_be_is_refused_before_anything_is_written() {
    let place = Place::with_clone();
    let alice = "alice,email=alice@acme.example";
    for (arguments, message) in [
        (&["--person", alice, "--service", "checkout=bob"][..], "bob owns the service checkout"),
        (&["--person", alice, "--person", "bob,email=alice@acme.example"], "which alice has too"),
        (&["--person", alice, "--person", "Alice"], "--person names alice twice"),
        (&["--person", "alice,key=nowhere"], "read the public key nowhere.pub"),
        (&["--person", "alice,level=L9"], "`L9` is not a level"),
        (&["--service", "checkout=bob"], "--person"),
    ] {
        place.init(&[&["ops"], arguments].concat()).refused(message);
    }
    fs::remove_file(place.path("home.gitconfig")).unwrap();
    place.init(&["ops"]).refused("name people with `--person");
    assert!(place.files("ops").is_empty());
}

#[test]
fn a_roster_that_cannot_be_read_is_left_to_its_owner() {
    let place = Place::with_clone();
    fs::create_dir_all(place.path("ops/policies/org/roster")).unwrap();
    let roster = place.path("ops/policies/org/roster/data.yaml");
    fs::write(&roster, "people:\n  alice: {levle: L1}\n").unwrap();
    place.init(&["ops"]).refused("data.yaml:2: ");
    assert_eq!(place.files("ops").len(), 1);
}

#[test]
fn policies_that_cannot_be_used_afterwards_are_told_of() {
    let place = Place::with_clone();
    init_with_people(&place).went_well();
    fs::write(place.path("ops/policies/org/matrix/data.yaml"), "high: {L1: direct}\n").unwrap();
    place.init(&["ops"]).refused("policies/org/matrix/data.yaml:1:1: the tier low is missing");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_or_over_a_folder() {
    let place = Place::with_clone();
    fs::create_dir(place.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(place.path("elsewhere"), place.path("ops/schemas")).unwrap();
    place.init(&["ops"]).refused("schemas is in the way: it is not a folder");
    fs::remove_file(place.path("ops/schemas")).unwrap();
    fs::create_dir(place.path("ops/README.md")).unwrap();
    place.init(&["ops"]).refused("there is a folder of that name");
    assert!(place.files("ops").is_empty() && place.files("elsewhere").is_empty());
}

/// Runs `init ops` through a shell that limits it first.
#[cfg(unix)]
fn limited(place: &Place, limit: &str) -> Said {
    let program = assert_cmd::cargo::cargo_bin("changegate");
    let script = format!("{limit}; exec '{}' init ops", program.display());
    Said::of(&place.surround(Command::new("sh").args(["-c", &script])).output().unwrap())
}

#[cfg(unix)]
#[test]
fn a_full_disk_gives_one_error_and_no_half_file() {
    let place = Place::with_clone();
    // No file may grow beyond two blocks of 512 bytes.
    limited(&place, "trap '' XFSZ; ulimit -f 2").refused("write ");
    for (path, bytes) in place.files("ops") {
        assert!(
            bytes.len() <= 1024 && !path.to_string_lossy().contains(".changegate-"),
            "{path:?}"
        );
    }
    place.init(&["ops"]).went_well();
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_gives_one_error() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    // Nothing is read-only for root, who therefore runs it as somebody else.
    const NOBODY: u32 = 65534;
    let place = Place::with_clone();
    let program = place.path("changegate");
    fs::copy(assert_cmd::cargo::cargo_bin("changegate"), &program).unwrap();
    let mut command = Command::new(&program);
    command.args(["init", "ops"]);
    if chown(place.path("ops"), Some(NOBODY), Some(NOBODY)).is_ok() {
        for path in [&place.path(""), &place.path("ops/.git")] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    fs::set_permissions(place.path("ops"), fs::Permissions::from_mode(0o555)).unwrap();
    let said = Said::of(&place.surround(&mut command).output().unwrap());
    said.refused("ermission denied");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(place.files("ops").is_empty());
}

/// The hook's answer to an empty push, with the program where it is.
#[cfg(unix)]
fn push(place: &Place) -> Said {
    let mut hook = Command::new(place.path("ops.git/hooks/pre-receive"));
    // No changegate is to be found there.
    hook.env("PATH", "/usr/bin:/bin").stdin(std::process::Stdio::null());
    Said::of(&place.surround(&mut hook).output().unwrap())
}

#[cfg(unix)]
#[test]
fn the_hook_is_installed_once_and_refuses_when_the_program_is_gone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::with_server();
    let installed = place.init(&["--hook", "ops.git"]);
    assert!(installed.went_well().contains("written "), "{installed:?}");
    let hook = place.path("ops.git/hooks/pre-receive");
    assert_eq!(hook.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    let fsck = place.git(&["-C", "ops.git", "config", "receive.fsckObjects"]);
    assert_eq!(fsck.stdout, b"true\n");
    assert!(!place.init(&["--hook", "ops.git"]).went_well().contains("written "));
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(place.init(&["--hook", "ops.git"]).went_well().contains("written "));
    assert_eq!(hook.metadata().unwrap().permissions().mode() & 0o777, 0o755);

    let script = place.read("ops.git/hooks/pre-receive");
    let program = assert_cmd::cargo::cargo_bin("changegate");
    let gone = script.replace(program.to_str().unwrap(), "/nowhere/changegate");
    assert_ne!(gone, script);
    fs::write(&hook, gone).unwrap();
    let said = push(&place);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("no push can be judged"), "{said:?}");
}

#[test]
fn another_hook_is_not_overwritten_unless_forced() {
    let place = Place::with_server();
    let hook = "ops.git/hooks/pre-receive";
    fs::create_dir_all(place.path("ops.git/hooks")).unwrap();
    fs::write(place.path(hook), "#!/bin/sh\nexit 0\n").unwrap();
    place.init(&["--hook", "ops.git"]).refused("is another hook, and was kept");
    assert_eq!(place.read(hook), "#!/bin/sh\nexit 0\n");
    place.init(&["--hook", "--force", "--dry-run", "ops.git"]).went_well();
    assert_eq!(place.read(hook), "#!/bin/sh\nexit 0\n");
    place.init(&["--hook", "--force", "ops.git"]).went_well();
    assert!(place.read(hook).contains("hook pre-receive"));
}

#[test]
fn the_hook_goes_where_git_looks_and_nowhere_else() {
    let place = Place::with_server();
    place.git(&["-C", "ops.git", "config", "core.hooksPath", "/etc/hooks"]);
    place.init(&["--hook", "ops.git"]).refused("core.hooksPath is /etc/hooks, outside of");
    place.git(&["-C", "ops.git", "config", "core.hooksPath", "own"]);
    place.init(&["--hook", "ops.git"]).went_well();
    assert!(place.path("ops.git/own/pre-receive").exists());
    assert!(place.path("ops.git/own/reference-transaction").exists());

    let clone = Place::with_clone();
    clone.init(&["--hook", "ops"]).refused("ops is not a bare repository");
    fs::create_dir(clone.path("plain")).unwrap();
    clone.init(&["--hook", "plain"]).refused("plain is not a Git repository");
}

/// What is printed as next works where it is printed, each time it is printed.
#[test]
fn the_next_commands_work_from_anywhere() {
    let place = Place::with_clone();
    fs::create_dir_all(place.path("ops/deep/er")).unwrap();
    let run = |from: &str, script: &str| {
        let mut sh = Command::new("sh");
        let output = place.surround(sh.args(["-c", script])).current_dir(place.path(from)).output();
        Said::of(&output.unwrap())
    };
    let program = assert_cmd::cargo::cargo_bin("changegate");
    for (from, dir, cd) in [
        ("ops/deep/er", ".", Some("cd ../..")),
        ("", "ops", Some("cd ops")),
        ("ops", "deep", None),
        ("ops", ".", None),
    ] {
        let said = run(from, &format!("'{}' init {dir}", program.display()));
        let next: Vec<_> = said.went_well().lines().map(str::trim).collect();
        let found = next.iter().copied().find(|line| line.starts_with("cd "));
        assert_eq!(found, cd, "{from} {dir}");
        let add = next.iter().copied().find(|line| line.starts_with("git add ")).unwrap();
        let (add, _) = add.split_once(" && ").unwrap();
        let cd = cd.map_or(String::new(), |cd| format!("{cd} && "));
        run(from, &format!("{cd}{add} && git reset --quiet")).went_well();
    }
    // Once everything is committed, there is nothing to add.
    run("ops", "git add . && git -c user.name=a commit --quiet -m x").went_well();
    let said = run("ops", &format!("'{}' init", program.display()));
    assert!(!said.went_well().contains("git add"), "{said:?}");
    assert!(!said.went_well().contains("git push"), "{said:?}");
    // What the others don't have is pushed.
    run("ops", "git init --quiet --bare ../all.git && git remote add origin ../all.git")
        .went_well();
    for (change, push) in [
        ("true", Some("git push -u origin HEAD")),
        ("true", None),
        ("git -c user.name=a commit --quiet --allow-empty -m y", Some("git push")),
    ] {
        run("ops", change).went_well();
        let said = run("ops", &format!("'{}' init", program.display()));
        let mut next = said.went_well().lines().map(str::trim);
        assert_eq!(next.find(|line| line.starts_with("git push")), push);
        let quietly = push.map(|push| format!("{push} --quiet"));
        run("ops", quietly.as_deref().unwrap_or("true")).went_well();
    }
}

#[test]
fn people_are_named_once() {
    let place = Place::with_clone();
    let alice = ["ops", "--person", "alice,level=L3,email=alice@acme.example"];
    place.init(&alice).went_well();
    let roster = place.path("ops/policies/org/roster/data.yaml");
    // Its owner may have written more into it.
    let text = fs::read_to_string(&roster).unwrap() + "# mine\n";
    fs::write(&roster, &text).unwrap();
    place.init(&alice).went_well();
    let other = ["ops", "--person", "bob,level=L3,email=bob@acme.example"];
    let why = "there is a roster already, and --person doesn't change it: edit policies/org/roster";
    place.init(&other).refused(why);
    place.init(&[&other[..], &["--force"]].concat()).refused(why);
    assert_eq!(fs::read_to_string(&roster).unwrap(), text);
}
