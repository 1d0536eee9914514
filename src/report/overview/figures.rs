//! The figures of a report, in the order in which they are shown, each with what it means.

use super::Overview;
use crate::core::metrics::{Share, Spread};
use crate::report::counted;

/// A figure.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) meaning: &'static str,
}

/// Figures that belong together.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) figures: Vec<Figure>,
}

/// Returns all figures.
pub(super) fn sections(report: &Overview) -> Vec<Section> {
    let it = &report.metrics;
    let figure = |name, value, meaning| Figure { name, value, meaning };
    let spread = |name, spread: &Spread, meaning| figure(name, spread.for_people(), meaning);
    let share = |name, share: &Share, meaning| figure(name, share.for_people(), meaning);
    let recovery = match it.unrecovered {
        0 => it.recovery.for_people(),
        open => format!("{}; not yet: {open}", it.recovery.for_people()),
    };
    let (count, around) = (&it.changes, &it.around);
    let deployments = format!("{} a day ({})", it.deployments.a_day, it.deployments.count);
    let debts: Vec<_> =
        report.debts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let debts = if debts.is_empty() { "none".to_owned() } else { debts.join(", ") };
    let sign_off = &it.sign_off;
    let mut reviewed = format!("{} reviewed, {} direct", sign_off.reviewed, sign_off.direct);
    if sign_off.unsigned > 0 {
        reviewed += &format!(", {} without all sign-offs", sign_off.unsigned);
    }
    if sign_off.unknown > 0 {
        reviewed += &format!(", {} not known here", sign_off.unknown);
    }
    vec![
        Section {
            name: "How often, how fast, how well",
            figures: vec![
                figure(
                    "deployments",
                    deployments,
                    "executions that were done of actions that the catalog calls deployments",
                ),
                spread("lead time", &it.lead_time, "from submission until the last step was done"),
                share(
                    "failed",
                    &it.failed,
                    "executed changes that were rolled back, failed, or led to an incident",
                ),
                figure(
                    "recovery",
                    recovery,
                    "from when it was known to go wrong until it was rolled back, or the incident resolved",
                ),
                share(
                    "rework",
                    &it.rework,
                    "emergencies that answer an incident to which an earlier change led",
                ),
                share(
                    "with issues",
                    &it.with_issues,
                    "executed changes that went with issues; they don't count as failed",
                ),
            ],
        },
        Section {
            name: "Sign-off and waiting",
            figures: vec![
                figure(
                    "merged changes",
                    reviewed,
                    "whether anybody had to review them; what is direct counts in no time below",
                ),
                spread(
                    "time to sign-off",
                    &sign_off.from_content,
                    "from when the present content arrived until the last sign-off that was needed",
                ),
                spread("since submission", &sign_off.from_submission, "the same, from submission"),
                spread(
                    "signed off, until start",
                    &it.until_start,
                    "from the last sign-off until the planned start",
                ),
                spread(
                    "start, until begun",
                    &it.until_begin,
                    "from the planned start until it began",
                ),
                share(
                    "in its time",
                    &it.in_plan,
                    "planned changes that began and ended in their planned time",
                ),
                spread(
                    "overran by",
                    &it.overran,
                    "how long executions went on beyond their planned end",
                ),
            ],
        },
        Section {
            name: "Kinds, of what was executed",
            figures: vec![
                share("standard", &it.standard, "uses of a template"),
                share("off-script", &it.off_script, "changes that didn't follow the usual script"),
                share("emergencies", &it.emergency, "answers to an incident"),
                share(
                    "break-glass",
                    &it.break_glass,
                    "executed from the open change, before it was merged",
                ),
            ],
        },
        Section {
            name: "Around the rules",
            figures: vec![
                figure(
                    "around the gate",
                    around.bypasses.to_string(),
                    "changes with commits that reached the base without having been approved",
                ),
                figure(
                    "recorded afterwards",
                    around.recorded.to_string(),
                    "executions of which nobody asked before",
                ),
                figure(
                    "recorded offline",
                    around.offline.to_string(),
                    "executions while the log couldn't be reached",
                ),
                figure(
                    "debts",
                    debts,
                    "sign-offs owed after what was done without them that were due in the period",
                ),
                figure(
                    "unproven events",
                    report.unproven.to_string(),
                    "commits of the operations log that count for nothing",
                ),
                figure("changes of policies", count.of_policies.to_string(), "among all changes"),
            ],
        },
        Section {
            name: "All changes",
            figures: vec![
                figure("submitted", count.submitted.to_string(), "in the period"),
                figure("merged", count.merged.to_string(), "reached the base"),
                figure(
                    "executed",
                    counted(count.executed, "change", "changes"),
                    "began for the first time; shares are of these",
                ),
                figure(
                    "executions",
                    count.executions.to_string(),
                    "with those that were tried again, and rollbacks",
                ),
                figure(
                    "closed",
                    count.closed.to_string(),
                    "have an outcome, were cancelled or given up",
                ),
            ],
        },
    ]
}
