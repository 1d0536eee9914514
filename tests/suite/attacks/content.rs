//! What is found where a request should be.

use super::*;

/// Record 16: something else than a regular file in a request's place.
#[test]
fn no_regular_file() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let text = request("CHG-1", "alice");
    let base = hub.tip("main").unwrap();
    for (mode, content) in [("120000", "../../etc/passwd"), ("160000", &base), ("100755", &text)] {
        let tree = alice.tree("origin/main", &[(mode, "requests/CHG-1.yaml", content)]);
        let head = alice.commit(&tree, &[&base], "x", &["-S"], &[]);
        judged_by_hand(&alice, &head).ended(1, &["error[request/no-file]"]);
    }
    let tree = alice.tree("origin/main", &[("100644", "requests/CHG-1.yaml/x.yaml", &text)]);
    let head = alice.commit(&tree, &[&base], "x", &["-S"], &[]);
    let ran = judged_by_hand(&alice, &head);
    assert_eq!(ran.code, 1, "{ran:?}");
    // A folder of requests that is a link to another one.
    let tree = alice.tree("origin/main", &[("120000", "requests", "policies")]);
    let head = alice.commit(&tree, &[&base], "x", &["-S"], &[]);
    let ran = judged_by_hand(&alice, &head);
    assert_eq!(ran.code, 1, "{ran:?}");
}

/// Record 6, 17: paths that lead elsewhere, or that some file systems take for others, and a ticket that is
/// used again.
#[test]
fn odd_paths() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    let base = hub.tip("main").unwrap();
    let blob = alice.blob(&request("CHG-1", "alice"));
    let policies = alice.git(&["rev-parse", "origin/main:policies"]);
    let mktree = |lines: &str| alice.git_with(&["mktree"], lines, &[]);
    let with_requests = |requests: &str| {
        mktree(&format!("040000 tree {policies}\tpolicies\n040000 tree {requests}\trequests\n"))
    };
    let inner = mktree(&format!("100644 blob {blob}\tCHG-1.yaml\n"));
    for requests in [
        format!("040000 tree {inner}\t..\n"),
        format!("040000 tree {inner}\t.git\n"),
        format!("040000 tree {inner}\t.GIT\n"),
        format!("040000 tree {inner}\t.\n"),
        format!("040000 tree {inner}\ta \n"),
        format!("040000 tree {inner}\ta.\n"),
        format!("100644 blob {blob}\tCHG\u{2011}1.yaml\n"),
        format!("100644 blob {blob}\tCHG-\u{e9}.yaml\n"),
        format!("100644 blob {blob}\tCHG-e\u{301}.yaml\n"),
        format!("100644 blob {blob}\ta\\CHG-1.yaml\n"),
        format!("100644 blob {blob}\t\"a\\tCHG-1.yaml\"\n"),
        format!("100644 blob {blob}\t\"\\377CHG-1.yaml\"\n"),
        format!("100644 blob {blob}\tCHG-1.yaml\n100644 blob {blob}\tchg-1.yaml\n"),
        format!("100644 blob {blob}\tCHG-1.yml\n"),
        format!("100644 blob {blob}\t.yaml\n"),
    ] {
        let tree = with_requests(&mktree(&requests));
        let head = alice.commit(&tree, &[&base], "x", &["-S"], &[]);
        let ran = judged_by_hand(&alice, &head);
        assert_eq!(ran.code, 1, "{requests:?}: {ran:?}");
    }
    // Beside a merged request whose name differs in case only.
    let text = request("CHG-1", "alice");
    let head = alice.put("origin/main", &[("requests/CHG-1.yaml", &text)], "x");
    alice.push(&[&format!("{head}:refs/heads/main")]).went_well();
    alice.git(&["fetch", "--quiet"]);
    for path in ["requests/2026/CHG-1.yaml", "requests/chg-1.yaml", "requests/Chg-1.yaml"] {
        let head = alice.put(&head, &[(path, &text)], "x");
        judged_by_hand(&alice, &head).ended(1, &["error[request/duplicate-id]"]);
    }
}

