//! The guided dialogue: one question after the other, each with what it is for.

use anyhow::bail;

use super::known::Known;
use super::schedule;
use crate::cli::shared::prompt::{self, choose, choose_some, confirm, parsed, say};
use crate::compose::answer;
use crate::compose::fields::{Field, Question};
use crate::core::org::{CatalogEntry, Org};
use crate::core::request::{
    Action, ChangeRequest, ChangeType, OffScript, Rating, RequestedApproval, Risk,
};
use crate::core::terms::{Level, Login, RiskTier, Severity, TicketId};
use crate::core::time::Duration;

impl Known<'_> {
    /// Says what is going to happen.
    pub fn greet(&self, request: &ChangeRequest) {
        say("A change request. Each answer is checked at once; Ctrl-C leaves nothing behind.");
        if let Some(requester) = &request.requester {
            say(&format!("The requester is {requester}."));
        }
    }

    /// Asks for what decides on everything else, of a request that starts from nothing.
    pub fn begin(&self, request: &mut ChangeRequest) -> anyhow::Result<()> {
        eprintln!();
        kind(self, request)?;
        if request.off_script.is_none() && !confirm("Does it follow the usual script?", true)? {
            request.off_script = Some(OffScript::default());
        }
        if request.off_script.is_some() {
            say(OFF_SCRIPT);
        }
        Ok(())
    }

    /// Asks for one field.
    pub fn ask(&self, field: &Field, request: &mut ChangeRequest) -> anyhow::Result<()> {
        eprintln!();
        say(&capitalised(field.about));
        let name = name_of(field);
        match field.question {
            Question::Line(slot) => {
                *slot(request) = Some(parsed(&name, None, &[], answer::text)?);
                Ok(())
            }
            Question::Lines(slot) => {
                say(UNTIL_EMPTY);
                *slot(request) = prompt::lines(name.trim_end_matches('s'), None, answer::text)?;
                Ok(())
            }
            Question::Own => self.ask_own(field.pointer, request),
        }
    }

    fn ask_own(&self, pointer: &str, request: &mut ChangeRequest) -> anyhow::Result<()> {
        match pointer {
            "/emergency/incident" => incident(self, request),
            "/emergency/severity" => severity(self, request),
            "/emergency" => kind(self, request),
            "/id" => id(self, request),
            "/requester" => requester(self, request),
            "/actions" => actions(self, request),
            "/risk" => tier(self, request),
            "/impact/services" => services(self, request),
            "/risks" => risks(self, request),
            "/approvals" => approvals(self, request),
            "/rollback/steps" => rollback_steps(self, request),
            "/rollback/owner" => rollback_owner(self, request),
            "/verification/monitor" => monitor(self, request),
            "/schedule/start" | "/schedule/end" | "/schedule" => schedule(self, request),
            _ => bail!("nothing asks for {pointer}"),
        }
    }

    /// The catalog's texts on how to undo what the request does.
    fn catalog_rollback(&self, request: &ChangeRequest) -> Vec<String> {
        let entries = request.actions.iter().filter_map(|action| self.catalog_entry(action));
        let needed = entries.filter(|entry| entry.rollback.needed);
        let mut texts: Vec<_> = needed.map(|entry| entry.rollback.text.clone()).collect();
        texts.dedup();
        texts
    }

    fn catalog_entry(&self, action: &Action) -> Option<&CatalogEntry> {
        self.org.actions.entries.get(action.action.as_deref()?)
    }
}

const OFF_SCRIPT: &str = "Off-script: a DevOps lead and an owner of each affected service sign it.";
const UNTIL_EMPTY: &str = "One a line; an empty line ends the list.";

