//! The three criteria of a review, each with the request's own words.
//!
//! Source: the off-script story, "Approval Workflow": alignment with business goals; risk analysis
//! and contingency plans; impact on users and operations.

use crate::core::request::ChangeRequest;

/// Escapes a text for its destination.
type Escape<'a> = &'a dyn Fn(&str) -> String;

/// A criterion by which a reviewer judges.
pub struct Criterion {
    /// The name of the criterion.
    pub name: &'static str,
    /// What the request says about it; empty if it says nothing.
    pub words: Vec<String>,
}

/// Returns the criteria for a request; `escape` escapes the request's text for its destination.
pub fn criteria(request: &ChangeRequest, escape: Escape<'_>) -> [Criterion; 3] {
    [
        Criterion { name: "business goals", words: business(request, escape) },
        Criterion { name: "risk and contingency", words: risk(request, escape) },
        Criterion { name: "users and operations", words: impact(request, escape) },
    ]
}

fn quoted(text: &str, escape: Escape<'_>) -> String {
    format!("“{}”", escape(text.trim()))
}

fn business(request: &ChangeRequest, escape: Escape<'_>) -> Vec<String> {
    let alignment = request.business_alignment.as_ref().or(request.reason.as_ref());
    alignment.map(|text| quoted(text, escape)).into_iter().collect()
}

fn risk(request: &ChangeRequest, escape: Escape<'_>) -> Vec<String> {
    let mut words = Vec::new();
    for risk in &request.risks {
        let what =
            risk.risk.as_deref().map_or("an unnamed risk".to_owned(), |text| quoted(text, escape));
        let mitigation =
            risk.mitigation.as_deref().map_or("nothing".to_owned(), |text| quoted(text, escape));
        words.push(format!("{what}, mitigated by {mitigation}"));
    }
    words.extend(
        request.contingency.as_deref().map(|text| format!("contingency {}", quoted(text, escape))),
    );
    if let Some(rollback) = &request.rollback {
        let owner = rollback.owner.as_ref().map(|owner| format!(" by {}", escape(owner.as_str())));
        let steps = quoted(&rollback.steps.join("; "), escape);
        words.push(format!("rollback{} {steps}", owner.unwrap_or_default()));
    }
    words
}

fn impact(request: &ChangeRequest, escape: Escape<'_>) -> Vec<String> {
    let Some(impact) = &request.impact else { return Vec::new() };
    let mut words: Vec<_> = [&impact.users, &impact.operations]
        .into_iter()
        .flatten()
        .map(|text| quoted(text, escape))
        .collect();
    if !impact.services.is_empty() {
        words.push(format!("services {}", quoted(&impact.services.join(", "), escape)));
    }
    words
}
