//! Cases for the form of what rules yield, and of what METADATA say about it.

use super::bundle::beside_the_shipped;
use crate::policy::{PolicyBundle, shipped_files};

#[test]
fn findings_in_another_form_are_refused() {
    let finding = |fields: &str| {
        format!("package changegate.rules.acme\nfindings contains {{{fields}}} if input.request")
    };
    for (fields, parts) in [
        (
            r#""code": "acme/x", "effect": "block", "message": "m""#,
            &["`effect` is \"block\", not info, warn, pending or deny"][..],
        ),
        (r#""code": "acme/x", "effect": "deny""#, &["has no `message`"]),
        (r#""code": "acme/x", "effect": "deny", "msg": "m""#, &["no field `msg`", "no `message`"]),
        (r#""code": "acme", "effect": "deny", "message": "m""#, &["`acme` is not a code"]),
        (r#""code": "Acme/X y", "effect": "deny", "message": "m""#, &["is not a code"]),
        (r#""code": "window/closed", "effect": "deny", "message": "m""#, &["another rule"]),
        (r#""code": "", "effect": "deny", "message": "m""#, &["`` is not a code"]),
        (
            r#""code": "acme/x", "effect": "deny", "message": """#,
            &["`message` is \"\", not a text that says what is wrong"],
        ),
        (r#""code": "acme/x", "effect": "deny", "message": " \u00a0 ""#, &["`message` is"]),
        (r#""code": "acme/x", "effect": "deny", "message": 5"#, &["`message` is 5, not a text"]),
        (r#""code": 5, "effect": "deny", "message": "m""#, &["`code` is 5, not rule/short-name"]),
        (r#""code": "acme/x", "effect": "deny", "message": "m", "help": []"#, &["`help` is []"]),
        (r#""code": "acme/x", "effect": "deny", "message": "m", "controls": "A""#, &["a list of"]),
        (r#""code": "acme/x", "effect": "deny", "message": "m", "controls": [1]"#, &["`controls`"]),
        (
            r#""code": "acme/x", "effect": "deny", "message": "m", "pointer": 1"#,
            &["`pointer` is 1"],
        ),
        (r#""code": "acme/x", "effect": "deny", "message": "m", "signed": "no""#, &["`signed`"]),
        (r#""code": "acme/x", "effect": "deny", "message": "m", "help": x} if x := -5 #"#, &["-5"]),
        (r#""code": "acme/x", "effect": "deny", "message": "m", "help": null"#, &[]),
        (
            r#""code": "acme/x", "effect": x, "message": "m"} if x := "block" #"#,
            &["`effect` is \"block\""],
        ),
        (r#""code": x, "effect": "deny", "message": "m"} if x := "window/y" #"#, &["another rule"]),
        (
            r#""code": "acme/x", "effect": "deny", "message": x} if some x in ["m", ""] #"#,
            &["`message` is \"\""],
        ),
        (r#""code": "acme/x", "effect": x, "message": "m"} if some x in ["deny", "warn"] #"#, &[]),
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
fn what_is_no_finding_is_refused_wherever_it_is_written() {
    for (rule, parts) in [
        ("contains \"x\"", &["acme.rego:2:20", "\"x\" is not a finding: write {\"code\": …, "][..]),
        ("contains 7", &["7 is not a finding"]),
        ("contains true if input.request", &["true is not a finding"]),
        ("contains [\"acme/x\"]", &["is not a finding"]),
        (
            "contains f if f := {\"code\": \"acme/x\", \"effect\": \"block\", \"message\": \"m\"}",
            &["acme.rego:2:", "`effect` is \"block\""],
        ),
        (
            "contains f if some f in [{\"code\": \"acme/x\", \"effect\": \"deny\"}]",
            &["no `message`"],
        ),
        ("contains f if { g := \"x\"; f := g }", &["\"x\" is not a finding"]),
        (":= [7] if { input.request } else := [\"x\"]", &["7 is not", "\"x\" is not"]),
        ("contains f if some f in [7, 8]", &["7 is not a finding"]),
        (
            "contains f if f := {\"code\": \"acme/x\", \"efect\": \"deny\", \"message\": \"m\"}",
            &["no field `efect`"],
        ),
        (
            ":= [{\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": 5} | input.request]",
            &["`message` is 5"],
        ),
        (
            ":= {f | f := {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": 5}}",
            &["`message` is 5"],
        ),
        (":= [{\"code\": \"acme/x\", \"effect\": \"deny\"}]", &["no `message`"]),
        (
            "contains f if f := {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": input.now}",
            &[],
        ),
        ("contains f if some f in [input.now]", &[]),
        ("contains {\"code\": \"acme/x\", \"effect\": \"deny\", lower(\"MESSAGE\"): \"m\"}", &[]),
    ] {
        let text = format!("package changegate.rules.acme\nfindings {rule}");
        let problems = beside_the_shipped("rules/acme/acme.rego", &text).join("\n");
        assert_eq!(problems.is_empty(), parts.is_empty(), "{rule}: {problems}");
        for part in parts {
            assert!(problems.contains(part), "{rule}\n{part:?} isn't in: {problems}");
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
            &["`kind` is \"rol\", not level, role, owner, person or commander"],
        ),
        (r#"contains "alice""#, &["\"alice\" is not a sign-off: write {\"kind\": …}"]),
        (r#"contains {"kind": "commander", "people": 0}"#, &["`people` is 0, not a whole number"]),
        (r#"contains {"kind": "commander", "people": 1.5}"#, &["`people` is 1.5"]),
        (r#"contains {"kind": "commander", "people": 256}"#, &["from 1 to 255"]),
        (r#"contains {"kind": "commander", "people": "2"}"#, &["`people` is \"2\""]),
        (r#"contains {"kind": "commander", "people": -1}"#, &["`people` is -1"]),
        (r#"contains {"kind": "commander", "people": x} if x := 0"#, &["`people` is 0"]),
        (r#"contains {"kind": "commander", "people": x} if some x in [1, 0]"#, &["`people` is 0"]),
        (r#"contains {"kind": "commander", "because": 5}"#, &["`because` is 5, not a text"]),
        (r#"contains {"kind": "commander", "code": 5}"#, &["`code` is 5"]),
        (r#"contains {"kind": "commander", "pointer": []}"#, &["`pointer` is []"]),
        (
            r#"contains {"kind": "level", "any_of": ["L4"]}"#,
            &["`any_of` is [\"L4\"], not a list of L1"],
        ),
        (r#"contains {"kind": "level", "any_of": []}"#, &["`any_of` is []", "with at least one"]),
        (r#"contains {"kind": "level", "any_of": "L2"}"#, &["`any_of` is \"L2\""]),
        (r#"contains {"kind": "level", "any_of": {"L9"}}"#, &["`any_of` is [\"L9\"]"]),
        (r#"contains {"kind": "level", "any_of": x} if x := ["L4"]"#, &["`any_of` is [\"L4\"]"]),
        (r#"contains {"kind": "level", "any_of": ["L2"], "or_users": "bob"}"#, &["`or_users` is"]),
        (r#"contains {"kind": "role", "role": 5}"#, &["`role` is 5"]),
        (
            r#"contains {"kind": "owner", "service": ["checkout"]}"#,
            &["`service` is [\"checkout\"]"],
        ),
        (r#"contains {"kind": "person", "user": true}"#, &["`user` is true, not a login"]),
        (r#"contains {"kind": "level"}"#, &["the kind `level` takes `any_of`"]),
        (r#"contains {"kind": "role", "user": "bob"}"#, &["the kind `role` takes `role`"]),
        (
            r#"contains {"kind": "role", "role": x, "user": "bob"} if x := input.now"#,
            &["nothing of another"],
        ),
        (r#"contains {"kind": "commander", "or_users": ["bob"]}"#, &["`or_users` belongs to"]),
        (
            r#"contains {"kind": "level", "any_of": levels} if levels := data.org.matrix.high.L1"#,
            &[],
        ),
        (
            r#"contains {"kind": "level", "any_of": {"L2", "L3"}, "people": 2, "or_users": ["bob"]}"#,
            &[],
        ),
        (r#"contains {"kind": "level", "any_of": [x]} if some x in ["L2", "L3"]"#, &[]),
        (r#"contains {"kind": x, "role": x, "because": null} if x := input.now"#, &[]),
        (r#"contains x if x := {"kind": "role", "role": "databse"}"#, &["the role `databse`"]),
        (r#"contains {"kind": "role", "role": x} if x := "databse""#, &["the role `databse`"]),
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
            &[
                "acme.rego:2: ",
                "yields a finding that can't be read: `effect` is \"2026\", not info",
            ][..],
        ),
        (
            "findings contains x if x := {\"code\": input.now, \"effect\": \"deny\", \"message\": \"m\"}",
            &["acme.rego:2: ", "`code` is \"2026\", not rule/short-name"],
        ),
        (
            "findings contains object.remove({\"code\": 1, \"effect\": \"deny\"}, [\"code\"])",
            &["acme.rego:2: ", "a finding has no `code`"],
        ),
        (
            "findings contains x if x := input.now",
            &["acme.rego:2: ", "\"2026\" is not a finding: write {"],
        ),
        (
            "findings contains x if some x in [5 | input.request]\nfindings contains {\"code\": \"acme/x\"\
             , \"effect\": \"deny\", \"message\": \"m\"}",
            &["acme.rego:2: ", "5 is not a finding"],
        ),
        (
            "findings contains {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": lower(\" \")}",
            &["acme.rego:2: ", "`message` is \" \", not a text that says what is wrong"],
        ),
        (
            "required contains {\"kind\": lower(\"ROL\")}",
            &[
                "acme.rego:2: ",
                "yields a sign-off that can't be read: `kind` is \"rol\", not level",
            ],
        ),
        (
            "required contains {\"kind\": lower(\"ROLE\"), \"user\": \"bob\"}",
            &["acme.rego:2: ", "the kind `role` takes `role`"],
        ),
        (
            "required contains {\"kind\": \"level\", \"any_of\": split(\"L2 L4\", \" \")}",
            &["acme.rego:2: ", "`any_of` is [\"L2\",\"L4\"], not a list of L1, L2 and L3"],
        ),
        (
            "required contains {\"kind\": \"commander\", \"people\": 3 / 2}\n\
             required contains {\"kind\": \"commander\"}",
            &[
                "acme.rego:2: ",
                "yields a sign-off that can't be read: `people` is 1.5, not a whole",
            ],
        ),
        (
            "required contains {\"kind\": \"commander\"}\n\
             required contains {\"kind\": \"commander\", \"people\": count([])}",
            &["acme.rego:3: ", "`people` is 0, not a whole number from 1 to 255"],
        ),
        (
            "required contains object.union({\"kind\": \"commander\"}, {\"peple\": 2})",
            &["acme.rego:2: ", "a sign-off has no field `peple`: its fields are kind, "],
        ),
        (
            "findings contains {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": \"m\"} if {\n\
             time.parse_duration_ns(sprintf(\"%vd\", [2])) > 1\n}",
            &["acme.rego:3", "unknown unit `d`"],
        ),
        (
            "findings contains {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": \"m\"} if {\n\
             to_number(input.now) > 0; to_number(lower(\"5G\")) > 1\n}",
            &["acme.rego:3: ", "`to_number` was given a text that isn't a number", "regex.match"],
        ),
        (
            "findings contains {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": \"m\"} if {\n\
             object.get(input.previous, \"id\", 1) == 1\n}",
            &["acme.rego:3: ", "takes a value of the type object, and was given null", "missing"],
        ),
        (
            "findings contains {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": \"m\"} if {\n\
             count(to_number(input.now)) > 0\n}",
            &[
                "acme.rego:3: ",
                "takes a value of the type array, object, set or string",
                "given 2026",
            ],
        ),
        (
            "findings contains {\"code\": \"acme/y\", \"effect\": \"deny\", \"message\": \"m\"}\n\
             findings contains {\"code\": \"acme/x\", \"effect\": effect, \"message\": \"m\"} if {\n\
             effect := lower(\"BLOCK\")\n}",
            &["acme.rego:3: ", "`effect` is \"block\""],
        ),
        (
            "findings contains x if some x in [y | y := {\"code\": \"acme/y\"}]\n\
             findings contains x if some x in [y | y := 1; y > 1]",
            &["acme.rego: ", "a finding has no `effect`"],
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
                let input = serde_json::json!({"now": "2026", "request": {}, "previous": null});
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

#[test]
fn purposes_are_written_out() {
    let finding = "findings contains {\"code\": \"acme/x\", \"effect\": \"deny\", \"message\": \"m\"} if input.request";
    for (purposes, problem) in [
        ("", ""),
        ("purposes := {\"execute\"}", ""),
        ("purposes := {\"merge\", \"execute\"}", ""),
        ("purposes := {\"execution\"}", "doesn't say in so many words"),
        ("purposes := set()", "doesn't say in so many words"),
        ("purposes := [\"execute\"]", "doesn't say in so many words"),
        ("purposes contains \"execute\"", "doesn't say in so many words"),
        ("purposes := {\"execute\"} if input.request", "doesn't say in so many words"),
        ("purposes := {input.purpose}", "doesn't say in so many words"),
        ("default purposes := {\"merge\"}", "doesn't say in so many words"),
        ("purposes := {\"merge\"}\npurposes := {\"execute\"}", "is written more than once"),
    ] {
        let policy = format!("package changegate.rules.acme\n{purposes}\n{finding}");
        let problems = beside_the_shipped("rules/acme/acme.rego", &policy).join("\n");
        assert_eq!(problems.is_empty(), problem.is_empty(), "{purposes}: {problems}");
        assert!(problems.contains(problem), "{purposes}: {problems}");
    }
}
