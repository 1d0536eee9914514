//! Ways around that need no forgery: each uses what pushing allows.

use super::*;

/// An objector who is named as a co-author still objects.
#[test]
fn an_objector_named_as_co_author() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    let dan = hub.desk("dan");
    let objection = ["review", "CHG-1", "--request-changes", "--comment", "no", "--yes"];
    dan.changegate(&objection).went_well();
    let head = hub.tip("change/CHG-1").unwrap();
    let message = "CHG-1: thanks\n\nCo-authored-by: Dan <dan@acme.example>\n";
    let named = alice.put(&head, &[], message);
    alice.push(&[&format!("{named}:refs/heads/change/CHG-1")]).went_well();
    let decision = carol.decision("CHG-1");
    assert!(codes(&decision).contains(&"signoff/changes-requested"), "{decision}");
    carol.changegate(&["merge", "CHG-1"]).ended(1, &["dan requested changes"]);
    dan.changegate(&["review", "CHG-1", "--withdraw", "--yes"]).went_well();
    carol.changegate(&["merge", "CHG-1"]).went_well();
}

/// An approval that has aged out isn't made fresh by a commit that puts the base first.
#[test]
fn an_old_approval_under_a_new_commit() {
    let hub = Hub::open();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let old = [
        ("GIT_COMMITTER_DATE", "2026-01-05T09:00:00Z"),
        ("GIT_AUTHOR_DATE", "2026-01-05T09:00:00Z"),
    ];
    let base = hub.tip("main").unwrap();
    let text = request("CHG-1", "alice");
    let tree = alice.tree("origin/main", &[("100644", "requests/CHG-1.yaml", &text)]);
    let head = alice.commit(&tree, &[&base], "CHG-1", &["-S"], &old);
    alice.push(&[&format!("{head}:refs/heads/change/CHG-1")]).went_well();
    carol.git(&["fetch", "--quiet", "origin"]);
    let review = carol.approval("CHG-1", &head, &["-S"], &old);
    carol.push(&[&format!("{review}:refs/heads/reviews/CHG-1")]).went_well();
    let fresh = alice.commit(&tree, &[&base, &head], "CHG-1 again", &["-S"], &[]);
    alice.push(&[&format!("{fresh}:refs/heads/change/CHG-1")]).went_well();
    let decision = carol.decision("CHG-1");
    assert!(why_not(&decision)[0].contains("expired"), "{decision}");
}

/// A base by another name is guarded as well, and nothing grows where no base is.
#[test]
fn a_base_by_another_name() {
    let hub = Hub::bare(&["init", "--quiet", "--bare", "-b", "develop"]);
    hub.found("develop");
    hub.guard();
    let carol = hub.desk("carol");
    let head = carol.put("origin/develop", &[("requests/x.yaml", "x")], "x");
    carol.push(&[&format!("{head}:refs/heads/develop")]).refused(&["was rejected on develop"]);

    let hub = Hub::bare(&["init", "--quiet", "--bare", "-b", "main"]);
    hub.found("develop");
    hub.guard();
    let carol = hub.desk("carol");
    let head = carol.put("origin/develop", &[("x", "x")], "x");
    carol.push(&[&format!("{head}:refs/heads/develop")]).refused(&["git symbolic-ref HEAD"]);
}

/// A merge is signed by its maker, and made now.
#[test]
fn a_merge_in_anothers_name() {
    let hub = Hub::guarded();
    let (_, carol) = approved(&hub);
    let dan = hub.desk("dan");
    dan.git(&["config", "user.email", "carol@acme.example"]);
    dan.changegate(&["merge", "CHG-1"])
        .ended(1, &["it is not proven that carol@acme.example merged"]);
    carol.changegate(&["merge", "CHG-1"]).went_well();
}

/// Nobody's amendment is lost under a file that doesn't know of it.
#[test]
fn an_amendment_that_was_not_seen() {
    let hub = Hub::guarded();
    let (alice, bob) = (hub.desk("alice"), hub.desk("bob"));
    alice.submit("CHG-1").went_well();
    let text = request("CHG-1", "alice");
    bob.submit_text("CHG-1", &format!("{text}# mine\n")).failed(&["was submitted by alice"]);
    let head = hub.tip("change/CHG-1").unwrap();
    bob.git(&["fetch", "--quiet", "origin"]);
    let amended = format!("{text}# bob\n");
    let by_bob = bob.put(&head, &[("requests/CHG-1.yaml", &amended)], "amended");
    bob.push(&[&format!("{by_bob}:refs/heads/change/CHG-1")]).went_well();
    alice.submit_text("CHG-1", &format!("{text}# alice\n")).failed(&["bob amended change/CHG-1"]);
}

/// A folder on the change's branch comes along to the newer base, and stages no deletion.
#[test]
fn amending_what_is_merged_on_a_newer_base() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    carol.changegate(&["merge", "CHG-1"]).went_well();
    let dan = hub.desk("dan");
    dan.submit("CHG-2").went_well();
    carol.changegate(&["merge", "CHG-2"]).went_well();
    let text = request("CHG-1", "alice").replace("disk", "disk, and its cable");
    let again = alice.submit_text("CHG-1", &format!("{text}links: {{a: b}}\n"));
    assert!(matches!(again.code, 0 | 1), "{again:?}");
    assert_eq!(alice.git(&["status", "--porcelain"]), "");
}

/// A first push of policies that can't be used would lock everybody out.
#[test]
fn broken_policies_at_the_beginning() {
    let hub = Hub::bare(&["init", "--quiet", "--bare", "-b", "main"]);
    hub.guard();
    let carol = hub.lonely_desk("carol");
    let broken = [("100644", "policies/org/roster/data.yaml", "people: [")];
    let empty = carol.git_with(&["mktree"], "", &[]);
    let first = carol.commit(&empty, &[], "Nothing", &["-S"], &[]);
    let tree = carol.tree(&first, &broken);
    let head = carol.commit(&tree, &[], "Policies", &["-S"], &[]);
    let folder = hub.folder();
    let to = folder.to_str().unwrap();
    let push = |id: &str| {
        let refspec = format!("{id}:refs/heads/main");
        Ran::of(&mut carol.command("git", &["push", to, &refspec]), "")
    };
    push(&head).refused(&["can't be used"]);
    push(&first).went_well();
    let later = carol.commit(&tree, &[&first], "Policies", &["-S"], &[]);
    push(&later).refused(&["can't be used"]);
}

/// Another protected branch begins with the policies of now, and not where older ones ruled.
#[test]
fn a_protected_branch_under_older_policies() {
    let hub = Hub::open();
    let carol = hub.desk("carol");
    let path = "policies/org/settings/data.yaml";
    let older = hub.tip("main").unwrap();
    let settings = carol.git(&["show", &format!("origin/main:{path}")]);
    let both = settings.replace("protected_bases: [main]", "protected_bases: [main, release]");
    assert_ne!(settings, both);
    let newer = carol.put(&older, &[(path, &both)], "Protect release, too");
    carol.push(&[&format!("{newer}:refs/heads/main")]).went_well();
    hub.guard();
    carol.push(&[&format!("{older}:refs/heads/release")]).refused(&["the current policies"]);
    carol.push(&[&format!("{newer}:refs/heads/release")]).went_well();
    let beside = carol.put(&newer, &[("requests/x.yaml", "x")], "x");
    carol.push(&[&format!("{beside}:refs/heads/release")]).refused(&["was rejected on release"]);
}
