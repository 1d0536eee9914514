//! `changegate escalate`: a change had an impact that nobody expected.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::incident::severity;
use super::shared::args::{AnswerFormat, said};
use super::shared::events::EventReceipt;
use super::shared::say::{done, json, width};
use super::shared::site::{Site, SiteArgs};
use changegate::core::input::affected_services;
use changegate::core::operations::escalation::{Call, calls};
use changegate::core::operations::event::About;
use changegate::core::operations::kinds::{Escalated, Opened, Pauses, Updated, What};
use changegate::core::org::{EscalationPause, Org};
use changegate::core::request::ChangeRequest;
use changegate::core::terms::{Level, Name, Severity, TicketId, all_of};
use changegate::core::time::Time;
use changegate::execute::Made;
use changegate::operations::Log;
use changegate::report::hanging;

/// Declare an incident to which a change led, and pause other changes
///
/// It is for an impact that nobody expected. Both are one push, so that from then on nothing else is merged or begun on the same services, until
/// the incident is resolved. It prints whom to call, in which order and until when, by
/// policies/org/escalation; it calls nobody itself.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  changegate escalate CHG-1234 --severity P2 --summary \"checkout answers 503\"
  changegate escalate CHG-1234 --severity P1 --incident INC-042 --pauses all")]
pub struct EscalateArgs {
    /// The change's id
    #[arg(value_name = "ID")]
    id: TicketId,

    /// How severe the incident is: P1 to P5
    #[arg(long, value_name = "P", value_parser = severity)]
    severity: Severity,

    /// The incident's number; the next one that is free if left out
    #[arg(long, value_name = "INC")]
    incident: Option<TicketId>,

    /// What it pauses; what the settings say if left out
    #[arg(long, value_enum)]
    pauses: Option<Pause>,

    /// What is wrong
    #[arg(long, value_name = "TEXT", value_parser = said, allow_hyphen_values = true)]
    summary: Option<String>,

    /// The output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,

