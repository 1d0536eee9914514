//! Repositories that show something else than they hold.

use super::*;

/// What of a decision has to be the same whatever surrounds it.
fn lasting(ran: &Ran) -> Value {
    let report: Value = serde_json::from_str(ran.went_well()).unwrap();
    let decision = &report["decisions"][0];
    serde_json::json!([
        decision["verdict"],
        decision["digests"]["material"],
        decision["digests"]["policies"],
        why_not(decision),
    ])
}

const CHECK: [&str; 5] = ["check", "--branch", "CHG-1", "--format", "json"];

/// Record 20: attributes that hide differences or filter content.
#[test]
fn attributes_and_filters() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let attributes = "*.yaml -diff filter=evil text eol=crlf ident\n* export-ignore merge=ours\n";
    let head = carol.put("origin/main", &[(".gitattributes", attributes)], "x");
    carol.push(&[&format!("{head}:refs/heads/main")]).went_well();
    for desk in [&alice, &carol] {
        desk.git(&["fetch", "--quiet"]);
        desk.git(&["reset", "--quiet", "--hard", "origin/main"]);
        desk.git(&["config", "filter.evil.clean", "sed s/flag/flags/"]);
        desk.git(&["config", "filter.evil.smudge", "sed s/flag/banner/"]);
        desk.write(".git/info/attributes", attributes);
    }
    // What git stores is what is judged and shown: alice's own filter has changed it before.
    let text = request("CHG-1", "alice").replace("flag", "flags");
    alice.submit("CHG-1").ended(0, &["submitted CHG-1"]);
    assert_eq!(hub.git(&["show", "change/CHG-1:requests/CHG-1.yaml"]), text.trim());
    carol.approve("CHG-1").ended(0, &["and counts"]);
    carol.changegate(&["show", "CHG-1"]).ended(0, &["toggle the flags back off"]);
    carol.changegate(&["merge", "CHG-1"]).went_well();
    assert_eq!(hub.git(&["show", "main:requests/CHG-1.yaml"]), text.trim());
    // One that comes with a request isn't part of it.
    let files = [(".gitattributes", "x"), ("requests/CHG-2.yaml", &request("CHG-2", "alice"))];
    let head = alice.put("origin/main", &files, "x");
    judged_by_hand(&alice, &head).ended(1, &["error[request/split]", ".gitattributes"]);
}

/// Record 21: a hostile configuration, hooks, environment.
#[test]
fn hostile_surroundings() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    let expected = lasting(&carol.changegate(&CHECK));
    let hooks = hub.path("evil");
    fs::create_dir(&hooks).unwrap();
    let evil = "#!/bin/sh\ngit --git-dir=\"$GIT_DIR\" update-ref refs/heads/main HEAD~1\nexit 0\n";
    for name in ["reference-transaction", "post-checkout", "pre-push", "fsmonitor", "ssh"] {
        fs::write(hooks.join(name), evil).unwrap();
        make_executable(&hooks.join(name));
    }
    let program = |name: &str| hooks.join(name).display().to_string();
    let included = hub.path("included");
    fs::write(&included, "[gpg \"ssh\"]\nprogram = /bin/true\n[core]\nuseReplaceRefs = true\n")
        .unwrap();
    for (name, value) in [
        ("core.fsmonitor", program("fsmonitor")),
        ("core.hooksPath", hooks.display().to_string()),
        ("core.attributesFile", program("ssh")),
        ("gpg.ssh.program", "/bin/true".to_owned()),
        ("gpg.ssh.allowedSignersFile", "/dev/null".to_owned()),
        ("gpg.format", "openpgp".to_owned()),
        ("include.path", included.display().to_string()),
        ("core.worktree", "/".to_owned()),
        ("core.bare", "false".to_owned()),
        ("log.showSignature", "true".to_owned()),
        ("i18n.commitEncoding", "ISO-8859-1".to_owned()),
    ] {
        carol.git(&["config", "--replace-all", name, &value]);
        if name != "core.hooksPath" {
            hub.git(&["config", "--replace-all", name, &value]);
        }
    }
    assert_eq!(lasting(&carol.changegate(&CHECK)), expected);
    let other = hub.path("other");
    let init = ["init", "--quiet", "--bare", other.to_str().unwrap()];
    Ran::of(std::process::Command::new("git").args(init), "").went_well();
    let mut command = carol.command(crate::plumbing::hub::program(), &CHECK);
    for name in [
        "GIT_DIR",
        "GIT_COMMON_DIR",
        "GIT_WORK_TREE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_INDEX_FILE",
        "GIT_GRAFT_FILE",
        "GIT_SHALLOW_FILE",
    ] {
        command.env(name, &other);
    }
    for (name, value) in [
        ("GIT_NAMESPACE", "x"),
        ("GIT_REPLACE_REF_BASE", "refs/heads/"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "core.useReplaceRefs"),
        ("GIT_CONFIG_VALUE_0", "true"),
        ("GIT_CONFIG_PARAMETERS", "'gpg.ssh.program'='/bin/true'"),
        ("GIT_LITERAL_PATHSPECS", "1"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("LANGUAGE", "de"),
    ] {
        command.env(name, value);
    }
    assert_eq!(lasting(&Ran::of(&mut command, "")), expected);
    // The server's decision stays what it was, too: an unsigned approval isn't let in.
    let head = hub.tip("change/CHG-1").unwrap();
    let as_bob = [("GIT_COMMITTER_EMAIL", "bob@acme.example")];
    let forged = alice.approval("CHG-1", &head, &["--no-gpg-sign"], &as_bob);
    alice.push(&[&format!("{forged}:refs/heads/reviews/CHG-1")]).refused(&["it isn't signed"]);
}

