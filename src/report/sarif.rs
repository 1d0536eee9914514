//! SARIF 2.1.0 with errata 01, as code scanning reads it: one run, whose rules are all codes.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json::pretty;
use crate::core::decision::{Decision, Finding};
use crate::core::digest::Digest;
use crate::core::policy::codes::CodeInfo;
use crate::core::terms::Effect;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) const END: &str = "\n      ]\n    }\n  ]\n}\n";

/// Returns everything before the results.
pub(super) fn begin(codes: &BTreeMap<String, CodeInfo>, policies: &str) -> String {
    let rules: Vec<_> = codes.values().map(rule).collect();
    let tool = json!({
        "driver": {
            "name": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "rules": rules,
        },
    });
    let properties = json!({ "bundle": policies });
    let tool = pretty(&tool, 6);
    format!(
        "{{\n  \"$schema\": \"{SCHEMA}\",\n  \"version\": \"2.1.0\",\n  \"runs\": [\n    {{\n      \
         \"columnKind\": \"unicodeCodePoints\",\n      \"properties\": {properties},\n      \
         \"tool\": {},\n      \"results\": [\n",
        tool.trim_start()
    )
}

/// Returns the results of a decision; empty if there are none.
pub(super) fn section(decision: &Decision, codes: &BTreeMap<String, CodeInfo>) -> String {
    let results = decision.findings.iter().map(|finding| result(decision, finding, codes));
    results.map(|result| pretty(&result, 8)).collect::<Vec<_>>().join(",\n")
}

fn rule(info: &CodeInfo) -> Value {
    json!({
        "id": info.code,
        "shortDescription": {"text": message(&info.title)},
        "fullDescription": {"text": message(&info.meaning)},
        "help": {"text": message(&format!("{}\n\n{}", info.meaning, info.resolve))},
        "defaultConfiguration": {"level": level(info.effect)},
        "properties": {"tags": info.controls, "section": info.rule},
    })
}

fn result(decision: &Decision, finding: &Finding, codes: &BTreeMap<String, CodeInfo>) -> Value {
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.effect),
        "message": {"text": message(&finding.with_help("\n"))},
        "partialFingerprints": {"codePathPointer/v1": fingerprint(decision, finding)},
        "properties": {
            "effect": finding.effect,
            "verdict": decision.verdict,
            "pointer": finding.pointer,
            "tags": finding.controls,
        },
    });
    // An organisation's own codes may be missing from the rules of the tool.
    if let Some(index) = codes.keys().position(|code| *code == finding.code) {
        result["ruleIndex"] = index.into();
    }
    if let Some(path) = &decision.path {
        result["locations"] = json!([{"physicalLocation": {
            "artifactLocation": {"uri": uri(path)},
            "region": region(finding),
        }}]);
    }
    result
}

fn level(effect: Effect) -> &'static str {
    match effect {
        Effect::Deny => "error",
        Effect::Warn => "warning",
        Effect::Pending | Effect::Info => "note",
    }
}

/// Returns the region: code scanning needs a line for every result, so a finding about the whole
/// file is at its top.
fn region(finding: &Finding) -> Value {
    let mut region = json!({"startLine": finding.line.unwrap_or(1).max(1)});
    if let Some(column) = finding.column.filter(|column| *column > 0) {
        region["startColumn"] = column.into();
    }
    region
}

/// Escapes square brackets, which would become a link.
fn message(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

/// Returns a fingerprint that stays the same while the file is edited around the finding.
fn fingerprint(decision: &Decision, finding: &Finding) -> String {
    let path = decision.path.as_deref().unwrap_or_default();
    let pointer = finding.pointer.as_deref().unwrap_or_default();
    let parts = [("code", finding.code.as_str()), ("path", path), ("pointer", pointer)];
    Digest::of_parts(parts.map(|(name, part)| (name, part.as_bytes()))).to_string()
}

/// Returns a path as a relative URI.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(byte.into());
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use crate::report::{Format, samples};

    use super::*;

    #[test]
    fn a_report_follows_the_official_schema() {
        let schema = include_str!("../../tests/data/sarif-schema-2.1.0.json");
        let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        let report = serde_json::from_str(&samples::report(Format::Sarif)).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn results() {
        insta::assert_snapshot!(samples::report(Format::Sarif));
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("requests/CHG-1.yaml"), "requests/CHG-1.yaml");
        assert_eq!(uri("a b/ü:%?#.yaml"), "a%20b/%C3%BC%3A%25%3F%23.yaml");
    }
}
