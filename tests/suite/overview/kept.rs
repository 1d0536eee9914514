//! What is kept of what was read outside of the repository: used where it holds, made again where it doesn't.

use std::fs;
use std::path::PathBuf;

use crate::executing::{now, open};
use crate::plumbing::hub::{Desk, Hub};

/// The files with what is kept.
fn kept(hub: &Hub) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(hub.path(".cache/changegate/read"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn listed(desk: &Desk<'_>) -> String {
    let now = "2030-01-01T00:00:00Z";
    let ran = desk.changegate(&["list", "--state", "all", "--format", "json", "--now", now]);
    let calendar =
        desk.changegate(&["calendar", "--format", "ics", "--now", now, "--from", "2026-01-01"]);
    format!("{}{}", ran.went_well(), calendar.went_well())
}

#[test]
fn what_is_kept_is_made_again_where_it_does_not_hold() {
    let hub = open();
    let bob = hub.desk("bob");
    let before = hub.tip("main").unwrap();
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    let first = listed(&bob);
    let files = kept(&hub);
    assert_eq!(files.len(), 3, "{files:?}");
    let texts: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    // It goes on from there.
    bob.merges("CHG-002", &now("CHG-002", "bob"));
    let both = listed(&bob);
    assert!(first.matches("CHG-002").count() == 0 && both.contains("CHG-002"), "{both}");
    // What was there then, and what is torn, empty, changed, or no such file.
    for damage in [
        |_: &str| String::new(),
        |text: &str| text[..text.len() / 2].to_owned(),
        |text: &str| text.replace("CHG-001", "CHG-009"),
        |text: &str| text.replacen(char::is_alphabetic, "0", 1),
        |_: &str| "\u{0}\n{}".to_owned(),
    ] {
        for (file, text) in files.iter().zip(&texts) {
            fs::write(file, damage(text)).unwrap();
        }
        assert_eq!(listed(&bob), both);
    }
    for (file, text) in files.iter().zip(&texts) {
        fs::write(file, text).unwrap();
    }
    assert_eq!(listed(&bob), both);
    for file in &files {
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
    }
    assert_eq!(listed(&bob), both, "where it can't be kept, it is read again");
    for file in &files {
        fs::remove_dir(file).unwrap();
    }
    listed(&bob);
    // A base that was reset isn't believed to hold what it doesn't.
    hub.unguard();
    hub.git(&["update-ref", "refs/heads/main", &before]);
    let fresh = hub.desk_at("bob", "fresh");
    bob.git(&["fetch", "--quiet", "origin", "+main:refs/remotes/origin/main"]);
    assert_eq!(listed(&bob), listed(&fresh));
}

/// What is asked often about a history is answered from memory, and just as before.
#[test]
fn what_leads_to_a_commit_is_the_same_however_often_it_is_asked() {
    let hub = open();
    let bob = hub.desk("bob");
    bob.merges("CHG-001", &now("CHG-001", "bob"));
    bob.submit_text("CHG-002", &now("CHG-002", "bob")).went_well();
    let repo = changegate::git::Repo::discover(&hub.folder()).unwrap();
    let tip = |branch: &str| hub.tip(branch).unwrap().parse::<changegate::git::Oid>().unwrap();
    let (main, merged, open) = (tip("main"), tip("change/CHG-001"), tip("change/CHG-002"));
    for _ in 0..40 {
        assert!(repo.leads_to(main, main).unwrap() && repo.leads_to(merged, main).unwrap());
        assert!(!repo.leads_to(open, main).unwrap() && !repo.leads_to(main, merged).unwrap());
        assert!(repo.leads_to(main, open).unwrap());
    }
}
