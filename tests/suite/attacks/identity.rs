//! Who somebody is.

use super::*;

/// Record 11: a push in another's name.
#[test]
fn in_another_persons_name() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let head = hub.tip("change/CHG-1").unwrap();
    let stranger = hub.path("keys/stranger");
    let arguments = ["-q", "-t", "ed25519", "-N", "", "-f", stranger.to_str().unwrap()];
    Ran::of(std::process::Command::new("ssh-keygen").args(arguments), "").went_well();
    let stranger = format!("-S{}.pub", stranger.display());
    let as_carol = [("GIT_COMMITTER_EMAIL", "carol@acme.example"), ("GIT_COMMITTER_NAME", "carol")];
    for (signature, why) in [
        ("--no-gpg-sign", "it isn't signed"),
        ("-S", "it is signed with another person's key"),
        (&stranger, "its signing key isn't in the roster"),
    ] {
        let forged = alice.approval("CHG-1", &head, &[signature], &as_carol);
        let push = format!("{forged}:refs/heads/reviews/CHG-1");
        alice.push(&[&push]).refused(&["it is not proven that carol@acme.example made it", why]);
        hub.git(&["fetch", "--quiet", alice.folder.to_str().unwrap(), &forged]);
        hub.git(&["update-ref", "refs/heads/reviews/CHG-1", &forged]);
        let decision = carol.decision("CHG-1");
        assert_eq!(decision["verdict"], "pending", "{signature}");
        assert!(why_not(&decision)[0].contains(why), "{signature}: {decision}");
        // carol isn't told that she has seen it before.
        let shown = carol.changegate(&["review", "CHG-1", "--comment", "what is this?"]);
        assert!(!shown.stdout.contains("since your review"), "{signature}: {shown:?}");
        hub.git(&["update-ref", "-d", "refs/heads/reviews/CHG-1"]);
    }
    // A signature of something else.
    let sound = carol.approval("CHG-1", &head, &["-S"], &[]);
    let raw = carol.git(&["cat-file", "commit", &sound]) + "\n";
    let forged = raw.replace("approved CHG-1", "approved CHG-1!");
    let forged = carol.git_with(&["hash-object", "-w", "-t", "commit", "--stdin"], &forged, &[]);
    carol
        .push(&[&format!("{forged}:refs/heads/reviews/CHG-1")])
        .refused(&["its signature isn't valid"]);
}

/// Record 11: a commit of a change in another's name.
#[test]
fn a_change_in_another_persons_name() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let text = request("CHG-1", "dan");
    let tree = alice.tree("origin/main", &[("100644", "requests/CHG-1.yaml", &text)]);
    let as_dan =
        [("GIT_COMMITTER_EMAIL", "dan@acme.example"), ("GIT_AUTHOR_EMAIL", "dan@acme.example")];
    let base = hub.tip("main").unwrap();
    let mut forged = Vec::new();
    for (signature, why, remedy) in [
        ("--no-gpg-sign", "it isn't signed", "set up signing"),
        ("-S", "another person's key", "sign under your own address"),
    ] {
        // dan, an L2, could execute it directly.
        let head = alice.commit(&tree, &[&base], "x", &[signature], &as_dan);
        judged_by_hand(&alice, &head).ended(1, &["error[signoff/"]);
        alice.push(&[&format!("{head}:refs/heads/change/CHG-1")]).refused(&[
            "it is not proven that dan@acme.example made",
            why,
            remedy,
        ]);
        forged.push(head);
    }
    // alice can't vouch for it by a commit of her own, and for her own unsigned ones she can.
    let above = alice.commit(&tree, &[&forged[0]], "x", &["-S"], &[]);
    alice
        .push(&[&format!("{above}:refs/heads/change/CHG-1")])
        .refused(&["it is not proven that dan@acme.example made"]);
    let unsigned = alice.commit(&tree, &[&base], "x", &["--no-gpg-sign"], &[]);
    alice.push(&[&format!("{unsigned}:refs/heads/change/x")]).refused(&["it isn't signed"]);
    let above = alice.commit(&tree, &[&unsigned], "x", &["-S"], &[]);
    alice.push(&[&format!("{above}:refs/heads/change/x")]).went_well();
    // A contributor in alice's own branch, whose review then doesn't count.
    alice.submit("CHG-2").went_well();
    let tip = hub.tip("change/CHG-2").unwrap();
    let by_carol = [("GIT_AUTHOR_EMAIL", "carol@acme.example")];
    let text = request("CHG-2", "alice") + "# by carol\n";
    let tree = alice.tree(&tip, &[("100644", "requests/CHG-2.yaml", &text)]);
    let head = alice.commit(&tree, &[&tip], "x", &["-S"], &by_carol);
    alice.push(&[&format!("{head}:refs/heads/change/CHG-2")]).went_well();
    carol.approve("CHG-2").ended(1, &["carol contributed a commit to it"]);
}

