//! Cases for [`vet`]: a policy, and the problems found in it.

mod bundle;
mod functions;
mod references;
mod shape;

use super::*;

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    judge(files, |_, _, _, _| Vec::new()).iter().map(ToString::to_string).collect()
}

/// Returns the problems of one rule body, which starts at line 2, column 8.
fn in_body(body: &str) -> Vec<String> {
    let text = format!("package changegate.p\nr if {{ {body} }}\nf(x) := x\ng(x, y) := x + y\n");
    problems(&[("p.rego", &text)])
}

#[track_caller]
fn accepts(body: &str) {
    assert_eq!(in_body(body), Vec::<String>::new(), "{body}");
}

#[track_caller]
fn refuses(body: &str, expected: &str) {
    assert_eq!(in_body(body), [format!("p.rego:2:8: {expected}")], "{body}");
}

#[test]
fn ordinary_rego_is_accepted() {
    accepts("count(input.actions) + 1 > f(2) * g(1, 2) - 3 % 2");
    accepts("{1, 2} & {2} == {2} | set()");
    accepts(r#"sprintf("100 %% of %s, %v", ["x", 1]) != "", regex.match(`^[A-Z]{3}-[0-9]+$`, input.id)"#.replace(", regex", "; regex").as_str());
    accepts("every a in input.actions { a.tier in {\"low\", \"high\"} }");
    accepts(
        "some i, a in input.actions; not a.off; xs := [x | some x in a.b; f(x) > i]; xs[0] == -1",
    );
    accepts("data.changegate.p.f(1) == data.changegate[\"p\"].g(1, 2)");
    accepts("time.parse_rfc3339_ns(input.now) > time.parse_duration_ns(\"1h\")");
    accepts("semver.is_valid(input.now); semver.compare(input.now, \"1.2.0\") < 0");
    accepts("net.cidr_is_valid(input.now); net.cidr_contains(\"10.0.0.0/8\", input.now)");
}

#[test]
fn printing_and_overriding_belong_in_tests() {
    let text = "package p_test\ntest_a if { print(1, 2); data.p.x with input as {} }";
    assert!(problems(&[("p_test.rego", text)]).is_empty());
    refuses(
        "print(1)",
        "`print` can't be used in a policy: a decision writes no output. Use `print` in a file that \
         ends in `_test.rego`.",
    );
    assert_eq!(
        in_body("f(1) with input as {}"),
        ["p.rego:2:13: `with` can't be used in a policy: it replaces functions and facts. Pass \
          the value to a function, or move this to a file that ends in `_test.rego`."],
    );
}

#[test]
fn policies_do_not_see_the_functions_of_tests() {
    let policy = ("p.rego", "package p\nx := data.q.helper(1)\n");
    let test = ("q_test.rego", "package q\nhelper(x) := x\ntest_x if helper(1)\n");
    assert_eq!(
        problems(&[policy, test]),
        ["p.rego:2:6: `data.q.helper` is neither a function of this bundle nor one that policies \
          may use."],
    );
}

#[test]
fn imports_reach_functions_and_hide_builtins() {
    let lib = ("lib.rego", "package changegate.time\nlater(a) := a + 1\n");
    let text = "package p\nimport rego.v1\nimport data.changegate.time\n\
                x := time.later(1)\ny := time.now_ns()\n";
    assert_eq!(
        problems(&[lib, ("p.rego", text)]),
        ["p.rego:5:6: `time.now_ns` stands for `data.changegate.time.now_ns`, which isn't a \
          function."],
    );
}

#[test]
fn odd_imports_and_function_defaults_are_refused() {
    let text = "package p\nimport future.keywords.in\nimport input\nimport data.org\n\
                import input.request as r\ndefault f(_) := 1\nf(1) := 2\n";
    assert_eq!(
        problems(&[("p.rego", text)]),
        [
            "p.rego:2:1: `future.keywords.in` can't be imported. Import `rego.v1`, or something \
             below `data` or `input`.",
            "p.rego:3:1: `input` can't be imported. It is always available: delete this line.",
            "p.rego:6:1: a function can't have a default: engines differ in what it means. Add a \
             second definition for the remaining case, or use `else`.",
        ],
    );
}

#[test]
fn cycles_are_refused() {
    let a = "package a\nimport data.b as other\nf(x) := other.g(x)\n";
    let b = "package b\ng(x) := h(x)\nh(x) := data.a.f(x)\nx := y\ny := [x | x]\nz := {z1 | z1 := z[_]}\n";
    assert_eq!(
        problems(&[("a.rego", a), ("b.rego", b)]),
        [
            "a.rego:3:1: `data.a.f` depends on itself through `data.b.g`, `data.b.h`. Iterate \
             with `some … in …` or a comprehension instead.",
            "b.rego:4:1: `data.b.x` depends on itself through `data.b.y`. Iterate with `some … \
             in …` or a comprehension instead.",
            "b.rego:6:1: `data.b.z` depends on itself. Iterate with `some … in …` or a \
             comprehension instead.",
        ],
    );
}

#[test]
fn iterating_over_rule_packages_is_no_cycle() {
    let main = "package changegate\nimport rego.v1\n\
                findings contains f if { some name; some f in data.changegate.rules[name].findings }\n\
                tier(level) := level\nlevel := tier(input.level)\n\
                decision := {\"findings\": findings, \"level\": level}\n";
    let rule = "package changegate.rules.window\nimport data.changegate\n\
                findings contains f if { some f in candidates; changegate.tier(f) }\n\
                candidates := {findings | some findings in input.x}\n";
    let test = "package changegate.rules.window_test\nfindings := data.changegate.decision\n";
    let files = [("main.rego", main), ("w.rego", rule), ("w_test.rego", test)];
    assert_eq!(problems(&files[..2]), Vec::<String>::new());
}

#[test]
fn long_chains_of_rules_are_refused() {
    let rules: String = (0..70).map(|i| format!("r{i} := r{}\n", i + 1)).collect();
    assert_eq!(
        problems(&[("p.rego", &format!("package p\n{rules}"))]),
        ["p.rego:7:1: more than 64 rules depend on each other in a chain. Shorten the chain."],
    );
}

#[test]
fn nesting_and_operator_chains_are_bounded() {
    accepts("[[[[[[[[[1]]]]]]]]] != \"[[[[[[[[[[[[\" # ((((((((((((\n");
    assert_eq!(
        in_body("x := `\n[[[[[[[[[[[`; y := [[[[[[[[[[[[[[[[1"),
        ["p.rego:3:29: brackets can't be nested deeper than 10 levels. Give the inner part a \
          name of its own: a rule or a function."],
    );
    for (operand, separator) in
        [("1", " +\n"), ("1", "\n- "), ("-", "\n"), ("{1}", "\n|"), ("a.b", " == ")]
    {
        let chain = vec![operand; 70].join(separator);
        let problems = in_body(&format!("x := {chain}"));
        assert!(problems[0].contains("can't chain more than 64 operators"), "{problems:?}");
    }
    accepts(&vec!["input.a.b.c == 1 + 2"; 70].join("\n"));
    accepts(&format!("x := [{}]", vec!["input.a.b"; 70].join(",\n")));
}

#[test]
fn what_the_parser_would_take_seconds_for_is_refused() {
    let deep = "x := [[[[[[[[[[1]]]]]]]]]]\n".repeat(33);
    assert_eq!(
        problems(&[("p.rego", &format!("package p\n{deep}"))]),
        ["p.rego:34:11: this file has too many deeply nested brackets. Give inner parts names \
             of their own, or split the file."],
    );
}

#[test]
fn hidden_characters_and_large_files_are_refused() {
    assert_eq!(
        problems(&[("p.rego", "package p\nx := \"é\u{202e}\" # a\n")]),
        ["p.rego:2:8: U+202E (a bidirectional control) can hide a part of the policy. Delete it."],
    );
    for writing in ["👩\u{200d}💻", "שלום\u{200f}", "\u{3164}", "\u{fe0f}"] {
        assert_eq!(problems(&[("p.rego", &format!("package p\nx := \"{writing}\"\n"))]).len(), 1);
    }
    assert_eq!(problems(&[("p.rego", "package p\0\nx := time.now_ns()\n")]).len(), 1);
    assert_eq!(
        problems(&[("p.rego", &" ".repeat(256 * 1024 + 1))]),
        ["p.rego:1:1: a policy file can't be larger than 256 KiB. Split it."],
    );
    assert!(problems(&[("p.rego", "package p\r\n\tx := 1\r\n")]).is_empty());
}

#[test]
fn parse_errors_are_one_line_with_a_place() {
    let cases = [
        ("package p\nx := {", "2:7: this can't be read as Rego: expecting expression"),
        ("package p\n\tx := \"é\" \"", "2:11: this can't be read as Rego: unmatched \""),
        (
            "package p\nx := 1 if {\n\tsome 1\n}\n",
            "3:7: this can't be read as Rego: encountered `1` while expecting identifier",
        ),
        (
            "package p\nallow { true }",
            "2:7: this can't be read as Rego: `if` keyword is required before rule body",
        ),
        ("", "1:1: this can't be read as Rego: expecting `package` Missing package declaration"),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(&[("p.rego", text)]), [format!("p.rego:{expected}.")], "{text}");
    }
}

