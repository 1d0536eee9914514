//! What a push may bring, and what may happen while it is judged.

use super::*;

/// A commit like another one, with its bytes changed, and signed by somebody as git does.
fn resigned(desk: &Desk<'_>, commit: &str, edit: impl Fn(&str) -> String) -> String {
    let raw = desk.git(&["cat-file", "commit", commit]) + "\n";
    let (mut unsigned, mut is_signature) = (String::new(), false);
    for line in raw.lines() {
        is_signature = line.starts_with("gpgsig ") || (is_signature && line.starts_with(' '));
        if !is_signature {
            unsigned += &format!("{line}\n");
        }
    }
    let edited = edit(&unsigned);
    let file = desk.hub.path("unsigned");
    fs::write(&file, &edited).unwrap();
    let key = desk.hub.key(desk.who);
    let sign = ["-Y", "sign", "-n", "git", "-f", key.to_str().unwrap(), file.to_str().unwrap()];
    Ran::of(std::process::Command::new("ssh-keygen").args(sign), "").went_well();
    let signature = fs::read_to_string(file.with_extension("sig")).unwrap();
    fs::remove_file(file.with_extension("sig")).unwrap();
    let signature = signature.trim_end().replace('\n', "\n ");
    let (header, message) = edited.split_once("\n\n").unwrap();
    let signed = format!("{header}\ngpgsig {signature}\n\n{message}");
    desk.git_with(&["hash-object", "-w", "-t", "commit", "--stdin", "--literally"], &signed, &[])
}

/// What is added to a commit, and the change of its text.
type Addition = (&'static str, fn(&str) -> String);

/// What can be added to a commit beside what it has to hold.
fn additions() -> [Addition; 7] {
    fn line(text: &str, key: &str, edit: impl Fn(&str) -> String) -> String {
        let edited = |line: &str| if line.starts_with(key) { edit(line) } else { line.to_owned() };
        text.split('\n').map(edited).collect::<Vec<_>>().join("\n")
    }
    [
        ("another author", |text| line(text, "author ", |line| line.replace("carol", "heidi"))),
        ("another date", |text| {
            line(text, "author ", |line| {
                format!("{} 0 +0000", line.split_once('>').unwrap().0) + ">"
            })
            .replace(" 0 +0000>", "> 0 +0000")
        }),
        ("another zone", |text| line(text, "author ", |line| line.replace("+0000", "+0100"))),
        ("an encoding", |text| text.replacen("\n\n", "\nencoding ISO-8859-1\n\n", 1)),
        ("a header", |text| text.replacen("\n\n", "\nnote Approved-by: heidi (L3)\n\n", 1)),
        ("a paragraph", |text| {
            text.replacen("\n\nChange:", "\n\nApproved-by: heidi\n\nChange:", 1)
        }),
        ("a blank line", |text| format!("{text}\n")),
    ]
}

/// Record 69: a merge is made again and compared, byte for byte.
#[test]
fn what_is_added_to_a_merge() {
    let hub = Hub::guarded();
    let (_, carol) = approved(&hub);
    carol.git(&["config", "core.hooksPath", "/dev/null"]);
    let local = hub.desk_at("carol", "local");
    local.git(&["fetch", "--quiet", "origin", "+refs/heads/*:refs/heads/*", "--update-head-ok"]);
    local.git(&["remote", "remove", "origin"]);
    local.changegate(&["merge", "CHG-1"]).went_well();
    let merge = local.git(&["rev-parse", "main"]);
    let push = |id: &str| {
        let to = hub.folder();
        let refspec = format!("{id}:refs/heads/main");
        Ran::of(&mut local.command("git", &["push", to.to_str().unwrap(), &refspec]), "")
    };
    for (what, addition) in additions() {
        let id = resigned(&local, &merge, addition);
        assert_ne!(id, resigned(&local, &merge, str::to_owned), "{what}");
        let ran = push(&id);
        assert!(ran.stderr.contains("changegate: refused"), "{what}: {ran:?}");
        assert!(ran.stderr.contains("holds something else"), "{what}: {ran:?}");
    }
    push(&resigned(&local, &merge, str::to_owned)).went_well();
}

/// So is a review.
#[test]
fn what_is_added_to_a_review() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let head = hub.tip("change/CHG-1").unwrap();
    let review = carol.approval("CHG-1", &head, &["-S"], &[]);
    let push = |id: &str| carol.push(&[&format!("{id}:refs/heads/reviews/CHG-1")]);
    for (what, addition) in additions().into_iter().filter(|(what, _)| *what != "a paragraph") {
        let ran = push(&resigned(&carol, &review, addition));
        assert!(ran.stderr.contains("changegate: refused"), "{what}: {ran:?}");
        assert!(ran.stderr.contains("holds something else"), "{what}: {ran:?}");
    }
    let other_tree = carol.git(&["rev-parse", "origin/main^{tree}"]);
    let (message, _) = carol.entry("CHG-1", &head, Said::Approved);
    let other = carol.commit(&other_tree, &[&head], &message, &["-S"], &[]);
    push(&other).refused(&["holds something else"]);
    push(&resigned(&carol, &review, str::to_owned)).went_well();
}

