//! Samples reach what they are for.

use super::*;
use crate::decision::{Difference, ask, close, decide};
use crate::policy::{PolicyBundle, SHIPPED, shipped_files};
use crate::terms::Verdict;

#[test]
fn samples_are_as_they_were_written_and_reach_the_rules() {
    let bundle = PolicyBundle::load(shipped_files(), || std::time::Duration::ZERO).unwrap();
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut evaluator = bundle.evaluator();
    let mut codes = std::collections::BTreeSet::new();
    let samples = samples(&bundle.org, now);
    for sample in &samples {
        let problems = sample.file.as_ref().map(|file| &file.problems);
        assert!(problems.is_none_or(Vec::is_empty), "{}: {problems:?}", sample.name);
        let decided = decide(&sample.case(now), &bundle, SHIPPED, |it| evaluator.rule(it));
        codes.extend(decided.unwrap().decision.findings.into_iter().map(|found| found.code));
    }
    let reviewed = samples.iter().filter(|sample| !sample.evidence.reviews.is_empty());
    assert_eq!(reviewed.count(), 7);
    assert!(samples.len() < 150, "{} samples", samples.len());
    for code in ["emergency/commander", "signoff/changes-requested", "conflict/overlap"] {
        assert!(codes.contains(code), "{code} isn't among {codes:?}");
    }
}

#[test]
fn questions_reach_the_rules_of_executions_and_outcomes() {
    let bundle = PolicyBundle::load(shipped_files(), || std::time::Duration::ZERO).unwrap();
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut evaluator = bundle.evaluator();
    let mut codes = std::collections::BTreeSet::new();
    let questions = questions(&bundle.org, now);
    assert_eq!(questions.len(), 71, "none of them is left out");
    let mut approved = 0;
    for asked in &questions {
        let decided = match asked.closing(now) {
            Some(closing) => close(&closing, &bundle, SHIPPED, |it| evaluator.rule(it)),
            None => ask(&asked.question(now), &bundle, SHIPPED, |it| evaluator.rule(it)),
        };
        let decision = decided.unwrap_or_else(|why| panic!("{}: {why}", asked.name)).decision;
        assert_ne!(decision.digests.input, None, "{}: {:?}", asked.name, decision.findings);
        approved += usize::from(decision.verdict == Verdict::Approved);
        codes.extend(decision.findings.into_iter().map(|found| found.code));
    }
    let rules = |code: &&str| ["execute/", "outcome/"].iter().any(|it| code.starts_with(it));
    let known = bundle.codes();
    let missing: Vec<_> =
        known.keys().map(|code| &**code).filter(rules).filter(|it| !codes.contains(*it)).collect();
    // Of the log, of the merge, and of what tables say that aren't shipped.
    let others = [
        "execute/approval-revoked",
        "execute/concurrent",
        "execute/late-record",
        "execute/stand-in",
        "execute/unauthorized",
        "outcome/missing",
        "outcome/record",
    ];
    assert_eq!((approved, missing), (7, others.to_vec()));
}

#[test]
fn looser_tables_show_and_so_do_stricter_ones() {
    let load = |files| PolicyBundle::load(files, || std::time::Duration::ZERO).unwrap();
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let shipped = load(shipped_files());
    let mut by_shipped = shipped.evaluator();
    let (windows, freezes) = ("windows", "freezes");
    for (table, was, is) in [
        (windows, "to: \"16:00\"", "to: \"16:30\""),
        (windows, "from: \"09:00\"", "from: \"08:45\""),
        (windows, "[tue, wed, thu]", "[tue, wed, thu, sat]"),
        (windows, "UTC\n  for: [low, medium, high, critical]\n#", "UTC\n  for: [low, high]\n#"),
        (windows, "from: \"22:00\"", "from: \"21:30\""),
        (freezes, "end: 2027-01-04", "end: 2026-12-28"),
        (freezes, "start: 2026-12-18", "start: 2026-12-20"),
        (
            freezes,
            "  - name: year-end\n    start: 2026-12-18T00:00:00Z\n",
            "  - {name: a, start: 2026-12-18T00:00:00Z, end: 2026-12-19T00:00:00Z}\n  \
             - name: b\n    start: 2026-12-20T00:00:00Z\n",
        ),
        ("settings", "approval_valid_for: 168h", "approval_valid_for: 169h"),
    ] {
        let mut files = shipped_files();
        let path = format!("policies/org/{table}/data.yaml");
        let text = String::from_utf8(files[&path].clone()).unwrap();
        assert!(text.contains(was), "{path}: {was}");
        files.insert(path, text.replacen(was, is, 1).into_bytes());
        let other = load(files);
        let mut by_other = other.evaluator();
        let of_both = [&shipped, &other].map(|bundle| tables::of_the_tables(&bundle.org, now));
        let shows = of_both.iter().flatten().any(|sample| {
            let case = sample.case(now);
            let before = decide(&case, &shipped, SHIPPED, |input| by_shipped.rule(input));
            let after = decide(&case, &other, SHIPPED, |input| by_other.rule(input));
            let [before, after] = [before, after].map(|decided| Ok(decided.unwrap().decision));
            Difference::of(&sample.name, &before, &after).is_some()
        });
        assert!(shows, "{was} → {is}");
    }
}