/// Record 13: names that look like others.
#[test]
fn names_that_look_like_others() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let text = request("CHG-1", "\u{430}lice");
    let head = alice.put("origin/main", &[("requests/CHG-1.yaml", &text)], "x");
    judged_by_hand(&alice, &head).ended(1, &["requester"]);
    alice.submit("CHG-1").went_well();
    let tip = hub.tip("change/CHG-1").unwrap();
    for email in ["c\u{430}rol@acme.example", "carol@acme.example.evil.example", "carol"] {
        let as_other = [("GIT_COMMITTER_NAME", "carol"), ("GIT_COMMITTER_EMAIL", email)];
        let review = alice.approval("CHG-1", &tip, &["-S"], &as_other);
        alice
            .push(&[&format!("{review}:refs/heads/reviews/CHG-1")])
            .refused(&["it is not proven that"]);
    }
    // Case makes no difference, and the key is still what shows it.
    let address = "Carol@ACME.example";
    let shouting = [("GIT_COMMITTER_EMAIL", address), ("GIT_AUTHOR_EMAIL", address)];
    let review = carol.approval("CHG-1", &tip, &["-S"], &shouting);
    carol.push(&[&format!("{review}:refs/heads/reviews/CHG-1")]).went_well();
    assert_eq!(carol.decision("CHG-1")["verdict"], "approved");
}

/// Record 13: targets that look like those of other requests, open and merged ones.
#[test]
fn targets_that_look_like_others() {
    let hub = Hub::guarded();
    let (alice, bob, carol) = (hub.desk("alice"), hub.desk("bob"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let acting_on = |target: &str| request("CHG-2", "bob").replace("worker-CHG2", target);
    let are_denied = || {
        for name in ["Worker-CHG1", "worker_CHG1", "worker.chg1", "worker-CHGl"] {
            let ran = bob.submit_text("CHG-2", &acting_on(name));
            ran.ended(1, &["names/look-alike", &format!("`{name}` isn't known"), "`worker-CHG1`"]);
        }
        assert_eq!(hub.tip("change/CHG-2"), None);
    };
    are_denied();
    carol.approve("CHG-1").went_well();
    carol.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);
    are_denied();
    // In a folder, in a list, and of one run, likewise.
    bob.git(&["checkout", "--quiet", "-B", "main", "origin/main"]);
    bob.write("requests/CHG-2.yaml", &acting_on("worker-CHGl"));
    bob.changegate(&["check", "CHG-2"]).ended(1, &["names/look-alike"]);
    bob.changegate(&["check", "requests"]).ended(1, &["names/look-alike", "`worker-CHG1`"]);
    let head = bob.put("origin/main", &[("requests/CHG-2.yaml", &acting_on("worker-CHGl"))], "x");
    bob.push(&[&format!("{head}:refs/heads/change/CHG-2")]).went_well();
    bob.changegate(&["list", "--format", "json"]).ended(0, &["looks like `worker-CHG1`"]);
    // One that nobody takes for another's is fine.
    bob.write("requests/CHG-2.yaml", &acting_on("worker-CHG11"));
    bob.changegate(&["check", "CHG-2"]).ended(0, &[]);
}

/// Record 19: what would act on a terminal, in all places that others write to.
#[test]
fn nothing_raw_reaches_the_terminal() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let evil = "a\u{1b}[2J\u{202e}b\u{200b}\u{7}\u{9b}c";
    let text = request("CHG-1", "alice").replace("id: CHG-1\n", "id: CHG-1 # \u{202e}\n");
    alice.write("requests/CHG-1.yaml", &text);
    let submitted = alice.changegate(&["submit", "CHG-1", "--anyway"]);
    let tip = hub.tip("change/CHG-1").unwrap();
    let env = [
        ("GIT_COMMITTER_NAME", evil),
        ("GIT_AUTHOR_NAME", evil),
        ("GIT_AUTHOR_EMAIL", "\u{1b}[31m@acme.example"),
        ("GIT_COMMITTER_EMAIL", "\u{202e}x@acme.example"),
    ];
    let text =
        request("CHG-1", "alice").replace("summary: Put", "summary: \"\\e[31m\u{202e}Put\" #");
    let tree = alice.tree(&tip, &[("100644", "requests/CHG-1.yaml", &text)]);
    let head = alice.commit(&tree, &[&tip], evil, &["-S"], &env);
    alice.push(&[&format!("{head}:refs/heads/change/CHG-1")]).went_well();
    let mut ran = vec![submitted];
    ran.push(carol.changegate(&["check", "--branch", "CHG-1", "--verbose"]));
    for comment in [evil, "x\u{2028}y\u{feff}"] {
        ran.push(carol.changegate(&["review", "CHG-1", "--comment", comment]));
    }
    alice.git(&["fetch", "--quiet"]);
    let (message, parents) = alice.entry("CHG-1", &tip, Said::ChangesRequested);
    let parents: Vec<_> = parents.iter().map(String::as_str).collect();
    let review = alice.commit(&tree, &parents, &(evil.to_owned() + &message), &["-S"], &env);
    alice.push(&["--force", &format!("{review}:refs/heads/reviews/CHG-1")]).went_well();
    for arguments in [
        &["check", "--branch", "CHG-1"][..],
        &["check", "--branch", "CHG-1", "--format", "json"],
        &["check", "--branch", "CHG-1", "--format", "markdown"],
        &["review", "CHG-1", "--approve", "--yes"],
        &["merge", "CHG-1"],
        &["check", "--head", evil],
        &["submit", evil],
    ] {
        ran.push(carol.changegate(arguments));
    }
    for ran in ran {
        for text in [&ran.stdout, &ran.stderr] {
            let raw = refused(text, Text::Prose).next();
            assert_eq!(raw, None, "{text:?}");
        }
    }
    // Nor does it reach anyone who reads the record with plain git.
    let log = hub.git(&["log", "--format=%B", "--author=carol", "reviews/CHG-1", "^main"]);
    assert!(log.contains("commented CHG-1"));
    assert_eq!(refused(&log, Text::Prose).next(), None);
}

