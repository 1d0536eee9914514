//! The list of changes as a table for spreadsheets.

use changegate::changes::entry::{ListEntry, ListedApproval};
use changegate::changes::list::ListView;
use changegate::core::time::Time;
use changegate::report::csv;

const HEADER: [&str; 18] = [
    "change",
    "state",
    "summary",
    "type",
    "tier",
    "off_script",
    "requester",
    "services",
    "targets",
    "planned_start",
    "planned_end",
    "verdict",
    "why",
    "approved_by",
    "waits_for",
    "since",
    "due_at",
    "bypassed",
];

/// Returns a line for each change, below the columns' names.
pub fn render(view: &ListView) -> anyhow::Result<String> {
    csv(HEADER, view.changes.iter().map(row))
}

fn approval(it: &ListedApproval) -> String {
    match it.counts {
        true => it.by.clone(),
        false => format!("{} (doesn't count)", it.by),
    }
}

fn row(it: &ListEntry) -> [String; HEADER.len()] {
    let at = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    let yes = |is: bool| if is { "yes" } else { "" }.to_owned();
    let joined = |items: Vec<String>, between: &str| items.join(between);
    [
        it.change.clone(),
        it.state.to_string(),
        it.summary.clone().unwrap_or_default(),
        it.kind.map(|kind| kind.to_string()).unwrap_or_default(),
        it.tier.map(|tier| tier.to_string()).unwrap_or_default(),
        yes(it.off_script),
        it.requester.as_ref().map(ToString::to_string).unwrap_or_default(),
        it.services.join(" "),
        joined(it.targets.iter().map(ToString::to_string).collect(), " "),
        at(it.planned.map(|planned| planned.start)),
        at(it.planned.map(|planned| planned.end)),
        it.verdict.map(|verdict| verdict.to_string()).unwrap_or_default(),
        it.why.clone(),
        joined(it.approvals.iter().map(approval).collect::<Vec<_>>(), ", "),
        joined(it.waits_for.iter().map(ToString::to_string).collect(), " "),
        at(it.since),
        at(it.due_at),
        yes(it.bypassed),
    ]
}
