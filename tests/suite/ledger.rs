//! The ledger of a repository in plain Git: it begins, each merge is recorded with it, what went around
//! the gate is recorded by the next merge, and `audit verify` proves it.
//!
//! [`attacks`] on it are made with forged entries (see [`forge`]). [`mutation`] changes each part of a
//! record, [`services`] has services sign, [`values`] holds that what is written can be read.

use std::fs;
use std::thread;

use serde_json::Value;

use changegate::core::record::entry::Entry;
use changegate::core::record::parts::{About, CollectorKind, Note};
use changegate::core::record::statement::{Kind, Statement};
use changegate::forge::git::{Branches, Git};
use changegate::gate::record::{Record, Recorder, entry};
use changegate::gate::recording::{append, log_of, tip};
use changegate::git::{Moved, Oid, Repo};
use changegate::ledger::Signer;

use crate::plumbing::hub::{Desk, Hub, Ran, make_executable, program, request};
use crate::plumbing::{at, judges};

mod around;
mod attacks;
mod bypasses;
mod elsewhere;
mod erasures;
pub mod forge;
pub mod free_text;
mod memory;
mod mutation;
mod services;
mod values;

/// The subjects of the ledger's commits, the newest first.
fn titles(hub: &Hub) -> Vec<String> {
    hub.git(&["log", "--format=%s", "audit/ledger"]).lines().map(str::to_owned).collect()
}

#[test]
fn from_the_beginning_to_the_proof() {
    let hub = Hub::to_record();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").went_well();
    carol
        .changegate(&["merge", "CHG-1"])
        .ended(0, &["merged CHG-1", "decided and not recorded", "changegate init --ledger"]);
    carol.verify().failed(&["there is no branch audit/ledger", "changegate init --ledger"]);

    let main = hub.tip("main").unwrap();
    carol.changegate(&["init", "--ledger", "--dry-run"]).ended(0, &["would begin the ledger"]);
    assert_eq!(hub.tip("audit/ledger"), None);
    let covers = format!("refs/heads/main from {} on", &main[..7]);
    carol
        .changegate(&["init", "--ledger"])
        .ended(0, &["began the ledger git.acme.example/ops as", &covers]);
    for desk in [&carol, &bob] {
        desk.changegate(&["init", "--ledger"]).failed(&["has begun already: its size is 1"]);
    }
    assert_eq!(titles(&hub), ["genesis: git.acme.example/ops"]);

    bob.execute("CHG-2");
    alice.submit("CHG-3").went_well();
    carol.approve("CHG-3").went_well();
    let merged = carol.changegate(&["merge", "CHG-3"]);
    merged.ended(0, &["merged CHG-3"]);
    assert!(!merged.stderr.contains("not recorded"), "{merged:?}");
    let message = hub.git(&["log", "-1", "--format=%B", "audit/ledger"]);
    let policies = hub.git(&["rev-parse", "--short=7", "main^1"]);
    let start = format!(
        "merged: CHG-3 Put worker CHG3 into maintenance\n\n\
         High risk, requested by alice (L1). Approved by carol (L3) under policies at {policies}.\n\
         Planned "
    );
    assert!(message.starts_with(&start), "{message}");
    let trailers = hub.git(&["log", "-1", "--format=%(trailers:key=Approved-by)", "audit/ledger"]);
    assert_eq!(trailers, "Approved-by: carol (L3)");
    assert_eq!(hub.git(&["log", "-1", "--format=%an <%ae>", "audit/ledger"]), "carol <carol>");

    // A new clone proves it, and so does one that has just written it.
    let erin = hub.desk("erin");
    for desk in [&erin, &carol] {
        desk.verify().ended(
            0,
            &[
                "git.acme.example/ops, 3 entries from ",
                "1 genesis and 2 merge",
                "2 byte for byte the same",
                "checkpoint   3 ",
                "\nverified\n",
            ],
        );
    }
    let checkpoint = hub.git(&["show", "audit/ledger~1:checkpoint"]);
    erin.write("checkpoint.txt", &(checkpoint + "\n\n"));
    let anchored = ["audit", "verify", "--checkpoint", "checkpoint.txt", "--format", "json"];
    let found: Value = serde_json::from_str(erin.changegate(&anchored).went_well()).unwrap();
    assert_eq!(found["entries"], 3);
    assert_eq!(found["anchors"], 4);
    assert_eq!(found["bases"]["refs/heads/main"], hub.tip("main").unwrap());

    // Each merge and its entry came in one push, and nobody needs this program to see who signed.
    fs::write(hub.path("signers"), erin.changegate(&["signers"]).went_well()).unwrap();
    let setting = format!("gpg.ssh.allowedSignersFile={}", hub.path("signers").display());
    let shown = hub.git(&["-c", &setting, "log", "--format=%G? %GS", "audit/ledger"]);
    let signers: Vec<_> = shown.lines().collect();
    for (line, who) in signers.into_iter().zip(["carol", "bob", "carol"]) {
        assert!(line.contains(&format!("{who}@acme.example")), "{shown}");
    }
    hub.is_sound();
}

