//! Writes the first roster as commented YAML, and adapts the other tables to it.

use std::fmt::Write as _;

use super::people::ROLES;
use changegate::core::org::{Person, Roster};
use changegate::core::terms::{Level, Login, Name, one_of};
use changegate::core::yaml::write::word;

const HEADER: &str = include_str!("templates/roster.yaml");

const PEOPLE: &str = "
# `emails` map commits to people, `keys` are the SSH public keys that they sign with, `id` is the
# forge's numeric id of the account, in quotes: on GitHub neither a review nor a level counts
# without it.
#   bob:
#     level: L2
#     team: payments
#     roles: [devops-lead]
#     emails: [bob@acme.example]
#     keys: [\"ssh-ed25519 AAAA... bob\"]
";

const SERVICES: &str = "
# `owners` sign off off-script changes. An action on one of `targets` affects the service, whether
# or not the request declares it.
#   checkout:
#     owners: [bob, dan]
#     targets: [eu-west-1, checkout-web]
";

/// Returns the file; the roster must have people and services.
pub fn render(roster: &Roster) -> String {
    let mut out = HEADER.to_owned();
    if let Some(day) = roster.reviewed {
        line(&mut out, format_args!("reviewed: {day}"));
    }
    out += PEOPLE;
    out += "people:\n";
    for (login, person) in &roster.people {
        render_person(&mut out, login, person);
    }
    if !roster.teams.is_empty() {
        out += "\nteams:\n";
        for team in roster.teams.keys() {
            line(&mut out, format_args!("  {}: {{}}", word(team)));
        }
    }
    out += SERVICES;
    out += "services:\n";
    for (name, service) in &roster.services {
        line(&mut out, format_args!("  {}:", word(name)));
        line(
            &mut out,
            format_args!("    owners: {}", list(service.owners.iter().map(Login::as_str))),
        );
    }
    out
}

fn render_person(out: &mut String, login: &Login, person: &Person) {
    let fields = [
        ("level", person.level.map(|level| level.to_string())),
        ("team", person.team.as_deref().map(word)),
        ("roles", (!person.roles.is_empty()).then(|| list(person.roles.iter().map(Name::as_str)))),
        (
            "emails",
            (!person.emails.is_empty()).then(|| list(person.emails.iter().map(String::as_str))),
        ),
        ("id", person.id.as_deref().map(word)),
        (
            "keys",
            (!person.keys.is_empty()).then(|| {
                list(
                    person
                        .keys
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .iter()
                        .map(String::as_str),
                )
            }),
        ),
    ];
    let mut fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).peekable();
    let login = word(login.as_str());
    if fields.peek().is_none() {
        return line(out, format_args!("  {login}: {{}}"));
    }
    line(out, format_args!("  {login}:"));
    for (name, value) in fields {
        line(out, format_args!("    {name}: {value}"));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = writeln!(out, "{text}");
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(word).collect::<Vec<_>>().join(", "))
}

/// Returns the shipped escalation table for this roster. A role that nobody holds is replaced by
/// the person with the highest level, because the table may only name existing roles and people.
pub fn escalation(shipped: &str, roster: &Roster) -> String {
    let unheld: Vec<_> = ROLES.into_iter().filter(|role| !is_held(roster, role)).collect();
    let Some((contact, _)) = roster.people.iter().max_by_key(|(_, person)| person.level) else {
        return shipped.to_owned();
    };
    let contact = word(contact.as_str());
    let mut text = shipped.to_owned();
    for role in &unheld {
        text = text.replace(&format!("notify: {role},"), &format!("notify: {contact},"));
    }
    if !unheld.is_empty() {
        let why = format!(
            "# Nobody holds {} yet: {contact} is notified instead.\nreviewed:",
            one_of(&unheld)
        );
        text = text.replacen("reviewed:", &why, 1);
    }
    text
}

fn is_held(roster: &Roster, role: &str) -> bool {
    roster.people.values().any(|person| person.roles.iter().any(|held| **held == *role))
}

/// Returns what isn't possible with this roster, and why.
pub fn gaps(roster: &Roster) -> Vec<String> {
    let mut gaps = Vec::new();
    let people = || roster.people.iter();
    let admins = people().filter(|(_, person)| person.level == Some(Level::L3)).count();
    if admins < 2 {
        gaps.push(format!(
            "{} L3: a change of the policies needs two, neither of them its requester",
            if admins == 0 { "nobody holds" } else { "only one person holds" }
        ));
    }
    for (role, signs) in ROLES.into_iter().zip(["off-script changes", "emergencies"]) {
        if !is_held(roster, role) {
            gaps.push(format!("nobody holds {role}: {signs} can't be signed off"));
        }
    }
    gaps
}

