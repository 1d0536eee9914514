//! Attacks on the record of changes; `promises/table.yaml` lists them by number.
//!
//! Where the attacker pushes to a guarded hub, the push is refused. Where the attacker can write
//! the hub's refs as they like, and anyone who asks is told why it doesn't count.

use std::fs;

use changegate::content::journal::Said;
use changegate::core::characters::{Text, refused};
use serde_json::Value;

use crate::plumbing::hub::{Desk, Hub, Ran, make_executable, request};

mod content;
mod identity;
mod pushes;
mod repository;
mod ways_around;

/// A hub with a change of alice's, CHG-1, that carol has approved.
fn approved(hub: &Hub) -> (Desk<'_>, Desk<'_>) {
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    carol.approve("CHG-1").ended(0, &["and counts"]);
    (alice, carol)
}

/// Why a decision's reviews don't count, in order; an empty text for one that does.
fn why_not(decision: &Value) -> Vec<&str> {
    let reviews = decision["sign_off"]["reviews"].as_array().unwrap().iter();
    reviews.map(|review| review["why"].as_str().unwrap_or("")).collect()
}

/// The codes of a decision's findings.
fn codes(decision: &Value) -> Vec<&str> {
    let findings = decision["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// Makes a merge by hand and pushes it to the base.
fn forced_into_main(desk: &Desk<'_>, head: &str) -> Ran {
    desk.git(&["fetch", "--quiet", "origin"]);
    let tree = desk.git(&["rev-parse", &format!("{head}^{{tree}}")]);
    let parents = ["origin/main", head];
    let merge = desk.commit(&tree, &parents, "Merge CHG-1: it is fine", &["-S"], &[]);
    desk.push(&[&format!("{merge}:refs/heads/main")])
}

/// Record 1: an edit after the approval.
#[test]
fn edit_after_approval() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    let text = request("CHG-1", "alice").replace("toggle the flag", "do not toggle the flag");
    let edited = alice.put("change/CHG-1", &[("requests/CHG-1.yaml", &text)], "a typo");
    alice.push(&[&format!("{edited}:refs/heads/change/CHG-1")]).went_well();
    let decision = carol.decision("CHG-1");
    assert_eq!(decision["verdict"], "pending");
    assert!(why_not(&decision)[0].contains("changed after it"), "{decision}");
    forced_into_main(&alice, &edited).refused(&["CHG-1 is pending", "changegate show CHG-1"]);
    // What was approved can't be put in the place of what is submitted, either.
    let approved = alice.git(&["rev-parse", &format!("{edited}~1")]);
    forced_into_main(&alice, &approved).refused(&["which is not a submitted change"]);
    alice
        .push(&["--force", &format!("{approved}:refs/heads/change/CHG-1")])
        .refused(&["can't be rewritten", "add a commit with"]);
}

/// Record 2, 35: the policies, or the workflow that checks, edited along with the request.
#[test]
fn policies_edited_along_with_the_request() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    let lax = "# nothing is asked for any more\n";
    for path in ["policies/org/matrix/data.yaml", "Policies/x.rego", ".github/workflows/ci.yml"] {
        let head = alice.put("change/CHG-1", &[(path, lax)], "lax");
        let ran = judged_by_hand(&alice, &head);
        ran.ended(1, &["error[request/split]", path]);
    }
    let head = alice.put("change/CHG-1", &[("policies/org/matrix/data.yaml", lax)], "lax");
    alice.push(&[&format!("{head}:refs/heads/change/CHG-1")]).went_well();
    carol.changegate(&["merge", "CHG-1"]).ended(1, &["request/split"]);
    forced_into_main(&alice, &head).refused(&["CHG-1 is denied"]);
}

fn judged_by_hand(desk: &Desk<'_>, head: &str) -> Ran {
    desk.changegate(&["check", "--no-fetch", "--base", "main", "--head", head])
}

