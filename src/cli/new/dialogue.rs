//! The guided dialogue: one question after the other, each with what it is for.

use serde_json::{Value, json};

use super::known::Known;
use super::schedule;
use crate::cli::shared::prompt::{self, choose, choose_some, confirm, parsed, say};
use changegate::compose::answer;
use changegate::compose::fields::{Field, Form, Kind};
use changegate::core::org::{CatalogEntry, Org};
use changegate::core::request::{Action, ChangeRequest, ChangeType, OffScript, SERVICE_OWNER};
use changegate::core::terms::{Level, Login, Name};

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
        prompt::line("");
        type_of_change(request)?;
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
        prompt::line("");
        say(&capitalised(field.about));
        let (kind, name) = (field.kind, field.name());
        let line = |name: &str, default: Option<String>, known: &[String]| {
            Ok(vec![parsed(name, default, known, |answer| kind.parse(answer))?])
        };
        let answers = match kind {
            Kind::Text | Kind::Incident | Kind::Links | Kind::Tick | Kind::Presence => {
                line(&name, None, &[])
            }
            Kind::Ticket => line(&name, self.tickets.suggestion(request).map(String::from), &[]),
            Kind::Login => line(&name, None, &logins(self.org)),
            Kind::Owner => line(&format!("{name} (Tab completes)"), None, &self.owners(request)),
            Kind::Length => line(&name, Some("15m".to_owned()), &[]),
            Kind::Texts => lines(&name, None),
            Kind::Steps => lines(&name, self.catalog_rollback(request)),
            Kind::Severity | Kind::Rating => Ok(vec![word(kind, &name, 0)?]),
            Kind::Tier => tier(&name),
            Kind::Actions => actions(self, request),
            Kind::Services => services(self, request, &name),
            Kind::Risks => risks(),
            Kind::Approvals => approvals(self),
            Kind::Type => return type_of_change(request),
            Kind::Time | Kind::Duration | Kind::End => {
                request.schedule = Some(schedule::ask(self, request)?);
                return Ok(());
            }
        };
        let mut form = Form::of(request);
        form.put(field, answers?);
        (*request, _) = form.finish();
        Ok(())
    }

    /// Returns who can perform the rollback, and says so.
    fn owners(&self, request: &ChangeRequest) -> Vec<String> {
        let entries = request.actions.iter().filter_map(|action| self.catalog_entry(action));
        let asked = entries.filter_map(|entry| entry.rollback.level).max().unwrap_or(Level::L1);
        let people = self.org.roster.people.iter();
        let able = people.filter(|(_, person)| person.level >= Some(asked));
        let able: Vec<_> = able.map(|(login, _)| login.to_string()).collect();
        say(&format!("{asked} or above: {}", able.join(", ")));
        able
    }

    /// Returns the catalog's texts on how to undo what the request does.
    fn catalog_rollback(&self, request: &ChangeRequest) -> Option<String> {
        let entries = request.actions.iter().filter_map(|action| self.catalog_entry(action));
        let needed = entries.filter(|entry| entry.rollback.needed);
        let mut texts: Vec<_> = needed.map(|entry| entry.rollback.text.clone()).collect();
        texts.dedup();
        Some(texts.join("; ")).filter(|text| !text.is_empty())
    }

    fn catalog_entry(&self, action: &Action) -> Option<&CatalogEntry> {
        self.org.actions.entries.get(action.action.as_deref()?)
    }
}

const OFF_SCRIPT: &str = "Off-script: a DevOps lead and an owner of each affected service sign it.";

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

fn lines(name: &str, suggestion: Option<String>) -> anyhow::Result<Vec<Value>> {
    say("One a line; an empty line ends the list.");
    let texts = prompt::lines(name.trim_end_matches('s'), suggestion, answer::text)?;
    Ok(texts.into_iter().map(Value::from).collect())
}

fn word(kind: Kind, name: &str, default: usize) -> anyhow::Result<Value> {
    let words: Vec<_> = kind.words().iter().map(ToString::to_string).collect();
    Ok(words[choose(name, &words, default)?].as_str().into())
}

