//! What people meet who are new to it: no key, a change that isn't there, a file in the wrong place.
//! Each is refused where it is typed, in its own words, and what is advised works.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::plumbing::hub::{Desk, Hub, Ran, program, request};

const SETTINGS: &str = "policies/org/settings/data.yaml";

/// Puts a commit with another setting on a branch, past everybody.
fn set(desk: &Desk<'_>, from: &str, to: &str, branch: &str) {
    let text = desk.git(&["show", &format!("origin/main:{SETTINGS}")]);
    assert!(text.contains(from), "{text}");
    let text = text.replace(from, to) + "\n";
    let head = desk.put("origin/main", &[(SETTINGS, &text)], "Settings");
    desk.push(&[&format!("{head}:refs/heads/{branch}")]).went_well();
}

/// Lets a desk's remote be somewhere else.
fn set_remote(desk: &Desk<'_>, folder: &Path) {
    desk.git(&["remote", "set-url", "origin", folder.to_str().unwrap()]);
}

/// Says that a file was written so many hours ago.
fn age(file: &Path, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 60 * 60 + 1);
    File::options().append(true).open(file).unwrap().set_modified(then).unwrap();
}

/// What a desk is told to run, in backquotes.
fn advised(ran: &Ran) -> Vec<&str> {
    ran.stderr.split('`').skip(1).step_by(2).collect()
}

/// Runs it, as the shell does.
fn follow(desk: &Desk<'_>, command: &str) {
    let command = command.replace("changegate ", &format!("'{}' ", program().display()));
    Ran::of(&mut desk.command("sh", &["-c", &command]), "").went_well();
}

#[test]
fn a_merge_is_signed_like_everything_else() {
    for tolerates in [false, true] {
        let hub = Hub::open();
        if tolerates {
            let desk = hub.desk_at("carol", "settings");
            set(&desk, "unsigned_reviews: refuse", "unsigned_reviews: allow", "main");
        }
        let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
        alice.submit("CHG-1").went_well();
        carol.approve("CHG-1").went_well();
        carol.git(&["config", "--unset", "user.signingkey"]);
        let before = hub.tip("main");
        let ran = carol.changegate(&["merge", "CHG-1"]);
        if tolerates {
            ran.ended(0, &["merged CHG-1"]);
        } else {
            ran.failed(&["has to be signed by SSH", "git has no signing key"]);
            assert_eq!(hub.tip("main"), before);
            // A key that proves nothing is named, as by the other verbs.
            let bobs = hub.key("bob");
            carol.git(&["config", "user.signingkey", bobs.to_str().unwrap()]);
            carol.changegate(&["merge", "CHG-1"]).ended(0, &["another person's key, bob"]);
        }
    }
}

#[test]
fn what_is_closed_is_said_where_it_is_reviewed() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    alice.changegate(&["close", "CHG-1"]).went_well();
    let closed = "CHG-1 is closed: reopen it with `changegate close CHG-1 --reopen`";
    carol.approve("CHG-1").ended(0, &[closed, "approved by carol"]);
    alice.changegate(&["close", "CHG-1", "--reopen"]).went_well();
    let ran = carol.approve("CHG-1");
    assert!(!ran.stderr.contains("is closed"), "{ran:?}");
}

#[test]
fn a_review_that_says_nothing_is_refused() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let withdraw = ["review", "CHG-1", "--withdraw", "--yes"];
    let nothing = "carol has no review of CHG-1 that could be withdrawn";
    for text in ["", " \n"] {
        let remark = ["review", "CHG-1", "--comment", text];
        carol.changegate(&remark).failed(&["the comment is empty"]);
    }
    carol.changegate(&withdraw).failed(&[nothing]);
    assert_eq!(hub.tip("reviews/CHG-1"), None);
    carol.changegate(&["review", "CHG-1", "--comment", "soon"]).went_well();
    carol.changegate(&withdraw).failed(&[nothing]);
    carol.approve("CHG-1").went_well();
    carol.changegate(&withdraw).ended(0, &["withdrawn by carol"]);
    carol.changegate(&withdraw).failed(&[nothing]);
}

