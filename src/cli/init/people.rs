//! The people in the first roster.
//!
//! They come from flags, from the dialogue, or from the repository's existing roster. Otherwise the
//! roster contains only the person who runs the verb, without a level: they can submit, but approve
//! nothing.

use std::str::FromStr;

use anyhow::bail;

use changegate::core::org::{Person, Roster, Service, Team};
use changegate::core::terms::{Level, Login, Name};
use changegate::git::{Program, key};

/// The roles that the shipped policies require.
pub const ROLES: [&str; 2] = ["devops-lead", "incident-commander"];

/// `--person alice,level=L2,role=devops-lead,email=alice@acme.example,key=~/.ssh/id_ed25519.pub`;
/// the keys are read, and the last one is known as given, too.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedPerson {
    pub(super) login: Login,
    pub(super) person: Person,
    /// The last of the keys, as given.
    pub(super) key: Option<String>,
}

impl FromStr for NamedPerson {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let login = parts.next().unwrap_or_default().parse()?;
        let (mut person, mut last_key) = (Person::default(), None);
        for part in parts {
            let (field, value) = part.split_once('=').ok_or_else(|| {
                format!("`{part}` is not FIELD=VALUE: write for example level=L2")
            })?;
            match field {
                "level" => person.level = Some(level(value)?),
                "team" => person.team = Some(word(value)?),
                "role" => person.roles.push(name(value)?),
                "email" => person.emails.push(email(value)?),
                "id" => person.id = Some(word(value)?),
                "key" => {
                    let key = key::public(value).map_err(|error| format!("{error:#}"))?;
                    person.keys.push(key);
                    last_key = Some(value.to_owned());
                }
                _ => {
                    return Err(format!(
                        "a person has no `{field}`: the fields are level, team, role, email, id and key"
                    ));
                }
            }
        }
        Ok(NamedPerson { login, person, key: last_key })
    }
}

/// `--service checkout=bob,dan`
#[derive(Clone, Debug, PartialEq)]
pub struct NamedService {
    pub(super) name: Name,
    pub(super) owners: Vec<Login>,
}

impl FromStr for NamedService {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, owners) = text.split_once('=').ok_or_else(|| {
            format!("`{text}` doesn't name an owner: write for example checkout=bob,dan")
        })?;
        Ok(NamedService { name: self::name(name)?, owners: logins(owners)? })
    }
}

/// Parses logins separated by commas, at least one.
pub fn logins(text: &str) -> Result<Vec<Login>, String> {
    text.split(',').map(|login| login.trim().parse()).collect()
}

/// Parses `L1`, `L2` or `L3`.
pub fn level(text: &str) -> Result<Level, String> {
    match text.to_ascii_uppercase().as_str() {
        "L1" => Ok(Level::L1),
        "L2" => Ok(Level::L2),
        "L3" => Ok(Level::L3),
        _ => Err(format!("`{text}` is not a level: the levels are L1, L2 and L3")),
    }
}

/// Parses the name of a team, a role or a service.
pub fn word(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || !text.bytes().all(allowed) {
        return Err(format!(
            "`{text}` is not a valid name: write ASCII letters, digits, `-`, `_` and `.`"
        ));
    }
    Ok(text.to_owned())
}

/// Parses the name of a service or a role.
pub fn name(text: &str) -> Result<Name, String> {
    word(text).and_then(|word| word.parse())
}

/// Parses an email address as it is in commits.
pub fn email(text: &str) -> Result<String, String> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "<>,\"\\".contains(c);
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() && !text.contains(is_odd) => {
            Ok(text.to_owned())
        }
        _ => Err(format!("`{text}` is not a valid email address")),
    }
}

/// Returns the roster that the flags describe.
///
/// # Errors
/// If a person or a service is named twice.
pub fn from_flags(
    people: &[NamedPerson],
    services: &[NamedService],
    folder: &str,
) -> anyhow::Result<Roster> {
    let mut roster = empty();
    for NamedPerson { login, person, .. } in people {
        if roster.people.insert(login.clone(), person.clone()).is_some() {
            bail!("--person names {login} twice");
        }
    }
    for NamedService { name, owners } in services {
        let service = Service { owners: owners.clone(), ..Service::default() };
        if roster.services.insert(name.clone(), service).is_some() {
            bail!("--service names {name} twice: list all owners in one");
        }
    }
    if let (true, Some(first)) = (services.is_empty(), people.first()) {
        // Without a service, no request could say what it affects.
        roster.services.insert(service_name(folder), owned_by(&first.login));
    }
    Ok(complete(roster))
}

