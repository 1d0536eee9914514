//! `changegate list --debts`: who owes sign-offs for what was executed before they were given.

use std::process::ExitCode;

use schemars::JsonSchema;
use serde::Serialize;

use super::{ListArgs, ListFormat, Wanted};
use crate::cli::shared::events::told;
use crate::cli::shared::judges::judges;
use crate::cli::shared::logs;
use crate::cli::shared::say::{self, warn};
use changegate::core::operations::around::Around;
use changegate::core::operations::debts::DebtState;
use changegate::core::operations::event::About;
use changegate::core::operations::open::OpenDebt;
use changegate::core::terms::{TicketId, all_of};
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::gate::execution;
use changegate::operations::Log;
use changegate::report::hanging;

/// The debts that are open; with `--state all` those that were settled, refused or waived, too.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Debts")]
pub struct DebtsView {
    /// The time that the list is for.
    pub now: Time,
    /// The debts, in the order of the changes' ids.
    pub debts: Vec<DebtView>,
}

/// Sign-offs that somebody owes, or owed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DebtView {
    /// The change.
    pub change: TicketId,
    /// The team or person who owes them.
    pub debtor: String,
    /// Which; empty for what was executed without asking, which owes all that its request asks for.
    pub owed: Vec<String>,
    /// Until when the first is due.
    pub due_at: Time,
    /// What became of it.
    pub state: DebtState,
    /// The seconds left, below zero if it was due; null if nothing is owed any more.
    pub seconds_left: Option<i64>,
    /// What went around the rules when it was executed.
    pub went_around: Vec<Around>,
    /// The event that began it: an L3 waives it with `operations void --debt`.
    pub event: String,
}

/// Lists the debts.
pub(super) fn run(args: &ListArgs, git: &Git, now: Time) -> anyhow::Result<ExitCode> {
    let view = DebtsView { now, debts: debts(git, args.state == Some(Wanted::All), now)? };
    say::print(&match args.format {
        ListFormat::Json => say::json(&view)?,
        _ if view.debts.is_empty() => "nobody owes a sign-off\n".to_owned(),
        _ => view.debts.iter().map(|debt| line(debt, now)).collect(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn debts(git: &Git, all: bool, now: Time) -> anyhow::Result<Vec<DebtView>> {
    if let Err(error) = git.branches.refresh_operations() {
        warn("warning", &format!("what is owed now isn't known: {error:#}"));
    }
    let Some(log) = git.operations()? else { return Ok(Vec::new()) };
    let (judges, mut debts) = (judges()?, Vec::new());
    let judge = judges.at(git.repo(), git.base()?)?;
    let org = &judge.bundle().org;
    let (known, github) = logs::debts(git, org, &log, now)?;
    let mut known: Vec<_> = known.into_iter().filter(|(_, it)| all || it.is_owed()).collect();
    if all {
        known.extend(waived(&log)?.into_iter().map(|debt| (debt, DebtState::Waived)));
        known.sort_by_key(|(debt, _)| debt.change.folded());
    }
    for (debt, state) in known {
        let life = log.life(About::Change(&debt.change))?;
        let named = life.debts().chain(life.waived()).find(|it| *it.of == debt.of);
        let owed = named.iter().flat_map(|it| it.owed).map(|owed| owed.what.to_string());
        let left =
            |from: Time, to: Time| i64::try_from((to - from).as_seconds()).unwrap_or(i64::MAX);
        let left = match now < debt.due_at {
            true => left(now, debt.due_at),
            false => -left(debt.due_at, now),
        };
        debts.push(DebtView {
            owed: owed.collect(),
            went_around: execution::around(
                (git, github.as_ref()),
                &judges,
                &log,
                &debt.change,
                now,
            )?,
            seconds_left: state.is_owed().then_some(left),
            event: String::from(debt.of),
            change: debt.change,
            debtor: debt.debtor,
            due_at: debt.due_at,
            state,
        });
    }
    Ok(debts)
}

/// Returns the debts that were waived.
fn waived(log: &Log<'_>) -> anyhow::Result<Vec<OpenDebt>> {
    let mut found = Vec::new();
    for change in log.held().changes()? {
        let life = log.life(About::Change(&change))?;
        found.extend(life.waived().map(|debt| OpenDebt::of(&change, debt)));
    }
    Ok(found)
}

fn line(debt: &DebtView, now: Time) -> String {
    let owed = match debt.owed.is_empty() {
        true => "all sign-offs".to_owned(),
        false => all_of(&debt.owed),
    };
    let when = match debt.seconds_left {
        Some(left) if left > 0 => format!(", {} left", (debt.due_at - now).for_people()),
        Some(_) => format!(", for {}", (now - debt.due_at).for_people()),
        None => String::new(),
    };
    let (change, debtor, state) = (&debt.change, &debt.debtor, debt.state.as_str());
    let owes = if debt.seconds_left.is_some() { "owes" } else { "owed" };
    let due = debt.due_at.for_people(Some(now));
    let around = debt.went_around.iter().map(|it| hanging("    ", &told(it), say::width()));
    let around: String = around.collect();
    format!(
        "{change}  {state}{when}  {debtor} {owes} {owed}, due {due} UTC ({})\n{around}",
        &debt.event[..10]
    )
}
