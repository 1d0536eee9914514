//! What reached the base around the rules.

use super::*;

/// Whatever a merge records, what the repository holds says whether it was approved.
#[test]
fn a_merge_that_went_around_is_flagged() {
    let trailers = "Verdict: approved\nTier: high\nApproved-by: carol (L3)\n";
    let town = town_with_a_change();
    town.merge("bob", "2026-11-23T09:45:00Z", ID, trailers);
    // What is said afterwards doesn't heal it.
    town.review("carol", "2026-11-23T09:55:00Z", ID, Said::Approved, "");
    let why = "went around the rules: Merge CHG-1222: as decided; it was pending then: waits for";
    let text = see(&town, "bob", &["show", ID]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&format!("by bob on Mon 23 Nov 2026 09:45 UTC {why}")), "{text}");
    let show = see_json(&town, "bob", &["show", ID]);
    assert!(show["merges"][0]["bypassed"].as_str().unwrap().contains("pending then"), "{show:#}");
    assert_eq!(events(&town, ID), ["submitted frank", "bypassed bob", "approved carol"]);
    let list = see_json(&town, "bob", &["list", "--state", "merged"]);
    assert_eq!(list["changes"][0]["bypassed"], true, "{list:#}");
    assert!(
        see(&town, "bob", &["list", "--state", "all"]).contains("merged past the rules by bob")
    );
    // Nor does an objection afterwards spoil one that was approved.
    let town = town_with_a_merge(false);
    town.review("dan", "2026-11-23T09:55:00Z", ID, Said::ChangesRequested, "");
    assert_eq!(events(&town, ID)[2..], ["merged bob", "changes-requested dan"]);
    assert_eq!(see_json(&town, "bob", &["show", ID])["merges"][0]["bypassed"], Value::Null);
}

/// Commits and edits on the base itself, which no branch shows.
#[test]
fn what_is_pushed_to_the_base_is_flagged() {
    let town = town_with_a_merge(true);
    let other = request().replace(ID, "CHG-9");
    let text = |text: &str| text.replace("203.0.113.77/32", "203.0.113.78/32");
    let push = |at: &str, path: &str, text: &str, title: &str| {
        town.commit("dan", at, "main", &[(path, text)], title);
    };
    push("2026-11-23T09:50:00Z", "requests/CHG-1222.yaml", &text(&request()), "Another address");
    push("2026-11-23T09:51:00Z", "requests/CHG-9.yaml", &other, "Just this once");
    push(
        "2026-11-23T09:52:00Z",
        "policies/org/settings/data.yaml",
        "reviewed: 2026-11-02\n",
        "Lax",
    );
    push("2026-11-23T09:53:00Z", "README.md", "x\n", "Code is free");
    assert_eq!(
        events(&town, ID),
        ["submitted frank", "approved carol", "merged bob", "bypassed dan"]
    );
    assert_eq!(events(&town, "CHG-9"), ["bypassed dan"]);
    assert_eq!(events(&town, "policies"), ["bypassed dan"]);
    for (id, title) in [(ID, "Another address"), ("CHG-9", "Just this once"), ("policies", "Lax")] {
        let show = see(&town, "bob", &["show", id]);
        assert!(show.contains("dan on Mon 23 Nov 2026 09:5"), "{show}");
        assert!(show.contains(&format!("went around the rules: {title}")), "{show}");
    }
    let list = see_json(&town, "bob", &["list", "--state", "merged"]);
    let flagged: Vec<_> = list["changes"].as_array().unwrap().iter().collect();
    assert_eq!(flagged.len(), 3, "{list:#}");
    assert!(flagged.iter().all(|change| change["bypassed"] == true), "{list:#}");
    assert!(!see(&town, "bob", &["log"]).contains("Code is free"));
}

/// Anybody can write GitHub's address into a commit. It is GitHub's only where GitHub judges.
#[test]
fn github_s_address_hides_nothing_elsewhere() {
    let town = town_with_a_merge(true);
    let push = |at: &str, path: &str, title: &str| {
        let other = request().replace(ID, title);
        let made = town.commit("dan", at, "aside", &[(path, &other)], title);
        let (tree, tip) = (format!("{made}^{{tree}}"), town.tip("main").unwrap());
        let arguments = ["commit-tree", &tree, "-p", &tip, "-m", title];
        let commit = town.git("noreply@github.com", at, &arguments);
        town.move_branch("main", &commit);
        town.delete("aside");
    };
    push("2026-11-23T09:50:00Z", "requests/CHG-9.yaml", "CHG-9");
    push("2026-11-23T09:51:00Z", ".github/workflows/change-check.yml", "CHG-10");
    push("2026-11-23T09:52:00Z", "requests/CHG-11.yaml", "CHG-11");
    let merged = see_json(&town, "bob", &["list", "--state", "merged"]);
    let flags = |name: &str| {
        let mut changes = merged["changes"].as_array().unwrap().iter();
        changes.find(|it| it["change"] == name).map(|it| it["bypassed"].clone())
    };
    for (name, is_flagged) in [("CHG-9", true), ("policies", true), ("CHG-11", false)] {
        assert_eq!(flags(name), Some(is_flagged.into()), "{name}: {merged:#}");
    }
}
