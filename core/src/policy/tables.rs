//! Reads the organisation's tables from a bundle, and checks what their types can't express.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::{Files, PolicyProblem};
use crate::layout;
use crate::org::{Org, Roster, SignOffRow};
use crate::request::SERVICE_OWNER;
use crate::terms::{Level, Login, Name, RiskTier, Severity};
use crate::yaml::{self, Node, Span, Value};

mod calendar;
mod erasures;
mod machines;
mod settings;
mod templates;

/// The most bytes that a table may have.
const LARGEST_TABLE: usize = 16 * 1024 * 1024;

/// Returns the tables of a bundle: name, path, bytes.
pub fn all(files: &Files) -> impl Iterator<Item = (&str, &str, &[u8])> {
    files.iter().filter_map(|(path, bytes)| {
        let name = layout::table_at(path)?;
        (!name.contains('/')).then_some((name, path.as_str(), bytes.as_slice()))
    })
}

/// Returns each table as it is written, by its name; null if it can't be read.
pub fn as_written(files: &Files) -> serde_json::Map<String, serde_json::Value> {
    let named =
        |(name, _, bytes): (&str, _, &[u8])| (name.to_owned(), value(bytes).unwrap_or_default());
    all(files).map(named).collect()
}

/// Returns a table as it is written; `None` if it can't be read.
pub fn value(bytes: &[u8]) -> Option<serde_json::Value> {
    yaml::parse_up_to(LARGEST_TABLE, bytes).read().value
}

/// Reads the tables that the checker knows. Other tables are the organisation's own, and only have
/// to be valid YAML.
///
/// # Errors
/// Every problem in them, each with file, line and column.
pub fn read(files: &Files) -> Result<Org, Vec<PolicyProblem>> {
    let mut reader = Reader::default();
    for (name, path, bytes) in all(files) {
        let document = yaml::parse_up_to(LARGEST_TABLE, bytes);
        let problems = document.problems.iter();
        reader.problems.extend(
            problems.map(|problem| at(path, problem.span, &problem.message, problem.help.clone())),
        );
        reader.documents.insert(name.to_owned(), document);
    }
    let tables = (
        reader.table("roster"),
        reader.table("actions"),
        reader.table("matrix"),
        reader.table("windows"),
        reader.table("freezes"),
        reader.table("escalation"),
        reader.table("settings"),
    );
    let (
        Some(roster),
        Some(actions),
        Some(matrix),
        Some(windows),
        Some(freezes),
        Some(escalation),
        Some(settings),
    ) = tables
    else {
        return Err(reader.problems);
    };
    // Policies from before the ledger don't have it.
    let has_erasures = reader.documents.contains_key("erasures");
    let erasures = if has_erasures { reader.table("erasures") } else { Some(Vec::new()) };
    let Some(erasures) = erasures else { return Err(reader.problems) };
    let templates = templates::read(files, &mut reader.problems);
    let org = Org {
        roster,
        actions,
        matrix,
        windows,
        freezes,
        escalation,
        erasures,
        templates,
        settings,
    };
    reader.check_roster(&org);
    reader.check_actions(&org);
    reader.check_matrix(&org);
    reader.check_calendar(&org);
    reader.check_escalation(&org);
    reader.check_erasures(&org);
    reader.check_settings(&org);
    reader.check_templates(files, &org);
    if reader.problems.is_empty() { Ok(org) } else { Err(reader.problems) }
}

fn at(path: &str, span: Span, message: &str, help: Option<String>) -> PolicyProblem {
    PolicyProblem {
        path: path.to_owned(),
        line: span.line.max(1),
        column: span.column.max(1),
        message: message.to_owned(),
        help,
    }
}

#[derive(Default)]
struct Reader {
    documents: BTreeMap<String, yaml::Document>,
    problems: Vec<PolicyProblem>,
}