/// Returns a roster with the person who runs the verb, who can submit and approves nothing.
///
/// # Errors
/// If git doesn't know them.
pub fn alone(me: &Me, folder: &str) -> anyhow::Result<Roster> {
    let (Some(login), Some(email)) = (&me.login, &me.email) else {
        bail!(
            "cannot tell who you are: name people with `--person \
             alice,level=L2,email=alice@acme.example`, or set `git config user.email`"
        );
    };
    let keys = me.key.as_deref().map(key::public).transpose()?.into_iter().collect();
    let person = Person { emails: vec![email.clone()], keys, ..Person::default() };
    let mut roster = empty();
    roster.people.insert(login.clone(), person);
    roster.services.insert(service_name(folder), owned_by(login));
    Ok(complete(roster))
}

/// Returns an empty roster.
pub fn empty() -> Roster {
    Roster {
        reviewed: None,
        people: Default::default(),
        teams: Default::default(),
        services: Default::default(),
        machines: Default::default(),
        environments: Default::default(),
    }
}

/// Adds the teams that people belong to.
pub fn complete(mut roster: Roster) -> Roster {
    let teams = roster.people.values().filter_map(|person| person.team.clone());
    roster.teams = teams.map(|team| (team, Team::default())).collect();
    roster
}

fn owned_by(login: &Login) -> Service {
    Service { owners: vec![login.clone()], ..Service::default() }
}

/// Returns a service's name that is based on the repository's folder.
pub fn service_name(folder: &str) -> Name {
    let text = folder.trim_start_matches('.').to_ascii_lowercase().replace(' ', "-");
    name(&text).or_else(|_| name("service")).unwrap_or_default()
}

/// What git knows about the person who runs the verb.
pub struct Me {
    /// A login to suggest: the part before the `@` of the address.
    pub login: Option<Login>,
    /// The address in their commits.
    pub email: Option<String>,
    /// The value that names their signing key, if the key can be read.
    pub key: Option<String>,
}

impl Me {
    /// Reads it from git's configuration.
    pub fn of(git: &Program) -> Self {
        let email = git.setting("user.email").filter(|address| email(address).is_ok());
        let name = email.as_deref().and_then(|email| email.split('@').next());
        // GitHub's own addresses have a number before the login.
        let name = name.map(|name| name.split_once('+').map_or(name, |(_, login)| login));
        let signs = git.setting("gpg.format").is_some_and(|format| format == "ssh");
        let key = signs.then(|| git.path_setting("user.signingkey")).flatten();
        Me {
            login: name.and_then(|name| name.parse().ok()),
            email,
            key: key.filter(|named| key::public(named).is_ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_as_flags_name_them() {
        let named: NamedPerson =
            "Alice,level=l2,role=devops-lead,email=alice@acme.example,team=payments,id=101"
                .parse()
                .unwrap();
        assert_eq!(named.login.as_str(), "alice");
        assert_eq!(
            named.person,
            Person {
                level: Some(Level::L2),
                team: Some("payments".to_owned()),
                roles: vec!["devops-lead".parse().unwrap()],
                emails: vec!["alice@acme.example".to_owned()],
                id: Some("101".to_owned()),
                keys: Vec::new(),
            }
        );
        for (text, complaint) in [
            ("", "is not a login"),
            ("alice,L2", "is not FIELD=VALUE"),
            ("alice,level=L4", "is not a level"),
            ("alice,mail=x", "a person has no `mail`"),
            ("alice,email=alice", "is not a valid email address"),
            ("alice,email=a\"b@acme.example", "is not a valid email address"),
            ("alice,team=a b", "is not a valid name"),
        ] {
            let error = text.parse::<NamedPerson>().unwrap_err();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }

    #[test]
    fn services_as_flags_name_them() {
        let named: NamedService = "checkout=bob, dan".parse().unwrap();
        assert_eq!(named.name, "checkout");
        assert_eq!(named.owners.len(), 2);
        for text in ["checkout", "checkout=", "=bob", "a b=bob"] {
            assert!(text.parse::<NamedService>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_service_is_named_after_the_folder() {
        assert_eq!(service_name("Ops Repo"), "ops-repo");
        assert_eq!(service_name("."), "service");
        assert_eq!(service_name("résumé"), "service");
    }
}