    #[command(flatten)]
    here: SiteArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Pause {
    Services,
    All,
}

/// What was declared, and whom to call.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Escalation")]
pub struct EscalationView {
    /// The change.
    pub change: TicketId,
    /// The incident to which it led.
    pub incident: TicketId,
    /// How severe that is.
    pub severity: Severity,
    /// When it was declared.
    pub declared_at: Time,
    /// By whom.
    pub by: String,
    /// What it pauses.
    pub pauses: Pauses,
    /// The services that it affects.
    pub services: Vec<Name>,
    /// Whom to call, in this order.
    pub call: Vec<Call>,
    /// The command that undoes the change, without the command that does it.
    pub rollback: String,
    /// Who may.
    pub rollback_by: String,
    /// The events that were written.
    pub events: Vec<EventReceipt>,
}

/// Runs the verb.
pub fn run(args: &EscalateArgs) -> anyhow::Result<ExitCode> {
    if let Some(incident) = args.incident.as_ref().filter(|it| !it.is_incident()) {
        bail!("{incident} isn't the number of an incident: write INC-001 or INC-2026-0214-001");
    }
    let site = Site::open(&args.here)?;
    let org = &site.judge.bundle().org;
    let request = site.executed(&args.id)?;
    let targets: Vec<_> = request.targets().into_iter().collect();
    let affected = affected_services(request.services(), &targets, org);
    let services: Vec<Name> = affected.iter().filter_map(|name| name.parse().ok()).collect();
    let pauses = match (args.pauses, org.settings.escalation_pause) {
        (Some(Pause::All), _) | (None, EscalationPause::All) => Pauses::All,
        (Some(Pause::Services), _) | (None, EscalationPause::Services) => Pauses::Services,
    };
    let summary = args
        .summary
        .clone()
        .unwrap_or_else(|| format!("{} had an impact that nobody expected", args.id));
    let severity = args.severity;
    let mut declared = None;
    let written = site.author(None)?.write(|log, _| {
        let incident = match &args.incident {
            Some(incident) => incident.clone(),
            None => match led_to(log, &args.id)? {
                Some(incident) => incident,
                None => free(&site, log)?,
            },
        };
        declared = Some(incident.clone());
        let opened = Opened {
            severity,
            services: services.clone(),
            commander: None,
            pauses,
            summary: summary.clone(),
        };
        let escalated = Made {
            incident: Some(incident.clone()),
            ..Made::of_change(&args.id, What::Escalated(Escalated { severity, pauses }))
        };
        let first = opens(log, &incident, opened)?;
        let first = first.map(|what| Made::of_incident(&incident, what));
        Ok(first.into_iter().chain([escalated]).collect())
    })?;
    let incident = declared.context("nothing was declared")?;
    let head = written.last().context("nothing was written")?.event.head();
    let view = EscalationView {
        change: args.id.clone(),
        incident,
        severity,
        declared_at: head.at,
        by: head.by.to_string(),
        pauses,
        call: calls(org, severity, &affected, head.at),
        services,
        rollback: format!("changegate exec {} --rollback --", args.id),
        rollback_by: undoers(&request, org),
        events: written.iter().map(EventReceipt::of).collect(),
    };
    done(&match args.format {
        AnswerFormat::Json => json(&view)?,
        AnswerFormat::Text => text(&view),
    });
    Ok(ExitCode::SUCCESS)
}

/// Returns the event that an incident begins with, or that makes one that is open pause as much; `None` if
/// it does.
fn opens(log: &Log<'_>, incident: &TicketId, opened: Opened) -> anyhow::Result<Option<What>> {
    let Some(known) = log.life(About::Incident(incident))?.incident else {
        return Ok(Some(What::Opened(opened)));
    };
    let missing = opened.services.iter().filter(|name| !known.is.services.contains(name));
    let missing: Vec<_> = missing.cloned().collect();
    let pauses = opened.pauses.max(known.is.pauses);
    // P1 is the most severe, and the first.
    let severity = opened.severity.min(known.is.severity);
    if missing.is_empty() && pauses == known.is.pauses && severity == known.is.severity {
        return Ok(None);
    }
    Ok(Some(What::Updated(Updated {
        severity: (severity != known.is.severity).then_some(severity),
        services: Some(known.is.services.into_iter().chain(missing).collect()),
        commander: None,
        pauses: Some(pauses),
        summary: None,
        note: None,
    })))
}

/// Returns the open incident to which a change led already, if it did.
fn led_to(log: &Log<'_>, change: &TicketId) -> anyhow::Result<Option<TicketId>> {
    let life = log.life(About::Change(change))?;
    let incidents = life.escalated.into_iter().map(|(incident, _)| incident);
    Ok(incidents.into_iter().find(|incident| log.open().is_open(incident)))
}

/// Returns the next number of an incident that is free: neither an incident nor a request has it.
fn free(site: &Site, log: &Log<'_>) -> anyhow::Result<TicketId> {
    let requests = site.git.branches.changes()?.into_keys();
    let taken: BTreeSet<_> = log.held().incidents()?.into_iter().chain(requests).collect();
    let number = |name: &String| name.strip_prefix("INC-")?.parse::<u64>().ok();
    let highest = taken.iter().filter_map(number).max().unwrap_or(0);
    let next = highest.checked_add(1);
    ensure!(next.is_some(), "no number is free: name one with --incident");
    let next = format!("INC-{:03}", next.unwrap_or_default());
    next.parse().map_err(|why| anyhow::anyhow!("{why}"))
}

/// Returns who may undo a change, in words.
fn undoers(request: &ChangeRequest, org: &Org) -> String {
    let owner = request.rollback.as_ref().and_then(|it| it.owner.as_ref());
    let level = |name: &Name| org.actions.entries.get(name.as_str())?.rollback.level;
    let level = request.actions.iter().filter_map(|it| level(it.action.as_ref()?)).max();
    let implementer = request.implementer();
    let mut parts: Vec<_> = owner.map(ToString::to_string).into_iter().collect();
    if level.is_none()
        && let Some(implementer) = implementer
    {
        parts.extend((owner != Some(implementer)).then(|| implementer.to_string()));
        parts.push(format!("somebody of {implementer}'s team"));
        parts.push("an owner of the service".to_owned());
    }
    parts.push(format!("any {}", level.unwrap_or(Level::L3)));
    parts.push("an incident commander".to_owned());
    let last = parts.pop().unwrap_or_default();
    format!("{} or {last}", parts.join(", "))
}

fn text(view: &EscalationView) -> String {
    let now = Some(view.declared_at);
    let pauses = match view.pauses {
        Pauses::None => String::new(),
        Pauses::Services => format!(", pauses changes to {}", all_of(&view.services)),
        Pauses::All => ", pauses all changes".to_owned(),
    };
    let mut text = format!(
        "{} {:?} declared {} UTC by {}{pauses}\n",
        view.incident,
        view.severity,
        view.declared_at.for_people(None),
        view.by
    );
    for (place, call) in (1..).zip(&view.call) {
        let people: Vec<_> = call.people.iter().map(ToString::to_string).collect();
        let people = if people.is_empty() { "nobody".to_owned() } else { people.join(" or ") };
        let by = call.by.for_people(now);
        text += &format!(" {place}  {:18}  {people:24}  by {by} UTC\n", call.notify);
    }
    text + &format!(
        "roll back: {} COMMAND\n{}when it is over: changegate incident resolve {}\n",
        view.rollback,
        hanging("  by ", &view.rollback_by, width()),
        view.incident
    )
}