impl Reader {
    /// Returns one table as its type; what can't be read is reported as a problem.
    fn table<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let path = layout::table(name);
        let Some(document) = self.documents.get(name) else {
            let help = "start from a copy of the shipped table".to_owned();
            let message = "the bundle doesn't contain this table";
            self.problems.push(at(&path, Span::default(), message, Some(help)));
            return None;
        };
        let reading = document.read::<T>();
        let known = document.problems.len();
        let found = reading.problems.iter().filter(|problem| !document.problems.contains(problem));
        let before = self.problems.len();
        self.problems.extend(
            found.map(|problem| at(&path, problem.span, &problem.message, problem.help.clone())),
        );
        reading.value.filter(|_| known == 0 && self.problems.len() == before)
    }

    /// Reports a problem at a JSON pointer of a table.
    fn report(&mut self, table: &str, pointer: &[&str], message: impl AsRef<str>, help: &str) {
        let mut path = String::new();
        pointer.iter().for_each(|step| yaml::pointer_push(&mut path, step));
        let span = self
            .documents
            .get(table)
            .map(|document| document.root.locate(&path))
            .unwrap_or_default();
        self.problems.push(at(
            &layout::table(table),
            span,
            message.as_ref(),
            Some(help.to_owned()),
        ));
    }

    fn check_roster(&mut self, org: &Org) {
        self.check_each_login_once("people");
        self.check_people(&org.roster);
        self.check_services(&org.roster);
        self.check_machines(org);
    }

    fn check_people(&mut self, roster: &Roster) {
        let mut seen = BTreeMap::new();
        for (login, person) in &roster.people {
            let emails = person.emails.iter().map(|email| ("email", email.to_lowercase()));
            let keys = person.keys.iter().map(|key| ("key", key.to_string()));
            let ids = person.id.iter().map(|id| ("id", id.clone()));
            for (what, mark) in emails.chain(keys).chain(ids) {
                if let Some(other) = seen.insert((what, mark.clone()), login) {
                    let message = format!("{login} has the {what} {mark}, which {other} has too");
                    self.report(
                        "roster",
                        &["people", login.as_str()],
                        message,
                        "emails, keys and ids identify exactly one person",
                    );
                }
            }
            if person
                .id
                .as_ref()
                .is_some_and(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()))
            {
                let message = format!("the id of {login} isn't a number");
                self.report(
                    "roster",
                    &["people", login.as_str(), "id"],
                    message,
                    "write the forge's numeric id, in quotes",
                );
            }
            if person.roles.iter().any(|role| role == SERVICE_OWNER) {
                let help = "list the person under `services.<name>.owners`";
                let message = format!("{login} has the role service-owner without a service");
                self.report("roster", &["people", login.as_str(), "roles"], message, help);
            }
            if let Some(team) =
                person.team.as_ref().filter(|team| !roster.teams.contains_key(*team))
            {
                let message = format!("{login} belongs to the team {team}, which isn't in `teams`");
                self.report(
                    "roster",
                    &["people", login.as_str(), "team"],
                    message,
                    "add the team, or correct its name",
                );
            }
        }
    }

    fn check_services(&mut self, roster: &Roster) {
        for (name, service) in &roster.services {
            if service.owners.is_empty() {
                let message = format!("the service {name} has no owner");
                self.report(
                    "roster",
                    &["services", name, "owners"],
                    message,
                    "list the people who sign off for it",
                );
            }
            for owner in service.owners.iter().filter(|owner| !roster.people.contains_key(*owner)) {
                let message = format!("{owner} owns the service {name}, but isn't in `people`");
                self.report(
                    "roster",
                    &["services", name, "owners"],
                    message,
                    "add the person, or correct the login",
                );
            }
            if let Some(team) =
                service.team.as_ref().filter(|team| !roster.teams.contains_key(*team))
            {
                let message =
                    format!("the team {team} runs the service {name}, but isn't in `teams`");
                self.report(
                    "roster",
                    &["services", name, "team"],
                    message,
                    "add the team, or correct its name",
                );
            }
        }
    }

    /// Logins that differ only in case are the same login; the types have converted them already.
    fn check_each_login_once(&mut self, part: &str) {
        let listed = self.documents.get("roster").and_then(|document| entry(&document.root, part));
        let Some(Value::Mapping(listed)) = listed.map(|listed| &listed.value) else { return };
        let mut seen = BTreeSet::new();
        let twice: Vec<String> = listed
            .iter()
            .map(|(key, _)| key.text.to_string())
            .filter(|login| !seen.insert(login.to_lowercase()))
            .collect();
        for login in twice {
            let message = format!("{login} is listed twice: case doesn't matter in logins");
            self.report("roster", &[part, &login], message, "merge the two entries");
        }
    }

    fn check_actions(&mut self, org: &Org) {
        for name in org.actions.entries.keys() {
            if let Err(message) = name.parse::<Name>() {
                self.report("actions", &[name], message, "correct the action's name");
            }
        }
    }

    fn check_matrix(&mut self, org: &Org) {
        for tier in RiskTier::ALL.map(|tier| tier.to_string()) {
            let Some(rows) = org.matrix.entries.get(&tier) else {
                self.report(
                    "matrix",
                    &[],
                    format!("the tier {tier} is missing"),
                    "write for L1, L2 and L3 who approves, or `direct`",
                );
                continue;
            };
            for level in [Level::L1, Level::L2, Level::L3] {
                let name = level.to_string();
                match rows.get(&level) {
                    None => {
                        self.report(
                            "matrix",
                            &[&tier],
                            format!("{tier} has no {name}"),
                            "write who approves, or `direct`",
                        );
                    }
                    Some(SignOffRow::Levels(levels)) if levels.is_empty() => {
                        self.report(
                            "matrix",
                            &[&tier, &name],
                            "the list of levels is empty, so nobody could approve",
                            "list a level, or write `direct`",
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        let known = RiskTier::ALL.map(|tier| tier.to_string());
        for tier in org.matrix.entries.keys().filter(|tier| !known.contains(tier)) {
            self.report(
                "matrix",
                &[tier],
                format!("`{tier}` is not a tier"),
                "the tiers are low, medium, high, critical",
            );
        }
    }

    fn check_escalation(&mut self, org: &Org) {
        let known = |name: &str| {
            let is_person =
                name.parse::<Login>().is_ok_and(|login| org.roster.people.contains_key(&login));
            let mut people = org.roster.people.values();
            is_person
                || name == SERVICE_OWNER
                || people.any(|person| person.roles.iter().any(|role| role == name))
        };
        for (severity, steps) in &org.escalation.entries {
            if serde_json::from_value::<Severity>(severity.as_str().into()).is_err() {
                self.report(
                    "escalation",
                    &[severity],
                    format!("`{severity}` is not a severity"),
                    "the severities are P1 to P5",
                );
            }
            for (index, step) in steps.iter().enumerate().filter(|(_, step)| !known(&step.notify)) {
                let message =
                    format!("the roster has neither a role nor a person `{}`", step.notify);
                self.report(
                    "escalation",
                    &[severity, &index.to_string(), "notify"],
                    message,
                    "correct the name",
                );
            }
        }
    }
}

fn entry<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    match &node.value {
        Value::Mapping(entries) => {
            entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
        }
        _ => None,
    }
}