/// Record 17: a tree that holds a name twice, so that one content is judged and the other one merged.
#[test]
fn a_name_that_stands_twice() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let base = hub.tip("main").unwrap();
    let good = alice.blob(&request("CHG-1", "alice"));
    let evil = alice.blob(&request("CHG-1", "alice").replace("the flag", "all flags"));
    let policies = alice.git(&["rev-parse", "origin/main:policies"]);
    let raw = |entries: &[(&str, &str, &str)]| {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend(format!("{mode} {name}\0").bytes());
            let digit = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).unwrap();
            bytes.extend((0..40).step_by(2).map(digit));
        }
        let file = hub.path("tree");
        fs::write(&file, bytes).unwrap();
        alice.git(&["hash-object", "-w", "-t", "tree", "--literally", file.to_str().unwrap()])
    };
    let requests = |first: &str, second: &str| {
        raw(&[("100644", "CHG-1.yaml", first), ("100644", "CHG-1.yaml", second)])
    };
    let once = |blob: &str| raw(&[("100644", "CHG-1.yaml", blob)]);
    let root = |requests: &[&str]| {
        let mut entries = vec![("40000", "policies", policies.as_str())];
        entries.extend(requests.iter().map(|id| ("40000", "requests", *id)));
        raw(&entries)
    };
    for tree in [
        root(&[&requests(&good, &evil)]),
        root(&[&requests(&evil, &good)]),
        root(&[&once(&good), &once(&evil)]),
        root(&[&once(&evil), &once(&good)]),
    ] {
        let head = alice.commit(&tree, &[&base], "x", &["-S"], &[]);
        judged_by_hand(&alice, &head).failed(&["appears twice"]);
        hub.git(&["fetch", "--quiet", alice.folder.to_str().unwrap(), &head]);
        hub.git(&["update-ref", "refs/heads/change/CHG-1", &head]);
        carol.approve("CHG-1").failed(&["appears twice"]);
    }
}

/// Record 18: YAML that readers could take differently.
#[test]
fn ambiguous_yaml() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    let text = request("CHG-1", "alice");
    for odd in [
        format!("{text}requester: bob\n"),
        format!("{text}\"requ\\x65ster\": bob\n"),
        text.replace("users: none", "users: &a none").replace("operations: none", "operations: *a"),
        format!("{text}---\nid: CHG-1\n"),
        text.replace("requester: alice", "requester: !!str alice"),
        text.replace("impact: {", "impact: {<<: {users: none}, "),
        text.replace("id: CHG-1\n", "id: CHG-1\nid: CHG-1\n"),
    ] {
        let head = alice.put("origin/main", &[("requests/CHG-1.yaml", &odd)], "x");
        let ran = judged_by_hand(&alice, &head);
        assert_eq!(ran.code, 1, "{odd}: {ran:?}");
    }
}

/// Record 19: a request with characters that show nothing.
#[test]
fn hidden_characters() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    let text = request("CHG-1", "alice");
    for hidden in ["\u{202e}", "\u{200b}", "\u{2066}", "\u{feff}", "\u{e0041}", "\\e[2J", "\\0"] {
        let odd = text.replace("reason: its", &format!("reason: \"{hidden}its\" #"));
        let head = alice.put("origin/main", &[("requests/CHG-1.yaml", &odd)], "x");
        let ran = judged_by_hand(&alice, &head);
        assert_eq!(ran.code, 1, "{hidden:?}: {ran:?}");
        assert_eq!(refused(&ran.stdout, Text::Prose).next(), None, "{hidden:?}");
    }
}

/// Record 40: what would take for ever.
#[test]
fn resource_exhaustion() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let text = request("CHG-1", "alice");
    let bomb: String = (0..30)
        .map(|n| format!("a{}: &a{} [{}]\n", n + 1, n + 1, format!("*a{n}, ").repeat(9)))
        .collect();
    for odd in [
        format!("a0: &a0 [lol]\n{bomb}{text}"),
        text.clone() + "links: " + &"[".repeat(100_000),
        text.clone() + "links: " + &"{a: ".repeat(100_000),
        text.clone() + "# " + &"x".repeat(3_000_000) + "\n",
        text.clone() + &"- ".repeat(500_000),
    ] {
        let head = alice.put("origin/main", &[("requests/CHG-1.yaml", &odd)], "x");
        let started = std::time::Instant::now();
        let ran = judged_by_hand(&alice, &head);
        assert_eq!(ran.code, 1, "{:?}", ran.stderr);
        assert!(started.elapsed().as_secs() < 10);
    }
}

/// Record 40: rules that never end, on a branch: it is the base's that judge.
#[test]
fn endless_rules_on_a_branch() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let loops: String = (0..12).map(|n| format!("some v{n} in digits; ")).collect();
    let endless = format!(
        "package changegate.rules.odd\n\ndigits := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n\n\
         last := [1 | {}]\n\nfindings contains {{\"code\": \"odd/odd\", \"effect\": \"deny\", \
         \"message\": \"odd\"}} if count(last) > 3\n",
        loops.trim_end_matches("; ")
    );
    let head = alice.put("origin/main", &[("policies/rules/odd/odd.rego", &endless)], "x");
    alice.push(&[&format!("{head}:refs/heads/change/odd")]).went_well();
    let started = std::time::Instant::now();
    let decision = carol.decision("odd");
    assert_eq!(decision["verdict"], "pending");
    assert!(started.elapsed().as_secs() < 5);
}