/// Returns the problems of one rule, at line 2, beside `f` and a helper of its own.
fn of_rule(rule: &str) -> Vec<String> {
    problems(&[("p.rego", &format!("package p\n{rule}\nf(x) := x if x > 1\nown := [1]\n"))])
}

#[test]
fn heads_that_may_be_undefined_are_refused() {
    assert_eq!(
        of_rule("r contains {\"by\": input.request.owner} if { some x in input.xs }"),
        ["p.rego:2:19: `input.request.owner` may be undefined here, and then what the rule found \
          before is lost. Bind it in the body: `owner := input.request.owner`."],
    );
    assert_eq!(
        of_rule("r contains f(1)"),
        [
            "p.rego:2:12: `f(…)` may be undefined here, and then what the rule found before is lost. \
          Bind it in the body: `value := f(…)`."
        ],
    );
    assert_eq!(
        of_rule("g(x) := x.level if { x } else := 1"),
        ["p.rego:2:9: `x.level` may be undefined here, and then the `else` isn't tried. Bind it \
          in the body: `level := x.level`."],
    );
    for rule in [
        "r contains x.a if some x in input.xs",
        "r contains sprintf(\"%v\", [x.a]) if some x in input.xs",
        "r contains min(x) if some x in input.xs",
        "r contains own if some x in input.xs",
        "r contains input.xs[_].a if input.xs[_].a",
        "r contains x.a if { some x in input.xs; not x.a }",
        "r contains x.a if { some x in input.xs; every y in x.b { y == x.a } }",
        "r contains x.a if { some x in input.xs; count([1 | x.a]) == 0 }",
        "r contains x.a if { some x in input.xs; (x.a in [1]) == false }",
        "r[x.n] := x.a if { some x in input.xs; x.n }",
        "r[x.n] := 1 if some x in input.xs",
        "r := x.a if some x in input.xs",
        "r := x.a if x := input.xs[_]",
        "r := 1 if { false } else := x.a if { some x in input.xs }",
        "g(x) := f(x) if { x } else := 1",
        "g(x) := 1 if { x > 1 } else := x.a if { x } else := 2",
    ] {
        assert_eq!(of_rule(rule).len(), 1, "{rule}");
    }
}