#[test]
fn closing_and_reopening_have_words_of_their_own() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    for (reopens, verb) in [(false, "close"), (true, "reopen")] {
        let close = [&["close", "CHG-1"][..], if reopens { &["--reopen"] } else { &[] }].concat();
        let signs_with = |who: &str| {
            let key = hub.key(who).with_extension("pub");
            alice.git(&["config", "user.signingkey", key.to_str().unwrap()]);
        };
        signs_with("bob");
        let ran = alice.changegate(&close);
        let what = if reopens { "the reopening " } else { "the closing " };
        ran.ended(1, &[what, "was rejected", "then repeat it"]);
        assert!(!ran.stderr.contains("the review "), "{ran:?}");
        let bob = hub.desk_at("bob", verb);
        bob.changegate(&close).ended(1, &[&format!("bob can't {verb} CHG-1")]);
        signs_with("alice");
        alice.changegate(&close).went_well();
    }
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).went_well();
    alice.changegate(&["close", "CHG-1"]).ended(1, &["not closed: CHG-1", "can't be closed"]);
    let reopen = ["close", "CHG-1", "--reopen"];
    alice.changegate(&reopen).ended(1, &["not reopened: CHG-1", "can't be reopened"]);
}

#[test]
fn what_the_server_would_refuse_is_not_offered() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let denied = request("CHG-1", "alice").replace("reason: its disk is replaced\n", "");
    alice.submit_text("CHG-1", &denied).ended(1, &["with `changegate submit CHG-1 --anyway`"]);
    let bobs = hub.key("bob");
    alice.git(&["config", "user.signingkey", bobs.to_str().unwrap()]);
    let ran = alice.submit("CHG-1");
    ran.ended(1, &["another person's key, bob", "run the command again\n"]);
    assert!(!ran.stdout.contains("--anyway"), "{ran:?}");
}

#[test]
fn a_change_that_is_not_there_is_not_submitted_by_advice() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    alice.submit("CHG-6").went_well();
    for verb in [&["merge"][..], &["close"], &["review", "--approve", "--yes"]] {
        let on = |id| alice.changegate(&[verb, &[id]].concat());
        on("CHG-66").failed(&["there is no change CHG-66; did you mean `CHG-6`?"]);
        on("chg-6").failed(&["there is no change chg-6; did you mean `CHG-6`?"]);
        on("release-notes").failed(&[
            "there is no change release-notes",
            "`changegate list --state all` lists what was submitted",
        ]);
    }
}

#[test]
fn what_was_fetched_is_as_old_as_the_last_fetch_that_worked() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let look = |age: &str| {
        set_remote(&carol, &hub.path("nowhere.git"));
        for _ in 0..2 {
            let ran = carol.changegate(&["check", "--branch", "CHG-1"]);
            let said = format!("this shows what was fetched last from origin, {age} ago");
            ran.ended(3, &[&said, "nowhere.git"]);
            assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        }
        set_remote(&carol, &hub.folder());
    };
    carol.git(&["fetch", "--quiet"]);
    age(&carol.folder.join(".git/FETCH_HEAD"), 2);
    look("2 h");
    carol.changegate(&["list"]).ended(0, &["CHG-1"]);
    age(&carol.folder.join(".git/changegate/fetched/origin"), 1);
    look("1 h");
    // git's own attempts don't count either.
    set_remote(&carol, &hub.path("nowhere.git"));
    Ran::of(&mut carol.command("git", &["fetch"]), "").ended(128, &["nowhere.git"]);
    look("1 h");
}

#[test]
fn the_base_is_the_branch_that_the_policies_protect() {
    let hub = Hub::open();
    let carol = hub.desk("carol");
    set(&carol, "protected_bases: [main]", "protected_bases: [master]", "master");
    let empty = carol.git_with(&["mktree"], "", &[]);
    let code = carol.commit(&empty, &[], "Code", &["-S"], &[]);
    carol.push(&[&format!("+{code}:main")]).went_well();
    let (alice, carol) = (hub.desk("alice"), hub.desk_at("carol", "again"));
    alice.submit("CHG-1").ended(0, &["submitted CHG-1", "PENDING"]);
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1 into master"]);
    // A branch that isn't protected can still be named.
    alice.write("requests/CHG-2.yaml", &request("CHG-2", "alice"));
    alice.changegate(&["submit", "CHG-2", "--base", "main"]).failed(&["there are no policies"]);
    // The hook guards what HEAD names.
    let hook = ["init", "--hook", hub.folder().to_str().unwrap()].map(str::to_owned);
    let hook: Vec<_> = hook.iter().map(String::as_str).collect();
    let ran = carol.changegate(&hook);
    ran.ended(0, &["nothing is guarded yet, because HEAD leads to main", "while master has"]);
    follow(&carol, advised(&ran)[0]);
    let ran = carol.changegate(&hook);
    assert_eq!(ran.stderr, "", "{ran:?}");
}

