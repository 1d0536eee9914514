//! Cases for what policies may call, and how.

use super::super::functions::{ALLOWED, parameters_of};
use super::*;

#[test]
fn every_allowed_function_exists_in_the_interpreter() {
    let missing: Vec<_> = ALLOWED.iter().filter(|name| parameters_of(name).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Record 38: rules whose answer depends on more than their input.
#[test]
fn functions_that_would_differ_on_replay_are_refused() {
    refuses(
        "time.now_ns() > 0",
        "`time.now_ns` can't be used in a policy: a decision has to come out the same when it is \
         replayed. Use `input.now`.",
    );
    for name in ["http.send({})", "rand.intn(\"a\", 9)", "uuid.rfc4122(\"\")", "opa.runtime()"] {
        let function = name.split('(').next().unwrap();
        let problems = in_body(&format!("{name} == 1"));
        let expected = format!("p.rego:2:8: `{function}` can't be used in a policy: ");
        assert!(problems[0].starts_with(&expected), "{problems:?}");
    }
    refuses(
        "time.weekday(0) == \"Monday\"",
        "`time.weekday` can't be used in a policy: a decision has to come out the same on every \
         machine. Use `input.calendar`, or `time.parse_rfc3339_ns` and arithmetic.",
    );
    refuses(
        "time[\"now_ns\"]() > 0",
        "`time.now_ns` can't be used in a policy: a decision has to come out the same when it is \
         replayed. Use `input.now`.",
    );
}

#[test]
fn functions_without_bound_are_refused() {
    refuses(
        "bits.lsh(1, 4000000000) > 0",
        "`bits.lsh` can't be used in a policy: its result can grow without bound, and nothing \
         interrupts it. Multiply instead.",
    );
    refuses(
        "walk(input, [p, v])",
        "`walk` can't be used in a policy: its work can grow without bound, and nothing \
         interrupts it. Name the paths that you mean, or iterate with `some … in …`.",
    );
    for call in
        ["numbers.range(1, 9)", "replace(\"a\", \"\", \"b\")", "strings.replace_n({}, \"\")"]
    {
        assert_eq!(in_body(&format!("x := {call}")).len(), 1, "{call}");
    }
}

#[test]
fn functions_whose_result_differs_between_engines_are_refused() {
    refuses(
        "units.parse_bytes(\"1Gi\") > 0",
        "`units.parse_bytes` can't be used in a policy: its result differs between engines. Write \
         plain numbers, or take a unit off: `to_number(trim_suffix(text, \"Gi\"))`.",
    );
    accepts("to_number(trim_suffix(input.now, \"Gi\")) > 0");
}

#[test]
fn unknown_functions_and_wrong_counts_are_refused() {
    refuses(
        "counts([])",
        "`counts` is neither a function of this bundle nor one that policies may use. Did you \
         mean `count`?",
    );
    refuses(
        "crypto.sha256(\"\")",
        "`crypto.sha256` is neither a function of this bundle nor one that policies may use.",
    );
    for (call, instead) in [
        ("regex.split(`,`, input.now)", "Use `split`"),
        ("regex.find_n(`a`, input.now, 1)", "Use `regex.match` to ask"),
        ("net.cidr_intersects(\"10.0.0.0/8\", input.now)", "Ask `net.cidr_contains(a, b)`"),
        ("json.filter(input.request, [\"id\"])", "Use `object.filter`"),
    ] {
        let problems = in_body(call).join("");
        assert!(problems.contains("can't be used in a policy: nobody"), "{problems}");
        assert!(problems.contains(instead), "{problems}");
    }
    refuses("count([], x)", "`count` takes 1 argument, not 2.");
    refuses("g(1)", "`g` takes 2 arguments, not 1.");
}

#[test]
fn formats_and_patterns_have_to_be_literals_that_work() {
    refuses(
        "sprintf(\"%09999999d\", [1])",
        "`%0` can't be used in a format. Use `%v` or `%s`, which print every value.",
    );
    refuses(
        "sprintf(\"%d\", [1.5])",
        "`%d` has no result for a value that isn't a whole number. Use `%v` or `%s`, which print \
         every value.",
    );
    for whole in [
        "sprintf(\"%d of %v\", [1, input.now])",
        "sprintf(\"%d\", [count(input.request.actions)])",
        "some i, a in input.request.actions; sprintf(\"%d\", [i]) != a",
        "some i, a in input.request.actions; sprintf(\"%v: %d\", [a, i + 1])",
        "some i, _ in [\"a\", \"b\"]; sprintf(\"%d\", [i])",
        "n := count(input.now) - 2 * 3; sprintf(\"%d\", [n])",
        "n := -1; sprintf(\"%d\", [n])",
        "some n in [1, 2]; sprintf(\"%d\", [n])",
        "r := input.request; some i, a in r.actions; sprintf(\"%d %v\", [i, a])",
    ] {
        accepts(whole);
    }
    for other in [
        "sprintf(\"%d\", [\"1\"])",
        "sprintf(\"%d\", [input.pull_request.number])",
        "sprintf(\"%d\", [count(input.now) / 2])",
        "sprintf(\"%v %d\", [1, input.now])",
        "some name, _ in input.people; sprintf(\"%d\", [name])",
        "some name, _ in {\"a\": 1}; sprintf(\"%d\", [name])",
        "some name, w in data.org.windows; sprintf(\"%d\", [name])",
        "n := n + 1; sprintf(\"%d\", [n])",
        "some n in [1, 1.5]; sprintf(\"%d\", [n])",
    ] {
        assert!(in_body(other).join("").contains("`%d` has no result"), "{other}");
    }
    refuses(
        "sprintf(\"%v %v\", [1])",
        "this format has 2 verbs for 1 values. Give one value for each `%v`.",
    );
    refuses(
        "sprintf(input.format, [1])",
        "`sprintf` needs its format and its list of values written out, so that they can be \
         checked. Write `sprintf(\"… %v …\", [value])`.",
    );
    refuses(
        r"regex.match(`^\d+$`, input.id)",
        r"`\d` matches different characters in other engines. Write out classes, such as `[0-9]`, and ignore case with `lower`.",
    );
    accepts(r#"regex.match(`^\(?[(]\.(?:a|é\\)$`, input.id)"#);
    refuses(
        "regex.match(`(?:a)(?i)b`, input.id)",
        "`(?i` matches different characters in other engines. Write out classes, such as `[0-9]`, and \
         ignore case with `lower`.",
    );
    refuses(
        "regex.match(`a{1000}{1000}`, input.id)",
        "`a{1000}{1000}` is not a valid pattern, or is too large. Patterns follow RE2, without \
         look-around or back-references.",
    );
    refuses(
        "regex.match(input.pattern, input.id)",
        "`regex.match` needs its pattern written out, so that it can be checked. Write the \
         pattern as a literal in backquotes.",
    );
}