/// Record 22: refs/replace, pushed and in the clone.
#[test]
fn replaced_objects() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    let head = hub.tip("change/CHG-1").unwrap();
    let harmless = request("CHG-1", "bob");
    let other = alice.put("origin/main", &[("requests/CHG-1.yaml", &harmless)], "x");
    let before = alice.decision("CHG-1");
    alice.git(&["replace", &head, &other]);
    let main = hub.tip("main").unwrap();
    let lax = alice.put(&main, &[("policies/org/matrix/data.yaml", "x")], "lax");
    alice.git(&["replace", &main, &lax]);
    assert_eq!(alice.decision("CHG-1")["digests"]["policies"], before["digests"]["policies"]);
    assert_eq!(alice.decision("CHG-1")["requester"], "alice");
    alice.push(&["refs/replace/*:refs/replace/*"]).refused(&["show another history"]);
    hub.git(&["fetch", "--quiet", alice.folder.to_str().unwrap(), "refs/replace/*:refs/replace/*"]);
    assert_eq!(hub.desk("carol").decision("CHG-1")["requester"], "alice");
    let forged = alice.commit(
        &alice.git(&["rev-parse", &format!("{head}^{{tree}}")]),
        &[&main, &head],
        "Merge",
        &["-S"],
        &[],
    );
    alice.push(&[&format!("{forged}:refs/heads/main")]).refused(&["CHG-1 is pending"]);
}

/// Record 23, 24: grafts, and shallow and partial clones. Kinds of repositories that can't be read.
#[test]
fn unreliable_repositories() {
    let hub = Hub::open();
    let (alice, carol) = approved(&hub);
    let head = hub.tip("change/CHG-1").unwrap();
    alice.write(".git/info/grafts", &format!("{head}\n"));
    alice.changegate(&CHECK).failed(&["has grafts", "remove its file info/grafts"]);
    let url = format!("file://{}", hub.folder().display());
    hub.git(&["config", "uploadpack.allowFilter", "true"]);
    let other = |arguments: &[&str], name: &str| {
        let folder = hub.path(name);
        let mut command = carol.command("git", arguments);
        Ran::of(command.arg("--quiet").arg(&folder), "").went_well();
        Desk { hub: &hub, who: "carol", folder }
    };
    let clone = |options: &[&str], name: &str| other(&[&["clone", &url], options].concat(), name);
    clone(&["--depth", "1"], "shallow").changegate(&CHECK).failed(&["shallow", "--unshallow"]);
    let partial = clone(&["--filter=blob:none", "--no-checkout"], "partial");
    partial.changegate(&CHECK).failed(&["partial clone", "clone it again without --filter"]);
    let sha256 = other(&["init", "--object-format=sha256"], "sha256");
    sha256.changegate(&CHECK).failed(&["SHA-256", "use the SHA-1 format"]);
    let reftable = other(&["init", "--ref-format=reftable"], "reftable");
    reftable.changegate(&CHECK).failed(&["reftable", "use the files format"]);
    let nowhere = Desk { hub: &hub, who: "carol", folder: hub.path("keys") };
    nowhere.changegate(&CHECK).failed(&["is not in a Git repository", "run this in a clone"]);
}