/// Record 40: rules that never end, on the base, for one of the changes.
#[test]
fn what_can_t_be_judged_can_be_closed_and_stops_no_list() {
    let hub = Hub::open();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    let rule = ("policies/rules/boundless/boundless.rego", &*crate::plumbing::boundless("CHG-1"));
    let head = bob.put("origin/main", &[rule], "Boundless");
    bob.push(&[&format!("{head}:refs/heads/main")]).went_well();
    hub.guard();
    for id in ["CHG-1", "CHG-2"] {
        let text = request(id, "alice");
        let path = format!("requests/{id}.yaml");
        let head = alice.put("origin/main", &[(&path, &text)], "Submit");
        alice.push(&[&format!("{head}:refs/heads/change/{id}")]).went_well();
    }
    alice.changegate(&["list"]).ended(0, &["CHG-2", "pending", "exceeded a bound"]);
    bob.changegate(&["close", "CHG-1"]).ended(0, &["closed CHG-1"]);
}

/// A second record of an incident, or one that a reader could pass over, decides nothing.
#[test]
fn records_of_incidents_that_nobody_reads() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let record = |id: &str, status: &str| format!("id: {id}\nseverity: P1\nstatus: {status}\n");
    let open = record("INC-001", "open");
    let first = [("requests/incidents/INC-001.yaml", &*open)];
    let base = carol.put("origin/main", &first, "An incident");
    carol.push(&[&format!("{base}:refs/heads/main")]).went_well();
    let emergency = request("CHG-1", "alice").replace("type: normal", "type: emergency")
        + "emergency: {incident: INC-001, severity: P1, why_now: customers can't pay}\n";
    alice.git(&["fetch", "--quiet"]);
    let head = alice.put("origin/main", &[("requests/CHG-1.yaml", &emergency)], "CHG-1");
    alice.push(&[&format!("{head}:refs/heads/change/CHG-1")]).went_well();
    let checked = || alice.changegate(&["check", "--branch", "CHG-1"]);
    checked().ended(3, &["an emergency needs the incident commander in person"]);
    let resolved = record("INC-001", "resolved");
    for (path, text, why) in [
        ("requests/incidents/2026/INC-001.yaml", &resolved, "are both records of INC-001"),
        ("requests/incidents/inc-001.yaml", &resolved, "are both records of INC-001"),
        ("requests/incidents/INC-001.yml", &resolved, "name it INC-001.yaml"),
        ("requests/incidents/INC-002.yaml", &resolved, "name it INC-001.yaml"),
        ("requests/incidents/INC-002.yaml", &"id: INC-002\n".to_owned(), "is missing"),
    ] {
        let second = carol.put(&base, &[(path, text)], "Another record");
        hub.git(&["update-ref", "refs/heads/main", &base]);
        carol.push(&[&format!("{second}:refs/heads/main")]).went_well();
        checked().ended(2, &[why, path]);
    }
}

/// Record 40: a branch of 2,000 commits, and a journal of 500 entries.
#[test]
fn a_long_history() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let text = request("CHG-1", "alice");
    let person = "alice <alice@acme.example> 1700000000 +0000";
    let mut stream = String::from("reset refs/heads/long\nfrom refs/remotes/origin/main\n\n");
    for n in 0..2000 {
        let content = match n {
            0 => text.replace("the flag", "any flag"),
            _ => format!("{text}# {}\n", n % 100),
        };
        stream += &format!(
            "commit refs/heads/long\nmark :{}\ncommitter {person}\ndata 1\nx\n\
             M 100644 inline requests/CHG-1.yaml\ndata {}\n{content}\n",
            n + 1,
            content.len()
        );
    }
    alice.git_with(&["fast-import", "--quiet"], &stream, &[]);
    let tip = alice.git(&["rev-parse", "long"]);
    let tree = alice.git(&["rev-parse", "long^{tree}"]);
    let head = alice.commit(&tree, &[&tip], "mine", &["-S"], &[]);
    let reviewed: Vec<_> = alice.git(&["rev-list", "long"]).lines().map(str::to_owned).collect();
    let mut stream = String::new();
    for n in 0..500 {
        let reviewed = &reviewed[n * 3];
        let message =
            format!("x\n\nChange: CHG-1\nReview: approved\nReviewed-commit: {reviewed}\n");
        let before = if n == 0 { String::new() } else { format!(":{n}") };
        let (from, merge) = match n {
            0 => (reviewed.as_str(), String::new()),
            _ => (before.as_str(), format!("merge {reviewed}\n")),
        };
        stream += &format!(
            "commit refs/heads/journal\nmark :{}\ncommitter {person}\ndata {}\n{message}\nfrom {from}\n{merge}\n",
            n + 1,
            message.len()
        );
    }
    alice.git_with(&["fast-import", "--quiet"], &stream, &[]);
    let pushes =
        [format!("{head}:refs/heads/change/CHG-1"), "journal:refs/heads/reviews/CHG-1".to_owned()];
    alice.push(&[&pushes[0], &pushes[1]]).went_well();
    carol.git(&["fetch", "--quiet"]);
    let started = std::time::Instant::now();
    let decision = carol.decision("CHG-1");
    assert_eq!(decision["verdict"], "pending");
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    carol.approve("CHG-1").ended(0, &["and counts"]);
}