#[test]
fn a_key_is_made_or_the_one_that_is_there_is_named() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let usual = hub.path(".ssh/id_ed25519.pub");
    for named in [None, Some("~/.ssh/id_ed25519.pub")] {
        match named {
            Some(file) => alice.git(&["config", "user.signingkey", file]),
            None => alice.git(&["config", "--unset", "user.signingkey"]),
        };
        let ran = alice.submit("CHG-1");
        ran.failed(&["has to be signed by SSH", "run `ssh-keygen -t ed25519`, then `git config"]);
        assert!(!ran.stderr.contains("fatal"), "{ran:?}");
    }
    fs::create_dir(usual.parent().unwrap()).unwrap();
    fs::copy(hub.key("alice"), hub.path(".ssh/id_ed25519")).unwrap();
    fs::write(&usual, hub.public_key("alice")).unwrap();
    alice.git(&["config", "--unset", "user.signingkey"]);
    let ran = alice.submit("CHG-1");
    ran.failed(&["`git config user.signingkey ~/.ssh/id_ed25519.pub`"]);
    assert!(!ran.stderr.contains("ssh-keygen"), "{ran:?}");
    for command in advised(&ran) {
        follow(&alice, command);
    }
    alice.submit("CHG-1").went_well();
}

#[test]
fn init_names_the_key_that_was_entered() {
    let hub = Hub::bare(&["init", "--quiet", "--bare", "-b", "main"]);
    for (folder, key, next) in [
        ("without", None, "  ssh-keygen -t ed25519\n"),
        ("with", Some(hub.key("alice").with_extension("pub")), "/keys/alice.pub\n"),
    ] {
        let desk = hub.desk_at("alice", folder);
        desk.git(&["config", "--unset", "user.signingkey"]);
        let key = key.map(|file| format!(",key={}", file.display())).unwrap_or_default();
        let alice = format!("alice,level=L3,email=alice@acme.example{key}");
        desk.changegate(&["init", "--person", &alice]).ended(0, &[next, "git config user.sign"]);
    }
}

#[test]
fn a_merged_change_stays_merged_when_its_amendment_is_closed() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).went_well();
    let amended = request("CHG-1", "alice").replace("its disk", "her disk");
    alice.submit_text("CHG-1", &amended).went_well();
    carol.changegate(&["list"]).ended(0, &["CHG-1"]);
    alice.changegate(&["close", "CHG-1"]).went_well();
    for is_gone in [false, true] {
        if is_gone {
            alice.push(&["--delete", "change/CHG-1"]).went_well();
        }
        let merged = "merged by carol, an amendment closed by alice";
        carol.changegate(&["list", "--state", "merged"]).ended(0, &["CHG-1", merged]);
        carol.changegate(&["list", "--state", "given-up"]).ended(0, &["no changes match"]);
        let again = "amendment    closed again after its merge";
        carol.changegate(&["show", "CHG-1"]).ended(0, &["CHG-1  merged ", " by carol as ", again]);
    }
}

