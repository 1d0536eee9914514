//! Leaves the input of each case and the ruling on it in `target/cases`, with the case's changes to
//! the shipped organisation data, for another Rego engine to rule on the same.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::plumbing::{CaseJudge, every};

#[test]
fn leave_what_another_engine_has_to_agree_with() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("cases");
    fs::create_dir_all(&folder).unwrap();
    let mut judge = CaseJudge::shipped();
    let mut written = 0;
    for (number, case) in every().iter().enumerate() {
        let Some(input) = judge.decide(case).unwrap().input else {
            continue;
        };
        let input: Value = serde_json::from_str(&input).unwrap();
        let ruling = judge.bundle(&case.org).1.ruling_json(&input).unwrap();
        let name = format!("{}: {}", case.topic, case.name);
        let file = folder.join(format!("{number:03}.json"));
        let left = json!({"name": name, "org": case.org, "input": input, "ruling": ruling});
        fs::write(file, left.to_string()).unwrap();
        written += 1;
    }
    assert!(written > 300, "{written} cases");
}
