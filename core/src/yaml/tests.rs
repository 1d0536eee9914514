//! Cases: inputs and the problems reported for them, as code, line, column and pointer.

mod fields;
mod hostile;

use std::collections::BTreeMap;

use self::fields::{Request, Risk};
use super::{Document, MAX_BYTES, Node, Problem, Reading, Value, parse, pointer_push};

/// Returns each problem as `code line:column pointer`.
fn brief(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|p| {
            let place = format!("{} {}:{}", p.code, p.span.line, p.span.column);
            format!("{place} {}", p.pointer).trim_end().to_owned()
        })
        .collect()
}

#[track_caller]
fn yaml_check(input: impl AsRef<[u8]>, expected: &[&str]) -> Document {
    let document = parse(input.as_ref());
    assert_eq!(brief(&document.problems), expected, "{:?}", document.problems);
    document
}

#[test]
fn plain_data_has_no_problems() {
    let inputs = [
        "a: 1\n",
        "---\na: 1\n...\n",
        "%YAML 1.2\n---\na: 1\n",
        "a: 1\r\nb:\r\n  - x\r\n",
        "{\n\t\"a\":1,\n\t\"b\":[true,null,-2.5e3]\n}\n",
        "text: ⚠️ größer\n",
        "\"a\\r\\nb\"",
        "yes: 2026-11-24T22:00:00Z\n",
        "- {a: b, c: [d]}\n- |\n  x\n",
    ];
    for input in inputs {
        yaml_check(input, &[]);
    }
}

#[test]
fn each_code_has_its_place() {
    yaml_check(vec![b' '; MAX_BYTES + 1], &["yaml/too-large 1:1"]);
    yaml_check(b"a: 1\nb: \xc3\xa4\xff\n", &["yaml/encoding 2:5"]);
    yaml_check(b"\xff\xfea\0", &["yaml/encoding 1:1"]);
    yaml_check("\u{feff}a: 1", &["yaml/encoding 1:1"]);
    yaml_check("a: ä\u{202e}b\n", &["yaml/character 1:5"]);
    yaml_check("a: 1 # x\u{200d}\n", &["yaml/character 1:9"]);
    yaml_check("a: b\u{feff}\n", &["yaml/character 1:5"]);
    yaml_check("a: \"\\u202e\"", &["yaml/character 1:4 /a"]);
    yaml_check("a: [\"x\\u001b[31m\"]", &["yaml/character 1:5 /a/0"]);
    yaml_check("{a: {\"b\\u200b\": 1}}", &["yaml/character 1:6 /a"]);
    yaml_check("👩\u{200d}💻: 👩\u{200d}💻\n", &["yaml/character 1:1"]);
    yaml_check("'⚠\u{fe0f}': \"⚠\\ufe0f\"\n", &["yaml/character 1:1"]);
    yaml_check("a: 1\rb: 2\n", &["yaml/character 1:5"]);
    yaml_check("a: 1\0\nb: 2\n", &["yaml/character 1:5"]);
    for c in ['\u{85}', '\u{2028}', '\u{2029}', '\u{7f}', '\u{2066}', '\u{e0041}'] {
        yaml_check(format!("a: x{c}y\n"), &["yaml/character 1:5"]);
    }
    yaml_check("a: [1\n", &["yaml/syntax 2:1 /a/1"]);
    yaml_check("a: \"b\nc: 1\n", &["yaml/syntax 1:4 /a"]);
    yaml_check("a: b: c\n", &["yaml/syntax 1:5"]);
    yaml_check("a:\n\tb: 1\n", &["yaml/syntax 2:2 /a"]);
    yaml_check("a: @b\n", &["yaml/syntax 1:4 /a"]);
    let deep = "/0".repeat(31);
    let flow = "[".repeat(40) + &"]".repeat(40);
    yaml_check(flow, &[&format!("yaml/depth 1:32 {deep}")]);
    yaml_check("[".repeat(300), &["yaml/depth 1:256"]);
    yaml_check("- ".repeat(32) + "x", &[&format!("yaml/depth 1:63 {deep}")]);
    yaml_check("a: 1\nb: 2\n\"\\x61\": 3\n", &["yaml/duplicate-key 3:1 /a"]);
    yaml_check("a:\n  b: &x 1\n", &["yaml/anchor 2:6 /a/b"]);
    yaml_check(
        "- &x 1\n- *x\n- *y\n",
        &["yaml/anchor 1:3 /0", "yaml/alias 2:3 /1", "yaml/alias 3:3 /2"],
    );
    yaml_check("a: !!str 1\nb: !x!y 2\n", &["yaml/tag 1:4 /a", "yaml/tag 2:4 /b"]);
    yaml_check("a: 1\n---\nb: 2\n", &["yaml/documents 2:1"]);
    yaml_check("a: 1\n...\nb: 2\n", &["yaml/documents 3:1"]);
    yaml_check(
        "1: a\n[x]: b\n: c\n~: d\n",
        &["yaml/key 1:1", "yaml/key 2:1", "yaml/key 3:1", "yaml/key 4:1"],
    );
    yaml_check(
        "a: 1e999\nb: -.inf\nc: .nan\n",
        &["yaml/number 1:4 /a", "yaml/number 2:4 /b", "yaml/number 3:4 /c"],
    );
    yaml_check("a: 9223372036854775808\n", &["yaml/number 1:4 /a"]);
    for empty in ["", "\n", "# only\n", "---\n", "---\n...\n"] {
        yaml_check(empty, &["yaml/empty 1:1"]);
    }
}