#[test]
fn where_no_ledger_begins() {
    let bare = Hub::bare(&["init", "--quiet", "--bare", "-b", "main"]);
    let nothing = bare.desk("carol");
    nothing.changegate(&["init", "--ledger"]).ended(2, &["error: "]);
    nothing.git(&["commit", "--quiet", "--allow-empty", "-m", "nothing"]);
    nothing.push(&["HEAD:refs/heads/main"]).went_well();
    nothing.git(&["fetch", "--quiet"]);
    nothing.changegate(&["init", "--ledger"]).failed(&["policies"]);

    let hub = Hub::guarded();
    let carol = hub.desk("carol");
    carol.changegate(&["init", "--ledger"]).failed(&["the settings name no ledger", "origin:"]);

    let hub = Hub::to_record();
    let stranger = hub.desk_at("alice", "stranger");
    stranger.git(&["config", "user.email", "mallory@elsewhere.example"]);
    stranger.changegate(&["init", "--ledger"]).failed(&["isn't in the roster"]);
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    let key = hub.key("bob").with_extension("pub");
    alice.git(&["config", "user.signingkey", key.to_str().unwrap()]);
    alice
        .changegate(&["init", "--ledger"])
        .failed(&["the server rejected the ledger", "it is not signed by alice"]);
    assert_eq!(hub.tip("audit/ledger"), None);
    // Neither is it begun by hand: not with something else, and not from another commit.
    let strange = bob.put("origin/main", &[("README.md", "A ledger\n")], "A ledger");
    bob.push(&[&format!("{strange}:refs/heads/audit/ledger")])
        .refused(&["the ledger was rejected", "doesn't hold exactly the files of an entry"]);
    bob.push(&[&format!("{strange}:refs/heads/audit/evidence")])
        .refused(&["there is no ledger that evidence could belong to"]);
    let apart = hub.desk_apart("carol", "apart");
    let own = apart.put("main", &[("docs/a.md", "text\n")], "my own tip");
    apart.git(&["update-ref", "refs/heads/main", &own]);
    apart.changegate(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    apart
        .push_together(&["refs/heads/audit/ledger"])
        .refused(&["a ledger begins at the protected"]);
    assert_eq!(hub.tip("audit/ledger"), None);
}

#[test]
fn without_any_remote() {
    let hub = Hub::to_record();
    let bob = hub.lonely_desk("bob");
    bob.changegate(&["init", "--ledger"]).ended(0, &["began the ledger"]);
    bob.execute("CHG-1");
    bob.verify().ended(0, &["2 entries", "\nverified\n"]);
    // Around the gate, where there is none.
    let direct = bob.put("main", &[("requests/CHG-1.yaml", "a: b\n")], "by hand");
    bob.git(&["update-ref", "refs/heads/main", &direct]);
    bob.git(&["reset", "--quiet", "--hard"]);
    bob.verify().ended(1, &["it reached main, and is recorded nowhere: by hand"]);
    bob.execute("CHG-2");
    bob.verify().ended(0, &["4 entries", "(no-pull-request), by bob, entry 2", "\nverified\n"]);
    bob.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn several_merge_at_once() {
    const WRITERS: usize = 3;
    let hub = Hub::recording();
    let folders: Vec<_> = (0..WRITERS).map(|n| format!("desk-{n}")).collect();
    let desks: Vec<_> = folders.iter().map(|folder| hub.desk_at("bob", folder)).collect();
    thread::scope(|scope| {
        for (writer, desk) in desks.iter().enumerate() {
            scope.spawn(move || {
                for number in 0..2 {
                    desk.execute(&format!("CHG-{writer}{number}"));
                }
            });
        }
    });
    let mut titles = titles(&hub);
    assert_eq!(titles.pop().unwrap(), "genesis: git.acme.example/ops");
    titles.sort_unstable();
    let id = |n: usize| format!("CHG-{}{}", n / 2, n % 2);
    let expected = (0..2 * WRITERS).map(|n| {
        format!("merged: {} Put worker {} into maintenance", id(n), id(n).replace('-', ""))
    });
    assert_eq!(titles, expected.collect::<Vec<_>>());
    assert_eq!(hub.git(&["rev-list", "--count", "--merges", "audit/ledger"]), "0");
    hub.desk("erin").verify().ended(0, &["1 genesis and 6 merge", "\nverified\n"]);
    hub.is_sound();
}

/// Record 28: eight writers with eight entries each over both branches, each entry with evidence.
#[test]
fn nothing_is_lost_among_many_writers() {
    let hub = Hub::to_record();
    let bob = hub.lonely_desk("bob");
    bob.changegate(&["init", "--ledger"]).went_well();
    let write = |writer: usize| {
        let branches = Branches::own(Repo::discover(&bob.folder).unwrap());
        let git = Git::new(branches, Some("main".to_owned())).unwrap();
        for number in 0..8 {
            let text = format!("{writer}-{number}");
            while !appended(&git, &text) {}
        }
    };
    thread::scope(|scope| {
        for writer in 0..8 {
            scope.spawn(move || write(writer));
        }
    });
    for branch in ["audit/ledger", "audit/evidence"] {
        let entries = bob.git(&["rev-list", "--count", "--first-parent", branch]);
        let all = if branch == "audit/ledger" { "65" } else { "64" };
        assert_eq!(entries, all, "{branch}");
        assert_eq!(bob.git(&["rev-list", "--count", branch]), all, "{branch} is linear");
    }
    let mut texts: Vec<_> = bob
        .git(&["log", "--first-parent", "--format=%H", "audit/evidence"])
        .lines()
        .map(|commit| bob.git(&["show", &format!("{commit}:note.txt")]))
        .collect();
    texts.sort_unstable();
    let all: Vec<_> = (0..64).map(|n| format!("{}-{}", n / 8, n % 8)).collect();
    assert_eq!(texts, all);
    let checkpoint = bob.git(&["show", "audit/ledger:checkpoint"]);
    assert!(checkpoint.starts_with("git.acme.example/ops\n65\n"), "{checkpoint}");
}

/// Appends a note, once; whether nobody else was faster.
fn appended(git: &Git, text: &str) -> bool {
    let tip = tip(git).unwrap().unwrap();
    let mut predicate = entry(
        Kind::Note,
        ("main", git.base().unwrap()),
        &log_of(&tip),
        Recorder { who: "bob", at: at("2026-11-24T10:00:00Z") },
    );
    predicate.collector.kind = CollectorKind::Cli;
    let by = "bob".parse().unwrap();
    let note = Note { about: About::Explanation, entries: Vec::new(), by, approved_by: None };
    predicate.note = Some(note);
    let files = vec![("note.txt".to_owned(), text.as_bytes().to_vec())];
    predicate.material = changegate::ledger::material(&files);
    let statement = Statement::new(Vec::new(), predicate);
    let records = vec![Record { statement, files, policies: None }];
    let moves = append(git, &judges(), Some(&tip), records, Signer::Nobody("bob")).unwrap();
    match git.branches.put_all(&moves).unwrap() {
        Moved::Yes => true,
        Moved::Lost(_) => false,
        Moved::Refused(why) => panic!("{why}"),
    }
}

/// What was pushed before the program was killed is recorded, and what wasn't is not.
#[test]
fn killed_around_the_push() {
    let hub = Hub::recording();
    let bob = hub.desk("bob");
    let folder = hub.path("killer");
    fs::create_dir_all(&folder).unwrap();
    let real = Ran::of(std::process::Command::new("sh").args(["-c", "command -v git"]), "");
    let real = real.went_well().trim().to_owned();
    for (id, when, entries) in [("CHG-1", "before", "1"), ("CHG-2", "after", "3")] {
        bob.submit(id).went_well();
        let push = if when == "after" {
            format!("{real} \"$@\" > /dev/null 2>&1; ")
        } else {
            String::new()
        };
        let script = format!(
            "#!/bin/sh\n\
             case \" $* \" in *' push '*) {push}kill -9 $PPID ;; *) exec {real} \"$@\" ;; esac\n"
        );
        fs::write(folder.join("git"), script).unwrap();
        make_executable(&folder.join("git"));
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let killed = Ran::of(bob.command(program(), &["merge", id]).env("PATH", path), "");
        assert_eq!(killed.code, -1, "{when}: {killed:?}");
        let recorded = hub.git(&["rev-list", "--count", "audit/ledger"]);
        assert_eq!(recorded, entries, "{when}");
        let again = bob.changegate(&["merge", id]);
        assert_eq!(again.code, 0, "{when}: {again:?}");
        assert_eq!(
            hub.git(&["show", &format!("main:requests/{id}.yaml")]),
            request(id, "bob").trim()
        );
        bob.verify().ended(0, &["\nverified\n"]);
        bob.git(&["switch", "--quiet", "main"]);
    }
    hub.is_sound();
}

/// The entry that a commit at a desk holds.
fn entry_at(desk: &Desk<'_>, commit: &str) -> Entry {
    let repo = Repo::discover(&desk.folder).unwrap();
    let commit = Oid::from_str(&desk.git(&["rev-parse", commit])).unwrap();
    changegate::ledger::read(&repo, commit).unwrap().entry.unwrap()
}

/// A desk that has just the shared branches, and the programs that go with them.
fn auditor(hub: &Hub) -> Desk<'_> {
    hub.desk_apart("erin", "auditor")
}