/// `health checks` of `/verification/health_checks`.
fn name_of(field: &Field) -> String {
    let mut parts = field.pointer.rsplit('/');
    parts.next().unwrap_or_default().replace('_', " ")
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

fn kind(_: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let kinds = [
        (ChangeType::Normal, "normal     planned, waits for a window"),
        (ChangeType::Standard, "standard   routine and well understood"),
        (
            ChangeType::Emergency,
            "emergency  answers a P1 or P2 incident, takes the incident commander",
        ),
    ];
    let (kinds, items): (Vec<_>, Vec<_>) =
        kinds.into_iter().map(|(kind, item)| (kind, item.to_owned())).unzip();
    request.kind = kinds[choose("type", &items, 0)?];
    if request.kind != ChangeType::Emergency {
        request.emergency = None;
    }
    Ok(())
}

fn incident(_: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let incident = parsed("incident", None, &[], answer::incident)?;
    request.emergency.get_or_insert_default().incident = Some(incident);
    Ok(())
}

fn severity(_: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let items = ["P1".to_owned(), "P2".to_owned()];
    let chosen = choose("severity", &items, 0)?;
    let severity = [Severity::P1, Severity::P2][chosen];
    request.emergency.get_or_insert_default().severity = Some(severity);
    Ok(())
}

fn id(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let suggestion = known.tickets.suggestion(request).map(|id| id.to_string());
    request.id = Some(parsed("id", suggestion, &[], str::parse::<TicketId>)?);
    Ok(())
}

fn requester(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    request.requester = Some(parsed("requester", None, &logins(known.org), str::parse)?);
    Ok(())
}

fn actions(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let mut catalog: Vec<_> = known.org.actions.entries.iter().collect();
    catalog.sort_by_key(|(name, entry)| (entry.tier, *name));
    let width = catalog.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut items: Vec<_> =
        catalog.iter().map(|(name, entry)| format!("{name:width$}  {}", entry.tier)).collect();
    items.push("another one, off-script".to_owned());
    let mut targets: Vec<_> =
        known.org.roster.services.values().flat_map(|service| service.targets.clone()).collect();
    targets.sort();
    targets.dedup();

    request.actions.clear();
    loop {
        let name = match catalog.get(choose("action", &items, 0)?) {
            Some((name, _)) => (*name).clone(),
            None => {
                if request.off_script.is_none() {
                    say(OFF_SCRIPT);
                }
                request.off_script.get_or_insert_default();
                parsed("action's name", None, &[], answer::text)?
            }
        };
        let target = parsed("target (Tab completes)", None, &targets, answer::text)?;
        request.actions.push(Action {
            action: Some(name),
            target: Some(target),
            ..Action::default()
        });
        if !confirm("Another action?", false)? {
            return Ok(());
        }
    }
}

fn tier(_: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let mut items = vec!["as the catalog says".to_owned()];
    items.extend(RiskTier::ALL.iter().map(ToString::to_string));
    let chosen = choose("risk", &items, 0)?;
    request.risk = chosen.checked_sub(1).map(|tier| RiskTier::ALL[tier]);
    Ok(())
}

fn services(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let services: Vec<_> = known.org.roster.services.keys().cloned().collect();
    let suggested = answer::services_of(request, known.org);
    let marked: Vec<_> = services.iter().map(|name| suggested.contains(name)).collect();
    let chosen = choose_some("services", &services, &marked)?;
    request.impact.get_or_insert_default().services =
        chosen.into_iter().map(|place| services[place].clone()).collect();
    Ok(())
}

fn risks(_: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let ratings = [Rating::Low, Rating::Medium, Rating::High];
    let items = ["low", "medium", "high"].map(str::to_owned);
    request.risks.clear();
    loop {
        let risk = parsed("risk", None, &[], answer::text)?;
        let likelihood = ratings[choose("likelihood", &items, 0)?];
        let impact = ratings[choose("impact", &items, 1)?];
        let mitigation = parsed("mitigation", None, &[], answer::text)?;
        request.risks.push(Risk {
            risk: Some(risk),
            likelihood: Some(likelihood),
            impact: Some(impact),
            mitigation: Some(mitigation),
        });
        if !confirm("Another risk?", false)? {
            return Ok(());
        }
    }
}

fn approvals(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    const USUAL: [&str; 2] = ["devops-lead", "service-owner"];
    let held = known.org.roster.people.values().flat_map(|person| person.roles.clone());
    let mut roles: Vec<_> = held.chain(["service-owner".to_owned()]).collect();
    roles.sort();
    roles.dedup();
    let marked: Vec<_> = roles.iter().map(|role| USUAL.contains(&role.as_str())).collect();
    let chosen = choose_some("roles", &roles, &marked)?;
    let role = |place: usize| RequestedApproval::Role(roles[place].clone());
    request.approvals = chosen.into_iter().map(role).collect();
    Ok(())
}

fn rollback_steps(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    say(UNTIL_EMPTY);
    let suggestion = known.catalog_rollback(request).join("; ");
    let suggestion = (!suggestion.is_empty()).then_some(suggestion);
    let steps = prompt::lines("step", suggestion, answer::text)?;
    request.rollback.get_or_insert_default().steps = steps;
    Ok(())
}

fn rollback_owner(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let entries = request.actions.iter().filter_map(|action| known.catalog_entry(action));
    let asked = entries.filter_map(|entry| entry.rollback.level).max().unwrap_or(Level::L1);
    let people = known.org.roster.people.iter();
    let able = people.filter(|(_, person)| person.level >= Some(asked));
    let able: Vec<_> = able.map(|(login, _)| login.to_string()).collect();
    say(&format!("{asked} or above: {}", able.join(", ")));
    let owner = parsed("owner (Tab completes)", None, &able, str::parse::<Login>)?;
    request.rollback.get_or_insert_default().owner = Some(owner);
    Ok(())
}

fn monitor(_: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    let length = parsed("monitor", Some("15m".to_owned()), &[], str::parse::<Duration>)?;
    request.verification.get_or_insert_default().monitor = Some(length);
    Ok(())
}

fn schedule(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<()> {
    request.schedule = Some(schedule::ask(known, request)?);
    Ok(())
}

fn logins(org: &Org) -> Vec<String> {
    org.roster.people.keys().map(Login::to_string).collect()
}
