//! The questions of `init`: who is in the first roster, and whether a file is overwritten.

use std::path::Path;

use super::people::{self, Me, ROLES};
use super::plan::{Fate, FilePlan};
use super::upgrade::difference;
use crate::cli::shared::prompt;
use changegate::core::org::{Person, Roster, Service};
use changegate::core::terms::{Login, Name};
use changegate::files;
use changegate::git::key;

/// Asks for the first roster; `folder` is the repository's name. Returns it with the key of the
/// person who answers, as they named it.
///
/// # Errors
/// If the terminal fails.
pub fn roster(me: &Me, folder: &str) -> anyhow::Result<(Roster, Option<String>)> {
    let mut roster = people::empty();
    prompt::say(
        "The first roster: who requests changes, and who signs them off. It is a file that is easy \
         to change until it is committed. Levels: L1 operator, L2 engineer, L3 admin; people without \
         a level can request changes, but not approve them.",
    );
    prompt::line("");
    let suggested = me.login.as_ref().map_or("", Login::as_str);
    let login = ask("your login", suggested, str::parse::<Login>)?;
    let first = login.clone();
    let (own, own_key) = person(me.email.as_deref(), me.key.as_deref())?;
    roster.people.insert(login, own);
    loop {
        prompt::line("");
        let login = ask("another login (empty to finish)", "", |text| {
            optional(text, |login| {
                let login: Login = login.parse()?;
                if roster.people.contains_key(&login) {
                    return Err(format!("{login} is in the roster already"));
                }
                Ok(login)
            })
        })?;
        let Some(login) = login else { break };
        roster.people.insert(login, person(None, None)?.0);
    }
    services(&mut roster, &first, folder)?;
    prompt::line("");
    Ok((people::complete(roster), own_key))
}

/// Asks about a person. Returns them with their key as it was named.
fn person(email: Option<&str>, key: Option<&str>) -> anyhow::Result<(Person, Option<String>)> {
    let level = ask("level: L1, L2, L3 or none", "none", |text| {
        if text == "none" { Ok(None) } else { people::level(text).map(Some) }
    })?;
    let question = format!("roles: {}, none", ROLES.join(", "));
    let roles = ask(&question, "none", |text| match text {
        "none" => Ok(Vec::new()),
        named => roles(named),
    })?;
    let email = ask("email, as in commits", email.unwrap_or_default(), |text| {
        optional(text, people::email)
    })?;
    let question = "signing key: the public key, its file, or none";
    let key = ask(question, key.unwrap_or("none"), |text| match text {
        "none" => Ok(None),
        named => match key::public(named) {
            Ok(key) => Ok(Some((key, named.to_owned()))),
            Err(error) => Err(format!("{error:#}")),
        },
    })?;
    let (key, named) = key.unzip();
    let person = Person {
        level,
        roles,
        emails: email.into_iter().collect(),
        keys: key.into_iter().collect(),
        ..Person::default()
    };
    Ok((person, named))
}

fn roles(text: &str) -> Result<Vec<Name>, String> {
    let role = |role: &str| match role {
        "service-owner" => Err("name owners with each service, below".to_owned()),
        role => people::name(role),
    };
    text.split([',', ' ']).filter(|text| !text.is_empty()).map(role).collect()
}

fn services(roster: &mut Roster, first: &Login, folder: &str) -> anyhow::Result<()> {
    prompt::line("\nThe services, and who owns them: an owner signs off off-script changes.");
    let suggested = people::service_name(folder);
    loop {
        let (question, default) = match roster.services.is_empty() {
            true => ("service", suggested.as_str()),
            false => ("another service (empty to finish)", ""),
        };
        prompt::line("");
        let Some(name) = ask(question, default, |text| optional(text, people::name))? else {
            return Ok(());
        };
        let known = &roster.people;
        let owners = ask("owners: logins, separated by commas", first.as_str(), |text| {
            let owners = people::logins(text)?;
            match owners.iter().find(|owner| !known.contains_key(*owner)) {
                Some(stranger) => Err(format!("{stranger} isn't in the roster")),
                None => Ok(owners),
            }
        })?;
        roster.services.insert(name, Service { owners, ..Service::default() });
    }
}

fn optional<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

/// Asks until the answer is valid.
fn ask<T>(
    question: &str,
    default: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> anyhow::Result<T> {
    let default = (!default.is_empty()).then(|| default.to_owned());
    prompt::parsed(question, default, &[], parse)
}

/// Asks about files that would be overwritten, until an answer applies to all others.
#[derive(Default)]
pub struct Overwriting {
    for_the_rest: Option<bool>,
}

impl Overwriting {
    /// Returns what happens to a file.
    ///
    /// # Errors
    /// If the terminal fails.
    pub fn decide(&mut self, root: &Path, step: &FilePlan) -> anyhow::Result<Fate> {
        let question = format!(
            "{} differs: [k]eep, [o]verwrite, show [d]iff; K or O for all the rest",
            changegate::report::escape::terminal(&step.path)
        );
        let overwrites = loop {
            if let Some(overwrites) = self.for_the_rest {
                break overwrites;
            }
            match ask(&question, "k", answer)? {
                'k' => break false,
                'o' => break true,
                'd' => show_difference(&root.join(&step.path), &step.bytes)?,
                all => self.for_the_rest = Some(all == 'O'),
            }
        };
        Ok(if overwrites { Fate::Write } else { Fate::Keep("kept, as you answered".to_owned()) })
    }
}

fn answer(text: &str) -> Result<char, String> {
    let letter = match text {
        "keep" => "k",
        "overwrite" => "o",
        "diff" => "d",
        letter => letter,
    };
    match letter.chars().collect::<Vec<_>>()[..] {
        [letter] if "kodKO".contains(letter) => Ok(letter),
        _ => Err("the answers are k, o, d, K and O".to_owned()),
    }
}

/// Shows the difference between the existing file and the new one.
fn show_difference(path: &Path, wanted: &[u8]) -> anyhow::Result<()> {
    let existing = files::read(path)?;
    prompt::line(difference(&path.display().to_string(), &existing, wanted));
    Ok(())
}