#[test]
fn a_request_that_is_not_here_is_found() {
    let hub = Hub::guarded();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    alice.submit("CHG-1").went_well();
    alice.git(&["switch", "--quiet", "main"]);
    let amended = request("CHG-1", "alice").replace("its disk", "her disk");
    for desk in [&alice, &bob] {
        let ran = desk.changegate(&["submit", "CHG-1"]);
        ran.failed(&["CHG-1 is submitted, and its file is on its branch"]);
        follow(desk, advised(&ran)[0]);
        assert!(desk.folder.join("requests/CHG-1.yaml").is_file());
    }
    alice.submit_text("CHG-1", &amended).went_well();
    alice.changegate(&["submit", "chg-1"]).failed(&["did you mean `CHG-1`?"]);
    for (number, path) in
        ["CHG-2.yaml", "request/CHG-3.yaml", "requests/CHG-4.yml", "my drafts/CHG-5.yml"]
            .into_iter()
            .enumerate()
    {
        let id = format!("CHG-{}", number + 2);
        alice.git(&["switch", "--quiet", "main"]);
        alice.write(path, &request(&id, "alice"));
        let by_path = alice.changegate(&["submit", path]);
        let ran = alice.changegate(&["submit", &id]);
        assert_eq!(ran.stderr, by_path.stderr);
        ran.failed(&[&format!("{path} is not the file of a request")]);
        if path.starts_with("requests/") {
            alice.changegate(&["submit"]).failed(&[&format!("{path} is not the file of a")]);
        }
        follow(&alice, advised(&ran)[0]);
        alice.changegate(&["submit", &id]).ended(0, &[&format!("submitted {id}")]);
    }
    alice.changegate(&["submit", "CHG-99"]).failed(&["no file CHG-99.yaml", "changegate new"]);
}

#[test]
fn a_file_that_was_taken_out_is_taken_out_of_the_change() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    for (id, from_main) in [("CHG-1", false), ("CHG-2", true)] {
        alice.git(&["switch", "--quiet", "main"]);
        alice.submit(id).went_well();
        alice.write("z.txt", "stray\n");
        alice.git(&["add", "z.txt"]);
        alice.git(&["commit", "--quiet", "-m", "Stray"]);
        alice.push(&["HEAD"]).went_well();
        let next = format!("next: correct it, then changegate submit {id}\n");
        alice.changegate(&["submit", id]).ended(0, &["request/split", &next]);
        if from_main {
            alice.git(&["switch", "--quiet", "main"]);
            alice.write(&format!("requests/{id}.yaml"), &request(id, "alice"));
        } else {
            alice.git(&["rm", "--quiet", "z.txt"]);
        }
        let done = "z.txt is no longer part of the change";
        alice.changegate(&["submit", id]).ended(0, &[&format!("submitted {id}"), done, "PENDING"]);
        let tip = format!("change/{id}");
        assert_eq!(hub.git(&["ls-tree", "--name-only", &tip, "z.txt"]), "");
        assert_eq!(alice.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn where_nothing_is_there_it_says_what_to_do() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let nowhere = hub.path("plain");
    fs::create_dir(&nowhere).unwrap();
    let in_folder = |folder: &Path, arguments: &[&str]| {
        let mut command = alice.command(program(), arguments);
        Ran::of(command.current_dir(folder), "")
    };
    in_folder(&nowhere, &["check"])
        .failed(&["there is no folder requests/ here, and this is not a Git repository"]);
    for folder in [&nowhere, &alice.folder] {
        in_folder(folder, &["init", "--hook"])
            .failed(&["not a bare repository", "`changegate init --hook /srv/git/ops.git`"]);
    }
    let listed = |arguments: &[&str]| alice.changegate(&[&["list"], arguments].concat());
    listed(&[]).ended(0, &["no change is open: `changegate list --state all`"]);
    listed(&["--state", "all"]).ended(0, &["nothing was submitted yet", "`changegate new`"]);
    listed(&["--mine"]).ended(0, &["no changes match"]);
    // A file in a place from which nothing is submitted.
    alice.write("request/CHG-6.yaml", &request("CHG-6", "alice"));
    alice
        .changegate(&["check", "request/CHG-6.yaml"])
        .ended(3, &["note: request/CHG-6.yaml isn't below requests/"]);
    // A clone that doesn't know what is merged.
    let shallow = hub.path("shallow");
    let from = format!("file://{}", hub.folder().display());
    alice.git(&["clone", "--quiet", "--depth", "1", &from, shallow.to_str().unwrap()]);
    fs::create_dir(shallow.join("requests")).unwrap();
    fs::write(shallow.join("requests/CHG-7.yaml"), request("CHG-7", "alice")).unwrap();
    in_folder(&shallow, &["check"]).ended(
        3,
        &["every request is judged as if it were new, because", "`git fetch --unshallow`"],
    );
}