/// The fields of a request that its schema lists, from `input.request` on, `[_]` for each item of
/// a list; without those that always have a value.
fn fields_of(schema: &Value, all: &Value, path: &str, found: &mut Vec<String>) {
    let parts = ["anyOf", "oneOf"].iter().filter_map(|of| schema[*of].as_array()).flatten();
    for part in parts {
        fields_of(part, all, path, found);
    }
    if let Some(name) = schema["$ref"].as_str() {
        fields_of(all.pointer(name.trim_start_matches('#')).unwrap(), all, path, found);
    }
    if schema.get("items").is_some() {
        fields_of(&schema["items"], all, &format!("{path}[_]"), found);
    }
    let always = [json!("normal"), json!(false)];
    let fields = schema["properties"].as_object().into_iter().flatten();
    for (name, field) in fields.filter(|(_, field)| !always.contains(&field["default"])) {
        found.push(format!("{path}.{name}"));
        fields_of(field, all, &format!("{path}.{name}"), found);
    }
}

/// A rule that denies requests with more than a few fields that hold what is said.
fn rule(code: &str, says: &str) -> String {
    format!(
        "# METADATA\n# title: Own\n# description: Own.\n# custom:\n#   code: {code}\n#   effect: deny\n\
         findings contains {{\"code\": \"{code}\", \"effect\": \"deny\", \"message\": \"so\"}} if {{\n\
         \tis_object(input.request)\n\
         \tcount(input.request) > 3\n{says}}}\n\n"
    )
}

#[test]
fn each_field_is_in_one_sample_and_lacks_in_another_whatever_is_done() {
    let schema = schemars::schema_for!(crate::request::ChangeRequest).to_value();
    let mut fields = Vec::new();
    fields_of(&schema, &schema, "input.request", &mut fields);
    assert!(fields.len() > 60, "{fields:?}");
    let mut rules = "package changegate.rules.own\n\n".to_owned();
    for field in &fields {
        let (some, field_of) = match field.split_once("[_]") {
            Some((list, field)) => (format!("\tsome item in {list}\n"), format!("item{field}")),
            None => (String::new(), field.clone()),
        };
        let name = field.replace(['.', '_', '[', ']'], "-");
        rules += &rule(&format!("own/has{name}"), &format!("{some}\t{field_of}\n"));
        rules += &rule(&format!("own/lacks{name}"), &format!("{some}\tnot {field_of}\n"));
    }
    let mut files = shipped_files();
    for action in PolicyBundle::tables(&files).unwrap().actions.entries.keys() {
        let done =
            format!("\tsome action in input.request.actions\n\taction.action == \"{action}\"\n");
        let notes = "input.request.links.notes";
        rules += &rule(&format!("own/has-{action}"), &format!("{done}\t{notes}\n"));
        rules += &rule(&format!("own/lacks-{action}"), &format!("{done}\tnot {notes}\n"));
    }
    files.insert("policies/rules/own/own.rego".to_owned(), rules.clone().into_bytes());
    let bundle = PolicyBundle::load(files, || std::time::Duration::ZERO).unwrap();
    let mut evaluator = bundle.evaluator();
    let now = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut codes = std::collections::BTreeSet::new();
    for sample in samples(&bundle.org, now) {
        let decided = decide(&sample.case(now), &bundle, SHIPPED, |it| evaluator.rule(it));
        codes.extend(decided.unwrap().decision.findings.into_iter().map(|found| found.code));
    }
    let without: Vec<_> =
        rules.lines().filter_map(|line| line.strip_prefix("#   code: ")).collect();
    let without: Vec<_> = without.into_iter().filter(|code| !codes.contains(*code)).collect();
    assert!(without.is_empty(), "no sample is found by {without:#?}");
}
