//! Several at once, and what ends in the middle: nothing is lost, and nothing stays half done.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use changegate::content::journal::{NewEntry, Said};
use changegate::forge::git::{Advance, Branches};
use changegate::git::{Oid, Repo};

use crate::plumbing::hub::{Desk, Hub, Ran, make_executable, program, request};

/// Eight people who write to one journal, twenty remarks each.
#[test]
fn nothing_is_lost_among_many_writers() {
    const WRITERS: usize = 8;
    const REMARKS: usize = 20;
    let hub = Hub::open();
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    let head = hub.tip("change/CHG-1").unwrap();
    let folders: Vec<_> = (0..WRITERS).map(|n| format!("desk-{n}")).collect();
    let desks: Vec<_> = folders.iter().map(|folder| hub.desk_at("bob", folder)).collect();
    let remark = |writer, number| format!("remark {writer}-{number}");
    thread::scope(|scope| {
        for (writer, desk) in desks.iter().enumerate() {
            let head = Oid::from_str(&head).unwrap();
            scope.spawn(move || {
                // The last one with the program itself.
                for number in 1..REMARKS {
                    append(desk, head, &remark(writer, number));
                }
                let comment = remark(writer, REMARKS);
                let arguments = ["review", "CHG-1", "--comment", &comment];
                desk.changegate(&arguments).ended(0, &["commented by bob"]);
            });
        }
    });
    let log = hub.git(&["log", "--first-parent", "--format=%b", "reviews/CHG-1", "^change/CHG-1"]);
    let mut remarks: Vec<_> = log.lines().filter(|line| line.starts_with("remark ")).collect();
    let mut expected: Vec<_> = (0..WRITERS)
        .flat_map(|writer| (1..=REMARKS).map(move |number| remark(writer, number)))
        .collect();
    remarks.sort_unstable();
    expected.sort_unstable();
    assert_eq!(remarks, expected);
    hub.is_sound();
}

/// Appends a remark to the journal of CHG-1, as `changegate review` does.
fn append(desk: &Desk<'_>, reviewed: Oid, comment: &str) {
    let branches = Branches::of(Repo::discover(&desk.folder).unwrap(), "origin");
    let tree = branches.repo().commit(reviewed).unwrap().tree;
    let said = Said::Commented;
    let draft = NewEntry {
        change: "CHG-1",
        summary: "",
        said,
        reviewed,
        material: None,
        comment,
        seen: None,
    };
    let next = |tip: Option<Oid>| {
        let parents: Vec<_> = tip.into_iter().chain([reviewed]).collect();
        Ok(Advance::Put(branches.program().commit(tree, &parents, &draft.message(), false)?))
    };
    branches.advance("reviews/CHG-1", next).unwrap();
}

/// A `git` that ends its caller, by `kill -9`, at its nth call: before it does anything, or
/// after it has done everything.
struct Killer<'a> {
    desk: &'a Desk<'a>,
    /// The folder with that `git`.
    folder: String,
}

impl<'a> Killer<'a> {
    fn at(desk: &'a Desk<'a>) -> Self {
        let folder = desk.hub.path("killer");
        fs::create_dir_all(&folder).unwrap();
        let real = Ran::of(Command::new("sh").args(["-c", "command -v git"]), "");
        let real = real.went_well().trim().to_owned();
        // Only the program under test is killed, not a git that calls another one.
        let script = format!(
            "#!/bin/sh\n\
             case $(readlink /proc/$PPID/exe) in */changegate*) ;; *) exec {real} \"$@\" ;; esac\n\
             count=$(($(cat \"$KILLER/count\") + 1))\n\
             echo $count > \"$KILLER/count\"\n\
             [ $count = \"$KILL_AT\" ] || exec {real} \"$@\"\n\
             [ \"$KILL_WHEN\" = before ] || {real} \"$@\" > /dev/null\n\
             kill -9 $PPID\n"
        );
        fs::write(folder.join("git"), script).unwrap();
        make_executable(&folder.join("git"));
        Killer { desk, folder: folder.display().to_string() }
    }

