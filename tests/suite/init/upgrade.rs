//! `init --upgrade`: new rules, the organisation's own data.

use std::fs;

use sha2::{Digest as _, Sha256};

use super::{Place, init_with_people};
use crate::cli::changegate;

const SHIPPED: &str = "ops/policies/SHIPPED.md";

/// Makes a file one that an older version shipped with this text.
fn shipped_before(place: &Place, path: &str, text: &str) {
    fs::create_dir_all(place.path(&format!("ops/{path}")).parent().unwrap()).unwrap();
    fs::write(place.path(&format!("ops/{path}")), text).unwrap();
    let list = place.read(SHIPPED);
    let others = list.lines().filter(|line| !line.ends_with(&format!("  {path}")));
    let others: String = others.map(|line| format!("{line}\n")).collect();
    let entry = format!("    sha256:{:x}  {path}\n", Sha256::digest(text));
    fs::write(place.path(SHIPPED), others + &entry).unwrap();
}

#[test]
fn shipped_rules_are_replaced_and_what_was_changed_here_stays() {
    let place = Place::with_clone();
    init_with_people(&place).went_well();
    let fresh = place.files("ops");
    let (old, own) = ("policies/rules/risk/risk.rego", "policies/rules/window/window.rego");
    let (gone, removed) = ("policies/rules/old/old.rego", "policies/rules/risk/risk_test.rego");
    let new_risk = place.read(&format!("ops/{old}"));
    shipped_before(&place, old, &new_risk.replace("package", "# An older rule.\npackage"));
    shipped_before(&place, gone, "package changegate.rules.old\n");
    let changed = place.read(&format!("ops/{own}")) + "# Ours.\n";
    fs::write(place.path(&format!("ops/{own}")), &changed).unwrap();
    fs::remove_file(place.path(&format!("ops/{removed}"))).unwrap();
    let matrix = "ops/policies/org/matrix/data.yaml";
    let edited = place.read(matrix) + "# Ours.\n";
    fs::write(place.path(matrix), &edited).unwrap();
    fs::write(place.path("ops/docs/changegate/README.md"), "Ours.\n").unwrap();

    let before = place.files("ops");
    let dry = place.init(&["ops", "--upgrade", "--dry-run"]);
    for part in [
        format!("would write   {old}"),
        format!("would remove  {gone}"),
        format!("would keep    {own}  was changed here"),
        format!("would keep    {removed}  was removed here"),
        "\n-# Ours.\n".to_owned(),
    ] {
        assert!(dry.went_well().contains(&part), "{part}: {dry:?}");
    }
    assert_eq!(place.files("ops"), before);

    let said = place.init(&["ops", "--upgrade"]);
    assert!(said.went_well().contains("changegate submit --policies upgrade"), "{said:?}");
    assert_eq!(place.read(&format!("ops/{old}")), new_risk);
    assert_eq!((place.read(&format!("ops/{own}")), place.read(matrix)), (changed, edited));
    assert!(!place.path(&format!("ops/{gone}")).exists());
    assert!(!place.path(&format!("ops/{removed}")).exists());
    assert_eq!(place.read("ops/docs/changegate/README.md"), "Ours.\n");
    let tests = changegate(&place.path("ops")).arg("test").output().unwrap();
    assert_eq!(tests.status.code(), Some(0), "{tests:?}");

    let after = place.files("ops");
    let again = place.init(&["ops", "--upgrade"]);
    assert!(!again.went_well().contains("written") && !again.stdout.contains("Next"), "{again:?}");
    assert_eq!(place.files("ops"), after);
    assert_eq!(fresh.len(), after.len() + 1);
}

#[test]
fn nothing_is_written_if_the_new_rules_cannot_be_used() {
    let place = Place::with_clone();
    place.init(&["ops", "--upgrade"]).refused("run `changegate init` first");
    init_with_people(&place).went_well();
    let path = "policies/facts/facts.rego";
    let now = place.read(&format!("ops/{path}"));
    shipped_before(&place, path, &now.replace("package", "# Older.\npackage"));
    fs::write(place.path("ops/policies/rules/risk/risk.rego"), "package changegate.rules.risk\n")
        .unwrap();
    fs::write(place.path("ops/policies/rules/risk/own.rego"), "package risk\n\nodd if\n").unwrap();
    let before = place.files("ops");
    place.init(&["ops", "--upgrade"]).refused("nothing was written");
    assert_eq!(place.files("ops"), before);
}