#[test]
fn a_character_is_named_with_its_role() {
    let document = parse("a: \u{202e}".as_bytes());
    let message = &document.problems[0].message;
    assert_eq!(message, "U+202E (a bidirectional control) is not allowed");
}

#[test]
fn scalars_resolve_by_the_core_schema() {
    let text = |text: &str| Value::String(text.into());
    let cases = [
        ("~", Value::Null),
        ("Null", Value::Null),
        ("TRUE", Value::Bool(true)),
        ("-12", Value::Integer(-12)),
        ("007", Value::Integer(7)),
        ("0x1F", Value::Integer(31)),
        ("0o17", Value::Integer(15)),
        ("-9223372036854775808", Value::Integer(i64::MIN)),
        ("1.", Value::Float(1.0)),
        (".5e-1", Value::Float(0.05)),
        ("-0x1", text("-0x1")),
        ("1_000", text("1_000")),
        ("12:30", text("12:30")),
        ("1e", text("1e")),
        (".", text(".")),
        ("yes", text("yes")),
        ("nULL", text("nULL")),
        ("2026-11-24", text("2026-11-24")),
        ("'1'", text("1")),
        ("inf", text("inf")),
    ];
    for (input, expected) in cases {
        assert_eq!(yaml_check(input, &[]).root.value, expected, "{input}");
    }
}

#[test]
fn duplicates_keep_the_first_and_name_its_place() {
    let document = parse(b"a: 1\nb: 2\na: 3\n");
    let help = document.problems[0].help.as_deref().unwrap_or_default();
    assert!(help.starts_with("the first one is on line 1, column 1"), "{help}");
    let values: BTreeMap<String, u8> = document.read().value.expect("a map");
    assert_eq!(values, BTreeMap::from([("a".into(), 1), ("b".into(), 2)]));
}

#[test]
fn json_reads_like_yaml() {
    let json = br#"{"id": "x", "risk": "high", "actions": [{"action": "a\/b\u00e4", "count": 3}]}"#;
    let reading: Reading<Request> = parse(json).read();
    assert_eq!(reading.problems, []);
    let request = reading.value.expect("a request");
    assert_eq!(request.risk, Some(Risk::High));
    assert_eq!(request.actions[0].action, "a/bä");
    let value: Reading<serde_json::Value> = parse(b"[1, 2.5, \"x\", null, {\"a\": true}]").read();
    assert_eq!(value.value, Some(serde_json::json!([1, 2.5, "x", null, {"a": true}])));
}

#[test]
fn pointers_find_their_place() {
    let root = parse(b"a/b: {c: 1}\nd:\n  - e: x\n    f~: |\n      y\n  -\n  - z\n").root;
    let at = |pointer: &str| {
        let span = root.locate(pointer);
        (span.line, span.column)
    };
    assert_eq!(at(""), (1, 1));
    assert_eq!(at("/a~1b"), (1, 1));
    assert_eq!(at("/a~1b/c"), (1, 10));
    assert_eq!(at("/a~1b/missing/deeper"), (1, 1));
    assert_eq!(at("/d/0"), (3, 5));
    assert_eq!(at("/d/0/e"), (3, 8));
    assert_eq!(at("/d/0/f~0"), (4, 5));
    assert_eq!(at("/d/1"), (6, 3));
    assert_eq!(at("/d/2"), (7, 5));
    assert_eq!(at("/d/9"), (2, 1));
    let mut pointer = String::new();
    pointer_push(&mut pointer, "a/~b");
    assert_eq!(pointer, "/a~1~0b");
}

#[test]
fn spans_cover_what_they_name() {
    for newline in ["\n", "\r\n"] {
        let text = "# ä: comment\nkäy: wört 🎉 x # ö\nb: ['ü', \"é\"]\nc: {d: [1, 2]}\ne:\n  - f\nlast: end\n";
        let text = text.replace('\n', newline);
        let root = yaml_check(&text, &[]).root;
        let slice = |pointer: &str| {
            let span = find(&root, pointer).span;
            let before = &text[..span.start];
            assert_eq!(before.matches('\n').count() + 1, span.line as usize);
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
            assert_eq!(column + 1, span.column as usize);
            &text[span.start..span.end]
        };
        assert_eq!(slice("/käy"), "wört 🎉 x");
        assert_eq!(slice("/b"), "['ü', \"é\"]");
        assert_eq!(slice("/b/0"), "'ü'");
        assert_eq!(slice("/c"), "{d: [1, 2]}");
        assert_eq!(slice("/e"), "- f");
        assert_eq!(slice("/last"), "end");
        assert!(slice("").ends_with("last: end"));
    }
}

fn find<'n>(root: &'n Node, pointer: &str) -> &'n Node {
    pointer
        .split('/')
        .skip(1)
        .fold(root, |node, step| node.child(step).expect("a node at the pointer").1)
}