/// Returns whose reviews don't count in plain Git, and why.
pub fn keyless(roster: &Roster) -> Option<String> {
    let keyless = roster.people.iter().filter(|(_, person)| person.keys.is_empty());
    let keyless: Vec<_> = keyless.map(|(login, _)| login.as_str()).collect();
    (!keyless.is_empty()).then(|| {
        let keyless = keyless.join(", ");
        format!("no `keys` for {keyless}: without one a review doesn't count in plain Git")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::people::{NamedPerson, NamedService, from_flags};
    use changegate::core::policy::PolicyBundle;
    use changegate::core::policy::shipped_files;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKzVoW2O9hOaIFCuezjlpzfMH/yJ+z1aRpeUO/nw1R33";

    fn roster(people: &[&str]) -> Roster {
        let people: Vec<NamedPerson> = people.iter().map(|text| text.parse().unwrap()).collect();
        let services: Vec<NamedService> = vec!["checkout=alice".parse().unwrap()];
        let mut roster = from_flags(&people, &services, "ops").unwrap();
        roster.reviewed = Some("2026-11-22".parse().unwrap());
        roster
    }

    fn problems(roster: &Roster) -> Vec<String> {
        let mut files = shipped_files();
        let path = "policies/org/escalation/data.yaml";
        let shipped = String::from_utf8(files[path].clone()).unwrap();
        files.insert(path.to_owned(), escalation(&shipped, roster).into_bytes());
        files.insert("policies/org/roster/data.yaml".to_owned(), render(roster).into_bytes());
        match PolicyBundle::check(&files) {
            Ok(()) => Vec::new(),
            Err(error) => error.0.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_roster() {
        let key = format!("alice,level=L2,team=payments,email=alice@acme.example,id=101,key={KEY}");
        let text = render(&roster(&[&key, "ivan"]));
        let (_, people) = text.split_once("\npeople:\n").unwrap();
        let rest = people.replace(SERVICES, "\n");
        assert_eq!(
            rest,
            format!(
                "  alice:\n    level: L2\n    team: payments\n    emails: [alice@acme.example]\n    \
                 id: \"101\"\n    keys: [\"{KEY}\"]\n  ivan: {{}}\n\nteams:\n  payments: {{}}\n\n\
                 services:\n  checkout:\n    owners: [alice]\n"
            )
        );
        assert!(text.lines().filter(|line| !line.contains(KEY)).all(|line| line.len() <= 100));
    }

    #[test]
    fn every_roster_loads_whoever_is_missing() {
        for people in [
            &["alice"][..],
            &[
                "alice",
                "123,level=L1",
                "null",
                "true,team=no",
                "1e5,team=0x1F,email=0@acme.example",
            ],
            &["alice,role=devops-lead"],
            &["alice,role=devops-lead,role=incident-commander,level=L3"],
        ] {
            assert_eq!(problems(&roster(people)), [""; 0], "{people:?}");
        }
    }

    #[test]
    fn a_role_that_nobody_holds_is_told_of() {
        let files = shipped_files();
        let shipped = std::str::from_utf8(&files["policies/org/escalation/data.yaml"]).unwrap();
        let text = escalation(shipped, &roster(&["alice,role=devops-lead", "bob,level=L3"]));
        assert!(text.contains("# Nobody holds incident-commander yet: bob is notified instead.\n"));
        assert!(
            text.contains("- {notify: bob, within: 5m}") && text.contains("notify: devops-lead")
        );
        let all = roster(&["alice,role=devops-lead,role=incident-commander"]);
        assert_eq!(escalation(shipped, &all), shipped);
    }

    #[test]
    fn gaps_say_what_cannot_be_done() {
        assert_eq!(
            gaps(&roster(&["alice"])),
            [
                "nobody holds L3: a change of the policies needs two, neither of them its requester",
                "nobody holds devops-lead: off-script changes can't be signed off",
                "nobody holds incident-commander: emergencies can't be signed off",
            ]
        );
        assert_eq!(
            keyless(&roster(&["alice"])).as_deref(),
            Some("no `keys` for alice: without one a review doesn't count in plain Git")
        );
        let roles = "role=devops-lead,role=incident-commander,level=L3";
        let person = |login: &str| format!("{login},{roles},key={KEY}");
        let both = roster(&[&person("alice"), &person("bob")]);
        assert_eq!((gaps(&both), keyless(&both)), (Vec::new(), None));
    }
}