/// Whatever authors somebody's git is configured with, the program's own commits name who signs them.
#[test]
fn an_author_from_the_environment() {
    let hub = Hub::guarded();
    let (_, carol) = approved(&hub);
    let mut merge = carol.command(crate::plumbing::hub::program(), &["merge", "CHG-1"]);
    merge
        .env("GIT_AUTHOR_EMAIL", "heidi@acme.example")
        .env("GIT_AUTHOR_DATE", "2020-01-01T00:00:00Z");
    Ran::of(&mut merge, "").went_well();
    assert_eq!(hub.git(&["log", "-1", "--format=%ae", "main"]), "carol@acme.example");
}

/// A symbolic ref on the server moves the branch that it names.
#[test]
fn another_name_of_the_base() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let head = alice.put("origin/main", &[("policies/x.rego", "package x\n")], "lax");
    let before = hub.tip("main");
    for (name, target) in [
        ("refs/heads/latest", "refs/heads/main"),
        ("refs/tags/latest", "refs/heads/main"),
        ("refs/heads/next", "refs/heads/latest"),
        ("refs/heads/new", "refs/heads/master"),
    ] {
        hub.git(&["symbolic-ref", name, target]);
        alice
            .push(&["--force", &format!("{head}:{name}")])
            .refused(&["is another name for", target]);
    }
    assert_eq!(hub.tip("main"), before);
    assert_eq!(hub.tip("master"), None);
}

/// Anybody can give an approved change a second name; the merge says which one it is.
#[test]
fn a_second_name_of_a_policy_change() {
    let hub = Hub::guarded();
    let (bob, carol, dan, erin) =
        (hub.desk("bob"), hub.desk("carol"), hub.desk("dan"), hub.desk("erin"));
    let settings = "policies/org/settings/data.yaml";
    let text = bob.git(&["show", &format!("origin/main:{settings}")]) + "\n# reviewed\n";
    let head = bob.put("origin/main", &[(settings, &text)], "Review the settings");
    bob.push(&[&format!("{head}:refs/heads/change/settings")]).went_well();
    carol.approve("settings").went_well();
    erin.approve("settings").went_well();
    dan.git(&["fetch", "--quiet"]);
    for name in ["aaa", "zzz"] {
        dan.push(&[&format!("{head}:refs/heads/change/{name}")]).went_well();
    }
    carol.changegate(&["merge", "zzz"]).ended(3, &["zzz is pending"]);
    carol.changegate(&["merge", "settings"]).ended(0, &["merged settings"]);
}