#[test]
fn heads_whose_names_stand_in_the_body_are_accepted() {
    for rule in [
        "r contains x.a if { some x in input.xs; x.a != 1 }",
        "r contains x[\"a\"] if { some x in input.xs; count(x.a.b) > 1 }",
        "r contains input.xs[i].a if input.xs[i].a",
        "r contains [i, a, sprintf(\"%v\", [i])] if { some i, {\"a\": a} in input.xs }",
        "r contains [y | some y in x.ys; y > own[0]] if some x in input.xs",
        "r contains v if { some x in input.xs; v := f(x) }",
        "r contains x.a if { some x in input.xs; x.a in own }",
        "r[x.n] := concat(\", \", x.a) if { some x in input.xs; f(x.n) == x.a }",
        "r := input.request.owner if { input.request }",
        "r := max(own)",
        "r := x.a if { some x in input.xs; x.a }",
        "g(x) := x.a",
        "g(x) := x.a if { some x in input.xs }",
        "g(x) := x if { x > 1 } else := x.a",
    ] {
        assert_eq!(of_rule(rule), Vec::<String>::new(), "{rule}");
    }
}

/// If the interpreter skipped undefined bindings, as Rego defines, [`heads`] would not be needed.
#[test]
fn the_interpreter_still_loses_what_was_found_before_an_undefined_head() {
    let rules = "package p\n\
                 partial contains x.a if some x in [{\"a\": 1}, {}]\n\
                 fails contains x.a if some x in [{}, {\"a\": 1}]\n\
                 object[x.n] := x.a if some x in [{\"n\": 0, \"a\": 1}, {\"n\": 1}]\n\
                 default complete := \"none\"\n\
                 complete := x.a if some x in [{\"a\": 1}, {}]\n\
                 f(x) := x.a if { x } else := \"else\"\n\
                 call := f({})\n\
                 comprehension := [x.a | some x in [{\"a\": 1}, {}]]\n";
    let value = |rule: &str| {
        let mut engine = regorus::Engine::new();
        engine.set_strict_builtin_errors(true);
        engine.add_policy("p.rego".into(), rules.into()).unwrap();
        engine.eval_rule(format!("data.p.{rule}")).map(|value| value.to_string())
    };
    assert_eq!(value("partial").unwrap(), "[]", "Rego says [1]");
    assert!(value("fails").is_err(), "Rego says [1]");
    assert_eq!(value("object").unwrap(), "{}", "Rego says {{0: 1}}");
    assert_eq!(value("complete").unwrap(), "\"none\"", "Rego says 1");
    assert_eq!(value("call").unwrap(), "\"<undefined>\"", "Rego says \"else\"");
    assert_eq!(value("comprehension").unwrap(), "[1]");
}