fn type_of_change(request: &mut ChangeRequest) -> anyhow::Result<()> {
    let items = [
        "normal     planned, waits for a window",
        "standard   routine and well understood",
        "emergency  answers a P1 or P2 incident, takes the incident commander",
    ];
    let kinds = [ChangeType::Normal, ChangeType::Standard, ChangeType::Emergency];
    request.kind = kinds[choose("type", &items.map(str::to_owned), 0)?];
    if request.kind != ChangeType::Emergency {
        request.emergency = None;
    }
    Ok(())
}

fn actions(known: &Known<'_>, request: &mut ChangeRequest) -> anyhow::Result<Vec<Value>> {
    let mut catalog: Vec<_> = known.org.actions.entries.iter().collect();
    catalog.sort_by_key(|(name, entry)| (entry.tier, *name));
    let width = catalog.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut items: Vec<_> =
        catalog.iter().map(|(name, entry)| format!("{name:width$}  {}", entry.tier)).collect();
    items.push("another one, off-script".to_owned());
    let mut targets: Vec<_> = known
        .org
        .roster
        .services
        .values()
        .flat_map(|service| &service.targets)
        .map(Name::to_string)
        .collect();
    targets.sort();
    targets.dedup();

    several("Another action?", || {
        let name = match catalog.get(choose("action", &items, 0)?) {
            Some((name, _)) => (*name).clone(),
            None => {
                if request.off_script.is_none() {
                    say(OFF_SCRIPT);
                }
                request.off_script.get_or_insert_default();
                parsed("action's name", None, &[], answer::name)?.to_string()
            }
        };
        let target = parsed("target (Tab completes)", None, &targets, answer::name)?;
        Ok(json!({"action": name, "target": target}))
    })
}

fn risks() -> anyhow::Result<Vec<Value>> {
    several("Another risk?", || {
        Ok(json!({
            "risk": parsed("risk", None, &[], answer::text)?,
            "likelihood": word(Kind::Rating, "likelihood", 0)?,
            "impact": word(Kind::Rating, "impact", 1)?,
            "mitigation": parsed("mitigation", None, &[], answer::text)?,
        }))
    })
}

fn several(
    question: &str,
    mut ask: impl FnMut() -> anyhow::Result<Value>,
) -> anyhow::Result<Vec<Value>> {
    let mut answers = vec![ask()?];
    while confirm(question, false)? {
        answers.push(ask()?);
    }
    Ok(answers)
}

fn tier(name: &str) -> anyhow::Result<Vec<Value>> {
    let words = Kind::Tier.words();
    let items = ["as the catalog says"].iter().chain(words).map(ToString::to_string);
    let chosen = choose(name, &items.collect::<Vec<_>>(), 0)?;
    Ok(chosen.checked_sub(1).map(|place| words[place].into()).into_iter().collect())
}

fn services(known: &Known<'_>, request: &ChangeRequest, name: &str) -> anyhow::Result<Vec<Value>> {
    let services: Vec<_> = known.org.roster.services.keys().map(Name::to_string).collect();
    let suggested = answer::services_of(request, known.org);
    let marked: Vec<_> =
        services.iter().map(|name| suggested.iter().any(|service| **service == **name)).collect();
    let chosen = choose_some(name, &services, &marked)?;
    Ok(chosen.into_iter().map(|place| services[place].as_str().into()).collect())
}

fn approvals(known: &Known<'_>) -> anyhow::Result<Vec<Value>> {
    const USUAL: [&str; 2] = ["devops-lead", SERVICE_OWNER];
    let held =
        known.org.roster.people.values().flat_map(|person| &person.roles).map(Name::to_string);
    let mut roles: Vec<_> = held.chain([SERVICE_OWNER.to_owned()]).collect();
    roles.sort();
    roles.dedup();
    let marked: Vec<_> = roles.iter().map(|role| USUAL.contains(&role.as_str())).collect();
    let chosen = choose_some("roles", &roles, &marked)?;
    Ok(chosen.into_iter().map(|place| json!({"role": roles[place]})).collect())
}

fn logins(org: &Org) -> Vec<String> {
    org.roster.people.keys().map(Login::to_string).collect()
}
