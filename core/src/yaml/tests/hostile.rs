//! Files that only an attacker would write.

use proptest::prelude::*;

use super::fields::{Action, Request, field_check};
use crate::yaml::{MAX_BYTES, Reading, parse};

#[test]

fn problems_are_limited() {
    let document = parse("- *x\n".repeat(80).as_bytes());
    let last = document.problems.last().expect("problems");
    assert_eq!(document.problems.len(), 51);
    assert_eq!((last.code, last.message.as_str()), ("yaml/more", "30 more problems are not shown"));
    let reading: Reading<Vec<String>> = parse("- 1\n".repeat(80).as_bytes()).read();
    assert_eq!(reading.problems.len(), 51);
    assert!(reading.value.is_none());
}

#[test]
fn hostile_files_are_read_in_time() {
    let size = MAX_BYTES;
    let inputs = [
        "[".repeat(size),
        "{a: ".repeat(size / 4),
        "? ".repeat(size / 2),
        "- ".repeat(size / 2),
        "a: ".repeat(size / 3),
        "\0".repeat(size),
        format!("{}{}", "[".repeat(250), "a,".repeat(size / 2 - 125)),
        "\"".to_owned() + &"a\n".repeat(size / 2 - 1),
        "- {action: 1}\n".repeat(size / 14),
    ];
    for input in inputs {
        let started = std::time::Instant::now();
        let _: Reading<Vec<Action>> = parse(input.as_bytes()).read();
        // Far above what unoptimised code takes, far below what quadratic work would take.
        assert!(started.elapsed().as_secs() < 10, "{}", &input[..20]);
    }
}

const VALID: &str = "\
id: CHG-1
risk: high
schedule: {start: '7', end: '9'}
actions:
  - {action: \"a\\tb\", count: 3, share: 0.5, on: {zone: {name: ä}}}
  - action: b
    dry: true
links:
  x: |
    long
    text
summary: 'it''s'
";

/// Counts in the simplest way: a line ends with LF, CR LF or CR.
fn line_and_column(bytes: &[u8], at: usize) -> (u32, u32) {
    let before = String::from_utf8_lossy(&bytes[..at]);
    let before = before.strip_prefix('\u{feff}').unwrap_or(&before);
    let lines = before.replace("\r\n", "\n").replace('\r', "\n");
    let column = lines.rsplit('\n').next().unwrap_or_default().chars().count();
    (lines.matches('\n').count() as u32 + 1, column as u32 + 1)
}

/// Checks that problems are in order and at valid positions, and that nothing panics.
fn holds(bytes: &[u8]) {
    let document = parse(bytes);
    let reading: Reading<Request> = document.read();
    let _: Reading<serde_json::Value> = document.read();
    let mut last = 0;
    for problem in &reading.problems {
        let span = problem.span;
        assert!(last <= span.start && span.start <= span.end && span.end <= bytes.len());
        assert_eq!((span.line, span.column), line_and_column(bytes, span.start));
        last = span.start;
        document.root.locate(&problem.pointer);
    }
    if reading.value.is_none() {
        assert!(!reading.problems.is_empty());
    }
}

#[test]
fn the_valid_example_is_valid() {
    assert!(field_check(VALID, &[]).value.is_some());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        holds(&bytes);
    }

    #[test]
    fn yaml_like_text_never_panics(text in "([-?:,&*!|>'\"%@`{}\\[\\]# \n\r\t]|[a-c]|1|ä|\u{202e}|~|---|: |- ){0,60}") {
        holds(text.as_bytes());
    }

    #[test]
    fn mutated_yaml_never_panics(
        edits in proptest::collection::vec((0..VALID.len(), 0..4usize, "[-?:,&*!|>'\"{}\\[\\]# \n\tx1ä]{0,3}"), 1..5)
    ) {
        let mut bytes = VALID.as_bytes().to_vec();
        for (at, length, new) in edits {
            let start = at.min(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, new.bytes());
        }
        holds(&bytes);
    }
}