/// Git holds a branch or a folder of branches under one name, never both.
#[test]
fn a_branch_in_the_way_of_others() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    for (name, why) in [
        ("change", "would block every branch below change/"),
        ("reviews", "would block every branch below reviews/"),
        ("audit", "would block every branch below audit/"),
        ("Audit", "would block every branch below audit/"),
        ("change/CHG-1/x", "would block change/CHG-1"),
        ("reviews/CHG-1/x", "would block reviews/CHG-1"),
    ] {
        alice.push(&[&format!("origin/main:refs/heads/{name}")]).refused(&[why]);
    }
    // Where case makes no difference these are names of other refs.
    let head =
        alice.put("origin/main", &[("requests/CHG-2.yaml", &request("CHG-2", "alice"))], "x");
    alice.push(&[&format!("{head}:refs/heads/change/CHG-2")]).went_well();
    for (name, why) in [
        ("refs/heads/CHANGE/CHG-7", "is the same as refs/heads/change/"),
        ("refs/heads/Reviews/CHG-2", "is the same as refs/heads/reviews/"),
        ("refs/heads/review\u{17f}/CHG-2", "is the same as refs/heads/reviews/"),
        ("refs/heads/AUDIT/log", "is the same as refs/heads/audit/"),
        ("refs/Heads/change/CHG-2", "is the same as refs/heads/"),
        ("refs/Replace/x", "is the same as refs/replace/"),
        ("refs/heads/change/chg-2", "differs from change/CHG-2 by case only"),
        ("refs/heads/reviews/chg-2", "differs from change/CHG-2 by case only"),
        ("refs/heads/MAIN", "differs from the protected branch main by case only"),
        ("refs/heads/Trunk", "differs from the protected branch trunk by case only"),
    ] {
        alice.push(&[&format!("{head}:{name}")]).refused(&[why]);
    }
    alice.push(&["origin/main:refs/heads/Feature", "origin/main:refs/heads/feature"]).went_well();
    for twin in ["refs/heads/change/CHG-5", "refs/heads/reviews/CHG-5"] {
        let both = [format!("{head}:refs/heads/change/chg-5"), format!("{head}:{twin}")];
        let twin = twin.trim_start_matches("refs/heads/");
        let why = [
            format!("change/chg-5 differs from {twin} by case only"),
            format!("{twin} differs from change/chg-5 by case only"),
        ];
        alice
            .push(&both.each_ref().map(String::as_str))
            .refused(&why.each_ref().map(String::as_str));
    }
    // What is there from before the hook can be removed, and is named until then.
    hub.git(&["update-ref", "-d", "refs/heads/change/CHG-2"]);
    hub.git(&["update-ref", "refs/heads/change", "main"]);
    alice.submit("CHG-1").failed(&[
        "the branch change is in the way of change/CHG-1",
        "git push origin refs/remotes/origin/change:refs/heads/old-change :refs/heads/change",
    ]);
    alice
        .push(&["refs/remotes/origin/change:refs/heads/old-change", ":refs/heads/change"])
        .went_well();
    alice.changegate(&["submit", "CHG-1"]).went_well();
}

/// A hub whose hook, once it has accepted a push, runs a script before Git locks a ref.
fn delayed(hub: &Hub, script: &str) {
    let hook = hub.folder().join("hooks/pre-receive");
    let program = crate::plumbing::hub::program();
    let text = format!(
        "#!/bin/sh\n'{}' hook pre-receive || exit 1\nunset GIT_QUARANTINE_PATH\n{script}\n",
        program.display()
    );
    fs::write(&hook, text).unwrap();
    make_executable(&hook);
}

/// Record 29: an objection that arrives between the judgement of a merge and the merge.
#[test]
fn an_objection_between_judging_and_merging() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    let dan = hub.desk("dan");
    let before = hub.tip("main");
    let head = hub.tip("change/CHG-1").unwrap();
    dan.git(&["fetch", "--quiet"]);
    let (message, parents) = dan.entry("CHG-1", &head, Said::ChangesRequested);
    let parents: Vec<_> = parents.iter().map(String::as_str).collect();
    let tree = dan.git(&["rev-parse", &format!("{head}^{{tree}}")]);
    let objection = dan.commit(&tree, &parents, &message, &["-S"], &[]);
    hub.git(&["fetch", "--quiet", dan.folder.to_str().unwrap(), &objection]);
    delayed(&hub, &format!("git update-ref refs/heads/reviews/CHG-1 {objection}"));
    // The program judges once more, and sees it.
    carol.changegate(&["merge", "CHG-1"]).ended(1, &["dan requested changes"]);
    assert_eq!(hub.tip("main"), before);
    // A push by hand is told why.
    let tip = hub.tip("change/CHG-1").unwrap();
    let text = request("CHG-1", "alice") + "# more\n";
    let more = alice.put(&tip, &[("requests/CHG-1.yaml", &text)], "more");
    hub.git(&["fetch", "--quiet", alice.folder.to_str().unwrap(), &more]);
    delayed(&hub, &format!("git update-ref refs/heads/change/CHG-1 {more}"));
    let review = carol.approval("CHG-1", &tip, &["-S"], &[]);
    carol
        .push(&[&format!("{review}:refs/heads/reviews/CHG-1")])
        .refused(&["refs/heads/change/CHG-1 has moved since", "judged again"]);
    assert!(fs::read_dir(hub.folder().join("changegate")).unwrap().next().is_none());
    hub.is_sound();
}

/// What administrators do with the repository isn't a push.
#[test]
fn administration_is_not_judged() {
    let hub = Hub::guarded();
    let (_, carol) = approved(&hub);
    hub.git(&["update-ref", "refs/heads/copy", "main"]);
    hub.git(&["pack-refs", "--all"]);
    carol.changegate(&["merge", "CHG-1"]).went_well();
    hub.git(&["update-ref", "-d", "refs/heads/copy"]);
    hub.git(&["gc", "--quiet"]);
    hub.is_sound();
}
