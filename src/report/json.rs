//! JSON: `{"decisions": [Decision…]}`, indented by two spaces.

use serde::Serialize;

use super::escape;
use crate::core::decision::Decision;

pub(super) const BEGIN: &str = "{\n  \"decisions\": [\n";
pub(super) const END: &str = "\n  ]\n}\n";

/// Returns a decision, indented for its position in the list.
pub(super) fn section(decision: &Decision) -> String {
    pretty(decision, 4)
}

/// Formats a value with each line indented by `indent` spaces. Text in JSON has no line breaks of
/// its own.
pub(super) fn pretty(value: &impl Serialize, indent: usize) -> String {
    let text =
        serde_json::to_string_pretty(value).expect("our types have text keys and finite numbers");
    let indent = " ".repeat(indent);
    escape::json(&(indent.clone() + &text.replace('\n', &format!("\n{indent}"))))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::core::decision::Decision;
    use crate::report::{Format, samples};

    #[test]
    fn what_is_written_can_be_read_back() {
        let report: Value = serde_json::from_str(&samples::report(Format::Json)).unwrap();
        for (value, sample) in report["decisions"].as_array().unwrap().iter().zip(samples::all()) {
            let mut decision: Decision = serde_json::from_value(value.clone()).unwrap();
            for (read, written) in decision.findings.iter_mut().zip(&sample.decision.findings) {
                read.span = written.span;
            }
            decision.own_change_at = sample.decision.own_change_at;
            assert_eq!(decision, sample.decision);
        }
    }

    #[test]
    fn decisions() {
        insta::assert_snapshot!(samples::report(Format::Json));
    }
}
