//! Cases for a whole bundle: what takes part, and in which form.

use crate::core::policy::{PolicyBundle, shipped_files};

/// Returns the problems of the shipped bundle with one more file.
fn beside_the_shipped(path: &str, text: &str) -> Vec<String> {
    let mut files = shipped_files();
    files.insert(format!("policies/{path}"), text.as_bytes().to_vec());
    match PolicyBundle::vet(&files) {
        Ok(()) => Vec::new(),
        Err(error) => error.0.iter().map(ToString::to_string).collect(),
    }
}

const FINDING: &str = r#"{"code": "acme/x", "effect": "deny", "message": "no"}"#;

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
fn findings_in_another_form_are_refused() {
    let finding = |fields: &str| {
        format!("package changegate.rules.acme\nfindings contains {{{fields}}} if input.request")
    };
    for (fields, parts) in [
        (
            r#""code": "acme/x", "effect": "block", "message": "m""#,
            &["`block` is not an effect"][..],
        ),
        (r#""code": "acme/x", "effect": "deny""#, &["has no `message`"]),
        (r#""code": "acme/x", "effect": "deny", "msg": "m""#, &["no field `msg`", "no `message`"]),
        (r#""code": "acme", "effect": "deny", "message": "m""#, &["`acme` is not a code"]),
        (r#""code": "Acme/X y", "effect": "deny", "message": "m""#, &["is not a code"]),
        (r#""code": "window/closed", "effect": "deny", "message": "m""#, &["another rule"]),
        (r#""code": "", "effect": "deny", "message": "m""#, &["`` is not a code"]),
        (
            r#""code": "acme/x", "effect": "deny", "message": """#,
            &["message of this finding is empty"],
        ),
        (r#""code": "acme/x", "effect": "deny", "message": " \u00a0 ""#, &["is empty"]),
        (r#""code": "acme/x", "effect": "deny", "message": "m""#, &[]),
    ] {
        let problems = beside_the_shipped("rules/acme/acme.rego", &finding(fields)).join("\n");
        assert_eq!(problems.is_empty(), parts.is_empty(), "{fields}: {problems}");
        for part in parts {
            assert!(problems.contains(part), "{fields}\n{part:?} isn't in: {problems}");
        }
    }
}

#[test]
fn sign_offs_that_nobody_can_give_are_refused() {
    for (rule, parts) in [
        (r#"contains {"kind": "role", "role": "databse"}"#, &["has the role `databse`"][..]),
        (r#"contains {"kind": "role", "role": "devops-laed"}"#, &["Did you mean `devops-lead`?"]),
        (r#"contains {"kind": "person", "user": "alicee"}"#, &["login `alicee`", "`alice`"]),
        (r#"contains {"kind": "owner", "service": "chekout"}"#, &["no service `chekout`"]),
        (r#"contains {"kind": "role", "rol": "devops-lead"}"#, &["a sign-off has no field `rol`"]),
        (
            r#"contains {"kind": "rol", "role": "devops-lead"}"#,
            &["`rol` is not a kind of sign-off"],
        ),
        (r#"contains x if x := {"kind": "role", "role": "databse"}"#, &["the role `databse`"]),
        (r#"contains {"kind": "person", "user": "Alice"}"#, &[]),
        (r#"contains {"kind": "role", "role": "incident-commander", "people": 2}"#, &[]),
        (r#"contains {"kind": "level", "any_of": ["L3"], "code": "acme/senior"}"#, &[]),
    ] {
        let text = format!("package changegate.rules.acme\nrequired {rule}");
        let problems = beside_the_shipped("rules/acme/acme.rego", &text).join("\n");
        assert_eq!(problems.is_empty(), parts.is_empty(), "{rule}: {problems}");
        for part in parts.iter().chain(&["acme.rego:2:"]).filter(|_| !parts.is_empty()) {
            assert!(problems.contains(part), "{rule}\n{part:?} isn't in: {problems}");
        }
    }
}

#[test]
fn metadata_that_says_something_else_is_refused() {
    let deny = r#"{"code": "acme/x", "effect": "deny", "message": "m"}"#;
    let warn = r#"{"code": "acme/x", "effect": "warn", "message": "m"}"#;
    let by_tier = r#"{"code": "acme/x", "effect": effect, "message": "m"}"#;
    let annotated = |custom: &str, finding: &str| {
        let lines: String = custom.lines().map(|line| format!("# {line}\n")).collect();
        format!("# METADATA\n{lines}findings contains {finding} if effect := input.now\n")
    };
    let also = format!("findings contains {deny} if input.request\n");
    let asks = "required contains {\"kind\": \"commander\", \"code\": \"acme/x\"}\n";
    for (rules, parts) in [
        (
            annotated("custom:\n  code: acme/x\n  effect: warn", deny),
            &["acme.rego:7:13", "METADATA says warn, and the rule yields deny"][..],
        ),
        (
            annotated("custom:\n  code: acme/y", deny),
            &["acme.rego:6:11", "says `acme/y`", "`acme/x`"],
        ),
        (annotated("custom:\n  code: acme", deny), &["acme.rego:6:11", "`acme` is not a code"]),
        (annotated("custom:\n  code: acme/x\n  effect: block", deny), &["acme.rego:7:", "block"]),
        (annotated("custom:\n  code: acme/x\n  helpp: do it", deny), &["acme.rego:7:", "`help`?"]),
        (annotated("custom:\n  code: acme/x\n  control: [A]", deny), &["`controls`?"]),
        (annotated("custom:\n  cod: acme/x\n  effect: deny", deny), &["`cod`", "`code`?"]),
        (annotated("titel: X\ncustom:\n  code: acme/x", deny), &["acme.rego:5:", "`title`?"]),
        (annotated("code: acme/x", deny), &["acme.rego:5:", "below `custom:`"]),
        (annotated("custom:\n  code: acme/x\n  rule: 3", deny), &["acme.rego:7:", "quotes"]),
        (annotated("title: a: b", deny), &["acme.rego:5:", "in METADATA"]),
        (annotated("custom:\n  code: acme/x\n  effect: deny", warn), &["yields warn"]),
        (
            format!("# METADATA\n# custom:\n#   code: acme/x\n#   effect: warn\n{asks}"),
            &["yields pending"],
        ),
        (format!("# METADATA\n# custom:\n#   code: acme/x\n#   effect: pending\n{asks}"), &[]),
        (annotated("title: X\ncustom:\n  code: acme/x\n  effect: deny\n  help: do it", deny), &[]),
        (annotated("custom:\n  code: acme/x\n  effect: deny\n  owner: sre\n  role: x", deny), &[]),
        (annotated("custom:\n  mode: strict\n  team: sre", deny), &[]),
        (annotated("custom:\n  code: acme/x\n  effect: deny", by_tier), &[]),
        (annotated("custom:\n  code: acme/x\n  effect: warn", warn) + &also, &[]),
        (annotated("custom:\n  code: acme/x\n  effect: deny", warn) + &also, &[]),
        (annotated("description: |\n  a: b\n  - c", deny), &[]),
    ] {
        let text = format!("# METADATA\n# title: Acme\npackage changegate.rules.acme\n{rules}");
        let problems = beside_the_shipped("rules/acme/acme.rego", &text).join("\n");
        assert_eq!(problems.is_empty(), parts.is_empty(), "{text}: {problems}");
        for part in parts {
            assert!(problems.contains(part), "{text}\n{part:?} isn't in: {problems}");
        }
    }
}

#[test]
fn what_only_evaluation_shows_is_named_with_rule_and_file() {
    for (rule, parts) in [
        (
            "findings contains x if x := {\"code\": \"acme/x\", \"effect\": input.now, \"message\": \"m\"}",
            &["acme.rego:2: ", "yields a finding that can't be read", "unknown variant"][..],
        ),
        (
            "findings contains x if x := {\"code\": input.now, \"effect\": \"deny\", \"message\": \"m\"}",
            &["is not a code"],
        ),
        ("findings contains x if x := {\"effect\": \"deny\"}", &["missing field `code`"]),
        (
            "findings contains {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": lower(\" \")}",
            &["its `message` is empty"],
        ),
        ("required contains x if x := {\"kind\": \"rol\"}", &["`rol` is not a kind"]),
        ("required contains {\"kind\": \"role\", \"user\": \"bob\"}", &["`role` takes `role`"]),
        ("required contains {\"kind\": \"level\", \"any_of\": []}", &["at least one level"]),
        (
            "required contains {\"kind\": \"role\", \"role\": \"devops-lead\", \"people\": 0}",
            &["yields a sign-off that can't be read", "`people` is at least 1"],
        ),
        (
            "required contains x if x := {\"kind\": \"role\", \"role\": \"devops-lead\", \"peple\": 2}",
            &["unknown field `peple`"],
        ),
        (
            "findings contains {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": \"m\"} if {\n\
             time.parse_duration_ns(sprintf(\"%vd\", [2])) > 1\n}",
            &["acme.rego:3", "unknown unit `d`"],
        ),
        (
            "findings contains {\"code\": \"acme/y\", \"effect\": \"deny\", \"message\": \"m\"}\n\
             findings contains {\"code\": \"acme/x\", \"effect\": effect, \"message\": \"m\"} if {\n\
             effect := lower(\"BLOCK\")\n}",
            &["acme.rego:3: ", "unknown variant `block`"],
        ),
        (
            "findings contains x if some x in [{\"code\": \"acme/y\"}]\n\
             findings contains x if some x in []",
            &["acme.rego: ", "missing field `effect`"],
        ),
        (
            "findings contains {\"code\": code, \"effect\": \"deny\", \"message\": \"m\"} if {\n\
             code := sprintf(\"%s/closed\", [\"window\"])\n}",
            &["acme.rego:2: ", "the code `window/closed`, which belongs to another rule"],
        ),
        (
            "findings contains x if x := object.union({\"effect\": \"deny\", \"message\": \"m\"}, y)\n\
             y := {concat(\"\", [\"co\", \"de\"]): concat(\"/\", [\"window\", \"closed\"])}",
            &["acme.rego:2: ", "the code `window/closed`"],
        ),
        (
            "required contains {\"kind\": \"commander\", \"code\": code} if code := lower(\"WINDOW/X\")",
            &["acme.rego:2: ", "the code `window/x`"],
        ),
    ] {
        let mut files = shipped_files();
        let text = format!("package changegate.rules.acme\n{rule}");
        files.insert("policies/rules/acme/acme.rego".to_owned(), text.into_bytes());
        let clock = || std::time::Duration::ZERO;
        let error = match PolicyBundle::load(files, clock) {
            Ok(bundle) => {
                let input = serde_json::json!({"now": "2026", "request": {}});
                bundle.evaluator().rule(&input).unwrap_err().to_string()
            }
            Err(error) => error.to_string(),
        };
        for part in parts.iter().chain(&["policies/rules/acme/acme.rego"]) {
            assert!(error.contains(part), "{rule}\n{part:?} isn't in: {error}");
        }
    }
}

#[test]
fn references_to_what_is_not_there_are_refused() {
    for (condition, parts) in [
        ("data.org.blocked.x", &["no table policies/org/blocked/data.yaml"][..]),
        ("data.org.rooster.people", &["no table policies/org/rooster", "Did you mean `roster`?"]),
        ("data.org.settings.protected_base", &["has no field `protected_base`", "protected_bases"]),
        ("data.org.roster.people.alice.levle", &["has no field `levle`", "`level`"]),
        ("data.changegate.fact.tier", &["nothing in the policies is called `data.changegate.fact"]),
        ("input.reqest.id", &["`input` has no field `reqest`", "Did you mean `request`?"]),
        ("input.request.sumary", &["`input.request` has no field `sumary`", "`summary`"]),
        ("input[\"request\"].sumary", &["has no field `sumary`"]),
        ("input.request.id.number", &["`input.request.id` has no field `number`"]),
        ("some action in input.request.actions; action.tool == 1", &["has no field `tool`"]),
        ("every a in input.request.actions { a.tool == 1 }", &["has no field `tool`"]),
        ("r := input.request; r.sumary == 1", &["has no field `sumary`"]),
        ("r := input.request; s := r.schedule; s.begin > 1", &["has no field `begin`"]),
        ("count([a | some a in input.request.actions; a.tool]) > 1", &["has no field `tool`"]),
        ("input.people[input.request.requester].levl == 1", &["has no field `levl`"]),
        ("some table, _ in data.org; data.org[table].x == 1", &[]),
        ("object.get(input.request, \"sumary\", 1) == 1", &["has no field `sumary`", "`summary`"]),
        ("object.get(input, [\"request\", \"sumary\"], 1) == 1", &["has no field `sumary`"]),
        ("object.get(data.org.actoins, \"x\", 1) == 1", &["no table policies/org/actoins"]),
        ("object.get(data.org, \"actoins\", 1) == 1", &["no table policies/org/actoins"]),
        ("object.get(data.org.settings, \"placeholder\", 1) == 1", &["no field `placeholder`"]),
        ("not input.request[\"sumary\"]", &["has no field `sumary`"]),
        ("field := \"sumary\"; not input.request[field]", &["has no field `sumary`"]),
        ("field := \"sumary\"; object.get(input.request, field, 1) == 1", &["field `sumary`"]),
        ("some field in [\"reason\", \"sumary\"]; not input.request[field]", &["field `sumary`"]),
        ("some field, _ in {\"sumary\": 1}; not input.request[field]", &["field `sumary`"]),
        ("every field in {\"sumary\"} { input.request[field] }", &["field `sumary`"]),
        ("not input.request[misspelt]", &["field `sumary`"]),
        ("some field in fields; not input.request[field]", &["field `sumary`"]),
        ("some field, _ in texts; not input.request[field]", &["field `sumary`"]),
        ("missing(\"sumary\")", &["acme.rego:2:", "field `sumary`"]),
        ("missing(\"reason\")", &[]),
        ("missing(input.now)", &[]),
        ("some field in [\"reason\", \"summary\"]; not input.request[field]", &[]),
        ("some field, _ in input.request; not input.request[field]", &[]),
        ("object.get(input.request.links, \"notes\", 1) == 1", &[]),
        ("some name in [\"a\", \"b\"]; input.request.actions[0].parameters[name]", &[]),
        ("object.get(input.people, \"alice\", {}).level == 1", &[]),
        ("data.org.actions.depoly.tier == 1", &["no field `depoly`", "Did you mean `deploy`?"]),
        ("data.org.roster.people.alicia.level == 1", &[]),
        ("data.org.roster.people.alice.keys[0]", &[]),
    ] {
        let text = format!(
            "package changegate.rules.acme\nfindings contains {FINDING} if {{ {condition} }}\n\
             findings contains {FINDING} if {{ input.now == misspelt; fields; texts; missing(\"id\") }}\n\
             misspelt := \"sumary\"\nfields := [\"sumary\"]\ntexts := {{\"sumary\": 1}}\n\
             missing(field) if not input.request[field]\n"
        );
        let problems = beside_the_shipped("rules/acme/acme.rego", &text).join("\n");
        assert_eq!(problems.is_empty(), parts.is_empty(), "{condition}: {problems}");
        for part in parts {
            assert!(problems.contains(part), "{condition}\n{part:?} isn't in: {problems}");
        }
    }
    let text = format!(
        "package changegate.rules.acme\nfindings contains {FINDING} if {{\n\
         \tinput.now > \"2026\"\n\tinput.request.sumary == input.request.sumary\n}}"
    );
    let problems = beside_the_shipped("rules/acme/acme.rego", &text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("policies/rules/acme/acme.rego:4:"), "{problems:?}");
}

#[test]
fn references_to_what_no_entry_of_a_table_has_are_refused() {
    let table = "limits: {most: 3, tier1: 2}\nvendors:\n  acme: {contact: a}\n  corp: {contact: b}\n\
                 users: [alice]\nlater: []\n";
    for (condition, parts) in [
        (
            "data.org.acme.usrs[_] == input.now",
            &["`data.org.acme` has no field `usrs`", "`users`"][..],
        ),
        ("data.org.acme.admins[_] == input.now", &["has no field `admins`"]),
        ("acme.admins[_] == input.now", &["has no field `admins`"]),
        ("some vendor in acme.vendors; vendor.contcat == 1", &["no field `contcat`", "`contact`"]),
        ("acme.vendors[input.now].contcat == 1", &["no field `contcat`"]),
        ("object.get(acme, \"usrs\", []) == []", &["no field `usrs`"]),
        ("object.get(acme, \"admins\", []) == []", &[]),
        ("some vendor in acme.vendors; vendor.exempt", &[]),
        ("not acme.vendors.initech", &[]),
        ("some name in [\"acme\", \"initech\"]; acme.vendors[name].contact", &[]),
        ("acme.limits.tier2 == 1", &[]),
        ("some entry in acme.later; entry.login == input.now", &[]),
        ("some user in acme.users; user == input.now", &[]),
    ] {
        let text = format!(
            "package changegate.rules.acme\nimport data.org.acme\n\
             findings contains {FINDING} if {{ {condition} }}\n\
             findings contains {FINDING} if input.now == acme.limits.most\n"
        );
        let mut files = shipped_files();
        files.insert("policies/rules/acme/acme.rego".to_owned(), text.into_bytes());
        files.insert("policies/org/acme/data.yaml".to_owned(), table.as_bytes().to_vec());
        let problems = PolicyBundle::vet(&files).err().map(|error| error.to_string());
        assert_eq!(problems.is_none(), parts.is_empty(), "{condition}: {problems:?}");
        for part in parts {
            let problems = problems.as_deref().unwrap_or_default();
            assert!(problems.contains(part), "{condition}\n{part:?} isn't in: {problems}");
        }
    }
}

#[test]
fn codes_of_its_own_may_come_from_a_variable() {
    let mut files = shipped_files();
    let text = "package changegate.rules.acme\n\
                # METADATA\n# custom:\n#   code: other/x\n\
                findings contains {\"code\": code, \"effect\": \"deny\", \"message\": \"m\"} if {\n\
                some name in [\"ACME/X\", \"OTHER/X\"]\ncode := lower(name)\n}\n\
                required contains x if x := {\"kind\": \"commander\"}\n\
                required contains {\"kind\": \"commander\", \"code\": code} if code := lower(\"ACME/Y\")\n";
    files.insert("policies/rules/acme/acme.rego".to_owned(), text.as_bytes().to_vec());
    let bundle = PolicyBundle::load(files, || std::time::Duration::ZERO).unwrap();
    let input = serde_json::json!({"now": "2026", "request": {}});
    let ruling = bundle.evaluator().rule(&input).unwrap();
    let codes: Vec<_> = ruling.required.iter().map(|asked| asked.code.as_str()).collect();
    assert!(codes.contains(&"acme/y") && codes.contains(&"signoff/missing"), "{codes:?}");
}
