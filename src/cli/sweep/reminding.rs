//! What a sweep prints in plain Git: what is open for too long, once each.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Context as _;

use super::due;
use crate::cli::shared::caches::kept;
use crate::cli::shared::judges::judges;
use changegate::changes::frozen::frozen;
use changegate::changes::in_short;
use changegate::core::time::Time;
use changegate::forge::git::Git;
use changegate::report::executed::Reminder;

/// Returns what people have to be reminded of and weren't yet from this clone, as lines; `None` where there
/// is no log. Unless it `is_dry_run`, they count as reminded of it.
///
/// # Errors
/// When the log can't be read, or the clone can't be written.
pub fn reminders(git: &Git, is_dry_run: bool, now: Time) -> anyhow::Result<Option<Vec<String>>> {
    let Some(log) = git.operations()? else { return Ok(None) };
    let judge = judges()?.at(git.repo(), git.base()?)?;
    let org = &judge.bundle().org;
    let debts = due::debts((git, None), org, &log, now)?;
    let file = git.repo().folder().join("changegate/reminded");
    let known = fs::read_to_string(&file).unwrap_or_default();
    let mut known: BTreeSet<_> = known.lines().map(str::to_owned).collect();
    let mut reminders = Vec::new();
    let calendar = &judge.bundle().calendar;
    let mut ids = due::open(&log);
    let requests = in_short::requests(git.repo(), git.base()?, kept(git).as_ref())?;
    ids.extend(frozen(&requests, (calendar, org), now).into_iter().cloned());
    for id in ids {
        let told = due::told(git, &log, &id, &debts, now)?;
        reminders.extend(told.into_iter().flat_map(|told| told.reminders(org, calendar, now)));
    }
    reminders.extend(due::pauses(&log, org, now)?.into_iter().map(|(_, reminder)| reminder));
    reminders.retain(|reminder| known.insert(reminder.about.clone()));
    let lines: Vec<_> = reminders.iter().map(Reminder::line).collect();
    if !is_dry_run && !lines.is_empty() {
        let text: String = known.iter().map(|about| format!("{about}\n")).collect();
        let folder = file.parent().context("the file is in a folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, text))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(Some(lines))
}
