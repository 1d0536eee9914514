//! The changes of a period for spreadsheets, a row each.

use crate::core::metrics::{Account, Signed};
use crate::core::time::Time;
use crate::report::csv;

const HEADER: [&str; 28] = [
    "change",
    "summary",
    "type",
    "tier",
    "requester",
    "team",
    "services",
    "off_script",
    "template",
    "incident",
    "planned_start",
    "planned_end",
    "submitted_at",
    "content_arrived_at",
    "sign_off",
    "signed_off_by",
    "signed_off_at",
    "merged_at",
    "began_at",
    "done_at",
    "executions",
    "rolled_back",
    "break_glass",
    "overran_seconds",
    "escalated_to",
    "outcome",
    "closed_at",
    "went_around",
];

/// Returns the table.
pub(super) fn render(accounts: &[&Account]) -> anyhow::Result<String> {
    csv(HEADER, accounts.iter().map(|account| row(account)))
}

/// Returns how a change was signed off.
fn mode(it: &Signed) -> &'static str {
    match (it.is_complete, it.is_direct) {
        (false, _) => "missing",
        (true, true) => "direct",
        (true, false) => "review",
    }
}

fn row(it: &Account) -> [String; HEADER.len()] {
    let at = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let yes = |is: bool| if is { "yes" } else { "" }.to_owned();
    let signed = it.signed.as_ref();
    let signers = signed.into_iter().flat_map(|it| &it.by);
    let signers: Vec<_> = signers.map(|it| format!("{} ({})", it.who, it.role)).collect();
    let overran = it.runs.iter().filter_map(|run| run.overran).max();
    let escalated: Vec<_> = it.escalated.iter().map(|it| it.incident.to_string()).collect();
    [
        it.change.clone(),
        text(&it.summary),
        it.kind.map(|kind| kind.to_string()).unwrap_or_default(),
        it.tier.map(|tier| tier.to_string()).unwrap_or_default(),
        it.requester.as_ref().map(ToString::to_string).unwrap_or_default(),
        text(&it.team),
        it.services.join(" "),
        it.off_script
            .as_ref()
            .map(|it| if it.is_empty() { "yes" } else { it }.to_owned())
            .unwrap_or_default(),
        it.template.as_ref().map(ToString::to_string).unwrap_or_default(),
        it.incident.as_ref().map(ToString::to_string).unwrap_or_default(),
        at(it.planned.map(|planned| planned.start)),
        at(it.planned.map(|planned| planned.end)),
        at(it.submitted_at),
        at(signed.and_then(|it| it.arrived_at)),
        signed.map(mode).unwrap_or_default().to_owned(),
        signers.join(", "),
        at(it.signed_at()),
        at(it.merged_at),
        at(it.executed_at()),
        at(it.done_at()),
        it.runs.len().to_string(),
        yes(it.is_rolled_back()),
        yes(it.broke_glass()),
        overran.map(|it| it.as_seconds().to_string()).unwrap_or_default(),
        escalated.join(" "),
        it.outcome.map(|(result, _)| result.to_string()).unwrap_or_default(),
        at(it.closed_at()),
        yes(it.went_around()),
    ]
}
