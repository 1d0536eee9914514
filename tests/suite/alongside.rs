//! A repository that holds code, too: what touches no governed path passes, and only that.

use crate::plumbing::hub::{Desk, Hub};

/// Pushes a commit to the base.
fn into_main(desk: &Desk<'_>, commit: &str) -> crate::plumbing::hub::Ran {
    desk.push(&[&format!("{commit}:refs/heads/main")])
}

#[test]
fn code_is_pushed_as_before() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    // Unsigned, by somebody whom the roster doesn't know, several commits, and a merge among them.
    alice.git(&["config", "user.email", "new@acme.example"]);
    alice.git(&["config", "commit.gpgsign", "false"]);
    for path in ["README.md", "schemas/x.json", "src/policies/x.rego", ".github/dependabot.yml"] {
        alice.write(path, "x\n");
        alice.git(&["add", "--all"]);
        alice.git(&["commit", "--quiet", "-m", path]);
    }
    alice.git(&["switch", "--quiet", "-c", "feature", "main~2"]);
    alice.write("src/main.rs", "x\n");
    alice.git(&["add", "--all"]);
    alice.git(&["commit", "--quiet", "-m", "feature"]);
    alice.git(&["switch", "--quiet", "main"]);
    alice.git(&["merge", "--quiet", "--no-ff", "-m", "Merge the feature", "feature"]);
    alice.push(&["main"]).went_well();
    // Changes go on beside it, and code beside them.
    carol.submit("CHG-1").ended(0, &["submitted CHG-1"]);
    carol.changegate(&["merge", "CHG-1"]).went_well();
    alice.git(&["pull", "--quiet", "--no-rebase", "origin", "main"]);
    alice.write("src/lib.rs", "x\n");
    alice.git(&["add", "--all"]);
    alice.git(&["commit", "--quiet", "-m", "more"]);
    alice.push(&["main"]).went_well();
    // On a branch of its own it passes as well.
    alice.git(&["switch", "--quiet", "-c", "change/docs"]);
    alice.write("docs/x.md", "x\n");
    alice.git(&["add", "--all"]);
    alice.git(&["commit", "--quiet", "-m", "docs"]);
    let ran = alice.changegate(&["check", "--no-fetch", "--head", "change/docs"]);
    ran.ended(0, &["other paths  approved  it touches no governed path, so nothing is judged"]);
    hub.is_sound();
}

#[test]
fn what_is_governed_is_still_judged() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    let base = hub.tip("main").unwrap();
    for path in [
        "requests/CHG-1.yaml",
        "Requests/CHG-1.yaml",
        "policies/x.rego",
        "POLICIES/x.rego",
        ".github/workflows/x.yml",
        ".github/actions/x/action.yml",
        "CODEOWNERS",
        ".github/codeowners",
        "docs/CODEOWNERS",
        ".gitattributes",
    ] {
        let head = alice.put(&base, &[(path, "x\n"), ("README.md", "x\n")], "x");
        into_main(&alice, &head).refused(&[
            "was rejected on main",
            path,
            "not the merge of a change",
        ]);
        // Nor between two that are free.
        let first = alice.put(&base, &[("a", "x\n")], "x");
        let head = alice.put(&alice.put(&first, &[(path, "x\n")], "x"), &[("b", "x\n")], "x");
        into_main(&alice, &head).refused(&[path]);
    }
    // A link or a submodule in the place of a folder.
    for (mode, path, content) in [
        ("120000", "requests", "src"),
        ("120000", ".github", "src"),
        ("120000", "docs", "src"),
        ("160000", "Policies", &*base),
    ] {
        let tree = alice.tree(&base, &[(mode, path, content)]);
        let head = alice.commit(&tree, &[&base], "x", &["-S"], &[]);
        into_main(&alice, &head).refused(&["was rejected on main", path]);
    }
    assert_eq!(hub.tip("main").unwrap(), base);
}

/// A merge that leaves out what it merges would still count as the merge of a change.
#[test]
fn a_free_merge_brings_no_change() {
    let hub = Hub::guarded();
    let alice = hub.desk("alice");
    alice.submit("CHG-1").went_well();
    let (base, head) = (hub.tip("main").unwrap(), hub.tip("change/CHG-1").unwrap());
    for files in [&[][..], &[("README.md", "x\n")]] {
        let entries: Vec<_> = files.iter().map(|(path, text)| ("100644", *path, *text)).collect();
        let tree = alice.tree(&base, &entries);
        let merge = alice.commit(&tree, &[&base, &head], "ours", &["-S"], &[]);
        into_main(&alice, &merge).refused(&["it brings", "which changes requests/CHG-1.yaml"]);
    }
    assert_eq!(hub.tip("main").unwrap(), base);
}

#[test]
fn settings_that_refuse_everything_else() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    let settings = "policies/org/settings/data.yaml";
    let text = alice.git(&["show", &format!("origin/main:{settings}")]);
    let strict = text.replace("other_paths: free", "other_paths: refused");
    assert_ne!(text, strict);
    let base = alice.put("origin/main", &[(settings, &strict)], "Nothing else");
    into_main(&alice, &base).went_well();
    hub.guard();
    let head = alice.put(&base, &[("README.md", "x\n")], "x");
    into_main(&alice, &head).refused(&["it changes README.md", "`other_paths: refused`"]);
    alice.git(&["fetch", "--quiet"]);
    let ran = alice.changegate(&["check", "--no-fetch", "--head", &head]);
    ran.ended(1, &["error[request/other-paths]", "README.md"]);
}