/// Record 3: somebody who gives themselves a level.
#[test]
fn self_grant_in_the_roster() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    let roster = "policies/org/roster/data.yaml";
    let text = alice.git(&["show", &format!("origin/main:{roster}")]);
    let text = text.replace("alice: {level: L1", "alice: {level: L3") + "\n";
    let head = alice.put("origin/main", &[(roster, &text)], "alice is an L3");
    alice.push(&[&format!("{head}:refs/heads/change/levels")]).went_well();
    let forged = alice.commit(
        &alice.git(&["rev-parse", &format!("{head}^{{tree}}")]),
        &[&head],
        &format!("approved levels\n\nChange: levels\nReview: approved\nReviewed-commit: {head}\n"),
        &["-S"],
        &[],
    );
    alice.push(&[&format!("{forged}:refs/heads/reviews/levels")]).went_well();
    let decision = carol.decision("levels");
    assert_eq!(decision["verdict"], "pending");
    assert!(why_not(&decision)[0].contains("nobody approves their own change"), "{decision}");
    forced_into_main(&alice, &head).refused(&["levels is pending"]);
    alice.push(&[&format!("{head}:refs/heads/main")]).refused(&["is not the merge of a change"]);
}

/// Record 4: the base is tightened before the merge.
#[test]
fn base_tightened_before_the_merge() {
    let hub = Hub::open();
    let (bob, carol) = (hub.desk("bob"), hub.desk("carol"));
    bob.submit("CHG-1").ended(0, &["direct execution by L2"]);
    let settings = "policies/org/settings/data.yaml";
    let text = carol.git(&["show", &format!("origin/main:{settings}")]);
    let strict = text.replace("strict_separation: false", "strict_separation: true") + "\n";
    let tight = carol.put("origin/main", &[(settings, &strict)], "strict");
    carol.push(&[&format!("{tight}:refs/heads/main")]).went_well();
    // The older policies are still what bob's branch holds.
    bob.changegate(&["merge", "CHG-1"]).ended(3, &["waits for"]);
    assert_eq!(hub.tip("main").unwrap(), tight);
}

/// Record 5, 55: an approved request copied to another number, and its signed reviews to another journal.
#[test]
fn copy_of_an_approved_request() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    alice.git(&["fetch", "--quiet", "origin"]);
    alice.submit_text("CHG-2", &request("CHG-1", "alice").replace("id: CHG-1", "id: CHG-2"));
    let review = hub.tip("reviews/CHG-1").unwrap();
    let copy = format!("{review}:refs/heads/reviews/CHG-2");
    alice.push(&[&copy]).refused(&["it is not a valid review of CHG-2"]);
    // The same branch under another name, with the approval that came for the first.
    let same = format!("{}:refs/heads/change/CHG-3", hub.tip("change/CHG-1").unwrap());
    alice.push(&[&same]).went_well();
    alice
        .push(&[&format!("{review}:refs/heads/reviews/CHG-3")])
        .refused(&["a valid review of CHG-3"]);
    for id in ["CHG-2", "CHG-3"] {
        hub.git(&["update-ref", &format!("refs/heads/reviews/{id}"), &review]);
    }
    let decision = carol.decision("CHG-2");
    assert_eq!(decision["verdict"], "pending");
    assert_eq!(why_not(&decision), ["it was signed for another change"]);
    assert!(codes(&carol.decision("CHG-3")).contains(&"request/branch"));
}

/// Record 7, 8: a rename of a merged request, its deletion, and the revert of its merge.
#[test]
fn rename_deletion_and_revert() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    carol.changegate(&["merge", "CHG-1"]).went_well();
    alice.git(&["fetch", "--quiet", "origin"]);
    alice.git(&["switch", "--quiet", "--detach", "origin/main"]);
    alice.git(&["mv", "requests/CHG-1.yaml", "requests/CHG-2.yaml"]);
    alice.git(&["commit", "--quiet", "-m", "rename"]);
    let renamed = alice.git(&["rev-parse", "HEAD"]);
    judged_by_hand(&alice, &renamed).ended(1, &["error[request/split]", "requests/CHG-1.yaml"]);
    alice.git(&["switch", "--quiet", "--detach", "origin/main"]);
    alice.git(&["rm", "--quiet", "requests/CHG-1.yaml"]);
    alice.git(&["commit", "--quiet", "-m", "delete"]);
    let deleted = alice.git(&["rev-parse", "HEAD"]);
    let deletes = ["error[request/deleted]", "restore the file"];
    judged_by_hand(&alice, &deleted).ended(1, &deletes);
    alice.git(&["switch", "--quiet", "--detach", "origin/main"]);
    alice.git(&["revert", "--no-edit", "-m", "1", "HEAD"]);
    let reverted = alice.git(&["rev-parse", "HEAD"]);
    judged_by_hand(&alice, &reverted).ended(1, &deletes);
    alice
        .push(&[&format!("{reverted}:refs/heads/main")])
        .refused(&["is not the merge of a change"]);
    alice
        .push(&["--force", "origin/main~1:refs/heads/main"])
        .refused(&["can't be reset or rewritten", "submit another one"]);
    alice.push(&["--delete", "main"]).refused(&["main can't be deleted"]);
    alice.push(&["--delete", "reviews/CHG-1"]).refused(&["can't be deleted"]);
    hub.is_sound();
}