/// Record 36: trailers in a title, a summary, a comment.
#[test]
fn injected_trailers() {
    let hub = Hub::guarded();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    let summary =
        "summary: \"Put it away\\n\\nVerdict: approved\\nApproved-by: heidi (L3)\\n\\nx: y\"\n";
    let text = request("CHG-1", "bob");
    let start = text.find("summary:").unwrap();
    let end = start + text[start..].find('\n').unwrap() + 1;
    let text = text.replace(&text[start..end], summary);
    bob.write("requests/CHG-1.yaml", &text);
    bob.changegate(&["submit", "CHG-1", "--anyway"]).went_well();
    let trailers = |commit: &str| {
        let trailers = hub.git(&["log", "-1", "--format=%(trailers:only,unfold)", commit]);
        trailers.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(trailers("change/CHG-1"), [""; 0]);
    let comment = "no\r\n\r\nReview: approved\nChange: CHG-1\n\n\u{2029}\nReview: approved";
    carol
        .changegate(&["review", "CHG-1", "--request-changes", "--yes", "--comment", comment])
        .went_well();
    let found = trailers("reviews/CHG-1");
    assert_eq!(found[..2], ["Change: CHG-1", "Review: changes-requested"]);
    assert_eq!(found.len(), 4);
    assert_eq!(carol.decision("CHG-1")["verdict"], "denied");
    carol.changegate(&["review", "CHG-1", "--withdraw", "--yes"]).went_well();
    carol.changegate(&["merge", "CHG-1"]).ended(0, &["merged CHG-1"]);
    let found = trailers("main");
    assert_eq!(
        found[..4],
        ["Change: CHG-1", "Verdict: approved", "Tier: high", "Sign-off: direct"]
    );
    assert_eq!(found.len(), 5, "{found:?}");
}

/// Several people on one co-author line: each of them contributed.
#[test]
fn several_co_authors_on_one_line() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    for (id, line) in [
        ("CHG-1", "Co-authored-by: Dan <dan@acme.example>, Carol <carol@acme.example>"),
        ("CHG-2", "Co-authored-by: Dan <dan@acme.example>,\n  Carol <carol@acme.example>"),
        ("CHG-3", "Co-authored-by: dan@acme.example; carol@acme.example"),
    ] {
        let files = [(&*format!("requests/{id}.yaml"), &*request(id, "alice"))];
        let head = alice.put("origin/main", &files, &format!("{id}\n\n{line}\n"));
        alice.push(&[&format!("{head}:refs/heads/change/{id}")]).went_well();
        carol.approve(id).ended(1, &["carol contributed a commit to it"]);
    }
    // Somebody whose address can't be read is somebody unknown.
    let text = "x\n\nCo-authored-by: Dan <dan@acme.example>, Carol <carol>\n";
    let head =
        alice.put("origin/main", &[("requests/CHG-4.yaml", &request("CHG-4", "alice"))], text);
    alice
        .push(&[&format!("{head}:refs/heads/change/CHG-4")])
        .refused(&["names carol as an author"]);
    judged_by_hand(&alice, &head).ended(1, &["error[signoff/unattributed-commit]"]);
}