/// A tag, an abbreviation or a second branch that looks like the base.
#[test]
fn a_tag_that_looks_like_the_base() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    let matrix = "policies/org/matrix/data.yaml";
    let text = alice.git(&["show", &format!("origin/main:{matrix}")]);
    let lax = alice.put("origin/main", &[(matrix, &text.replace("[L2, L3]", "direct"))], "lax");
    let base = hub.tip("main").unwrap();
    let head = alice.put(&lax, &[("requests/CHG-1.yaml", &request("CHG-1", "alice"))], "x");
    let check = |base: &str, head: &str| {
        alice.changegate(&["check", "--no-fetch", "--base", base, "--head", head])
    };
    for name in ["origin/main", "main", "HEAD", "v1", &base[..7]] {
        alice.git(&["update-ref", &format!("refs/tags/{name}"), &lax]);
    }
    check("main", &head).ended(1, &["error[request/split]"]);
    check("origin/main", &head).ended(1, &["error[request/split]"]);
    check(&base, &head).ended(1, &["error[request/split]"]);
    for name in ["v1", "tags/v1", "refs/tags/v1", &base[..7], &lax[..12], "main~0", "FETCH_HEAD"] {
        check(name, &head).failed(&["is not a commit that can be judged"]);
        check("main", name).failed(&["is not a commit that can be judged"]);
    }
    // A branch here of the same name as the remote's.
    alice.git(&["update-ref", "refs/heads/origin/main", &lax]);
    check("origin/main", &head).failed(&["can mean several commits", "refs/heads/origin/main"]);
    check("refs/remotes/origin/main", &head).ended(1, &["error[request/split]"]);
    alice.git(&["update-ref", &format!("refs/heads/{lax}"), &base]);
    check("main", &lax).failed(&["can mean several commits"]);
    // Work here, before it is pushed.
    let mine = alice.put(&base, &[("requests/CHG-2.yaml", &request("CHG-2", "alice"))], "x");
    alice.git(&["update-ref", "refs/heads/mine", &mine]);
    check("main", "mine").ended(3, &["CHG-2.yaml  PENDING"]);
    alice.git(&["switch", "--quiet", "mine"]);
    check("main", "HEAD").ended(3, &["CHG-2.yaml  PENDING"]);
}

/// Two policy files whose names differ in bytes that aren't UTF-8, so that one would hide the other.
#[test]
fn policies_with_names_that_are_not_text() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    let deny = "package changegate.rules.deny\n";
    let blob = alice.blob(deny);
    let rules = alice.git(&["ls-tree", "origin/main:policies/rules"]);
    let policies = alice.git(&["ls-tree", "origin/main:policies"]);
    for names in [
        "\"\\377.rego\"",      // one byte
        "\"\\303\\251.rego\"", // é
        "\"a\\tb.rego\"",
    ] {
        let rules = format!("{rules}\n100644 blob {blob}\t{names}\n");
        let rules = alice.git_with(&["mktree"], &rules, &[]);
        let policies: Vec<_> = policies.lines().filter(|line| !line.ends_with("\trules")).collect();
        let policies = format!("{}\n040000 tree {rules}\trules\n", policies.join("\n"));
        let policies = alice.git_with(&["mktree"], &policies, &[]);
        let root = alice.git_with(&["mktree"], &format!("040000 tree {policies}\tpolicies\n"), &[]);
        let base = alice.commit(&root, &[], "x", &["-S"], &[]);
        let head = alice.put(&base, &[("requests/CHG-1.yaml", &request("CHG-1", "alice"))], "x");
        let ran = alice.changegate(&["check", "--no-fetch", "--base", &base, "--head", &head]);
        ran.failed(&["can't be used", "characters that aren't plain ASCII", "rename the file"]);
    }
    let tree = alice.git_with(
        &["mktree"],
        &format!("{policies}\n100644 blob {blob}\t\"x\\377.rego\"\n"),
        &[],
    );
    let root = alice.git_with(&["mktree"], &format!("040000 tree {tree}\tpolicies\n"), &[]);
    let base = hub.tip("main").unwrap();
    let head = alice.commit(&root, &[&base], "x", &["-S"], &[]);
    judged_by_hand(&alice, &head).failed(&["isn't UTF-8", "rename the file"]);
}