    /// Runs the program until it is killed; whether it survived.
    fn survives(&self, arguments: &[&str], nth: usize, when: &str) -> bool {
        fs::write(Path::new(&self.folder).join("count"), "0").unwrap();
        let path = format!("{}:{}", self.folder, std::env::var("PATH").unwrap());
        let mut command = self.desk.command(program(), arguments);
        command.env("PATH", path).env("KILLER", &self.folder).env("KILL_WHEN", when);
        let ran = Ran::of(command.env("KILL_AT", nth.to_string()), "");
        assert!(matches!(ran.code, -1 | 0), "{ran:?}");
        ran.code == 0
    }

    /// Kills the program at each of its calls of git, and has it run again undisturbed each time.
    fn at_each_call(&self, prepare: impl Fn(&str), arguments: &[&str], holds: impl Fn(&str)) {
        let mut round = 0;
        for when in ["before", "after"] {
            for nth in 1.. {
                round += 1;
                let id = format!("CHG-{when}{round}");
                prepare(&id);
                let arguments: Vec<_> =
                    arguments.iter().map(|a| if *a == "ID" { id.as_str() } else { a }).collect();
                let survived = self.survives(&arguments, nth, when);
                let ran = self.desk.changegate(&arguments);
                assert_eq!(ran.code, 0, "{when} call {nth}: {ran:?}");
                assert!(!ran.stderr.contains("note:"), "{when} call {nth}: {ran:?}");
                holds(&id);
                if survived {
                    assert!(nth > 2, "no call of git was counted");
                    break;
                }
            }
        }
        self.desk.git(&["fsck", "--strict", "--no-dangling"]);
        self.desk.hub.is_sound();
    }
}

/// Holds that a change is submitted, as the file at the desk has it.
fn is_submitted(desk: &Desk<'_>, id: &str) {
    let path = format!("change/{id}:requests/{id}.yaml");
    assert_eq!(desk.hub.git(&["show", &path]), request(id, desk.who).trim());
    assert_eq!(desk.git(&["branch", "--show-current"]), format!("change/{id}"));
    assert_eq!(desk.git(&["status", "--porcelain"]), "");
    let commits = format!("main..change/{id}");
    assert_eq!(desk.hub.git(&["rev-list", "--count", &commits]), "1");
}

#[test]
fn killed_while_submitting() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    let write = |id: &str| {
        alice.git(&["switch", "--quiet", "main"]);
        alice.write(&format!("requests/{id}.yaml"), &request(id, "alice"));
    };
    let arguments = ["submit", "--no-fetch", "ID"];
    Killer::at(&alice).at_each_call(write, &arguments, |id| is_submitted(&alice, id));
}

#[test]
fn killed_while_reviewing() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let submit = |id: &str| {
        let path = format!("requests/{id}.yaml");
        let head = alice.put("origin/main", &[(&path, &request(id, "alice"))], id);
        alice.push(&[&format!("{head}:refs/heads/change/{id}")]).went_well();
    };
    let arguments = ["review", "ID", "--approve", "--yes"];
    Killer::at(&carol).at_each_call(submit, &arguments, |id| {
        // At most twice, of which the later one counts.
        let count = hub.git(&[
            "rev-list",
            "--count",
            "--first-parent",
            &format!("reviews/{id}"),
            "--not",
            &format!("change/{id}"),
        ]);
        assert!(matches!(count.as_str(), "1" | "2"), "{id}: {count}");
    });
}

