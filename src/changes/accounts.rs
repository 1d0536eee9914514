//! The account of each change: what became of it, in short, gathered from the base, the reviews, the ledger and
//! the operations log.
//!
//! ```text
//! base ─ requests in short ┐
//! first-parent line ───────┼▶ Account, one a change
//! merges ─ how each was signed off, by the ledger or its message ┤   (kept by the merge's commit)
//! log ─ what was done, file by file ┘                                 (kept by the file's content)
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::merged::Merged;
use super::entry::{ListEntry, Lister};
use super::in_short::InShort;
use super::kept::Kept;
use super::story::What;
use crate::core::input::affected_services;
use crate::core::metrics::{Account, Escalation};
use crate::core::operations::event::About;
use crate::core::operations::state::PullState;
use crate::core::org::Org;
use crate::core::terms::{Name, TicketId};
use crate::core::time::Time;

mod merged;

/// What became of all changes.
pub struct Accounts {
    /// What became of each change, in the order of their names.
    pub all: Vec<Account>,
    /// The open changes as the list shows them.
    pub open: Vec<ListEntry>,
}

/// Gathers what became of all changes. What was read before is taken from what is `kept`; how many of the other
/// merges are read, and of how many, is told.
///
/// # Errors
/// When the repository can't be read.
pub fn accounts(
    lister: &Lister<'_>,
    kept: Option<&Kept>,
    told: &dyn Fn(usize, usize),
) -> anyhow::Result<Accounts> {
    let Lister { git, stories, executions, org, .. } = *lister;
    let requests = executions.requests(git)?;
    let by_id: HashMap<&str, &InShort> = requests.iter().map(|it| (it.id.as_str(), it)).collect();
    let mut names = stories.names()?;
    names.extend(requests.iter().map(|request| request.id.to_string()));
    let mut open = Vec::new();
    for name in stories.branches() {
        open.extend(lister.entries(name, |pull| pull == PullState::Open)?);
    }
    let mut lives = executions.lives()?;
    names.extend(lives.keys().cloned());
    let mut merges = Vec::new();
    for name in &names {
        let commits = stories.merge_commits(name)?.iter();
        merges.extend(commits.map(|commit| (name.as_str(), *commit)));
    }
    let mut merged = merged::read(lister, kept, &merges, told)?;
    let mut all = Vec::new();
    for name in &names {
        let lived = lives.remove(name.as_str()).unwrap_or_default();
        let merged = merged.remove(name.as_str()).unwrap_or_default();
        let request = by_id.get(name.as_str()).copied();
        let mut around = BTreeSet::new();
        for bypass in stories.bypasses(name)? {
            let commit = bypass.commit;
            around.extend((!lister.records.is_merge(commit.id)).then_some(commit.time));
        }
        around.extend(merged.iter().filter(|it| it.is_around).map(|it| it.at));
        let account = match (request, merged.is_empty() && around.is_empty()) {
            (None, true) => unmerged(lister, name, &open)?,
            _ => of(name, request, &merged, org),
        };
        let around = around.into_iter().collect();
        let decided = lister.records.decided(name).to_vec();
        let steps = request.map(|request| request.steps.len());
        all.push(lived.add_to(Account { around, decided, ..account }, steps));
    }
    resolve(lister, &mut all)?;
    Ok(Accounts { all, open })
}

/// Returns the account of what is on the base, of merges of which the first is the oldest, without what was done.
fn of(name: &str, request: Option<&InShort>, merged: &[Merged], org: &Org) -> Account {
    let account = match request {
        Some(request) => of_request(request, org),
        None => Account { change: name.to_owned(), ..Account::default() },
    };
    let (Some(first), Some(last)) = (merged.first(), merged.last()) else { return account };
    Account {
        tier: last.tier,
        signed: last.proof.signed.clone(),
        submitted_at: first.proof.submitted_at,
        merged_at: Some(first.at),
        summary: account.summary.or_else(|| last.title.clone()),
        ..account
    }
}

fn of_request(request: &InShort, org: &Org) -> Account {
    let targets: Vec<_> = request.steps.iter().map(|(_, target)| target).collect();
    let services = affected_services(&request.services, &targets, org);
    let requester = request.requester.as_ref().and_then(|it| org.roster.people.get(it.as_str()));
    let does = |(action, target): &(Name, Name)| {
        let services = affected_services(&[], &[target], org);
        match services.is_empty() {
            true => format!("{action} on {target}"),
            false => format!("{action} on {}", services.join(", ")),
        }
    };
    Account {
        change: request.id.to_string(),
        summary: request.summary.clone(),
        kind: Some(request.kind),
        requester: request.requester.clone(),
        team: requester.and_then(|person| person.team.clone()),
        services: services.into_iter().map(str::to_owned).collect(),
        off_script: request.off_script.clone(),
        template: request.template.clone(),
        incident: request.incident.clone(),
        // Only of exceptions it is asked what they do.
        does: match request.off_script {
            Some(_) => request.steps.iter().map(does).collect(),
            None => Vec::new(),
        },
        planned: request.planned,
        ..Account::default()
    }
}

/// Returns the account of a change that isn't on the base.
fn unmerged(lister: &Lister<'_>, name: &str, open: &[ListEntry]) -> anyhow::Result<Account> {
    let Some(story) = lister.stories.tell(name)? else {
        // Its branch is gone, and the log alone knows it.
        return Ok(Account { change: name.to_owned(), ..Account::default() });
    };
    let request = story.request.and_then(InShort::of);
    let account = match &request {
        Some(request) => of_request(request, lister.org),
        None => Account { change: name.to_owned(), summary: story.summary, ..Account::default() },
    };
    let times = |what: What| {
        story.events.iter().filter(move |event| event.what == what).map(|event| event.at)
    };
    let entry = open.iter().find(|entry| entry.change == name);
    let given_up = times(What::Closed).max().filter(|_| story.status.pull == PullState::GivenUp);
    Ok(Account {
        tier: entry.and_then(|entry| entry.tier),
        submitted_at: entry.and_then(|entry| entry.since).or_else(|| times(What::Submitted).min()),
        given_up_at: given_up,
        ..account
    })
}

/// Says when the incidents were resolved to which changes led.
fn resolve(lister: &Lister<'_>, accounts: &mut [Account]) -> anyhow::Result<()> {
    let Some(log) = &lister.executions.log else { return Ok(()) };
    let mut known: BTreeMap<TicketId, Option<Time>> = BTreeMap::new();
    for Escalation { incident, resolved_at, .. } in
        accounts.iter_mut().flat_map(|it| &mut it.escalated)
    {
        if !known.contains_key(incident) {
            let life = log.life(About::Incident(incident))?;
            let resolved = life.incident.and_then(|it| it.resolved).map(|(at, _)| at);
            known.insert(incident.clone(), resolved);
        }
        *resolved_at = known.get(incident).copied().flatten();
    }
    Ok(())
}