/// Record 9: forged dates of commits.
#[test]
fn forged_dates() {
    let hub = Hub::guarded();
    let (alice, carol) = (hub.desk("alice"), hub.desk("carol"));
    alice.submit("CHG-1").went_well();
    let head = hub.tip("change/CHG-1").unwrap();
    let dated = |date: &'static str| [("GIT_COMMITTER_DATE", date), ("GIT_AUTHOR_DATE", date)];
    let (late, early) = ("2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z");
    for (date, refusal, standing) in [
        (late, "which is in the future: set your clock", "dated in the future"),
        (early, "which is in the past: set your clock", "expired"),
    ] {
        let review = carol.approval("CHG-1", &head, &["-S"], &dated(date));
        let push = format!("{review}:refs/heads/reviews/CHG-1");
        carol.push(&[&push]).refused(&[refusal]);
        // Past the hook: a date says no more than when an approval ages out.
        hub.git(&["fetch", "--quiet", carol.folder.to_str().unwrap(), &review]);
        hub.git(&["update-ref", "refs/heads/reviews/CHG-1", &review]);
        let decision = carol.decision("CHG-1");
        let why = why_not(&decision)[0];
        assert!(why.contains(standing), "{date}: {why}");
        hub.git(&["update-ref", "-d", "refs/heads/reviews/CHG-1"]);
    }
    // A request from the future.
    let text = request("CHG-1", "alice") + "# x\n";
    let tree = alice.tree(&head, &[("100644", "requests/CHG-1.yaml", &text)]);
    let future = alice.commit(&tree, &[&head], "later", &["-S"], &dated(late));
    alice.push(&[&format!("{future}:refs/heads/change/CHG-1")]).refused(&["in the future"]);
}

/// Record 9: one content approved, another one put in its place, and the first one again.
#[test]
fn back_to_what_was_approved() {
    let hub = Hub::guarded();
    let (alice, carol) = approved(&hub);
    let first = request("CHG-1", "alice");
    let other = first.replace("the flag", "every flag");
    for text in [&other, &first] {
        let tip = hub.tip("change/CHG-1").unwrap();
        let tree = alice.tree(&tip, &[("100644", "requests/CHG-1.yaml", text)]);
        let date = [("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")];
        let commit = alice.commit(&tree, &[&tip], "x", &["-S"], &date);
        alice.push(&[&format!("{commit}:refs/heads/change/CHG-1")]).went_well();
    }
    let decision = carol.decision("CHG-1");
    assert_eq!(decision["verdict"], "pending");
    assert!(why_not(&decision)[0].contains("changed after it"), "{decision}");
}

/// A branch beside the guarded base that would be taken for it.
#[test]
fn another_base_beside_the_guarded_one() {
    let hub = Hub::bare(&["init", "--quiet", "--bare", "-b", "trunk"]);
    hub.found("trunk");
    hub.guard();
    let alice = hub.desk("alice");
    let lax = alice.put("origin/trunk", &[("policies/x.rego", "package x\n")], "my own");
    for name in ["main", "master"] {
        alice.push(&[&format!("{lax}:refs/heads/{name}")]).refused(&["would replace trunk"]);
    }
    alice.push(&[&format!("{lax}:refs/heads/my-own")]).went_well();
}

/// A change whose name is a folder of another change's.
#[test]
fn a_name_in_the_way() {
    let hub = Hub::open();
    let alice = hub.desk("alice");
    alice.push(&["origin/main:refs/heads/change/CHG-1/x"]).went_well();
    alice.submit("CHG-1").failed(&["change/CHG-1/x is in the way", "rename it with `git push"]);
    let lonely = hub.desk_at("alice", "alone");
    lonely.git(&["remote", "remove", "origin"]);
    lonely.git(&["branch", "change/CHG-1/x"]);
    lonely.submit("CHG-1").failed(&["change/CHG-1/x is in the way", "rename it with `git branch"]);
}
