use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::core::request::{
    Action, Emergency, Impact, OffScript, RequestFile, RequestedApproval, Risk, Rollback, Schedule,
    Verification,
};

fn read_back(request: &ChangeRequest) -> ChangeRequest {
    let text = render(request, "requests/x.yaml");
    let file = RequestFile::read("requests/x.yaml", text.as_bytes());
    assert!(file.problems.is_empty(), "{:#?}\n{text}", file.problems);
    file.request.unwrap()
}

fn with_text(text: &str) -> ChangeRequest {
    let text = || text.to_owned();
    let some = || Some(text());
    let name = || "a/b@c".parse().unwrap();
    let action = Action {
        action: Some(name()),
        target: Some(name()),
        parameters: BTreeMap::from([(text(), json!({text(): [text(), [text()], -15, null]}))]),
    };
    ChangeRequest {
        id: Some("CHG-1".parse().unwrap()),
        summary: some(),
        actions: vec![action.clone(), Action::default(), action],
        impact: Some(Impact { services: vec![name(), name()], users: some(), operations: None }),
        rollback: Some(Rollback { steps: vec![text()], ..Rollback::default() }),
        off_script: Some(OffScript { script: some(), justification: None }),
        risks: vec![Risk { risk: some(), mitigation: some(), ..Risk::default() }],
        approvals: vec![RequestedApproval::Role(name())],
        links: BTreeMap::from([(text(), text())]),
        ..ChangeRequest::default()
    }
}

#[test]
fn awkward_texts_read_back_as_they_are() {
    for text in [
        "",
        " ",
        "yes",
        "No",
        "null",
        "~",
        "true",
        "12",
        "0x1f",
        "1e3",
        "12:30",
        "15m",
        "2026-11-24",
        "2026-11-24T22:00:00Z",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "- a",
        "-",
        "---",
        "...",
        "? a",
        "<<",
        "=",
        "*a",
        "&a",
        "!a",
        "| a",
        "> a",
        "%a",
        "@a",
        "`a`",
        "[a]",
        "{a}",
        "a, b",
        "'a'",
        "\"a\"",
        "a\\b",
        " a",
        "a ",
        "  a  b  ",
        "a\nb",
        "a\n\nb\n",
        "a\n b",
        "\na",
        "a\n",
        "a\n\n",
        "a\r\nb",
        "\ta",
        "a\tb",
        "ä: ö",
        "日本語",
        "😀 😀",
        "\u{a0}",
        "a\n\u{a0}\nb",
        "don't",
        "https://a.example/b?c=d#e",
    ] {
        let request = with_text(text);
        assert_eq!(read_back(&request), request, "{text:?}");
        let long = with_text(&format!("{text}{}", " and so on".repeat(20)));
        assert_eq!(read_back(&long), long, "{text:?}");
    }
}

#[test]
fn the_samples_read_back_as_they_are() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/requests");
    let mut seen = 0;
    for entry in std::fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let file = RequestFile::read("x.yaml", &std::fs::read(&path).unwrap());
            let request = file.request.unwrap();
            assert_eq!(read_back(&request), request, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 10);
}

#[test]
fn what_it_looks_like() {
    let request = ChangeRequest {
        id: Some("INC-042".parse().unwrap()),
        summary: Some("Restart: the pods".to_owned()),
        reason: Some(
            "The pods of checkout leak memory until the kernel kills them, one after the \
                      other, and carts are lost"
                .to_owned(),
        ),
        description: Some("first one\nthen the others".to_owned()),
        requester: Some("alice".parse().unwrap()),
        actions: vec![Action {
            action: "restart-pods".parse().ok(),
            target: "checkout-web".parse().ok(),
            parameters: BTreeMap::from([("grace".to_owned(), Value::from("30s"))]),
        }],
        emergency: Some(Emergency::default()),
        schedule: Some(Schedule { start: "2026-11-24T22:00:00Z".parse().ok(), end: None }),
        verification: Some(Verification { monitor: "15m".parse().ok(), ..Verification::default() }),
        ..ChangeRequest::default()
    };
    insta::assert_snapshot!(render(&request, "requests/2026/INC-042.yaml"));
}

/// A text of pieces that mean something to YAML.
fn awkward() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "Z",
        "7",
        " ",
        "  ",
        ":",
        ": ",
        "#",
        " #",
        "'",
        "\"",
        "\\",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "-",
        "- ",
        "?",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "~",
        ".",
        "=",
        "é",
        "日",
        "😀",
        "\u{a0}",
        "yes",
        "null",
        "word word word word word word word",
        "\n---\n",
        "\n...\n",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_reads_back_as_it_is(text in awkward()) {
        let request = with_text(&text);
        prop_assert_eq!(read_back(&request), request);
    }
}
