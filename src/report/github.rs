//! GitHub annotations: a workflow command for each finding.
//!
//! `::error file=requests/CHG-1.yaml,line=17,col=1,title=request/missing::a high-risk change …`

use super::escape::{workflow_data, workflow_property};
use crate::core::decision::{Decision, Finding};
use crate::core::terms::Effect;

/// Returns the annotations of a decision, one line each.
pub(super) fn section(decision: &Decision) -> String {
    decision.findings.iter().map(|finding| annotation(decision, finding)).collect()
}

fn annotation(decision: &Decision, finding: &Finding) -> String {
    let command = match finding.effect {
        Effect::Deny => "error",
        Effect::Warn => "warning",
        Effect::Pending | Effect::Info => "notice",
    };
    let properties = [
        ("file", decision.path.clone()),
        ("line", finding.line.map(|line| line.to_string())),
        ("col", finding.column.map(|column| column.to_string())),
        ("title", Some(finding.code.clone())),
    ];
    let properties: Vec<_> = properties
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", workflow_property(&value?))))
        .collect();
    format!("::{command} {}::{}\n", properties.join(","), workflow_data(&finding.with_help("\n")))
}

#[cfg(test)]
mod tests {
    use crate::report::{Format, samples};

    #[test]
    fn annotations() {
        insta::assert_snapshot!(samples::report(Format::Github));
    }

    #[test]
    fn a_request_gives_no_commands() {
        let mut sample = samples::denied();
        sample.decision.path = Some("a,title=x::b\n::stop-commands::y.yaml".to_owned());
        sample.decision.findings.truncate(1);
        sample.decision.findings[0].message = "x\r\n::set-output name=a::b\n##[error]c".to_owned();
        insta::assert_snapshot!(super::section(&sample.decision));
    }
}