#[test]
fn killed_while_merging() {
    let hub = Hub::open();
    // bob executes directly. Without a remote his folder comes along.
    let bob = hub.lonely_desk("bob");
    let submit = |id: &str| {
        let path = format!("requests/{id}.yaml");
        let head = bob.put("main", &[(&path, &request(id, "bob"))], id);
        bob.git(&["update-ref", &format!("refs/heads/change/{id}"), &head]);
    };
    Killer::at(&bob).at_each_call(submit, &["merge", "ID"], |id| {
        let path = format!("requests/{id}.yaml");
        assert_eq!(bob.git(&["show", &format!("main:{path}")]), request(id, "bob").trim());
        assert!(bob.folder.join(path).is_file());
        assert_eq!(bob.git(&["status", "--porcelain"]), "");
        let merges =
            bob.git(&["log", "--merges", "--oneline", &format!("--grep=^Change: {id}$"), "main"]);
        assert_eq!(merges.lines().count(), 1);
    });
}

#[test]
fn a_disk_that_takes_nothing_more() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    alice.write("requests/CHG-2.yaml", &request("CHG-2", "alice"));
    carol.git(&["fetch", "--quiet"]);
    let before = hub.git(&["for-each-ref"]);
    let full = |desk: &Desk<'_>, arguments: &[&str]| {
        // Files can't grow any more, which is reported like a full disk, and not by a signal.
        let script = format!(
            "trap '' XFSZ; ulimit -f 0; exec '{}' {}",
            program().display(),
            arguments.join(" ")
        );
        Ran::of(&mut desk.command("sh", &["-c", &script]), "")
    };
    full(&alice, &["submit", "--no-fetch", "CHG-2"]).failed(&["File too large"]);
    full(&carol, &["review", "--no-fetch", "CHG-1", "--approve", "--yes"])
        .failed(&["File too large"]);
    assert_eq!(hub.git(&["for-each-ref"]), before);
    hub.is_sound();
    alice.changegate(&["submit", "CHG-2"]).went_well();
    carol.approve("CHG-1").went_well();
}

#[test]
fn a_repository_that_cannot_be_written() {
    let hub = Hub::open();
    let alice = hub.lonely_desk("alice");
    alice.submit("CHG-1").went_well();
    alice.write("requests/CHG-2.yaml", &request("CHG-2", "alice"));
    let mode = |mode: &str| {
        let git_dir = alice.folder.join(".git");
        Ran::of(Command::new("chmod").args(["-R", mode]).arg(git_dir), "").went_well();
    };
    mode("a-w");
    // Root may write whatever the mode says.
    if fs::write(alice.folder.join(".git/objects/probe"), "").is_err() {
        alice.changegate(&["submit", "CHG-2"]).failed(&["write to the repository"]);
        alice.changegate(&["check", "--branch", "CHG-1"]).ended(3, &["PENDING"]);
    }
    mode("u+w");
}

#[test]
fn a_remote_that_cannot_be_reached() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    carol.git(&["fetch", "--quiet"]);
    let nowhere = hub.path("nowhere.git");
    for desk in [&alice, &carol] {
        desk.git(&["remote", "set-url", "origin", nowhere.to_str().unwrap()]);
    }
    alice.write("requests/CHG-2.yaml", &request("CHG-2", "alice"));
    for (desk, arguments) in [
        (&alice, &["submit", "CHG-2"][..]),
        (&carol, &["review", "CHG-1", "--approve", "--yes"]),
        (&carol, &["merge", "CHG-1"]),
        (&alice, &["close", "CHG-1"]),
    ] {
        desk.changegate(arguments).failed(&["git can't fetch from origin", "nowhere.git"]);
    }
    let no_fetch = ["review", "CHG-1", "--approve", "--yes", "--no-fetch"];
    carol.changegate(&no_fetch).failed(&["git can't push to origin"]);
    let looked = carol.changegate(&["check", "--branch", "CHG-1"]);
    let old = "warning: this shows what was fetched last from origin, ";
    looked.ended(3, &[old, " ago, on ", "nowhere.git", "PENDING"]);
    let offline = carol.changegate(&["check", "--no-fetch", "--branch", "CHG-1"]);
    offline.ended(3, &[old, " ago, on "]);
    assert!(!offline.stderr.contains("nowhere.git"), "{offline:?}");
    carol.changegate(&["review", "CHG-1", "--comment", "x", "--no-fetch"]).failed(&[old]);
    hub.is_sound();
}
