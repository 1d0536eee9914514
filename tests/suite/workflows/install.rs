//! The script of the action that installs the program.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::repository;
use crate::plumbing::hub::make_executable;
use crate::plumbing::ran::Ran;
use crate::plumbing::root;

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
