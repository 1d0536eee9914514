//! What a sweep does about the operations log of a repository on GitHub: it records the keys with which
//! GitHub signs tokens before it signs with the next one, tells on pull requests what became of their
//! changes, and reminds once of what is open for too long.

use std::collections::BTreeSet;

use super::due::{self, Told};
use crate::cli::shared::caches::kept;
use crate::cli::shared::here::HereArgs;
use crate::cli::shared::site::{Site, SiteArgs, job};
use changegate::changes::frozen::frozen;
use changegate::changes::in_short;
use changegate::core::layout::{is_request, stem};
use changegate::core::terms::TicketId;
use changegate::core::time::{Duration, Time};
use changegate::execute::keys::bring;
use changegate::forge::github::{GitHub, issuer};
use changegate::gate::approval::merged_with;
use changegate::operations::Log;
use changegate::report::executed;

/// How far back a sweep looks for what happened: schedules can be late by hours.
const RECENT: Duration = Duration::hours(12);

/// Does all of that; returns the number of keys that were recorded, and of pull requests that were told
/// something.
///
/// # Errors
/// When the log can't be read or written, or GitHub refuses.
pub fn sweep(github: &GitHub, now: Time) -> anyhow::Result<(usize, usize)> {
    let args = SiteArgs { repo: Some(github.repository().clone()), here: HereArgs::default() };
    let site = Site::open(&args)?;
    let Some(log) = site.git.operations()? else { return Ok((0, 0)) };
    let brought = bring_keys(&site, &log)?;
    let org = &site.judge.bundle().org;
    let debts = due::debts((&site.git, Some(github)), org, &log, now)?;
    let mut count = 0;
    for id in candidates(&site, &log, now)? {
        let Some(told) = due::told(&site.git, &log, &id, &debts, now)? else { continue };
        count += usize::from(tell((&site, &log), github, &told, now)?);
    }
    Ok((brought, count))
}

/// Records the issuer's keys that the log doesn't hold yet, if this is a job that may.
fn bring_keys(site: &Site, log: &Log<'_>) -> anyhow::Result<usize> {
    let listed = match job() {
        Some(_) => issuer::keys(&site.judge.bundle().org.settings.execution.issuer)?,
        None => Vec::new(),
    };
    // Most sweeps find nothing new, and ask for no token.
    if listed.iter().all(|key| log.keys().contains(key)) {
        return Ok(0);
    }
    Ok(bring(&site.author(None)?, &listed)?.len())
}

/// Returns the changes that are open, those to which something happened lately, and those that were merged
/// lately.
fn candidates(site: &Site, log: &Log<'_>, now: Time) -> anyhow::Result<BTreeSet<TicketId>> {
    let mut found = due::open(log);
    let bundle = site.judge.bundle();
    let repo = site.git.repo();
    let requests = in_short::requests(repo, site.git.base()?, kept(&site.git).as_ref())?;
    found.extend(frozen(&requests, (&bundle.calendar, &bundle.org), now).into_iter().cloned());
    for commit in repo.first_parents(log.tip())? {
        let commit = repo.commit(commit)?;
        if commit.time + RECENT < now {
            break;
        }
        let id = commit.message.lines().find_map(|line| line.strip_prefix("Change: "));
        found.extend(id.and_then(|id| id.parse::<TicketId>().ok()));
    }
    for id in repo.first_parents(site.git.base()?)? {
        let commit = repo.commit(id)?;
        let Some(&before) = commit.parents.first().filter(|_| now <= commit.time + RECENT) else {
            break;
        };
        let brought = repo.changes(Some(before), id)?.into_iter();
        let brought = brought.filter(|file| file.after.is_some() && is_request(&file.path));
        found.extend(brought.filter_map(|file| stem(&file.path).parse::<TicketId>().ok()));
    }
    Ok(found)
}

/// Tells on a change's pull request what became of it, and reminds of what is open; returns whether there
/// is one.
fn tell(
    (site, log): (&Site, &Log<'_>),
    github: &GitHub,
    told: &Told,
    now: Time,
) -> anyhow::Result<bool> {
    let org = &site.judge.bundle().org;
    let pull = match &told.path {
        Some(path) => merged_with(&site.git, github, path)?,
        None => github.open_pull_with(&told.id, &site.git.base_ref, org)?,
    };
    let Some(pull) = pull else { return Ok(false) };
    let plan = (told.state, told.request.planned());
    let text = executed::comment(&told.id, plan, &told.events, &told.owed);
    github.keep_comment(pull, executed::MARK, &text)?;
    let escalated = |incident: &TicketId| told.life.escalated.iter().any(|(id, _)| id == incident);
    let pauses = due::pauses(log, org, now)?.into_iter();
    let pauses = pauses.filter(|(incident, _)| escalated(incident)).map(|(_, reminder)| reminder);
    for reminder in
        told.reminders(org, &site.judge.bundle().calendar, now).into_iter().chain(pauses)
    {
        let (mark, text) = reminder.comment();
        github.comment_once(pull, &mark, &text)?;
    }
    Ok(true)
}
