//! Cases for a whole bundle: what takes part.

use crate::policy::{PolicyBundle, shipped_files};

/// Returns the problems of the shipped bundle with one more file.
pub(super) fn beside_the_shipped(path: &str, text: &str) -> Vec<String> {
    let mut files = shipped_files();
    files.insert(format!("policies/{path}"), text.as_bytes().to_vec());
    match PolicyBundle::vet(&files) {
        Ok(()) => Vec::new(),
        Err(error) => error.0.iter().map(ToString::to_string).collect(),
    }
}

pub(super) const FINDING: &str = r#"{"code": "acme/x", "effect": "deny", "message": "no"}"#;

#[test]
fn what_takes_part_is_accepted() {
    for text in [
        &format!("package changegate.rules.acme\nfindings contains {FINDING} if input.request"),
        &format!("package changegate.rules.acme\nfindings := [{FINDING} | input.request.id]"),
        &format!(
            "package changegate.rules.acme\nimport data.acme.helpers\n\
             findings contains {FINDING} if helpers.late"
        ),
        "package changegate.rules.acme\n\
         required contains {\"kind\": \"role\", \"role\": role} if {\n\
         some action in input.request.actions\nrole := roles[action.target]\n}\n\
         roles := {\"x\": \"security\"}",
        "package changegate.rules.acme\nfindings contains found if {\n\
         some name, window in data.org.windows\nwindow.zone == \"UTC\"\n\
         some login, person in input.people\nperson.level == \"L1\"\n\
         input.request.actions[_].parameters.anything.goes == name\n\
         data.org.settings.protected_bases[0] == login\n\
         found := {\"code\": \"acme/x\", \"effect\": \"warn\", \"message\": login}\n}",
    ] {
        let mut files = shipped_files();
        files.insert("policies/rules/acme/acme.rego".to_owned(), text.as_bytes().to_vec());
        let helpers = b"package acme.helpers\nlate if input.now > \"2026\"".to_vec();
        if text.contains("helpers") {
            files.insert("policies/acme/helpers.rego".to_owned(), helpers);
        }
        let refused = PolicyBundle::vet(&files);
        assert!(refused.is_ok(), "{text}\n{}", refused.unwrap_err());
    }
}

#[test]
fn a_file_or_a_folder_has_the_name_of_the_package() {
    for (path, package) in [
        ("rules/acme/acme.rego", "acme"),
        ("rules/acme/more.rego", "acme"),
        ("rules/acme.rego", "acme"),
        ("rules/group/acme.rego", "acme"),
        ("acme/rules.rego", "acme"),
        ("rules/acme-eu/x.rego", "acme_eu"),
    ] {
        let finding = FINDING.replace("acme", package);
        let text = format!(
            "package changegate.rules.{package}\nfindings contains {finding} if input.request"
        );
        assert_eq!(beside_the_shipped(path, &text), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn what_takes_no_part_is_refused() {
    let findings = |head: &str| format!("{head} contains {FINDING} if input.request");
    for (path, text, parts) in [
        (
            "org/blocked/data.json",
            "{}",
            &["this file takes no part", "policies/org/NAME/data.yaml"][..],
        ),
        ("org/blocked/data.yml", "a: 1", &["this file takes no part"]),
        ("org/blocked.yaml", "a: 1", &["this file takes no part"]),
        ("org/a/b/data.yaml", "a: 1", &["this file takes no part"]),
        ("data.yaml", "a: 1", &["this file takes no part"]),
        ("rules/acme/acme.REGO", "package x", &["this file takes no part", "ends in `.rego`"]),
        (
            "rules/acme/acme.rego",
            &format!("package changegate.rule.acme\n{}", findings("findings")),
            &["acme.rego:2:1", "nothing uses `findings`", "changegate.rules.acme"],
        ),
        (
            "rules/acme/acme.rego",
            &format!("package changegate.rules.acme\n{}", findings("deny")),
            &["nothing uses `deny`", "results are `findings` and `required`"],
        ),
        (
            "rules/acme/acme.rego",
            &format!("package changegate.rules.acme.deep\n{}", findings("findings")),
            &["`changegate.rules.acme.deep` takes no part", "exactly one level"],
        ),
        (
            "rules/acme/acme.rego",
            &format!("package changegate.rules\n{}", findings("acme")),
            &["`changegate.rules` takes no part"],
        ),
        (
            "rules/acme/acme.rego",
            "package changegate.rules.acme\nfindings(x) := [x]",
            &["`findings` is read as a set", "`findings contains …`"],
        ),
        (
            "rules/acme/acme.rego",
            &format!("package changegate.rules.acme\nfindings.deep contains {FINDING}"),
            &["`findings` is read as a set"],
        ),
        (
            "rules/acme/acme.rego",
            &format!("package changegate.rules.acme\nfindings := {FINDING}"),
            &["`findings` is read as a set"],
        ),
        (
            "rules/acme/acme.rego",
            "package changegate.rules.acme\nrequired := 5 if input.request",
            &["`required` is read as a set"],
        ),
        (
            "rules/acme/acme_test.rego",
            &format!("package changegate.rules.acme\n{}", findings("findings")),
            &["acme_test.rego:2:1", "is in a file of tests, and takes no part"],
        ),
        (
            "rules/load_test/load_test.rego",
            &format!("package changegate.rules.load_test\n{}", findings("findings")),
            &["is in a file of tests, and takes no part"],
        ),
        (
            "rules/release/release.rego",
            &format!("package changegate.rules.relaese\n{}", findings("findings")),
            &["release.rego:1:1", "the package `relaese`", "policies/rules/relaese/relaese.rego"],
        ),
        (
            "rules/acme.rego",
            &format!("package changegate.rules.window\n{}", findings("findings")),
            &["acme.rego:1:1", "the package `window`"],
        ),
        (
            "rules/empty/empty.rego",
            "package changegate.rules.empty",
            &["empty.rego:1:1", "has no rule"],
        ),
        ("empty.rego", "# what\npackage x\n", &["empty.rego:2:1", "has no rule"]),
        (
            "rules/window/more.rego",
            "package changegate.rules.window\nimport data.org",
            &["no rule"],
        ),
        ("org/blocked/data.yaml", "users: [alice]", &["no rule reads this table"]),
        ("rules/acme/acme.rego", "package org.roster\npeople := {}", &["no rule can be there"]),
        ("rules/acme/acme.rego", "package org\nblocked := {}", &["no rule can be there"]),
    ] {
        let problems = beside_the_shipped(path, text).join("\n");
        for part in parts {
            assert!(problems.contains(part), "{path}: {text}\n{part:?} isn't in: {problems}");
        }
    }
}

#[test]
fn a_rule_about_requests_is_not_evaluated_for_a_change_of_policies() {
    let rule = format!(
        "package changegate.rules.acme\nfindings contains {FINDING} if {{\n\
         object.get(input.request, \"links\", {{}}) == {{}}\n}}"
    );
    let mut files = shipped_files();
    files.insert("policies/rules/acme/acme.rego".to_owned(), rule.into_bytes());
    let bundle = PolicyBundle::load(files, || std::time::Duration::ZERO).unwrap();
    let codes = |request: serde_json::Value| {
        let input = serde_json::json!({"now": "2026", "request": request});
        let ruling = bundle.evaluator().rule(&input).unwrap();
        ruling.findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert!(codes(serde_json::json!({})).contains(&"acme/x".to_owned()));
    assert!(!codes(serde_json::Value::Null).contains(&"acme/x".to_owned()));
}
