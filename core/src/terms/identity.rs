//! The names of tickets and people in a request.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The most characters of a ticket number: with the ending of Git's lock files it is a file's name.
const LONGEST: usize = 200;

/// A ticket number: `INC-001`, `INC-2026-0214-001`, `CHG-1234`, `CHG-release-v2`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct TicketId(String);

impl TicketId {
    /// Returns the number as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it names an incident.
    pub fn is_incident(&self) -> bool {
        self.0.starts_with("INC-")
    }

    /// Returns the form under which an id is unique: case-folded.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for TicketId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!(
                "`{}…` has more than {LONGEST} characters: Git can't name a branch after it",
                text.chars().take(20).collect::<String>()
            ));
        }
        if text.to_ascii_lowercase().ends_with(".lock") {
            return Err(format!(
                "`{text}` ends in `.lock`: Git can't name a branch after it, so write another ending"
            ));
        }
        if let Some(number) = text.strip_prefix("INC-") {
            is_incident_number(number).map(|()| TicketId(text.to_owned()))
        } else if text.strip_prefix("CHG-").is_some_and(is_change_name) {
            Ok(TicketId(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is not a ticket number: write INC-001 or INC-2026-0214-001 for an \
                 incident, CHG-1234 or CHG-release-v2 for a planned change"
            ))
        }
    }
}

/// Parses `(YYYY-MMDD-)?NNN…`: at least three digits, and a date that is in the calendar.
fn is_incident_number(number: &str) -> Result<(), String> {
    let digits = |text: &str, at_least: usize| {
        text.len() >= at_least && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts: Vec<_> = number.split('-').collect();
    match parts[..] {
        [number] if digits(number, 3) => Ok(()),
        [year, day, number]
            if year.len() == 4
                && day.len() == 4
                && digits(year, 4)
                && digits(day, 4)
                && digits(number, 3) =>
        {
            NaiveDate::parse_from_str(&format!("{year}{day}"), "%Y%m%d").map(|_| ()).map_err(|_| {
                format!("`INC-{number}` names the day {year}-{day}, which isn't in the calendar")
            })
        }
        _ => Err(format!(
            "`INC-{number}` is not an incident number: write INC-001 (three digits or more) or INC-2026-0214-001"
        )),
    }
}

/// Matches `[A-Za-z0-9]+([.-][A-Za-z0-9]+)*`.
fn is_change_name(name: &str) -> bool {
    name.split(['.', '-'])
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl TryFrom<Cow<'_, str>> for TicketId {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TicketId> for String {
    fn from(id: TicketId) -> String {
        id.0
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for TicketId {
    fn schema_name() -> Cow<'static, str> {
        "TicketId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "Ticket number",
            "description": "INC-NNN or INC-YYYY-MMDD-NNN for an incident, CHG-NAME for a planned change",
            "maxLength": LONGEST,
            "pattern": "^(?!.*\\.[Ll][Oo][Cc][Kk]$)(INC-([0-9]{4}-[0-9]{4}-)?[0-9]{3,}|CHG-[A-Za-z0-9]+([.-][A-Za-z0-9]+)*)$",
            "examples": ["CHG-1234", "CHG-release-v2", "INC-001", "INC-2026-0214-001"],
        })
    }
}

/// A forge login. Logins are compared without case, and kept in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Login(String);

impl Login {
    /// Returns the login in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Login {
    type Err = String;

    /// Accepts ASCII letters and digits, with `-`, `_`, `.` between them, and `[bot]` at the end of
    /// a bot's login. Anything else is refused: it could be a look-alike letter of another script.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_suffix("[bot]").unwrap_or(text);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 100 || !name.bytes().all(allowed) {
            return Err(format!(
                "`{text}` is not a login: write the forge's login, ASCII letters, digits, `-`, `_` and `.`"
            ));
        }
        Ok(Login(text.to_ascii_lowercase()))
    }
}

impl TryFrom<Cow<'_, str>> for Login {
    type Error = String;

    fn try_from(text: Cow<'_, str>) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Login> for String {
    fn from(login: Login) -> String {
        login.0
    }
}

impl std::borrow::Borrow<str> for Login {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Login {
    fn schema_name() -> Cow<'static, str> {
        "Login".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "Login",
            "description": "A forge login; case doesn't matter",
            "pattern": "^[A-Za-z0-9._-]{1,100}(\\[bot\\])?$",
            "examples": ["alice"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_numbers() {
        for id in [
            "INC-001",
            "INC-0001",
            "INC-2026-0214-001",
            "INC-2024-0229-12345",
            "CHG-1234",
            "CHG-release-v2",
            "CHG-1.2.3",
            "CHG-a",
        ] {
            assert_eq!(id.parse::<TicketId>().unwrap().as_str(), id);
        }
        for id in [
            "",
            "INC-",
            "INC-01",
            "INC-2026-0230-001",
            "INC-2023-0229-001",
            "INC-2026-1301-001",
            "INC-2026-0214-01",
            "INC-2026-214-001",
            "INC-26-0214-001",
            "INC-abc",
            "INC-001-",
            "INC-2026-0214",
            "CHG-",
            "CHG--1",
            "CHG-1-",
            "CHG-a..b",
            "CHG-a_b",
            "CHG-ä",
            "CHG-１２",
            "chg-1",
            "inc-001",
            "INC-００１",
            "TASK-1",
            "CHG-1 ",
            " CHG-1",
            "CHG-9.lock",
            "CHG-9.LOCK",
            "CHG-a.b.Lock",
            "INC-+01",
            "INC-2026-+214-001",
        ] {
            assert!(id.parse::<TicketId>().is_err(), "{id}");
        }
        assert!(
            "CHG-lock".parse::<TicketId>().is_ok() && "CHG-1.locks".parse::<TicketId>().is_ok()
        );
        let long = |length| format!("CHG-{}", "1".repeat(length)).parse::<TicketId>();
        assert!(long(LONGEST - 4).is_ok() && long(LONGEST - 3).is_err());
    }

    #[test]
    fn logins_fold_case_and_refuse_look_alikes() {
        assert_eq!("Alice".parse::<Login>().unwrap(), "alice".parse().unwrap());
        assert_eq!("Renovate[bot]".parse::<Login>().unwrap().as_str(), "renovate[bot]");
        for login in ["", "аlice", "al ice", "@alice", "a/b", "[bot]"] {
            assert!(login.parse::<Login>().is_err(), "{login}");
        }
    }
}
